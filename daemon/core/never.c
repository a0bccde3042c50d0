/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * never.c - a sorted set of prefixes, and the special-purpose registries.
 */
#include "mxtrap/never.h"

#include <stdlib.h>
#include <string.h>

struct special {
	uint32_t value;			/* first 32 bits of the family's own address */
	uint8_t	 len;
};

/* IANA special-purpose registries (RFC 6890, 8190 and later entries), multicast, reserved. */
static const struct special SPECIAL_V4[] = {
	{ 0x00000000, 8 },	/* 0.0.0.0/8 */
	{ 0x0a000000, 8 },	/* 10.0.0.0/8 */
	{ 0x64400000, 10 },	/* 100.64.0.0/10 */
	{ 0x7f000000, 8 },	/* 127.0.0.0/8 */
	{ 0xa9fe0000, 16 },	/* 169.254.0.0/16 */
	{ 0xac100000, 12 },	/* 172.16.0.0/12 */
	{ 0xc0000000, 24 },	/* 192.0.0.0/24 */
	{ 0xc0000200, 24 },	/* 192.0.2.0/24 */
	{ 0xc01fc400, 24 },	/* 192.31.196.0/24 */
	{ 0xc034c100, 24 },	/* 192.52.193.0/24 */
	{ 0xc0586300, 24 },	/* 192.88.99.0/24 */
	{ 0xc0a80000, 16 },	/* 192.168.0.0/16 */
	{ 0xc0af3000, 24 },	/* 192.175.48.0/24 */
	{ 0xc6120000, 15 },	/* 198.18.0.0/15 */
	{ 0xc6336400, 24 },	/* 198.51.100.0/24 */
	{ 0xcb007100, 24 },	/* 203.0.113.0/24 */
	{ 0xe0000000, 4 },	/* 224.0.0.0/4 */
	{ 0xf0000000, 4 },	/* 240.0.0.0/4 */
};
/* Inside 2000::/3, which alone is global unicast. */
static const struct special SPECIAL_V6[] = {
	{ 0x20010000, 23 },	/* 2001::/23 */
	{ 0x20010db8, 32 },	/* 2001:db8::/32 */
	{ 0x20020000, 16 },	/* 2002::/16 */
	{ 0x3fff0000, 20 },	/* 3fff::/20 */
};

static int
compare(const struct prefix *a, const struct prefix *b)
{
	for (int half = 0; half < 2; half++) {
		uint64_t x = addr_half(&a->addr, half), y = addr_half(&b->addr, half);

		if (x != y)
			return x > y ? 1 : -1;
	}
	return (a->len > b->len) - (a->len < b->len);
}

/* Where this prefix is, or where it belongs. */
static size_t
place(const struct never *n, const struct prefix *p)
{
	size_t low = 0, high = n->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (compare(&n->entries[mid].what, p) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The entry of this prefix, made if there is none; NULL: no room. */
static struct never_entry *
entry_for(struct never *n, const struct prefix *p)
{
	size_t at = place(n, p);

	if (at < n->n && prefix_equal(&n->entries[at].what, p))
		return &n->entries[at];
	if (p->len > 128 || n->n == NEVER_MAX) {
		n->refused++;
		return NULL;
	}
	if (n->n == n->cap) {
		size_t cap = n->cap == 0 ? 64 : n->cap * 2;
		struct never_entry *more = realloc(n->entries, cap * sizeof(*more));

		if (more == NULL) {
			n->refused++;
			return NULL;
		}
		n->entries = more;
		n->cap = cap;
	}
	memmove(&n->entries[at + 1], &n->entries[at], (n->n - at) * sizeof(n->entries[0]));
	n->entries[at] = (struct never_entry){ .what = *p };
	n->n++;
	n->lengths[p->len / 32] |= 1U << (p->len % 32);
	return &n->entries[at];
}

/* An entry without a reason goes. */
static void
drop_if_idle(struct never *n, struct never_entry *e)
{
	size_t at = (size_t)(e - n->entries);

	if (e->why != 0)
		return;
	memmove(e, e + 1, (n->n - at - 1) * sizeof(*e));
	n->n--;
}

bool
never_add(struct never *n, const struct prefix *p, uint32_t expires_s)
{
	struct never_entry *e = entry_for(n, p);

	if (e == NULL)
		return false;
	e->why |= NEVER_ALLOWED;
	e->expires_s = expires_s;
	return true;
}

bool
never_remove(struct never *n, const struct prefix *p)
{
	size_t at = place(n, p);

	if (at == n->n || !prefix_equal(&n->entries[at].what, p) || (n->entries[at].why & NEVER_ALLOWED) == 0)
		return false;
	n->entries[at].why &= (uint8_t)~NEVER_ALLOWED;
	drop_if_idle(n, &n->entries[at]);
	return true;
}

bool
never_set(struct never *n, const struct prefix *p, unsigned mask, unsigned why)
{
	struct never_entry *e;
	size_t at = place(n, p);

	if ((why & mask) == 0 && (at == n->n || !prefix_equal(&n->entries[at].what, p)))
		return true;
	e = entry_for(n, p);
	if (e == NULL)
		return false;
	e->why = (uint8_t)((e->why & ~mask) | (why & mask));
	drop_if_idle(n, e);
	return true;
}

static bool
is_open(const struct never_entry *e, int64_t now_s)
{
	return (e->why & ~NEVER_ALLOWED) != 0 || e->expires_s == 0 || e->expires_s > now_s;
}

void
never_prune(struct never *n, unsigned mask, int64_t now_s)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->n; i++) {
		struct never_entry e = n->entries[i];

		e.why &= (uint8_t)~mask;
		if ((e.why & NEVER_ALLOWED) != 0 && e.expires_s != 0 && e.expires_s <= now_s)
			e.why &= (uint8_t)~NEVER_ALLOWED;
		if (e.why != 0)
			n->entries[kept++] = e;
	}
	n->n = kept;
}

bool
never_holds(const struct never *n, const struct addr *a, unsigned mask)
{
	struct prefix p = prefix_of(a, 128);
	size_t at = place(n, &p);

	return at < n->n && prefix_equal(&n->entries[at].what, &p) && (n->entries[at].why & mask) != 0;
}

bool
never_allowance(const struct never *n, const struct prefix *p, int64_t now_s, uint32_t *until_s)
{
	size_t at = place(n, p);
	const struct never_entry *e = &n->entries[at];

	if (at == n->n || !prefix_equal(&e->what, p) || (e->why & NEVER_ALLOWED) == 0 ||
	    (e->expires_s != 0 && e->expires_s <= now_s))
		return false;
	*until_s = e->expires_s;
	return true;
}

/* How long does an open entry hold?  INT64_MAX: for ever. */
static int64_t
end_of(const struct never_entry *e)
{
	return (e->why & ~NEVER_ALLOWED) != 0 || e->expires_s == 0 ? INT64_MAX : e->expires_s;
}

/* The first prefix length from len on that is held; 160: there is none. */
static unsigned
next_length(const struct never *n, unsigned len)
{
	for (; len < 160; len = (len | 31) + 1) {
		uint32_t held = n->lengths[len / 32] >> (len % 32);

		if (held != 0)
			return len + (unsigned)__builtin_ctz(held);
	}
	return len;
}

/* The end of the open entry that lasts longest, of those that are as wide as p or wider, or lie inside it;
 * now_s: there is none.  any: the first one that is found will do. */
static int64_t
longest(const struct never *n, const struct prefix *p, int64_t now_s, bool any)
{
	int64_t end = now_s;

	/* Entries wider than p, or p itself: one look-up a length that is held. */
	for (unsigned len = next_length(n, 0); len < p->len; len = next_length(n, len + 1)) {
		struct prefix wider;
		size_t at;

		wider = prefix_of(&p->addr, (uint8_t)len);
		at = place(n, &wider);
		if (at == n->n || !prefix_equal(&n->entries[at].what, &wider) || !is_open(&n->entries[at], now_s))
			continue;
		if (end_of(&n->entries[at]) > end)
			end = end_of(&n->entries[at]);
		if (any)
			return end;
	}
	/* p itself, and entries inside it, lie in one run from its first address on. */
	for (size_t at = place(n, p); at < n->n && prefix_contains(p, &n->entries[at].what.addr); at++) {
		if (!is_open(&n->entries[at], now_s))
			continue;
		if (end_of(&n->entries[at]) > end)
			end = end_of(&n->entries[at]);
		if (any)
			return end;
	}
	return end;
}

/* The /64s in which IPv4 lies: ::/64 with the mapped addresses, 64:ff9b::/64 with those behind NAT64 (RFC 6052).
 * Some who read the list take such a /64 for all of IPv4 (HAProxy does), so no laboratory may have it listed. */
static bool
holds_ipv4(const struct prefix *p)
{
	uint64_t network = addr_half(&p->addr, 0);

	return !addr_is_v4(&p->addr) && (network == 0 || network == 0x0064ff9b00000000ULL);
}

bool
never_covers(const struct never *n, const struct prefix *p, int64_t now_s)
{
	return holds_ipv4(p) || (n->special_purpose && never_special(p)) || longest(n, p, now_s, true) != now_s;
}

unsigned
never_reasons(const struct never *n, const struct prefix *p, int64_t now_s)
{
	unsigned why = (holds_ipv4(p) ? NEVER_IPV4 : 0U) | (n->special_purpose && never_special(p) ? NEVER_SPECIAL : 0U);

	for (size_t i = 0; i < n->n; i++) {
		const struct never_entry *e = &n->entries[i];

		if (!prefix_overlaps(&e->what, p) || !is_open(e, now_s))
			continue;
		why |= e->why & ~(unsigned)NEVER_ALLOWED;
		if ((e->why & NEVER_ALLOWED) != 0 && (e->expires_s == 0 || e->expires_s > now_s))
			why |= NEVER_ALLOWED;
	}
	return why;
}

int64_t
never_until(const struct never *n, const struct prefix *p, int64_t now_s)
{
	int64_t end;

	if (holds_ipv4(p) || (n->special_purpose && never_special(p)))
		return 0;
	end = longest(n, p, now_s, false);
	return end == INT64_MAX ? 0 : end;
}

static uint32_t
load_be32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool
is_in(const struct special *table, size_t n, uint32_t value)
{
	for (size_t i = 0; i < n; i++)
		if ((value ^ table[i].value) >> (32 - table[i].len) == 0)
			return true;
	return false;
}

bool
never_special(const struct prefix *p)
{
	/* 2620:4f:8000::/48, AS112, is the one that needs more than 32 bits. */
	static const uint8_t as112[6] = { 0x26, 0x20, 0x00, 0x4f, 0x80, 0x00 };

	if (addr_is_v4(&p->addr))
		return is_in(SPECIAL_V4, sizeof(SPECIAL_V4) / sizeof(SPECIAL_V4[0]), load_be32(p->addr.b + 12));
	if ((p->addr.b[0] & 0xe0) != 0x20)
		return true;
	return memcmp(p->addr.b, as112, sizeof(as112)) == 0 ||
	    is_in(SPECIAL_V6, sizeof(SPECIAL_V6) / sizeof(SPECIAL_V6[0]), load_be32(p->addr.b));
}

void
never_free(struct never *n)
{
	free(n->entries);
	*n = (struct never){ 0 };
}
