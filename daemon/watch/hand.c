/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hand.c - what a rule has against a decision, to be said in the answer.
 */
#include <string.h>

#include "watch_int.h"

const char *
watch_may(void *ctx, const struct message_admin *m)
{
	const struct watch *w = ctx;
	int64_t now_s = watch_now_us(w) / 1000000;
	struct prefix what;

	if (m->op == ADMIN_PUBLISH)
		return w->publish.held ? NULL : "nothing is held, so there is nothing to accept";
	memcpy(what.addr.b, m->addr, sizeof(what.addr.b));
	what.len = (uint8_t)m->len;
	if (m->op != ADMIN_LIST)
		return NULL;
	if (what.len != 128 && (addr_is_v4(&what.addr) || what.len != 64))
		return "one address, or a /64 of IPv6, can be listed by hand, and nothing wider";
	if (m->expires_s == ADMIN_WITHDRAW)
		return NULL;
	if (m->expires_s <= now_s || m->expires_s > now_s + HAND_MAX_S + 60)
		return "a listing by hand lasts 30 days at most";
	switch (trap_may_list(w->trap, &what)) {
	case HAND_OK:
		return NULL;
	case HAND_NEVER:
		return "it is allowed, an address of ours or of a special purpose, and those are never listed";
	case HAND_OTHER:
		return "its /64 is listed already, or another address of it: list that, or have it forgotten first";
	case HAND_FULL:
		return "as much is listed by hand as there is room for";
	}
	return NULL;
}
