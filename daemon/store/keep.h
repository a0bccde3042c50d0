/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keep.h - what people decided, in a second file.
 *
 * STATE-DIR/mxtrap.keep (0600, SQLite) holds the allow-list, what is listed by hand, the tokens, the newest 1000 rows of the
 * audit, and how gate and firewall are set.  The writer writes it after each such decision, whole, beside the old one and then
 * in its place.  A start compares it with the database, where a flipped bit is found by nothing else, and takes from it what
 * a damaged database has lost (salvage.h).
 */
#ifndef MXTRAP_STORE_KEEP_H
#define MXTRAP_STORE_KEEP_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "mxtrap/state.h"

struct store;

struct kept {
	sqlite3 *db;			/* NULL: there is none that can be read */
	bool	 good;			/* every row is as it was written */
	int64_t	 version;		/* user_version of the database that it was written from */
	int64_t	 audit;			/* the newest row of the audit, then */
	uint64_t mark;			/* of the run that wrote it: meta.mark */
	int64_t	 created_s;		/* when that database was made */
};

/* Is there one, so that a database that is not there was lost? */
bool keep_there(const struct store *);
/* Close it also where there is none. */
void keep_open(const struct store *, struct kept *);
void keep_close(struct kept *);

/* The writer's, outside a transaction; nothing of it in a replay. */
/* At a start: rows that another decision has not changed are put right, said in the log; then it is written. */
void keep_begin(struct store *);
/* Something that it holds has changed. */
void keep_want(struct store *);
/* Write it if that is due: at once, or so that it takes no more than a twentieth of the time. */
void keep_turn(struct store *, int64_t now_us);
/* Write it now, if it is wanted. */
void keep_end(struct store *);

#endif
