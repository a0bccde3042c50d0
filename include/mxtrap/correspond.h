/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * correspond.h - hosts that we send mail to: whoever answered a SYN of ours to its port 25.
 *
 * A SYN-ACK counts only if it acknowledges a SYN that we were seen to send to that very host less than
 * 70 s before (RFC 9293, 3.5.2), so that a forger has to guess 32 bits and a port.  Such a host is excused
 * for seven days, and the last answer counts.  Two bounded tables; the oldest make room.
 */
#ifndef MXTRAP_CORRESPOND_H
#define MXTRAP_CORRESPOND_H

#include "mxtrap/addr.h"
#include "mxtrap/table.h"

#define CORRESPOND_TERM_S (7U * 86400U)
#define CORRESPOND_TELL_S 3600U			/* the store is told of a further answer after this */
#define CORRESPOND_WAIT_US (70 * 1000000LL)	/* for the answer to a SYN */
#define CORRESPOND_ASKED  8192U			/* SYNs of ours that wait for an answer */
#define CORRESPOND_MAX	  65536U		/* hosts */

struct correspond_asked {
	int64_t	    time_us;			/* 0: none, or answered */
	struct addr us, them;
	uint32_t    isn, hash;
	uint16_t    port;			/* ours */
};

struct correspondent {
	sender_key key;
	uint32_t   answered_s;			/* 0: none */
	uint32_t   told_s;			/* the answer that the store knows */
};

struct correspond {
	struct correspond_asked *asked;		/* owned; a ring, the oldest is overwritten */
	struct correspondent	*hosts;		/* owned */
	struct index   asked_index, host_index;
	const uint8_t *hash_key;		/* borrowed */
	uint32_t asked_at, n, hand;
	uint64_t answers, overtaken, evicted;	/* overtaken: SYNs that were pushed out before an answer */
};

bool correspond_init(struct correspond *, const uint8_t hash_key[16]);
void correspond_free(struct correspond *);
size_t correspond_bytes(const struct correspond *);
/* We opened a connection to port 25 of them. */
void correspond_syn(struct correspond *, const struct addr *us, const struct addr *them, uint16_t port, uint32_t isn,
    int64_t now_us);
/* What correspond_synack() says of an answer. */
enum correspond_result {
	CORRESPOND_NO,		/* to nothing that we asked */
	CORRESPOND_KNOWN,	/* of one that was known */
	CORRESPOND_TELL,	/* likewise, and the store is to be told again */
	CORRESPOND_NEW,
};
enum correspond_result correspond_synack(struct correspond *, const struct addr *us, const struct addr *them, uint16_t port,
    uint32_t ack, int64_t now_us);
/* Do we send mail to it? */
bool correspond_has(const struct correspond *, sender_key, uint32_t now_s);
/* As a store kept it. */
void correspond_restore(struct correspond *, sender_key, uint32_t answered_s);

#endif
