/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connect.c ADDRESS PORT N AT_ONCE knock|talk - N connections, so many at once; prints how many a second.
 *
 * knock: connects and waits for the end.  talk: EHLO, MAIL, RCPT, QUIT, each when the one before was
 * answered; any answer will do, so that a server that puts off and one that takes cost the same.
 * Sources are 198.18.0.0/16, each network in its turn: no port is used twice within a minute.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 8192

struct client {
	int fd;
	unsigned step;
	char last[4];		/* of the line in the making: its first four bytes */
	unsigned column;
};

static const char *const steps[] = {
	"EHLO client.example\r\n", "MAIL FROM:<someone@client.example>\r\n", "RCPT TO:<user@bench.example>\r\n", "QUIT\r\n",
};
#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

static struct client clients[MOST];

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
begin(int epoll, unsigned i, unsigned long number, const struct sockaddr_in *to)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP, .data.u32 = i };
	struct client *c = &clients[i];
	int on = 1;

	*c = (struct client){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) };
	from.sin_addr.s_addr = htonl(0xc6120001U + (uint32_t)(number % 250 << 8 | number / 250 % 200));
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(c->fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
	    (connect(c->fd, (const struct sockaddr *)to, sizeof(*to)) < 0 && errno != EINPROGRESS)) {
		perror("connect");
		exit(1);
	}
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		exit(1);
}

/* True: it is over. */
static bool
go_on(struct client *c, bool talk, unsigned long *whole)
{
	char text[2048];
	ssize_t n = recv(c->fd, text, sizeof(text), 0);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		*whole += !talk || c->step > N_STEPS;
		return true;
	}
	for (ssize_t i = 0; talk && i < n; i++) {
		if (c->column < 4)
			c->last[c->column] = text[i];
		c->column++;
		if (text[i] != '\n')
			continue;
		c->column = 0;
		if (c->last[3] == '-')
			continue;
		if (c->step < N_STEPS && send(c->fd, steps[c->step], strlen(steps[c->step]), MSG_NOSIGNAL) < 0)
			return true;
		c->step++;
	}
	return false;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	unsigned long n, begun = 0, ended = 0, whole = 0;
	unsigned at_once;
	int epoll = epoll_create1(0);
	double t0, taken;
	bool talk;

	if (argc != 6 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	n = strtoul(argv[3], NULL, 10);
	at_once = (unsigned)atoi(argv[4]);
	talk = strcmp(argv[5], "talk") == 0;
	if (at_once > MOST || at_once > n)
		return 2;
	t0 = now();
	for (; begun < at_once; begun++)
		begin(epoll, (unsigned)begun, begun, &to);
	while (ended < n) {
		struct epoll_event events[256];
		int k = epoll_wait(epoll, events, 256, 10000);

		if (k == 0) {
			fprintf(stderr, "%lu of %lu do not end\n", begun - ended, begun);
			return 1;
		}
		for (int e = 0; e < k; e++) {
			unsigned i = events[e].data.u32;

			if (!go_on(&clients[i], talk, &whole))
				continue;
			close(clients[i].fd);
			ended++;
			if (begun < n) {
				begin(epoll, i, begun, &to);
				begun++;
			}
		}
	}
	taken = now() - t0;
	printf("%.0f %lu\n", (double)n / taken, whole);
	return 0;
}
