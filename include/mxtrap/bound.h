/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bound.h - all sockets that the configuration asks for: had, or not had yet and why.
 *
 * mxtrapd holds each of them for its whole life, bound; children listen on them.
 */
#ifndef MXTRAP_BOUND_H
#define MXTRAP_BOUND_H

#include "mxtrap/bind.h"
#include "mxtrap/users.h"

struct bound {				/* a socket of a child's, or one that cannot be had yet */
	struct addr addr;
	uint16_t port;
	enum process_role role;
	uint32_t target;
	bool	 refuses;		/* a decoy that must not answer: looked after */
	char	 path[CONFIG_PATH_SIZE];	/* a unix socket instead; "": none */
	char	 group[64];		/* that may connect to it */
	int	 fd;			/* -1: why */
	int	 error;			/* errno of the last try to bind */
	char	 why[BIND_WHY_SIZE];
};

struct bounds {				/* start from = { .users = ... } */
	const struct users *users;	/* borrowed: who is to listen on a unix socket; NULL: who we are */
	size_t	      n;
	struct bound *bound;		/* owned */
};

/* Bind what this configuration asks for and close what it does not; what is bound already stays. */
void bounds_apply(struct bounds *, const struct config *);
/* How many sockets of a role are bound. */
size_t bounds_count(const struct bounds *, enum process_role);
/* Does this configuration ask for any, bound or not? */
bool bounds_asked(const struct bounds *, enum process_role);
/* Refuse at once: no listener, and whoever waits in an accept queue is reset.  All stay bound. */
void bounds_shut(const struct bounds *, enum process_role);
/* Try again what could not be had.  deaf: the role could not listen on all it has; find out who
 * does.  True: there is a new socket. */
bool bounds_retry(struct bounds *, enum process_role, bool deaf);
void bounds_free(struct bounds *);

#endif
