/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * senders.js - the list and everybody else who was seen: found by words, page by page.
 *
 * The words are the route's argument, so that what is found can be linked.
 */
import { get, pagesOf } from './api.js';
import { h, show } from './dom.js';
import { senderRows } from './rows.js';
import { count, words } from './text.js';

const STATES = ['listed', 'suspect', 'noticed', 'cleared', 'allowed'];
const PAGE = 50;

const nothing = {
	listed: ['Nobody is listed. ', 'A sender that goes to the backup decoy first, again and proven, will be: watch the suspects.'],
	suspect: ['No suspects. ', 'One proven visit to the backup decoy, with no lower rung before it, makes one. If your backup decoy refuses (answer = "none"), nothing can be proven: consider answer = "reset".'],
	noticed: ['Nobody was noticed. ', 'Here stands who looks like a spam source by packets that anyone can forge.'],
	cleared: ['Nobody is cleared. ', 'Senders that climb the ladder as mail servers do come here after a few visits.'],
	allowed: ['Nobody is allowed by hand. ', 'Allow a sender on its page, or by mxtrap allow ADDRESS --note "why"; a listing ends at once.'],
	'': ['Nobody was seen yet. ', 'Once your MX records name the decoys, every sender leaves its trace here.'],
};

const split = (query) => query.split(/\s+/).filter(Boolean);

export function senders(argument, refresh) {
	const query = argument.trim();
	const list = h('div', { class: 'list' });
	const found = h('p', { class: 'dim', role: 'status' });
	const given = split(query);
	const state = given.find((w) => STATES.includes(w)) || '';
	const reason = given.find((w) => w in words.reason) || '';
	const set = given.find((w) => w.startsWith('set:')) || '';
	let pages = 1, sets = null;

	/* One word of a kind is changed, the others stay. */
	const go = (without, word) => {
		location.hash = '#/senders/' + encodeURIComponent([...given.filter((w) => w !== without), word].filter(Boolean).join(' '));
	};
	const chip = (name, text) => h('a', { class: 'chip', href: '#/senders/' + encodeURIComponent([...given.filter((w) => w !== state), name].filter(Boolean).join(' ')),
		'aria-current': name === state ? 'true' : null }, text);
	const input = h('input', { id: 'words', type: 'search', value: query, autocomplete: 'off', spellcheck: 'false', 'aria-describedby': 'words-help' });
	const setChoice = h('select', { onchange: (e) => go(set, e.target.value) }, h('option', { value: '' }, 'any'));
	const form = h('form', { class: 'filters', role: 'search', 'aria-label': 'Senders', onsubmit: (event) => {
		event.preventDefault();
		location.hash = '#/senders/' + encodeURIComponent(input.value.trim());
	} },
	h('label', { class: 'wide' }, 'Words', h('span', { class: 'with' }, input, h('button', { type: 'submit', class: 'main' }, 'Search'))),
	h('label', {}, 'Reason', h('select', { onchange: (e) => go(reason, e.target.value) }, h('option', { value: '' }, 'any'),
		Object.entries(words.reason).map(([name, text]) => h('option', { value: name, selected: name === reason }, text)))),
	h('label', {}, 'MX set', setChoice));

	async function fillSets() {
		if (sets !== null)
			return;
		sets = (await get('/api/v1/mx-sets')).mx_sets.map((s) => s.name).filter(Boolean);
		setChoice.replaceChildren(h('option', { value: '' }, 'any'), ...[...new Set(sets)].map((name) =>
			h('option', { value: 'set:' + name, selected: set === 'set:' + name }, name)));
	}

	async function fill() {
		await fillSets();
		let answer;
		try {
			answer = await pagesOf(query === '' ? `/api/v1/list?state=all&limit=${PAGE}` : `/api/v1/senders?query=${encodeURIComponent(query)}&limit=${PAGE}`, pages);
		} catch (error) {
			if (error.status !== 400)
				throw error;
			found.textContent = '';
			show(list, 'bad ' + error.message, () => h('p', { class: 'empty' }, h('strong', {}, 'That cannot be searched for. '), error.message));
			return;
		}
		found.textContent = answer.entries.length ? `${count(answer.entries.length)}${answer.next !== null ? ' so far; there are more' : ' found'}` : '';
		show(list, JSON.stringify([answer.entries, answer.next]), () => {
			const empty = nothing[query] || (query === '' ? nothing[''] : ['No sender matches all of these words. ', 'Take one away, or look at whole networks: 192.0.2.0/24.']);
			return [answer.entries.length === 0 && answer.next === null ? h('p', { class: 'empty' }, h('strong', {}, empty[0]), empty[1]) : null,
				answer.entries.length ? senderRows(answer.entries, answer.thresholds, refresh) : null,
				answer.next !== null ? h('p', { class: 'more' }, h('button', { type: 'button', 'data-focus': 'more', 'data-more': '', onclick: () => { pages++; refresh(); } },
					answer.entries.length ? 'Show more' : 'Nobody among these; look at the next ones')) : null];
		});
	}
	return { title: query ? query + ' \u00b7 Senders' : 'Senders', fill, nodes: [
		h('section', { class: 'panel', 'aria-labelledby': 'senders-title' },
			h('div', { class: 'head' }, h('h1', { id: 'senders-title' }, 'Senders'), found),
			form,
			h('p', { id: 'words-help', class: 'dim' }, 'All words must hold: an address or network (192.0.2.0/24), a state (suspect), a reason (backup_first), ',
				h('code', {}, 'set:example.org'), ', ', h('code', {}, 'fingerprint:TEXT'), '.'),
			h('nav', { class: 'chips', 'aria-label': 'State' }, chip('', 'All'), STATES.map((s) => chip(s, words.state[s][0].toUpperCase() + words.state[s].slice(1)))),
			list)] };
}
