/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cli.c - mxtrap's help, and what it says to words that it does not know.
 */
#include "cli_support.h"

#include <sqlite3.h>

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

static void
support_sql(const struct bench_dir *d, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* Of another version: both numbers, and what to do. */
static void
a_database_of_another_version_is_named_with_both(void **state)
{
	static const struct { int by; const char *says[2]; } rows[] = {
		{ -1, { "is of an older mxtrap: its version is ", "systemctl restart mxtrapd" } },
		{ +1, { "is of a newer mxtrap: its version is ", "mxtrap restore FILE" } },
	};
	static const char *const commands[] = { "list", "status", "report", "consumers", "risk" };
	struct bench_dir *d = *state;
	int known = 0, found = 0;

	fill(d);
	report_versions(d->path, &known, &found);
	assert_true(known > 0);
	assert_int_equal(known, found);
	for (size_t i = 0; i < 2; i++) {
		char sql[64], versions[2][64];

		(void)snprintf(sql, sizeof sql, "PRAGMA user_version=%d", known + rows[i].by);
		support_sql(d, sql);
		(void)snprintf(versions[0], sizeof versions[0], "its version is %d, ", known + rows[i].by);
		(void)snprintf(versions[1], sizeof versions[1], "s %d. ", known);
		for (size_t k = 0; k < sizeof commands / sizeof commands[0]; k++) {
			struct printed s = RUN(d, commands[k]);

			assert_int_equal(s.status, 3);
			for (size_t j = 0; j < 2; j++) {
				says(s.err, rows[i].says[j]);
				says(s.err, versions[j]);
			}
			/* Said once. */
			assert_ptr_equal(strchr(s.err, '\n') + 1, s.err + strlen(s.err));
			done(&s);
		}
	}
}

static void
no_token_is_said(void **state)
{
	struct printed p;

	store_close(open_store(*state));
	p = RUN(*state, "token", "list");
	assert_int_equal(p.status, 0);
	says(p.out, "There is no token: mxtrap token add NAME makes one.");
	done(&p);
}

/* Which there are is said where a name is none of them. */
static void
a_token_that_there_is_not_is_refused_with_those_that_there_are(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	uint8_t hash[32] = { 1 };
	struct printed p;

	assert_true(store_sync(s));
	store_close(s);
	p = RUN(d, "token", "revoke", "nix");
	assert_int_equal(p.status, 1);
	says(p.err, "there is no token nix: there is none at all (mxtrap token add NAME makes one)");
	done(&p);
	s = open_store(d);
	assert_true(store_token(s, hash, "shop", "export", 0, "root"));
	hash[0] = 2;
	assert_true(store_token(s, hash, "desk", "admin", NOW_S - 9, "root"));	/* ended; its name is taken */
	store_close(s);
	p = RUN(d, "token", "revoke", "nix");
	assert_int_equal(p.status, 1);
	says(p.err, "there is no token nix; the tokens are: shop, desk\n");
	done(&p);
	p = RUN(d, "token", "add", "desk");
	assert_int_equal(p.status, 1);
	says(p.err, "there is a token desk already: choose another name, or mxtrap token revoke desk first");
	done(&p);
	/* mxtrapd is asked only for what may be. */
	p = RUN(d, "token", "revoke", "shop");
	assert_int_equal(p.status, 3);
	done(&p);
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
		cli_test(a_database_of_another_version_is_named_with_both),
		cli_test(no_token_is_said),
		cli_test(a_token_that_there_is_not_is_refused_with_those_that_there_are),
	};
	int failed = 0;

	(void)alarm(900);		/* a command that never ends must fail a test, not hold it */
	for (size_t i = 0; i < sizeof usage_rows / sizeof usage_rows[0]; i++)
		words[i] = row_test(usage_rows[i].name, usage_is_refused, &usage_rows[i]);
	failed += cmocka_run_group_tests_name("mxtrap: words", words, shared_setup, shared_teardown);
	failed += cmocka_run_group_tests_name("mxtrap", own, NULL, NULL);
	return failed;
}
