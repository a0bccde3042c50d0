/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connection.c - absolute deadlines for clients.
 *
 * The HTTP library's time-out is one of inactivity: a client that sends a byte now
 * and then keeps its connection for ever.  Here each phase of a connection has an
 * end, whatever trickles meanwhile.  shutdown() wakes the serving thread, which then
 * closes the descriptor itself.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "web_int.h"

bool
connections_init(struct connections *c, size_t most)
{
	c->n_open = c->next = 0;
	c->most = most;
	c->all = calloc(most, sizeof(*c->all));
	return c->all != NULL && pthread_mutex_init(&c->lock, NULL) == 0;
}

void
connections_clear(struct connections *c)
{
	if (c->all == NULL)
		return;
	free(c->all);
	c->all = NULL;
	(void)pthread_mutex_destroy(&c->lock);
}

struct connection *
connection_open(struct connections *c, int fd, int64_t now_ms)
{
	struct connection *found = NULL;

	(void)pthread_mutex_lock(&c->lock);
	/* Behind the newest: there is mostly room at once. */
	for (size_t i = 0; i < c->most && found == NULL; i++) {
		size_t at = (c->next + i) % c->most;

		if (c->all[at].phase == CONNECTION_FREE) {
			found = &c->all[at];
			c->next = at + 1;
		}
	}
	if (found != NULL) {
		found->fd = fd;
		found->cut = false;
		found->phase = CONNECTION_REQUEST;
		found->deadline_ms = now_ms + DEADLINE_REQUEST_MS;
		c->n_open++;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return found;
}

void
connection_phase(struct connections *c, struct connection *conn, enum connection_phase phase,
    uint64_t bytes, int64_t now_ms)
{
	(void)pthread_mutex_lock(&c->lock);
	conn->phase = phase;
	if (phase == CONNECTION_REPLY)
		conn->deadline_ms = now_ms + DEADLINE_REPLY_MS + (int64_t)(bytes / 16384) * 1000;
	else if (phase == CONNECTION_STREAM)
		conn->deadline_ms = now_ms + DEADLINE_STREAM_MS;
	else
		conn->deadline_ms = now_ms + DEADLINE_IDLE_MS;
	(void)pthread_mutex_unlock(&c->lock);
}

void
connection_close(struct connections *c, struct connection *conn)
{
	(void)pthread_mutex_lock(&c->lock);
	conn->phase = CONNECTION_FREE;
	conn->fd = -1;
	c->n_open--;
	(void)pthread_mutex_unlock(&c->lock);
}

size_t
connections_sweep(struct connections *c, int64_t now_ms)
{
	size_t n = 0;

	(void)pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->most; i++) {
		struct connection *conn = &c->all[i];

		if (conn->phase == CONNECTION_FREE || conn->cut || now_ms < conn->deadline_ms)
			continue;
		conn->cut = true;
		n++;
		(void)shutdown(conn->fd, SHUT_RDWR);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return n;
}
