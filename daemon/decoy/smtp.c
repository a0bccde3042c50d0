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

#include <ctype.h>
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

static void
skip_blanks(struct command *c)
{
	while (c->n > 0 && (*c->arg == ' ' || *c->arg == '\t')) {
		c->arg++;
		c->n--;
	}
}

/*
 * "FROM" or "TO", whatever its case, then a colon; blanks may stand on both sides of that, and before a path in
 * brackets it may even be missing: a 5xx would bounce the mail of a server that only writes carelessly.
 */
static bool
path_after(struct command *c, const char *word)
{
	size_t n = strlen(word);
	bool colon;

	if (c->n < n || strncasecmp(c->arg, word, n) != 0)
		return false;
	c->arg += n;
	c->n -= n;
	skip_blanks(c);
	colon = c->n > 0 && *c->arg == ':';
	if (colon) {
		c->arg++;
		c->n--;
		skip_blanks(c);
	}
	return colon || (c->n > 0 && *c->arg == '<');
}

static void
do_mail(struct command *c)
{
	struct smtp *s = c->s;

	if (!path_after(c, "FROM") || c->n == 0) {
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
	if (!path_after(c, "TO") || c->n == 0) {
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

/* -- other protocols -- */

enum first { FIRST_OTHER, FIRST_OPEN, FIRST_SMTP };

/* Does a first line begin with a command?  FIRST_OPEN: what there is of it may still become one. */
static enum first
first_word(const char *text, size_t n, bool ended)
{
	enum first first = FIRST_OTHER;
	size_t word;

	while (n > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		n--;
	}
	for (word = 0; word < n && strchr(" \t\r", text[word]) == NULL; word++)
		if (text[word] == '\0')
			return FIRST_OTHER;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		size_t length = strlen(verbs[i].name);

		if (word > length || strncasecmp(text, verbs[i].name, word) != 0)
			continue;
		if (word == length && (word < n || ended))
			return FIRST_SMTP;
		if (word == n && !ended)
			first = FIRST_OPEN;
	}
	return first;
}

static void
other_protocol(struct smtp *s, struct smtp_out *out)
{
	s->said |= SAID_FOREIGN_PROTOCOL;
	if (out != NULL)
		reply(out, "421 4.7.0 This is no SMTP, closing the connection\r\n");
	finish(s, SMTP_END_PROTOCOL);
}

/* "POST / HTTP/1.1", or "Host: a.example": of who brings HTTP under a verb of SMTP. */
static bool
is_http(const struct smtp *s, bool known)
{
	static const char version[] = "HTTP/1.1";
	size_t n = s->n, word = 0;

	while (n > 0 && (s->line[n - 1] == ' ' || s->line[n - 1] == '\r'))
		n--;
	if (n > sizeof(version) && strncmp(s->line + n - sizeof(version), " HTTP/", 6) == 0 &&
	    isdigit((unsigned char)s->line[n - 3]) && s->line[n - 2] == '.' && isdigit((unsigned char)s->line[n - 1]))
		return true;
	while (word < n && (isalnum((unsigned char)s->line[word]) || s->line[word] == '-'))
		word++;
	return !known && word > 0 && word < n && s->line[word] == ':';
}

void
smtp_early(struct smtp *s, const uint8_t *bytes, size_t n)
{
	const uint8_t *end;

	if (s->stage != SMTP_SILENT || n == 0)
		return;
	s->said |= SAID_EARLY;
	if (is_tls(bytes, n)) {
		s->said |= SAID_TLS | SAID_FOREIGN_PROTOCOL;
		finish(s, SMTP_END_TLS);
		return;
	}
	while (n > 0 && (*bytes == '\r' || *bytes == '\n')) {
		bytes++;
		n--;
	}
	end = memchr(bytes, '\n', n);
	if (n > 0 && first_word((const char *)bytes, end != NULL ? (size_t)(end - bytes) : n, end != NULL) == FIRST_OTHER)
		other_protocol(s, NULL);
}

static void
unknown(struct smtp *s, struct smtp_out *out)
{
	if ((s->said & SAID_HELO) == 0)
		s->said |= SAID_UNKNOWN;
	s->unknown++;
	bad(s, out, s->long_line ? "500 5.5.2 Line too long\r\n" : "500 5.5.1 Unknown command\r\n");
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
	if ((s->said & SAID_RCPT) == 0 && is_http(s, verb != NULL))
		other_protocol(s, out);
	else if (s->nul || verb == NULL)
		unknown(s, out);
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

/* Its first line, an empty one apart: is it SMTP? */
static bool
begins(struct smtp *s, bool ended, struct smtp_out *out)
{
	size_t n = s->n;

	if (s->begun || n == 0)
		return true;
	if (n == 1 && s->line[0] == '\r')
		return true;		/* an empty line, as it seems */
	switch (first_word(s->line, n, ended)) {
	case FIRST_OTHER:
		other_protocol(s, out);
		return false;
	case FIRST_SMTP:
		s->begun = true;
		break;
	case FIRST_OPEN:
		break;
	}
	return true;
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
	if (!begins(s, true, out))
		return;
	s->command_ms = now_ms + SMTP_COMMAND_MS;
	if (++s->commands > SMTP_COMMANDS) {
		reply(out, "421 4.7.0 Too many commands, closing the connection\r\n");
		finish(s, SMTP_END_BAD);
	} else {
		do_line(s, host, out);
		if ((s->bad >= SMTP_BAD_COMMANDS || s->unknown >= SMTP_UNKNOWN_COMMANDS) && s->stage == SMTP_TALKS) {
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
		s->said |= SAID_TLS | SAID_FOREIGN_PROTOCOL;
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
		if (b != '\n')
			(void)begins(s, false, out);
	}
	return i;
}
