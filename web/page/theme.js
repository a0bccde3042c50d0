/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * theme.js - light, dark, or as the reader's system has it.
 */
const KEY = 'mxtrap-theme';
const next = { auto: 'light', light: 'dark', dark: 'auto' };
const sign = { auto: '\u25D1', light: '\u2600', dark: '\u263E' };
const listeners = [];

function stored() {
	try {
		return localStorage.getItem(KEY);
	} catch {
		return null;		/* a browser that keeps nothing */
	}
}

let chosen = stored() in next ? stored() : 'auto';

function apply(button) {
	document.documentElement.dataset.theme = chosen;
	button.textContent = sign[chosen];
	button.title = `Colours: ${chosen === 'auto' ? 'as your system has them' : chosen}. Click for ${next[chosen] === 'auto' ? 'those of your system' : next[chosen]}.`;
	button.setAttribute('aria-label', button.title);
	for (const listener of listeners)
		listener();
}

/* Pictures on a canvas take their colours when they are drawn: they are drawn again. */
export const onTheme = (listener) => listeners.push(listener);

export function startTheme(button) {
	button.addEventListener('click', () => {
		chosen = next[chosen];
		try {
			localStorage.setItem(KEY, chosen);
		} catch { /* for this visit, then */ }
		apply(button);
	});
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => apply(button));
	apply(button);
}

/* A colour of style.css by its name ("--line"), as it is now. */
const probe = document.createElement('span');
probe.hidden = true;
document.body.append(probe);
export function colour(name) {
	probe.style.color = `var(${name})`;
	return getComputedStyle(probe).color;
}
