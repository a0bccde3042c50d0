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
#include "mxtrap/report.h"

struct export_format {
	const char *name;	/* "nftables" */
	const char *media_type;	/* "text/plain; charset=utf-8" */
	const char *suffix;	/* "nft" */
	bool	    relative;	/* holds times relative to now: weak ETag by the minute */
};

enum export_result {
	EXPORT_OK,
	EXPORT_UNPUBLISHED,	/* publish = no, or before publish-after: written empty, with the reason */
	EXPORT_BUSY,		/* the database is not there */
	EXPORT_ERROR,
};

struct export_summary {
	struct report_state state;
	uint64_t written, withheld;	/* withheld: refused by the never-list, or kept back by the gate */
	char	 why[160];		/* why nothing was published; "" otherwise */
};

/* By index from 0; NULL behind the last. */
const struct export_format *export_format_at(size_t i);
const struct export_format *export_format_find(const char *name);
/* Render the list to a stream.  An empty list still gives a valid document (a comment line at least:
 * some readers take an empty body for an error). */
enum export_result export_write(FILE *, const struct export_format *, struct report *, const struct config *,
    int64_t now_s, struct export_summary *out);
/* May anything leave yet?  False: why (160 bytes) says what to set. */
bool export_gate(const struct config *, const struct report_state *, int64_t now_s, char why[static 160]);
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
