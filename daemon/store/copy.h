/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copy.h - rows from one SQLite file to another, by the names of their columns and only what can be true.
 *
 * The file that they come from may be damaged, or of an older version.  What a decision lost would change is also kept in a
 * second file (keep.h); what a start can take over from a damaged one is in salvage.h.
 */
#ifndef MXTRAP_STORE_COPY_H
#define MXTRAP_STORE_COPY_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum copy_table {
	/* What people decided, and how it was set. */
	COPY_ALLOW, COPY_HAND, COPY_TOKEN, COPY_AUDIT, COPY_SETTING,
	/* What only excuses. */
	COPY_FOREIGN, COPY_CORRESPONDENT, COPY_DOUBT, COPY_MEMORY,
	/* What blocks. */
	COPY_LISTING, COPY_LISTING_HOST, COPY_SENDER,
	/* What explains it, the newest; and sums. */
	COPY_CHANGE, COPY_EVIDENCE, COPY_FINGERPRINT, COPY_NOTE, COPY_CONSUMER, COPY_TALLY, COPY_TALLY_ROLE, COPY_LIST_DAY, COPY_ROUTE,
	COPY_RUNG, COPY_VISIT, COPY_EVENT, COPY_ATTEMPT,
	COPY_N
};
#define COPY_DECISIONS (COPY_SETTING + 1)	/* the first so many of them */

struct copied {
	int64_t rows;			/* that were taken */
	int64_t bad;			/* that cannot be true, or that the table did not take */
	bool	whole;			/* read to the end */
};

/* What it is, for a person: "allowances". */
const char *copy_name(enum copy_table);
/* Is the table readable, and are its pages as they should be?  Reads all of it. */
bool copy_sound(sqlite3 *from, enum copy_table);
/* At most so many rows, from the first on or, back, from the last; rows of the same key are replaced.  False: it cannot be asked
 * at all. */
bool copy_rows(sqlite3 *from, sqlite3 *to, enum copy_table, bool back, int64_t most, struct copied *out);
/* How many rows of it has this file?  -1: it cannot be read. */
int64_t copy_count(sqlite3 *db, enum copy_table);
/* No rows of it in this file. */
void copy_empty(sqlite3 *db, enum copy_table);
/* A sum of all rows of a table that do not end by now_s, on top of another; 0: it cannot be read.  Against flipped bits, not
 * against liars. */
uint64_t copy_sum(sqlite3 *db, enum copy_table, int64_t now_s, uint64_t sum);
/* The one integer that this text asks for; otherwise: it cannot be read, or there is none. */
int64_t copy_number(sqlite3 *db, const char *sql, int64_t otherwise);

#endif
