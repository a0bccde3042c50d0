/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_restart.c - watch is killed at each moment of an outage of the real MX, and begins again at once or when the
 * host is back: nobody is listed for what an outage makes honest senders do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../scenario/world.h"
#include "world_three.h"

#define SECOND 1000000LL
#define MINUTE (60 * SECOND)
#define DOWN_US	 (10 * MINUTE)		/* the outage begins, from the world's beginning */
#define BACK_US	 (20 * MINUTE)
#define UNTIL_US (45 * MINUTE)
#define BUSY_US	 (5 * SECOND)		/* another honest sender at the real MX each */

enum restart { NEVER, KILLED, REPLAYED };	/* REPLAYED: the trap goes on over it, as a replay does */

struct play {
	struct world world;
	unsigned n;			/* senders so far */
};

static void
begin(struct play *p)
{
	static const struct exchanger ladder[3] = {
		{ .name = "mx0", .preference = 10, .role = ROLE_NOLISTING, .answer = ANSWER_NONE, .witness = WITNESS_WIRE },
		{ .name = "mx1", .preference = 20, .role = ROLE_REAL, .witness = WITNESS_WIRE },
		{ .name = "mx9", .preference = 90, .role = ROLE_BOGUS, .answer = ANSWER_RESET, .witness = WITNESS_WIRE },
	};

	memset(p, 0, sizeof(*p));
	p->world.rtt_us = 20000;
	judge_defaults(&p->world.options.judge);
	p->world.options.judge.start_grace_s = 0;
	p->world.options.judge.false_listing = 0.01;
	p->world.options.judge.list_on = GRADE_PROVEN;
	p->world.options.limits = (struct trap_limits){ 4096, 4096, 4096, 100000, 256 };
	three_begin(&p->world, ladder);
}

static const struct target *
target(const struct play *p, enum role role)
{
	for (size_t i = 0; i < p->world.ladder.n_targets; i++)
		if (p->world.ladder.targets[i].role == role)
			return &p->world.ladder.targets[i];
	return NULL;
}

/* Each of a network of its own. */
static struct addr
stranger(struct play *p)
{
	struct addr a;
	char text[32];

	p->n++;
	(void)snprintf(text, sizeof(text), "11.%u.%u.7", p->n >> 8 & 255, p->n & 255);
	assert_true(addr_parse(&a, text));
	return a;
}

/* Busy honest senders, one after the other; in the outage some remember the dead low MX and come to the backup alone. */
static void
live_on(struct play *p, int64_t from_us, int64_t to_us)
{
	for (int64_t at = (from_us + BUSY_US - 1) / BUSY_US * BUSY_US; at < to_us; at += BUSY_US) {
		int64_t now = WORLD_BEGIN_US + at;
		bool down = at >= DOWN_US && at < BACK_US;
		struct addr a = stranger(p);

		world_act(&p->world, now, &a, target(p, ROLE_NOLISTING), DEED_REFUSED, 1);
		world_act(&p->world, now + 100000, &a, target(p, ROLE_REAL), down ? DEED_REFUSED : DEED_CONNECT, 1);
		if (at % (30 * SECOND) == 0 && at >= DOWN_US && at < BACK_US + 14 * MINUTE + 30 * SECOND) {
			struct addr honest = stranger(p);

			world_act(&p->world, now + 300000, &honest, target(p, ROLE_BOGUS), DEED_CONNECT, 1);
		}
	}
	trap_tick(p->world.trap, WORLD_BEGIN_US + to_us - 1);
}

static void
restart(struct play *p, enum restart how, int64_t at_us, int64_t away_us)
{
	struct event blind = { .time_us = WORLD_BEGIN_US + at_us + away_us, .kind = EVENT_BLIND,
		.since_us = WORLD_BEGIN_US + at_us, .target = UINT32_MAX };
	struct event start = { .time_us = WORLD_BEGIN_US + at_us + away_us, .kind = EVENT_START, .value = 1 };

	if (how == KILLED) {
		world_store(&p->world, WORLD_BEGIN_US + at_us - 1);
		assert_true(world_begin_again(&p->world, WORLD_BEGIN_US + at_us + away_us));
	} else {
		world_event(&p->world, &start);
	}
	if (away_us > 2 * SECOND)
		world_event(&p->world, &blind);
}

static size_t
listings(const struct play *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->world.n_changes; i++)
		n += p->world.changes[i].new_state == STATE_LISTED && p->world.changes[i].old_state != STATE_LISTED;
	return n;
}

/* Listed now, of those who ever were? */
static size_t
still_listed(const struct play *p)
{
	return (size_t)trap_counters(p->world.trap)->listed;
}

static const int64_t moments[] = {		/* from the begin of the outage, or from its end: see moment() */
	1, 7, 12, 20, 40, 61, 120, 300, 599,
};
static const int64_t after[] = { 0, 1, 5, 6, 61, 300, 600, 840, 899 };

/* 0 to 17: the moments of an outage. */
static int64_t
moment(size_t i)
{
	return i < 9 ? DOWN_US + moments[i] * SECOND : BACK_US + after[i - 9] * SECOND + 200000;
}

static void
an_outage_lists_nobody_whenever_watch_is_killed_in_it(void **state)
{
	static const int64_t away[] = { 500000, 3 * SECOND, 59 * SECOND, 5 * MINUTE };
	struct play p;

	(void)state;
	for (size_t i = 0; i < 18; i++) {
		for (size_t k = 0; k < sizeof(away) / sizeof(away[0]); k++) {
			begin(&p);
			live_on(&p, 0, moment(i));
			restart(&p, KILLED, moment(i), away[k]);
			live_on(&p, moment(i) + away[k], UNTIL_US);
			if (still_listed(&p) != 0)
				fail_msg("killed %lld s after the outage began, away for %lld ms: %zu listed",
				    (long long)((moment(i) - DOWN_US) / SECOND), (long long)(away[k] / 1000), still_listed(&p));
			world_end(&p.world);
		}
	}
}

static void
a_bot_that_comes_a_while_after_it_is_listed(void **state)
{
	struct play p;
	struct addr bot;

	(void)state;
	for (size_t i = 0; i < 18; i++) {
		begin(&p);
		live_on(&p, 0, moment(i));
		restart(&p, KILLED, moment(i), 500000);
		live_on(&p, moment(i) + 500000, BACK_US + 16 * MINUTE + SECOND);
		bot = stranger(&p);
		world_act(&p.world, WORLD_BEGIN_US + BACK_US + 16 * MINUTE + 2 * SECOND, &bot, target(&p, ROLE_BOGUS), DEED_CONNECT, 1);
		live_on(&p, BACK_US + 16 * MINUTE + 5 * SECOND, BACK_US + 17 * MINUTE);
		if (still_listed(&p) != 1)
			fail_msg("killed %lld s after the outage began: not listed, excused %x",
			    (long long)((moment(i) - DOWN_US) / SECOND), p.world.evidence[p.world.n_evidence - 1].excused);
		world_end(&p.world);
	}
}

/* What matters of a piece of evidence for the same verdict. */
static void
assert_same_evidence(const struct play *a, const struct play *b)
{
	assert_int_equal(a->world.n_evidence, b->world.n_evidence);
	for (size_t i = 0; i < a->world.n_evidence; i++) {
		const struct evidence_row *x = &a->world.evidence[i], *y = &b->world.evidence[i];

		assert_true(x->time_us == y->time_us && x->sender == y->sender);
		assert_int_equal(x->kind, y->kind);
		assert_int_equal(x->excused, y->excused);
		assert_int_equal(x->revision, y->revision);
	}
	assert_int_equal(listings(a), listings(b));
}

static void
a_replay_of_it_gives_the_same_evidence(void **state)
{
	struct play live, replayed;

	(void)state;
	for (size_t i = 0; i < 18; i++) {
		/* At a moment without an attempt under way: what is under way is known to the replay alone. */
		int64_t at = moment(i) / BUSY_US * BUSY_US + 4 * SECOND;

		begin(&live);
		live_on(&live, 0, at);
		restart(&live, KILLED, at, 500000);
		live_on(&live, at + 500000, UNTIL_US);
		begin(&replayed);
		live_on(&replayed, 0, at);
		restart(&replayed, REPLAYED, at, 500000);
		live_on(&replayed, at + 500000, UNTIL_US);
		assert_same_evidence(&live, &replayed);
		world_end(&live.world);
		world_end(&replayed.world);
	}
}

static void
an_alarm_goes_on_and_is_reported_once(void **state)
{
	struct play p;
	struct addr a;
	size_t notes = 0;
	struct trap_health h;
	uint32_t number;

	(void)state;
	begin(&p);
	number = (uint32_t)(target(&p, ROLE_NOLISTING) - p.world.ladder.targets);
	a = stranger(&p);
	world_act(&p.world, WORLD_BEGIN_US + SECOND, &a, target(&p, ROLE_NOLISTING), DEED_SYN, 3);
	trap_tick(p.world.trap, WORLD_BEGIN_US + 10 * SECOND);
	assert_int_equal(trap_counters(p.world.trap)->alarms, 1);
	restart(&p, KILLED, MINUTE, 500000);
	trap_tick(p.world.trap, WORLD_BEGIN_US + 2 * MINUTE);
	trap_target_health(p.world.trap, number, &h);
	assert_int_equal(h.alarm, NOTE_DECOY_SILENT);
	assert_int_equal(trap_counters(p.world.trap)->alarms, 1);
	a = stranger(&p);
	world_act(&p.world, WORLD_BEGIN_US + 3 * MINUTE, &a, target(&p, ROLE_NOLISTING), DEED_SYN, 3);
	for (size_t i = 0; i < p.world.n_notes; i++)
		notes += p.world.notes[i].kind == NOTE_DECOY_SILENT;
	assert_int_equal(notes, 1);
	world_end(&p.world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_outage_lists_nobody_whenever_watch_is_killed_in_it),
		cmocka_unit_test(a_bot_that_comes_a_while_after_it_is_listed),
		cmocka_unit_test(a_replay_of_it_gives_the_same_evidence),
		cmocka_unit_test(an_alarm_goes_on_and_is_reported_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
