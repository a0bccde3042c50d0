/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status_damage.h - what is known of damage to the database, for status.
 */
#ifndef MXTRAP_EXPORT_STATUS_DAMAGE_H
#define MXTRAP_EXPORT_STATUS_DAMAGE_H

#include <stdbool.h>
#include <stddef.h>

struct status;
struct status_stored;

enum damage {
	DAMAGE_NONE,
	DAMAGE_NEW,			/* within a week, and its file still lies there */
	DAMAGE_OLD,			/* of a replay: nothing was saved of it */
	DAMAGE_ASIDE,			/* a file of before lies there */
};

/* One row of watch, or of the start that saved something.  False: another one. */
bool damage_row(struct status_stored *, const char *name, const char *value);
/* What lies aside in the state directory. */
void damage_look(struct status_stored *, const char *state_dir);
enum damage damage_now(const struct status *);
void damage_sentence(const struct status *, const char *when, char *buf, size_t size);

#endif
