/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decoy.c - the bogus exchangers' answer: take each connection, note it, then reset it or talk to it.
 *
 * The kernel has completed the handshake when accept() returns, so the peer's
 * address is proven.  A peer that is reset is never read from; dialogue.c talks.
 * One loop drains all sockets in turns, and the heartbeat comes from that loop:
 * a decoy that no longer accepts is a decoy that no longer beats.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dialogue.h"
#include "mxtrap/log.h"
#include "mxtrap/process.h"
#include "overflow.h"
#include "probe.h"

#define DECOY_BACKLOG	4096
#define DECOY_TURN	64	/* accepts from one socket before the next has its turn */
#define DECOY_STARVED_MS 1000	/* without descriptors or memory for so long: better refuse */
#define DECOY_SYNACKS	1	/* repeats of a SYN-ACK that nobody acknowledges */
#define DECOY_SIGNALS	UINT32_MAX
#define DECOY_TALK	(UINT32_MAX - 1)

struct decoy {
	struct process *p;
	int	 epoll, spare_fd;
	bool	 listening[PROCESS_MAX_SOCKETS];
	int64_t	 second_ms;		/* when the next second's work is due */
	int64_t	 starved_ms;		/* since when accept() lacks resources; 0: it does not */
	uint32_t seq;
	uint64_t accepted, lost;
	struct message_accepts batch;
	struct log_rate rate;
	struct probe *probe;
	struct dialogue *dialogue;
	struct overflow overflow;
};

static int64_t
wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* What was noted goes to watch, or is counted as lost: never wait. */
static void
decoy_flush(struct decoy *d)
{
	if (d->batch.n == 0)
		return;
	message_init(&d->batch.head, MESSAGE_ACCEPTS, sizeof(d->batch));
	d->batch.seq = d->seq;
	d->seq += d->batch.n;
	if (message_send(d->p->decoy_fd, &d->batch, sizeof(d->batch)) != 1)
		d->lost += d->batch.n;
	memset(&d->batch, 0, sizeof(d->batch));
}

/* The accepts first: what a client said is about one of them. */
static void
decoy_tell(struct decoy *d)
{
	decoy_flush(d);
	dialogue_flush(d->dialogue);
}

static struct message_accept
decoy_note(struct decoy *d, uint32_t target, const struct sockaddr_storage *peer)
{
	struct message_accept accept = { .target = target, .time_us = wall_us() }, *a = &accept;
	struct addr src;

	if (peer->ss_family == AF_INET) {
		struct sockaddr_in in;
		uint8_t bytes[4];

		memcpy(&in, peer, sizeof(in));
		memcpy(bytes, &in.sin_addr, 4);
		src = addr_from_v4(bytes);
		a->port = ntohs(in.sin_port);
	} else {
		struct sockaddr_in6 in6;
		uint8_t bytes[16];

		memcpy(&in6, peer, sizeof(in6));
		memcpy(bytes, &in6.sin6_addr, 16);
		src = addr_from_v6(bytes);
		a->port = ntohs(in6.sin6_port);
	}
	memcpy(a->src, src.b, sizeof(a->src));
	d->accepted++;
	d->batch.accepts[d->batch.n++] = accept;
	if (d->batch.n == MESSAGE_MAX_ACCEPTS)
		decoy_flush(d);
	return accept;
}

static void
decoy_reset(int fd)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);		/* with a linger of 0: RST, and no TIME_WAIT */
}

/* No descriptor left for a peer who waits already: give it the one kept in reserve. */
static void
decoy_shed(struct decoy *d, int fd)
{
	int peer;

	if (d->starved_ms == 0)
		d->starved_ms = process_now_ms();
	if (d->spare_fd >= 0)
		close(d->spare_fd);
	peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (peer >= 0) {
		decoy_reset(peer);
		d->lost++;
	}
	d->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
decoy_deaf(struct decoy *d, size_t i)
{
	if (d->listening[i]) {
		epoll_ctl(d->epoll, EPOLL_CTL_DEL, d->p->sockets[i].fd, NULL);
		d->listening[i] = false;
		d->p->n_deaf++;
	}
}

static void
decoy_listen(struct decoy *d, size_t i)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)i };
	uint32_t hushed;
	int retries = DECOY_SYNACKS;

	/* On a listening socket this is how often a SYN-ACK is sent again (Linux): five times else,
	 * for whoever forged the SYN. */
	setsockopt(d->p->sockets[i].fd, IPPROTO_TCP, TCP_SYNCNT, &retries, sizeof(retries));
	if (dialogue_serves(d->dialogue, d->p->sockets[i].target))
		dialogue_prepare(d->p->sockets[i].fd);
	if (listen(d->p->sockets[i].fd, DECOY_BACKLOG) == 0 &&
	    epoll_ctl(d->epoll, EPOLL_CTL_ADD, d->p->sockets[i].fd, &event) == 0) {
		d->listening[i] = true;
		d->p->n_deaf--;
	} else if (log_may(&d->rate, process_now_ms() / 1000, &hushed)) {
		log_warn("cannot listen for target %u (another program took the port?)",
		    d->p->sockets[i].target);
	}
}

/* One turn of one socket. */
static void
decoy_drain(struct decoy *d, size_t i)
{
	const struct process_socket *s = &d->p->sockets[i];
	bool talks = dialogue_serves(d->dialogue, s->target);
	int64_t now = talks ? process_now_ms() : 0;

	for (int n = 0; n < DECOY_TURN; n++) {
		struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
		socklen_t len = sizeof(peer);
		int fd = accept4(s->fd, (struct sockaddr *)&peer, &len,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			struct message_accept who = decoy_note(d, s->target, &peer);

			if (!talks || !dialogue_take(d->dialogue, fd, &who, now))
				decoy_reset(fd);
			d->starved_ms = 0;
			continue;
		}
		switch (errno) {
		case EAGAIN:
			return;
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM:
			decoy_shed(d, s->fd);
			return;
		case EINVAL:		/* shut down by mxtrapd */
		case EBADF:
		case ENOTSOCK:
			decoy_deaf(d, i);
			return;
		default:		/* ECONNABORTED, EINTR, the network: that peer's */
			break;
		}
	}
}

static void
decoy_second(struct decoy *d)
{
	struct message_decoy m = { .accepted = d->accepted, .lost = d->lost,
	    .overflows = overflow_read(&d->overflow, d->p->sockets, d->p->n_sockets) };

	dialogue_count(d->dialogue, &m);
	message_init(&m.head, MESSAGE_DECOY, sizeof(m));
	message_send(d->p->decoy_fd, &m, sizeof(m));
	for (size_t i = 0; i < d->p->n_sockets; i++)
		if (!d->listening[i])
			decoy_listen(d, i);
}

static bool
decoy_starved(const struct decoy *d)
{
	return d->starved_ms != 0 && process_now_ms() - d->starved_ms > DECOY_STARVED_MS;
}

static void
decoy_round(struct decoy *d, int timeout_ms)
{
	struct epoll_event events[64];
	int n = epoll_wait(d->epoll, events, 64, timeout_ms);

	for (int i = 0; i < n; i++) {
		if (events[i].data.u32 == DECOY_SIGNALS || events[i].data.u32 == DECOY_TALK)
			continue;
		if ((events[i].events & (EPOLLHUP | EPOLLERR)) != 0)
			decoy_deaf(d, events[i].data.u32);
		else
			decoy_drain(d, events[i].data.u32);
		process_heartbeat(d->p, true);
	}
	dialogue_step(d->dialogue, process_now_ms());
	decoy_tell(d);
}

static bool
decoy_open(struct decoy *d)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = DECOY_SIGNALS };
	struct epoll_event line = { .events = 0, .data.u32 = DECOY_SIGNALS };

	d->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	overflow_open(&d->overflow);
	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	return d->epoll >= 0 &&
	    epoll_ctl(d->epoll, EPOLL_CTL_ADD, d->p->signal_fd, &event) == 0 &&
	    epoll_ctl(d->epoll, EPOLL_CTL_ADD, d->p->supervisor_fd, &line) == 0;
}

/* Without it all connections are reset: said there. */
static void
decoy_talk(struct decoy *d)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = DECOY_TALK };

	d->dialogue = dialogue_new(&d->p->config, d->p->decoy_fd, d->p->n_sockets);
	if (d->dialogue != NULL)
		epoll_ctl(d->epoll, EPOLL_CTL_ADD, dialogue_fd(d->dialogue), &event);
}

int
decoy_main(struct process *p)
{
	struct decoy *d = calloc(1, sizeof(*d));
	int status = 0;

	if (d == NULL) {
		log_warnx("no memory");
		return 3;
	}
	d->p = p;
	d->epoll = -1;
	p->n_deaf = (uint32_t)p->n_sockets;
	if (!decoy_open(d))
		fatal("cannot watch its sockets");
	process_confine(p, 0);
	/* From the first listen() on, silence must count as such: beat before it. */
	process_heartbeat(p, true);
	decoy_talk(d);
	d->probe = probe_new(&p->config, p->decoy_fd, 25);
	while (!process_should_stop(p, NULL)) {
		int timeout = process_heartbeat(p, true);
		int64_t now = process_now_ms();

		if (now >= d->second_ms) {
			decoy_second(d);
			d->second_ms = now + 1000;
		}
		if (decoy_starved(d)) {
			log_warnx("no descriptors or memory for a second: ends, so that "
			    "the port refuses");
			status = 3;
			break;
		}
		probe_step(d->probe, now);
		timeout = dialogue_timeout(d->dialogue, now, timeout);
		decoy_round(d, d->starved_ms != 0 && timeout > 10 ? 10 : timeout);
	}
	decoy_tell(d);
	dialogue_free(d->dialogue);
	probe_free(d->probe);
	close(d->epoll);
	overflow_close(&d->overflow);
	close(d->spare_fd);
	free(d);
	return status;
}
