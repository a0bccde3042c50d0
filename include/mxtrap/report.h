/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - the read side of the database: questions that web, exports and the command may ask.
 *
 * A read-only handle; no read transaction is held longer than one call here, and
 * iterators are paged inside so that a slow consumer holds none.  `now` is the
 * database's own clock after a replay, watch's own time while watch lives (beat.h), else the wall clock given at each call.
 */
#ifndef MXTRAP_REPORT_H
#define MXTRAP_REPORT_H

#include "mxtrap/event.h"
#include "mxtrap/judge.h"
#include "mxtrap/sink.h"

struct report;

enum report_result {
	REPORT_OK,
	REPORT_NONE,		/* no such row */
	REPORT_BUSY,		/* the database is locked or not there yet */
	REPORT_NEWER,		/* written by a newer mxtrap: report_versions() */
	REPORT_OLDER,		/* written by an older one, and mxtrapd of this version has not opened it yet */
	REPORT_ERROR,		/* corrupt or unreadable: said why */
};

struct report_state {			/* the name of a state of the list */
	uint64_t generation, serial;
	int64_t	 created_s;		/* when the database was made */
	int64_t	 changed_s;		/* when the serial was committed */
	int64_t	 clock_s;		/* 0: lives by the wall clock; else where a replay ended */
	uint64_t n_listed, n_suspect;
	uint64_t horizon;		/* what changed after this serial is still known */
	int64_t	 inputs_s;		/* events (report_events) before this may be missing; 0: none is */
};

struct report_entry {			/* a sender, or a listing, as list and export tell it */
	struct prefix what;
	sender_key key;
	float	 score, hint;		/* as of now (decayed) */
	int64_t	 first_seen_s, last_seen_s, since_s, expires_s;	/* 0: none */
	uint16_t kinds;
	uint8_t	 state, klass, grade;
	uint8_t	 relapses;
};

struct report_attempt { int64_t id, time_us; struct addr src; uint32_t target; uint16_t sport, n_syns; uint32_t rtt_us;
	uint8_t grade, outcome; char fingerprint[FINGERPRINT_TEXT_SIZE]; };

struct report_change {
	uint64_t serial;
	struct change_row row;
};

struct report_target {			/* what a rung saw */
	uint32_t target;
	char	 set[256], exchanger[256], address[ADDR_TEXT_SIZE];
	uint16_t preference;
	uint8_t	 role, answer;
	bool	 down;
	uint64_t attempts_hour, attempts_today, proven_today, refused_today, silent_today;	/* today: since midnight, UTC */
	uint64_t senders_today, senders_now;	/* about; now: of five minutes */
	int64_t	 last_s;		/* last attempt */
};

struct report_tally { int64_t hour_s; uint32_t target; uint64_t attempts, proven, refused, silent, first_seen, not_kept; };

/* params: for decayed sums and states.  *out only on REPORT_OK. */
enum report_result report_open(struct report **out, const char *state_dir, const struct judge_params *params);
/* The same for walks through all of the list: what is read is not kept in memory, so look-ups are slower. */
enum report_result report_open_walk(struct report **out, const char *state_dir, const struct judge_params *params);
void report_close(struct report *);
/* For an error: what SQLite said.  Borrowed until the next call. */
const char *report_error(const struct report *);
/* Versions of the database: the one that this program knows, and that of the file in this directory; 0: not known. */
void report_versions(const char *state_dir, int *known, int *found);
/* Did a question meet damage in the file that is open now?  From any thread. */
bool report_damaged(const struct report *);
/* The version of SQLite. */
const char *report_library(void);

enum report_result report_state(struct report *, struct report_state *out);
/* What is asked between these two is of one state, *out; not for long (a second).  REPORT_OK: and then report_go_on()
 * must follow, in the same thread. */
enum report_result report_keep_state(struct report *, struct report_state *out);
void report_go_on(struct report *);
/* The serial of the last change before this second; 0: none is kept. */
enum report_result report_serial_before(struct report *, int64_t time_s, uint64_t *serial);
/* The database's idea of now: clock_s after a replay, watch's own time while it lives, else now_s. */
int64_t report_now(struct report *, int64_t now_s);
/* How long ago did watch last say that it lives, in seconds?  -1: it never did.  As the file beside the database has it, where
 * there is one; now_s is for databases of versions without it. */
int64_t report_heartbeat(struct report *, int64_t now_s);
/* What is wrong with the database, as its writer sees it (enum beat_trouble); text as in struct beat. */
#define REPORT_TROUBLE_SIZE 144
unsigned report_trouble(struct report *, char text[static REPORT_TROUBLE_SIZE]);

/* One sender, by any of its addresses: its record and, if listed, its listing's own prefix. */
enum report_result report_sender(struct report *, const struct addr *, int64_t now_s, struct report_entry *out);
/* Did it ever complete a session at a real exchanger? */
enum report_result report_completed(struct report *, sender_key, bool *completed);
/* Is this very address covered by an open listing that has not expired?  The fast path (one indexed look-up;
 * keeps a read transaction for at most 50 ms to do many). */
enum report_result report_check(struct report *, const struct addr *, int64_t now_s, struct report_entry *out);

/* Visit entries in key order, after `after` (NULL: from the start), at most limit; states: mask of 1 << enum
 * sender_state; kinds_only: only senders that have evidence.  each returning false ends it.  Listed, suspect and
 * allowed come from the list itself, others from the senders. */
struct report_reach {
	bool	 cut;			/* by look: there may be more behind `last` */
	struct prefix last;
	uint32_t value;			/* of `last`, what it is sorted by; 0: by address */
};
/* By address; newest listing first; the next to end first.  The latter two are of one state: listed, or one of the
 * list for REPORT_BY_SINCE; `after` then goes with after_value, so that a page stays true while senders come. */
enum report_order { REPORT_BY_ADDRESS, REPORT_BY_SINCE, REPORT_BY_ENDS };
struct report_filter {
	uint32_t states;		/* 0: all */
	bool	 with_kinds_only;
	uint8_t	 klass;			/* 0xff: any */
	const struct prefix *within;	/* NULL: everywhere */
	const struct prefix *after;	/* keyset: the last `what` of the page before; NULL: start */
	enum report_order order;
	uint32_t after_value;		/* with after: its since_s or expires_s, as order has it */
	int64_t	 since_after_s;		/* only listings that began after this; 0: any */
	uint16_t kinds;			/* only senders that have all of these */
	uint32_t sets;			/* only senders that came to one of these MX sets (sender_row.sets); 0: any */
	const uint8_t *fingerprints;	/* only senders whose newest SYN was one of these (report_fingerprints); NULL: any */
	size_t	 look;			/* rows looked at, at most, whether they match or not, and 8 ms; 0: all */
	struct report_reach *reach;	/* with look: where it ended */
	size_t	 limit;			/* 0: no limit (paged inside: not one snapshot) */
	bool	 bare;			/* with one_snapshot: scores, hints and times of sightings are not asked: 0 */
	bool	 one_snapshot;		/* list rows only (listed, suspect): all from the state that *state says */
};
typedef bool report_each_entry(void *ctx, const struct report_entry *);
enum report_result report_entries(struct report *, const struct report_filter *, int64_t now_s,
    struct report_state *state, report_each_entry *, void *ctx);

/* The story of one sender, oldest first.  Of evidence that was excused alike several times in one visit the first. */
enum report_result report_attempts(struct report *, sender_key, size_t limit,
    bool (*each)(void *, const struct report_attempt *), void *ctx);
enum report_result report_visits(struct report *, sender_key, size_t limit,
    bool (*each)(void *, const struct visit_row *), void *ctx);
enum report_result report_evidence(struct report *, sender_key, size_t limit,
    bool (*each)(void *, const struct evidence_row *), void *ctx);
/* For how long it is known to have touched a lower rung, as watch would have it back at a start: by MX set. */
struct report_memory {
	uint16_t set;
	int64_t	 at_s;			/* the order is remembered from then on (judge order_memory_s) */
	int64_t	 lower_s;		/* when it touched a lower rung; VISIT_REFRESH_S before at_s: it is only supposed */
};
enum report_result report_memories(struct report *, sender_key, bool (*each)(void *, const struct report_memory *), void *ctx);
/* What it said to decoys that talk, as text with \xNN for what is not printable; 1000 of them at most. */
struct report_said {
	int64_t	 time_us;
	struct addr src;
	uint32_t target;
	uint16_t sport, said;		/* enum said */
	char	 helo[512], domain[512];
};
enum report_result report_saids(struct report *, sender_key, bool (*each)(void *, const struct report_said *), void *ctx);
enum report_result report_changes(struct report *, sender_key, size_t limit,
    bool (*each)(void *, const struct report_change *), void *ctx);
/* list_change after a serial, in order (a fold's input).  REPORT_NONE: older than the horizon. */
enum report_result report_changes_since(struct report *, uint64_t serial, size_t limit,
    bool (*each)(void *, const struct report_change *), void *ctx);
/* Newest attempts after an id, oldest first (tail). */
enum report_result report_attempts_after(struct report *, int64_t id, size_t limit,
    bool (*each)(void *, const struct report_attempt *), void *ctx);

enum report_result report_targets(struct report *, int64_t now_s, bool (*each)(void *, const struct report_target *), void *ctx);
/* Sums by role: of hours (span_s 3600, for 100 days) or of days (86400, UTC, for ten years). */
struct report_sums { int64_t start_s; uint8_t role; uint64_t attempts, proven, refused, silent, first_seen, not_kept; };
enum report_result report_sums(struct report *, int64_t span_s, int64_t from_s, int64_t to_s,
    bool (*each)(void *, const struct report_sums *), void *ctx);
/* The list day by day (UTC), newest first; today as of now.  -1: nothing is known of that day. */
struct report_day { int64_t day_s, listed, suspects, cleared; };
enum report_result report_days(struct report *, int64_t now_s, size_t n, struct report_day *out);
/* Visits that began in these hours, by route: roles in the order first touched; the commonest first. */
struct report_route { uint8_t roles[3], n_roles; uint64_t visits, real_proven; };
enum report_result report_routes(struct report *, int64_t from_s, int64_t to_s,
    bool (*each)(void *, const struct report_route *), void *ctx);
/* Ids of the fingerprints that hold a text, as the bits of a map (REPORT_FINGERPRINTS of them); how many. */
#define REPORT_FINGERPRINTS 65536
enum report_result report_fingerprints(struct report *, const char *part, uint8_t map[static REPORT_FINGERPRINTS / 8], size_t *n);
enum report_result report_series(struct report *, int64_t from_s, int64_t to_s,
    bool (*each)(void *, const struct report_tally *), void *ctx);
enum report_result report_status(struct report *, bool (*each)(void *, const char *name, const char *value), void *ctx);
enum report_result report_allows(struct report *, int64_t now_s,
    bool (*each)(void *, const struct prefix *, int64_t expires_s, const char *who, const char *note, int64_t added_s), void *ctx);
/* What is listed by hand, as long as it lasts; the list says whether it still is. */
enum report_result report_hands(struct report *, int64_t now_s,
    bool (*each)(void *, const struct prefix *, int64_t expires_s, const char *who, const char *note, int64_t added_s), void *ctx);
/* What people decided, newest first, older than `before` (0: all). */
struct report_audit {
	int64_t	 id, time_us, expires_s, was_expires_s;	/* expires: 0 never, or not told */
	struct prefix subject;
	bool	 about;			/* subject is set */
	bool	 told;			/* it is known what stood before, and that is... */
	bool	 was;			/* ... an entry, with was_expires_s and was_note */
	bool	 stands;		/* nobody decided otherwise since: it can be undone */
	char	 who[128], what[64], note[512], was_note[512];
};
enum report_result report_audits(struct report *, int64_t before, size_t limit,
    bool (*each)(void *, const struct report_audit *), void *ctx);
/* The newest about exactly this prefix. */
enum report_result report_audit_of(struct report *, const struct prefix *, struct report_audit *out);
/* Whose token has this hash (token.h)?  REPORT_NONE: nobody's. */
struct report_token { char name[64], scope[32]; int64_t created_s, expires_s; };
enum report_result report_token(struct report *, const uint8_t hash[static 32], int64_t now_s, struct report_token *out);
/* Every token that still opens something. */
enum report_result report_tokens(struct report *, int64_t now_s, bool (*each)(void *, const struct report_token *), void *ctx);
/* Who fetches the list, whoever came last first.  A consumer that never came is not known. */
enum report_result report_consumers(struct report *, bool (*each)(void *, const struct consumer_row *), void *ctx);
/* The own addresses of the host that watches, with enum never_why. */
enum report_result report_own(struct report *, bool (*each)(void *, const struct prefix *, unsigned why), void *ctx);
enum report_result report_notes(struct report *, int64_t since_s, size_t limit,
    bool (*each)(void *, const struct note_row *), void *ctx);
/*
 * Mail at risk: senders that were refused on the ladder and never completed a session at a real exchanger, most
 * like a mail server first (risk.h).  At most 1000 of them are ranked, however many there are; an answer is kept
 * for half a minute.
 */
struct report_risk {
	struct report_entry entry;
	float	 likeness;
	uint16_t why;			/* 1 << enum risk_reason */
	uint8_t	 tried, failed;		/* 1 << enum role: touched; touched and never connected there */
	uint32_t n_visits, n_attempts;	/* that are still stored */
	int64_t	 shortest_s, longest_s;	/* pauses between visits; 0: one visit */
	char	 fingerprint[FINGERPRINT_TEXT_SIZE];
};
#define RISKS_MAX 1000
struct report_risk_summary {
	uint64_t considered, candidates, ranked;	/* senders that never climbed; that may be at risk; that are told */
	uint64_t likely;		/* of those that are told: likeness at least RISK_LIKELY */
	int64_t	 at_s;			/* as of then */
};
enum report_result report_risks(struct report *, int64_t now_s, size_t limit, struct report_risk_summary *,
    bool (*each)(void *, const struct report_risk *), void *ctx);

/* All evidence that has points, oldest first: what a purge looks through. */
struct report_points {
	int64_t	 time_us, visit_us, of_us;	/* of_us: a revision's, when what it takes back was judged; 0: unknown */
	sender_key sender;
	float	 score, hint;
	uint16_t set;
	uint8_t	 kind, grade, revision;
};
enum report_result report_all_points(struct report *, bool (*each)(void *, const struct report_points *), void *ctx);
/* When the operator had what weighed on an address or network forgotten. */
enum report_result report_forgets(struct report *, bool (*each)(void *, const struct prefix *, int64_t time_us), void *ctx);
/* Events as stored, for a replay with --inputs, in the order applied. */
enum report_result report_events(struct report *, bool (*each)(void *, const struct event *), void *ctx);

#endif
