/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copy.c - rows from one SQLite file to another, by the names of their columns and only what can be true.
 */
#include "copy.h"

#include <string.h>

#include "mxtrap/publish.h"
#include "mxtrap/token.h"
#include "row.h"

#define SETTINGS "('firewall', 'publish', 'layout', 'layout_since', 'clock')"

/* -- which rows can be true; the columns are in the order in which the table was made -- */

static bool
good_prefix(sqlite3_stmt *r)
{
	struct prefix what;
	char text[512];

	return row_prefix(r, 0, 1, &what) && row_seconds(r, 2) && row_seconds(r, 3) && row_words(r, 4, false, text, sizeof text) &&
	    row_words(r, 5, false, text, sizeof text);
}

static bool
good_token(sqlite3_stmt *r)
{
	char name[64], scope[64];

	return row_text(r, 1, false, name, sizeof name) && row_text(r, 2, false, scope, sizeof scope) && token_name(name) &&
	    token_scope(scope) && sqlite3_column_type(r, 3) == SQLITE_BLOB && sqlite3_column_bytes(r, 3) == 32 &&
	    row_seconds(r, 4) && row_seconds(r, 5);
}

static bool
good_audit(sqlite3_stmt *r)
{
	char text[512];
	struct prefix what;

	return row_within(r, 0, 1, INT64_MAX / 2) && row_micros(r, 1) && row_words(r, 2, false, text, sizeof text) &&
	    row_text(r, 3, false, text, sizeof text) && row_words(r, 6, false, text, sizeof text) &&
	    (sqlite3_column_type(r, 4) == SQLITE_NULL || row_prefix(r, 4, 5, &what));
}

/* A firewall that was off and is read as "ofg" would block again. */
static bool
good_setting(sqlite3_stmt *r)
{
	char name[64], value[256];

	if (!row_text(r, 0, false, name, sizeof name) || !row_text(r, 1, false, value, sizeof value))
		return false;
	if (strcmp(name, "firewall") == 0)
		return strcmp(value, "off") == 0 || strcmp(value, "up") == 0 || strcmp(value, "not in step yet") == 0;
	if (strcmp(name, "publish") == 0)
		return publish_parse(value).base_s != 0;
	if (strcmp(name, "layout") == 0)
		return strlen(value) == 16 && strspn(value, "0123456789abcdef") == 16;
	return value[0] != '\0' && strlen(value) <= 10 && value[strspn(value, "0123456789")] == '\0';
}

static bool
good_until(sqlite3_stmt *r)
{
	return row_seconds(r, 1);
}

static bool
good_listing(sqlite3_stmt *r)
{
	return row_listing(sqlite3_column_int64(r, 3), (uint64_t)sqlite3_column_int64(r, 4), (uint64_t)sqlite3_column_int64(r, 1),
	    sqlite3_column_int64(r, 5));
}

static bool
good_listing_host(sqlite3_stmt *r)
{
	return row_listing(sqlite3_column_int64(r, 4), (uint64_t)sqlite3_column_int64(r, 5), (uint64_t)sqlite3_column_int64(r, 2),
	    sqlite3_column_int64(r, 6));
}

static bool
good_sender(sqlite3_stmt *r)
{
	struct sender_row row;

	return row_sender(r, &row);
}

/* -- the tables -- */

#define ROWS(table, where, order)  "SELECT * FROM " table " " where " ORDER BY " order " LIMIT ?1"
#define TABLE(noun, table, where, forward, backward, test)                                                                       \
	{ noun, ROWS(table, where, forward), ROWS(table, where, backward), "PRAGMA quick_check(" table ")",                      \
	  "INSERT OR REPLACE INTO " table " (", "DELETE FROM " table, "SELECT count(*) FROM " table, test }
/* Rows by number, the newest. */
#define NEWEST(noun, table)                                                                                                      \
	TABLE(noun, table, "NOT INDEXED WHERE id > (SELECT max(id) FROM " table ") - ?1", "id", "id DESC", NULL)

static const struct {
	const char *noun, *rows, *back, *check, *insert, *empty, *count;
	bool (*good)(sqlite3_stmt *);	/* NULL: readers check it, and it decides nothing */
} tables[COPY_N] = {
	[COPY_ALLOW] = TABLE("allowances", "allow", "", "addr, len", "addr DESC, len DESC", good_prefix),
	[COPY_HAND] = TABLE("listings by hand", "by_hand", "", "addr, len", "addr DESC, len DESC", good_prefix),
	[COPY_TOKEN] = TABLE("tokens", "token", "", "id", "id DESC", good_token),
	[COPY_AUDIT] = TABLE("audit rows", "audit", "", "id", "id DESC", good_audit),
	[COPY_SETTING] = TABLE("settings", "status", "WHERE name IN " SETTINGS, "name", "name DESC", good_setting),
	[COPY_FOREIGN] = TABLE("foreign mail", "foreign_sender", "", "sender", "sender DESC", good_until),
	[COPY_CORRESPONDENT] = TABLE("correspondents", "correspondent", "", "sender", "sender DESC", good_until),
	[COPY_DOUBT] = TABLE("doubts", "doubt", "", "kind, n, addr", "kind DESC, n DESC, addr DESC", NULL),
	[COPY_MEMORY] = TABLE("order memory", "memory", "", "sender, mx_set, is_pool", "sender DESC, mx_set DESC, is_pool DESC", NULL),
	[COPY_LISTING] = TABLE("listings", "listing", "NOT INDEXED", "sender", "sender DESC", good_listing),
	[COPY_LISTING_HOST] = TABLE("listings of hosts", "listing_host", "NOT INDEXED", "sender, host", "sender DESC, host DESC",
	    good_listing_host),
	[COPY_SENDER] = TABLE("senders", "sender", "NOT INDEXED", "key", "key DESC", good_sender),
	[COPY_CHANGE] = NEWEST("list changes", "list_change"),
	[COPY_EVIDENCE] = NEWEST("evidence", "evidence"),
	[COPY_FINGERPRINT] = TABLE("fingerprints", "fingerprint", "NOT INDEXED", "id", "id DESC", NULL),
	[COPY_NOTE] = NEWEST("notes", "note"),
	[COPY_CONSUMER] = TABLE("consumers", "consumer", "", "who, what", "who DESC, what DESC", NULL),
	[COPY_TALLY] = TABLE("sums", "tally", "", "hour_s, target", "hour_s DESC, target DESC", NULL),
	[COPY_TALLY_ROLE] = TABLE("sums", "tally_role", "", "span_s, start_s, role", "span_s DESC, start_s DESC, role DESC", NULL),
	[COPY_LIST_DAY] = TABLE("sums", "list_day", "", "day_s", "day_s DESC", NULL),
	[COPY_ROUTE] = TABLE("sums", "route_hour", "", "hour_s, route", "hour_s DESC, route DESC", NULL),
	[COPY_RUNG] = TABLE("sums", "rung_day", "", "day_s, target", "day_s DESC, target DESC", NULL),
	[COPY_VISIT] = NEWEST("visits", "visit"),
	[COPY_EVENT] = NEWEST("events", "event"),
	[COPY_ATTEMPT] = NEWEST("attempts", "attempt"),
};

const char *
copy_name(enum copy_table t)
{
	return tables[t].noun;
}

bool
copy_sound(sqlite3 *from, enum copy_table t)
{
	sqlite3_stmt *stmt = NULL;
	bool sound = false;

	if (sqlite3_prepare_v2(from, tables[t].check, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
		const char *said = (const char *)sqlite3_column_text(stmt, 0);

		sound = said != NULL && strcmp(said, "ok") == 0;
	}
	sqlite3_finalize(stmt);
	return sound;
}

/* Does the table that is written to have a column of this name? */
static bool
has_column(sqlite3_stmt *shape, const char *name)
{
	for (int i = 0; i < sqlite3_column_count(shape); i++)
		if (strcmp(sqlite3_column_name(shape, i), name) == 0)
			return true;
	return false;
}

/* "INSERT OR REPLACE INTO t ("a","b") VALUES (?1,?2)": of the columns that both have; a parameter is numbered as its column. */
static sqlite3_stmt *
insert_for(sqlite3 *to, enum copy_table t, sqlite3_stmt *rows)
{
	int n = sqlite3_column_count(rows), used = 0;
	sqlite3_str *names = sqlite3_str_new(to), *values = sqlite3_str_new(to);
	sqlite3_stmt *stmt = NULL, *shape = NULL;
	char *text, *tail;

	sqlite3_str_appendall(names, tables[t].insert);
	if (sqlite3_prepare_v2(to, tables[t].rows, -1, &shape, NULL) == SQLITE_OK)
		for (int i = 0; i < n; i++) {
			const char *name = sqlite3_column_name(rows, i);

			if (name == NULL || !has_column(shape, name))
				continue;
			sqlite3_str_appendf(names, "%s\"%w\"", used > 0 ? "," : "", name);
			sqlite3_str_appendf(values, "%s?%d", used++ > 0 ? "," : "", i + 1);
		}
	sqlite3_finalize(shape);
	tail = sqlite3_str_finish(values);
	sqlite3_str_appendall(names, ") VALUES (");
	sqlite3_str_appendall(names, tail != NULL ? tail : "");
	sqlite3_str_appendchar(names, 1, ')');
	text = sqlite3_str_finish(names);
	if (text == NULL || used == 0 || sqlite3_prepare_v2(to, text, -1, &stmt, NULL) != SQLITE_OK)
		stmt = NULL;
	sqlite3_free(text);
	sqlite3_free(tail);
	return stmt;
}

static bool
copy_one(sqlite3_stmt *rows, sqlite3_stmt *insert)
{
	bool ok;

	for (int i = 0; i < sqlite3_column_count(rows); i++)
		(void)sqlite3_bind_value(insert, i + 1, sqlite3_column_value(rows, i));
	ok = sqlite3_step(insert) == SQLITE_DONE;
	sqlite3_reset(insert);
	return ok;
}

bool
copy_rows(sqlite3 *from, sqlite3 *to, enum copy_table t, bool back, int64_t most, struct copied *out)
{
	sqlite3_stmt *rows = NULL, *insert = NULL;
	bool asked = false;
	int rc = SQLITE_ERROR;

	*out = (struct copied){ .rows = 0 };
	if (sqlite3_prepare_v2(from, back ? tables[t].back : tables[t].rows, -1, &rows, NULL) == SQLITE_OK &&
	    (insert = insert_for(to, t, rows)) != NULL) {
		asked = true;
		sqlite3_bind_int64(rows, 1, most);
		while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
			/* A row that the table does not take, for it cannot be one, stays out. */
			if ((tables[t].good == NULL || tables[t].good(rows)) && copy_one(rows, insert))
				out->rows++;
			else
				out->bad++;
		}
	}
	sqlite3_finalize(rows);
	sqlite3_finalize(insert);
	out->whole = rc == SQLITE_DONE;
	return asked;
}

int64_t
copy_count(sqlite3 *db, enum copy_table t)
{
	return copy_number(db, tables[t].count, -1);
}

void
copy_empty(sqlite3 *db, enum copy_table t)
{
	(void)sqlite3_exec(db, tables[t].empty, NULL, NULL, NULL);
}

static uint64_t
mix(uint64_t sum, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ p[i]) * 0x100000001b3ULL;	/* FNV-1a */
	return sum;
}

uint64_t
copy_sum(sqlite3 *db, enum copy_table t, int64_t now_s, uint64_t sum)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, tables[t].rows, -1, &stmt, NULL);

	sum ^= 0xcbf29ce484222325ULL;
	if (rc == SQLITE_OK)
		(void)sqlite3_bind_int64(stmt, 1, -1);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		int64_t ends_s;

		if ((rc = sqlite3_step(stmt)) != SQLITE_ROW)
			break;
		ends_s = t == COPY_ALLOW || t == COPY_HAND ? sqlite3_column_int64(stmt, 2) : 0;
		for (int i = 0; i < sqlite3_column_count(stmt) && (ends_s == 0 || ends_s > now_s); i++) {
			int type = sqlite3_column_type(stmt, i);
			int64_t v = sqlite3_column_int64(stmt, i);

			sum = mix(sum, &type, sizeof type);
			if (type == SQLITE_TEXT || type == SQLITE_BLOB)
				sum = mix(sum, sqlite3_column_blob(stmt, i), (size_t)sqlite3_column_bytes(stmt, i));
			else
				sum = mix(sum, &v, sizeof v);
		}
	}
	sqlite3_finalize(stmt);
	return rc != SQLITE_DONE ? 0 : sum != 0 ? sum : 1;
}

int64_t
copy_number(sqlite3 *db, const char *sql, int64_t otherwise)
{
	sqlite3_stmt *stmt = NULL;
	int64_t n = otherwise;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW &&
	    sqlite3_column_type(stmt, 0) == SQLITE_INTEGER)
		n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}
