/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * about.js - which program this is, what it holds, what it had to drop, and whose work is in it.
 */
import { get } from './api.js';
import { h, show } from './dom.js';
import { table } from './figure.js';
import { count, plural, span, time } from './text.js';

function size(bytes) {
	const units = ['B', 'kB', 'MB', 'GB', 'TB'];
	let i = 0;
	while (bytes >= 1000 && i < units.length - 1) {
		bytes /= 1000;
		i++;
	}
	return `${bytes.toFixed(i > 0 && bytes < 100 ? 1 : 0)} ${units[i]}`;
}

const fact = (name, value) => h('div', {}, h('dt', {}, name), h('dd', {}, value));
const readable = ({ name, value }) => !/^[0-9]+$/.test(value) ? value : /bytes$|max-size$/.test(name) ? size(Number(value)) : count(Number(value));

function program(a) {
	return [h('dl', { class: 'facts' },
		fact('Version', `mxtrap ${a.version}`), fact('Running since', a.started ? time(a.started) : 'a replay'),
		fact('Database', a.database.bytes ? size(a.database.bytes) : 'not measured yet'), fact('Made', time(a.database.created)),
		fact('Attempts are kept', a.database.attempts_kept_s ? span(a.database.attempts_kept_s) : 'for good'),
		fact('Generation', h('code', {}, a.generation))),
	a.processes.length ? [h('h2', {}, 'Processes'), table(['Process', 'Pid', 'Started again', 'Since'],
		a.processes.map((p) => [p.name, h('span', {}, String(p.pid)), plural(p.restarts, 'time', 'times'), time(p.since)]), 'Processes')] : null,
	h('h2', {}, 'Libraries'), table(['Library', 'Version'], a.libraries.map((l) => [l.name, h('span', {}, l.version)]), 'Libraries'),
	h('p', { class: 'note' }, 'The page includes the work of others: ', h('a', { href: 'notices.txt' }, 'their licences'), '. All of it comes from this program; nothing is fetched from elsewhere. ',
		'The interface that it is drawn from is described in docs/openapi.yaml.')];
}

function drops(list) {
	const some = list.filter((d) => d.value !== '0' && d.value !== '' && d.value !== 0);
	return some.length === 0 ? h('p', { class: 'empty' }, h('strong', {}, 'Nothing was dropped. '), 'Every bound held, and every packet was read.') :
		table(['What', 'How many'], some.map((d) => [h('span', {}, d.says, d.name.startsWith('frames ') ? ` (${d.name.slice(7)})` : ''), Number(d.value)]), 'Drops');
}

export function about() {
	const facts = h('div', {}), sizes = h('section', { class: 'panel' }), lost = h('section', { class: 'panel' });

	async function fill() {
		const a = await get('api/v1/about');
		show(facts, JSON.stringify([a.version, a.started, a.database, a.processes, a.libraries]), () => program(a));
		show(sizes, JSON.stringify(a.sizes), () => [h('h2', {}, 'Sizes and bounds'), table(['What', 'Value'], a.sizes.map((x) => [x.name, h('span', {}, readable({ name: x.name, value: String(x.value) }))]), 'Sizes')]);
		show(lost, JSON.stringify(a.drops), () => [h('h2', {}, 'What was dropped, or not trusted'), drops(a.drops)]);
	}
	return { fill, nodes: [h('section', { class: 'panel', 'aria-labelledby': 'about-title' }, h('h1', { id: 'about-title' }, 'About'), facts), h('div', { class: 'two' }, sizes, lost)] };
}
