/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keep.c - what people decided, in a second file.
 */
#include "keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "store_int.h"

#define KEEP_AUDIT    1000
#define KEEP_RETRY_US (10 * 1000000LL)
#define KEEP_REST     20		/* times as long as it took */

static void
path_of(const struct store *s, const char *end, char *out, size_t size)
{
	(void)snprintf(out, size, "%s/" KEEP_FILE "%s", s->dir, end);
}

/* Over all that is in it. */
static uint64_t
sum_of(sqlite3 *db, int64_t now_s, unsigned n_tables)
{
	uint64_t sum = 1;

	for (unsigned t = 0; t < n_tables && sum != 0; t++)
		sum = copy_sum(db, (enum copy_table)t, now_s, sum);
	return sum;
}

/* -- reading -- */

bool
keep_there(const struct store *s)
{
	struct stat st;
	char path[4096];

	path_of(s, "", path, sizeof path);
	return lstat(path, &st) == 0 && st.st_size > 0;
}

static bool
read_head(struct kept *k)
{
	sqlite3_stmt *stmt = NULL;
	bool ok = sqlite3_prepare_v2(k->db, "SELECT version, audit, mark, created_s, sum FROM kept", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW;

	if (ok) {
		k->version = sqlite3_column_int64(stmt, 0);
		k->audit = sqlite3_column_int64(stmt, 1);
		k->mark = (uint64_t)sqlite3_column_int64(stmt, 2);
		k->created_s = sqlite3_column_int64(stmt, 3);
		k->good = (uint64_t)sqlite3_column_int64(stmt, 4) == sum_of(k->db, 0, COPY_DECISIONS);
	}
	sqlite3_finalize(stmt);
	return ok;
}

void
keep_open(const struct store *s, struct kept *k)
{
	char path[4096];

	*k = (struct kept){ .db = NULL };
	if (s->replay || !keep_there(s))
		return;
	path_of(s, "", path, sizeof path);
	if (sqlite3_open_v2(path, &k->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
	    sqlite3_exec(k->db, "PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF", NULL, NULL, NULL) == SQLITE_OK &&
	    read_head(k))
		return;
	log_warnx("DATABASE [%s] cannot be read: %s", path, sqlite3_errmsg(k->db));
	keep_close(k);
}

void
keep_close(struct kept *k)
{
	sqlite3_close(k->db);
	*k = (struct kept){ .db = NULL };
}

/* -- writing -- */

/* The same tables as the database has. */
static bool
make_tables(sqlite3 *from, sqlite3 *to)
{
	sqlite3_stmt *stmt = NULL;
	bool ok;

	ok = sqlite3_prepare_v2(from, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name IN ('allow', 'by_hand', 'token',"
	    " 'audit', 'status')", -1, &stmt, NULL) == SQLITE_OK;
	while (ok && sqlite3_step(stmt) == SQLITE_ROW)
		ok = sqlite3_exec(to, (const char *)sqlite3_column_text(stmt, 0), NULL, NULL, NULL) == SQLITE_OK;
	sqlite3_finalize(stmt);
	return ok && sqlite3_exec(to, "CREATE TABLE kept (version INTEGER, audit INTEGER, mark INTEGER, created_s INTEGER, sum INTEGER)",
	    NULL, NULL, NULL) == SQLITE_OK;
}

static bool
write_head(struct store *s, sqlite3 *to)
{
	sqlite3_stmt *stmt = NULL;
	bool ok = sqlite3_prepare_v2(to, "INSERT INTO kept VALUES (?,?,?,?,?)", -1, &stmt, NULL) == SQLITE_OK;

	if (ok) {
		sqlite3_bind_int64(stmt, 1, database_newest());
		sqlite3_bind_int64(stmt, 2, copy_number(s->db, "SELECT max(id) FROM audit", 0));
		sqlite3_bind_int64(stmt, 3, (sqlite3_int64)s->last.mark);
		sqlite3_bind_int64(stmt, 4, s->created_s);
		sqlite3_bind_int64(stmt, 5, (sqlite3_int64)sum_of(to, 0, COPY_DECISIONS));
		ok = sqlite3_step(stmt) == SQLITE_DONE;
	}
	sqlite3_finalize(stmt);
	return ok;
}

static bool
fill(struct store *s, sqlite3 *to)
{
	struct copied c;

	if (sqlite3_exec(to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
	    !make_tables(s->db, to))
		return false;
	for (enum copy_table t = 0; t < COPY_DECISIONS; t++)
		if (!copy_rows(s->db, to, t, t == COPY_AUDIT, t == COPY_AUDIT ? KEEP_AUDIT : INT64_MAX, &c) || !c.whole)
			return false;
	return write_head(s, to) && sqlite3_exec(to, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

/* SQLite would make it with another mode. */
static bool
make_file(const char *path)
{
	int fd;

	if (unlink(path) == -1 && errno != ENOENT)
		return false;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return false;
	close(fd);
	return true;
}

static bool
keep_write(struct store *s)
{
	char path[4096], fresh[4096], why[160] = "";
	sqlite3 *to = NULL;
	bool ok;

	path_of(s, "", path, sizeof path);
	path_of(s, ".new", fresh, sizeof fresh);
	ok = make_file(fresh);
	if (!ok) {
		(void)snprintf(why, sizeof why, "%s", strerror(errno));
	} else {
		ok = sqlite3_open_v2(fresh, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
		    fill(s, to);
		if (!ok)
			(void)snprintf(why, sizeof why, "%s", sqlite3_errmsg(to));
		sqlite3_close(to);
		if (ok && !(to_disk(fresh, O_RDONLY) && rename(fresh, path) == 0 && to_disk(s->dir, O_RDONLY | O_DIRECTORY))) {
			(void)snprintf(why, sizeof why, "%s", strerror(errno));
			ok = false;
		}
	}
	if (!ok) {
		if (!s->keep_failed)
			log_warnx("DATABASE [%s] the copy of what was decided cannot be written: %s; the one before it stays, tried again",
			    path, why);
		(void)unlink(fresh);
	}
	s->keep_failed = !ok;
	return ok;
}

void
keep_want(struct store *s)
{
	int64_t now_us = store_mono_us();

	if (s->keep_wanted)
		return;
	s->keep_wanted = true;
	if (s->keep_at_us < now_us)
		s->keep_at_us = now_us;
}

void
keep_end(struct store *s)
{
	int64_t began_us = store_mono_us(), now_us;
	bool ok;

	if (!s->keep_wanted || s->replay || s->db == NULL)
		return;
	ok = keep_write(s);
	now_us = store_mono_us();
	s->keep_wanted = !ok;
	s->keep_at_us = ok ? now_us + KEEP_REST * (now_us - began_us) : now_us + KEEP_RETRY_US;
}

void
keep_turn(struct store *s, int64_t now_us)
{
	if (s->keep_wanted && now_us >= s->keep_at_us)
		keep_end(s);
}

/* -- at a start -- */

/* The rows that differ, from the copy. */
static bool
put_right(struct store *s, struct kept *k)
{
	static const enum copy_table tables[] = { COPY_ALLOW, COPY_HAND, COPY_TOKEN, COPY_AUDIT };
	struct copied c;
	bool ok = database_exec(s, "PRAGMA synchronous=FULL; BEGIN IMMEDIATE");

	for (size_t i = 0; ok && i < sizeof tables / sizeof tables[0]; i++) {
		if (tables[i] != COPY_AUDIT)
			copy_empty(s->db, tables[i]);
		ok = copy_rows(k->db, s->db, tables[i], false, INT64_MAX, &c) && c.whole;
	}
	ok = database_exec(s, ok ? "COMMIT" : "ROLLBACK") && ok;
	return database_exec(s, "PRAGMA synchronous=NORMAL") && ok;
}

/* Nothing was decided since the copy was written: then both are the same, or one of them has changed by itself. */
static bool
differs(struct store *s, const struct kept *k)
{
	int64_t now_s = store_wall_us() / 1000000;

	return k->good && k->version == database_newest() && (s->opened_mark == k->mark || s->opened_mark == k->mark + 1) &&
	    s->shift_s == 0 && copy_number(s->db, "SELECT max(id) FROM audit", 0) == k->audit &&
	    sum_of(s->db, now_s, COPY_AUDIT) != sum_of(k->db, now_s, COPY_AUDIT);
}

void
keep_begin(struct store *s)
{
	struct kept k;

	if (s->replay)
		return;
	keep_open(s, &k);
	if (k.db != NULL && !s->was_corrupt && differs(s, &k)) {
		bool ok = put_right(s, &k);

		log_warnx("DATABASE [%s] the allow-list, the listings by hand or the tokens are not as they were decided, and nobody "
		    "changed them: %s; is the disk sound?", s->path, ok ? "put right from " KEEP_FILE : "and they cannot be put right");
	}
	keep_close(&k);
	s->keep_wanted = true;
	keep_end(s);
}
