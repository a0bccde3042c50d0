/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seats.h - numbered seats, and who has how many of them: no source has them all, and no network.
 */
#ifndef MXTRAP_DECOY_SEATS_H
#define MXTRAP_DECOY_SEATS_H

#include "mxtrap/addr.h"

#define SEATS_NETWORK 10	/* a /24 or /48 has as many as so many of its sources */

struct seat {
	sender_key source;
	uint64_t   network;		/* its /24 or /48 */
	uint32_t   next, prev, bucket;	/* of the same bucket; of the free ones (next) */
};

struct seats {				/* start from = { 0 } */
	uint32_t size, per_source;
	uint32_t n;			/* taken */
	uint32_t free, n_buckets;
	uint32_t *buckets;		/* owned */
	struct seat *seats;		/* owned */
	uint8_t	 key[16];
};

enum seats_result { SEATS_TAKEN, SEATS_FULL, SEATS_SOURCE_FULL /* or its network */ };

/* False: no memory, or no random key. */
bool seats_init(struct seats *, uint32_t size, uint32_t per_source);
void seats_free(struct seats *);
/* One for this source: the seat that was given back last, so that few are ever used. */
enum seats_result seats_take(struct seats *, sender_key source, uint32_t *seat);
void seats_give(struct seats *, uint32_t seat);

#endif
