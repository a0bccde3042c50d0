/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * export.h - the blocked-sender list in the forms that consumers read.
 *
 * One registry of formats, one iterator over one state of the list.  An export is
 * a pure function of generation:serial, format and options.  The publish gate and
 * the never-list are applied here, again.  Nothing wider than one IPv4 address or
 * one /64, ever.
 */
#ifndef MXTRAP_EXPORT_H
#define MXTRAP_EXPORT_H

#include <stdio.h>

#include "mxtrap/config.h"
#include "mxtrap/publish.h"
#include "mxtrap/report.h"

enum export_carries {			/* of an entry, beside its address */
	EXPORT_EXPIRY = 1 << 0,		/* the consumer forgets it by itself */
	EXPORT_REASON = 1 << 1,
	EXPORT_TEXT   = 1 << 2,		/* a reply to the sender, with the configuration's contact */
	EXPORT_SUMS   = 1 << 4,		/* score, hint, first and last sighting */
	EXPORT_GROUPS = 1 << 3,		/* IPv4 first, then IPv6: not mixed, whatever is asked */
};

struct export_format {
	const char *name;	/* "nftables" */
	const char *media_type;	/* "text/plain; charset=utf-8" */
	const char *suffix;	/* "nft" */
	bool	    relative;	/* holds times relative to now: weak ETag by the minute */
	uint8_t	    carries;	/* enum export_carries */
	const char *says;	/* who reads it, in a few words */
};

/* What of the list is wanted; all zero: all that is listed. */
struct export_options {
	uint8_t	 family;	/* 4 or 6; 0: both */
	uint8_t	 grade;		/* enum grade, at least */
	bool	 suspects;	/* suspects, too */
	bool	 scanners;	/* class scanner and prober, too, whatever their state */
	float	 min_score;	/* 0: any */
	uint32_t limit;		/* so many, the highest score first; 0: all */
};

#define EXPORT_LIMIT_MAX 1000000U
#define EXPORT_WHY_SIZE	 160
/* Take one option by its name on the command line and over HTTP: family, grade, include, min-score, limit.
 * False: why says what was found and what was expected. */
bool export_option(struct export_options *, const char *name, const char *value, char why[static EXPORT_WHY_SIZE]);
/* The options as one short word, "" for none: equal words, equal documents.  Returns buf. */
#define EXPORT_KEY_SIZE 48
const char *export_options_key(const struct export_options *, char buf[static EXPORT_KEY_SIZE]);

/* Does the document change with the clock alone? */
bool export_relative(const struct export_format *, const struct export_options *);

enum export_result {
	EXPORT_OK,
	EXPORT_UNPUBLISHED,	/* publish = no, or before publish-after: written empty, with the reason */
	EXPORT_BUSY,		/* the database is not there */
	EXPORT_ERROR,
};

struct export_summary {
	/* .serial: all changes up to it are in the document; while some are held, of the last change before these. */
	struct report_state state;
	uint64_t serial;		/* of the database, as it was read */
	uint64_t written, withheld;	/* withheld: refused by the never-list, or kept back by the gate */
	uint64_t held;			/* of these: because the list grew too fast */
	char	 why[160];		/* why nothing was published; "" otherwise */
	bool	 unpublished;		/* by the gate: the document is empty */
	uint32_t held_s;		/* whoever was listed later is kept back; 0: nobody */
};

/* Told when the state is known and before the first byte is written: all but the counts of the summary is there. */
struct export_begun {
	void (*tell)(void *ctx, const struct export_summary *);
	void *ctx;
};

/* By index from 0; NULL behind the last. */
const struct export_format *export_format_at(size_t i);
const struct export_format *export_format_find(const char *name);
/* Render the list to a stream.  An empty list still gives a valid document (a comment line at least:
 * some readers take an empty body for an error). */
enum export_result export_write(FILE *, const struct export_format *, const struct export_options *,
    struct report *, const struct config *, int64_t now_s, struct export_summary *summary);
/* The same; begun NULL: nobody is told. */
enum export_result export_write_told(FILE *, const struct export_format *, const struct export_options *,
    struct report *, const struct config *, int64_t now_s, struct export_summary *summary, const struct export_begun *begun);
/*
 * Why a sender is listed, in one code and one word: the last octet of a DNSBL's answer (RFC 5782 section 2.1),
 * and the kind that weighs most.  2 any other reason, 3 backup first, 4 and talked early, 5 and greeted badly,
 * 10 no more than a suspect, 11 a scanner or prober.
 */
unsigned export_code(const struct report_entry *);
const char *export_reason(const struct report_entry *);
/* What a refused sender is told: status text without the code in front, one line of printable ASCII that names
 * no trap: "5.7.1 Refused, ref 3-68F1C2D0; contact postmaster@example.org".  contact "": without.  Returns buf. */
#define EXPORT_REPLY_SIZE 256
const char *export_reply(const struct report_entry *, const char *contact, char buf[static EXPORT_REPLY_SIZE]);
/* One decision as CrowdSec's local API tells it, of so many seconds from now.  Returns buf. */
#define EXPORT_DECISION_SIZE	256
#define EXPORT_DECISION_LONGEST (30 * 86400)
const char *export_decision(const struct prefix *what, const char *reason, int64_t ttl_s, char buf[static EXPORT_DECISION_SIZE]);
/*
 * May anything leave?  What every consumer asks, in one place: publish and publish-after of the
 * configuration, whether mxtrapd still speaks, and how far the list grew (publish.h).
 */
struct export_gate {
	bool open;
	char why[160];			/* open: ""; else what to do about it */
	struct publish publish;		/* whom to leave out: publish_claims() */
};
/* The same from a status that was read already (status.h). */
struct status;
void export_gate_of(const struct status *, struct export_gate *out);
/* Returns out->open.  report NULL: as the configuration alone says. */
bool export_gate(const struct config *, struct report *, const struct report_state *, int64_t now_s, struct export_gate *out);
/* Into an empty never-list: whom no consumer may be told of.  False: not all of it could be read, so nothing
 * may leave. */
struct never;
bool export_never(struct never *, struct report *, const struct config *, int64_t now_s);
/* How long ago did mxtrapd last say that it lives?  -1: it never did. */
int64_t export_age(struct report *, int64_t now_s);
/* One entry as an NDJSON object with the members of `list` (design: command-line contract); or only its
 * members, into an object that is open. */
struct json;
void export_entry_json(struct json *, const struct report_entry *);
void export_entry_members(struct json *, const struct report_entry *);
/* The last line of an NDJSON document.  why: "", or why nothing is published. */
void export_metadata_json(struct json *, const struct report_state *, uint64_t records, const char *why);
/* Mail at risk: an entry's members, and likeness, why, tried, failed, visits, pauses, and how to allow it. */
void export_risk_json(struct json *, const struct report_risk *);
/* The command that keeps it off the list for good.  Returns buf. */
#define EXPORT_ALLOW_SIZE 128
const char *export_risk_allow(const struct report_risk *, char buf[static EXPORT_ALLOW_SIZE]);
/* The same members as a line of CSV, and the line that names them. */
#define EXPORT_CSV_NAMES "cidr,state,score,hint,grade,class,reasons,first_seen,last_seen,since,expires\n"
#define EXPORT_CSV_SIZE	 512
size_t export_entry_csv(const struct report_entry *, char buf[static EXPORT_CSV_SIZE]);

#endif
