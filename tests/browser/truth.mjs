/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * truth.mjs - what the page shows is so: right after an act, after a double click, of the newest, of a list that is held.
 */
import { SITE, TOKEN, another, api, bot, check, holds, listedBot, open, quiet, same, say, stateOf, tab, until, wave } from './world.mjs';

const decisions = async () => (await api('/api/v1/audit?limit=200')).entries;
const undoButton = (page) => page.locator('.toast:not(.gone) button', { hasText: 'Undo' });
const rows = (page) => page.locator('.senders tbody th a').evaluateAll((all) => all.map((a) => a.textContent));

async function act(page, name, address) {
	await page.locator(`[data-act="${name}"][aria-label$=" ${address}"]`).first().click();
	await page.locator('dialog button[type="submit"]').click();
	await page.locator('dialog').waitFor({ state: 'detached' });
}
/* A tab that has the token already, and never asks by itself: what it shows it was made to look for. */
async function ready(browser, poll = true) {
	const t = await tab(browser);
	await t.page.addInitScript(([token, polls]) => {
		sessionStorage.setItem('mxtrap-token', token);
		if (!polls)
			window.setInterval = () => 0;
	}, [TOKEN, poll]);
	return t;
}

async function acts(browser) {
	await check('after an act the page shows the new state and the new buttons at once', async () => {
		const { page, context } = await ready(browser, false);
		await listedBot('198.18.231.66');
		await bot('primary-only', '198.18.241.66');
		await until('it is known', async () => (await api('/api/v1/senders/198.18.241.66')).entries);
		/* What an allowance ended goes on when it is withdrawn. */
		for (const [address, name, state] of [['198.18.231.66', 'allow', 'allowed'], ['198.18.231.66', 'withdraw', 'listed'],
			['198.18.241.66', 'list', 'listed']]) {
			await open(page, `sender/${address}`);
			await act(page, name, address);
			await page.locator(`h1 .pill.${state}`).waitFor();
			await page.locator(`[data-act="${name}"]`).waitFor({ state: 'detached' });
		}
		await context.close();
	});
	await check('a double click on Undo undoes one decision once', async () => {
		const { page, context, complaints } = await ready(browser);
		for (const address of ['198.18.232.66', '198.18.233.66']) {
			await bot('primary-only', address);
			await until('it is known', async () => (await api(`/api/v1/senders/${address}`)).entries);
			await open(page, `sender/${address}`);
			await act(page, 'allow', address);
			await until('it is allowed', async () => await stateOf(address) === 'allowed');
		}
		const before = (await decisions()).length;
		await undoButton(page).first().dblclick();
		await until('it is undone', async () => await stateOf('198.18.233.66') !== 'allowed');
		await undoButton(page).first().click({ trial: true });		/* enabled again: whatever was under way is over */
		same(await stateOf('198.18.232.66'), 'allowed', 'the other sender');
		same((await decisions()).length - before, 1, 'decisions');
		await quiet(page, complaints);
		await context.close();
	});
	await check('so does one in the audit, and the same request sent again', async () => {
		const { page, context } = await ready(browser);
		const sent = [];
		page.on('request', (r) => { if (r.method() === 'POST') sent.push([r.url(), r.postData()]); });
		await open(page, 'audit');
		const before = (await decisions()).length;
		await page.locator('.audit tbody tr', { hasText: '198.18.232.66' }).first().locator('[data-act="undo"]').dblclick();
		await until('it is undone', async () => await stateOf('198.18.232.66') !== 'allowed');
		const [url, body] = sent[0];
		const answer = await fetch(url, { method: 'POST', headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' }, body });
		same([answer.status, (await answer.json()).done], [200, 'unchanged'], 'the answer to the second');
		same((await decisions()).length - before, 1, 'decisions');
		await context.close();
	});
	await check('a token is forgotten when the reader says so, and a dialog keeps what was typed', async () => {
		const { page, context, complaints } = await ready(browser);
		await open(page, 'sender/198.18.232.66');
		await page.locator('#token').click();
		await page.locator('#token[hidden]').waitFor({ state: 'attached' });
		same(await page.evaluate(() => sessionStorage.length), 0, 'what the tab keeps');
		await page.locator('[data-act="allow"]').click();
		await page.locator('input[name="note"]').fill('a note of some length');
		await page.locator('dialog button[type="submit"]').click();
		await page.locator('dialog h2', { hasText: 'Admin token needed' }).waitFor();
		await page.locator('dialog code', { hasText: 'journalctl' }).waitFor();
		await page.locator('input[name="token"]').fill('mxt_wrong');
		await page.keyboard.press('Enter');
		await page.locator('dialog .problem', { hasText: 'mistyped, revoked or expired' }).waitFor();
		await page.keyboard.press('Escape');
		await until('one question is left', async () => await page.locator('dialog').count() === 1);
		same(await page.locator('input[name="note"]').inputValue(), 'a note of some length', 'the note');
		complaints.splice(0, complaints.length);		/* the browser itself reports the 401 */
		await context.close();
	});
}

async function newest(browser) {
	await check('the newest listing stands first, on the overview and on Senders, which can be sorted', async () => {
		const { page, context } = await tab(browser);
		await Promise.all(['198.18.246.66', '198.18.247.66', '198.18.248.66'].map(listedBot));
		await open(page, '');
		await listedBot('198.18.249.66');
		await page.locator('.latest tbody tr:first-child', { hasText: '198.18.249.66' }).waitFor();
		await page.locator('.tile.listed').click();
		await page.locator('.list tbody tr:first-child', { hasText: '198.18.249.66' }).waitFor();
		const scores = () => page.locator('.list .score .num').evaluateAll((all) => all.map((n) => Number(n.textContent)));
		await page.locator('[data-sort]').selectOption('score');
		await until('they are sorted by score', async () => page.url().endsWith('score') && (await scores()).length > 2 && (await scores()).every((x, i, all) => i === 0 || all[i - 1] >= x));
		await page.locator('[data-sort]').selectOption('address');
		await until('they are sorted by address', async () => {
			const v4 = (await rows(page)).filter((a) => a.includes('.')).map((a) => a.split('.').reduce((n, x) => n * 256 + Number(x), 0));
			return v4.length > 2 && v4.every((a, i) => i === 0 || v4[i - 1] < a);
		});
		holds(decodeURIComponent(page.url()).endsWith('listed sort:address'), 'the order can be linked');
		await context.close();
	});
	await check('words are found as they are read: capitals, a pill\'s words, the beginning of an address', async () => {
		const { page, context } = await tab(browser);
		for (const [typed, words] of [['Listed Backup First', 'listed backup_first'], ['198.18.', '198.18.0.0/16'], ['NOTICED', 'noticed']]) {
			await open(page, 'senders');
			await page.locator('#words').fill(typed);
			await page.locator('#words').press('Enter');
			await until(words, async () => await page.locator('#words').inputValue() === words);
			await page.locator('.list tbody tr').first().waitFor();
		}
		await context.close();
	});
}

async function spoken(browser) {
	await check('what a sender said is shown in words, also what is no SMTP and no command of it', async () => {
		const { page, context, complaints } = await tab(browser);
		for (const [address, line, words] of [['198.18.238.66', 'GET / HTTP/1.1', /HTTP or another protocol that is not SMTP: its visit counts nothing/], ['198.18.239.66', 'NOOP\r\nXYZZY', /an unknown command before HELO: its words count nothing/]]) {
			await say(address, line);
			await until('it is known', async () => (await api(`/api/v1/senders/${address}`)).said?.length);
			await open(page, `sender/${address}`);
			await page.locator('.timeline .dialogue', { hasText: words }).waitFor();
		}
		await quiet(page, complaints);
		await context.close();
	});
}

async function unreadable(browser) {
	await check('a database that cannot be read is said to be that, with where to look', async () => {
		const { page, context } = await tab(browser);
		await open(page, 'senders');
		await page.route('**/api/v1/overview', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: '{"status":503,"detail":"the database was removed"}' }));
		await page.locator('#banner', { hasText: 'the database was removed' }).waitFor();
		same(await page.locator('#banner code').allTextContents(), ['mxtrap status', 'journalctl -u mxtrapd'], 'what to do');
		await page.locator('#live.bad').waitFor();
		await page.unrouteAll({ behavior: 'ignoreErrors' });
		await context.close();
	});
}

async function published(browser) {
	await check('a list that is not published blocks nobody, and the page does not claim that it does', async () => {
		const { page, context } = await tab(browser);
		const closed = { open: false, why: 'observing only (publish = no)', held_since: null, held: 0 };
		await another(page, (o) => ({ ...o, publishing: closed }));
		await another(page, (a) => ({ ...a, publishing: closed, consumers: a.consumers.map((c) => ({ ...c, holds: 'nothing' })) }), '**/api/v1/consumers');
		await open(page, '');
		await page.locator('.tile.listed', { hasText: 'would be blocked' }).waitFor();
		await page.locator('#latest-title', { hasText: 'Who would be blocked' }).waitFor();
		await open(page, 'sender/198.18.249.66');
		await page.getByText('No program has it: the list is not published').waitFor();
		same(await page.locator('table .pill.up').count(), 0, 'programs that have it');
		await open(page, 'consumers');
		await page.locator('.note', { hasText: 'The list is not published' }).waitFor();
		same(await page.locator('[data-name="The list it has"] .pill.up').count(), 0, 'programs that have the newest');
		await page.unrouteAll({ behavior: 'ignoreErrors' });
		await context.close();
	});
}

/* The gate: more than a thousand new listings within ten minutes wait for a person. */
async function held(browser) {
	const button = (page) => page.locator('[data-act="publish"]');
	const plain = async () => (await fetch(SITE + '/export/plain')).text();
	const one = '198.18.151.100';

	await check('a list that is held is said to be that on each page, with one button, and nobody is said to have it', async () => {
		const { page, context, complaints } = await ready(browser);
		await until('nothing excuses them', async () => Object.entries((await api('/api/v1/status')).counters).every(([name, where]) =>
			!name.startsWith('doubt ') || (where !== 'everywhere' && !where.split(', ').includes('trap.example'))));
		await wave(1400, 100);
		let last = null;
		await until('it is held', async () => {
			last = await api('/api/v1/overview');
			return last.publishing.held > 1000;
		}).catch((error) => { throw new Error(`${error.message}; ${JSON.stringify([last?.listed, last?.publishing, last?.says])}`); });
		for (const route of ['', 'senders/listed', 'senders/held', 'consumers', 'ladder', 'audit', 'about', `sender/${one}`]) {
			await open(page, route);
			await page.locator('#notice:not([hidden]), .says-now').filter({ hasText: /are held back/ }).first().waitFor();
			same(await button(page).count(), 1, `buttons on #/${route}`);
		}
		await page.getByText('No program has it yet').waitFor();
		same(await page.locator('table .pill.up', { hasText: 'yes' }).count(), 0, 'programs that have it');
		holds(!(await plain()).includes(one + '\n'), 'the export does not have it');
		await open(page, 'consumers');
		await page.locator('.note', { hasText: /held back, and no program has them/ }).waitFor();
		same(await page.locator('[data-name="The list it has"] .pill.up').count(), 0, 'programs that have the newest');
		await quiet(page, complaints);
		await context.close();
	});
	await check('one click on Accept, confirmed, publishes them; the sentence is gone, and who came before is behind', async () => {
		const { page, context, complaints } = await ready(browser);
		await open(page, 'consumers');
		await button(page).click();
		await page.locator('dialog h2', { hasText: /^Publish [0-9,.]+ held senders\?$/ }).waitFor();
		await page.locator('dialog input[name="note"]').fill('a wave, looked at ten of them');
		await page.locator('dialog button[type="submit"]').click();
		await page.locator('#notice', { hasText: 'held back' }).waitFor({ state: 'detached' }).catch(() => page.locator('#notice[hidden]').waitFor({ state: 'attached' }));
		await button(page).waitFor({ state: 'detached' });
		same(await page.locator('[data-name="The list it has"]', { hasText: 'the newest' }).count(), 0, 'programs that came before and have the newest');
		await until('they are out', async () => (await plain()).includes(one + '\n'));
		await page.locator('[data-name="The list it has"]', { hasText: 'the newest' }).first().waitFor();
		await open(page, '');
		holds(!/held back/.test(await page.locator('main').innerText()), 'the overview says nothing of it any more');
		await open(page, `sender/${one}`);
		await page.locator('table .pill.up', { hasText: 'yes' }).first().waitFor();
		same((await api('/api/v1/audit?limit=1')).entries[0].note, 'a wave, looked at ten of them', 'the audit');
		await quiet(page, complaints);
		await context.close();
	});
}

export default async function truth(browser) {
	await newest(browser);
	await acts(browser);
	await spoken(browser);
	await unreadable(browser);
	await published(browser);
	await held(browser);		/* last: a thousand more are listed behind it */
}
