/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_visit.c - routes, the order memory, the hour's stamps, and the pool of records. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mxtrap/visit.h"

#define DAY 86400U

static void
a_route_keeps_the_order_of_first_touches(void **state)
{
	uint8_t r = 0;

	(void)state;
	r = route_add(r, ROLE_BOGUS);
	r = route_add(r, ROLE_NOLISTING);
	r = route_add(r, ROLE_BOGUS);
	r = route_add(r, ROLE_REAL);
	assert_int_equal(route_length(r), 3);
	assert_int_equal(route_at(r, 0), ROLE_BOGUS);
	assert_int_equal(route_at(r, 1), ROLE_NOLISTING);
	assert_int_equal(route_at(r, 2), ROLE_REAL);
}

static void
a_lower_touch_is_remembered_for_the_order_memory(void **state)
{
	struct visit v = { 0 };

	(void)state;
	assert_false(visit_remembers(&v, 1000, DAY));
	visit_remember(&v, 1000, true, DAY);
	assert_true(visit_remembers(&v, 1000 + DAY, DAY));
	assert_false(visit_remembers(&v, 1001 + DAY, DAY));
}

static void
a_bogus_touch_makes_no_memory(void **state)
{
	struct visit v = { 0 };

	(void)state;
	visit_remember(&v, 1000, false, DAY);
	assert_false(visit_remembers(&v, 1001, DAY));
}

static void
bogus_touches_refresh_the_memory_for_five_days(void **state)
{
	struct visit v = { 0 };
	uint32_t t = 1000;

	(void)state;
	visit_remember(&v, t, true, DAY);
	for (int i = 0; i < 10; i++) {
		t += DAY / 2;
		visit_remember(&v, t, false, DAY);
	}
	assert_true(visit_remembers(&v, 1000 + 6 * DAY, DAY));
	visit_remember(&v, 1000 + 5 * DAY + DAY / 2, false, DAY);
	assert_false(visit_remembers(&v, 1001 + 6 * DAY, DAY));
}

static void
a_supposed_lower_touch_lasts_a_day_however_often_the_backup_is_touched(void **state)
{
	struct visit v = { 0 };
	uint32_t t = 100 * DAY;

	(void)state;
	visit_suppose(&v, t);
	visit_remember(&v, t + DAY / 2, false, DAY);
	assert_true(visit_remembers(&v, t + DAY, DAY));
	assert_false(visit_remembers(&v, t + DAY + 1, DAY));
	/* A real one is refreshed as ever. */
	visit_remember(&v, t + 2 * DAY, true, DAY);
	visit_remember(&v, t + 2 * DAY + DAY / 2, false, DAY);
	assert_true(visit_remembers(&v, t + 3 * DAY + 1, DAY));
}

static void
a_kind_counts_again_after_exactly_an_hour(void **state)
{
	struct visit v = { 0 };

	(void)state;
	assert_false(visit_stamped(&v, STAMP_CLIMBED, 8000));
	visit_stamp(&v, STAMP_CLIMBED, 8000);
	assert_true(visit_stamped(&v, STAMP_CLIMBED, 8000 + 3599));
	assert_false(visit_stamped(&v, STAMP_CLIMBED, 8000 + 3600));
	assert_false(visit_stamped(&v, STAMP_GAVE_UP, 8000));
}

static void
durations_compare_on_a_log_scale(void **state)
{
	(void)state;
	assert_int_equal(visit_log_us(0), 0);
	assert_true(visit_log_us(1000) < visit_log_us(1200));
	/* An octave is eight steps. */
	assert_int_equal(visit_log_us(2000) - visit_log_us(1000), 8);
	assert_int_equal(visit_log_us(INT64_MAX), 255);
	for (int64_t us = 2; us < 5000000; us += 1 + us / 50)
		assert_int_equal(visit_log_us(us), (int)ceil(log2((double)us) * 8));
}

static void
records_are_chained_by_sender_and_given_back_with_it(void **state)
{
	struct visit_pool p;
	struct sender s = { 0 };
	uint32_t a, b, generation;

	(void)state;
	assert_true(visit_pool_init(&p, 0, 2));
	a = visit_add(&p, &s, 0, 10);
	b = visit_add(&p, &s, 0, 11);
	assert_int_equal(visit_add(&p, &s, 0, 12), VISIT_NONE);
	assert_int_equal(visit_find(&p, &s, 10), a);
	assert_int_equal(visit_find(&p, &s, 11), b);
	assert_int_equal(visit_find(&p, &s, 12), VISIT_NONE);
	generation = p.records[a].generation;
	visit_drop_all(&p, &s);
	assert_int_equal(p.n, 0);
	assert_int_not_equal(p.records[a].generation, generation);
	visit_pool_free(&p);
}

static void
only_closed_records_without_memory_are_reclaimed(void **state)
{
	struct visit_pool p;
	struct sender s[2] = { { 0 } };
	uint32_t a, b;

	(void)state;
	assert_true(visit_pool_init(&p, 0, 2));
	a = visit_add(&p, &s[0], 0, 1);
	b = visit_add(&p, &s[1], 1, 1);
	p.records[a].flags = VISIT_OPEN;
	visit_remember(&p.records[b], 10 * DAY, true, DAY);
	assert_false(visit_reclaim(&p, s, 10 * DAY, DAY));
	p.records[a].flags = 0;
	assert_true(visit_reclaim(&p, s, 10 * DAY, DAY));
	assert_int_equal(s[0].visits, 0);
	assert_int_equal(p.evicted, 1);
	assert_int_equal(visit_find(&p, &s[1], 1), b);
	visit_pool_free(&p);
}

static void
the_first_record_of_a_sender_is_its_home_and_further_sets_come_out_of_the_rest(void **state)
{
	struct visit_pool p;
	struct sender s[3] = { { 0 } };

	(void)state;
	assert_true(visit_pool_init(&p, 3, 1));
	assert_int_equal(visit_add(&p, &s[2], 2, 10), 2);
	assert_int_equal(visit_add(&p, &s[2], 2, 11), 3);
	assert_int_equal(visit_add(&p, &s[2], 2, 12), VISIT_NONE);
	assert_int_equal(visit_add(&p, &s[0], 0, 10), 0);
	assert_int_equal(visit_add(&p, &s[0], 0, 11), VISIT_NONE);
	visit_drop_all(&p, &s[2]);
	assert_int_equal(visit_add(&p, &s[0], 0, 11), 3);
	assert_int_equal(visit_add(&p, &s[2], 2, 10), 2);
	visit_pool_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_record_of_a_sender_is_its_home_and_further_sets_come_out_of_the_rest),
		cmocka_unit_test(a_route_keeps_the_order_of_first_touches),
		cmocka_unit_test(a_lower_touch_is_remembered_for_the_order_memory),
		cmocka_unit_test(a_bogus_touch_makes_no_memory),
		cmocka_unit_test(bogus_touches_refresh_the_memory_for_five_days),
		cmocka_unit_test(a_supposed_lower_touch_lasts_a_day_however_often_the_backup_is_touched),
		cmocka_unit_test(a_kind_counts_again_after_exactly_an_hour),
		cmocka_unit_test(durations_compare_on_a_log_scale),
		cmocka_unit_test(records_are_chained_by_sender_and_given_back_with_it),
		cmocka_unit_test(only_closed_records_without_memory_are_reclaimed),
	};

	return cmocka_run_group_tests_name("visit", tests, NULL, NULL);
}
