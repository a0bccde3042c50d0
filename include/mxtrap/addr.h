/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr.h - an IPv4 or IPv6 address, a prefix, and a sender, as values.
 *
 * IPv4 is held IPv4-mapped (::ffff:a.b.c.d), so that one address has one form
 * (hazard: a list that holds 192.0.2.7 and ::ffff:192.0.2.7 as two entries).
 * A sender is an IPv4 address or an IPv6 /64: whoever owns a /64 owns all of it.
 * This module knows text and bits; it has no opinion about any address.
 */
#ifndef MXTRAP_ADDR_H
#define MXTRAP_ADDR_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct addr {
	uint8_t b[16];			/* network order; IPv4 as ::ffff:a.b.c.d */
};

/* An address and how many of its 128 bits count; IPv4 /24 is held as /120. */
struct prefix {
	struct addr addr;		/* bits behind len are zero */
	uint8_t	    len;		/* 0..128; IPv4 prefixes are 96..128 */
};

/* 8 bytes name a sender: the upper half of an IPv6 address, or IPv4 behind
 * SENDER_KEY_V4, a block (0:ffff::/32) that is not global unicast. */
typedef uint64_t sender_key;
#define SENDER_KEY_V4 0x0000ffff00000000ULL

#define ADDR_TEXT_SIZE	 46		/* as INET6_ADDRSTRLEN */
#define PREFIX_TEXT_SIZE 50

/* Half an address as a number: 0 the upper, 1 the lower one. */
static inline uint64_t
addr_half(const struct addr *a, int half)
{
	uint64_t v;

	memcpy(&v, a->b + 8 * half, sizeof(v));
	return be64toh(v);
}
static inline bool
addr_is_v4(const struct addr *a)
{
	return addr_half(a, 0) == 0 && addr_half(a, 1) >> 32 == 0xffff;
}
static inline bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_half(a, 0) == addr_half(b, 0) && addr_half(a, 1) == addr_half(b, 1);
}
/* From 4 or 16 bytes in network order. */
struct addr addr_from_v4(const uint8_t bytes[4]);
struct addr addr_from_v6(const uint8_t bytes[16]);
/* "192.0.2.7" or "2001:db8::7"; ::ffff:192.0.2.7 becomes IPv4.  False leaves *out alone. */
bool addr_parse(struct addr *out, const char *text);
/* Canonical text (RFC 5952; IPv4 dotted).  Returns buf. */
const char *addr_format(const struct addr *, char buf[static ADDR_TEXT_SIZE]);

/* "192.0.2.0/24", "2001:db8::/48" or a bare address.  Set host bits are an
 * error: a typo in an allow-list must be seen.  False leaves *out alone. */
bool prefix_parse(struct prefix *out, const char *text);
/* "192.0.2.7/32", "2001:db8:1:2::/64": always with its length. */
const char *prefix_format(const struct prefix *, char buf[static PREFIX_TEXT_SIZE]);
bool prefix_contains(const struct prefix *, const struct addr *);
bool prefix_overlaps(const struct prefix *, const struct prefix *);
/* The prefix of len bits (as in struct prefix) around an address. */
struct prefix prefix_of(const struct addr *, uint8_t len);
bool prefix_equal(const struct prefix *, const struct prefix *);

/* The sender an address belongs to. */
static inline sender_key
addr_sender(const struct addr *a)
{
	return addr_is_v4(a) ? SENDER_KEY_V4 | (addr_half(a, 1) & UINT32_MAX) : addr_half(a, 0);
}
/* The lower half of an IPv6 address: which host of the /64; 0 for IPv4. */
static inline uint64_t
addr_host(const struct addr *a)
{
	return addr_is_v4(a) ? 0 : addr_half(a, 1);
}
static inline bool
sender_is_v4(sender_key key)
{
	return key >> 32 == SENDER_KEY_V4 >> 32;
}
/* The address of a sender's host: what addr_sender() and addr_host() took apart. */
struct addr sender_addr(sender_key, uint64_t host);
/* A sender as /32 or /64. */
struct prefix sender_prefix(sender_key);
/* The sender that a prefix names: false unless it is an IPv4 /32, or an IPv6 /64 to /128. */
bool prefix_sender(const struct prefix *, sender_key *out);

#endif
