/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plot.js - columns over time, stacked: uPlot on a canvas, kept and only given other numbers.
 */
import uPlot from 'uplot';
import { h } from './dom.js';
import { brief, count, dayText, hourText } from './text.js';
import { colour } from './theme.js';

const plots = new WeakMap();

function stack(rows, names) {
	const sums = names.map(() => []);
	for (const row of rows) {
		let sum = 0;
		names.forEach((name, i) => sums[i].push(sum += row[name]));
	}
	return sums.reverse();		/* the highest first: the others are drawn over it */
}

const font = '12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif';

function make(box, width, height, names, labels, step, readout) {
	const axis = { stroke: colour('--dim'), font, grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
	const stamp = (v) => step >= 86400 || new Date(v * 1000).getHours() === 0 ? dayText(v) : hourText(v);
	const u = new uPlot({
		width, height, legend: { show: false }, padding: [10, 26, 0, 0],
		cursor: { y: false, drag: { setScale: false, x: false, y: false }, points: { show: false } },
		scales: { x: { time: true, range: (_, min, max) => [min - step * 0.1, max + step] }, y: { range: (_, min, max) => [0, Math.max(max, 1) * 1.05] } },
		axes: [
			{ ...axis, size: 30, grid: { show: false }, space: 64, values: (_, ticks) => ticks.map(stamp) },
			{ ...axis, size: 52, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7, 1e8], values: (_, ticks) => ticks.map(brief) },
		],
		series: [{}, ...[...names].reverse().map((name) => ({
			label: labels[name], fill: colour('--' + name), stroke: colour('--' + name), width: 0, points: { show: false },
			paths: uPlot.paths.bars({ size: [0.86, 80], align: 1 }),
		}))],
		hooks: { setCursor: [(self) => readout(self.cursor.idx)] },
	}, [], box);
	return u;
}

/* rows: [{ at, NAME: number... }] one a step; labels: { NAME: words }, the lowest first. */
export function columns(box, width, rows, labels, step) {
	const names = Object.keys(labels).filter((n) => rows.some((r) => r[n] > 0));
	const kind = [width, names, step, document.documentElement.dataset.theme, colour('--page')].join();
	const height = 200;
	let kept = plots.get(box);

	if (!kept || kept.kind !== kind || !box.contains(kept.u.root)) {
		kept?.u.destroy();
		const line = h('p', { class: 'legend', 'aria-hidden': 'true' });
		kept = { kind, line, rows };
		box.replaceChildren();
		kept.u = make(box, width, height, names, labels, step, (i) => legend(kept, i, labels, step));
		box.append(line);
		plots.set(box, kept);
		/* The arrow keys read the columns one by one. */
		box.parentNode.onkeydown = (event) => {
			const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
			const u = plots.get(box)?.u;
			if (!by || !u || !box.contains(u.root))
				return;
			const now = plots.get(box).at ?? (by > 0 ? -1 : kept.rows.length);
			const i = Math.max(0, Math.min(u.data[0].length - 1, now + by));
			u.setCursor({ left: u.valToPos(u.data[0][i] + step / 2, 'x'), top: 20 });
			event.preventDefault();
		};
	}
	kept.rows = rows;
	kept.names = names;
	kept.u.setData([rows.map((r) => r.at), ...stack(rows, names)]);
	legend(kept, kept.u.cursor.idx, labels, step);
}

/* The legend names the column that is pointed at, in a line that is always there. */
function legend(kept, i, labels, step) {
	const row = i === null || i === undefined ? null : kept.rows[i];
	kept.at = row ? i : null;
	kept.line.replaceChildren(...(kept.names || []).map((name) => h('span', {}, h('span', { class: 'swatch ' + name }), labels[name],
		row ? [' ', h('strong', { class: 'num' }, count(row[name]))] : null)),
	h('span', { class: 'when' }, row ? dayText(row.at) + (step < 86400 ? ' ' + hourText(row.at) : '') : ''));
}
