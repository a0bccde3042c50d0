/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * never.h - addresses that are never listed, whatever they do: a set of prefixes.
 *
 * Asked at judging, at listing and again at every export.  Holds the special-purpose
 * registries (RFC 6890, 8190; multicast RFC 5771, RFC 4291), our own addresses and the
 * allow-list.  One prefix may be in for several reasons, and stays in until the last has ended.
 */
#ifndef MXTRAP_NEVER_H
#define MXTRAP_NEVER_H

#include "mxtrap/addr.h"

enum never_why {			/* bits, several may hold; values are stored */
	NEVER_ALLOWED	 = 1 << 0,	/* by the operator, with an expiry */
	NEVER_CONFIGURED = 1 << 1,	/* an exchanger, a control address, the configuration's allow-list */
	NEVER_OWN	 = 1 << 2,	/* an interface of this host has it */
	NEVER_GATEWAY	 = 1 << 3,	/* one of its routes goes there */
	NEVER_RESOLVER	 = 1 << 4,	/* it asks there for names */
	/* Not stored, but for never_reasons(): */
	NEVER_SPECIAL	 = 1 << 5,	/* of a special purpose */
	NEVER_IPV4	 = 1 << 6,	/* a /64 in which IPv4 addresses lie */
};
#define NEVER_HOST (NEVER_OWN | NEVER_GATEWAY | NEVER_RESOLVER)	/* what is looked up on the host itself */
#define NEVER_MAX  131072U		/* entries */

struct never_entry {
	struct prefix what;
	uint8_t	      why;		/* enum never_why */
	uint32_t      expires_s;	/* of NEVER_ALLOWED; 0: for ever */
};

struct never {				/* start from = { 0 } */
	size_t n, cap;
	struct never_entry *entries;	/* owned; sorted by address, then by length */
	uint64_t refused;		/* found no room, or no memory */
	bool   special_purpose;
	uint32_t lengths[5];		/* bit by prefix length: held now or once */
};

/* The operator allows it, until then (0: for ever).  Adding again replaces that time and no other reason.
 * False: no room or no memory, nothing changed. */
bool never_add(struct never *, const struct prefix *, uint32_t expires_s);
/* What was allowed is no longer.  False: it was not. */
bool never_remove(struct never *, const struct prefix *);
/* Of the reasons in mask (not NEVER_ALLOWED) exactly those in why hold from now on.  False: as never_add(). */
bool never_set(struct never *, const struct prefix *, unsigned mask, unsigned why);
/* None of the reasons in mask hold for anyone any more; what was allowed until now or earlier goes, too. */
void never_prune(struct never *, unsigned mask, int64_t now_s);
/* Is this very address in for one of the reasons in mask (not NEVER_ALLOWED)? */
bool never_holds(const struct never *, const struct addr *, unsigned mask);
/* Is exactly this prefix allowed at now, and until when (0: for ever)? */
bool never_allowance(const struct never *, const struct prefix *, int64_t now_s, uint32_t *until_s);
/* Is any part of this prefix never to be listed at now? */
bool never_covers(const struct never *, const struct prefix *, int64_t now_s);
/* Why: enum never_why of all that covers a part of it at now; 0: it may be listed. */
unsigned never_reasons(const struct never *, const struct prefix *, int64_t now_s);
/* When what covers this prefix at now has ended; 0: never does.  now_s itself: nothing covers it. */
int64_t never_until(const struct never *, const struct prefix *, int64_t now_s);
/* Is this address in a special-purpose registry?  Static table. */
bool never_special(const struct prefix *);
void never_free(struct never *);

#endif
