/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool_map.h - which senders belong to one named pool, wherever their addresses lie.
 *
 * A big provider shows one rung from this network and the next from that one.  Whoever
 * knows its ranges (the configuration; later SPF records and PTR domains) hands them
 * over here, and the longest prefix decides.  Like every pool, a named one only ever
 * excuses: its members share the order memory.  The map does not know names.
 */
#ifndef MXTRAP_POOL_MAP_H
#define MXTRAP_POOL_MAP_H

#include "mxtrap/addr.h"

#define POOL_MAP_POOLS	 4096		/* ids, 1 to this */
#define POOL_MAP_MEMBERS 65536		/* prefixes, all pools together */
/* Whose pool were wider would excuse whoever finds one honest neighbour in it. */
#define POOL_MAP_SHORTEST_V4 8
#define POOL_MAP_SHORTEST_V6 16

struct pool_member {
	struct prefix what;		/* at most a /64 long, in IPv6: a sender is no less */
	uint16_t      pool;		/* 1 to POOL_MAP_POOLS */
};

struct pool_span {
	sender_key first, last;
	uint16_t   pool;
};

struct pool_map {			/* start from = { 0 } */
	struct pool_span *spans;	/* owned; by key, none overlaps another */
	uint32_t n;
	uint64_t *coarse;		/* owned; a bit for each /16 of IPv4, then of IPv6, that holds any */
};

enum pool_map_result { POOL_MAP_OK, POOL_MAP_FULL, POOL_MAP_RANGE, POOL_MAP_NO_MEMORY };

/* Could this be a member's prefix: neither too wide nor longer than a sender? */
bool pool_map_fits(const struct prefix *);
/* Replace all that the map holds.  On failure it is unchanged; *bad (may be NULL) says which member. */
enum pool_map_result pool_map_set(struct pool_map *, const struct pool_member *, size_t n, size_t *bad);
void pool_map_free(struct pool_map *);
size_t pool_map_bytes(const struct pool_map *);

/* The pool behind the coarse bits; for pool_map_find(). */
uint16_t pool_map_search(const struct pool_map *, sender_key);

/* The pool of a sender; 0: none. */
static inline uint16_t
pool_map_find(const struct pool_map *m, sender_key key)
{
	uint32_t bit;

	if (m->n == 0)
		return 0;
	bit = sender_is_v4(key) ? (uint32_t)(key >> 16 & 0xffff) : 0x10000U | (uint32_t)(key >> 48);
	return (m->coarse[bit >> 6] & 1ULL << (bit & 63)) == 0 ? 0 : pool_map_search(m, key);
}

#endif
