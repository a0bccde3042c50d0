/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sort.h - a stable radix sort by sender key, in steps of some milliseconds.
 *
 * The writer sorts up to a million snapshots by key before it writes them, and
 * must look after list changes meanwhile: hence one pass a call.
 */
#ifndef MXTRAP_STORE_SORT_H
#define MXTRAP_STORE_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sort_item {
	uint64_t key;			/* in SQLite's order: see sort_key() */
	uint64_t at;			/* what the caller likes */
};

struct sort {
	struct sort_item *items, *spare;	/* owned; sorted: items */
	size_t	 n, cap;
	unsigned pass;
	size_t	 counts[8][256];
};

/* A sender's key such that unsigned order is the order of SQLite's signed integers. */
static inline uint64_t
sort_key(uint64_t key)
{
	return key ^ (1ULL << 63);
}

/* Room for n items to be filled in by the caller.  False: no memory. */
bool sort_begin(struct sort *, size_t n);
/* Do a part.  True: sorted. */
bool sort_step(struct sort *);
void sort_free(struct sort *);

#endif
