/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.h - how it is: what is published, watched, stored, judged and fetched, as values.
 *
 * status_read() fills one struct from the database, the rows that watch writes each second, the state
 * directory and the clock.  `mxtrap status`, the page, the publish gate, /healthz and /metrics read that
 * struct and ask nowhere else.  status_facts() says what of it somebody should know; status_sentence() is
 * the only place where a fact becomes English.  All times are Unix seconds; 0: none, or not known.
 */
#ifndef MXTRAP_STATUS_H
#define MXTRAP_STATUS_H

#include "mxtrap/config.h"
#include "mxtrap/listable.h"
#include "mxtrap/publish.h"
#include "mxtrap/report.h"

#define STATUS_FRESH_S	 15		/* watch writes its status each second: older is silence */
#define STATUS_STALE_S	 600		/* silent for so long: no consumer gets anybody */
#define STATUS_FULL_BYTES (1 << 20)	/* less room takes no transaction of a busy second */
#define STATUS_REALS	 128
#define STATUS_ALARMS	 8
#define STATUS_PROCESSES 8
#define STATUS_COMPLAINTS 8
#define STATUS_DOWN	 16		/* outages whose beginning is known */

/* -- published: does the list leave? -- */

enum published {
	PUBLISHED_YES,
	PUBLISHED_OFF,			/* publish = no */
	PUBLISHED_YOUNG,		/* publish-after: not before from_s */
	PUBLISHED_SILENT,		/* mxtrapd is silent for STATUS_STALE_S: nobody keeps the list */
	PUBLISHED_UNREADABLE,		/* the database cannot be read */
};
struct status_published {
	enum published state;
	int64_t	 from_s;		/* PUBLISHED_YOUNG */
	struct publish gate;		/* .held: senders listed after .base_s are not handed on */
	uint64_t n_listed, n_held;	/* n_held: of n_listed, about; only the API counts them exactly */
};

/* -- watched: does anybody look at the wire, and what does he see? -- */

enum watched {
	WATCHED_YES,
	WATCHED_NEVER,			/* no status was ever written */
	WATCHED_SILENT,			/* none for STATUS_FRESH_S */
	WATCHED_UNKNOWN,		/* none for so long, but the disk is full: it may be at work */
	WATCHED_REPLAY,			/* the database is a replay's */
};
struct status_capture {
	char	 name[64];
	int64_t	 down_s;		/* not captured since; 0: captured */
	uint64_t frames;		/* that passed the filter: of the ladder's addresses, or our own mail */
	bool	 counted;		/* frames is known */
	char	 instead[160];		/* what it shows where none of them came: "19 not IP (ARP)"; "": not looked at */
};
struct status_process {
	char	 name[16];
	bool	 gone;
	unsigned restarts;
};
struct status_alarm {
	char	 address[64], says[160];	/* "is silent and should refuse: ..." */
	int64_t	 since_s;
};
struct status_watched {
	enum watched state;
	int64_t	 last_s;		/* when watch wrote its status last */
	int64_t	 stopped_s;		/* when it was stopped, by its own word; 0: it was not */
	size_t	 n_captures, n_processes, n_alarms, n_complaints;
	struct status_capture captures[CONFIG_MAX_INTERFACES];
	struct status_process processes[STATUS_PROCESSES];
	struct status_alarm alarms[STATUS_ALARMS];
	char	 complaints[STATUS_COMPLAINTS][256];
	uint64_t frames, drops;
	uint64_t accepts_unseen;	/* connections that a decoy took and no interface showed */
};

/* -- stored: is the database there, and does it take rows? -- */

enum stored {
	STORED_OK,
	STORED_FULL,			/* the disk, or the file's own bound */
	STORED_ABSENT,			/* no file, and there was none before */
	STORED_REMOVED,			/* it was open, and is gone from the directory */
	STORED_EMPTY,			/* zero bytes */
	STORED_DAMAGED,
	STORED_FORBIDDEN,		/* this process may not read it */
	STORED_NEWER, STORED_OLDER,	/* of another version of mxtrap */
	STORED_BUSY,			/* locked, for the moment */
};
struct status_stored {
	enum stored state;
	bool	 was_damaged;		/* this run of watch began a new one */
	int64_t	 damage_s;		/* when a start found it damaged, and saved what it could; 0: never */
	char	 damage_file[64];	/* the damaged one; "": there was none to set aside */
	char	 damage_saved[240], damage_lost[200];
	bool	 aside_known;		/* the directory could be read */
	size_t	 n_aside;		/* damaged ones that lie there */
	uint64_t aside_bytes;
	char	 aside[24];		/* the newest one's time, as in its name */
	uint64_t rows_bad;		/* that cannot be true, and were skipped */
	int64_t	 rewritten_s;		/* it was removed while mxtrapd ran, and mxtrapd wrote it again; 0: no */
	bool	 handled;		/* STORED_REMOVED, STORED_DAMAGED: mxtrapd runs, knows it, and acts */
	uint64_t free_bytes;		/* on its disk */
	int	 known_version, version;	/* STORED_NEWER, OLDER: that this program knows; of the file (0: not known) */
	bool	 at_max_size;		/* STORED_FULL: not the disk, but store { max-size } */
	char	 path[160];		/* of the file, or of the directory that may not be read */
	char	 why[200];		/* what the system or SQLite said; STORED_FORBIDDEN: whose it is */
};

/* -- judged: does evidence count, and can anybody be listed? -- */

struct status_doubt {
	bool	 held, everywhere;
	char	 where[200];		/* names of MX sets, unless everywhere */
};
enum status_real_state { REAL_UP, REAL_DOWN, REAL_UNSEEN_DAY, REAL_UNKNOWN };
struct status_real {
	char	 address[64];
	enum status_real_state state;
	int64_t	 since_s;		/* REAL_DOWN */
};
struct status_judged {
	struct status_doubt doubts[DOUBT_N];	/* by bit */
	int64_t	 grace_until_s, layout_since_s;
	size_t	 n_reals, n_down, n_bars;
	struct status_real reals[STATUS_REALS];
	struct { uint32_t target; int64_t down_s; } down[STATUS_DOWN];	/* by the notes */
	struct listable_bar bars[LISTABLE_N_KINDS];	/* nobody can be listed, by the configuration */
	bool	 all_allowed;		/* ... by what was allowed with `mxtrap allow` */
	/* What the rungs saw, ever; today where a number. */
	uint64_t attempts, unanswered;	/* today, at all rungs */
	uint32_t real_never;		/* a real target of witness "wire" in a set where nobody was ever seen at a real one, while
					 * other rungs were; UINT32_MAX: none */
	bool	 real_elsewhere;	/* ... and this host does not have its address */
	uint8_t	 real_seen[MXSET_MAX_SETS / 8], other_seen[MXSET_MAX_SETS / 8];	/* a bit a set */
};

/* -- fetched: who takes the list? -- */

struct status_fetched {
	size_t	 known, behind;		/* consumers; documents over 15 min old that are not the newest */
	int64_t	 newest_s;
	bool	 own;			/* DNSBL, Postfix or the firewall, which always have it */
};

enum status_firewall { FIREWALL_NONE, FIREWALL_UP, FIREWALL_LATE, FIREWALL_OFF };

struct status {
	const struct config *config;	/* borrowed */
	int64_t	 now_s;			/* the database's: where a replay ended, or the wall clock */
	struct report_state list;	/* all zero where the database cannot be read */
	struct status_published published;
	struct status_watched watched;
	struct status_stored stored;
	struct status_judged judged;
	struct status_fetched fetched;
	enum status_firewall firewall;
	uint64_t at_risk;		/* likely mail servers that did not deliver (risk.h), as far as somebody looked */
	uint64_t at_risk_of;		/* candidates, of which these are */
	int64_t	 at_risk_s;		/* when; 0: nobody did */
	bool	 recently_blind;	/* a note of the last 15 minutes */
	int64_t	 blind_s;
};

enum status_part {			/* what status_read() looks at beside the list's state and watch's rows */
	STATUS_ROWS	= 0,
	STATUS_NOTES	= 1 << 0,
	STATUS_RUNGS	= 1 << 1,
	STATUS_CONSUMERS = 1 << 2,
	STATUS_ALLOWS	= 1 << 3,
	STATUS_BARS	= 1 << 4,	/* listable_bars() */
	STATUS_ALL	= 0xff,
};
/*
 * Fill *out.  report NULL: there is none, because report_open() failed with `opened` (REPORT_BUSY where nothing
 * else is known); the state directory then says why.  What was known of watch stays unknown in that case.  Never
 * fails: what cannot be read is a value.
 */
void status_read(struct status *out, const struct config *, struct report *, enum report_result opened, int64_t wall_s,
    unsigned parts);

/* The parts of status_read(), for who has the rows already: begin, then rows and notes (oldest first) in any order. */
void status_begin(struct status *, const struct config *, int64_t now_s);
bool status_row(void *status, const char *name, const char *value);
bool status_note(void *status, const struct note_row *);
bool status_consumer(void *status, const struct consumer_row *);
bool status_target(void *status, const struct report_target *);
/* Look at the file and its disk. */
void status_look(struct status *, enum report_result opened, bool was_open);
/* When all rows are known: what follows from several of them. */
void status_end(struct status *);

/* Could the database be read, so that the rest is known? */
bool status_readable(const struct status *);
/* Published, and fetched by nobody for a day. */
bool status_unused(const struct status *);
/* Nobody can be listed at all: by the configuration, an allowance, or what the wire shows. */
bool status_nobody_listed(const struct status *);

/* -- facts -- */

enum status_level { STATUS_GOOD, STATUS_NOTE, STATUS_BAD };

enum status_kind {
	STATUS_WELL,
	/* stored */
	STATUS_DATABASE, STATUS_WAS_DAMAGED, STATUS_ROWS_BAD, STATUS_REWRITTEN, STATUS_DISK_FULL,
	/* watched */
	STATUS_NEVER_WATCHED, STATUS_SILENT, STATUS_REPLAY, STATUS_CAPTURE_DOWN, STATUS_CAPTURE_EMPTY, STATUS_ACCEPTS_UNSEEN,
	STATUS_DECOY, STATUS_PROCESS, STATUS_COMPLAINT, STATUS_WAS_BLIND,
	/* judged */
	STATUS_REAL_DOWN, STATUS_REAL_QUIET, STATUS_REAL_NEVER, STATUS_DOUBT, STATUS_DROPS, STATUS_LAYOUT, STATUS_NOT_LISTABLE,
	STATUS_ALL_ALLOWED, STATUS_UNANSWERED,
	/* published */
	STATUS_HELD, STATUS_OBSERVING, STATUS_YOUNG, STATUS_FIREWALL_OFF, STATUS_FIREWALL_LATE,
	/* fetched */
	STATUS_UNUSED, STATUS_BEHIND, STATUS_NO_CONSUMER, STATUS_AT_RISK,
};

struct status_fact {
	enum status_kind kind;
	enum status_level level;
	int64_t	 since_s;		/* 0: not known */
	size_t	 index;			/* which: capture, process, alarm, complaint, real target, doubt, bar */
};
#define STATUS_FACTS 48
/* Worst first, else in the order of the kinds' parts; never none: STATUS_WELL alone.  Returns how many. */
size_t status_facts(const struct status *, struct status_fact out[static STATUS_FACTS]);
/* One sentence, whatever the fact.  Returns buf. */
#define STATUS_SENTENCE_SIZE 420
const char *status_sentence(const struct status *, const struct status_fact *, char buf[static STATUS_SENTENCE_SIZE]);
/* Why nothing is published, or "" where the list leaves; for the last line of an export.  Returns buf. */
#define STATUS_WHY_SIZE 200
const char *status_published_why(const struct status *, char buf[static STATUS_WHY_SIZE]);
/* "removed", "full": one word a value. */
const char *status_level_name(enum status_level);	/* "ok" "note" "bad" */
const char *status_stored_name(enum stored);
const char *status_watched_name(enum watched);
const char *status_published_name(enum published);

/* -- members of a JSON object, spelled alike by the API and by `mxtrap COMMAND --json` -- */

struct json;
struct export_gate;
/* generation, serial, now (0: without it), changed, listed, suspects. */
void json_state(struct json *, const struct report_state *, int64_t now_s);
void json_thresholds(struct json *, const struct config *);
/* "says", "publishing" and "state". */
void json_says(struct json *, const struct status *);
void json_publishing(struct json *, const struct status *);
void json_health(struct json *, const struct status *);
/* All that GET /api/v1/status has; age_s: since watch wrote its status, -1: never. */
enum report_result json_status(struct json *, struct report *, const struct status *, int64_t age_s);
/* "rungs": what each exchanger saw today. */
enum report_result json_rungs(struct json *, struct report *, int64_t now_s);
/* "down", "up" or "unseen". */
const char *health_name(const struct report_target *);
/* An element of "consumers", and of "tokens"; used_s: when it was used last, 0: never, -1: without that. */
void json_consumer(struct json *, const struct export_gate *, const struct report_state *, const struct consumer_row *);
void json_token(struct json *, const struct report_token *, int64_t used_s);
/* "own": outlets of this host, which follow the list by themselves. */
void json_own(struct json *, const struct config *);

#endif
