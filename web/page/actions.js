/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * actions.js - allow, forget, list by hand: each with a note, an end, and a way back.
 */
import { ask, toast } from './dialog.js';
import { h } from './dom.js';
import { plain } from './text.js';
import { change } from './token.js';

const ENDS = [['', 'until withdrawn'], ['1d', 'a day'], ['7d', 'a week'], ['30d', '30 days'], ['90d', '90 days'], ['365d', 'a year']];
const LISTS = [['1d', 'a day'], ['7d', 'a week'], ['30d', '30 days']];

const what = {
	allow: { path: '/api/v1/allow', title: 'Allow', says: 'It leaves the list at once and is never listed, whatever it does, until the allowance ends.', ends: ENDS, ended: '30d' },
	forget: { path: '/api/v1/forget', title: 'Forget', says: 'What weighs on it is forgotten, and it leaves the list. It is judged anew from its next visit on.' },
	list: { path: '/api/v1/list', title: 'List', danger: true, says: 'It is blocked wherever your list is used, until that ends. Whoever is allowed or a never-listed address stays off.', ends: LISTS, ended: '7d' },
	withdraw: { path: '/api/v1/allow', title: 'Withdraw', extra: { remove: true }, says: 'The allowance ends now: from here on it is judged like anybody.' },
	unlist: { path: '/api/v1/list', title: 'Unlist', extra: { remove: true }, says: 'What was listed by hand leaves the list.' },
};

/* Does it, says it, and offers to undo it. */
export async function perform(path, body, refresh) {
	const done = await change(path, body);
	if (done === null)
		return null;
	toast(done.says || 'Done.', done.undo ? { label: 'Undo', act: () => undo(done.undo, refresh) } : {});
	refresh();
	return done;
}

export async function undo(back, refresh) {
	try {
		await perform(back.path, back.body, refresh);
	} catch (error) {
		toast(error.status ? error.message : 'The server cannot be reached: nothing is known to be undone.', { kind: 'bad' });
	}
}

export async function act(name, cidr, refresh) {
	const a = what[name];
	await ask({ title: `${a.title} ${plain(cidr)}`, confirm: a.title, danger: a.danger, body: [
		h('p', {}, a.says),
		a.ends ? h('label', {}, 'For', h('select', { name: 'for' }, a.ends.map(([value, text]) =>
			h('option', { value, selected: value === a.ended }, text)))) : null,
		h('label', {}, 'Note, for whoever reads the audit', h('input', { name: 'note', maxlength: 255, autocomplete: 'off', placeholder: 'a customer, ticket 4711' })),
	], send: async (form) => {
		const body = { cidr, ...a.extra };
		if (form.get('for'))
			body.for = form.get('for');
		if (form.get('note')?.trim())
			body.note = form.get('note').trim();
		return perform(a.path, body, refresh);
	} });
}

/* What may be done about a sender in this state. */
const fit = { allowed: ['withdraw'], listed: ['allow', 'forget'], cleared: ['allow', 'list'] };

/* but: what is not offered here. */
export function actionButtons(entry, refresh, but = null) {
	const names = entry.reasons?.includes('by_hand') && entry.state === 'listed' ? ['allow', 'unlist'] : fit[entry.state] || ['allow', 'forget', 'list'];
	return h('span', { class: 'actions' }, names.filter((name) => name !== but).map((name) => h('button', { type: 'button', class: 'small', 'data-act': name, 'data-focus': name + ' ' + entry.cidr,
		'aria-label': `${what[name].title} ${plain(entry.cidr)}`, onclick: () => act(name, entry.cidr, refresh) }, what[name].title)));
}
