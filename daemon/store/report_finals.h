/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_finals.h - inside of store: the few senders whose story is worth reading.
 */
#ifndef MXTRAP_REPORT_FINALS_H
#define MXTRAP_REPORT_FINALS_H

#include "report_int.h"

#define RISK_FINALISTS 1000		/* whose story is read, at most */

struct finalist {
	struct sender_row row;
	float	 promise;
};

struct finals {				/* a heap: the least promising on top */
	struct finalist *at;		/* owned */
	size_t	 n;
	uint64_t considered, candidates;	/* considered: who never climbed */
};

/* Fill f, whose array has room for RISK_FINALISTS; in no order. */
enum report_result finals_choose(struct report *, struct finals *f);

#endif
