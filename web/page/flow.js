/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow.js - how senders moved over the rungs in the last 24 hours: a Sankey picture, bars where that is too narrow.
 */
import { sankey, sankeyLinkHorizontal } from 'd3-sankey';
import { h, s } from './dom.js';
import { count, plural, words } from './text.js';

const STEPS = 3;		/* rungs a route; what follows is not drawn */
const ends = { served: 'reached the real MX', never: 'never reached it' };

/* What the routes say about who comes here. */
export function kindsOf(flow) {
	const kinds = { climbed: 0, top: 0, up: 0, past: 0, real: 0, other: 0 };
	const rank = { nolisting: 0, real: 1, bogus: 2, control: 3 };
	for (const { route, visits } of flow.routes) {
		const orderly = route.every((r, i) => i === 0 || rank[r] >= rank[route[i - 1]]);
		if (route[0] === 'bogus' || route[0] === 'control')
			kinds.top += visits;
		else if (route[0] === 'nolisting' && !route.includes('real'))
			kinds[route.length > 1 ? 'past' : 'up'] += visits;
		else if (orderly && route[0] === 'nolisting')
			kinds.climbed += visits;
		else if (route[0] === 'real')
			kinds.real += visits;
		else
			kinds.other += visits;
	}
	return kinds;
}

export function flowSays(flow) {
	const k = kindsOf(flow);
	const reached = flow.routes.reduce((n, r) => n + r.reached_real, 0);
	return `Of ${plural(flow.visits, 'visit', 'visits')} in the last 24 hours ${count(k.climbed)} climbed to the real MX, ${count(k.top)} started at the bogus backup, ` +
		`${count(k.up)} gave up before the real MX, ${count(k.past)} passed it by to the bogus backup, ${count(k.real)} went straight to it${k.other ? `, ${count(k.other)} took another route` : ''}. ` +
		`In ${count(reached)} the handshake with the real MX was completed.`;
}

const routeText = (route) => route.map((r) => words.role[r] || r).join(' \u2192 ');
export const flowLines = (flow) => [...flow.routes].sort((a, b) => b.visits - a.visits).map((r) => [routeText(r.route), r.visits, r.reached_real]);

function bars(flow) {
	const lines = [...flow.routes].sort((a, b) => b.visits - a.visits).slice(0, 8);
	const most = lines[0]?.visits || 1;
	return h('ul', { class: 'bars' }, lines.map(({ route, visits }) => h('li', {}, h('span', {}, routeText(route)), h('strong', { class: 'num' }, count(visits)),
		h('span', { class: 'meter ' + route[0] }, h('span', { '--width': 100 * visits / most + '%' })))));
}

function graph(flow) {
	const nodes = new Map(), links = new Map();
	const node = (step, name) => {
		const id = step + ' ' + name;
		if (!nodes.has(id))
			nodes.set(id, { id, name, step });
		return id;
	};
	const add = (source, target, value) => {
		const id = source + '>' + target;
		const l = links.get(id) || { source, target, value: 0 };
		l.value += value;
		links.set(id, l);
	};
	for (const { route, visits, reached_real: reached } of flow.routes) {
		const path = route.slice(0, STEPS).map((name, i) => node(i, name));
		if (path.length === 0)
			continue;
		for (let i = 1; i < path.length; i++)
			add(path[i - 1], path[i], visits);
		if (reached > 0)
			add(path.at(-1), node(STEPS, 'served'), reached);
		if (visits > reached)
			add(path.at(-1), node(STEPS, 'never'), visits - reached);
	}
	return { nodes: [...nodes.values()], links: [...links.values()] };
}

export function drawFlow(flow, width) {
	if (width < 560)
		return bars(flow);
	const order = ['control', 'bogus', 'real', 'nolisting', 'served', 'never'];
	const height = 240, pad = 18;
	const { nodes, links } = sankey().nodeId((d) => d.id).nodeWidth(12).nodePadding(18).nodeAlign((d) => d.step)
		.nodeSort((a, b) => order.indexOf(a.name) - order.indexOf(b.name)).extent([[1, pad], [width - 160, height - 4]])(graph(flow));
	const svg = s('svg', { class: 'flow', viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' });
	const columns = ['came first to', 'then to', 'then to', 'finally'];

	for (const l of links)
		svg.append(s('path', { class: 'way ' + l.source.name, d: sankeyLinkHorizontal()(l), 'stroke-width': Math.max(1, l.width) },
			s('title', {}, `${words.role[l.source.name]} \u2192 ${words.role[l.target.name] || ends[l.target.name]}: ${count(l.value)}`)));
	for (const n of nodes) {
		const text = words.role[n.name] || ends[n.name];
		svg.append(s('rect', { class: 'node ' + n.name, x: n.x0, y: n.y0, width: n.x1 - n.x0, height: Math.max(1, n.y1 - n.y0), rx: 2 }, s('title', {}, `${text}: ${count(n.value)}`)),
			s('text', { class: 'label strong', x: n.x1 + 6, y: (n.y0 + n.y1) / 2 + 4 }, `${text} ${count(n.value)}`));
	}
	for (const [i, x] of [...new Map(nodes.map((n) => [n.step, n.x0])).entries()])
		svg.append(s('text', { class: 'label', x, y: 11 }, columns[i]));
	return svg;
}
