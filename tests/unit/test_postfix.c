/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_postfix.c - policy delegation and socketmap, text to text.
 */
#include "lookup_support.h"

#include <stdio.h>

#include "../../daemon/lookup/postfix.h"

/* What a complete request is answered with. */
static void
answers(const char *request, const char *want)
{
	struct postfix_counters c = { 0 };
	struct postfix_request r;
	char out[POSTFIX_REPLY_MAX];
	bool refused;
	struct feed f;
	size_t n;

	feed_fill(&f);
	assert_int_equal(postfix_read(request, strlen(request), &r), POSTFIX_DONE);
	assert_int_equal(r.size, strlen(request));
	n = postfix_answer(&r, &f, NOW_S, "postmaster@example.org", out, &c, &refused);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(out, want, n);
	assert_int_equal(refused, strstr(want, "REJECT") != NULL);
	feed_free(&f);
}

static void
a_listed_client_is_rejected_with_the_contact(void **state)
{
	(void)state;
	answers("request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=192.0.2.7\n\n",
	    "action=REJECT 5.7.1 Refused, ref 3-6AB13B1C; contact postmaster@example.org\n\n");
}

static void
an_unlisted_client_is_left_to_others(void **state)
{
	(void)state;
	answers("request=smtpd_access_policy\nclient_address=192.0.2.1\n\n", "action=DUNNO\n\n");
}

static void
a_user_with_a_password_is_let_pass_from_a_listed_address(void **state)
{
	(void)state;
	answers("request=smtpd_access_policy\nclient_address=192.0.2.7\nsasl_username=anna\n\n", "action=DUNNO\n\n");
	answers("request=smtpd_access_policy\nclient_address=192.0.2.7\nccert_fingerprint=AB:CD\n\n", "action=DUNNO\n\n");
	answers("request=smtpd_access_policy\nclient_address=192.0.2.7\nsasl_username=\nccert_fingerprint=\n\n",
	    "action=REJECT 5.7.1 Refused, ref 3-6AB13B1C; contact postmaster@example.org\n\n");
}

static void
what_passed_at_rcpt_is_not_refused_at_its_end(void **state)
{
	(void)state;
	answers("request=smtpd_access_policy\nprotocol_state=END-OF-MESSAGE\nclient_address=192.0.2.7\n\n", "action=DUNNO\n\n");
}

/* Postfix takes lines of 2,048 bytes from the client, and hands them on. */
static void
long_words_do_not_hide_a_listed_client(void **state)
{
	char request[8192], word[2041];

	(void)state;
	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	(void)snprintf(request, sizeof(request), "request=smtpd_access_policy\nprotocol_state=RCPT\nhelo_name=%s\nsender=%s\n"
	    "recipient=%s\nclient_address=192.0.2.7\n\n", word, word, word);
	answers(request, "action=REJECT 5.7.1 Refused, ref 3-6AB13B1C; contact postmaster@example.org\n\n");
}

static void
a_suspect_is_left_to_others(void **state)
{
	(void)state;
	answers("request=smtpd_access_policy\nclient_address=192.0.2.9\n\n", "action=DUNNO\n\n");
}

static void
a_client_amid_a_listed_64_is_rejected(void **state)
{
	(void)state;
	answers("request=smtpd_access_policy\nclient_address=2001:db8:1:2:9:8:7:6\n\n",
	    "action=REJECT 5.7.1 Refused, ref 3-6AB13B1C; contact postmaster@example.org\n\n");
}

static void
a_client_without_an_address_is_left_to_others(void **state)
{
	(void)state;
	answers("request=smtpd_access_policy\nclient_address=unknown\n\n", "action=DUNNO\n\n");
	answers("request=smtpd_access_policy\n\n", "action=DUNNO\n\n");
}

static void
a_socketmap_finds_a_listed_address(void **state)
{
	(void)state;
	answers("16:mxtrap 192.0.2.7,", "71:OK REJECT 5.7.1 Refused, ref 3-6AB13B1C; contact postmaster@example.org,");
}

static void
a_socketmap_finds_no_other_key(void **state)
{
	(void)state;
	answers("16:mxtrap 192.0.2.1,", "9:NOTFOUND ,");
	answers("18:mxtrap example.org,", "9:NOTFOUND ,");
	answers("7:mxtrap ,", "9:NOTFOUND ,");
	answers("14:mxtrap 192.0.2,", "9:NOTFOUND ,");
}

static void
is(const char *bytes, size_t n, enum postfix_verdict want)
{
	struct postfix_request r;

	assert_int_equal(postfix_read(bytes, n, &r), want);
}

static void
half_a_request_waits_for_the_rest(void **state)
{
	static const char policy[] = "request=smtpd_access_policy\nclient_address=192.0.2.7\n\n", map[] = "16:mxtrap 192.0.2.7,";

	(void)state;
	for (size_t n = 0; n + 1 < sizeof policy; n++)
		is(policy, n, POSTFIX_MORE);
	is(policy, sizeof policy - 1, POSTFIX_DONE);
	for (size_t n = 0; n + 1 < sizeof map; n++)
		is(map, n, POSTFIX_MORE);
	is(map, sizeof map - 1, POSTFIX_DONE);
}

static void
what_is_neither_protocol_is_hung_up_on(void **state)
{
	static char long_line[POSTFIX_REQUEST_MAX];

	(void)state;
	is("GET / HTTP/1.0\n", 15, POSTFIX_BAD);
	is("\n", 1, POSTFIX_BAD);
	is("request=other\n\n", 15, POSTFIX_BAD);
	is("5:ab", 4, POSTFIX_MORE);
	is("3:a b;", 6, POSTFIX_BAD);
	is("3:abc,", 6, POSTFIX_BAD);
	is("0:,", 3, POSTFIX_BAD);
	is("99999:", 6, POSTFIX_BAD);
	is("16383:", 6, POSTFIX_BAD);
	memset(long_line, 'a', sizeof long_line);
	is(long_line, sizeof long_line, POSTFIX_BAD);
	is(long_line, sizeof long_line - 1, POSTFIX_MORE);
}

static void
two_requests_at_once_are_two(void **state)
{
	static const char two[] = "16:mxtrap 192.0.2.7,16:mxtrap 192.0.2.1,";
	struct postfix_request r;

	(void)state;
	assert_int_equal(postfix_read(two, sizeof two - 1, &r), POSTFIX_DONE);
	assert_int_equal(r.size, 20);
}

static void
the_server_and_the_end_of_a_message_are_told(void **state)
{
	static const char text[] = "request=smtpd_access_policy\nprotocol_state=END-OF-MESSAGE\nclient_address=192.0.2.1\n"
	    "server_address=198.51.100.20\n\n";
	struct postfix_request r;
	struct addr want;

	(void)state;
	assert_int_equal(postfix_read(text, sizeof text - 1, &r), POSTFIX_DONE);
	assert_true(addr_parse(&want, "198.51.100.20"));
	assert_true(r.end_of_message && r.has_client);
	assert_true(addr_equal(&r.server, &want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listed_client_is_rejected_with_the_contact),
		cmocka_unit_test(an_unlisted_client_is_left_to_others),
		cmocka_unit_test(long_words_do_not_hide_a_listed_client),
		cmocka_unit_test(a_suspect_is_left_to_others),
		cmocka_unit_test(what_passed_at_rcpt_is_not_refused_at_its_end),
		cmocka_unit_test(a_user_with_a_password_is_let_pass_from_a_listed_address),
		cmocka_unit_test(a_client_amid_a_listed_64_is_rejected),
		cmocka_unit_test(a_client_without_an_address_is_left_to_others),
		cmocka_unit_test(a_socketmap_finds_a_listed_address),
		cmocka_unit_test(a_socketmap_finds_no_other_key),
		cmocka_unit_test(half_a_request_waits_for_the_rest),
		cmocka_unit_test(what_is_neither_protocol_is_hung_up_on),
		cmocka_unit_test(two_requests_at_once_are_two),
		cmocka_unit_test(the_server_and_the_end_of_a_message_are_told),
	};

	return cmocka_run_group_tests_name("postfix", tests, NULL, NULL);
}
