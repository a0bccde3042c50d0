/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notice.js - how it is: the API's sentences, on top of the overview; what is bad or held back, on every other page too.
 */
import { perform } from './actions.js';
import { get } from './api.js';
import { ask } from './dialog.js';
import { h, show } from './dom.js';
import { plural, time } from './text.js';

const sign = { ok: ['good', '\u2713'], note: ['note', '!'], bad: ['bad', '\u2715'] };

/* The API's sentence may name the hour in UTC: here it stands in the reader's zone, and once. */
export function worded(s) {
	const [before, after] = s.text.split(/ since (?:[0-9-]+ )?[0-9]+:[0-9]+ UTC/);
	if (!s.since || (after === undefined && / UTC/.test(s.text)))
		return s.text;
	return after === undefined ? [s.text.replace(/\.$/, ''), ' (since ', time(s.since), ').'] : [before, ' since ', time(s.since), after];
}

const looks = { risk: 'Show them', 'senders/held': 'Show them', 'senders/allowed': 'Show the allow-list', consumers: 'Consumers', ladder: 'Ladder', about: 'About' };

/* A sentence as a line: commands as such, and the page that shows more. */
export function line(s, focus) {
	const words = [worded(s)].flat().flatMap((part) => typeof part === 'string' ? part.split(/(`[^`]+`)/).map((t) => t[0] === '`' ? h('code', {}, t.slice(1, -1)) : t) : part);
	return [words, s.page ? [' ', h('a', { href: '#/' + s.page, 'data-focus': `${focus} ${s.page}` }, looks[s.page] || 'More'), ''] : null];
}

/* The publish gate holds the list's growth back: a person looks at it and accepts it, here or by the command. */
async function accept(held, refresh) {
	await ask({ title: `Publish ${plural(held, 'held sender', 'held senders')}?`, confirm: 'Accept', danger: true, body: [
		h('p', {}, `The list grew faster than usual. ${plural(held, 'sender is', 'senders are')} listed but not published yet. After this, every program that uses the list blocks them.`),
		h('p', {}, 'Look at them first: is there mail that you expect among them?'),
		h('label', {}, 'Note for the audit', h('input', { name: 'note', maxlength: 255, autocomplete: 'off', placeholder: 'a spam wave, looked at ten of them' }))],
	send: async (form) => perform('api/v1/publish', form.get('note')?.trim() ? { note: form.get('note').trim() } : {}, refresh) });
}

/* What may be done about a held list; nothing where none is held. */
export const acceptButton = (publishing, refresh) => !publishing?.held_since ? null : h('button', { type: 'button', class: 'small', 'data-act': 'publish', 'data-focus': 'publish',
	onclick: () => accept(publishing.held, refresh) }, 'Accept \u2026');

/* All of it, for the overview. */
export function sentence(o, refresh) {
	const { says } = o;
	const [kind, mark] = sign[says.level] || sign.note;
	return h('div', { class: 'says-now ' + kind }, h('span', { class: 'sign', 'aria-hidden': 'true' }, mark),
		h('div', {}, h('p', { class: 'first' }, line(says, 'first')), says.more.length ? h('ul', {}, says.more.map((m) => h('li', { class: m.level }, line(m, 'more')))) : null,
			acceptButton(o.publishing, refresh)));
}

/* The same for every other page: only what is bad. */
export function drawNotice(box, o, refresh) {
	const bad = [o.says, ...o.says.more].filter((s) => s.level === 'bad');
	box.hidden = bad.length === 0;
	show(box, JSON.stringify([bad, o.publishing?.held, o.publishing?.held_since]), () => [h('ul', {}, bad.slice(0, 3).map((s) => h('li', {}, line(s, 'notice')))),
		bad.length > 3 ? h('p', {}, h('a', { href: '#/', 'data-focus': 'notice' }, `${plural(bad.length - 3, 'more problem', 'more problems')} on the overview`)) : null, acceptButton(o.publishing, refresh)]);
}

export const state = () => get('api/v1/overview');
