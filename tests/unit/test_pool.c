/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pool.c - neighbours excuse each other, for a day, on one MX set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mxtrap/pool.h"

#define DAY 86400U
#define V4(a, b, c, d) (SENDER_KEY_V4 | (uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const uint8_t KEY[16] = { 5 };

static void
touch(struct pool_table *t, sender_key k, uint16_t set, uint32_t now, bool lower, bool real)
{
	uint64_t key = pool_key(k, set);

	pool_touch(t, key, pool_hash(t, key), now, (lower ? POOL_LOWER : 0U) | (real ? POOL_REAL : 0U), DAY);
}

static bool
knows(struct pool_table *t, sender_key k, uint16_t set, uint32_t now)
{
	uint64_t key = pool_key(k, set);

	return pool_remembers(t, key, pool_hash(t, key), now, DAY);
}

static bool
real_since(struct pool_table *t, sender_key k, uint32_t since)
{
	uint64_t key = pool_key(k, 0);

	return pool_was_real(t, key, pool_hash(t, key), since);
}

static void
a_slash_24_shares_its_memory_and_the_next_one_does_not(void **state)
{
	struct pool_table t;

	(void)state;
	assert_true(pool_table_init(&t, 16, KEY));
	touch(&t, V4(192, 0, 2, 7), 0, 1000, true, false);
	assert_true(knows(&t, V4(192, 0, 2, 200), 0, 1001));
	assert_false(knows(&t, V4(192, 0, 3, 7), 0, 1001));
	assert_false(knows(&t, V4(192, 0, 2, 7), 1, 1001));
	pool_table_free(&t);
}

static void
a_slash_48_shares_its_memory(void **state)
{
	struct pool_table t;

	(void)state;
	assert_true(pool_table_init(&t, 16, KEY));
	touch(&t, 0x20010db800010001ULL, 0, 1000, true, false);
	assert_true(knows(&t, 0x20010db80001ffffULL, 0, 1001));
	assert_false(knows(&t, 0x20010db800020001ULL, 0, 1001));
	pool_table_free(&t);
}

static void
memory_ends_after_a_day_unless_bogus_touches_refresh_it(void **state)
{
	struct pool_table t;

	(void)state;
	assert_true(pool_table_init(&t, 16, KEY));
	touch(&t, V4(192, 0, 2, 7), 0, 1000, true, false);
	assert_false(knows(&t, V4(192, 0, 2, 7), 0, 1001 + DAY));
	touch(&t, V4(192, 0, 2, 8), 0, 1000 + DAY / 2, false, false);
	assert_true(knows(&t, V4(192, 0, 2, 7), 0, 1001 + DAY));
	pool_table_free(&t);
}

static void
many_low_touches_do_not_make_a_real_one_look_older(void **state)
{
	struct pool_table t;

	(void)state;
	assert_true(pool_table_init(&t, 16, KEY));
	touch(&t, V4(192, 0, 2, 7), 0, 10000, true, true);
	for (uint32_t s = 1; s <= 300; s++)
		touch(&t, V4(192, 0, 2, 7), 0, 10000 + s, true, false);
	assert_true(real_since(&t, V4(192, 0, 2, 9), 10000));
	assert_false(real_since(&t, V4(192, 0, 3, 9), 10000));
	pool_table_free(&t);
}

static void
a_real_touch_before_the_window_does_not_count(void **state)
{
	struct pool_table t;

	(void)state;
	assert_true(pool_table_init(&t, 16, KEY));
	touch(&t, V4(192, 0, 2, 7), 0, 10000, true, true);
	touch(&t, V4(192, 0, 2, 7), 0, 14000, true, false);
	assert_false(real_since(&t, V4(192, 0, 2, 7), 10500));
	pool_table_free(&t);
}

/* As a start gives them back: by address. */
static void
an_older_touch_told_later_takes_nothing_back(void **state)
{
	struct pool_table t;

	(void)state;
	assert_true(pool_table_init(&t, 16, KEY));
	touch(&t, V4(192, 0, 2, 7), 0, 200000, true, true);
	touch(&t, V4(192, 0, 2, 8), 0, 100000, true, false);
	assert_true(knows(&t, V4(192, 0, 2, 9), 0, 200000 + DAY));
	assert_true(real_since(&t, V4(192, 0, 2, 9), 200000));
	touch(&t, V4(192, 0, 2, 8), 0, 100000, true, true);
	assert_true(real_since(&t, V4(192, 0, 2, 9), 200000));
	pool_table_free(&t);
}

static void
a_refreshed_memory_outlasts_a_lower_touch_told_after_it(void **state)
{
	struct pool_table t;

	(void)state;
	assert_true(pool_table_init(&t, 16, KEY));
	touch(&t, V4(192, 0, 2, 7), 0, 100000, true, false);
	touch(&t, V4(192, 0, 2, 7), 0, 100000 + DAY / 2, false, false);
	touch(&t, V4(192, 0, 2, 8), 0, 100100, true, false);
	assert_true(knows(&t, V4(192, 0, 2, 9), 0, 100000 + DAY / 2 + DAY));
	pool_table_free(&t);
}

static void
a_full_table_lets_the_oldest_go_and_counts(void **state)
{
	struct pool_table t;

	(void)state;
	assert_true(pool_table_init(&t, 2, KEY));
	touch(&t, V4(10, 0, 1, 1), 0, 1000, true, false);
	touch(&t, V4(10, 0, 2, 1), 0, 1001, true, false);
	touch(&t, V4(10, 0, 3, 1), 0, 1002, true, false);
	assert_int_equal(t.evicted, 1);
	assert_false(knows(&t, V4(10, 0, 1, 1), 0, 1003));
	assert_true(knows(&t, V4(10, 0, 3, 1), 0, 1003));
	pool_table_free(&t);
}

static void
what_proven_members_left_outlasts_a_flood(void **state)
{
	struct pool_table t;
	uint64_t key = pool_key(V4(192, 0, 2, 7), 0);

	(void)state;
	assert_true(pool_table_init(&t, 100, KEY));
	touch(&t, V4(192, 0, 2, 7), 0, 1000, true, false);
	pool_proven(&t, key, pool_hash(&t, key));
	for (uint32_t i = 0; i < 100000; i++)
		touch(&t, V4(10, i >> 8, i & 255, 1), 0, 1001, true, false);
	assert_true(knows(&t, V4(192, 0, 2, 9), 0, 1002));
	assert_int_equal(t.lost_at_s, 0);
	assert_int_equal(t.evicted, 100001 - 100);
	pool_table_free(&t);
}

static void
what_a_proven_member_left_goes_when_it_is_over(void **state)
{
	struct pool_table t;
	uint64_t key = pool_key(V4(192, 0, 2, 7), 0);

	(void)state;
	assert_true(pool_table_init(&t, 1, KEY));
	touch(&t, V4(192, 0, 2, 7), 0, 1000, true, false);
	pool_proven(&t, key, pool_hash(&t, key));
	touch(&t, V4(10, 0, 0, 1), 0, 1001 + DAY, true, false);
	assert_false(knows(&t, V4(192, 0, 2, 9), 0, 1002 + DAY));
	assert_true(knows(&t, V4(10, 0, 0, 1), 0, 1002 + DAY));
	assert_int_equal(t.lost_at_s, 0);
	pool_table_free(&t);
}

static void
where_all_are_proven_one_goes_and_it_is_told(void **state)
{
	struct pool_table t;

	(void)state;
	assert_true(pool_table_init(&t, 100, KEY));
	for (uint32_t i = 0; i <= 100; i++) {
		uint64_t key = pool_key(V4(10, 0, i, 1), 0);

		touch(&t, V4(10, 0, i, 1), 0, 1000 + i, true, false);
		pool_proven(&t, key, pool_hash(&t, key));
	}
	assert_int_equal(t.evicted, 1);
	assert_int_equal(t.lost_at_s, 1100);
	assert_true(knows(&t, V4(10, 0, 100, 1), 0, 1101));
	pool_table_free(&t);
}

static void
a_named_pool_has_a_key_of_its_own(void **state)
{
	(void)state;
	assert_int_not_equal(pool_named_key(1, 0), pool_named_key(2, 0));
	assert_int_not_equal(pool_named_key(1, 0), pool_named_key(1, 1));
	/* The highest IPv4 network, and global unicast IPv6, do not reach it. */
	assert_true(pool_named_key(1, 0) > pool_key(V4(255, 255, 255, 255), 0xffff));
	assert_true(pool_named_key(1, 0) > pool_key(0x3fffffffffffffffULL, 0xffff));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slash_24_shares_its_memory_and_the_next_one_does_not),
		cmocka_unit_test(a_slash_48_shares_its_memory),
		cmocka_unit_test(memory_ends_after_a_day_unless_bogus_touches_refresh_it),
		cmocka_unit_test(many_low_touches_do_not_make_a_real_one_look_older),
		cmocka_unit_test(a_real_touch_before_the_window_does_not_count),
		cmocka_unit_test(an_older_touch_told_later_takes_nothing_back),
		cmocka_unit_test(a_refreshed_memory_outlasts_a_lower_touch_told_after_it),
		cmocka_unit_test(a_full_table_lets_the_oldest_go_and_counts),
		cmocka_unit_test(what_proven_members_left_outlasts_a_flood),
		cmocka_unit_test(what_a_proven_member_left_goes_when_it_is_over),
		cmocka_unit_test(where_all_are_proven_one_goes_and_it_is_told),
		cmocka_unit_test(a_named_pool_has_a_key_of_its_own),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
