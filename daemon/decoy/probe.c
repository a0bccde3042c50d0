/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.c - a connection to each real address every so often, as a mail server would begin one.
 *
 * Nothing is said before the greeting is complete: who talks into it is taken for a
 * spammer, and "220-" is how some find out.  A few connections at once, spread over the
 * interval; what a server sends is read through a few states and never kept.
 */
#include "probe.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/log.h"
#include "mxtrap/message.h"

#define PROBE_FLIGHT	64	/* connections at once */
#define PROBE_LOOK_MS	50	/* they are looked at no oftener */
#define PROBE_FAREWELL_MS 5000	/* for the answer to QUIT */
#define PROBE_GREETING	8192	/* bytes: more is no greeting */

enum probe_stage { STAGE_CONNECT, STAGE_GREETING, STAGE_FAREWELL };

struct flight {			/* one connection */
	int	 fd;		/* -1: free */
	uint32_t place;		/* in the list of places */
	enum probe_stage stage;
	int64_t	 until_ms;
	uint32_t n;		/* bytes of greeting read */
	unsigned column;	/* of its line, as far as it matters */
	uint8_t	 first;		/* its first digit */
	bool	 more;		/* another line follows this one */
};

struct place {
	struct addr addr;
	uint32_t target;
	int64_t	 due_ms;
	bool	 under_way;
};

struct probe {
	int	 watch_fd;
	uint16_t port;
	int64_t	 interval_ms, looked_ms;
	bool	 begun;
	size_t	 n, n_flights;
	struct place *places;	/* owned */
	size_t	 next;		/* where the search for what is due goes on */
	struct flight flights[PROBE_FLIGHT];
};

struct probe *
probe_new(const struct config *config, int watch_fd, uint16_t port)
{
	const struct ladder *l = &config->ladder;
	struct probe *p = config->probe ? calloc(1, sizeof(*p)) : NULL;

	if (p == NULL)
		return NULL;
	*p = (struct probe){ .watch_fd = watch_fd, .port = port,
	    .interval_ms = config->probe_interval_s * 1000LL };
	p->places = calloc(l->n_targets + 1, sizeof(p->places[0]));
	for (size_t i = 0; p->places != NULL && i < l->n_targets; i++)
		if (l->targets[i].role == ROLE_REAL)
			p->places[p->n++] = (struct place){ .addr = l->targets[i].addr,
			    .target = (uint32_t)i };
	for (size_t i = 0; i < PROBE_FLIGHT; i++)
		p->flights[i].fd = -1;
	if (p->n == 0) {
		probe_free(p);
		return NULL;
	}
	return p;
}

void
probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < PROBE_FLIGHT; i++)
		if (p->flights[i].fd >= 0)
			close(p->flights[i].fd);
	free(p->places);
	free(p);
}

static void
tell(struct probe *p, const struct flight *f, enum probe_result result)
{
	struct message_probe m = { .result = (uint32_t)result, .target = p->places[f->place].target };
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	m.time_us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
	/* It says something until two more should have come. */
	m.good_s = (uint32_t)(p->interval_ms * 3 / 1000 + 30);
	message_init(&m.head, MESSAGE_PROBE, sizeof(m));
	(void)message_send(p->watch_fd, &m, sizeof(m));	/* a full line: the next one tells */
}

static void
land(struct probe *p, struct flight *f)
{
	close(f->fd);
	f->fd = -1;
	p->places[f->place].under_way = false;
	p->n_flights--;
}

static socklen_t
name_of(const struct addr *a, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(out, 0, sizeof(*out));
	if (addr_is_v4(a)) {
		memcpy(&in.sin_addr, a->b + 12, 4);
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, a->b, 16);
	memcpy(out, &in6, sizeof(in6));
	return sizeof(in6);
}

static void
take_off(struct probe *p, uint32_t place, int64_t now_ms)
{
	struct place *at = &p->places[place];
	struct sockaddr_storage name;
	socklen_t len = name_of(&at->addr, p->port, &name);
	struct flight *f = p->flights;
	int fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	at->due_ms = now_ms + p->interval_ms;
	if (fd < 0)
		return;
	while (f->fd >= 0)
		f++;
	*f = (struct flight){ .fd = fd, .place = place, .until_ms = now_ms + p->interval_ms * 5 / 6 };
	at->under_way = true;
	p->n_flights++;
	if (connect(fd, (const struct sockaddr *)&name, len) == 0 || errno == EINPROGRESS)
		return;
	if (errno == ECONNREFUSED)	/* at once, by an address of this very host */
		tell(p, f, PROBE_REFUSED);
	land(p, f);
}

/* It was connected, or could not be. */
static void
connected(struct probe *p, struct flight *f)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0) {
		f->stage = STAGE_GREETING;
		return;
	}
	tell(p, f, error == ETIMEDOUT ? PROBE_SILENT : PROBE_REFUSED);
	land(p, f);
}

/* "220-several lines", "220 the last".  True: it is complete, or is none. */
static bool
greeting_ends(struct flight *f, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		f->n++;
		if (c == '\n') {
			if (!f->more)
				return true;
			f->column = 0;
			f->more = false;
			continue;
		}
		if (f->column < 3 && !isdigit(c))
			f->first = '?';		/* this is no SMTP server */
		else if (f->column == 0 && f->first != '?')
			f->first = c;
		else if (f->column == 3)
			f->more = c == '-' && f->first != '?';
		if (f->column < 4)
			f->column++;
	}
	return f->n > PROBE_GREETING;
}

static void
greeted(struct probe *p, struct flight *f, int64_t now_ms)
{
	static const char quit[] = "QUIT\r\n";

	tell(p, f, f->n > PROBE_GREETING ? PROBE_REJECTS : f->first == '2' ? PROBE_OK :
	    f->first == '4' ? PROBE_DEFERS : PROBE_REJECTS);
	f->stage = STAGE_FAREWELL;
	f->until_ms = now_ms + PROBE_FAREWELL_MS;
	if (send(f->fd, quit, sizeof(quit) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		land(p, f);
}

static void
hear(struct probe *p, struct flight *f, int64_t now_ms)
{
	char bytes[512];
	ssize_t n = recv(f->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		if (f->stage == STAGE_GREETING)
			tell(p, f, PROBE_MUTE);
		land(p, f);
	} else if (f->stage == STAGE_GREETING && greeting_ends(f, bytes, (size_t)n)) {
		greeted(p, f, now_ms);
	}
}

static void
too_late(struct probe *p, struct flight *f)
{
	if (f->stage != STAGE_FAREWELL)
		tell(p, f, f->stage == STAGE_CONNECT ? PROBE_SILENT : PROBE_MUTE);
	land(p, f);
}

static void
look(struct probe *p, struct flight *f, int64_t now_ms)
{
	struct pollfd poll_one = { .fd = f->fd, .events = f->stage == STAGE_CONNECT ? POLLOUT : POLLIN };

	if (poll(&poll_one, 1, 0) == 1) {
		if (f->stage == STAGE_CONNECT)
			connected(p, f);
		else
			hear(p, f, now_ms);
	} else if (now_ms >= f->until_ms) {
		too_late(p, f);
	}
}

void
probe_step(struct probe *p, int64_t now_ms)
{
	if (p == NULL || now_ms - p->looked_ms < PROBE_LOOK_MS)
		return;
	p->looked_ms = now_ms;
	if (!p->begun) {
		/* Spread over the interval; the first at once. */
		for (size_t i = 0; i < p->n; i++)
			p->places[i].due_ms = now_ms + (int64_t)i * p->interval_ms / (int64_t)p->n;
		p->begun = true;
	}
	for (size_t i = 0; i < PROBE_FLIGHT; i++)
		if (p->flights[i].fd >= 0)
			look(p, &p->flights[i], now_ms);
	for (size_t i = 0; i < p->n && p->n_flights < PROBE_FLIGHT; i++) {
		size_t at = p->next;

		p->next = (p->next + 1) % p->n;
		if (now_ms >= p->places[at].due_ms && !p->places[at].under_way)
			take_off(p, (uint32_t)at, now_ms);
	}
}
