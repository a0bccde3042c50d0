/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * smtp.c - the dialogue of a backup that is always in temporary trouble.
 *
 * Each reply was chosen by what an honest server does with it.  8BITMIME and SMTPUTF8 are offered,
 * because some bounce a mail that needs what is not offered; SIZE is not, because they bounce what
 * is over the limit; PIPELINING and CHUNKING are not, so that nobody sends what would need an answer to a
 * body; STARTTLS is not: who insists on it puts the mail off.  MAIL needs no HELO, and may come again: a 503
 * there would bounce the mail of a server that is only careless.
 */
#include "smtp.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "path.h"

#define TLS_HANDSHAKE 0x16	/* first byte of a TLS record that carries a hello; then major version 3 */

static const char later[] = "451 4.3.0 Temporary failure, please try again later\r\n";

static void
reply(struct smtp_out *out, const char *text)
{
	size_t n = strlen(text);

	if (n <= out->size - out->n) {
		memcpy(out->p + out->n, text, n);
		out->n += n;
	}
}

static void
finish(struct smtp *s, enum smtp_end why)
{
	s->stage = SMTP_OVER;
	s->end = (uint8_t)why;
	s->said |= SAID_END;
}

/* A command that no server sends, or not so. */
static void
bad(struct smtp *s, struct smtp_out *out, const char *text)
{
	s->bad++;
	reply(out, text);
}

static void
out_of_order(struct smtp *s, struct smtp_out *out, const char *text)
{
	s->said |= SAID_ORDER;
	bad(s, out, text);
}

void
smtp_begin(struct smtp *s, int64_t now_ms, int64_t greeting_delay_ms)
{
	memset(s, 0, sizeof(*s));
	s->session_ms = now_ms + SMTP_SESSION_MS;
	s->command_ms = now_ms + greeting_delay_ms;
}

int64_t
smtp_due_ms(const struct smtp *s)
{
	return s->command_ms < s->session_ms ? s->command_ms : s->session_ms;
}

void
smtp_tick(struct smtp *s, int64_t now_ms, const char *host, struct smtp_out *out)
{
	char text[SMTP_REPLY];

	if (s->stage == SMTP_OVER || now_ms < smtp_due_ms(s))
		return;
	if (s->stage == SMTP_SILENT) {
		(void)snprintf(text, sizeof(text), "220 %s ESMTP\r\n", host);
		reply(out, text);
		s->stage = SMTP_TALKS;
		s->command_ms = now_ms + SMTP_COMMAND_MS;
		return;
	}
	reply(out, "421 4.4.2 Timeout, closing the connection\r\n");
	finish(s, SMTP_END_SLOW);
}

/* It is no SMTP client, or not here. */
static bool
is_tls(const uint8_t *bytes, size_t n)
{
	return n >= 2 && bytes[0] == TLS_HANDSHAKE && bytes[1] == 3;
}

void
smtp_early(struct smtp *s, const uint8_t *bytes, size_t n)
{
	if (s->stage != SMTP_SILENT || n == 0)
		return;
	s->said |= SAID_EARLY;
	if (is_tls(bytes, n)) {
		s->said |= SAID_TLS;
		finish(s, SMTP_END_TLS);
	}
}

void
smtp_stop(struct smtp *s, struct smtp_out *out)
{
	if (s->stage == SMTP_TALKS)
		reply(out, "421 4.3.2 Service is shutting down\r\n");
	if (s->stage != SMTP_OVER)
		finish(s, SMTP_END_STOP);
}

/* --- commands: each gets what follows its verb, without spaces around it ------------- */

struct command {
	struct smtp	*s;
	struct smtp_out *out;
	const char	*host;
	const char	*arg;
	size_t		 n;
};

static void
name_peer(struct command *c)
{
	struct smtp *s = c->s;
	size_t n = c->n < sizeof(s->helo) ? c->n : sizeof(s->helo) - 1;

	memcpy(s->helo, c->arg, n);
	s->helo[n] = '\0';
	s->said |= SAID_HELO;
	s->named = true;
	s->mail = s->rcpt = false;
}

static bool
nameless(struct command *c)
{
	if (c->n != 0)
		return false;
	c->s->said |= SAID_NO_HELO;
	bad(c->s, c->out, "501 5.5.4 A host name is missing\r\n");
	return true;
}

static void
do_helo(struct command *c)
{
	char text[SMTP_REPLY];

	if (nameless(c))
		return;
	name_peer(c);
	(void)snprintf(text, sizeof(text), "250 %s\r\n", c->host);
	reply(c->out, text);
}

static void
do_ehlo(struct command *c)
{
	char text[SMTP_REPLY];

	if (nameless(c))
		return;
	name_peer(c);
	(void)snprintf(text, sizeof(text),
	    "250-%s\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n", c->host);
	reply(c->out, text);
}

/* "FROM:" or "TO:" before the path, whatever their case; the path is what remains. */
static bool
path_after(struct command *c, const char *word)
{
	size_t n = strlen(word);

	if (c->n < n || strncasecmp(c->arg, word, n) != 0)
		return false;
	c->arg += n;
	c->n -= n;
	while (c->n > 0 && (*c->arg == ' ' || *c->arg == '\t')) {
		c->arg++;
		c->n--;
	}
	return true;
}

static void
do_mail(struct command *c)
{
	struct smtp *s = c->s;

	if (!path_after(c, "FROM:") || c->n == 0) {
		bad(s, c->out, "501 5.5.4 Syntax: MAIL FROM:<address>\r\n");
		return;
	}
	if (!s->named)
		s->said |= SAID_NO_HELO;
	if (s->mail && !s->rcpt)
		s->said |= SAID_ORDER;
	s->said |= SAID_MAIL;
	s->mail = !s->long_line;
	s->rcpt = false;
	reply(c->out, s->long_line ? later : "250 2.1.0 Ok\r\n");
}

static void
do_rcpt(struct command *c)
{
	struct smtp *s = c->s;
	const char *domain = NULL;
	size_t n;

	if (!s->mail) {
		out_of_order(s, c->out, "503 5.5.1 MAIL comes first\r\n");
		return;
	}
	if (!path_after(c, "TO:") || c->n == 0) {
		bad(s, c->out, "501 5.5.4 Syntax: RCPT TO:<address>\r\n");
		return;
	}
	s->rcpt = true;
	n = path_domain(c->arg, c->n, &domain);
	/* The first that has a domain, and a whole one: <postmaster> tells nothing. */
	if (!s->long_line && n > 0 && n < sizeof(s->domain) && (s->said & SAID_RCPT) == 0) {
		memcpy(s->domain, domain, n);
		s->domain[n] = '\0';
		s->said |= SAID_RCPT;
	}
	reply(c->out, later);
}

static void
do_data(struct command *c)
{
	/* Some ask although no recipient was taken: a 5xx would bounce the mail. */
	if (c->s->rcpt)
		reply(c->out, later);
	else
		out_of_order(c->s, c->out, "503 5.5.1 RCPT comes first\r\n");
}

/* Not offered.  What follows it would be a body, which nobody here reads past. */
static void
do_bdat(struct command *c)
{
	c->s->said |= SAID_ORDER;
	reply(c->out, "421 4.3.0 Temporary failure, closing the connection\r\n");
	finish(c->s, SMTP_END_BAD);
}

static void
do_rset(struct command *c)
{
	c->s->mail = c->s->rcpt = false;
	reply(c->out, "250 2.0.0 Ok\r\n");
}

static void
do_noop(struct command *c)
{
	reply(c->out, "250 2.0.0 Ok\r\n");
}

static void
do_vrfy(struct command *c)
{
	reply(c->out, "252 2.1.5 Send some mail, and it will be tried\r\n");
}

static void
do_help(struct command *c)
{
	reply(c->out, "214 2.0.0 See RFC 5321\r\n");
}

static void
do_starttls(struct command *c)
{
	bad(c->s, c->out, "454 4.7.0 TLS is not available now\r\n");
}

static void
do_auth(struct command *c)
{
	bad(c->s, c->out, "454 4.7.0 Temporary authentication failure\r\n");
}

static void
do_quit(struct command *c)
{
	reply(c->out, "221 2.0.0 Bye\r\n");
	finish(c->s, SMTP_END_QUIT);
}

static const struct verb {
	const char *name;
	void (*does)(struct command *);
} verbs[] = {
	{ "EHLO", do_ehlo }, { "HELO", do_helo }, { "MAIL", do_mail }, { "RCPT", do_rcpt },
	{ "DATA", do_data }, { "RSET", do_rset }, { "NOOP", do_noop }, { "QUIT", do_quit },
	{ "VRFY", do_vrfy }, { "EXPN", do_vrfy }, { "HELP", do_help }, { "STARTTLS", do_starttls },
	{ "AUTH", do_auth }, { "BDAT", do_bdat },
};

/* The verb of the line, whatever its case; *rest is how much of the line it takes. */
static const struct verb *
line_verb(const struct smtp *s, size_t *rest)
{
	size_t n = 0;

	while (n < s->n && s->line[n] != ' ' && s->line[n] != '\t')
		n++;
	*rest = n;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strlen(verbs[i].name) == n && strncasecmp(s->line, verbs[i].name, n) == 0)
			return &verbs[i];
	return NULL;
}

static void
do_line(struct smtp *s, const char *host, struct smtp_out *out)
{
	struct command c = { .s = s, .out = out, .host = host };
	size_t at, end = s->n;
	const struct verb *verb = line_verb(s, &at);

	while (at < end && (s->line[at] == ' ' || s->line[at] == '\t'))
		at++;
	while (end > at && (s->line[end - 1] == ' ' || s->line[end - 1] == '\t' || s->line[end - 1] == '\r'))
		end--;
	c.arg = s->line + at;
	c.n = end - at;
	if (s->long_line)
		s->too_long++;
	if (s->nul || verb == NULL)
		bad(s, out, s->long_line ? "500 5.5.2 Line too long\r\n" : "500 5.5.1 Unknown command\r\n");
	else if (s->long_line && verb->does != do_mail && verb->does != do_rcpt)
		bad(s, out, "500 5.5.2 Line too long\r\n");
	else
		verb->does(&c);		/* a path that is too long is put off, not bounced */
}

static void
next_line(struct smtp *s)
{
	s->n = 0;
	s->long_line = s->nul = false;
}

/* One byte of a line, without its end. */
static void
take_byte(struct smtp *s, uint8_t b)
{
	if (b == '\0')
		s->nul = true;
	if (s->n < SMTP_LINE - 1)	/* with the LF it is as long as may be */
		s->line[s->n++] = (char)b;
	else
		s->long_line = true;
}

static void
end_line(struct smtp *s, int64_t now_ms, const char *host, struct smtp_out *out)
{
	if (s->n > 0 && s->line[s->n - 1] == '\r' && !s->long_line)
		s->n--;
	s->command_ms = now_ms + SMTP_COMMAND_MS;
	if (++s->commands > SMTP_COMMANDS) {
		reply(out, "421 4.7.0 Too many commands, closing the connection\r\n");
		finish(s, SMTP_END_BAD);
	} else {
		do_line(s, host, out);
		if (s->bad >= SMTP_BAD_COMMANDS && s->stage == SMTP_TALKS) {
			reply(out, "421 4.7.0 Too many errors, closing the connection\r\n");
			finish(s, SMTP_END_BAD);
		}
	}
	next_line(s);
}

size_t
smtp_hear(struct smtp *s, int64_t now_ms, const char *host, const uint8_t *bytes, size_t n,
    struct smtp_out *out)
{
	size_t i = 0;

	if (s->stage != SMTP_TALKS)
		return 0;
	if (s->commands == 0 && s->n == 0 && is_tls(bytes, n)) {
		s->said |= SAID_TLS;
		finish(s, SMTP_END_TLS);
		return 0;
	}
	/* Two replies at most for one line. */
	while (i < n && s->stage == SMTP_TALKS && out->size - out->n >= 2 * (size_t)SMTP_REPLY) {
		uint8_t b = bytes[i++];

		if (b == '\n')
			end_line(s, now_ms, host, out);
		else
			take_byte(s, b);
	}
	return i;
}
