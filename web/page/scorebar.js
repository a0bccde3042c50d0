/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scorebar.js - the bar that sets a score against the thresholds.
 */
import { h } from './dom.js';

export function scoreBar(score, thresholds, { wide = false } = {}) {
	const top = thresholds.list * 1.25;
	const low = Math.min(0, thresholds.clear);
	const at = (value) => Math.max(0, Math.min(100, (value - low) / (top - low) * 100));
	const zero = at(0), end = at(score);
	const level = score >= thresholds.list ? 'list' : score >= thresholds.suspect ? 'suspect' :
	    score < 0 ? 'good' : 'quiet';

	return h('span', { class: 'bar ' + level + (wide ? ' wide' : ''), role: 'img',
		'aria-label': `score ${score.toFixed(1)}; suspect from ${thresholds.suspect.toFixed(2)}, listed from ${thresholds.list.toFixed(2)}`,
		title: `score ${score.toFixed(2)} \u00b7 suspect from ${thresholds.suspect.toFixed(2)} \u00b7 listed from ${thresholds.list.toFixed(2)}` },
		h('span', { class: 'fill', '--from': Math.min(zero, end) + '%', '--width': Math.abs(end - zero) + '%' }),
		h('span', { class: 'tick', '--at': zero + '%' }),
		h('span', { class: 'tick strong', '--at': at(thresholds.suspect) + '%' }),
		h('span', { class: 'tick strong', '--at': at(thresholds.list) + '%' }));
}

