/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * own.h - this host's own addresses, its gateways and its resolvers, as they change.
 *
 * It tells differences only, and whole looks only: a look that failed half-way changes nothing.
 */
#ifndef MXTRAP_OWN_H
#define MXTRAP_OWN_H

#include <stdio.h>

#include "mxtrap/never.h"

#define OWN_MAX	      4096		/* addresses; more are counted, and not excused */
#define OWN_SLOTS     8192
#define OWN_FILES     2
#define OWN_QUESTIONS 3

struct own_entry {
	struct addr addr;
	uint8_t	    why;		/* enum never_why, of NEVER_HOST */
};

struct own_file {
	uint64_t ino;
	int64_t	 size, s, ns;
};

struct own {
	int	 fd;			/* rings when something changes; -1: cannot */
	int	 dump_fd;		/* asks and is answered */
	uint32_t seq;
	unsigned question;
	bool	 looking, changed;
	int64_t	 turn_ms, look_ms, files_ms;
	const char *const *files;	/* borrowed; NULL: the host's */
	struct own_file seen[OWN_FILES];
	struct own_entry *known, *found;	/* owned; OWN_MAX each */
	size_t	 n_known, n_found;
	uint16_t slots[OWN_SLOTS];	/* of found, + 1, by address */
	uint64_t looks, failed, refused;
	void   (*tell)(void *ctx, const struct addr *, unsigned why);
	void	*ctx;
	_Alignas(8) char buf[32768];
};

/*
 * tell is called out of own_turn(), for each address that is new, has other reasons (enum never_why), or is
 * gone (0).  files: OWN_FILES paths of resolv.conf's kind, NULL: the host's.  False: changes cannot be
 * followed; own_turn() then still tells what there is.
 */
bool own_open(struct own *, const char *const *files, void (*tell)(void *ctx, const struct addr *, unsigned why),
    void *ctx);
void own_close(struct own *);
/* Each turn of the loop; never waits.  now_ms: CLOCK_MONOTONIC. */
void own_turn(struct own *, int64_t now_ms);
/* One datagram of the kernel's answer, aligned to 4 bytes.  False: the look is over, one way or the other. */
bool own_parse(struct own *, const void *buf, size_t n);

#endif
