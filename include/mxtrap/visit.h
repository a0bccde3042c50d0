/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * visit.h - a sender's attempts on one MX set, and the memory of the order.
 *
 * One record, a cache line, a (sender, MX set).  While the visit is open it holds the
 * route; afterwards it is the order memory: when a lower rung was last touched, so
 * that a sender that remembers dead hosts (Exim, Sendmail) is not taken for one
 * that skips them.  It has no opinion about routes; trap and judge have.
 */
#ifndef MXTRAP_VISIT_H
#define MXTRAP_VISIT_H

#include "mxtrap/evidence.h"
#include "mxtrap/mxset.h"
#include "mxtrap/sender.h"

#define VISIT_NONE TABLE_NONE
#define VISIT_MAX_S 3600		/* a visit is never longer */
#define VISIT_REFRESH_S (5 * 86400)	/* bogus touches refresh the memory this long after a lower one */

enum visit_flag {
	VISIT_OPEN	    = 1 << 0,
	VISIT_LOW	    = 1 << 1,	/* touched nolisting, any grade */
	VISIT_REAL	    = 1 << 2,
	VISIT_BOGUS	    = 1 << 3,
	VISIT_REAL_PROVEN   = 1 << 4,
	VISIT_BOGUS_PROVEN  = 1 << 5,
	VISIT_PENDING_LOWER = 1 << 6,	/* the last attempt, on a lower rung, has no answer yet */
	VISIT_KIN_REAL	    = 1 << 7,	/* its other family or pool went to the real MX */
	VISIT_HINTED	    = 1 << 8,	/* backup_first is in hint */
	VISIT_SCORED	    = 1 << 9,	/* backup_first is in score */
	VISIT_DESCENDED	    = 1 << 10,
	VISIT_PROBED	    = 1 << 11,	/* class prober: no order evidence */
	VISIT_LOW_FIRST	    = 1 << 12,	/* low before any proven bogus */
	VISIT_UNANSWERED    = 1 << 13,	/* its own SYN at the real MX got no answer */
	VISIT_TALLIED	    = 1 << 14,	/* began in a flood: told only if something is proven */
	VISIT_FALLBACK	    = 1 << 15,	/* low only: gave_up is decided at the end of the window */
};

enum visit_stamp {			/* kinds that count once per rolling 60 min */
	STAMP_BACKUP_FIRST, STAMP_DECOYS_ONLY, STAMP_IMPATIENT, STAMP_GAVE_UP, STAMP_CLIMBED, STAMP_TALK,
	STAMP_N
};

enum visit_said {			/* of what it said to a decoy */
	VISIT_ADDRESSED	  = 1 << 0,	/* in this visit: a recipient of ours */
	VISIT_TALKED_EARLY = 1 << 1,	/* counted in the hour of STAMP_TALK */
	VISIT_HELO_BAD	  = 1 << 2,
	VISIT_FOREIGN_PROTOCOL = 1 << 3,	/* in this visit it spoke no SMTP: nothing of it weighs */
};

struct visit {
	int64_t	 start_us;
	uint32_t sender, next;		/* next record of this sender + 1 */
	uint32_t last_off_us;		/* last touch, from start */
	uint32_t lower_at_s;		/* last touch of nolisting or real; 0: never */
	uint32_t memory_at_s;		/* last touch that refreshed the order memory */
	uint32_t last_real_s;		/* last touch of a real rung */
	uint16_t set, n_attempts;
	uint16_t flags;			/* enum visit_flag */
	uint8_t	 route, proven_route;	/* 2 bits a role, in order; number of them in bits 6-7 */
	uint8_t	 gap[2], rtt;		/* log2 scale of µs: between the first three rungs; handshake */
	uint8_t	 last_role : 2;		/* enum role of the last touch */
	uint8_t	 hour_scored : 1;	/* the backup_first that is stamped counted in score, not as a hint only */
	uint8_t	 bogus_first_proven : 1;	/* the touch that came first is the one that was proven */
	uint8_t	 generation : 4;	/* of this record: a stale deadline is told by it */
	uint16_t stamp[STAMP_N];	/* 8 s units, 0: never */
	bool	 taken;
	uint8_t	 said;			/* enum visit_said */
	uint8_t	 waited;		/* 1 << role: an attempt of this visit there was answered, or sent again */
	uint8_t	 spare[5];		/* a record is one cache line */
};

/*
 * The first record of sender number n is record n, its home, so that both can be fetched from
 * memory side by side; those of its further MX sets come out of the rest.
 */
struct visit_pool {
	struct visit *records;		/* owned; cap = homes + further ones */
	uint32_t n, cap, homes, free_head, fresh, hand;
	uint64_t evicted;
};

bool visit_pool_init(struct visit_pool *, uint32_t homes, uint32_t further);
void visit_pool_free(struct visit_pool *);

/* The record of this sender and set, moved to the front of its chain; VISIT_NONE. */
uint32_t visit_find(struct visit_pool *, struct sender *, uint16_t set);
/* A new record in front of the chain: its home if that is free.  VISIT_NONE: the pool is full. */
uint32_t visit_add(struct visit_pool *, struct sender *, uint32_t sender_number, uint16_t set);
/* Give back one that is closed and remembers nothing any more: looks at up to 64 that are no
 * home, round the pool.  False: none. */
bool visit_reclaim(struct visit_pool *, struct sender *senders, uint32_t now_s, uint32_t order_memory_s);
/* Give back the whole chain of a sender. */
void visit_drop_all(struct visit_pool *, struct sender *);
static inline int64_t
visit_last_us(const struct visit *v)
{
	return v->start_us + v->last_off_us;
}
/* Is the order memory valid at now: was a lower rung touched, lately enough? */
bool visit_remembers(const struct visit *, uint32_t now_s, uint32_t order_memory_s);
/* A touch of a lower rung, or of a bogus one (which refreshes a valid memory only). */
void visit_remember(struct visit *, uint32_t now_s, bool lower, uint32_t order_memory_s);
/* A lower touch that nobody saw is taken for granted, once: the backup alone does not refresh it. */
void visit_suppose(struct visit *, uint32_t now_s);

/* Append a role to a route if it is not in it yet; the route after it. */
uint8_t route_add(uint8_t route, enum role);
static inline size_t
route_length(uint8_t route)
{
	return route >> 6;
}
static inline enum role
route_at(uint8_t route, size_t i)
{
	return (enum role)((route >> (2 * i)) & 3);
}

/* Did this kind count on this set within the 60 min before now? */
bool visit_stamped(const struct visit *, enum visit_stamp, uint32_t now_s);
void visit_stamp(struct visit *, enum visit_stamp, uint32_t now_s);
/* The stamp of a kind; STAMP_N: not counted by the hour. */
enum visit_stamp visit_stamp_of(enum evidence_kind);

/* A duration on a scale of eighths of an octave of µs (0 to 255), rounded up. */
uint8_t visit_log_us(int64_t us);

#endif
