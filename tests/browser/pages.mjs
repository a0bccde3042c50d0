/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pages.mjs - each page in both colour schemes and at three widths: pictures, accessibility, width, console.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { SHOTS, api, check, holds, listedBot, open, quiet, same, settled, tab, bot, until } from './world.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const BOT = '198.18.201.66';
const PAGES = { live: 'live', senders: 'senders/noticed', sender: `sender/${BOT}`, cleared: 'sender/198.18.140.12', risk: 'risk',
	consumers: 'consumers/nftables', ladder: 'ladder', origins: 'origins', audit: 'audit', about: 'about', missing: 'nowhere', overview: '' };
const WIDTHS = [360, 1024, 2560];

async function violations(page) {
	await page.evaluate(axe);
	const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
	return found.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(', ')}`);
}

/* As the page is, and as it is when every chart is a table and all is unfolded. */
async function unfold(page) {
	await page.evaluate(() => {
		for (const b of document.querySelectorAll('[data-table]:not([hidden])[aria-pressed="false"]'))
			b.click();
		for (const d of document.querySelectorAll('main details:not([hidden])'))
			d.open = true;
	});
}

export default async function pages(browser) {
	const habits = ['reverse', 'parallel', 'primary-only', 'decoys-only', 'backup-first', 'random', 'reverse', 'backup-first', 'backup-first'];
	await Promise.all([listedBot(BOT), ...habits.map((habit, i) => bot(habit, `198.18.${10 + 25 * i}.66`))]);
	await until('it is counted by country', async () => (await api('/api/v1/breakdown?by=country&state=listed')).rows?.length > 0, 200000);
	const { page, complaints } = await tab(browser, { reducedMotion: 'reduce' });

	for (const [name, route] of Object.entries(PAGES)) {
		const wide = [], broken = [];
		await check(`${name}: opens, and has a heading and a title`, async () => {
			await open(page, route);
			if (name === 'origins')
				await page.locator('.tree rect').first().waitFor();
			if (name === 'live') {
				await page.locator('.stream.open').waitFor();
				await bot('reverse', '198.18.202.66');
				await page.locator('.live-table tbody tr').first().waitFor();
			}
			same(await page.locator('main h1').count(), 1, 'headings of the first order');
			holds((await page.title()).endsWith('mxtrap'), 'its title');
		});
		for (const scheme of ['light', 'dark']) {
			await page.emulateMedia({ colorScheme: scheme });
			for (const width of WIDTHS) {
				await page.setViewportSize({ width, height: 900 });
				await settled(page);
				await page.waitForFunction(() => [...document.querySelectorAll('.picture')].every((b) => !b.offsetWidth || Number(b.dataset.width) === b.clientWidth));
				const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
				if (over > 0)
					wide.push(`${over} px too wide at ${width}, ${scheme}`);
				if ((scheme === 'light') === (width === 1024) && width !== 2560)
					broken.push(...(await violations(page)).map((v) => `${scheme} ${width}: ${v}`));
				await page.screenshot({ path: `${SHOTS}/${name}-${scheme}-${width}.png`, fullPage: width === 1024, animations: 'disabled' });
			}
		}
		await page.setViewportSize({ width: 1024, height: 800 });
		await unfold(page);
		broken.push(...(await violations(page)).map((v) => `unfolded: ${v}`));
		await check(`${name}: nothing is wider than the window`, () => same(wide, [], 'widths'));
		await check(`${name}: axe-core finds no violation in light and dark`, () => same(broken, [], 'violations'));
	}
	await check('no page had anything to complain about', () => quiet(page, complaints));
	await page.context().close();
}
