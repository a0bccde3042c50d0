/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_rollup.c - the sums that the writer keeps (rollup.h): few rows, read as they are.
 */
#include <string.h>

#include "mxtrap/mxset.h"
#include "report_int.h"

#define DAY_S 86400

enum report_result
report_sums(struct report *r, int64_t span_s, int64_t from_s, int64_t to_s,
    bool (*each)(void *, const struct report_sums *), void *ctx)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	bool go = true;
	int rc = SQLITE_DONE;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_SERIES_ROLE);
	sqlite3_bind_int64(stmt, 1, span_s);
	sqlite3_bind_int64(stmt, 2, from_s);
	sqlite3_bind_int64(stmt, 3, to_s);
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!row_seconds(stmt, 0) || !row_within(stmt, 1, 0, ROLE_CONTROL) || !row_counts(stmt, 2, 7)) {
			(void)report_bad_row(r, "tally_role");
			continue;
		}
		struct report_sums t = {
			.start_s = sqlite3_column_int64(stmt, 0), .role = (uint8_t)sqlite3_column_int(stmt, 1),
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

static int64_t
number_or(sqlite3_stmt *stmt, int column, int64_t otherwise)
{
	return row_within(stmt, column, 0, INT64_MAX / 4) ? sqlite3_column_int64(stmt, column) : otherwise;
}

/* The days that this row stands for: its own and those behind it until the next row, where nothing else is said. */
static void
fill_days(struct report_day *out, size_t n, sqlite3_stmt *stmt)
{
	int64_t day_s = sqlite3_column_int64(stmt, 0);

	for (size_t i = 0; i < n && out[i].day_s >= day_s; i++) {
		if (out[i].listed == -1)
			out[i].listed = number_or(stmt, 1, -1);
		if (out[i].suspects == -1)
			out[i].suspects = number_or(stmt, 2, -1);
		if (out[i].cleared == -1)
			out[i].cleared = number_or(stmt, 3, -1);
	}
}

/* Before the database was made nothing is known; from then on, what no row tells was none. */
static void
fill_nothing(struct report_day *out, size_t n, int64_t created_s)
{
	for (size_t i = 0; i < n && out[i].day_s + DAY_S > created_s; i++) {
		out[i].listed = out[i].listed == -1 ? 0 : out[i].listed;
		out[i].suspects = out[i].suspects == -1 ? 0 : out[i].suspects;
		out[i].cleared = out[i].cleared == -1 ? 0 : out[i].cleared;
	}
}

enum report_result
report_days(struct report *r, int64_t now_s, size_t n, struct report_day *out)
{
	enum report_result result = report_enter(r);
	struct report_state state;
	sqlite3_stmt *stmt;
	int rc = SQLITE_DONE;

	if (result != REPORT_OK)
		return result;
	now_s = report_now(r, now_s);
	for (size_t i = 0; i < n; i++)
		out[i] = (struct report_day){ now_s - now_s % DAY_S - (int64_t)i * DAY_S, -1, -1, -1 };
	stmt = report_ask(r, READ_LIST_DAYS);
	sqlite3_bind_int64(stmt, 1, now_s);
	while (n > 0 && (out[n - 1].listed == -1 || out[n - 1].suspects == -1 || out[n - 1].cleared == -1) &&
	    (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		fill_days(out, n, stmt);
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	if (result == REPORT_OK)
		result = report_state(r, &state);
	if (result == REPORT_OK)
		fill_nothing(out, n, state.clock_s == 0 ? state.created_s : now_s);
	report_leave(r);
	return result;
}

enum report_result
report_routes(struct report *r, int64_t from_s, int64_t to_s, bool (*each)(void *, const struct report_route *), void *ctx)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	bool go = true;
	int rc = SQLITE_DONE;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_ROUTES);
	sqlite3_bind_int64(stmt, 1, from_s);
	sqlite3_bind_int64(stmt, 2, to_s);
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct report_route route = { .visits = (uint64_t)sqlite3_column_int64(stmt, 1),
			.real_proven = (uint64_t)sqlite3_column_int64(stmt, 2) };
		int digits[3], n = 0;

		if (!row_route(stmt, 0)) {
			(void)report_bad_row(r, "route_hour");
			continue;
		}

		/* A digit a role, the first touched in front. */
		for (int64_t rest = sqlite3_column_int64(stmt, 0); rest > 0 && n < 3; rest /= 10)
			digits[n++] = (int)(rest % 10);
		while (n > 0)
			route.roles[route.n_roles++] = (uint8_t)(digits[--n] - 1);
		go = each(ctx, &route);
	}
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}

enum report_result
report_fingerprints(struct report *r, const char *part, uint8_t map[static REPORT_FINGERPRINTS / 8], size_t *n)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	int rc = SQLITE_DONE;

	memset(map, 0, REPORT_FINGERPRINTS / 8);
	*n = 0;
	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_FINGERPRINTS);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		uint64_t id = (uint64_t)sqlite3_column_int64(stmt, 0);
		char text[2 * FINGERPRINT_TEXT_SIZE];

		if (id >= REPORT_FINGERPRINTS || !row_text(stmt, 1, false, text, sizeof text)) {
			(void)report_bad_row(r, "fingerprint");
			continue;
		}
		if (strstr(text, part) == NULL)
			continue;
		map[id / 8] = (uint8_t)(map[id / 8] | 1U << id % 8);
		++*n;
	}
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}
