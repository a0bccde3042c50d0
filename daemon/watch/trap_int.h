/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_int.h - what trap*.c share: the pipeline's state.
 *
 * trap.c takes packets and events in order and fires deadlines; trap_attempt.c matches packets to
 * attempts; trap_touch.c turns an attempt into touches of visits; trap_judge.c turns routes into
 * evidence, trap_said.c words; trap_weigh.c weighs it; trap_flush.c tells what changed.
 */
#ifndef MXTRAP_TRAP_INT_H
#define MXTRAP_TRAP_INT_H

#include "mxtrap/attempt.h"
#include "mxtrap/blocklist.h"
#include "mxtrap/correspond.h"
#include "mxtrap/health.h"
#include "mxtrap/pool.h"
#include "mxtrap/pool_map.h"
#include "mxtrap/share.h"
#include "mxtrap/trap.h"
#include "mxtrap/visit.h"
#include "mxtrap/wheel.h"
#include "mxtrap/wrong.h"

#define SECOND_US 1000000LL
#define JUDGE_DELAY_US SECOND_US	/* a touch is judged this long after it */
#define PENDING_SYN    131072		/* touches waiting to be judged, at most: unproven */
#define PENDING_PROOF  65536		/* proven ones: a flood cannot push them out */
#define RECENT	       65536		/* evidence that a later doubt can still reach */
#define KIN	       16		/* last attempts of a class of a family on a set */
#define KIN_CLASS_BITS 3
#define KIN_US	       (3 * SECOND_US)
#define FINGERPRINTS   4096
#define SHARE_ATTEMPTS 4096		/* rows that one sender may cause in an hour */
#define SHARE_EXCUSED  256		/* of evidence that counts nothing */
#define SHARE_SAID     256		/* of what it said, to no effect */

enum pending_what { PENDING_TOUCH, PENDING_IMPATIENT, PENDING_BOGUS_PROVEN, PENDING_REAL_PROVEN };

struct pending {			/* a judgement due 1 s after its cause */
	int64_t	 due_us;
	uint64_t host;
	uint32_t visit;
	uint8_t	 generation, what, grade;
	bool	 kin_unknown;		/* DOUBT_KIN_UNKNOWN */
};

struct pending_ring {			/* by due time: each is one constant delay */
	struct pending *at;		/* owned */
	uint32_t cap, head, n;
	uint64_t refused;
};

struct recent {				/* evidence with points, for later doubts and revisions */
	int64_t	   time_us;
	sender_key key;
	uint32_t   number;
	uint16_t   set;
	uint8_t	   kind, grade;
	float	   score, hint;
	uint32_t   live;		/* 1: its points still stand */
};
struct recent_ring {			/* the newest RECENT of them */
	struct recent *at;		/* owned */
	uint32_t next;
};

struct kin_entry {
	int64_t	 time_us;
	uint64_t layout;		/* what fingerprint_akin() asks, with wscale */
	uint32_t visit;
	uint8_t	 generation, rung, wscale;
};
struct kin_class {			/* attempts whose SYNs look alike */
	struct kin_entry at[KIN];
	uint32_t next;
	uint32_t fresh;			/* a bit an entry: less than 3 s old, as far as looked at */
	uint32_t unsettled;		/* of these: its system has not reached the real MX */
	uint8_t	 lost_wscale;
	bool	 lost_several;		/* looks, in this class */
	int64_t	 lost_until_us;		/* what had to make room could have excused somebody until then */
	uint64_t lost_layout;
};
struct kin {				/* of one set, by family */
	struct kin_class of[2][1 << KIN_CLASS_BITS];
};

struct alarm {				/* an address of ours is not what the configuration says */
	int64_t told_us, since_us;	/* when it was told, and began; 0: never */
	int64_t refused_us;		/* one that should answer refused, and nobody got through since; 0: no */
	uint8_t kind;			/* enum note_kind; 0: none is open */
};

struct network {			/* an IPv6 /48, and how many new senders it brought this hour */
	uint64_t prefix;		/* the key of its senders >> 16 */
	uint32_t hour, n;
};

struct trap {
	struct trap_options o;
	const struct ladder *ladder;
	int64_t now_us;
	bool	started;
	struct trap_counters counters;

	struct sender_table  senders;
	struct visit_pool    visits;
	struct attempt_table attempts;
	struct pool_table    pools;
	struct pool_map	     named;
	struct health	     health;
	struct never	     never;
	struct correspond    correspond;
	struct blocklist     list;
	struct wheel	     ends;		/* of visits and fallback windows, by the second */
	struct pending_ring  touches, proofs;
	struct recent_ring   scored, hinted;	/* with points in score; with a hint only */
	struct network	    *networks;
	struct kin	    *kin;		/* by set */
	uint8_t		    *set_flags;		/* by set: SET_REAL_V4, SET_REAL_V6 */
	uint64_t	     cleared_told;
	struct tally_row    *tallies;		/* by target, of this hour */
	int64_t		     tallies_until_us;
	struct fingerprint  *fingerprints;	/* id - 1 */
	struct index	     fingerprint_index;
	uint32_t	     n_fingerprints;
	uint16_t	     last_fingerprint;	/* id of the last SYN's; 0: none */
	struct wrong	     wrong;
	struct share	     share;		/* of rows that a sender causes; judges nothing */
	struct doubt_row    *doubts_told;	/* as the store has them; trap_doubt_rows() */
	bool		     doubts_loaded, doubts_resumed;	/* it may have others; watching began at least once */
	int64_t		     grace_loaded_us;	/* the end of a start grace of the run before; 0: it was over */
	struct alarm	    *alarms;		/* by target: how it misbehaves */
	int64_t		     foreign_told_us;	/* when the operator last heard of another's domain */
	uint32_t	     n_alarms;		/* of them, open */

	int64_t	 next_due_us;			/* nothing is due before this */
	int64_t	 second_end_us;			/* of the flood counter's second */
	uint32_t second_attempts;
	bool	 flood;
	uint64_t seen_since;			/* packets since health was last told */
	int64_t	 seen_until_us;			/* when it is told again: at each full minute */
	uint32_t flush_at;			/* where trap_flush() goes on */
};

enum { SET_REAL_V4 = 1, SET_REAL_V6 = 2 };

static inline uint32_t
now_s(const struct trap *t)
{
	return (uint32_t)(t->now_us / SECOND_US);
}

/* May this sender cause one row more of this kind (SHARE_...) in this hour? */
static inline bool
trap_share(struct trap *t, sender_key key, unsigned most, unsigned what)
{
	return share_take(&t->share, siphash13(t->o.hash_key, key, 16 + what), now_s(t) / 3600, most);
}

/* trap_touch.c */
/* A new attempt was opened at a target of a ladder; makes or continues the visit.  pool: its key, and its
 * hash.  VISIT_NONE: no room. */
uint32_t trap_touch(struct trap *, uint32_t sender, struct attempt *, const struct packet *, uint64_t pool, uint32_t pool_hash);
/* The sender's open visit of an attempt's set; VISIT_NONE. */
uint32_t trap_visit_of(struct trap *, uint32_t sender, const struct attempt *);
/* The attempt was answered, or sent again: this visit does not rush on from that rung. */
void trap_waited(struct trap *, uint32_t visit, const struct attempt *);
/* An attempt of an open visit went on: its SYN came again, or it was proven. */
void trap_resent(struct trap *, uint32_t visit, struct attempt *);
void trap_proven(struct trap *, uint32_t sender, uint32_t visit, struct attempt *, int64_t rtt_us);
/* A deadline of a visit came out of the wheel. */
void trap_visit_due(struct trap *, uint32_t item, int64_t due_us);

/* trap_kin.c */
/* A touch of a lower rung joins; v4: the toucher's family. */
void trap_kin_join(struct trap *, uint32_t visit, const struct target *, bool v4, const struct packet *);
/* Is there a lower touch of the other family that this one goes on from?  At a real rung: tells it so. */
bool trap_kin_follow(struct trap *, const struct target *, bool v4, const struct packet *);
/* May there have been one that a flood pushed out? */
bool trap_kin_unknown(struct trap *, const struct target *, bool v4, const struct packet *);

/* trap_pool.c: the network of a sender and its named pool, both. */
void trap_pool_touch(struct trap *, const struct sender *, uint16_t set, enum role, uint64_t key, uint32_t hash);
bool trap_pool_remembers(const struct trap *, sender_key, uint16_t set, uint64_t key, uint32_t hash);
bool trap_pool_was_real(const struct trap *, sender_key, uint16_t set, uint32_t since_s);
void trap_pool_proven(struct trap *, sender_key, uint16_t set);
/* What a store kept of one of its members. */
void trap_pool_restore(struct trap *, const struct memory_row *, bool proven);

/* trap_judge.c */
void trap_judge_pending(struct trap *, const struct pending *);
void trap_judge_end(struct trap *, uint32_t visit);
void trap_judge_fallback(struct trap *, uint32_t visit);

/* trap_weigh.c */
struct finding {
	uint32_t number, visit;		/* sender; visit or VISIT_NONE */
	enum evidence_kind kind;
	enum grade grade;
	uint64_t host;
	float	 score, hint;		/* as the table says; doubts and the hour come on top */
	uint32_t doubts;		/* enum doubt, beside those of the time and the sender */
	int64_t	 of_us;			/* a revision's: when what it takes back was judged */
	bool	 quiet;			/* in a flood and unproven: counts, but no row is told */
};
/* Weigh one finding.  Guilt is subject to doubt; what speaks for a sender is not.  Did it count? */
bool trap_weigh(struct trap *, const struct finding *);
/* Take back what one earlier piece of evidence gave, as much as is left of it. */
void trap_revise(struct trap *, struct recent *, uint32_t visit, uint32_t why);
/* Told for the record, with no points and this doubt. */
void trap_excuse(struct trap *, const struct finding *, enum doubt);
/* All points that still weigh are taken back in one row. */
void trap_take_rest(struct trap *, const struct finding *, enum doubt);
/* What scored in this visit turns out to be of a better grade: rows tell so, and it may list now. */
void trap_regrade(struct trap *, uint32_t visit, enum grade, uint64_t host);
/* A kind without points, told for the record. */
void trap_note_kind(struct trap *, uint32_t visit, enum evidence_kind, enum grade, uint64_t host);
void trap_note_sender_kind(struct trap *, uint32_t sender, enum evidence_kind, enum grade, uint64_t host);
/* A doubt about the time from from_us on, found only now: take back what it gave.  set: UINT16_MAX = all. */
void trap_doubt_later(struct trap *, uint16_t set, int64_t from_us, enum doubt);
/* The same for one sender. */
void trap_doubt_sender_later(struct trap *, uint32_t sender, uint16_t set, int64_t from_us, enum doubt);

/* trap_health.c */
/* Probes, blindness, drops, overflows, steps of the clock. */
void trap_take_health(struct trap *, const struct event *);
/* What became of health: told, and what was judged before is looked at again. */
void trap_health_news(struct trap *, uint32_t target, enum health_news);
void trap_health_due(struct trap *);
/* A target does what its configuration excludes, or again what it says. */
void trap_alarm(struct trap *, uint32_t target, enum note_kind);
void trap_alarm_over(struct trap *, uint32_t target);
void trap_alarm_refused(struct trap *, uint32_t target);

/* Likewise about one sender: all that is not forgotten. */
void trap_doubt_sender(struct trap *, sender_key, enum doubt);

/* trap_doubt.c */
/* Rows that survive a restart, at most: doubts, alarms. */
size_t trap_doubt_rows(const struct trap *);
/* The store is told of those that changed. */
void trap_tell_doubts(struct trap *);
/* The ladder is another since then. */
void trap_layout(struct trap *, int64_t since_us);
/* EVENT_START: watching begins, or begins again. */
void trap_resume(struct trap *, bool resumed);

/* trap_sight.c */
/* What the MTA of a real exchanger tells of a sender. */
void trap_take_sight(struct trap *, const struct event *);
static inline bool
trap_is_real(const struct trap *t, uint32_t target)
{
	return target < t->ladder->n_targets && t->ladder->targets[target].role == ROLE_REAL;
}

/* trap_said.c */
/* False: it changed nothing. */
bool trap_take_said(struct trap *, const struct event *);

/* trap_correspond.c */
/* A packet that has nothing to do with the ladder. */
void trap_correspond(struct trap *, const struct packet *);

/* trap_purge.c */
void trap_take_back(struct trap *, const struct event *);

/* trap_attempt.c */
struct trap_work {				/* one packet of a block */
	const struct target *target;	/* NULL: none of ours */
	sender_key key;
	uint64_t host;
	uint32_t target_number, sender_hash, attempt_hash, pool_hash;
	uint64_t sip;			/* sender_sip() */
	uint64_t pool_key;
	uint16_t sport;
	bool	 from_us;
};
void trap_take_syn(struct trap *, const struct trap_work *, const struct packet *);
void trap_take_reply(struct trap *, const struct trap_work *, const struct packet *);
/* The handshake is complete. */
void trap_prove(struct trap *, const struct trap_work *, struct attempt *);
/* An attempt is 70 s old, or pushed out by a flood: ctx is the trap. */
void trap_leaving(void *ctx, struct attempt *);

/* A new record; that of somebody who came, who is counted.  SENDER_NONE: no room for anyone new. */
uint32_t trap_new_record(struct trap *, sender_key, uint64_t host, uint32_t hash);
uint32_t trap_new_sender(struct trap *, const struct trap_work *, sender_key, uint64_t host, uint32_t hash);
/* The id of a SYN's fingerprint; 0: the table is full. */
uint16_t trap_fingerprint(struct trap *, const struct fingerprint *);

/* trap_network.c */
bool trap_network_init(struct trap *);
size_t trap_network_bytes(void);
/* One new sender more of this one's /48: is that too many in this hour? */
bool trap_network_full(struct trap *, sender_key);
/* A SYN of a sender that gets no record: tallied, kept until it is proven or old. */
void trap_take_capped(struct trap *, const struct trap_work *, const struct packet *);
/* It is proven: now it gets one.  SENDER_NONE: no room. */
uint32_t trap_adopt(struct trap *, const struct trap_work *, struct attempt *);

/* trap_flush.c */
/* This hour's counts of a target; those of the hour before are told first. */
struct tally_row *trap_tally_of(struct trap *, uint32_t target);
void trap_tell_tallies(struct trap *);

/* trap_never.c */
/* Somebody is never to be listed, or no longer: looked at again at once. */
void trap_never(struct trap *, const struct event *);
void trap_forget(struct trap *, const struct event *);
/* trap_list.c */
void trap_list(struct trap *, const struct event *);
/* Watching begins: what is this host's will be told anew. */
void trap_never_anew(struct trap *);

/* trap.c */
/* A connection that the wire did not show, but that somebody answered: its opening. */
void trap_take_witnessed(struct trap *, const struct packet *);
/* What matches a connection to its attempt: of the sender and the port in an event about a target of the ladder. */
void trap_work_of(const struct trap *, const struct event *, struct trap_work *);
bool trap_push(struct trap *, struct pending_ring *, const struct pending *);
void trap_tell_note(struct trap *, enum note_kind, uint32_t target, int64_t from_us, int64_t to_us);

/* What the end of a visit, or of its fallback window, reads: to fetch it ahead. */
enum end_reads { END_READS_VISIT, END_READS_SENDER, END_READS_POOL };
static inline enum end_reads
trap_end_reads(const struct visit *v, bool fallback)
{
	uint16_t touched = v->flags & (VISIT_LOW | VISIT_REAL | VISIT_BOGUS);

	if (fallback ? (v->flags & VISIT_FALLBACK) != 0 : touched == (VISIT_LOW | VISIT_BOGUS))
		return END_READS_POOL;
	if ((v->flags & VISIT_TALLIED) == 0 || (v->flags & (VISIT_REAL_PROVEN | VISIT_BOGUS_PROVEN)) != 0)
		return END_READS_SENDER;
	return END_READS_VISIT;
}

#define ITEM_VISIT_MASK ((1U << 25) - 1)
#define ITEM_FALLBACK	(1U << 25)
static inline uint32_t
visit_item(const struct trap *t, uint32_t visit, bool fallback)
{
	return visit | (fallback ? ITEM_FALLBACK : 0) | (uint32_t)t->visits.records[visit].generation << 28;
}

#endif
