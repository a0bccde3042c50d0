/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hand.c - listings by hand: few, so that a walk finds them.
 */
#include "mxtrap/hand.h"

uint32_t
hand_find(const struct hands *h, uint32_t sender)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (h->at[i].sender == sender)
			return i;
	return UINT32_MAX;
}

bool
hand_put(struct hands *h, uint32_t sender, uint32_t until_s, bool alone)
{
	uint32_t i = hand_find(h, sender);

	if (i == UINT32_MAX && h->n == HAND_MAX)
		return false;
	if (i == UINT32_MAX)
		i = h->n++;
	h->at[i] = (struct hand){ .sender = sender, .until_s = until_s, .alone = alone };
	return true;
}

void
hand_drop(struct hands *h, uint32_t sender)
{
	uint32_t i = hand_find(h, sender);

	if (i != UINT32_MAX)
		h->at[i] = h->at[--h->n];
}
