/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * postfix_server.c - the sockets on which Postfix asks.
 */
#include "postfix_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mxtrap/log.h"

struct postfix_server *
postfix_open(struct process *process, struct feed *feed, const uint8_t seed[static 16])
{
	struct postfix_server *s;

	if (process->config.n_postfix == 0)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL || (s->sight = sight_new(&process->config.ladder, seed)) == NULL) {
		log_warn("Postfix cannot be answered: no memory");
		free(s);
		return NULL;
	}
	s->feed = feed;
	s->contact = process->config.contact;
	for (size_t i = 0; i < POSTFIX_CLIENTS; i++)
		s->clients[i].fd = -1;
	for (size_t i = 0; i < process->n_sockets && s->n_sockets < POSTFIX_SOCKETS; i++) {
		if (process->sockets[i].target != USE_POSTFIX)
			continue;
		if (listen(process->sockets[i].fd, 256) != 0)
			process->n_deaf++;
		else
			s->sockets[s->n_sockets++] = process->sockets[i].fd;
	}
	return s;
}

void
postfix_close(struct postfix_server *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < POSTFIX_CLIENTS; i++)
		if (s->clients[i].fd != -1)
			close(s->clients[i].fd);
	sight_free(s->sight);
	free(s);
}

size_t
postfix_poll(const struct postfix_server *s, struct pollfd *fds, size_t max)
{
	size_t n = 0;

	if (s == NULL)
		return 0;
	for (size_t i = 0; i < s->n_sockets && n < max; i++)
		fds[n++] = (struct pollfd){ .fd = s->sockets[i], .events = POLLIN };
	for (size_t i = 0; i < POSTFIX_CLIENTS && n < max; i++)
		if (s->clients[i].fd != -1)
			fds[n++] = (struct pollfd){
				.fd = s->clients[i].fd, .events = s->clients[i].n_out > 0 ? POLLOUT : POLLIN,
			};
	return n;
}

static void
drop(struct postfix_client *c)
{
	close(c->fd);
	c->fd = -1;
}

/* A free place, or that of whoever asked nothing for longest. */
static struct postfix_client *
place(struct postfix_server *s)
{
	struct postfix_client *oldest = &s->clients[0];

	for (size_t i = 0; i < POSTFIX_CLIENTS; i++) {
		if (s->clients[i].fd == -1)
			return &s->clients[i];
		if (s->clients[i].used_ms < oldest->used_ms)
			oldest = &s->clients[i];
	}
	s->counters.full++;
	drop(oldest);
	return oldest;
}

static void
take_clients(struct postfix_server *s, int socket, int64_t now_ms)
{
	for (int i = 0; i < 16; i++) {
		int fd = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct postfix_client *c;

		if (fd == -1)
			return;
		c = place(s);
		c->fd = fd;
		c->used_ms = now_ms;
		c->until_ms = 0;
		c->n_in = c->n_out = 0;
	}
}

/* False: it is gone, or must wait. */
static bool
send_reply(struct postfix_client *c)
{
	ssize_t n = send(c->fd, c->out, c->n_out, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		drop(c);
		return false;
	}
	c->n_out -= (size_t)n;
	memmove(c->out, c->out + n, c->n_out);
	return c->n_out == 0;
}

static bool
read_more(struct postfix_client *c, int64_t now_ms)
{
	ssize_t n = recv(c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		drop(c);
		return false;
	}
	if (c->until_ms == 0)
		c->until_ms = now_ms + POSTFIX_SLOW_MS;
	c->n_in += (size_t)n;
	return true;
}

/* At most so many requests of one client before the others have their turn. */
static void
serve(struct postfix_server *s, struct postfix_client *c, int64_t now_ms, int64_t now_us)
{
	struct postfix_request request;
	bool refused;

	for (int i = 0; i < 64; i++) {
		if (c->n_out > 0 && !send_reply(c))
			return;
		switch (postfix_read(c->in, c->n_in, &request)) {
		case POSTFIX_MORE:
			if (!read_more(c, now_ms))
				return;
			continue;
		case POSTFIX_BAD:
			s->counters.malformed++;
			drop(c);
			return;
		case POSTFIX_DONE:
			break;
		}
		c->n_in -= request.size;
		memmove(c->in, c->in + request.size, c->n_in);
		c->n_out = postfix_answer(&request, s->feed, s->feed->now_s, s->contact, c->out, &s->counters, &refused);
		/* Told before it is answered: the client may go on to the backup with the answer. */
		sight_request(s->sight, &request, refused, now_us);
		sight_send(s->sight, s->tell_fd);
		c->used_ms = now_ms;
		c->until_ms = c->n_in > 0 ? now_ms + POSTFIX_SLOW_MS : 0;
	}
}

void
postfix_turn(struct postfix_server *s, int64_t now_ms, int64_t now_us, int tell_fd)
{
	if (s == NULL)
		return;
	s->tell_fd = tell_fd;
	for (size_t i = 0; i < s->n_sockets; i++)
		take_clients(s, s->sockets[i], now_ms);
	for (size_t i = 0; i < POSTFIX_CLIENTS; i++) {
		struct postfix_client *c = &s->clients[i];

		if (c->fd != -1)
			serve(s, c, now_ms, now_us);
		if (c->fd != -1 && c->until_ms != 0 && now_ms >= c->until_ms) {
			s->counters.slow++;
			drop(c);
		}
	}
	sight_turn(s->sight, now_us);
	sight_send(s->sight, tell_fd);
}
