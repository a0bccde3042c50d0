/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.c - touched pages, and an index with linear probing and backward-shift deletion.
 */
#include "mxtrap/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_BYTES ((size_t)2 << 20)

void *
table_alloc(size_t n, size_t size)
{
	size_t bytes, align = 64;
	void *p;

	if (size != 0 && n > SIZE_MAX / 2 / size)
		return NULL;
	bytes = n * size;
	if (bytes >= HUGE_BYTES)
		align = HUGE_BYTES;
	bytes = (bytes + align - 1) / align * align;
	p = aligned_alloc(align, bytes);
	if (p == NULL)
		return NULL;
	/* Worth a tenth to a third of the time above a million senders; a refusal costs nothing. */
	if (align == HUGE_BYTES)
		(void)madvise(p, bytes, MADV_HUGEPAGE);
	/* Also the touch: a page fault at full packet rate is the one cause of loss. */
	memset(p, 0, bytes);
	return p;
}

void
table_free(void *p)
{
	free(p);
}

bool
index_init(struct index *ix, uint32_t max_slots)
{
	uint64_t n = (uint64_t)max_slots * 5 / 4 + 8;

	if (n > UINT32_MAX)
		return false;
	ix->entries = table_alloc((size_t)n, sizeof(ix->entries[0]));
	ix->n = (uint32_t)n;
	return ix->entries != NULL;
}

void
index_free(struct index *ix)
{
	table_free(ix->entries);
	*ix = (struct index){ 0 };
}

size_t
index_bytes(const struct index *ix)
{
	return (size_t)ix->n * sizeof(ix->entries[0]);
}

void
index_put(struct index *ix, uint32_t hash, uint32_t slot)
{
	uint32_t at = index_home(ix, hash);

	while (ix->entries[at].slot != 0)
		at = at + 1 == ix->n ? 0 : at + 1;
	ix->entries[at] = (struct index_entry){ .slot = slot + 1, .hash = hash };
}

/* How far b lies behind a, going round. */
static uint32_t
distance(const struct index *ix, uint32_t a, uint32_t b)
{
	return b >= a ? b - a : b + (ix->n - a);
}

void
index_remove(struct index *ix, uint32_t hash, uint32_t slot)
{
	uint32_t hole = index_home(ix, hash), at;

	while (ix->entries[hole].slot != slot + 1 || ix->entries[hole].hash != hash) {
		if (ix->entries[hole].slot == 0)
			return;
		hole = hole + 1 == ix->n ? 0 : hole + 1;
	}
	/* Move back each follower that the hole would cut off from its home. */
	for (at = hole;;) {
		at = at + 1 == ix->n ? 0 : at + 1;
		if (ix->entries[at].slot == 0)
			break;
		if (distance(ix, index_home(ix, ix->entries[at].hash), at) >= distance(ix, hole, at)) {
			ix->entries[hole] = ix->entries[at];
			hole = at;
		}
	}
	ix->entries[hole].slot = 0;
}
