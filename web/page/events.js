/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events.js - the stream of events, kept open: it resumes after the last change it saw.
 *
 * The browser itself comes back with Last-Event-ID; where it gave up (the server was away for long, or said no)
 * we open another with ?since=.
 */
import { at } from './api.js';

const AGAIN_MS = 3000;
const kinds = ['attempt', 'change', 'skipped', 'reset'];

/* listen({ attempt, change, skipped, reset, state }) -> close(); state("open" | "waiting"). */
export function listen(on) {
	let source = null, last = '', timer = 0, closed = false;

	function open() {
		source = new EventSource(at('api/v1/events') + (last ? '?since=' + encodeURIComponent(last) : ''));
		source.onopen = () => on.state('open');
		source.onerror = () => {
			on.state('waiting');
			if (source.readyState === EventSource.CLOSED && !closed)
				timer = setTimeout(open, AGAIN_MS);
		};
		for (const kind of kinds)
			source.addEventListener(kind, (event) => {
				if (event.lastEventId)
					last = event.lastEventId;
				if (kind === 'reset')
					last = '';
				on[kind](JSON.parse(event.data || '{}'));
			});
	}
	open();
	return () => {
		closed = true;
		clearTimeout(timer);
		source.close();
	};
}
