/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * told.c - a ring of records for watch.  A watch that is gone loses them, which is counted.
 */
#include "told.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOLD_MAX 1024

bool
told_init(struct told *t, int watch_fd)
{
	*t = (struct told){ .watch_fd = watch_fd };
	t->queue = calloc(TOLD_MAX, sizeof(t->queue[0]));
	return t->queue != NULL;
}

void
told_free(struct told *t)
{
	free(t->queue);
	*t = (struct told){ .watch_fd = -1 };
}

bool
told_full(const struct told *t)
{
	return t->n == TOLD_MAX;
}

bool
told_add(struct told *t, const struct message_accept *who, const struct smtp *s)
{
	struct message_said *m = &t->queue[(t->at + t->n) % TOLD_MAX];
	struct timespec ts;

	if (told_full(t))
		return false;
	t->n++;
	memset(m, 0, sizeof(*m));
	message_init(&m->head, MESSAGE_SAID, sizeof(*m));
	clock_gettime(CLOCK_REALTIME, &ts);
	m->time_us = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
	memcpy(m->src, who->src, sizeof(m->src));
	m->target = who->target;
	m->port = who->port;
	m->said = s->said;
	memcpy(m->helo, s->helo, sizeof(m->helo));
	memcpy(m->domain, s->domain, sizeof(m->domain));
	return true;
}

void
told_flush(struct told *t)
{
	while (t->n > 0) {
		int sent = message_send(t->watch_fd, &t->queue[t->at], sizeof(t->queue[0]));

		if (sent == 0)
			return;		/* watch is behind: later */
		if (sent < 0)
			t->lost++;
		t->at = (t->at + 1) % TOLD_MAX;
		t->n--;
	}
}

void
told_wait(struct told *t, int ms)
{
	struct pollfd watch = { .fd = t->watch_fd, .events = POLLOUT };

	told_flush(t);
	if (t->n > 0)
		(void)poll(&watch, 1, ms);
}
