/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wheel.h - deadlines by the unit of time: a timing wheel of 32-bit items.
 *
 * Items of one unit come out in the order they went in.  Nothing is ever taken
 * out early: the owner checks, when an item comes out, whether it still means
 * something (and puts it in again if its deadline has moved).
 */
#ifndef MXTRAP_WHEEL_H
#define MXTRAP_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEEL_CHUNK 14

struct wheel_chunk {			/* one cache line */
	uint32_t next, n;		/* next: + 1 */
	uint32_t items[WHEEL_CHUNK];
};

struct wheel {
	int64_t	  unit_us;
	int64_t	  tick;			/* the next unit to come out: due at tick * unit_us */
	uint32_t  n_slots;		/* a power of two */
	uint32_t *first, *last;		/* owned; chunk + 1 */
	struct wheel_chunk *chunks;	/* owned */
	uint32_t  n_chunks, free_chunk;	/* free: + 1 */
	uint64_t  refused;		/* items that found no chunk */
};

/* n_slots units of unit_us ahead, for about n_items items.  False: no memory. */
bool wheel_init(struct wheel *, int64_t unit_us, uint32_t n_slots, uint32_t n_items);
void wheel_free(struct wheel *);
size_t wheel_bytes(const struct wheel *);
/* Time begins at now; call before the first add. */
void wheel_start(struct wheel *, int64_t now_us);
/* Comes out at due_us, rounded up to the full unit, at least one unit ahead of what is out, at most
 * the whole wheel.  False: no chunk left (counted). */
bool wheel_add(struct wheel *, int64_t due_us, uint32_t item);
/* When the next unit comes out (whether it holds items or not). */
static inline int64_t
wheel_due_us(const struct wheel *w)
{
	return w->tick * w->unit_us;
}
/* Take the unit that is due: calls each for its items, in order, and moves on by one unit. */
void wheel_turn(struct wheel *, void (*each)(void *ctx, const uint32_t *items, uint32_t n), void *ctx);
/* Skip units that hold nothing, up to the last one due at or before now. */
void wheel_skip(struct wheel *, int64_t now_us);

#endif
