/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * world.mjs - what the tests act with: the browser, mxtrapd, its API, and bots.
 *
 * Everything is awaited by what the page or the API says; nothing sleeps.
 */
import { execFile, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

export const { P, DIR, BUILD, SHOTS, TOKEN, HERE } = process.env;
export const SITE = 'http://127.0.0.1:8725';
const run = promisify(execFile);
let failed = 0, trap = Number(process.env.TRAP);

/* One behaviour; its name is a sentence.  Whatever it throws is the failure. */
export async function check(name, body) {
	const began = Date.now();
	try {
		await body();
		console.log(`ok   ${name} (${Date.now() - began} ms)`);
	} catch (error) {
		failed++;
		console.log(`FAIL ${name}: ${String(error.message || error).split('\n').slice(0, 12).join('\n    ')}`);
	}
}
export const failures = () => failed;

export function same(found, expected, what) {
	if (JSON.stringify(found) !== JSON.stringify(expected))
		throw new Error(`${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}
export function holds(condition, what) {
	if (!condition)
		throw new Error(what);
}

/* Until body() returns something true: that. */
export async function until(what, body, ms = 100000) {
	const end = Date.now() + ms;
	for (;;) {
		const found = await Promise.resolve().then(body).catch(() => null);
		if (found)
			return found;
		if (Date.now() > end)
			throw new Error(`not within ${ms} ms: ${what}`);
		await new Promise((resolve) => { setTimeout(resolve, 50); });
	}
}

export async function api(path) {
	const answer = await fetch(SITE + path, { signal: AbortSignal.timeout(50000) });
	return answer.json();
}
export const stateOf = async (address) => (await api(`/api/v1/senders/${encodeURIComponent(address)}`)).entries?.[0].state || 'unknown';

export const bot = (habit, address) => run('ip', ['netns', 'exec', `${P}-out`, 'python3', `${HERE}/deploy/demo/bot.py`, habit, address]);
export async function listedBot(address) {
	await bot('backup-first', address);
	await until(`${address} is listed`, async () => await stateOf(address) === 'listed');
}

/* So many senders in a moment, one attempt each at the lowest rung. */
export const crowd = (n) => run('ip', ['netns', 'exec', `${P}-out`, 'python3', '-c', `
import socket
for i in range(${n}):
    with socket.socket() as s:
        s.bind(("198.18.%d.67" % (i % 250), 0))
        s.connect_ex(("198.51.100.10", 25))
`]);

/* So many bots, one visit to the backup each, of networks from which nobody has come to a lower rung (crowd() does from 0
 * to 119): 80 of them, from HOST on.  Each hears its reset before the next one comes: a queue of connections that
 * overflows is a doubt. */
export const wave = (n, host) => run('ip', ['netns', 'exec', `${P}-out`, 'python3', '-c', `
import socket
for i in range(${n}):
    with socket.socket() as s:
        s.settimeout(30)
        s.bind(("198.18.%d.%d" % (120 + i % 80, ${host} + i // 80), 0))
        try:
            s.connect(("198.51.100.30", 25))
            s.recv(1)
        except OSError:
            pass
`]);

/* A sender that talks to the decoy which talks. */
export const talk = (address, helo, domain) => run('ip', ['netns', 'exec', `${P}-out`, 'python3', '-c', `
import socket, sys
with socket.socket() as s:
    s.settimeout(30)
    s.bind((sys.argv[1], 0))
    s.connect(("198.51.100.40", 25))
    f = s.makefile("rwb")
    f.readline()
    for line in ("EHLO " + sys.argv[2], "MAIL FROM:<a@b.example>", "RCPT TO:<x@" + sys.argv[3] + ">", "QUIT"):
        f.write(line.encode() + b"\\r\\n")
        f.flush()
        while f.readline()[3:4] == b"-":
            pass
`, address, helo, domain]);

/* A sender that says one line to that decoy, and hears how it ends. */
export const say = (address, line) => run('ip', ['netns', 'exec', `${P}-out`, 'python3', '-c', `
import socket, sys
with socket.socket() as s:
    s.settimeout(30)
    s.bind((sys.argv[1], 0))
    s.connect(("198.51.100.40", 25))
    s.recv(200)
    s.sendall(sys.argv[2].encode() + b"\\r\\n")
    s.recv(200)
`, address, line]);

/* mxtrapd, stopped and started again by whoever tests that. */
export async function trapStop() {
	process.kill(trap);
	await until('mxtrapd is gone', () => {
		try {
			return !process.kill(trap, 0);
		} catch {
			return true;
		}
	});
}
export async function trapStart() {
	const log = openSync(`${DIR}/log`, 'a');
	const child = spawn(`${BUILD}/mxtrapd`, ['-c', `${DIR}/conf`], { stdio: ['ignore', log, log], detached: true });
	trap = child.pid;
	child.unref();
	await until('mxtrapd answers again', async () => (await fetch(SITE + '/healthz')).ok, 150000);
}

/* tests/calendar.sh: mxtrapd and we are so far ahead; the browser has the true clock, and its pages get ours. */
const STEP_MS = 1000 * Number(process.env.MXTRAP_STEP || 0);
function moveClock(ms) {
	const True = Date;
	window.Date = class extends True {
		constructor(...args) {
			if (args.length > 0)
				super(...args);
			else
				super(True.now() + ms);
		}
		static now() {
			return True.now() + ms;
		}
	};
}

export const launch = () => chromium.launch({ env: { ...process.env, LD_PRELOAD: '' }, executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--headless', '--disable-gpu', '--disable-quic',
	'--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });

/* A tab of its own: { page, complaints } - all that the console, the policy and the network had to complain about. */
export async function tab(browser, options = {}, site = SITE) {
	const context = await browser.newContext({ viewport: { width: 1024, height: 800 }, timezoneId: 'Europe/Berlin', locale: 'en-GB', ...options });
	const page = await context.newPage();
	const complaints = [];
	page.on('console', (m) => complaints.push(`${m.type()}: ${m.text()}`));
	page.on('pageerror', (e) => complaints.push(`error: ${e.message}`));
	page.on('request', (r) => { if (!r.url().startsWith(site + '/') && !r.url().startsWith('about:') && !r.url().startsWith('data:')) complaints.push(`foreign: ${r.url()}`); });
	if (STEP_MS !== 0)
		await page.addInitScript(moveClock, STEP_MS);
	await page.addInitScript(() => {
		window.violations = [];
		document.addEventListener('securitypolicyviolation', (e) => window.violations.push(`${e.violatedDirective}: ${e.blockedURI}`));
	});
	page.setDefaultTimeout(100000);
	return { page, context, complaints };
}

/* Goes to a route and waits until the page has drawn what the API told. */
export async function open(page, route) {
	if (page.url().startsWith(SITE))
		await page.evaluate((hash) => { location.hash = hash; }, '#/' + route);
	else
		await page.goto(`${SITE}/#/${route}`);
	await settled(page);
}
export const settled = (page) => page.waitForFunction(() => document.getElementById('live').classList.contains('ok') && document.querySelector('main h1'));
export const quiet = async (page, complaints) => same([...complaints, ...await page.evaluate(() => window.violations)], [], 'complaints');

/* The API's answer of another day.  A tab that is closed meanwhile waits for none. */
export const another = (page, change, path = '**/api/v1/overview') => page.route(path, async (route) => {
	try {
		const answer = await route.fetch();
		await route.fulfill({ response: answer, headers: { ...answer.headers(), etag: '' }, json: change(await answer.json()) });
	} catch (error) {
		if (!page.isClosed() && !/disposed|closed/.test(error.message))
			throw error;
	}
});
