/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wrong.h - who is being guessed at: wrong ACKs in a sender's name.
 *
 * Who forged a SYN never saw the answer's sequence number and can only guess it.  More than
 * three wrong guesses in a sender's name within a minute, and for an hour a right one proves
 * nothing.  A small table of sets of eight, keyed by a seeded hash: a full set lets go of whom
 * it doubts least, and counts it.
 */
#ifndef MXTRAP_WRONG_H
#define MXTRAP_WRONG_H

#include "mxtrap/addr.h"

#define WRONG_ALLOWED	3			/* within a minute: more is guessing */
#define WRONG_MINUTE_US (60 * 1000000LL)
#define WRONG_HOUR_US	(3600 * 1000000LL)
#define WRONG_WAYS	8
#define WRONG_SETS	2048
/* An ACK this far behind the right one belongs to a session whose handshake was not captured. */
#define WRONG_SESSION	(1U << 20)

struct wrong_entry {
	sender_key key;
	int64_t	   at_us[WRONG_ALLOWED];	/* of its last wrong ACKs, newest first; 0: none, free */
	int64_t	   until_us;	/* its proofs are doubted until then; 0: they are not */
};

struct wrong {
	struct wrong_entry *entries;	/* owned; WRONG_SETS rows of WRONG_WAYS */
	const uint8_t *hash_key;	/* borrowed */
	uint64_t seen, evicted;		/* wrong ACKs; entries let go while they still said something */
};

bool wrong_init(struct wrong *, const uint8_t hash_key[16]);
void wrong_free(struct wrong *);
size_t wrong_bytes(void);
/* Does this number acknowledge neither the answer nor anything that a session could say behind it? */
bool wrong_is(uint32_t ack, uint32_t answer_isn);
/* One was seen.  True: from now on this sender's proofs are doubted (they were not before). */
bool wrong_note(struct wrong *, sender_key, int64_t now_us);
/* Are they at now?  Costs nothing while there never was a wrong ACK. */
bool wrong_doubts(const struct wrong *, sender_key, int64_t now_us);

#endif
