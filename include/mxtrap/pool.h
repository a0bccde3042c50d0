/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool.h - the order memory of neighbours: same IPv4 /24, same IPv6 /48, same named pool.
 *
 * Big senders and NAT show one rung from one address and the next from another.  A
 * pool is only ever used to excuse, never to widen a listing.  When the table is full,
 * a record of which no member was ever proven makes room: forged SYNs push out each
 * other and not what honest senders left.
 */
#ifndef MXTRAP_POOL_H
#define MXTRAP_POOL_H

#include "mxtrap/addr.h"
#include "mxtrap/siphash.h"
#include "mxtrap/table.h"

struct pool {				/* 16 bytes a (prefix, MX set) */
	uint64_t key;			/* prefix and set; 0: free */
	uint32_t lower_at_s;
	uint16_t memory_off : 15;	/* 16 s units: memory_at - lower_at */
	uint16_t proven : 1;		/* a member completed a handshake with us */
	uint16_t real_off;		/* 16 s units: lower_at - last real; 0xffff: never */
};

enum pool_what {			/* of a touch */
	POOL_LOWER  = 1 << 0,		/* a rung below the backup */
	POOL_REAL   = 1 << 1,		/* ... a real one */
	POOL_PROVEN = 1 << 2,		/* by a sender that was proven before */
};

struct pool_table {
	struct pool   *records;		/* owned */
	struct index   index;
	const uint8_t *hash_key;	/* borrowed */
	uint32_t n, cap, hand;
	uint64_t evicted;
	uint32_t lost_at_s;		/* when a proven pool's memory, still good, last had to go; 0: never */
};

bool pool_table_init(struct pool_table *, uint32_t cap, const uint8_t hash_key[16]);
void pool_table_free(struct pool_table *);
/* IPv4: 24 bits of network; IPv6: 48.  The set beside it makes 64; a bit apart keeps 0 free. */
static inline uint64_t
pool_key(sender_key key, uint16_t set)
{
	return (sender_is_v4(key) ? 1ULL << 63 | (key & 0xffffff00ULL) << 8 : key & ~0xffffULL) | set;
}
static inline uint32_t
pool_hash(const struct pool_table *t, uint64_t key)
{
	return (uint32_t)siphash13(t->hash_key, key, 2);
}
/* The record that a key of this hash most likely has, fetched ahead. */
static inline void
pool_prefetch(const struct pool_table *t, uint32_t hash)
{
	uint32_t at = index_home(&t->index, hash);
	uint32_t slot = index_next(&t->index, hash, &at);

	if (slot != TABLE_NONE)
		__builtin_prefetch(&t->records[slot]);
}
/* The record of a named pool (pool_map.h); no prefix has such a key. */
static inline uint64_t
pool_named_key(uint16_t pool, uint16_t set)
{
	return 3ULL << 62 | (uint64_t)pool << 16 | set;
}
/* A touch (enum pool_what) of a lower rung makes the record; one of a bogus rung refreshes a valid one. */
void pool_touch(struct pool_table *, uint64_t key, uint32_t hash, uint32_t now_s, unsigned what,
    uint32_t order_memory_s);
/* A member completed a handshake. */
void pool_proven(struct pool_table *, uint64_t key, uint32_t hash);
/* Did the pool touch a lower rung lately enough? */
bool pool_remembers(const struct pool_table *, uint64_t key, uint32_t hash, uint32_t now_s, uint32_t order_memory_s);
/* Did the pool touch a real rung at since or later (16 s granular, in its favour)? */
bool pool_was_real(const struct pool_table *, uint64_t key, uint32_t hash, uint32_t since_s);

#endif
