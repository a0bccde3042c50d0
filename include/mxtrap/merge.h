/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * merge.h - several sources, one input: packets and events by time, then source, then seq.
 *
 * Live, everything waits 100 ms behind the wall clock, so that an interface or the
 * decoy that is a little late still comes in order.  In a replay nothing waits: the
 * source that has told least says how far the others may go.
 */
#ifndef MXTRAP_MERGE_H
#define MXTRAP_MERGE_H

#include "mxtrap/event.h"
#include "mxtrap/packet.h"

#define MERGE_WINDOW_US 100000

struct merge;

/* n sources of packets, each with room for cap of them (a power of two).  NULL: no memory. */
struct merge *merge_new(size_t n, size_t cap);
void merge_free(struct merge *);
/* Where the next packets of a source go: *max of them in a row.  Borrowed until merge_took(). */
struct packet *merge_room(struct merge *, size_t source, size_t *max);
/* n were put there. */
void merge_took(struct merge *, size_t source, size_t n);
size_t merge_waiting(const struct merge *, size_t source);
/* Events of equal time come behind packets, in the order given.  False: no memory. */
bool merge_event(struct merge *, const struct event *);
/* Time of the first thing waiting; INT64_MAX: nothing. */
int64_t merge_first_us(const struct merge *);
/* Time of the newest packet of a source that waits; INT64_MIN: none. */
int64_t merge_newest_us(const struct merge *, size_t source);
/* Hand out all that is not later than horizon, in order; packets in runs of at most max_run. */
void merge_release(struct merge *, int64_t horizon_us, size_t max_run,
    void (*packets)(void *ctx, const struct packet *, size_t n), void (*event)(void *ctx, const struct event *),
    void *ctx);

#endif
