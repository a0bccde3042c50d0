/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit.js - who changed what by hand, the newest first, each with its way back.
 */
import { undo } from './actions.js';
import { pagesOf } from './api.js';
import { h, show } from './dom.js';
import { link, plain, time } from './text.js';
import { revoke } from './tokens.js';

const REVOKE = '/api/v1/tokens/revoke';
const tokens = { token: 'made token', 'token revoke': 'revoked token' };

/* A token that was made is not undone but revoked, by the same question as on its own page. */
function back(entry, refresh) {
	const makes = entry.undo.path === REVOKE, name = makes ? 'Revoke' : 'Undo';
	return h('button', { type: 'button', class: 'small', 'data-focus': 'undo ' + entry.id, 'data-act': makes ? 'revoke' : 'undo',
		'aria-label': makes ? `Revoke ${entry.undo.body.name}` : `Undo: ${entry.what} ${entry.cidr ? plain(entry.cidr) : ''}`,
		onclick: async (event) => {
			const button = event.currentTarget;
			button.disabled = true;
			await (makes ? revoke(entry.undo.body.name, refresh) : undo(entry.undo, refresh));
			button.disabled = false;
		} }, name);
}

function row(entry, refresh) {
	const token = tokens[entry.what];
	return h('tr', {},
		h('th', { scope: 'row' }, time(entry.time)),
		h('td', { 'data-name': 'Who' }, entry.who),
		h('td', { 'data-name': 'What' }, token ? `${token} ${entry.note}` : entry.what),
		h('td', { 'data-name': 'Sender' }, entry.cidr ? h('a', { class: 'address', href: link(entry.cidr) }, plain(entry.cidr)) : h('span', { class: 'none' }, '\u2013')),
		h('td', { 'data-name': 'Note', class: 'words' }, (!token && entry.note) || h('span', { class: 'none' }, '\u2013')),
		h('td', { 'data-name': 'Actions' }, entry.undo ? back(entry, refresh) : h('span', { class: 'none' }, '\u2013')));
}

export function audit(_argument, refresh) {
	const box = h('div', {});
	let pages = 1;

	async function fill() {
		const answer = await pagesOf('api/v1/audit?limit=50', pages);
		show(box, JSON.stringify([answer.entries, answer.next]), () => answer.entries.length === 0 ?
			h('p', { class: 'empty' }, h('strong', {}, 'Nothing was changed by hand. '), 'Each Allow, Forget or List will be shown here, with who did it and why.') : [
				h('table', { class: 'senders audit' },
					h('thead', {}, h('tr', {}, ['When', 'Who', 'What', 'Sender', 'Note', 'Actions'].map((t) => h('th', { scope: 'col' }, t)))),
					h('tbody', {}, answer.entries.map((e) => row(e, refresh)))),
				answer.next !== null ? h('p', { class: 'more' }, h('button', { type: 'button', 'data-focus': 'more', 'data-more': '', onclick: () => { pages++; refresh(); } }, 'Show more')) : null]);
	}
	return { fill, nodes: [h('section', { class: 'panel', 'aria-labelledby': 'audit-title' },
		h('div', { class: 'head' }, h('h1', { id: 'audit-title' }, 'Audit'), h('span', { class: 'dim' }, 'each decision taken by hand')), box)] };
}
