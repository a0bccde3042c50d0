/* SPDX-License-Identifier: GPL-2.0-or-later */
/* weight.mjs - how heavy the page is, and how soon it says something. */
import { SITE, check, holds, open, tab } from './world.mjs';

const MOST = 120 * 1000;

export default async function weight(browser) {
	await check(`the first page weighs at most ${MOST} bytes, compressed, and asks for no map`, async () => {
		const { page, context } = await tab(browser);
		const sizes = new Map();
		const session = await context.newCDPSession(page);
		const urls = new Map();
		await session.send('Network.enable');
		session.on('Network.responseReceived', (e) => urls.set(e.requestId, e.response.url));
		session.on('Network.loadingFinished', (e) => sizes.set(urls.get(e.requestId), e.encodedDataLength));
		await open(page, '');
		const files = [...sizes].filter(([url]) => !url.includes('/api/'));
		const sum = files.reduce((n, [, size]) => n + size, 0);
		console.log(`     ${sum} bytes in ${files.length} files: ${files.map(([url, size]) => url.replace(SITE, '') + ' ' + size).join(', ')}`);
		holds(sum <= MOST, `it weighs ${sum}`);
		holds(!files.some(([url]) => /countries|worldmap/.test(url)), 'the map came with it');
		await context.close();
	});
	await check('it says how things stand soon after it is asked for', async () => {
		const { page, context } = await tab(browser);
		await page.goto(SITE);
		await page.locator('.says-now').waitFor();
		const ms = await page.evaluate(() => Math.round(performance.now()));
		const paint = await page.evaluate(() => Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1));
		console.log(`     first contentful paint ${paint} ms, the sentence of state at most ${ms} ms after the request`);
		await context.close();
	});
}
