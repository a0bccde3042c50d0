/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * write_list.c - the list's lane, and what the operator decided: durable, first.
 *
 * One call is one transaction with synchronous=FULL.  The rows of list_change in it
 * share one serial, and `listing`, the fold, moves in the same transaction: no reader
 * ever sees half of a serial.
 */
#include <math.h>
#include <stdlib.h>

#include "store_int.h"

#define LIST_ROWS	 4096		/* a transaction, live */
#define LIST_ROWS_REPLAY 32768
#define DAY_US		 (86400 * 1000000LL)

static bool
list_is_kept(uint8_t state)
{
	return state == STATE_SUSPECT || state == STATE_LISTED || state == STATE_ALLOWED;
}

static uint64_t
list_host(const struct change_row *c)
{
	return c->what.len > 64 && !sender_is_v4(c->sender) ? addr_host(&c->what.addr) : 0;
}

static void
list_count(struct store *s, int64_t state, int by)
{
	if (state == STATE_LISTED)
		s->n_listed += by;
	else if (state == STATE_SUSPECT)
		s->n_suspect += by;
}

static int64_t
list_milli(float points)
{
	return (int64_t)lrintf(points * 1000.0f);
}

/* Packed as the table says. */
static void
list_bind_row(sqlite3_stmt *stmt, const struct change_row *c)
{
	uint64_t sums = (uint64_t)list_milli(c->score) << 32 | ((uint64_t)list_milli(c->hint) & UINT32_MAX);
	uint64_t marks = (uint64_t)c->kinds << 24 | (uint64_t)c->term_days << 16 | (uint64_t)c->klass << 8 |
	    (uint64_t)(c->grade & 15) << 4 | (c->new_state & 15);

	sqlite3_bind_int64(stmt, 3, (sqlite3_int64)((uint64_t)c->since_s << 32 | c->expires_s));
	sqlite3_bind_int64(stmt, 4, (sqlite3_int64)((uint64_t)c->first_seen_s << 32 | c->last_seen_s));
	sqlite3_bind_int64(stmt, 5, (sqlite3_int64)sums);
	sqlite3_bind_int64(stmt, 6, (sqlite3_int64)marks);
	sqlite3_bind_int64(stmt, 7, c->time_us / 1000000);
}

/* Sender and host, where the statement asks for one. */
static sqlite3_stmt *
list_bind_key(struct store *s, enum write_statement w, const struct change_row *c, bool single)
{
	sqlite3_stmt *stmt = s->stmts[w];

	bind_key(stmt, 1, c->sender);
	if (single)
		bind_key(stmt, 2, list_host(c));
	return stmt;
}

/* What an allowance ended; the next change of this sender says it again, or it is over. */
static bool
list_pause(struct store *s, const struct change_row *c)
{
	bool paused = c->new_state == STATE_ALLOWED && (c->paused_until_s != 0 || c->paused_hand_s != 0);
	enum write_statement w = paused ? WRITE_PAUSED_PUT : WRITE_PAUSED_DELETE;

	if (!paused && c->new_state != STATE_ALLOWED && c->old_state != STATE_ALLOWED)
		return true;
	bind_key(s->stmts[w], 1, c->sender);
	if (paused) {
		sqlite3_bind_int64(s->stmts[w], 2, c->paused_since_s);
		sqlite3_bind_int64(s->stmts[w], 3, c->paused_until_s);
		sqlite3_bind_int64(s->stmts[w], 4, c->paused_hand_s);
	}
	return database_run(s, w);
}

/* The fold: what the change makes of the listing. */
static bool
list_fold(struct store *s, const struct change_row *c)
{
	bool single = c->what.len == 128 && !sender_is_v4(c->sender);
	enum write_statement marks = single ? WRITE_HOST_MARKS : WRITE_LISTING_MARKS;
	enum write_statement put = single ? WRITE_HOST_PUT : WRITE_LISTING_PUT;
	enum write_statement delete = single ? WRITE_HOST_DELETE : WRITE_LISTING_DELETE;
	int64_t was;

	list_bind_key(s, marks, c, single);
	was = database_number(s, marks);
	if (was >= 0)
		list_count(s, was & 15, -1);
	if (!list_is_kept(c->new_state)) {
		if (was < 0)
			return true;
		list_bind_key(s, delete, c, single);
		return database_run(s, delete);
	}
	list_count(s, c->new_state, 1);
	list_bind_row(list_bind_key(s, put, c, single), c);
	return database_run(s, put);
}

static bool
list_change(struct store *s, const struct change_row *c, uint64_t serial)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_CHANGE];

	sqlite3_bind_int64(stmt, 1, segment_add(s, SEGMENT_CHANGE, c->sender, c->time_us));
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)serial);
	sqlite3_bind_int64(stmt, 3, c->time_us);
	bind_key(stmt, 4, c->sender);
	bind_key(stmt, 5, list_host(c));
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
	return database_run(s, WRITE_CHANGE) && list_fold(s, c) && list_pause(s, c);
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

/* Everything up to the commit; batch: its rows instead of the lane's. */
static bool
list_rows(struct store *s, uint64_t serial, const struct change_row *batch, uint64_t n)
{
	int64_t last_us = 0;

	if (!database_run(s, WRITE_BEGIN))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		const struct change_row *c = batch != NULL ? &batch[i] : ring_at(&s->lanes[LANE_LIST], i);
		int64_t day = c->time_us / DAY_US;

		/* The number of a day is that behind its last change. */
		if (i > 0 && day != last_us / DAY_US && !rollup_list(s, last_us))
			return false;
		last_us = c->time_us;
		if (!list_change(s, c, serial))
			return false;
	}
	return rollup_list(s, last_us) && list_move(s, serial) && database_run(s, WRITE_COMMIT);
}

/* Which rows are next: a batch, which is never cut, or so many of the lane. */
static const struct change_row *
list_next(struct store *s, uint64_t *n)
{
	const struct segment *g = &s->segments[SEGMENT_CHANGE];
	uint64_t most = s->replay ? LIST_ROWS_REPLAY : LIST_ROWS;

	*n = ring_used(&s->lanes[LANE_LIST]);
	if (atomic_load(&s->batch.waiting)) {
		uint64_t before = ring_before(&s->lanes[LANE_LIST], s->batch.at);

		if (before == 0) {
			*n = s->batch.n;
			return s->batch.rows;
		}
		if (*n > before)
			*n = before;
	}
	if (*n > most)
		*n = most;
	if (*n > g->cap - g->n)
		*n = g->cap - g->n;
	return NULL;
}

bool
write_list(struct store *s)
{
	struct segment_mark marks[SEGMENT_OF_N];
	struct ring *lane = &s->lanes[LANE_LIST];
	int64_t n_listed = s->n_listed, n_suspect = s->n_suspect;
	uint64_t n, serial = atomic_load(&s->serial) + 1;
	const struct change_row *batch = list_next(s, &n);
	bool ok;

	if (n == 0)
		return true;
	if (!guard_holds(s))
		return false;
	if (batch != NULL && !segment_reserve(s, SEGMENT_CHANGE, n)) {
		writer_failed(s, "list changes: no memory");
		return false;
	}
	if (atomic_load(&s->changes_lost) && !database_rename(s))
		return false;
	segment_note(s, marks);
	/* A replay can be run again; what a live run tells the world must survive a power cut. */
	database_exec(s, s->replay ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL");
	database_cap(s, CAP_LIST);
	ok = list_rows(s, serial, batch, n);
	if (!ok) {
		writer_failed(s, "list changes");
		segment_rewind(s, marks);
		s->n_listed = n_listed;
		s->n_suspect = n_suspect;
	}
	database_exec(s, "PRAGMA synchronous=NORMAL");
	database_cap(s, CAP_ROWS);
	if (!ok)
		return false;
	if (batch != NULL) {
		free(s->batch.rows);
		s->batch.rows = NULL;
		atomic_store(&s->batch.waiting, false);
	} else {
		ring_drop(lane, n);
	}
	atomic_store(&s->serial, serial);
	beat_list(s, false);
	atomic_fetch_add(&s->rows_written, n);
	atomic_fetch_add(&s->commits, 1);
	if (s->moved != NULL)
		s->moved(s->moved_ctx, s->generation, serial);
	return true;
}

/* What stood there before, into the audit row: who undoes the decision brings it back. */
static void
bind_before(struct store *s, const struct admin *a, sqlite3_stmt *audit)
{
	sqlite3_stmt *stmt = s->stmts[a->hand ? WRITE_HAND_WAS : WRITE_ALLOW_WAS];

	for (int i = 7; i <= 9; i++)
		sqlite3_bind_null(audit, i);
	if (!a->allow && !a->hand)
		return;
	if (a->expires_s != STORE_ALLOW_REMOVE)
		sqlite3_bind_int64(audit, 7, a->expires_s);
	sqlite3_bind_blob(stmt, 1, a->what.addr.b, 16, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 2, a->what.len);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		sqlite3_bind_int64(audit, 8, sqlite3_column_int64(stmt, 0));
		sqlite3_bind_text(audit, 9, (const char *)sqlite3_column_text(stmt, 1), -1, SQLITE_TRANSIENT);
	}
	sqlite3_reset(stmt);
}

/* The entry itself, of the allow-list or by hand. */
static bool
admin_entry(struct store *s, const struct admin *a)
{
	bool gone = a->expires_s == STORE_ALLOW_REMOVE;
	enum write_statement w = a->hand ? (gone ? WRITE_HAND_DELETE : WRITE_HAND) : gone ? WRITE_ALLOW_DELETE : WRITE_ALLOW;
	sqlite3_stmt *stmt = s->stmts[w];

	sqlite3_bind_blob(stmt, 1, a->what.addr.b, 16, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 2, a->what.len);
	if (!gone) {
		sqlite3_bind_int64(stmt, 3, a->expires_s);
		sqlite3_bind_int64(stmt, 4, a->time_us / 1000000);
		row_bind_text(stmt, 5, a->who);
		row_bind_text(stmt, 6, a->note);
	}
	return database_run(s, w);
}

/* Forgotten: what was listed by hand there, or is the /64 around it, is no longer. */
static bool
admin_ends_hand(struct store *s, const struct admin *a)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_HAND_CLEAR];
	struct prefix whole = prefix_of(&a->what.addr, 64);
	struct addr last = a->what.addr;

	for (unsigned bit = a->what.len; bit < 128; bit++)
		last.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	sqlite3_bind_blob(stmt, 1, a->what.addr.b, 16, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 2, last.b, 16, SQLITE_TRANSIENT);
	sqlite3_bind_blob(stmt, 3, whole.addr.b, 16, SQLITE_TRANSIENT);
	return database_run(s, WRITE_HAND_CLEAR);
}

static bool
admin_rows(struct store *s, const struct admin *a, bool *refused)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_AUDIT];
	enum token_written written;

	if (!database_run(s, WRITE_BEGIN))
		return false;
	bind_before(s, a, stmt);
	sqlite3_bind_int64(stmt, 1, a->time_us);
	row_bind_text(stmt, 2, a->who);
	sqlite3_bind_text(stmt, 3, a->action, -1, SQLITE_STATIC);
	if (a->about) {
		sqlite3_bind_blob(stmt, 4, a->what.addr.b, 16, SQLITE_STATIC);
		sqlite3_bind_int(stmt, 5, a->what.len);
	} else {
		sqlite3_bind_null(stmt, 4);
		sqlite3_bind_null(stmt, 5);
	}
	row_bind_text(stmt, 6, a->note);
	if (!database_run(s, WRITE_AUDIT))
		return false;
	if ((a->allow || a->hand) && !admin_entry(s, a))
		return false;
	if (a->ends_hand && !admin_ends_hand(s, a))
		return false;
	if (a->token != TOKEN_NONE && (written = write_token(s, a)) != TOKEN_WRITTEN) {
		*refused = written == TOKEN_REFUSED;
		return *refused && database_run(s, WRITE_ROLLBACK);
	}
	return database_run(s, WRITE_COMMIT);
}

bool
write_admin(struct store *s, const struct admin *a)
{
	bool ok, refused = false;

	if (!guard_holds(s))
		return false;
	database_exec(s, "PRAGMA synchronous=FULL");
	database_cap(s, CAP_ALL);
	ok = admin_rows(s, a, &refused);
	if (!ok)
		writer_failed(s, "a decision of the operator");
	database_exec(s, "PRAGMA synchronous=NORMAL");
	database_cap(s, CAP_ROWS);
	if (ok)
		atomic_fetch_add(&s->commits, 1);
	/* Into a file that is no longer there? */
	return ok && !refused && guard_holds(s);
}
