/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet.h - one frame of hostile bytes, decoded into one flat value.
 *
 * Nothing behind this module sees bytes.  It believes the smaller of captured
 * and claimed length, honours IHL and the data offset, walks at most 8 IPv6
 * extension headers, and takes first fragments only.  What lies is counted by
 * the kind of lie and dropped (RFC 791, 8200, 9293; p0f's process.c for the
 * habit).  It never allocates and knows nothing of rungs.
 */
#ifndef MXTRAP_PACKET_H
#define MXTRAP_PACKET_H

#include "mxtrap/addr.h"

enum packet_kind {
	PACKET_SYN,		/* SYN without ACK, RST, FIN: someone opens */
	PACKET_SYNACK,		/* the answerer agrees */
	PACKET_RST,		/* either side refuses or breaks off */
	PACKET_ACK,		/* ACK without SYN, RST: may complete a handshake */
	PACKET_UNREACH,		/* ICMP destination unreachable about a TCP segment; src and
				 * dst are those of the quoted segment (src = who opened) */
};

/* Why a frame did not become a packet; also the index of the counters. */
enum packet_result {
	PACKET_OK,
	PACKET_NOT_IP,		/* ARP and the like: no lie, no interest */
	PACKET_NOT_TCP,		/* another protocol, or ICMP that quotes no TCP */
	PACKET_NOT_MAIL,	/* neither port is 25 */
	PACKET_UNINTERESTING,	/* FIN, or flags that open, answer, refuse or prove nothing */
	PACKET_SHORT,		/* the frame ends inside a header */
	PACKET_BAD_LENGTH,	/* total length smaller than its headers */
	PACKET_BAD_IHL,		/* IHL below 5, or beyond the packet */
	PACKET_BAD_OFFSET,	/* TCP data offset below 5, or beyond the packet */
	PACKET_BAD_FLAGS,	/* SYN+FIN, SYN+RST */
	PACKET_BAD_SOURCE,	/* loopback, multicast, broadcast, unspecified, mapped; or src = dst */
	PACKET_BAD_PORT,	/* port 0 */
	PACKET_FRAGMENT,	/* not the first fragment, or a first one without its TCP header */
	PACKET_EXTENSIONS,	/* more than 8 IPv6 extension headers, or a chain that ends badly */
	PACKET_VLANS,		/* more than 2 VLAN tags */
	PACKET_N_RESULTS
};

/* Link types as in a savefile's header, mapped by watch/capture from DLT_*. */
enum packet_link { LINK_ETHERNET, LINK_SLL, LINK_SLL2, LINK_RAW, LINK_NULL, LINK_LOOP };

/* A SYN's fingerprint, as p0f 3 sees it: facts, not text. */
struct fingerprint {
	uint64_t layout;	/* option kinds in order, 4 bits each, first in the lowest;
				 * 0 ends; enum fingerprint_option */
	uint32_t quirks;	/* 1 << enum fingerprint_quirk */
	uint16_t mss;		/* 0: no such option */
	uint16_t window;
	uint8_t	 version;	/* 4 or 6 */
	uint8_t	 ttl;		/* as received */
	uint8_t	 ip_options;	/* bytes of IPv4 options or IPv6 extension headers */
	uint8_t	 wscale;
	uint8_t	 pad;		/* bytes behind the end-of-options option */
	uint8_t	 unknown;	/* kind of the first unknown option */
	uint8_t	 payload;	/* 1: the SYN carried data */
	uint8_t	 spare;
};

#define FINGERPRINT_TEXT_SIZE 160

struct packet {
	int64_t	    time_us;	/* Unix time, as captured */
	struct addr src, dst;
	uint32_t    seq, ack;
	uint16_t    sport, dport;
	uint16_t    payload;	/* bytes of TCP payload that the lengths claim */
	uint8_t	    kind;	/* enum packet_kind */
	uint8_t	    spare;
	struct fingerprint fp;	/* only for PACKET_SYN; else zero */
};

/*
 * Decode one frame.  caplen bytes may be read, len is what was on the wire.
 * time_us is left to the caller.  On any result but PACKET_OK *out is unspecified.
 */
enum packet_result packet_decode(struct packet *out, enum packet_link link, const uint8_t *frame,
    size_t caplen, size_t len);
/* The EtherType behind up to two VLAN tags; 0: there is none, or the frame ends before it. */
uint16_t packet_ether_type(enum packet_link, const uint8_t *frame, size_t caplen);
/* "bad-ihl": the name of a result, for counters.  Static. */
const char *packet_result_name(enum packet_result);
/* p0f's notation: `4:64+0:0:1460:mss*20,7:mss,sok,ts,nop,ws:df,id+:0` (p0f README, section 5;
 * ttl as guessed initial "+" distance).  Returns buf. */
const char *fingerprint_format(const struct fingerprint *, char buf[static FINGERPRINT_TEXT_SIZE]);
/* May two SYNs of different families come from one stack?  Layout, window scale and the
 * time-stamp habit agree; mss, window and ttl differ between families and are not asked. */
static inline bool
fingerprint_akin(const struct fingerprint *a, const struct fingerprint *b)
{
	return a->layout == b->layout && a->wscale == b->wscale;
}

#endif
