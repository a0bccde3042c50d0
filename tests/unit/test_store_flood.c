/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store_flood.c - strangers fill the database to its size, somebody fills the disk, a reader sits on the log: what
 * goes, what stays, and what is stored all the same.
 */
#include "../../daemon/store/store_int.h"
#include "store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define LITTLE (6 << 20)
#define WITHIN_S 200

static void
synced(struct store *s)
{
	double start = support_seconds();
	bool done;

	/* At the size a commit may have to wait until there is room. */
	while (!(done = store_sync(s)) && support_seconds() - start < WITHIN_S)
		poll(NULL, 0, 10);
	assert_true(done);
}

static void
until(const struct bench_dir *d, const char *sql)
{
	double start = support_seconds();

	while (number(d, sql) != 1) {
		assert_true(support_seconds() - start < WITHIN_S);
		poll(NULL, 0, 10);
	}
}

static struct event
event_of(enum event_kind kind, int64_t time_us)
{
	struct addr a = support_addr("192.0.2.7");

	return (struct event){ .time_us = time_us, .kind = (uint8_t)kind, .port = 4000, .target = 1, .what = prefix_of(&a, 128) };
}

/* The queue is bounded and loses what comes too fast. */
static void
events(struct store *s, int n, int64_t from_us)
{
	struct event e = event_of(EVENT_ACCEPT, 0);

	for (int i = 0; i < n; i++) {
		e.time_us = from_us + i;
		e.seq = (uint32_t)i;
		store_event(s, &e, NULL, NULL);
		if (i % 20000 == 19999)
			synced(s);
	}
}

static void
attempts(struct store *s, int n, int64_t from_us)
{
	struct attempt_row a = support_attempt("192.0.2.7", 0, 0);
	struct sink k = store_sink(s);

	for (int i = 0; i < n; i++) {
		a.time_us = from_us + i;
		k.attempt(k.ctx, &a);
		if (i % 30000 == 29999)
			synced(s);
	}
}

/* Some more, whether they can be stored or not. */
static void
attempts_once(struct store *s)
{
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US, 0);
	struct sink k = store_sink(s);

	for (int i = 0; i < 20000; i++)
		k.attempt(k.ctx, &a);
	(void)store_sync(s);
}

/* What must work in any state: decisions, the status, a listing and its end. */
static void
all_works(const struct bench_dir *d, struct store *s, const char *addr)
{
	struct change_row c = support_change(addr, STATE_UNKNOWN, STATE_LISTED);
	struct addr a = support_addr("203.0.113.9");
	struct prefix p = prefix_of(&a, 128);
	struct sink k = store_sink(s);
	const uint8_t hash[32] = { 7 };
	struct store_counters counters;
	uint64_t serial;

	store_counters(s, &counters);
	serial = counters.serial;
	assert_true(store_allow(s, &p, 0, "somebody", "a partner"));
	assert_true(store_allow(s, &p, STORE_ALLOW_REMOVE, "somebody", ""));
	assert_true(store_hand(s, &p, NOW_S + 86400, "somebody", ""));
	assert_true(store_token(s, hash, "outlet", "export", 0, "somebody"));
	assert_true(store_audit(s, NOW_US, "somebody", "looked", NULL, ""));
	store_status(s, "said", addr);
	k.change(k.ctx, &c);
	until(d, "SELECT count(*) = 1 FROM token");
	for (int tries = 0; tries < 2000 && counters.serial == serial; tries++) {
		poll(NULL, 0, 10);
		store_counters(s, &counters);
	}
	assert_int_equal(number(d, "SELECT count(*) FROM list WHERE state = 4"), 1);
	c = support_change(addr, STATE_LISTED, STATE_NOTICED);
	k.change(k.ctx, &c);
	until(d, "SELECT count(*) = 0 FROM list WHERE state = 4");
	until(d, "SELECT count(*) = 1 FROM status WHERE name = 'said' AND value LIKE '%.%'");
	assert_int_equal(number(d, "SELECT count(*) FROM allow"), 0);
	assert_int_equal(number(d, "SELECT count(*) FROM by_hand"), 1);
	assert_true(number(d, "SELECT count(*) FROM audit") >= 5);
	assert_true(store_token_gone(s, "outlet", "somebody"));
}

static void
events_fill_it_and_the_oldest_go_but_no_decision(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .max_bytes = LITTLE };
	struct store *s = support_open(d, &o);
	struct event start = event_of(EVENT_START, NOW_US - 2), allowed = event_of(EVENT_ALLOW, NOW_US - 1);
	struct store_counters c;

	store_event(s, &start, NULL, NULL);
	store_event(s, &allowed, "somebody", "why");
	events(s, 300000, NOW_US);
	store_counters(s, &c);
	assert_false(c.disk_full);
	assert_int_equal(c.rows_lost, 0);
	assert_int_equal(number(d, "SELECT max(time_us) FROM event") - NOW_US, 299999);
	assert_int_equal(number(d, "SELECT count(*) FROM event WHERE kind IN (1, 7)"), 2);
	assert_true(number(d, "SELECT count(*) FROM event") < 200000);
	/* And a replay can know what it lacks. */
	assert_int_equal(number(d, "SELECT inputs_us < (SELECT min(time_us) FROM event WHERE kind = 2) AND inputs_us > 0 FROM meta"), 1);
	assert_true(number(d, "PRAGMA page_count") * 4096 <= LITTLE);
	all_works(d, s, "192.0.2.77");
	store_close(s);
	assert_true(sound(d->file));
}

static void
forged_senders_fill_it_and_the_longest_unseen_go(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .max_bytes = LITTLE };
	struct store *s = support_open(d, &o);
	struct sink k = store_sink(s);

	attempts(s, 10, NOW_US);
	for (uint32_t i = 0; i < 400000; i++) {
		struct sender_row r = { .key = SENDER_KEY_V4 + 0x0b000000 + i * 7919U % 400000, .first_seen_s = NOW_S - 400000 + i,
			.last_seen_s = NOW_S - 400000 + i, .state = i % 10000 == 5 ? STATE_CLEARED : STATE_NOTICED };
		struct memory_row m = { .sender = r.key, .memory_at_s = r.first_seen_s, .lower_at_s = r.first_seen_s };

		k.sender(k.ctx, &r);
		k.memory(k.ctx, &m);
		if (i % 20000 == 19999)
			synced(s);
	}
	assert_true(number(d, "PRAGMA page_count") * 4096 <= LITTLE);
	/* The newest is in, the oldest is not; who was cleared stays, and nothing is remembered of those that went. */
	assert_int_equal(number(d, "SELECT max(first_seen_s) FROM sender") - NOW_S, -1);
	assert_true(number(d, "SELECT min(first_seen_s) FROM sender WHERE state = 1") > NOW_S - 400000);
	assert_int_equal(number(d, "SELECT count(*) FROM sender WHERE state = 2"), 40);
	all_works(d, s, "192.0.2.77");
	store_close(s);
	assert_true(sound(d->file));
}

static void
what_explains_a_listing_outlasts_a_flood(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .max_bytes = LITTLE };
	struct store *s = support_open(d, &o);
	struct sink k = store_sink(s);
	struct evidence_row e = { .time_us = NOW_US - 1, .sender = support_key("192.0.2.9"), .host = support_addr("192.0.2.9") };
	struct visit_row v = { .sender = e.sender, .start_us = NOW_US - 1, .end_us = NOW_US - 1 };

	for (int i = 0; i < 3000; i++) {
		k.evidence(k.ctx, &e);
		k.visit(k.ctx, &v);
	}
	for (int i = 0; i < 4; i++) {
		attempts(s, 100000, NOW_US + i * 1000000);
		events(s, 100000, NOW_US + i * 1000000);
	}
	assert_int_equal(number(d, "SELECT count(*) FROM evidence"), 3000);
	assert_int_equal(number(d, "SELECT count(*) FROM visit"), 3000);
	/* Neither of the two starves the other. */
	assert_true(number(d, "SELECT count(*) FROM attempt") > 10000);
	assert_true(number(d, "SELECT count(*) FROM event") > 10000);
	store_close(s);
}

static void
a_list_that_fills_it_leaves_room_for_decisions(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .max_bytes = 2 << 20 };
	struct store *s = support_open(d, &o);
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct sink k = store_sink(s);
	struct addr a = support_addr("203.0.113.9");
	struct prefix p = prefix_of(&a, 128);
	const uint8_t hash[32] = { 7 };
	struct beat b;

	for (uint32_t i = 0; i < 60000; i++) {
		c.sender = SENDER_KEY_V4 + 0x0a000000 + i;
		c.what = sender_prefix(c.sender);
		k.change(k.ctx, &c);
		if (i % 20000 == 19999)
			(void)store_sync(s);
	}
	until(d, "SELECT count(*) > 5000 FROM listing");
	assert_true(store_allow(s, &p, 0, "somebody", "a partner"));
	assert_true(store_token(s, hash, "outlet", "export", 0, "somebody"));
	store_status(s, "said", "full");
	until(d, "SELECT count(*) = 1 FROM status WHERE value = 'full'");
	assert_true(number(d, "PRAGMA page_count") * 4096 <= 2 << 20);
	assert_true(beat_read(d->path, &b));
	assert_int_equal(b.trouble, BEAT_FULL);
	assert_memory_equal(b.text, "max-size is reached", 19);
	store_close(s);
	assert_true(sound(d->file));
}

static void
a_lower_max_size_is_reached_while_all_goes_on(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .max_bytes = 8 << 20 };
	struct store *s = support_open(d, NULL);
	struct stat st;
	double start;

	attempts(s, 500000, NOW_US);
	store_close(s);
	assert_int_equal(stat(d->file, &st), 0);
	assert_true(st.st_size > 24 << 20);
	s = support_open(d, &o);
	all_works(d, s, "192.0.2.77");
	s->tidy_at_us = 1;
	start = support_seconds();
	do {
		assert_true(support_seconds() - start < WITHIN_S);
		poll(NULL, 0, 20);
	} while (number(d, "PRAGMA page_count") * 4096 > 8 << 20);
	assert_int_equal(number(d, "SELECT max(time_us) FROM attempt") - NOW_US, 499999);
	assert_true(number(d, "SELECT count(*) FROM attempt") > 40000);
	store_close(s);
	assert_int_equal(stat(d->file, &st), 0);
	assert_true(st.st_size <= 8 << 20);
	assert_true(sound(d->file));
}

/* A small disk of its own; false: not allowed here. */
static bool
disk(const struct bench_dir *d, const char *options)
{
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("mxtrap-test", d->path, "tmpfs", 0, options) == 0;
}

static void
on_a_full_disk_decisions_and_the_list_go_on(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .max_bytes = 64 << 20 };
	struct store_counters c;
	char ballast[128];
	struct store *s;
	struct beat b;
	double start;
	int fd;

	if (!disk(d, "size=16m,mode=750"))
		skip();
	s = support_open(d, &o);
	assert_true(s->reserve.bytes >= 1 << 20);
	attempts(s, 20000, NOW_US);
	snprintf(ballast, sizeof ballast, "%s/ballast", d->path);
	fd = open(ballast, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd != -1);
	assert_true(fallocate(fd, 0, 0, 1 << 30) == -1);
	for (off_t at = 0; fallocate(fd, 0, at, 65536) == 0; at += 65536)
		;
	start = support_seconds();
	do {				/* the log takes what it has already, then the disk is full */
		attempts_once(s);
		store_counters(s, &c);
		assert_true(support_seconds() - start < WITHIN_S);
	} while (!c.disk_full);
	for (int i = 0; i < 3; i++) {
		char addr[32];

		snprintf(addr, sizeof addr, "192.0.2.%d", 100 + i);
		all_works(d, s, addr);
	}
	assert_true(beat_read(d->path, &b));
	assert_int_equal(b.trouble, BEAT_FULL);
	store_counters(s, &c);
	assert_true(c.disk_full);
	/* There is room again: within a minute it stores all that waited, and has its reserve back. */
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
	start = support_seconds();
	while (!store_sync(s)) {
		assert_true(support_seconds() - start < 60);
		poll(NULL, 0, 50);
	}
	store_counters(s, &c);
	assert_false(c.disk_full);
	assert_true(s->reserve.bytes >= 1 << 20);
	assert_true(beat_read(d->path, &b));
	assert_int_equal(b.trouble, BEAT_FINE);
	store_close(s);
	assert_true(sound(d->file));
	assert_int_equal(umount2(d->path, MNT_DETACH), 0);
}

static void
a_reader_that_sits_on_the_log_bounds_it(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .max_bytes = 16 << 20 };
	struct store *s = support_open(d, &o);
	sqlite3 *reader = NULL;
	char wal[128];
	struct stat st;

	attempts(s, 10, NOW_US);
	assert_int_equal(sqlite3_open_v2(d->file, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM attempt", NULL, NULL, NULL), SQLITE_OK);
	snprintf(wal, sizeof wal, "%s-wal", d->file);
	for (int i = 0; i < 60; i++) {
		struct attempt_row a = support_attempt("192.0.2.7", NOW_US + i, 0);
		struct sink k = store_sink(s);

		for (int n = 0; n < 30000; n++)
			k.attempt(k.ctx, &a);
		(void)store_sync(s);
	}
	assert_int_equal(stat(wal, &st), 0);
	assert_true(st.st_size < 40 << 20);
	all_works(d, s, "192.0.2.77");
	assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(reader);
	synced(s);
	until(d, "SELECT count(*) > 0 FROM attempt WHERE time_us = 1790000000000059");
	store_close(s);
	assert_true(sound(d->file));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(events_fill_it_and_the_oldest_go_but_no_decision),
		store_test(forged_senders_fill_it_and_the_longest_unseen_go),
		store_test(what_explains_a_listing_outlasts_a_flood),
		store_test(a_list_that_fills_it_leaves_room_for_decisions),
		store_test(a_lower_max_size_is_reached_while_all_goes_on),
		store_test(a_reader_that_sits_on_the_log_bounds_it),
		store_test(on_a_full_disk_decisions_and_the_list_go_on),
	};

	if (getenv("ONLY") != NULL)
		cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests_name("store: flood", tests, NULL, NULL);
}
