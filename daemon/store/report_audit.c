/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_audit.c - what people decided, and what they listed by hand.
 */
#include "report_int.h"

bool
report_kept(struct report *r, sqlite3_stmt *stmt, const char *of, struct report_kept *out)
{
	if (!row_prefix(stmt, 0, 1, &out->what) || !row_seconds(stmt, 2) || !row_seconds(stmt, 5))
		return report_bad_row(r, of);
	/* What stands there counts, whatever was said about it. */
	(void)row_words(stmt, 3, false, out->who, sizeof out->who);
	(void)row_words(stmt, 4, false, out->note, sizeof out->note);
	out->expires_s = sqlite3_column_int64(stmt, 2);
	out->added_s = sqlite3_column_int64(stmt, 5);
	return true;
}

static bool
seconds_or_none(sqlite3_stmt *stmt, int at)
{
	return sqlite3_column_type(stmt, at) == SQLITE_NULL || row_seconds(stmt, at);
}

static bool
read_row(sqlite3_stmt *stmt, struct report_audit *a)
{
	if (!row_micros(stmt, 1) || !seconds_or_none(stmt, 7) || !seconds_or_none(stmt, 8))
		return false;
	*a = (struct report_audit){ .id = sqlite3_column_int64(stmt, 0), .time_us = sqlite3_column_int64(stmt, 1) };
	a->about = sqlite3_column_type(stmt, 4) != SQLITE_NULL;
	if ((a->about && !row_prefix(stmt, 4, 5, &a->subject)) || !row_words(stmt, 2, false, a->who, sizeof a->who) ||
	    !row_text(stmt, 3, false, a->what, sizeof a->what) || !row_words(stmt, 6, false, a->note, sizeof a->note) ||
	    !row_words(stmt, 9, true, a->was_note, sizeof a->was_note))
		return false;
	a->told = sqlite3_column_type(stmt, 7) != SQLITE_NULL || sqlite3_column_type(stmt, 8) != SQLITE_NULL;
	a->expires_s = sqlite3_column_int64(stmt, 7);
	a->was = sqlite3_column_type(stmt, 8) != SQLITE_NULL;
	a->was_expires_s = sqlite3_column_int64(stmt, 8);
	a->stands = sqlite3_column_int(stmt, 10) != 0;
	return true;
}

enum report_result
report_audits(struct report *r, int64_t before, size_t limit, bool (*each)(void *, const struct report_audit *), void *ctx)
{
	enum report_result result = report_enter(r);
	struct report_audit row;
	sqlite3_stmt *stmt;
	bool go = true;
	int rc = SQLITE_DONE;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_AUDIT);
	sqlite3_bind_int64(stmt, 1, before > 0 ? before : INT64_MAX);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)limit);
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		if (read_row(stmt, &row) || report_bad_row(r, "audit"))
			go = each(ctx, &row);
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}

static bool
keep_row(void *ctx, const struct report_audit *row)
{
	*(struct report_audit *)ctx = *row;
	return false;
}

enum report_result
report_audit_of(struct report *r, const struct prefix *what, struct report_audit *out)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	int64_t id = 0;
	int rc;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_AUDIT_ABOUT);
	sqlite3_bind_blob(stmt, 1, what->addr.b, 16, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 2, what->len);
	if ((rc = sqlite3_step(stmt)) == SQLITE_ROW && row_within(stmt, 0, 1, INT64_MAX - 1))
		id = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	if (result == REPORT_OK)
		result = id != 0 ? report_audits(r, id + 1, 1, keep_row, out) : REPORT_NONE;
	report_leave(r);
	return result;
}

enum report_result
report_hands(struct report *r, int64_t now_s, bool (*each)(void *, const struct prefix *, int64_t expires_s,
    const char *who, const char *note, int64_t added_s), void *ctx)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	struct report_kept kept;
	bool go = true;
	int rc = SQLITE_DONE;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_HANDS);
	sqlite3_bind_int64(stmt, 1, report_now(r, now_s));
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		if (report_kept(r, stmt, "by_hand", &kept))
			go = each(ctx, &kept.what, kept.expires_s, kept.who, kept.note, kept.added_s);
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}
