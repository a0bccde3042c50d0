/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * overview.js - the first sight: how things stand, in one sentence; then the ladder, and who moved on it.
 */
import { get } from './api.js';
import { h, show } from './dom.js';
import { figure, table } from './figure.js';
import { drawFlow, flowLines, flowSays } from './flow.js';
import { hours } from './hours.js';
import { ladders } from './rungs.js';
import { senderRows } from './rows.js';
import { change, spark } from './spark.js';
import { brief, count, plural, span, time } from './text.js';

const RISK_MS = 15 * 60000;
const level = { ok: ['good', '\u2713'], note: ['note', '!'], bad: ['bad', '\u2715'] };
/* The API's sentence may name the hour in UTC: here it stands in the reader's zone, and once. */
function told(s) {
	const [before, after] = s.text.split(/ since (?:[0-9-]+ )?[0-9]+:[0-9]+ UTC/);
	if (!s.since || (after === undefined && / UTC/.test(s.text)))
		return s.text;
	return after === undefined ? [s.text.replace(/\.$/, ''), ' since ', time(s.since), '.'] : [before, ' since ', time(s.since), after];
}

/* What is not wrong, and yet wants a look. */
function hints(o) {
	const listed = o.totals.find((t) => t.name === 'listed').now;
	return o.says.level !== 'ok' ? [] : [
		o.risk.candidates > 0 ? h('li', {}, `${plural(o.risk.candidates, 'sender', 'senders')} may be mail servers that found no way in: `, h('a', { href: '#/risk', 'data-focus': 'hint risk' }, 'look at them'), '.') : null,
		o.consumers.known === 0 && o.consumers.own.length === 0 && listed > 0 ?
			h('li', {}, `${plural(listed, 'sender is', 'senders are')} listed, and no program has fetched the list: `, h('a', { href: '#/consumers', 'data-focus': 'hint consumers' }, 'connect one'), '.') : null].filter(Boolean);
}

function sentence(o) {
	const says = o.says, more = [...says.more.map((m) => h('li', { class: m.level }, told(m))), ...hints(o)];
	const [kind, sign] = level[says.level] || level.note;
	return h('div', { class: 'says-now ' + kind },
		h('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
		h('div', {}, h('p', { class: 'first' }, told(says)), more.length ? h('ul', {}, more) : null));
}

const tiles = {
	listed: ['Listed', '#/senders/listed', 'blocked wherever your list is used'],
	suspects: ['Suspects', '#/senders/suspect', 'shown, never blocked'],
	cleared: ['Cleared', '#/senders/cleared', 'behave as mail servers do'],
	attempts: ['Attempts, 24 h', '#/live', null],
};

function tile(t, proven) {
	const [name, href, says] = tiles[t.name];
	const hint = says ?? `${brief(proven)} of them completed the handshake`;
	return h('a', { class: 'tile ' + t.name, href, 'data-focus': 'tile ' + t.name },
		h('span', { class: 'name' }, name), h('span', { class: 'value', title: count(t.now) }, brief(t.now)), spark(t.days, t.name),
		h('span', { class: 'dim' }, hint), h('span', { class: 'dim' }, change(t.now, t.week_ago)));
}

function riskTile(r) {
	return h('a', { class: 'tile risk' + (r.candidates ? ' some' : ''), href: '#/risk', 'data-focus': 'tile risk' }, h('span', { class: 'name' }, 'Mail at risk'),
		h('span', { class: 'value' }, r.at ? brief(r.candidates) : '\u2013'), h('span', { class: 'spark none' }),
		h('span', { class: 'dim' }, !r.at ? 'is being looked at' : r.candidates ? 'may be mail servers that found no way in' : 'nobody like a mail server was turned away'),
		h('span', { class: 'dim' }, r.at ? ['of all who are remembered, as of ', time(r.at)] : '\u00a0'));
}

function consumerTile(c, now) {
	return h('a', { class: 'tile consumers', href: '#/consumers', 'data-focus': 'tile consumers' }, h('span', { class: 'name' }, 'Consumers'),
		h('span', { class: 'value' }, brief(c.known)), h('span', { class: 'spark none' }),
		h('span', { class: 'dim' }, c.warning || (c.known ? c.behind ? `${plural(c.behind, 'document is', 'documents are')} behind the list` : 'none is more than 15 min behind' : `${c.own.length ? 'beside mxtrap itself ' : ''}nobody fetches the list yet`)),
		h('span', { class: 'dim' }, c.newest ? `the last came ${span(now - c.newest)} ago` : 'how to connect one'));
}

export function overview(_argument, refresh) {
	const state = h('div', { class: 'state-box' }), numbers = h('div', { class: 'tiles' });
	const ladder = h('section', { class: 'panel', 'aria-labelledby': 'ladder-title' }), latest = h('section', { class: 'panel latest', 'aria-labelledby': 'latest-title' });
	const flow = figure({ id: 'flow', title: 'How they moved, last 24 hours', height: 250 });
	const over = hours(refresh);

	/* The API looks through all senders only when somebody asks for them: now and then that is us. */
	let looked = 0;
	function lookAtRisk(at) {
		const now = Date.now();
		if (now - looked < RISK_MS || (at && now / 1000 - at < RISK_MS / 1000))
			return;
		looked = now;
		get('/api/v1/risk?limit=1').then(refresh, () => { looked = 0; });
	}

	async function fill() {
		/* All of this is in one answer, and is painted before anything else is asked for. */
		const o = await get('/api/v1/overview');
		latest.style.setProperty('--rows', o.totals[0].now > 2 ? 5 : o.totals[0].now);	/* what comes later moves nothing */
		show(state, JSON.stringify([o.says, o.risk.candidates, o.consumers.known, o.consumers.own, o.totals[0].now]), () => sentence(o));
		show(numbers, JSON.stringify([o.totals, o.risk, o.consumers]), () => [...Object.keys(tiles).map((name) => tile(o.totals.find((t) => t.name === name), o.totals.find((t) => t.name === 'proven').now)), riskTile(o.risk), consumerTile(o.consumers, o.now)]);
		show(ladder, JSON.stringify(o.rungs), () => [h('div', { class: 'head' }, h('h2', { id: 'ladder-title' }, 'The ladder now'), h('a', { href: '#/ladder' }, 'all about it')),
			o.rungs.length === 0 ? h('p', { class: 'empty' }, 'No MX set is configured. Describe one with ', h('code', {}, 'mx-set "example.org" { \u2026 }'), ' and start mxtrapd again.') : ladders(o.rungs)]);
		const [list] = await Promise.all([get('/api/v1/list?state=listed&limit=5'), over.fill(o.now)]);
		flow.fill({ key: JSON.stringify(o.flow.routes), empty: o.flow.routes.length === 0 ? 'No visit ended in the last day. A visit ends when a sender has been silent for a while; then its way is drawn here.' : null,
			summary: flowSays(o.flow), draw: (box, width) => box.replaceChildren(drawFlow(o.flow, width)), table: () => table(['Route', 'Visits', 'Completed a handshake at the real MX'], flowLines(o.flow), 'Routes over the rungs') });
		show(latest, JSON.stringify(list.entries), () => [h('div', { class: 'head' }, h('h2', { id: 'latest-title' }, 'Who is blocked, and why'), h('a', { href: '#/senders/listed' }, 'all of them')),
			list.entries.length ? senderRows(list.entries, list.thresholds, refresh, { states: false, sentences: true }) : h('p', { class: 'empty' }, h('strong', {}, 'Nobody. '),
				'A sender that goes to the backup decoy first, again and proven, will be: ', h('a', { href: '#/senders/suspect' }, 'watch the suspects'), '.')]);
		lookAtRisk(o.risk.at);
		document.getElementById('state').textContent = `state ${o.generation}:${o.serial}`;
	}
	return { fill, nodes: [h('h1', { class: 'hidden' }, 'Overview'), state, numbers, latest, h('div', { class: 'sight' }, ladder, flow.node, over.node)] };
}
