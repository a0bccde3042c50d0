/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dialogue.c - sessions in their seats, each with a deadline, served in turns.
 *
 * A session's replies are small and few, so they fit the kernel's buffer: a client that lets them
 * pile up is dropped, and nothing waits for it here.  What a client says before the greeting stays
 * unread in the kernel, whose buffer is small too.
 */
#include "dialogue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "mxtrap/log.h"
#include "seats.h"
#include "smtp.h"
#include "told.h"

#define DIALOGUE_TURN	  256	/* events, and deadlines, in one step */
#define DIALOGUE_FDS	  128	/* kept free for whatever else the process opens: probes, most of all */
#define DIALOGUE_STOP_MS  200
#define DIALOGUE_RETRY_MS 10
#define RECEIVE_BUFFER	  4096	/* the kernel doubles it */
#define SEND_BUFFER	  16384	/* holds all that a session is ever answered at once */

struct session {
	int	 fd;
	struct message_accept who;
	bool	 open, paused;	/* paused: it spoke early, and is not listened to before the greeting */
	bool	 told;		/* its first recipient */
	struct smtp smtp;
};

struct dialogue {
	const struct config *config;
	int	 epoll;
	struct session *sessions;	/* owned; by seat */
	struct seats seats;
	struct told told;
	struct deadlines deadlines;
	struct message_decoy counters;
};

static const struct exchanger *
exchanger_of(const struct dialogue *d, uint32_t target)
{
	const struct target *t = &d->config->ladder.targets[target];

	return &d->config->ladder.sets[t->set].exchangers[t->exchanger];
}

static const char *
host_of(const struct dialogue *d, const struct session *s)
{
	return exchanger_of(d, s->who.target)->name;
}

/* --- beginning and end ------------------------------------------------------------- */

/* How many sessions there may be: as configured, if there are descriptors for them. */
static uint32_t
room_for(const struct config *config, size_t n_fds)
{
	rlim_t besides = n_fds + DIALOGUE_FDS, want = config->dialogues + besides;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur < want) {
		limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) < 0)
			return 0;
	}
	if (limit.rlim_cur >= want)
		return config->dialogues;
	log_warnx("found room for %llu open files, expected %llu: fewer dialogues at once than configured",
	    (unsigned long long)limit.rlim_cur, (unsigned long long)want);
	return limit.rlim_cur > besides ? (uint32_t)(limit.rlim_cur - besides) : 0;
}

static bool
any_talks(const struct ladder *l)
{
	for (size_t i = 0; i < l->n_targets; i++)
		if (l->targets[i].answer == ANSWER_DIALOGUE)
			return true;
	return false;
}

static void
release(struct dialogue *d)
{
	if (d->epoll >= 0)
		close(d->epoll);
	deadlines_free(&d->deadlines);
	free(d->sessions);
	seats_free(&d->seats);
	told_free(&d->told);
	free(d);
}

static bool
allocate(struct dialogue *d, uint32_t size, int watch_fd)
{
	/* Zeroed pages cost nothing until a session needs them. */
	d->sessions = calloc(size + 1, sizeof(d->sessions[0]));
	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	return d->sessions != NULL && d->epoll >= 0 && seats_init(&d->seats, size, d->config->dialogues_per_source) &&
	    deadlines_init(&d->deadlines, size + 1) && told_init(&d->told, watch_fd);
}

struct dialogue *
dialogue_new(const struct config *config, int watch_fd, size_t n_fds)
{
	struct dialogue *d;

	if (!any_talks(&config->ladder))
		return NULL;
	d = calloc(1, sizeof(*d));
	if (d != NULL) {
		d->config = config;
		d->epoll = -1;
		if (allocate(d, room_for(config, n_fds), watch_fd))
			return d;
		release(d);
	}
	log_warnx("no memory for dialogues: connections are reset instead");
	return NULL;
}

int
dialogue_fd(const struct dialogue *d)
{
	return d->epoll;
}

bool
dialogue_serves(const struct dialogue *d, uint32_t target)
{
	return d != NULL && target < d->config->ladder.n_targets &&
	    d->config->ladder.targets[target].answer == ANSWER_DIALOGUE;
}

void
dialogue_prepare(int fd)
{
	int receive = RECEIVE_BUFFER, send = SEND_BUFFER;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send, sizeof(send));
}

void
dialogue_flush(struct dialogue *d)
{
	if (d != NULL)
		told_flush(&d->told);
}

/* --- sessions ----------------------------------------------------------------------- */

static void
session_end(struct dialogue *d, uint32_t i)
{
	struct session *s = &d->sessions[i];

	s->smtp.said |= SAID_END;
	d->counters.slow += s->smtp.end == SMTP_END_SLOW;
	d->counters.too_long += s->smtp.too_long;
	if (!told_add(&d->told, &s->who, &s->smtp))
		d->told.lost++;
	close(s->fd);
	deadlines_clear(&d->deadlines, i);
	s->open = false;
	seats_give(&d->seats, i);
}

/* Replies go out whole, or the client does not read them. */
static bool
session_send(struct dialogue *d, const struct session *s, struct smtp_out *out)
{
	ssize_t n = out->n == 0 ? 0 : send(s->fd, out->p, out->n, MSG_DONTWAIT | MSG_NOSIGNAL);
	bool sent = n == (ssize_t)out->n;

	if (!sent && (n >= 0 || errno == EAGAIN))
		d->counters.stuck++;
	out->n = 0;
	return sent;
}

static void
session_listen(struct dialogue *d, uint32_t i, bool on)
{
	struct epoll_event event = { .events = on ? EPOLLIN : 0, .data.u32 = i };

	d->sessions[i].paused = !on;
	epoll_ctl(d->epoll, EPOLL_CTL_MOD, d->sessions[i].fd, &event);
}

/* What follows each of its steps. */
static void
session_after(struct dialogue *d, uint32_t i, bool alive)
{
	struct session *s = &d->sessions[i];

	if (!alive || s->smtp.stage == SMTP_OVER) {
		session_end(d, i);
		return;
	}
	if ((s->smtp.said & SAID_RCPT) != 0 && !s->told)
		s->told = told_add(&d->told, &s->who, &s->smtp);
	if (s->paused && s->smtp.stage == SMTP_TALKS)
		session_listen(d, i, true);
	deadlines_set(&d->deadlines, i, smtp_due_ms(&s->smtp));
}

static void
session_tick(struct dialogue *d, uint32_t i, int64_t now_ms)
{
	struct session *s = &d->sessions[i];
	char text[SMTP_REPLY];
	struct smtp_out out = { .p = text, .size = sizeof(text) };

	smtp_tick(&s->smtp, now_ms, host_of(d, s), &out);
	session_after(d, i, session_send(d, s, &out));
}

/* It speaks before the greeting: look, and leave it there. */
static bool
session_peek(struct dialogue *d, uint32_t i)
{
	struct session *s = &d->sessions[i];
	uint8_t bytes[16];
	ssize_t n = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_PEEK);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	smtp_early(&s->smtp, bytes, (size_t)n);
	if (n > 0)
		session_listen(d, i, false);
	return n > 0;
}

static bool
session_read(struct dialogue *d, struct session *s, int64_t now_ms)
{
	uint8_t bytes[4096];
	char text[4096];
	struct smtp_out out = { .p = text, .size = sizeof(text) };
	ssize_t n = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	for (size_t at = 0; at < (size_t)n && s->smtp.stage == SMTP_TALKS;) {
		at += smtp_hear(&s->smtp, now_ms, host_of(d, s), bytes + at, (size_t)n - at, &out);
		if (!session_send(d, s, &out))
			return false;
	}
	return n > 0;
}

bool
dialogue_take(struct dialogue *d, int fd, const struct message_accept *who, int64_t now_ms)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct addr src;
	struct session *s;
	uint32_t i = 0;

	memcpy(src.b, who->src, sizeof(src.b));
	switch (seats_take(&d->seats, addr_sender(&src), &i)) {
	case SEATS_FULL:
		d->counters.full++;
		return false;
	case SEATS_SOURCE_FULL:
		d->counters.full_source++;
		return false;
	case SEATS_TAKEN:
		break;
	}
	event.data.u32 = i;
	if (epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		seats_give(&d->seats, i);
		d->counters.full++;
		return false;
	}
	s = &d->sessions[i];
	s->fd = fd;
	s->who = *who;
	s->paused = s->told = false;
	s->open = true;
	d->counters.talked++;
	smtp_begin(&s->smtp, now_ms, d->config->greeting_delay_s * 1000LL);
	session_tick(d, i, now_ms);
	return true;
}

void
dialogue_step(struct dialogue *d, int64_t now_ms)
{
	struct epoll_event events[DIALOGUE_TURN];
	uint32_t item;
	int64_t due;
	int n;

	if (d == NULL || d->seats.n == 0)
		return;
	n = epoll_wait(d->epoll, events, DIALOGUE_TURN, 0);
	for (int e = 0; e < n; e++) {
		uint32_t i = events[e].data.u32;
		struct session *s = &d->sessions[i];

		if (!s->open)
			continue;
		/* While it is paused, only its end is told. */
		if (s->smtp.stage == SMTP_SILENT)
			session_after(d, i, !s->paused && session_peek(d, i));
		else
			session_after(d, i, session_read(d, s, now_ms));
	}
	for (n = 0; n < DIALOGUE_TURN && deadlines_first(&d->deadlines, &item, &due) && due <= now_ms; n++)
		session_tick(d, item, now_ms);
}

int
dialogue_timeout(const struct dialogue *d, int64_t now_ms, int max_ms)
{
	int64_t due;
	uint32_t item;

	if (d == NULL)
		return max_ms;
	if (d->told.n > 0 && max_ms > DIALOGUE_RETRY_MS)
		max_ms = DIALOGUE_RETRY_MS;
	if (!deadlines_first(&d->deadlines, &item, &due) || due - now_ms >= max_ms)
		return max_ms;
	return due > now_ms ? (int)(due - now_ms) : 0;
}

void
dialogue_count(const struct dialogue *d, struct message_decoy *m)
{
	if (d == NULL)
		return;
	m->dialogues = d->seats.n;
	m->talked = d->counters.talked;
	m->full = d->counters.full;
	m->full_source = d->counters.full_source;
	m->slow = d->counters.slow;
	m->stuck = d->counters.stuck;
	m->too_long = d->counters.too_long;
	m->said_lost = d->told.lost;
}

static int64_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
dialogue_free(struct dialogue *d)
{
	int64_t until = now() + DIALOGUE_STOP_MS;

	if (d == NULL)
		return;
	for (uint32_t i = 0; i < d->seats.size; i++) {
		char text[SMTP_REPLY];
		struct smtp_out out = { .p = text, .size = sizeof(text) };

		if (!d->sessions[i].open)
			continue;
		smtp_stop(&d->sessions[i].smtp, &out);
		(void)session_send(d, &d->sessions[i], &out);
		while (told_full(&d->told) && now() < until)
			told_wait(&d->told, DIALOGUE_RETRY_MS);
		session_end(d, i);
	}
	while (d->told.n > 0 && now() < until)
		told_wait(&d->told, DIALOGUE_RETRY_MS);
	release(d);
}
