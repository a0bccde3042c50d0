/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rungs.js - a ladder drawn as a ladder: its top is the bogus backup that no honest sender has to use, its lowest rung is where mail servers start.
 */
import { h } from './dom.js';
import { brief, count, pill, time, words } from './text.js';

const duty = {
	nolisting: 'refuses; a mail server goes on to the real MX at once', real: 'accepts the mail; watched, never a trap',
	bogus: { none: 'refuses; nothing can be proven here', reset: 'answers and resets; proves the address',
		dialogue: 'speaks SMTP, accepts nothing; learns the recipient' },
	control: 'in no MX record; only scanners come here',
};
export const dutyOf = (r) => typeof duty[r.role] === 'string' ? duty[r.role] : duty[r.role]?.[r.answer];

export const MIDNIGHT = 'since midnight UTC';

/* What it was seen to do today, beside what it should do. */
export function health(r) {
	if (r.health === 'down')
		return pill('down', 'down');
	if (r.attempts_today === 0)
		return pill('quiet', 'no visitor today');
	if (r.role === 'control')
		return null;
	if (r.role === 'real' || r.answer !== 'none')
		return r.proven_today > 0 ? pill('up', 'answers') : pill('suspect', 'no handshake today');
	if (r.proven_today > 0)
		return pill('down', 'answers, should refuse');
	return r.silent_today > r.refused_today ? pill('down', 'silent, should refuse') : pill('up', 'refuses');
}

function rung(r, most) {
	const cell = (name, value, when) => h('div', { title: `${count(value)} ${when}` }, h('dt', {}, name), h('dd', {}, brief(value)));

	return h('li', { class: 'rung ' + r.role },
		h('div', { class: 'preference', title: 'MX preference' }, h('span', {}, r.role === 'control' ? '\u2013' : r.preference)),
		h('div', { class: 'who' },
			h('p', {}, h('strong', {}, r.name || 'control address'), ' ', pill('role ' + r.role, words.role[r.role] || r.role), ' ', health(r)),
			h('p', { class: 'dim' }, dutyOf(r), r.last_attempt ? [' \u00b7 last attempt ', time(r.last_attempt)] : null)),
		h('dl', { class: 'saw' }, cell('senders now', r.senders_now, 'in the five minutes before its last attempt'), cell('senders today', r.senders_today, MIDNIGHT), cell('attempts today', r.attempts_today, MIDNIGHT)),
		h('div', { class: 'meter', role: 'img', 'aria-label': `${count(r.attempts_today)} attempts today` },
			h('span', { '--width': (most ? 100 * r.attempts_today / most : 0) + '%' })));
}

/* The highest preference first; what is in no MX record above all. */
const higher = (a, b) => (b.role === 'control') - (a.role === 'control') || b.preference - a.preference;

export function ladders(rungs) {
	const sets = Map.groupBy ? Map.groupBy(rungs, (r) => r.mx_set) : rungs.reduce((m, r) => m.set(r.mx_set, [...(m.get(r.mx_set) || []), r]), new Map());
	const most = Math.max(0, ...rungs.map((r) => r.attempts_today));
	const draw = ([name, list]) => h('div', { class: 'set' }, h('h3', {}, name || 'Control addresses'),
		h('ol', { class: 'ladder', 'aria-label': `The ladder of ${name}, its top first` }, [...list].sort(higher).map((r) => rung(r, most))));
	const busy = ([, list]) => list.some((r) => r.attempts_today > 0 || r.health === 'down');
	const all = [...sets];
	const first = all.some(busy) ? all.filter(busy) : all.slice(0, 1), rest = all.filter((s) => !first.includes(s));

	return [h('div', { class: 'sets' }, first.map(draw)),
		rest.length ? h('details', { class: 'rest' }, h('summary', {}, `${rest.length} more ${rest.length === 1 ? 'ladder' : 'ladders'} without a visitor today, none known to be down`), h('div', { class: 'sets' }, rest.map(draw))) : null,
		h('p', { class: 'note climb' }, '\u2191 A mail server starts at the lowest rung and climbs until an exchanger accepts its mail. A sender that starts at the top skipped what a mail server tries first.')];
}
