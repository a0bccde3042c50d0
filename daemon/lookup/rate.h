/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rate.h - so many answers a second to one network, as NSD's response-rate limiting has it.
 *
 * A reply by UDP goes to whom the question claims to be from: without a limit a forger makes us
 * flood his victim.  Beyond it every second reply is an empty, truncated one (a real resolver asks
 * again by TCP), the others are not sent.  Networks are /24 and /56; a fixed table, in which two
 * that collide share a limit.
 */
#ifndef MXTRAP_RATE_H
#define MXTRAP_RATE_H

#include "mxtrap/addr.h"

#define RATE_PLACES 65536
#define RATE_A_SECOND 200

enum rate_verdict { RATE_SEND, RATE_SLIP, RATE_DROP };

struct rate {
	struct {
		uint32_t second, n;
	} places[RATE_PLACES];
	uint8_t seed[16];
};

/* One more reply to this address.  Loopback is not limited: nobody forges it from outside. */
enum rate_verdict rate_take(struct rate *, const struct addr *, uint32_t now_s);

#endif
