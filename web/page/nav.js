/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nav.js - which pages there are: the one list that the menu, the routes and the titles come from.
 *
 * A route is #/NAME or #/NAME/ARGUMENT.  A page is made anew for each route: { nodes, fill, close };
 * fill() asks the API and draws, and is called again every few seconds.
 */
import { about } from './about.js';
import { audit } from './audit.js';
import { consumers } from './consumers.js';
import { h } from './dom.js';
import { ladder } from './ladder.js';
import { live } from './live.js';
import { origins } from './origins.js';
import { overview } from './overview.js';
import { risk } from './risk.js';
import { sender } from './sender.js';
import { senders } from './senders.js';

export const pages = [
	{ name: '', title: 'Overview', make: overview },
	{ name: 'live', title: 'Live', make: live },
	{ name: 'senders', title: 'Senders', make: senders },
	{ name: 'sender', title: 'Sender', make: sender, under: 'senders' },
	{ name: 'risk', title: 'At risk', make: risk },
	{ name: 'consumers', title: 'Consumers', make: consumers },
	{ name: 'ladder', title: 'Ladder', make: ladder },
	{ name: 'origins', title: 'Origins', make: origins },
	{ name: 'audit', title: 'Audit', make: audit },
	{ name: 'about', title: 'About', make: about },
];

function decoded(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

/* { page, argument } of a hash; page is null where there is none. */
export function route(hash) {
	const [, name = '', argument = ''] = /^#\/?([^/]*)\/?(.*)$/.exec(hash) || [];
	const known = { search: 'senders' }[name] || name;	/* old links */
	return { page: pages.find((p) => p.name === known) || null, argument: decoded(argument) };
}

export function drawNav(box, current) {
	const here = current?.under ?? current?.name;
	if (box.children.length === 0)
		box.append(h('ul', {}, pages.filter((p) => p.under === undefined).map((p) =>
			h('li', {}, h('a', { href: '#/' + p.name, 'data-page': p.name }, p.title)))));
	for (const a of box.querySelectorAll('a')) {
		const on = a.dataset.page === here;
		if (on)
			a.setAttribute('aria-current', 'page');
		else
			a.removeAttribute('aria-current');
		if (on && box.scrollWidth > box.clientWidth)
			box.scrollTo({ left: a.offsetLeft - 60 });
	}
}
