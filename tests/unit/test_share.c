/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_share.c - what one stranger can make us keep in an hour, and that a replay without the rest is the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../scenario/world.h"
#include "world_three.h"
#include "mxtrap/share.h"

#define SECOND 1000000LL
#define FLOOD  20000

struct play {
	struct world world;
	struct addr client;
	uint64_t n_applied, n_kept;	/* events */
};

/* Low, real, and a decoy, shown by the wire or by its accept() alone. */
static void
begin(struct play *p, enum witness decoy, uint32_t grace_s)
{
	const struct exchanger ladder[3] = {
		{ .name = "mx0", .preference = 10, .role = ROLE_NOLISTING, .answer = ANSWER_NONE, .witness = WITNESS_WIRE },
		{ .name = "mx1", .preference = 20, .role = ROLE_REAL, .witness = WITNESS_WIRE },
		{ .name = "mx9", .preference = 90, .role = ROLE_BOGUS, .answer = ANSWER_DIALOGUE, .witness = (uint8_t)decoy },
	};

	memset(p, 0, sizeof(*p));
	assert_true(addr_parse(&p->client, "11.22.33.44"));
	p->world.rtt_us = 100;
	judge_defaults(&p->world.options.judge);
	p->world.options.judge.start_grace_s = grace_s;
	p->world.options.limits = (struct trap_limits){ 4096, 4096, 4096, 1000000, 256 };
	three_begin(&p->world, ladder);
}

static const struct target *
decoy(const struct play *p)
{
	for (size_t i = 0; i < p->world.ladder.n_targets; i++)
		if (p->world.ladder.targets[i].role == ROLE_BOGUS)
			return &p->world.ladder.targets[i];
	return NULL;
}

static void
apply(struct play *p, enum event_kind kind, int64_t now_us, uint16_t port, int64_t value)
{
	struct event e = { .time_us = now_us, .kind = (uint8_t)kind, .port = port, .value = value,
		.target = (uint32_t)(decoy(p) - p->world.ladder.targets), .what = prefix_of(&p->client, 128) };

	p->n_applied++;
	p->n_kept += trap_event(p->world.trap, &e);
}

static void
an_accept_that_the_wire_proves_needs_no_row(void **state)
{
	struct play p;
	int64_t now = WORLD_BEGIN_US + SECOND;

	(void)state;
	begin(&p, WITNESS_WIRE, 0);
	for (int i = 0; i < FLOOD; i++, now += 1000) {
		world_act(&p.world, now, &p.client, decoy(&p), DEED_CONNECT, 1);
		apply(&p, EVENT_ACCEPT, now + 500, (uint16_t)(20000 + p.world.ports % 40000), 0);
	}
	assert_int_equal(p.n_applied, FLOOD);
	assert_int_equal(p.n_kept, 0);
	assert_int_equal(trap_counters(p.world.trap)->events_idle, FLOOD);
	world_end(&p.world);
}

static void
an_accept_off_the_wire_opens_a_connection_and_is_kept(void **state)
{
	struct play p;

	(void)state;
	begin(&p, WITNESS_NONE, 0);
	for (int i = 0; i < 100; i++)
		apply(&p, EVENT_ACCEPT, WORLD_BEGIN_US + (i + 1) * SECOND, (uint16_t)(1024 + i), 0);
	assert_int_equal(p.n_kept, 100);
	assert_int_equal(trap_counters(p.world.trap)->proven, 100);
	/* Said again of the same connection it changes nothing. */
	apply(&p, EVENT_ACCEPT, WORLD_BEGIN_US + 101 * SECOND, 1024 + 99, 0);
	assert_int_equal(p.n_kept, 100);
	world_end(&p.world);
}

static void
one_sender_has_a_share_of_attempts_in_an_hour_and_others_have_theirs(void **state)
{
	struct play p;
	int64_t now = WORLD_BEGIN_US + SECOND;
	struct addr other;
	size_t n = 0;

	(void)state;
	begin(&p, WITNESS_WIRE, 0);
	for (int i = 0; i < FLOOD; i++, now += 1000)
		world_act(&p.world, now, &p.client, decoy(&p), DEED_CONNECT, 1);
	assert_int_equal(p.world.n_attempts, 4096);
	assert_int_equal(trap_counters(p.world.trap)->tallied, FLOOD - 4096);
	assert_int_equal(trap_counters(p.world.trap)->proven, FLOOD);
	assert_true(addr_parse(&other, "11.22.33.45"));
	world_act(&p.world, now, &other, decoy(&p), DEED_CONNECT, 1);
	for (size_t i = 0; i < p.world.n_attempts; i++)
		n += addr_equal(&p.world.attempts[i].src, &other);
	assert_int_equal(n, 1);
	/* The next hour it has another. */
	now += 3600 * SECOND;
	world_act(&p.world, now, &p.client, decoy(&p), DEED_CONNECT, 1);
	assert_int_equal(p.world.n_attempts, 4098);
	world_end(&p.world);
}

static void
words_to_no_effect_and_excused_evidence_have_a_share(void **state)
{
	struct play p;
	int64_t now = WORLD_BEGIN_US + SECOND;
	const int64_t early = SAID_EARLY | SAID_HELO | SAID_END;

	(void)state;
	/* In the start grace nothing counts, and each early word is excused again. */
	begin(&p, WITNESS_WIRE, 86400);
	world_act(&p.world, now, &p.client, decoy(&p), DEED_CONNECT, 1);
	for (int i = 0; i < 2000; i++)
		apply(&p, EVENT_SAID, now += 100000, (uint16_t)(1024 + i), early);
	assert_in_range(p.world.n_evidence, 1, 256);
	assert_in_range(p.n_kept, 1, 257);
	assert_true(trap_counters(p.world.trap)->evidence_tallied >= 2000 - 256);
	assert_int_equal(trap_counters(p.world.trap)->evidence, p.world.n_evidence + trap_counters(p.world.trap)->evidence_tallied);
	world_end(&p.world);

	begin(&p, WITNESS_WIRE, 0);
	now = WORLD_BEGIN_US + SECOND;
	world_act(&p.world, now, &p.client, decoy(&p), DEED_CONNECT, 1);
	for (int i = 0; i < 2000; i++)
		apply(&p, EVENT_SAID, now += 100000, (uint16_t)(1024 + i), SAID_HELO | SAID_END);
	assert_int_equal(p.n_kept, 256);
	/* What changes something is kept all the same. */
	apply(&p, EVENT_SAID, now += 100000, 5000, SAID_HELO | SAID_RCPT | SAID_FOREIGN);
	assert_int_equal(p.n_kept, 257);
	world_end(&p.world);
}

static void
a_share_counts_at_least_what_there_was(void **state)
{
	struct share s;
	uint64_t hash = 0x123456789abcdef0ULL, x = 88172645463325252ULL;
	unsigned n = 0;

	(void)state;
	assert_true(share_init(&s));
	for (int i = 0; i < 300000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		(void)share_take(&s, x, 1, 4096);
	}
	/* Beside 300,000 others it has nearly all of its own. */
	for (int i = 0; i < 5000; i++)
		n += share_take(&s, hash, 1, 4096);
	assert_in_range(n, 4000, 4096);
	assert_false(share_take(&s, hash, 1, 4096));
	assert_true(share_take(&s, hash, 2, 4096));
	share_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_accept_that_the_wire_proves_needs_no_row),
		cmocka_unit_test(an_accept_off_the_wire_opens_a_connection_and_is_kept),
		cmocka_unit_test(one_sender_has_a_share_of_attempts_in_an_hour_and_others_have_theirs),
		cmocka_unit_test(words_to_no_effect_and_excused_evidence_have_a_share),
		cmocka_unit_test(a_share_counts_at_least_what_there_was),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
