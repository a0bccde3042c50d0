/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rollup.h - the sums that the writer keeps beside the rows: few of them, for whoever looks at it all.
 *
 * What is gathered in memory is written at the end of a slice (rollup_write), or forgotten
 * with it (rollup_unseen): then its rows come again.
 */
#ifndef MXTRAP_STORE_ROLLUP_H
#define MXTRAP_STORE_ROLLUP_H

#include "mxtrap/sink.h"

#define ROLLUP_ROUTES	   64		/* hours times routes, in one slice; more are written at once */
#define ROLLUP_RUNGS	   1024		/* targets whose senders are counted apart: 28 KiB each, once somebody comes */
#define ROLLUP_DAY_BITS	   14
#define ROLLUP_RECENT_BITS 11
#define ROLLUP_MINUTES	   6		/* this one and the five before */

struct ladder;
struct store;

struct rung {				/* of one target */
	uint32_t day_s, newest_s, minute;	/* minute: of the newest attempt */
	bool	 dirty;
	uint8_t	 today[1 << ROLLUP_DAY_BITS];
	uint8_t	 recent[ROLLUP_MINUTES][1 << ROLLUP_RECENT_BITS];	/* by minute */
};

struct rollup {
	uint8_t	 hash_key[16];
	uint8_t *roles;			/* owned; by target */
	struct rung **rungs;		/* owned, each; by target; NULL: nobody came yet */
	size_t	 n_targets, n_rungs;
	bool	 any_dirty;
	struct { uint32_t hour_s; uint16_t route; uint32_t visits, real_proven; } routes[ROLLUP_ROUTES];
	size_t	 n_routes;
};

/* Behind the ladder; takes up today's senders where the last run left them.  False: said why. */
bool rollup_open(struct store *, const struct ladder *);
void rollup_close(struct store *);
/* In a transaction.  False: sqlite3_errcode(). */
bool rollup_attempt(struct store *, const struct attempt_row *);
bool rollup_visit(struct store *, const struct visit_row *, int route);
bool rollup_tally(struct store *, const struct tally_row *);
/* So many are on the list after a change of that time. */
bool rollup_list(struct store *, int64_t time_us);
bool rollup_cleared(struct store *, uint32_t day_s, uint64_t cleared);
bool rollup_write(struct store *);
void rollup_unseen(struct store *);

#endif
