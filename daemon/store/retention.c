/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * retention.c - what is deleted, when, in bits small enough that nobody waits.
 *
 * "Now" is the newest time that was stored, never the clock: a clock that steps must
 * not empty the database.  Tallies, the audit and open listings are kept for ever.
 */
#include "keep.h"
#include "store_int.h"

#define DAY_US (86400LL * 1000000)

enum {
	KEEP_VISITS_DAYS = 90,
	KEEP_EVIDENCE_DAYS = 400,	/* a listing of 30 days, and its relapses, stay explainable */
	KEEP_NOTES_DAYS = 400,
	KEEP_CHANGES_DAYS = 30,		/* the horizon of the list as a log */
	KEEP_CHANGES_ROWS = 10000000,
	KEEP_HOURS_DAYS = 100,		/* sums of an hour: a month's view, and the one before */
	KEEP_DAYS_DAYS = 3650,		/* sums of a day */
	KEEP_RUNGS_DAYS = 35,
	KEEP_UNPROVEN_DAYS = 30,	/* senders that were never more than noticed */
	KEEP_SENDERS_DAYS = 180,
	KEEP_CORRESPONDENTS_DAYS = 7,
	TIDY_EVERY_S = 60,
	TIDY_SEGMENTS = 64,		/* deleted a minute, at most: a million rows */
	VACUUM_PAGES = 1024,		/* free pages that are left alone */
};

static const enum write_statement delete_rows[SEGMENT_OF_N] = {
	[SEGMENT_ATTEMPT] = WRITE_ATTEMPT_DELETE, [SEGMENT_VISIT] = WRITE_VISIT_DELETE,
	[SEGMENT_EVIDENCE] = WRITE_EVIDENCE_DELETE, [SEGMENT_CHANGE] = WRITE_CHANGE_DELETE,
};

bool
retention_oldest(struct store *s, enum segment_of of, struct oldest *out)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_SEGMENT_OLDEST];
	bool any;

	sqlite3_bind_int(stmt, 1, (int)of);
	any = sqlite3_step(stmt) == SQLITE_ROW;
	if (any) {
		out->number = sqlite3_column_int64(stmt, 0);
		out->first_id = sqlite3_column_int64(stmt, 1);
		out->last_id = sqlite3_column_int64(stmt, 2);
		out->last_us = sqlite3_column_int64(stmt, 3);
	}
	sqlite3_reset(stmt);
	return any;
}

/* The newest serial that goes with these rows: nobody can fold from before it any more. */
static bool
retention_horizon(struct store *s, int64_t last_id)
{
	int64_t serial;

	sqlite3_bind_int64(s->stmts[WRITE_CHANGE_SERIAL], 1, last_id);
	serial = database_number(s, WRITE_CHANGE_SERIAL);
	if (serial < 0)
		return true;
	sqlite3_bind_int64(s->stmts[WRITE_META_HORIZON], 1, serial);
	return database_run(s, WRITE_META_HORIZON);
}

/* One segment with its rows and index, in one transaction. */
bool
retention_drop(struct store *s, enum segment_of of, const struct oldest *old)
{
	sqlite3_stmt *chunks = s->stmts[WRITE_SEGMENT_CHUNK_DELETE], *segment = s->stmts[WRITE_SEGMENT_DELETE];
	bool ok = database_run(s, WRITE_BEGIN);

	if (ok && of == SEGMENT_CHANGE)
		ok = retention_horizon(s, old->last_id);
	sqlite3_bind_int64(chunks, 1, segment_chunk_id(of, old->number, 0));
	sqlite3_bind_int64(chunks, 2, segment_chunk_id(of, old->number + 1, 0));
	sqlite3_bind_int(segment, 1, (int)of);
	sqlite3_bind_int64(segment, 2, old->number);
	ok = ok && database_run(s, WRITE_SEGMENT_CHUNK_DELETE) && database_run(s, WRITE_SEGMENT_DELETE);
	if (ok) {
		sqlite3_bind_int64(s->stmts[delete_rows[of]], 1, old->last_id);
		ok = database_run(s, delete_rows[of]) && database_run(s, WRITE_COMMIT);
	}
	if (!ok)
		writer_failed(s, "deleting old rows");
	return ok;
}

/* A statement that deletes what is older than a time, in one transaction; how many went. */
int
retention_before(struct store *s, enum write_statement w, int64_t before)
{
	int n = 0;

	sqlite3_bind_int64(s->stmts[w], 1, before);
	if (!database_run(s, WRITE_BEGIN) || !database_run(s, w)) {
		writer_failed(s, "deleting old rows");
		return 0;
	}
	n = sqlite3_changes(s->db);
	if (!database_run(s, WRITE_COMMIT))
		writer_failed(s, "deleting old rows");
	return n;
}

bool
retention_inputs(struct store *s, int64_t time_us)
{
	sqlite3_bind_int64(s->stmts[WRITE_META_INPUTS], 1, time_us);
	return database_run(s, WRITE_META_INPUTS);
}

/* Events as old as that; a replay must know that it lacks them. */
static bool
retention_events(struct store *s, int64_t before)
{
	if (retention_before(s, WRITE_EVENT_OLD, before) == 0)
		return false;
	if (!retention_inputs(s, before))
		writer_failed(s, "deleting old rows");
	return true;
}

/* Walk a table by key, some thousand rows a call.  True: not at its end. */
static bool
retention_walk(struct store *s, enum write_statement stretch, enum write_statement w, int64_t days, int64_t days2)
{
	sqlite3_stmt *stmt = s->stmts[stretch];
	int64_t last = 0, n = 0, now_s = s->newest_us / 1000000;

	sqlite3_bind_int64(stmt, 1, s->tidy.key);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		last = sqlite3_column_int64(stmt, 0);
		n = sqlite3_column_int64(stmt, 1);
	}
	sqlite3_reset(stmt);
	if (n == 0)
		return false;
	stmt = s->stmts[w];
	sqlite3_bind_int64(stmt, 1, s->tidy.key);
	sqlite3_bind_int64(stmt, 2, last);
	sqlite3_bind_int64(stmt, 3, now_s - days * 86400);
	if (days2 > 0)
		sqlite3_bind_int64(stmt, 4, now_s - days2 * 86400);
	if (!database_run(s, w)) {
		writer_failed(s, "deleting old rows");
		return false;
	}
	s->tidy.key = last;
	return true;
}

static bool
retention_segments(struct store *s, enum segment_of of, int64_t before_us)
{
	struct oldest old;

	if (s->tidy.segments >= TIDY_SEGMENTS || !retention_oldest(s, of, &old))
		return false;
	if (of == SEGMENT_CHANGE && s->segments[of].next_id - old.first_id > KEEP_CHANGES_ROWS)
		before_us = INT64_MAX;
	if (old.last_us >= before_us)
		return false;
	s->tidy.segments++;
	return retention_drop(s, of, &old);
}

/* Give free pages back to the file system, if there are many. */
static bool
retention_vacuum(struct store *s)
{
	int64_t pages = database_number(s, WRITE_PAGE_COUNT), spare = database_number(s, WRITE_FREE_COUNT);

	atomic_store(&s->bytes, (uint64_t)pages * STORE_PAGE_BYTES);
	/* More than there may be: max-size was lowered. */
	if (s->max_pages != 0 && pages > s->max_pages && spare > 0)
		return database_run(s, WRITE_VACUUM);
	if (spare < VACUUM_PAGES || spare < pages / 8)
		return false;
	return database_run(s, WRITE_VACUUM);
}

/* Sums are few: all that is old goes at once. */
static bool
retention_rollups(struct store *s, int64_t now_s)
{
	const int64_t day_s = DAY_US / 1000000;

	retention_before(s, WRITE_TALLY_ROLE_OLD, now_s - KEEP_HOURS_DAYS * day_s);
	retention_before(s, WRITE_ROUTE_OLD, now_s - KEEP_HOURS_DAYS * day_s);
	retention_before(s, WRITE_LIST_DAY_OLD, now_s - KEEP_DAYS_DAYS * day_s);
	retention_before(s, WRITE_RUNG_OLD, now_s - KEEP_RUNGS_DAYS * day_s);
	return false;
}

/* One bit of one step.  True: the step has more to do. */
static bool
retention_one(struct store *s)
{
	int64_t now = s->newest_us;
	int64_t attempts = now - (int64_t)s->retention_attempts_s * 1000000;
	struct oldest old;

	switch (s->tidy.step) {
	case 0:
		return retention_segments(s, SEGMENT_ATTEMPT, attempts);
	case 1:			/* a quiet site fills no segment for weeks */
		return !retention_oldest(s, SEGMENT_ATTEMPT, &old) && !s->segments[SEGMENT_ATTEMPT].indexing &&
		    retention_before(s, WRITE_ATTEMPT_OLD, attempts) > 0;
	case 2:
		return retention_segments(s, SEGMENT_VISIT, now - KEEP_VISITS_DAYS * DAY_US);
	case 3:
		return retention_segments(s, SEGMENT_EVIDENCE, now - KEEP_EVIDENCE_DAYS * DAY_US);
	case 4:
		return retention_segments(s, SEGMENT_CHANGE, now - KEEP_CHANGES_DAYS * DAY_US);
	case 5:
		return retention_events(s, attempts);
	case 6:
		return retention_before(s, WRITE_NOTE_OLD, now - KEEP_NOTES_DAYS * DAY_US) > 0;
	case 7:
		if (retention_before(s, WRITE_ALLOW_OLD, now / 1000000) + retention_before(s, WRITE_HAND_OLD, now / 1000000) > 0)
			keep_want(s);
		s->tidy.key = INT64_MIN;
		return false;
	case 8:
		return retention_walk(s, WRITE_SENDER_STRETCH, WRITE_SENDER_OLD, KEEP_UNPROVEN_DAYS, KEEP_SENDERS_DAYS);
	case 9:
		s->tidy.key = INT64_MIN;
		return false;
	case 10:
		return retention_walk(s, WRITE_MEMORY_STRETCH, WRITE_MEMORY_OLD, KEEP_UNPROVEN_DAYS, 0);
	case 11:
		return retention_before(s, WRITE_CORRESPONDENT_OLD, now / 1000000 - KEEP_CORRESPONDENTS_DAYS * DAY_US / 1000000) > 0;
	case 12:
		return retention_before(s, WRITE_FOREIGN_OLD, now / 1000000) > 0;
	case 13:
		return retention_rollups(s, now / 1000000);
	case 14:
		return retention_vacuum(s);
	default:
		s->tidy.busy = false;
		return false;
	}
}

bool
retention_step(struct store *s)
{
	int64_t now = store_mono_us();

	if (!s->tidy.busy) {
		if (s->replay || now < s->tidy_at_us)
			return false;
		s->tidy_at_us = now + TIDY_EVERY_S * 1000000LL;
		s->tidy = (struct tidy){ .busy = true };
		if (s->newest_us == 0)
			s->tidy.step = 11;
	}
	if (!retention_one(s))
		s->tidy.step++;
	return s->tidy.busy;
}
