/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * users.h - who each kind of child runs as: decided once, by mxtrapd, when it starts.
 *
 * Started as root, no child runs as root.  Where the users of the package exist they are taken; for each that
 * is missing, each kind of child that needs it gets a number of its own, which no account has.  Started as
 * another user all processes share that user, whatever it may do: then file modes separate nothing, and an
 * admin act needs a token also on the control socket.
 */
#ifndef MXTRAP_USERS_H
#define MXTRAP_USERS_H

#include "mxtrap/process.h"

#define USERS_FIRST 61184		/* no distribution gives these numbers to accounts; systemd takes some of */
#define USERS_LAST  65519		/* them for a service's life, and then they have a name: such are left out */

enum users_kind { USERS_NAMED, USERS_NUMBERED, USERS_SHARED };	/* NUMBERED: at least one of them */

struct users {
	enum users_kind kind;
	struct process_user of[PROCESS_N_ROLES];
	bool	 admins_known;
	uint32_t admins;		/* the group that may decide over the control socket; else root alone may */
};

/* Decide, and say in the log what is missing and the command that mends it.  False: said why no child may be
 * started (root that cannot become another user). */
bool users_choose(struct users *, const struct config *);
/* "mxtrap:mxtrap", or numbers where there are no names.  Returns buf. */
#define USERS_TEXT_SIZE 72
const char *users_text(uint32_t uid, uint32_t gid, char buf[static USERS_TEXT_SIZE]);

/* One line for each capability that mxtrapd lacks, with what that costs; those that nothing here needs are
 * left out.  Returns how many there are; at most n are written.  Ask before any is given up. */
#define USERS_LACK_SIZE 160
size_t users_lacking(const struct users *, const struct config *, char (*lines)[USERS_LACK_SIZE], size_t n);

#endif
