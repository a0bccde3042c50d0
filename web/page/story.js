/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * story.js - what happened with one sender, in words, in the order in which it happened.
 */
import { h } from './dom.js';
import { scoreBar } from './scorebar.js';
import { count, pill, plain, plural, points, signed, span, time, words } from './text.js';

export const outcomes = {
	silent: 'no answer was seen', refused: 'was refused', half: 'was answered and did not complete the handshake',
	proven: 'completed the handshake', withdrawn: 'did not ask for it: a live host answered RST',
};
export const grades = {
	none: '', syn: 'a SYN only: anyone can forge it', resyn: 'the SYN came twice: still forgeable',
	proven: 'address proven', addressed: 'mail was for us', accepted: 'mail was accepted',
};

function attempt(row) {
	return { at: row.time, kind: 'attempt', body: [
		h('p', {}, h('strong', {}, row.exchanger || row.address || 'an address of ours'), ' ',
			row.role ? pill('role ' + row.role, words.role[row.role] || row.role) : null,
			row.preference !== undefined ? h('span', { class: 'dim' }, ` preference ${row.preference}`) : null),
		h('p', { class: 'dim' }, `${row.from} port ${row.port} `, outcomes[row.outcome] || '',
			row.syns > 1 ? `, ${row.syns} SYNs` : '', row.rtt_ms ? `, round trip ${row.rtt_ms.toFixed(row.rtt_ms < 1 ? 3 : 1)} ms` : '',
			row.fingerprint ? [' \u00b7 ', h('code', {}, row.fingerprint), row.os ? ` looks like ${row.os}` : null] : null)] };
}

/* The words are the sender's own: text nodes alone ever hold them. */
function said(row) {
	const has = (what) => row.said.includes(what);
	const parts = [
		has('tls') ? 'a TLS hello, with which no SMTP begins: its visit counts nothing' :
			has('foreign_protocol') ? 'HTTP or another protocol that is not SMTP: its visit counts nothing' :
				has('early') ? 'something before it was greeted' : null,
		row.helo !== null ? ['HELO ', h('code', {}, row.helo), has('bad_helo') ? ', a name that no mail server uses' : null] : has('no_helo') ? 'no HELO' : null,
		row.domain !== null ? ['mail for ', row.domain ? h('code', {}, row.domain) : 'a recipient without a domain',
			has('ours') ? ', which is ours' : has('foreign') ? ', which is not ours' : null] : null,
		has('order') ? 'commands out of order' : null,
		has('unknown_command') ? 'an unknown command before HELO: its words count nothing' : null,
	].filter(Boolean);
	return { at: row.time, kind: 'attempt dialogue', body: [
		h('p', {}, h('strong', {}, 'SMTP dialogue with ', row.exchanger || row.address || 'a decoy'), ': ', parts.length ? parts.map((part, i) => [i ? '; ' : null, part]) : 'nothing')] };
}

function visit(row) {
	const route = (list) => list.length ? list.map((r) => words.role[r] || r).join(' \u2192 ') : 'none';
	return { at: row.end, kind: 'visit', body: [
		h('p', {}, h('strong', {}, 'Visit ended: '), route(row.route), row.mx_set ? h('span', { class: 'dim' }, ` at ${row.mx_set}`) : null),
		h('p', { class: 'dim' }, `${plural(row.attempts, 'attempt', 'attempts')}${row.attempts > 1 ? ` in ${span(row.end - row.start)}` : ''}`,
			`, proven route: ${route(row.proven_route)}`, row.class !== 'sender' ? `, class ${row.class}` : '')] };
}

function evidence(row, thresholds) {
	const sign = row.score > 0 ? 'bad' : row.score < 0 ? 'good' : 'quiet';
	return { at: row.time, kind: 'evidence ' + sign, body: [
		h('p', {}, h('strong', {}, words.reason[row.kind] || row.kind), ' ',
			h('span', { class: 'points ' + sign, title: 'points in the score' }, points(row.score)),
			row.hint !== row.score ? h('span', { class: 'dim' }, ` forgeable ${points(row.hint)}`) : null,
			row.revision ? pill('quiet', 'revision') : null),
		h('p', {}, row.says),
		row.doubts.map((d) => h('p', { class: 'doubt' }, h('span', { class: 'mark' }, 'excused'), ' ', d.says)),
		h('p', { class: 'sums' }, scoreBar(row.score_sum, thresholds),
			h('span', { class: 'dim' }, ` score ${signed(row.score_sum)}, forgeable score ${signed(row.hint_sum)} after it`,
				grades[row.grade] ? ` \u00b7 ${grades[row.grade]}` : ''))] };
}

function change(row) {
	return { at: row.time, kind: 'change ' + row.to, body: [
		h('p', {}, pill(row.from, row.from), ' \u2192 ', pill(row.to, row.to), ' ',
			h('strong', {}, plain(row.cidr)), h('span', { class: 'dim' }, ` serial ${count(row.serial)}`)),
		h('p', { class: 'dim' }, row.says, row.expires ? [' \u00b7 until ', time(row.expires)] : null)] };
}

/* Everything in the order in which it happened; what belongs together at one instant
 * keeps the order attempt, said, evidence, change, visit. */
export function timeline(story) {
	const rows = [
		...story.attempts.map(attempt),
		...story.said.map(said),
		...story.evidence.map((row) => evidence(row, story.thresholds)),
		...story.changes.map(change),
		...story.visits.map(visit),
	].map((row, i) => [row, i]).sort((a, b) => a[0].at - b[0].at || a[1] - b[1]).map(([row]) => row);
	let last = null;
	return h('ol', { class: 'timeline' }, rows.map((row) => {
		const gap = last !== null && row.at - last > 60 ? `${span(row.at - last)} later` : null;
		last = row.at;
		return h('li', { class: row.kind }, h('div', { class: 'when' }, time(row.at, { ms: true }),
			gap ? h('span', { class: 'dim' }, gap) : null), h('div', { class: 'what' }, row.body));
	}));
}
