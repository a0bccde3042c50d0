/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_said.c - what words mean: ours, foreign, a bad name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "mxtrap/said.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

#define HELO (SAID_HELO | SAID_END)
#define MAIL (SAID_HELO | SAID_MAIL | SAID_RCPT)

struct row {
	const char *name;
	uint16_t bits;
	const char *helo, *domain;
	uint16_t more;			/* bits that watch adds */
};

static const struct row rows[] = {
	{ "a_full_name_is_a_good_helo", HELO, "mail.sender.example", "", 0 },
	{ "a_single_label_is_not_bad", HELO, "localhost", "", 0 },
	{ "a_bracketed_address_is_not_bad", HELO, "[203.0.113.9]", "", 0 },
	{ "a_bracketed_ipv6_address_is_not_bad", HELO, "[IPv6:2001:db8:9::1]", "", 0 },
	{ "a_bare_address_is_bad", HELO, "203.0.113.9", "", SAID_BAD_HELO },
	{ "a_bare_ipv6_address_is_bad", HELO, "2001:db8:9::1", "", SAID_BAD_HELO },
	{ "our_bare_address_is_bad", HELO, "198.51.100.30", "", SAID_BAD_HELO },
	{ "our_bracketed_address_is_bad", HELO, "[198.51.100.30]", "", SAID_BAD_HELO },
	{ "what_the_internet_sees_of_an_exchanger_is_bad", HELO, "[192.0.2.30]", "", SAID_BAD_HELO },
	{ "the_real_exchangers_address_is_bad", HELO, "[198.51.100.20]", "", SAID_BAD_HELO },
	{ "our_domain_is_bad", HELO, "example.org", "", SAID_BAD_HELO },
	{ "our_domain_is_bad_in_any_case_and_with_a_dot", HELO, "EXAMPLE.ORG.", "", SAID_BAD_HELO },
	{ "an_exchanger_of_ours_is_bad", HELO, "mx1.example.org", "", SAID_BAD_HELO },
	{ "an_exchanger_of_another_set_is_bad", HELO, "mx9.other.example", "", SAID_BAD_HELO },
	{ "a_name_below_our_domain_is_not_bad", HELO, "relay.example.org", "", 0 },
	{ "an_open_bracket_is_not_an_address", HELO, "[198.51.100.30", "", 0 },
	{ "empty_brackets_are_not_ours", HELO, "[]", "", 0 },
	{ "a_long_literal_is_not_ours", HELO,
	  "[1111111111111111111111111111111111111111111111111111111111111111111111]", "", 0 },
	{ "mail_without_a_helo_is_bad", SAID_NO_HELO | SAID_MAIL, "", "", SAID_BAD_HELO },
	{ "silence_is_not_a_bad_helo", SAID_END, "", "", 0 },
	{ "our_domain_is_ours", MAIL, "a.example", "example.org", SAID_OURS },
	{ "our_second_domain_is_ours", MAIL, "a.example", "example.net", SAID_OURS },
	{ "case_and_a_dot_do_not_matter", MAIL, "a.example", "eXample.oRg.", SAID_OURS },
	{ "a_domain_of_another_set_is_neither", MAIL, "a.example", "other.example", 0 },
	{ "a_strange_domain_is_foreign", MAIL, "a.example", "somebody.example", SAID_FOREIGN },
	{ "a_subdomain_is_foreign", MAIL, "a.example", "sub.example.org", SAID_FOREIGN },
	{ "an_address_in_brackets_is_neither", MAIL, "a.example", "[198.51.100.30]", 0 },
	{ "an_ipv6_address_in_brackets_is_neither", MAIL, "a.example", "[IPv6:2001:db8::1]", 0 },
	{ "a_bare_address_is_neither", MAIL, "a.example", "203.0.113.9", 0 },
	{ "a_trailing_comma_is_neither", MAIL, "a.example", "example.org,", 0 },
	{ "a_trailing_quote_is_neither", MAIL, "a.example", "somebody.example'", 0 },
	{ "an_empty_label_is_neither", MAIL, "a.example", "somebody..example", 0 },
	{ "a_name_of_one_label_is_neither", MAIL, "a.example", "localhost", 0 },
	{ "a_name_outside_the_dns_is_neither", MAIL, "a.example", "mail.localhost", 0 },
	{ "a_percent_sign_is_neither", MAIL, "a.example", "example%2eorg", 0 },
	{ "broken_utf8_is_neither", MAIL, "a.example", "b\xfc" "cher.example", 0 },
	{ "ours_in_utf8_is_ours", MAIL, "a.example", "b\xc3\xbc" "cher.example", SAID_OURS },
	{ "ours_in_utf8_in_capitals_is_ours", MAIL, "a.example", "B\xc3\x9c" "CHER.Example.", SAID_OURS },
	{ "ours_as_an_a_label_is_ours", MAIL, "a.example", "XN--bcher-kva.example", SAID_OURS },
	{ "ours_configured_in_utf8_is_ours_as_an_a_label", MAIL, "a.example", "xn--e1afmkfd.example", SAID_OURS },
	{ "ours_with_another_dot_is_ours", MAIL, "a.example", "example\xe3\x80\x82org", SAID_OURS },
	{ "a_strange_domain_in_utf8_is_foreign", MAIL, "a.example", "m\xc3\xbc" "ller.example", SAID_FOREIGN },
	{ "a_recipient_without_a_domain_is_neither", MAIL, "a.example", "", 0 },
	{ "a_domain_without_a_recipient_is_nothing", HELO, "a.example", "somebody.example", 0 },
	{ "a_dot_alone_is_neither", MAIL, "a.example", ".", 0 },
	{ "what_only_watch_may_say_is_dropped", MAIL | SAID_OURS, "a.example", "somebody.example", SAID_FOREIGN },
	{ "a_bad_name_with_mail_for_us_is_both", MAIL, "198.51.100.20", "example.org", SAID_OURS | SAID_BAD_HELO },
};

static struct exchanger *
exchangers(const char *domain, const char *net)
{
	struct exchanger *x = calloc(3, sizeof(*x));
	static const struct { const char *name; uint16_t pref; enum role role; } rungs[] = {
		{ "mx0", 10, ROLE_NOLISTING }, { "mx1", 20, ROLE_REAL }, { "mx9", 90, ROLE_BOGUS },
	};

	for (unsigned i = 0; i < 3; i++) {
		char text[40];

		(void)snprintf(x[i].name, sizeof(x[i].name), "%s.%s", rungs[i].name, domain);
		x[i].preference = rungs[i].pref;
		x[i].role = (uint8_t)rungs[i].role;
		x[i].answer = rungs[i].role == ROLE_BOGUS ? ANSWER_DIALOGUE : ANSWER_NONE;
		x[i].witness = WITNESS_WIRE;
		x[i].n_addrs = 1;
		x[i].addrs = calloc(1, sizeof(x[i].addrs[0]));
		(void)snprintf(text, sizeof(text), "%s.%u", net, (i + 1) * 10);
		assert_true(addr_parse(&x[i].addrs[0], text));
	}
	return x;
}

static void
make(struct ladder *l)
{
	*l = (struct ladder){ .n_sets = 2 };
	l->sets = calloc(2, sizeof(l->sets[0]));
	l->sets[0].n_domains = 4;
	l->sets[0].domains = calloc(4, MXSET_NAME_SIZE);
	(void)snprintf(l->sets[0].domains[2], MXSET_NAME_SIZE, "%s", "xn--bcher-kva.example");
	(void)snprintf(l->sets[0].domains[3], MXSET_NAME_SIZE, "%s",
	    "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.example");
	(void)snprintf(l->sets[0].domains[0], MXSET_NAME_SIZE, "%s", "example.org");
	(void)snprintf(l->sets[0].domains[1], MXSET_NAME_SIZE, "%s", "example.net");
	l->sets[1].n_domains = 1;
	l->sets[1].domains = calloc(1, MXSET_NAME_SIZE);
	(void)snprintf(l->sets[1].domains[0], MXSET_NAME_SIZE, "%s", "other.example");
	l->sets[0].n_exchangers = l->sets[1].n_exchangers = 3;
	l->sets[0].exchangers = exchangers("example.org", "198.51.100");
	l->sets[1].exchangers = exchangers("other.example", "203.0.113");
	l->sets[0].exchangers[2].n_public = 1;
	l->sets[0].exchangers[2].public = calloc(1, sizeof(struct addr));
	assert_true(addr_parse(l->sets[0].exchangers[2].public, "192.0.2.30"));
	assert_int_equal(ladder_finish(l, NULL, NULL), LADDER_OK);
}

static void
test_row(void **state)
{
	const struct row *r = *state;
	struct ladder l;

	make(&l);
	assert_int_equal(said_of(&l, 0, r->bits, r->helo, r->domain), (r->bits & SAID_OF_DECOY) | r->more);
	ladder_free(&l);
}

static void
each_bit_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 13; i++)
		assert_non_null(said_name((uint16_t)(1U << i)));
	assert_null(said_name(1 << 13));
	assert_null(said_name(SAID_EARLY | SAID_TLS));
	assert_string_equal(said_name(SAID_FOREIGN), "foreign");
}

int
main(void)
{
	struct CMUnitTest tests[N(rows) + 1];

	for (size_t i = 0; i < N(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_row,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	tests[N(rows)] = (struct CMUnitTest)cmocka_unit_test(each_bit_has_a_name);
	return cmocka_run_group_tests_name("said", tests, NULL, NULL);
}
