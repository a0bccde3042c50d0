/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * paint.mjs - milliseconds until the overview says something: its sentence, its numbers and the ladder, painted.
 *
 * For tests/bench/state.sh: prints "median slowest n" of n tabs, each with an empty cache.
 */
import { SITE, launch, tab } from './world.mjs';

const TABS = 15;
const browser = await launch();
const times = [];

for (let i = 0; i < TABS + 1; i++) {
	const { page, context } = await tab(browser, { viewport: { width: 1280, height: 900 } });
	await page.addInitScript(() => {
		const said = () => ['.says-now', '.tile .value', '.rung'].every((s) => document.querySelector(s));
		window.painted = new Promise((resolve) => {
			const look = new MutationObserver(() => {
				if (!said())
					return;
				look.disconnect();
				/* The frame after the next: the next one has been painted by then. */
				requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
			});
			look.observe(document, { childList: true, subtree: true });
		});
	});
	await page.goto(SITE, { waitUntil: 'commit' });
	times.push(await page.evaluate(() => window.painted));
	await context.close();
}
await browser.close();
times.shift();			/* the browser's own start */
times.sort((a, b) => a - b);
console.log(`${Math.round(times[TABS >> 1])} ${Math.round(times.at(-1))} ${TABS}`);
