/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listable.h - can anybody be listed with this configuration, and if not, why?
 *
 * A ladder may be valid, run without a fault and still never list a sender.  This module finds
 * that out from the configuration alone; what only the wire can show is in status.h.
 */
#ifndef MXTRAP_LISTABLE_H
#define MXTRAP_LISTABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "mxtrap/config.h"

enum listable_kind {
	LISTABLE_NO_BOGUS,	/* no bogus exchanger: everything that weighs is earned there */
	LISTABLE_NO_ANSWER,	/* every bogus exchanger has answer = "none": nothing can be proven */
	LISTABLE_NO_DIALOGUE,	/* list-on = "addressed", and none has answer = "dialogue" */
	LISTABLE_NO_WITNESS,	/* no real exchanger is on the wire, nor is its MTA a witness: order does not count */
	LISTABLE_FAR,		/* a bogus address shares no network with one that is watched: the same */
	LISTABLE_LOW_UNSEEN,	/* the low rung is not watched: the same */
	LISTABLE_NO_POINTS,	/* what it can earn never reaches the threshold */
	LISTABLE_ALLOWED,	/* the allow-list covers every address that could come */
	LISTABLE_N_KINDS
};

struct listable_bar {		/* one reason, with the MX sets that it holds for */
	enum listable_kind kind;
	bool	 everywhere;	/* in every MX set */
	bool	 trapped;	/* one of its sets has a decoy: it was meant to list */
	size_t	 n_sets;	/* how many of them; 0 with LISTABLE_ALLOWED */
	size_t	 set;		/* the first */
};

/* The reasons, at most one a set; returns how many kinds. */
size_t listable_bars(const struct config *, struct listable_bar out[static LISTABLE_N_KINDS]);
/* Do these prefixes (n of them) cover every address of IPv4, and every one of IPv6?  Also true for none. */
void listable_covered(const struct prefix *prefixes, size_t n, bool *v4, bool *v6);
/* "With this configuration nobody can be listed, because ...".  Returns buf. */
#define LISTABLE_SIZE 400
const char *listable_sentence(const struct config *, const struct listable_bar *, char buf[static LISTABLE_SIZE]);

/*
 * What else a person should know of a valid configuration before it runs: the bars, and exchangers with
 * witness "wire" whose address this host does not have.  each gets one sentence; returns how many there were.
 */
size_t listable_warn(const struct config *, bool (*each)(void *ctx, const char *sentence), void *ctx);

#endif
