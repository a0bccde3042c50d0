/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet.c - hostile bytes to one flat value.
 *
 * Every read stands behind a check that names the lie it catches.  A cursor that
 * only shrinks walks the frame: what it does not hold cannot be read.
 */
#include "mxtrap/packet.h"

#include <string.h>

#include "fingerprint.h"

#define MAIL_PORT	25
#define MAX_VLANS	2
#define MAX_EXTENSIONS	8

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

enum { ETHER_IPV4 = 0x0800, ETHER_IPV6 = 0x86dd, ETHER_VLAN = 0x8100, ETHER_QINQ = 0x88a8, ETHER_QINQ_OLD = 0x9100 };
enum { PROTO_HOPOPTS = 0, PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_ROUTING = 43, PROTO_FRAGMENT = 44, PROTO_AH = 51,
	PROTO_ICMP6 = 58, PROTO_DSTOPTS = 60 };

struct cursor {
	const uint8_t *p;
	size_t n;			/* bytes that may be read */
};

struct ip {				/* what the IP header says about the rest */
	struct cursor rest;		/* captured part of the payload */
	size_t	 claimed;		/* what the lengths claim of it */
	uint8_t	 proto;
	bool	 fragment;		/* the first of several */
};

static inline uint16_t
be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void
skip(struct cursor *c, size_t n)
{
	c->p += n;
	c->n -= n;
}

/* Lie: nobody sends from "this network", a loopback, a multicast, a reserved or the broadcast address. */
static bool
bad_source_v4(const uint8_t *a)
{
	return a[0] == 0 || a[0] == 127 || a[0] >= 224;
}

/*
 * Lie: nobody sends from ff00::/8, nor from 0000::/8 (unspecified, loopback, IPv4-mapped, which would pass for
 * an IPv4 sender), but for NAT64's 64:ff9b::/96.
 */
static bool
bad_source_v6(const uint8_t *a)
{
	return a[0] == 0 ? be16(a) != 0x0064 : a[0] == 0xff;
}

/* Lie: on the wire an IPv4-mapped destination would pass for one of our IPv4 addresses. */
static bool
bad_destination_v6(const uint8_t *a)
{
	return be32(a) == 0 && be32(a + 4) == 0 && be32(a + 8) == 0x0000ffff;
}

static inline enum packet_result
decode_ipv4(struct packet *out, struct ip *ip, struct cursor c)
{
	size_t header, total;
	uint16_t fragment;

	if (c.n < 20)			/* the frame ends inside the header */
		return PACKET_SHORT;
	if (c.p[0] >> 4 != 4)		/* lie: the link layer said IPv4 */
		return PACKET_NOT_IP;
	header = (size_t)(c.p[0] & 15) * 4;
	total = be16(c.p + 2);
	if (header < 20)		/* lie: a header shorter than a header */
		return PACKET_BAD_IHL;
	if (total == 0)
		total = c.n;		/* segmentation offload leaves it open: believe the capture */
	if (total < header)		/* lie: a packet shorter than its header */
		return PACKET_BAD_LENGTH;
	if (c.n < header)		/* lie, or cut off: options beyond the frame */
		return PACKET_BAD_IHL;
	fragment = be16(c.p + 6);
	if ((fragment & 0x1fff) != 0)	/* what follows is no TCP header, whatever it looks like */
		return PACKET_FRAGMENT;
	if (bad_source_v4(c.p + 12))
		return PACKET_BAD_SOURCE;
	out->src = addr_from_v4(c.p + 12);
	out->dst = addr_from_v4(c.p + 16);
	out->fp.version = 4;
	out->fp.ttl = c.p[8];
	out->fp.ip_options = (uint8_t)(header - 20);
	out->fp.quirks = fingerprint_ipv4_quirks(c.p[1], fragment, be16(c.p + 4));
	ip->proto = c.p[9];
	ip->fragment = (fragment & 0x2000) != 0;
	ip->claimed = total - header;
	/* Ethernet pads short frames: what lies behind the claimed end is not the packet's. */
	if (c.n > total)
		c.n = total;
	skip(&c, header);
	ip->rest = c;
	return PACKET_OK;
}

/* Walk the extension headers: leaves the cursor at what they carry. */
static enum packet_result
walk_extensions(struct ip *ip, struct cursor *c, uint8_t next)
{
	for (int i = 0; next != PROTO_TCP && next != PROTO_ICMP6; i++) {
		size_t header;

		if (next != PROTO_HOPOPTS && next != PROTO_ROUTING && next != PROTO_FRAGMENT && next != PROTO_AH &&
		    next != PROTO_DSTOPTS)
			return PACKET_NOT_TCP;
		if (i == MAX_EXTENSIONS)	/* lie: nobody honest needs so many */
			return PACKET_EXTENSIONS;
		if (c->n < 8)			/* the chain ends inside a header */
			return PACKET_EXTENSIONS;
		header = next == PROTO_FRAGMENT ? 8 : next == PROTO_AH ? ((size_t)c->p[1] + 2) * 4 :
		    ((size_t)c->p[1] + 1) * 8;
		if (next == PROTO_FRAGMENT) {
			if ((be16(c->p + 2) & 0xfff8) != 0)	/* not the first: no TCP header follows */
				return PACKET_FRAGMENT;
			ip->fragment = (c->p[3] & 1) != 0;
		}
		if (header > c->n)		/* lie: the chain leads out of the packet */
			return PACKET_EXTENSIONS;
		next = c->p[0];
		skip(c, header);
		ip->claimed -= header;		/* c->n <= claimed: never below 0 */
	}
	ip->proto = next;
	return PACKET_OK;
}

static enum packet_result
decode_ipv6(struct packet *out, struct ip *ip, struct cursor c)
{
	enum packet_result result;
	size_t all, extensions;
	uint8_t next;

	if (c.n < 40)			/* the frame ends inside the header */
		return PACKET_SHORT;
	if (c.p[0] >> 4 != 6)		/* lie: the link layer said IPv6 */
		return PACKET_NOT_IP;
	if (bad_source_v6(c.p + 8) || bad_destination_v6(c.p + 24))
		return PACKET_BAD_SOURCE;
	out->src = addr_from_v6(c.p + 8);
	out->dst = addr_from_v6(c.p + 24);
	out->fp.version = 6;
	out->fp.ttl = c.p[7];
	out->fp.quirks = fingerprint_ipv6_quirks(be32(c.p));
	all = be16(c.p + 4);
	next = c.p[6];
	skip(&c, 40);
	if (all == 0)
		all = c.n;		/* a jumbogram, or segmentation offload: believe the capture */
	if (c.n > all)			/* padding is not the packet's */
		c.n = all;
	ip->claimed = all;
	ip->fragment = false;
	result = walk_extensions(ip, &c, next);
	extensions = all - ip->claimed;
	out->fp.ip_options = (uint8_t)(extensions > 255 ? 255 : extensions);
	ip->rest = c;
	return result;
}

static enum packet_result
decode_ip(struct packet *out, struct ip *ip, struct cursor c, uint8_t version)
{
	if (c.n == 0)			/* the frame ends where IP should begin */
		return PACKET_SHORT;
	if (version == 0)
		version = c.p[0] >> 4;
	return version == 6 ? decode_ipv6(out, ip, c) : decode_ipv4(out, ip, c);
}

static inline enum packet_result
decode_tcp(struct packet *out, const struct ip *ip)
{
	const uint8_t *p = ip->rest.p;
	size_t header, payload;
	uint8_t flags;

	if (ip->claimed < 20)		/* lie: less than a TCP header; of a fragment, the hiding of one (RFC 1858) */
		return ip->fragment ? PACKET_FRAGMENT : PACKET_BAD_LENGTH;
	if (ip->rest.n < 20)		/* the frame ends inside the header */
		return PACKET_SHORT;
	out->sport = be16(p);
	out->dport = be16(p + 2);
	if (out->sport != MAIL_PORT && out->dport != MAIL_PORT)
		return PACKET_NOT_MAIL;
	if (out->sport == 0 || out->dport == 0)		/* lie: no stack sends from or to port 0 */
		return PACKET_BAD_PORT;
	if (addr_equal(&out->src, &out->dst))		/* lie: a "land" packet */
		return PACKET_BAD_SOURCE;
	header = (size_t)(p[12] >> 4) * 4;
	if (header < 20 || header > ip->claimed)	/* lie: the data begins inside the header, or behind the packet */
		return PACKET_BAD_OFFSET;
	flags = p[13];
	if ((flags & TCP_SYN) != 0) {
		if ((flags & (TCP_FIN | TCP_RST)) != 0)	/* lie: opens and closes at once */
			return PACKET_BAD_FLAGS;
		out->kind = (flags & TCP_ACK) != 0 ? PACKET_SYNACK : PACKET_SYN;
	} else if ((flags & TCP_RST) != 0) {
		out->kind = PACKET_RST;
	} else if ((flags & (TCP_ACK | TCP_FIN)) == TCP_ACK) {
		out->kind = PACKET_ACK;
	} else {
		return PACKET_UNINTERESTING;
	}
	payload = ip->claimed - header;
	out->payload = (uint16_t)(payload > UINT16_MAX ? UINT16_MAX : payload);
	out->seq = be32(p + 4);
	out->ack = be32(p + 8);
	if (out->kind == PACKET_SYN)
		fingerprint_tcp(&out->fp, p, header < ip->rest.n ? header : ip->rest.n, header, payload);
	else
		out->fp = (struct fingerprint){ 0 };
	return PACKET_OK;
}

/*
 * An unreachable quotes the segment that it is about: its first 8 bytes hold ports and
 * sequence number.  The quote is no better than any other packet: it is checked alike.
 */
static enum packet_result
decode_unreachable(struct packet *out, const struct ip *ip, uint8_t version)
{
	struct cursor c = ip->rest;
	struct ip quoted;
	struct addr told = out->dst;
	enum packet_result result;

	/* Lie: ICMP of the other family. */
	if (ip->proto != (version == 4 ? PROTO_ICMP : PROTO_ICMP6) || ip->fragment)
		return PACKET_NOT_TCP;
	if (c.n < 8)			/* the frame ends inside the header */
		return PACKET_SHORT;
	/* "Fragmentation needed" (code 4 of IPv4) refuses nothing. */
	if (c.p[0] != (version == 4 ? 3 : 1) || (version == 4 && c.p[1] == 4))
		return PACKET_NOT_TCP;
	skip(&c, 8);
	result = version == 4 ? decode_ipv4(out, &quoted, c) : decode_ipv6(out, &quoted, c);
	if (result != PACKET_OK)
		return result;
	out->fp = (struct fingerprint){ 0 };
	if (quoted.proto != PROTO_TCP)
		return PACKET_NOT_TCP;
	/* Lie: the one who opened is not told, but somebody else is: a stranger's word that we refused him. */
	if (!addr_equal(&told, &out->src))
		return PACKET_BAD_SOURCE;
	if (quoted.rest.n < 8)		/* less than the 8 bytes that every quote has (RFC 792) */
		return PACKET_SHORT;
	out->sport = be16(quoted.rest.p);
	out->dport = be16(quoted.rest.p + 2);
	if (out->dport != MAIL_PORT)
		return PACKET_NOT_MAIL;
	if (out->sport == 0)		/* lie: no stack sends from port 0 */
		return PACKET_BAD_PORT;
	if (addr_equal(&out->src, &out->dst))	/* lie: a "land" packet */
		return PACKET_BAD_SOURCE;
	out->seq = be32(quoted.rest.p + 4);
	out->ack = 0;
	out->payload = 0;
	out->kind = PACKET_UNREACH;
	return PACKET_OK;
}

/* Walk the link layer: leaves the cursor at the IP header.  *version: what it says follows, 0: it does not. */
static enum packet_result
decode_link(struct cursor *c, enum packet_link link, uint8_t *version)
{
	uint16_t type;
	size_t header = 0;

	*version = 0;
	switch (link) {
	/* Each: the frame ends inside the link header. */
	case LINK_ETHERNET:
		if (c->n < 14)
			return PACKET_SHORT;
		type = be16(c->p + 12);
		header = 14;
		break;
	case LINK_SLL:
		if (c->n < 16)
			return PACKET_SHORT;
		type = be16(c->p + 14);
		header = 16;
		break;
	case LINK_SLL2:
		if (c->n < 20)
			return PACKET_SHORT;
		type = be16(c->p);
		header = 20;
		break;
	case LINK_NULL:
	case LINK_LOOP:
		/* The address family's number and byte order are the recording host's: the IP version tells. */
		if (c->n < 4)
			return PACKET_SHORT;
		skip(c, 4);
		return PACKET_OK;
	case LINK_RAW:
		return PACKET_OK;
	default:
		return PACKET_NOT_IP;
	}
	skip(c, header);
	for (int i = 0; type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD; i++) {
		if (i == MAX_VLANS)	/* lie: tags upon tags hide what is inside */
			return PACKET_VLANS;
		if (c->n < 4)		/* the frame ends inside a tag */
			return PACKET_SHORT;
		type = be16(c->p + 2);
		skip(c, 4);
	}
	*version = type == ETHER_IPV4 ? 4 : 6;
	return type == ETHER_IPV4 || type == ETHER_IPV6 ? PACKET_OK : PACKET_NOT_IP;
}

enum packet_result
packet_decode(struct packet *out, enum packet_link link, const uint8_t *frame, size_t caplen, size_t len)
{
	/* Some writers claim more captured than there was on the wire: believe the smaller. */
	struct cursor c = { .p = frame, .n = caplen < len ? caplen : len };
	enum packet_result result;
	struct ip ip;

	out->fp = (struct fingerprint){ 0 };
	out->spare = 0;
	/* Nearly every frame is Ethernet, IPv4 or IPv6, without a tag. */
	if (link == LINK_ETHERNET && c.n >= 34 && be16(c.p + 12) == ETHER_IPV4) {
		skip(&c, 14);
		result = decode_ipv4(out, &ip, c);
	} else {
		uint8_t version;

		result = decode_link(&c, link, &version);
		if (result == PACKET_OK)
			result = decode_ip(out, &ip, c, version);
	}
	if (result != PACKET_OK)
		return result;
	if (ip.proto == PROTO_TCP)
		return decode_tcp(out, &ip);
	if (ip.proto == PROTO_ICMP || ip.proto == PROTO_ICMP6)
		return decode_unreachable(out, &ip, out->fp.version);
	return PACKET_NOT_TCP;
}

uint16_t
packet_ether_type(enum packet_link link, const uint8_t *frame, size_t caplen)
{
	size_t at = link == LINK_ETHERNET ? 12 : link == LINK_SLL ? 14 : 0;
	uint16_t type = 0;

	if (link != LINK_ETHERNET && link != LINK_SLL && link != LINK_SLL2)
		return 0;
	for (int i = 0; i <= MAX_VLANS && at + 2 <= caplen; i++) {
		type = be16(frame + at);
		if (type != ETHER_VLAN && type != ETHER_QINQ && type != ETHER_QINQ_OLD)
			break;
		at += i == 0 && link == LINK_SLL2 ? 22 : 4;	/* there it stands first; the tag is behind the header */
	}
	return at + 2 <= caplen ? type : 0;
}

const char *
packet_result_name(enum packet_result result)
{
	static const char *const names[PACKET_N_RESULTS] = {
		[PACKET_OK] = "ok", [PACKET_NOT_IP] = "not-ip", [PACKET_NOT_TCP] = "not-tcp",
		[PACKET_NOT_MAIL] = "not-mail", [PACKET_UNINTERESTING] = "uninteresting",
		[PACKET_SHORT] = "short", [PACKET_BAD_LENGTH] = "bad-length", [PACKET_BAD_IHL] = "bad-ihl",
		[PACKET_BAD_OFFSET] = "bad-offset", [PACKET_BAD_FLAGS] = "bad-flags",
		[PACKET_BAD_SOURCE] = "bad-source", [PACKET_BAD_PORT] = "bad-port",
		[PACKET_FRAGMENT] = "fragment", [PACKET_EXTENSIONS] = "extensions", [PACKET_VLANS] = "vlans",
	};

	return names[result];
}
