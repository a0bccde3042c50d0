/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream.c - the reader, the ring, and the cursors in it (stream.h).
 *
 * Nothing waits for a client: a stream that has nothing to tell sleeps in the HTTP library, one whose
 * client does not read is not asked for more, and is cut off by its connection's deadline.  What it has
 * missed then it is told when it comes back with the last id it saw.
 */
#include "stream.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "web_int.h"

/* -- the ring; the lock is held -- */

static void
push(struct streams *s, enum stream_kind kind, uint64_t serial, uint64_t n, char *text)
{
	struct stream_event *e = &s->ring[s->end % STREAM_RING];

	free(e->text);
	*e = (struct stream_event){ .kind = kind, .serial = serial, .n = n, .text = text };
	s->end++;
	if (s->end - s->first > STREAM_RING)
		s->first = s->end - STREAM_RING;
}

/* -- the reader -- */

struct gathered {			/* by one turn, before the lock is taken */
	struct streams *s;
	struct stream_event events[STREAM_CHANGES + STREAM_A_SECOND + 2];
	size_t	 n;
	uint64_t generation, serial;
	int64_t	 attempt, first_attempt, now_s;
	struct report_change last;	/* not told yet: is there another of its serial? */
	bool	 waits;
	size_t	 changes;
};

static void
gather(struct gathered *g, enum stream_kind kind, uint64_t serial, uint64_t n, char *text)
{
	if (g->n < ARRAY_LEN(g->events))
		g->events[g->n++] = (struct stream_event){ .kind = kind, .serial = serial, .n = n, .text = text };
	else
		free(text);
}

static void
tell_last(struct gathered *g, bool last)
{
	if (g->waits)
		gather(g, STREAM_CHANGE, g->last.serial, 0, event_change(&g->last, g->generation, last));
	g->waits = false;
}

static bool
take_change(void *ctx, const struct report_change *change)
{
	struct gathered *g = ctx;

	tell_last(g, change->serial != g->last.serial);
	g->last = *change;
	g->waits = true;
	g->serial = change->serial;
	return ++g->changes <= STREAM_CHANGES;
}

static bool
take_attempt(void *ctx, const struct report_attempt *a)
{
	struct gathered *g = ctx;

	if (g->first_attempt == 0)
		g->first_attempt = a->id;
	if (a->id > g->attempt)
		g->attempt = a->id;
	gather(g, STREAM_ATTEMPT, 0, 0, event_attempt(g->s->config, g->s->report, a, g->now_s));
	return true;
}

static void
drop_gathered(struct gathered *g)
{
	while (g->n > 0)
		free(g->events[--g->n].text);
	g->waits = false;
}

/* What is new since the last turn.  False: it cannot be read now. */
static bool
look(struct streams *s, struct gathered *g)
{
	struct report_state state;
	enum report_result result;
	int64_t before = g->attempt;

	if (s->report == NULL && report_open(&s->report, s->config->state_dir, &s->config->judge) != REPORT_OK)
		return false;
	if (report_state(s->report, &state) != REPORT_OK)
		return false;
	if (state.generation != g->generation) {
		g->generation = state.generation;
		g->serial = state.serial;
		g->attempt = 0;
		gather(g, STREAM_RESET, state.serial, 0, NULL);
	} else if (state.serial > g->serial) {
		g->last.serial = 0;
		result = report_changes_since(s->report, g->serial, STREAM_CHANGES + 1, take_change, g);
		if (result == REPORT_NONE || g->changes > STREAM_CHANGES) {
			drop_gathered(g);
			g->serial = state.serial;
			gather(g, STREAM_RESET, state.serial, 0, NULL);
		} else if (result != REPORT_OK) {
			return false;
		}
		tell_last(g, true);
	}
	g->first_attempt = 0;
	result = report_attempts_after(s->report, g->attempt, g->attempt == 0 ? 1 : STREAM_A_SECOND, take_attempt, g);
	if (before != 0 && g->attempt != 0 && g->first_attempt > before + 1)
		gather(g, STREAM_SKIPPED, 0, (uint64_t)(g->first_attempt - before - 1), NULL);
	return result <= REPORT_NONE;
}

/* Nobody reads from a connection that sleeps: whose client has left is found here. */
static void
find_gone(struct streams *s)
{
	struct pollfd fds[STREAMS_MAX];
	struct event_stream *of[STREAMS_MAX];
	nfds_t n = 0;

	for (size_t i = 0; i < STREAMS_MAX; i++) {
		if (s->at[i].all == NULL || !s->at[i].waits)
			continue;
		of[n] = &s->at[i];
		fds[n++] = (struct pollfd){ .fd = s->at[i].fd, .events = POLLRDHUP };
	}
	if (n == 0 || poll(fds, n, 0) <= 0)
		return;
	for (nfds_t i = 0; i < n; i++)
		of[i]->gone = fds[i].revents != 0;
}

/* Who sleeps is woken where there is something for him. */
static void
wake_streams(struct streams *s, int64_t now_ms)
{
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct event_stream *x = &s->at[i];

		if (x->all == NULL || !x->waits)
			continue;
		if (!s->stops && !x->gone && x->next == s->end && now_ms - x->sent_ms < STREAM_BEAT_MS &&
		    (x->skipped == 0 || now_ms - x->second_ms < 1000))
			continue;
		x->waits = false;
		s->resume(x->connection);
	}
}

static void
turn(struct streams *s, struct gathered *g)
{
	uint64_t was = s->generation;
	bool ok;

	*g = (struct gathered){ .s = s, .generation = s->generation, .serial = s->serial, .attempt = s->attempt,
		.now_s = (int64_t)time(NULL) };
	(void)pthread_mutex_unlock(&s->lock);
	ok = look(s, g);
	(void)pthread_mutex_lock(&s->lock);
	/* Someone who came meanwhile, as the first one, began from a later state. */
	if (!ok || was != s->generation || g->serial < s->serial) {
		drop_gathered(g);
		return;
	}
	for (size_t i = 0; i < g->n; i++)
		push(s, g->events[i].kind, g->events[i].serial, g->events[i].n, g->events[i].text);
	s->generation = g->generation;
	s->serial = g->serial;
	if (g->attempt > s->attempt || g->n > 0)
		s->attempt = g->attempt;
}

static void
wait_turn(struct streams *s, int64_t ms, bool may_ring)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (!s->stops && !(s->rung && may_ring) && pthread_cond_timedwait(&s->wake, &s->lock, &until) == 0)
		;
	if (may_ring)
		s->rung = false;
}

static void *
streams_run(void *ctx)
{
	struct streams *s = ctx;
	struct gathered *g = malloc(sizeof(*g));

	(void)pthread_mutex_lock(&s->lock);
	while (g != NULL && !s->stops) {
		if (s->n == 0) {
			/* Nobody listens: nothing is asked. */
			while (s->n == 0 && !s->stops)
				(void)pthread_cond_wait(&s->wake, &s->lock);
			continue;
		}
		turn(s, g);
		find_gone(s);
		wake_streams(s, clock_ms());
		/* However often it rings: each turn asks several questions. */
		wait_turn(s, STREAM_REST_MS, false);
		wait_turn(s, STREAM_TURN_MS - STREAM_REST_MS, true);
	}
	(void)pthread_mutex_unlock(&s->lock);
	free(g);
	return NULL;
}

bool
streams_start(struct streams *s, const struct config *config, void (*resume)(void *connection))
{
	pthread_condattr_t attr;

	*s = (struct streams){ .config = config, .resume = resume };
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	s->at = calloc(STREAMS_MAX, sizeof(*s->at));
	s->ring = calloc(STREAM_RING, sizeof(*s->ring));
	s->runs = s->at != NULL && s->ring != NULL && pthread_create(&s->thread, NULL, streams_run, s) == 0;
	return s->runs;
}

void
streams_end(struct streams *s)
{
	if (!s->runs)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->stops = true;
	(void)pthread_cond_signal(&s->wake);
	wake_streams(s, 0);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	s->runs = false;
}

void
streams_free(struct streams *s)
{
	for (size_t i = 0; s->ring != NULL && i < STREAM_RING; i++)
		free(s->ring[i].text);
	free(s->ring);
	free(s->at);
	if (s->report != NULL)
		report_close(s->report);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_cond_destroy(&s->wake);
}

void
streams_ring(struct streams *s)
{
	if (!s->runs)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->rung = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
}

/* -- one stream -- */

struct backlog {
	char	*text;
	size_t	 size, cap, n;
	uint64_t generation;
	struct report_change last;
	bool	 waits, failed;
};

static void
add_text(struct backlog *b, const char *text)
{
	size_t n = text != NULL ? strlen(text) : 0;

	if (text == NULL || b->failed) {
		b->failed = true;
		return;
	}
	if (b->text == NULL || b->size + n > b->cap) {
		size_t cap = (b->size + n) * 2 + 4096;
		char *more = realloc(b->text, cap);

		if (more == NULL) {
			b->failed = true;
			return;
		}
		b->text = more;
		b->cap = cap;
	}
	memcpy(b->text + b->size, text, n);
	b->size += n;
}

static void
add_last(struct backlog *b, bool last)
{
	char *text = b->waits ? event_change(&b->last, b->generation, last) : NULL;

	if (b->waits)
		add_text(b, text);
	free(text);
	b->waits = false;
}

static bool
add_change(void *ctx, const struct report_change *change)
{
	struct backlog *b = ctx;

	add_last(b, change->serial != b->last.serial);
	b->last = *change;
	b->waits = true;
	return ++b->n <= STREAM_BACKLOG;
}

static int
write_id(char *buf, size_t size, uint64_t generation, uint64_t serial, const char *event)
{
	return snprintf(buf, size, "%sid: %016" PRIx64 ":%" PRIu64 "\n%s\n", event, generation, serial,
	    event[0] != '\0' ? "data: {}\n" : "");
}

static bool
newest(void *ctx, const struct report_attempt *a)
{
	*(int64_t *)ctx = a->id;
	return true;
}

/* What it has missed.  False: more than that, or of another list: it is told to fetch all. */
static bool
catch_up(struct backlog *b, struct report *report, const struct report_state *state, uint64_t generation, uint64_t serial)
{
	enum report_result result;

	if (generation != state->generation || serial > state->serial)
		return false;
	if (serial == state->serial)
		return true;
	result = report_changes_since(report, serial, STREAM_BACKLOG + 1, add_change, b);
	add_last(b, true);
	return result == REPORT_OK && b->n <= STREAM_BACKLOG && !b->failed;
}

/* Where in the ring what lies behind this serial begins. */
static uint64_t
place(const struct streams *s, uint64_t serial)
{
	uint64_t found = s->end;

	for (uint64_t at = s->end; at > s->first; at--) {
		const struct stream_event *e = &s->ring[(at - 1) % STREAM_RING];

		if (e->kind != STREAM_CHANGE && e->kind != STREAM_RESET)
			continue;
		if (e->kind == STREAM_RESET || e->serial <= serial)
			break;
		found = at - 1;
	}
	return found;
}

struct event_stream *
stream_open(struct streams *s, struct report *report, const struct report_state *state, uint64_t generation, uint64_t serial,
    bool only_changes, int64_t now_ms)
{
	struct backlog b = { .generation = state->generation };
	uint64_t known = state->serial;
	struct event_stream *x = NULL;
	int64_t attempt = 0;
	char first[96] = "";

	if (generation != 0 && !catch_up(&b, report, state, generation, serial)) {
		b.size = 0;
		b.failed = false;
		(void)write_id(first, sizeof(first), state->generation, known, "event: reset\n");
	} else {
		/* The list may have moved since the state was read. */
		known = b.last.serial > known ? b.last.serial : known;
		(void)write_id(first, sizeof(first), state->generation, known, "");
	}
	add_text(&b, first);
	(void)report_attempts_after(report, 0, 1, newest, &attempt);
	(void)pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < STREAMS_MAX && x == NULL && s->runs && !s->stops && !b.failed; i++)
		if (s->at[i].all == NULL)
			x = &s->at[i];
	if (x == NULL) {
		s->refused++;
		(void)pthread_mutex_unlock(&s->lock);
		free(b.text);
		return NULL;
	}
	if (s->n++ == 0) {		/* the reader slept: it begins where this one does */
		s->generation = state->generation;
		s->serial = known;
		s->attempt = attempt;
		s->first = s->end;
		(void)pthread_cond_signal(&s->wake);
	}
	s->opened++;
	*x = (struct event_stream){ .all = s, .only_changes = only_changes, .next = place(s, known), .serial = known,
		.backlog = b.text, .backlog_size = b.size, .out = b.text, .out_size = b.size, .second_ms = now_ms,
		.sent_ms = now_ms };
	(void)pthread_mutex_unlock(&s->lock);
	return x;
}

void
stream_close(struct event_stream *x)
{
	struct streams *s = x->all;

	(void)pthread_mutex_lock(&s->lock);
	free(x->backlog);
	x->backlog = NULL;
	x->all = NULL;
	s->n--;
	(void)pthread_mutex_unlock(&s->lock);
}

/* The next piece of text for this stream, from the ring.  False: there is none now. */
static bool
next_piece(struct streams *s, struct event_stream *x, int64_t now_ms)
{
	int n = 0;

	if (now_ms - x->second_ms >= 1000) {
		if (x->skipped > 0)
			n = snprintf(x->piece, sizeof(x->piece), "event: skipped\ndata: {\"attempts\":%" PRIu64 "}\n\n", x->skipped);
		x->skipped = 0;
		x->in_second = 0;
		x->second_ms = now_ms;
	}
	while (n == 0 && x->next < s->end) {
		const struct stream_event *e = &s->ring[x->next++ % STREAM_RING];

		switch (e->kind) {
		case STREAM_ATTEMPT:
			if (x->only_changes)
				break;
			if (e->text == NULL || x->in_second >= STREAM_A_SECOND) {
				x->skipped++;
				break;
			}
			x->in_second++;
			n = snprintf(x->piece, sizeof(x->piece), "%s", e->text);
			break;
		case STREAM_SKIPPED:
			if (!x->only_changes)
				x->skipped += e->n;
			break;
		case STREAM_CHANGE:
			if (e->serial <= x->serial)
				break;
			n = snprintf(x->piece, sizeof(x->piece), "%s", e->text != NULL ? e->text : "");
			break;
		case STREAM_RESET:
			x->serial = 0;
			n = write_id(x->piece, sizeof(x->piece), s->generation, e->serial, "event: reset\n");
			break;
		}
	}
	if (n == 0 && now_ms - x->sent_ms >= STREAM_BEAT_MS)
		n = snprintf(x->piece, sizeof(x->piece), ": still here\n\n");
	x->out = x->piece;
	x->out_size = n > 0 && (size_t)n < sizeof(x->piece) ? (size_t)n : 0;
	return x->out_size > 0;
}

long
stream_read(struct event_stream *x, char *buf, size_t max, int64_t now_ms, void (*suspend)(void *connection))
{
	struct streams *s = x->all;
	size_t n = 0;
	bool over;

	(void)pthread_mutex_lock(&s->lock);
	over = s->stops || x->gone || x->next < s->first;
	if (over && !s->stops && !x->gone)
		s->dropped++;		/* it reads too slowly: it comes back with its last id */
	while (!over && n < max && (x->out_size > 0 || next_piece(s, x, now_ms))) {
		size_t k = x->out_size < max - n ? x->out_size : max - n;

		memcpy(buf + n, x->out, k);
		n += k;
		x->out += k;
		x->out_size -= k;
	}
	if (n > 0) {
		x->sent_ms = now_ms;
		s->told += n;
	} else if (!over) {
		x->waits = true;
		suspend(x->connection);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return over ? -1 : (long)n;
}
