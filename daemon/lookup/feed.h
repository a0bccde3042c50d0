/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.h - keeps the list in memory in step with the database: a fold over list_change.
 *
 * The whole list comes in pieces, between which questions are answered; then changes as the
 * doorbell tells of them.  On doubt nothing is claimed: before the first piece is complete, when
 * the gate is shut, when mxtrapd is silent.
 */
#ifndef MXTRAP_FEED_H
#define MXTRAP_FEED_H

#include "listed.h"
#include "mxtrap/export.h"
#include "mxtrap/never.h"

struct feed {
	const struct config *config;
	struct report *report;		/* owned; NULL: no database yet */
	struct listed listed;		/* what is served */
	struct listed next;		/* while the whole list is read: what will be */
	struct never never;
	struct export_gate gate;
	uint64_t generation, serial;	/* of listed */
	uint64_t next_generation, next_serial;
	int64_t	 created_s;		/* of this generation */
	struct prefix after;		/* the last entry that was read */
	bool	 complete;		/* listed holds all of a state */
	bool	 loading, any_read;
	bool	 claims;		/* the gate is open, and the never-list known */
	int64_t	 looked_ms;
	int64_t	 now_s;			/* of the last turn, as report_now() has it: what feed_find() is asked with */
	uint8_t	 seed[16];
	uint64_t loads, rows, no_memory;	/* whole lists read; changes folded; entries without room */
};

/* config outlives it.  seed: 16 random bytes. */
void feed_init(struct feed *, const struct config *, const uint8_t seed[static 16]);
void feed_free(struct feed *);
/* A bounded piece of work: a few milliseconds.  rung: the list may have moved.  now_ms: any clock that
 * only goes forward; now_s: Unix time.  Returns whether there is more to do at once. */
bool feed_turn(struct feed *, bool rung, int64_t now_ms, int64_t now_s);
/* What may be said of this address now; NULL: nothing.  Suspects, too: the caller tells them apart. */
const struct listed_entry *feed_find(const struct feed *, const struct addr *, int64_t now_s);

#endif
