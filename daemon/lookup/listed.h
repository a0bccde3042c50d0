/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listed.h - who is on the list, in memory: what each question of lookup is answered from.
 *
 * Open addressing with a secret seed.  An address is found by its sender (an IPv4 address or a
 * whole /64) or, where others in its /64 are honest, by itself.
 */
#ifndef MXTRAP_LISTED_H
#define MXTRAP_LISTED_H

#include "mxtrap/report.h"

struct listed_entry {
	sender_key key;
	uint64_t   host;		/* lower half of a single IPv6 address; else 0 */
	uint32_t   since_s, expires_s;	/* expires 0: not by itself */
	uint16_t   kinds;
	uint8_t	   state;		/* STATE_LISTED, STATE_SUSPECT; STATE_UNKNOWN: this place is empty */
	uint8_t	   single;
};

struct listed {
	struct listed_entry *places;	/* owned */
	size_t	 n, cap;		/* cap: a power of two */
	uint8_t	 seed[16];
};

void listed_init(struct listed *, const uint8_t seed[static 16]);
void listed_free(struct listed *);
/* Put it in, or in place of what was there.  False: no memory, nothing changed. */
bool listed_put(struct listed *, const struct prefix *what, uint8_t state, uint16_t kinds, uint32_t since_s, uint32_t expires_s);
void listed_remove(struct listed *, const struct prefix *what);
/* What covers this very address at now; NULL: nothing.  Borrowed until the table changes. */
/* It is about to be looked for. */
void listed_prefetch(const struct listed *, sender_key);
const struct listed_entry *listed_find(const struct listed *, const struct addr *, int64_t now_s);

#endif
