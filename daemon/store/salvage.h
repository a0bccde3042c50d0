/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * salvage.h - a new database, and what is saved of a damaged one.
 *
 * It is built beside the old one and put in its place when it is whole, so that a crash at any point loses nothing.  What
 * people decided comes from the kept file (keep.h) or the damaged one, whichever is newer and whole; what only excuses as far
 * as it can be read; what blocks only where its table is whole: a list that begins empty is safe, a wrong entry is not.
 */
#ifndef MXTRAP_STORE_SALVAGE_H
#define MXTRAP_STORE_SALVAGE_H

#include <stdbool.h>

struct store;

/* There is no database: was there one that is not where it should be, or has no bytes? */
bool salvage_lost(const struct store *);
/* A salvage that was whole and not yet in place: put it there. */
void salvage_finish(struct store *);
/* Make a new one.  Closes s->db.  False: said why. */
bool salvage_new(struct store *);
/* The same, with what can be saved; the damaged one is set aside, what is saved and what is not is said in the log and in status
 * (rows `damage_...`).  Bounded in time: what people decided first, then excuses, the list, and the newest of what explains it. */
bool salvage_damaged(struct store *);

#endif
