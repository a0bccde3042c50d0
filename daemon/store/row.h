/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * row.h - a stored row is checked as it is read, by every reader.
 *
 * A disk flips bits, and the process that writes the database is the one that sees the internet: what a row holds is
 * no more to be believed than a packet.  A row that cannot be true is skipped and counted; the first one is logged.
 */
#ifndef MXTRAP_STORE_ROW_H
#define MXTRAP_STORE_ROW_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mxtrap/addr.h"
#include "mxtrap/sink.h"

#define ROW_TIME_MAX_S	((int64_t)UINT32_MAX)	/* 2106: times are 32 bits wide in memory */
#define ROW_TIME_MAX_US (ROW_TIME_MAX_S * 1000000LL)
#define ROW_POINTS_MAX	1000.0			/* sums are clamped to far less */
#define ROW_LISTED_MOST_S (32 * 86400)	/* no listing ends later than this after its last change */
#define ROW_ROUTE_MAX	444			/* a digit a role, 1 to 4 */

struct row_faults {			/* of one handle; start from = { 0 } */
	_Atomic uint64_t n;		/* rows that were skipped */
};
/* Skip it: counted, the first of a handle logged with the file and what the row is of.  Returns false. */
bool row_bad(struct row_faults *, const char *path, const char *of);

/* Is column `at` a whole number between the two?  NULL is none. */
static inline bool
row_within(sqlite3_stmt *s, int at, int64_t least, int64_t most)
{
	int64_t v;

	if (sqlite3_column_type(s, at) != SQLITE_INTEGER)
		return false;
	v = sqlite3_column_int64(s, at);
	return v >= least && v <= most;
}
static inline bool
row_seconds(sqlite3_stmt *s, int at)
{
	return row_within(s, at, 0, ROW_TIME_MAX_S);
}
static inline bool
row_micros(sqlite3_stmt *s, int at)
{
	return row_within(s, at, 0, ROW_TIME_MAX_US);
}
/* Are the columns from the first to the last counts? */
static inline bool
row_counts(sqlite3_stmt *s, int first, int last)
{
	while (first <= last && row_within(s, first, 0, INT64_MAX / 4))
		first++;
	return first > last;
}
/* A finite number of points. */
bool row_points(sqlite3_stmt *, int at);
/* A route of at most three roles. */
bool row_route(sqlite3_stmt *, int at);
/* 16 bytes and a length that fits them, without bits behind it. */
bool row_prefix(sqlite3_stmt *, int blob, int len, struct prefix *out);
/* Text, whole and UTF-8, into a buffer; NULL is "" where optional.  What is longer is cut between characters.  False: no
 * text, a NUL inside, or not UTF-8. */
bool row_text(sqlite3_stmt *, int at, bool optional, char *to, size_t size);
/* The same for what people said, for which no row is skipped: each byte that is no UTF-8 is a '?'.  False: no text. */
bool row_words(sqlite3_stmt *, int at, bool optional, char *to, size_t size);
/* Binds text of others so that readers take it: a '?' for each byte that is no UTF-8 (a note typed in Latin-1).  It stays the
 * caller's until the statement has run. */
void row_bind_text(sqlite3_stmt *, int at, const char *text);
/* Are these bytes UTF-8 without NUL? */
bool row_utf8(const char *text, size_t n);

/* A row of the fold, packed as in `listing`, of a sender (host NULL) or one address. */
bool row_listing(int64_t sums, uint64_t marks, uint64_t term, int64_t changed_s);
/* Columns of READ_SENDER into a record; fingerprint stays 0: its number is the dictionary's, not the process's. */
bool row_sender(sqlite3_stmt *, struct sender_row *);

#endif
