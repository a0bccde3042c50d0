/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hours.js - attempts over time by role, from an hour's to a year's breadth.
 */
import { get } from './api.js';
import { h } from './dom.js';
import { figure, table } from './figure.js';
import { columns } from './plot.js';
import { count, dayText, hourText, plural, words } from './text.js';

const ROLES = ['real', 'nolisting', 'bogus', 'control'];
const labels = Object.fromEntries(ROLES.map((r) => [r, words.role[r]]));
const SPANS = [[24, 'Day', 'hour'], [168, 'Week', 'hour'], [720, 'Month', 'hour'], [8760, 'Year', 'day']];

/* One row for each step, zeros filled in; a day begins where the first one of the answer does. */
function fold(series, step) {
	const given = series.hours || series.days || [];
	const at = (t) => t.hour ?? t.day;
	const rows = new Map();
	const start = given.length && step === 86400 ? at(given[0]) - Math.ceil((at(given[0]) - series.from) / step) * step : series.from;
	for (let t = start; t < series.to; t += step)
		rows.set(t, { at: t, real: 0, nolisting: 0, bogus: 0, control: 0, proven: 0 });
	for (const tally of given) {
		const row = rows.get(at(tally));
		if (row && tally.role in row) {
			row[tally.role] += tally.attempts;
			row.proven += tally.proven;
		}
	}
	return [...rows.values()];
}

const all = (row) => ROLES.reduce((n, r) => n + row[r], 0);
const label = (at, step) => step === 86400 ? dayText(at) : `${dayText(at)} ${hourText(at)}`;

function says(rows, step) {
	const most = rows.reduce((a, b) => all(b) > all(a) ? b : a);
	return `${plural(rows.reduce((n, r) => n + all(r), 0), 'attempt', 'attempts')}, ${count(rows.reduce((n, r) => n + r.bogus, 0))} of them at the bogus backup; the most ${step === 86400 ? 'on' : 'at'} ${label(most.at, step)}: ${count(all(most))}.`;
}

export function hours(refresh) {
	let span = SPANS[0];
	const buttons = SPANS.map((choice) => h('button', { type: 'button', 'aria-pressed': String(choice === span), onclick: () => {
		span = choice;
		buttons.forEach((b, i) => b.setAttribute('aria-pressed', String(SPANS[i] === span)));
		refresh();
	} }, choice[1]));
	const fig = figure({ id: 'hours', title: 'Attempts over time', tools: h('span', { class: 'choose', role: 'group', 'aria-label': 'Span' }, buttons), height: 232 });

	async function fill(now) {
		const step = span[2] === 'day' ? 86400 : 3600;
		const to = Math.ceil(now / 3600) * 3600;
		const asked = span;
		const series = await get(`api/v1/series?from=${to - span[0] * 3600}&to=${to}${step === 86400 ? '&step=day' : ''}`);
		if (asked !== span)
			return;
		const rows = fold(series, step);
		fig.fill({ key: JSON.stringify([series.hours || series.days, series.from, series.to]),
			empty: rows.every((r) => all(r) === 0) ? 'No connection attempt in this time. Once your MX records name the decoys, every sender is seen here.' : null,
			summary: says(rows, step), draw: (box, width) => columns(box, width, rows, labels, step),
			table: () => table([step === 86400 ? 'Day' : 'Hour', ...ROLES.map((r) => labels[r]), 'handshakes'],
				rows.filter((r) => all(r) > 0).reverse().map((r) => [label(r.at, step), ...ROLES.map((x) => r[x]), r.proven]), 'Attempts over time') });
	}
	return { node: fig.node, fill };
}
