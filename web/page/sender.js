/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sender.js - the page of one sender: what it is, why, who knows it, and what can be done.
 */
import { actionButtons } from './actions.js';
import { get } from './api.js';
import { copyButton } from './copy.js';
import { h, show } from './dom.js';
import { figure, table } from './figure.js';
import { scoreBar } from './scorebar.js';
import { grades, timeline } from './story.js';
import { count, ownSays, pill, plain, points, reasons, signed, time, words } from './text.js';
import { events, walk, walkLegend, walkSays } from './walk.js';

const FORGEABLE = ['syn', 'resyn'];

function verdict(entry, story) {
	const t = story.thresholds;
	switch (entry.state) {
	case 'listed':
		return [`Listed since `, time(entry.since), entry.expires ? [' until ', time(entry.expires)] : null,
			`: its score reached ${t.list.toFixed(2)} on evidence that may block.`];
	case 'suspect':
		return `A suspect: its score is at least ${t.suspect.toFixed(2)}, and short of a listing (${t.list.toFixed(2)}, on evidence whose grade may list). A suspect is shown, never blocked.`;
	case 'allowed':
		return 'Allowed: an allow entry covers it. It is never listed, whatever it does.';
	case 'cleared':
		return `Cleared: its score fell to ${signed(t.clear, 2)} or less; it behaves as a mail server does. It can still be listed later.`;
	case 'noticed':
		return grades[entry.grade] && !FORGEABLE.includes(entry.grade) ?
			`Noticed: what was seen points at a spam source, but what is proven of it falls short of a suspect's ${t.suspect.toFixed(2)}. The rest anyone can forge, so it is shown and never exported.` :
			'Noticed: something was seen that points at a spam source, and none of it is proven. Anyone can forge that, so it is shown and never exported.';
	default:
		return 'Nothing speaks against it so far.';
	}
}

function facts(entry, story) {
	const fact = (name, value) => h('div', {}, h('dt', {}, name), h('dd', {}, value));
	const prints = new Map();
	for (const row of story.attempts)
		if (row.fingerprint)
			prints.set(row.fingerprint, row.os || prints.get(row.fingerprint) || '');
	return h('dl', { class: 'facts' },
		fact('First seen', time(entry.first_seen)), fact('Last seen', time(entry.last_seen)),
		entry.state === 'cleared' ? null : fact('How sure', grades[entry.grade] || 'nothing is proven'), fact('Class', entry.class), fact(h('span', { title: 'what its score would be if all that anyone can forge counted; it blocks nobody' }, 'Forgeable score'), signed(entry.hint)),
		entry.country || entry.asn ? fact('Where', [entry.country, entry.asn ? `AS${entry.asn}` : null].filter(Boolean).join(', ')) : null,
		prints.size ? h('div', { class: 'wide' }, h('dt', {}, prints.size > 1 ? 'Fingerprints of its SYN' : 'Fingerprint of its SYN'),
			[...prints].slice(-3).map(([text, os]) => h('dd', {}, h('a', { href: '#/senders/' + encodeURIComponent('fingerprint:' + text) }, h('code', {}, text)), os ? h('span', { class: 'dim' }, ` looks like ${os}`) : null))) : null);
}

/* Each kind of doubt once, with what it excused. */
function excuses(story) {
	const found = new Map();
	for (const row of story.evidence)
		for (const d of row.doubts)
			found.set(d.says, [...(found.get(d.says) || []), words.reason[row.kind] || row.kind]);
	return found.size === 0 ? null : h('div', { class: 'excuses' }, h('h2', {}, 'What excused it'),
		h('ul', {}, [...found].map(([says, kinds]) => h('li', {}, says, h('span', { class: 'dim' }, ` \u2013 ${[...new Set(kinds)].join(', ')}`)))));
}

/* What a consumer can have: nothing of what is not published. */
const reachOf = (publishing, since) => publishing === null ? 'unknown' : !publishing.open ? 'unpublished' : publishing.held_since && since > publishing.held_since ? 'held' : 'published';
const reachSays = {
	unknown: () => 'Who has it is not known now: mxtrapd did not answer that.',
	unpublished: (p) => ['No program has it: the list is not published', p.why ? ` (${p.why.replace(/\.$/, '')})` : '', '. It would be blocked.'],
	held: () => ['No program has it yet: the list grew so fast that the newest senders are held back. ', h('a', { href: '#/senders/held' }, 'Look at them'), ', then accept them.'],
};

/* A consumer that is no further behind than the change into the list has it, if it left at all. */
function carriers(entry, story, answer) {
	const publishing = answer?.publishing ?? null;
	if (entry.state !== 'listed')
		return null;
	const change = story.changes.filter((c) => c.to === 'listed').at(-1), since = change?.time ?? entry.since, reach = reachOf(publishing, entry.since);
	const fetched = (answer?.consumers ?? []).filter((c) => c.behind !== null && c.what !== 'api');
	const rows = fetched.map((c) => ({ ...c, has: reach === 'published' && c.holds !== 'nothing' && (change === undefined || answer.serial - c.behind >= change.serial) }));
	return h('section', { class: 'panel' }, h('h2', {}, 'Who has it'), reachSays[reach] ? h('p', { class: 'note' }, reachSays[reach](publishing)) : null,
		rows.length === 0 ? reachSays[reach] ? null : h('p', { class: 'empty' }, answer.own?.length ? `${ownSays(answer.own)} may block it; no program fetches the list. ` : 'No program fetches the list: it blocks nobody yet. ', h('a', { href: '#/consumers' }, 'Connect a consumer'), '.') :
			table(['Consumer', 'What', 'Has it', 'As of'], rows.map((c) => [c.who, c.what, c.has ? pill('up', 'yes') : pill('quiet', reach === 'published' ? 'not yet' : reach === 'unknown' ? 'not known' : 'no'), time(c.last)]), 'Consumers'),
		h('p', { class: 'note' }, 'On the list since ', time(since), change ? h('span', { class: 'dim' }, `, serial ${count(change.serial)}`) : null, '.'));
}

function head(entry, story, refresh) {
	return [h('div', { class: 'head' },
		h('h1', {}, h('span', { 'data-copy': '' }, plain(entry.cidr)), ' ', pill(entry.state, words.state[entry.state] || entry.state)),
		h('div', { class: 'choose' }, copyButton(plain(entry.cidr), plain(entry.cidr)), actionButtons(entry, refresh))),
	h('p', { class: 'verdict' }, verdict(entry, story)),
	story.allowed_by.map((a) => h('p', { class: 'note' }, 'Allowed as ', h('code', {}, a.cidr),
		a.who ? ` by ${a.who}` : '', a.note ? `: ${a.note}` : '', a.expires ? [' until ', time(a.expires)] : '')),
	h('div', { class: 'scale' }, scoreBar(Number(entry.score), story.thresholds, { wide: true }),
		h('p', { class: 'dim' }, `score ${signed(entry.score, 2)} now \u00b7 suspect from ${signed(story.thresholds.suspect, 2)} \u00b7 listed from ${signed(story.thresholds.list, 2)} \u00b7 cleared at ${signed(story.thresholds.clear, 2)}`)),
	entry.reasons.length ? h('ul', { class: 'because' }, entry.reasons.map((r) => h('li', {}, reasons([r]), ' ', words.why[r] || ''))) : null,
	facts(entry, story), excuses(story)];
}

const nobody = (address, problem) => h('section', { class: 'panel' }, h('h1', {}, address), h('p', { class: 'empty' }, problem.status === 404 ?
	'Nothing was ever seen from this address. If you expected something: is it the address that your mail log shows, and does mxtrap watch the interface where its packets arrive?' :
	problem.message), h('p', {}, h('a', { href: '#/' }, 'Back to the overview')));

export function sender(address, refresh) {
	const top = h('section', { class: 'panel sender' }), history = h('section', { class: 'panel' }), who = h('div', {}), wrong = h('div', {});
	const picture = figure({ id: 'walk', title: 'How it was weighed', height: 280 });
	const parts = [top, picture.node, who, history];

	for (const p of parts)
		p.hidden = true;
	const view = { title: plain(address), nodes: [h('p', { class: 'crumb' }, h('a', { href: '#/senders' }, '\u2190 Senders')), wrong, ...parts], fill };
	async function fill() {
		let story;
		const consumers = get('api/v1/consumers').catch(() => null);
		try {
			story = await get('api/v1/senders/' + encodeURIComponent(address));
		} catch (error) {
			if (!error.status || error.status >= 500)
				throw error;
			show(wrong, error.message, () => nobody(address, error));
			return;
		}
		const entry = story.entries[0];
		view.title = plain(entry.cidr);
		for (const p of parts)
			p.hidden = false;
		show(wrong, '', () => null);
		const key = JSON.stringify([entry, story.attempts.length, story.said.length, story.evidence, story.changes, story.visits.length, story.allowed_by]);
		show(top, key, () => head(entry, story, refresh));
		picture.fill({ key, empty: story.attempts.length + story.evidence.length === 0 ? 'What it did is older than what is kept.' : null,
			summary: walkSays(story), draw: (box, width) => box.replaceChildren(walk(story, Math.max(300, width)), walkLegend()),
			table: () => table(['Time', 'What', 'Points', 'Score after'], events(story).filter((e) => e.kind === 'evidence').map((e) =>
				[time(e.at, { precise: true }), words.reason[e.row.kind] || e.row.kind, h('span', {}, points(e.row.score)), h('span', {}, signed(e.row.score_sum))])) });
		const carry = await consumers;
		show(who, JSON.stringify([key, carry?.consumers, carry?.own, carry?.publishing]), () => carriers(entry, story, carry));
		show(history, key, () => [h('h2', {}, 'What happened'), story.attempts.length + story.said.length + story.evidence.length + story.changes.length + story.visits.length ?
			timeline(story) : h('p', { class: 'empty' }, 'What it did is older than what is kept.'),
		story.more ? h('p', { class: 'note' }, 'There is more than is shown here: ', h('code', {}, `mxtrap explain ${plain(entry.cidr)}`), ' shows all of it.') : null]);
	}
	return view;
}
