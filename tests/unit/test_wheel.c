/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_wheel.c - deadlines come out at their unit, in order, and none is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mxtrap/wheel.h"

#define SECOND 1000000LL

struct out {
	uint32_t items[4096];
	size_t n;
};

static void
collect(void *ctx, const uint32_t *items, uint32_t n)
{
	struct out *o = ctx;

	for (uint32_t i = 0; i < n; i++)
		o->items[o->n++] = items[i];
}

/* Turn until the next due time lies behind now. */
static void
run_until(struct wheel *w, int64_t now, struct out *o)
{
	while (wheel_due_us(w) <= now)
		wheel_turn(w, collect, o);
}

static void
comes_out_at_the_full_second_after_it(void **state)
{
	struct wheel w;
	struct out o = { .n = 0 };

	(void)state;
	assert_true(wheel_init(&w, SECOND, 64, 100));
	wheel_start(&w, 1000 * SECOND);
	assert_true(wheel_add(&w, 1005 * SECOND + 1, 7));
	run_until(&w, 1005 * SECOND, &o);
	assert_int_equal(o.n, 0);
	run_until(&w, 1006 * SECOND, &o);
	assert_int_equal(o.n, 1);
	assert_int_equal(o.items[0], 7);
	wheel_free(&w);
}

static void
items_of_one_second_keep_their_order_over_chunks(void **state)
{
	struct wheel w;
	struct out o = { .n = 0 };

	(void)state;
	assert_true(wheel_init(&w, SECOND, 64, 1000));
	wheel_start(&w, 0);
	for (uint32_t i = 0; i < 500; i++)
		assert_true(wheel_add(&w, 10 * SECOND, i));
	run_until(&w, 10 * SECOND, &o);
	assert_int_equal(o.n, 500);
	for (uint32_t i = 0; i < 500; i++)
		assert_int_equal(o.items[i], i);
	wheel_free(&w);
}

static void
a_full_wheel_refuses_and_counts(void **state)
{
	struct wheel w;
	uint32_t n = 0;

	(void)state;
	assert_true(wheel_init(&w, SECOND, 2, WHEEL_CHUNK));
	wheel_start(&w, 0);
	while (n < 1000 && wheel_add(&w, SECOND, n))
		n++;
	assert_int_equal(n, 3 * WHEEL_CHUNK);
	assert_int_equal(w.refused, 1);
	wheel_free(&w);
}

static void
a_long_gap_is_skipped_without_losing_what_waits(void **state)
{
	struct wheel w;
	struct out o = { .n = 0 };

	(void)state;
	assert_true(wheel_init(&w, SECOND, 64, 100));
	wheel_start(&w, 0);
	wheel_skip(&w, 1000000 * SECOND);
	assert_true(wheel_due_us(&w) >= 999999 * SECOND);
	assert_true(wheel_add(&w, 1000030 * SECOND, 1));
	wheel_skip(&w, 2000000 * SECOND);
	assert_int_equal(wheel_due_us(&w), 1000030 * SECOND);
	wheel_turn(&w, collect, &o);
	assert_int_equal(o.n, 1);
	wheel_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_out_at_the_full_second_after_it),
		cmocka_unit_test(items_of_one_second_keep_their_order_over_chunks),
		cmocka_unit_test(a_full_wheel_refuses_and_counts),
		cmocka_unit_test(a_long_gap_is_skipped_without_losing_what_waits),
	};

	return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
