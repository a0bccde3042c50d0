/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blocklist.h - from sums to states: who becomes listed, for how long, and why it ends.
 *
 * Every change in which the old or the new state is suspect, listed or allowed is
 * told to the sink as a change row; nothing else tells anyone of the list.  A listing
 * opens only when new evidence of the grade that may list lifts the sum to A; it ends
 * at its expiry, by allow or forget, or when revisions bring it below A/2.  One by hand
 * (hand.h) is the operator's alone to open, and to end before its time.
 */
#ifndef MXTRAP_BLOCKLIST_H
#define MXTRAP_BLOCKLIST_H

#include "mxtrap/hand.h"
#include "mxtrap/judge.h"
#include "mxtrap/never.h"
#include "mxtrap/sender.h"
#include "mxtrap/sink.h"
#include "mxtrap/wheel.h"

#define BLOCKLIST_HOSTS 4096		/* listings of a single address of a /64 that also holds honest ones */
#define BLOCKLIST_CLIMBED_S (7U * 86400U)

struct blocklist {
	const struct judge_params *judge;	/* borrowed, all four */
	struct sender_table	  *senders;
	struct never		  *never;
	const struct sink	  *sink;
	struct wheel		   deadlines;	/* by the minute; items are record numbers */
	float	 upper, half;			/* A, A/2 */
	uint64_t n_listed, n_suspect, n_cleared;
	struct { uint32_t sender; uint64_t host; } hosts[BLOCKLIST_HOSTS];
	uint32_t n_hosts;
	struct hands hands;
};

bool blocklist_init(struct blocklist *, const struct judge_params *, struct sender_table *, struct never *,
    const struct sink *);
void blocklist_free(struct blocklist *);

/* Bring the sums of a sender to now. */
void blocklist_decay(const struct blocklist *, struct sender *, uint32_t now_s);
/*
 * Add points of one piece of evidence and settle the state.  grade: of the
 * incriminating touch; host: lower half of its IPv6 address.
 */
void blocklist_weigh(struct blocklist *, uint32_t number, int64_t now_us, float score, float hint, enum grade grade,
    uint64_t host);
/* Take points back (they are given as they were added, positive), and check the listing again. */
void blocklist_revise(struct blocklist *, uint32_t number, int64_t now_us, float score, float hint, bool blamed);
/*
 * Points that count already turn out to be of a grade that may list: no sum moves but blame, and a listing may
 * open.
 */
void blocklist_blame(struct blocklist *, uint32_t number, int64_t now_us, float points, uint64_t host);
/* Would it still be listed, or still be a suspect, with the sums that s has, if nothing else had happened? */
bool blocklist_stands(const struct blocklist *, const struct sender *s, int64_t now_us);
/*
 * Evidence was purged, and its points revised on the record alone: a listing stays only if it would have been
 * opened without it, and one that does not counts for no relapse.
 */
void blocklist_purged(struct blocklist *, uint32_t number, int64_t now_us);
/*
 * The never-list changed for this sender: allowed now, until another time, or no longer.  Its sums stand
 * and decay meanwhile, and it is judged on from there; only what weighed on an address before it became
 * ours (CAUSE_OURS) is dropped: that was another's.  CAUSE_ALLOWED: the operator's act.  A listing that his allowance ended
 * goes on when he removes it, with its own end: unless that is over, or the sender did something honest since then,
 * or its evidence was taken back.  One that an allowance with a term ended, which ran out, does not.
 */
void blocklist_recheck(struct blocklist *, uint32_t number, int64_t now_us, enum change_cause);
/* Forget what weighs on it; closes a listing. */
void blocklist_forget(struct blocklist *, uint32_t number, int64_t now_us);
/* May this prefix of the sender (number SENDER_NONE: nobody knows it) be listed by hand at now? */
enum hand_may blocklist_hand_may(const struct blocklist *, uint32_t number, const struct prefix *, uint32_t now_s);
/* List it by hand until then.  Nothing happens where it may not. */
void blocklist_hand(struct blocklist *, uint32_t number, const struct prefix *, uint32_t until_s, int64_t now_us);
/* Take away what was listed by hand; a listing by evidence stays. */
void blocklist_unhand(struct blocklist *, uint32_t number, const struct prefix *, int64_t now_us);
/* Is exactly this prefix of it listed by hand, and until when? */
bool blocklist_by_hand(const struct blocklist *, uint32_t number, const struct prefix *, uint32_t *until_s);
/* As the store keeps it: what was listed by hand, and as which single address. */
void blocklist_restore_hand(struct blocklist *, uint32_t number, const struct sender_row *);
void blocklist_tell_hand(const struct blocklist *, uint32_t number, struct sender_row *);
/* After restoring a record from the store: its counters and deadline; who is never to be listed by now is
 * taken off the list, and who was listed by a clock that was ahead by more than a day. */
void blocklist_restored(struct blocklist *, uint32_t number, int64_t now_us);
/* Look at its state again when that ends, as things are at now. */
void blocklist_arm(struct blocklist *, uint32_t number, int64_t now_us);
/* The minute that is due: expiries and decayed suspicions. */
void blocklist_turn(struct blocklist *);

#endif
