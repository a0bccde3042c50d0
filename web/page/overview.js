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
import { sentence, state as ask } from './notice.js';
import { brief, count, mark, passed, plural, span, time } from './text.js';

const RISK_MS = 15 * 60000;
/* What a listing means now: the list may be published, held in part, or only watched. */
const nobodyUses = (c) => !c.known && c.own.length === 0;
const listedSays = (p, c) => p.open && nobodyUses(c) ? 'would be blocked: no program fetches the list yet' : p.open && !p.held_since ? 'blocked by every program that uses your list' :
	p.open ? `${p.held === undefined ? 'some of them' : count(p.held)} held back, not published yet` : 'would be blocked: the list is not published';

const tiles = {
	listed: ['Listed', '#/senders/listed', listedSays],
	suspects: ['Suspects', '#/senders/suspect', 'shown, never blocked'],
	cleared: ['Cleared', '#/senders/cleared', 'behave as mail servers do'],
	attempts: ['Attempts, 24 h', '#/live', null],
};

function tile(t, proven, publishing, users) {
	const [name, href, says] = tiles[t.name];
	const hint = typeof says === 'function' ? says(publishing, users) : says ?? `${brief(proven)} of them completed the handshake`;
	return h('a', { class: 'tile ' + t.name, href, 'data-focus': 'tile ' + t.name },
		h('span', { class: 'name' }, name), h('span', { class: 'value', title: count(t.now) }, brief(t.now)), spark(t.days, t.name),
		h('span', { class: 'dim' }, hint), h('span', { class: 'dim' }, change(t.now, t.week_ago)));
}

function riskTile(r) {
	return h('a', { class: 'tile risk' + (r.likely ? ' some' : ''), href: '#/risk', 'data-focus': 'tile risk' }, h('span', { class: 'name' }, 'Mail at risk'),
		h('span', { class: 'value' }, r.at ? brief(r.likely) : '\u2013'), h('span', { class: 'spark none' }),
		h('span', { class: 'dim' }, !r.at ? 'being counted' : r.likely ? 'likely mail servers that could not deliver' : 'no likely mail server was turned away'),
		h('span', { class: 'dim' }, r.at ? ['of all senders in the database, as of ', time(r.at)] : '\u00a0'));
}

/* Of a list that is not published, or in part, nobody has all. */
const consumersSay = (c, publishing) => c.warning || (!c.known ? `${c.own.length ? 'beside mxtrap itself ' : ''}no program fetches the list yet` :
	!publishing.open ? 'the list is not published: they get an empty one' : publishing.held_since ? 'none has the senders that are held back' :
		c.behind ? `${plural(c.behind, 'document is', 'documents are')} behind the list` : 'none is more than 15 min behind');

function consumerTile(c, now, publishing) {
	return h('a', { class: 'tile consumers', href: '#/consumers', 'data-focus': 'tile consumers' }, h('span', { class: 'name' }, 'Consumers'),
		h('span', { class: 'value' }, brief(c.known)), h('span', { class: 'spark none' }),
		h('span', { class: 'dim' }, consumersSay(c, publishing)),
		h('span', { class: 'dim' }, c.newest ? `the last fetch was ${span(now - c.newest)} ago` : 'how to connect one'));
}

export function overview(_argument, refresh) {
	const state = h('div', { class: 'state-box' }), numbers = h('div', { class: 'tiles' });
	const ladder = h('section', { class: 'panel', 'aria-labelledby': 'ladder-title' }), latest = h('section', { class: 'panel latest', 'aria-labelledby': 'latest-title' });
	const flow = figure({ id: 'flow', title: 'How they moved, last 24 hours', height: 250 });
	const over = hours(refresh);

	/* The API looks through all senders only when somebody asks for them: now and then that is us. */
	let looked = null;
	function lookAtRisk(at, now) {
		if ((looked && passed(looked) < RISK_MS) || (at && now - at < RISK_MS / 1000))
			return;
		looked = mark();
		get('api/v1/risk?limit=1').then(refresh, () => { looked = null; });
	}

	async function fill() {
		/* All of this is in one answer, and is painted before anything else is asked for. */
		const o = await ask();
		latest.style.setProperty('--rows', o.totals[0].now > 2 ? 5 : o.totals[0].now);	/* later parts move nothing */
		show(state, JSON.stringify([o.says, o.publishing]), () => sentence(o, refresh));
		show(numbers, JSON.stringify([o.totals, o.risk, o.consumers, o.publishing]), () => [...Object.keys(tiles).map((name) => tile(o.totals.find((t) => t.name === name), o.totals.find((t) => t.name === 'proven').now, o.publishing, o.consumers)), riskTile(o.risk), consumerTile(o.consumers, o.now, o.publishing)]);
		show(ladder, JSON.stringify(o.rungs), () => [h('div', { class: 'head' }, h('h2', { id: 'ladder-title' }, 'The ladder now'), h('a', { href: '#/ladder' }, 'all about it')),
			o.rungs.length === 0 ? h('p', { class: 'empty' }, 'No MX set is configured. Describe one with ', h('code', {}, 'mx-set "example.org" { \u2026 }'), ' and restart mxtrapd.') : ladders(o.rungs)]);
		const [list] = await Promise.all([get('api/v1/list?state=listed&order=since&limit=5'), over.fill(o.now)]);
		flow.fill({ key: JSON.stringify(o.flow.routes), empty: o.flow.routes.length === 0 ? 'No visit ended in the last 24 hours. A visit ends when a sender has been silent for a while; then its route is drawn here.' : null,
			summary: flowSays(o.flow), draw: (box, width) => box.replaceChildren(drawFlow(o.flow, width)), table: () => table(['Route', 'Visits', 'Completed a handshake at the real MX'], flowLines(o.flow), 'Routes over the rungs') });
		const blocks = o.publishing.open && !nobodyUses(o.consumers);
		show(latest, JSON.stringify([list.entries, blocks]), () => [h('div', { class: 'head' }, h('h2', { id: 'latest-title' }, blocks ? 'Who is blocked, and why' : 'Who would be blocked, and why', h('span', { class: 'dim' }, ' \u2013 the newest')), h('a', { href: '#/senders/listed' }, 'all of them')),
			list.entries.length ? senderRows(list.entries, list.thresholds, refresh, { states: false, sentences: true }) : h('p', { class: 'empty' }, h('strong', {}, 'Nobody. '),
				'A sender that goes to the bogus backup first, more than once and with a proven address, will be: ', h('a', { href: '#/senders/suspect' }, 'watch the suspects'), '.')]);
		lookAtRisk(o.risk.at, o.now);
		document.getElementById('state').textContent = `state ${o.generation}:${o.serial}`;
	}
	return { fill, nodes: [h('h1', { class: 'hidden' }, 'Overview'), state, numbers, latest, h('div', { class: 'sight' }, ladder, flow.node, over.node)] };
}
