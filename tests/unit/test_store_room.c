/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store_room.c - what goes by age and by size, and what happens on a full disk.
 */
#include "../../daemon/store/store_int.h"	/* to say that it is time to tidy up */
#include "store_file.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

/* Let it tidy up now, and wait until this holds. */
static void
tidy_until(const struct bench_dir *d, struct store *s, const char *sql)
{
	double start = support_seconds();

	s->tidy_at_us = 1;
	while (number(d, sql) != 1) {
		assert_true(support_seconds() - start < 200);
		poll(NULL, 0, 10);
	}
}

static void
old_attempts_go_and_new_ones_stay(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct attempt_row a = support_attempt("192.0.2.7", 0, 0);

	for (int i = 0; i < 40000; i++) {
		a.time_us = i < 35000 ? NOW_US - 15 * 86400 * 1000000LL : NOW_US;
		k.attempt(k.ctx, &a);
		if (i == 34999)
			assert_true(store_sync(s));
	}
	assert_true(store_sync(s));
	/* Two full segments, and the old ones of the open one. */
	tidy_until(d, s, "SELECT count(*) = 5000 FROM attempt");
	assert_int_equal(number(d, "SELECT count(*) FROM segment"), 0);
	assert_int_equal(number(d, "SELECT count(*) FROM segment_chunk"), 0);
	store_close(s);
	assert_true(sound(d->file));
}

static void
a_quiet_site_loses_its_old_attempts_too(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US - 15 * 86400 * 1000000LL, 0);

	k.attempt(k.ctx, &a);
	a.time_us = NOW_US;
	k.attempt(k.ctx, &a);
	assert_true(store_sync(s));
	tidy_until(d, s, "SELECT count(*) = 1 FROM attempt");
	store_close(s);
}

static void
the_log_ends_at_its_horizon_and_listings_stay(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US, 0);

	c.time_us = NOW_US - 31 * 86400 * 1000000LL;
	for (unsigned i = 0; i < 17000; i++) {
		c.sender = SENDER_KEY_V4 + 0x0a000000 + i;
		c.what = sender_prefix(c.sender);
		k.change(k.ctx, &c);
	}
	k.attempt(k.ctx, &a);
	assert_true(store_sync(s));
	tidy_until(d, s, "SELECT count(*) = 17000 - 16384 FROM list_change");
	assert_int_equal(number(d, "SELECT horizon >= (SELECT min(serial) - 1 FROM list_change) FROM meta"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM list"), 17000);
	store_close(s);
}

static void
forgotten_senders_go_and_listed_ones_stay(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US, 0);
	const struct { uint32_t days; uint8_t state; } rows[] = { { 31, STATE_NOTICED }, { 29, STATE_NOTICED },
		{ 31, STATE_CLEARED }, { 181, STATE_CLEARED }, { 400, STATE_LISTED } };

	for (size_t i = 0; i < 5; i++) {
		struct sender_row r = { .key = i + 1, .first_seen_s = NOW_S - rows[i].days * 86400 - 60,
			.last_seen_s = NOW_S - rows[i].days * 86400, .state = rows[i].state };

		k.sender(k.ctx, &r);
	}
	k.attempt(k.ctx, &a);
	assert_true(store_sync(s));
	tidy_until(d, s, "SELECT count(*) = 3 FROM sender");
	assert_int_equal(number(d, "SELECT group_concat(key, '') FROM (SELECT key FROM sender ORDER BY key)"), 235);
	store_close(s);
}

static void
at_its_size_cap_it_drops_the_oldest_attempts_and_goes_on(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .max_bytes = 6 << 20 };
	struct store *s = support_open(d, &o);
	struct sink k = store_sink(s);
	struct store_counters c;
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US, 0);
	struct change_row listed = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);

	for (int i = 0; i < 300000; i++) {
		a.time_us = NOW_US + i;
		k.attempt(k.ctx, &a);
		/* The queue is bounded and loses what comes too fast: wait for it, however slow the machine. */
		for (int tries = 0; i % 30000 == 29999 && tries < 20 && !store_sync(s); tries++)
			;
	}
	k.change(k.ctx, &listed);
	for (int tries = 0; tries < 20 && !store_sync(s); tries++)
		;
	store_counters(s, &c);
	assert_true(c.write_errors > 0);
	assert_int_equal(c.serial, 1);
	assert_false(c.disk_full);
	/* The newest is in, the oldest is not, and the file kept its bound. */
	assert_int_equal(number(d, "SELECT max(time_us) FROM attempt") - NOW_US, 299999);
	assert_true(number(d, "SELECT min(time_us) FROM attempt") > NOW_US);
	assert_true(number(d, "PRAGMA page_count") * 4096 <= 6 << 20);
	store_close(s);
	assert_true(sound(d->file));
}

static void
on_a_full_disk_it_waits_and_resumes_by_itself(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct rlimit was, tight = { .rlim_cur = 64 << 10, .rlim_max = RLIM_INFINITY };
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US, 0);
	struct evidence_row e = { .time_us = NOW_US, .sender = support_key("192.0.2.7"), .host = a.src };
	struct change_row listed = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct store_counters c;

	/* No file may grow: a write fails as it does on a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	tight.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	for (int i = 0; i < 20000; i++)
		k.attempt(k.ctx, &a);
	k.evidence(k.ctx, &e);
	assert_false(store_sync(s));
	k.change(k.ctx, &listed);
	store_counters(s, &c);
	assert_true(c.disk_full);
	assert_true(c.queue > 0);
	/* Far more than it can keep: the oldest go, and are counted. */
	for (int i = 0; i < 400000; i++)
		k.attempt(k.ctx, &a);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	for (int tries = 0; tries < 2000; tries++) {
		if (store_sync(s))
			break;
		poll(NULL, 0, 20);
	}
	store_counters(s, &c);
	assert_false(c.disk_full);
	assert_true(c.rows_lost > 0);
	assert_int_equal(c.serial, 1);
	assert_int_equal(number(d, "SELECT count(*) FROM evidence"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM list"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM attempt") + (int64_t)c.rows_lost, 420000);
	store_close(s);
	assert_true(sound(d->file));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(old_attempts_go_and_new_ones_stay),
		store_test(a_quiet_site_loses_its_old_attempts_too),
		store_test(the_log_ends_at_its_horizon_and_listings_stay),
		store_test(forgotten_senders_go_and_listed_ones_stay),
		store_test(at_its_size_cap_it_drops_the_oldest_attempts_and_goes_on),
		store_test(on_a_full_disk_it_waits_and_resumes_by_itself),
	};

	return cmocka_run_group_tests_name("store: room", tests, NULL, NULL);
}
