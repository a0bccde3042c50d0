/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sink.h - what the judging core tells the outside: plain records, one call each.
 *
 * main() connects these to the store's writer; tests connect them to arrays.
 * The callee copies; it must not block for longer than the store's own bound
 * (live), and never calls back into the trap.  All times are Unix, µs or s as named.
 */
#ifndef MXTRAP_SINK_H
#define MXTRAP_SINK_H

#include "mxtrap/evidence.h"
#include "mxtrap/packet.h"

enum outcome {			/* of one connection attempt; values are stored */
	OUTCOME_SILENT = 0,	/* no answer seen */
	OUTCOME_REFUSED = 1,	/* RST or ICMP unreachable */
	OUTCOME_HALF = 2,	/* SYN-ACK seen, handshake not completed */
	OUTCOME_PROVEN = 3,	/* handshake completed */
	OUTCOME_WITHDRAWN = 4,	/* the client answered our SYN-ACK with RST: a live host that did not ask */
};

struct attempt_row {		/* one connection attempt, when its outcome is known or 70 s old */
	int64_t	    time_us;	/* first SYN */
	struct addr src;
	uint32_t    target;	/* index into ladder.targets */
	uint16_t    sport;
	uint16_t    n_syns;
	uint32_t    rtt_us;	/* SYN-ACK to ACK; 0: not completed */
	uint8_t	    grade, outcome;
	uint16_t    fingerprint;	/* id told by sink.fingerprint before; 0: table full */
};

struct visit_row {		/* told when a visit ends */
	sender_key sender;
	int64_t	 start_us, end_us;	/* first and last touch */
	uint16_t set;
	uint16_t n_attempts;
	uint8_t	 route[3], n_route;	/* enum role, in the order first touched: all attempts */
	uint8_t	 proven_route[3], n_proven_route;	/* without attempts that could have been proven and were not */
	uint8_t	 klass;			/* enum sender_class */
	uint8_t	 real_proven;		/* completed a handshake at a real exchanger */
};

struct evidence_row {
	int64_t	    time_us;
	sender_key  sender;
	int64_t	    visit_us;		/* start of the visit it was earned in; 0: none */
	struct addr host;		/* the very address; the sender's own prefix if unknown */
	uint16_t    set;
	uint8_t	    kind, grade;	/* enum evidence_kind, enum grade */
	float	    score, hint;	/* points added; 0 where excused or where the route gives none */
	float	    score_sum, hint_sum;	/* the sums after it */
	uint32_t    excused;		/* enum doubt bits; 0: it counts */
	uint8_t	    revision;		/* 1: takes back what an earlier row of this kind gave; 2: from a sender
					 * that only the store still knows, whose sums it mends */
	int64_t	    of_us;		/* revision: when the row that it takes back was judged; else 0 */
};

struct change_row {		/* one row of list_change */
	int64_t	      time_us;
	struct prefix what;		/* /32 (as /128), /64 or a single IPv6 /128; never wider */
	sender_key    sender;
	float	      score, hint;
	uint32_t      since_s, expires_s;	/* expires: full minutes; 0: does not expire by itself */
	uint32_t      first_seen_s, last_seen_s;
	uint16_t      kinds;			/* 1 << enum evidence_kind */
	uint8_t	      old_state, new_state;	/* enum sender_state */
	uint8_t	      grade, klass;
	uint8_t	      cause;			/* enum change_cause */
	uint8_t	      term_days;
	/* Allowed: the listing that this ended, and that goes on if the allowance is removed.  0, all three: none. */
	uint32_t      paused_since_s, paused_until_s, paused_hand_s;	/* until: by evidence; hand: by hand */
};

enum change_cause {		/* values are stored */
	CAUSE_EVIDENCE = 0, CAUSE_RENEWED = 1, CAUSE_EXPIRED = 2, CAUSE_DECAYED = 3, CAUSE_REVISED = 4,
	CAUSE_ALLOWED = 5, CAUSE_FORGOTTEN = 6, CAUSE_ADMIN = 7, CAUSE_ALLOW_ENDED = 8, CAUSE_PURGED = 9,
	CAUSE_OURS = 10, CAUSE_N
};

struct consumer_row {		/* who fetches the list, and what of it: one document of one consumer */
	char	 who[64];	/* its token's name, else its address */
	char	 what[96];	/* the export and its options, "changes", "lapi", "api" */
	char	 agent[96];	/* as it calls itself; printable ASCII */
	int64_t	 first_s, last_s;
	uint64_t n;		/* how often, not modified included */
	uint64_t generation, serial;	/* of the list that it has since it came last; serial 0: nothing of it */
	uint64_t before;	/* that it had before that */
};

struct sender_row {		/* a snapshot of a sender; also how state comes back at start */
	sender_key key;
	float	 score, hint, blame;	/* at sums_at_s; blame: the part that may list */
	uint32_t sums_at_s;
	uint32_t first_seen_s, last_seen_s;
	uint32_t listed_since_s, expires_s;	/* of the open listing, or of the last one */
	uint32_t climbed_at_s;
	uint16_t kinds, fingerprint;
	uint8_t	 state, klass, grade, flags;	/* flags: the core's own, kept as they are */
	uint8_t	 caps, relapses;
	uint8_t	 hand_alone, single;	/* listed by hand (hand.h); as one address of a /64 */
	uint8_t	 paused;		/* allowed: what is said of a listing, or of one by hand, goes on after that */
	uint32_t hand_until_s;		/* 0: not by hand */
	uint64_t host;			/* of the single address */
	uint32_t sets;			/* MX sets of its visits: a bit an index, the last for all beyond */
};

#define SENDER_SETS 32

struct memory_row {		/* order memory of a sender on a set; also comes back at start */
	sender_key sender;
	uint32_t lower_at_s, memory_at_s;	/* last lower touch; last touch that refreshes it */
	uint32_t last_s, last_real_s;
	uint16_t set;
	uint8_t	 is_pool;		/* 1: sender holds a pool's key, not a sender's */
	uint8_t	 unanswered;		/* 1: its own last SYN at the real MX got no answer, or it was put off */
};

/*
 * What the pipeline doubts, and which decoys misbehave: told when it changes, and given back at the start, so that
 * no restart ends a doubt.  A row replaces that of the same kind, place and address; n says which of several.
 */
enum doubt_row_kind {		/* values are stored */
	DOUBT_ROW_ENDS = 0,	/* v: end of the start grace, of blindness, overflow, clock step; n 1: full table, layout,
				 * a pool that had to go, when a foreign domain was last reported (all in us) */
	DOUBT_ROW_BLIND = 1,	/* v: from, to */
	DOUBT_ROW_DROPS = 2,	/* of one minute.  v: minute, packets seen, packets dropped */
	DOUBT_ROW_REAL = 3,	/* of a real target.  v: bits (health.c), failed probes in a row, end of its doubt */
	DOUBT_ROW_ALARM = 4,	/* of a decoy.  v: enum note_kind, since, reported, refused */
	DOUBT_ROW_N_KINDS = 5,
};

#define DOUBT_ROW_VALUES 4
struct doubt_row {
	uint8_t	    kind, n;	/* enum doubt_row_kind; below DOUBT_ROW_MAX_N */
	struct addr addr;	/* of the target; zero: of none */
	int64_t	    v[DOUBT_ROW_VALUES];
};
#define DOUBT_ROW_MAX_N 32

struct tally_row {		/* counts of one hour, added to what is there */
	uint32_t hour_s;		/* Unix time of the hour's start */
	uint32_t target;		/* index into ladder.targets */
	uint32_t attempts, proven, refused, silent, first_seen;	/* first_seen: senders new to us */
	uint32_t not_kept;		/* attempts tallied here and not stored one by one */
};

enum note_kind {		/* things that happened which are not a sender's; values are stored */
	NOTE_START = 0, NOTE_STOP = 1, NOTE_REAL_DOWN = 2, NOTE_REAL_UP = 3, NOTE_BLIND = 4, NOTE_DROPS = 5,
	NOTE_CLOCK_STEP = 6, NOTE_DECOY_SILENT = 7, NOTE_DECOY_ANSWERS = 8, NOTE_DECOY_DEAD = 9,
	NOTE_RELOAD = 10, NOTE_TABLE_FULL = 11, NOTE_FLOOD = 12, NOTE_FLOOD_END = 13,
	NOTE_FOREIGN = 14,		/* mail for somebody else's domain came to target */
	NOTE_OVERFLOW = 15,		/* an accept queue of a decoy overflowed: told once a spell */
};

struct note_row {
	int64_t	 time_us;
	uint32_t target;		/* or UINT32_MAX */
	uint8_t	 kind;			/* enum note_kind */
	int64_t	 from_us, to_us;	/* the span that it tells about; 0: none */
};

struct sink {
	void *ctx;
	void (*attempt)(void *ctx, const struct attempt_row *);
	void (*visit)(void *ctx, const struct visit_row *);
	void (*evidence)(void *ctx, const struct evidence_row *);
	void (*change)(void *ctx, const struct change_row *);
	void (*sender)(void *ctx, const struct sender_row *);
	void (*memory)(void *ctx, const struct memory_row *);
	void (*tally)(void *ctx, const struct tally_row *);
	void (*note)(void *ctx, const struct note_row *);
	/* We send mail to it: it answered.  May be NULL. */
	void (*correspondent)(void *ctx, sender_key, uint32_t answered_s);
	/* It had mail for a domain that is not ours: excused until then.  May be NULL. */
	void (*foreign)(void *ctx, sender_key, uint32_t until_s);
	/* So many senders are cleared now; day_s: the day that it is.  May be NULL. */
	void (*cleared)(void *ctx, uint32_t day_s, uint64_t n);
	/* A doubt, or the absence of one.  May be NULL. */
	void (*doubt)(void *ctx, const struct doubt_row *);
	void (*fingerprint)(void *ctx, uint16_t id, const struct fingerprint *, int64_t time_us);
};

#endif
