/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * app.js - the dashboard's shell: which page is shown, and when it asks again.
 *
 * All that is shown comes from the API.  It is asked every few seconds with the ETag of what is
 * there; a hidden tab asks nothing.
 */
import { h } from './dom.js';
import { drawNav, route } from './nav.js';
import { span } from './text.js';
import { onTheme, startTheme } from './theme.js';

const POLL_MS = 4000;
const main = document.getElementById('main');
const banner = document.getElementById('banner');
const live = document.getElementById('live');
const nav = document.getElementById('nav');

let shown = null;		/* { key, page, view } */
let asking = null, again = false, reached = 0;

function say(kind, text) {
	live.className = 'live ' + kind;
	if (live.querySelector('.text').textContent !== text)
		live.querySelector('.text').textContent = text;
}

function missing(hash) {
	return { nodes: [h('section', { class: 'panel' }, h('h1', {}, 'No such page'),
		h('p', { class: 'empty' }, h('code', {}, hash), ' is none of the pages in the menu.'))], fill: async () => {} };
}

/* Another route: another page, from its top; the keyboard goes on there. */
function place() {
	const key = location.hash || '#/';
	if (shown?.key === key)
		return;
	const first = shown === null;
	const { page, argument } = route(key);
	shown?.view.close?.();
	shown = { key, page, view: page ? page.make(argument, refresh) : missing(key) };
	main.replaceChildren(...shown.view.nodes);
	drawNav(nav, page);
	document.title = (page ? shown.view.title || page.title : 'No such page') + ' \u00b7 mxtrap';
	if (!first) {
		main.focus({ preventScroll: true });
		window.scrollTo(0, 0);
	}
}

function trouble(error) {
	const since = reached ? ` What you see is ${span((Date.now() - reached) / 1000)} old.` : '';
	banner.hidden = false;
	banner.textContent = (error.status ? `The server says: ${error.message}.` : 'The server cannot be reached.') + ' Trying again.' + since;
	say('bad', 'waiting');
	if (!error.status && !(error instanceof TypeError) && error.name !== 'TimeoutError' && error.name !== 'AbortError')
		console.error(error);		/* ours, not the network's */
}

async function draw() {
	place();
	const now = shown;
	try {
		await now.view.fill();
		if (now !== shown)
			return;
		if (now.view.title)
			document.title = now.view.title + ' \u00b7 mxtrap';
		reached = Date.now();
		banner.hidden = true;
		say('ok', 'up to date');
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
let resized = 0;
window.addEventListener('resize', () => { clearTimeout(resized); resized = setTimeout(refresh, 150); });
setInterval(() => { if (!document.hidden) refresh(); }, POLL_MS);
startTheme(document.getElementById('theme'));
onTheme(refresh);
refresh();
