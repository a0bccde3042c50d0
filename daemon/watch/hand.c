/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hand.c - what a rule has against a decision, to be said in the answer.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mxtrap/never.h"
#include "watch_int.h"

#define DECIDED_US 2000000LL		/* long enough for an event to be merged, however busy watch is */

/* The address of an exchanger of ours, or of a control address? */
static bool
of_ladder(const struct ladder *l, const struct prefix *what)
{
	for (size_t i = 0; i < l->n_targets; i++) {
		struct prefix target = { .addr = l->targets[i].addr, .len = 128 };

		if (prefix_overlaps(&target, what))
			return true;
	}
	return false;
}

/* Which of the reasons it is, and what to do about it; the strongest first. */
static const char *
why_never(const struct watch *w, const struct prefix *what)
{
	const struct decided *allow = watch_decided(w, ADMIN_ALLOW, what);
	unsigned why = trap_never_why(w->trap, what) | (allow != NULL && allow->expires_s != ADMIN_WITHDRAW ? NEVER_ALLOWED : 0U);

	if (of_ladder(&w->config->ladder, what))
		return "it is an address of your own ladder (an mx-set or control-addresses), and those are never listed";
	if ((why & NEVER_OWN) != 0)
		return "it is an address of this host, and those are never listed";
	if ((why & NEVER_GATEWAY) != 0)
		return "it is a gateway of this host, and those are never listed";
	if ((why & NEVER_RESOLVER) != 0)
		return "it is a resolver of this host (/etc/resolv.conf), and those are never listed";
	if ((why & NEVER_CONFIGURED) != 0)
		return "it is in the allow section of the configuration: remove it there first, and restart mxtrapd";
	if ((why & NEVER_ALLOWED) != 0)
		return "it is allowed by hand: mxtrap list --allowed shows the entry, mxtrap allow ENTRY --remove ends it";
	if ((why & NEVER_IPV4) != 0)
		return "IPv4 addresses lie in this /64, and those are never listed by their IPv6 form";
	return "it is an address of a special purpose (RFC 6890), and those are never listed";
}

const struct decided *
watch_decided(const struct watch *w, uint32_t op, const struct prefix *what)
{
	for (unsigned i = 1; i <= DECIDED && i <= w->n_decided; i++) {
		const struct decided *d = &w->decided[(w->n_decided - i) % DECIDED];

		if (d->time_us < watch_now_us(w) - DECIDED_US)
			break;
		if (d->op == op && prefix_overlaps(&d->what, what))
			return d;
	}
	return NULL;
}

/* As trap_may_list(), with what was allowed, or is no longer, a moment ago. */
static enum hand_may
may_list(const struct watch *w, const struct prefix *what)
{
	const struct decided *allow = watch_decided(w, ADMIN_ALLOW, what);
	enum hand_may may = trap_may_list(w->trap, what);

	if (allow == NULL)
		return may;
	if (allow->expires_s != ADMIN_WITHDRAW)
		return HAND_NEVER;
	return may == HAND_NEVER && trap_never_why(w->trap, what) == NEVER_ALLOWED && !of_ladder(&w->config->ladder, what) ?
	    HAND_OK : may;
}

/* A whole part of the Internet by a slip of the prefix: it would end the list. */
static const char *
may_allow(struct watch *w, const struct message_admin *m, const struct prefix *what)
{
	char text[PREFIX_TEXT_SIZE], *why;
	uint64_t n;

	if (m->force != 0 || m->expires_s == ADMIN_WITHDRAW || !ADMIN_WIDE(addr_is_v4(&what->addr), what->len))
		return NULL;
	n = trap_would_end(w->trap, what);
	why = w->why[w->n_why++ % (2 * CONTROL_QUEUE)];
	(void)snprintf(why, sizeof(w->why[0]), "%s is wider than a /8 (IPv6: a /16): this ends %" PRIu64 " %s, and nobody in "
	    "it is listed again; if that is meant, add --force (API: \"force\":true)", prefix_format(what, text), n,
	    n == 1 ? "listing" : "listings");
	return why;
}

const char *
watch_may(void *ctx, const struct message_admin *m)
{
	struct watch *w = ctx;
	int64_t now_s = watch_now_us(w) / 1000000;
	struct prefix what;

	if (m->op == ADMIN_PUBLISH)
		return w->publish.held ? NULL : "nothing is held, so there is nothing to accept";
	memcpy(what.addr.b, m->addr, sizeof(what.addr.b));
	what.len = (uint8_t)m->len;
	if (m->op == ADMIN_ALLOW)
		return may_allow(w, m, &what);
	if (m->op != ADMIN_LIST)
		return NULL;
	if (what.len != 128 && (addr_is_v4(&what.addr) || what.len != 64))
		return "one address, or a /64 of IPv6, can be listed by hand, and nothing wider";
	if (m->expires_s == ADMIN_WITHDRAW)
		return NULL;
	if (m->expires_s <= now_s || m->expires_s > now_s + HAND_MAX_S + 60)
		return "a listing by hand lasts 30 days at most";
	switch (may_list(w, &what)) {
	case HAND_OK:
		return NULL;
	case HAND_NEVER:
		return why_never(w, &what);
	case HAND_OTHER:
		return "its /64 is listed already, or another address of it: list that, or have it forgotten first";
	case HAND_FULL:
		return "as much is listed by hand as there is room for";
	}
	return NULL;
}
