/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_consumer.c - whose token that is, and who fetches the list.
 */
#include <string.h>

#include "mxtrap/token.h"
#include "report_int.h"

/* A scope that nobody could have written opens nothing. */
static bool
read_token(struct report *r, sqlite3_stmt *stmt, struct report_token *out)
{
	if (!row_text(stmt, 0, false, out->name, sizeof out->name) || !row_text(stmt, 1, false, out->scope, sizeof out->scope) ||
	    (size_t)sqlite3_column_bytes(stmt, 1) != strlen(out->scope) || sqlite3_column_bytes(stmt, 2) != TOKEN_HASH_SIZE ||
	    !row_seconds(stmt, 3) || !row_seconds(stmt, 4))
		return report_bad_row(r, "token");
	out->created_s = sqlite3_column_int64(stmt, 3);
	out->expires_s = sqlite3_column_int64(stmt, 4);
	return true;
}

enum report_result
report_token(struct report *r, const uint8_t hash[static TOKEN_HASH_SIZE], int64_t now_s, struct report_token *out)
{
	enum report_result result = report_enter(r);
	bool found = false;
	sqlite3_stmt *stmt;
	int rc;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_TOKENS);
	/* By the clock on the wall: a token has nothing to do with what is watched. */
	sqlite3_bind_int64(stmt, 1, now_s);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const uint8_t *stored = sqlite3_column_blob(stmt, 2);

		/* All are looked at, whichever it is. */
		if (stored == NULL || sqlite3_column_bytes(stmt, 2) != TOKEN_HASH_SIZE || !token_equal(stored, hash))
			continue;
		found |= read_token(r, stmt, out);
	}
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result == REPORT_OK && !found ? REPORT_NONE : result;
}

enum report_result
report_tokens(struct report *r, int64_t now_s, bool (*each)(void *, const struct report_token *), void *ctx)
{
	enum report_result result = report_enter(r);
	struct report_token token;
	sqlite3_stmt *stmt;
	int rc = SQLITE_DONE;
	bool go = true;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_TOKENS);
	sqlite3_bind_int64(stmt, 1, now_s);
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (read_token(r, stmt, &token))
			go = each(ctx, &token);
	}
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}

enum report_result
report_consumers(struct report *r, bool (*each)(void *, const struct consumer_row *), void *ctx)
{
	enum report_result result = report_enter(r);
	struct consumer_row row;
	sqlite3_stmt *stmt;
	int rc = SQLITE_DONE;
	bool go = true;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_CONSUMERS);
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!row_text(stmt, 0, false, row.who, sizeof row.who) || !row_text(stmt, 1, false, row.what, sizeof row.what) ||
		    !row_text(stmt, 2, false, row.agent, sizeof row.agent) || !row_seconds(stmt, 3) || !row_seconds(stmt, 4)) {
			(void)report_bad_row(r, "consumer");
			continue;
		}
		row.first_s = sqlite3_column_int64(stmt, 3);
		row.last_s = sqlite3_column_int64(stmt, 4);
		row.n = (uint64_t)sqlite3_column_int64(stmt, 5);
		row.generation = (uint64_t)sqlite3_column_int64(stmt, 6);
		row.serial = (uint64_t)sqlite3_column_int64(stmt, 7);
		row.before = (uint64_t)sqlite3_column_int64(stmt, 8);
		go = each(ctx, &row);
	}
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}
