/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guide.js - the guides of docs/consumers, as the bundler took them in, with blocks that can be copied.
 */
import guides from 'guides';
import { home } from './api.js';
import { snippet } from './copy.js';
import { h } from './dom.js';
import { table } from './figure.js';

/* The address in the guides is that of the host itself; here it is the one that the reader came by. */
const here = (text) => text.replaceAll('http://127.0.0.1:8725', home);

/* `code`, **strong** and [words](link): all that the guides use. */
function inline(text) {
	return here(text).split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*|\[[^\]]+\]\([^)]+\))/).map((part) => {
		if (/^`.*`$/.test(part))
			return h('code', {}, part.slice(1, -1));
		if (/^\*\*.*\*\*$/.test(part))
			return h('strong', {}, inline(part.slice(2, -2)));
		if (/^\*[^*]+\*$/.test(part))
			return h('em', {}, part.slice(1, -1));
		const link = /^\[([^\]]+)\]/.exec(part);
		return link ? link[1] : part;
	});
}

function block(b, title, i) {
	if (b.code !== undefined)
		return snippet(here(b.code), `${title}, example ${i + 1}`);
	if (b.table)
		return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': title + ', table' }, table(b.table[0].map(inline), b.table.slice(1).map((line) => line.map((cell) => h('span', {}, inline(cell)))), title));
	return h('p', {}, inline(b.text));
}

export const guideList = () => guides.map((g) => h('details', { class: 'guide', id: 'guide-' + g.name },
	h('summary', {}, g.title), h('div', { class: 'guide-text' }, g.blocks.map((b, i) => block(b, g.title, i)))));
