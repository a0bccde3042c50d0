/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_listed.c - the list in memory: what is found, and that nothing gets lost in it.
 */
#include "lookup_support.h"

#include <stdio.h>
#include <stdlib.h>

static const struct listed_entry *
find(const struct feed *f, const char *text)
{
	struct addr a;

	assert_true(addr_parse(&a, text));
	return feed_find(f, &a, NOW_S);
}

static void
an_address_is_found_by_itself(void **state)
{
	struct feed f;

	(void)state;
	feed_fill(&f);
	assert_non_null(find(&f, "192.0.2.7"));
	assert_null(find(&f, "192.0.2.6"));
	feed_free(&f);
}

static void
a_64_is_found_by_any_address_in_its_middle(void **state)
{
	struct feed f;

	(void)state;
	feed_fill(&f);
	assert_non_null(find(&f, "2001:db8:1:2:8000:1:2:3"));
	assert_non_null(find(&f, "2001:db8:1:2::"));
	assert_null(find(&f, "2001:db8:1:3::"));
	feed_free(&f);
}

static void
a_single_address_does_not_speak_for_its_64(void **state)
{
	struct feed f;

	(void)state;
	feed_fill(&f);
	assert_non_null(find(&f, "2001:db8:5:6::9"));
	assert_null(find(&f, "2001:db8:5:6::8"));
	assert_null(find(&f, "2001:db8:5:6::"));
	feed_free(&f);
}

static void
what_expired_is_not_found(void **state)
{
	struct feed f;
	struct addr a;

	(void)state;
	feed_fill(&f);
	assert_true(addr_parse(&a, "192.0.2.7"));
	assert_non_null(feed_find(&f, &a, NOW_S + 999));
	assert_null(feed_find(&f, &a, NOW_S + 1000));
	feed_free(&f);
}

static void
nothing_is_claimed_on_doubt(void **state)
{
	struct feed f;

	(void)state;
	feed_fill(&f);
	f.complete = false;
	assert_null(find(&f, "192.0.2.7"));
	f.complete = true;
	f.claims = false;
	assert_null(find(&f, "192.0.2.7"));
	feed_free(&f);
}

static void
who_is_never_to_be_listed_is_not_claimed(void **state)
{
	struct feed f;
	struct prefix p;

	(void)state;
	feed_fill(&f);
	assert_true(prefix_parse(&p, "192.0.2.0/24"));
	assert_true(never_add(&f.never, &p, 0));
	assert_null(find(&f, "192.0.2.7"));
	assert_non_null(find(&f, "2001:db8:1:2::5"));
	feed_free(&f);
}

static void
who_was_listed_in_a_sudden_growth_is_not_claimed(void **state)
{
	struct feed f;

	(void)state;
	feed_fill(&f);
	f.gate.publish = (struct publish){ .held = true, .base_s = (uint32_t)NOW_S - 101 };
	assert_null(find(&f, "192.0.2.7"));
	f.gate.publish.base_s = (uint32_t)NOW_S - 100;
	assert_non_null(find(&f, "192.0.2.7"));
	feed_free(&f);
}

/* Against a plain array, with removals in between: no search may end too early. */
static void
putting_and_removing_at_random_loses_nobody(void **state)
{
	enum { N = 4096, ROUNDS = 200000 };
	static const uint8_t seed[16] = { 7 };
	bool *in = calloc(N, sizeof *in);
	struct listed l;
	unsigned random = 12345;
	size_t n = 0;

	(void)state;
	assert_non_null(in);
	listed_init(&l, seed);
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned who = (random = random * 1103515245 + 12345) >> 8 & (N - 1);
		struct prefix p = { .len = 128 };
		char text[32];

		(void)snprintf(text, sizeof text, "10.0.%u.%u", who / 256, who % 256);
		assert_true(addr_parse(&p.addr, text));
		if (in[who])
			listed_remove(&l, &p);
		else
			assert_true(listed_put(&l, &p, STATE_LISTED, 1, 1, 0));
		n += in[who] ? -1UL : 1;
		in[who] = !in[who];
		assert_int_equal(l.n, n);
		if (i % 1000 != 0)
			continue;
		for (unsigned j = 0; j < N; j++) {
			(void)snprintf(text, sizeof text, "10.0.%u.%u", j / 256, j % 256);
			assert_true(addr_parse(&p.addr, text));
			assert_int_equal(listed_find(&l, &p.addr, 5) != NULL, in[j]);
		}
	}
	listed_free(&l);
	free(in);
}

static void
removing_from_an_empty_list_does_nothing(void **state)
{
	static const uint8_t seed[16] = { 7 };
	struct listed l;
	struct prefix p;

	(void)state;
	assert_true(prefix_parse(&p, "192.0.2.1"));
	listed_init(&l, seed);
	listed_remove(&l, &p);
	assert_int_equal(l.n, 0);
	assert_null(listed_find(&l, &p.addr, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_found_by_itself),
		cmocka_unit_test(a_64_is_found_by_any_address_in_its_middle),
		cmocka_unit_test(a_single_address_does_not_speak_for_its_64),
		cmocka_unit_test(what_expired_is_not_found),
		cmocka_unit_test(nothing_is_claimed_on_doubt),
		cmocka_unit_test(who_is_never_to_be_listed_is_not_claimed),
		cmocka_unit_test(who_was_listed_in_a_sudden_growth_is_not_claimed),
		cmocka_unit_test(putting_and_removing_at_random_loses_nobody),
		cmocka_unit_test(removing_from_an_empty_list_does_nothing),
	};

	return cmocka_run_group_tests_name("listed", tests, NULL, NULL);
}
