/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * token.js - the admin token: asked for once, kept for this tab, sent in one header, forgotten when the reader says so.
 *
 * Never in a cookie, a URL or a form that leaves; sessionStorage ends with the tab.
 */
import { Problem, post } from './api.js';
import { ask, calmly, toast } from './dialog.js';
import { h } from './dom.js';

const KEY = 'mxtrap-token';
let token = null, button = null;

try {
	token = sessionStorage.getItem(KEY);
} catch { /* a browser that keeps nothing: it is asked for again */ }

function keep(value) {
	token = value;
	try {
		if (value === null)
			sessionStorage.removeItem(KEY);
		else
			sessionStorage.setItem(KEY, value);
	} catch { /* in memory, then */ }
	if (button)
		button.hidden = token === null;
}

/* The button that ends it; it is there while there is something to end. */
export function startToken(node) {
	button = node;
	button.hidden = token === null;
	button.addEventListener('click', () => {
		keep(null);
		toast('This tab has forgotten the admin token.');
	});
}

const field = (problem) => [
	problem ? h('p', { class: 'problem', role: 'alert' }, problem) : null,
	h('p', {}, 'A change needs an admin token. This tab keeps it until you close the tab or choose \u201cForget token\u201d; it goes to mxtrapd only.'),
	h('label', {}, 'Admin token', h('input', { name: 'token', type: 'password', autocomplete: 'off', spellcheck: 'false', required: true, autofocus: true, placeholder: 'mxt_\u2026' })),
	h('p', { class: 'dim' }, 'mxtrapd logged the first one when it started for the first time: ', h('code', {}, 'journalctl -u mxtrapd | grep mxt_'), '. To make another, on the host: ',
		h('code', {}, 'mxtrap token add desk --scope admin')),
];

/* Why the token that was shown opens nothing, or null: something else was refused. */
function refusal(error) {
	if (!(error instanceof Problem))
		return null;
	if (error.status === 401)
		return 'mxtrapd does not know this token. It may be mistyped, revoked or expired.';
	return error.status === 403 && /scope/.test(error.message) ? 'This token is valid, but it may not change anything: its scope is not admin.' : null;
}

/* post() with the token; asks for it where there is none, or it opens nothing.  Null: the reader gave up. */
export async function change(path, body) {
	let problem = null;
	for (;;) {
		if (token === null) {
			const done = await ask({ title: 'Admin token needed', body: field(problem), confirm: 'Continue',
				send: async (form) => { keep(String(form.get('token')).trim()); return true; } });
			if (done === null)
				return null;
		}
		try {
			return await calmly(() => post(path, body, token));
		} catch (error) {
			problem = refusal(error);
			if (problem === null)
				throw error;
			keep(null);
		}
	}
}
