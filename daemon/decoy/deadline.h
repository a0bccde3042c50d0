/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * deadline.h - which of many numbered things is due next: a heap that each thing is in once at most.
 */
#ifndef MXTRAP_DECOY_DEADLINE_H
#define MXTRAP_DECOY_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct deadlines {			/* start from = { 0 } */
	uint32_t  n, size;
	uint32_t *heap;			/* owned: items, the earliest first */
	uint32_t *place;		/* owned, by item: its place in the heap + 1; 0: not in it */
	int64_t	 *due_ms;		/* owned, by item */
};

/* For items 0 .. size - 1.  False: no memory. */
bool deadlines_init(struct deadlines *, uint32_t size);
void deadlines_free(struct deadlines *);
/* Put an item in, or move it. */
void deadlines_set(struct deadlines *, uint32_t item, int64_t due_ms);
/* Take it out, if it is in. */
void deadlines_clear(struct deadlines *, uint32_t item);
/* The earliest; false: there is none. */
bool deadlines_first(const struct deadlines *, uint32_t *item, int64_t *due_ms);

#endif
