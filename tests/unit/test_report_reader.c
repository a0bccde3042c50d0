/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_report_reader.c - a reader beside a writer: without its rights, while it runs, and fast.
 */
#include "report_seen.h"

#include <pwd.h>
#include <sys/wait.h>

static void
a_database_set_aside_is_left_for_the_new_one(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct addr a = support_addr("192.0.2.7");
	struct report_entry e;
	struct report *r;
	struct store *s;
	char aside[128];
	double start;

	fill(d, &c, 1, NULL, 0);
	r = support_report(d);
	assert_int_equal(report_check(r, &a, NOW_S, &e), REPORT_OK);
	snprintf(aside, sizeof aside, "%s.old", d->file);
	assert_int_equal(rename(d->file, aside), 0);
	s = support_open(d, NULL);
	start = support_seconds();
	while (report_check(r, &a, NOW_S, &e) == REPORT_OK)
		assert_true(support_seconds() - start < 50);
	assert_int_equal(report_check(r, &a, NOW_S, &e), REPORT_NONE);
	report_close(r);
	store_close(s);
}

static bool
ask_inside(void *ctx, const struct report_entry *e)
{
	struct seen *s = ctx;
	struct report_state st;

	assert_int_equal(report_state(s->ask, &st), REPORT_OK);
	assert_int_equal(report_evidence(s->ask, e->key, 0, see_evidence, s), REPORT_OK);
	return true;
}

static void
a_callback_may_ask_another_question(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct seen seen = { .n = 0 };
	struct report_filter f = { .klass = 0xff, .one_snapshot = true };

	fill(d, &c, 1, NULL, 0);
	seen.ask = support_report(d);
	assert_int_equal(report_entries(seen.ask, &f, NOW_S, NULL, ask_inside, &seen), REPORT_OK);
	report_close(seen.ask);
}

static void
a_reader_without_write_permission_reads_while_the_writer_runs(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct store *s;
	struct sink k;
	int status;
	pid_t pid;

	if (geteuid() != 0) {
		skip();
		return;
	}
	s = support_open(d, NULL);
	k = store_sink(s);
	k.change(k.ctx, &c);
	assert_true(store_sync(s));
	assert_int_equal(chmod(d->path, 0755), 0);
	for (size_t i = 0; i < 3; i++) {
		char path[128];

		snprintf(path, sizeof path, "%s%s", d->file, (const char *const[]){ "", "-wal", "-shm" }[i]);
		assert_int_equal(chmod(path, 0644), 0);
	}
	pid = fork();
	if (pid == 0) {
		struct addr a = support_addr("192.0.2.7");
		struct judge_params params;
		struct report_entry e;
		struct report *r = NULL;

		judge_defaults(&params);
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(2);
		if (report_open(&r, d->path, &params) != REPORT_OK)
			_exit(3);
		_exit(report_check(r, &a, NOW_S, &e) == REPORT_OK ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : 99, 0);
	store_close(s);
}

static bool
count_entry(void *ctx, const struct report_entry *e)
{
	uint64_t *sum = ctx;

	sum[0]++;
	sum[1] += e->key;
	return true;
}

static void
a_million_listed_are_streamed_and_checked_fast(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, &(struct store_options){ .replay = true });
	struct sink k = store_sink(s);
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct report_filter f = { .states = 1 << STATE_LISTED, .klass = 0xff, .one_snapshot = true };
	uint64_t sum[2] = { 0 };
	struct report_entry e;
	struct report *r;
	double start;
	int found = 0;

	start = support_seconds();
	for (uint32_t i = 0; i < 1000000; i++) {
		/* In key order, as a list is that has grown old: random order would measure something else. */
		c.sender = i < 900000 ? SENDER_KEY_V4 + i * 4000ULL : 0x2000000000000000ULL + ((uint64_t)i << 24);
		c.what = sender_prefix(c.sender);
		k.change(k.ctx, &c);
	}
	assert_true(store_sync(s));
	print_message("1 M list changes written in %.2f s\n", support_seconds() - start);
	r = support_report(d);
	for (int i = 0; i < 3; i++) {
		sum[0] = 0;
		start = support_seconds();
		assert_int_equal(report_entries(r, &f, NOW_S, NULL, count_entry, sum), REPORT_OK);
		print_message("%llu entries streamed in %.2f s\n", (unsigned long long)sum[0], support_seconds() - start);
	}
	assert_int_equal(sum[0], 1000000);
	start = support_seconds();
	for (uint32_t i = 0; i < 200000; i++) {
		struct addr a = support_addr("10.0.0.1");
		uint32_t v = (uint32_t)(i * 2654435761ULL % 1000000) * 4000;

		for (int b = 0; b < 4; b++)
			a.b[12 + b] = (uint8_t)(v >> (24 - 8 * b));
		found += report_check(r, &a, NOW_S, &e) == REPORT_OK;
	}
	print_message("%.2f us a check, %d of 200000 listed\n", (support_seconds() - start) * 5, found);
	assert_true(support_seconds() - start < 50);
	f = (struct report_filter){ .klass = 0xff, .states = 1U << STATE_LISTED, .order = REPORT_BY_SINCE, .limit = 50 };
	sum[0] = 0;
	start = support_seconds();
	assert_int_equal(report_entries(r, &f, NOW_S, NULL, count_entry, sum), REPORT_OK);
	print_message("the newest %llu in %.1f ms\n", (unsigned long long)sum[0], (support_seconds() - start) * 1000);
	assert_true(support_seconds() - start < 5);
	report_close(r);
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_database_set_aside_is_left_for_the_new_one),
		store_test(a_callback_may_ask_another_question),
		store_test(a_reader_without_write_permission_reads_while_the_writer_runs),
		store_test(a_million_listed_are_streamed_and_checked_fast),
	};

	return cmocka_run_group_tests_name("report: reader", tests, NULL, NULL);
}
