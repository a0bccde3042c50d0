/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * told.h - what clients said, on its way to watch: a queue that waits where watch is behind.
 */
#ifndef MXTRAP_DECOY_TOLD_H
#define MXTRAP_DECOY_TOLD_H

#include "mxtrap/message.h"
#include "smtp.h"

struct told {
	int	 watch_fd;		/* borrowed */
	uint32_t at, n;			/* where it begins, how many it holds */
	struct message_said *queue;	/* owned */
	uint64_t lost;			/* never told; whoever finds no room counts it here */
};

/* False: no memory. */
bool told_init(struct told *, int watch_fd);
void told_free(struct told *);
bool told_full(const struct told *);
/* What this client has said so far.  False: there is no room. */
bool told_add(struct told *, const struct message_accept *who, const struct smtp *);
/* Send what can be sent; never waits. */
void told_flush(struct told *);
/* The same, but waits so long until watch takes some.  Only for the end of the process. */
void told_wait(struct told *, int ms);

#endif
