/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_said.c - what one sender said to decoys that talk.
 */
#include <stdlib.h>
#include <string.h>

#include "mxtrap/event.h"
#include "report_int.h"

#define SAIDS_MAX 1000			/* as in the statement */
#define OPEN_MAX  32			/* a sender's sessions go on beside each other; of so many rows */

static bool
read_said(sqlite3_stmt *stmt, struct report_said *s)
{
	struct prefix what;

	if (!row_micros(stmt, 0) || !row_prefix(stmt, 1, 2, &what) || !row_within(stmt, 3, 0, UINT16_MAX) ||
	    !row_within(stmt, 4, 0, UINT32_MAX) || !row_within(stmt, 5, 0, UINT16_MAX))
		return false;
	*s = (struct report_said){
		.time_us = sqlite3_column_int64(stmt, 0), .src = what.addr, .sport = (uint16_t)sqlite3_column_int(stmt, 3),
		.target = (uint32_t)sqlite3_column_int64(stmt, 4), .said = (uint16_t)sqlite3_column_int(stmt, 5),
	};
	return row_text(stmt, 6, true, s->helo, sizeof s->helo) && row_text(stmt, 7, true, s->domain, sizeof s->domain);
}

/* What is told at the first recipient is told again, with more, at the session's end: one row of both. */
static bool
goes_on(struct report_said *was, const struct report_said *now)
{
	if (was->sport != now->sport || !addr_equal(&was->src, &now->src) || was->target != now->target ||
	    (was->said & SAID_END) != 0)
		return false;
	was->said |= now->said;
	if (was->helo[0] == '\0')
		memcpy(was->helo, now->helo, sizeof was->helo);
	if (was->domain[0] == '\0')
		memcpy(was->domain, now->domain, sizeof was->domain);
	return true;
}

enum report_result
report_saids(struct report *r, sender_key key, bool (*each)(void *, const struct report_said *), void *ctx)
{
	struct addr first = sender_addr(key, 0), last = sender_addr(key, UINT64_MAX);
	struct report_said *rows = calloc(SAIDS_MAX, sizeof *rows);
	enum report_result result = rows != NULL ? report_enter(r) : REPORT_ERROR;
	sqlite3_stmt *stmt;
	size_t n = 0;
	int rc;

	if (result != REPORT_OK) {
		free(rows);
		return result;
	}
	stmt = report_ask(r, READ_SAID);
	sqlite3_bind_blob(stmt, 1, first.b, sizeof first.b, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 2, last.b, sizeof last.b, SQLITE_STATIC);
	while (n < SAIDS_MAX && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		size_t at = n > OPEN_MAX ? n - OPEN_MAX : 0;

		if (!read_said(stmt, &rows[n])) {
			(void)report_bad_row(r, "event");
			continue;
		}
		while (at < n && !goes_on(&rows[at], &rows[n]))
			at++;
		n += at == n;
	}
	if (n == SAIDS_MAX)
		rc = SQLITE_DONE;
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	for (size_t i = 0; i < n && each(ctx, &rows[i]); i++)
		;
	free(rows);
	return result;
}
