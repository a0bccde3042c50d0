/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * figure.js - a picture that can be read in three ways: drawn, as a sentence, as a table.
 *
 * figure({ id, title, tools, height }) -> { node, fill }.  fill({ key, empty, summary, draw, table }) draws only
 * when the key, the width or the colours are others; draw(box, width) fills the box, table() makes one.
 */
import { h } from './dom.js';

export function figure({ id, title, level = 'h2', tools = null, height = 220 }) {
	const picture = h('div', { class: 'picture', '--height': height + 'px' });
	const rows = h('div', { class: 'scroll', tabindex: 0, hidden: true, role: 'region', 'aria-label': title + ', as a table' });
	const summary = h('figcaption', { id: id + '-says', class: 'says' });
	const toggle = h('button', { type: 'button', 'aria-pressed': 'false', 'data-table': id, onclick: () => {
		asTable = !asTable;
		toggle.setAttribute('aria-pressed', String(asTable));
		last = null;
		again();
	} }, 'Table');
	const node = h('section', { class: 'panel figure', 'aria-labelledby': id + '-title' },
		h('div', { class: 'head' }, h(level, { id: id + '-title' }, title), h('div', { class: 'choose' }, tools, toggle)),
		h('figure', { tabindex: 0, 'aria-labelledby': id + '-title', 'aria-describedby': id + '-says' }, picture, rows, summary));
	let asTable = false, last = null, given = null;

	function again() {
		if (given === null)
			return;
		const { key, empty, summary: says, draw, table: lines } = given;
		const width = Math.floor(node.clientWidth ? picture.parentNode.clientWidth : 0);
		const now = [key, width, asTable, document.documentElement.dataset.theme, matchMedia('(prefers-color-scheme: dark)').matches].join(' ');
		if (now === last)
			return;
		last = now;
		picture.dataset.width = width;
		toggle.hidden = Boolean(empty);
		picture.hidden = asTable && !empty;
		rows.hidden = !asTable || Boolean(empty);
		summary.textContent = empty ? '' : says;
		if (empty) {
			picture.replaceChildren(h('p', { class: 'empty' }, empty));
			picture.dataset.drawn = '';
		} else if (asTable) {
			rows.replaceChildren(lines());
		} else {
			draw(picture, width);
		}
	}
	/* Another width is another picture, at once; in a frame of its own, for drawing may change the height. */
	new ResizeObserver(() => requestAnimationFrame(again)).observe(node);
	return { node, fill: (what) => { given = what; again(); } };
}

/* [heads], [[cells]]: the first cell names its row; numbers stand at the right. */
export function table(heads, lines, caption = null) {
	const numeric = (i) => lines.length > 0 && lines.every((l) => typeof l[i] === 'number' || l[i]?.num);
	return h('table', {}, caption ? h('caption', { class: 'hidden' }, caption) : null,
		h('thead', {}, h('tr', {}, heads.map((t, i) => h('th', { scope: 'col', class: numeric(i) ? 'num' : null }, t)))),
		h('tbody', {}, lines.map((line) => h('tr', {}, line.map((cell, i) => i === 0 ? h('th', { scope: 'row' }, cell) :
			h('td', { class: numeric(i) ? 'num' : null }, typeof cell === 'number' ? cell.toLocaleString() : cell))))));
}
