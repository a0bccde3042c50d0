/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attempt.h - connection attempts in flight: who opened, what was answered, what was proven.
 *
 * 48 bytes an attempt, kept for 70 s or until the ring comes round.  Retransmissions
 * of one SYN (same ports and ISN) are the same attempt; a copy of a packet within
 * 200 ms is nothing new.  A handshake is proven by an ACK of the answerer's ISN + 1
 * (RFC 9293, 3.5): who forged the SYN never saw that number.
 */
#ifndef MXTRAP_ATTEMPT_H
#define MXTRAP_ATTEMPT_H

#include "mxtrap/packet.h"
#include "mxtrap/sink.h"
#include "mxtrap/siphash.h"
#include "mxtrap/table.h"

#define ATTEMPT_LIFE_US	  (70 * 1000000LL)
#define ATTEMPT_MOMENT_US 62500		/* its end is rounded up to this */
#define ATTEMPT_COPY_US	  200000
#define ATTEMPT_RESYN_US  800000	/* the first retransmission comes after 1 s (RFC 6298) */

enum attempt_flag {
	ATTEMPT_IN_USE	  = 1 << 0,
	ATTEMPT_CANDIDATE = 1 << 1,	/* bogus, with no lower rung in memory when it began */
	ATTEMPT_TALLIED	  = 1 << 2,	/* in a flood: counted, not told one by one */
	ATTEMPT_TOLD	  = 1 << 3,	/* its row went to the sink */
	ATTEMPT_RESENT	  = 1 << 4,	/* the same SYN again at least 0.8 s later */
	ATTEMPT_NOTED	  = 1 << 5,	/* health was told that it went unanswered */
	ATTEMPT_CAPPED	  = 1 << 6,	/* its network brought too many: its sender has no record */
	ATTEMPT_KIN_UNKNOWN = 1 << 7,	/* a flood may have pushed out its other family's touch */
};

struct attempt {
	sender_key key;
	uint64_t   host;		/* lower half of an IPv6 source */
	uint32_t   sender;		/* its record, if that has still this key */
	uint32_t   first;		/* lower half of the time of the first SYN, µs: see attempt_first_us() */
	uint32_t   next;		/* number of the next older one of the same bucket */
	uint32_t   isn, answer_isn;
	uint32_t   last_off_us;		/* last SYN; once answered, the answer; from first */
	uint16_t   target, sport;
	uint16_t   fingerprint;
	uint8_t	   n_syns : 5, outcome : 3;	/* enum outcome */
	uint8_t	   flags;		/* enum attempt_flag */
};

struct attempt_table {
	struct attempt *ring;		/* owned */
	uint32_t       *buckets;	/* owned; number of the newest attempt */
	const uint8_t  *hash_key;	/* borrowed */
	uint32_t cap, ring_mask, bucket_mask;
	uint32_t head, n;		/* the next number; how many are in use behind it */
	int64_t	 newest_us;		/* when the newest began */
	uint64_t secret[3];		/* multipliers of attempt_hash() */
	uint64_t evicted;		/* pushed out before their time */
};

bool attempt_table_init(struct attempt_table *, uint32_t cap, const uint8_t hash_key[16]);
void attempt_table_free(struct attempt_table *);

/*
 * sender: sender_sip() of the key.  What a sender chooses beside its address is added by
 * secret multipliers, 32 bits each (multiply-shift, Dietzfelbinger 1996: universal), which
 * is a fifth of the time of one more SipHash.
 */
static inline uint32_t
attempt_hash(const struct attempt_table *t, uint64_t sender, uint64_t host, uint32_t target, uint16_t sport)
{
	return (uint32_t)((sender + t->secret[0] * (host >> 32) + t->secret[1] * (host & UINT32_MAX) +
	    t->secret[2] * (target << 16 | sport)) >> 32);
}
/* No attempt is kept for 71 minutes: half of a time in µs is enough. */
static inline int64_t
attempt_first_us(const struct attempt_table *t, const struct attempt *a)
{
	return t->newest_us - (uint32_t)((uint32_t)t->newest_us - a->first);
}
static inline void
attempt_prefetch_bucket(const struct attempt_table *t, uint32_t hash)
{
	__builtin_prefetch(&t->buckets[hash & t->bucket_mask]);
}
static inline void
attempt_prefetch(const struct attempt_table *t, uint32_t hash)
{
	uint32_t number = t->buckets[hash & t->bucket_mask];

	if (t->head - number <= t->n)
		table_prefetch(&t->ring[number & t->ring_mask], sizeof(t->ring[0]));
}

/* The newest attempt of this four-tuple (isn NULL), or the one with this ISN; NULL: none.
 * Borrowed until the next attempt_add(). */
struct attempt *attempt_find(struct attempt_table *, uint32_t hash, sender_key key, uint64_t host, uint32_t target,
    uint16_t sport, const uint32_t *isn);
/*
 * A new attempt of a sender's record.  If its place is still taken (the ring came round before 70 s),
 * leaving(ctx, attempt) sees the old one off, as attempt_expire() does.
 */
struct attempt *attempt_add(struct attempt_table *, uint32_t hash, uint32_t sender, sender_key key, uint64_t host,
    uint32_t target, uint16_t sport, uint32_t isn, int64_t now_us, void (*leaving)(void *ctx, struct attempt *), void *ctx);
/* When the oldest is 70 s old, rounded up to ATTEMPT_MOMENT_US; INT64_MAX: there is none. */
int64_t attempt_due_us(const struct attempt_table *);
/* The attempt that will leave after i others, to fetch ahead what it needs; NULL: there is none. */
const struct attempt *attempt_ahead(const struct attempt_table *, uint32_t i);
/* See the oldest off. */
void attempt_expire(struct attempt_table *, void (*leaving)(void *ctx, struct attempt *), void *ctx);
/* Its grade now. */
enum grade attempt_grade(const struct attempt *);

#endif
