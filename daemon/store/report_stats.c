/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_stats.c - what each rung saw, counts by the hour, status, allows, notes, events.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/mxset.h"
#include "report_int.h"

#define DAY_S	 86400
#define RECENT_S 300

struct targets {
	struct report_target *rows;	/* owned */
	size_t n, cap;
};

static bool
targets_address(sqlite3_stmt *stmt, struct prefix *out)
{
	if (sqlite3_column_type(stmt, 3) != SQLITE_BLOB || sqlite3_column_bytes(stmt, 3) != 16)
		return false;
	out->len = 128;
	memcpy(out->addr.b, sqlite3_column_blob(stmt, 3), 16);
	return true;
}

static int
targets_read(struct report *r, struct targets *t)
{
	sqlite3_stmt *stmt = report_ask(r, READ_TARGETS);
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct report_target *row;
		struct prefix at;

		if (!row_within(stmt, 0, 0, MXSET_MAX_TARGETS - 1) || !row_within(stmt, 4, 0, UINT16_MAX) ||
		    !row_within(stmt, 5, 0, ROLE_CONTROL) || !row_within(stmt, 6, 0, ANSWER_DIALOGUE) || !row_micros(stmt, 7) ||
		    !targets_address(stmt, &at)) {
			(void)report_bad_row(r, "mx_target");
			continue;
		}
		if (t->n == t->cap) {
			size_t cap = t->cap == 0 ? 16 : 2 * t->cap;
			struct report_target *more = realloc(t->rows, cap * sizeof *more);

			if (more == NULL) {
				rc = SQLITE_NOMEM;
				break;
			}
			t->rows = more;
			t->cap = cap;
		}
		row = &t->rows[t->n];
		*row = (struct report_target){
			.target = (uint32_t)sqlite3_column_int64(stmt, 0),
			.preference = (uint16_t)sqlite3_column_int(stmt, 4), .role = (uint8_t)sqlite3_column_int(stmt, 5),
			.answer = (uint8_t)sqlite3_column_int(stmt, 6), .last_s = sqlite3_column_int64(stmt, 7) / 1000000,
			.down = sqlite3_column_int(stmt, 8) == NOTE_REAL_DOWN,
		};
		addr_format(&at.addr, row->address);
		t->n += row_text(stmt, 1, false, row->set, sizeof row->set) &&
		    row_text(stmt, 2, false, row->exchanger, sizeof row->exchanger);
	}
	sqlite3_reset(stmt);
	return rc;
}

static struct report_target *
targets_find(struct targets *t, int64_t id)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].target == id)
			return &t->rows[i];
	return NULL;
}

static int
targets_tally(struct report *r, struct targets *t, int64_t now_s)
{
	sqlite3_stmt *stmt = report_ask(r, READ_TALLY_TODAY);
	int rc;

	sqlite3_bind_int64(stmt, 1, now_s - now_s % DAY_S);
	sqlite3_bind_int64(stmt, 2, now_s - now_s % 3600);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct report_target *row = targets_find(t, sqlite3_column_int64(stmt, 0));

		if (row == NULL)
			continue;
		if (!row_counts(stmt, 1, 6))
			continue;
		row->attempts_today = (uint64_t)sqlite3_column_int64(stmt, 1);
		row->proven_today = (uint64_t)sqlite3_column_int64(stmt, 2);
		row->refused_today = (uint64_t)sqlite3_column_int64(stmt, 3);
		row->silent_today = (uint64_t)sqlite3_column_int64(stmt, 4);
		row->senders_today = (uint64_t)sqlite3_column_int64(stmt, 5);
		row->attempts_hour = (uint64_t)sqlite3_column_int64(stmt, 6);
	}
	sqlite3_reset(stmt);
	return rc;
}

/* Of today; what is recent may be yesterday's still. */
static int
targets_senders(struct report *r, struct targets *t, int64_t now_s)
{
	sqlite3_stmt *stmt = report_ask(r, READ_RUNGS);
	int64_t today_s = now_s - now_s % DAY_S;
	int rc;

	sqlite3_bind_int64(stmt, 1, today_s - DAY_S);
	sqlite3_bind_int64(stmt, 2, today_s);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct report_target *row = targets_find(t, sqlite3_column_int64(stmt, 0));
		uint64_t senders = (uint64_t)sqlite3_column_int64(stmt, 2);

		if (row == NULL)
			continue;
		/* Tallied attempts are in no sketch: then the count of new senders may be the larger one. */
		if (sqlite3_column_int64(stmt, 1) == today_s && senders > row->senders_today)
			row->senders_today = senders;
		row->senders_now = row_seconds(stmt, 4) && now_s - sqlite3_column_int64(stmt, 4) < RECENT_S ?
		    (uint64_t)sqlite3_column_int64(stmt, 3) : 0;
	}
	sqlite3_reset(stmt);
	return rc;
}

enum report_result
report_targets(struct report *r, int64_t now_s, bool (*each)(void *, const struct report_target *), void *ctx)
{
	struct targets t = { 0 };
	enum report_result result = report_enter(r);
	int rc;

	if (result != REPORT_OK)
		return result;
	now_s = report_now(r, now_s);
	if ((rc = targets_read(r, &t)) == SQLITE_DONE && (rc = targets_tally(r, &t, now_s)) == SQLITE_DONE)
		rc = targets_senders(r, &t, now_s);
	result = report_failed(r, rc);
	report_leave(r);
	for (size_t i = 0; result == REPORT_OK && i < t.n && each(ctx, &t.rows[i]); i++)
		;
	free(t.rows);
	return result;
}

enum report_result
report_series(struct report *r, int64_t from_s, int64_t to_s, bool (*each)(void *, const struct report_tally *),
    void *ctx)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	bool go = true;
	int rc = SQLITE_DONE;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_SERIES);
	sqlite3_bind_int64(stmt, 1, from_s);
	sqlite3_bind_int64(stmt, 2, to_s);
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!row_seconds(stmt, 0) || !row_within(stmt, 1, 0, UINT32_MAX) || !row_counts(stmt, 2, 7)) {
			(void)report_bad_row(r, "tally");
			continue;
		}
		struct report_tally t = {
			.hour_s = sqlite3_column_int64(stmt, 0), .target = (uint32_t)sqlite3_column_int64(stmt, 1),
			.attempts = (uint64_t)sqlite3_column_int64(stmt, 2), .proven = (uint64_t)sqlite3_column_int64(stmt, 3),
			.refused = (uint64_t)sqlite3_column_int64(stmt, 4), .silent = (uint64_t)sqlite3_column_int64(stmt, 5),
			.first_seen = (uint64_t)sqlite3_column_int64(stmt, 6),
			.not_kept = (uint64_t)sqlite3_column_int64(stmt, 7),
		};
		go = each(ctx, &t);
	}
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}

enum report_result
report_status(struct report *r, bool (*each)(void *, const char *name, const char *value), void *ctx)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	bool go = true;
	int rc = SQLITE_DONE;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_STATUS);
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		char name[64], value[512];

		if ((row_text(stmt, 0, false, name, sizeof name) && row_text(stmt, 1, false, value, sizeof value)) ||
		    report_bad_row(r, "status"))
			go = each(ctx, name, value);
	}
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}

enum report_result
report_allows(struct report *r, int64_t now_s, bool (*each)(void *, const struct prefix *, int64_t expires_s,
    const char *who, const char *note, int64_t added_s), void *ctx)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	struct report_kept kept;
	bool go = true;
	int rc = SQLITE_DONE;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_ALLOWS);
	sqlite3_bind_int64(stmt, 1, report_now(r, now_s));
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		if (report_kept(r, stmt, "allow", &kept))
			go = each(ctx, &kept.what, kept.expires_s, kept.who, kept.note, kept.added_s);
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}

enum report_result
report_own(struct report *r, bool (*each)(void *, const struct prefix *, unsigned why), void *ctx)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	struct prefix what;
	bool go = true;
	int rc = SQLITE_DONE;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_OWN);
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		if ((row_prefix(stmt, 0, 1, &what) && row_within(stmt, 2, 0, UINT8_MAX)) || report_bad_row(r, "own_address"))
			go = each(ctx, &what, (unsigned)sqlite3_column_int(stmt, 2));
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}

enum report_result
report_notes(struct report *r, int64_t since_s, size_t limit, bool (*each)(void *, const struct note_row *), void *ctx)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	bool go = true;
	int rc = SQLITE_DONE;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_NOTES);
	sqlite3_bind_int64(stmt, 1, since_s * 1000000);
	sqlite3_bind_int64(stmt, 2, limit == 0 ? -1 : (sqlite3_int64)limit);
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!row_micros(stmt, 0) || !row_within(stmt, 1, 0, NOTE_OVERFLOW) || !row_micros(stmt, 3) || !row_micros(stmt, 4) ||
		    (sqlite3_column_type(stmt, 2) != SQLITE_NULL && !row_within(stmt, 2, 0, UINT32_MAX))) {
			(void)report_bad_row(r, "note");
			continue;
		}
		struct note_row n = {
			.time_us = sqlite3_column_int64(stmt, 0), .kind = (uint8_t)sqlite3_column_int(stmt, 1),
			.target = sqlite3_column_type(stmt, 2) == SQLITE_NULL ? UINT32_MAX :
			    (uint32_t)sqlite3_column_int64(stmt, 2),
			.from_us = sqlite3_column_int64(stmt, 3), .to_us = sqlite3_column_int64(stmt, 4),
		};
		go = each(ctx, &n);
	}
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}

/* What is packed into an EVENT_TAKE_BACK. */
static bool
events_take_back(sqlite3_stmt *stmt)
{
	struct event e = { .kind = (uint8_t)sqlite3_column_int(stmt, 3), .expires_s = (uint32_t)sqlite3_column_int64(stmt, 8),
		.value = sqlite3_column_int64(stmt, 10) };
	struct take_back b;

	take_back_of(&e, &b);
	return e.kind != EVENT_TAKE_BACK || (b.kind < EVIDENCE_N_KINDS && b.grade <= GRADE_ACCEPTED && isfinite(b.score) &&
	    isfinite(b.hint) && fabsf(b.score) <= (float)ROW_POINTS_MAX && fabsf(b.hint) <= (float)ROW_POINTS_MAX);
}

/* One page of events behind an id; how many.  *more: there may be another page. */
static enum report_result
events_page(struct report *r, int64_t *id, struct event *page, size_t *n, bool *more)
{
	enum report_result result = report_enter(r);
	struct prefix what;
	sqlite3_stmt *stmt;
	int rc;

	*n = 0;
	*more = false;
	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_EVENTS);
	sqlite3_bind_int64(stmt, 1, *id);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct event *e = &page[*n];

		*id = sqlite3_column_int64(stmt, 11);
		*more = true;
		if (!row_micros(stmt, 0) || !row_within(stmt, 1, 0, UINT8_MAX) || !row_within(stmt, 2, 0, UINT32_MAX) ||
		    !row_within(stmt, 3, 0, EVENT_ACCEPTED) || !row_prefix(stmt, 4, 5, &what) || !row_within(stmt, 6, 0, UINT16_MAX) ||
		    !row_within(stmt, 7, 0, UINT32_MAX) || !row_within(stmt, 8, 0, UINT32_MAX) || !events_take_back(stmt)) {
			(void)report_bad_row(r, "event");
			continue;
		}
		++*n;
		*e = (struct event){
			.time_us = sqlite3_column_int64(stmt, 0), .source = (uint8_t)sqlite3_column_int(stmt, 1),
			.seq = (uint32_t)sqlite3_column_int64(stmt, 2), .kind = (uint8_t)sqlite3_column_int(stmt, 3),
			.port = (uint16_t)sqlite3_column_int(stmt, 6), .target = (uint32_t)sqlite3_column_int64(stmt, 7),
			.expires_s = (uint32_t)sqlite3_column_int64(stmt, 8), .since_us = sqlite3_column_int64(stmt, 9),
			.value = sqlite3_column_int64(stmt, 10),
		};
		e->what.addr = what.addr;
		e->what.len = what.len;
	}
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}

enum report_result
report_events(struct report *r, bool (*each)(void *, const struct event *), void *ctx)
{
	struct event *page = malloc(REPORT_PAGE * sizeof *page);
	enum report_result result = REPORT_OK;
	int64_t id = 0;
	size_t n = 0;
	bool go = true, more = false;

	if (page == NULL)
		return REPORT_ERROR;
	do {
		result = events_page(r, &id, page, &n, &more);
		for (size_t i = 0; go && i < n; i++)
			go = each(ctx, &page[i]);
	} while (go && result == REPORT_OK && more);
	free(page);
	return result;
}
