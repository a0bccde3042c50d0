/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * token.js - the admin token: asked for once, kept for this tab, sent in one header.
 *
 * Never in a cookie, a URL or a form that leaves; sessionStorage ends with the tab.
 */
import { Problem, post } from './api.js';
import { ask } from './dialog.js';
import { h } from './dom.js';

const KEY = 'mxtrap-token';
let token = null;

try {
	token = sessionStorage.getItem(KEY);
} catch { /* a browser that keeps nothing: it is asked for again */ }

export const hasToken = () => token !== null;

export function forgetToken() {
	keep(null);
}

function keep(value) {
	token = value;
	try {
		if (value === null)
			sessionStorage.removeItem(KEY);
		else
			sessionStorage.setItem(KEY, value);
	} catch { /* in memory, then */ }
}

const field = (problem) => [
	problem ? h('p', { class: 'problem' }, problem) : null,
	h('p', {}, 'Changing something needs an admin token. It is kept in this tab until you close it, and goes nowhere else.'),
	h('label', {}, 'Admin token', h('input', { name: 'token', type: 'password', autocomplete: 'off', spellcheck: 'false', required: true, autofocus: true, placeholder: 'mxt_\u2026' })),
	h('p', { class: 'dim' }, 'You have none? On the host: ', h('code', {}, 'mxtrap token add desk --scope admin')),
];

/* post() with the token; asks for it where there is none, or it opens nothing.  Null: the reader gave up. */
export async function change(path, body) {
	let problem = null;
	for (;;) {
		if (token === null) {
			const done = await ask({ title: 'Who are you?', body: field(problem), confirm: 'Go on',
				send: async (form) => { keep(String(form.get('token')).trim()); return true; } });
			if (done === null)
				return null;
		}
		try {
			return await post(path, body, token);
		} catch (error) {
			if (!(error instanceof Problem) || error.status !== 401)
				throw error;
			problem = error.message;
			keep(null);
		}
	}
}
