/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * select.h - inside of export: so many entries, the highest score first.
 *
 * In memory there are never more than SELECT_RUN of them: a larger selection is sorted in runs that wait in a
 * file without a name, and merged.
 */
#ifndef MXTRAP_SELECT_H
#define MXTRAP_SELECT_H

#include "mxtrap/report.h"

#define SELECT_RUN  32768U		/* some 3 MB */
#define SELECT_RUNS 512U		/* 16 million entries */

struct selection {
	struct report_entry *entries;	/* owned; most <= SELECT_RUN: a heap whose top is the least, else the run that fills */
	size_t n, most;
	bool   grouped;
	int    fd;			/* runs; -1: there are none */
	size_t n_runs, runs[SELECT_RUNS];	/* entries of each */
	bool   failed;			/* no memory, no room: it does not hold what it should */
};

/* grouped: told IPv4 before IPv6. */
void selection_begin(struct selection *, size_t most, bool grouped);
/* False: it failed. */
bool selection_add(struct selection *, const struct report_entry *);
/* The best of those that were added, once: highest score first, equal ones by address.  False: it failed, or each said so. */
bool selection_tell(struct selection *, bool (*each)(void *, const struct report_entry *), void *ctx);
void selection_free(struct selection *);

#endif
