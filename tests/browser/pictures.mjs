/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pictures.mjs - the pictures of docs/dashboard.md, from a site with a few minutes of life. */
import { SHOTS, TOKEN, api, bot, launch, open, tab, until } from './world.mjs';

const HABITS = ['backup-first', 'reverse', 'primary-only', 'parallel', 'backup-first', 'decoys-only', 'random', 'backup-first'];

async function life() {
	for (let round = 0; round < 12; round++)
		await Promise.all([0, 1, 2, 3].map((i) => bot(HABITS[(round * 4 + i) % HABITS.length], i === 3 && round % 3 === 0 ?
			`2001:db8:18${(round + 16).toString(16)}::66` : `198.18.${(round * 4 + i) * 5 % 250}.66`)));
	await until('their visits have ended', async () => (await api('/api/v1/overview')).flow.visits > 20, 60000);
	await until('places are counted', async () => (await api('/api/v1/breakdown?by=country&state=listed')).rows.length > 2, 60000);
	await api('/api/v1/risk?limit=1');
}

const browser = await launch();
const { page } = await tab(browser, { viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce', deviceScaleFactor: 1 });
const take = (name, options = {}) => page.screenshot({ path: `${SHOTS}/${name}.png`, animations: 'disabled', ...options });

/* A consumer, so that its page has one; and one thing done by hand. */
await fetch('http://127.0.0.1:8725/export/plain', { headers: { Authorization: `Bearer ${TOKEN}`, 'User-Agent': 'edge-1/fetch' } });
await open(page, 'live');
await page.locator('.stream.open').waitFor();
await life();
await take('live');
await fetch('http://127.0.0.1:8725/export/nftables', { headers: { Authorization: `Bearer ${TOKEN}`, 'User-Agent': 'edge-1/nft' } });
await fetch('http://127.0.0.1:8725/api/v1/allow', { method: 'POST', headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' },
	body: JSON.stringify({ cidr: '198.18.20.66', for: '30d', note: 'a customer, ticket 4711' }) });
await open(page, '');
await page.setViewportSize({ width: 1600, height: 1270 });
await page.locator('.flow').waitFor();
await page.locator('.latest tbody tr').first().waitFor();
await page.locator('canvas').waitFor();
await page.waitForFunction(() => [...document.querySelectorAll('.picture')].every((b) => Number(b.dataset.width) === b.clientWidth));
await take('overview');
await page.emulateMedia({ colorScheme: 'dark' });
const listed = (await api('/api/v1/list?state=listed&limit=50')).entries.sort((a, b) => b.reasons.length - a.reasons.length)[0].cidr.replace(/\/(32|128)$/, '');
await open(page, 'sender/' + encodeURIComponent(listed));
await page.locator('h1 .pill.listed').waitFor();
await page.setViewportSize({ width: 1280, height: 1190 });
await page.waitForFunction(() => [...document.querySelectorAll('.picture')].every((b) => Number(b.dataset.width) === b.clientWidth));
await take('sender');
await page.emulateMedia({ colorScheme: 'light' });
await page.setViewportSize({ width: 1280, height: 860 });
await open(page, 'senders/listed');
await page.locator('[data-act="allow"]').first().click();
await page.locator('dialog').waitFor();
await take('senders');
await page.keyboard.press('Escape');
await open(page, 'consumers/nftables');
await take('consumers');
await open(page, 'origins');
await page.locator('.tree rect').first().waitFor();
await page.locator('summary', { hasText: 'Map' }).click();
await page.locator('.world path').first().waitFor();
await take('origins', { fullPage: true });
await browser.close();
