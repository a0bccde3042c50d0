/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dnsload.c - dnsload PORT ZONE SECONDS <ADDRESSES: so many answers a second, with a window of 256 questions.
 *
 * Every second question is about an address of the list, the others about its neighbour that differs in the top bit.
 * Prints answers a second, how many of them said "listed", the longest time without an answer, and how long 999 of 1000
 * took at most (ms).
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define WINDOW 256
#define BATCH  64

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static size_t
question(uint8_t *q, unsigned id, uint32_t a, const char *zone)
{
	uint8_t *p = q + 12;
	char label[8];

	memset(q, 0, 12);
	q[0] = (uint8_t)(id >> 8);
	q[1] = (uint8_t)id;
	q[2] = 1;
	q[5] = 1;
	for (int i = 0; i < 4; i++) {
		*p = (uint8_t)snprintf(label, sizeof(label), "%u", a >> (8 * i) & 255);
		memcpy(p + 1, label, *p);
		p += 1 + *p;
	}
	while (*zone != '\0') {
		size_t n = strcspn(zone, ".");

		*p = (uint8_t)n;
		memcpy(p + 1, zone, n);
		p += 1 + n;
		zone += n + (zone[n] == '.');
	}
	memcpy(p, "\0\0\1\0\1", 5);
	return (size_t)(p + 5 - q);
}

int
main(int argc, char **argv)
{
	static uint8_t out[BATCH][300], in[BATCH][600];
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct mmsghdr out_m[BATCH] = { 0 }, in_m[BATCH] = { 0 };
	struct iovec out_v[BATCH], in_v[BATCH];
	uint32_t *addresses = NULL;
	size_t n = 0, cap = 0;
	uint64_t asked = 0, answered = 0, listed = 0;
	static double sent_at[65536];
	static uint32_t took[100000];	/* answers by 10 microseconds */
	double begun, until, moved, longest = 0, now;
	uint64_t slow = 0;
	size_t worst = sizeof(took) / sizeof(took[0]);
	char line[64];
	int fd;

	if (argc != 4)
		return 2;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct in_addr a;

		line[strcspn(line, "\n")] = '\0';
		if (inet_pton(AF_INET, line, &a) != 1)
			continue;
		if (n == cap && (addresses = realloc(addresses, (cap = 2 * cap + 1024) * sizeof(*addresses))) == NULL)
			return 1;
		addresses[n++] = ntohl(a.s_addr);
	}
	if (n == 0)
		return 1;
	to.sin_port = htons((uint16_t)atoi(argv[1]));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return 1;
	begun = moved = seconds();
	until = begun + atof(argv[3]);
	while (seconds() < until) {
		unsigned room = (unsigned)(WINDOW - (asked - answered));
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int got;

		if (room > BATCH)
			room = BATCH;
		for (unsigned i = 0; i < room; i++) {
			uint32_t a = addresses[(asked + i) * 7919 % n] ^ ((asked + i) % 2 << 31);

			out_v[i] = (struct iovec){ out[i], question(out[i], (unsigned)(asked + i), a, argv[2]) };
			out_m[i].msg_hdr = (struct msghdr){ .msg_iov = &out_v[i], .msg_iovlen = 1 };
		}
		now = seconds();
		for (unsigned i = 0; i < room; i++)
			sent_at[(asked + i) & 65535] = now;
		if (room > 0 && (got = sendmmsg(fd, out_m, room, 0)) > 0)
			asked += (unsigned)got;
		(void)poll(&p, 1, 100);
		for (unsigned i = 0; i < BATCH; i++) {
			in_v[i] = (struct iovec){ in[i], sizeof(in[i]) };
			in_m[i].msg_hdr = (struct msghdr){ .msg_iov = &in_v[i], .msg_iovlen = 1 };
		}
		got = recvmmsg(fd, in_m, BATCH, MSG_DONTWAIT, NULL);
		now = seconds();
		for (int i = 0; i < got; i++) {
			double t = (now - sent_at[in[i][0] << 8 | in[i][1]]) * 1e5;

			listed += in[i][7] != 0;
			took[t < (double)worst ? (size_t)t : worst - 1]++;
		}
		if (got > 0) {
			answered += (unsigned)got;
			longest = now - moved > longest ? now - moved : longest;
			moved = now;
		} else if (seconds() - moved > 1) {
			asked = answered;	/* lost on the way: begin anew */
			moved = seconds();
		}
	}
	while (worst > 0 && (slow += took[worst - 1]) < answered / 1000)
		worst--;
	printf("%.0f %.3f %.1f %.1f\n", (double)answered / (seconds() - begun),
	    answered > 0 ? (double)listed / (double)answered : 0.0, longest * 1000, (double)worst / 100);
	return 0;
}
