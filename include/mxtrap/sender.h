/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sender.h - the bounded table of who was ever seen, and what weighs on each.
 *
 * One record, a cache line, a sender.  When it is full, the oldest that nobody has
 * proven and nothing is known of makes room; a listed or suspect one never does, a cleared or
 * proven one only when it did not come for faded_s.  Eviction goes round the table by age, never by hash.
 */
#ifndef MXTRAP_SENDER_H
#define MXTRAP_SENDER_H

#include "mxtrap/addr.h"
#include "mxtrap/siphash.h"
#include "mxtrap/table.h"

#define SENDER_NONE TABLE_NONE
#define SENDER_MAX  (1U << 24)

enum sender_flag {
	SENDER_OURS   = 1 << 0,		/* an address of the ladder itself */
	SENDER_PROVEN = 1 << 1,		/* completed a handshake with us at least once */
	SENDER_TIMED  = 1 << 2,		/* a deadline of its listing or suspicion is in the wheel */
	SENDER_IN_USE = 1 << 3,
	SENDER_STORED = 1 << 4,		/* the store knows it: told at least once */
	SENDER_REAL   = 1 << 5,		/* completed a handshake at a real exchanger */
	SENDER_ACCEPTED = 1 << 6,	/* climbed_at_s is of a delivery, or of a climb after one */
	SENDER_PAUSED = 1 << 7,		/* allowed: that ended its listing, which goes on if the allowance is removed */
};

/* What "at most so much in all" still allows; counts never go down. */
#define SENDER_CAPS_DESCENDED(caps)   ((caps) & 3)		/* at most 2 times +1.5 */
#define SENDER_CAPS_DECOYS_ONLY(caps) (((caps) >> 2) & 1)	/* once */
#define SENDER_CAPS_GAVE_UP(caps)     (((caps) >> 3) & 3)	/* at most 2 times */
#define SENDER_CAPS_RELAPSES(caps)    (((caps) >> 5) & 7)	/* doublings of the term */

struct sender {
	sender_key key;
	float	 score, hint, blame;	/* at sums_at_s; blame: the part of score that may list */
	uint32_t sums_at_s;
	uint32_t first_seen_s, last_seen_s;
	uint32_t listed_since_s, expires_s;	/* of the open listing, or of the last one */
	uint32_t climbed_at_s;		/* last climb or delivery */
	uint32_t visits;		/* newest visit record + 1; 0: none */
	uint16_t kinds;			/* 1 << enum evidence_kind */
	uint16_t fingerprint;
	uint8_t	 state : 4, klass : 4;	/* enum sender_state, enum sender_class */
	uint8_t	 grade;			/* best grade of what weighs against it */
	uint8_t	 flags;			/* enum sender_flag */
	uint8_t	 caps;
	uint32_t foreign_until_s;	/* had mail for another's domain: excused until then */
	uint32_t sets;			/* MX sets of visits that the store was told of (sender_row); a record is one cache line */
};

struct sender_table {
	struct sender *records;		/* owned */
	struct index   index;
	const uint8_t *hash_key;	/* borrowed */
	uint32_t n, cap, free_head;	/* n: in use; free: + 1, chained through `visits` */
	uint32_t fresh;			/* records never used yet begin here */
	uint64_t *dirty;		/* owned; a bit a record: changed since the store was told */
	uint32_t hand;			/* where eviction looks next */
	uint32_t faded_s;		/* who did not come for so long may go, proven or not; 0: never */
	uint64_t evicted, refused;
};

bool sender_table_init(struct sender_table *, uint32_t cap, const uint8_t hash_key[16]);
void sender_table_free(struct sender_table *);

/* The whole SipHash of a key, for who needs more than sender_hash(). */
static inline uint64_t
sender_sip(const struct sender_table *t, sender_key key)
{
	return siphash13(t->hash_key, key, 1);
}
static inline uint32_t
sender_hash(const struct sender_table *t, sender_key key)
{
	return (uint32_t)sender_sip(t, key);
}

/* The store is to be told of this record. */
static inline void
sender_dirty(struct sender_table *t, uint32_t number)
{
	t->dirty[number >> 6] |= 1ULL << (number & 63);
}

/* The record's number, or SENDER_NONE. */
uint32_t sender_find(const struct sender_table *, sender_key, uint32_t hash);
/* First record whose hash agrees, unread: for prefetching only. */
uint32_t sender_guess(const struct sender_table *, uint32_t hash);
/*
 * A new record, zero but for its key and times; the caller knows that there is none.
 * Where one must go, evict(ctx, number) is called before its record is reused.
 * SENDER_NONE: nothing may be evicted.
 */
uint32_t sender_add(struct sender_table *, sender_key, uint32_t hash, uint32_t now_s,
    void (*evict)(void *ctx, uint32_t number), void *ctx);

#endif
