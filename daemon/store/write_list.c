/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * write_list.c - the list's lane, and what the operator decided: durable, first.
 *
 * One call is one transaction with synchronous=FULL.  The rows of list_change in it
 * share one serial, and `listing`, the fold, moves in the same transaction: no reader
 * ever sees half of a serial.
 */
#include "store_int.h"

#define LIST_ROWS	 4096		/* a transaction, live */
#define LIST_ROWS_REPLAY 32768

static bool
list_is_kept(uint8_t state)
{
	return state == STATE_SUSPECT || state == STATE_LISTED || state == STATE_ALLOWED;
}

static void
list_bind_key(sqlite3_stmt *stmt, const struct change_row *c)
{
	bind_key(stmt, 1, c->sender);
	bind_key(stmt, 2, c->what.len > 64 ? addr_host(&c->what.addr) : 0);
	sqlite3_bind_int(stmt, 3, c->what.len);
}

static void
list_count(struct store *s, int64_t state, int by)
{
	if (state == STATE_LISTED)
		s->n_listed += by;
	else if (state == STATE_SUSPECT)
		s->n_suspect += by;
}

/* The fold: what the change makes of the listing. */
static bool
list_fold(struct store *s, const struct change_row *c)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_LISTING_STATE];

	list_bind_key(stmt, c);
	list_count(s, database_number(s, WRITE_LISTING_STATE), -1);
	if (!list_is_kept(c->new_state)) {
		list_bind_key(s->stmts[WRITE_LISTING_DELETE], c);
		return database_run(s, WRITE_LISTING_DELETE);
	}
	list_count(s, c->new_state, 1);
	stmt = s->stmts[WRITE_LISTING_PUT];
	list_bind_key(stmt, c);
	sqlite3_bind_int(stmt, 4, c->new_state);
	sqlite3_bind_int64(stmt, 5, c->since_s);
	sqlite3_bind_int64(stmt, 6, c->expires_s);
	sqlite3_bind_double(stmt, 7, (double)c->score);
	sqlite3_bind_double(stmt, 8, (double)c->hint);
	sqlite3_bind_int(stmt, 9, c->kinds);
	sqlite3_bind_int(stmt, 10, c->grade);
	sqlite3_bind_int(stmt, 11, c->klass);
	sqlite3_bind_int(stmt, 12, c->term_days);
	sqlite3_bind_int64(stmt, 13, c->first_seen_s);
	sqlite3_bind_int64(stmt, 14, c->last_seen_s);
	sqlite3_bind_int64(stmt, 15, c->time_us / 1000000);
	return database_run(s, WRITE_LISTING_PUT);
}

static bool
list_change(struct store *s, const struct change_row *c, uint64_t serial)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_CHANGE];

	sqlite3_bind_int64(stmt, 1, segment_add(s, SEGMENT_CHANGE, c->sender, c->time_us));
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)serial);
	sqlite3_bind_int64(stmt, 3, c->time_us);
	bind_key(stmt, 4, c->sender);
	bind_key(stmt, 5, c->what.len > 64 ? addr_host(&c->what.addr) : 0);
	sqlite3_bind_int(stmt, 6, c->what.len);
	sqlite3_bind_int(stmt, 7, c->old_state);
	sqlite3_bind_int(stmt, 8, c->new_state);
	sqlite3_bind_int(stmt, 9, c->cause);
	sqlite3_bind_double(stmt, 10, (double)c->score);
	sqlite3_bind_double(stmt, 11, (double)c->hint);
	sqlite3_bind_int64(stmt, 12, c->since_s);
	sqlite3_bind_int64(stmt, 13, c->expires_s);
	sqlite3_bind_int64(stmt, 14, c->first_seen_s);
	sqlite3_bind_int64(stmt, 15, c->last_seen_s);
	sqlite3_bind_int(stmt, 16, c->kinds);
	sqlite3_bind_int(stmt, 17, c->grade);
	sqlite3_bind_int(stmt, 18, c->klass);
	sqlite3_bind_int(stmt, 19, c->term_days);
	return database_run(s, WRITE_CHANGE) && list_fold(s, c);
}

static bool
list_move(struct store *s, uint64_t serial)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_META_MOVE];

	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)serial);
	sqlite3_bind_int64(stmt, 2, store_wall_us() / 1000000);
	sqlite3_bind_int64(stmt, 3, s->n_listed);
	sqlite3_bind_int64(stmt, 4, s->n_suspect);
	return database_run(s, WRITE_META_MOVE);
}

/* Everything up to the commit. */
static bool
list_rows(struct store *s, uint64_t serial, uint64_t n)
{
	if (!database_run(s, WRITE_BEGIN))
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (!list_change(s, ring_at(&s->lanes[LANE_LIST], i), serial))
			return false;
	return list_move(s, serial) && database_run(s, WRITE_COMMIT);
}

bool
write_list(struct store *s)
{
	struct segment_mark marks[SEGMENT_OF_N];
	struct ring *lane = &s->lanes[LANE_LIST];
	const struct segment *g = &s->segments[SEGMENT_CHANGE];
	int64_t n_listed = s->n_listed, n_suspect = s->n_suspect;
	uint64_t n = ring_used(lane), most = s->replay ? LIST_ROWS_REPLAY : LIST_ROWS;
	uint64_t serial = atomic_load(&s->serial) + 1;
	bool ok;

	if (n > most)
		n = most;
	if (n > g->cap - g->n)
		n = g->cap - g->n;
	if (n == 0)
		return true;
	if (atomic_load(&s->changes_lost) && !database_rename(s))
		return false;
	segment_note(s, marks);
	/* A replay can be run again; what a live run tells the world must survive a power cut. */
	database_exec(s, s->replay ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL");
	database_cap(s, true);
	ok = list_rows(s, serial, n);
	if (!ok) {
		writer_failed(s, "list changes");
		segment_rewind(s, marks);
		s->n_listed = n_listed;
		s->n_suspect = n_suspect;
	}
	database_exec(s, "PRAGMA synchronous=NORMAL");
	database_cap(s, false);
	if (!ok)
		return false;
	ring_drop(lane, n);
	atomic_store(&s->serial, serial);
	atomic_fetch_add(&s->rows_written, n);
	atomic_fetch_add(&s->commits, 1);
	if (s->moved != NULL)
		s->moved(s->moved_ctx, s->generation, serial);
	return true;
}

static bool
admin_rows(struct store *s, const struct admin *a)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_AUDIT];

	if (!database_run(s, WRITE_BEGIN))
		return false;
	sqlite3_bind_int64(stmt, 1, a->time_us);
	sqlite3_bind_text(stmt, 2, a->who, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 3, a->action, -1, SQLITE_STATIC);
	if (a->about) {
		sqlite3_bind_blob(stmt, 4, a->what.addr.b, 16, SQLITE_STATIC);
		sqlite3_bind_int(stmt, 5, a->what.len);
	} else {
		sqlite3_bind_null(stmt, 4);
		sqlite3_bind_null(stmt, 5);
	}
	sqlite3_bind_text(stmt, 6, a->note, -1, SQLITE_STATIC);
	if (!database_run(s, WRITE_AUDIT))
		return false;
	if (a->allow) {
		bool gone = a->expires_s == STORE_ALLOW_REMOVE;
		enum write_statement w = gone ? WRITE_ALLOW_DELETE : WRITE_ALLOW;

		stmt = s->stmts[w];
		sqlite3_bind_blob(stmt, 1, a->what.addr.b, 16, SQLITE_STATIC);
		sqlite3_bind_int(stmt, 2, a->what.len);
		if (!gone) {
			sqlite3_bind_int64(stmt, 3, a->expires_s);
			sqlite3_bind_int64(stmt, 4, a->time_us / 1000000);
			sqlite3_bind_text(stmt, 5, a->who, -1, SQLITE_STATIC);
			sqlite3_bind_text(stmt, 6, a->note, -1, SQLITE_STATIC);
		}
		if (!database_run(s, w))
			return false;
	}
	return database_run(s, WRITE_COMMIT);
}

bool
write_admin(struct store *s, const struct admin *a)
{
	bool ok;

	database_exec(s, "PRAGMA synchronous=FULL");
	database_cap(s, true);
	ok = admin_rows(s, a);
	if (!ok)
		writer_failed(s, "a decision of the operator");
	database_exec(s, "PRAGMA synchronous=NORMAL");
	database_cap(s, false);
	if (ok)
		atomic_fetch_add(&s->commits, 1);
	return ok;
}
