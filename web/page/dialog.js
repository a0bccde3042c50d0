/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dialog.js - a question to the reader, and short messages about what was done.
 */
import { h } from './dom.js';

/* ask({ title, body, confirm, send }) shows a form; send(FormData) does it: what it throws is shown there, and the
 * reader may try again.  Resolves to what send returned, or null when the reader thought better of it. */
export function ask({ title, body, confirm, danger = false, send }) {
	return new Promise((resolve) => {
		const problem = h('p', { class: 'problem', role: 'alert' });
		const go = h('button', { type: 'submit', class: danger ? 'danger' : 'main' }, confirm);
		const form = h('form', { method: 'dialog' }, h('h2', { id: 'ask-title' }, title), body, problem,
			h('div', { class: 'buttons' }, h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'), go));
		const dialog = h('dialog', { 'aria-labelledby': 'ask-title' }, form);
		let done = null;
		form.addEventListener('submit', async (event) => {
			event.preventDefault();
			go.disabled = true;
			problem.textContent = '';
			try {
				done = await send(new FormData(form));
				dialog.close();
			} catch (error) {
				problem.textContent = error.status || error.mine ? error.message : 'The server cannot be reached: nothing is known to be done.';
			} finally {
				go.disabled = false;
			}
		});
		dialog.addEventListener('close', () => { dialog.remove(); resolve(done); });
		document.body.append(dialog);
		dialog.showModal();
	});
}

const SHOWN_MS = 20000;

/* A message, perhaps with one thing to do about it. */
export function toast(text, { kind = 'good', label = null, act = null } = {}) {
	const box = document.getElementById('toasts');
	const close = () => node.remove();
	const node = h('div', { class: 'toast ' + kind }, h('p', {}, text),
		label ? h('button', { type: 'button', onclick: () => { close(); act(); } }, label) : null,
		h('button', { type: 'button', class: 'quiet', 'aria-label': 'Close this message', onclick: close }, '\u00d7'));
	box.append(node);
	while (box.children.length > 4)
		box.firstChild.remove();
	let left = setTimeout(close, SHOWN_MS);
	node.addEventListener('pointerenter', () => clearTimeout(left));
	node.addEventListener('focusin', () => clearTimeout(left));
	node.addEventListener('pointerleave', () => { left = setTimeout(close, SHOWN_MS / 2); });
}
