/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event.h - what happens that is not a packet.
 *
 * The core has one input, ordered by time (then source, then seq): packets, and
 * these.  Each is stored as applied, so that a replay can merge them again.
 */
#ifndef MXTRAP_EVENT_H
#define MXTRAP_EVENT_H

#include "mxtrap/addr.h"

enum event_kind {		/* values are stored */
	EVENT_TICK = 0,		/* nothing but time */
	EVENT_START = 1,	/* watching begins; flag: 1 = a database was resumed */
	EVENT_ACCEPT = 2,	/* decoy accepted src:port at target */
	EVENT_DROPS = 3,	/* count of value packets were dropped since the last such event */
	EVENT_BLIND = 4,	/* nothing was seen from since_us to time_us */
	EVENT_CLOCK_STEP = 5,	/* the wall clock moved by value µs */
	EVENT_OVERFLOW = 6,	/* the decoy's accept queue overflowed */
	EVENT_ALLOW = 7,	/* prefix, until expires_s (0: for ever; in the past: no longer) */
	EVENT_FORGET = 8,	/* prefix: drop what we know of it */
	EVENT_LAYOUT = 9,	/* the ladder differs from the last run's */
	EVENT_PURGE = 20,	/* the operator began a purge: value pieces of evidence follow; nothing by itself */
	EVENT_TAKE_BACK = 21,	/* one piece of evidence counts no more: see event_take_back() */
	EVENT_NEVER = 10,	/* prefix is an address of this host for the reasons in value (enum never_why);
				 * 0: no longer */
};

struct event {
	int64_t	      time_us;
	uint32_t      seq;		/* per source, counted up */
	uint8_t	      kind;		/* enum event_kind */
	uint8_t	      source;		/* order among equal times */
	uint16_t      port;		/* EVENT_ACCEPT: the client's port */
	uint32_t      target;		/* EVENT_ACCEPT: index into ladder.targets */
	uint32_t      expires_s;
	struct prefix what;		/* EVENT_ACCEPT: the client's address as /128 */
	int64_t	      since_us;
	int64_t	      value;		/* EVENT_DROPS: dropped; count in since_us */
};

struct take_back {			/* what an EVENT_TAKE_BACK says */
	sender_key sender;
	int64_t	 evidence_us;		/* when it was judged */
	float	 score, hint;		/* what it gave then; 0: was taken back before */
	uint16_t set;
	uint8_t	 kind, grade;
	bool	 last;			/* of its sender in this purge: the listing is looked at again */
};
/* One in the other. */
void event_take_back(struct event *, const struct take_back *);
void take_back_of(const struct event *, struct take_back *);

#endif
