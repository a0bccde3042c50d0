/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cli_list.c - mxtrap list and export.
 */
#include "cli_support.h"

struct list_row {
	const char *name, *option, *in[4], *out[3];
};

static const struct list_row list_rows[] = {
	{ "list_is_who_is_listed", NULL, { "192.0.2.7/32" }, { "192.0.2.8/32", "198.18" } },
	{ "suspects_are_suspects", "--suspects", { "192.0.2.8/32" }, { "192.0.2.7/32", "198.18" } },
	{ "noticed_are_hinted_at", "--noticed", { "198.18.0.2/32" }, { "192.0.2.7/32", "198.18.0.1/32" } },
	{ "cleared_behaved_well", "--cleared", { "198.18.0.1/32" }, { "192.0.2.7/32", "198.18.0.2/32" } },
	{ "scanners_are_proven", "--scanners", { "198.18.0.3/32" }, { "198.18.0.4/32", "192.0.2" } },
	{ "all_have_evidence", "--all", { "192.0.2.7/32", "192.0.2.8/32", "198.18.0.1/32", "198.18.0.4/32" },
	    { "198.18.0.5/32" } },
};

static void
a_list_holds(void **state)
{
	const struct list_row *row = *state;
	static const char *const formats[] = { "plain", "ndjson", "csv", "table" };

	for (size_t f = 0; f < 4; f++) {
		const char *args[] = { "list", "--format", formats[f], row->option, NULL };
		struct printed s = run(shared.dir, args);

		assert_int_equal(s.status, 0);
		assert_string_equal(s.err, "");
		for (size_t i = 0; i < 4 && row->in[i] != NULL; i++)
			says(s.out, row->in[i]);
		for (size_t i = 0; i < 3 && row->out[i] != NULL; i++)
			says_not(s.out, row->out[i]);
		done(&s);
	}
}

static void
ndjson_ends_with_the_metadata(void **state)
{
	struct printed s = RUN(shared.dir, "list", "--all", "--format", "ndjson");
	const char *last = strstr(s.out, "{\"type\":\"metadata\",\"serial\":");

	(void)state;
	assert_non_null(last);
	says(last, "\"records\":6,");
	assert_ptr_equal(strchr(last, '\n') + 1, last + strlen(last));
	says(s.out, "{\"cidr\":\"192.0.2.8/32\",\"state\":\"suspect\",\"score\":6.00,");
	says(s.out, "\"reasons\":[\"backup_first\",\"descended\"],");
	done(&s);
}

/* What was allowed by hand stands below: that it is nobody would be wrong. */
static void
the_head_of_what_is_allowed_speaks_of_senders_that_came(void **state)
{
	struct printed s = RUN(shared.dir, "list", "--allowed");

	(void)state;
	assert_null(strstr(s.out, "No sender is allowed"));
	done(&s);
	s = RUN(shared.dir, "allow", "192.0.2.1-192.0.2.9");
	assert_int_equal(s.status, 1);
	assert_null(strstr(s.err, "dig +short"));
	done(&s);
}

static void
list_and_export_give_the_same_lines(void **state)
{
	struct printed a = RUN(shared.dir, "list", "--format", "ndjson"), b = RUN(shared.dir, "export", "ndjson");

	(void)state;
	assert_string_equal(a.out, b.out);
	done(&a);
	done(&b);
	a = RUN(shared.dir, "list", "--format", "csv");
	b = RUN(shared.dir, "export", "csv");
	assert_string_equal(a.out, b.out);
	done(&a);
	done(&b);
}

static void
a_table_fits_100_columns_and_has_no_colours_in_a_pipe(void **state)
{
	struct printed s = RUN(shared.dir, "list", "--all");

	(void)state;
	says(s.out, "SENDER");
	says(s.out, "10.5 of 9.1");
	says_not(s.out, "\033");
	for (const char *at = s.out; *at != '\0'; at += strcspn(at, "\n") + 1)
		assert_true(strcspn(at, "\n") <= 100);
	done(&s);
}

static void
nobody_listed_is_said(void **state)
{
	struct bench_dir *d = *state;
	struct printed s;

	store_close(open_store(d));
	s = RUN(d, "list");
	assert_int_equal(s.status, 0);
	says(s.out, "No sender is listed.");
	done(&s);
	s = RUN(d, "list", "--format", "csv");
	assert_string_equal(s.out, "cidr,state,score,hint,grade,class,reasons,first_seen,last_seen,since,expires\n");
	done(&s);
}

static void
list_does_not_ask_the_publish_gate_and_export_does(void **state)
{
	struct bench_dir *d = *state;
	struct printed s;

	fill(d);
	configure(d, "no");
	s = RUN(d, "list", "--format", "plain");
	says(s.out, "192.0.2.7");
	done(&s);
	s = RUN(d, "export", "plain");
	assert_int_equal(s.status, 0);
	says_not(s.out, "\n192.0.2.7");
	says(s.err, "publish = yes");
	done(&s);
	s = RUN(d, "report");
	says(s.out, "Nothing is blocked");
	says(s.out, "192.0.2.7/32");
	done(&s);
}

int
main(void)
{
	struct CMUnitTest words[sizeof list_rows / sizeof list_rows[0]];
	const struct CMUnitTest reads[] = {
		cmocka_unit_test(ndjson_ends_with_the_metadata),
		cmocka_unit_test(the_head_of_what_is_allowed_speaks_of_senders_that_came),
		cmocka_unit_test(list_and_export_give_the_same_lines),
		cmocka_unit_test(a_table_fits_100_columns_and_has_no_colours_in_a_pipe),
	};
	const struct CMUnitTest own[] = {
		cli_test(nobody_listed_is_said),
		cli_test(list_does_not_ask_the_publish_gate_and_export_does),
	};
	int failed = 0;

	(void)alarm(900);		/* a command that never ends must fail a test, not hold it */
	for (size_t i = 0; i < sizeof list_rows / sizeof list_rows[0]; i++)
		words[i] = row_test(list_rows[i].name, a_list_holds, &list_rows[i]);
	failed += cmocka_run_group_tests_name("mxtrap list: words", words, shared_setup, shared_teardown);
	failed += cmocka_run_group_tests_name("mxtrap list: one database", reads, shared_setup, shared_teardown);
	failed += cmocka_run_group_tests_name("mxtrap list", own, NULL, NULL);
	return failed;
}
