/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * acts.mjs - allow, forget, list by hand, tokens: done, seen by mxtrapd, written to the audit, and undone.
 */
import { SITE, TOKEN, api, check, holds, listedBot, open, quiet, same, stateOf, tab, until } from './world.mjs';

const NOTE = 'ticket 4711 <b>&amp;';

/* The form of an action on the page that is open. */
async function fill(page, act, cidr, { note = NOTE, length = null } = {}) {
	await page.locator(`[data-act="${act}"][aria-label$=" ${cidr}"]`).first().click();
	const dialog = page.locator('dialog');
	await dialog.waitFor();
	if (length)
		await dialog.locator('select[name="for"]').selectOption(length);
	if (note)
		await dialog.locator('input[name="note"]').fill(note);
	await dialog.locator('button[type="submit"]').click();
}
const is = (cidr, state) => until(`${cidr} is ${state}`, async () => await stateOf(cidr) === state);
const newest = async () => (await api('/api/v1/audit?limit=1')).entries[0];

/* By the message of this decision: the one before may still be there, and this one not yet. */
async function undone(page, cidr) {
	await page.locator('.toast:not(.gone)', { hasText: cidr }).locator('button', { hasText: 'Undo' }).first().click();
}

export default async function acts(browser) {
	const { page, context, complaints } = await tab(browser);
	const sent = [];
	page.on('request', (r) => sent.push({ url: r.url(), method: r.method(), headers: r.headers() }));

	await check('an action asks for the token once, and says when it is wrong', async () => {
		await listedBot('198.18.210.66');
		await open(page, 'sender/198.18.210.66');
		await fill(page, 'allow', '198.18.210.66', { length: '1d' });
		const field = page.locator('input[name="token"]');
		await field.fill('mxt_wrong');
		await field.press('Enter');
		await page.locator('dialog .problem', { hasText: /token/ }).waitFor();
		complaints.splice(0, complaints.length);		/* the browser itself tells of the 401 */
		await page.locator('input[name="token"]').fill(TOKEN);
		await page.locator('input[name="token"]').press('Enter');
		await page.locator('.toast').waitFor();
		await is('198.18.210.66', 'allowed');
		await page.locator('h1 .pill.allowed').waitFor();
		same(await page.locator('dialog').count(), 0, 'questions left');
	});
	await check('allow: the note, the end and who did it stand in the audit as they were typed', async () => {
		const entry = await newest();
		same([entry.cidr, entry.note, entry.who], ['198.18.210.66/32', NOTE, 'api:page'], 'the audit');
		await open(page, 'audit');
		await page.locator('.audit tbody tr', { hasText: NOTE }).first().waitFor();
	});
	await check('allow is undone from the audit', async () => {
		await page.locator('.audit tbody tr', { hasText: '198.18.210.66' }).first().locator('[data-act="undo"]').click();
		await until('it is no longer allowed', async () => await stateOf('198.18.210.66') !== 'allowed');
		await page.locator('.audit tbody tr').nth(1).waitFor();
	});
	await check('allow is undone from its message, and the listing that it ended is back', async () => {
		await listedBot('198.18.211.66');
		await open(page, 'senders/listed');
		await fill(page, 'allow', '198.18.211.66');
		await is('198.18.211.66', 'allowed');
		await undone(page, '198.18.211.66');
		await is('198.18.211.66', 'listed');
		await page.locator('.senders tbody tr', { hasText: '198.18.211.66' }).waitFor();
		same((await (await fetch(SITE + '/export/plain')).text()).includes('198.18.211.66\n'), true, 'the export has it');
	});
	await check('list by hand: it is exported at once, and leaves when that is undone', async () => {
		await open(page, 'sender/198.18.140.12');
		await fill(page, 'list', '198.18.140.12', { length: '1d' });
		await is('198.18.140.12', 'listed');
		await until('the export has it', async () => (await (await fetch(SITE + '/export/plain')).text()).includes('198.18.140.12'));
		await page.locator('h1 .pill.listed').waitFor();
		await undone(page, '198.18.140.12');
		await until('it is off the list', async () => await stateOf('198.18.140.12') !== 'listed');
	});
	await check('forget: it leaves the list, and the audit says so', async () => {
		await listedBot('198.18.212.66');
		await open(page, 'sender/198.18.212.66');
		await fill(page, 'forget', '198.18.212.66');
		await until('it is off the list', async () => await stateOf('198.18.212.66') !== 'listed');
		same((await newest()).cidr, '198.18.212.66/32', 'the audit');
	});
	await check('what mxtrapd refuses is told in the form, which stays', async () => {
		await open(page, 'sender/198.18.140.12');
		await page.route('**/api/v1/allow', (route) => route.continue({ postData: JSON.stringify({ cidr: 'nonsense' }) }), { times: 1 });
		await fill(page, 'allow', '198.18.140.12');
		await page.locator('dialog .problem:not(:empty)').waitFor();
		complaints.splice(0, complaints.length);		/* the browser itself tells of the 400 */
		await page.keyboard.press('Escape');
		await page.locator('dialog').waitFor({ state: 'detached' });
	});
	await check('a token is made, shown once, opens what it says, and is taken back', async () => {
		await open(page, 'consumers');
		await page.locator('[data-act="add-token"]').click();
		await page.locator('input[name="name"]').fill('edge-1');
		await page.locator('dialog button[type="submit"]').click();
		const token = await page.locator('dialog .snippet code').first().textContent();
		same((await fetch(`${SITE}/x/${token}/plain`)).status, 200, 'an export with it');
		await page.locator('dialog button[type="submit"]').click();
		await open(page, 'audit');
		const made = page.locator('.audit tbody tr', { hasText: 'made token edge-1' });
		same(await made.locator('[data-act="undo"]').count(), 0, 'ways to lose it in one click');
		await made.locator('[data-act="revoke"]').click();
		await page.locator('dialog h2', { hasText: 'Revoke edge-1?' }).waitFor();
		same(await page.locator('dialog .problem:not(:empty)').count(), 0, 'warnings about what is no admin token');
		await page.keyboard.press('Escape');
		await page.locator('dialog').waitFor({ state: 'detached' });
		await open(page, 'consumers');
		await page.locator('.senders tbody th', { hasText: 'edge-1' }).first().waitFor();
		holds(!(await page.content()).includes(token), 'it is not shown any more');
		await page.locator('[data-act="revoke"][aria-label="Revoke edge-1"]').click();
		await page.locator('dialog button.danger').click();
		await until('it opens nothing', async () => (await fetch(`${SITE}/x/${token}/plain`)).status === 403);
	});
	await check('whoever would revoke the last admin token is warned', async () => {
		const revoke = (name) => page.locator(`[data-act="revoke"][aria-label="Revoke ${name}"]`);
		const question = (name) => page.locator('dialog', { hasText: `Revoke ${name}?` });
		await revoke('admin').click();			/* the one that mxtrapd made at its first start */
		await question('admin').waitFor();
		same(await question('admin').locator('.problem:not(:empty)').count(), 0, 'warnings while there is another');
		await page.locator('dialog button.danger').click();
		await revoke('admin').waitFor({ state: 'detached' });
		await revoke('page').click();
		await question('page').locator('.problem', { hasText: 'the last admin token' }).waitFor();
		await page.keyboard.press('Escape');
		await page.locator('dialog').waitFor({ state: 'detached' });
	});
	await check('who fetched the list is told, with how much it lacks', async () => {
		await fetch(SITE + '/export/plain', { headers: { 'User-Agent': 'edge/1', Authorization: `Bearer ${TOKEN}` } });
		await page.locator('.senders tbody tr', { hasText: 'edge/1' }).waitFor();
		const { consumers } = await api('/api/v1/consumers');
		holds(consumers.some((c) => c.what === 'api'), 'the API itself knows that the page changed something');
		same(await page.locator('[data-name="What"]', { hasText: /^api$/ }).count(), 0, 'rows of the page itself');
	});
	await check('the token was sent in one header only, never in a URL or a cookie, and a new tab has to ask', async () => {
		holds(sent.some((r) => r.headers.authorization === `Bearer ${TOKEN}`), 'it was sent');
		same(sent.filter((r) => r.url.includes(TOKEN) || r.headers.cookie || (r.method === 'GET' && r.headers.authorization)).map((r) => r.url), [], 'requests');
		same(await context.cookies(), [], 'cookies');
		same(await page.evaluate((t) => Object.values(localStorage).includes(t), TOKEN), false, 'localStorage has it');
		const other = await context.newPage();
		await other.goto(SITE);
		same(await other.evaluate(() => sessionStorage.length), 0, 'what a new tab has');
		await other.close();
	});
	await check('nothing of that had anything to complain about', () => quiet(page, complaints));
	await context.close();
}
