/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_sink.c - the calls that the packet path makes: a row costs a copy into a ring.
 *
 * Only list changes wake the writer; it looks after the rest by itself.  Live, a full
 * lane loses the row and counts it; a replay waits.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store_int.h"

static void
store_wake(struct store *s)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load(&s->sleeping))
		return;
	pthread_mutex_lock(&s->mutex);
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->mutex);
}

uint64_t
store_list_put(const struct store *s)
{
	return ring_put_so_far(&s->lanes[LANE_LIST]);
}

bool
store_list_in(const struct store *s, uint64_t put)
{
	return ring_put_so_far(&s->lanes[LANE_LIST]) - ring_used(&s->lanes[LANE_LIST]) >= put;
}

/* Where a record of this lane goes; NULL: lost (live), never in a replay. */
static void *
store_room(struct store *s, enum lane lane)
{
	const struct timespec moment = { .tv_nsec = 200000 };
	struct ring *ring = &s->lanes[lane];
	void *slot;

	while ((slot = ring_room(ring)) == NULL) {
		if (!s->replay) {
			atomic_fetch_add(&s->rows_lost, 1);
			if (lane == LANE_LIST)
				atomic_store(&s->changes_lost, true);
			return NULL;
		}
		store_wake(s);
		nanosleep(&moment, NULL);
	}
	return slot;
}

static void
store_put(struct store *s, enum lane lane)
{
	struct ring *ring = &s->lanes[lane];
	uint64_t tail;

	ring_put(ring);
	tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	/* The writer looks by itself; it is only woken when much has come at once. */
	if (lane == LANE_LIST || (tail & (ring->mask >> 3)) == 0)
		store_wake(s);
}

static struct row *
store_row(struct store *s, enum lane lane, enum row_kind kind)
{
	struct row *row = store_room(s, lane);

	if (row != NULL)
		row->kind = (uint8_t)kind;
	return row;
}

static void
sink_attempt(void *ctx, const struct attempt_row *a)
{
	struct row *row = store_row(ctx, LANE_PLAIN, ROW_ATTEMPT);

	if (row == NULL)
		return;
	row->u.attempt = *a;
	store_put(ctx, LANE_PLAIN);
}

static void
sink_visit(void *ctx, const struct visit_row *v)
{
	struct row *row = store_row(ctx, LANE_PLAIN, ROW_VISIT);

	if (row == NULL)
		return;
	row->u.visit = *v;
	store_put(ctx, LANE_PLAIN);
}

static void
sink_evidence(void *ctx, const struct evidence_row *e)
{
	struct row *row = store_row(ctx, LANE_KEEP, ROW_EVIDENCE);

	if (row == NULL)
		return;
	row->u.evidence = *e;
	store_put(ctx, LANE_KEEP);
}

static void
sink_tally(void *ctx, const struct tally_row *t)
{
	struct row *row = store_row(ctx, LANE_KEEP, ROW_TALLY);

	if (row == NULL)
		return;
	row->u.tally = *t;
	store_put(ctx, LANE_KEEP);
}

static void
sink_note(void *ctx, const struct note_row *n)
{
	struct row *row = store_row(ctx, LANE_KEEP, ROW_NOTE);

	if (row == NULL)
		return;
	row->u.note = *n;
	store_put(ctx, LANE_KEEP);
}

static void
sink_doubt(void *ctx, const struct doubt_row *d)
{
	struct row *row = store_row(ctx, LANE_KEEP, ROW_DOUBT);

	if (row == NULL)
		return;
	row->u.doubt = *d;
	store_put(ctx, LANE_KEEP);
}

static void
sink_fingerprint(void *ctx, uint16_t id, const struct fingerprint *fp, int64_t time_us)
{
	struct row *row = store_row(ctx, LANE_KEEP, ROW_FINGERPRINT);

	if (row == NULL)
		return;
	row->u.fingerprint.id = id;
	row->u.fingerprint.fp = *fp;
	row->u.fingerprint.time_us = time_us;
	store_put(ctx, LANE_KEEP);
}

static void
sink_change(void *ctx, const struct change_row *c)
{
	struct change_row *slot = store_room(ctx, LANE_LIST);

	if (slot == NULL)
		return;
	*slot = *c;
	store_put(ctx, LANE_LIST);
}

static void
sink_sender(void *ctx, const struct sender_row *r)
{
	struct sender_row *slot = store_room(ctx, LANE_SENDER);

	if (slot == NULL)
		return;
	*slot = *r;
	store_put(ctx, LANE_SENDER);
}

static void
sink_memory(void *ctx, const struct memory_row *m)
{
	struct memory_row *slot = store_room(ctx, LANE_MEMORY);

	if (slot == NULL)
		return;
	*slot = *m;
	store_put(ctx, LANE_MEMORY);
}

static void
sink_correspondent(void *ctx, sender_key key, uint32_t answered_s)
{
	struct row *row = store_row(ctx, LANE_KEEP, ROW_CORRESPONDENT);

	if (row == NULL)
		return;
	row->u.correspondent.key = key;
	row->u.correspondent.answered_s = answered_s;
	store_put(ctx, LANE_KEEP);
}

static void
sink_foreign(void *ctx, sender_key key, uint32_t until_s)
{
	struct row *row = store_row(ctx, LANE_KEEP, ROW_FOREIGN);

	if (row == NULL)
		return;
	row->u.foreign.key = key;
	row->u.foreign.until_s = until_s;
	store_put(ctx, LANE_KEEP);
}

static void
sink_cleared(void *ctx, uint32_t day_s, uint64_t n)
{
	struct row *row = store_row(ctx, LANE_KEEP, ROW_CLEARED);

	if (row == NULL)
		return;
	row->u.cleared.day_s = day_s;
	row->u.cleared.n = n;
	store_put(ctx, LANE_KEEP);
}

struct sink
store_sink(struct store *s)
{
	return (struct sink){ .ctx = s, .attempt = sink_attempt, .visit = sink_visit, .evidence = sink_evidence,
		.change = sink_change, .sender = sink_sender, .memory = sink_memory, .tally = sink_tally,
		.note = sink_note, .fingerprint = sink_fingerprint, .correspondent = sink_correspondent,
		.foreign = sink_foreign, .cleared = sink_cleared, .doubt = sink_doubt };
}

size_t
store_sender_room(const struct store *s)
{
	const struct ring *ring = &s->lanes[LANE_SENDER], *memory = &s->lanes[LANE_MEMORY];
	uint64_t senders = ring_size(ring) - ring_used(ring), memories = ring_size(memory) - ring_used(memory);

	return (size_t)(senders < memories ? senders : memories);
}

void
store_event(struct store *s, const struct event *event, const char *who, const char *note)
{
	struct row *row;

	if (event->kind == EVENT_TICK || (row = store_row(s, LANE_KEEP, ROW_EVENT)) == NULL)
		return;
	row->u.event.event = *event;
	row->u.event.who = who != NULL && who[0] != '\0' ? strdup(who) : NULL;
	row->u.event.note = note != NULL && note[0] != '\0' ? strdup(note) : NULL;
	store_put(s, LANE_KEEP);
}

bool
store_together(struct store *s, struct change_row *rows, size_t n)
{
	if (atomic_load(&s->batch.waiting))
		return false;
	if (n == 0) {
		free(rows);
		return true;
	}
	s->batch.rows = rows;
	s->batch.n = n;
	s->batch.at = ring_put_so_far(&s->lanes[LANE_LIST]);
	atomic_store(&s->batch.waiting, true);
	store_wake(s);
	return true;
}

bool
store_together_done(const struct store *s)
{
	return !atomic_load(&s->batch.waiting);
}

size_t
store_keep_room(const struct store *s)
{
	const struct ring *ring = &s->lanes[LANE_KEEP];

	return (size_t)(ring_size(ring) - ring_used(ring));
}
