/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_export_format.c - what leaves, in the words of each program that reads it; and what may be asked for.
 */
#include "export_support.h"

static void
ipset_fills_new_sets_and_swaps_them(void **state)
{
	matches_its_golden_file(*state, "ipset", "list.ipset");
}

static void
an_empty_ipset_list_swaps_in_empty_sets(void **state)
{
	empty_is_still_a_document(*state, "ipset", "empty.ipset");
}

static void
pf_is_a_table_of_addresses_and_networks(void **state)
{
	matches_its_golden_file(*state, "pf", "list.pf");
}

static void
postfix_cidr_rejects_with_a_reference_and_the_contact(void **state)
{
	matches_its_golden_file(*state, "postfix-cidr", "list.postfix-cidr");
}

static void
postscreen_cidr_says_reject_alone(void **state)
{
	matches_its_golden_file(*state, "postscreen-cidr", "list.postscreen-cidr");
}

static void
exim_quotes_keys_with_colons(void **state)
{
	matches_its_golden_file(*state, "exim", "list.exim");
}

static void
opensmtpd_says_first_that_it_is_a_list(void **state)
{
	matches_its_golden_file(*state, "opensmtpd", "list.opensmtpd");
}

static void
sendmail_writes_ipv6_unshortened_up_to_its_64(void **state)
{
	matches_its_golden_file(*state, "sendmail", "list.sendmail");
}

static void
rspamd_has_the_reason_as_a_comment(void **state)
{
	matches_its_golden_file(*state, "rspamd", "list.rspamd");
}

static void
rbldnsd_has_both_families_test_entries_and_a_time(void **state)
{
	matches_its_golden_file(*state, "rbldnsd", "list.rbldnsd");
}

static void
an_empty_rbldnsd_list_has_both_datasets(void **state)
{
	empty_is_still_a_document(*state, "rbldnsd", "empty.rbldnsd");
}

static void
zone_has_wildcards_for_a_64_and_the_test_entries(void **state)
{
	matches_its_golden_file(*state, "zone", "list.zone");
}

static void
an_empty_zone_has_its_soa_and_test_entries(void **state)
{
	empty_is_still_a_document(*state, "zone", "empty.zone");
}

static void
haproxy_is_an_acl_file(void **state)
{
	matches_its_golden_file(*state, "haproxy", "list.haproxy");
}

static void
mikrotik_removes_and_adds_with_timeouts(void **state)
{
	matches_its_golden_file(*state, "mikrotik", "list.mikrotik");
}

static void
an_empty_mikrotik_script_removes(void **state)
{
	empty_is_still_a_document(*state, "mikrotik", "empty.mikrotik");
}

static void
crowdsec_is_what_cscli_imports(void **state)
{
	matches_its_golden_file(*state, "crowdsec", "list.crowdsec");
}

static void
an_empty_crowdsec_list_has_its_heading(void **state)
{
	empty_is_still_a_document(*state, "crowdsec", "empty.crowdsec");
}

static void
a_bouncer_that_begins_gets_decisions(void **state)
{
	matches_its_golden_file(*state, "crowdsec-stream", "list.crowdsec-stream");
}

static void
an_empty_stream_has_both_arrays(void **state)
{
	empty_is_still_a_document(*state, "crowdsec-stream", "empty.crowdsec-stream");
}

static void
fail2ban_lines_keep_their_words(void **state)
{
	matches_its_golden_file(*state, "fail2ban", "list.fail2ban");
}

/* Four that are listed with sums of 10.5 and 13, a suspect, and a scanner that is on no list. */
static char *
with_options(const struct bench_dir *d, const char *format, const struct export_options *o, uint64_t written)
{
	struct report *r;
	struct export_summary summary;
	struct config config;
	char *bytes = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&bytes, &size);

	fill_four(d);
	r = support_report(d);
	assert_non_null(file);
	load(&config, CONF_OPEN);
	assert_int_equal(export_write(file, export_format_find(format), o, r, &config, NOW_S, &summary), EXPORT_OK);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(summary.written, written);
	config_free(&config);
	report_close(r);
	return bytes;
}

/* Behind the comment. */
static void
plain_gives(const struct bench_dir *d, const struct export_options *o, uint64_t written, const char *want)
{
	char *text = with_options(d, "plain", o, written);

	assert_non_null(strchr(text, '\n'));
	assert_string_equal(strchr(text, '\n') + 1, want);
	free(text);
}

static void
one_family_alone_can_be_asked_for(void **state)
{
	plain_gives(*state, &(struct export_options){ .family = 4 }, 2, "192.0.2.7\n198.51.100.9\n");
}

static void
the_other_family_alone_can_be_asked_for(void **state)
{
	plain_gives(*state, &(struct export_options){ .family = 6 }, 2, "2001:db8:1:2::/64\n2001:db8:5:6::9\n");
}

static void
a_grade_can_be_demanded(void **state)
{
	plain_gives(*state, &(struct export_options){ .grade = GRADE_ADDRESSED }, 1, "198.51.100.9\n");
}

static void
a_score_can_be_demanded(void **state)
{
	plain_gives(*state, &(struct export_options){ .min_score = 11 }, 1, "198.51.100.9\n");
}

static void
a_limit_takes_the_highest_scores_first(void **state)
{
	plain_gives(*state, &(struct export_options){ .limit = 2 }, 2, "198.51.100.9\n192.0.2.7\n");
}

static void
suspects_come_only_where_they_are_asked_for(void **state)
{
	plain_gives(*state, &(struct export_options){ .family = 4, .suspects = true }, 3,
	    "192.0.2.7\n192.0.2.9\n198.51.100.9\n");
}

static void
a_suspect_has_a_code_of_its_own(void **state)
{
	char *text = with_options(*state, "zone", &(struct export_options){ .suspects = true }, 5);

	assert_non_null(strstr(text, "\n9.2.0.192 A 127.0.0.10\n"));
	free(text);
}

static void
families_stay_apart_in_a_limited_set_file(void **state)
{
	char *text = with_options(*state, "rbldnsd", &(struct export_options){ .limit = 4 }, 4);

	assert_true(strstr(text, "\n198.51.100.9 ") < strstr(text, "$DATASET ip6trie"));
	assert_true(strstr(text, "\n192.0.2.7 ") < strstr(text, "$DATASET ip6trie"));
	free(text);
}

static void
good(const char *name, const char *value, const char *key)
{
	struct export_options o = { 0 };
	char why[EXPORT_WHY_SIZE], buf[EXPORT_KEY_SIZE];

	assert_true(export_option(&o, name, value, why));
	assert_string_equal(export_options_key(&o, buf), key);
}

static void
options_are_read_and_told_apart(void **state)
{
	(void)state;
	good("family", "6", "f6g0u0c0s0l0");
	good("grade", "addressed", "f0g4u0c0s0l0");
	good("include", "suspects", "f0g0u1c0s0l0");
	good("include", "scanners,suspects", "f0g0u1c1s0l0");
	good("min-score", "9.25", "f0g0u0c0s9.25l0");
	good("limit", "1000000", "f0g0u0c0s0l1000000");
	good("min-score", "0", "");
}

static void
a_bad_option_is_refused_with_what_was_expected(void **state)
{
	static const char *const bad[][2] = {
		{ "family", "5" }, { "family", "" }, { "family", "46" }, { "grade", "none" }, { "grade", "" },
		{ "include", "" }, { "include", "allowed" }, { "include", "suspects," }, { "include", ",suspects" },
		{ "min-score", "" }, { "min-score", "inf" }, { "min-score", "-1" }, { "min-score", "20.1" },
		{ "min-score", "1.2.3" }, { "min-score", " 1" }, { "min-score", "0x1" }, { "limit", "0" },
		{ "limit", "-1" }, { "limit", "1000001" }, { "limit", "1e3" }, { "limit", "" },
		{ "limit", "99999999999999999999" }, { "sort", "score" },
	};
	struct export_options o = { 0 };
	char why[EXPORT_WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(export_option(&o, bad[i][0], bad[i][1], why));
		assert_non_null(strstr(why, "expected"));
	}
}

static void
what_a_limit_or_a_score_chooses_changes_with_the_clock(void **state)
{
	const struct export_format *plain = export_format_find("plain");

	(void)state;
	assert_false(export_relative(plain, &(struct export_options){ .family = 4 }));
	assert_true(export_relative(plain, &(struct export_options){ .limit = 4 }));
	assert_true(export_relative(plain, &(struct export_options){ .min_score = 4 }));
	assert_true(export_relative(plain, &(struct export_options){ .scanners = true }));
}

static void
a_reply_names_no_trap(void **state)
{
	struct report_entry e = { .state = STATE_LISTED, .kinds = 1 << EVIDENCE_BACKUP_FIRST, .since_s = 1790000000 };
	char buf[EXPORT_REPLY_SIZE];

	(void)state;
	assert_string_equal(export_reply(&e, "", buf), "5.7.1 Refused, ref 3-6AB13B80");
	assert_string_equal(export_reply(&e, "postmaster@example.org", buf),
	    "5.7.1 Refused, ref 3-6AB13B80; contact postmaster@example.org");
}

static void
the_code_says_what_it_did_at_the_decoy(void **state)
{
	struct report_entry e = { .state = STATE_LISTED, .kinds = 1 << EVIDENCE_BACKUP_FIRST };

	(void)state;
	assert_int_equal(export_code(&e), 3);
	assert_string_equal(export_reason(&e), "backup_first");
	e.kinds |= 1 << EVIDENCE_BAD_HELO;
	assert_int_equal(export_code(&e), 5);
	e.kinds |= 1 << EVIDENCE_EARLY_TALKER;
	assert_int_equal(export_code(&e), 4);
	e.kinds |= 1 << EVIDENCE_BY_HAND;
	assert_int_equal(export_code(&e), 2);
	assert_string_equal(export_reason(&e), "by_hand");
	e.state = STATE_SUSPECT;
	assert_int_equal(export_code(&e), 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(ipset_fills_new_sets_and_swaps_them),
		store_test(an_empty_ipset_list_swaps_in_empty_sets),
		store_test(pf_is_a_table_of_addresses_and_networks),
		store_test(postfix_cidr_rejects_with_a_reference_and_the_contact),
		store_test(postscreen_cidr_says_reject_alone),
		store_test(exim_quotes_keys_with_colons),
		store_test(opensmtpd_says_first_that_it_is_a_list),
		store_test(sendmail_writes_ipv6_unshortened_up_to_its_64),
		store_test(rspamd_has_the_reason_as_a_comment),
		store_test(rbldnsd_has_both_families_test_entries_and_a_time),
		store_test(an_empty_rbldnsd_list_has_both_datasets),
		store_test(zone_has_wildcards_for_a_64_and_the_test_entries),
		store_test(an_empty_zone_has_its_soa_and_test_entries),
		store_test(haproxy_is_an_acl_file),
		store_test(mikrotik_removes_and_adds_with_timeouts),
		store_test(an_empty_mikrotik_script_removes),
		store_test(crowdsec_is_what_cscli_imports),
		store_test(an_empty_crowdsec_list_has_its_heading),
		store_test(a_bouncer_that_begins_gets_decisions),
		store_test(an_empty_stream_has_both_arrays),
		store_test(fail2ban_lines_keep_their_words),
		store_test(one_family_alone_can_be_asked_for),
		store_test(the_other_family_alone_can_be_asked_for),
		store_test(a_grade_can_be_demanded),
		store_test(a_score_can_be_demanded),
		store_test(a_limit_takes_the_highest_scores_first),
		store_test(suspects_come_only_where_they_are_asked_for),
		store_test(a_suspect_has_a_code_of_its_own),
		store_test(families_stay_apart_in_a_limited_set_file),
		cmocka_unit_test(options_are_read_and_told_apart),
		cmocka_unit_test(a_bad_option_is_refused_with_what_was_expected),
		cmocka_unit_test(what_a_limit_or_a_score_chooses_changes_with_the_clock),
		cmocka_unit_test(a_reply_names_no_trap),
		cmocka_unit_test(the_code_says_what_it_did_at_the_decoy),
	};

	return cmocka_run_group_tests_name("export formats", tests, NULL, NULL);
}
