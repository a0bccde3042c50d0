/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcapng.c - blocks: type, length, body, length again, in the byte order that the section began with.
 */
#include "pcapng.h"

#include <stdlib.h>
#include <string.h>

#define ORDER_MAGIC  0x1a2b3c4dU
#define INTERFACES   4096		/* of a section, that are known */

enum { BLOCK_INTERFACE = 1, BLOCK_PACKET_OLD = 2, BLOCK_SIMPLE = 3, BLOCK_PACKET = 6 };
enum { OPTION_END = 0, OPTION_TSRESOL = 9, OPTION_TSOFFSET = 14 };

struct interface {
	uint32_t snaplen;		/* 0: no bound */
	uint16_t link;
	uint8_t	 resolution;		/* if_tsresol: power of ten, or with the top bit of two */
	int64_t	 offset_s;
};

struct pcapng {
	FILE	*file;
	bool	 swapped, first;
	uint8_t *body;			/* owned */
	size_t	 room;
	struct interface *interfaces;	/* owned; of this section */
	uint32_t n_interfaces;
	char	 error[128];
};

struct pcapng *
pcapng_new(FILE *file)
{
	struct pcapng *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->file = file;
	g->first = true;
	g->interfaces = calloc(INTERFACES, sizeof(g->interfaces[0]));
	if (g->interfaces == NULL) {
		free(g);
		return NULL;
	}
	return g;
}

void
pcapng_free(struct pcapng *g)
{
	if (g == NULL)
		return;
	free(g->body);
	free(g->interfaces);
	free(g);
}

const char *
pcapng_error(const struct pcapng *g)
{
	return g->error;
}

static int
damaged(struct pcapng *g, const char *what)
{
	(void)snprintf(g->error, sizeof(g->error), "%s", what);
	return -1;
}

static uint32_t
u32(const struct pcapng *g, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return g->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t
u16(const struct pcapng *g, const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return g->swapped ? __builtin_bswap16(v) : v;
}

/* 1: all of it; 0: nothing at all; -1: a part. */
static int
read_all(struct pcapng *g, void *to, size_t n)
{
	size_t got = fread(to, 1, n, g->file);

	return got == n ? 1 : got == 0 ? 0 : -1;
}

/* The body of a block of this whole length, of which `done` bytes were read already, and its length again. */
static int
read_body(struct pcapng *g, uint32_t length, size_t done, size_t *n)
{
	uint8_t again[4];

	if (length < done + 4 || length > PCAPNG_BLOCK || length % 4 != 0)
		return damaged(g, "a block has a length that no block can have");
	*n = length - done - 4;
	if (*n > g->room) {
		uint8_t *more = realloc(g->body, *n);

		if (more == NULL)
			return damaged(g, "no memory for a block");
		g->body = more;
		g->room = *n;
	}
	if ((*n > 0 && read_all(g, g->body, *n) != 1) || read_all(g, again, sizeof(again)) != 1)
		return damaged(g, "the file ends inside a block");
	if (u32(g, again) != length)
		return damaged(g, "the two lengths of a block differ");
	return 1;
}

/* Behind the type of a section header: its byte order decides how its length is read. */
static int
read_section(struct pcapng *g)
{
	uint8_t head[8];
	size_t n;

	if (read_all(g, head, sizeof(head)) != 1)
		return damaged(g, "the file ends inside a section header");
	g->swapped = false;
	if (u32(g, head + 4) != ORDER_MAGIC) {
		g->swapped = true;
		if (u32(g, head + 4) != ORDER_MAGIC)
			return damaged(g, "a section has no byte order");
	}
	g->n_interfaces = 0;
	if (read_body(g, u32(g, head), 12, &n) < 0)
		return -1;
	if (n < 12)
		return damaged(g, "a section header is too short");
	if (u16(g, g->body) != 1)
		return damaged(g, "the format is a later one than pcapng 1");
	return 1;
}

static int
take_interface(struct pcapng *g, size_t n)
{
	struct interface i = { .resolution = 6 };

	if (n < 8)
		return damaged(g, "an interface description is too short");
	i.link = u16(g, g->body);
	i.snaplen = u32(g, g->body + 4);
	for (size_t at = 8; at + 4 <= n;) {
		uint16_t code = u16(g, g->body + at), len = u16(g, g->body + at + 2);

		at += 4;
		if (code == OPTION_END || len > n - at)
			break;
		if (code == OPTION_TSRESOL && len >= 1)
			i.resolution = g->body[at];
		if (code == OPTION_TSOFFSET && len == 8) {
			uint64_t offset;

			memcpy(&offset, g->body + at, sizeof(offset));
			i.offset_s = (int64_t)(g->swapped ? __builtin_bswap64(offset) : offset);
		}
		at += ((size_t)len + 3) & ~(size_t)3;
	}
	if (g->n_interfaces < INTERFACES)
		g->interfaces[g->n_interfaces] = i;
	if (g->n_interfaces < UINT32_MAX)
		g->n_interfaces++;
	return 1;
}

/* Ticks of the interface into seconds and microseconds. */
static void
set_time(struct pcapng_frame *f, const struct interface *i, uint64_t ticks)
{
	unsigned power = i->resolution & 0x7f;
	uint64_t seconds = 0, unit = 1, rest = ticks;

	if ((i->resolution & 0x80) != 0) {
		seconds = power < 64 ? ticks >> power : 0;
		rest = power < 64 ? ticks & ((1ULL << power) - 1) : ticks;
		if (power > 40) {
			rest = power - 40 < 64 ? rest >> (power - 40) : 0;
			power = 40;
		}
		f->time_us = (uint32_t)(rest * 1000000 >> power);
	} else {
		for (unsigned k = 0; k < power && k < 19; k++)
			unit *= 10;
		seconds = power <= 19 ? ticks / unit : 0;
		rest = ticks % unit;
		for (; power > 19 && rest > 0; power--)
			rest /= 10;
		f->time_us = (uint32_t)(unit <= 1000000 ? rest * (1000000 / unit) : rest / (unit / 1000000));
	}
	if (seconds > INT64_MAX || __builtin_add_overflow((int64_t)seconds, i->offset_s, &f->time_s))
		f->time_s = INT64_MIN;
}

static int
take_packet(struct pcapng *g, uint32_t type, size_t n, struct pcapng_frame *f)
{
	size_t head = type == BLOCK_SIMPLE ? 4 : 20;
	const struct interface *i;
	uint32_t interface = 0;

	if (n < head)
		return damaged(g, "a packet block is too short");
	if (type == BLOCK_PACKET)
		interface = u32(g, g->body);
	else if (type == BLOCK_PACKET_OLD)
		interface = u16(g, g->body);
	if (interface >= g->n_interfaces)
		return damaged(g, "a packet is of an interface that was not described");
	if (interface >= INTERFACES)
		return 0;
	i = &g->interfaces[interface];
	*f = (struct pcapng_frame){ .bytes = g->body + head, .link = i->link, .time_s = INT64_MIN };
	if (type == BLOCK_SIMPLE) {
		/* It has no time at all. */
		f->len = u32(g, g->body);
		f->caplen = i->snaplen != 0 && i->snaplen < f->len ? i->snaplen : f->len;
	} else {
		f->caplen = u32(g, g->body + 12);
		f->len = u32(g, g->body + 16);
		set_time(f, i, (uint64_t)u32(g, g->body + 4) << 32 | u32(g, g->body + 8));
	}
	if (f->caplen > n - head)
		return damaged(g, "a packet is longer than its block");
	return 1;
}

int
pcapng_next(struct pcapng *g, struct pcapng_frame *f)
{
	for (;;) {
		uint8_t head[8];
		uint32_t type = PCAPNG_MAGIC;
		size_t n;
		int rc = g->first ? 1 : read_all(g, head, 4);

		if (g->error[0] != '\0')
			return -1;
		if (rc == 0)
			return 0;
		if (rc < 0)
			return damaged(g, "the file ends inside a block");
		if (!g->first)
			type = u32(g, head);
		g->first = false;
		if (type == PCAPNG_MAGIC) {
			if (read_section(g) < 0)
				return -1;
			continue;
		}
		if (read_all(g, head + 4, 4) != 1)
			return damaged(g, "the file ends inside a block");
		if (read_body(g, u32(g, head + 4), 8, &n) < 0)
			return -1;
		if (type == BLOCK_INTERFACE)
			rc = take_interface(g, n);
		else if (type == BLOCK_PACKET || type == BLOCK_PACKET_OLD || type == BLOCK_SIMPLE)
			rc = take_packet(g, type, n, f);
		else
			continue;
		if (rc < 0)
			return -1;
		if (rc == 1 && type != BLOCK_INTERFACE)
			return 1;
	}
}
