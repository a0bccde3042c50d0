/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_sender.c - the table of senders: found again, bounded, and who makes room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mxtrap/evidence.h"
#include "mxtrap/sender.h"

static const uint8_t KEY[16] = { 1 }, OTHER_KEY[16] = { 9, 9 };

struct gone {
	uint32_t numbers[64];
	size_t n;
};

static void
note_gone(void *ctx, uint32_t number)
{
	struct gone *g = ctx;

	g->numbers[g->n++] = number;
}

static uint32_t
add(struct sender_table *t, sender_key key, struct gone *g)
{
	return sender_add(t, key, sender_hash(t, key), 1000, note_gone, g);
}

static void
a_sender_is_found_again_and_a_stranger_is_not(void **state)
{
	struct sender_table t;
	struct gone g = { .n = 0 };
	uint32_t a;

	(void)state;
	assert_true(sender_table_init(&t, 8, KEY));
	a = add(&t, 42, &g);
	assert_int_equal(sender_find(&t, 42, sender_hash(&t, 42)), a);
	assert_int_equal(sender_find(&t, 43, sender_hash(&t, 43)), SENDER_NONE);
	assert_int_equal(t.records[a].first_seen_s, 1000);
	sender_table_free(&t);
}

static void
the_oldest_unproven_makes_room(void **state)
{
	struct sender_table t;
	struct gone g = { .n = 0 };

	(void)state;
	assert_true(sender_table_init(&t, 4, KEY));
	for (sender_key k = 1; k <= 4; k++)
		(void)add(&t, k, &g);
	t.records[0].flags |= SENDER_PROVEN;
	assert_int_equal(add(&t, 5, &g), 1);
	assert_int_equal(g.n, 1);
	assert_int_equal(g.numbers[0], 1);
	assert_int_equal(t.evicted, 1);
	assert_int_equal(sender_find(&t, 2, sender_hash(&t, 2)), SENDER_NONE);
	assert_int_not_equal(sender_find(&t, 1, sender_hash(&t, 1)), SENDER_NONE);
	sender_table_free(&t);
}

static void
listed_suspect_cleared_and_proven_are_never_evicted(void **state)
{
	static const uint8_t kept[] = { STATE_LISTED, STATE_SUSPECT, STATE_CLEARED, STATE_ALLOWED };
	struct sender_table t;
	struct gone g = { .n = 0 };

	(void)state;
	assert_true(sender_table_init(&t, 4, KEY));
	for (sender_key k = 1; k <= 4; k++)
		t.records[add(&t, k, &g)].state = kept[k - 1] & 15U;
	assert_int_equal(add(&t, 5, &g), SENDER_NONE);
	assert_int_equal(t.refused, 1);
	assert_int_equal(g.n, 0);
	sender_table_free(&t);
}

/* Else some years of honest senders would fill the table, and nobody new be judged. */
static void
a_proven_sender_that_stayed_away_for_long_makes_room(void **state)
{
	struct sender_table t;
	struct gone g = { .n = 0 };

	(void)state;
	assert_true(sender_table_init(&t, 5, KEY));
	t.faded_s = 500;
	for (sender_key k = 1; k <= 5; k++)
		t.records[add(&t, k, &g)].flags |= SENDER_PROVEN;
	t.records[0].last_seen_s = 501;			/* still remembered */
	t.records[1].last_seen_s = 100;
	t.records[1].state = STATE_LISTED & 15U;	/* whatever its age */
	t.records[2].last_seen_s = 100;
	t.records[2].foreign_until_s = 1001;		/* still excused */
	t.records[3].last_seen_s = 500;
	t.records[3].state = STATE_CLEARED & 15U;	/* faded */
	assert_int_equal(add(&t, 6, &g), 3);
	t.records[3].flags |= SENDER_PROVEN;
	assert_int_equal(add(&t, 7, &g), SENDER_NONE);
	assert_int_equal(g.n, 1);
	sender_table_free(&t);
}

static void
eviction_does_not_depend_on_the_hash_key(void **state)
{
	struct sender_table a, b;
	struct gone ga = { .n = 0 }, gb = { .n = 0 };

	(void)state;
	assert_true(sender_table_init(&a, 8, KEY));
	assert_true(sender_table_init(&b, 8, OTHER_KEY));
	for (sender_key k = 1; k <= 40; k++)
		assert_int_equal(add(&a, k, &ga), add(&b, k, &gb));
	assert_int_equal(ga.n, 32);
	assert_memory_equal(ga.numbers, gb.numbers, sizeof(ga.numbers[0]) * ga.n);
	sender_table_free(&a);
	sender_table_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sender_is_found_again_and_a_stranger_is_not),
		cmocka_unit_test(the_oldest_unproven_makes_room),
		cmocka_unit_test(listed_suspect_cleared_and_proven_are_never_evicted),
		cmocka_unit_test(a_proven_sender_that_stayed_away_for_long_makes_room),
		cmocka_unit_test(eviction_does_not_depend_on_the_hash_key),
	};

	return cmocka_run_group_tests_name("sender", tests, NULL, NULL);
}
