/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_smtp.c - what the decoy's dialogue answers, and what it notes.
 *
 * One row, one conversation: what the client sends after the greeting, the codes of all that is
 * answered, and what is then known of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/decoy/smtp.h"

#define HOST "mx9.example.org"
#define GREETED 2000			/* ms */
#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define X100 X50 X50
#define X250 X100 X100 X50
#define X500 X250 X250

struct client {
	struct smtp smtp;
	char text[65536];
	struct smtp_out out;
};

static void
client_connect(struct client *c)
{
	memset(c, 0, sizeof(*c));
	c->out = (struct smtp_out){ .p = c->text, .size = sizeof(c->text) - 1 };
	smtp_begin(&c->smtp, 0, GREETED);
}

static void
client_greeted(struct client *c)
{
	client_connect(c);
	smtp_tick(&c->smtp, GREETED, HOST, &c->out);
	assert_string_equal(c->text, "220 " HOST " ESMTP\r\n");
	c->out.n = 0;
	memset(c->text, 0, 64);
}

static size_t
client_says(struct client *c, const void *bytes, size_t n)
{
	return smtp_hear(&c->smtp, GREETED + 1, HOST, bytes, n, &c->out);
}

/* "250 451 221": the code of each reply's last line. */
static const char *
codes(const struct client *c, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (const char *line = c->text; line < c->text + c->out.n;) {
		const char *end = strstr(line, "\r\n");

		assert_non_null(end);
		assert_true(end - line >= 4);
		if (line[3] == ' ' && n + 5 < size)
			n += (size_t)snprintf(buf + n, size - n, "%s%.3s", n > 0 ? " " : "", line);
		line = end + 2;
	}
	return buf;
}

struct talk {
	const char *name, *says, *codes;
	uint16_t said, not_said;
	const char *helo, *domain;	/* NULL: whatever */
};

static const struct talk talks[] = {
	{ "a_server_with_mail_is_put_off", "EHLO a.example\r\nMAIL FROM:<x@a.example>\r\nRCPT TO:<you@example.org>\r\nQUIT\r\n",
	  "250 250 451 221", SAID_HELO | SAID_MAIL | SAID_RCPT | SAID_END, SAID_ORDER | SAID_NO_HELO | SAID_EARLY,
	  "a.example", "example.org" },
	{ "helo_is_enough", "HELO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<you@example.org>\r\n", "250 250 451",
	  SAID_HELO | SAID_RCPT, SAID_NO_HELO | SAID_END, "a.example", "example.org" },
	{ "verbs_have_no_case", "eHlO a\r\nmail from:<x@a>\r\nrcpt to:<y@B.Example>\r\nquit\r\n", "250 250 451 221",
	  SAID_RCPT, SAID_ORDER, "a", "B.Example" },
	{ "a_bare_line_feed_ends_a_line", "EHLO a\nMAIL FROM:<x@a>\nRCPT TO:<y@b>\n", "250 250 451", SAID_RCPT, 0, "a", "b" },
	{ "each_recipient_is_put_off_and_the_first_is_kept",
	  "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<1@one.example>\r\nRCPT TO:<2@two.example>\r\n", "250 250 451 451",
	  SAID_RCPT, 0, NULL, "one.example" },
	{ "parameters_are_taken", "EHLO a\r\nMAIL FROM:<x@a> BODY=8BITMIME SMTPUTF8 SIZE=99999999\r\n"
	  "RCPT TO:<y@b.example> NOTIFY=NEVER\r\n", "250 250 451", SAID_RCPT, 0, NULL, "b.example" },
	{ "a_space_after_the_colon_is_taken", "HELO a\r\nMAIL FROM: <x@a>\r\nRCPT TO: <y@b.example>\r\n", "250 250 451",
	  SAID_RCPT, 0, NULL, "b.example" },
	{ "an_address_without_brackets_is_taken", "HELO a\r\nMAIL FROM:x@a\r\nRCPT TO:y@b.example NOTIFY=NEVER\r\n",
	  "250 250 451", SAID_RCPT, 0, NULL, "b.example" },
	{ "a_quoted_local_part_hides_no_domain", "HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<\"a@b> \\\"c\"@d.example>\r\n",
	  "250 250 451", SAID_RCPT, 0, NULL, "d.example" },
	{ "a_source_route_leads_to_the_last_domain", "HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<@a.example,@b.example:c@d.example>\r\n",
	  "250 250 451", SAID_RCPT, 0, NULL, "d.example" },
	{ "postmaster_without_domain_tells_nothing",
	  "HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nRCPT TO:<x@b.example>\r\n", "250 250 451 451", SAID_RCPT, 0,
	  NULL, "b.example" },
	{ "an_open_quote_tells_nothing", "HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<\"x@b.example>\r\n", "250 250 451", SAID_MAIL,
	  SAID_RCPT, NULL, "" },
	{ "the_last_helo_is_kept", "EHLO one\r\nHELO two\r\n", "250 250", SAID_HELO, 0, "two", NULL },
	{ "a_helo_without_a_name_is_noted", "HELO\r\nEHLO \r\n", "501 501", SAID_NO_HELO, SAID_HELO, "", NULL },
	{ "mail_without_helo_is_taken_and_noted", "MAIL FROM:<>\r\nRCPT TO:<x@b.example>\r\n", "250 451",
	  SAID_NO_HELO | SAID_RCPT, SAID_ORDER, "", "b.example" },
	{ "a_second_mail_is_taken", "HELO a\r\nMAIL FROM:<x@a>\r\nRCPT TO:<y@b>\r\nMAIL FROM:<z@a>\r\nRCPT TO:<y@c>\r\n",
	  "250 250 451 250 451", SAID_RCPT, SAID_ORDER, NULL, "b" },
	{ "a_mail_without_recipients_before_the_next_is_noted", "HELO a\r\nMAIL FROM:<x@a>\r\nMAIL FROM:<z@a>\r\n",
	  "250 250 250", SAID_ORDER, 0, NULL, NULL },
	{ "rset_begins_anew", "HELO a\r\nMAIL FROM:<x@a>\r\nRSET\r\nRCPT TO:<y@b>\r\n", "250 250 250 503", SAID_ORDER, SAID_RCPT,
	  NULL, "" },
	{ "rcpt_before_mail_is_out_of_order", "HELO a\r\nRCPT TO:<y@b>\r\n", "250 503", SAID_ORDER, SAID_RCPT, NULL, "" },
	{ "data_without_mail_is_out_of_order", "HELO a\r\nDATA\r\n", "250 503", SAID_ORDER, 0, NULL, NULL },
	{ "data_without_recipients_is_out_of_order", "HELO a\r\nMAIL FROM:<>\r\nDATA\r\n", "250 250 503", SAID_ORDER, 0, NULL,
	  NULL },
	{ "data_after_recipients_is_put_off_too", "HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<y@b>\r\nDATA\r\n", "250 250 451 451",
	  SAID_RCPT, SAID_ORDER, NULL, NULL },
	{ "a_body_after_data_is_no_mail", "HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<y@b>\r\nDATA\r\nSubject: x\r\n\r\nHi\r\n.\r\n",
	  "250 250 451 451 500 500 500 421", SAID_RCPT | SAID_END, SAID_FOREIGN_PROTOCOL, NULL, NULL },
	{ "bdat_ends_the_session", "HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<y@b>\r\nBDAT 4 LAST\r\nabcd", "250 250 451 421",
	  SAID_END, 0, NULL, NULL },
	{ "harmless_commands_are_harmless", "NOOP\r\nNOOP x\r\nRSET\r\nVRFY x\r\nEXPN y\r\nHELP\r\nHELP DATA\r\n",
	  "250 250 250 252 252 214 214", 0, SAID_ORDER | SAID_END, NULL, NULL },
	{ "starttls_and_auth_are_put_off", "EHLO a\r\nSTARTTLS\r\nAUTH LOGIN\r\n", "250 454 454", 0, SAID_TLS, NULL, NULL },
	{ "an_unknown_command_is_told_so", "NOOP\r\nXYZZY\r\n\r\n", "250 500 500", SAID_UNKNOWN, SAID_END, NULL, NULL },
	{ "an_unknown_command_behind_helo_is_less", "HELO a\r\nXYZZY\r\n", "250 500", 0, SAID_UNKNOWN | SAID_END, NULL, NULL },
	{ "an_http_request_ends_at_its_first_line", "POST /hook HTTP/1.1\r\nHost: mx9\r\n\r\nEHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<x@b>\r\n",
	  "421", SAID_FOREIGN_PROTOCOL | SAID_END, SAID_HELO | SAID_MAIL | SAID_RCPT, "", "" },
	{ "http_behind_empty_lines_ends", "\r\n\r\nGET / HTTP/1.0\r\n\r\n", "500 500 421", SAID_FOREIGN_PROTOCOL, SAID_HELO, "", "" },
	{ "http_with_a_verb_of_ours_ends", "EHLO /x HTTP/1.1\r\nHost: mx9\r\n", "421", SAID_FOREIGN_PROTOCOL | SAID_END, SAID_HELO, "", "" },
	{ "a_header_line_before_a_recipient_ends_it", "EHLO a.example\r\nUser-Agent: x\r\nMAIL FROM:<>\r\nRCPT TO:<x@b>\r\n", "250 421",
	  SAID_FOREIGN_PROTOCOL | SAID_END, SAID_RCPT, NULL, "" },
	{ "a_header_line_first_ends_it", "Content-Type: x\r\nEHLO a\r\n", "421", SAID_FOREIGN_PROTOCOL | SAID_END, SAID_HELO, "", "" },
	{ "ssh_ends_at_once", "SSH-2.0-x\r\n", "421", SAID_FOREIGN_PROTOCOL | SAID_END, 0, NULL, NULL },
	{ "a_line_without_an_end_ends_at_its_first_word", "PROXY TCP4 192.0.2.1", "421", SAID_FOREIGN_PROTOCOL | SAID_END, 0, NULL, NULL },
	{ "half_a_verb_waits", "EHL", "", 0, SAID_FOREIGN_PROTOCOL | SAID_END, NULL, NULL },
	{ "a_verb_that_goes_on_is_none", "EHLOX a\r\nEHLO a\r\n", "421", SAID_FOREIGN_PROTOCOL | SAID_END, SAID_HELO, NULL, NULL },
	{ "blanks_round_the_colon_are_taken", "HELO a\r\nMAIL FROM : <x@a>\r\nRCPT TO :<y@b.example>\r\n", "250 250 451", SAID_RCPT,
	  SAID_ORDER, NULL, "b.example" },
	{ "blanks_everywhere_are_taken", "HELO a\r\nmail\tfrom\t:\t<x@a>  SIZE=1\r\nrCpT   tO  :  <y@b.example>  NOTIFY=NEVER \r\n",
	  "250 250 451", SAID_RCPT, 0, NULL, "b.example" },
	{ "a_missing_colon_before_brackets_is_taken", "HELO a\r\nMAIL FROM <x@a>\r\nRCPT TO<y@b.example>\r\n", "250 250 451", SAID_RCPT, 0,
	  NULL, "b.example" },
	{ "a_malformed_path_is_told_so", "HELO a\r\nMAIL <x@a>\r\nMAIL FROM:\r\nMAIL FROM:<>\r\nRCPT <y@b>\r\nRCPT TO:\r\n",
	  "250 501 501 250 501 501", SAID_MAIL, SAID_RCPT, NULL, "" },
	{ "ten_bad_commands_end_it", "HELO a\r\nDATA\r\nDATA\r\nDATA\r\nDATA\r\nDATA\r\nDATA\r\nDATA\r\nDATA\r\nDATA\r\nDATA\r\nNOOP\r\n",
	  "250 503 503 503 503 503 503 503 503 503 503 421", SAID_END, 0, NULL, NULL },
	{ "three_unknown_commands_end_it", "HELO a\r\nA\r\nB\r\nC\r\nNOOP\r\n", "250 500 500 500 421", SAID_END, 0, NULL, NULL },
	{ "nothing_is_heard_after_quit", "QUIT\r\nHELO a\r\n", "221", SAID_END, SAID_HELO, "", NULL },
	{ "a_long_line_is_told_so", "NOOP " X500 X10 "\r\nNOOP\r\n", "500 250", 0, 0, NULL, NULL },
	{ "a_line_of_512_octets_is_not_long", "NOOP " X500 "xxxxx\r\nNOOP\r\n", "250 250", 0, 0, NULL, NULL },
	{ "a_line_of_513_octets_is_long", "NOOP " X500 "xxxxxx\r\nNOOP\r\n", "500 250", 0, 0, NULL, NULL },
	{ "a_long_path_is_put_off_not_bounced", "HELO a\r\nMAIL FROM:<" X500 X10 "@a>\r\nMAIL FROM:<>\r\nRCPT TO:<" X500 X10
	  "@b.example>\r\n", "250 451 250 451", SAID_MAIL, SAID_RCPT | SAID_ORDER, NULL, "" },
	{ "a_long_name_is_cut", "HELO " X250 X10 "\r\n", "250", SAID_HELO, 0, X250 "xxxxx", NULL },
	{ "a_domain_that_is_too_long_is_none", "HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@" X250 X10 ">\r\n", "250 250 451", SAID_MAIL,
	  SAID_RCPT, NULL, "" },
	{ "bytes_of_a_name_are_kept_raw", "HELO \x1b[31m\xff\"<script>\r\n", "250", SAID_HELO, 0, "\x1b[31m\xff\"<script>", NULL },
	{ "a_half_line_is_no_command", "HELO a.exam", "", 0, SAID_HELO, "", NULL },
};

static void
test_talk(void **state)
{
	const struct talk *t = *state;
	struct client c;
	char buf[1024];

	client_greeted(&c);
	client_says(&c, t->says, strlen(t->says));
	assert_string_equal(codes(&c, buf, sizeof(buf)), t->codes);
	assert_null(strstr(c.text, "354"));
	assert_int_equal(c.smtp.said & t->said, t->said);
	assert_int_equal(c.smtp.said & t->not_said, 0);
	if (t->helo != NULL)
		assert_string_equal(c.smtp.helo, t->helo);
	if (t->domain != NULL)
		assert_string_equal(c.smtp.domain, t->domain);
}

/* The same, byte by byte: pieces of any size mean the same. */
static void
pieces_mean_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		struct client whole, pieces;

		client_greeted(&whole);
		client_greeted(&pieces);
		client_says(&whole, talks[i].says, strlen(talks[i].says));
		for (size_t at = 0; talks[i].says[at] != '\0'; at++)
			client_says(&pieces, talks[i].says + at, 1);
		assert_string_equal(pieces.text, whole.text);
		assert_int_equal(pieces.smtp.said, whole.smtp.said);
		assert_string_equal(pieces.smtp.helo, whole.smtp.helo);
		assert_string_equal(pieces.smtp.domain, whole.smtp.domain);
	}
}

static void
nothing_is_said_before_the_greeting_is_due(void **state)
{
	struct client c;

	(void)state;
	client_connect(&c);
	assert_int_equal(smtp_due_ms(&c.smtp), GREETED);
	smtp_tick(&c.smtp, GREETED - 1, HOST, &c.out);
	assert_int_equal(client_says(&c, "EHLO a\r\n", 8), 0);
	assert_int_equal(c.out.n, 0);
	assert_int_equal(c.smtp.stage, SMTP_SILENT);
}

static void
who_talks_first_is_noted_and_heard_after_the_greeting(void **state)
{
	struct client c;
	char buf[64];

	(void)state;
	client_connect(&c);
	smtp_early(&c.smtp, (const uint8_t *)"EH", 2);
	assert_int_equal(c.smtp.said, SAID_EARLY);
	smtp_tick(&c.smtp, GREETED, HOST, &c.out);
	client_says(&c, "EHLO a\r\n", 8);
	assert_string_equal(codes(&c, buf, sizeof(buf)), "220 250");
	assert_int_equal(c.smtp.said, SAID_EARLY | SAID_HELO);
}

static void
a_tls_hello_is_noted_and_ends_it(void **state)
{
	static const uint8_t hello[] = { 0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc };
	struct client c;

	(void)state;
	client_connect(&c);
	smtp_early(&c.smtp, hello, sizeof(hello));
	assert_int_equal(c.smtp.said, SAID_EARLY | SAID_TLS | SAID_FOREIGN_PROTOCOL | SAID_END);
	assert_int_equal(c.smtp.end, SMTP_END_TLS);
	client_greeted(&c);
	assert_int_equal(client_says(&c, hello, sizeof(hello)), 0);
	assert_int_equal(c.smtp.said, SAID_TLS | SAID_FOREIGN_PROTOCOL | SAID_END);
	assert_int_equal(c.out.n, 0);
}

static void
another_protocol_before_the_greeting_ends_it(void **state)
{
	static const struct { const char *says; bool over; } early[] = {
		{ "GET / HTTP/1.1\r\n", true }, { "\r\nPOST /", true }, { "Host: a\r\n", true }, { "x", true },
		{ "E", false }, { "EHLO", false }, { "EHLO a", false }, { "mail from:<", false }, { "\r\n", false },
	};
	struct client c;

	(void)state;
	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
		client_connect(&c);
		smtp_early(&c.smtp, (const uint8_t *)early[i].says, strlen(early[i].says));
		assert_int_equal(c.smtp.said, early[i].over ? SAID_EARLY | SAID_FOREIGN_PROTOCOL | SAID_END : SAID_EARLY);
		assert_int_equal(c.smtp.end, early[i].over ? SMTP_END_PROTOCOL : SMTP_END_NOT);
		assert_int_equal(c.out.n, 0);
	}
}

static void
bytes_like_tls_later_on_are_bad_commands(void **state)
{
	struct client c;
	char buf[64];

	(void)state;
	client_greeted(&c);
	client_says(&c, "NOOP\r\n\x16\x03\x01\r\n", 11);
	assert_string_equal(codes(&c, buf, sizeof(buf)), "250 500");
	assert_int_equal(c.smtp.said, SAID_UNKNOWN);
}

static void
a_nul_makes_a_line_no_command(void **state)
{
	struct client c;
	char buf[64];

	(void)state;
	client_greeted(&c);
	client_says(&c, "HELO a\0b\r\nHELO c\r\n", 18);
	assert_string_equal(codes(&c, buf, sizeof(buf)), "500 250");
	assert_string_equal(c.smtp.helo, "c");
}

static void
a_slow_client_ends_at_the_command_deadline(void **state)
{
	struct client c;
	int64_t now = GREETED;
	size_t at = 0;

	(void)state;
	client_greeted(&c);
	/* A byte now and then moves nothing. */
	while (c.smtp.stage == SMTP_TALKS) {
		now += 10000;
		smtp_hear(&c.smtp, now, HOST, (const uint8_t *)"HELO xxxxxx" + at++, 1, &c.out);
		smtp_tick(&c.smtp, now, HOST, &c.out);
	}
	assert_int_equal(now, GREETED + SMTP_COMMAND_MS);
	assert_int_equal(c.smtp.end, SMTP_END_SLOW);
	assert_memory_equal(c.text, "421", 3);
}

static void
a_lively_client_ends_at_the_session_deadline(void **state)
{
	struct client c;
	int64_t now = GREETED;

	(void)state;
	client_greeted(&c);
	while (c.smtp.stage == SMTP_TALKS) {
		now += 1000;
		smtp_hear(&c.smtp, now, HOST, (const uint8_t *)"NOOP\r\n", 6, &c.out);
		smtp_tick(&c.smtp, now, HOST, &c.out);
	}
	assert_int_equal(now, SMTP_SESSION_MS);
	assert_int_equal(c.smtp.end, SMTP_END_SLOW);
}

static void
many_recipients_are_put_off_and_then_the_session_ends(void **state)
{
	struct client c;

	(void)state;
	client_greeted(&c);
	client_says(&c, "HELO a\r\nMAIL FROM:<>\r\n", 22);
	for (int i = 2; i < SMTP_COMMANDS; i++) {
		c.out.n = 0;
		client_says(&c, "RCPT TO:<x@b.example>\r\n", 23);
		assert_memory_equal(c.text, "451", 3);
	}
	assert_int_equal(c.smtp.stage, SMTP_TALKS);
	c.out.n = 0;
	client_says(&c, "RCPT TO:<x@b.example>\r\n", 23);
	assert_memory_equal(c.text, "421", 3);
	assert_int_equal(c.smtp.end, SMTP_END_BAD);
}

static void
a_full_buffer_of_replies_stops_the_reading(void **state)
{
	struct client c;
	size_t used;

	(void)state;
	client_greeted(&c);
	c.out.size = 2 * SMTP_REPLY;
	used = client_says(&c, "NOOP\r\nNOOP\r\n", 12);
	assert_int_equal(used, 6);
	assert_int_equal(client_says(&c, "NOOP\r\n", 6), 0);
	c.out.n = 0;
	assert_int_equal(client_says(&c, "NOOP\r\n", 6), 6);
}

static void
a_stop_says_421_to_who_was_greeted(void **state)
{
	struct client c;

	(void)state;
	client_connect(&c);
	smtp_stop(&c.smtp, &c.out);
	assert_int_equal(c.out.n, 0);
	assert_int_equal(c.smtp.end, SMTP_END_STOP);
	client_greeted(&c);
	smtp_stop(&c.smtp, &c.out);
	assert_memory_equal(c.text, "421 ", 4);
}

static void
what_some_would_bounce_for_is_offered(void **state)
{
	struct client c;

	(void)state;
	client_greeted(&c);
	client_says(&c, "EHLO a\r\n", 8);
	assert_non_null(strstr(c.text, "8BITMIME"));
	assert_non_null(strstr(c.text, "SMTPUTF8"));
	assert_null(strstr(c.text, "SIZE"));
	assert_null(strstr(c.text, "PIPELINING"));
	assert_null(strstr(c.text, "CHUNKING"));
	assert_null(strstr(c.text, "STARTTLS"));
}

static void
no_word_of_a_trap_is_said(void **state)
{
	static const char *const words[] = { "trap", "decoy", "spam", "block", "black", "list", "bogus" };

	(void)state;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		struct client c;

		client_greeted(&c);
		client_says(&c, talks[i].says, strlen(talks[i].says));
		for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
			assert_null(strcasestr(c.text, words[w]));
	}
}

#define N_TALKS (sizeof(talks) / sizeof(talks[0]))

int
main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(pieces_mean_the_same),
		cmocka_unit_test(nothing_is_said_before_the_greeting_is_due),
		cmocka_unit_test(who_talks_first_is_noted_and_heard_after_the_greeting),
		cmocka_unit_test(a_tls_hello_is_noted_and_ends_it),
		cmocka_unit_test(another_protocol_before_the_greeting_ends_it),
		cmocka_unit_test(bytes_like_tls_later_on_are_bad_commands),
		cmocka_unit_test(a_nul_makes_a_line_no_command),
		cmocka_unit_test(a_slow_client_ends_at_the_command_deadline),
		cmocka_unit_test(a_lively_client_ends_at_the_session_deadline),
		cmocka_unit_test(many_recipients_are_put_off_and_then_the_session_ends),
		cmocka_unit_test(a_full_buffer_of_replies_stops_the_reading),
		cmocka_unit_test(a_stop_says_421_to_who_was_greeted),
		cmocka_unit_test(what_some_would_bounce_for_is_offered),
		cmocka_unit_test(no_word_of_a_trap_is_said),
	};
	struct CMUnitTest tests[N_TALKS + sizeof(others) / sizeof(others[0])];

	for (size_t i = 0; i < N_TALKS; i++)
		tests[i] = (struct CMUnitTest){ .name = talks[i].name, .test_func = test_talk,
		    .initial_state = (void *)(uintptr_t)&talks[i] };
	memcpy(tests + N_TALKS, others, sizeof(others));
	return cmocka_run_group_tests_name("smtp", tests, NULL, NULL);
}
