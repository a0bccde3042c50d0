/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns.h - a DNSBL's answer to one question (RFC 5782), bytes to bytes.
 *
 * What mail servers ask a thousand times a second is read and answered by hand, bounds-checked;
 * everything else (the apex, odd headers, versions of EDNS) goes through ldns (dns_ldns.c).
 */
#ifndef MXTRAP_DNS_H
#define MXTRAP_DNS_H

#include "feed.h"

#define DNS_QUERY_MAX	512		/* a longer one is none of ours: the longest name, EDNS, and room */
#define DNS_REPLY_MAX	1232		/* fits a datagram on any path; ours are shorter */
#define DNS_TTL_S	300
#define DNS_NEGATIVE_S	60

struct dns_zone {
	char	 name[256];		/* "bl.example.org", lower case */
	uint8_t	 wire[256];		/* the same as labels (RFC 1035 section 3.1) */
	size_t	 wire_size;		/* with the root's zero */
	bool	 suspects;		/* also serve suspect.ZONE */
	const char *contact;		/* of the configuration; "" */
	char	 address[ADDR_TEXT_SIZE];	/* where we listen: of ns.ZONE */
};

struct dns_counters {
	uint64_t queries, listed, not_listed, suspects, refused, malformed, dropped, slipped, tcp, tcp_full;
};

enum dns_verdict {
	DNS_DONE,			/* out holds the reply */
	DNS_ODD,			/* not for the hand-written path */
	DNS_DROP,			/* no reply: it is one itself, or shorter than a header */
};

/* False: the name has no room in a DNSBL's zone. */
bool dns_zone_init(struct dns_zone *, const char *name, bool suspects, const char *contact, const char *listen);
/* The SOA's serial: grows with the list's, and from one database to the next. */
static inline uint32_t
dns_serial(const struct feed *f)
{
	return (uint32_t)((uint64_t)f->created_s + f->serial);
}
/* The common questions.  *n: the reply's size.  c is counted up. */
enum dns_verdict dns_quick(const struct dns_zone *, const struct feed *, int64_t now_s, const uint8_t *query, size_t size,
    uint8_t out[static DNS_REPLY_MAX], size_t *n, struct dns_counters *c);
/* All others; through ldns.  False: no reply. */
bool dns_odd(const struct dns_zone *, const struct feed *, const uint8_t *query, size_t size,
    uint8_t out[static DNS_REPLY_MAX], size_t *n, struct dns_counters *c);
/* A question that will be answered in a moment: have the place in memory fetched that it most likely is about. */
void dns_prefetch(const struct feed *, const uint8_t *query, size_t size);
/* Whichever of the two it takes; returns the reply's size, 0: none. */
size_t dns_answer(const struct dns_zone *, const struct feed *, int64_t now_s, const uint8_t *query, size_t size,
    uint8_t out[static DNS_REPLY_MAX], struct dns_counters *c);

/* What a name below a DNSBL's zone asks for. */
enum dns_name {
	DNS_NAME_NONE,			/* no address, and none could be below it */
	DNS_NAME_PART,			/* the beginning of one: nothing is here, something may be below */
	DNS_NAME_ADDR,
};
/* labels: what stands before the zone, as labels without the root's zero (RFC 5782 sections 2.1, 2.4). */
enum dns_name dns_read_name(const uint8_t *labels, size_t size, struct addr *out);

#endif
