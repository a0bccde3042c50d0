/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * origins.js - where listed senders come from: a table first, then a picture, then a map as decoration.
 */
import { hierarchy, treemap } from 'd3-hierarchy';
import { get } from './api.js';
import { ISO } from './countries.js';
import { h, s, show } from './dom.js';
import { figure, table } from './figure.js';
import { count } from './text.js';

const BY = { country: 'Country', asn: 'Network (ASN)' };
const STATE = { listed: 'Listed', suspect: 'Suspects' };

function boxes(rows, width, height) {
	const root = treemap().size([width, height]).paddingInner(3).round(true)(hierarchy({ children: rows }).sum((d) => d.senders || 0).sort((a, b) => b.value - a.value));
	return s('svg', { class: 'tree', viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' }, root.leaves().map((n) => {
		const w = n.x1 - n.x0, tall = n.y1 - n.y0, text = w > 12 * n.data.key.length && tall > 26;
		return s('g', {}, s('title', {}, `${n.data.name || n.data.key}: ${count(n.data.senders)}`), s('rect', { x: n.x0, y: n.y0, width: w, height: tall, rx: 3 }),
			text ? s('text', { x: n.x0 + 8, y: n.y0 + 19, class: 'label strong' }, n.data.key) : null,
			text && tall > 44 ? s('text', { x: n.x0 + 8, y: n.y0 + 36, class: 'label' }, count(n.data.senders)) : null);
	}));
}

/* The shapes are fetched when somebody opens it, and only then. */
async function map(box, rows) {
	const [{ outlines }, topology] = await Promise.all([import('./worldmap.js'), get('countries.json')]);
	const most = Math.max(1, ...rows.map((r) => r.senders)), by = new Map(rows.map((r) => [ISO[r.key], r]));
	const width = 960, height = 470;
	box.replaceChildren(s('svg', { class: 'world', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': 'A map of the table above' }, outlines(topology, width, height).map((o) => {
		const row = by.get(o.id);
		return s('path', { d: o.d, class: row ? 'some' : 'none', '--share': row ? String(0.3 + 0.7 * Math.sqrt(row.senders / most)) : null }, s('title', {}, `${o.name}: ${row ? count(row.senders) : 'none'}`));
	})));
}

export function origins(argument, refresh) {
	const [by = 'country', state = 'listed'] = argument.split('/').map((w) => w.trim()).filter(Boolean);
	const chosenBy = by in BY ? by : 'country', chosen = state in STATE ? state : 'listed';
	const box = h('div', {}), world = h('div', { class: 'map' });
	const fig = figure({ id: 'tree', title: 'Shares', height: 260 });
	const chip = (text, href, on) => h('a', { class: 'chip', href, 'aria-current': on ? 'true' : null }, text);
	let rows = [];
	const mapPanel = h('details', { class: 'panel', hidden: true, ontoggle: () => { if (mapPanel.open) map(world, rows).catch(() => world.replaceChildren(h('p', { class: 'empty' }, 'The map could not be fetched.'))); } },
		h('summary', {}, 'Map'), world);

	async function fill() {
		const a = await get(`api/v1/breakdown?by=${chosenBy}&state=${chosen}`);
		({ rows } = a);
		const counting = a.available && a.at === null;
		fig.node.hidden = !a.available || rows.length === 0;
		mapPanel.hidden = fig.node.hidden || chosenBy !== 'country';
		show(box, JSON.stringify([a.available, a.why, a.rows, a.others, a.unknown, counting]), () => !a.available ?
			h('p', { class: 'empty' }, h('strong', {}, 'No GeoIP file is configured. '), 'An mmdb file, from MaxMind or others, says where addresses are: ', h('span', {}, a.why || ''), '.') :
			counting ? h('p', { class: 'empty' }, 'Being counted; this page updates itself.') :
			rows.length === 0 ? h('p', { class: 'empty' }, h('strong', {}, 'Nobody. '), `No ${chosen === 'listed' ? 'listed sender' : 'suspect'} has a known origin.`, a.unknown ? ` ${count(a.unknown)} have an unknown one.` : '') :
				[table([BY[chosenBy], 'Name', 'Senders'], [...rows.map((r) => [r.key, r.name || '\u2013', r.senders]), ...(a.others ? [['\u2013', 'all others', a.others]] : []), ...(a.unknown ? [['\u2013', 'unknown', a.unknown]] : [])], BY[chosenBy])]);
		if (!fig.node.hidden)
			fig.fill({ key: JSON.stringify(rows), empty: null, summary: `${rows.length === 1 ? 'All from one place:' : `From ${count(rows.length)} places, most of all from`} ${rows[0].name || rows[0].key}, with ${count(rows[0].senders)} ${chosen === 'listed' ? 'listed senders' : 'suspects'}.`,
				draw: (picture, width) => picture.replaceChildren(boxes(rows.slice(0, 60), width, 240)), table: () => table([BY[chosenBy], 'Senders'], rows.map((r) => [r.name || r.key, r.senders])) });
	}
	void refresh;
	return { fill, nodes: [h('section', { class: 'panel', 'aria-labelledby': 'origins-title' }, h('h1', { id: 'origins-title' }, 'Origins'),
		h('div', { class: 'chips' }, h('nav', { 'aria-label': 'By' }, Object.entries(BY).map(([k, t]) => chip(t, `#/origins/${k}/${chosen}`, k === chosenBy))),
			h('nav', { 'aria-label': 'State' }, Object.entries(STATE).map(([k, t]) => chip(t, `#/origins/${chosenBy}/${k}`, k === chosen)))), box), fig.node, mapPanel] };
}
