/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connection.c - absolute deadlines for clients, and room for the next one.
 *
 * The HTTP library's time-out is one of inactivity: a client that sends a byte now
 * and then keeps its connection for ever.  Here each phase of a connection has an
 * end, whatever trickles meanwhile.  One peer has a share of all connections; where
 * that is used up, those that do nothing make room, so that nobody locks out the others
 * behind the same address (a proxy, or this host itself) by connections that do nothing.
 * shutdown() wakes the serving thread, which then closes the descriptor itself.
 */
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "web_int.h"

#define LOOK_MS 1000			/* at how much of an answer was taken */

bool
connections_init(struct connections *c, size_t most)
{
	c->n_open = c->used = 0;
	c->most = most;
	c->all = calloc(most, sizeof(*c->all));
	c->seats = calloc(most, sizeof(*c->seats));
	atomic_store(&c->evicted, 0);
	atomic_store(&c->refused, 0);
	if (c->all != NULL && c->seats != NULL && pthread_mutex_init(&c->lock, NULL) == 0)
		return true;
	free(c->all);
	free(c->seats);
	c->all = NULL;
	c->seats = NULL;
	return false;
}

void
connections_clear(struct connections *c)
{
	if (c->all == NULL)
		return;
	free(c->all);
	free(c->seats);
	c->all = NULL;
	c->seats = NULL;
	(void)pthread_mutex_destroy(&c->lock);
}

/* -- who makes room (the lock is held) -- */

static void
cut(struct seat *seat)
{
	seat->cut = true;
	(void)shutdown(seat->fd, SHUT_RDWR);
}

/* Has it sent what was not read yet?  Then it is not idle: its turn comes. */
static bool
has_sent(const struct seat *seat)
{
	char byte;

	return recv(seat->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static bool
is_between(const struct seat *seat)
{
	return (seat->phase == CONNECTION_REQUEST || seat->phase == CONNECTION_IDLE) && !seat->cut;
}

/* When its client took something of an answer last.  Of what is no TCP nothing is known. */
static void
look_at(struct seat *seat, int64_t now_ms)
{
	struct tcp_info info = { .tcpi_bytes_acked = 0 };
	socklen_t len = sizeof(info);
	int queued = 0;

	if (seat->phase != CONNECTION_REPLY || seat->cut || now_ms - seat->looked_ms < LOOK_MS)
		return;
	seat->looked_ms = now_ms;
	if (getsockopt(seat->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 || ioctl(seat->fd, SIOCOUTQ, &queued) != 0 || queued == 0 ||
	    info.tcpi_bytes_acked != seat->acked)
		seat->moved_ms = now_ms;	/* also where we are the slow ones: nothing waits for it */
	seat->acked = info.tcpi_bytes_acked;
}

/*
 * Idle the longest, of this peer or of all (0), but for the newest; halves: who has sent half of a request is as good as
 * idle.  Else what is slowest to ask, or takes nothing of its answer.  NULL: none.
 */
static struct seat *
find_victim(struct connections *c, sender_key who, const struct seat *newest, bool halves, int64_t now_ms)
{
	struct seat *idle = NULL, *slow = NULL;

	for (size_t i = 0; i < c->used; i++) {
		struct seat *seat = &c->seats[i];

		if (seat == newest || (who != 0 && seat->who != who))
			continue;
		if (is_between(seat) && (!seat->reading || halves)) {
			if ((idle == NULL || seat->since_ms < idle->since_ms) && !has_sent(seat))
				idle = seat;
		} else if ((is_between(seat) && now_ms - seat->since_ms >= READING_LONG_MS) ||
		    (seat->phase == CONNECTION_REPLY && !seat->cut && now_ms - seat->moved_ms >= STALLED_MS)) {
			if (slow == NULL || seat->since_ms < slow->since_ms)
				slow = seat;
		}
	}
	return idle != NULL ? idle : slow;
}

struct crowd {
	size_t of_peer, halves, crowded, of_all, all_halves;
};

/* Those that will stay. */
static struct crowd
count(const struct connections *c, sender_key who)
{
	struct crowd n = { 0, 0, 0, 0, 0 };

	for (size_t i = 0; i < c->used; i++) {
		const struct seat *seat = &c->seats[i];

		if (seat->phase == CONNECTION_FREE || seat->cut)
			continue;
		n.of_all++;
		n.of_peer += seat->who == who;
		n.halves += seat->who == who && is_between(seat) && seat->reading;
		n.all_halves += is_between(seat) && seat->reading;
		n.crowded += seat->who == who && seat->crowded;
	}
	return n;
}

/* A peer's share; and of all, what is kept free for the next one. */
static size_t
share(const struct connections *c)
{
	return c->most / 2 < PER_ADDRESS_MAX ? c->most / 2 : PER_ADDRESS_MAX;
}

static void
make_room(struct connections *c, struct seat *seat, int64_t now_ms)
{
	struct crowd n = count(c, seat->who);
	bool much = seat->who != 0 && n.of_peer > share(c), full = n.of_all > c->most - c->most / 16;
	struct seat *victim;

	if (!much && !full)
		return;
	/* Half of what there may be, and no answer due to any of them: somebody sends halves so that others find no room. */
	victim = find_victim(c, much ? seat->who : 0, seat, much ? n.halves > share(c) / 2 : n.all_halves > c->most / 2, now_ms);
	if (victim != NULL) {
		cut(victim);
		atomic_fetch_add(&c->evicted, 1);
		return;
	}
	atomic_fetch_add(&c->refused, 1);
	seat->crowded = true;
	if (n.crowded >= CROWDED_MAX)
		cut(seat);
}

/* -- a connection -- */

struct connection *
connection_open(struct connections *c, int fd, sender_key who, int64_t now_ms)
{
	struct connection *found = NULL;

	(void)pthread_mutex_lock(&c->lock);
	/* The lowest: what is looked through stays short. */
	for (size_t i = 0; i < c->most && found == NULL; i++) {
		if (c->seats[i].phase != CONNECTION_FREE)
			continue;
		found = &c->all[i];
		c->seats[i] = (struct seat){ .fd = fd, .who = who, .phase = CONNECTION_REQUEST, .since_ms = now_ms,
			.deadline_ms = now_ms + DEADLINE_REQUEST_MS };
		c->n_open++;
		if (c->used <= i)
			c->used = i + 1;
		make_room(c, &c->seats[i], now_ms);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return found;
}

static struct seat *
seat_of(const struct connections *c, const struct connection *conn)
{
	return &c->seats[conn - c->all];
}

int
connection_fd(const struct connections *c, const struct connection *conn)
{
	return seat_of(c, conn)->fd;
}

void
connection_reads(struct connections *c, struct connection *conn)
{
	(void)pthread_mutex_lock(&c->lock);
	seat_of(c, conn)->reading = true;
	(void)pthread_mutex_unlock(&c->lock);
}

bool
connection_crowded(struct connections *c, const struct connection *conn)
{
	struct seat *seat = seat_of(c, conn);

	(void)pthread_mutex_lock(&c->lock);
	if (seat->crowded) {
		struct crowd n = count(c, seat->who);

		seat->crowded = (seat->who != 0 && n.of_peer > share(c)) || n.of_all > c->most - c->most / 16;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return seat->crowded;
}

void
connection_phase(struct connections *c, struct connection *conn, enum connection_phase phase,
    uint64_t bytes, int64_t now_ms)
{
	struct seat *seat = seat_of(c, conn);

	(void)pthread_mutex_lock(&c->lock);
	seat->phase = phase;
	seat->reading = false;
	seat->since_ms = seat->looked_ms = seat->moved_ms = now_ms;
	if (phase == CONNECTION_REPLY)
		seat->deadline_ms = now_ms + DEADLINE_REPLY_MS + (int64_t)(bytes / 16384) * 1000;
	else if (phase == CONNECTION_STREAM)
		seat->deadline_ms = now_ms + DEADLINE_STREAM_MS;
	else
		seat->deadline_ms = now_ms + DEADLINE_IDLE_MS;
	(void)pthread_mutex_unlock(&c->lock);
}

void
connection_close(struct connections *c, struct connection *conn)
{
	(void)pthread_mutex_lock(&c->lock);
	*seat_of(c, conn) = (struct seat){ .fd = -1, .phase = CONNECTION_FREE };
	c->n_open--;
	(void)pthread_mutex_unlock(&c->lock);
}

size_t
connections_sweep(struct connections *c, int64_t now_ms)
{
	size_t n = 0;

	(void)pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->used; i++) {
		struct seat *seat = &c->seats[i];

		look_at(seat, now_ms);
		if (seat->phase == CONNECTION_FREE || seat->cut || now_ms < seat->deadline_ms)
			continue;
		cut(seat);
		n++;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return n;
}
