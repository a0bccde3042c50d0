/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * never.h - addresses that are never listed, whatever they do: a set of prefixes.
 *
 * Asked at judging, at listing and again at every export.  Holds the special-purpose
 * registries (RFC 6890, 8190; multicast RFC 5771, RFC 4291), our own addresses and the
 * allow-list.  It only answers; it does not know why somebody was put in.
 */
#ifndef MXTRAP_NEVER_H
#define MXTRAP_NEVER_H

#include "mxtrap/addr.h"

struct never_entry {
	struct prefix what;
	uint32_t      expires_s;	/* 0: for ever */
};

struct never {				/* start from = { 0 } */
	size_t n, cap;
	struct never_entry *entries;	/* owned; sorted by address, then by length */
	bool   special_purpose;
	uint32_t lengths[5];		/* bit by prefix length: held now or once */
};

/* False: out of memory, nothing changed.  Adding again replaces the expiry. */
bool never_add(struct never *, const struct prefix *, uint32_t expires_s);
bool never_remove(struct never *, const struct prefix *);
/* Is any part of this prefix never to be listed at now? */
bool never_covers(const struct never *, const struct prefix *, int64_t now_s);
/* When what covers this prefix at now has ended; 0: never does.  now_s itself: nothing covers it. */
int64_t never_until(const struct never *, const struct prefix *, int64_t now_s);
/* Is this address in a special-purpose registry?  Static table. */
bool never_special(const struct prefix *);
void never_free(struct never *);

#endif
