/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cli_explain.c - mxtrap explain.
 */
#include <sqlite3.h>

#include "cli_support.h"

#include "mxtrap/visit.h"

static void
an_explanation_tells_all_of_it(void **state)
{
	static const char *const parts[] = {
		"192.0.2.7 is listed: consumers of the list block it.",
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

/* What it is told to be, and why: the words after "It". */
static void
each_kind_of_evidence_is_a_sentence_about_the_sender(void **state)
{
	static const char *const verbs[] = { "came ", "tried ", "went ", "spoke ", "named ", "climbed ", "touched ", "was ", "asked ",
		"had " };

	(void)state;
	for (int kind = 0; kind < EVIDENCE_N_KINDS; kind++) {
		const char *text = evidence_info((enum evidence_kind)kind)->says;
		size_t i = 0;

		while (i < sizeof verbs / sizeof verbs[0] && strncmp(text, verbs[i], strlen(verbs[i])) != 0)
			i++;
		if (i == sizeof verbs / sizeof verbs[0])
			fail_msg("\"It %s\" is no sentence", text);
	}
}

/* The first visit fell into the start grace: for a day an order is supposed that nobody saw. */
static void
an_explanation_says_until_when_nothing_counts(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct sender_row rows[] = { sender("198.18.0.7", 0, 0, 1, CLASS_SENDER, GRADE_PROVEN),
		sender("198.18.0.8", 0, 0, 1, CLASS_SENDER, GRADE_PROVEN), sender("198.18.0.9", 0, 0, 1, CLASS_SENDER, GRADE_PROVEN) };
	struct memory_row memories[] = {
		{ .sender = support_key("198.18.0.7"), .memory_at_s = NOW_S - 3600, .lower_at_s = NOW_S - 3600 - VISIT_REFRESH_S - 1 },
		{ .sender = support_key("198.18.0.8"), .memory_at_s = NOW_S - 7200, .lower_at_s = NOW_S - 7200 },
		{ .sender = support_key("198.18.0.9"), .memory_at_s = NOW_S - 86401, .lower_at_s = NOW_S - 86401 },
	};
	struct evidence_row e = evidence("198.18.0.7", NOW_US - 3600 * 1000000LL, EVIDENCE_BACKUP_FIRST, 0, 0, DOUBT_START_GRACE);
	struct printed p;

	for (size_t i = 0; i < 3; i++) {
		rows[i].state = STATE_UNKNOWN;
		k.sender(k.ctx, &rows[i]);
		k.memory(k.ctx, &memories[i]);
	}
	k.evidence(k.ctx, &e);
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	p = RUN(d, "explain", "198.18.0.7");
	says(p.out, "Excused because mxtrap had only just begun to watch");
	says(p.out, "Until 2026-09-22 13:13:20 +0000, for 23h 00m, it counts nothing\n    that it comes to the backup first, of example.org:\n"
	    "    what it did before its last visit could not be seen");
	says(p.out, "Otherwise only what it does from now on.");
	done(&p);
	p = RUN(d, "explain", "198.18.0.8");
	says(p.out, "Until 2026-09-22 12:13:20 +0000, for 22h 00m, it counts nothing");
	says(p.out, "it came to a lower rung at 2026-09-21 12:13:20 +0000");
	done(&p);
	p = RUN(d, "explain", "198.18.0.9");
	says_not(p.out, "Until ");
	says(p.out, "  Only what it does from now on.");
	done(&p);
	p = RUN(d, "explain", "198.18.0.7", "--json");
	says(p.out, "\"remembered\":[{\"mx_set\":\"example.org\",\"until\":1790082800,\"supposed\":true}]");
	done(&p);
}

/* A dialogue that goes on has the same thing judged at its first recipient and at its end. */
static void
what_was_excused_twice_in_a_visit_is_shown_once(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct sender_row row = sender("198.18.0.7", 5, 5, 1, CLASS_SENDER, GRADE_PROVEN);
	struct evidence_row e[] = {
		evidence("198.18.0.7", NOW_US - 9000000, EVIDENCE_BAD_HELO, 0, 0, DOUBT_START_GRACE),
		evidence("198.18.0.7", NOW_US - 8000000, EVIDENCE_EARLY_TALKER, 0, 0, DOUBT_START_GRACE),
		evidence("198.18.0.7", NOW_US - 7000000, EVIDENCE_BAD_HELO, 0, 0, DOUBT_START_GRACE),	/* the same visit */
		evidence("198.18.0.7", NOW_US - 6000000, EVIDENCE_BAD_HELO, 0, 0, DOUBT_BLIND),		/* another reason */
		evidence("198.18.0.7", NOW_US - 5000000, EVIDENCE_BAD_HELO, 2, 2, 0),			/* it counts */
		evidence("198.18.0.7", NOW_US - 4000000, EVIDENCE_BAD_HELO, 2, 4, 0),
		evidence("198.18.0.7", NOW_US - 3000000, EVIDENCE_BAD_HELO, 0, 4, DOUBT_BLIND),		/* another visit */
	};
	const char *const forms[] = { NULL, "--json" }, *const parts[] = { "EVIDENCE bad_helo", "\"kind\":\"bad_helo\"" };

	for (size_t i = 0; i < sizeof e / sizeof e[0]; i++) {
		e[i].visit_us = i < 6 ? NOW_US - 10000000 : NOW_US - 3500000;
		k.evidence(k.ctx, &e[i]);
	}
	k.sender(k.ctx, &row);
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	for (size_t i = 0; i < 2; i++) {
		struct printed p = RUN(d, "explain", "198.18.0.7", forms[i]);
		size_t n = 0;

		for (const char *at = p.out; (at = strstr(at, parts[i])) != NULL; at++)
			n++;
		assert_int_equal(n, 5);
		done(&p);
	}
}

static void
a_state_is_explained_by_what_is_known(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct sender_row some = sender("198.18.0.7", -1, -1, 1 << EVIDENCE_CLIMBED, CLASS_SENDER, GRADE_PROVEN),
		none = sender("198.18.0.8", 0, 0, 0, CLASS_SENDER, GRADE_SYN);
	struct change_row suspect = support_change("192.0.2.8", STATE_UNKNOWN, STATE_SUSPECT);
	struct printed p;

	some.state = none.state = STATE_UNKNOWN;
	k.sender(k.ctx, &some);
	k.sender(k.ctx, &none);
	k.change(k.ctx, &suspect);
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	p = RUN(d, "explain", "198.18.0.7");
	says(p.out, "score   -1.0");
	says(p.out, "198.18.0.7 is unknown: what weighs for it or against it is too little");
	says_not(p.out, "nothing weighs");
	done(&p);
	p = RUN(d, "explain", "198.18.0.8");
	says(p.out, "nothing weighs for it or against it");
	done(&p);
	p = RUN(d, "explain", "192.0.2.8");
	says_not(p.out, "never exported");
	says(p.out, "exported only\nwhere a consumer asks for suspects");
	done(&p);
}

static void
a_network_or_a_name_is_refused_with_what_to_type(void **state)
{
	static const char *const rows[][2] = {
		{ "91.2.3.66/24", "one sender is explained at a time: mxtrap explain 91.2.3.66\n" },
		{ "91.2.3.0/24", "the senders that are known: mxtrap list --all\n" },
		{ "2001:db8:1:2::/48", "which is a /64 of IPv6: mxtrap explain 2001:db8:1:2::/64\n" },
		{ "mx9.example.org", "names are not resolved: mxtrap explain ADDRESS, with what dig +short mx9.example.org prints\n" },
		{ "localhost", "dig +short localhost" },
		{ "1.2.3.300", "expected an IPv4 or IPv6 address" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct printed s = RUN(shared.dir, "explain", rows[i][0]);

		assert_int_equal(s.status, 1);
		says(s.err, rows[i][1]);
		done(&s);
	}
}

static void
inputs_that_are_no_longer_kept_are_said(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct sender_row row = sender("198.18.0.2", 0, 5, 1, CLASS_SENDER, GRADE_SYN);
	struct printed said;
	sqlite3 *db = NULL;

	k.sender(k.ctx, &row);
	store_clock(s, NOW_US + 600 * 1000000LL);
	assert_true(store_sync(s));
	store_close(s);
	said = RUN(d, "explain", "198.18.0.2");
	says_not(said.out, "no longer kept");
	done(&said);
	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE meta SET inputs_us = 1790000000000000", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	said = RUN(d, "explain", "198.18.0.2");
	says(said.out, "Inputs before 2026-09-21 14:13:20 +0000 are no longer kept");
	done(&said);
	said = RUN(d, "explain", "198.18.0.2", "--json");
	says(said.out, "\"inputs_since\":1790000000");
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
		cmocka_unit_test(a_network_or_a_name_is_refused_with_what_to_type),
		cmocka_unit_test(each_kind_of_evidence_is_a_sentence_about_the_sender),
	};
	const struct CMUnitTest own[] = {
		cli_test(a_long_story_is_shortened_in_its_middle),
		cli_test(inputs_that_are_no_longer_kept_are_said),
		cli_test(an_explanation_says_until_when_nothing_counts),
		cli_test(what_was_excused_twice_in_a_visit_is_shown_once),
		cli_test(a_state_is_explained_by_what_is_known),
	};
	int failed = 0;

	(void)alarm(900);		/* a command that never ends must fail a test, not hold it */
	failed += cmocka_run_group_tests_name("mxtrap explain: one database", reads, shared_setup, shared_teardown);
	failed += cmocka_run_group_tests_name("mxtrap explain", own, NULL, NULL);
	return failed;
}
