/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live.mjs - the stream of events: what comes, what is filtered, paused, and resumed across a restart of mxtrapd.
 */
import { bot, check, crowd, holds, listedBot, open, same, tab, trapStart, trapStop, until } from './world.mjs';

const lines = (page, text) => page.locator('.live-table tbody tr:not([hidden])', { hasText: text });

export default async function live(browser) {
	const { page, context, complaints } = await tab(browser);

	await check('an attempt is shown as it comes, and leads to its sender', async () => {
		await open(page, 'live');
		await page.locator('.stream.open').waitFor();
		await bot('reverse', '198.18.220.66');
		await lines(page, '198.18.220.66').nth(2).waitFor();
		holds((await lines(page, '198.18.220.66').allTextContents()).some((t) => t.includes('real MX')), 'its rungs are named');
	});
	await check('so is what becomes of the sender', async () => {
		await bot('backup-first', '198.18.221.66');
		await page.locator('.live-table tr.change.listed', { hasText: '198.18.221.66' }).waitFor();
	});
	await check('a change has its new state where states stand', async () => {
		const change = page.locator('.live-table tr.change.listed', { hasText: '198.18.221.66' }).first();
		same(await change.locator('[data-name="State"]').textContent(), 'listed', 'its State');
		holds(/score [0-9]/.test(await change.locator('[data-name="What"]').textContent()), 'its score stands with what happened');
	});
	await check('filters hide what does not match, and nothing is lost by them', async () => {
		const all = await page.locator('.live-table tbody tr').count();
		await page.getByLabel('Rung').selectOption('real');
		holds(await lines(page, 'bogus backup').count() === 0 && await lines(page, 'real MX').count() > 0, 'only the real MX');
		await page.getByLabel('Rung').selectOption('');
		await page.getByLabel('Sender', { exact: true }).fill('198.18.221.');
		same(await lines(page, '198.18.220.66').count(), 0, 'lines of another sender');
		await page.getByLabel('Sender', { exact: true }).fill('');
		await page.getByLabel('only changes of the list').check();
		same(await page.locator('.live-table tr.attempt:not([hidden])').count(), 0, 'attempts');
		await page.getByLabel('only changes of the list').uncheck();
		holds(await page.locator('.live-table tbody tr:not([hidden])').count() >= all, 'all of them are there again');
	});
	await check('while paused nothing moves, and then all of it is there', async () => {
		await page.locator('[data-pause]').click();
		await bot('backup-first', '198.18.222.66');
		await page.locator('[data-pause]', { hasText: /new/ }).waitFor();
		same(await lines(page, '198.18.222.66').count(), 0, 'lines while paused');
		await page.locator('[data-pause]').click();
		await lines(page, '198.18.222.66').first().waitFor();
	});
	await check('more than can be read are counted', async () => {
		await crowd(120);
		await page.getByText(/more attempts came than can be shown/).waitFor();
	});
	await check('the stream goes on across a restart of mxtrapd, with what was missed', async () => {
		await trapStop();
		await page.locator('.stream.waiting').waitFor();
		await page.locator('#live.bad').waitFor();
		await trapStart();
		await listedBot('198.18.223.66');		/* perhaps before the stream is back */
		await page.locator('.stream.open').waitFor({ timeout: 200000 });
		await page.locator('.live-table tr.change.listed', { hasText: '198.18.223.66' }).waitFor({ timeout: 200000 });
	});
	await check('each page says that the server is away, also one that asks for nothing now, and gets well by itself', async () => {
		const others = [];
		for (const route of ['risk', 'live', 'about']) {
			const other = await context.newPage();
			await open(other, route);
			others.push(other);
		}
		await open(page, '');
		await trapStop();
		for (const p of [page, ...others]) {
			await p.bringToFront();
			await p.locator('#banner:not([hidden])', { hasText: 'cannot be reached' }).waitFor();
			await p.locator('#live.bad').waitFor();
		}
		await trapStart();
		for (const p of [page, ...others]) {
			await p.bringToFront();
			await p.locator('#banner[hidden]').waitFor({ state: 'attached', timeout: 200000 });
			await p.locator('#live.ok').waitFor({ timeout: 200000 });
			if (p !== page)
				await p.close();
		}
	});
	await check('a click on a line opens its sender', async () => {
		await open(page, 'live');
		await page.locator('.stream.open').waitFor();
		await bot('primary-only', '198.18.224.66');
		await lines(page, '198.18.224.66').first().locator('a').click();
		await page.locator('h1', { hasText: '198.18.224.66' }).waitFor();
		await until('only the outage was complained about', () => complaints.every((c) => /ERR_|Failed to load resource/.test(c)));
	});
	await context.close();
}
