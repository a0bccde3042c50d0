/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gen.c - gen FILE KIND COUNT SENDERS: a capture for measurements, the same each time.
 *
 * KIND syn: COUNT SYNs; whole: COUNT complete attempts (SYN, then SYN-ACK and ACK, or RST).
 * Senders are drawn uniformly, which is the worst case for caches; a tenth of them IPv6;
 * three destinations; spread over an hour.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN_S 1700000000ULL

static uint64_t seed = 88172645463325252ULL;

static uint64_t
next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void
put16(uint8_t *p, uint64_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint64_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

struct out {
	FILE	*f;
	uint64_t us;
};

struct flow {
	uint32_t id;			/* of the sender; every tenth is IPv6 */
	int	 six;
	unsigned rung;			/* 0 to 2 */
	uint16_t port;
	uint32_t isn, theirs;
};

static void
put_address(uint8_t *p, const struct flow *f, int ours)
{
	if (!f->six) {
		if (ours)
			memcpy(p, (const uint8_t[4]){ 198, 51, 100, (uint8_t)(10 + 10 * f->rung) }, 4);
		else
			put32(p, f->id);
		return;
	}
	memset(p, 0, 16);
	if (ours) {
		memcpy(p, (const uint8_t[6]){ 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x01 }, 6);
		p[15] = (uint8_t)(0x10 + 0x10 * f->rung);
	} else {
		p[0] = 0x2a;
		p[1] = 0x01;
		put32(p + 2, f->id);
		p[15] = 1;
	}
}

static void
put_frame(struct out *o, const struct flow *f, int from_us, uint8_t flags, uint32_t seq, uint32_t ack)
{
	static const uint8_t options[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7 };
	size_t option_bytes = (flags & 2) != 0 ? sizeof(options) : 0, tcp_bytes = 20 + option_bytes;
	uint8_t b[128] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 }, *ip = b + 14, *tcp = ip + (f->six ? 40 : 20);
	uint32_t len = (uint32_t)((size_t)(tcp - b) + tcp_bytes), head[4] = { 0, 0, len, len };

	put16(b + 12, f->six ? 0x86dd : 0x0800);
	if (f->six) {
		ip[0] = 0x60;
		put16(ip + 4, tcp_bytes);
		ip[6] = 6;
		ip[7] = 60;
		put_address(ip + 8, f, from_us);
		put_address(ip + 24, f, !from_us);
	} else {
		ip[0] = 0x45;
		put16(ip + 2, 20 + tcp_bytes);
		put16(ip + 4, next_random());
		ip[6] = 0x40;
		ip[8] = 60;
		ip[9] = 6;
		put_address(ip + 12, f, from_us);
		put_address(ip + 16, f, !from_us);
	}
	put16(tcp, from_us ? 25 : f->port);
	put16(tcp + 2, from_us ? f->port : 25);
	put32(tcp + 4, seq);
	put32(tcp + 8, ack);
	tcp[12] = (uint8_t)(tcp_bytes / 4 << 4);
	tcp[13] = flags;
	put16(tcp + 14, 64240);
	memcpy(tcp + 20, options, option_bytes);
	head[0] = (uint32_t)(BEGIN_S + o->us / 1000000);
	head[1] = (uint32_t)(o->us % 1000000);
	if (fwrite(head, sizeof(head), 1, o->f) != 1 || fwrite(b, len, 1, o->f) != 1) {
		perror("gen");
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	const uint32_t file_head[6] = { 0xa1b2c3d4, 0x00040002, 0, 0, 256, 1 };
	struct out o = { .f = argc == 5 ? fopen(argv[1], "wb") : NULL };
	uint64_t count = argc == 5 ? strtoull(argv[3], NULL, 10) : 0, senders = argc == 5 ? strtoull(argv[4], NULL, 10) : 1;
	int whole = argc == 5 && strcmp(argv[2], "whole") == 0;
	uint32_t *ids = calloc(senders + 1, sizeof(*ids));

	if (o.f == NULL || ids == NULL || fwrite(file_head, sizeof(file_head), 1, o.f) != 1) {
		fprintf(stderr, "usage: gen FILE syn|whole COUNT SENDERS\n");
		return 2;
	}
	for (uint64_t i = 0; i < senders; i++)
		do
			ids[i] = (uint32_t)next_random();
		while (ids[i] >> 24 == 0 || ids[i] >> 24 == 127 || ids[i] >> 24 >= 224);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t who = next_random() % senders;
		struct flow f = {
			.id = ids[who], .six = who % 10 == 0, .rung = (unsigned)(next_random() % 3),
			.port = (uint16_t)(1024 + next_random() % 60000), .isn = (uint32_t)next_random(),
			.theirs = (uint32_t)next_random(),
		};

		o.us = i * 3600000000ULL / count;
		put_frame(&o, &f, 0, 2, f.isn, 0);
		if (!whole)
			continue;
		if (f.rung == 0) {
			put_frame(&o, &f, 1, 0x14, 0, f.isn + 1);
		} else {
			put_frame(&o, &f, 1, 0x12, f.theirs, f.isn + 1);
			put_frame(&o, &f, 0, 0x10, f.isn + 1, f.theirs + 1);
		}
	}
	free(ids);
	return fclose(o.f) != 0;
}
