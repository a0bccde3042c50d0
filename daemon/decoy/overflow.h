/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * overflow.h - how often the accept queue of one of our own listening sockets overflowed.
 *
 * The kernel counts overflows for the whole host, and drops by socket: where both grew, it was
 * ours.  Another program's overflow on the same host is none of our doubts.
 */
#ifndef MXTRAP_DECOY_OVERFLOW_H
#define MXTRAP_DECOY_OVERFLOW_H

#include "mxtrap/process.h"

struct overflow {
	int	 netstat_fd;
	bool	 known;			/* the counters below hold something */
	uint64_t host, drops;		/* at the last look */
	uint64_t ours;			/* overflows since the beginning */
};

void overflow_open(struct overflow *);
void overflow_close(struct overflow *);
/* Look at the kernel's counters; returns ours, which only grows. */
uint64_t overflow_read(struct overflow *, const struct process_socket *, size_t n);

#endif
