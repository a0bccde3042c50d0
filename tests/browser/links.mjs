/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * links.mjs - routes can be linked, the keyboard reaches everything, and pages of a list stay true while it grows.
 */
import { SITE, another, api, check, holds, listedBot, open, quiet, same, settled, tab, until } from './world.mjs';

const addresses = (page) => page.locator('.senders tbody th a').evaluateAll((all) => all.map((a) => a.textContent));

async function deep(browser) {
	const routes = { 'sender/198.18.140.12': '198.18.140.12 · mxtrap', 'senders/cleared%20climbed': 'cleared climbed · Senders · mxtrap', audit: 'Audit · mxtrap',
		'search/noticed': 'noticed · Senders · mxtrap', 'consumers/postfix': 'Consumers · mxtrap', 'sender/2001:db8:11e::1': '2001:db8:11e::/64 · mxtrap' };

	for (const [route, title] of Object.entries(routes))
		await check(`#/${route} can be opened from outside`, async () => {
			const { page, context, complaints } = await tab(browser);
			await open(page, route);
			await until('its title', async () => await page.title() === title);
			await quiet(page, complaints);
			await context.close();
		});
	await check('a sender that was never seen is said to be that, and not an error', async () => {
		const { page, context } = await tab(browser);
		await page.goto(SITE + '/#/sender/203.0.113.250');
		await page.getByText('Nothing was ever seen from this address').waitFor();
		await context.close();
	});
	await check('a search that cannot be is told why', async () => {
		const { page, context } = await tab(browser);
		await open(page, 'senders/thisisnoword');
		await page.getByText('This search is not possible').waitFor();
		await context.close();
	});
}

async function keys(browser) {
	await check('from the first tab stop the keyboard skips to the content', async () => {
		const { page, context } = await tab(browser);
		await open(page, '');
		await page.keyboard.press('Tab');
		await page.keyboard.press('Enter');
		same(await page.evaluate(() => document.activeElement.id), 'main', 'what has the focus');
		await context.close();
	});
	await check('each page of the menu is reached and entered by keys alone', async () => {
		const { page, context } = await tab(browser);
		await open(page, '');
		const names = await page.locator('#nav a').evaluateAll((all) => all.map((a) => a.dataset.page));
		holds(names.length >= 9, 'the menu has all pages');
		for (const name of names) {
			await page.locator(`#nav a[data-page="${name}"]`).focus();
			await page.keyboard.press('Enter');
			await until('it is shown', () => page.evaluate((n) => document.querySelector('#nav [aria-current]').dataset.page === n, name));
			await settled(page);
		}
		await context.close();
	});
	await check('the arrow keys read a chart column by column', async () => {
		const { page, context } = await tab(browser);
		await open(page, '');
		const chart = page.locator('figure[aria-labelledby="hours-title"]');
		await chart.locator('canvas').waitFor();
		await chart.focus();
		await page.keyboard.press('ArrowLeft');
		await chart.locator('.when:not(:empty)').waitFor();
		await context.close();
	});
	await check('a chart turns into a table, and says what it shows', async () => {
		const { page, context } = await tab(browser);
		await open(page, '');
		for (const id of ['hours', 'flow']) {
			holds((await page.locator(`#${id}-says`).textContent()).length > 20, `${id} says something`);
			await page.locator(`[data-table="${id}"]`).click();
			holds(await page.locator(`section[aria-labelledby="${id}-title"] table tbody tr`).count() > 0, `${id} has rows`);
		}
		await context.close();
	});
	await check('the colours follow the system, until they are chosen', async () => {
		const { page, context } = await tab(browser, { colorScheme: 'dark' });
		const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
		await open(page, '');
		const dark = await ground();
		await page.locator('#theme').click();
		const light = await ground();
		holds(light !== dark, 'light differs from dark');
		await page.reload();
		await settled(page);
		same(await ground(), light, 'the choice is kept');
		await context.close();
	});
	await check('times are the reader\'s, with UTC beside them', async () => {
		const { page, context } = await tab(browser, { timezoneId: 'Asia/Tokyo' });
		await open(page, 'sender/198.18.140.12');
		const first = page.locator('.facts time').first();
		const [text, title, iso] = [await first.textContent(), await first.getAttribute('title'), await first.getAttribute('datetime')];
		const hour = (new Date(iso).getUTCHours() + 9) % 24;
		/* Of today, the clock alone. */
		holds(` ${text}`.includes(` ${String(hour).padStart(2, '0')}:`), `${text} is ${iso} in Tokyo`);
		holds(title.endsWith('UTC') && title.startsWith(iso.slice(0, 10)), title);
		await context.close();
	});
}

async function paging(browser) {
	await check('pages of a list neither repeat nor skip while senders are added', async () => {
		const { page, context, complaints } = await tab(browser);
		await open(page, 'senders');
		await page.locator('[data-more]').waitFor();
		const first = await addresses(page);
		same(first.length, 50, 'senders of the first page');
		/* Two that sort before, one that sorts behind what is shown. */
		for (const a of ['198.18.0.66', '198.18.6.66', '198.18.250.66'])
			await listedBot(a);
		let shown = first;
		while (await page.locator('[data-more]').count() > 0 && shown.length < 400) {
			await page.locator('[data-more]').click();
			const before = shown.length;
			await page.waitForFunction((n) => document.querySelectorAll('.senders tbody tr').length > n || !document.querySelector('[data-more]'), before);
			shown = await addresses(page);
		}
		same(shown.filter((a, i) => shown.indexOf(a) !== i), [], 'senders twice');
		same(first.filter((a) => !shown.includes(a)), [], 'senders lost');
		for (const a of ['198.18.0.66', '198.18.6.66'])
			holds(shown.includes(a), `${a} is there`);
		await quiet(page, complaints);
		await context.close();
	});
	await check('the way back from a sender leads to where the list was left', async () => {
		const { page, context } = await tab(browser);
		await open(page, 'senders');
		await page.locator('[data-more]').click();
		await until('more are shown', async () => (await addresses(page)).length > 50);
		const before = (await addresses(page)).length, link = page.locator('.senders tbody th a').nth(before - 2);
		await link.scrollIntoViewIfNeeded();
		await until('that is remembered', () => page.evaluate(() => history.state?.y > 500 && history.state.y === window.scrollY));
		const y = await page.evaluate(() => window.scrollY);
		await link.click();
		await page.locator('.timeline').waitFor();
		await page.goBack();
		await until('it is where it was', async () => Math.abs(await page.evaluate(() => window.scrollY) - y) < 3 && (await addresses(page)).length >= before);
		await context.close();
	});
	await check('the words of a search find what the API finds', async () => {
		const { page, context } = await tab(browser);
		for (const words of ['198.18.140.0/24', 'noticed backup_first', 'set:s22.trap.example cleared']) {
			await open(page, 'senders/' + encodeURIComponent(words));
			const { entries } = await api(`/api/v1/senders?query=${encodeURIComponent(words)}&limit=50`);
			holds(entries.length > 0, `${words} finds somebody`);
			await until(words, async () => JSON.stringify(await addresses(page)) === JSON.stringify(entries.map((e) => e.cidr.replace(/\/(32|128)$/, ''))));
		}
		await context.close();
	});
	await check('a number of the overview leads to those whom it counts', async () => {
		const { page, context } = await tab(browser);
		await open(page, '');
		await page.locator('.tile.listed').click();
		await page.locator('h1', { hasText: 'Senders' }).waitFor();
		await page.locator('.chip[aria-current="true"]', { hasText: 'Listed' }).waitFor();
		await context.close();
	});
	await check('an update moves nothing that the reader looks at', async () => {
		const { page, context } = await tab(browser);
		await open(page, '');
		const at = () => page.evaluate(() => [...document.querySelectorAll('.tile, .sight > *, .state-box')].map((n) => Math.round(n.getBoundingClientRect().top)));
		await page.locator('.tile').first().waitFor();
		await until('the charts are there', () => page.locator('canvas').count());
		await until('mail at risk was looked at', async () => !/being counted/.test(await page.locator('.tile.risk').textContent()));
		const before = await at();
		const listed = await page.locator('.tile.listed .value').textContent();
		await listedBot('198.18.203.66');
		await until('it is counted', async () => await page.locator('.tile.listed .value').textContent() !== listed, 150000);
		same(await at(), before, 'where things stand');
		await context.close();
	});
}

async function sentences(browser) {
	const at = Math.floor(Date.now() / 86400000) * 86400 + 3600;
	const since = `since ${new Date(at * 1000).toISOString().slice(11, 16)} UTC`;
	const texts = { [`The real MX mx1 has not answered ${since}: judging is suspended.`]: /has not answered since ([0-9]+ [A-Z][a-z]+, )?10:00: judging is suspended\.$/,
		'The decoy mx0 is silent.': /is silent \(since ([0-9]+ [A-Z][a-z]+, )?10:00\)\.$/, 'Nothing leaves before 10:42 UTC: too young.': /^Nothing leaves before 10:42 UTC: too young\.$/ };

	await check('a time in the sentence of state is told once, in the reader\'s zone', async () => {
		for (const [text, found] of Object.entries(texts)) {
			const { page, context } = await tab(browser, { timezoneId: 'Asia/Tokyo' });
			await another(page, (o) => ({ ...o, says: { level: 'bad', text, since: at, more: [] } }));
			await open(page, '');
			const says = await page.locator('.says-now .first').textContent();
			holds(found.test(says), `${text} is shown as ${says}`);
			await context.close();
		}
	});
	await check('what wants a look leads to the page that shows it, whatever stands above it', async () => {
		const { page, context } = await tab(browser);
		const more = [{ level: 'note', text: '110 senders may be mail servers whose mail did not arrive: see `mxtrap risk`.', since: null, page: 'risk' },
			{ level: 'note', text: '12 senders are listed, and no consumer has fetched the list yet: nobody is blocked.', since: null, page: 'consumers' }];
		await another(page, (o) => ({ ...o, says: { level: 'bad', text: 'The decoy mx0 is silent.', since: null, page: 'ladder', more } }));
		await open(page, '');
		same(await page.locator('.says-now li').allTextContents(), ['110 senders may be mail servers whose mail did not arrive: see mxtrap risk. Show them',
			'12 senders are listed, and no consumer has fetched the list yet: nobody is blocked. Consumers'], 'what wants a look');
		await open(page, 'audit');
		await page.locator('#notice', { hasText: 'The decoy mx0 is silent.' }).waitFor();		/* what is bad stands on each page */
		await open(page, '');
		await page.locator('#notice[hidden]').waitFor({ state: 'attached' });
		await page.locator('.says-now li a').first().click();
		await page.locator('h1', { hasText: 'Mail at risk' }).waitFor();
		await context.close();
	});
	await check('the ways over the rungs add up to the visits', async () => {
		const { page, context } = await tab(browser, { viewport: { width: 1600, height: 1000 } });
		await another(page, (o) => ({ ...o, flow: { ...o.flow, visits: 31, routes: [{ route: ['nolisting', 'real'], visits: 16, reached_real: 12 }, { route: ['nolisting'], visits: 8, reached_real: 0 },
			{ route: ['nolisting', 'bogus'], visits: 4, reached_real: 0 }, { route: ['bogus'], visits: 2, reached_real: 0 }, { route: ['real'], visits: 1, reached_real: 1 }] } }));
		await open(page, '');
		same(await page.locator('#flow-says').textContent(), 'Of 31 visits in the last 24 hours 16 climbed to the real MX, 2 started at the bogus backup, 8 gave up before the real MX, ' +
			'4 passed it by to the bogus backup, 1 went straight to it. In 13 the handshake with the real MX was completed.', 'the sentence');
		await page.locator('.flow text', { hasText: /^reached the real MX 13$/ }).waitFor({ state: 'attached' });
		await page.locator('.flow text', { hasText: /^never reached it 18$/ }).waitFor({ state: 'attached' });
		await context.close();
	});
}

export default async function links(browser) {
	await listedBot('198.18.200.66');
	await until('it is in the sums', async () => (await api('/api/v1/series')).hours.length > 0);
	await deep(browser);
	await keys(browser);
	await sentences(browser);
	await paging(browser);
}
