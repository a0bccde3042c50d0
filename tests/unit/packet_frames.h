/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet_frames.h - frames for test_packet.c: each is one change to a good one, and named for it.
 */
#ifndef MXTRAP_TESTS_PACKET_FRAMES_H
#define MXTRAP_TESTS_PACKET_FRAMES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../support/frame.h"
#include "mxtrap/packet.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define CLIENT	"192.0.2.7"
#define DECOY	"198.51.100.10"
#define CLIENT6 "2001:db8:1::7"
#define DECOY6	"2001:db8::10"

struct row {
	const char *name;
	void (*build)(struct frame *);
	enum packet_link link;
	enum packet_result result;
	enum packet_kind kind;		/* if PACKET_OK */
	uint16_t payload;
	uint16_t behind;		/* bytes at the end that may be missing without a loss */
};

/* -- what is taken -- */

static void syn(struct frame *f) { frame_segment(f, CLIENT, DECOY, 40000, 25, 100, 0, FRAME_SYN, 0); }
static void syn6(struct frame *f) { frame_segment(f, CLIENT6, DECOY6, 40000, 25, 100, 0, FRAME_SYN, 0); }
static void synack(struct frame *f) { frame_segment(f, DECOY, CLIENT, 25, 40000, 900, 101, FRAME_SYN | FRAME_ACK, 0); }
static void rst(struct frame *f) { frame_segment(f, DECOY, CLIENT, 25, 40000, 0, 101, FRAME_RST | FRAME_ACK, 0); }
static void ack(struct frame *f) { frame_segment(f, CLIENT, DECOY, 40000, 25, 101, 901, FRAME_ACK, 0); }
static void talks(struct frame *f) { frame_segment(f, CLIENT, DECOY, 40000, 25, 101, 901, FRAME_ACK | FRAME_PSH, 19); }

static inline void
padded(struct frame *f)
{
	ack(f);
	frame_zeros(f, 6);		/* Ethernet's least is 60 bytes */
}

static inline void
one_tag(struct frame *f)
{
	frame_ethernet(f, 0x8100);
	frame_vlan(f, 7, 0x0800);
	frame_ipv4(f, CLIENT, DECOY, 6, 20);
	frame_tcp(f, 40000, 25, 100, 0, FRAME_SYN, NULL, 0);
}

static inline void
two_tags(struct frame *f)
{
	frame_ethernet(f, 0x88a8);
	frame_vlan(f, 7, 0x9100);
	frame_vlan(f, 8, 0x86dd);
	frame_ipv6(f, CLIENT6, DECOY6, 6, 20);
	frame_tcp(f, 40000, 25, 100, 0, FRAME_SYN, NULL, 0);
}

static inline void
three_tags(struct frame *f)
{
	frame_ethernet(f, 0x8100);
	frame_vlan(f, 7, 0x8100);
	frame_vlan(f, 8, 0x8100);
	frame_vlan(f, 9, 0x0800);
	frame_ipv4(f, CLIENT, DECOY, 6, 20);
	frame_tcp(f, 40000, 25, 100, 0, FRAME_SYN, NULL, 0);
}

static inline void
bare(struct frame *f)
{
	frame_ipv4(f, CLIENT, DECOY, 6, 20);
	frame_tcp(f, 40000, 25, 100, 0, FRAME_SYN, NULL, 0);
}

static inline void
bare6(struct frame *f)
{
	frame_ipv6(f, CLIENT6, DECOY6, 6, 20);
	frame_tcp(f, 40000, 25, 100, 0, FRAME_SYN, NULL, 0);
}

static inline void
cooked(struct frame *f)
{
	frame_sll(f, 0x0800);
	bare(f);
}

static inline void
cooked2(struct frame *f)
{
	frame_sll2(f, 0x86dd);
	bare6(f);
}

static inline void
loopback(struct frame *f)
{
	frame_u32(f, 2);
	bare(f);
}

static inline void
loopback6(struct frame *f)
{
	frame_u32(f, 0x1e000000);	/* a BSD's AF_INET6, in its own byte order */
	bare6(f);
}

static inline void
ip_options(struct frame *f)
{
	frame_ethernet(f, 0x0800);
	frame_ipv4(f, CLIENT, DECOY, 6, 24);
	f->b[14] = 0x46;
	frame_u32(f, 0x01010100);
	frame_tcp(f, 40000, 25, 100, 0, FRAME_SYN, NULL, 0);
}

static inline void
offloaded(struct frame *f)
{
	syn(f);
	f->b[16] = f->b[17] = 0;
}

static inline void
first_fragment(struct frame *f)
{
	syn(f);
	f->b[20] = 0x20;		/* more follow */
}

/* n extension headers of 8 bytes before TCP. */
static inline void
extensions(struct frame *f, unsigned n)
{
	static const uint8_t kinds[] = { 0, 60, 43, 60 };

	frame_ethernet(f, 0x86dd);
	frame_ipv6(f, CLIENT6, DECOY6, n > 0 ? kinds[0] : 6, 20 + 8 * n);
	for (unsigned i = 0; i < n; i++) {
		frame_u8(f, i + 1 < n ? kinds[(i + 1) % 4] : 6);
		frame_u8(f, 0);
		frame_zeros(f, 6);
	}
	frame_tcp(f, 40000, 25, 100, 0, FRAME_SYN, NULL, 0);
}

static void eight_extensions(struct frame *f) { extensions(f, 8); }
static void nine_extensions(struct frame *f) { extensions(f, 9); }

static inline void
fragment6(struct frame *f, unsigned offset_and_more)
{
	frame_ethernet(f, 0x86dd);
	frame_ipv6(f, CLIENT6, DECOY6, 44, 28);
	frame_u8(f, 6);
	frame_u8(f, 0);
	frame_u16(f, offset_and_more);
	frame_u32(f, 77);
	frame_tcp(f, 40000, 25, 100, 0, FRAME_SYN, NULL, 0);
}

static void first_fragment6(struct frame *f) { fragment6(f, 1); }
static void later_fragment6(struct frame *f) { fragment6(f, 8); }

static inline void
authenticated(struct frame *f)
{
	frame_ethernet(f, 0x86dd);
	frame_ipv6(f, CLIENT6, DECOY6, 51, 44);
	frame_u8(f, 6);
	frame_u8(f, 4);			/* in words, less two: 24 bytes */
	frame_zeros(f, 22);
	frame_tcp(f, 40000, 25, 100, 0, FRAME_SYN, NULL, 0);
}

static inline void
unreachable(struct frame *f, unsigned code, unsigned quoted)
{
	frame_ethernet(f, 0x0800);
	frame_ipv4(f, "203.0.113.1", CLIENT, 1, 28 + quoted);
	frame_u8(f, 3);
	frame_u8(f, code);
	frame_zeros(f, 6);
	frame_ipv4(f, CLIENT, DECOY, 6, 40);
	frame_u16(f, 40000);
	frame_u16(f, 25);
	if (quoted >= 8)
		frame_u32(f, 100);
}

static void host_unreachable(struct frame *f) { unreachable(f, 1, 8); }
static void too_big(struct frame *f) { unreachable(f, 4, 8); }
static void quotes_ports_alone(struct frame *f) { unreachable(f, 1, 4); }

static inline void
unreachable6(struct frame *f)
{
	frame_ethernet(f, 0x86dd);
	frame_ipv6(f, "2001:db8::1", CLIENT6, 58, 8 + 40 + 20);
	frame_u8(f, 1);
	frame_u8(f, 3);
	frame_zeros(f, 6);
	frame_ipv6(f, CLIENT6, DECOY6, 6, 40);
	frame_tcp(f, 40000, 25, 100, 0, FRAME_SYN, NULL, 0);
}

/* -- what is of no interest -- */

static void arp(struct frame *f) { frame_ethernet(f, 0x0806); frame_zeros(f, 28); }
static void fin(struct frame *f) { frame_segment(f, CLIENT, DECOY, 40000, 25, 101, 901, FRAME_FIN | FRAME_ACK, 0); }
static void nothing_set(struct frame *f) { frame_segment(f, CLIENT, DECOY, 40000, 25, 101, 901, 0, 0); }
static void web(struct frame *f) { frame_segment(f, CLIENT, DECOY, 40000, 80, 100, 0, FRAME_SYN, 0); }

static inline void
udp(struct frame *f)
{
	frame_ethernet(f, 0x0800);
	frame_ipv4(f, CLIENT, DECOY, 17, 8);
	frame_u16(f, 25);
	frame_u16(f, 25);
	frame_u32(f, 8 << 16);
}

static inline void
ping(struct frame *f)
{
	frame_ethernet(f, 0x0800);
	frame_ipv4(f, CLIENT, DECOY, 1, 8);
	frame_u32(f, 0x08000000);
	frame_u32(f, 0);
}

static inline void
unreachable_udp(struct frame *f)
{
	frame_ethernet(f, 0x0800);
	frame_ipv4(f, "203.0.113.1", CLIENT, 1, 36);
	frame_u32(f, 0x03010000);
	frame_u32(f, 0);
	frame_ipv4(f, CLIENT, DECOY, 17, 16);
	frame_u32(f, 0x00190019);
	frame_u32(f, 0);
}

static inline void
unreachable_web(struct frame *f)
{
	host_unreachable(f);
	f->b[14 + 20 + 8 + 20 + 3] = 80;
}

static inline void
unreachable_far_end(struct frame *f)
{
	/* Our own SYN-ACK came back: dst port is the client's. */
	host_unreachable(f);
	f->b[14 + 20 + 8 + 20 + 1] = 25;
	f->b[14 + 20 + 8 + 20 + 0] = 0;
	f->b[14 + 20 + 8 + 20 + 2] = 0x9c;
}

/* -- what lies -- */

static void empty(struct frame *f) { (void)f; }
static void version_5(struct frame *f) { syn(f); f->b[14] = 0x55; }
static void four_in_six(struct frame *f) { frame_ethernet(f, 0x86dd); bare(f); frame_zeros(f, 20); }
static void six_in_four(struct frame *f) { frame_ethernet(f, 0x0800); bare6(f); }
static void ihl_4(struct frame *f) { syn(f); f->b[14] = 0x44; }
static void ihl_beyond(struct frame *f) { frame_ethernet(f, 0x0800); frame_ipv4(f, CLIENT, DECOY, 6, 40); f->b[14] = 0x4f; }
static void total_19(struct frame *f) { syn(f); f->b[16] = 0; f->b[17] = 19; }
static void total_below_ihl(struct frame *f) { ip_options(f); f->b[17] = 20; }
static void no_room_for_tcp(struct frame *f) { syn(f); f->b[17] = 39; }
static void tiny_fragment(struct frame *f) { syn(f); f->b[17] = 28; f->b[20] = 0x20; }
static void later_fragment(struct frame *f) { syn(f); f->b[21] = 1; }
static void offset_4(struct frame *f) { syn(f); f->b[14 + 20 + 12] = 0x40; }
static void offset_beyond(struct frame *f) { ack(f); f->b[14 + 20 + 12] = 0x60; }
static void syn_fin(struct frame *f) { frame_segment(f, CLIENT, DECOY, 40000, 25, 1, 0, FRAME_SYN | FRAME_FIN, 0); }
static void syn_rst(struct frame *f) { frame_segment(f, CLIENT, DECOY, 40000, 25, 1, 0, FRAME_SYN | FRAME_RST, 0); }
static void all_flags(struct frame *f) { frame_segment(f, CLIENT, DECOY, 40000, 25, 1, 0, 0x3f, 0); }
static void port_0(struct frame *f) { frame_segment(f, CLIENT, DECOY, 0, 25, 1, 0, FRAME_SYN, 0); }
static void land(struct frame *f) { frame_segment(f, DECOY, DECOY, 40000, 25, 1, 0, FRAME_SYN, 0); }
static void land6(struct frame *f) { frame_segment(f, DECOY6, DECOY6, 40000, 25, 1, 0, FRAME_SYN, 0); }

static inline void
from(struct frame *f, const char *src)
{
	frame_segment(f, src, strchr(src, ':') != NULL ? DECOY6 : DECOY, 40000, 25, 1, 0, FRAME_SYN, 0);
}

static void from_0(struct frame *f) { from(f, "0.1.2.3"); }
static void from_127(struct frame *f) { from(f, "127.0.0.1"); }
static void from_224(struct frame *f) { from(f, "224.0.0.1"); }
static void from_240(struct frame *f) { from(f, "240.0.0.1"); }
static void from_broadcast(struct frame *f) { from(f, "255.255.255.255"); }
static void from_private(struct frame *f) { from(f, "10.0.0.1"); }
static void from_223(struct frame *f) { from(f, "223.255.255.1"); }
static void from_unspecified6(struct frame *f) { from(f, "::"); }
static void from_loopback6(struct frame *f) { from(f, "::1"); }
static void from_multicast6(struct frame *f) { from(f, "ff02::1"); }
static void from_nat64(struct frame *f) { from(f, "64:ff9b::c000:207"); }

static inline void
mapped(struct frame *f, size_t at)
{
	static const uint8_t address[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 7 };

	syn6(f);
	memcpy(f->b + at, address, sizeof(address));
}

static void from_mapped(struct frame *f) { mapped(f, 14 + 8); }
static void to_mapped(struct frame *f) { mapped(f, 14 + 24); }

static inline void
extension_leads_out(struct frame *f)
{
	eight_extensions(f);
	f->b[14 + 40 + 7 * 8 + 1] = 255;
}

static inline void
extension_cut(struct frame *f)
{
	frame_ethernet(f, 0x86dd);
	frame_ipv6(f, CLIENT6, DECOY6, 0, 4);
	frame_u32(f, 0x06000000);
}

static inline void
no_next_header(struct frame *f)
{
	frame_ethernet(f, 0x86dd);
	frame_ipv6(f, CLIENT6, DECOY6, 59, 0);
}

#endif
