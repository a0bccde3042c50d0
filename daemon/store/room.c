/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * room.c - the database is at its size: what goes, in bits small enough that nobody waits.
 *
 * What there is most of goes first, its oldest rows; what explains a listing counts less than what everybody may cause, and
 * stays longer.  Never a decision, a listing, nor what a start needs; changes of the list last, and none that a consumer needs.
 */
#include "store_int.h"

#include "mxtrap/trap.h"

enum room_of { ROOM_ATTEMPT, ROOM_EVENT, ROOM_VISIT, ROOM_EVIDENCE, ROOM_NOTE, ROOM_SENDER, ROOM_N };

enum {				/* about, with what finds them */
	ATTEMPT_BYTES = 60, VISIT_BYTES = 55, EVIDENCE_BYTES = 110, CHANGE_BYTES = 120, EVENT_BYTES = 90, NOTE_BYTES = 32,
	NOTES_LEAST = 16384,
	AGE_MOST_S = 15 * 86400, AGE_LEAST_S = 3600,	/* of senders that were never more than noticed */
	PROVEN_TIMES = 24,		/* as long for those that completed a handshake */
	FOREIGN_S = 30 * 86400,		/* as the trap excuses */
	CONSUMER_S = 86400,		/* a consumer that did not come for longer fetches all */
};

static int64_t
room_segment_rows(struct store *s, enum segment_of of)
{
	struct oldest old;

	return retention_oldest(s, of, &old) ? s->segments[of].next_id - old.first_id : 0;
}

/* How much there is of each, by weight.  What is none of the others is senders and their memories. */
static void
room_measure(struct store *s, int64_t weight[static ROOM_N])
{
	int64_t used = (database_number(s, WRITE_PAGE_COUNT) - database_number(s, WRITE_FREE_COUNT)) * STORE_PAGE_BYTES;
	int64_t events, notes;

	sqlite3_bind_int64(s->stmts[WRITE_EVENT_SPAN], 1, s->room.event_id);
	events = database_number(s, WRITE_EVENT_SPAN);
	if (events < 0) {		/* ids began again: all of them had gone */
		s->room.event_id = 0;
		events = 0;
	}
	notes = database_number(s, WRITE_NOTE_SPAN);
	weight[ROOM_ATTEMPT] = room_segment_rows(s, SEGMENT_ATTEMPT) * ATTEMPT_BYTES;
	weight[ROOM_EVENT] = events * EVENT_BYTES;
	weight[ROOM_VISIT] = room_segment_rows(s, SEGMENT_VISIT) * VISIT_BYTES;
	weight[ROOM_EVIDENCE] = room_segment_rows(s, SEGMENT_EVIDENCE) * EVIDENCE_BYTES;
	weight[ROOM_NOTE] = notes * NOTE_BYTES;
	weight[ROOM_SENDER] = used - room_segment_rows(s, SEGMENT_CHANGE) * CHANGE_BYTES;
	for (int i = 0; i < ROOM_SENDER; i++)
		weight[ROOM_SENDER] -= weight[i];
	weight[ROOM_VISIT] /= 2;
	weight[ROOM_EVIDENCE] /= 4;
	weight[ROOM_NOTE] /= 4;
	weight[ROOM_SENDER] /= 2;
}

static void
room_count(struct store *s, int64_t n)
{
	atomic_fetch_add(&s->rows_dropped, (uint64_t)n);
}

static bool
room_segment(struct store *s, enum segment_of of)
{
	int64_t least = 0;
	struct oldest old;

	if (of == SEGMENT_EVIDENCE) {	/* a doubt that is found later reaches these, after a start as well */
		least = s->bulk_pages * STORE_PAGE_BYTES / 4 / EVIDENCE_BYTES;
		if (least > TRAP_RESTORE_EVIDENCE)
			least = TRAP_RESTORE_EVIDENCE;
	}
	if (!retention_oldest(s, of, &old) || s->segments[of].next_id - old.last_id <= least || !retention_drop(s, of, &old))
		return false;
	room_count(s, old.last_id - old.first_id + 1);
	return true;
}

/* The oldest events that strangers caused; starts and decisions stay. */
static bool
room_events(struct store *s)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_EVENT_OLDEST];
	int64_t last_id = 0, last_us = 0, n = 0;
	bool ok;

	sqlite3_bind_int64(stmt, 1, s->room.event_id);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		last_id = sqlite3_column_int64(stmt, 0);
		last_us = sqlite3_column_int64(stmt, 1);
		n = sqlite3_column_int64(stmt, 2);
	}
	sqlite3_reset(stmt);
	if (n == 0)
		return false;
	stmt = s->stmts[WRITE_EVENT_ROOM];
	sqlite3_bind_int64(stmt, 1, s->room.event_id);
	sqlite3_bind_int64(stmt, 2, last_id);
	ok = database_run(s, WRITE_BEGIN) && database_run(s, WRITE_EVENT_ROOM) && retention_inputs(s, last_us) &&
	    database_run(s, WRITE_COMMIT);
	if (!ok) {
		writer_failed(s, "deleting old events");
		return false;
	}
	s->room.event_id = last_id;
	room_count(s, n);
	return true;
}

static bool
room_notes(struct store *s)
{
	int64_t n;

	if (database_number(s, WRITE_NOTE_SPAN) <= 2 * NOTES_LEAST)
		return false;
	sqlite3_bind_int64(s->stmts[WRITE_NOTE_ROOM], 1, NOTES_LEAST);
	if (!database_run(s, WRITE_BEGIN) || !database_run(s, WRITE_NOTE_ROOM)) {
		writer_failed(s, "deleting old notes");
		return false;
	}
	n = sqlite3_changes(s->db);
	if (!database_run(s, WRITE_COMMIT)) {
		writer_failed(s, "deleting old notes");
		return false;
	}
	room_count(s, n);
	return n > 0;
}

/* Walk on through a table by key.  0: at its end; -1: failed, said why. */
static int
room_walk(struct store *s, enum write_statement stretch, enum write_statement w, int64_t before_s, int64_t proven_before_s)
{
	sqlite3_stmt *stmt = s->stmts[stretch];
	int64_t last = 0, n = 0;

	sqlite3_bind_int64(stmt, 1, s->room.key);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		last = sqlite3_column_int64(stmt, 0);
		n = sqlite3_column_int64(stmt, 1);
	}
	sqlite3_reset(stmt);
	if (n == 0)
		return 0;
	stmt = s->stmts[w];
	sqlite3_bind_int64(stmt, 1, s->room.key);
	sqlite3_bind_int64(stmt, 2, last);
	if (w == WRITE_SENDER_ROOM) {
		sqlite3_bind_int64(stmt, 3, before_s);
		sqlite3_bind_int64(stmt, 4, proven_before_s);
	}
	if (!database_run(s, w)) {
		writer_failed(s, "deleting old senders");
		return -1;
	}
	room_count(s, sqlite3_changes(s->db));
	s->room.freed += (uint64_t)sqlite3_changes(s->db);
	s->room.key = last;
	return 1;
}

/*
 * Senders that were never more than noticed, the longest unseen first: a walk through all of them, then one through what was
 * remembered of them, and again with half the age until the youngest have gone through it.
 */
static bool
room_senders(struct store *s)
{
	struct room *r = &s->room;
	int64_t now_s = s->newest_us / 1000000;
	int walked;

	if (now_s == 0)
		return false;
	if (r->age_s == 0) {
		*r = (struct room){ .event_id = r->event_id, .age_s = AGE_MOST_S, .key = INT64_MIN };
	}
	walked = r->memories ? room_walk(s, WRITE_MEMORY_STRETCH, WRITE_MEMORY_ROOM, 0, 0) :
	    room_walk(s, WRITE_SENDER_STRETCH, WRITE_SENDER_ROOM, now_s - r->age_s, now_s - r->age_s * PROVEN_TIMES);
	if (walked != 0)
		return walked > 0;
	r->key = INT64_MIN;
	r->memories = !r->memories;
	if (r->memories)
		return true;
	while (retention_before(s, WRITE_FOREIGN_OLD, now_s + FOREIGN_S - r->age_s * PROVEN_TIMES) > 0)
		r->freed++;
	while (retention_before(s, WRITE_CORRESPONDENT_OLD, now_s - r->age_s * PROVEN_TIMES) > 0)
		r->freed++;
	if (r->age_s > AGE_LEAST_S) {
		r->age_s = r->age_s / 2 > AGE_LEAST_S ? r->age_s / 2 : AGE_LEAST_S;
		return true;
	}
	r->age_s = 0;			/* from the oldest again, next time */
	return r->freed > 0;
}

/* Changes of the list that no consumer asks for any more; who is behind them fetches all. */
static bool
room_changes(struct store *s)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_CONSUMERS_BEHIND];
	struct oldest old;

	if (!retention_oldest(s, SEGMENT_CHANGE, &old))
		return false;
	sqlite3_bind_int64(s->stmts[WRITE_CHANGE_SERIAL], 1, old.last_id);
	sqlite3_bind_int64(stmt, 1, s->newest_us / 1000000 - CONSUMER_S);
	sqlite3_bind_int64(stmt, 2, database_number(s, WRITE_CHANGE_SERIAL));
	if (database_number(s, WRITE_CONSUMERS_BEHIND) != 0 || !retention_drop(s, SEGMENT_CHANGE, &old))
		return false;
	room_count(s, old.last_id - old.first_id + 1);
	return true;
}

static bool
room_of(struct store *s, enum room_of of)
{
	switch (of) {
	case ROOM_ATTEMPT:
		return room_segment(s, SEGMENT_ATTEMPT);
	case ROOM_EVENT:
		return room_events(s);
	case ROOM_VISIT:
		return room_segment(s, SEGMENT_VISIT);
	case ROOM_EVIDENCE:
		return room_segment(s, SEGMENT_EVIDENCE);
	case ROOM_NOTE:
		return room_notes(s);
	case ROOM_SENDER:
		return room_senders(s);
	case ROOM_N:
		break;
	}
	return false;
}

bool
room_step(struct store *s)
{
	uint64_t errors = atomic_load(&s->write_errors);
	int64_t weight[ROOM_N];

	room_measure(s, weight);
	for (int tries = 0; tries < ROOM_N; tries++) {
		int most = 0;

		for (int i = 1; i < ROOM_N; i++)
			if (weight[i] > weight[most])
				most = i;
		if (room_of(s, (enum room_of)most))
			return true;
		if (atomic_load(&s->write_errors) != errors)
			return false;
		weight[most] = INT64_MIN;
	}
	return room_changes(s);
}
