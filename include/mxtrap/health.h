/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * health.h - when must nobody be judged: the state of the real MXs and of our own sight.
 *
 * Doubt favours the sender (design: "Doubt").  This module knows spans of time in
 * which something could not be relied on; it does not know senders.
 */
#ifndef MXTRAP_HEALTH_H
#define MXTRAP_HEALTH_H

#include "mxtrap/evidence.h"
#include "mxtrap/mxset.h"

#define HEALTH_WINDOW_US    (60 * 1000000LL)	/* of the down rule */
#define HEALTH_NETWORKS	    3			/* distinct networks without an answer: down */
#define HEALTH_BEFORE_US    (15 * 60 * 1000000LL)	/* excused before it was noticed */
#define HEALTH_AFTER_US	    (15 * 60 * 1000000LL)	/* and after it is back */
#define HEALTH_MEMORY_US    (30 * 60 * 1000000LL)	/* blindness, drops, overflows, clock steps */
#define HEALTH_LAYOUT_US    ((48 + 1) * 3600 * 1000000LL)	/* TTL (an hour) + 48 h */
#define HEALTH_BLIND_US	    (60 * 1000000LL)	/* shorter blindness is no doubt */

struct health_target {			/* of one address of a real exchanger */
	int64_t	 last_syn_us, last_proven_us, last_unanswered_us;
	int64_t	 doubt_until_us;
	bool	 down;
	struct { uint64_t network; int64_t time_us; } unanswered[HEALTH_NETWORKS];
};

struct health {
	const struct ladder  *ladder;	/* borrowed */
	struct health_target *targets;	/* owned; one a target */
	int64_t	 grace_until_us, blind_until_us, overflow_until_us, step_until_us, full_until_us, layout_until_us;
	struct { int64_t minute; uint64_t seen, dropped; } drops[30];	/* the last half hour, by minute */
	uint64_t seen, dropped;		/* sums of it */
	int64_t	 drops_minute;
};

bool health_init(struct health *, const struct ladder *);
void health_free(struct health *);

/* A sender's SYN at a real target. */
void health_syn(struct health *, uint32_t target, int64_t now_us);
/* It got no SYN-ACK (refused, or resent, or 70 s passed).  network: /24 or /48 of the sender, never that of one
 * that we list or of ours.  True: the target is down from now on (it was not before). */
bool health_unanswered(struct health *, uint32_t target, uint64_t network, int64_t now_us);
/* Somebody completed a handshake there.  True: it was down and is back. */
bool health_proven(struct health *, uint32_t target, int64_t now_us);
/* Packets seen and dropped, for the share of drops in the last half hour. */
void health_packets(struct health *, uint64_t seen, uint64_t dropped, int64_t now_us);
/* Bits of enum doubt that hold for a set at now (all but a sender's own). */
uint16_t health_doubts(const struct health *, uint16_t set, int64_t now_us);

#endif
