/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * app.js - the dashboard's shell: which page is shown, and when it asks again.
 *
 * All that is shown comes from the API.  It is asked every few seconds with the ETag of what is
 * there; a hidden tab asks nothing.  Beside what the page itself asks for, the shell asks how it is:
 * so the light and the notice on top are true on every page, also on one that asks for nothing.
 */
import { startToasts } from './dialog.js';
import { h } from './dom.js';
import { drawNav, route } from './nav.js';
import { drawNotice, state } from './notice.js';
import { span } from './text.js';
import { onTheme, startTheme } from './theme.js';
import { startToken } from './token.js';

const POLL_MS = 4000;
const main = document.getElementById('main');
const banner = document.getElementById('banner');
const notice = document.getElementById('notice');
const live = document.getElementById('live');
const nav = document.getElementById('nav');

let shown = null;		/* { key, page, view, y }: y is where it was left, until it is there again */
let asking = null, again = false, reached = 0, scrolled = 0;

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
	return error.status >= 500 ? ['On the host, ', h('code', {}, 'mxtrap status'), ' and ', h('code', {}, 'journalctl -u mxtrapd'), ' say more. '] : [];
}

function trouble(error) {
	const since = reached ? ` What you see is ${span((Date.now() - reached) / 1000)} old.` : '';
	banner.hidden = false;
	banner.replaceChildren(...[error.status ? `mxtrapd answers: ${error.message}. ` : 'mxtrapd cannot be reached. ', ...advice(error), 'Trying again.' + since].map((x) => x instanceof Node ? x : document.createTextNode(x)));
	light('bad', 'not up to date');
	if (!error.status && !(error instanceof TypeError) && error.name !== 'TimeoutError' && error.name !== 'AbortError')
		console.error(error);		/* ours, not the network's */
}

async function draw() {
	place();
	const now = shown;
	try {
		const [how] = await Promise.all([state(), now.view.fill()]);
		if (now !== shown)
			return;
		if (now.y) {
			window.scrollTo(0, now.y);
			now.y = 0;
		}
		if (now.view.title)
			document.title = now.view.title + ' \u00b7 mxtrap';
		reached = Date.now();
		banner.hidden = true;
		if (now.page?.name === '')
			notice.hidden = true;
		else
			drawNotice(notice, how, refresh);
		/* A page that is not drawn from answers knows itself whether it is up to date. */
		light(...(now.view.light?.() || ['ok', 'up to date']));
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
document.addEventListener('visibilitychange', () => { if (!document.hidden) refresh(); });
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
