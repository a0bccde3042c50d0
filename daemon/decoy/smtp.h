/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * smtp.h - one SMTP session of a decoy: bytes in, replies out, and what was said.
 *
 * Pure: no I/O, no clock, no memory of its own.  It takes no mail and refuses none: every recipient
 * is put off with 451, so that an honest server keeps the mail and comes back.  What is well-formed
 * and in order never gets a 5xx (an honest server would bounce the mail), and 354 is never said.
 *
 * Whoever speaks another protocol is sent away with 421 at its first line: a mail server that only errs keeps
 * its mail, and whatever an honest host was made to say behind that line is not heard.
 */
#ifndef MXTRAP_DECOY_SMTP_H
#define MXTRAP_DECOY_SMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mxtrap/event.h"

#define SMTP_LINE	  512	/* a command with its CRLF (RFC 5321, 4.5.3.1.4) */
#define SMTP_TEXT	  256	/* of a name, with its end */
#define SMTP_REPLY	  512	/* no reply is longer */
#define SMTP_COMMANDS	  250	/* then 421; a server may bring a hundred recipients and more */
#define SMTP_BAD_COMMANDS 10	/* then 421 */
#define SMTP_UNKNOWN_COMMANDS 3	/* of them such that SMTP does not know */
#define SMTP_COMMAND_MS	  60000	/* from our last reply to the end of a command */
#define SMTP_SESSION_MS	  180000

enum smtp_stage {
	SMTP_SILENT,		/* before the greeting */
	SMTP_TALKS,
	SMTP_OVER,		/* send what there is, then close */
};

enum smtp_end {			/* why it is over */
	SMTP_END_NOT,
	SMTP_END_QUIT,
	SMTP_END_TLS,		/* it spoke TLS */
	SMTP_END_PROTOCOL,	/* it spoke HTTP or something else that is not SMTP */
	SMTP_END_SLOW,		/* a deadline passed */
	SMTP_END_BAD,		/* too many commands, or bad ones, or one that cannot be read past */
	SMTP_END_STOP,		/* we stop */
};

struct smtp {
	int64_t	 session_ms, command_ms;	/* deadlines; the greeting's while SMTP_SILENT */
	uint16_t said;				/* enum said, of SAID_OF_DECOY */
	uint8_t	 stage, end;
	bool	 mail, rcpt;			/* in this transaction */
	bool	 named;				/* HELO or EHLO was answered 250 */
	bool	 begun;				/* its first line is SMTP */
	bool	 long_line, nul;		/* the line in the making is too long, or has a NUL */
	uint16_t n;				/* of line */
	uint16_t commands, bad, unknown;
	uint32_t too_long;			/* lines that were */
	char	 line[SMTP_LINE];		/* the command in the making, without its end */
	char	 helo[SMTP_TEXT];		/* raw bytes of the peer's but never a NUL: escape where shown */
	char	 domain[SMTP_TEXT];
};

struct smtp_out {		/* replies are added at n; the caller sends and empties it */
	char  *p;
	size_t n, size;
};

/* A connection has just been taken. */
void smtp_begin(struct smtp *, int64_t now_ms, int64_t greeting_delay_ms);
/* When smtp_tick() is due; it is to be called no earlier. */
int64_t smtp_due_ms(const struct smtp *);
/* The greeting, or 421 when a deadline has passed.  Out has room for SMTP_REPLY. */
void smtp_tick(struct smtp *, int64_t now_ms, const char *host, struct smtp_out *);
/* The first bytes came before the greeting: noted, not consumed.  Give them again after it, unless it is over. */
void smtp_early(struct smtp *, const uint8_t *bytes, size_t n);
/*
 * Bytes after the greeting.  Returns how many were consumed: less than n only when it is over, or out has no
 * room for another SMTP_REPLY (send, empty it, call again).  host: our name, at most 255 bytes.
 */
size_t smtp_hear(struct smtp *, int64_t now_ms, const char *host, const uint8_t *bytes, size_t n,
    struct smtp_out *);
/* The process stops: 421, if a greeting was said. */
void smtp_stop(struct smtp *, struct smtp_out *);

#endif
