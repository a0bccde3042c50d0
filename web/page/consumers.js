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

/* Before all others: a list of which nothing, or not all, leaves. */
const publishedSays = (p) => !p.open ? h('p', { class: 'note' }, 'The list is not published', p.why ? `: ${p.why}` : '', '. Programs get an empty one.') :
	p.held_since ? h('p', { class: 'note' }, `The list grew faster than usual: ${plural(p.held, 'sender is', 'senders are')} held back, and no program has them. `,
		h('a', { href: '#/senders/held', 'data-focus': 'held' }, 'Look at them'), ', then accept them above.') : null;

/* What a program has of the list is the API's word: nothing of one that is not published, and not those who are held. */
function has(c, publishing) {
	if (c.holds === 'newest')
		return pill('up', 'the newest');
	if (!publishing.open)
		return pill('quiet', 'nothing: not published');
	if (c.holds === 'nothing' || c.behind === null)
		return pill('quiet', publishing.held_since ? 'not known while senders are held back' : 'nothing of this list');
	return publishing.held_since ? pill('suspect', 'all but those held back, or less') : pill('suspect', `${plural(c.behind, 'change', 'changes')} behind`);
}

function row(c, now, publishing) {
	const lag = has(c, publishing);
	return h('tr', {}, h('th', { scope: 'row' }, c.who), [c.what, h('span', { class: 'dim' }, c.agent || '\u2013'), h('span', {}, time(c.last), h('span', { class: 'dim' }, `, ${span(now - c.last)} ago`)), count(c.times), lag]
		.map((cell, i) => h('td', { 'data-name': heads[i + 1], class: 'words' }, cell)));
}

export function consumers(argument, refresh) {
	const who = h('div', {}), tokens = h('section', { class: 'panel' });
	const guides = h('section', { class: 'panel guides', 'aria-labelledby': 'guides-title' }, h('h2', { id: 'guides-title' }, 'Connect another'),
		h('p', { class: 'dim' }, 'Each program reads the list in its own format. Choose yours; every example can be copied.'), guideList());

	if (argument)
		guides.querySelector('#guide-' + CSS.escape(argument))?.setAttribute('open', '');
	async function fill() {
		const a = await get('api/v1/consumers');
		const came = a.consumers.filter((c) => c.what !== 'api');	/* a page that looks, and blocks nobody */
		show(who, JSON.stringify([came, a.own, a.publishing, Math.floor(a.now / 30)]), () => [publishedSays(a.publishing), came.length === 0 ?
			h('p', { class: 'empty' }, h('strong', {}, a.own.length ? `No program fetches the list; ${ownSays(a.own)} may block by it. ` : 'No program fetches the list yet: it blocks nobody. '),
				'Choose below how your mail server or firewall reads it. mxtrapd\u2019s own DNSBL, Postfix socket and firewall sets fetch nothing and are not shown here.') :
			h('table', { class: 'senders' }, h('thead', {}, h('tr', {}, heads.map((t) => h('th', { scope: 'col' }, t)))), h('tbody', {}, came.map((c) => row(c, a.now, a.publishing))))]);
		show(tokens, JSON.stringify(a.tokens), () => tokenPanel(a.tokens, refresh));
	}
	return { fill, nodes: [h('section', { class: 'panel', 'aria-labelledby': 'consumers-title' }, h('h1', { id: 'consumers-title' }, 'Consumers'), who), tokens, guides] };
}
