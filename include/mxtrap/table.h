/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - the two things that every bounded table here is made of: touched pages,
 * and an index from hash to slot.
 *
 * Records live in dense arrays, so that eviction goes by age and never by hash; the
 * index is open addressing with the full hash beside the slot, so that a look-up
 * reads one cache line before it reads the record, and can be prefetched.
 */
#ifndef MXTRAP_TABLE_H
#define MXTRAP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_NONE UINT32_MAX

struct index_entry {
	uint32_t slot;			/* + 1; 0: free */
	uint32_t hash;
};

struct index {
	struct index_entry *entries;	/* owned */
	uint32_t	    n;		/* entries; at most 4 of 5 are ever used */
};

/* Zeroed memory, each page touched, huge pages asked for; NULL: none.  Free with table_free(). */
void *table_alloc(size_t n, size_t size);
void table_free(void *);

/* For at most max_slots records.  False: no memory. */
bool index_init(struct index *, uint32_t max_slots);
void index_free(struct index *);
size_t index_bytes(const struct index *);
/* Caller makes sure that fewer than max_slots are in, and that slot is not. */
void index_put(struct index *, uint32_t hash, uint32_t slot);
void index_remove(struct index *, uint32_t hash, uint32_t slot);

/* Fetch a record ahead: one that is not a cache line long most often lies on two. */
static inline void
table_prefetch(const void *record, size_t size)
{
	__builtin_prefetch(record);
	__builtin_prefetch((const char *)record + size - 1);
}

static inline uint32_t
index_home(const struct index *ix, uint32_t hash)
{
	return (uint32_t)(((uint64_t)hash * ix->n) >> 32);
}

static inline void
index_prefetch(const struct index *ix, uint32_t hash)
{
	__builtin_prefetch(&ix->entries[index_home(ix, hash)]);
}

/*
 * The slots whose hash is this one, one after the other: start with *at =
 * index_home(); TABLE_NONE ends.  The caller compares keys.
 */
static inline uint32_t
index_next(const struct index *ix, uint32_t hash, uint32_t *at)
{
	for (;;) {
		struct index_entry e = ix->entries[*at];

		if (e.slot == 0)
			return TABLE_NONE;
		*at = *at + 1 == ix->n ? 0 : *at + 1;
		if (e.hash == hash)
			return e.slot - 1;
	}
}

#endif
