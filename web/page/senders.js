/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * senders.js - the list and everybody else who was seen: found by words, sorted, page by page.
 *
 * The words are the route's argument, so that what is found can be linked; "sort:ends" is one of them.
 */
import { get, pagesOf } from './api.js';
import { h, show } from './dom.js';
import { state as ask } from './notice.js';
import { senderRows } from './rows.js';
import { count, words } from './text.js';

const STATES = ['listed', 'held', 'suspect', 'noticed', 'cleared', 'allowed'];
const PAGE = 50;

const nothing = {
	listed: ['Nobody is listed. ', 'A sender that goes to the bogus backup first, more than once and with a proven address, will be: watch the suspects.'],
	held: ['Nobody is held back. ', 'When the list grows much faster than usual, the new senders are held here until you accept them.'],
	suspect: ['No suspects. ', 'One proven visit to the bogus backup, with no lower rung before it, makes a suspect. If your bogus backup refuses (answer = "none"), nothing can be proven: consider answer = "reset".'],
	noticed: ['Nobody was noticed. ', 'Senders that look like a spam source only by packets that anyone can forge are shown here.'],
	cleared: ['Nobody is cleared. ', 'Senders that climb the ladder as mail servers do are shown here after a few visits.'],
	allowed: ['Nobody is allowed by hand. ', 'Allow a sender on its page, or with mxtrap allow ADDRESS --note "why". A listing ends at once.'],
	'': ['Nobody was seen yet. ', 'Once your MX records name the decoys, every sender is seen here.'],
};

/* What can be sorted by what: states of the list by time, everything by address. */
const SORTS = { newest: ['since', 'newest first'], score: ['score', 'highest score first'], ends: ['ends', 'ending soonest first'], address: [null, 'address'] };
const sortable = { listed: ['newest', 'score', 'ends', 'address'], held: ['newest', 'score', 'ends', 'address'], suspect: ['newest', 'score', 'address'], allowed: ['newest', 'ends', 'address'] };

const split = (query) => query.split(/\s+/).filter(Boolean);

/* As a person writes it: a pill's words, capitals, the beginning of an address. */
const phrases = Object.entries(words.reason).sort((a, b) => b[1].length - a[1].length).map(([name, text]) => [new RegExp(`(^|\\s)${text.replaceAll(' ', '[ _-]')}(?=\\s|$)`, 'gi'), '$1' + name]);
function exact(word) {
	if (/^(set|fingerprint|sort):/.test(word))
		return word;
	const part = /^([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})\.\*?$|^([0-9]{1,3}(?:\.[0-9]{1,3}){1,2})$/.exec(word);
	if (!part)
		return word.toLowerCase();
	const given_ = (part[1] || part[2]).split('.');
	return [...given_, 0, 0, 0].slice(0, 4).join('.') + '/' + 8 * given_.length;
}
export const normal = (text) => split(phrases.reduce((t, [from, to]) => t.replace(from, to), text.trim())).map(exact).join(' ');

/* How many pages of a search were opened: who comes back to it finds them again. */
const opened = new Map();

export function senders(argument, refresh) {
	const query = normal(argument);
	const list = h('div', { class: 'list' });
	const found = h('p', { class: 'dim', role: 'status' });
	const given = split(query);
	const state = given.find((w) => STATES.includes(w)) || '';
	const reason = given.find((w) => w in words.reason) || '';
	const set = given.find((w) => w.startsWith('set:')) || '';
	const rest = given.filter((w) => !w.startsWith('sort:'));
	/* Scores are sorted for whole states alone. */
	const sorts = (sortable[state] || ['address']).filter((name) => name !== 'score' || rest.length === 1);
	const asked = given.find((w) => w.startsWith('sort:')) || '';
	const sort = sorts.includes(asked.slice(5)) ? asked.slice(5) : sorts[0];
	let pages = opened.get(query) || 1, sets = null;

	/* One word of a kind is changed, the others stay. */
	const to = (without, word) => '#/senders/' + encodeURIComponent([...given.filter((w) => w !== without), word].filter(Boolean).join(' '));
	const go = (without, word) => { location.hash = to(without, word); };
	const chip = (name, text) => h('a', { class: 'chip', href: to(state, name), 'aria-current': name === state ? 'true' : null }, text);
	const input = h('input', { id: 'words', type: 'search', value: query, autocomplete: 'off', spellcheck: 'false', 'aria-describedby': 'words-help' });
	const setChoice = h('select', { onchange: (e) => go(set, e.target.value) }, h('option', { value: '' }, 'any'));
	const form = h('form', { class: 'filters', role: 'search', 'aria-label': 'Senders', onsubmit: (event) => {
		event.preventDefault();
		location.hash = '#/senders/' + encodeURIComponent(normal(input.value));
	} },
	h('label', { class: 'wide' }, 'Search', h('span', { class: 'with' }, input, h('button', { type: 'submit', class: 'main' }, 'Search'))),
	h('label', {}, 'Reason', h('select', { onchange: (e) => go(reason, e.target.value) }, h('option', { value: '' }, 'any'),
		Object.entries(words.reason).map(([name, text]) => h('option', { value: name, selected: name === reason }, text)))),
	h('label', {}, 'MX set', setChoice),
	sorts.length > 1 ? h('label', {}, 'Sort', h('select', { 'data-sort': '', onchange: (e) => go(asked, e.target.value === sorts[0] ? '' : 'sort:' + e.target.value) },
		sorts.map((name) => h('option', { value: name, selected: name === sort }, SORTS[name][1])))) : null);

	async function fillSets() {
		if (sets !== null)
			return;
		sets = (await get('api/v1/mx-sets')).mx_sets.map((s) => s.name).filter(Boolean);
		setChoice.replaceChildren(h('option', { value: '' }, 'any'), ...[...new Set(sets)].map((name) =>
			h('option', { value: 'set:' + name, selected: set === 'set:' + name }, name)));
	}

	function path() {
		const order = SORTS[sort][0] ? `&order=${SORTS[sort][0]}` : '';
		return rest.length === 0 ? `api/v1/list?state=all&limit=${PAGE}` : rest.length === 1 && state ? `api/v1/list?state=${state}&limit=${PAGE}${order}` :
			`api/v1/senders?query=${encodeURIComponent(rest.join(' '))}&limit=${PAGE}${order}`;
	}

	/* How many there are in all, where somebody has counted them. */
	const total = (answer, how) => rest.length !== 1 ? null : state === 'listed' ? answer.listed : state === 'suspect' ? answer.suspects : state === 'held' ? how.publishing?.held ?? null : null;

	async function fill() {
		await fillSets();
		let answer, how;
		try {
			[answer, how] = await Promise.all([pagesOf(path(), pages), ask()]);
		} catch (error) {
			if (error.status !== 400)
				throw error;
			found.textContent = '';
			show(list, 'bad ' + error.message, () => h('p', { class: 'empty' }, h('strong', {}, 'This search is not possible. '), error.message));
			return;
		}
		const all = total(answer, how), n = answer.entries.length;
		found.textContent = n === 0 ? '' : answer.next === null ? `${count(n)} found` : all !== null && all > n ? `${count(n)} of ${count(all)}` : `the first ${count(n)}; there are more`;
		show(list, JSON.stringify([answer.entries, answer.next, how.publishing?.held_since]), () => {
			const empty = nothing[rest.join(' ')] || ['No sender matches all of these words. ', 'Remove one, or search for a network: 192.0.2.0/24.'];
			return [state === 'held' && how.publishing?.held_since ? h('p', { class: 'note' }, 'The list grew faster than usual. These senders are listed but not published: look at them, then accept them above.') : null,
				n === 0 && answer.next === null ? h('p', { class: 'empty' }, h('strong', {}, empty[0]), empty[1]) : null,
				n ? senderRows(answer.entries, answer.thresholds, refresh) : null,
				answer.next !== null ? h('p', { class: 'more' }, h('button', { type: 'button', 'data-focus': 'more', 'data-more': '', onclick: () => { pages++; opened.set(query, pages); refresh(); } },
					n ? 'Show more' : 'No match among these; search on')) : null];
		});
	}
	return { title: query ? query + ' \u00b7 Senders' : 'Senders', fill, nodes: [
		h('section', { class: 'panel', 'aria-labelledby': 'senders-title' },
			h('div', { class: 'head' }, h('h1', { id: 'senders-title' }, 'Senders'), found),
			form,
			h('p', { id: 'words-help', class: 'dim' }, 'All words must match: an address or network (192.0.2.0/24), a state (suspect), a reason (backup first), ',
				h('code', {}, 'set:example.org'), ', ', h('code', {}, 'fingerprint:TEXT'), '.'),
			h('nav', { class: 'chips', 'aria-label': 'State' }, chip('', 'All'), STATES.map((s) => chip(s, s[0].toUpperCase() + s.slice(1)))),
			list)] };
}
