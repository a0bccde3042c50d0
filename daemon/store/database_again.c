/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database_again.c - a database whose file is gone is written again, out of the handle that still has it.
 *
 * Page by page into a file beside the path (SQLite's backup), nothing else written meanwhile; then what is left of the old
 * log goes, the file takes its name, and the handle is opened there, under a new generation.  A file that
 * appears at the path in between is somebody's: it is never written over.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store_int.h"

#define AGAIN_PAGES    1024		/* 4 MiB: some milliseconds */
#define AGAIN_RETRY_US 5000000
#define AGAIN_FILE     ".new"

static void
name(const struct store *s, const char *end, char path[static 4096])
{
	(void)snprintf(path, 4096, "%s%s", s->path, end);
}

void
again_stop(struct store *s)
{
	struct guard *g = &s->guard;
	char path[4096];

	if (g->to == NULL)
		return;
	if (g->backup != NULL)
		(void)sqlite3_backup_finish(g->backup);
	g->backup = NULL;
	sqlite3_close(g->to);
	g->to = NULL;
	name(s, AGAIN_FILE, path);
	(void)unlink(path);
}

/* It could not be done; tried again in a while. */
static bool
failed(struct store *s, int64_t now_us, const char *what, const char *why)
{
	struct guard *g = &s->guard;
	char text[BEAT_TEXT_SIZE];
	uint32_t more = 0;

	again_stop(s);
	g->retry_at_us = now_us + AGAIN_RETRY_US;
	(void)snprintf(text, sizeof text, "removed while mxtrapd runs, and cannot be written again: %s: %s", what, why);
	beat_trouble(s, BEAT_REMOVED, text);
	if (log_may(&g->rate, now_us / 1000000, &more))
		log_warnx("DATABASE [%s] cannot be written again: %s: %s; tried each %d s, nothing is stored before", s->path, what, why,
		    (int)(AGAIN_RETRY_US / 1000000));
	return false;
}

static bool
begin(struct store *s, int64_t now_us)
{
	struct guard *g = &s->guard;
	char path[4096];
	int fd;

	name(s, AGAIN_FILE, path);
	(void)unlink(path);
	/* The mode as the file had it; readers share the group. */
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd == -1)
		return failed(s, now_us, "a file beside it", strerror(errno));
	close(fd);
	if (sqlite3_open_v2(path, &g->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    sqlite3_exec(g->to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;", NULL, NULL, NULL) != SQLITE_OK ||
	    (g->backup = sqlite3_backup_init(g->to, "main", s->db, "main")) == NULL)
		return failed(s, now_us, "a copy cannot begin", g->to != NULL ? sqlite3_errmsg(g->to) : "no memory");
	return true;
}

bool
again_clear(const struct store *s, const struct file_id ours[static 3])
{
	static const char *const logs[] = { "-wal", "-shm" };
	char path[4096], aside[4200];
	struct stat st;

	for (size_t i = 0; i < 2; i++) {
		name(s, logs[i], path);
		if (lstat(path, &st) == -1)
			continue;
		if (st.st_ino == ours[i + 1].ino && st.st_dev == ours[i + 1].dev) {
			if (unlink(path) == -1 && errno != ENOENT) {
				log_warn("DATABASE cannot remove [%s]", path);
				return false;
			}
			continue;
		}
		/* Put there with the file that is there now: theirs. */
		if (s->guard.found == STORE_FILE_REPLACED)
			continue;
		(void)snprintf(aside, sizeof aside, "%s.other-%" PRId64 "%s", s->path, store_wall_us() / 1000000, logs[i]);
		if (rename(path, aside) == -1 && errno != ENOENT) {
			log_warn("DATABASE cannot rename [%s]", path);
			return false;
		}
	}
	return true;
}

/* The copy takes the name; *taken: another file has it. */
static bool
put(struct store *s, const char *path, bool *taken)
{
	struct stat st;

	*taken = false;
	if (lstat(s->path, &st) == 0) {
		/* Ours, that has lost its log: what we have is more. */
		*taken = st.st_ino != s->guard.parts[0].ino || st.st_dev != s->guard.parts[0].dev;
		return !*taken && rename(path, s->path) == 0;
	}
	if (link(path, s->path) == 0) {
		(void)unlink(path);
		return true;
	}
	*taken = errno == EEXIST;
	/* Where there are no links. */
	return !*taken && (errno == EPERM || errno == EOPNOTSUPP) && rename(path, s->path) == 0;
}

static bool
finish(struct store *s, int64_t now_us)
{
	struct guard *g = &s->guard;
	char path[4096];
	bool taken = false;
	int rc = sqlite3_backup_finish(g->backup);

	g->backup = NULL;
	if (rc != SQLITE_OK)
		return failed(s, now_us, "a copy", sqlite3_errstr(rc));
	sqlite3_close(g->to);
	g->to = NULL;
	name(s, AGAIN_FILE, path);
	if (!to_disk(path, O_RDWR | O_NOFOLLOW) || !again_clear(s, g->parts) || !put(s, path, &taken)) {
		int error = errno;

		(void)unlink(path);
		if (taken) {
			g->retry_at_us = 0;	/* the next look finds who it is */
			return false;
		}
		return failed(s, now_us, "the copy", strerror(error));
	}
	(void)to_disk(s->dir, O_RDONLY | O_DIRECTORY);
	checkpoint_stop(s);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	database_disconnect(s);
	if (!database_connect(s) || !database_rename(s)) {
		log_warnx("DATABASE [%s] was written again and cannot be opened: %s; watch begins again", s->path,
		    s->db != NULL ? sqlite3_errmsg(s->db) : "no memory");
		g->found = STORE_FILE_REPLACED;
		atomic_store(&g->file, STORE_FILE_REPLACED);
		return false;
	}
	database_cap(s, CAP_ROWS);
	s->wal_pages = s->checkpoint_at = 0;
	writer_follow(s);
	return true;
}

bool
again_step(struct store *s, int64_t now_us)
{
	struct guard *g = &s->guard;
	int rc;

	if (g->backup == NULL && !begin(s, now_us))
		return false;
	switch ((rc = sqlite3_backup_step(g->backup, AGAIN_PAGES))) {
	case SQLITE_OK:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return false;
	case SQLITE_DONE:
		return finish(s, now_us);
	default:
		break;
	}
	if (!guard_is_damage(rc))
		return failed(s, now_us, "a copy", sqlite3_errstr(rc));
	/* Neither there nor whole: the next start begins without it. */
	again_stop(s);
	log_warnx("DATABASE [%s] was removed, and what is open of it is damaged: %s; watch begins again", s->path, sqlite3_errstr(rc));
	g->found = STORE_FILE_DAMAGED;
	atomic_store(&g->file, STORE_FILE_DAMAGED);
	return false;
}
