/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom.js - small helpers: elements, times, numbers, and the API with ETags.
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

const number = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
export const count = (n) => number.format(n);
export const brief = (n) => n < 10000 ? number.format(n) : compact.format(n);
export const points = (n) => (n > 0 ? '+' : n < 0 ? '\u2212' : '') + Math.abs(n).toFixed(1);
export const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;

const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const clockSeconds = new Intl.DateTimeFormat(undefined,
	{ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

/* In the reader's zone; UTC when pointed at. */
export function time(seconds, { precise = false, ms = false } = {}) {
	if (!seconds)
		return h('span', { class: 'none' }, '\u2013');
	const date = new Date(seconds * 1000);
	let text = (precise || ms ? clockSeconds : clock).format(date);
	if (ms)
		text += '.' + String(date.getMilliseconds()).padStart(3, '0');
	if (date.toDateString() !== new Date().toDateString())
		text = day.format(date) + ', ' + text;
	return h('time', { datetime: date.toISOString(), title: date.toISOString().replace('T', ' ').replace('Z', ' UTC') }, text);
}

export function span(seconds) {
	const left = Math.max(0, Math.round(seconds));
	if (left < 90)
		return `${left} s`;
	if (left < 5400)
		return `${Math.round(left / 60)} min`;
	if (left < 172800)
		return `${Math.round(left / 3600)} h`;
	return `${Math.round(left / 86400)} days`;
}

export const hourText = (seconds) => clock.format(new Date(seconds * 1000));
export const dayText = (seconds) => day.format(new Date(seconds * 1000));

/* -- the API -- */

const known = new Map();	/* path -> { etag, data }: 304 costs nothing */

export class Problem extends Error {
	constructor(status, detail) {
		super(detail);
		this.status = status;
	}
}

export async function get(path) {
	const before = known.get(path);
	const answer = await fetch(path, {
		cache: 'no-store',
		headers: before?.etag ? { 'If-None-Match': before.etag } : {},
		signal: AbortSignal.timeout(10000),
	});
	if (answer.status === 304 && before)
		return before.data;
	const data = await answer.json().catch(() => ({}));
	if (!answer.ok)
		throw new Problem(answer.status, data.detail || answer.statusText);
	if (known.size > 64)
		known.delete(known.keys().next().value);
	known.delete(path);
	known.set(path, { etag: answer.headers.get('ETag'), data });
	return data;
}

/* What a CIDR is called by a person: a single IPv4 address without its length. */
export const plain = (cidr) => cidr.replace(/\/(32|128)$/, '');
export const link = (cidr) => '#/sender/' + encodeURIComponent(plain(cidr));

/* -- the bar that sets a score against the thresholds -- */

export function scoreBar(score, thresholds, { wide = false } = {}) {
	const top = thresholds.list * 1.25;
	const low = Math.min(0, thresholds.clear);
	const at = (value) => Math.max(0, Math.min(100, (value - low) / (top - low) * 100));
	const zero = at(0), end = at(score);
	const level = score >= thresholds.list ? 'list' : score >= thresholds.suspect ? 'suspect' :
	    score < 0 ? 'good' : 'quiet';

	return h('span', { class: 'bar ' + level + (wide ? ' wide' : ''), role: 'img',
		'aria-label': `score ${score.toFixed(1)}; suspect from ${thresholds.suspect.toFixed(1)}, listed from ${thresholds.list.toFixed(1)}`,
		title: `score ${score.toFixed(2)} \u00b7 suspect from ${thresholds.suspect.toFixed(1)} \u00b7 listed from ${thresholds.list.toFixed(1)}` },
		h('span', { class: 'fill', '--from': Math.min(zero, end) + '%', '--width': Math.abs(end - zero) + '%' }),
		h('span', { class: 'tick', '--at': zero + '%' }),
		h('span', { class: 'tick strong', '--at': at(thresholds.suspect) + '%' }),
		h('span', { class: 'tick strong', '--at': at(thresholds.list) + '%' }));
}

export const words = {
	state: { listed: 'listed', suspect: 'suspect', noticed: 'noticed', cleared: 'cleared', allowed: 'allowed', unknown: 'unknown' },
	reason: {
		backup_first: 'backup first', descended: 'descended', decoys_only: 'decoys only', impatient: 'impatient',
		gave_up: 'gave up', early_talker: 'early talker', bad_helo: 'bad HELO', climbed: 'climbed',
		reached_real: 'reached real', skipped_nolisting: 'skipped nolisting', probed: 'probed', swept: 'swept',
		by_hand: 'by hand', addressed: 'mail for us', foreign: 'mail for another domain',
	},
	role: { nolisting: 'first decoy', real: 'real MX', bogus: 'backup decoy', control: 'control' },
};
export const pill = (kind, text) => h('span', { class: 'pill ' + kind }, text);
export const reasons = (list) => list.map((r) => h('span', { class: 'reason' }, words.reason[r] || r));
