/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tour.mjs WORLD WORDS [good] - each page of the dashboard of an mxtrapd that is not well: none says that it is.
 *
 * WORDS: a pattern that the page has to say on top, in the sentence of state, the notice or the banner; "": only the
 * overview has to say something.  With "good" all is well, and the overview says WORDS: else this would prove nothing.
 */
import { SITE, check, failures, holds, launch, same, tab, until } from './world.mjs';

const [world, words, good] = process.argv.slice(2);
const ROUTES = ['', 'live', 'senders', 'senders/listed', 'risk', 'consumers', 'ladder', 'origins', 'audit', 'about'];
const WELL = /all quiet|all is well|nothing is known to be wrong/i;
const browser = await launch();

/* Drawn, or said why not. */
const settled = (page) => page.waitForFunction(() => document.querySelector('main h1') &&
	(document.getElementById('live').classList.contains('ok') || document.getElementById('live').classList.contains('bad')));
/* What stands on top, read as a person reads it: what is hidden says nothing. */
const top = (page) => page.evaluate(() => [...document.querySelectorAll('#banner:not([hidden]), #notice:not([hidden]), .says-now')].map((n) => n.innerText).join(' '));

try {
	const { page } = await tab(browser);
	await page.goto(SITE);
	for (const route of ROUTES)
		await check(`${world}: the page #/${route} ${good ? 'says that all is well' : 'does not say that all is well'}`, async () => {
			await page.evaluate((hash) => { location.hash = hash; }, '#/' + route);
			await settled(page);
			if (words !== '' && (!good || route === ''))
				await until(`it says ${words}`, async () => new RegExp(words).test(await top(page)), 60000);
			const body = await page.evaluate(() => document.body.innerText);
			if (good)
				same(await page.locator('#live.ok').count(), 1, 'its light');
			else
				holds(!WELL.test(body), `it says "${WELL.exec(body)?.[0]}"`);
			if (route === '' && !good)
				await until('the first page says something', async () => (await top(page)).trim() !== '', 60000);
		});
} finally {
	await browser.close();
}
process.exit(failures() > 0 ? 1 : 0);
