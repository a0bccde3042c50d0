/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.h - the room that links capture, trap and store: live (watch_main in process.h) and replay.
 */
#ifndef MXTRAP_WATCH_H
#define MXTRAP_WATCH_H

#include <stdio.h>

#include "mxtrap/config.h"
#include "mxtrap/trap.h"

struct replay_options {
	const struct config *config;
	int	     n_files;
	char	   **files;
	const char  *inputs_db;		/* a live run's database, or the directory it is in; NULL: none */
	bool	     judge_only;	/* no store: packet to verdict and no further */
	FILE	    *totals;		/* the line of totals goes there; NULL: nowhere */
};
/* What replay_main() does, for tests and measurements too. */
int replay_run(const struct replay_options *);

/*
 * `mxtrapd -r`: the captures, merged by time, through the identical path into state-dir, with the events that
 * inputs_db (NULL: none) stored; settles, prints the line of totals.  Returns the exit status: 0, 1 where a
 * capture was damaged or unknown, 3 where the database cannot be used.
 */
int replay_main(const struct config *, int n_files, char **files, const char *inputs_db);

/* What a trap is made from, by a configuration: *never is allocated, caller frees. */
bool watch_trap_options(struct trap_options *out, const struct config *, const struct sink *, struct prefix **never);

struct store;
/* All that the store kept, into a trap that has seen nothing yet; *senders grows by those taken up (may be NULL).
 * False: not all found room, or could be read. */
bool watch_restore(struct store *, struct trap *, uint64_t *senders);

#endif
