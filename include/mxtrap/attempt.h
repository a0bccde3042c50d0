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
};

struct attempt {
	int64_t	   first_us;
	sender_key key;
	uint64_t   host;		/* lower half of an IPv6 source */
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
	uint64_t evicted;		/* pushed out before their time */
};

bool attempt_table_init(struct attempt_table *, uint32_t cap, const uint8_t hash_key[16]);
void attempt_table_free(struct attempt_table *);

static inline uint32_t
attempt_hash(const struct attempt_table *t, sender_key key, uint64_t host, uint32_t target, uint16_t sport)
{
	return (uint32_t)siphash13(t->hash_key, key, host ^ ((uint64_t)target << 17 | (uint64_t)sport << 1 | 1ULL << 40));
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
 * A new attempt.  If its place is still taken (the ring came round before 70 s),
 * leaving(ctx, attempt) sees the old one off, as attempt_expire() does.
 */
struct attempt *attempt_add(struct attempt_table *, uint32_t hash, sender_key key, uint64_t host, uint32_t target,
    uint16_t sport, uint32_t isn, int64_t now_us, void (*leaving)(void *ctx, struct attempt *), void *ctx);
/* When the oldest is 70 s old, rounded up to ATTEMPT_MOMENT_US; INT64_MAX: there is none. */
int64_t attempt_due_us(const struct attempt_table *);
/* The attempt that will leave after i others, to fetch ahead what it needs; NULL: there is none. */
const struct attempt *attempt_ahead(const struct attempt_table *, uint32_t i);
/* See the oldest off. */
void attempt_expire(struct attempt_table *, void (*leaving)(void *ctx, struct attempt *), void *ctx);
/* Its grade now. */
enum grade attempt_grade(const struct attempt *);

#endif
