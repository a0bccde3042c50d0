/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rate.c - so many answers a second to one network.
 */
#include "rate.h"

#include "mxtrap/siphash.h"

static bool
is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return addr_is_v4(a) ? a->b[12] == 127 : memcmp(a->b, one, sizeof(one)) == 0;
}

enum rate_verdict
rate_take(struct rate *r, const struct addr *a, uint32_t now_s)
{
	sender_key key = addr_sender(a);
	size_t at;

	if (is_loopback(a))
		return RATE_SEND;
	/* The sender's /24, or /56. */
	at = (size_t)siphash13(r->seed, key >> 8, addr_is_v4(a)) & (RATE_PLACES - 1);
	if (r->places[at].second != now_s) {
		r->places[at].second = now_s;
		r->places[at].n = 0;
	}
	if (r->places[at].n++ < RATE_A_SECOND)
		return RATE_SEND;
	return r->places[at].n % 2 == 0 ? RATE_SLIP : RATE_DROP;
}
