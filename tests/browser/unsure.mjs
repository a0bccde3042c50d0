/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unsure.mjs - what the page does not know it does not say: answers of somebody else, old answers, another database,
 * a browser whose clock is wrong, a tab that was asleep.
 */
import { TOKEN, another, api, check, holds, open, quiet, same, stateOf, tab, until } from './world.mjs';

const DAY_MS = 86400000;
const banner = (page, text) => page.locator('#banner:not([hidden])', { hasText: text });
/* Nothing on the page says that all is well, and its light is not green. */
async function sure(page) {
	return await page.locator('#live.ok').count() > 0 || /all quiet|nothing is known to be wrong/i.test(await page.evaluate(() => document.body.innerText));
}
/* It asks again now, and not at its next turn. */
const ask = (page) => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));

async function others(browser) {
	const refusals = { 'the sign-in page of a proxy': [{ status: 200, contentType: 'text/html', body: '<!doctype html><form>Sign in</form>' }, 'Not mxtrapd, but something between'],
		'a 401 of a proxy': [{ status: 401, contentType: 'text/html', body: '<h1>Unauthorized</h1>' }, 'sign in at a proxy'],
		'a 403 of a proxy': [{ status: 403, contentType: 'text/html', body: '<h1>Forbidden</h1>' }, 'sign in at a proxy'],
		'a 503 of mxtrapd': [{ status: 503, contentType: 'application/problem+json', body: '{"status":503,"detail":"the database is locked"}' }, 'the database is locked'],
		'a 502 of a proxy': [{ status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' }, 'HTTP 502'] };
	const { page, context } = await tab(browser);
	const path = '**/api/v1/overview', well = { level: 'ok', text: 'All quiet.', since: null, page: null, more: [] };

	for (const [name, [answer, text]] of Object.entries(refusals))
		await check(`${name} is no news: the page says so, and no longer that all is well`, async () => {
			await another(page, (o) => ({ ...o, says: well }));
			await open(page, '');
			await ask(page);
			await page.locator('.says-now:not([hidden])', { hasText: 'All quiet.' }).waitFor();
			await page.unrouteAll({ behavior: 'ignoreErrors' });
			await page.route(path, (route) => route.fulfill(answer));
			await ask(page);
			await banner(page, text).waitFor();
			await page.locator('#live.bad').waitFor();
			holds(!await sure(page), 'it still says that all is well');
			await page.unrouteAll({ behavior: 'ignoreErrors' });
			await ask(page);
			await page.locator('#live.ok').waitFor();
			same(await page.locator('.says-now:not([hidden])').count(), 1, 'sentences of state, once it is back');
		});
	await context.close();
}

async function acts(browser) {
	await check('an act that somebody else answers is not said to be done', async () => {
		const { page, context } = await tab(browser);
		await page.addInitScript((token) => sessionStorage.setItem('mxtrap-token', token), TOKEN);
		await open(page, 'sender/198.18.140.12');
		await page.route('**/api/v1/allow', (route) => route.fulfill({ status: 200, contentType: 'text/html', body: '<form>Sign in</form>' }));
		await page.locator('[data-act="allow"]').click();
		await page.locator('dialog button[type="submit"]').click();
		await page.locator('dialog .problem', { hasText: 'look at the audit' }).waitFor();
		same(await page.locator('.toast').count(), 0, 'messages that it was done');
		same(await stateOf('198.18.140.12') === 'allowed', false, 'it is allowed');
		await context.close();
	});
}

async function old(browser) {
	await check('an answer that is repeated by a cache is taken for what it is', async () => {
		const t = await tab(browser);
		/* The page's clocks run sixty times as fast: what takes a minute takes a second. */
		await t.page.addInitScript(() => {
			const began = performance.now(), steady = performance.now.bind(performance);
			performance.now = () => began + (steady() - began) * 60;
		});
		const frozen = await api('/api/v1/overview');
		await t.page.route('**/api/v1/overview', (route) => route.fulfill({ json: frozen }));
		await open(t.page, '');
		await until('that is seen', async () => {
			await ask(t.page);
			return await banner(t.page, 'come from a cache').count() > 0;
		});
		holds(!await sure(t.page), 'it still says that all is well');
		await t.page.unrouteAll({ behavior: 'ignoreErrors' });
		await ask(t.page);
		await t.page.locator('#live.ok').waitFor();
		await t.context.close();
	});
	await check('with another database the page begins again, and says it', async () => {
		const t = await tab(browser);
		await open(t.page, 'risk');
		const drawn = await t.page.evaluate(() => { document.querySelector('main h1').dataset.old = 'yes'; return true; });
		holds(drawn, 'the page is drawn');
		await another(t.page, (o) => ({ ...o, generation: '00000000000000aa' }));
		await ask(t.page);
		await t.page.locator('.toast', { hasText: 'another database' }).waitFor();
		await t.page.locator('main h1:not([data-old])').waitFor();
		await t.page.unrouteAll({ behavior: 'ignoreErrors' });
		await t.context.close();
	});
	for (const days of [-1, 1])
		await check(`a browser whose clock is a day ${days < 0 ? 'behind' : 'ahead'} shows the same days and ages as any other`, async () => {
			const shown = [];
			for (const off of [0, days * DAY_MS]) {
				const { page, context, complaints } = await tab(browser);
				await page.addInitScript((ms) => {
					const True = Date;
					window.Date = class extends True {
						constructor(...args) {
							super(...(args.length > 0 ? args : [True.now() + ms]));
						}
						static now() {
							return True.now() + ms;
						}
					};
				}, off);
				await open(page, 'sender/198.18.140.12');
				await until('its times are those of mxtrapd\'s day', async () => {
					const text = await page.locator('.facts time').allTextContents();
					shown[off === 0 ? 0 : 1] = text;
					return off === 0 || JSON.stringify(text) === JSON.stringify(shown[0]);
				}, 20000);
				await quiet(page, complaints);
				await context.close();
			}
			same(shown[1], shown[0], 'the times');
		});
	await check('a tab that is woken says nothing of now before it has asked', async () => {
		const { page, context } = await tab(browser);
		await page.addInitScript(() => {
			const steady = performance.now.bind(performance);
			window.slept = 0;
			performance.now = () => steady() + window.slept;
		});
		await open(page, '');
		let go;
		const waiting = new Promise((resolve) => { go = resolve; });
		await page.route('**/api/v1/overview', async (route) => { await waiting; await route.continue().catch(() => {}); });
		await page.evaluate(() => {
			window.slept = 3600000;
			document.dispatchEvent(new Event('visibilitychange'));
		});
		same(await page.locator('#live').textContent(), 'asking again', 'the light');
		same(await page.locator('.says-now:not([hidden])').count(), 0, 'sentences of state');
		go();
		await page.locator('#live.ok').waitFor();
		same(await page.locator('.says-now:not([hidden])').count(), 1, 'sentences of state, once it has asked');
		await page.unrouteAll({ behavior: 'ignoreErrors' });
		await context.close();
	});
	await check('while nobody watches the light is not green, whatever was drawn', async () => {
		const { page, context } = await tab(browser);
		await open(page, 'senders');
		await another(page, (o) => ({ ...o, state: { ...o.state, watched: 'silent' } }));
		await ask(page);
		await page.locator('#live.bad', { hasText: 'nothing is watched' }).waitFor();
		await page.unrouteAll({ behavior: 'ignoreErrors' });
		await context.close();
	});
}

export default async function unsure(browser) {
	await others(browser);
	await acts(browser);
	await old(browser);
}
