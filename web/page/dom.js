/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom.js - elements, and boxes that are filled again only when something changed.
 *
 * Text gets into the page as text nodes only, whoever wrote it.
 */

const SVG = 'http://www.w3.org/2000/svg';

function build(node, attrs, children) {
	for (const [name, value] of Object.entries(attrs || {})) {
		if (value === false || value === null || value === undefined)
			continue;
		if (name.startsWith('on'))
			node.addEventListener(name.slice(2), value);
		else if (name.startsWith('--'))
			node.style.setProperty(name, value);
		else
			node.setAttribute(name, value === true ? '' : String(value));
	}
	for (const child of children.flat(Infinity)) {
		if (child === null || child === undefined || child === false)
			continue;
		node.append(child instanceof Node ? child : document.createTextNode(String(child)));
	}
	return node;
}

export const h = (tag, attrs, ...children) => build(document.createElement(tag), attrs, children);
export const s = (tag, attrs, ...children) => build(document.createElementNS(SVG, tag), attrs, children);

/* Replace what is in a box only if it differs: the reader's focus, selection and
 * scroll position stay where they were when nothing changed. */
export function show(box, key, make) {
	if (box.dataset.key === key)
		return;
	const focused = box.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
	box.dataset.key = key;
	box.replaceChildren(...[make()].flat(Infinity).filter(Boolean));
	if (focused)
		[...box.querySelectorAll('[data-focus]')].find((n) => n.dataset.focus === focused)?.focus();
}
