/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spark.js - a small line of the last days, and the change against a week ago.
 */
import { h, s } from './dom.js';
import { count } from './text.js';

const WIDTH = 96, HEIGHT = 26;

export function spark(days, kind) {
	if (days.length < 2)
		return h('span', { class: 'spark none' }, '');
	const top = Math.max(1, ...days.map((d) => d.n));
	const x = (i) => 2 + i * (WIDTH - 4) / (days.length - 1), y = (n) => HEIGHT - 3 - (HEIGHT - 6) * n / top;
	const line = days.map((d, i) => `${i ? 'L' : 'M'}${x(i).toFixed(1)} ${y(d.n).toFixed(1)}`).join('');
	return s('svg', { class: 'spark ' + kind, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: 'img',
		'aria-label': `the last ${days.length} days: ${days.map((d) => count(d.n)).join(', ')}` },
	s('path', { class: 'area', d: `${line}L${x(days.length - 1)} ${HEIGHT}L${x(0)} ${HEIGHT}Z` }), s('path', { class: 'line', d: line }),
	s('circle', { cx: x(days.length - 1), cy: y(days.at(-1).n), r: 2.2 }));
}

/* "+12 since last week", in words that need no colour. */
export function change(now, before) {
	if (before === null || before === undefined)
		return 'no comparison yet';
	const by = now - before;
	if (by === 0)
		return 'as a week ago';
	const percent = before > 0 ? ` (${by > 0 ? '+' : '\u2212'}${Math.round(Math.abs(by) / before * 100)} %)` : '';
	return `${by > 0 ? '\u25B2' : '\u25BC'} ${count(Math.abs(by))} ${by > 0 ? 'more' : 'fewer'} than a week ago${Math.abs(by) > before * 10 ? '' : percent}`;
}
