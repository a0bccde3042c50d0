/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_consumer.c - whose token that is, and who fetches the list.
 */
#include <stdio.h>
#include <string.h>

#include "mxtrap/token.h"
#include "report_int.h"

static void
copy_column(char *to, size_t size, sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	(void)snprintf(to, size, "%s", text != NULL ? (const char *)text : "");
}

static void
read_token(sqlite3_stmt *stmt, struct report_token *out)
{
	copy_column(out->name, sizeof out->name, stmt, 0);
	copy_column(out->scope, sizeof out->scope, stmt, 1);
	out->created_s = sqlite3_column_int64(stmt, 3);
	out->expires_s = sqlite3_column_int64(stmt, 4);
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
		found = true;
		read_token(stmt, out);
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
		read_token(stmt, &token);
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
		copy_column(row.who, sizeof row.who, stmt, 0);
		copy_column(row.what, sizeof row.what, stmt, 1);
		copy_column(row.agent, sizeof row.agent, stmt, 2);
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
