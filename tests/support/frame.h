/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.h - frames for tests, layer by layer, each byte where the test wants it.
 *
 * frame_ethernet(&f, 0x0800); frame_ipv4(&f, "192.0.2.7", "198.51.100.10", 6, 20);
 * frame_tcp(&f, 40000, 25, 1, 0, FRAME_SYN, NULL, 0);  Lies are told by writing to f.b afterwards.
 */
#ifndef MXTRAP_TESTS_FRAME_H
#define MXTRAP_TESTS_FRAME_H

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "mxtrap/addr.h"

#define FRAME_FIN 0x01
#define FRAME_SYN 0x02
#define FRAME_RST 0x04
#define FRAME_PSH 0x08
#define FRAME_ACK 0x10
#define FRAME_URG 0x20

struct frame {				/* start from = { 0 } */
	uint8_t b[2048];
	size_t	n;
};

/* As Linux sends it: mss 1460, sack, time stamps, window scale 7. */
static const uint8_t frame_linux_options[20] = { 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7 };

static inline void
frame_bytes(struct frame *f, const void *bytes, size_t n)
{
	assert(f->n + n <= sizeof(f->b));
	if (n > 0)
		memcpy(f->b + f->n, bytes, n);
	f->n += n;
}

static inline void
frame_zeros(struct frame *f, size_t n)
{
	assert(f->n + n <= sizeof(f->b));
	memset(f->b + f->n, 0, n);
	f->n += n;
}

static inline void
frame_u8(struct frame *f, unsigned v)
{
	const uint8_t b = (uint8_t)v;

	frame_bytes(f, &b, 1);
}

static inline void
frame_u16(struct frame *f, unsigned v)
{
	const uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	frame_bytes(f, b, 2);
}

static inline void
frame_u32(struct frame *f, uint32_t v)
{
	frame_u16(f, v >> 16);
	frame_u16(f, v & 0xffff);
}

static inline void
frame_ethernet(struct frame *f, unsigned type)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };

	frame_bytes(f, macs, sizeof(macs));
	frame_u16(f, type);
}

/* Behind frame_ethernet(f, 0x8100): the tag and the type of what follows. */
static inline void
frame_vlan(struct frame *f, unsigned id, unsigned type)
{
	frame_u16(f, id);
	frame_u16(f, type);
}

static inline void
frame_sll(struct frame *f, unsigned type)
{
	frame_u16(f, 0);
	frame_u16(f, 1);
	frame_u16(f, 6);
	frame_zeros(f, 8);
	frame_u16(f, type);
}

static inline void
frame_sll2(struct frame *f, unsigned type)
{
	frame_u16(f, type);
	frame_zeros(f, 18);
}

static inline void
frame_addr(struct frame *f, const char *text)
{
	struct addr a;
	bool ok = addr_parse(&a, text);

	assert(ok);
	(void)ok;
	frame_bytes(f, addr_is_v4(&a) ? a.b + 12 : a.b, addr_is_v4(&a) ? 4 : 16);
}

/* A header without options; payload: what follows it. */
static inline void
frame_ipv4(struct frame *f, const char *src, const char *dst, unsigned proto, size_t payload)
{
	frame_u8(f, 0x45);
	frame_u8(f, 0);
	frame_u16(f, (unsigned)(20 + payload));
	frame_u16(f, 0x1234);
	frame_u16(f, 0x4000);
	frame_u8(f, 64);
	frame_u8(f, proto);
	frame_u16(f, 0);
	frame_addr(f, src);
	frame_addr(f, dst);
}

static inline void
frame_ipv6(struct frame *f, const char *src, const char *dst, unsigned next, size_t payload)
{
	frame_u32(f, 0x60000000);
	frame_u16(f, (unsigned)payload);
	frame_u8(f, next);
	frame_u8(f, 64);
	frame_addr(f, src);
	frame_addr(f, dst);
}

static inline void
frame_tcp(struct frame *f, unsigned sport, unsigned dport, uint32_t seq, uint32_t ack, unsigned flags,
    const uint8_t *options, size_t n_options)
{
	frame_u16(f, sport);
	frame_u16(f, dport);
	frame_u32(f, seq);
	frame_u32(f, ack);
	frame_u8(f, (unsigned)((20 + n_options) / 4) << 4);
	frame_u8(f, flags);
	frame_u16(f, 64240);
	frame_u16(f, 0);
	frame_u16(f, 0);
	frame_bytes(f, options, n_options);
}

/* A whole segment over Ethernet, of either family. */
static inline void
frame_segment(struct frame *f, const char *src, const char *dst, unsigned sport, unsigned dport, uint32_t seq,
    uint32_t ack, unsigned flags, size_t payload)
{
	const bool syn = (flags & FRAME_SYN) != 0;
	const size_t n_options = syn ? sizeof(frame_linux_options) : 0;
	struct addr a;
	bool ok = addr_parse(&a, src);

	assert(ok);
	(void)ok;
	frame_ethernet(f, addr_is_v4(&a) ? 0x0800 : 0x86dd);
	if (addr_is_v4(&a))
		frame_ipv4(f, src, dst, 6, 20 + n_options + payload);
	else
		frame_ipv6(f, src, dst, 6, 20 + n_options + payload);
	frame_tcp(f, sport, dport, seq, ack, flags, frame_linux_options, n_options);
	frame_zeros(f, payload);
}

/* -- savefiles -- */

static inline void
frame_file_head(FILE *out, uint32_t link_type)
{
	const uint32_t head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, link_type };

	fwrite(head, sizeof(head), 1, out);
}

static inline void
frame_file_add(FILE *out, const struct frame *f, int64_t time_us)
{
	const uint32_t head[4] = { (uint32_t)(time_us / 1000000), (uint32_t)(time_us % 1000000), (uint32_t)f->n,
		(uint32_t)f->n };

	fwrite(head, sizeof(head), 1, out);
	fwrite(f->b, f->n, 1, out);
}

#endif
