/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tokens.js - the tokens that consumers show: made here, shown once, revoked.
 */
import { get, home } from './api.js';
import { snippet } from './copy.js';
import { ask, toast } from './dialog.js';
import { h } from './dom.js';
import { time } from './text.js';
import { change } from './token.js';

const SCOPES = [['export', 'may fetch every export'], ['lapi', 'a CrowdSec bouncer'], ['admin', 'everything']];
const opens = { export: 'every export', lapi: 'CrowdSec bouncer', admin: 'everything' };

function shown(done) {
	const url = `${home}/x/${done.token}/plain`;
	return ask({ title: `The token of ${done.name}`, confirm: 'I have it', once: true, send: async () => true, body: [
		h('p', {}, 'It is shown only now: mxtrap keeps only its hash.'), snippet(done.token, 'the token'),
		done.scope.startsWith('export') ? [h('p', {}, 'As a header:'), snippet(`curl -fsS -H "Authorization: Bearer ${done.token}" ${home}/export/plain`, 'the command'),
			h('p', {}, 'Or in the URL, for a program that cannot send a header. Proxies may log it:'), snippet(url, 'the URL')] : null] });
}

async function add(refresh) {
	const done = await ask({ title: 'A token', confirm: 'Make it', body: [
		h('label', {}, 'Name of the consumer: letters, digits, . _ -', h('input', { name: 'name', required: true, maxlength: 60, pattern: '[A-Za-z0-9._\\-]+', autocomplete: 'off', autofocus: true, placeholder: 'edge-1', title: 'Letters, digits, dot, underscore and hyphen' })),
		h('label', {}, 'What it opens', h('select', { name: 'scope' }, SCOPES.map(([value, text]) => h('option', { value }, text)))),
		h('label', {}, 'For', h('select', { name: 'for' }, [['', 'until it is revoked'], ['30d', '30 days'], ['90d', '90 days'], ['365d', 'a year']].map(([value, text]) => h('option', { value }, text))))],
	send: async (form) => {
		const body = { name: form.get('name').trim(), scope: form.get('scope') };
		if (form.get('for'))
			body.for = form.get('for');
		return change('api/v1/tokens', body);
	} });
	if (done?.token) {
		refresh();
		await shown(done);
	}
}

/* The last admin token is worth a warning. */
async function isLastAdmin(name) {
	const admins = (await get('api/v1/consumers')).tokens.filter((t) => t.scope === 'admin');
	return admins.length === 1 && admins[0].name === name;
}

export async function revoke(name, refresh) {
	const last = await isLastAdmin(name).catch(() => false);
	const done = await ask({ title: `Revoke ${name}?`, confirm: 'Revoke', danger: true, body: [h('p', {}, 'A program that uses this token is refused from now on. This cannot be undone: make another token instead.'),
		last ? h('p', { class: 'problem' }, 'This is the last admin token: another can then only be made on the host.') : null],
		send: async () => change('api/v1/tokens/revoke', { name }) });
	if (done) {
		toast(`The token ${name} is revoked.`);
		refresh();
	}
}

export function tokenPanel(tokens, refresh) {
	return [h('div', { class: 'head' }, h('h2', {}, 'Tokens'), h('button', { type: 'button', 'data-focus': 'add', 'data-act': 'add-token', onclick: () => add(refresh) }, 'Make a token')),
		tokens.length === 0 ? h('p', { class: 'empty' }, 'None. A consumer needs a token only where a proxy requires one. With a token it has a name in the table above.') :
			h('table', { class: 'senders' }, h('thead', {}, h('tr', {}, ['Name', 'Opens', 'Made', 'Ends', 'Actions'].map((t) => h('th', { scope: 'col' }, t)))),
				h('tbody', {}, tokens.map((t) => h('tr', {}, h('th', { scope: 'row' }, t.name), h('td', { 'data-name': 'Opens' }, opens[t.scope] || t.scope), h('td', { 'data-name': 'Made' }, time(t.made)),
					h('td', { 'data-name': 'Ends' }, t.ends ? time(t.ends) : 'when revoked'),
					h('td', { 'data-name': 'Actions' }, h('button', { type: 'button', class: 'small', 'data-focus': 'revoke ' + t.name, 'data-act': 'revoke', 'aria-label': `Revoke ${t.name}`, onclick: () => revoke(t.name, refresh) }, 'Revoke'))))))];
}
