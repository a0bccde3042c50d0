/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ladder.js - the configuration as mxtrapd sees it, rung by rung, its health, and what needs a look.
 */
import { get } from './api.js';
import { h, show } from './dom.js';
import { table } from './figure.js';
import { line, state } from './notice.js';
import { MIDNIGHT, dutyOf, health } from './rungs.js';
import { pill, plural, signed, time, words } from './text.js';

/* The API's own sentences: nothing here knows better than they do. */
function findings(how, status, sets) {
	const idle = sets.flatMap((set) => set.exchangers).filter((e) => e.role !== 'control' && sum(e, 'attempts') === 0).length;
	const open = [how.says, ...how.says.more].filter((s) => s.level !== 'ok');
	return [h('h2', {}, 'What needs a look'), open.length ? h('ul', { class: 'findings' }, open.map((s) => h('li', { class: s.level }, line(s, 'finding')))) :
		h('p', { class: 'empty' }, h('strong', {}, 'Nothing is known to be wrong. '), 'Each interface is captured and each process runs.', idle ? ` ${plural(idle, 'rung', 'rungs')} had no visitor today.` : ''),
	status.notes.length ? h('details', {}, h('summary', {}, plural(status.notes.length, 'note', 'notes'), ' of the last 24 hours'),
		h('ul', { class: 'findings' }, status.notes.slice(-50).reverse().map((n) => h('li', {}, time(n.time), ' ', n.address ? [h('code', {}, n.address), ' '] : null, n.says)))) : null,
	status.not_kept.length ? h('details', {}, h('summary', {}, 'What was not kept, or not trusted, because of a limit'),
		h('ul', { class: 'findings' }, status.not_kept.map((c) => h('li', {}, c.loss ? h('strong', {}, c.value) : c.value, ' ', c.says, c.name.startsWith('frames ') ? ` (${c.name.slice(7)})` : null)))) : null];
}

const published = (p) => !p.open ? `no: ${p.why || 'consumers get an empty list'}` : p.held_since ? ['yes, but not what was listed since ', time(p.held_since), ' (held)'] : 'yes';

const sum = (e, field) => e.addresses.reduce((n, a) => n + a.today[field], 0);

/* What it saw since midnight UTC; what did not happen is not shown. */
function today(e) {
	const parts = [['proven', 'handshake', 'handshakes'], ['refused', 'refused', 'refused'], ['silent', 'silent', 'silent']].filter(([field]) => sum(e, field) > 0);
	return h('span', { title: MIDNIGHT }, plural(sum(e, 'attempts'), 'attempt', 'attempts'), parts.length ? ': ' : '', parts.map(([field, one, many]) => plural(sum(e, field), one, many)).join(', '));
}

function exchanger(e) {
	const r = { ...e, health: e.addresses.some((a) => a.health === 'down') ? 'down' : 'up', attempts_today: sum(e, 'attempts'), proven_today: sum(e, 'proven'),
		refused_today: sum(e, 'refused'), silent_today: sum(e, 'silent') };
	return [h('span', { class: 'num' }, e.role === 'control' ? '\u2013' : String(e.preference)), h('span', {}, h('strong', {}, e.name || 'control address'), h('br', {}), h('span', { class: 'dim' }, dutyOf(e))),
		pill('role ' + e.role, words.role[e.role] || e.role), health(r),
		h('span', { class: 'addresses' }, e.addresses.map((a) => h('span', {}, h('code', { class: a.health === 'down' ? 'down' : null }, a.address), a.health === 'down' ? ' down' : null))),
		today(e),
		time(Math.max(...e.addresses.map((a) => a.last_attempt)))];
}

function setPanel(set) {
	const names = set.domains.length && !(set.domains.length === 1 && set.domains[0] === set.name) ? set.domains : [];
	const heads = ['Preference', 'Exchanger', 'Role', 'Health', 'Addresses', 'Today', 'Last attempt'];
	const lines = [...set.exchangers].sort((a, b) => (b.role === 'control') - (a.role === 'control') || b.preference - a.preference).map(exchanger);
	return h('section', { class: 'panel' }, h('h2', {}, set.name || 'Control addresses', names.length ? h('span', { class: 'dim' }, ' for ' + names.slice(0, 6).join(', ') + (names.length > 6 ? ` and ${names.length - 6} more` : '')) : null),
		h('table', { class: 'senders rungs' }, h('thead', {}, h('tr', {}, heads.map((t) => h('th', { scope: 'col' }, t)))),
			h('tbody', {}, lines.map((row) => h('tr', {}, row.map((cell, i) => i === 1 ? h('th', { scope: 'row' }, cell) : h('td', { 'data-name': heads[i], class: 'words' }, cell)))))));
}

function judging(status) {
	const t = status.thresholds;
	return [h('h2', {}, 'How it judges'), table(['What', 'Value'], [
		['A sender is a suspect from', h('span', {}, `${t.suspect.toFixed(2)} points`)], ['listed from', h('span', {}, `${t.list.toFixed(2)} points`)], ['cleared at', h('span', {}, `${signed(t.clear, 2)} points`)],
		['Evidence that may list is at least', h('span', {}, status.list_on)],
		['Published', h('span', {}, published(status.publishing))]], 'Thresholds')];
}

export function ladder() {
	const needs = h('section', { class: 'panel' }), judge = h('section', { class: 'panel' }), sets = h('div', { class: 'stack' });

	async function fill() {
		const [how, status, answer] = await Promise.all([state(), get('api/v1/status'), get('api/v1/mx-sets')]);
		show(needs, JSON.stringify([how.says, status.notes, status.not_kept, answer.mx_sets]), () => findings(how, status, answer.mx_sets));
		show(judge, JSON.stringify([status.thresholds, status.list_on, status.publishing]), () => judging(status));
		show(sets, JSON.stringify(answer.mx_sets), () => answer.mx_sets.length === 0 ? h('p', { class: 'empty' }, 'No MX set is configured. Describe one with ',
			h('code', {}, 'mx-set "example.org" { \u2026 }'), ' and restart mxtrapd.') : [answer.mx_sets.map(setPanel), answer.next !== null ? h('p', { class: 'note' }, 'More addresses are configured than are shown here.') : null]);
	}
	return { fill, nodes: [h('h1', {}, 'Ladder'), h('p', { class: 'dim intro' }, 'The configuration as mxtrapd sees it; the top of each ladder first.'), needs, sets, judge] };
}
