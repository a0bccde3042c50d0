/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cli_output.c - where the output of mxtrap goes: a reader that went away, a full disk, nowhere.
 */
#include "cli_support.h"

/* All that prints something without mxtrapd. */
static const char *const PRINTS[][4] = {
	{ "help" }, { "version" }, { "help", "list" }, { "list", "--help" }, { "--help" }, { "--version" }, { "list", "--all" },
	{ "list", "--format", "csv" }, { "list", "--format", "ndjson" }, { "list", "--json" }, { "explain", "192.0.2.7" },
	{ "explain", "192.0.2.7", "--json" }, { "export", "plain" }, { "export", "--json" }, { "firewall", "show" },
	{ "token", "list" }, { "consumers" }, { "status" }, { "status", "--json" }, { "report" }, { "report", "--json" }, { "risk" },
	{ "risk", "--format", "csv" }, { "tail" }, { "tail", "--json" }, { "tail", "--format", "ndjson" },
};
#define N_PRINTS (sizeof PRINTS / sizeof PRINTS[0])

static void
named(char *to, size_t size, const char *const *args)
{
	(void)snprintf(to, size, "mxtrap %s %s", args[0], args[1] != NULL ? args[1] : "");
}

static void
a_reader_that_went_away_ends_each_command_without_a_word(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_PRINTS; i++) {
		const char *args[5] = { NULL };
		FILE *err = tmpfile(), *out;
		char what[80], *said;
		int fds[2], status;

		memcpy(args, PRINTS[i], sizeof PRINTS[i]);
		named(what, sizeof what, args);
		assert_non_null(err);
		assert_int_equal(pipe(fds), 0);
		out = fdopen(fds[1], "w");
		assert_non_null(out);
		close(fds[0]);
		status = end(begin(shared.dir, args, out, err));
		said = slurp(err);
		if (status != 128 + SIGPIPE || said[0] != '\0')
			fail_msg("%s: exit status %d, said \"%s\"", what, status, said);
		free(said);
		(void)fclose(out);
	}
}

/* What a parent ignores is handed on; Python and systemd do. */
static void
also_where_the_parent_ignores_the_signal(void **state)
{
	assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	a_reader_that_went_away_ends_each_command_without_a_word(state);
	assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
}

static void
a_full_disk_is_an_error_of_each_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_PRINTS; i++) {
		const char *args[5] = { NULL };
		FILE *out = fopen("/dev/full", "w"), *err = tmpfile();
		char what[80], *said;
		int status;

		memcpy(args, PRINTS[i], sizeof PRINTS[i]);
		named(what, sizeof what, args);
		assert_non_null(out);
		assert_non_null(err);
		status = end(begin(shared.dir, args, out, err));
		said = slurp(err);
		if (status != 1 || strstr(said, "standard output: No space left on device") == NULL)
			fail_msg("%s: exit status %d, said \"%s\"", what, status, said);
		free(said);
		(void)fclose(out);
	}
}

/* More than a buffer holds: the fault comes long before the end. */
static void
a_disk_that_is_full_in_the_middle_is_said(void **state)
{
	struct bench_dir *d = *state;
	FILE *out = fopen("/dev/full", "w"), *err = tmpfile();
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	char *said;

	for (int i = 0; i < 20000; i++) {
		struct sender_row row = sender("198.18.0.2", 0, 5, 1, CLASS_SENDER, GRADE_SYN);

		row.key += (sender_key)i;
		k.sender(k.ctx, &row);
		if (i % 1000 == 0)
			assert_true(store_sync(s));
	}
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	assert_non_null(out);
	assert_non_null(err);
	assert_int_equal(end(begin(d, (const char *const[]){ "list", "--all", NULL }, out, err)), 1);
	said = slurp(err);
	says(said, "mxtrap: standard output: ");
	says(said, "not all of it was written");
	free(said);
	(void)fclose(out);
}

/* Else the next file that is opened would be standard output: the document's own temporary file. */
static void
a_closed_output_is_an_error_and_no_file_of_ours(void **state)
{
	static const char *const wanted[] = { "export", "list", "status" };
	char path[512], conf[160], *said;

	(void)state;
	program(path);
	(void)snprintf(conf, sizeof conf, "%s/mxtrap.conf", shared.dir->path);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		FILE *err = tmpfile();
		pid_t pid = fork();

		assert_non_null(err);
		assert_true(pid >= 0);
		if (pid == 0) {
			(void)close(0);
			(void)close(1);
			(void)dup2(fileno(err), 2);
			execl(path, "mxtrap", "-c", conf, wanted[i], i == 0 ? "plain" : NULL, (char *)NULL);
			_exit(126);
		}
		assert_int_equal(end(pid), 1);
		said = slurp(err);
		says(said, "standard output: Bad file descriptor");
		free(said);
	}
}

int
main(void)
{
	const struct CMUnitTest reads[] = {
		cmocka_unit_test(a_reader_that_went_away_ends_each_command_without_a_word),
		cmocka_unit_test(also_where_the_parent_ignores_the_signal),
		cmocka_unit_test(a_full_disk_is_an_error_of_each_command),
		cmocka_unit_test(a_closed_output_is_an_error_and_no_file_of_ours),
	};
	const struct CMUnitTest own[] = {
		cli_test(a_disk_that_is_full_in_the_middle_is_said),
	};
	int failed = 0;

	(void)alarm(900);		/* a command that never ends must fail a test, not hold it */
	failed += cmocka_run_group_tests_name("mxtrap's output: one database", reads, shared_setup, shared_teardown);
	failed += cmocka_run_group_tests_name("mxtrap's output", own, NULL, NULL);
	return failed;
}
