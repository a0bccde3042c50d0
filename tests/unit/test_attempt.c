/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_attempt.c - attempts in flight: found by four-tuple, seen off by age, bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mxtrap/attempt.h"

static const uint8_t KEY[16] = { 7 };

static void
count_leaving(void *ctx, struct attempt *a)
{
	uint32_t *isns = ctx;

	isns[++isns[0]] = a->isn;
}

static struct attempt *
add(struct attempt_table *t, sender_key key, uint16_t sport, uint32_t isn, int64_t now, uint32_t *gone)
{
	return attempt_add(t, attempt_hash(t, key, 0, 1, sport), 0, key, 0, 1, sport, isn, now, count_leaving, gone);
}

static struct attempt *
find(struct attempt_table *t, sender_key key, uint16_t sport, const uint32_t *isn)
{
	return attempt_find(t, attempt_hash(t, key, 0, 1, sport), key, 0, 1, sport, isn);
}

static void
a_retransmission_is_the_same_attempt_and_a_reused_port_is_not(void **state)
{
	struct attempt_table t;
	uint32_t gone[16] = { 0 }, isn = 100, other = 200;
	struct attempt *a;

	(void)state;
	assert_true(attempt_table_init(&t, 8, KEY));
	a = add(&t, 1, 1025, isn, 0, gone);
	assert_ptr_equal(find(&t, 1, 1025, &isn), a);
	assert_null(find(&t, 1, 1025, &other));
	assert_null(find(&t, 1, 1026, NULL));
	assert_null(find(&t, 2, 1025, NULL));
	(void)add(&t, 1, 1025, other, 1, gone);
	assert_int_equal(find(&t, 1, 1025, NULL)->isn, other);
	assert_ptr_equal(find(&t, 1, 1025, &isn), a);
	attempt_table_free(&t);
}

static void
the_oldest_leaves_after_70_s(void **state)
{
	struct attempt_table t;
	uint32_t gone[16] = { 0 };

	(void)state;
	assert_true(attempt_table_init(&t, 8, KEY));
	assert_int_equal(attempt_due_us(&t), INT64_MAX);
	(void)add(&t, 1, 1, 11, 5, gone);
	(void)add(&t, 1, 2, 22, 6, gone);
	assert_int_equal(attempt_due_us(&t), ATTEMPT_LIFE_US + ATTEMPT_MOMENT_US);
	attempt_expire(&t, count_leaving, gone);
	assert_int_equal(gone[1], 11);
	assert_null(find(&t, 1, 1, NULL));
	assert_non_null(find(&t, 1, 2, NULL));
	assert_int_equal(t.evicted, 0);
	attempt_table_free(&t);
}

static void
a_flood_pushes_out_the_oldest_first_and_is_counted(void **state)
{
	struct attempt_table t;
	uint32_t gone[64] = { 0 };

	(void)state;
	assert_true(attempt_table_init(&t, 4, KEY));
	for (uint16_t i = 0; i < 20; i++)
		(void)add(&t, i % 3, i, i, i, gone);
	assert_int_equal(gone[0], 16);
	assert_int_equal(t.evicted, 16);
	for (uint32_t i = 0; i < 16; i++)
		assert_int_equal(gone[i + 1], i);
	assert_null(find(&t, 0, 15, NULL));
	assert_non_null(find(&t, 1, 16, NULL));
	attempt_table_free(&t);
}

static void
grades_follow_the_outcome(void **state)
{
	struct attempt a = { .outcome = OUTCOME_SILENT };

	(void)state;
	assert_int_equal(attempt_grade(&a), GRADE_SYN);
	a.flags = ATTEMPT_RESENT;
	assert_int_equal(attempt_grade(&a), GRADE_RESYN);
	a.outcome = OUTCOME_WITHDRAWN;
	assert_int_equal(attempt_grade(&a), GRADE_RESYN);
	a.outcome = OUTCOME_PROVEN;
	assert_int_equal(attempt_grade(&a), GRADE_PROVEN);
}

static void
in_a_ring_gone_round_many_times_the_kept_are_found_and_the_gone_are_not(void **state)
{
	struct attempt_table t;
	uint32_t gone[2048] = { 0 };

	(void)state;
	assert_true(attempt_table_init(&t, 6, KEY));
	for (uint32_t i = 1; i <= 1000; i++) {
		(void)add(&t, i, 1, i, i, gone);
		for (uint32_t back = 0; back < 12 && back < i; back++) {
			struct attempt *a = find(&t, i - back, 1, NULL);

			assert_int_equal(a != NULL, back < 6);
			assert_true(a == NULL || a->isn == i - back);
		}
	}
	assert_int_equal(t.evicted, 994);
	attempt_table_free(&t);
}

static void
the_time_of_an_attempt_survives_the_turn_of_32_bits(void **state)
{
	const int64_t before = (7LL << 32) - 10;
	struct attempt_table t;
	uint32_t gone[8] = { 0 };

	(void)state;
	assert_true(attempt_table_init(&t, 4, KEY));
	(void)add(&t, 1, 1, 1, before, gone);
	(void)add(&t, 2, 1, 2, before + 60000000, gone);
	assert_true(attempt_first_us(&t, find(&t, 1, 1, NULL)) == before);
	assert_true(attempt_first_us(&t, find(&t, 2, 1, NULL)) == before + 60000000);
	attempt_table_free(&t);
}

static void
hosts_and_ports_of_one_sender_do_not_crowd_one_bucket(void **state)
{
	struct attempt_table t;
	uint8_t filled[4096] = { 0 };
	unsigned most = 0;

	(void)state;
	assert_true(attempt_table_init(&t, 1024, KEY));
	/* What a stranger may choose: the upper bits of the host, and the port. */
	for (uint64_t host = 0; host < 1024; host++)
		filled[attempt_hash(&t, 7, host << 54, 1, 1025) & 4095]++;
	for (uint16_t port = 0; port < 1024; port++)
		filled[attempt_hash(&t, 7, 0, 1, port) & 4095]++;
	for (unsigned i = 0; i < 4096; i++)
		most = filled[i] > most ? filled[i] : most;
	assert_in_range(most, 1, 8);
	attempt_table_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_a_ring_gone_round_many_times_the_kept_are_found_and_the_gone_are_not),
		cmocka_unit_test(the_time_of_an_attempt_survives_the_turn_of_32_bits),
		cmocka_unit_test(hosts_and_ports_of_one_sender_do_not_crowd_one_bucket),
		cmocka_unit_test(a_retransmission_is_the_same_attempt_and_a_reused_port_is_not),
		cmocka_unit_test(the_oldest_leaves_after_70_s),
		cmocka_unit_test(a_flood_pushes_out_the_oldest_first_and_is_counted),
		cmocka_unit_test(grades_follow_the_outcome),
	};

	return cmocka_run_group_tests_name("attempt", tests, NULL, NULL);
}
