/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store.c - the write side: what was told is there after a close, in its order and at once.
 */
#include "store_file.h"

#include <poll.h>
#include <pthread.h>

static void
a_new_directory_gets_a_fresh_database(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct store_counters c;

	store_counters(s, &c);
	assert_true(c.fresh);
	assert_false(c.was_corrupt);
	assert_int_not_equal(c.generation, 0);
	assert_int_equal(c.serial, 0);
	assert_true(llabs((long long)c.created_s - (long long)time(NULL)) < 60);
	store_close(s);
	assert_int_equal(number(d, "PRAGMA application_id"), 0x4d585452);
	assert_int_equal(number(d, "PRAGMA auto_vacuum"), 2);
}

static void
the_generation_stays_when_it_is_opened_again(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct store_counters a, b;

	store_counters(s, &a);
	store_close(s);
	s = support_open(d, NULL);
	store_counters(s, &b);
	store_close(s);
	assert_false(b.fresh);
	assert_int_equal(a.generation, b.generation);
	assert_int_equal(a.created_s, b.created_s);
}

static void
a_second_writer_is_refused(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL), *other = NULL;
	struct store_options o = { .dir = d->path };

	assert_int_equal(store_open(&other, &o), STORE_FAILED);
	assert_null(other);
	store_close(s);
}

static void
every_kind_of_row_is_stored(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US, 1);
	struct fingerprint fp = { .version = 4, .ttl = 57, .mss = 1460, .window = 29200 };
	struct visit_row v = { .sender = support_key("192.0.2.7"), .start_us = NOW_US, .end_us = NOW_US + 5, .set = 0,
		.n_attempts = 1, .route = { ROLE_BOGUS }, .n_route = 1 };
	struct evidence_row e = { .time_us = NOW_US, .sender = support_key("192.0.2.7"), .host = a.src, .score = 5,
		.score_sum = 5, .hint = 5, .hint_sum = 5 };
	struct tally_row t = { .hour_s = NOW_S, .target = 1, .attempts = 3, .proven = 2 };
	struct note_row n = { .time_us = NOW_US, .target = UINT32_MAX, .kind = NOTE_START };
	struct sender_row r = { .key = support_key("192.0.2.7"), .first_seen_s = NOW_S, .last_seen_s = NOW_S };
	struct memory_row m = { .sender = support_key("192.0.2.7"), .memory_at_s = NOW_S };
	struct event ev = { .time_us = NOW_US, .kind = EVENT_DROPS, .value = 12 };
	struct event tick = { .time_us = NOW_US, .kind = EVENT_TICK };

	k.fingerprint(k.ctx, 9, &fp, NOW_US);
	a.fingerprint = 9;
	k.attempt(k.ctx, &a);
	k.visit(k.ctx, &v);
	k.evidence(k.ctx, &e);
	k.tally(k.ctx, &t);
	k.tally(k.ctx, &t);
	k.note(k.ctx, &n);
	k.sender(k.ctx, &r);
	k.memory(k.ctx, &m);
	store_event(s, &ev, NULL, NULL);
	store_event(s, &tick, NULL, NULL);
	store_status(s, "packets", "12");
	store_status(s, "packets", "13");
	assert_true(store_sync(s));
	assert_int_equal(number(d, "SELECT count(*) FROM attempt JOIN fingerprint AS f ON f.id = fingerprint"), 1);
	assert_int_equal(number(d, "SELECT sightings FROM fingerprint"), 1);
	assert_int_equal(number(d, "SELECT route FROM visit"), 3);
	assert_int_equal(number(d, "SELECT count(*) FROM evidence WHERE score = 5.0"), 1);
	assert_int_equal(number(d, "SELECT attempts FROM tally"), 6);
	assert_int_equal(number(d, "SELECT count(*) FROM note WHERE target IS NULL"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM sender"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM memory"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM event"), 1);
	assert_int_equal(number(d, "SELECT value FROM status WHERE name = 'packets'"), 13);
	store_close(s);
}

static void
rows_are_committed_soon_without_asking(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US, 1);
	double start = support_seconds();

	k.attempt(k.ctx, &a);
	while (number(d, "SELECT count(*) FROM attempt") == 0 && support_seconds() - start < 60)
		poll(NULL, 0, 5);
	assert_true(support_seconds() - start < 10.0);
	store_close(s);
}

struct moved {
	pthread_mutex_t mutex;
	pthread_cond_t	cond;
	uint64_t generation, serial;
};

static void
on_moved(void *ctx, uint64_t generation, uint64_t serial)
{
	struct moved *m = ctx;

	pthread_mutex_lock(&m->mutex);
	m->generation = generation;
	m->serial = serial;
	pthread_cond_signal(&m->cond);
	pthread_mutex_unlock(&m->mutex);
}

static void
await_serial(struct moved *m, uint64_t serial)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 100;
	pthread_mutex_lock(&m->mutex);
	while (m->serial < serial)
		assert_int_equal(pthread_cond_timedwait(&m->cond, &m->mutex, &until), 0);
	pthread_mutex_unlock(&m->mutex);
}

static void
a_list_change_moves_the_serial_and_rings(void **state)
{
	struct bench_dir *d = *state;
	struct moved m = { .mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };
	struct store *s = support_open(d, &(struct store_options){ .moved = on_moved, .ctx = &m });
	struct sink k = store_sink(s);
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_SUSPECT);
	struct store_counters n;

	k.change(k.ctx, &c);
	await_serial(&m, 1);
	c = support_change("192.0.2.7", STATE_SUSPECT, STATE_LISTED);
	k.change(k.ctx, &c);
	await_serial(&m, 2);
	store_counters(s, &n);
	assert_int_equal(n.serial, 2);
	assert_int_equal(m.generation, n.generation);
	assert_int_equal(number(d, "SELECT count(*) FROM list_change"), 2);
	assert_int_equal(number(d, "SELECT state FROM list"), STATE_LISTED);
	assert_int_equal(number(d, "SELECT n_listed * 10 + n_suspect FROM meta"), 10);
	store_close(s);
}

static void
changes_that_come_together_share_a_serial(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);

	for (unsigned i = 0; i < 1000; i++) {
		c.sender = SENDER_KEY_V4 + 0x0a000000 + i;
		c.what = sender_prefix(c.sender);
		k.change(k.ctx, &c);
	}
	assert_true(store_sync(s));
	assert_int_equal(number(d, "SELECT count(*) FROM list"), 1000);
	assert_true(number(d, "SELECT serial FROM meta") < 100);
	assert_int_equal(number(d, "SELECT count(DISTINCT serial) = (SELECT serial FROM meta) FROM list_change"), 1);
	assert_int_equal(number(d, "SELECT max(serial) = (SELECT serial FROM meta) FROM list_change"), 1);
	store_close(s);
}

static void
a_removed_listing_leaves_the_fold_and_stays_in_the_log(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct change_row on = support_change("2001:db8::1", STATE_UNKNOWN, STATE_LISTED);
	struct change_row off = support_change("2001:db8::1", STATE_LISTED, STATE_NOTICED);

	k.change(k.ctx, &on);
	k.change(k.ctx, &off);
	assert_true(store_sync(s));
	assert_int_equal(number(d, "SELECT count(*) FROM list"), 0);
	assert_int_equal(number(d, "SELECT count(*) FROM list_change"), 2);
	assert_int_equal(number(d, "SELECT n_listed FROM meta"), 0);
	store_close(s);
}

static void
single_hosts_of_a_64_are_rows_of_their_own(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct change_row c = support_change("2001:db8::1", STATE_UNKNOWN, STATE_LISTED);

	for (uint8_t i = 1; i <= 3; i++) {
		c.what.addr = support_addr("2001:db8::1");
		c.what.addr.b[15] = i;
		c.what.len = 128;
		k.change(k.ctx, &c);
	}
	assert_true(store_sync(s));
	assert_int_equal(number(d, "SELECT count(*) FROM list WHERE single AND host BETWEEN 1 AND 3"), 3);
	store_close(s);
}

static void
list_changes_overtake_a_big_flush(void **state)
{
	struct bench_dir *d = *state;
	struct moved m = { .mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };
	struct store *s = support_open(d, &(struct store_options){ .moved = on_moved, .ctx = &m });
	struct sink k = store_sink(s);
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct store_counters n;
	double worst = 0;

	for (uint64_t i = 0; i < 400000; i++) {
		struct sender_row r = { .key = SENDER_KEY_V4 | (i * 2654435761U & 0xffffffff), .first_seen_s = NOW_S,
			.last_seen_s = NOW_S };

		k.sender(k.ctx, &r);
	}
	/* The flush of all of them is under way for all of these. */
	for (uint64_t i = 1; i <= 10; i++) {
		double start = support_seconds();

		k.change(k.ctx, &c);
		await_serial(&m, i);
		if (support_seconds() - start > worst)
			worst = support_seconds() - start;
	}
	store_counters(s, &n);
	print_message("list change during a flush of 400 k senders: %.1f ms at worst\n", worst * 1e3);
	assert_true(n.queue > 0);
	assert_true(worst < 5);
	store_close(s);
	assert_int_equal(number(d, "SELECT count(*) FROM sender"), 400000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_new_directory_gets_a_fresh_database),
		store_test(the_generation_stays_when_it_is_opened_again),
		store_test(a_second_writer_is_refused),
		store_test(every_kind_of_row_is_stored),
		store_test(rows_are_committed_soon_without_asking),
		store_test(a_list_change_moves_the_serial_and_rings),
		store_test(changes_that_come_together_share_a_serial),
		store_test(a_removed_listing_leaves_the_fold_and_stays_in_the_log),
		store_test(single_hosts_of_a_64_are_rows_of_their_own),
		store_test(list_changes_overtake_a_big_flush),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
