/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * actions.js - allow, forget, list by hand: each with a note, an end, and a way back.
 */
import { ask, failure, toast } from './dialog.js';
import { h } from './dom.js';
import { plain } from './text.js';
import { change } from './token.js';

const ENDS = [['', 'until withdrawn'], ['1d', 'a day'], ['7d', 'a week'], ['30d', '30 days'], ['90d', '90 days'], ['365d', 'a year']];
const LISTS = [['1d', 'a day'], ['7d', 'a week'], ['30d', '30 days']];

const what = {
	allow: { path: 'api/v1/allow', title: 'Allow', says: 'It leaves the list at once and is never listed, whatever it does, until the allowance ends.', ends: ENDS, ended: '30d' },
	forget: { path: 'api/v1/forget', title: 'Forget', says: 'Its evidence is forgotten, and it leaves the list. From its next visit on it is judged like a new sender. This cannot be undone.' },
	list: { path: 'api/v1/list', title: 'List', danger: true, says: 'Programs that use your list block it until the time ends. A sender that is allowed, or an address that is never listed, stays off the list.', ends: LISTS, ended: '7d' },
	withdraw: { path: 'api/v1/allow', title: 'Withdraw', extra: { remove: true }, says: 'The allowance ends now. A listing that it ended continues until its own end. From here on the sender is judged like any other.' },
	unlist: { path: 'api/v1/list', title: 'Unlist', extra: { remove: true }, says: 'The listing by hand ends now.' },
};

/* What was decided is in the database a moment after the answer: the page asks until it has certainly seen it. */
const LOOK_MS = [100, 250, 500, 1000, 2000];
function follow(refresh) {
	refresh();
	for (const ms of LOOK_MS)
		setTimeout(refresh, ms);
}

/* Does it, says it, and offers to undo it.  into: the message that shall say it. */
export async function perform(path, body, refresh, into = null) {
	const done = await change(path, body);
	if (done === null)
		return null;
	toast((done.says || 'Done.').replace(/\/(32|128)(?=: )/, ''), { into, ...(done.undo ? { label: 'Undo', act: (message) => undo(done.undo, refresh, message) } : {}) });
	follow(refresh);
	return done;
}

export async function undo(back, refresh, into = null) {
	try {
		await perform(back.path, back.body, refresh, into);
	} catch (error) {
		toast(failure(error), { kind: 'bad', into });
	}
}

export async function act(name, cidr, refresh) {
	const a = what[name];
	await ask({ title: `${a.title} ${plain(cidr)}`, confirm: a.title, danger: a.danger, body: [
		h('p', {}, a.says),
		a.ends ? h('label', {}, 'For', h('select', { name: 'for' }, a.ends.map(([value, text]) =>
			h('option', { value, selected: value === a.ended }, text)))) : null,
		h('label', {}, 'Note for the audit', h('input', { name: 'note', maxlength: 255, autocomplete: 'off', placeholder: 'a customer, ticket 4711' })),
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
