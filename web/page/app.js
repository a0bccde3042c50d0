/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * app.js - the dashboard's shell: which page is shown, and when it asks again.
 *
 * All that is shown comes from the API.  It is asked every few seconds with the ETag of what is
 * there; a hidden tab asks nothing.  Beside what the page itself asks for, the shell asks how it is:
 * so the light and the notice on top are true on every page, also on one that asks for nothing.
 */
import { forget } from './api.js';
import { startToasts, toast } from './dialog.js';
import { h } from './dom.js';
import { drawNav, route } from './nav.js';
import { drawNotice, state } from './notice.js';
import { mark, passed, setClock, span } from './text.js';
import { onTheme, startTheme } from './theme.js';
import { startToken } from './token.js';

const POLL_MS = 4000;
const STALE_MS = 60000;		/* the time in the answers has to move meanwhile */
const main = document.getElementById('main');
const banner = document.getElementById('banner');
const notice = document.getElementById('notice');
const live = document.getElementById('live');
const nav = document.getElementById('nav');

let shown = null;		/* { key, page, view, y }: y is where it was left, until it is there again */
let asking = null, again = false, reached = null, scrolled = 0;
let generation = null, moved = null;	/* of the answers: the database; { now, at }: their time, and when it moved last */

function light(kind, text) {
	live.className = 'live ' + kind;
	if (live.querySelector('.text').textContent !== text)
		live.querySelector('.text').textContent = text;
}

function missing(hash) {
	return { nodes: [h('section', { class: 'panel' }, h('h1', {}, 'No such page'),
		h('p', { class: 'empty' }, 'The menu has no page ', h('code', {}, hash), '.'))], fill: async () => {} };
}

/* Another route: another page, from its top; the keyboard goes on there. */
function place() {
	const key = location.hash || '#/';
	if (shown?.key === key)
		return;
	const first = shown === null, y = history.state?.y || 0;
	clearTimeout(scrolled);
	const { page, argument } = route(key);
	shown?.view.close?.();
	shown = { key, page, y, view: page ? page.make(argument, refresh) : missing(key) };
	main.replaceChildren(...shown.view.nodes);
	drawNav(nav, page);
	document.title = (page ? shown.view.title || page.title : 'No such page') + ' \u00b7 mxtrap';
	light('', 'connecting');
	if (!first) {
		main.focus({ preventScroll: true });
		window.scrollTo(0, 0);
	}
}

/* The server answered that it cannot: what to do is for the host's administrator. */
function advice(error) {
	if (error.foreign || error.status === 401 || error.status === 403)
		return ['If you have to sign in at a proxy, load this page again. '];
	return error.status >= 500 ? ['On the host, ', h('code', {}, 'mxtrap status'), ' and ', h('code', {}, 'journalctl -u mxtrapd'), ' say more. '] : [];
}

/* What was known before says nothing of now: neither the sentence of state nor the light. */
function unsure(yes) {
	for (const node of document.querySelectorAll('.says-now'))
		node.hidden = yes;
}

const problemSays = (error) => error.stale ? `These answers come from a cache: their time has not moved for ${span(passed(moved.at) / 1000)}. ` :
	error.foreign ? `Not mxtrapd, but ${error.message}. ` : error.status ? `mxtrapd answers: ${error.message}. ` : 'mxtrapd cannot be reached. ';

function trouble(error) {
	const since = reached ? ` What you see is ${span(passed(reached) / 1000)} old.` : '';
	banner.hidden = false;
	banner.replaceChildren(...[problemSays(error), ...advice(error), 'Trying again.' + since].map((x) => x instanceof Node ? x : document.createTextNode(x)));
	unsure(true);
	light('bad', 'not up to date');
	if (!error.status && !error.stale && !(error instanceof TypeError) && error.name !== 'TimeoutError' && error.name !== 'AbortError')
		console.error(error);		/* ours, not the network's */
}

function beginAgain() {
	shown.view.close?.();
	shown = null;
	again = true;
}

/* The database is another one than before (made new, or a backup that was put back): the page begins again. */
function isAnother(how) {
	const other = generation !== null && how.generation !== generation;
	generation = how.generation;
	if (other) {
		forget();
		beginAgain();
		toast('mxtrapd has another database now: this page begins again.', { kind: 'bad' });
	}
	return other;
}

/* An answer is of now, or it is none: a cache on the way may repeat an old one.  A replay's clock stands still. */
function seeTime(how) {
	const watched = how.state?.watched;
	if (moved === null || moved.now !== how.now)
		moved = { now: how.now, at: mark() };
	else if (watched !== 'replay' && passed(moved.at) > STALE_MS)
		throw Object.assign(new Error('stale'), { stale: true });
	if (watched !== 'replay' && setClock(how.now))
		beginAgain();
}

/* A page that is drawn well shows nothing new where nobody watches. */
const asleep = { silent: 'nothing is watched', never: 'nothing is watched', unknown: 'not known whether it watches' };
const lightOf = (how, view) => {
	const own = view.light?.() || ['ok', 'up to date'];
	return own[0] === 'ok' && how.state?.watched in asleep ? ['bad', asleep[how.state.watched]] : own;
};

async function draw() {
	place();
	const now = shown;
	try {
		const [how] = await Promise.all([state(), now.view.fill()]);
		if (now !== shown || isAnother(how))
			return;
		seeTime(how);
		if (shown === null)
			return;
		unsure(false);
		if (now.y) {
			window.scrollTo(0, now.y);
			now.y = 0;
		}
		if (now.view.title)
			document.title = now.view.title + ' \u00b7 mxtrap';
		reached = mark();
		banner.hidden = true;
		if (now.page?.name === '')
			notice.hidden = true;
		else
			drawNotice(notice, how, refresh);
		/* A page that is not drawn from answers knows itself whether it is up to date. */
		light(...lightOf(how, now.view));
	} catch (error) {
		if (now === shown)
			trouble(error);
	}
}

async function refresh() {
	again = true;
	if (asking)
		return;
	asking = (async () => {
		while (again) {
			again = false;
			await draw();
		}
	})();
	await asking;
	asking = null;
}

document.getElementById('search').addEventListener('submit', (event) => {
	const text = document.getElementById('address').value.trim();
	event.preventDefault();
	if (/^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/i.test(text))
		location.hash = '#/sender/' + encodeURIComponent(text);
	else
		location.hash = '#/senders/' + encodeURIComponent(text);
});
document.querySelector('.skip').addEventListener('click', (event) => { event.preventDefault(); main.focus(); });
window.addEventListener('hashchange', () => { place(); refresh(); });
/* A tab that was hidden, or a machine that slept: until the answer is there nothing of it is said to be so. */
function wake() {
	if (document.hidden)
		return;
	if (reached && passed(reached) > 3 * POLL_MS) {
		unsure(true);
		light('', 'asking again');
	}
	refresh();
}
document.addEventListener('visibilitychange', wake);
window.addEventListener('pageshow', (event) => { if (event.persisted) wake(); });
/* Back leads to where one was: each place in the history knows how far down it was left. */
history.scrollRestoration = 'manual';
window.addEventListener('scroll', () => {
	clearTimeout(scrolled);
	scrolled = setTimeout(() => { if (!shown?.y) history.replaceState({ y: window.scrollY }, ''); }, 100);
}, { passive: true });
let resized = 0;
window.addEventListener('resize', () => { clearTimeout(resized); resized = setTimeout(refresh, 150); });
setInterval(() => { if (!document.hidden) refresh(); }, POLL_MS);
startToasts();
startToken(document.getElementById('token'));
startTheme(document.getElementById('theme'));
onTheme(refresh);
refresh();
