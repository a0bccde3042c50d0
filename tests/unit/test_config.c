/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_config.c - what a configuration may say, and what is said of one that may not.
 *
 * Faults: one row each, with the line that must be named.  Good files: tests/config/
 * *.in printed as *.ok, and the print parsed and printed again.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mxtrap/config.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Appended to each row but those that say `alone`. */
static const char ladder[] =
    "\nmx-set \"a\" {\n domains = { \"a.org\" }\n"
    " exchanger \"r\" { preference = 10 role = \"real\" addresses = { \"9.9.9.20\" } }\n}\n";

struct row {
	const char *name, *text;
	const char *says;	/* NULL: it is good */
	bool	    alone;
};

#define A_64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct row rows[] = {
	{ "nothing_but_a_ladder_is_enough", "", NULL, false },
	{ "an_unknown_key_is_named", "\n\nfoo = 1", "t:3: found unknown key \"foo\", expected one of: interface", false },
	{ "an_unknown_key_in_a_section_is_named", "judge {\n foo = 1 }",
	    "t:2: found unknown key \"foo\", expected one of: false-listing", false },
	{ "a_section_of_a_later_version_is_refused", "/* x\n */ sensor { listen = \"x\" }",
	    "t:2: found section \"sensor\", which this version cannot honour", false },
	{ "a_dnsbl_needs_a_zone", "dnsbl { listen = \"127.0.0.1:53\" }", "t:1: found a dnsbl without zone", false },
	{ "a_dnsbl_listens_on_an_address_and_a_port", "dnsbl { listen = \"unix:/x\" zone = \"bl.example.org\" }",
	    "expected ADDRESS:PORT", false },
	{ "a_zone_is_a_name", "dnsbl { zone = \"a b\" }", "found \"a b\", expected a domain name of at most 150", false },
	{ "postfix_asks_at_a_path_or_an_address", "postfix { listen = \"unix:x\" }", "expected unix:/PATH", false },
	{ "a_firewall_backend_is_a_known_one", "firewall { backend = \"pf\" }", "found \"pf\", expected \"nftables\" or", false },
	{ "lines_are_right_after_hash_comments", "# 1\n# 2\n# 3\npublish = maybe", "t:4: found \"maybe\", expected yes or no", false },
	{ "lines_are_right_after_slash_comments", "// 1\n// 2\npublish = maybe", "t:3: found \"maybe\"", false },
	{ "lines_are_right_after_long_comments", "/* 1\n 2\n 3 */ // 3\n/**/ publish = maybe", "t:4: found \"maybe\"", false },
	{ "lines_are_right_inside_a_list", "control-addresses = {\n \"9.9.9.1\", # x\n\n \"nine\" }", "t:4: found \"nine\"", false },
	{ "lines_are_right_with_carriage_returns", "# x\r\npublish = maybe\r\n", "t:2: found \"maybe\"", false },
	{ "a_comment_without_end_is_named_where_it_begins", "\n/* x\n\n", "t:2: found a comment that does not end", false },
	{ "a_string_without_end_is_named_where_it_begins", "\nstate-dir = \"x\n\n", "t:2: found a string that does not end", false },
	{ "a_file_that_ends_in_a_section_names_it", "judge {\n miss = 0.1\n", "for the section opened in line 1", true },
	{ "a_key_given_twice_is_an_error", "publish = yes\npublish = no",
	    "t:2: found a second \"publish\", expected one (the first is in line 1)", false },
	{ "a_section_given_twice_is_an_error", "judge { }\n\njudge { }", "t:3: found a second \"judge\"", false },
	{ "a_list_where_one_value_belongs_is_an_error", "publish = { yes }", "t:1: found a list, expected one value", false },
	{ "a_section_as_a_value_is_an_error", "judge = 3", "t:1: found \"=\", expected \"judge {\": a section has no \"=\"", false },
	{ "a_value_as_a_section_is_an_error", "publish { }", "t:1: found \"publish\" as a section", false },
	{ "a_set_without_a_name_is_an_error", "mx-set { }", "t:1: found \"mx-set\" without a name", true },
	{ "appending_is_not_a_way_to_say_it", "interface += \"x\"", "t:1: found \"+=\", expected \"=\" behind interface", false },
	{ "words_that_are_no_statement_are_an_error", "publish yes no", "t:1: found \"yes\" behind \"publish\", expected \"=\" between them", false },
	{ "the_environment_is_not_asked", "state-dir = \"${HOME}\"", "~ and variables are not replaced", false },
	{ "a_zero_byte_cannot_be_written", "state-dir = \"a\\x00b\"", "t:1: found \"\\x\" in a string", false },
	{ "an_empty_state_dir_is_an_error", "state-dir = \"\"", "t:1: found \"\", expected a directory", false },
	{ "a_time_needs_its_unit", "publish-after = \"300\"", "t:1: found \"300\", expected a whole number and s, m, h, d or w, like \"1d\", from 0s to 365d (publish-after)", false },
	{ "a_time_has_bounds", "judge { visit-gap = \"2h\" }", "t:1: found \"2h\", expected a time from 1s to 1h (visit-gap)", false },
	{ "a_time_that_overflows_is_an_error", "publish-after = \"99999999999999999999d\"", "expected a whole number and s, m, h, d or w", false },
	{ "a_negative_time_is_an_error", "publish-after = \"-1d\"", "expected a whole number and s, m, h, d or w", false },
	{ "a_contact_with_a_blank_is_an_error", "contact = \"a b@example.org\"", "t:1: found \"a b@example.org\", expected a mail address or URL", false },
	{ "a_file_of_countries_by_a_relative_path_is_an_error", "geoip { country = \"country.mmdb\" }",
	  "t:1: found \"country.mmdb\", expected the absolute path of a file", false },
	{ "a_database_of_p0f_by_a_relative_path_is_an_error", "p0f-database = \"p0f.fp\"",
	  "t:1: found \"p0f.fp\", expected the absolute path of a file", false },
	{ "an_empty_contact_is_an_error", "contact = \"\"", "expected a mail address or URL", false },
	{ "a_contact_that_would_end_a_quoted_text_is_an_error", "contact = \"a;b@example.org\"", "(contact)", false },
	{ "a_contact_that_a_server_would_expand_is_an_error", "contact = \"a%b@example.org\"", "found \"a%b@example.org\"", false },
	{ "a_contact_that_names_a_variable_is_an_error", "contact = 'a$b@example.org'", "found \"a$b@example.org\"", false },
	{ "a_contact_with_a_quote_is_an_error", "contact = 'a\"b@example.org'", "(contact)", false },
	{ "a_contact_with_a_line_feed_is_an_error", "contact = \"a\\x0ab@example.org\"", "(contact)", false },
	{ "a_contact_has_a_length", "contact = \"" A_64 A_64 "\"", "(contact)", false },
	{ "a_size_has_bounds", "capture { ring = \"64KiB\" }", "t:1: found \"64KiB\", expected a size from 1MiB to 2GiB (ring)", false },
	{ "a_size_has_binary_units", "capture { ring = \"64MB\" }", "expected a whole number and KiB, MiB, GiB or TiB, like \"64MiB\",", false },
	{ "an_error_rate_has_bounds", "judge { false-listing = 1 }", "expected a number from 1e-09 to 0.25 (false-listing)", false },
	{ "a_number_is_decimal", "judge { miss = 0x1p-3 }", "expected a number", false },
	{ "not_a_number_is_no_number", "judge { miss = nan }", "expected a number", false },
	{ "senders_have_a_cap", "limits { senders = 16777217 }", "expected a whole number from 1024 to 16777216 (senders)", false },
	{ "listing_needs_a_grade_that_proves", "judge { list-on = \"syn\" }", "t:1: found \"syn\", expected \"proven\" or \"addressed\" (list-on)", false },
	{ "points_have_a_name", "judge { points { backup = 1 } }", "found unknown key \"backup\", expected one of: backup_first", false },
	{ "what_is_never_weighed_takes_no_points", "judge { points { reached_real = 1 } }", "found unknown key \"reached_real\"", false },
	{ "points_are_one_number_or_two", "judge { points { climbed = { 1, 2, 3 } } }", "found \"3\", expected one number from -20 to 20, or two", false },
	{ "an_allowed_prefix_has_no_host_bits", "allow { addresses = { \"8.8.8.8/24\" } }", "t:1: found \"8.8.8.8/24\"", false },
	{ "an_interface_has_a_name", "interface = \"\"", "t:1: found \"\", expected the name of an interface", false },
	{ "web_listens_on_an_address_and_a_port", "web { listen = \"localhost:80\" }", "ADDRESS:PORT or [ADDRESS]:PORT", false },
	{ "web_wants_brackets_around_ipv6", "web { listen = \"::1:80\" }", "ADDRESS:PORT or [ADDRESS]:PORT", false },
	{ "a_key_wants_its_certificate", "web { key = \"/etc/key\" }", "found a key without certificate", false },
	{ "a_certificate_is_named_from_the_root_on", "web { certificate = \"web.pem\" }", "an absolute path (certificate)", false },
	{ "web_listens_at_a_path_from_the_root_on", "web { listen = \"unix:web.sock\" }", "unix:/PATH", false },
	{ "web_does_not_listen_on_port_0", "web { listen = \"127.0.0.1:0\" }", "ADDRESS:PORT or [ADDRESS]:PORT", false },
	{ "no_mx_set_is_an_error", "publish = no", "found 0 mx-set sections, expected 1 to 4096", true },
	{ "a_set_without_domains_is_an_error",
	    "\nmx-set a {\n exchanger \"r\" { preference = 1 role = \"real\" addresses = \"9.9.9.2\" } }",
	    "t:2: found mx-set \"a\" without domains", true },
	{ "a_set_without_exchangers_is_an_error", "mx-set a {\n domains = { \"a.org\" } }", "t:1: found 0 exchangers in mx-set \"a\"", true },
	{ "an_exchanger_needs_a_preference", "mx-set b { domains = b.org\n exchanger x { role = real addresses = 9.9.9.1 } }",
	    "t:2: found exchanger \"x\" without a preference", false },
	{ "an_exchanger_needs_a_role", "mx-set b { domains = b.org\n exchanger x { preference = 1 addresses = 9.9.9.1 } }",
	    "t:2: found exchanger \"x\" without a role", false },
	{ "an_exchanger_needs_an_address", "mx-set b { domains = b.org\n exchanger x { preference = 1 role = real } }",
	    "t:2: found exchanger \"x\" without addresses", false },
	{ "a_preference_is_16_bits", "mx-set b { domains = b.org exchanger x {\n preference = 65536 role = real addresses = 9.9.9.1 } }",
	    "t:2: found \"65536\", expected a whole number from 0 to 65535 (preference)", false },
	{ "a_role_is_one_of_three", "mx-set b { domains = b.org exchanger x { preference = 1\n role = trap addresses = 9.9.9.1 } }",
	    "t:2: found \"trap\", expected \"nolisting\", \"real\" or \"bogus\" (role)", false },
	{ "only_a_bogus_exchanger_speaks",
	    "mx-set b { domains = b.org\n exchanger r { preference = 1 role = real addresses = 9.9.9.1 }\n"
	    " exchanger x { preference = 0 role = nolisting\n answer = dialogue addresses = 9.9.9.2 } }",
	    "t:4: found \"dialogue\", expected \"none\"", false },
	{ "a_nolisting_decoy_refuses",
	    "mx-set b { domains = b.org\n exchanger r { preference = 2 role = real addresses = 9.9.9.1 }\n"
	    " exchanger x { preference = 1 role = nolisting answer = reset addresses = 9.9.9.2 } }",
	    "t:3: found \"reset\", expected \"none\": only a bogus exchanger answers", false },
	{ "a_ladder_needs_a_real_exchanger",
	    "mx-set ok { domains = b.org exchanger r { preference = 2 role = real addresses = 9.9.9.1 } }\n\n"
	    "mx-set b { domains = c.org\n exchanger x { preference = 1 role = nolisting addresses = 9.9.9.2 } }",
	    "t:3: found nothing but decoys in mx-set \"b\"", true },
	{ "a_nolisting_decoy_level_with_the_real_mx_is_an_error",
	    "mx-set b { domains = b.org exchanger x {\n preference = 2 role = nolisting addresses = 9.9.9.2 }\n"
	    " exchanger r { preference = 2 role = real addresses = 9.9.9.1 } }",
	    "t:2: found preference 2 for nolisting exchanger \"x\", expected one below", true },
	{ "a_bogus_decoy_between_real_ones_is_an_error",
	    "mx-set b { domains = b.org exchanger s { preference = 9 role = real addresses = 9.9.9.3 }\n"
	    " exchanger x { role = bogus\n preference = 5 addresses = 9.9.9.2 }\n"
	    " exchanger r { preference = 2 role = real addresses = 9.9.9.1 } }",
	    "t:3: found preference 5 for bogus exchanger \"x\", expected one above", true },
	{ "an_address_on_two_rungs_is_an_error",
	    "mx-set b { domains = b.org exchanger s { preference = 9 role = real addresses = 9.9.9.3 }\n"
	    " exchanger x { preference = 10 role = bogus addresses = { 9.9.9.1,\n 9.9.9.3 } } }",
	    "t:3: found \"9.9.9.3\", expected each address once (it is in line 1 already)", true },
	{ "a_mapped_address_is_the_same_address",
	    "control-addresses = { \"::ffff:9.9.9.20\" }", "expected each address once (it is in line 1 already)", false },
	{ "an_address_in_two_sets_is_an_error",
	    "mx-set b { domains = b.org exchanger x { preference = 1 role = real addresses = 9.9.9.20 } }",
	    "found \"9.9.9.20\", expected each address once (it is in line 1 already)", false },
	{ "a_domain_in_two_sets_is_an_error",
	    "mx-set b { domains = A.org exchanger x { preference = 1 role = real addresses = 9.9.9.21 } }",
	    "found \"a.org\", expected each domain once", false },
	{ "a_set_of_the_same_name_is_an_error",
	    "mx-set a { domains = b.org exchanger x { preference = 1 role = real addresses = 9.9.9.21 } }",
	    "t:2: found \"a\", expected each mx-set once (also in line 1)", false },
	{ "an_exchanger_of_the_same_name_is_an_error",
	    "mx-set b { domains = b.org exchanger x { preference = 1 role = real addresses = 9.9.9.21 }\n"
	    " exchanger X { preference = 2 role = real addresses = 9.9.9.22 } }",
	    "found \"x\", expected each exchanger of mx-set \"b\" once", false },
	{ "a_private_decoy_is_an_error",
	    "mx-set b { domains = b.org exchanger r { preference = 1 role = real addresses = 9.9.9.21 }\n"
	    " exchanger x { preference = 2 role = bogus addresses = {\n \"10.0.0.1\" } } }",
	    "t:3: found \"10.0.0.1\", expected a public address for a decoy", false },
	{ "a_documentation_decoy_is_an_error",
	    "mx-set b { domains = b.org exchanger r { preference = 1 role = real addresses = 9.9.9.21 }\n"
	    " exchanger x { preference = 2 role = bogus addresses = {\n \"2001:db8::1\" } } }",
	    "t:3: found \"2001:db8::1\", expected a public address for a decoy", false },
	{ "a_private_decoy_is_good_in_a_laboratory",
	    "allow { special-purpose = no }\n"
	    "mx-set b { domains = b.org exchanger r { preference = 1 role = real addresses = 9.9.9.21 }\n"
	    " exchanger x { preference = 2 role = bogus addresses = {\n \"10.0.0.1\" } } }", NULL, false },
	{ "what_refuses_a_private_decoy_names_the_way_behind_nat",
	    "mx-set b { domains = b.org exchanger r { preference = 1 role = real addresses = 9.9.9.21 }\n"
	    " exchanger x { preference = 2 role = bogus addresses = {\n \"10.0.0.1\" } } }",
	    "behind 1:1 NAT name the public address of each beside it: public = { \"...\" }", false },
	{ "a_private_decoy_behind_nat_is_good",
	    "mx-set b { domains = b.org exchanger r { preference = 1 role = real addresses = 9.9.9.21 }\n"
	    " exchanger x { preference = 2 role = bogus addresses = { \"10.0.0.1\", \"2620:fe::1\" } public = 9.9.9.30 } }", NULL, false },
	{ "each_private_address_needs_a_public_one",
	    "mx-set b { domains = b.org exchanger r { preference = 1 role = real addresses = 9.9.9.21 }\n"
	    " exchanger x { preference = 2 role = bogus addresses = {\n \"10.0.0.1\", \"10.0.0.2\" } public = 9.9.9.30 } }",
	    "t:3: found \"10.0.0.1\", expected a public address for a decoy", false },
	{ "a_public_address_of_the_other_family_is_not_enough",
	    "mx-set b { domains = b.org exchanger r { preference = 1 role = real addresses = 9.9.9.21 }\n"
	    " exchanger x { preference = 2 role = bogus addresses = {\n \"10.0.0.1\" } public = \"2620:fe::1\" } }",
	    "t:3: found \"10.0.0.1\", expected a public address for a decoy", false },
	{ "a_private_public_address_is_an_error",
	    "mx-set b { domains = b.org exchanger r { preference = 1 role = real addresses = 9.9.9.21 }\n"
	    " exchanger x { preference = 2 role = bogus addresses = { \"10.0.0.1\" } public =\n 192.168.1.1 } }",
	    "t:3: found \"192.168.1.1\", expected the address that the Internet sees (public)", false },
	{ "a_public_address_stands_once",
	    "mx-set b { domains = b.org exchanger r { preference = 1 role = real addresses = 9.9.9.21 }\n"
	    " exchanger x { preference = 2 role = bogus addresses = { \"10.0.0.1\" } public =\n 9.9.9.21 } }",
	    "found \"9.9.9.21\", expected each address once", false },
	{ "a_private_real_exchanger_is_good",
	    "mx-set b { domains = b.org exchanger r { preference = 1 role = real addresses = 10.0.0.1 } }", NULL, false },
	{ "a_pool_is_a_name_and_its_prefixes", "pool p { addresses = { 8.8.8.0/24, \"2a00::/16\" } }", NULL, false },
	{ "a_pool_needs_addresses", "pool p { }", "t:1: found pool \"p\" without addresses", false },
	{ "a_pool_needs_a_name", "pool { addresses = 8.8.8.0/24 }", "t:1: found \"pool\" without a name", false },
	{ "a_pool_stands_once", "pool p { addresses = 8.8.8.0/24 }\npool p { addresses = 8.8.9.0/24 }",
	    "t:2: found \"p\", expected each pool once", false },
	{ "half_the_internet_is_no_pool", "pool p { addresses = {\n 0.0.0.0/1 } }", "t:2: found \"0.0.0.0/1\", expected a prefix", false },
	{ "less_than_a_sender_is_no_pool", "pool p { addresses = \"2a00::1\" }", "found \"2a00::1\", expected a prefix", false },
	{ "a_pool_has_no_host_bits", "pool p { addresses = 8.8.8.8/24 }", "found \"8.8.8.8/24\", expected a prefix", false },
	{ "an_include_that_nobody_read_is_an_error", "include \"x\"\n", "found 1 files included and 0 of them read", true },
	{ "an_include_stands_outside_of_all_sections", "judge {\n include \"x\" }", "t:2: found \"include\" in a section", false },
	{ "an_include_names_a_file_in_quotes", "include x", "t:1: found \"x\", expected the name of a file", false },
	{ "a_mark_without_an_include_is_an_error", "publish = no\n\x01x\n", "found 0 files included and 1 of them read", true },
	{ "several_faults_are_told_at_once", "publish = maybe\njudge { miss = 7 }", "t:2: found \"7\"", false },
};

/* What config_parse() says on standard error, into said; text NULL: config_load() of the file "t". */
static int
parse(struct config *config, const char *text, char *said, size_t size)
{
	FILE *tmp = tmpfile();
	int keep = dup(STDERR_FILENO), result;
	size_t n;

	assert_non_null(tmp);
	fflush(stderr);
	dup2(fileno(tmp), STDERR_FILENO);
	result = text != NULL ? config_parse(config, "t", text) : config_load(config, "t");
	fflush(stderr);
	dup2(keep, STDERR_FILENO);
	close(keep);
	rewind(tmp);
	n = fread(said, 1, size - 1, tmp);
	said[n] = '\0';
	fclose(tmp);
	return result;
}

static void
test_row(void **state)
{
	const struct row *row = *state;
	struct config config = { .n_web = 77 };
	char text[4096], said[8192];

	snprintf(text, sizeof(text), "%s%s", row->text, row->alone ? "" : ladder);
	if (row->says == NULL) {
		if (parse(&config, text, said, sizeof(said)) != 0)
			fail_msg("said: %s", said);
		assert_string_equal(said, "");
		config_free(&config);
		return;
	}
	assert_int_equal(parse(&config, text, said, sizeof(said)), -1);
	if (strstr(said, row->says) == NULL)
		fail_msg("said: %s\nnot: %s", said, row->says);
	assert_int_equal(config.n_web, 77);	/* untouched */
}

static char *
printed(const struct config *config)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	config_print(config, f);
	fclose(f);
	return text;
}

/* .in gives .ok, and .ok gives .ok. */
static void
test_print(void **state)
{
	char in[256], ok[256], *expected, *first, *second;
	struct config config;

	snprintf(in, sizeof(in), "tests/config/%s.in", (const char *)*state);
	snprintf(ok, sizeof(ok), "tests/config/%s.ok", (const char *)*state);
	expected = config_read(ok);
	assert_non_null(expected);
	assert_int_equal(config_load(&config, in), 0);
	first = printed(&config);
	config_free(&config);
	assert_string_equal(first, expected);
	assert_int_equal(config_parse(&config, "again", first), 0);
	second = printed(&config);
	config_free(&config);
	assert_string_equal(second, expected);
	free(first);
	free(second);
	free(expected);
}

static void
defaults_are_the_designs(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(config_parse(&c, "t", ladder), 0);
	assert_string_equal(c.state_dir, "/var/lib/mxtrap");
	assert_false(c.publish);
	assert_int_equal(c.publish_after_s, 86400);
	assert_true(c.special_purpose);
	assert_int_equal(c.limits.senders, 1000000);
	assert_int_equal(c.limits.attempts, 262144);
	assert_int_equal(c.limits.tally_above, 500);
	assert_int_equal(c.ring_bytes, 64 << 20);
	assert_int_equal(c.retention_attempts_s, 14 * 86400);
	assert_int_equal(c.judge.list_on, GRADE_ADDRESSED);
	assert_int_equal(c.n_web, 0);
	assert_int_equal(c.n_interfaces, 0);
	assert_int_equal(c.ladder.n_targets, 1);
	assert_int_equal(c.ladder.sets[0].exchangers[0].witness, WITNESS_WIRE);
	assert_int_equal(c.ladder.sets[0].exchangers[0].answer, ANSWER_NONE);
	config_free(&c);
}

static void
a_web_section_without_a_key_is_on_loopback(void **state)
{
	char text[512];
	struct config c;

	(void)state;
	snprintf(text, sizeof(text), "web { }%s", ladder);
	assert_int_equal(config_parse(&c, "t", text), 0);
	assert_int_equal(c.n_web, 1);
	assert_string_equal(c.web_listen[0], "127.0.0.1:8725");
	config_free(&c);
}

static void
one_number_of_points_stands_for_score_and_hint(void **state)
{
	char text[512];
	struct config c;

	(void)state;
	snprintf(text, sizeof(text), "judge { points { backup_first = 4  impatient = 1 } }%s", ladder);
	assert_int_equal(config_parse(&c, "t", text), 0);
	assert_float_equal(c.judge.points_score[EVIDENCE_BACKUP_FIRST], 4, 1e-6);
	assert_float_equal(c.judge.points_hint[EVIDENCE_BACKUP_FIRST], 4, 1e-6);
	/* Hint only by default stays hint only. */
	assert_float_equal(c.judge.points_score[EVIDENCE_IMPATIENT], 0, 1e-6);
	assert_float_equal(c.judge.points_hint[EVIDENCE_IMPATIENT], 1, 1e-6);
	config_free(&c);
}

static void
after_a_fault_the_next_text_is_read_afresh(void **state)
{
	struct config c;
	char said[1024];

	(void)state;
	assert_int_equal(parse(&c, "state-dir = \"x\n", said, sizeof(said)), -1);
	assert_int_equal(parse(&c, "judge { ", said, sizeof(said)), -1);
	assert_int_equal(parse(&c, "foo = 1", said, sizeof(said)), -1);
	assert_int_equal(parse(&c, ladder, said, sizeof(said)), 0);
	config_free(&c);
}

static void
a_file_that_is_not_there_is_named(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(config_load(&c, "/nonexistent/mxtrap.conf"), -1);
}

/* Some files in a directory of their own, where the test then is. */
struct file {
	const char *name, *text;
};
struct included {
	const char *name;
	struct file files[4];
	const char *says;	/* NULL: it is good */
};

static const struct included includes[] = {
	{ "an_included_file_is_read_too", { { "t", "include \"p.conf\"\n@" },
	    { "p.conf", "pool p { addresses = 8.8.8.0/24 }" } }, NULL },
	{ "a_fault_before_an_include_has_its_line", { { "t", "# x\npublish = maybe\ninclude \"p.conf\"\n@" },
	    { "p.conf", "pool p { addresses = 8.8.8.0/24 }" } }, "t:2: found \"maybe\"" },
	{ "a_fault_behind_an_include_has_its_line", { { "t", "include \"p.conf\"\n# x\npublish = maybe\n@" },
	    { "p.conf", "# 1\n# 2\npool p { addresses = 8.8.8.0/24 }" } }, "t:3: found \"maybe\"" },
	{ "a_fault_in_an_included_file_has_its_file_and_line", { { "t", "include \"p.conf\"\n# x\n@" },
	    { "p.conf", "# 1\npool p { addresses = {\n 8.8.8.0/24,\n 8.8.8.8/24 } }" } },
	    "p.conf:4: found \"8.8.8.8/24\"" },
	{ "an_unknown_key_in_an_included_file_has_its_file_and_line", { { "t", "include \"p.conf\"\n# x\n@" },
	    { "p.conf", "\n\nfoo = 1\n" } }, "p.conf:3: found unknown key \"foo\"" },
	{ "what_is_given_in_both_names_both", { { "t", "include \"p.conf\"\npublish = no\n@" },
	    { "p.conf", "# x\n\npublish = no" } }, "p.conf:3: found a second \"publish\", expected one (the first is in line 2)" },
	{ "what_is_given_in_two_included_files_names_both", { { "t", "include \"p.conf\"\ninclude \"q.conf\"\n@" },
	    { "p.conf", "# x\npublish = no" }, { "q.conf", "publish = no" } },
	    "q.conf:1: found a second \"publish\", expected one (the first is in line 2 of p.conf)" },
	{ "an_included_file_may_include_one_beside_it", { { "t", "include \"p.conf\"\n@" },
	    { "p.conf", "include \"q.conf\"\n" }, { "q.conf", "\npublish = maybe" } }, "q.conf:2: found \"maybe\"" },
	{ "a_section_does_not_go_on_in_the_next_file", { { "t", "include \"p.conf\"\n@\njudge {\n" },
	    { "p.conf", "}" } }, "found the end of the file, expected \"}\"" },
	{ "a_comment_does_not_go_on_in_the_next_file", { { "t", "include \"p.conf\"\n@\n/*\n" },
	    { "p.conf", "*/" } }, "found 1 files included and 0 of them read" },
	{ "a_byte_order_mark_is_no_text", { { "t", "\xef\xbb\xbf" "include \"p.conf\"\n@" },
	    { "p.conf", "\xef\xbb\xbfpublish = maybe" } }, "p.conf:1: found \"maybe\"" },
	{ "an_include_in_a_comment_is_none", { { "t", "# include \"p.conf\"\n/* include \"p.conf\" */\n@" } }, NULL },
	{ "a_file_that_cannot_be_read_is_named_with_who_includes_it", { { "t", "\ninclude \"p.conf\"\n@" } },
	    "p.conf: found nothing to read (No such file or directory), expected a configuration file\n"
	    "t:2: found an include of that file" },
	{ "a_directory_is_named_as_one", { { "t", "include \".\"\n@" } },
	    "found a directory, expected a file" },
	{ "a_file_is_included_once", { { "t", "include \"p.conf\"\ninclude \"p.conf\"\n@" }, { "p.conf", "" } },
	    "t:2: found \"p.conf\" included again" },
	{ "a_circle_of_includes_is_told", { { "t", "include \"p.conf\"\n@" }, { "p.conf", "include \"p.conf\"\n" } },
	    "p.conf:1: found \"p.conf\" included again" },
	{ "a_mark_cannot_be_written", { { "t", "include \"p.conf\"\n@" }, { "p.conf", "\x01z\n" } },
	    "p.conf: found a byte 0x01" },
};

static void
test_include(void **state)
{
	const struct included *row = *state;
	char dir[] = "/tmp/mxtrap-test-config-XXXXXX", said[8192];
	struct config config = { .n_web = 77 };
	int here = open(".", O_RDONLY | O_DIRECTORY), result;

	assert_true(here >= 0);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	for (size_t i = 0; i < ARRAY_LEN(row->files) && row->files[i].name != NULL; i++) {
		FILE *f = fopen(row->files[i].name, "w");

		assert_non_null(f);
		for (const char *p = row->files[i].text; *p != '\0'; p++)
			if (*p == '@')
				fputs(ladder, f);
			else
				fputc(*p, f);
		fclose(f);
	}
	result = parse(&config, NULL, said, sizeof(said));
	for (size_t i = 0; i < ARRAY_LEN(row->files) && row->files[i].name != NULL; i++)
		unlink(row->files[i].name);
	assert_int_equal(fchdir(here), 0);
	close(here);
	rmdir(dir);
	if (row->says == NULL && result == 0) {
		config_free(&config);
		return;
	}
	if (row->says == NULL || result == 0 || strstr(said, row->says) == NULL)
		fail_msg("said: %s\nnot: %s", said, row->says != NULL ? row->says : "nothing");
}

/* What deploy/ ships for the largest providers, included by a configuration. */
static void
the_providers_file_is_good(void **state)
{
	char said[8192];
	struct config c;
	FILE *f = fopen("deploy/allow-providers.conf", "r");
	char *text = calloc(1, 1 << 20);
	size_t n;

	(void)state;
	assert_non_null(f);
	assert_non_null(text);
	n = fread(text, 1, 1 << 19, f);
	fclose(f);
	memcpy(text + n, ladder, sizeof(ladder));
	if (parse(&c, text, said, sizeof(said)) != 0)
		fail_msg("said: %s", said);
	assert_true(c.n_pools >= 8);
	assert_true(c.n_members >= 50);
	/* Each is never listed, and what the allow section says is told apart from them. */
	assert_int_equal(c.n_allow, c.n_members);
	assert_int_equal(c.n_allow_own, 0);
	config_free(&c);
	free(text);
}

int
main(void)
{
	static const char *const files[] = { "minimal", "full", "captures", "pools" };
	static const char *const file_names[] = {
		"minimal_prints_and_parses_again", "full_prints_and_parses_again",
		"captures_prints_and_parses_again", "pools_prints_and_parses_again",
	};
	const struct CMUnitTest others[] = {
		cmocka_unit_test(defaults_are_the_designs),
		cmocka_unit_test(a_web_section_without_a_key_is_on_loopback),
		cmocka_unit_test(one_number_of_points_stands_for_score_and_hint),
		cmocka_unit_test(after_a_fault_the_next_text_is_read_afresh),
		cmocka_unit_test(a_file_that_is_not_there_is_named),
		cmocka_unit_test(the_providers_file_is_good),
	};
	struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(includes) + ARRAY_LEN(files) + ARRAY_LEN(others)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_row,
		    .initial_state = (void *)(uintptr_t)&rows[i] };
	for (size_t i = 0; i < ARRAY_LEN(includes); i++)
		tests[n++] = (struct CMUnitTest){ .name = includes[i].name, .test_func = test_include,
		    .initial_state = (void *)(uintptr_t)&includes[i] };
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		tests[n++] = (struct CMUnitTest){ .name = file_names[i], .test_func = test_print,
		    .initial_state = (void *)(uintptr_t)files[i] };
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		tests[n++] = others[i];
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
