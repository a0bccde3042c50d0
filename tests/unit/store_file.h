/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_file.h - the database's file as a test looks at it: with a handle of its own.
 */
#ifndef MXTRAP_TESTS_STORE_FILE_H
#define MXTRAP_TESTS_STORE_FILE_H

#include <dirent.h>
#include <sqlite3.h>

#include "store_support.h"

/* One number from the file, by a handle of our own. */
static inline int64_t
number(const struct bench_dir *d, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	int64_t n = -1;

	assert_int_equal(sqlite3_open_v2(d->file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static inline bool
sound(const char *file)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	bool ok = false;

	assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		ok = strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return ok;
}

#define FILE_BYTES (4 << 20)
/* All of a file, to be freed. */
static inline void *
file_bytes(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *bytes = calloc(1, FILE_BYTES);

	assert_non_null(f);
	assert_non_null(bytes);
	*n = fread(bytes, 1, FILE_BYTES, f);
	fclose(f);
	return bytes;
}

/* A file of these bytes. */
static inline void
file_write(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

/* How many files of the directory have this in their name. */
static inline int
files_like(const struct bench_dir *d, const char *part)
{
	DIR *dir = opendir(d->path);
	struct dirent *e;
	int n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		n += strstr(e->d_name, part) != NULL;
	closedir(dir);
	return n;
}

#endif
