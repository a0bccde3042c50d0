/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_sketch.c - how many different ones: nearly exact where few, within some per cent where many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mxtrap/siphash.h"
#include "mxtrap/sketch.h"

#define BITS 12

static const uint8_t key[16] = { 1, 2, 3 };
static uint8_t a[1 << BITS], b[1 << BITS];

static void
add(uint8_t *registers, unsigned bits, uint64_t from, uint64_t n)
{
	for (uint64_t i = from; i < from + n; i++)
		sketch_add(registers, bits, siphash13(key, 0x0000ffff00000000ULL + i, 1));
}

static void
none_is_none(void **state)
{
	(void)state;
	memset(a, 0, sizeof(a));
	assert_int_equal(sketch_count(a, BITS), 0);
}

static void
few_are_counted_nearly_exactly(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= 100; n++) {
		memset(a, 0, sizeof(a));
		add(a, BITS, n * 1000, n);
		assert_in_range(sketch_count(a, BITS), n - n / 20 - (n > 10), n + n / 20 + 1);
	}
}

static void
many_are_counted_within_three_standard_errors(void **state)
{
	static const uint64_t sizes[] = { 1000, 5000, 12000, 100000, 1000000, 10000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(a, 0, sizeof(a));
		memset(b, 0, sizeof(b));
		add(a, 12, 0, sizes[i]);
		add(b, 10, 0, sizes[i]);
		assert_in_range(sketch_count(a, 12), sizes[i] * 951 / 1000, sizes[i] * 1049 / 1000);
		assert_in_range(sketch_count(b, 10), sizes[i] * 902 / 1000, sizes[i] * 1098 / 1000);
	}
}

static void
the_same_again_changes_nothing(void **state)
{
	uint64_t once;

	(void)state;
	memset(a, 0, sizeof(a));
	add(a, BITS, 0, 50000);
	once = sketch_count(a, BITS);
	add(a, BITS, 0, 50000);
	assert_int_equal(sketch_count(a, BITS), once);
}

static void
two_joined_count_as_one_that_saw_both(void **state)
{
	static uint8_t both[1 << BITS];

	(void)state;
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	memset(both, 0, sizeof(both));
	add(a, BITS, 0, 30000);
	add(b, BITS, 20000, 30000);
	add(both, BITS, 0, 50000);
	sketch_join(a, b, BITS);
	assert_memory_equal(a, both, sizeof(both));
}

static void
any_hash_stays_within_the_registers(void **state)
{
	(void)state;
	memset(a, 0, sizeof(a));
	sketch_add(a, BITS, 0);
	sketch_add(a, BITS, UINT64_MAX);
	assert_int_equal(a[0], 53);
	assert_int_equal(a[(1 << BITS) - 1], 1);
	assert_true(sketch_count(a, BITS) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_none),
		cmocka_unit_test(few_are_counted_nearly_exactly),
		cmocka_unit_test(many_are_counted_within_three_standard_errors),
		cmocka_unit_test(the_same_again_changes_nothing),
		cmocka_unit_test(two_joined_count_as_one_that_saw_both),
		cmocka_unit_test(any_hash_stays_within_the_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
