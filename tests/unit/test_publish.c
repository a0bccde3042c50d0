/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_publish.c - the publish gate: what is held, and what never waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mxtrap/publish.h"

#define T 1790000000U

static struct publish
begun(uint64_t listed)
{
	struct publish p = { .base = 0 };

	assert_int_equal(publish_turn(&p, listed, T), PUBLISH_QUIET);
	return p;
}

static void
a_quarter_and_a_thousand_more_in_a_cycle_are_held(void **state)
{
	struct publish p = begun(2000);

	(void)state;
	assert_int_equal(publish_turn(&p, 3000, T + 300), PUBLISH_QUIET);
	assert_int_equal(publish_turn(&p, 3001, T + 301), PUBLISH_HELD);
	assert_true(publish_claims(&p, T));
	assert_false(publish_claims(&p, T + 1));
}

static void
a_thousand_more_of_very_many_are_not_held(void **state)
{
	struct publish p = begun(100000);

	(void)state;
	assert_int_equal(publish_turn(&p, 125000, T + 1), PUBLISH_QUIET);
	assert_int_equal(publish_turn(&p, 125001, T + 2), PUBLISH_HELD);
}

static void
a_quarter_more_of_few_is_not_held(void **state)
{
	struct publish p = begun(0);

	(void)state;
	assert_int_equal(publish_turn(&p, 1000, T + 1), PUBLISH_QUIET);
	assert_int_equal(publish_turn(&p, 1001, T + 2), PUBLISH_HELD);
}

static void
slow_growth_is_never_held(void **state)
{
	struct publish p = begun(0);
	uint64_t listed = 0;

	(void)state;
	for (uint32_t t = 1; t < 86400; t++) {
		listed += t % 2;
		assert_int_equal(publish_turn(&p, listed, T + t), PUBLISH_QUIET);
	}
}

static void
what_is_held_stays_so_past_the_cycle(void **state)
{
	struct publish p = begun(0);

	(void)state;
	assert_int_equal(publish_turn(&p, 5000, T + 10), PUBLISH_HELD);
	assert_int_equal(publish_turn(&p, 5000, T + 100000), PUBLISH_QUIET);
	assert_false(publish_claims(&p, T + 5));
}

static void
it_is_released_when_they_are_gone_again(void **state)
{
	struct publish p = begun(0);

	(void)state;
	assert_int_equal(publish_turn(&p, 5000, T + 10), PUBLISH_HELD);
	assert_int_equal(publish_turn(&p, 900, T + 20), PUBLISH_RELEASED);
	assert_true(publish_claims(&p, T + 15));
}

static void
the_operator_accepts_and_the_next_thousand_waits_again(void **state)
{
	struct publish p = begun(0);

	(void)state;
	assert_false(publish_accept(&p, 0, T + 1));
	assert_int_equal(publish_turn(&p, 5000, T + 10), PUBLISH_HELD);
	assert_true(publish_accept(&p, 5000, T + 20));
	assert_true(publish_claims(&p, T + 10));
	assert_int_equal(publish_turn(&p, 6250, T + 30), PUBLISH_QUIET);
	assert_int_equal(publish_turn(&p, 6251, T + 40), PUBLISH_HELD);
}

static void
half_of_it_lost_is_told_once_a_cycle_and_never_held(void **state)
{
	struct publish p = begun(2000);

	(void)state;
	assert_int_equal(publish_turn(&p, 1000, T + 1), PUBLISH_QUIET);
	assert_int_equal(publish_turn(&p, 999, T + 2), PUBLISH_SHRANK);
	assert_int_equal(publish_turn(&p, 10, T + 3), PUBLISH_QUIET);
	assert_true(publish_claims(&p, T + 3));
	assert_int_equal(publish_turn(&p, 10, T + 700), PUBLISH_QUIET);
	assert_int_equal(p.base, 10);
}

static void
a_clock_set_back_begins_a_new_cycle(void **state)
{
	struct publish p = begun(100);

	(void)state;
	assert_int_equal(publish_turn(&p, 200, T - 86400), PUBLISH_QUIET);
	assert_int_equal(p.base_s, T - 86400);
}

static void
it_survives_a_restart(void **state)
{
	struct publish p = begun(7), q;
	char text[PUBLISH_TEXT_SIZE];

	(void)state;
	assert_int_equal(publish_turn(&p, 5000, T + 10), PUBLISH_HELD);
	q = publish_parse(publish_format(&p, text));
	assert_string_equal(text, "held 7 1790000000");
	assert_true(q.held);
	assert_int_equal(q.base, 7);
	assert_int_equal(q.base_s, T);
	assert_int_equal(publish_turn(&q, 5000, T + 20), PUBLISH_QUIET);
	assert_false(publish_claims(&q, T + 1));
}

static void
an_odd_text_is_a_gate_that_has_not_begun(void **state)
{
	static const char *const odd[] = { "", "held", "held 1", "open 1 2 3", "open x 5", "shut 1 2", "open 1 0", "held 1 -2" };

	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		struct publish p = publish_parse(odd[i]);

		assert_false(p.held);
		assert_int_equal(p.base_s, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quarter_and_a_thousand_more_in_a_cycle_are_held),
		cmocka_unit_test(a_thousand_more_of_very_many_are_not_held),
		cmocka_unit_test(a_quarter_more_of_few_is_not_held),
		cmocka_unit_test(slow_growth_is_never_held),
		cmocka_unit_test(what_is_held_stays_so_past_the_cycle),
		cmocka_unit_test(it_is_released_when_they_are_gone_again),
		cmocka_unit_test(the_operator_accepts_and_the_next_thousand_waits_again),
		cmocka_unit_test(half_of_it_lost_is_told_once_a_cycle_and_never_held),
		cmocka_unit_test(a_clock_set_back_begins_a_new_cycle),
		cmocka_unit_test(it_survives_a_restart),
		cmocka_unit_test(an_odd_text_is_a_gate_that_has_not_begun),
	};

	return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
