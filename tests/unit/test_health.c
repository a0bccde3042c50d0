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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_networks_without_an_answer_are_an_outage),
		cmocka_unit_test(three_networks_over_more_than_a_minute_are_not),
		cmocka_unit_test(a_handshake_within_the_minute_says_it_is_up),
		cmocka_unit_test(doubt_lasts_a_quarter_of_an_hour_after_it_is_back),
		cmocka_unit_test(more_than_one_percent_of_drops_is_a_doubt_for_half_an_hour),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
