/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * consumers.js - which programs use the list, how far behind each is, and how to connect another.
 */
import { get } from './api.js';
import { h, show } from './dom.js';
import { guideList } from './guide.js';
import { count, ownSays, pill, plural, span, time } from './text.js';
import { tokenPanel } from './tokens.js';

const heads = ['Who', 'What', 'Program', 'Last came', 'Fetches', 'The list it has'];

function row(c, now) {
	const lag = c.behind === null ? pill('quiet', 'has never had this list') : c.behind === 0 ? pill('up', 'the newest') : pill('suspect', `${plural(c.behind, 'change', 'changes')} behind`);
	return h('tr', {}, h('th', { scope: 'row' }, c.who), [c.what, h('span', { class: 'dim' }, c.agent || '\u2013'), h('span', {}, time(c.last), h('span', { class: 'dim' }, `, ${span(now - c.last)} ago`)), count(c.times), lag]
		.map((cell, i) => h('td', { 'data-name': heads[i + 1], class: 'words' }, cell)));
}

export function consumers(argument, refresh) {
	const who = h('section', { class: 'panel', 'aria-labelledby': 'consumers-title' }), tokens = h('section', { class: 'panel' });
	const guides = h('section', { class: 'panel guides', 'aria-labelledby': 'guides-title' }, h('h2', { id: 'guides-title' }, 'Connect another'),
		h('p', { class: 'dim' }, 'Each program reads the list in its own format. Choose yours; every example can be copied.'), guideList());

	if (argument)
		guides.querySelector('#guide-' + CSS.escape(argument))?.setAttribute('open', '');
	async function fill() {
		const a = await get('api/v1/consumers');
		const came = a.consumers.filter((c) => c.what !== 'api');	/* a page that looks, and blocks nobody */
		show(who, JSON.stringify([came, a.own, Math.floor(a.now / 30)]), () => [h('h1', { id: 'consumers-title' }, 'Consumers'), came.length === 0 ?
			h('p', { class: 'empty' }, h('strong', {}, a.own.length ? `No program fetches the list; ${ownSays(a.own)} may block by it. ` : 'No program fetches the list yet: it blocks nobody. '),
				'Choose below how your mail server or firewall reads it. mxtrapd\u2019s own DNSBL, Postfix socket and firewall sets fetch nothing and are not shown here.') :
			h('table', { class: 'senders' }, h('thead', {}, h('tr', {}, heads.map((t) => h('th', { scope: 'col' }, t)))), h('tbody', {}, came.map((c) => row(c, a.now))))]);
		show(tokens, JSON.stringify(a.tokens), () => tokenPanel(a.tokens, refresh));
	}
	return { fill, nodes: [who, tokens, guides] };
}
