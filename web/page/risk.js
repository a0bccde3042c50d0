/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * risk.js - mail at risk: who was refused and never completed a session at the real MX.
 *
 * Asked for once a minute: the answer moves slowly, and it looks through all senders.
 */
import { count, get, h, link, pill, plain, show, span, time, words } from './dom.js';

const EVERY_MS = 60000;
const box = h('div', {});
let asked = 0;

export const riskPanel = h('section', { class: 'panel', 'aria-labelledby': 'risk-title' },
	h('div', { class: 'head' }, h('h2', { id: 'risk-title' }, 'Mail at risk'),
		h('span', { class: 'dim' }, 'look here before you blame the decoys')), box);

const roles = (list) => list.map((r) => words.role[r] || r).join(', ');

function row(entry) {
	const pauses = entry.shortest_pause ? `, ${span(entry.shortest_pause)} to ${span(entry.longest_pause)} apart` : '';

	return h('tr', {},
		h('th', { scope: 'row', 'data-name': 'sender' },
			h('a', { href: link(entry.cidr), 'data-focus': 'risk ' + entry.cidr }, plain(entry.cidr)),
			entry.state !== 'unknown' ? pill(entry.state, words.state[entry.state] || entry.state) : null),
		h('td', { 'data-name': 'like a server' }, h('span', { class: 'num' }, entry.likeness.toFixed(1))),
		h('td', { 'data-name': 'why' }, h('ul', { class: 'plain' }, entry.why.map((w) => h('li', {},
			h('span', { class: 'points ' + (w.points < 0 ? 'bad' : 'good') }, (w.points > 0 ? '+' : '\u2212') + Math.abs(w.points).toFixed(1)),
			' ', w.says, w.name === 'queue_spacing' ? pauses : '')))),
		h('td', { 'data-name': 'no connection at' }, roles(entry.failed)),
		h('td', { 'data-name': 'last seen' }, time(entry.last_seen)),
		h('td', { 'data-name': 'to allow it' }, h('code', {}, entry.allow)));
}

export async function fillRisk() {
	const now = Date.now();
	if (now - asked < EVERY_MS)
		return;
	asked = now;
	const answer = await get('/api/v1/risk?limit=10').catch((error) => { asked = 0; throw error; });
	show(box, JSON.stringify([answer.entries, answer.ranked]), () => answer.entries.length === 0 ?
		h('p', { class: 'empty' }, h('strong', {}, 'None known. '), 'Whoever was refused went on to the real MX, or came once only.') : [
		h('table', { class: 'senders risk' },
			h('thead', {}, h('tr', {}, ['sender', 'like a server', 'why', 'no connection at', 'last seen', 'to allow it'].map((t) => h('th', { scope: 'col' }, t)))),
			h('tbody', {}, answer.entries.map(row))),
		answer.ranked > answer.entries.length ? h('p', { class: 'note' }, `The first ${count(answer.entries.length)} of ${count(answer.ranked)}: `,
			h('code', {}, 'mxtrap risk'), ' shows more.') : null]);
}
