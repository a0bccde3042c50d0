/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dialog.js - a question to the reader, and short messages about what was done.
 */
import { h } from './dom.js';

/* ask({ title, body, confirm, send }) shows a form; send(FormData) does it: what it throws is shown there, and the
 * reader may try again.  Where send returns null the reader gave up a question in front of this one: this one stays,
 * with what was typed.  once: what is shown is lost with it, so that no Escape closes it.
 * Resolves to what send returned, or null when the reader thought better of it. */
let asked = 0;

export function ask({ title, body, confirm, danger = false, once = false, send }) {
	return new Promise((resolve) => {
		const id = `ask-${++asked}`;
		const problem = h('p', { class: 'problem', role: 'alert' });
		const go = h('button', { type: 'submit', class: danger ? 'danger' : 'main' }, confirm);
		const form = h('form', { method: 'dialog' }, h('h2', { id }, title), body, problem,
			h('div', { class: 'buttons' }, once ? null : h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'), go));
		const dialog = h('dialog', { 'aria-labelledby': id }, form);
		let done = null;
		form.addEventListener('submit', async (event) => {
			event.preventDefault();
			go.disabled = true;
			problem.textContent = '';
			try {
				done = await send(new FormData(form));
				if (done !== null)
					dialog.close();
			} catch (error) {
				problem.textContent = failure(error);
			} finally {
				go.disabled = false;
			}
		});
		if (once)
			dialog.addEventListener('cancel', (event) => event.preventDefault());
		dialog.addEventListener('close', () => { dialog.remove(); resolve(done); });
		document.body.append(dialog);
		dialog.showModal();
	});
}

/* What to say of something that was asked for and not answered as it should be. */
export const failure = (error) => error.status && !error.foreign ? error.message :
	`${error.foreign ? 'Not mxtrapd, but something in front of it has answered: do you have to sign in there again?' : 'mxtrapd cannot be reached.'} It may or may not have been done: look at the audit.`;

const SHOWN_MS = 20000;
const CALM_MS = 600;		/* longer than any double click */
const MOST = 4;

/*
 * Messages keep their place: a new one comes above the others, one that is closed leaves its room empty, and one
 * whose button was used says there what came of it.  So a second click never meets another button.
 */
function tidy() {
	const box = document.getElementById('toasts');
	if (box.matches(':hover'))
		return;
	for (const node of box.querySelectorAll('.gone'))
		node.remove();
}

function close(node) {
	clearTimeout(node.left);
	node.classList.add('gone');
	setTimeout(tidy, CALM_MS);
}

const linger = (node, ms) => {
	clearTimeout(node.left);
	node.left = setTimeout(() => close(node), ms);
};

/* A message, perhaps with one thing to do about it: act(the message), which may say there what came of it.
 * into: the message that becomes this one. */
export function toast(text, { kind = 'good', label = null, act = null, into = null } = {}) {
	const box = document.getElementById('toasts');
	const node = into?.isConnected && !into.classList.contains('gone') ? into : h('div', {});
	const again = node === into;
	const button = label ? h('button', { type: 'button', disabled: again, onclick: async () => {
		button.disabled = true;
		clearTimeout(node.left);
		await act(node);
		if (button.isConnected)
			setTimeout(() => { button.disabled = false; }, CALM_MS);
		linger(node, SHOWN_MS);
	} }, label) : null;
	if (again)
		node.style.setProperty('min-height', node.offsetHeight + 'px');
	node.className = 'toast ' + kind;
	node.replaceChildren(...[h('p', {}, text), button,
		h('button', { type: 'button', class: 'quiet', 'aria-label': 'Close this message', onclick: () => close(node) }, '\u00d7')].filter(Boolean));
	if (again && button)
		setTimeout(() => { button.disabled = false; }, CALM_MS);
	if (!again) {
		box.prepend(node);
		node.addEventListener('pointerenter', () => clearTimeout(node.left));
		node.addEventListener('focusin', () => clearTimeout(node.left));
		node.addEventListener('pointerleave', () => linger(node, SHOWN_MS / 2));
		const open = [...box.querySelectorAll('.toast:not(.gone)')];
		open.slice(MOST).forEach(close);
	}
	linger(node, SHOWN_MS);
	return node;
}

export function startToasts() {
	document.getElementById('toasts').addEventListener('pointerleave', () => setTimeout(tidy, CALM_MS));
}

/*
 * While something is being done, and for a moment after: whatever does something takes no click.  What was under the
 * pointer may have moved by then, and a double click is one wish.
 */
let busy = 0;
const acts = '[data-act], [data-undo], .toast button:not(.quiet)';
export async function calmly(what) {
	busy++;
	document.body.classList.add('acting');
	try {
		return await what();
	} finally {
		setTimeout(() => {
			if (--busy === 0)
				document.body.classList.remove('acting');
		}, CALM_MS);
	}
}
document.addEventListener('click', (event) => {
	if (busy > 0 && event.target.closest?.(acts)) {
		event.preventDefault();
		event.stopPropagation();
	}
}, true);
