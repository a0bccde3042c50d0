/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * merge.c - FIFOs by source, merged by time.  Packets are decoded straight into their FIFO and
 * handed out from there: they are never copied.
 */
#include "mxtrap/merge.h"

#include <stdlib.h>
#include <string.h>

#include "mxtrap/table.h"

struct fifo {
	struct packet *at;
	size_t head, n;			/* head: index of the oldest */
};

struct merge {
	size_t	     n_sources, cap;
	struct fifo *fifos;
	struct event *events;		/* sorted by time */
	size_t	     n_events, cap_events, first_event;
};

struct merge *
merge_new(size_t n, size_t cap)
{
	struct merge *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->n_sources = n;
	m->cap = cap;
	m->fifos = calloc(n + 1, sizeof(m->fifos[0]));
	for (size_t i = 0; m->fifos != NULL && i < n; i++) {
		m->fifos[i].at = table_alloc(cap, sizeof(struct packet));	/* no page fault under fire */
		if (m->fifos[i].at == NULL)
			break;
		if (i + 1 == n)
			return m;
	}
	if (m->fifos != NULL && n == 0)
		return m;
	merge_free(m);
	return NULL;
}

void
merge_free(struct merge *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; m->fifos != NULL && i < m->n_sources; i++)
		table_free(m->fifos[i].at);
	free(m->fifos);
	free(m->events);
	free(m);
}

struct packet *
merge_room(struct merge *m, size_t source, size_t *max)
{
	struct fifo *f = &m->fifos[source];
	size_t tail = (f->head + f->n) & (m->cap - 1);
	size_t row = m->cap - tail, room = m->cap - f->n;

	*max = row < room ? row : room;
	return &f->at[tail];
}

static struct packet *
at(const struct merge *m, const struct fifo *f, size_t i)
{
	return &f->at[(f->head + i) & (m->cap - 1)];
}

/* To its place among those that came before it; of equal times, behind them. */
static void
put_back(const struct merge *m, const struct fifo *f, size_t i)
{
	struct packet p = *at(m, f, i);

	for (size_t passed = 0; i > 0 && passed < MERGE_REACH && at(m, f, i - 1)->time_us > p.time_us; i--, passed++)
		*at(m, f, i) = *at(m, f, i - 1);
	*at(m, f, i) = p;
}

void
merge_took(struct merge *m, size_t source, size_t n)
{
	struct fifo *f = &m->fifos[source];

	for (; n > 0; n--, f->n++)
		if (f->n > 0 && at(m, f, f->n)->time_us < at(m, f, f->n - 1)->time_us)
			put_back(m, f, f->n);
}

size_t
merge_waiting(const struct merge *m, size_t source)
{
	return m->fifos[source].n;
}

bool
merge_event(struct merge *m, const struct event *e)
{
	size_t i, passed = 0;

	/* What was handed out gives its place back before more is asked for. */
	if (m->first_event > m->n_events / 2) {
		m->n_events -= m->first_event;
		memmove(m->events, m->events + m->first_event, m->n_events * sizeof(m->events[0]));
		m->first_event = 0;
	}
	if (m->n_events == m->cap_events) {
		size_t cap = m->cap_events == 0 ? 256 : m->cap_events * 2;
		struct event *more = realloc(m->events, cap * sizeof(*more));

		if (more == NULL)
			return false;
		m->events = more;
		m->cap_events = cap;
	}
	/* Nearly always the newest: look from the end. */
	for (i = m->n_events; i > m->first_event && m->events[i - 1].time_us > e->time_us &&
	    passed < MERGE_REACH_EVENTS; i--, passed++)
		m->events[i] = m->events[i - 1];
	m->events[i] = *e;
	if (i > m->first_event && m->events[i - 1].time_us > e->time_us)
		m->events[i].time_us = m->events[i - 1].time_us;
	m->n_events++;
	return true;
}

/*
 * The source whose oldest packet is first; of equal times, the first source.  *limit: how
 * late its next ones may be without another source coming in between.
 */
static size_t
first_source(const struct merge *m, int64_t *time_us, int64_t *limit)
{
	size_t first = SIZE_MAX;

	*time_us = *limit = INT64_MAX;
	for (size_t i = 0; i < m->n_sources; i++) {
		int64_t t;

		if (m->fifos[i].n == 0)
			continue;
		t = m->fifos[i].at[m->fifos[i].head].time_us;
		if (t < *time_us) {
			/* An earlier source goes first among equals, so that a later one must stay before it. */
			*limit = *time_us == INT64_MAX ? INT64_MAX : *time_us - 1;
			*time_us = t;
			first = i;
		} else if (t < *limit) {
			*limit = t;
		}
	}
	return first;
}

int64_t
merge_first_us(const struct merge *m)
{
	int64_t t, limit;

	(void)first_source(m, &t, &limit);
	if (m->first_event < m->n_events && m->events[m->first_event].time_us < t)
		t = m->events[m->first_event].time_us;
	return t;
}

size_t
merge_events_waiting(const struct merge *m)
{
	return m->n_events - m->first_event;
}

size_t
merge_event_bytes(const struct merge *m)
{
	return m->cap_events * sizeof(m->events[0]);
}

int64_t
merge_safe_us(const struct merge *m, size_t source)
{
	const struct fifo *f = &m->fifos[source];
	int64_t first, half;

	if (f->n == 0)
		return INT64_MIN;
	if (f->n < m->cap)
		return at(m, f, f->n - 1)->time_us - MERGE_WINDOW_US;
	/* At least the oldest goes, whatever their order. */
	first = at(m, f, 0)->time_us;
	half = at(m, f, f->n / 2)->time_us;
	return half > first ? half : first;
}

static void
release(struct merge *m, int64_t horizon_us, size_t max_run,
    void (*packets)(void *ctx, const struct packet *, size_t n), void (*event)(void *ctx, const struct event *),
    void *ctx)
{
	for (;;) {
		int64_t t, limit;
		size_t source = first_source(m, &t, &limit), n = 0, row;
		const struct event *e = m->first_event < m->n_events ? &m->events[m->first_event] : NULL;
		struct fifo *f;

		if (e != NULL && e->time_us < t) {
			if (e->time_us > horizon_us)
				return;
			m->first_event++;
			event(ctx, e);
			continue;
		}
		if (source == SIZE_MAX || t > horizon_us)
			return;
		if (e != NULL && e->time_us < limit)
			limit = e->time_us;
		f = &m->fifos[source];
		row = m->cap - f->head < f->n ? m->cap - f->head : f->n;
		if (row > max_run)
			row = max_run;
		do
			n++;
		while (n < row && f->at[f->head + n].time_us <= limit && f->at[f->head + n].time_us <= horizon_us);
		packets(ctx, &f->at[f->head], n);
		f->head = (f->head + n) & (m->cap - 1);
		f->n -= n;
	}
}

void
merge_release(struct merge *m, int64_t horizon_us, size_t max_run,
    void (*packets)(void *ctx, const struct packet *, size_t n), void (*event)(void *ctx, const struct event *),
    void *ctx)
{
	release(m, horizon_us, max_run, packets, event, ctx);
	/* What is in the cache is used again. */
	for (size_t i = 0; i < m->n_sources; i++) {
		struct fifo *f = &m->fifos[i];

		if (f->n > f->head || f->n > MERGE_REACH || f->head + f->n > m->cap)
			continue;
		memmove(f->at, f->at + f->head, f->n * sizeof(f->at[0]));
		f->head = 0;
	}
}
