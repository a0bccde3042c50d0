/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring.c - the memory of a ring; all else is inline in ring.h.
 *
 * Pages come zeroed from the system and are touched by use only.  A queue goes round: after as many records as
 * it has slots it costs all of them, however few ever waited.
 */
#include <stdlib.h>

#include "ring.h"

bool
ring_init(struct ring *r, size_t slots, size_t stride)
{
	r->slots = calloc(slots, stride);
	r->stride = stride;
	r->mask = slots - 1;
	r->head_seen = 0;
	atomic_init(&r->tail, 0);
	atomic_init(&r->head, 0);
	return r->slots != NULL;
}

void
ring_free(struct ring *r)
{
	free(r->slots);
	r->slots = NULL;
}
