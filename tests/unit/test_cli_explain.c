/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cli_explain.c - mxtrap explain.
 */
#include "cli_support.h"

static void
an_explanation_tells_all_of_it(void **state)
{
	static const char *const parts[] = {
		"192.0.2.7 is listed: consumers of the list are told to block it.",
		"suspect from 4.6, listed from 9.1, cleared at -2.3",
		"The ladder of example.org.", "10  nolisting  mx0.example.org (203.0.113.10)",
		"tries 90 bogus (mx9.example.org): connected; the completed handshake proves its address",
		"tries 20 real (mx1.example.org): no answer", "asked 3 times",
		"VISIT to example.org: bogus > real; of that is proven or refused: bogus  (2 attempts)",
		"EVIDENCE backup_first excused, no points  [proven]",
		"Excused because the real MX was not answering",
		"EVIDENCE backup_first +5.0 to the score, now 5.0 of 9.1 (enough to suspect)",
		"now 10.0 of 9.1 (enough to list)",
		"It came to the bogus backup before any lower MX",
		"LIST 192.0.2.7 was unknown, is suspect: by evidence",
		"LIST 192.0.2.7 was suspect, is listed: by evidence; until 2026-09-22 14:13:20 +0000",
		"It leaves the list at 2026-09-22 14:13:20 +0000, in 1d 0h", "mxtrap allow 192.0.2.7 ",
	};
	struct printed s = RUN(shared.dir, "explain", "192.0.2.7");
	const char *at = s.out;

	(void)state;
	assert_int_equal(s.status, 0);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		says(s.out, parts[i]);
	/* In order: the excused piece, then the one that counted, then the suspicion, then the listing. */
	assert_non_null(at = strstr(at, "excused, no points"));
	assert_non_null(at = strstr(at, "now 5.0 of"));
	assert_non_null(at = strstr(at, "is suspect"));
	assert_non_null(at = strstr(at, "now 10.0 of"));
	assert_non_null(strstr(at, "is listed"));
	/* Only ladders that it touched. */
	says_not(s.out, "elsewhere.example");
	done(&s);
}

static void
an_explanation_for_a_program_is_one_json_object(void **state)
{
	struct printed s = RUN(shared.dir, "explain", "192.0.2.7", "--json");

	(void)state;
	assert_int_equal(s.status, 0);
	says(s.out, ",\"sender\":{\"cidr\":\"192.0.2.7/32\",\"state\":\"listed\",");
	assert_ptr_equal(strchr(s.out, '\n') + 1, s.out + strlen(s.out));
	says(s.out, "\"excused\":[{\"doubt\":\"real_down\",");
	says(s.out, "\"route\":[\"bogus\",\"real\"],\"proven_route\":[\"bogus\"]");
	says(s.out, "\"type\":\"change\"");
	says(s.out, "\"type\":\"attempt\"");
	done(&s);
}

static void
an_unknown_address_is_said_and_is_a_no(void **state)
{
	struct printed s = RUN(shared.dir, "explain", "198.51.100.77");

	(void)state;
	assert_int_equal(s.status, 1);
	says(s.out, "198.51.100.77 has never come to a watched address");
	done(&s);
}

static void
no_address_is_bad_input(void **state)
{
	static const char *const words[] = { "mx9.example.org", "192.0.2.0/24", "192.0.2.7/33", "2001:db8::/48", "", "\033[2J" };

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct printed s = RUN(shared.dir, "explain", words[i]);

		assert_int_equal(s.status, 1);
		says(s.err, "expected an IPv4 or IPv6 address");
		says_not(s.err, "\033");
		done(&s);
	}
}

static void
a_long_story_is_shortened_in_its_middle(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct sender_row row = sender("198.18.0.2", 0, 5, 1, CLASS_SENDER, GRADE_SYN);
	struct printed said;
	size_t lines = 0;

	for (int i = 0; i < 500; i++) {
		struct attempt_row a = support_attempt("198.18.0.2", NOW_US + i * 1000000LL, 2);

		k.attempt(k.ctx, &a);
	}
	k.sender(k.ctx, &row);
	store_clock(s, NOW_US + 600 * 1000000LL);
	assert_true(store_sync(s));
	store_close(s);
	said = RUN(d, "explain", "198.18.0.2");
	says(said.out, "... 460 more; --json has them all ...");
	for (const char *at = said.out; (at = strstr(at, "tries 90")) != NULL; at++)
		lines++;
	assert_int_equal(lines, 40);
	done(&said);
	said = RUN(d, "explain", "198.18.0.2", "--json");
	lines = 0;
	for (const char *at = said.out; (at = strstr(at, "\"type\":\"attempt\"")) != NULL; at++)
		lines++;
	assert_int_equal(lines, 500);
	done(&said);
}

int
main(void)
{
	const struct CMUnitTest reads[] = {
		cmocka_unit_test(an_explanation_tells_all_of_it),
		cmocka_unit_test(an_explanation_for_a_program_is_one_json_object),
		cmocka_unit_test(an_unknown_address_is_said_and_is_a_no),
		cmocka_unit_test(no_address_is_bad_input),
	};
	const struct CMUnitTest own[] = {
		cli_test(a_long_story_is_shortened_in_its_middle),
	};
	int failed = 0;

	(void)alarm(900);		/* a command that never ends must fail a test, not hold it */
	failed += cmocka_run_group_tests_name("mxtrap explain: one database", reads, shared_setup, shared_teardown);
	failed += cmocka_run_group_tests_name("mxtrap explain", own, NULL, NULL);
	return failed;
}
