/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * risk.js - mail at risk: senders that were refused and never completed a session at the real MX.
 *
 * Asked for once a minute: the answer moves slowly, and it looks through all senders.
 */
import { actionButtons } from './actions.js';
import { get } from './api.js';
import { h, show } from './dom.js';
import { count, link, mark, passed, pill, plain, plural, points, span, time, words } from './text.js';

const EVERY_MS = 60000;
const LIKELY = 3;		/* RISK_LIKELY */
const roles = (list) => list.map((r) => words.role[r] || r).join(', ');

/* Where its handshake was completed: what it tried and got a connection at. */
function detail(w, entry, pauses) {
	const open = entry.tried.filter((r) => !entry.failed.includes(r));
	return w.name === 'queue_spacing' ? pauses : w.name === 'proven' && open.length ? ` (${roles(open)})` : '';
}

/* before: the row above; what stands there already takes one line here. */
function row(entry, before, refresh) {
	const names = (e) => e?.why.map((w) => w.name).join();
	const pauses = entry.shortest_pause ? `, ${span(entry.shortest_pause)} to ${span(entry.longest_pause)} apart` : '';

	return h('tr', {},
		h('th', { scope: 'row' },
			h('a', { href: link(entry.cidr), 'data-focus': 'risk ' + entry.cidr }, plain(entry.cidr)), ' ',
			entry.state !== 'unknown' ? pill(entry.state, words.state[entry.state] || entry.state) : null),
		h('td', { 'data-name': 'Likeness' }, h('span', { class: 'num' }, entry.likeness.toFixed(1))),
		h('td', { 'data-name': 'Why' }, entry.why.length > 0 && names(entry) === names(before) ?
			h('span', { title: entry.why.map((w) => w.says).join('; ') }, `the same ${plural(entry.why.length, 'reason', 'reasons')} as above${pauses}`) :
			h('ul', { class: 'plain' }, entry.why.map((w) => h('li', {}, h('span', { class: 'points ' + (w.points < 0 ? 'bad' : 'good') }, points(w.points)),
				' ', w.says, detail(w, entry, pauses))))),
		h('td', { 'data-name': 'No connection at' }, entry.failed.length ? roles(entry.failed) : h('span', { class: 'none' }, '\u2013')),
		h('td', { 'data-name': 'Last seen' }, time(entry.last_seen)),
		h('td', { 'data-name': 'Actions' }, actionButtons(entry, refresh, 'list')));
}

export function risk(_argument, refresh) {
	const box = h('div', {});
	let asked = null, most = 20;
	const now = () => { asked = null; refresh(); };

	async function fill() {
		if (asked && passed(asked) < EVERY_MS)
			return;
		const answer = await get(`api/v1/risk?limit=${most}`);
		asked = mark();
		show(box, JSON.stringify([answer.entries, answer.ranked, answer.likely, answer.candidates, answer.now]), () => answer.entries.length === 0 ?
			h('p', { class: 'empty' }, h('strong', {}, 'None known. '), 'Each refused sender went on to the real MX, or came only once. ',
				`${count(answer.considered)} senders never climbed the ladder; none of them behaves like a mail server. `, 'As of ', time(answer.now), '.') : [
				h('p', { class: 'intro' }, `${plural(answer.likely, 'sender is a likely mail server', 'senders are likely mail servers')} (a likeness of ${LIKELY.toFixed(1)} or more), as of `, time(answer.now),
					`. ${count(answer.considered)} senders in the database never climbed the ladder, ${count(answer.candidates)} of them were refused or came back; ${answer.ranked === answer.candidates ? 'all of these' : `the most likely ${count(answer.ranked)}`} are ranked here. Allow those that you know.`),
				h('table', { class: 'senders risk' },
					h('thead', {}, h('tr', {}, ['Sender', 'Likeness', 'Why', 'No connection at', 'Last seen', 'Actions'].map((t) => h('th', { scope: 'col' }, t)))),
					h('tbody', {}, answer.entries.map((e, i) => row(e, answer.entries[i - 1], now)))),
				answer.ranked > answer.entries.length && most < 1000 ? h('p', { class: 'more' }, h('button', { type: 'button', 'data-focus': 'more', 'data-more': '', onclick: () => { most = Math.min(1000, most + 80); now(); } },
					'Show more'), h('span', { class: 'dim' }, ` ${count(answer.entries.length)} of ${count(answer.ranked)} shown`)) : null]);
	}
	return { fill, nodes: [h('section', { class: 'panel', 'aria-labelledby': 'risk-title' },
		h('div', { class: 'head' }, h('h1', { id: 'risk-title' }, 'Mail at risk'), h('span', { class: 'dim' }, 'if mail is missing, look here first')),
		h('p', { class: 'dim' }, 'Senders that were refused on the ladder, behave like mail servers, and never completed a session at the real MX.'), box)] };
}
