/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * app.js - the dashboard: the ladder, the hours, who is listed and why, from the API alone.
 *
 * It asks again every few seconds with the ETag of what it has; a hidden tab asks
 * nothing.  Views: #/ and #/sender/ADDRESS (and #/search/WORDS).
 */
import { brief, count, get, h, link, pill, plain, plural, reasons, scoreBar, show, span, time, words } from './dom.js';
import { chart } from './chart.js';
import { fillRisk, riskPanel } from './risk.js';
import { senderView } from './sender.js';

const POLL_MS = 4000;
const main = document.getElementById('main');
const banner = document.getElementById('banner');
const live = document.getElementById('live');

const view = { tab: 'listed', range: 24, asTable: false, pages: 1, shown: null };

/* -- the parts of the overview: made once, filled as answers come -- */

const parts = {
	publishing: h('div', {}), broken: h('div', {}), doubts: h('div', {}), numbers: h('div', { class: 'numbers' }), notes: h('div', {}), kept: h('div', {}),
	ladder: h('section', { class: 'panel', 'aria-labelledby': 'ladder-title' }),
	hours: h('div', { class: 'hours' }), list: h('div', { class: 'list' }),
};

function rangeButton(hours, text) {
	return h('button', { type: 'button', 'data-range': hours, 'aria-pressed': String(view.range === hours),
		onclick: () => { view.range = hours; pressed(); refresh(); } }, text);
}
const tableButton = h('button', { type: 'button', 'aria-pressed': 'false',
	onclick: () => { view.asTable = !view.asTable; pressed(); refresh(); } }, 'Table');
const rangeButtons = [rangeButton(24, 'Day'), rangeButton(168, 'Week'), rangeButton(720, 'Month')];

const tabs = [['listed', 'Listed'], ['suspect', 'Suspects'], ['noticed', 'Noticed'], ['cleared', 'Cleared'], ['allowed', 'Allowed']]
	.map(([name, text]) => h('button', { type: 'button', role: 'tab', id: 'tab-' + name, 'aria-controls': 'list',
		'data-tab': name, onclick: () => chooseTab(name) }, text));
const tablist = h('div', { role: 'tablist', 'aria-label': 'Which senders', class: 'tabs', onkeydown: (event) => {
	const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
	if (!step)
		return;
	const at = tabs.findIndex((t) => t.dataset.tab === view.tab);
	const next = tabs[(at + step + tabs.length) % tabs.length];
	chooseTab(next.dataset.tab);
	next.focus();
	event.preventDefault();
} }, tabs);

function pressed() {
	for (const button of rangeButtons)
		button.setAttribute('aria-pressed', String(Number(button.dataset.range) === view.range));
	tableButton.setAttribute('aria-pressed', String(view.asTable));
	for (const tab of tabs) {
		tab.setAttribute('aria-selected', String(tab.dataset.tab === view.tab));
		tab.tabIndex = tab.dataset.tab === view.tab ? 0 : -1;
	}
	parts.list.setAttribute('aria-labelledby', 'tab-' + view.tab);
}

function chooseTab(name) {
	view.tab = name;
	view.pages = 1;
	pressed();
	refresh();
}

parts.list.id = 'list';
parts.list.setAttribute('role', 'tabpanel');
const overview = [
	h('h1', { class: 'hidden' }, 'Overview'),
	parts.broken, parts.doubts, parts.publishing, parts.numbers, parts.notes, parts.kept, parts.ladder,
	h('section', { class: 'panel', 'aria-labelledby': 'hours-title' },
		h('div', { class: 'head' }, h('h2', { id: 'hours-title' }, 'Attempts by the hour'),
			h('div', { class: 'choose', role: 'group', 'aria-label': 'Span' }, rangeButtons, tableButton)),
		parts.hours),
	h('section', { class: 'panel', 'aria-labelledby': 'senders-title' },
		h('div', { class: 'head' }, h('h2', { id: 'senders-title' }, 'Senders'), tablist), parts.list),
	riskPanel,
];

/* -- publishing, numbers, what happened -- */

/* A status line of the daemon, as a sentence. */
function plainly(name, value) {
	if (name.startsWith('complaint '))
		return value;
	if (name.startsWith('alarm ')) {
		const [says, since] = value.split(', since ');
		return [says, since ? [', since ', time(Number(since))] : null];
	}
	if (name === 'disk_full')
		return 'The disk is full: watching goes on, storing waits.';
	const since = /since ([0-9]+)/.exec(value);
	return name.startsWith('capture ') ? [`Interface ${name.slice(8)} is not captured`, since ? [' since ', time(Number(since[1]))] : null, ': nothing is seen there.'] :
		`${name.slice(8)} is ${value}`;
}

function fillStatus(status) {
	show(parts.publishing, JSON.stringify(status.publishing), () => status.publishing.open ? null :
		h('div', { class: 'notice' }, h('strong', {}, 'Observing. '),
			'Nothing leaves: the exports are empty, and the list below is what would be listed. ',
			h('span', { class: 'dim' }, status.publishing.why || '')));
	const broken = Object.entries(status.counters).filter(([name, value]) => value !== '' && (name.startsWith('complaint ') || name.startsWith('alarm ') ||
		(name.startsWith('capture ') && value.startsWith('not capturing')) || (name === 'disk_full' && value === 'yes') ||
		(name.startsWith('process ') && value.startsWith('not running')))).map(([name, value]) => [name, plainly(name, value)]);
	if (status.live && (status.status_age < 0 || status.status_age > 15))
		broken.push(['watch', status.status_age < 0 ? 'watch has not told its status yet' : `watch has told nothing for ${span(status.status_age)}: what stands here is old`]);
	show(parts.broken, JSON.stringify(broken), () => broken.length === 0 ? null :
		h('div', { class: 'notice bad', role: 'alert' }, h('strong', {}, 'Needs a look. '), broken.length === 1 ? broken[0][1] :
			h('ul', {}, broken.map(([, says]) => h('li', {}, says)))));
	const doubts = Object.entries(status.counters).filter(([name, value]) =>
		name.startsWith('doubt ') && value !== 'no' && name !== 'doubt start_grace');
	show(parts.doubts, JSON.stringify(doubts), () => doubts.length === 0 ? null :
		h('div', { class: 'notice' }, h('strong', {}, 'No evidence counts now. '),
			doubts.map(([name, value]) => `${name.slice(6).replace('_', ' ')} (${value})`).join(', ')));
	const bad = status.notes.filter((n) => ['real_down', 'blind', 'drops', 'clock_step', 'decoy_silent',
		'decoy_answers', 'decoy_dead', 'table_full', 'flood', 'overflow'].includes(n.kind));
	show(parts.notes, JSON.stringify(bad), () => bad.length === 0 ? null :
		h('details', { class: 'panel warn' }, h('summary', {}, plural(bad.length, 'thing', 'things'),
			' happened in the last 24 h that cost evidence or need a look'),
		h('ul', {}, bad.slice(-20).reverse().map((n) => h('li', {}, time(n.time), ' ',
			n.address ? [h('code', {}, n.address), ' '] : null, n.says)))));
	show(parts.kept, JSON.stringify(status.not_kept), () => status.not_kept.length === 0 ? null :
		h('details', { class: status.not_kept.some((c) => c.loss) ? 'panel warn' : 'panel' },
			h('summary', {}, 'What was not kept, or not trusted, because of a bound'),
			h('ul', {}, status.not_kept.map((c) => h('li', {}, c.loss ? h('strong', {}, c.value) : c.value, ' ', c.says, c.name.startsWith('frames ') ? ` (${c.name.slice(7)})` : null)))));
	document.getElementById('state').replaceChildren(
		`state ${status.generation}:${status.serial}`, status.live ? '' : ' \u00b7 a replay, told as of its end');
}

function fillNumbers(status, targets) {
	const sum = (role, field) => targets.filter((t) => !role || t.role === role)
		.reduce((n, t) => n + t.today[field], 0);
	const number = (value, name, hint, kind) => h('div', { class: 'number ' + (kind || '') },
		h('span', { class: 'value', title: count(value) }, brief(value)), h('span', { class: 'name' }, name),
		h('span', { class: 'dim' }, hint));
	const all = sum(null, 'attempts');
	show(parts.numbers, JSON.stringify([status.listed, status.suspects, all, sum('bogus', 'attempts'), sum('real', 'attempts'), status.publishing.open]), () => [
		number(status.listed, 'listed', status.publishing.open ? 'exported now' : 'would be exported', 'listed'),
		number(status.suspects, 'suspects', 'shown, never blocked', 'suspect'),
		number(all, 'attempts today', `${brief(sum(null, 'proven'))} handshakes`),
		number(sum('bogus', 'attempts'), 'at the backup decoys', all ? `${Math.round(100 * sum('bogus', 'attempts') / all)} % of all` : 'nobody honest needs them'),
	]);
}

/* -- the ladder -- */

const duty = {
	nolisting: 'refuses; an MTA goes on at once', real: 'takes the mail; watched, never a trap',
	bogus: { none: 'refuses; nothing can be proven here', reset: 'answers and resets: proves addresses',
		dialogue: 'talks SMTP, takes nothing: proves for whom the mail was' },
	control: 'in no MX record: only sweeps come here',
};

/* What it was seen to do today, beside what it should do. */
function behaviour(exchanger, sum) {
	if (sum('attempts') === 0)
		return pill('quiet', 'nobody today');
	if (exchanger.role === 'control')
		return null;
	if (exchanger.role === 'real' || exchanger.answer !== 'none')
		return sum('proven') > 0 ? pill('up', 'answers') : pill('suspect', 'no handshake today');
	if (sum('proven') > 0)
		return pill('down', 'answers, should refuse');
	return sum('silent') > sum('refused') ? pill('down', 'silent, should refuse') : pill('up', 'refuses');
}

function rung(exchanger, most) {
	const sum = (field) => exchanger.addresses.reduce((n, a) => n + a.today[field], 0);
	const last = Math.max(...exchanger.addresses.map((a) => a.last_attempt));
	const down = exchanger.addresses.filter((a) => a.health === 'down');
	const health = down.length ? pill('down', exchanger.addresses.length > 1 ? `${down.length} of ${exchanger.addresses.length} down` : 'down') :
		behaviour(exchanger, sum);
	const does = typeof duty[exchanger.role] === 'string' ? duty[exchanger.role] : duty[exchanger.role]?.[exchanger.answer];
	const cell = (name, value) => h('div', {}, h('dt', {}, name), h('dd', { title: count(value) }, brief(value)));

	return h('li', { class: 'rung ' + exchanger.role },
		h('div', { class: 'preference', title: 'MX preference' }, exchanger.role === 'control' ? '\u2013' : exchanger.preference),
		h('div', { class: 'who' },
			h('p', {}, h('strong', {}, exchanger.name || 'control address'), ' ', pill('role ' + exchanger.role, words.role[exchanger.role] || exchanger.role), ' ', health),
			h('p', { class: 'dim' }, does),
			h('p', { class: 'addresses' }, exchanger.addresses.map((a) => h('code', { class: a.health === 'down' ? 'down' : '' }, a.address)))),
		h('dl', { class: 'saw' },
			cell('attempts', sum('attempts')), cell('senders', sum('senders')), cell('handshakes', sum('proven')),
			cell('refused', sum('refused')), cell('silent', sum('silent'))),
		h('div', { class: 'meter', role: 'img', 'aria-label': `${count(sum('attempts'))} attempts today` },
			h('span', { '--width': (most ? 100 * sum('attempts') / most : 0) + '%' })),
		h('p', { class: 'last dim' }, last ? ['last attempt ', time(last)] : 'no attempt seen'));
}

function fillLadder(answer) {
	show(parts.ladder, JSON.stringify(answer.mx_sets), () => {
		const most = Math.max(0, ...answer.mx_sets.flatMap((set) => set.exchangers.map((e) =>
			e.addresses.reduce((n, a) => n + a.today.attempts, 0))));
		const seen = most > 0;
		return [h('div', { class: 'head' }, h('h2', { id: 'ladder-title' }, 'The ladder today'),
			h('span', { class: 'dim' }, 'as senders should climb it: the first line first')),
		answer.mx_sets.length === 0 ? h('p', { class: 'empty' }, 'No MX set is configured. Describe one with ', h('code', {}, 'mx-set "example.org" { … }'), ' and start mxtrapd again.') : null,
		answer.mx_sets.map((set) => [
			h('h3', {}, set.name || 'Control addresses', set.domains.length && !(set.domains.length === 1 && set.domains[0] === set.name) ?
				h('span', { class: 'dim' }, ' for ' + set.domains.slice(0, 6).join(', ') + (set.domains.length > 6 ? ` and ${set.domains.length - 6} more` : '')) : null),
			h('ol', { class: 'ladder' }, set.exchangers.map((e) => rung(e, most)))]),
		answer.next !== null ? h('p', { class: 'note' }, 'More addresses are configured than are shown here.') : null,
		seen || answer.mx_sets.length === 0 ? null : h('p', { class: 'empty' }, 'Nobody came today. If that lasts: do the MX records of your domains name these exchangers (',
			h('code', {}, 'dig MX example.org'), '), and does mxtrapd watch the interface where their packets arrive (', h('code', {}, 'mxtrap status'), ')?')];
	});
}

/* -- the list -- */

const empty = {
	listed: ['Nobody is listed. ', 'A sender that goes to the backup decoy first, again and proven, will be: watch the suspects.'],
	suspect: ['No suspects. ', 'One proven visit to the backup decoy, with no lower rung before it, makes one. If your backup decoy refuses (answer = "none"), nothing can be proven: consider answer = "reset".'],
	noticed: ['Nobody was noticed. ', 'Here stands who looks like a spam source by packets that anyone can forge.'],
	cleared: ['Nobody is cleared. ', 'Senders that climb the ladder as mail servers do come here after a few visits.'],
	allowed: ['Nobody is allowed by hand. ', 'mxtrap allow ADDRESS --note "why" does that; a listing ends at once.'],
};

function rows(entries, thresholds) {
	return h('table', { class: 'senders' },
		h('thead', {}, h('tr', {}, ['sender', 'score', 'why', 'last seen', 'until'].map((t) => h('th', { scope: 'col' }, t)))),
		h('tbody', {}, entries.map((entry) => h('tr', {},
			h('th', { scope: 'row', 'data-name': 'sender' }, h('a', { href: link(entry.cidr), 'data-focus': entry.cidr }, plain(entry.cidr)),
				entry.class !== 'sender' ? pill('quiet', entry.class) : null),
			h('td', { 'data-name': 'score' }, h('span', { class: 'score' }, scoreBar(Number(entry.score), thresholds), h('span', { class: 'num' }, Number(entry.score).toFixed(1)))),
			h('td', { 'data-name': 'why', class: 'reasons' }, reasons(entry.reasons), entry.grade === 'none' ? null : pill('grade', entry.grade)),
			h('td', { 'data-name': 'last seen' }, time(entry.last_seen)),
			h('td', { 'data-name': 'until' }, entry.state === 'listed' ? time(entry.expires) : h('span', { class: 'none' }, '\u2013'))))));
}

async function pagesOf(path, pages) {
	let after = '', all = [], answer;
	for (let i = 0; i < pages; i++) {
		answer = await get(path + after);
		all = all.concat(answer.entries);
		if (answer.next === null)
			break;
		after = '&after=' + encodeURIComponent(answer.next);
	}
	return { entries: all, next: answer.next, thresholds: answer.thresholds };
}

function fillList(box, answer, name, nothing) {
	show(box, JSON.stringify([name, answer.entries, answer.next]), () => [
		answer.entries.length === 0 ? h('p', { class: 'empty' }, h('strong', {}, nothing[0]), nothing[1]) : rows(answer.entries, answer.thresholds),
		answer.next !== null ? h('p', {}, h('button', { type: 'button', 'data-focus': 'more', onclick: () => { view.pages++; refresh(); } }, 'Show more')) : null]);
}

/* -- views -- */

const box = h('div', {});

function place(name, nodes) {
	if (view.shown === name)
		return;
	view.shown = name;
	main.replaceChildren(...nodes);
	main.focus({ preventScroll: true });
	window.scrollTo(0, 0);
}

async function drawOverview() {
	const now = Date.now() / 1000;
	const [status, ladder, list] = await Promise.all([
		get('/api/v1/status'), get('/api/v1/mx-sets'),
		pagesOf(`/api/v1/list?state=${view.tab}&limit=25`, view.pages)]);
	const to = Math.ceil((status.live ? now : status.now) / 3600) * 3600;
	const series = await get(`/api/v1/series?from=${to - view.range * 3600}&to=${to}`);
	const targets = ladder.mx_sets.flatMap((set) => set.exchangers.flatMap((e) =>
		e.addresses.map((a) => ({ role: e.role, today: a.today }))));

	if (location.hash.startsWith('#/s'))
		return status;
	place('overview', overview);
	document.title = `${count(status.listed)} listed \u00b7 mxtrap`;
	fillStatus(status);
	fillNumbers(status, targets);
	fillLadder(ladder);
	const width = parts.hours.clientWidth;
	show(parts.hours, JSON.stringify([series, view.asTable, width]), () => chart(series, view.asTable, width));
	fillList(parts.list, list, view.tab, empty[view.tab]);
	await fillRisk();
	return status;
}

async function drawSender(address) {
	let story = null, problem = null;
	try {
		story = await get('/api/v1/senders/' + encodeURIComponent(address));
	} catch (error) {
		if (!error.status || error.status >= 500)
			throw error;
		problem = error;
	}
	if (hashArgument('sender') !== address)
		return;
	place('sender', [box]);
	document.title = `${address} \u00b7 mxtrap`;
	senderView(box, address, story, problem);
}

async function drawSearch(query) {
	const answer = await pagesOf(`/api/v1/senders?query=${encodeURIComponent(query)}&limit=25`, view.pages)
		.catch((error) => { if (error.status === 400) return error; throw error; });
	if (hashArgument('search') !== query)
		return;
	place('search', [box]);
	document.title = `${query} \u00b7 mxtrap`;
	const list = h('div', {});
	if (answer instanceof Error)
		list.append(h('p', { class: 'empty' }, answer.message));
	else
		fillList(list, answer, query, ['No sender matches. ', 'Words can be an address, a network (192.0.2.0/24), a state (suspect) or a reason (backup_first).']);
	show(box, JSON.stringify(['search', query, list.dataset.key, answer.message]), () => [
		h('p', { class: 'crumb' }, h('a', { href: '#/' }, '\u2190 Overview')),
		h('section', { class: 'panel' }, h('h1', {}, 'Search: ', query), list)]);
}

function hashArgument(name) {
	const start = `#/${name}/`;
	if (!location.hash.startsWith(start))
		return null;
	try {
		return decodeURIComponent(location.hash.slice(start.length));
	} catch {
		return location.hash.slice(start.length);
	}
}

/* -- asking again -- */

let asking = null, again = false, reached = 0;

function say(kind, text) {
	live.className = 'live ' + kind;
	if (live.querySelector('.text').textContent !== text)
		live.querySelector('.text').textContent = text;
}

async function draw() {
	const sender = hashArgument('sender'), search = hashArgument('search');
	try {
		if (sender)
			await drawSender(sender);
		else if (search)
			await drawSearch(search);
		else
			await drawOverview();
		reached = Date.now();
		banner.hidden = true;
		say('ok', 'live');
	} catch (error) {
		const since = reached ? `What you see is ${span((Date.now() - reached) / 1000)} old.` : '';
		const text = error.status ? `The server says: ${error.message}. ` : 'The server cannot be reached. ';
		say('bad', 'waiting');
		banner.hidden = false;
		banner.textContent = `${text} Trying again. ${since}`;
		if (!view.shown)
			place('wait', [h('section', { class: 'panel' }, h('p', { class: 'empty' },
				'Waiting for data. Is mxtrapd running? ', h('code', {}, 'mxtrap status'), ' says what it does.'))]);
	}
}

async function refresh() {
	again = true;
	if (asking)
		return asking;
	asking = (async () => {
		while (again) {
			again = false;
			await draw();
		}
	})();
	await asking;
	asking = null;
}

document.getElementById('search').addEventListener('submit', (event) => {
	const text = document.getElementById('address').value.trim();
	event.preventDefault();
	if (text === '')
		location.hash = '#/';
	else if (/^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/i.test(text))
		location.hash = '#/sender/' + encodeURIComponent(text);
	else
		location.hash = '#/search/' + encodeURIComponent(text);
});
window.addEventListener('hashchange', () => { view.pages = 1; refresh(); });
document.addEventListener('visibilitychange', () => { if (!document.hidden) refresh(); });
let resized = 0;
window.addEventListener('resize', () => { clearTimeout(resized); resized = setTimeout(refresh, 150); });
setInterval(() => { if (!document.hidden) refresh(); }, POLL_MS);
pressed();
refresh();
