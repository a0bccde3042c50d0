/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cli.c - mxtrap's help, and what it says to words that it does not know.
 */
#include "cli_support.h"

static void
help_fits_a_screen(void **state)
{
	struct printed s = RUN(*state, "--help");
	size_t lines = 0;

	for (const char *at = s.out; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(s.status, 0);
	assert_in_range(lines, 10, 24);
	for (const char *at = s.out; *at != '\0'; at += strcspn(at, "\n") + 1)
		assert_true(strcspn(at, "\n") <= 80);
	done(&s);
}

static void
each_command_has_its_own_help(void **state)
{
	static const char *const commands[] = { "list", "explain", "export", "allow", "forget", "status", "report",
		"tail", "risk", "purge" };

	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		struct printed s = RUN(*state, commands[i], "--help");

		assert_int_equal(s.status, 0);
		says(s.out, commands[i]);
		done(&s);
	}
}

static void
a_typo_is_told_the_nearest_command(void **state)
{
	struct printed s = RUN(*state, "explian", "192.0.2.7");

	assert_int_equal(s.status, 2);
	says(s.err, "did you mean explain?");
	done(&s);
	s = RUN(*state, "frobnicate\033[2J");
	assert_int_equal(s.status, 2);
	says_not(s.err, "did you mean");
	says_not(s.err, "\033");
	done(&s);
}

static void
nothing_to_do_is_a_usage_error(void **state)
{
	struct printed s = run(*state, (const char *const[]){ NULL });

	assert_int_equal(s.status, 2);
	says(s.err, "usage: mxtrap");
	done(&s);
}

struct usage_row {
	const char *name, *args[4];
};

static const struct usage_row usage_rows[] = {
	{ "list_refuses_an_unknown_state", { "list", "--strange" } },
	{ "list_refuses_an_unknown_format", { "list", "--format", "pdf" } },
	{ "list_refuses_a_format_that_is_missing", { "list", "--format" } },
	{ "list_refuses_two_states", { "list", "--all", "--suspects" } },
	{ "export_wants_a_format", { "export" } },
	{ "export_refuses_an_unknown_format", { "export", "pdf" } },
	{ "explain_wants_an_address", { "explain" } },
	{ "explain_takes_one_address", { "explain", "192.0.2.7", "192.0.2.8" } },
	{ "status_takes_no_words", { "status", "now" } },
	{ "report_takes_no_words", { "report", "now" } },
	{ "report_wants_a_number", { "report", "--limit", "0" } },
	{ "risk_wants_a_number", { "risk", "--limit", "0" } },
	{ "risk_refuses_an_unknown_format", { "risk", "--format", "pdf" } },
	{ "risk_refuses_a_strange_word", { "risk", "now" } },
	{ "purge_wants_a_condition", { "purge" } },
	{ "purge_wants_more_than_a_dry_run", { "purge", "--dry-run" } },
	{ "purge_wants_a_value", { "purge", "--evidence" } },
	{ "purge_refuses_a_strange_word", { "purge", "all" } },
	{ "tail_wants_a_number", { "tail", "--count", "few" } },
	{ "tail_wants_a_positive_number", { "tail", "--count", "0" } },
	{ "allow_wants_an_address", { "allow" } },
	{ "allow_refuses_a_strange_time", { "allow", "192.0.2.7", "--for", "soon" } },
	{ "export_refuses_a_limit_of_none", { "export", "plain", "--limit", "0" } },
	{ "export_wants_a_value_behind_an_option", { "export", "plain", "--family" } },
	{ "export_takes_one_format", { "export", "plain", "csv" } },
	{ "publish_wants_its_accept", { "publish" } },
	{ "publish_refuses_a_strange_word", { "publish", "now" } },
	{ "forget_has_no_time", { "forget", "192.0.2.7", "--for" } },
};

static void
usage_is_refused(void **state)
{
	const struct usage_row *row = *state;
	const char *args[5] = { NULL };
	struct printed s;

	memcpy(args, row->args, sizeof row->args);
	s = run(shared.dir, args);
	assert_int_equal(s.status, 2);
	says(s.err, "usage: mxtrap");
	assert_string_equal(s.out, "");
	done(&s);
}

/* And not as a terminal would obey it. */
static void
a_word_that_a_command_does_not_take_is_named(void **state)
{
	static const char *const commands[] = { "list", "export", "allow", "forget", "purge", "status", "report", "risk", "tail", "explain",
		"consumers", "block", "backup", "restore" };

	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		struct printed s = RUN(*state, commands[i], "--odd\033[2J");

		assert_int_equal(s.status, 2);
		says(s.err, ": unknown option --odd\\x1b[2J\n");
		says(s.err, commands[i]);
		done(&s);
	}
}

static void
no_database_is_unreachable(void **state)
{
	struct printed s = RUN(*state, "list");

	assert_int_equal(s.status, 3);
	says(s.err, "mxtrapd");
	done(&s);
}

/* A wrong word is said before the database is missed. */
static void
words_are_read_before_the_database(void **state)
{
	for (size_t i = 0; i < sizeof usage_rows / sizeof usage_rows[0]; i++) {
		const char *args[5] = { NULL };
		struct printed s;

		memcpy(args, usage_rows[i].args, sizeof usage_rows[i].args);
		s = run(*state, args);
		assert_int_equal(s.status, 2);
		says(s.err, "usage: mxtrap");
		done(&s);
	}
}

/* Not by root, who may read all. */
static void
a_database_that_may_not_be_read_is_told_from_none(void **state)
{
	const struct bench_dir *d = *state;
	struct printed s;

	fill(d);
	assert_int_equal(chmod(d->path, 0755), 0);
	assert_int_equal(chmod(d->file, 0600), 0);
	if (geteuid() != 0)
		skip();
	/* The leak sanitizer cannot look into a process of another user. */
	assert_int_equal(setenv("ASAN_OPTIONS", "detect_leaks=0", 1), 0);
	assert_int_equal(seteuid(65534), 0);
	s = RUN(*state, "list");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(unsetenv("ASAN_OPTIONS"), 0);
	if (s.status == 126)		/* others may not come to where this was built */
		skip();
	assert_int_equal(s.status, 3);
	says(s.err, "may not be read");
	done(&s);
}

static void
a_bad_configuration_is_bad_input(void **state)
{
	struct bench_dir *d = *state;
	char path[128];
	FILE *file;
	struct printed s;

	(void)snprintf(path, sizeof path, "%s/mxtrap.conf", d->path);
	file = fopen(path, "a");
	assert_non_null(file);
	fputs("colour = red\n", file);
	assert_int_equal(fclose(file), 0);
	s = RUN(d, "list");
	assert_int_equal(s.status, 1);
	says(s.err, "mxtrap.conf:");
	done(&s);
}

int
main(void)
{
	struct CMUnitTest words[sizeof usage_rows / sizeof usage_rows[0]];
	const struct CMUnitTest own[] = {
		cli_test(help_fits_a_screen),
		cli_test(each_command_has_its_own_help),
		cli_test(a_typo_is_told_the_nearest_command),
		cli_test(nothing_to_do_is_a_usage_error),
		cli_test(no_database_is_unreachable),
		cli_test(words_are_read_before_the_database),
		cli_test(a_word_that_a_command_does_not_take_is_named),
		cli_test(a_database_that_may_not_be_read_is_told_from_none),
		cli_test(a_bad_configuration_is_bad_input),
	};
	int failed = 0;

	(void)alarm(900);		/* a command that never ends must fail a test, not hold it */
	for (size_t i = 0; i < sizeof usage_rows / sizeof usage_rows[0]; i++)
		words[i] = row_test(usage_rows[i].name, usage_is_refused, &usage_rows[i]);
	failed += cmocka_run_group_tests_name("mxtrap: words", words, shared_setup, shared_teardown);
	failed += cmocka_run_group_tests_name("mxtrap", own, NULL, NULL);
	return failed;
}
