/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store_last.c - what a start makes of the run before it: is this its file, and was the clock set meanwhile?
 */
#include "../../daemon/store/store_int.h"
#include "store_file.h"

#include <fcntl.h>
#include <sys/wait.h>

#define YEAR_S (365 * 86400LL)
#define S_US   1000000LL

static struct store_counters
counters(struct store *s)
{
	struct store_counters c;

	store_counters(s, &c);
	return c;
}

static void
list(struct store *s, const char *addr)
{
	struct sink k = store_sink(s);
	struct change_row c = support_change(addr, STATE_UNKNOWN, STATE_LISTED);

	k.change(k.ctx, &c);
	assert_true(store_sync(s));
}

static void
run(const struct bench_dir *d, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
copy_to(const struct bench_dir *d, const char *name)
{
	char sql[256];

	snprintf(sql, sizeof sql, "VACUUM INTO '%s/%s'", d->path, name);
	run(d, sql);
}

static void
put_back(const struct bench_dir *d, const char *name)
{
	char from[128], gone[128];

	snprintf(from, sizeof from, "%s/%s", d->path, name);
	for (int i = 0; i < 2; i++) {
		snprintf(gone, sizeof gone, "%s-%s", d->file, i == 0 ? "wal" : "shm");
		(void)unlink(gone);
	}
	assert_int_equal(rename(from, d->file), 0);
}

static void
a_file_that_was_closed_here_keeps_its_generation(void **state)
{
	struct store *s = support_open(*state, NULL);
	uint64_t generation = counters(s).generation;

	list(s, "192.0.2.7");
	store_close(s);
	for (int i = 0; i < 3; i++) {
		s = support_open(*state, NULL);
		assert_int_equal(counters(s).generation, generation);
		assert_int_equal(counters(s).serial, 1);
		store_close(s);
	}
}

static void
a_run_that_was_killed_keeps_its_generation(void **state)
{
	struct store *s = support_open(*state, NULL);
	uint64_t generation = counters(s).generation;
	int status;
	pid_t pid;

	store_close(s);
	pid = fork();
	if (pid == 0) {
		s = support_open(*state, NULL);
		list(s, "192.0.2.7");
		list(s, "192.0.2.8");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	s = support_open(*state, NULL);
	assert_int_equal(counters(s).generation, generation);
	assert_int_equal(counters(s).serial, 2);
	store_close(s);
}

/* Its mark is in the database and not yet beside it; once more, and it is still the same. */
static void
a_run_that_was_killed_while_it_began_keeps_its_generation(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	uint64_t generation = counters(s).generation;

	list(s, "192.0.2.7");
	store_close(s);
	for (int i = 0; i < 2; i++) {
		run(d, "UPDATE meta SET mark = mark + 1");
		s = support_open(d, NULL);
		assert_int_equal(counters(s).generation, generation);
		store_close(s);
	}
	run(d, "UPDATE meta SET mark = mark + 2");
	s = support_open(d, NULL);
	assert_int_not_equal(counters(s).generation, generation);
	store_close(s);
}

static void
an_older_copy_put_back_gets_a_new_generation(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	uint64_t generation = counters(s).generation;

	list(s, "192.0.2.7");
	copy_to(d, "copy");
	list(s, "192.0.2.8");
	store_close(s);
	put_back(d, "copy");
	s = support_open(d, NULL);
	assert_int_not_equal(counters(s).generation, generation);
	assert_int_equal(counters(s).serial, 1);
	generation = counters(s).generation;
	store_close(s);
	/* Once. */
	s = support_open(d, NULL);
	assert_int_equal(counters(s).generation, generation);
	store_close(s);
}

static void
a_copy_of_a_run_before_gets_a_new_generation(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	uint64_t generation = counters(s).generation;

	list(s, "192.0.2.7");
	store_close(s);
	copy_to(d, "copy");
	/* The list does not move, but another run has the file. */
	store_close(support_open(d, NULL));
	put_back(d, "copy");
	s = support_open(d, NULL);
	assert_int_not_equal(counters(s).generation, generation);
	store_close(s);
}

static void
a_file_of_another_host_gets_a_new_generation(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	uint64_t generation = counters(s).generation;
	char beat[128];

	list(s, "192.0.2.7");
	store_close(s);
	snprintf(beat, sizeof beat, "%s/" BEAT_FILE, d->path);
	assert_int_equal(unlink(beat), 0);
	s = support_open(d, NULL);
	assert_int_not_equal(counters(s).generation, generation);
	store_close(s);
}

/* -- one notion of now -- */

static void
readers_go_by_the_time_of_watch(void **state)
{
	struct store *s = support_open(*state, NULL);
	struct report *r = support_report(*state);
	int64_t now_s = 1600000000;

	assert_int_equal(report_now(r, 1700000000), 1700000000);
	assert_int_equal(report_heartbeat(r, 1700000000), -1);
	store_beat(s, now_s * S_US);
	report_close(r);
	r = support_report(*state);
	assert_in_range(report_now(r, 1700000000), now_s, now_s + 60);
	assert_in_range(report_now(r, 1700000000 + YEAR_S), now_s, now_s + 60);
	assert_in_range(report_heartbeat(r, 1), 0, 60);
	report_close(r);
	store_close(s);
}

static void
a_listing_lasts_by_the_time_of_watch(void **state)
{
	struct store *s = support_open(*state, NULL);
	struct addr a = support_addr("192.0.2.7");
	struct report_entry e;
	struct report *r;

	list(s, "192.0.2.7");
	store_beat(s, NOW_US);
	r = support_report(*state);
	assert_int_equal(report_check(r, &a, NOW_S + 10 * YEAR_S, &e), REPORT_OK);
	store_beat(s, NOW_US + 2 * 86400 * S_US);
	report_close(r);
	r = support_report(*state);
	assert_int_equal(report_check(r, &a, NOW_S, &e), REPORT_NONE);
	report_close(r);
	store_close(s);
}

/* As if watch had said this so long ago. */
static void
beat_ago(const struct bench_dir *d, int64_t now_us, int64_t ago_us, bool other_boot)
{
	struct { char magic[8]; struct beat beat; uint64_t sum; } f;
	const unsigned char *p = (const unsigned char *)&f;
	uint64_t h = 0xcbf29ce484222325ULL;
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/" BEAT_FILE, d->path);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &f, sizeof f, 0), sizeof f);
	f.beat.now_us = now_us;
	f.beat.boot_us -= ago_us;
	if (other_boot)
		f.beat.boot_us = INT64_MAX;
	for (size_t i = 0; i < sizeof f - 8; i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	f.sum = h;
	assert_int_equal(pwrite(fd, &f, sizeof f, 0), sizeof f);
	close(fd);
}

static void
a_watch_that_is_silent_gives_no_time(void **state)
{
	struct store *s = support_open(*state, NULL);
	struct report *r;

	store_beat(s, NOW_US);
	store_close(s);
	beat_ago(*state, NOW_US, 700 * S_US, false);
	r = support_report(*state);
	assert_int_equal(report_now(r, 1700000000), 1700000000);
	assert_in_range(report_heartbeat(r, 1700000000), 700, 800);
	report_close(r);
}

/* -- the clock between two runs -- */

static int64_t
expires(const struct bench_dir *d)
{
	return number(d, "SELECT expires_s FROM list");
}

static void
a_step_longer_than_any_term_moves_the_terms(void **state)
{
	struct bench_dir *d = *state;
	int64_t now_s = store_wall_us() / S_US - 10 * YEAR_S, shift_s, before;
	struct prefix p = { .len = 128, .addr = support_addr("192.0.2.9") };
	struct store *s = support_open(d, NULL);
	uint64_t generation = counters(s).generation;

	list(s, "192.0.2.7");
	assert_true(store_allow(s, &p, (uint32_t)NOW_S, "root", ""));
	before = expires(d);
	store_beat(s, now_s * S_US);
	store_close(s);
	run(d, "INSERT INTO doubt VALUES (3, 0, zeroblob(16), 1, 2, 5000000, 0), (2, 0, zeroblob(16), 7, 8, 9, 0)");
	beat_ago(d, now_s * S_US, 0, false);
	s = support_open(d, NULL);
	assert_int_equal(store_resume_us(s, &shift_s), 0);
	assert_in_range(shift_s, 10 * YEAR_S - 120, 10 * YEAR_S + 120);
	assert_int_equal(shift_s % 60, 0);
	assert_int_equal(expires(d), before + shift_s);
	assert_int_equal(number(d, "SELECT expires_s FROM allow"), NOW_S + shift_s);
	assert_int_equal(number(d, "SELECT c FROM doubt WHERE kind = 3"), 5 * S_US + shift_s * S_US);
	assert_int_equal(number(d, "SELECT b FROM doubt WHERE kind = 3"), 2);
	assert_int_equal(number(d, "SELECT count(*) FROM doubt"), 1);
	assert_int_not_equal(counters(s).generation, generation);
	assert_int_equal(number(d, "SELECT n_listed FROM meta"), 1);
	store_close(s);
	/* And not once more. */
	s = support_open(d, NULL);
	assert_int_equal(expires(d), before + shift_s);
	store_close(s);
}

static void
a_shorter_step_is_followed_slowly(void **state)
{
	struct bench_dir *d = *state;
	int64_t now_us = store_wall_us() - 86400 * S_US, shift_s, before, resume_us;
	struct store *s = support_open(d, NULL);

	list(s, "192.0.2.7");
	before = expires(d);
	store_beat(s, now_us);
	store_close(s);
	beat_ago(d, now_us, 0, false);
	s = support_open(d, NULL);
	resume_us = store_resume_us(s, &shift_s);
	assert_int_equal(shift_s, 0);
	assert_in_range(resume_us, now_us, now_us + 600 * S_US);
	assert_int_equal(expires(d), before);
	store_close(s);
}

static void
a_host_that_boots_with_its_clock_behind_goes_on_from_the_last_time(void **state)
{
	struct bench_dir *d = *state;
	int64_t now_us = store_wall_us() + 10 * YEAR_S * S_US, shift_s, before;
	struct store *s = support_open(d, NULL);

	list(s, "192.0.2.7");
	before = expires(d);
	store_beat(s, now_us);
	store_close(s);
	beat_ago(d, now_us, 0, true);
	s = support_open(d, NULL);
	assert_int_equal(store_resume_us(s, &shift_s), now_us);
	assert_int_equal(shift_s, 0);
	assert_int_equal(expires(d), before);
	store_close(s);
}

/* A firewall that was switched off, and a list that the gate holds: both are decisions. */
static void
what_watch_goes_on_from_outlives_a_start(void **state)
{
	static const char *const names[] = { "firewall", "publish", "layout", "layout_since", "clock", "frames" };
	static const struct ladder ladder;
	struct bench_dir *d = *state;
	struct store *s = support_open(d, &(struct store_options){ .ladder = &ladder });
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int n = 0;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		store_status(s, names[i], "word");
	store_close(s);
	s = support_open(d, &(struct store_options){ .ladder = &ladder });
	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT name FROM status WHERE value = 'word'", -1, &stmt, NULL), SQLITE_OK);
	for (; sqlite3_step(stmt) == SQLITE_ROW; n++)
		assert_string_not_equal(sqlite3_column_text(stmt, 0), "frames");
	assert_int_equal(n, 5);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_file_that_was_closed_here_keeps_its_generation),
		store_test(a_run_that_was_killed_keeps_its_generation),
		store_test(a_run_that_was_killed_while_it_began_keeps_its_generation),
		store_test(what_watch_goes_on_from_outlives_a_start),
		store_test(an_older_copy_put_back_gets_a_new_generation),
		store_test(a_copy_of_a_run_before_gets_a_new_generation),
		store_test(a_file_of_another_host_gets_a_new_generation),
		store_test(readers_go_by_the_time_of_watch),
		store_test(a_listing_lasts_by_the_time_of_watch),
		store_test(a_watch_that_is_silent_gives_no_time),
		store_test(a_step_longer_than_any_term_moves_the_terms),
		store_test(a_shorter_step_is_followed_slowly),
		store_test(a_host_that_boots_with_its_clock_behind_goes_on_from_the_last_time),
	};

	return cmocka_run_group_tests_name("the run before", tests, NULL, NULL);
}
