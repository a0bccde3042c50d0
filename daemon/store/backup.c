/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backup.c - reads a database as a whole: checks it, counts what it holds, copies it page by page.
 *
 * The copy is read inside one transaction, so that it is of one moment while watch goes on writing; no writer waits
 * for it.  Every copy is checked after it was written: a backup that cannot be read back is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup_int.h"
#include "store_int.h"

#define PAGES_A_STEP 2048

enum backup_result
backup_no(char text[static BACKUP_TEXT_SIZE], const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, BACKUP_TEXT_SIZE, format, ap);
	va_end(ap);
	return BACKUP_NO;
}

/* The file format of the header's read version: 2 is WAL. */
static bool
is_wal(const char *path)
{
	unsigned char head[20];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool wal = fd != -1 && read(fd, head, sizeof head) == (ssize_t)sizeof head && head[19] == 2;

	if (fd != -1)
		close(fd);
	return wal;
}

/* Is there such a file, of one byte at least? */
static bool
is_there(const char *path, const char *end, bool empty_too)
{
	char file[BACKUP_PATH_SIZE + 32];
	struct stat st;

	(void)snprintf(file, sizeof file, "%s%s", path, end);
	return lstat(file, &st) == 0 && (empty_too || st.st_size != 0);
}

/* An empty log may be a reader's, who found none: mxtrapd leaves its lock beside it. */
bool
backup_lacks_log(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[BACKUP_PATH_SIZE];

	if (!is_wal(path) || is_there(path, "-wal", false))
		return false;
	(void)snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 2 : (int)(slash - path + 1), slash == NULL ? "./" : path);
	return !is_there(path, "-wal", true) || !is_there(folder, "mxtrap.lock", true);
}

enum backup_result
backup_header(const char *path, struct backup *out, char text[static BACKUP_TEXT_SIZE])
{
	struct stat st;

	*out = (struct backup){ .version = 0 };
	if (strlen(path) >= BACKUP_PATH_SIZE - 64)
		return backup_no(text, "the path is too long");
	if (lstat(path, &st) == -1) {
		(void)backup_no(text, "%s: %s", path, strerror(errno));
		return BACKUP_NONE;
	}
	if (!S_ISREG(st.st_mode))
		return backup_no(text, "%s: found %s, expected a file", path,
		    S_ISDIR(st.st_mode) ? "a directory" : "no plain file");
	if (st.st_size == 0)
		return backup_no(text, "%s: found an empty file, expected a database of mxtrap", path);
	switch (database_look(path)) {
	case LOOK_OURS:
		break;
	case LOOK_NEWER:
		return backup_no(text, "%s: found a database of a newer mxtrap, expected version %d or older: "
		    "install that mxtrap first", path, database_newest());
	case LOOK_FOREIGN:
		return backup_no(text, "%s: found a database of another program, expected one of mxtrap", path);
	case LOOK_CORRUPT:
		return backup_no(text, "%s: found no database (its header is none of SQLite), expected one of mxtrap", path);
	case LOOK_FRESH:
	case LOOK_ERROR:
		(void)backup_no(text, "%s: %s", path, strerror(errno));
		return BACKUP_NONE;
	}
	out->no_log = backup_lacks_log(path);
	return BACKUP_OK;
}

bool
backup_immutable(const char *path, char *uri, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = (size_t)snprintf(uri, size, "file:");

	for (const unsigned char *p = (const unsigned char *)path; *p != '\0'; p++) {
		if (n + 16 > size)
			return false;
		if (*p == '%' || *p == '?' || *p == '#') {
			uri[n++] = '%';
			uri[n++] = digits[*p >> 4];
			uri[n++] = digits[*p & 15];
		} else {
			uri[n++] = (char)*p;
		}
	}
	return (size_t)snprintf(uri + n, size - n, "?immutable=1") < size - n;
}

static void
read_only(sqlite3 *db)
{
	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_timeout(db, 2000);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
}

/* Nobody who writes has it open: then nothing has to be made beside it. */
static bool
is_alone(const char *path, const struct backup *b)
{
	return b->no_log && !is_there(path, "-wal", true);
}

sqlite3 *
backup_open(const char *path, const struct backup *b, char text[static BACKUP_TEXT_SIZE])
{
	char uri[3 * BACKUP_PATH_SIZE];
	sqlite3 *db = NULL;
	int rc;

	if (is_alone(path, b) && backup_immutable(path, uri, sizeof uri))
		rc = sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOFOLLOW, NULL);
	else
		rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW, NULL);
	if (rc == SQLITE_OK) {
		read_only(db);
		/* All that follows is of this moment. */
		rc = sqlite3_exec(db, "PRAGMA cell_size_check=ON; BEGIN; SELECT count(*) FROM sqlite_schema;", NULL, NULL, NULL);
	}
	if (rc == SQLITE_OK)
		return db;
	(void)backup_no(text, "%s %s: %s", path, (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB ? "is damaged" :
	    "cannot be read", db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
	sqlite3_close(db);
	return NULL;
}

static int64_t
ask(sqlite3 *db, const char *sql, int64_t now_s, bool *ok)
{
	sqlite3_stmt *stmt = NULL;
	int64_t number = 0;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK && sqlite3_bind_parameter_count(stmt) != 0)
		rc = sqlite3_bind_int64(stmt, 1, now_s);
	if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		number = sqlite3_column_int64(stmt, 0);
	else
		*ok = false;
	sqlite3_finalize(stmt);
	return number;
}

/* Tables came with versions: token with 5, by_hand with 9. */
static bool
count(sqlite3 *db, int64_t now_s, struct backup *out)
{
	bool ok = true;
	int64_t decided_us;

	out->version = (int)ask(db, "PRAGMA user_version", now_s, &ok);
	out->generation = (uint64_t)ask(db, "SELECT generation FROM meta", now_s, &ok);
	out->serial = (uint64_t)ask(db, "SELECT serial FROM meta", now_s, &ok);
	out->newest_s = ask(db, "SELECT changed_s FROM meta", now_s, &ok);
	out->listed = (uint64_t)ask(db, "SELECT n_listed FROM meta", now_s, &ok);
	out->suspects = (uint64_t)ask(db, "SELECT n_suspect FROM meta", now_s, &ok);
	out->senders = (uint64_t)ask(db, "SELECT count(*) FROM sender", now_s, &ok);
	out->allowances = (uint64_t)ask(db, "SELECT count(*) FROM allow WHERE expires_s = 0 OR expires_s > ?", now_s, &ok);
	if (out->version >= 5)
		out->tokens = (uint64_t)ask(db, "SELECT count(*) FROM token WHERE expires_s = 0 OR expires_s > ?", now_s, &ok);
	if (out->version >= 9)
		out->by_hand = (uint64_t)ask(db, "SELECT count(*) FROM by_hand WHERE expires_s > ?", now_s, &ok);
	decided_us = ask(db, "SELECT coalesce(max(time_us), 0) FROM audit", now_s, &ok);
	if (decided_us / 1000000 > out->newest_s)
		out->newest_s = decided_us / 1000000;
	out->bytes = (uint64_t)(ask(db, "PRAGMA page_count", now_s, &ok) * ask(db, "PRAGMA page_size", now_s, &ok));
	return ok;
}

/* All of it, however long that takes. */
static bool
is_sound(sqlite3 *db, char *what, size_t size)
{
	sqlite3_stmt *stmt = NULL;
	bool sound = false;
	const char *found;

	if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW &&
	    (found = (const char *)sqlite3_column_text(stmt, 0)) != NULL) {
		sound = strcmp(found, "ok") == 0;
		(void)snprintf(what, size, "%s", found);
	} else {
		(void)snprintf(what, size, "%s", sqlite3_errmsg(db));
	}
	sqlite3_finalize(stmt);
	for (char *p = what; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	return sound;
}

enum backup_result
backup_look(sqlite3 *db, const char *path, int64_t now_s, struct backup *out, char text[static BACKUP_TEXT_SIZE])
{
	char what[200] = "";

	if (!is_sound(db, what, sizeof what))
		return backup_no(text, "%s is damaged: %s", path, what);
	if (!count(db, now_s, out))
		return backup_no(text, "%s lacks what a database of mxtrap has: %s", path, sqlite3_errmsg(db));
	if (out->version > database_newest())
		return backup_no(text, "%s: found version %d of a newer mxtrap, expected %d or older: "
		    "install that mxtrap first", path, out->version, database_newest());
	if (out->version == 0)
		return backup_no(text, "%s: found a database that mxtrapd has not filled yet", path);
	return BACKUP_OK;
}

/* Page by page.  SQLITE_INTERRUPT: the caller was asked to give up. */
static int
copy_pages(sqlite3 *from, sqlite3 *to, const struct backup_options *o)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	int rc = SQLITE_OK, done;

	if (b == NULL)
		return sqlite3_extended_errcode(to);
	while (rc == SQLITE_OK) {
		rc = sqlite3_backup_step(b, PAGES_A_STEP);
		if (rc == SQLITE_OK && o->goes_on != NULL &&
		    !o->goes_on(o->ctx, sqlite3_backup_pagecount(b) - sqlite3_backup_remaining(b), sqlite3_backup_pagecount(b)))
			rc = SQLITE_INTERRUPT;
	}
	done = sqlite3_backup_finish(b);
	return rc == SQLITE_DONE ? done : rc;
}

static int
renew(sqlite3 *db, struct backup *out)
{
	int64_t generation = database_generation();
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, "UPDATE meta SET generation = ?", -1, &stmt, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(stmt, 1, generation);
		rc = sqlite3_step(stmt);
	}
	sqlite3_finalize(stmt);
	out->generation = (uint64_t)generation;
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Nothing is flushed before the end: until then the file is nobody's. */
static enum backup_result
fill(sqlite3 *from, sqlite3 *to, const char *path, bool rename, const struct backup_options *o, struct backup *out,
    char text[static BACKUP_TEXT_SIZE])
{
	/* What is damaged is what was read, whatever the copy's name is. */
	const char *source = rename ? o->file : sqlite3_db_filename(from, "main");
	enum backup_result result;
	int rc = sqlite3_exec(to, "PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF;",
	    NULL, NULL, NULL);

	sqlite3_extended_result_codes(to, 1);
	if (rc == SQLITE_OK)
		rc = copy_pages(from, to, o);
	/* The pages have said WAL; a backup has no log. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(to, "PRAGMA journal_mode=DELETE;", NULL, NULL, NULL);
	if (rc == SQLITE_INTERRUPT)
		return backup_no(text, "given up, nothing was done");
	if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB)
		return backup_no(text, "%s is damaged: %s", source, sqlite3_errmsg(to));
	if (rc != SQLITE_OK)
		return backup_no(text, "%s cannot be written: %s", path,
		    (rc & 0xff) == SQLITE_FULL ? "the disk is full" : sqlite3_errmsg(to));
	result = backup_look(to, source, o->now_s, out, text);
	if (result == BACKUP_OK && rename && renew(to, out) != SQLITE_OK)
		return backup_no(text, "%s cannot be written: %s", path, sqlite3_errmsg(to));
	return result;
}

static bool
flush(int fd)
{
	return fsync(fd) == 0;
}

enum backup_result
backup_copy(sqlite3 *from, const char *path, bool rename, const struct backup_options *o, struct backup *out,
    char text[static BACKUP_TEXT_SIZE])
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum backup_result result;
	sqlite3 *to = NULL;
	int rc;

	if (fd == -1)
		return backup_no(text, "%s cannot be made: %s", rename ? path : o->file, strerror(errno));
	/* SQLite's locks are of the process and the file: our own descriptor is closed while it is open there. */
	close(fd);
	rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL);
	result = rc == SQLITE_OK ? fill(from, to, path, rename, o, out, text) :
	    backup_no(text, "%s cannot be written: %s", path, sqlite3_errstr(rc));
	sqlite3_close(to);
	if (result == BACKUP_OK) {
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (fd == -1 || !flush(fd))
			result = backup_no(text, "%s cannot be written: %s", path, strerror(errno));
		if (fd != -1)
			close(fd);
	}
	if (result != BACKUP_OK)
		(void)unlink(path);
	return result;
}

bool
backup_sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[BACKUP_PATH_SIZE];
	bool ok;
	int fd;

	(void)snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path),
	    slash == NULL ? "." : path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd != -1 && flush(fd);
	if (fd != -1)
		close(fd);
	return ok;
}

enum backup_result
backup_check(const struct backup_options *o, struct backup *out, char text[static BACKUP_TEXT_SIZE])
{
	enum backup_result result = backup_header(o->file, out, text);
	sqlite3 *db;

	if (result != BACKUP_OK)
		return result;
	db = backup_open(o->file, out, text);
	if (db == NULL)
		return BACKUP_NO;
	result = backup_look(db, o->file, o->now_s, out, text);
	sqlite3_close(db);
	return result;
}
