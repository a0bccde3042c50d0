/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.js - numbers, times, names and words as a person reads them.
 */
import { h } from './dom.js';

const number = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
export const count = (n) => number.format(n);
export const brief = (n) => n < 10000 ? number.format(n) : compact.format(n);
/* With a minus sign that is one. */
export const signed = (n, digits = 1) => Number(n).toFixed(digits).replace(/^-(?=.*[1-9])/, '\u2212').replace(/^-/, '');
export const points = (n) => (n > 0 ? '+' : n < 0 ? '\u2212' : '') + Math.abs(n).toFixed(1);
export const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;

const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const clockSeconds = new Intl.DateTimeFormat(undefined,
	{ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

/* mxtrapd's clock: the browser's own may be off by days, and says neither which day it is nor how old something is. */
let ahead = 0;
/* True: what was drawn before may name another day. */
export function setClock(seconds) {
	const before = ahead;
	ahead = seconds * 1000 - Date.now();
	return Math.abs(ahead - before) > 60000;
}
const today = () => new Date(Date.now() + ahead).toDateString();

/* How long ago a mark was made, in ms: by the clock that says more, for one may be set and the other stands still while
 * the machine sleeps. */
export const mark = () => [Date.now(), performance.now()];
export const passed = ([date, steady]) => Math.max(Date.now() - date, performance.now() - steady);

/* In the reader's zone; UTC when pointed at. */
export function time(seconds, { precise = false, ms = false } = {}) {
	if (!seconds)
		return h('span', { class: 'none' }, '\u2013');
	const date = new Date(seconds * 1000);
	let text = (precise || ms ? clockSeconds : clock).format(date);
	if (ms)
		text += '.' + String(date.getMilliseconds()).padStart(3, '0');
	if (date.toDateString() !== today())
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

export const secondText = (seconds) => clockSeconds.format(new Date(seconds * 1000));
export const hourText = (seconds) => clock.format(new Date(seconds * 1000));
export const dayText = (seconds) => day.format(new Date(seconds * 1000));

/* What a CIDR is called by a person: a single IPv4 address without its length. */
export const plain = (cidr) => cidr.replace(/\/(32|128)$/, '');
export const link = (cidr) => '#/sender/' + encodeURIComponent(plain(cidr));

export const words = {
	state: { listed: 'listed', suspect: 'suspect', noticed: 'noticed', cleared: 'cleared', allowed: 'allowed', unknown: 'unknown' },
	reason: {
		backup_first: 'backup first', descended: 'descended', decoys_only: 'decoys only', impatient: 'impatient',
		gave_up: 'gave up', early_talker: 'early talker', bad_helo: 'bad HELO', climbed: 'climbed',
		reached_real: 'reached real', skipped_nolisting: 'skipped nolisting', probed: 'probed', swept: 'swept',
		by_hand: 'by hand', addressed: 'mail for us', foreign: 'mail for another domain',
	},
	/* The same reasons as a sentence, for a reader who sees them for the first time. */
	why: {
		backup_first: 'went to the bogus backup first, though mail servers start at the lowest exchanger', descended: 'went to the bogus backup first, and only then to the real MX',
		decoys_only: 'tried nolisting and the bogus backup, and never the real MX', impatient: 'went on faster than any mail server does',
		gave_up: 'tried only nolisting, the lowest exchanger, and never the real MX', early_talker: 'spoke before it was greeted',
		bad_helo: 'sent a HELO name that no mail server may use', climbed: 'climbed to the real MX, as mail servers do',
		reached_real: 'tried the real MX before the bogus backup, as mail servers do', skipped_nolisting: 'came to the real MX without trying nolisting',
		probed: 'touched all exchangers at once: it checks our domain', swept: 'came to an address that no MX record names: a scanner',
		by_hand: 'listed by hand', addressed: 'asked for a recipient of ours', foreign: 'asked for a recipient of another domain',
	},
	role: { nolisting: 'nolisting', real: 'real MX', bogus: 'bogus backup', control: 'control' },
};

/* What of mxtrap itself uses the list, and fetches nothing. */
const own = { dnsbl: 'DNSBL', postfix: 'Postfix socket', firewall: 'firewall sets' };
export const ownSays = (list) => `mxtrapd\u2019s own ${list.map((name) => own[name] || name).join(' and ')}`;

export const pill = (kind, text) => h('span', { class: 'pill ' + kind }, text);
export const reasons = (list) => list.map((r) => h('span', { class: 'reason', title: words.why[r] }, words.reason[r] || r));
