/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * postfix.h - what Postfix asks about a client, and what it is told: text to text.
 *
 * Two protocols on one socket, told apart by their first byte: policy delegation (SMTPD_POLICY_README:
 * lines of name=value, an empty line ends) and socketmap (socketmap_table(5): netstrings).  Who is
 * listed is refused; on any doubt the answer is DUNNO or NOTFOUND.
 */
#ifndef MXTRAP_POSTFIX_H
#define MXTRAP_POSTFIX_H

#include "feed.h"

#define POSTFIX_REQUEST_MAX 16384	/* some 40 lines; of HELO, sender and recipient each may have 2,048 bytes, by the client's will */
#define POSTFIX_REPLY_MAX   512

struct postfix_counters {
	uint64_t requests, refused, malformed, full, slow;
};

enum postfix_verdict {
	POSTFIX_MORE,			/* not all of a request is there */
	POSTFIX_DONE,
	POSTFIX_BAD,			/* none of the two protocols: hang up without an answer */
};

struct postfix_request {
	bool	    socketmap;
	bool	    has_client;		/* the client's address was told, and is one */
	struct addr client, server;	/* server all zero: not told */
	bool	    end_of_message;	/* protocol_state=END-OF-MESSAGE */
	bool	    user;		/* it proved by password who it is */
	bool	    known;		/* it did, or showed a certificate, which may be anybody's */
	bool	    recipient;		/* protocol_state=RCPT */
	bool	    submits;		/* the server's port is not 25 */
	uint16_t    port;		/* the client's; 0: not told */
	uint64_t    instance;		/* a hash of what names this message at that server; 0: not told */
	size_t	    size;		/* bytes of it that were used up */
};

/* Read the first request of n bytes (any bytes at all). */
enum postfix_verdict postfix_read(const char *bytes, size_t n, struct postfix_request *out);
/* The answer, as the request's protocol has it; returns its size.  *refused: it is REJECT. */
size_t postfix_answer(const struct postfix_request *, const struct feed *, int64_t now_s, const char *contact,
    char out[static POSTFIX_REPLY_MAX], struct postfix_counters *, bool *refused);

#endif
