/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows.js - senders, one a line: who, how sure, why, and what can be done about it.
 */
import { actionButtons } from './actions.js';
import { h } from './dom.js';
import { scoreBar } from './scorebar.js';
import { link, pill, plain, reasons, signed, time, words } from './text.js';

const grades = { syn: 'forgeable', resyn: 'forgeable', proven: 'proven', addressed: 'mail was for us', accepted: 'mail was accepted' };

/* The reasons in one sentence; those that speak for a sender are no reason to block it. */
function sentence(list) {
	const text = list.map((r) => words.why[r] || r).join('; ');
	return text ? h('span', { class: 'sentence', title: text }, text[0].toUpperCase() + text.slice(1) + '.') : null;
}

export function senderRows(entries, thresholds, refresh, { states = true, sentences = false } = {}) {
	return h('table', { class: 'senders' },
		h('thead', {}, h('tr', {}, ['Sender', states ? 'State' : null, 'Score', 'Why', 'Last seen', 'Until', 'Actions'].filter(Boolean).map((t) => h('th', { scope: 'col' }, t)))),
		h('tbody', {}, entries.map((entry) => h('tr', {},
			h('th', { scope: 'row' }, h('a', { href: link(entry.cidr), 'data-focus': entry.cidr }, plain(entry.cidr)),
				entry.class !== 'sender' ? [' ', pill('quiet', entry.class)] : null),
			states ? h('td', { 'data-name': 'State' }, pill(entry.state, words.state[entry.state] || entry.state)) : null,
			h('td', { 'data-name': 'Score' }, h('span', { class: 'score' }, scoreBar(Number(entry.score), thresholds), h('span', { class: 'num' }, signed(entry.score)))),
			h('td', { 'data-name': 'Why', class: 'reasons' }, h('span', {}, sentences ? [sentence(entry.reasons), ' '] : reasons(entry.reasons),
				grades[entry.grade] ? h('span', { class: 'reason grade', title: 'how sure the address is' }, grades[entry.grade]) : null)),
			h('td', { 'data-name': 'Last seen' }, time(entry.last_seen)),
			h('td', { 'data-name': 'Until' }, entry.state === 'listed' && entry.expires ? time(entry.expires) : h('span', { class: 'none' }, '\u2013')),
			h('td', { 'data-name': 'Actions' }, actionButtons(entry, refresh))))));
}
