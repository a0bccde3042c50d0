/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * walk.js - the picture of the sequential test: where a sender went, and what that did to its score.
 *
 * Above, a lane for each rung with a mark for each attempt; below, the running sum against the lines at which it
 * is a suspect, listed, or cleared.  From left to right in the order of events, not to scale: minutes and days
 * lie side by side here.
 */
import { h, s } from './dom.js';
import { outcomes } from './story.js';
import { dayText, hourText, plural, points, secondText, signed, words } from './text.js';

const LANES = ['control', 'bogus', 'real', 'nolisting'];	/* the top of the ladder first */
const LEFT = 102, RIGHT = 16, LANE = 26, TOP = 12, SUM = 150, FOOT = 26;

/* Attempts, evidence and changes in one row; the last `most` of them. */
export function events(story, most = 160) {
	const all = [
		...story.attempts.map((row) => ({ at: row.time, kind: 'attempt', row })),
		...story.evidence.map((row) => ({ at: row.time, kind: 'evidence', row })),
		...story.changes.map((row) => ({ at: row.time, kind: 'change', row })),
	].map((e, i) => [e, i]).sort((a, b) => a[0].at - b[0].at || a[1] - b[1]).map(([e]) => e);
	return all.slice(-most);
}

function scale(story, list) {
	const t = story.thresholds;
	const sums = list.filter((e) => e.kind === 'evidence').map((e) => e.row.score_sum);
	const high = Math.max(t.list * 1.2, ...sums.map((v) => v + 0.5)), low = Math.min(t.clear * 1.2, 0, ...sums.map((v) => v - 0.5));
	return { high, low };
}

function lanes(svg, used, x1) {
	used.forEach((role, i) => {
		const y = TOP + LANE * i + LANE / 2;
		svg.append(s('line', { class: 'lane', x1: LEFT, x2: x1, y1: y, y2: y }),
			s('text', { class: 'label end', x: LEFT - 10, y: y + 4 }, words.role[role]));
	});
}

export function walk(story, fullWidth) {
	const list = events(story);
	const used = LANES.filter((r) => r !== 'control' || list.some((e) => e.row.role === 'control'));
	const base = TOP + LANE * used.length + 14, height = base + SUM + FOOT, x1 = fullWidth - RIGHT;
	const { high, low } = scale(story, list);
	const y = (v) => base + (high - v) / (high - low) * SUM;
	const gap = Math.min(84, (x1 - LEFT - 24) / Math.max(1, list.length)), x = (i) => LEFT + 18 + gap * (i + 0.5);
	const svg = s('svg', { class: 'walk', viewBox: `0 0 ${fullWidth} ${height}`, width: fullWidth, height, 'aria-hidden': 'true' });
	const t = story.thresholds;

	lanes(svg, used, x1);
	svg.append(s('rect', { class: 'zone list', x: LEFT, y: base, width: x1 - LEFT, height: y(t.list) - base }),
		s('rect', { class: 'zone clear', x: LEFT, y: y(t.clear), width: x1 - LEFT, height: base + SUM - y(t.clear) }));
	for (const [value, name, kind] of [[t.list, 'listed', 'list'], [t.suspect, 'suspect', 'suspect'], [0, '0', 'zero'], [t.clear, 'cleared', 'clear']])
		svg.append(s('line', { class: 'mark ' + kind, x1: LEFT, x2: x1, y1: y(value), y2: y(value) }),
			s('text', { class: 'label end', x: LEFT - 10, y: y(value) + 4 }, kind === 'zero' ? name : `${name} ${signed(value, 2)}`));

	const stamp = list.length > 1 && list.at(-1).at - list[0].at < 3600 ? secondText : hourText;
	let sum = 0, path = `M${LEFT} ${y(0)}`, free = LEFT - 40, day = '';
	list.forEach((e, i) => {
		if (e.kind === 'attempt' && used.includes(e.row.role)) {
			const cy = TOP + LANE * used.indexOf(e.row.role) + LANE / 2;
			svg.append(s('circle', { class: `step ${e.row.role} ${e.row.outcome}`, cx: x(i), cy, r: 5.5 },
				s('title', {}, `${e.row.exchanger || words.role[e.row.role]}: ${outcomes[e.row.outcome] || ''}`)));
		} else if (e.kind === 'evidence') {
			path += `L${x(i).toFixed(1)} ${y(sum).toFixed(1)}L${x(i).toFixed(1)} ${y(e.row.score_sum).toFixed(1)}`;
			sum = e.row.score_sum;
			const kind = e.row.doubts.length ? 'excused' : e.row.score > 0 ? 'bad' : e.row.score < 0 ? 'good' : 'nothing';
			const says = s('title', {}, `${words.reason[e.row.kind] || e.row.kind} ${points(e.row.score)}: ${e.row.says}`);
			svg.append(kind === 'nothing' ? s('rect', { class: 'point nothing', x: x(i) - 4, y: y(sum) - 4, width: 8, height: 8 }, says) : s('circle', { class: 'point ' + kind, cx: x(i), cy: y(sum), r: 4.5 }, says));
		} else if (e.kind === 'change') {
			svg.append(s('line', { class: 'turn ' + e.row.to, x1: x(i), x2: x(i), y1: TOP, y2: base + SUM }, s('title', {}, `${e.row.from} \u2192 ${e.row.to}`)));
		}
		const text = (dayText(e.at) === day ? '' : dayText(e.at) + ' ') + stamp(e.at);
		if (x(i) - text.length * 3.5 > free && x(i) + text.length * 3.5 < fullWidth) {
			svg.append(s('text', { class: 'label mid', x: x(i), y: height - 8 }, text));
			free = x(i) + text.length * 3.5 + 14;
			day = dayText(e.at);
		}
	});
	svg.insertBefore(s('path', { class: 'sum', d: path + `L${x(list.length - 0.5).toFixed(1)} ${y(sum).toFixed(1)}` }), svg.querySelector('.point'));
	return svg;
}

export function walkSays(story) {
	const marks = story.evidence.filter((r) => r.score !== 0);
	const last = marks.at(-1);
	const t = story.thresholds;
	if (!last)
		return 'Nothing it did has earned points so far.';
	const sums = marks.map((r) => r.score_sum), high = Math.max(...sums), low = Math.min(...sums), now = Number(story.entries[0].score);
	const days = plural(Math.max(1, Math.round(t.half_life / 86400)), 'day', 'days');
	return `${plural(marks.length, 'piece of evidence', 'pieces of evidence')} of ${story.evidence.length} counted; its score ${high > 0 ? `came to at most ${signed(high)}` : `fell as low as ${signed(low)}`} and stood at ${signed(last.score_sum)} after the last` +
		`${signed(now) === signed(last.score_sum) ? '' : `; now it is ${signed(now)} (points halve every ${days})`}. A suspect from ${signed(t.suspect, 2)}, listed from ${signed(t.list, 2)}, cleared at ${signed(t.clear, 2)}.`;
}

export function walkLegend() {
	const item = (kind, text) => h('span', {}, h('span', { class: 'swatch ' + kind }), text);
	return h('p', { class: 'legend', 'aria-hidden': 'true' }, item('ring step', 'did not get through'), item('full step', 'completed the handshake'), item('bad', 'speaks against it'),
		item('good', 'speaks for it'), item('square', 'counted nothing'), item('excused', 'was excused'));
}
