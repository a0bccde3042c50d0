/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_health.c - when nobody is judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mxtrap/health.h"

#define MINUTE 60000000LL
#define NOW    (1000 * MINUTE)

static struct target targets[] = {
	{ .set = 0, .role = ROLE_REAL, .witness = WITNESS_WIRE }, { .set = 1, .role = ROLE_REAL, .witness = WITNESS_WIRE },
	{ .set = 0, .role = ROLE_BOGUS }, { .set = 2, .role = ROLE_REAL, .witness = WITNESS_NONE },
};
static const struct ladder LADDER = { .n_sets = 3, .n_targets = 4, .targets = targets };

static void
three_networks_without_an_answer_are_an_outage(void **state)
{
	struct health h;

	(void)state;
	assert_true(health_init(&h, &LADDER));
	assert_int_equal(HEALTH_SAME, health_unanswered(&h, 0, 1, NOW));
	assert_int_equal(HEALTH_SAME, health_unanswered(&h, 0, 1, NOW + 1));	/* the same network */
	assert_int_equal(HEALTH_SAME, health_unanswered(&h, 0, 2, NOW + 2));
	assert_int_equal(HEALTH_DOWN, health_unanswered(&h, 0, 3, NOW + 3));
	assert_int_equal(HEALTH_SAME, health_unanswered(&h, 0, 4, NOW + 4));	/* told once */
	assert_int_equal(health_doubts(&h, 0, NOW + 5), DOUBT_REAL_DOWN);
	assert_int_equal(health_doubts(&h, 1, NOW + 5), 0);
	health_free(&h);
}

static void
three_networks_over_more_than_a_minute_are_not(void **state)
{
	struct health h;

	(void)state;
	assert_true(health_init(&h, &LADDER));
	assert_int_equal(HEALTH_SAME, health_unanswered(&h, 0, 1, NOW));
	assert_int_equal(HEALTH_SAME, health_unanswered(&h, 0, 2, NOW + MINUTE / 2));
	assert_int_equal(HEALTH_SAME, health_unanswered(&h, 0, 3, NOW + MINUTE + 1));
	health_free(&h);
}

static void
a_handshake_within_the_minute_says_it_is_up(void **state)
{
	struct health h;

	(void)state;
	assert_true(health_init(&h, &LADDER));
	assert_int_equal(HEALTH_SAME, health_proven(&h, 0, NOW));
	for (uint64_t net = 1; net < 10; net++)
		assert_int_equal(HEALTH_SAME, health_unanswered(&h, 0, net, NOW + (int64_t)net));
	assert_int_equal(health_doubts(&h, 0, NOW + 10), 0);
	health_free(&h);
}

static void
doubt_lasts_a_quarter_of_an_hour_after_it_is_back(void **state)
{
	struct health h;

	(void)state;
	assert_true(health_init(&h, &LADDER));
	for (uint64_t net = 1; net <= 3; net++)
		(void)health_unanswered(&h, 0, net, NOW);
	assert_int_equal(HEALTH_BACK, health_proven(&h, 0, NOW + 5 * MINUTE));
	assert_int_equal(health_doubts(&h, 0, NOW + 20 * MINUTE - 1), DOUBT_REAL_DOWN);
	assert_int_equal(health_doubts(&h, 0, NOW + 20 * MINUTE), 0);
	health_free(&h);
}

static void
more_than_one_percent_of_drops_is_a_doubt_for_half_an_hour(void **state)
{
	struct health h;

	(void)state;
	assert_true(health_init(&h, &LADDER));
	health_packets(&h, 990, 10, NOW);
	assert_int_equal(health_doubts(&h, 0, NOW), 0);
	health_packets(&h, 0, 1, NOW + 1);
	assert_int_equal(health_doubts(&h, 0, NOW + 1), DOUBT_DROPS);
	health_packets(&h, 10, 0, NOW + 29 * MINUTE);
	assert_int_equal(health_doubts(&h, 0, NOW + 29 * MINUTE), DOUBT_DROPS);
	health_packets(&h, 10, 0, NOW + 30 * MINUTE);
	assert_int_equal(health_doubts(&h, 0, NOW + 30 * MINUTE), 0);
	health_free(&h);
}

static void
a_minute_without_a_handshake_is_found_when_it_ends(void **state)
{
	struct health h;

	(void)state;
	assert_true(health_init(&h, &LADDER));
	assert_int_equal(HEALTH_SAME, health_proven(&h, 0, NOW));
	for (uint64_t net = 1; net <= 3; net++)
		assert_int_equal(HEALTH_SAME, health_unanswered(&h, 0, net, NOW + 20 * (int64_t)net));
	assert_int_equal(h.due_us, NOW + MINUTE + 1);
	assert_int_equal(health_due(&h, NOW + MINUTE), UINT32_MAX);
	assert_int_equal(health_due(&h, NOW + MINUTE + 1), 0);
	assert_int_equal(health_due(&h, NOW + MINUTE + 1), UINT32_MAX);
	assert_int_equal(h.due_us, INT64_MAX);
	assert_true(health_is_down(&h.targets[0]));
	health_free(&h);
}

static void
a_later_handshake_ends_the_wait(void **state)
{
	struct health h;

	(void)state;
	assert_true(health_init(&h, &LADDER));
	assert_int_equal(HEALTH_SAME, health_proven(&h, 0, NOW));
	for (uint64_t net = 1; net <= 3; net++)
		assert_int_equal(HEALTH_SAME, health_unanswered(&h, 0, net, NOW + 20 * (int64_t)net));
	assert_int_equal(HEALTH_SAME, health_proven(&h, 0, NOW + MINUTE / 2));
	assert_int_equal(health_due(&h, NOW + MINUTE + 1), UINT32_MAX);
	assert_int_equal(health_doubts(&h, 0, NOW + MINUTE + 1), 0);
	health_free(&h);
}

static void
two_failed_probes_are_an_outage_and_one_is_not(void **state)
{
	struct health h;

	(void)state;
	assert_true(health_init(&h, &LADDER));
	assert_int_equal(HEALTH_SAME, health_probe(&h, 0, PROBE_SILENT, NOW, NOW + MINUTE));
	assert_int_equal(HEALTH_SAME, health_probe(&h, 0, PROBE_OK, NOW + 1, NOW + MINUTE));
	assert_int_equal(HEALTH_SAME, health_probe(&h, 0, PROBE_REFUSED, NOW + 2, NOW + MINUTE));
	assert_int_equal(HEALTH_DOWN, health_probe(&h, 0, PROBE_MUTE, NOW + 3, NOW + MINUTE));
	assert_int_equal(HEALTH_SAME, health_probe(&h, 0, PROBE_SILENT, NOW + 4, NOW + MINUTE));
	/* Strangers that are served do not overrule it. */
	assert_int_equal(HEALTH_SAME, health_proven(&h, 0, NOW + 5));
	assert_int_equal(health_doubts(&h, 0, NOW + 5), DOUBT_REAL_DOWN);
	assert_int_equal(HEALTH_BACK, health_probe(&h, 0, PROBE_OK, NOW + 6, NOW + MINUTE));
	assert_int_equal(health_doubts(&h, 0, NOW + 14 * MINUTE), DOUBT_REAL_DOWN);
	assert_int_equal(health_doubts(&h, 0, NOW + 16 * MINUTE), 0);
	health_free(&h);
}

static void
a_greeting_that_defers_is_an_outage_at_once(void **state)
{
	struct health h;

	(void)state;
	assert_true(health_init(&h, &LADDER));
	assert_int_equal(HEALTH_DOWN, health_probe(&h, 0, PROBE_DEFERS, NOW, NOW + MINUTE));
	assert_int_equal(HEALTH_BACK, health_probe(&h, 0, PROBE_OK, NOW + 1, NOW + MINUTE));
	assert_int_equal(HEALTH_DOWN, health_probe(&h, 0, PROBE_REJECTS, NOW + 2, NOW + MINUTE));
	health_free(&h);
}

static void
a_probe_that_saw_no_outage_ends_none_that_strangers_see(void **state)
{
	struct health h;

	(void)state;
	assert_true(health_init(&h, &LADDER));
	for (uint64_t net = 1; net <= 3; net++)
		(void)health_unanswered(&h, 0, net, NOW);
	assert_int_equal(HEALTH_SAME, health_probe(&h, 0, PROBE_OK, NOW + 1, NOW + MINUTE));
	assert_true(h.targets[0].down);
	/* One that saw it ends it. */
	assert_int_equal(HEALTH_SAME, health_probe(&h, 0, PROBE_REFUSED, NOW + 2, NOW + MINUTE));
	assert_int_equal(HEALTH_SAME, health_probe(&h, 0, PROBE_REFUSED, NOW + 3, NOW + MINUTE));
	assert_int_equal(HEALTH_BACK, health_probe(&h, 0, PROBE_OK, NOW + 4, NOW + MINUTE));
	health_free(&h);
}

static void
a_real_mx_that_nobody_tells_of_is_unknown(void **state)
{
	struct health h;

	(void)state;
	assert_true(health_init(&h, &LADDER));
	assert_int_equal(health_doubts(&h, 2, NOW), DOUBT_REAL_UNKNOWN);
	assert_int_equal(HEALTH_SAME, health_probe(&h, 3, PROBE_OK, NOW, NOW + 2 * MINUTE));
	assert_int_equal(health_doubts(&h, 2, NOW + 2 * MINUTE - 1), 0);
	assert_int_equal(health_doubts(&h, 2, NOW + 2 * MINUTE), DOUBT_REAL_UNKNOWN);
	assert_int_equal(health_doubts(&h, 0, NOW), 0);	/* the wire tells */
	health_free(&h);
}

static void
spells_of_blindness_add_up_over_half_an_hour(void **state)
{
	struct health h;

	(void)state;
	assert_true(health_init(&h, &LADDER));
	assert_false(health_blind(&h, NOW, NOW + MINUTE / 2));
	assert_false(health_blind(&h, NOW, NOW + MINUTE));		/* the same one, longer */
	assert_true(health_blind(&h, NOW + 5 * MINUTE, NOW + 5 * MINUTE + 1));
	assert_int_equal(health_doubts(&h, 0, NOW + 35 * MINUTE), DOUBT_BLIND);
	assert_int_equal(health_doubts(&h, 0, NOW + 35 * MINUTE + 1), 0);
	assert_false(health_blind(&h, NOW + 40 * MINUTE, NOW + 41 * MINUTE));	/* those are forgotten */
	health_free(&h);
}

static void
more_spells_of_blindness_than_are_kept_only_grow_together(void **state)
{
	struct health h;
	bool blind = false;

	(void)state;
	assert_true(health_init(&h, &LADDER));
	for (int i = 0; i < 100; i++)
		blind = health_blind(&h, NOW + i * 10000000LL, NOW + i * 10000000LL + 1000000);
	assert_true(blind);		/* 100 s of 1,000 s */
	assert_true(h.n_blind <= HEALTH_BLIND_SPANS);
	health_free(&h);
}

static void
a_moment_without_an_interface_is_a_minute_of_doubt(void **state)
{
	struct health h;

	(void)state;
	assert_true(health_init(&h, &LADDER));
	health_unseen(&h, NOW);
	assert_int_equal(health_doubts(&h, 0, NOW + MINUTE - 1), DOUBT_BLIND);
	assert_int_equal(health_doubts(&h, 0, NOW + MINUTE), 0);
	/* It never shortens the half hour of a long blindness. */
	assert_true(health_blind(&h, NOW, NOW + 2 * MINUTE));
	health_unseen(&h, NOW + 2 * MINUTE);
	assert_int_equal(health_doubts(&h, 0, NOW + 31 * MINUTE), DOUBT_BLIND);
	health_free(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_networks_without_an_answer_are_an_outage),
		cmocka_unit_test(three_networks_over_more_than_a_minute_are_not),
		cmocka_unit_test(a_handshake_within_the_minute_says_it_is_up),
		cmocka_unit_test(doubt_lasts_a_quarter_of_an_hour_after_it_is_back),
		cmocka_unit_test(a_minute_without_a_handshake_is_found_when_it_ends),
		cmocka_unit_test(a_later_handshake_ends_the_wait),
		cmocka_unit_test(two_failed_probes_are_an_outage_and_one_is_not),
		cmocka_unit_test(a_greeting_that_defers_is_an_outage_at_once),
		cmocka_unit_test(a_probe_that_saw_no_outage_ends_none_that_strangers_see),
		cmocka_unit_test(a_real_mx_that_nobody_tells_of_is_unknown),
		cmocka_unit_test(spells_of_blindness_add_up_over_half_an_hour),
		cmocka_unit_test(more_spells_of_blindness_than_are_kept_only_grow_together),
		cmocka_unit_test(a_moment_without_an_interface_is_a_minute_of_doubt),
		cmocka_unit_test(more_than_one_percent_of_drops_is_a_doubt_for_half_an_hour),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
