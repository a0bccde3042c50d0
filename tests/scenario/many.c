/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * many.c - what a scenario says in one line and happens many times: crowds, and a probe's results.
 */
#include <stdlib.h>
#include <string.h>

#include "script.h"

/* at TIME probe RESULT EXCHANGER [until TIME]: one result, or one each 30 s. */
void
script_probe(struct script *s, int64_t us)
{
	const struct target *t = script_target(s, s->words[4], NULL);
	struct event e = { .kind = EVENT_PROBE, .value = PROBE_N_RESULTS };
	int64_t until = us - WORLD_BEGIN_US;

	for (int i = 0; i < PROBE_N_RESULTS; i++)
		if (strcmp(s->words[3], probe_result_name((enum probe_result)i)) == 0)
			e.value = i;
	if (t == NULL || e.value == PROBE_N_RESULTS || (s->n == 7 && !parse_span(s->words[6], &until))) {
		fault(s, "expected: at TIME probe ok|refused|silent|mute|defers|rejects EXCHANGER [until TIME]");
		return;
	}
	e.target = (uint32_t)(t - s->world.ladder.targets);
	for (int64_t at = us; at <= WORLD_BEGIN_US + until; at += 30000000) {
		e.time_us = at;
		e.expires_s = (uint32_t)(at / 1000000) + 120;
		world_event(&s->world, &e);
		s->now_us = at;
	}
}

/* crowd N NETWORK at TIME over SPAN DEED EXCHANGER...: N senders, each of a /24 of its own, climbs so. */
void
script_crowd(struct script *s)
{
	struct prefix net;
	int64_t us, span;
	int n = s->n > 1 ? atoi(s->words[1]) : 0;

	script_begin(s);
	if (s->now_us < 0 || s->n < 9 || n <= 0 || !prefix_parse(&net, s->words[2]) || !parse_span(s->words[4], &us) ||
	    !parse_span(s->words[6], &span)) {
		fault(s, "expected: crowd N NETWORK at TIME over SPAN DEED EXCHANGER ...");
		return;
	}
	script_move_to(s, us + WORLD_BEGIN_US);
	for (int i = 0; i < n; i++) {
		struct addr a = net.addr;
		int64_t at = us + WORLD_BEGIN_US + span / n * i;

		a.b[13] = (uint8_t)(a.b[13] + (i >> 8));
		a.b[14] = (uint8_t)i;
		a.b[15] = 7;
		for (int k = 7; k + 1 < s->n; k += 2, at += 5000) {
			const struct target *t = script_target(s, s->words[k + 1], &a);
			enum deed deed = DEED_SYN;

			if (t == NULL || !parse_deed(s->words[k], &deed)) {
				fault(s, "found %s %s, expected a deed and an exchanger", s->words[k], s->words[k + 1]);
				return;
			}
			world_act(&s->world, at, &a, t, deed, 1);
			s->now_us = at > s->now_us ? at : s->now_us;
		}
	}
}
