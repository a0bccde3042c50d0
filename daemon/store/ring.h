/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ring.h - a bounded queue of fixed-size records between two threads.
 *
 * One thread puts, one takes; neither ever waits here.  A record stays where it
 * is until the taker lets go of it, so that what could not be committed is still
 * there to be tried again.
 */
#ifndef MXTRAP_STORE_RING_H
#define MXTRAP_STORE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	unsigned char *slots;			/* owned */
	size_t	 stride;
	uint64_t mask;				/* slots - 1 */
	_Alignas(64) _Atomic uint64_t tail;	/* put so far */
	uint64_t head_seen;			/* the putter's idea of head */
	_Alignas(64) _Atomic uint64_t head;	/* let go so far */
};

/* slots must be a power of two.  False: no memory. */
bool ring_init(struct ring *, size_t slots, size_t stride);
void ring_free(struct ring *);

/* Putter: where the next record goes; NULL: full.  Nothing is seen before ring_put(). */
static inline void *
ring_room(struct ring *r)
{
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail - r->head_seen > r->mask) {
		r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
		if (tail - r->head_seen > r->mask)
			return NULL;
	}
	return r->slots + (tail & r->mask) * r->stride;
}

static inline void
ring_put(struct ring *r)
{
	atomic_store_explicit(&r->tail, atomic_load_explicit(&r->tail, memory_order_relaxed) + 1,
	    memory_order_release);
}

/* Either: how many are in it. */
static inline uint64_t
ring_used(const struct ring *r)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_acquire);

	return atomic_load_explicit(&r->tail, memory_order_acquire) - head;
}

static inline uint64_t
ring_size(const struct ring *r)
{
	return r->mask + 1;
}

/* Putter: how many were ever put. */
static inline uint64_t
ring_put_so_far(const struct ring *r)
{
	return atomic_load_explicit(&r->tail, memory_order_relaxed);
}

/* Taker: how many were put before place `at` and are still here. */
static inline uint64_t
ring_before(const struct ring *r, uint64_t at)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	return at > head ? at - head : 0;
}

/* Taker: the record i places behind the oldest. */
static inline void *
ring_at(const struct ring *r, uint64_t i)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	return r->slots + ((head + i) & r->mask) * r->stride;
}

/* Taker: let go of the n oldest. */
static inline void
ring_drop(struct ring *r, uint64_t n)
{
	atomic_store_explicit(&r->head, atomic_load_explicit(&r->head, memory_order_relaxed) + n,
	    memory_order_release);
}

#endif
