/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap.h - the whole pipeline: packets and events in order in, verdicts to a sink.
 *
 * Live and replay run this same code.  It never reads a clock, allocates only in
 * trap_new(), and tells the outside through struct sink alone.  What could not be
 * kept is counted in struct trap_counters.
 */
#ifndef MXTRAP_TRAP_H
#define MXTRAP_TRAP_H

#include "mxtrap/event.h"
#include "mxtrap/hand.h"
#include "mxtrap/judge.h"
#include "mxtrap/mxset.h"
#include "mxtrap/packet.h"
#include "mxtrap/pool_map.h"
#include "mxtrap/sink.h"

#define TRAP_BLOCK 64			/* packets handed over at once, at most */

struct trap_limits {
	uint32_t senders;		/* at most 2^24; one visit record each and a quarter more */
	uint32_t attempts;		/* in flight */
	uint32_t pools;
	uint32_t tally_above;		/* new unproven attempts a second above which they are tallied only */
	uint32_t new_per_48;		/* new unproven senders of an IPv6 /48 in an hour; 0: no bound */
};

struct trap_options {
	const struct ladder *ladder;	/* borrowed for the trap's life */
	struct judge_params  judge;
	struct trap_limits   limits;
	const struct prefix *never;	/* the configured allow-list; copied.  The ladder's addresses need not be in it */
	size_t		     n_never;
	const struct pool_member *pools;	/* of named pools; copied */
	size_t		     n_pools;
	bool		     correspondents;	/* excuse hosts that we send mail to */
	bool		     special_purpose;	/* never list the special-purpose registries */
	uint8_t		     hash_key[16];	/* from getrandom live; any fixed value in tests */
	struct sink	     sink;
};

struct trap_counters {			/* since trap_new(); all only grow but the last ones and correspondents */
	uint64_t packets, attempts, visits, evidence, excused, excused_grace;
	uint64_t proven, tallied;	/* tallied: attempts without a row, in a flood or of a sender that had many in the hour */
	uint64_t evidence_tallied;	/* excused evidence without a row, likewise */
	uint64_t events_idle;		/* accepts and words that changed nothing: no row either */
	uint64_t senders_new, senders_evicted, senders_refused;
	uint64_t attempts_evicted, visits_evicted, pools_evicted, fingerprints_refused;
	uint64_t out_of_order;		/* packets older than the newest: taken as if of its time */
	uint64_t unmatched;		/* answers and ACKs that belong to no attempt */
	uint64_t unproven_accepts;	/* accepts without the final ACK on the wire */
	uint64_t wrong_acks, wrong_evicted;	/* guesses at our sequence numbers; guessers forgotten for room */
	uint64_t proofs_doubted;	/* handshakes that prove nothing, because somebody guesses in that name */
	uint64_t kin_lost;		/* touches pushed out while they could still have excused their other family */
	uint64_t recent_overflow;	/* evidence that a later doubt could no longer reach */
	uint64_t networks_capped;	/* attempts whose sender got no record: its /48 had brought too many */
	uint64_t touches_refused, proofs_refused;	/* judgements for which there was no room */
	uint64_t timers_refused;	/* ends of visits and terms that found no room in their wheel */
	uint64_t said, said_unmatched;	/* dialogues told; those of no proven visit that is still open */
	uint64_t said_ours, said_foreign;	/* mail for us; for somebody else's domain */
	uint64_t said_protocol;		/* sessions of HTTP, TLS or another protocol: nothing of their visits weighs */
	uint64_t taken_back;		/* evidence that a purge took back */
	uint64_t correspondents, correspondents_evicted;	/* hosts that we send mail to */
	uint64_t correspond_overtaken;	/* SYNs of ours that were forgotten before an answer could come */
	uint64_t never_refused;		/* entries of the never-list that found no room */
	uint64_t senders, listed, suspects;
	uint64_t alarms;		/* decoys that do not behave as configured, now */
};

struct trap_health {			/* of one target, for status and the ladder page */
	bool	 down;			/* by whoever says so */
	bool	 by_probe;		/* the probe says so */
	bool	 unknown;		/* a real one that nobody tells of */
	uint8_t	 probe_last;		/* enum probe_result; probe_us 0: there was none */
	uint8_t	 alarm;			/* enum note_kind of how it misbehaves; 0: it does not */
	int64_t	 last_syn_us, last_proven_us, last_unanswered_us, probe_us;
	int64_t	 alarm_us;		/* since when */
};

struct trap;

/* NULL: out of memory.  Touches every page that it will use (no page fault under fire). */
struct trap *trap_new(const struct trap_options *);
void trap_free(struct trap *);
/* Before the first packet: give back what a store kept.  False: no room. */
bool trap_restore_sender(struct trap *, const struct sender_row *);
bool trap_restore_memory(struct trap *, const struct memory_row *);
void trap_restore_correspondent(struct trap *, sender_key, uint32_t answered_s);
void trap_restore_foreign(struct trap *, sender_key, uint32_t until_s);
bool trap_restore_allow(struct trap *, const struct prefix *, uint32_t expires_s);
/* What the sink was told as a doubt; then EVENT_START. */
void trap_restore_doubt(struct trap *, const struct doubt_row *);
/* The newest evidence, oldest first and after its senders: a doubt that is found later reaches it. */
#define TRAP_RESTORE_EVIDENCE 131072	/* more is forgotten again */
void trap_restore_evidence(struct trap *, const struct evidence_row *);

/* n <= TRAP_BLOCK packets, by time.  Deadlines that lie before a packet fire before it. */
void trap_packets(struct trap *, const struct packet *, size_t n);
/* False: it changed nothing, and a replay without it gives the same: it need not be stored.  An accept that the wire proves
 * is so; so are words that a sender has said to no effect often enough in this hour. */
bool trap_event(struct trap *, const struct event *);
/* Time moves on to now; deadlines fire. */
void trap_tick(struct trap *, int64_t now_us);
/* End of a replay: time moves on by fallback window + visit gap; then trap_flush(). */
void trap_settle(struct trap *);
/* Tell the sink every sender, memory and tally that changed since it was last told;
 * at most max_senders of the former (the rest waits).  Returns how many senders still wait. */
size_t trap_flush(struct trap *, size_t max_senders);

struct trap_purged {			/* what a purge does; counted up */
	uint64_t evidence, senders;	/* with points that still stood, and whose they were */
	uint64_t listings_end, listings_stay;	/* stay: other evidence is enough */
	uint64_t suspects_end;
	uint64_t forgotten;		/* senders that are no longer in memory */
};
/* What these EVENT_TAKE_BACK of one sender would do now, added to *out; nothing is changed. */
void trap_purge_would(const struct trap *, const struct event *takes, size_t n, struct trap_purged *out);

/* How many listings an allowance of this prefix would end now. */
uint64_t trap_would_end(const struct trap *, const struct prefix *);
/* Is there an allowance of exactly this prefix that has not ended, and until when (0: for ever)?  Is it listed by hand? */
bool trap_allowance(const struct trap *, const struct prefix *, uint32_t *until_s);
bool trap_by_hand(const struct trap *, const struct prefix *, uint32_t *until_s);
/* May this be listed by hand now?  A prefix: one address, or a /64 of IPv6. */
enum hand_may trap_may_list(const struct trap *, const struct prefix *);
/* Why it is never listed: enum never_why, bits; 0: it is not. */
unsigned trap_never_why(const struct trap *, const struct prefix *);
/* Is there a record of anybody in it, so that there is something to forget? */
bool trap_knows(const struct trap *, const struct prefix *);
int64_t trap_now_us(const struct trap *);
const struct trap_counters *trap_counters(const struct trap *);
void trap_target_health(const struct trap *, uint32_t target, struct trap_health *out);
/* Bits of enum doubt that excuse everybody on this MX set now; UINT16_MAX: those that hold for all sets. */
uint16_t trap_doubts(const struct trap *, uint16_t set);
/* Bytes that trap_new() allocated. */
size_t trap_memory_bytes(const struct trap *);

#endif
