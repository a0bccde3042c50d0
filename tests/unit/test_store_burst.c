/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store_burst.c - very many list changes at once: none is in the way of the next, what
 * belongs together is one serial, and the writer never turns in circles.
 */
#include "store_support.h"

#include <poll.h>
#include <sqlite3.h>
#include <sys/resource.h>

#define BURST 200000

static int64_t
number(const struct bench_dir *d, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	int64_t n = -1;

	assert_int_equal(sqlite3_open_v2(d->file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static struct change_row
change_of(uint32_t i, enum sender_state old_state, enum sender_state new_state)
{
	struct change_row c = support_change("192.0.2.7", (uint8_t)old_state, (uint8_t)new_state);

	c.sender = SENDER_KEY_V4 + 0x0a000000 + i;
	c.what = sender_prefix(c.sender);
	return c;
}

/* Wait until nothing is queued any more; the queue must get shorter all the time. */
static void
await_empty(struct store *s)
{
	double start = support_seconds();
	struct store_counters c;

	for (;;) {
		store_counters(s, &c);
		if (c.queue == 0)
			return;
		if (support_seconds() - start > 600)
			fail_msg("%llu rows still wait after 600 s", (unsigned long long)c.queue);
		poll(NULL, 0, 5);
	}
}

static void
a_burst_of_list_changes_is_written_without_asking(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct store_counters n;

	for (uint32_t i = 0; i < BURST; i++) {
		struct change_row c = change_of(i, STATE_UNKNOWN, STATE_LISTED);

		k.change(k.ctx, &c);
	}
	await_empty(s);
	store_counters(s, &n);
	assert_int_equal(number(d, "SELECT count(*) FROM list_change") + (int64_t)n.rows_lost, BURST);
	assert_int_equal(number(d, "SELECT count(*) FROM listing"), number(d, "SELECT count(*) FROM list_change"));
	store_close(s);
}

/* Little by little, so that no row is lost: more than the log's open segment has room for. */
static void
a_hundred_thousand_list_changes_are_written_and_cost_nothing_afterwards(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct rusage before, after;
	struct store_counters n;
	int64_t busy_us;

	for (uint32_t i = 0; i < 100000; i++) {
		struct change_row c = change_of(i, STATE_UNKNOWN, STATE_LISTED);

		if (i % 20000 == 0)
			await_empty(s);
		k.change(k.ctx, &c);
	}
	await_empty(s);
	store_counters(s, &n);
	assert_int_equal(n.rows_lost, 0);
	assert_int_equal(number(d, "SELECT count(*) FROM listing"), 100000);
	poll(NULL, 0, 500);		/* it may still be at the index */
	getrusage(RUSAGE_SELF, &before);
	poll(NULL, 0, 500);
	getrusage(RUSAGE_SELF, &after);
	busy_us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000LL +
	    after.ru_utime.tv_usec - before.ru_utime.tv_usec;
	assert_true(busy_us < 100000);
	store_close(s);
}

static void
a_close_right_after_a_burst_writes_all_of_it(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	double start;

	/* Twice what the log's open segment holds, the second half at once before the close. */
	for (uint32_t i = 0; i < 130000; i++) {
		struct change_row c = change_of(i, STATE_UNKNOWN, STATE_LISTED);

		if (i == 30000 || i == 65000)
			await_empty(s);
		k.change(k.ctx, &c);
	}
	start = support_seconds();
	store_close(s);
	assert_true(support_seconds() - start < 300);
	assert_true(number(d, "SELECT count(*) FROM listing") >= 65000 + 65000);
}

/* A replay waits for room instead of losing rows. */
static void
a_replay_of_many_list_changes_loses_none(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, &(struct store_options){ .replay = true });
	struct sink k = store_sink(s);

	for (uint32_t i = 0; i < 2 * BURST; i++) {
		struct change_row c = change_of(i, STATE_UNKNOWN, STATE_LISTED);

		k.change(k.ctx, &c);
	}
	await_empty(s);
	assert_int_equal(number(d, "SELECT count(*) FROM listing"), 2 * BURST);
	store_close(s);
}

static void
changes_that_belong_together_are_one_serial_in_their_place(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct change_row before = change_of(0, STATE_UNKNOWN, STATE_LISTED), after = change_of(0, STATE_UNKNOWN, STATE_SUSPECT);
	struct change_row *rows = malloc(100000 * sizeof *rows);
	struct store_counters n;
	double start;

	assert_non_null(rows);
	for (uint32_t i = 0; i < 100000; i++) {
		struct change_row c = change_of(i, STATE_UNKNOWN, STATE_LISTED);

		if (i % 30000 == 0)
			await_empty(s);
		k.change(k.ctx, &c);
		rows[i] = change_of(i, STATE_LISTED, STATE_UNKNOWN);
	}
	await_empty(s);
	/* One of them is listed anew before, and is a suspect after. */
	k.change(k.ctx, &before);
	start = support_seconds();
	assert_true(store_together(s, rows, 100000));
	k.change(k.ctx, &after);
	await_empty(s);
	print_message("100,000 changes in one transaction: %.2f s\n", support_seconds() - start);
	assert_true(store_together_done(s));
	store_counters(s, &n);
	assert_int_equal(n.rows_lost, 0);
	assert_int_equal(number(d, "SELECT count(*) FROM list_change WHERE new_state = 0"), 100000);
	assert_int_equal(number(d, "SELECT count(DISTINCT serial) FROM list_change WHERE new_state = 0"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM listing"), 1);
	assert_int_equal(number(d, "SELECT state FROM list"), STATE_SUSPECT);
	assert_int_equal(number(d, "SELECT n_listed * 10 + n_suspect FROM meta"), 1);
	store_close(s);
	s = support_open(d, NULL);	/* and its index can be continued */
	k = store_sink(s);
	k.change(k.ctx, &before);
	assert_true(store_sync(s));
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_burst_of_list_changes_is_written_without_asking),
		store_test(a_close_right_after_a_burst_writes_all_of_it),
		store_test(a_replay_of_many_list_changes_loses_none),
		store_test(changes_that_belong_together_are_one_serial_in_their_place),
		store_test(a_hundred_thousand_list_changes_are_written_and_cost_nothing_afterwards),
	};

	return cmocka_run_group_tests_name("store_burst", tests, NULL, NULL);
}
