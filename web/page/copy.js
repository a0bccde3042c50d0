/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copy.js - a button that copies a text as it is.
 */
import { h } from './dom.js';

async function put(text, button) {
	if (navigator.clipboard)
		return navigator.clipboard.writeText(text);
	/* Plain HTTP from another host has no clipboard: select, and let the reader's keys do it. */
	const from = button.parentNode.querySelector('[data-copy]');
	if (!from)
		throw new Error('nothing to select');
	getSelection().selectAllChildren(from);
	return undefined;
}

export function copyButton(text, what) {
	const button = h('button', { type: 'button', class: 'quiet copy', 'aria-label': 'Copy ' + what, onclick: async () => {
		try {
			await put(text, button);
			button.textContent = navigator.clipboard ? 'Copied' : 'Selected';
		} catch {
			button.textContent = 'Copy it by hand';
		}
		setTimeout(() => { button.textContent = 'Copy'; }, 2000);
	} }, 'Copy');
	return button;
}

/* A block of code with its button; the text is not touched by either. */
export const snippet = (text, what) => h('div', { class: 'snippet' },
	h('pre', { tabindex: 0, role: 'region', 'aria-label': what }, h('code', { 'data-copy': '' }, text)), copyButton(text, what));
