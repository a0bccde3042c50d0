/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hand.h - what the operator listed by hand: a bounded table of the listings that stand by his word.
 *
 * Such a listing ends at its own time, when it is taken away, by allow or forget, or when its address turns
 * out to be never to be listed; evidence for the sender does not end it.  A listing by evidence goes on
 * beneath it, and stays when it ends; where there was none (alone), none opens before that.
 */
#ifndef MXTRAP_HAND_H
#define MXTRAP_HAND_H

#include <stdbool.h>
#include <stdint.h>

#define HAND_MAX    4096U		/* listings by hand at the same time */
#define HAND_TERM_S 86400U		/* where none is named: a first listing's term */
#define HAND_MAX_S  (30U * 86400U)
#define HAND_FAR_S  (18250 * INT64_C(86400))	/* an allowance or a token that ends: 50 years at most, for its end is 32 bits */

struct hand {
	uint32_t sender;		/* number of its record */
	uint32_t until_s;		/* a full minute */
	bool	 alone;			/* no evidence lists it too */
};
struct hands {				/* start from = { 0 } */
	uint32_t n;
	struct hand at[HAND_MAX];
};

enum hand_may {				/* may this be listed by hand? */
	HAND_OK,
	HAND_NEVER,			/* allowed, ours or special */
	HAND_OTHER,			/* its /64, or another address of it, is listed */
	HAND_FULL,
};

/* Its place in at; UINT32_MAX: it is not there. */
uint32_t hand_find(const struct hands *, uint32_t sender);
/* Add one or change it.  False: there are HAND_MAX. */
bool hand_put(struct hands *, uint32_t sender, uint32_t until_s, bool alone);
void hand_drop(struct hands *, uint32_t sender);

#endif
