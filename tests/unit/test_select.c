/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_select.c - the best of very many entries: in memory, and in runs that are merged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/export/select.h"

#define N 100000

static struct report_entry given[N], told[N];
static size_t n_told;

static uint32_t
next_random(void)
{
	static uint64_t seed = 88172645463325252ULL;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

/* Few scores, so that addresses decide often; every fifth IPv6, some of them single addresses of one /64. */
static int
fill(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++) {
		struct report_entry *e = &given[i];
		uint32_t r = next_random();

		*e = (struct report_entry){ .score = (float)(r % 41) / 4 - 2, .what = { .len = 128 }, .since_s = (int64_t)i };
		if (i % 5 != 0) {
			e->what.addr = addr_from_v4((const uint8_t[4]){ (uint8_t)(1 + i / 65536), (uint8_t)(i / 256), (uint8_t)i, 1 });
			continue;
		}
		e->what.addr.b[0] = 0x2a;
		e->what.addr.b[6] = (uint8_t)(i / 5 / 256);
		e->what.addr.b[7] = (uint8_t)(i / 5);
		e->what.addr.b[15] = (uint8_t)(i / 5 / 65536);
		if (e->what.addr.b[15] == 0)
			e->what.len = 64;
	}
	return 0;
}

/* The rule, as plainly as it can be said. */
static int
oracle(const void *a_v, const void *b_v)
{
	const struct report_entry *a = a_v, *b = b_v;
	int order = (a->score < b->score) - (a->score > b->score);

	if (order == 0)
		order = memcmp(a->what.addr.b, b->what.addr.b, 8);
	if (order == 0 && !addr_is_v4(&a->what.addr))
		order = (a->what.len > b->what.len) - (a->what.len < b->what.len);
	return order != 0 ? order : memcmp(a->what.addr.b, b->what.addr.b, 16);
}

static bool
take(void *ctx, const struct report_entry *e)
{
	(void)ctx;
	told[n_told++] = *e;
	return true;
}

static void
select_and_compare(size_t most, bool grouped)
{
	static struct report_entry want[N];
	struct selection s;
	size_t n = 0;

	selection_begin(&s, most, grouped);
	for (size_t i = 0; i < N; i++)
		assert_true(selection_add(&s, &given[i]));
	n_told = 0;
	assert_true(selection_tell(&s, take, NULL));
	selection_free(&s);
	assert_int_equal(n_told, most);
	memcpy(want, given, sizeof(want));
	qsort(want, N, sizeof(want[0]), oracle);
	for (int family = grouped ? 4 : 0; family <= 6; family += family == 4 ? 2 : 7)
		for (size_t i = 0; i < most; i++) {
			if (family != 0 && (family == 4) != addr_is_v4(&want[i].what.addr))
				continue;
			if (told[n].since_s != want[i].since_s)
				fail_msg("place %zu of %zu: found entry %lld, expected %lld", n, most, (long long)told[n].since_s,
				    (long long)want[i].since_s);
			n++;
		}
	assert_int_equal(n, most);
}

static void
a_few_are_kept_in_memory(void **state)
{
	(void)state;
	select_and_compare(1, false);
	select_and_compare(1000, false);
	select_and_compare(SELECT_RUN, false);
}

static void
many_are_merged_from_runs(void **state)
{
	(void)state;
	select_and_compare(SELECT_RUN + 1, false);
	select_and_compare(N, false);
}

static void
families_are_told_apart_where_that_is_wanted(void **state)
{
	(void)state;
	select_and_compare(1000, true);
	select_and_compare(N - 1, true);
}

static void
a_run_that_is_not_full_is_told_too(void **state)
{
	struct selection s;

	(void)state;
	selection_begin(&s, N, false);
	for (size_t i = 0; i < SELECT_RUN + 3; i++)
		assert_true(selection_add(&s, &given[i]));
	n_told = 0;
	assert_true(selection_tell(&s, take, NULL));
	assert_int_equal(n_told, SELECT_RUN + 3);
	selection_free(&s);
}

static bool
refuse(void *ctx, const struct report_entry *e)
{
	(void)e;
	return --*(int *)ctx > 0;
}

static void
whoever_takes_them_may_say_stop(void **state)
{
	struct selection s;
	int left = 3;

	(void)state;
	selection_begin(&s, N, false);
	for (size_t i = 0; i < N; i++)
		assert_true(selection_add(&s, &given[i]));
	assert_false(selection_tell(&s, refuse, &left));
	assert_int_equal(left, 0);
	selection_free(&s);
}

static void
of_nothing_nothing_is_told(void **state)
{
	struct selection s;

	(void)state;
	selection_begin(&s, N, true);
	n_told = 0;
	assert_true(selection_tell(&s, take, NULL));
	assert_int_equal(n_told, 0);
	selection_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_few_are_kept_in_memory),
		cmocka_unit_test(many_are_merged_from_runs),
		cmocka_unit_test(families_are_told_apart_where_that_is_wanted),
		cmocka_unit_test(a_run_that_is_not_full_is_told_too),
		cmocka_unit_test(whoever_takes_them_may_say_stop),
		cmocka_unit_test(of_nothing_nothing_is_told),
	};

	return cmocka_run_group_tests_name("export: selection", tests, fill, NULL);
}
