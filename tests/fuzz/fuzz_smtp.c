/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_smtp.c - any bytes to the decoy's dialogue, in pieces of any size.
 *
 * First byte: how long the pieces are; second: how much room the replies have, and whether it spoke
 * before the greeting.  The rest is what it says.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/decoy/smtp.h"

#define HOST "mx9.example.org"
#define MOST_REPLIES ((size_t)(SMTP_COMMANDS + 2) * SMTP_REPLY)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int ok)
{
	if (!ok)
		abort();
}

/* Whole lines, none too long, none that takes mail; returns how many of them are final and 5xx. */
static unsigned
check_replies(const char *text, size_t n)
{
	unsigned refusals = 0;
	size_t from = 0;

	while (from < n) {
		const char *line = text + from, *end = memchr(line, '\r', n - from);
		size_t len;

		check(end != NULL);
		len = (size_t)(end - line);
		check(from + len + 2 <= n && end[1] == '\n' && len + 2 <= SMTP_REPLY && len >= 5);
		check(isdigit((unsigned char)line[0]) && isdigit((unsigned char)line[1]) &&
		    isdigit((unsigned char)line[2]) && (line[3] == ' ' || line[3] == '-'));
		check(line[0] != '3');
		for (size_t i = 0; i < len; i++)
			check(line[i] >= ' ' && line[i] <= '~');
		refusals += line[0] == '5' && line[3] == ' ';
		from += len + 2;
	}
	return refusals;
}

struct run {
	struct smtp smtp;
	size_t	 n;			/* of replies */
	char	 replies[MOST_REPLIES];
};

/* All of it, in pieces, with so much room for replies. */
static void
play(struct run *r, const uint8_t *data, size_t n, size_t piece, size_t room, int early)
{
	char text[4096];
	struct smtp_out out = { .p = text, .size = room };
	size_t at = 0, sum = 0;

	memset(&r->smtp, 0, sizeof(r->smtp));
	smtp_begin(&r->smtp, 0, 1000);
	if (early)
		smtp_early(&r->smtp, data, n < piece ? n : piece);
	smtp_tick(&r->smtp, 1000, HOST, &out);
	memcpy(r->replies, text, out.n);
	sum = out.n;
	out.n = 0;
	while (at < n && r->smtp.stage == SMTP_TALKS) {
		size_t part = n - at < piece ? n - at : piece, used;

		used = smtp_hear(&r->smtp, 1001, HOST, data + at, part, &out);
		check(used <= part && out.n <= room);
		at += used;
		check(sum + out.n <= sizeof(r->replies));
		memcpy(r->replies + sum, text, out.n);
		sum += out.n;
		out.n = 0;
		if (used == 0)
			check(r->smtp.stage == SMTP_OVER);
	}
	r->n = sum;
}

static void
check_run(const struct run *r)
{
	const struct smtp *s = &r->smtp;
	unsigned refusals = check_replies(r->replies, r->n);

	check(refusals <= s->bad && s->bad <= SMTP_BAD_COMMANDS && s->commands <= SMTP_COMMANDS + 1);
	check(memchr(s->helo, '\0', sizeof(s->helo)) != NULL);
	check(memchr(s->domain, '\0', sizeof(s->domain)) != NULL);
	check((s->said & ~SAID_OF_DECOY) == 0 && s->unknown <= SMTP_UNKNOWN_COMMANDS);
	check(((s->said & SAID_RCPT) != 0) == (s->domain[0] != '\0'));
	check((s->said & SAID_RCPT) == 0 || (s->said & SAID_MAIL) != 0);
	check(((s->said & SAID_END) != 0) == (s->stage == SMTP_OVER));
	check((s->stage == SMTP_OVER) == (s->end != SMTP_END_NOT));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run whole, pieces;
	size_t piece, room;
	int early;

	if (size < 3)
		return 0;
	piece = (size_t)data[0] + 2;	/* one byte of a TLS hello is not known for one */
	room = 2 * (size_t)SMTP_REPLY + (size_t)(data[1] >> 1) * 8;
	early = data[1] & 1;
	play(&whole, data + 2, size - 2, size, 4096, early);
	play(&pieces, data + 2, size - 2, piece, room, early);
	check_run(&whole);
	check_run(&pieces);
	/* Another protocol is known before the greeting, or with its next piece behind it. */
	if (early && whole.smtp.end == SMTP_END_PROTOCOL) {
		check((pieces.smtp.said & (SAID_FOREIGN_PROTOCOL | SAID_UNKNOWN)) != 0);
		return 0;
	}
	check(pieces.n == whole.n && memcmp(pieces.replies, whole.replies, whole.n) == 0);
	check(pieces.smtp.said == whole.smtp.said);
	check(strcmp(pieces.smtp.helo, whole.smtp.helo) == 0 && strcmp(pieces.smtp.domain, whole.smtp.domain) == 0);
	return 0;
}
