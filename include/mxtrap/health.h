/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * health.h - when must nobody be judged: the state of the real MXs and of our own sight.
 *
 * Doubt favours the sender (design: "Doubt").  This module knows spans of time in
 * which something could not be relied on; it does not know senders.
 */
#ifndef MXTRAP_HEALTH_H
#define MXTRAP_HEALTH_H

#include "mxtrap/event.h"
#include "mxtrap/evidence.h"
#include "mxtrap/mxset.h"
#include "mxtrap/sink.h"

#define HEALTH_WINDOW_US    (60 * 1000000LL)	/* of the down rule */
#define HEALTH_NETWORKS	    3			/* distinct networks without an answer: down */
#define HEALTH_BEFORE_US    (15 * 60 * 1000000LL)	/* excused before it was noticed */
#define HEALTH_AFTER_US	    (15 * 60 * 1000000LL)	/* and after it is back */
#define HEALTH_MEMORY_US    (30 * 60 * 1000000LL)	/* blindness, drops, overflows, clock steps */
#define HEALTH_LAYOUT_US    ((48 + 1) * 3600 * 1000000LL)	/* TTL (an hour) + 48 h */
#define HEALTH_BLIND_US	    (60 * 1000000LL)	/* less blindness within HEALTH_MEMORY_US is no doubt */
#define HEALTH_TOLD_US	    (60 * 60 * 1000000LL)	/* an MTA that tells of nobody for so long tells nothing */
#define HEALTH_UNSEEN_US    (60 * 1000000LL)	/* of doubt after any moment in which an interface was not captured */
#define HEALTH_BLIND_SPANS  16			/* that are told apart; more grow together */
#define HEALTH_MINUTES	    30			/* in which packets are counted, for the share of drops */
#define HEALTH_PROBES_FAILED 2			/* in a row: down */

struct health_target {			/* of one address of a real exchanger */
	int64_t	 last_syn_us, last_proven_us, last_unanswered_us;
	int64_t	 doubt_until_us;
	int64_t	 check_us;		/* down from then on, if nobody completes a handshake before; 0: none */
	bool	 down;			/* by the wire: nobody is served */
	bool	 probe_down, deferring;	/* by the probe: it failed twice; its greeting was no welcome */
	uint8_t	 probe_fails, probe_last;	/* in a row; enum probe_result of the last one */
	int64_t	 probe_us, probe_good_until_us;	/* last result; afterwards it says nothing any more */
	int64_t	 probe_lapse_us;	/* what the probe of the run before said lapses then, if none speaks; 0: never */
	int64_t	 told_us;		/* its own MTA last told of somebody; 0: never */
	struct { uint64_t network; int64_t time_us; } unanswered[HEALTH_NETWORKS];
};

enum health_news { HEALTH_SAME, HEALTH_DOWN, HEALTH_BACK };

struct health {
	const struct ladder  *ladder;	/* borrowed */
	struct health_target *targets;	/* owned; one a target */
	int64_t	 grace_until_us, blind_until_us, overflow_until_us, step_until_us, full_until_us, layout_until_us;
	int64_t	 due_us;			/* when health_due() has something to do; INT64_MAX: never */
	struct { int64_t from_us, to_us; } blind[HEALTH_BLIND_SPANS];
	size_t	 n_blind;
	struct { int64_t minute; uint64_t seen, dropped; } drops[HEALTH_MINUTES];	/* the last half hour, by minute */
	uint64_t seen, dropped;		/* sums of it */
	int64_t	 drops_minute;
};

bool health_init(struct health *, const struct ladder *);
void health_free(struct health *);
/*
 * What survives a restart: each row, with what holds now.  A row that says nothing is all zero but for its key.
 * seen of a minute may be a little less than what was seen.
 */
void health_save(const struct health *, int64_t now_us, void (*each)(void *ctx, const struct doubt_row *), void *ctx);
/* One of these rows, before health_resume(); a kind or an address that is not of ours changes nothing. */
void health_load(struct health *, const struct doubt_row *);
/*
 * Watching begins again at now.  What survives a restart stays, none of it for longer than it could last from now
 * on; the rest is forgotten: who was seen lately, and that a target is known to be well.  An outage that the
 * wire saw goes on until the wire sees its end; one that only a probe saw lapses after 15 minutes without a probe.
 */
void health_resume(struct health *, int64_t now_us);

/* A sender's SYN at a real target; never our own. */
void health_syn(struct health *, uint32_t target, int64_t now_us);
/*
 * It got no SYN-ACK (refused, or resent, or 70 s passed).  network: /24 or /48 of the sender, never that of one
 * that we list or of ours.  HEALTH_DOWN: within 60 s it is the third such network, and nobody completed a
 * handshake: down from now on.  If somebody did, it may be so later: see health_due().
 */
enum health_news health_unanswered(struct health *, uint32_t target, uint64_t network, int64_t now_us);
/* Somebody, not we, completed a handshake there.  HEALTH_BACK: it was down by the wire and is not. */
enum health_news health_proven(struct health *, uint32_t target, int64_t now_us);
/* At due_us: the next target that is down from now on; UINT32_MAX: no more.  An old probe's word may lapse. */
uint32_t health_due(struct health *, int64_t now_us);
/*
 * What the decoy's probe found.  good_until: with no newer result by then, nothing is known from it.
 * A success also ends what the wire noticed if the probe saw that outage too: a connection from our own
 * host says nothing of a path that is broken for all others.
 */
enum health_news health_probe(struct health *, uint32_t target, enum probe_result, int64_t now_us, int64_t good_until_us);
/* Nothing was seen in that span.  True: with others it is over 60 s within half an hour. */
bool health_blind(struct health *, int64_t from_us, int64_t to_us);
/*
 * An interface was not captured until then: packets of that time are lost for good, so that who touched a
 * lower rung meanwhile looks as if the backup had come first.  A doubt for HEALTH_UNSEEN_US, however short it was.
 */
void health_unseen(struct health *, int64_t to_us);
/* Packets seen and dropped, for the share of drops in the last half hour. */
void health_packets(struct health *, uint64_t seen, uint64_t dropped, int64_t now_us);
/* Bits of enum doubt that hold for a set at now (all but a sender's own). */
uint16_t health_doubts(const struct health *, uint16_t set, int64_t now_us);
/* Is it down, by whoever says so? */
bool health_is_down(const struct health_target *);
/* The MTA of a real target told of somebody. */
void health_told(struct health *, uint32_t target, int64_t now_us);
/* Nobody tells of it: it is not on the wire, and no probe has a say, or its MTA does not tell of anybody. */
bool health_unknown(const struct health *, uint32_t target, int64_t now_us);

#endif
