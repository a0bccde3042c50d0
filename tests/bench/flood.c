/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flood.c - flood INTERFACE MAC PACKETS RATE SENDERS: forged SYNs onto a wire that the bench made.
 *
 * Frames are made before the first is sent; a tenth are IPv6; they go to the three addresses of
 * the bench's ladder.  RATE 0: as fast as it goes.  Prints how many were sent, and the rate.
 */
#define _GNU_SOURCE	1		/* sendmmsg() */
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <arpa/inet.h>

#define BATCH 32

static uint64_t seed = 88172645463325252ULL;

static uint64_t
next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

struct frame {
	uint8_t b[94];
	uint8_t len;
};

static void
put16(uint8_t *p, uint64_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
make(struct frame *f, const uint8_t mac[6], uint64_t i)
{
	static const uint8_t options[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7 };
	int six = i % 10 == 0;
	uint64_t id = next_random();
	uint8_t *ip = f->b + 14, *tcp = ip + (six ? 40 : 20), host = (uint8_t)(10 + 10 * (id % 3));

	memset(f, 0, sizeof(*f));
	memcpy(f->b, mac, 6);
	f->b[6] = 2;
	put16(f->b + 12, six ? 0x86dd : 0x0800);
	if (six) {
		ip[0] = 0x60;
		put16(ip + 4, 40);
		ip[6] = 6;
		ip[7] = 60;
		put16(ip + 8, 0x2a01);
		memcpy(ip + 10, &id, 5);
		ip[23] = 1;
		memcpy(ip + 24, (const uint8_t[6]){ 0x20, 0x01, 0x0d, 0xb8, 0, 1 }, 6);
		ip[39] = (uint8_t)(0x10 * (host / 10));
	} else {
		uint32_t sum = 0, src = (uint32_t)(0x0b000000 + (id >> 16) % 0x70000000);

		ip[0] = 0x45;
		put16(ip + 2, 60);
		ip[6] = 0x40;
		ip[8] = 60;
		ip[9] = 6;
		put16(ip + 12, src >> 16);
		put16(ip + 14, src);
		memcpy(ip + 16, (const uint8_t[4]){ 198, 51, 100, host }, 4);
		for (int k = 0; k < 20; k += 2)
			sum += (uint32_t)ip[k] << 8 | ip[k + 1];
		sum = (sum & 0xffff) + (sum >> 16);
		put16(ip + 10, ~(sum + (sum >> 16)) & 0xffff);
	}
	put16(tcp, 1024 + id % 60000);
	put16(tcp + 2, 25);
	memcpy(tcp + 4, &id, 4);
	tcp[12] = 0xa0;
	tcp[13] = 2;
	put16(tcp + 14, 64240);
	memcpy(tcp + 20, options, 20);
	f->len = (uint8_t)(tcp + 40 - f->b);
}

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	uint64_t packets = argc == 6 ? strtoull(argv[3], NULL, 10) : 0, senders = argc == 6 ? strtoull(argv[5], NULL, 10) : 1;
	double rate = argc == 6 ? strtod(argv[4], NULL) : 0, began;
	struct frame *frames = calloc(senders, sizeof(*frames));
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_halen = 6 };
	struct mmsghdr messages[BATCH] = { { { 0 } } };
	struct iovec parts[BATCH];
	uint8_t mac[6];
	uint64_t sent = 0;
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1;

	if (argc != 6 || frames == NULL || fd < 0 ||
	    sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) != 6) {
		fprintf(stderr, "usage: flood INTERFACE MAC PACKETS RATE SENDERS\n");
		return 2;
	}
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	(void)setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	for (uint64_t i = 0; i < senders; i++)
		make(&frames[i], mac, i);
	for (int i = 0; i < BATCH; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &parts[i], .msg_iovlen = 1 };
	began = seconds();
	while (sent < packets) {
		int n;

		for (int i = 0; i < BATCH; i++) {
			struct frame *f = &frames[(sent + (uint64_t)i) % senders];

			parts[i] = (struct iovec){ .iov_base = f->b, .iov_len = f->len };
		}
		n = sendmmsg(fd, messages, BATCH, 0);
		if (n > 0)
			sent += (uint64_t)n;
		while (rate > 0 && (double)sent / rate > seconds() - began)
			;
	}
	printf("%llu %.0f\n", (unsigned long long)sent, (double)sent / (seconds() - began));
	free(frames);
	return 0;
}
