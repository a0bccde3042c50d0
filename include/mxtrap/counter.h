/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counter.h - what watch counts, told to persons and to machines in the same words.
 *
 * One table: `mxtrap status`, /metrics, /api/v1/status and the page take from it, so that
 * nothing is counted that cannot be seen.  Its names are those of store_status().
 */
#ifndef MXTRAP_COUNTER_H
#define MXTRAP_COUNTER_H

#include <stdbool.h>
#include <stddef.h>

enum counter_kind {
	COUNTER_SUM,		/* only grows */
	COUNTER_NOW,		/* grows and shrinks */
	COUNTER_BOUND,		/* only grows: what was not kept, because of a bound; that is what bounds are for */
	COUNTER_LOSS,		/* only grows: something that should not happen; anything but 0 is worth a look */
	COUNTER_FAULT,		/* "yes" or "no": yes is worth a look */
};

struct counter {
	const char *name;	/* "senders_evicted", as store_status() has it */
	const char *metric;	/* "mxtrap_senders_evicted_total" */
	const char *says;	/* "senders dropped for room, all unproven" */
	enum counter_kind kind;
};

/* By index from 0, as they are to be shown; NULL behind the last. */
const struct counter *counter_at(size_t i);
/* NULL: none of that name. */
const struct counter *counter_find(const char *name);
/* Is it one that only 0 or "no" makes uninteresting, with another value?  NULL is no value. */
bool counter_has_more(const struct counter *, const char *value);

#endif
