/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store_removed.c - the database's files under the running daemon: removed, or others put in their place.
 */
#include "store_guard.h"

#include <sys/wait.h>

/* -- removed -- */

static void
a_removed_file_is_written_again_with_all_that_was_in_it(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = with_one_listed(d);
	uint64_t generation = counters(s).generation, serial = counters(s).serial;
	struct stat st;

	assert_true(store_allow(s, &(struct prefix){ support_addr("192.0.2.99"), 128 }, 0, "test", ""));
	all_gone(d);
	is_rewritten(s);
	assert_int_equal(stat(d->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(listed(d), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM allow"), 1);
	assert_int_not_equal(counters(s).generation, generation);
	assert_int_equal(number(d, "SELECT generation FROM meta"), (int64_t)counters(s).generation);
	assert_int_equal(counters(s).serial, serial);
	tell(s, "192.0.2.8");
	settle(s);
	assert_int_equal(listed(d), 2);
	store_close(s);
	assert_true(sound(d->file));
	assert_int_equal(files_like(d, ".new"), 0);
}

static void
what_is_listed_while_there_is_no_file_is_in_the_one_that_comes(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = with_one_listed(d);

	all_gone(d);
	for (int i = 0; i < 30; i++) {
		char addr[32];

		snprintf(addr, sizeof addr, "198.51.100.%d", i + 1);
		tell(s, addr);
		usleep(50000);
	}
	settle(s);
	is_rewritten(s);
	assert_int_equal(listed(d), 31);
	store_close(s);
	assert_int_equal(listed(d), 31);
}

/* Whatever is answered is true of the file that is there. */
static void
a_decision_that_went_into_nothing_is_not_called_durable(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = with_one_listed(d);
	int64_t durable = 0;

	all_gone(d);
	for (int i = 0; i < 5; i++) {
		char addr[32];

		snprintf(addr, sizeof addr, "198.51.100.%d", i + 1);
		durable += store_allow(s, &(struct prefix){ support_addr(addr), 128 }, 0, "test", "");
		if (i == 0 && store_file(s) != STORE_FILE_OPEN)
			assert_int_equal(durable, 0);
	}
	is_rewritten(s);
	settle(s);
	assert_true(number(d, "SELECT count(*) FROM allow") >= durable);
	assert_true(store_allow(s, &(struct prefix){ support_addr("203.0.113.1"), 128 }, 0, "test", ""));
	store_close(s);
}

static void
a_file_without_its_log_is_written_again(void **state)
{
	static const char *const ends[] = { "-wal", "-shm" };
	struct bench_dir *d = *state;

	for (size_t i = 0; i < 2; i++) {
		struct store *s = with_one_listed(d);

		gone(d, ends[i]);
		is_rewritten(s);
		tell(s, "192.0.2.8");
		settle(s);
		assert_int_equal(listed(d), 2);
		store_close(s);
		assert_true(sound(d->file));
	}
}

static void
a_reader_has_a_list_all_the_time_and_then_the_new_name_of_it(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = with_one_listed(d);
	struct report *r = support_report(d);
	uint64_t generation = counters(s).generation;
	double until = support_seconds() + BOUND_S;
	struct report_state st;

	all_gone(d);
	do {
		assert_int_equal(report_state(r, &st), REPORT_OK);
		assert_int_equal(st.n_listed, 1);
		assert_true(support_seconds() < until);
		store_beat(s, NOW_US);
		usleep(20000);
	} while (st.generation == generation);
	assert_int_equal(st.generation, counters(s).generation);
	report_close(r);
	store_close(s);
}

static void
a_stop_leaves_a_file_where_one_was_removed(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = with_one_listed(d);

	all_gone(d);
	tell(s, "192.0.2.8");
	store_close(s);
	assert_int_equal(listed(d), 2);
	assert_true(sound(d->file));
}

static void
what_cannot_be_written_again_is_reported_and_tried_again(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = with_one_listed(d);
	struct report *r = support_report(d);
	char path[128], inside[160], text[REPORT_TROUBLE_SIZE] = "";
	double until = support_seconds() + BOUND_S;

	snprintf(path, sizeof path, "%s.new", d->file);
	snprintf(inside, sizeof inside, "%s/full", path);
	assert_int_equal(mkdir(path, 0750), 0);
	assert_int_equal(mkdir(inside, 0750), 0);
	all_gone(d);
	while (report_trouble(r, text) != BEAT_REMOVED || strstr(text, "cannot be written again") == NULL) {
		assert_true(support_seconds() < until);
		usleep(20000);
	}
	assert_int_equal(store_file(s), STORE_FILE_REMOVED);
	assert_int_not_equal(access(d->file, F_OK), 0);
	assert_int_equal(rmdir(inside), 0);
	assert_int_equal(rmdir(path), 0);
	is_rewritten(s);
	assert_int_equal(listed(d), 1);
	report_close(r);
	store_close(s);
}

static void
the_record_and_the_lock_come_back_as_well(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = with_one_listed(d);
	double until = support_seconds() + BOUND_S;
	char beat[128], lock[128];

	snprintf(beat, sizeof beat, "%s/mxtrap.beat", d->path);
	snprintf(lock, sizeof lock, "%s/mxtrap.lock", d->path);
	all_gone(d);
	assert_int_equal(unlink(beat), 0);
	assert_int_equal(unlink(lock), 0);
	is_rewritten(s);
	do {
		store_beat(s, NOW_US);
		assert_true(support_seconds() < until);
		usleep(20000);
	} while (access(beat, F_OK) != 0 || access(lock, F_OK) != 0);
	store_close(s);
}

/* -- replaced -- */

static void
another_database_in_its_place_is_left_alone_and_opened_under_a_new_name(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = with_one_listed(d);
	uint64_t generation = counters(s).generation;
	struct stat st;
	ino_t ino;

	copy(d, "backup");
	for (int i = 0; i < 3; i++) {
		char addr[32];

		snprintf(addr, sizeof addr, "198.51.100.%d", i + 1);
		tell(s, addr);
		settle(s);
	}
	ino = put(d, "backup");
	becomes(s, STORE_FILE_REPLACED);
	tell(s, "203.0.113.1");
	store_close(s);
	assert_int_equal(stat(d->file, &st), 0);
	assert_int_equal(st.st_ino, ino);
	/* The old log would be taken for its own. */
	assert_int_equal(files_like(d, "mxtrap.db-"), 0);
	s = support_open(d, NULL);
	assert_false(counters(s).was_corrupt);
	assert_int_not_equal(counters(s).generation, generation);
	assert_int_equal(listed(d), 1);
	store_close(s);
	assert_true(sound(d->file));
}

static void
a_kill_after_it_was_replaced_leaves_no_old_log_beside_it(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = with_one_listed(d);
	int status;
	pid_t pid;

	store_close(s);
	copy(d, "backup");
	pid = fork();
	if (pid == 0) {
		s = support_open(d, NULL);
		for (int i = 0; i < 100; i++) {
			char addr[32];

			snprintf(addr, sizeof addr, "198.51.100.%d", i + 1);
			tell(s, addr);
		}
		settle(s);
		_exit(put(d, "backup") == 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	s = support_open(d, NULL);
	assert_false(counters(s).was_corrupt);
	assert_int_equal(listed(d), 1);
	store_close(s);
	assert_true(sound(d->file));
}

static void
what_is_put_there_and_is_no_database_is_set_aside(void **state)
{
	static const struct { const char *bytes; size_t n; } useless[] = { { "", 0 }, { "this is no database", 19 } };
	struct bench_dir *d = *state;

	for (size_t i = 0; i < 2; i++) {
		struct store *s = with_one_listed(d);

		spit(d, "put", useless[i].bytes, useless[i].n);
		(void)put(d, "put");
		is_rewritten(s);
		assert_int_equal(listed(d), 1);
		assert_true(files_like(d, "mxtrap.db.other-") >= 1);
		store_close(s);
	}
}

static void
a_reader_does_not_follow_to_a_file_that_watch_has_not_opened(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = with_one_listed(d);
	struct report *r = support_report(d), *late = NULL;
	struct report_state st;
	struct judge_params params;

	judge_defaults(&params);
	copy(d, "backup");
	tell(s, "198.51.100.1");
	settle(s);
	(void)put(d, "backup");
	assert_int_equal(report_open(&late, d->path, &params), REPORT_BUSY);
	becomes(s, STORE_FILE_REPLACED);
	store_beat(s, NOW_US);
	usleep(1200000);		/* a reader looks once a second */
	assert_int_equal(report_state(r, &st), REPORT_OK);
	assert_int_equal(st.n_listed, 2);
	store_close(s);
	usleep(1200000);
	assert_int_equal(report_state(r, &st), REPORT_OK);
	assert_int_equal(st.n_listed, 1);
	report_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_removed_file_is_written_again_with_all_that_was_in_it),
		store_test(what_is_listed_while_there_is_no_file_is_in_the_one_that_comes),
		store_test(a_decision_that_went_into_nothing_is_not_called_durable),
		store_test(a_file_without_its_log_is_written_again),
		store_test(a_reader_has_a_list_all_the_time_and_then_the_new_name_of_it),
		store_test(a_stop_leaves_a_file_where_one_was_removed),
		store_test(what_cannot_be_written_again_is_reported_and_tried_again),
		store_test(the_record_and_the_lock_come_back_as_well),
		store_test(another_database_in_its_place_is_left_alone_and_opened_under_a_new_name),
		store_test(a_kill_after_it_was_replaced_leaves_no_old_log_beside_it),
		store_test(what_is_put_there_and_is_no_database_is_set_aside),
		store_test(a_reader_does_not_follow_to_a_file_that_watch_has_not_opened),
	};

	return cmocka_run_group_tests_name("store_removed", tests, NULL, NULL);
}
