/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proxy.mjs - the dashboard under a path of another host name: a proxy that does what nginx does by default, with
 * Host rewritten and nothing served at its root.
 */
import { createServer, request } from 'node:http';
import { SITE, TOKEN, api, bot, check, holds, listedBot, quiet, same, settled, stateOf, tab, until } from './world.mjs';

const PATH = '/mxtrap';
const BOT = '198.18.230.66';

/* { base, outside, close }: outside has what was asked for beside the path. */
function proxy() {
	const outside = [], { host } = new URL(SITE);
	const server = createServer((req, res) => {
		if (!req.url.startsWith(PATH + '/')) {
			outside.push(req.url);
			res.writeHead(404).end();
			return;
		}
		const up = request(SITE + req.url.slice(PATH.length), { method: req.method, headers: { ...req.headers, host } }, (answer) => {
			res.writeHead(answer.statusCode, answer.headers);
			res.flushHeaders();
			answer.pipe(res);
		});
		up.on('error', () => res.destroy());
		res.on('close', () => up.destroy());
		req.pipe(up);
	});
	return new Promise((resolve) => {
		server.listen(0, '127.0.0.1', () => resolve({ base: `http://127.0.0.1:${server.address().port}${PATH}`, outside, close: () => {
			server.closeAllConnections();
			server.close();
		} }));
	});
}

export default async function underAPath(browser) {
	await listedBot('198.18.229.66');
	await until('it is counted by country', async () => (await api('/api/v1/breakdown?by=country&state=listed')).rows?.length > 0, 30000);
	const { base, outside, close } = await proxy();
	const { page, context, complaints } = await tab(browser, {}, base);

	await check('under a path of a proxy each page opens, by a link from outside too', async () => {
		for (const route of ['', 'live', 'senders/listed', 'sender/198.18.140.12', 'risk', 'consumers', 'ladder', 'origins', 'audit', 'about']) {
			await page.goto('about:blank');
			await page.goto(`${base}/#/${route}`);
			await settled(page);
		}
		same(outside, [], 'what was asked for beside the path');
	});
	await check('under a path the links, the licences and the map lead somewhere', async () => {
		const links = await page.locator('a[href]').evaluateAll((all) => all.map((a) => a.href));
		for (const url of new Set(links.filter((l) => !l.includes('#'))))
			same([url, (await fetch(url)).status], [url, 200], 'a link');
		holds(links.some((l) => l === `${base}/notices.txt`) && links.some((l) => l === `${base}/export/plain`), 'they are below the path');
		await page.goto(`${base}/#/origins`);
		await page.locator('.tree rect').first().waitFor();
		await page.locator('summary', { hasText: 'Map' }).click();
		await page.locator('.world path').first().waitFor();
	});
	await check('under a path events come at once, and the guides name the address by which the reader came', async () => {
		await page.goto(`${base}/#/live`);
		await page.locator('.stream.open').waitFor();
		await bot('reverse', BOT);
		await page.locator('.live-table tbody tr', { hasText: BOT }).first().waitFor();
		await page.goto(`${base}/#/consumers`);
		await page.locator('.guide-text code', { hasText: base + '/' }).first().waitFor({ state: 'attached' });
	});
	await check('under a path a button does what it says, and undoes it', async () => {
		await page.goto(`${base}/#/sender/${BOT}`);
		await page.locator('[data-act="allow"]').click();
		await page.locator('dialog button[type="submit"]').click();
		await page.locator('input[name="token"]').fill(TOKEN);
		await page.locator('input[name="token"]').press('Enter');
		await page.locator('h1 .pill.allowed').waitFor();
		await page.locator('.toast button', { hasText: 'Undo' }).click();
		await until('it is no longer allowed', async () => await stateOf(BOT) !== 'allowed');
		same(outside, [], 'what was asked for beside the path');
		await quiet(page, complaints);
	});
	await context.close();
	close();
}
