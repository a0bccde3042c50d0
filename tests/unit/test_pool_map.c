/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pool_map.c - the longest prefix decides which named pool a sender belongs to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mxtrap/pool_map.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct pool_member
member(const char *text, uint16_t pool)
{
	struct pool_member m = { .pool = pool };

	assert_true(prefix_parse(&m.what, text));
	return m;
}

static uint16_t
pool_of(const struct pool_map *m, const char *text)
{
	struct addr a;

	assert_true(addr_parse(&a, text));
	return pool_map_find(m, addr_sender(&a));
}

static void
an_empty_map_knows_nobody(void **state)
{
	struct pool_map m = { 0 };

	(void)state;
	assert_int_equal(pool_of(&m, "192.0.2.1"), 0);
	assert_int_equal(pool_map_set(&m, NULL, 0, NULL), POOL_MAP_OK);
	assert_int_equal(pool_of(&m, "192.0.2.1"), 0);
	pool_map_free(&m);
}

static void
both_ends_of_a_prefix_are_in_and_what_lies_beside_is_not(void **state)
{
	const struct pool_member all[] = { member("192.0.2.64/27", 7), member("2001:db8:40::/44", 9) };
	struct pool_map m = { 0 };

	(void)state;
	assert_int_equal(pool_map_set(&m, all, 2, NULL), POOL_MAP_OK);
	assert_int_equal(pool_of(&m, "192.0.2.63"), 0);
	assert_int_equal(pool_of(&m, "192.0.2.64"), 7);
	assert_int_equal(pool_of(&m, "192.0.2.95"), 7);
	assert_int_equal(pool_of(&m, "192.0.2.96"), 0);
	assert_int_equal(pool_of(&m, "2001:db8:3f:ffff::1"), 0);
	assert_int_equal(pool_of(&m, "2001:db8:40::1"), 9);
	assert_int_equal(pool_of(&m, "2001:db8:4f:ffff:ffff::1"), 9);
	assert_int_equal(pool_of(&m, "2001:db8:50::1"), 0);
	pool_map_free(&m);
}

static void
the_longest_prefix_decides(void **state)
{
	const struct pool_member all[] = {
		member("10.1.2.3/32", 4), member("10.0.0.0/8", 1), member("10.1.2.0/24", 3), member("10.1.0.0/16", 2),
		member("10.1.0.0/24", 5),
	};
	struct pool_map m = { 0 };

	(void)state;
	assert_int_equal(pool_map_set(&m, all, ARRAY_LEN(all), NULL), POOL_MAP_OK);
	assert_int_equal(pool_of(&m, "10.0.255.255"), 1);
	assert_int_equal(pool_of(&m, "10.1.0.0"), 5);
	assert_int_equal(pool_of(&m, "10.1.1.255"), 2);
	assert_int_equal(pool_of(&m, "10.1.2.2"), 3);
	assert_int_equal(pool_of(&m, "10.1.2.3"), 4);
	assert_int_equal(pool_of(&m, "10.1.2.4"), 3);
	assert_int_equal(pool_of(&m, "10.1.3.0"), 2);
	assert_int_equal(pool_of(&m, "10.2.0.0"), 1);
	assert_int_equal(pool_of(&m, "11.0.0.0"), 0);
	pool_map_free(&m);
}

static void
what_is_no_pool_is_refused_and_changes_nothing(void **state)
{
	static const char *const bad[] = {
		"0.0.0.0/7", "2000::/15", "2001:db8::/65", "2001:db8::1/128", "::/16", "ff00::/16",
	};
	const struct pool_member good = member("192.0.2.0/24", 1);
	struct pool_map m = { 0 };
	size_t which = 9;

	(void)state;
	assert_int_equal(pool_map_set(&m, &good, 1, NULL), POOL_MAP_OK);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct pool_member both[] = { good, member(bad[i], 2) };

		assert_int_equal(pool_map_set(&m, both, 2, &which), POOL_MAP_RANGE);
		assert_int_equal(which, 1);
	}
	assert_int_equal(pool_map_set(&m, &(struct pool_member){ good.what, 0 }, 1, &which), POOL_MAP_RANGE);
	assert_int_equal(pool_map_set(&m, &(struct pool_member){ good.what, POOL_MAP_POOLS + 1 }, 1, &which),
	    POOL_MAP_RANGE);
	assert_int_equal(pool_map_set(&m, &good, POOL_MAP_MEMBERS + 1, &which), POOL_MAP_FULL);
	assert_int_equal(pool_of(&m, "192.0.2.7"), 1);
	pool_map_free(&m);
}

static void
a_prefix_given_to_two_pools_belongs_to_the_first(void **state)
{
	const struct pool_member all[] = { member("192.0.2.0/24", 2), member("192.0.2.0/24", 1) };
	struct pool_map m = { 0 };

	(void)state;
	assert_int_equal(pool_map_set(&m, all, 2, NULL), POOL_MAP_OK);
	assert_int_equal(pool_of(&m, "192.0.2.7"), 1);
	pool_map_free(&m);
}

static void
ipv4_and_ipv6_do_not_meet(void **state)
{
	const struct pool_member all[] = { member("0.0.0.0/8", 1), member("255.0.0.0/8", 2), member("1::/16", 3) };
	struct pool_map m = { 0 };

	(void)state;
	assert_int_equal(pool_map_set(&m, all, 3, NULL), POOL_MAP_OK);
	assert_int_equal(pool_of(&m, "0.0.0.1"), 1);
	assert_int_equal(pool_of(&m, "255.255.255.255"), 2);
	assert_int_equal(pool_of(&m, "1::1"), 3);
	assert_int_equal(pool_of(&m, "::1"), 0);
	pool_map_free(&m);
}

/* A sequence that is the same in each run. */
static uint32_t
next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33);
}

/* Against the slow way: look at each prefix, keep the longest. */
static void
two_thousand_nested_prefixes_are_found_as_one_by_one(void **state)
{
	enum { N = 2000 };
	struct pool_member *all = calloc(N, sizeof(*all));
	struct pool_map m = { 0 };
	uint64_t seed = 3;

	(void)state;
	assert_non_null(all);
	for (size_t i = 0; i < N; i++) {
		const uint8_t v4[4] = { 10, next(&seed) & 7, next(&seed) & 255, next(&seed) & 255 };
		struct addr a = addr_from_v4(v4);

		all[i] = (struct pool_member){ prefix_of(&a, (uint8_t)(96 + 8 + next(&seed) % 25)),
			(uint16_t)(1 + next(&seed) % 50) };
	}
	assert_int_equal(pool_map_set(&m, all, N, NULL), POOL_MAP_OK);
	for (int k = 0; k < 20000; k++) {
		const uint8_t v4[4] = { 10, next(&seed) & 7, next(&seed) & 255, next(&seed) & 255 };
		struct addr a = addr_from_v4(v4);
		const struct pool_member *best = NULL;

		for (size_t i = 0; i < N; i++)
			if (prefix_contains(&all[i].what, &a) && (best == NULL || all[i].what.len > best->what.len ||
			    (all[i].what.len == best->what.len && all[i].pool < best->pool)))
				best = &all[i];
		assert_int_equal(pool_map_find(&m, addr_sender(&a)), best == NULL ? 0 : best->pool);
	}
	pool_map_free(&m);
	free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_knows_nobody),
		cmocka_unit_test(both_ends_of_a_prefix_are_in_and_what_lies_beside_is_not),
		cmocka_unit_test(the_longest_prefix_decides),
		cmocka_unit_test(what_is_no_pool_is_refused_and_changes_nothing),
		cmocka_unit_test(a_prefix_given_to_two_pools_belongs_to_the_first),
		cmocka_unit_test(ipv4_and_ipv6_do_not_meet),
		cmocka_unit_test(two_thousand_nested_prefixes_are_found_as_one_by_one),
	};

	return cmocka_run_group_tests_name("pool_map", tests, NULL, NULL);
}
