/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_purge.c - what a purge reads: every piece of evidence with points, and what was forgotten by hand.
 *
 * Page by page, told between transactions: ten million rows keep nobody from anything.
 */
#include <stdlib.h>

#include "report_int.h"

static bool
read_points(sqlite3_stmt *stmt, struct report_points *p)
{
	if (!row_micros(stmt, 1) || !row_micros(stmt, 3) || !row_within(stmt, 4, 0, UINT16_MAX) ||
	    !row_within(stmt, 5, 0, EVIDENCE_N_KINDS - 1) || !row_within(stmt, 6, 0, GRADE_ACCEPTED) || !row_points(stmt, 7) ||
	    !row_points(stmt, 8) || !row_within(stmt, 9, 0, 2) ||
	    (sqlite3_column_type(stmt, 10) != SQLITE_NULL && !row_micros(stmt, 10)))
		return false;
	*p = (struct report_points){
		.time_us = sqlite3_column_int64(stmt, 1), .sender = (sender_key)sqlite3_column_int64(stmt, 2),
		.visit_us = sqlite3_column_int64(stmt, 3), .set = (uint16_t)sqlite3_column_int(stmt, 4),
		.kind = (uint8_t)sqlite3_column_int(stmt, 5), .grade = (uint8_t)sqlite3_column_int(stmt, 6),
		.score = (float)sqlite3_column_double(stmt, 7), .hint = (float)sqlite3_column_double(stmt, 8),
		.revision = (uint8_t)sqlite3_column_int(stmt, 9), .of_us = sqlite3_column_int64(stmt, 10),
	};
	return true;
}

static enum report_result
points_page(struct report *r, int64_t *id, struct report_points *page, size_t *n, bool *more)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	int rc;

	*n = 0;
	*more = false;
	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_EVIDENCE_SCAN);
	sqlite3_bind_int64(stmt, 1, *id);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && *n < REPORT_PAGE) {
		*id = sqlite3_column_int64(stmt, 0);
		*more = true;
		*n += read_points(stmt, &page[*n]) || report_bad_row(r, "evidence");
	}
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}

enum report_result
report_all_points(struct report *r, bool (*each)(void *, const struct report_points *), void *ctx)
{
	struct report_points *page = calloc(REPORT_PAGE, sizeof *page);
	enum report_result result = REPORT_OK;
	int64_t id = 0;
	size_t n = 0;
	bool go = true, more = false;

	if (page == NULL)
		return REPORT_ERROR;
	do {
		result = points_page(r, &id, page, &n, &more);
		for (size_t i = 0; go && i < n; i++)
			if (page[i].score != 0 || page[i].hint != 0)
				go = each(ctx, &page[i]);
	} while (go && result == REPORT_OK && more);
	free(page);
	return result;
}

enum report_result
report_forgets(struct report *r, bool (*each)(void *, const struct prefix *, int64_t time_us), void *ctx)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	struct prefix what;
	bool go = true;
	int rc = SQLITE_DONE;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_FORGETS);
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		if ((row_micros(stmt, 0) && row_prefix(stmt, 1, 2, &what)) || report_bad_row(r, "audit"))
			go = each(ctx, &what, sqlite3_column_int64(stmt, 0));
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}
