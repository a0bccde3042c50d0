/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_wrong.c - who is being guessed at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mxtrap/wrong.h"

#define NOW (1700000000LL * 1000000)

static const uint8_t KEY[16] = { 1, 2, 3 };

static void
four_wrong_acks_within_a_minute_are_guessing(void **state)
{
	struct wrong w;

	(void)state;
	assert_true(wrong_init(&w, KEY));
	for (int i = 0; i < 3; i++)
		assert_false(wrong_note(&w, 7, NOW + i));
	assert_false(wrong_doubts(&w, 7, NOW + 3));
	assert_true(wrong_note(&w, 7, NOW + WRONG_MINUTE_US));
	assert_true(wrong_doubts(&w, 7, NOW + WRONG_MINUTE_US));
	assert_false(wrong_doubts(&w, 8, NOW + WRONG_MINUTE_US));
	wrong_free(&w);
}

static void
four_over_more_than_a_minute_are_not(void **state)
{
	struct wrong w;

	(void)state;
	assert_true(wrong_init(&w, KEY));
	for (int i = 0; i < 10; i++)
		assert_false(wrong_note(&w, 7, NOW + i * (WRONG_MINUTE_US / 3 + 1)));
	wrong_free(&w);
}

static void
the_doubt_lasts_an_hour_from_the_last_guess(void **state)
{
	struct wrong w;

	(void)state;
	assert_true(wrong_init(&w, KEY));
	for (int i = 0; i < 4; i++)
		(void)wrong_note(&w, 7, NOW);
	assert_false(wrong_note(&w, 7, NOW + 10));		/* told once */
	assert_true(wrong_doubts(&w, 7, NOW + 9 + WRONG_HOUR_US));
	assert_false(wrong_doubts(&w, 7, NOW + 10 + WRONG_HOUR_US));
	wrong_free(&w);
}

static void
a_flood_in_other_names_pushes_out_nobody_who_is_doubted(void **state)
{
	struct wrong w;

	(void)state;
	assert_true(wrong_init(&w, KEY));
	for (int i = 0; i < 4; i++)
		(void)wrong_note(&w, 7, NOW);
	for (sender_key key = 100; key < 1000100; key++)
		assert_false(wrong_note(&w, key, NOW + 1));
	assert_true(wrong_doubts(&w, 7, NOW + 2));
	assert_int_equal(w.seen, 1000004);
	assert_true(w.evicted > 900000);
	wrong_free(&w);
}

static void
what_says_nothing_any_more_goes_uncounted(void **state)
{
	struct wrong w;

	(void)state;
	assert_true(wrong_init(&w, KEY));
	for (sender_key key = 1; key < 100000; key++)
		(void)wrong_note(&w, key, NOW + (int64_t)key * WRONG_MINUTE_US);
	assert_int_equal(w.evicted, 0);
	wrong_free(&w);
}

static void
a_number_of_a_session_under_way_is_not_wrong(void **state)
{
	(void)state;
	assert_false(wrong_is(1001, 1000));
	assert_false(wrong_is(1001 + 600, 1000));
	assert_true(wrong_is(1000, 1000));
	assert_true(wrong_is(1001 + WRONG_SESSION, 1000));
	assert_false(wrong_is(5, UINT32_MAX));
	assert_true(wrong_is(0x80000000, 1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_wrong_acks_within_a_minute_are_guessing),
		cmocka_unit_test(four_over_more_than_a_minute_are_not),
		cmocka_unit_test(the_doubt_lasts_an_hour_from_the_last_guess),
		cmocka_unit_test(a_flood_in_other_names_pushes_out_nobody_who_is_doubted),
		cmocka_unit_test(what_says_nothing_any_more_goes_uncounted),
		cmocka_unit_test(a_number_of_a_session_under_way_is_not_wrong),
	};

	return cmocka_run_group_tests_name("wrong", tests, NULL, NULL);
}
