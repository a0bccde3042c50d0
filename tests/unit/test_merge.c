/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_merge.c - one order out of several sources; and the trap's own time beside a clock that is moved.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../daemon/watch/watch_int.h"
#include "mxtrap/merge.h"

struct seen {
	int64_t	 time_us[4096];
	int	 source[4096];		/* -1: an event; else the packet's sport */
	size_t	 n, longest;
};

static void
see_packets(void *ctx, const struct packet *p, size_t n)
{
	struct seen *s = ctx;

	assert_true(n > 0);
	if (n > s->longest)
		s->longest = n;
	for (size_t i = 0; i < n; i++) {
		s->time_us[s->n] = p[i].time_us;
		s->source[s->n++] = p[i].sport;
	}
}

static void
see_event(void *ctx, const struct event *e)
{
	struct seen *s = ctx;

	s->time_us[s->n] = e->time_us;
	s->source[s->n++] = -(int)e->seq - 1;
}

static void
forget_event(void *ctx, const struct event *e)
{
	(void)ctx;
	(void)e;
}

static void
give(struct merge *m, size_t source, int64_t time_us)
{
	size_t max;
	struct packet *p = merge_room(m, source, &max);

	assert_true(max > 0);
	*p = (struct packet){ .time_us = time_us, .sport = (uint16_t)source };
	merge_took(m, source, 1);
}

static void
tell(struct merge *m, int64_t time_us, uint32_t seq)
{
	const struct event e = { .time_us = time_us, .seq = seq };

	assert_true(merge_event(m, &e));
}

static void
release(struct merge *m, int64_t horizon, struct seen *s)
{
	s->n = s->longest = 0;
	merge_release(m, horizon, 64, see_packets, see_event, s);
}

static struct seen seen;		/* large; each test begins with release() */

static void
two_sources_come_out_by_time(void **state)
{
	const int expect[] = { 0, 1, 0, 1, 0 };
	struct merge *m = merge_new(2, 8);

	(void)state;
	give(m, 0, 10), give(m, 0, 30), give(m, 0, 50);
	give(m, 1, 20), give(m, 1, 40);
	release(m, INT64_MAX, &seen);
	assert_int_equal(seen.n, 5);
	assert_memory_equal(seen.source, expect, sizeof(expect));
	merge_free(m);
}

static void
of_equal_times_the_first_source_goes_first(void **state)
{
	const int expect[] = { 1, 0, 0, 1, 1 };
	struct merge *m = merge_new(2, 8);

	(void)state;
	give(m, 1, 5), give(m, 1, 7), give(m, 1, 8);
	give(m, 0, 7), give(m, 0, 7);
	release(m, INT64_MAX, &seen);
	assert_int_equal(seen.n, 5);
	assert_memory_equal(seen.source, expect, sizeof(expect));
	merge_free(m);
}

static void
an_event_comes_behind_packets_of_its_time(void **state)
{
	const int expect[] = { 0, 0, -1, 0 };
	struct merge *m = merge_new(1, 8);

	(void)state;
	tell(m, 20, 0);
	give(m, 0, 10), give(m, 0, 20), give(m, 0, 21);
	release(m, INT64_MAX, &seen);
	assert_int_equal(seen.n, 4);
	assert_memory_equal(seen.source, expect, sizeof(expect));
	merge_free(m);
}

static void
events_of_equal_times_keep_their_order(void **state)
{
	const int expect[] = { -3, -1, -2, -4 };
	struct merge *m = merge_new(1, 8);

	(void)state;
	tell(m, 20, 0), tell(m, 20, 1), tell(m, 10, 2), tell(m, 20, 3);
	release(m, INT64_MAX, &seen);
	assert_int_equal(seen.n, 4);
	assert_memory_equal(seen.source, expect, sizeof(expect));
	merge_free(m);
}

static void
what_lies_beyond_the_horizon_waits(void **state)
{
	struct merge *m = merge_new(1, 8);

	(void)state;
	give(m, 0, 10), give(m, 0, 20), give(m, 0, 21);
	tell(m, 20, 0), tell(m, 21, 1);
	release(m, 20, &seen);
	assert_int_equal(seen.n, 3);
	assert_int_equal(merge_waiting(m, 0), 1);
	assert_int_equal(merge_first_us(m), 21);
	release(m, 21, &seen);
	assert_int_equal(seen.n, 2);
	assert_int_equal(merge_first_us(m), INT64_MAX);
	merge_free(m);
}

static void
a_run_is_at_most_a_block(void **state)
{
	struct merge *m = merge_new(1, 512);

	(void)state;
	for (int i = 0; i < 512; i++)
		give(m, 0, i);
	release(m, INT64_MAX, &seen);
	assert_int_equal(seen.n, 512);
	assert_int_equal(seen.longest, 64);
	merge_free(m);
}

static void
a_fifo_goes_round(void **state)
{
	struct merge *m = merge_new(2, 8);
	int64_t expect = 0;

	(void)state;
	for (int64_t t = 0; t < 1000; t++) {
		size_t max;

		give(m, 0, t);
		(void)merge_room(m, 0, &max);
		if (max == 0 || t % 5 == 4) {
			release(m, t - 2, &seen);
			for (size_t i = 0; i < seen.n; i++)
				assert_int_equal(seen.time_us[i], expect++);
		}
	}
	release(m, INT64_MAX, &seen);
	for (size_t i = 0; i < seen.n; i++)
		assert_int_equal(seen.time_us[i], expect++);
	assert_int_equal(expect, 1000);
	merge_free(m);
}

/* Random sources against a plain sort by (time, source). */
static void
any_mixture_comes_out_sorted(void **state)
{
	uint32_t x = 12345;

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct merge *m = merge_new(4, 64);
		int64_t at[4] = { 0 };

		for (int i = 0; i < 200; i++) {
			size_t source = (x = x * 1664525 + 1013904223) >> 30;

			at[source] += (x >> 20) % 3;
			if (merge_waiting(m, source) < 64)
				give(m, source, at[source]);
		}
		release(m, INT64_MAX, &seen);
		for (size_t i = 1; i < seen.n; i++) {
			assert_true(seen.time_us[i - 1] <= seen.time_us[i]);
			if (seen.time_us[i - 1] == seen.time_us[i])
				assert_true(seen.source[i - 1] <= seen.source[i]);
		}
		merge_free(m);
	}
}

static void
a_packet_behind_a_later_one_of_its_source_comes_in_its_place(void **state)
{
	const int64_t expect[] = { 10, 20, 30, 35, 40, 40, 50 };
	struct merge *m = merge_new(1, 8);

	(void)state;
	give(m, 0, 20), give(m, 0, 10), give(m, 0, 40), give(m, 0, 30);
	give(m, 0, 50), give(m, 0, 40), give(m, 0, 35);
	assert_int_equal(merge_safe_us(m, 0), 50 - MERGE_WINDOW_US);
	release(m, INT64_MAX, &seen);
	assert_int_equal(seen.n, 7);
	assert_memory_equal(seen.time_us, expect, sizeof(expect));
	merge_free(m);
}

/* Each late by less than the window, whatever is taken at once, however often what is safe is handed out. */
static void
any_disorder_within_the_window_comes_out_sorted(void **state)
{
	uint32_t x = 777;

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct merge *m = merge_new(1, 1024);
		int64_t now = 1000000, last = 0;
		size_t out = 0;

		for (int i = 0; i < 2000; i++) {
			x = x * 1664525 + 1013904223;
			now += (x >> 16) % 700;
			give(m, 0, now - (x >> 8) % (MERGE_WINDOW_US - 1));
			if (i % 7 != 0)
				continue;
			release(m, merge_safe_us(m, 0), &seen);
			for (size_t k = 0; k < seen.n; k++, out++) {
				assert_true(seen.time_us[k] >= last);
				last = seen.time_us[k];
			}
		}
		release(m, INT64_MAX, &seen);
		for (size_t k = 0; k < seen.n; k++, out++) {
			assert_true(seen.time_us[k] >= last);
			last = seen.time_us[k];
		}
		assert_int_equal(out, 2000);
		merge_free(m);
	}
}

static void
a_full_source_gives_half_whatever_its_order(void **state)
{
	struct merge *m = merge_new(1, 4096);

	(void)state;
	/* Descending: more than one packet may pass. */
	for (int i = 0; i < 4096; i++)
		give(m, 0, 10000000 - i);
	release(m, merge_safe_us(m, 0), &seen);
	assert_true(seen.n > 0);
	release(m, INT64_MAX, &seen);
	assert_int_equal(merge_waiting(m, 0), 0);
	merge_free(m);
}

static void
a_steady_stream_of_events_takes_no_more_memory(void **state)
{
	struct merge *m = merge_new(1, 8);

	(void)state;
	/* 100 a second, an hour of it: the window never runs empty. */
	for (int64_t i = 0; i < 360000; i++) {
		tell(m, i * 10000, (uint32_t)i);
		release(m, i * 10000 - MERGE_WINDOW_US, &seen);
		assert_true(merge_events_waiting(m) <= 11);
	}
	assert_true(merge_event_bytes(m) <= 512 * sizeof(struct event));
	merge_free(m);
}

static void
events_of_falling_times_cost_a_bounded_step_each(void **state)
{
	struct merge *m = merge_new(1, 8);
	struct event e = { .seq = 0 };

	(void)state;
	for (int64_t i = 0; i < 100000; i++) {
		e.time_us = 1000000000 - i;
		assert_true(merge_event(m, &e));
	}
	/* The first ones passed all before them; one that would have to pass more takes the time of its neighbour. */
	assert_int_equal(merge_events_waiting(m), 100000);
	for (int64_t last = 0; merge_events_waiting(m) > 0;) {
		assert_true(merge_first_us(m) >= last);
		last = merge_first_us(m);
		assert_true(last > 1000000000 - 2 * MERGE_REACH_EVENTS);
		seen.n = 0;
		merge_release(m, last, 64, see_packets, forget_event, NULL);
	}
	merge_free(m);
}

/* -- steady -- */

#define S 1000000LL

static void
an_undisturbed_clock_is_the_walls(void **state)
{
	struct steady c = { 0 };

	(void)state;
	assert_int_equal(steady_look(&c, 1000 * S, 5 * S), 0);
	assert_int_equal(steady_look(&c, 1010 * S, 15 * S), 0);
	assert_int_equal(steady_time(&c, 1009 * S), 1009 * S);
}

static void
a_disciplined_clock_is_no_step(void **state)
{
	struct steady c = { 0 };

	(void)state;
	(void)steady_look(&c, 1000 * S, 5 * S);
	assert_int_equal(steady_look(&c, 1011 * S, 15 * S), 0);
	assert_int_equal(c.shift_us, 0);
}

static void
a_year_forward_moves_the_trap_by_nothing(void **state)
{
	const int64_t year = 365 * 86400 * S;
	struct steady c = { 0 };
	int64_t before;

	(void)state;
	(void)steady_look(&c, 1000 * S, 5 * S);
	before = steady_time(&c, 1000 * S);
	assert_int_equal(steady_look(&c, 1001 * S + year, 6 * S), year);
	assert_int_equal(steady_time(&c, c.wall_us) - before, S);
	(void)steady_look(&c, 1011 * S + year, 16 * S);
	assert_int_equal(steady_time(&c, c.wall_us) - before, 16 * S);	/* one and a half times the speed */
}

static void
an_hour_back_never_turns_the_trap_back(void **state)
{
	struct steady c = { 0 };
	int64_t last;

	(void)state;
	(void)steady_look(&c, 10000 * S, 5 * S);
	last = steady_time(&c, c.wall_us);
	assert_int_equal(steady_look(&c, 6401 * S, 6 * S), -3600 * S);
	for (int i = 1; i < 8000; i++) {
		int64_t now;

		(void)steady_look(&c, (6401 + i) * S, (6 + i) * S);
		now = steady_time(&c, c.wall_us);
		assert_true(now > last);
		last = now;
	}
	assert_int_equal(c.shift_us, 0);
}

static void
a_stamp_from_the_future_is_now(void **state)
{
	struct steady c = { 0 };

	(void)state;
	(void)steady_look(&c, 1000 * S, 5 * S);
	assert_int_equal(steady_time(&c, 5000 * S), 1000 * S);
}

static void
a_run_goes_on_from_where_the_last_one_was(void **state)
{
	struct steady c = { 0 };

	(void)state;
	(void)steady_look(&c, 86400 * S, 5 * S);
	steady_resume(&c, 1000 * S);
	assert_int_equal(steady_time(&c, 86400 * S), 1000 * S);
	/* And is slowly the wall's again. */
	(void)steady_look(&c, 86410 * S, 15 * S);
	assert_int_equal(steady_time(&c, 86410 * S), 1015 * S);
}

static void
a_clock_that_is_plainly_wrong_is_not_followed(void **state)
{
	struct steady c = { 0 };

	(void)state;
	/* It boots ten years behind what the last run knew; time passes as fast as ever... */
	(void)steady_look(&c, 1000 * S, 5 * S);
	steady_resume(&c, 400000000 * S);
	(void)steady_look(&c, 1010 * S, 15 * S);
	assert_int_equal(steady_time(&c, 1010 * S), 400000010 * S);
	/* ... until it is set right. */
	(void)steady_look(&c, 400000030 * S, 25 * S);
	assert_int_equal(steady_time(&c, 400000030 * S), 400000020 * S);
}

int
main(void)
{
	static const struct CMUnitTest merges[] = {
		cmocka_unit_test(a_run_goes_on_from_where_the_last_one_was),
		cmocka_unit_test(a_clock_that_is_plainly_wrong_is_not_followed),
		cmocka_unit_test(two_sources_come_out_by_time),
		cmocka_unit_test(of_equal_times_the_first_source_goes_first),
		cmocka_unit_test(an_event_comes_behind_packets_of_its_time),
		cmocka_unit_test(events_of_equal_times_keep_their_order),
		cmocka_unit_test(what_lies_beyond_the_horizon_waits),
		cmocka_unit_test(a_run_is_at_most_a_block),
		cmocka_unit_test(a_fifo_goes_round),
		cmocka_unit_test(any_mixture_comes_out_sorted),
		cmocka_unit_test(a_packet_behind_a_later_one_of_its_source_comes_in_its_place),
		cmocka_unit_test(any_disorder_within_the_window_comes_out_sorted),
		cmocka_unit_test(a_full_source_gives_half_whatever_its_order),
		cmocka_unit_test(a_steady_stream_of_events_takes_no_more_memory),
		cmocka_unit_test(events_of_falling_times_cost_a_bounded_step_each),
	};
	static const struct CMUnitTest clocks[] = {
		cmocka_unit_test(an_undisturbed_clock_is_the_walls),
		cmocka_unit_test(a_disciplined_clock_is_no_step),
		cmocka_unit_test(a_year_forward_moves_the_trap_by_nothing),
		cmocka_unit_test(an_hour_back_never_turns_the_trap_back),
		cmocka_unit_test(a_stamp_from_the_future_is_now),
	};
	int failed = cmocka_run_group_tests_name("merge", merges, NULL, NULL);

	return failed + cmocka_run_group_tests_name("steady", clocks, NULL, NULL);
}
