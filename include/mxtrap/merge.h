/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * merge.h - several sources, one input: packets and events by time, then source, then seq.
 *
 * Everything waits MERGE_WINDOW_US behind the newest: live behind the wall clock, in a replay behind the newest
 * packet of each source, so that an interface or the decoy that is a little late, and a packet that was captured
 * behind a later one of its own source, still come in order.  A packet that is later than that is handed out when
 * it comes.
 *
 * Bounds: a source holds cap packets; where more lie within the window, half of them go early.  Events: memory for
 * twice as many as ever wait at once, however many come through.  Putting one packet or event in its place
 * passes MERGE_REACH others at most (MERGE_REACH_EVENTS): an event that would have to go farther takes the time of
 * the one that it stands behind.
 */
#ifndef MXTRAP_MERGE_H
#define MXTRAP_MERGE_H

#include "mxtrap/event.h"
#include "mxtrap/packet.h"

#define MERGE_WINDOW_US 100000
#define MERGE_REACH	1024
#define MERGE_REACH_EVENTS 256

struct merge;

/* n sources of packets, each with room for cap of them (a power of two).  NULL: no memory. */
struct merge *merge_new(size_t n, size_t cap);
void merge_free(struct merge *);
/* Where the next packets of a source go: *max of them in a row.  Borrowed until merge_took(). */
struct packet *merge_room(struct merge *, size_t source, size_t *max);
/* n were put there, in any order; merge_room() is to be asked again. */
void merge_took(struct merge *, size_t source, size_t n);
size_t merge_waiting(const struct merge *, size_t source);
/* Events of equal time come behind packets, in the order given.  False: no memory.  Copied. */
bool merge_event(struct merge *, const struct event *);
/* Time of the first thing waiting; INT64_MAX: nothing. */
int64_t merge_first_us(const struct merge *);
size_t merge_events_waiting(const struct merge *);
/* Memory for events, in bytes. */
size_t merge_event_bytes(const struct merge *);
/*
 * How far a source that goes on may be handed out: what lies behind the window of its newest packet; the older
 * half, if it is full.  INT64_MIN: nothing waits.
 */
int64_t merge_safe_us(const struct merge *, size_t source);
/* Hand out all that is not later than horizon, in order; packets in runs of at most max_run. */
void merge_release(struct merge *, int64_t horizon_us, size_t max_run,
    void (*packets)(void *ctx, const struct packet *, size_t n), void (*event)(void *ctx, const struct event *),
    void *ctx);

#endif
