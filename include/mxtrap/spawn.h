/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spawn.h - how mxtrapd starts a child, and what the child inherits.
 */
#ifndef MXTRAP_SPAWN_H
#define MXTRAP_SPAWN_H

#include <sys/types.h>

#include "mxtrap/bound.h"

struct spawn {
	enum process_role role;
	struct process_user user;
	const char *path, *program,
	    *text;	/* of the configuration; of this program; its text */
	bool	    debug;
	const struct bounds *bounds;		/* the role's own are handed down */
	int	    decoy_fd, web_fd, lookup_fd, firewall_fd, control_fd, certificate_fd, key_fd;	/* -1: not for this role */
};

/* A line between two children; both ends stay open in mxtrapd, so that either may be restarted. */
bool spawn_pair(int pair[2]);
/* Returns its pid, and mxtrapd's end of the line between them; -1: said why. */
pid_t spawn_child(const struct spawn *, int *line);

#endif
