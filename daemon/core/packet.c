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

/* Who can send from there?  Not a loopback, a multicast, an unspecified or a mapped address. */
static bool
bad_source_v4(const uint8_t *a)
{
	return a[0] == 0 || a[0] == 127 || a[0] >= 224;
}

static bool
bad_source_v6(const uint8_t *a)
{
	/* 0000::/8 holds unspecified, loopback, mapped and NAT64's well-known prefix's neighbours; ff00::/8 multicast. */
	return a[0] == 0 ? be16(a) != 0x0064 : a[0] == 0xff;
}

static enum packet_result
decode_ipv4(struct packet *out, struct ip *ip, struct cursor c, bool quoted)
{
	size_t header, total;
	uint16_t fragment;

	if (c.n < 20)
		return PACKET_SHORT;
	if (c.p[0] >> 4 != 4)
		return PACKET_NOT_IP;
	header = (size_t)(c.p[0] & 15) * 4;
	total = be16(c.p + 2);
	if (header < 20)
		return PACKET_BAD_IHL;
	if (total == 0)
		total = c.n;		/* segmentation offload leaves it open: believe the capture */
	if (total < header)
		return PACKET_BAD_LENGTH;
	if (c.n < header)
		return PACKET_BAD_IHL;
	fragment = be16(c.p + 6);
	if ((fragment & 0x1fff) != 0)
		return PACKET_FRAGMENT;
	if (!quoted && bad_source_v4(c.p + 12))
		return PACKET_BAD_SOURCE;
	out->src = addr_from_v4(c.p + 12);
	out->dst = addr_from_v4(c.p + 16);
	out->fp.version = 4;
	out->fp.ttl = c.p[8];
	out->fp.ip_options = (uint8_t)(header - 20);
	out->fp.quirks = fingerprint_ipv4_quirks(c.p[1], fragment, be16(c.p + 4));
	ip->proto = c.p[9];
	ip->claimed = total - header;
	/* Ethernet pads short frames: what lies behind the claimed end is not the packet's. */
	if (c.n > total)
		c.n = total;
	skip(&c, header);
	ip->rest = c;
	return PACKET_OK;
}

static enum packet_result
decode_ipv6(struct packet *out, struct ip *ip, struct cursor c, bool quoted)
{
	size_t claimed, all;
	uint8_t next;

	if (c.n < 40)
		return PACKET_SHORT;
	if (c.p[0] >> 4 != 6)
		return PACKET_NOT_IP;
	if (!quoted && bad_source_v6(c.p + 8))
		return PACKET_BAD_SOURCE;
	out->src = addr_from_v6(c.p + 8);
	out->dst = addr_from_v6(c.p + 24);
	out->fp.version = 6;
	out->fp.ttl = c.p[7];
	out->fp.quirks = fingerprint_ipv6_quirks(be32(c.p));
	claimed = all = be16(c.p + 4);
	next = c.p[6];
	skip(&c, 40);
	if (claimed == 0)
		claimed = all = c.n;
	if (c.n > claimed)
		c.n = claimed;
	for (int i = 0; ; i++) {
		size_t header;

		if (next == PROTO_TCP || next == PROTO_ICMP6)
			break;
		if (next != PROTO_HOPOPTS && next != PROTO_ROUTING && next != PROTO_FRAGMENT && next != PROTO_AH &&
		    next != PROTO_DSTOPTS)
			return PACKET_NOT_TCP;
		if (i == MAX_EXTENSIONS || c.n < 8)
			return PACKET_EXTENSIONS;
		header = next == PROTO_FRAGMENT ? 8 : next == PROTO_AH ? ((size_t)c.p[1] + 2) * 4 :
		    ((size_t)c.p[1] + 1) * 8;
		if (next == PROTO_FRAGMENT && (be16(c.p + 2) & 0xfff8) != 0)
			return PACKET_FRAGMENT;
		if (header > c.n)
			return PACKET_EXTENSIONS;	/* the chain leads out of the packet */
		next = c.p[0];
		skip(&c, header);
		claimed -= header;
	}
	out->fp.ip_options = (uint8_t)(all - claimed > 255 ? 255 : all - claimed);
	ip->proto = next;
	ip->claimed = claimed;
	ip->rest = c;
	return PACKET_OK;
}

static enum packet_result
decode_ip(struct packet *out, struct ip *ip, struct cursor c, bool quoted)
{
	if (c.n == 0)
		return PACKET_SHORT;
	return c.p[0] >> 4 == 6 ? decode_ipv6(out, ip, c, quoted) : decode_ipv4(out, ip, c, quoted);
}

static enum packet_result
decode_tcp(struct packet *out, const struct ip *ip)
{
	const uint8_t *p = ip->rest.p;
	size_t header, captured;
	uint8_t flags;

	if (ip->rest.n < 20)
		return PACKET_SHORT;
	out->sport = be16(p);
	out->dport = be16(p + 2);
	if (out->sport != MAIL_PORT && out->dport != MAIL_PORT)
		return PACKET_NOT_MAIL;
	if (out->sport == 0 || out->dport == 0)
		return PACKET_BAD_PORT;
	if (addr_equal(&out->src, &out->dst))
		return PACKET_BAD_SOURCE;
	header = (size_t)(p[12] >> 4) * 4;
	if (header < 20 || header > ip->claimed)
		return PACKET_BAD_OFFSET;
	out->seq = be32(p + 4);
	out->ack = be32(p + 8);
	out->payload = (uint16_t)(ip->claimed - header > UINT16_MAX ? UINT16_MAX : ip->claimed - header);
	flags = p[13];
	if ((flags & TCP_SYN) != 0) {
		if ((flags & (TCP_FIN | TCP_RST)) != 0)
			return PACKET_BAD_FLAGS;
		out->kind = (flags & TCP_ACK) != 0 ? PACKET_SYNACK : PACKET_SYN;
	} else if ((flags & TCP_RST) != 0) {
		out->kind = PACKET_RST;
	} else if ((flags & (TCP_ACK | TCP_FIN)) == TCP_ACK) {
		out->kind = PACKET_ACK;
	} else {
		return PACKET_UNINTERESTING;
	}
	if (out->kind != PACKET_SYN) {
		out->fp = (struct fingerprint){ 0 };
		return PACKET_OK;
	}
	captured = header < ip->rest.n ? header : ip->rest.n;
	fingerprint_tcp(&out->fp, p, captured, header, out->payload);
	return PACKET_OK;
}

/* An unreachable quotes the segment that it is about: its first 8 bytes hold ports and sequence number. */
static enum packet_result
decode_unreachable(struct packet *out, const struct ip *ip)
{
	struct cursor c = ip->rest;
	struct ip quoted;
	enum packet_result result;

	if (c.n < 8)
		return PACKET_SHORT;
	if (c.p[0] != (ip->proto == PROTO_ICMP ? 3 : 1))
		return PACKET_NOT_TCP;
	skip(&c, 8);
	result = decode_ip(out, &quoted, c, true);
	if (result != PACKET_OK)
		return result;
	out->fp = (struct fingerprint){ 0 };
	if (quoted.proto != PROTO_TCP)
		return PACKET_NOT_TCP;
	if (quoted.rest.n < 8)
		return PACKET_SHORT;
	out->sport = be16(quoted.rest.p);
	out->dport = be16(quoted.rest.p + 2);
	if (out->dport != MAIL_PORT)
		return PACKET_NOT_MAIL;
	out->seq = be32(quoted.rest.p + 4);
	out->ack = 0;
	out->payload = 0;
	out->kind = PACKET_UNREACH;
	return PACKET_OK;
}

/* Walk the link layer: leaves the cursor at the IP header. */
static enum packet_result
decode_link(struct cursor *c, enum packet_link link)
{
	uint16_t type;
	size_t header = 0;

	switch (link) {
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
		if (i == MAX_VLANS)
			return PACKET_VLANS;
		if (c->n < 4)
			return PACKET_SHORT;
		type = be16(c->p + 2);
		skip(c, 4);
	}
	return type == ETHER_IPV4 || type == ETHER_IPV6 ? PACKET_OK : PACKET_NOT_IP;
}

enum packet_result
packet_decode(struct packet *out, enum packet_link link, const uint8_t *frame, size_t caplen, size_t len)
{
	/* Some writers claim more captured than there was on the wire. */
	struct cursor c = { .p = frame, .n = caplen < len ? caplen : len };
	enum packet_result result = decode_link(&c, link);
	struct ip ip;

	if (result != PACKET_OK)
		return result;
	out->fp = (struct fingerprint){ 0 };
	out->spare = 0;
	result = decode_ip(out, &ip, c, false);
	if (result != PACKET_OK)
		return result;
	if (ip.proto == PROTO_TCP)
		return decode_tcp(out, &ip);
	if (ip.proto == PROTO_ICMP || ip.proto == PROTO_ICMP6)
		return decode_unreachable(out, &ip);
	return PACKET_NOT_TCP;
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
