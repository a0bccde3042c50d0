/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * select.h - inside of export: so many entries, the highest score first.
 *
 * Keeps the best it was given within a bound, in memory: one entry each, no more than the bound.
 */
#ifndef MXTRAP_SELECT_H
#define MXTRAP_SELECT_H

#include "mxtrap/report.h"

struct selection {
	struct report_entry *entries;	/* owned; a heap whose top is the least */
	size_t n, cap, most;
	bool   failed;			/* no memory: it does not hold what it should */
};

void selection_begin(struct selection *, size_t most);
/* False: no memory. */
bool selection_add(struct selection *, const struct report_entry *);
/* Highest score first, equal ones by address; grouped: IPv4 before IPv6 before that.  In place, once. */
void selection_sort(struct selection *, bool grouped);
void selection_free(struct selection *);

#endif
