/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store_harmed.c - the database's files under the running daemon: written to by others.
 */
#include "store_guard.h"

static void
fill(struct store *s)
{
	struct sink k = store_sink(s);

	for (uint64_t i = 0; i < 20000; i++) {
		struct sender_row r = { .key = i << 20, .first_seen_s = NOW_S, .last_seen_s = NOW_S, .kinds = 3 };

		k.sender(k.ctx, &r);
	}
	settle(s);
}

static void
overwrite(const char *file, off_t page, int n)
{
	char junk[4096];
	int fd = open(file, O_WRONLY);

	assert_int_not_equal(fd, -1);
	memset(junk, 0x5a, sizeof junk);
	for (int i = 0; i < n; i++)
		assert_int_equal(pwrite(fd, junk, sizeof junk, (page + i) * 4096), sizeof junk);
	close(fd);
}

static void
cut_to_nothing(const char *file)
{
	assert_int_equal(truncate(file, 0), 0);
}

static void
cut_in_half(const char *file)
{
	struct stat st;

	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(truncate(file, st.st_size / 8192 * 4096), 0);
}

static void
overwrite_the_head(const char *file)
{
	overwrite(file, 0, 1);
}

static void
overwrite_the_middle(const char *file)
{
	overwrite(file, 60, 20);
}

static void
overwrite_the_log(const char *file)
{
	char path[128];

	snprintf(path, sizeof path, "%s-wal", file);
	overwrite(path, 0, 2);
}

static void
cut_the_log(const char *file)
{
	char path[128];

	snprintf(path, sizeof path, "%s-wal", file);
	assert_int_equal(truncate(path, 100), 0);
}

/* Noticed while nothing is read from it; the start after that sets it aside, and the one after that finds nothing. */
static void
is_noticed(void **state, void (*harm)(const char *file))
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct report *r;
	char text[REPORT_TROUBLE_SIZE];

	fill(s);
	store_close(s);
	s = with_one_listed(d);
	r = support_report(d);
	usleep(1500000);		/* two looks, so that it knows how the file was */
	harm(d->file);
	becomes(s, STORE_FILE_DAMAGED);
	assert_int_not_equal(report_trouble(r, text), BEAT_FINE);
	assert_string_not_equal(text, "");
	report_close(r);
	assert_false(store_allow(s, &(struct prefix){ support_addr("192.0.2.99"), 128 }, 0, "test", ""));
	store_close(s);
	s = support_open(d, NULL);
	assert_true(counters(s).was_corrupt);
	store_close(s);
	s = support_open(d, NULL);
	assert_false(counters(s).was_corrupt);
	store_close(s);
	assert_true(sound(d->file));
}

static void
a_file_cut_to_nothing_is_noticed(void **state)
{
	is_noticed(state, cut_to_nothing);
}

static void
a_file_cut_in_half_is_noticed(void **state)
{
	is_noticed(state, cut_in_half);
}

static void
a_head_that_is_overwritten_is_noticed(void **state)
{
	is_noticed(state, overwrite_the_head);
}

static void
a_middle_that_is_overwritten_is_noticed(void **state)
{
	is_noticed(state, overwrite_the_middle);
}

static void
a_log_that_is_overwritten_is_noticed(void **state)
{
	is_noticed(state, overwrite_the_log);
}

static void
a_log_that_is_cut_off_is_noticed(void **state)
{
	is_noticed(state, cut_the_log);
}

static void
a_file_whose_log_was_lost_is_set_aside_though_no_check_finds_it(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = with_one_listed(d);

	beat_trouble(s, BEAT_LOG, "a test");
	store_close(s);
	s = support_open(d, NULL);
	assert_true(counters(s).was_corrupt);
	store_close(s);
}

static void
but_not_a_backup_that_was_put_there_since(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = with_one_listed(d);

	copy(d, "backup");
	beat_trouble(s, BEAT_LOG, "a test");
	store_close(s);
	(void)put(d, "backup");
	s = support_open(d, NULL);
	assert_false(counters(s).was_corrupt);
	assert_int_equal(listed(d), 1);
	store_close(s);
}

static bool
any(void *ctx, const struct report_entry *e)
{
	(void)ctx;
	(void)e;
	return true;
}

/* As when a disk forgets: by its time nobody wrote to the file. */
static void
a_page_that_rots_is_found_by_who_reads_it(void **state)
{
	struct bench_dir *d = *state;
	struct report_filter filter = { .klass = 0xff };
	struct report_state now;
	struct timespec times[2];
	struct store *s = support_open(d, NULL);
	struct report *r;
	struct stat st;

	fill(s);
	store_close(s);
	s = with_one_listed(d);
	usleep(1500000);
	assert_int_equal(stat(d->file, &st), 0);
	overwrite(d->file, 60, 20);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	assert_int_equal(utimensat(AT_FDCWD, d->file, times, 0), 0);
	r = support_report(d);
	assert_int_equal(report_state(r, &now), REPORT_OK);
	assert_false(report_damaged(r));
	assert_int_equal(report_entries(r, &filter, NOW_S, NULL, any, NULL), REPORT_ERROR);
	assert_true(report_damaged(r));
	report_close(r);
	store_suspect(s);
	becomes(s, STORE_FILE_DAMAGED);
	store_close(s);
}

static void
a_suspicion_that_is_wrong_changes_nothing(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = with_one_listed(d);

	for (int i = 0; i < 3; i++) {
		store_suspect(s);
		usleep(1200000);
		assert_int_equal(store_file(s), STORE_FILE_OPEN);
	}
	store_close(s);
}

/* Somebody who looks at it with sqlite3, and even writes, damages nothing. */
static void
another_program_that_writes_as_sqlite_does_is_no_damage(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = with_one_listed(d);
	sqlite3 *db;

	usleep(1500000);
	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE theirs(x); INSERT INTO theirs VALUES (1); PRAGMA wal_checkpoint", NULL, NULL,
	    NULL), SQLITE_OK);
	sqlite3_close(db);
	usleep(2500000);
	assert_int_equal(store_file(s), STORE_FILE_OPEN);
	tell(s, "192.0.2.8");
	settle(s);
	assert_int_equal(listed(d), 2);
	store_close(s);
}

/* Open for reading it holds whoever opens it, until somebody writes: that is for ever. */
static void
a_fifo_in_place_of_a_file_holds_nobody(void **state)
{
	static const char *const names[] = { "mxtrap.db", BEAT_FILE };
	struct bench_dir *d = *state;
	struct judge_params params;
	struct report *r;
	struct beat b;
	char path[128];

	judge_defaults(&params);
	(void)alarm(60);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		store_close(with_one_listed(d));
		snprintf(path, sizeof path, "%s/%s", d->path, names[i]);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(mkfifo(path, 0640), 0);
		assert_int_equal(beat_read(d->path, &b), i == 0);
		r = NULL;
		assert_int_equal(report_open(&r, d->path, &params), i == 0 ? REPORT_BUSY : REPORT_OK);
		report_close(r);
	}
	(void)alarm(0);
	store_close(support_open(d, NULL));
	assert_true(beat_read(d->path, &b));
}

static bool
cut_while_reading(void *ctx, const struct report_entry *e)
{
	(void)e;
	if (ctx != NULL)
		assert_int_equal(truncate(ctx, 8192), 0);
	return true;
}

/* The rest of what is being read is not there: an error, and no signal. */
static void
a_file_cut_off_under_a_reader_ends_no_process(void **state)
{
	static const struct report_filter filter = { .klass = 0xff, .states = 1U << STATE_LISTED, .one_snapshot = true };
	struct bench_dir *d = *state;
	struct report *r;
	sqlite3 *db;

	store_close(with_one_listed(d));
	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)"
	    " INSERT INTO listing SELECT sender + i, term, seen, sums, marks, changed_s FROM listing, n", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	r = support_report(d);
	assert_int_equal(report_entries(r, &filter, NOW_S, NULL, cut_while_reading, d->file), REPORT_ERROR);
	report_close(r);
}

static void
a_link_in_place_of_the_database_is_told_of(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .dir = d->path, .retention_attempts_s = 86400 };
	struct store *s = NULL;
	char path[128], said[1024] = "";
	FILE *file = tmpfile();
	int was = dup(STDERR_FILENO);

	store_close(with_one_listed(d));
	snprintf(path, sizeof path, "%s/elsewhere", d->path);
	assert_int_equal(rename(d->file, path), 0);
	assert_int_equal(symlink("elsewhere", d->file), 0);
	(void)dup2(fileno(file), STDERR_FILENO);
	assert_int_equal(store_open(&s, &o), STORE_FAILED);
	(void)dup2(was, STDERR_FILENO);
	(void)close(was);
	assert_true(pread(fileno(file), said, sizeof said - 1, 0) > 0);
	(void)fclose(file);
	assert_non_null(strstr(said, "found a symbolic link, expected the file itself"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_fifo_in_place_of_a_file_holds_nobody),
		store_test(a_file_cut_off_under_a_reader_ends_no_process),
		store_test(a_link_in_place_of_the_database_is_told_of),
		store_test(a_file_cut_to_nothing_is_noticed),
		store_test(a_file_cut_in_half_is_noticed),
		store_test(a_head_that_is_overwritten_is_noticed),
		store_test(a_middle_that_is_overwritten_is_noticed),
		store_test(a_log_that_is_overwritten_is_noticed),
		store_test(a_log_that_is_cut_off_is_noticed),
		store_test(a_file_whose_log_was_lost_is_set_aside_though_no_check_finds_it),
		store_test(but_not_a_backup_that_was_put_there_since),
		store_test(a_page_that_rots_is_found_by_who_reads_it),
		store_test(a_suspicion_that_is_wrong_changes_nothing),
		store_test(another_program_that_writes_as_sqlite_does_is_no_damage),
	};

	return cmocka_run_group_tests_name("store_harmed", tests, NULL, NULL);
}
