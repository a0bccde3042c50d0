/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live.js - attempts as they come, and what becomes of the senders.
 */
import { h } from './dom.js';
import { listen } from './events.js';
import { count, link, pill, plain, reasons, signed, time, words } from './text.js';

const KEEP = 300;		/* lines */
const outcomes = { refused: 'refused', silent: 'no answer', proven: 'handshake', half: 'half open', withdrawn: 'withdrawn' };

function attemptRow(e) {
	return h('tr', { class: 'attempt' },
		h('td', { 'data-name': 'Time' }, time(e.time, { precise: true })),
		h('th', { scope: 'row' }, h('a', { href: link(e.cidr), class: 'address' }, e.address || plain(e.cidr))),
		h('td', { 'data-name': 'Where' }, pill('role ' + e.role, words.role[e.role] || e.role), ' ', h('span', { class: 'dim' }, e.exchanger || e.mx_set || '')),
		h('td', { 'data-name': 'What' }, h('span', { class: 'outcome ' + e.outcome }, outcomes[e.outcome] || e.outcome)),
		h('td', { 'data-name': 'State' }, e.state && e.state !== 'unknown' ? pill(e.state, words.state[e.state] || e.state) : h('span', { class: 'none' }, '\u2013')));
}

function changeRow(e) {
	return h('tr', { class: 'change ' + e.state },
		h('td', { 'data-name': 'Time' }, time(e.time, { precise: true })),
		h('th', { scope: 'row' }, h('a', { href: link(e.cidr), class: 'address' }, plain(e.cidr))),
		h('td', { 'data-name': 'What', colspan: 2 }, pill(e.old_state, words.state[e.old_state] || e.old_state), ' \u2192 ', pill(e.state, words.state[e.state] || e.state), ' ',
			reasons(e.reasons || []), ' ', h('span', { class: 'dim num' }, `score ${signed(e.score)}`)),
		h('td', { 'data-name': 'State' }, pill(e.state, words.state[e.state] || e.state)));
}

export function live(_argument, refresh) {
	const filter = { text: '', role: '', outcome: '', state: '', changes: false };
	const body = h('tbody', {}), status = h('p', { class: 'stream', role: 'status' }, 'connecting');
	const empty = h('p', { class: 'empty' }, 'Waiting for the next attempt. If nothing comes for some hours: do your MX records name the decoys, and does mxtrapd watch the right interface (', h('code', {}, 'mxtrap status'), ')?');
	const none = h('p', { class: 'empty', hidden: true }, 'No attempt so far matches the filters.');
	const skippedSays = h('p', { class: 'dim', 'aria-live': 'off' });
	const pauseButton = h('button', { type: 'button', class: 'main', 'aria-pressed': 'false', 'data-pause': '', onclick: () => { paused ? resume() : pause(); } }, 'Pause');
	let stream = 'connecting', paused = false, waiting = [], skipped = 0, seen = 0;

	const matches = (e, kind) => (filter.text === '' || (e.address || '').includes(filter.text) || plain(e.cidr).includes(filter.text)) &&
		(filter.state === '' || e.state === filter.state) &&
		(kind === 'change' ? filter.role === '' && filter.outcome === '' :
			!filter.changes && (filter.role === '' || e.role === filter.role) && (filter.outcome === '' || e.outcome === filter.outcome));

	function count_() {
		const shown = [...body.rows].filter((r) => !r.hidden).length;
		empty.hidden = seen > 0;
		none.hidden = seen === 0 || shown > 0;
		skippedSays.textContent = skipped > 0 ? `${count(skipped)} more attempts came than can be shown: they were only counted.` : '';
	}
	function put(e, kind) {
		const row = kind === 'change' ? changeRow(e) : attemptRow(e);
		row.event = [e, kind];
		row.hidden = !matches(e, kind);
		body.prepend(row);
		while (body.rows.length > KEEP)
			body.lastElementChild.remove();
	}
	function take(e, kind) {
		seen++;
		if (paused) {
			waiting.push([e, kind]);
			if (waiting.length > KEEP)
				waiting.shift();
			pauseButton.textContent = `Resume (${count(waiting.length)} new)`;
			return;
		}
		put(e, kind);
		count_();
	}
	function pause() {
		paused = true;
		pauseButton.textContent = 'Resume';
		pauseButton.setAttribute('aria-pressed', 'true');
	}
	function resume() {
		paused = false;
		for (const [e, kind] of waiting)
			put(e, kind);
		waiting = [];
		pauseButton.textContent = 'Pause';
		pauseButton.setAttribute('aria-pressed', 'false');
		count_();
	}
	function apply() {
		for (const row of body.rows)
			row.hidden = !matches(...row.event);
		count_();
	}
	const choice = (name, label, options) => h('label', {}, label, h('select', { onchange: (e) => { filter[name] = e.target.value; apply(); } },
		h('option', { value: '' }, 'any'), Object.entries(options).map(([value, text]) => h('option', { value }, text))));

	const close = listen({
		attempt: (e) => take(e, 'attempt'),
		change: (e) => take(e, 'change'),
		skipped: (e) => { skipped += e.attempts; count_(); },
		reset: () => { body.replaceChildren(); waiting = []; seen = 0; count_(); },
		state: (s) => {
			status.className = 'stream ' + s;
			status.textContent = s === 'open' ? 'connected' : 'interrupted; reconnecting';
			stream = s;
			refresh();
		},
	});

	/* Nothing is asked for here: the stream's state is the light's. */
	const light = () => stream === 'open' ? ['ok', 'up to date'] : stream === 'waiting' ? ['bad', 'interrupted'] : ['', 'connecting'];
	return { close, light, fill: async () => {}, nodes: [h('section', { class: 'panel', 'aria-labelledby': 'live-title' },
		h('div', { class: 'head' }, h('h1', { id: 'live-title' }, 'Live'), status),
		h('div', { class: 'filters' },
			h('label', { class: 'wide' }, 'Sender', h('input', { type: 'search', autocomplete: 'off', spellcheck: 'false', placeholder: 'part of an address', oninput: (e) => { filter.text = e.target.value.trim(); apply(); } })),
			choice('role', 'Rung', words.role), choice('outcome', 'Outcome', outcomes), choice('state', 'State', words.state),
			h('label', { class: 'check' }, h('input', { type: 'checkbox', onchange: (e) => { filter.changes = e.target.checked; apply(); } }), 'only changes of the list'),
			pauseButton),
		h('div', { class: 'feed', tabindex: 0, role: 'region', 'aria-label': 'Attempts, the newest first' }, h('table', { class: 'senders live-table' },
			h('thead', {}, h('tr', {}, ['Time', 'Sender', 'Where', 'What', 'State'].map((t) => h('th', { scope: 'col' }, t)))), body), empty, none),
		skippedSays)] };
}
