/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_table.c - the index finds what was put in, also after removals, also when hashes collide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mxtrap/table.h"

#define N 1000

static bool
holds(const struct index *ix, uint32_t hash, uint32_t slot)
{
	uint32_t at = index_home(ix, hash), got;

	while ((got = index_next(ix, hash, &at)) != TABLE_NONE)
		if (got == slot)
			return true;
	return false;
}

static void
finds_all_after_random_removals(void **state)
{
	struct index ix = { 0 };
	uint32_t hashes[N];
	bool in[N];

	(void)state;
	assert_true(index_init(&ix, N));
	srandom(3);
	for (uint32_t i = 0; i < N; i++) {
		hashes[i] = (uint32_t)random() * 2654435761U;
		in[i] = true;
		index_put(&ix, hashes[i], i);
	}
	for (int round = 0; round < 20000; round++) {
		uint32_t i = (uint32_t)random() % N;

		if (in[i])
			index_remove(&ix, hashes[i], i);
		else
			index_put(&ix, hashes[i], i);
		in[i] = !in[i];
	}
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(holds(&ix, hashes[i], i), in[i]);
	index_free(&ix);
}

static void
equal_hashes_are_told_apart_by_slot(void **state)
{
	struct index ix = { 0 };

	(void)state;
	assert_true(index_init(&ix, 16));
	for (uint32_t i = 0; i < 10; i++)
		index_put(&ix, UINT32_MAX, i);		/* the last home: probing goes round */
	index_remove(&ix, UINT32_MAX, 4);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(holds(&ix, UINT32_MAX, i), i != 4);
	index_free(&ix);
}

static void
memory_comes_zeroed_and_oversize_is_refused(void **state)
{
	unsigned char *p = table_alloc(1000, 3);

	(void)state;
	assert_non_null(p);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(p[i], 0);
	table_free(p);
	assert_null(table_alloc(SIZE_MAX / 2, 4));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_all_after_random_removals),
		cmocka_unit_test(equal_hashes_are_told_apart_by_slot),
		cmocka_unit_test(memory_comes_zeroed_and_oversize_is_refused),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
