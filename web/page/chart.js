/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chart.js - attempts by the hour, stacked by role: an SVG made with DOM calls, and the
 * same numbers as a table.
 */
import { brief, count, dayText, h, hourText, s, words } from './dom.js';

const ROLES = ['real', 'nolisting', 'bogus', 'control'];
const HEIGHT = 220, LEFT = 48, BOTTOM = 24, TOP = 8;

/* [{ hour, real, nolisting, bogus, control }], one for each hour, zeros filled in. */
function fold(series) {
	const rows = new Map();
	for (let hour = series.from; hour < series.to; hour += 3600)
		rows.set(hour, { hour, real: 0, nolisting: 0, bogus: 0, control: 0, proven: 0 });
	for (const tally of series.hours) {
		const row = rows.get(tally.hour);
		if (row && tally.role in row) {
			row[tally.role] += tally.attempts;
			row.proven += tally.proven;
		}
	}
	return [...rows.values()];
}

/* 1, 2 or 5 times a power of ten, so that four lines reach the top. */
function step(top) {
	const raw = Math.max(1, top / 4), power = 10 ** Math.floor(Math.log10(raw));
	return [1, 2, 5, 10].map((m) => m * power).find((v) => v >= raw);
}

/* Drawn in the box's own pixels: scaling would squeeze the letters. */
function picture(rows, fullWidth) {
	const top = Math.max(...rows.map((r) => r.real + r.nolisting + r.bogus + r.control), 1);
	const every = step(top), max = every * Math.ceil(top / every);
	const x = (i) => LEFT + i * (fullWidth - LEFT) / rows.length;
	const y = (v) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - v / max);
	const width = Math.max(0.8, (fullWidth - LEFT) / rows.length - (rows.length > 100 ? 0.8 : 2));
	const svg = s('svg', { viewBox: `0 0 ${fullWidth} ${HEIGHT}`, class: 'chart', role: 'img',
		'aria-label': 'Connection attempts by the hour; the same numbers are in the table' });

	for (let v = 0; v <= max; v += every) {
		svg.append(s('line', { x1: LEFT, x2: fullWidth, y1: y(v), y2: y(v), class: v === 0 ? 'axis' : 'grid' }));
		svg.append(s('text', { x: LEFT - 6, y: y(v) + 4, class: 'label end' }, brief(v)));
	}
	let free = 0;		/* labels must not touch */
	rows.forEach((row, i) => {
		let base = 0;
		const sum = row.real + row.nolisting + row.bogus + row.control;
		if (sum > 0) {
			const group = s('g', {}, s('title', {}, `${dayText(row.hour)} ${hourText(row.hour)}: ` +
				ROLES.filter((r) => row[r] > 0).map((r) => `${words.role[r]} ${count(row[r])}`).join(', ')));
			for (const role of ROLES) {
				if (row[role] === 0)
					continue;
				group.append(s('rect', { class: 'column ' + role, x: x(i), width,
					y: y(base + row[role]), height: Math.max(0.6, y(base) - y(base + row[role])) }));
				base += row[role];
			}
			svg.append(group);
		}
		const hours = new Date(row.hour * 1000).getHours();
		if ((rows.length <= 30 ? hours % 6 === 0 : hours === 0) && x(i) >= free && x(i) < fullWidth - 46) {
			svg.append(s('text', { x: x(i), y: HEIGHT - 6, class: 'label' },
				rows.length <= 30 && hours !== 0 ? hourText(row.hour) : dayText(row.hour)));
			free = x(i) + 64;
		}
	});
	return svg;
}

function table(rows) {
	const seen = rows.filter((r) => r.real + r.nolisting + r.bogus + r.control > 0).reverse();
	return h('div', { class: 'scroll', tabindex: 0 }, h('table', {},
		h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'hour'),
			ROLES.map((r) => h('th', { scope: 'col', class: 'num' }, words.role[r])),
			h('th', { scope: 'col', class: 'num' }, 'handshakes'))),
		h('tbody', {}, seen.map((row) => h('tr', {},
			h('th', { scope: 'row' }, `${dayText(row.hour)} ${hourText(row.hour)}`),
			ROLES.map((r) => h('td', { class: 'num' }, count(row[r]))),
			h('td', { class: 'num' }, count(row.proven)))))));
}

export function chart(series, asTable, width) {
	const rows = fold(series);
	const all = rows.reduce((n, r) => n + r.real + r.nolisting + r.bogus + r.control, 0);
	if (all === 0)
		return h('p', { class: 'empty' }, 'No connection attempt in these hours. Once your MX records name the decoys, ' +
			'every sender leaves its trace here.');
	if (asTable)
		return table(rows);
	return h('figure', {}, picture(rows, Math.max(260, width)), h('figcaption', { class: 'legend' },
		ROLES.filter((r) => rows.some((row) => row[r] > 0)).map((r) =>
			h('span', {}, h('span', { class: 'swatch ' + r }), words.role[r]))));
}
