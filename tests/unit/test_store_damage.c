/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store_damage.c - a database of another version or program is not touched, a damaged one is
 * set aside, and a killed writer leaves a sound one.
 */
#include "store_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

static void
a_newer_database_is_refused_and_untouched(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .dir = d->path };
	struct store *s = support_open(d, NULL);
	struct judge_params params;
	struct report *r = NULL;
	char *before, *after;
	size_t n, m;
	sqlite3 *db;

	store_close(s);
	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=99; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	before = file_bytes(d->file, &n);
	s = NULL;
	assert_int_equal(store_open(&s, &o), STORE_NEWER);
	assert_null(s);
	after = file_bytes(d->file, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	judge_defaults(&params);
	assert_int_equal(report_open(&r, d->path, &params), REPORT_NEWER);
	assert_null(r);
	free(before);
	free(after);
}

static void
a_foreign_database_is_refused_and_untouched(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .dir = d->path };
	struct store *s = NULL;
	char *before, *after;
	size_t n, m;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA application_id=7; CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	before = file_bytes(d->file, &n);
	assert_int_equal(store_open(&s, &o), STORE_FAILED);
	after = file_bytes(d->file, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	free(before);
	free(after);
}

static void
a_file_that_is_no_database_is_set_aside(void **state)
{
	struct bench_dir *d = *state;
	struct store_counters c;
	struct store *s;
	char junk[5000];

	memset(junk, 'x', sizeof junk);
	file_write(d->file, junk, sizeof junk);
	s = support_open(d, NULL);
	store_counters(s, &c);
	assert_true(c.was_corrupt && c.fresh);
	assert_int_equal(files_like(d, "mxtrap.db.corrupt-"), 1);
	store_close(s);
	assert_true(sound(d->file));
}

static void
a_database_with_a_bad_page_is_set_aside(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct store_counters a, b;
	char junk[4096];
	int fd;

	store_counters(s, &a);
	for (uint64_t i = 0; i < 20000; i++) {
		struct sender_row r = { .key = i << 20, .first_seen_s = NOW_S, .last_seen_s = NOW_S, .kinds = 3 };

		k.sender(k.ctx, &r);
	}
	store_close(s);
	memset(junk, 0x5a, sizeof junk);
	fd = open(d->file, O_WRONLY);
	assert_int_not_equal(fd, -1);
	for (off_t page = 50; page < 60; page++)
		assert_int_equal(pwrite(fd, junk, sizeof junk, page * 4096), sizeof junk);
	close(fd);
	s = support_open(d, NULL);
	store_counters(s, &b);
	assert_true(b.was_corrupt);
	assert_int_not_equal(a.generation, b.generation);
	store_close(s);
	assert_int_equal(number(d, "SELECT count(*) FROM sender"), 0);
	assert_true(files_like(d, "mxtrap.db.corrupt-") >= 1);
}

static void
a_truncated_database_is_set_aside(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct store_counters c;

	store_close(s);
	assert_int_equal(truncate(d->file, 50), 0);
	s = support_open(d, NULL);
	store_counters(s, &c);
	assert_true(c.was_corrupt);
	store_close(s);
}

/* The child: list changes in groups that a half serial would tear, and rows, until it is killed. */
static void
write_until_killed(const struct bench_dir *d, unsigned round)
{
	struct store_options o = { .dir = d->path, .retention_attempts_s = 86400 };
	struct store *s = NULL;
	struct sink k;

	if (store_open(&s, &o) != STORE_OK)
		_exit(1);
	k = store_sink(s);
	for (uint64_t i = 0;; i++) {
		struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, i % 3 == 0 ? STATE_NOTICED : STATE_LISTED);
		struct attempt_row a = support_attempt("192.0.2.7", NOW_US + (int64_t)i, 0);

		c.sender = SENDER_KEY_V4 + round * 1000 + i * 7919 % 1000;
		c.what = sender_prefix(c.sender);
		k.change(k.ctx, &c);
		for (int n = 0; n < 20; n++)
			k.attempt(k.ctx, &a);
		if (i % 64 == 0)
			poll(NULL, 0, 1);
	}
}

static void
killed_twenty_times_it_is_sound_and_has_no_half_serial(void **state)
{
	struct bench_dir *d = *state;

	/* Twenty times; and, later and later, until a slow machine's writer came far enough to be hit amid its work. */
	for (unsigned round = 0; round < 20 ||
	    ((access(d->file, F_OK) != 0 || number(d, "SELECT serial FROM meta") <= 20) && round < 200); round++) {
		pid_t pid = fork();
		int status;

		assert_int_not_equal(pid, -1);
		if (pid == 0)
			write_until_killed(d, round);
		unsigned busy = round < 20 ? 0 : (round - 19) * 50;

		poll(NULL, 0, (int)(20 + round * 37 % 150 + busy));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		if (access(d->file, F_OK) != 0)
			continue;	/* killed before it had made one */
		struct store *s = support_open(d, NULL);
		struct store_counters c;

		store_counters(s, &c);
		assert_false(c.was_corrupt);
		store_close(s);
		assert_true(sound(d->file));
		assert_int_equal(number(d, "SELECT coalesce(max(serial), 0) - (SELECT serial FROM meta) FROM list_change"), 0);
		/* The fold of the log is the listing. */
		assert_int_equal(number(d, "WITH last AS (SELECT sender, max(id) AS id FROM list_change GROUP BY sender)"
		    " SELECT count(*) FROM last JOIN list_change USING (id) LEFT JOIN list AS l"
		    " ON l.sender = last.sender WHERE (new_state = 4) <> (l.state IS NOT NULL)"), 0);
		assert_int_equal(number(d, "SELECT (SELECT count(*) FROM list) - n_listed FROM meta"), 0);
	}
	assert_true(number(d, "SELECT serial FROM meta") > 20);
	print_message("serial %lld, %lld attempts\n", (long long)number(d, "SELECT serial FROM meta"),
	    (long long)number(d, "SELECT count(*) FROM attempt"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_newer_database_is_refused_and_untouched),
		store_test(a_foreign_database_is_refused_and_untouched),
		store_test(a_file_that_is_no_database_is_set_aside),
		store_test(a_database_with_a_bad_page_is_set_aside),
		store_test(a_truncated_database_is_set_aside),
		store_test(killed_twenty_times_it_is_sound_and_has_no_half_serial),
	};

	return cmocka_run_group_tests_name("store: damage", tests, NULL, NULL);
}
