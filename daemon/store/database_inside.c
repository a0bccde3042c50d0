/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database_inside.c - is the file that is open still as we left it?
 *
 * Nobody but our checkpoints writes to it, so one that changed while none ran was written to by another program.  It is
 * then checked, for some seconds at most, by a handle that has nothing of it in memory.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store_int.h"

#define INSIDE_SOUND_US	2000000		/* a check takes no longer */
#define LOG_HEAD	32		/* bytes of a log before its first frame, and of a frame before its page */
#define LOG_FRAME	24

static int
out_of_time(void *until_us)
{
	return store_mono_us() > *(const int64_t *)until_us;
}

/* With eyes of its own.  False: why. */
static bool
is_sound(struct store *s, char *why, size_t size)
{
	int64_t until_us = store_mono_us() + INSIDE_SOUND_US;
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	bool sound = true;
	int rc = sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_extended_result_codes(db, 1);
		sqlite3_progress_handler(db, 10000, out_of_time, &until_us);
		rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
	}
	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *answer = (const char *)sqlite3_column_text(stmt, 0);

		/* Interrupted in the middle, the check names that as a fault of its own. */
		if (answer != NULL && strcmp(answer, "ok") != 0 && strstr(answer, "interrupt") == NULL) {
			const char *first = strchr(answer, '\n');	/* behind "*** in database main ***" */

			(void)snprintf(why, size, "%s", first != NULL ? first + 1 : answer);
			why[strcspn(why, "\n")] = '\0';
			sound = false;
		}
	} else if (guard_is_damage(rc)) {
		(void)snprintf(why, size, "%s", sqlite3_errmsg(db));
		sound = false;
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return sound;
}

static uint32_t
be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/*
 * The header (SQLite file format, 1.3), and is the file as long as it says?  By SQLite's own descriptor: a second one, closed,
 * would end its locks (POSIX).  NULL: it is good, as far as it can be read.
 */
static const char *
why_head(struct store *s)
{
	unsigned char head[100];
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;

	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || file == NULL || file->pMethods == NULL)
		return NULL;
	switch (file->pMethods->xRead(file, head, sizeof head, 0)) {
	case SQLITE_OK:
		break;
	case SQLITE_IOERR_SHORT_READ:
		return "it was cut off";
	default:
		return NULL;
	}
	if (memcmp(head, "SQLite format 3", 16) != 0)
		return "its first bytes are not those of a database";
	/* A checkpoint writes the first page before the last ones. */
	if (!checkpoint_busy(s) && memcmp(head + 24, head + 92, 4) == 0 && file->pMethods->xFileSize(file, &size) == SQLITE_OK &&
	    size < (sqlite3_int64)be32(head + 28) * STORE_PAGE_BYTES)
		return "it was cut off";
	return NULL;
}

/* Is all there that the last commit left? */
bool
inside_log(const struct store *s)
{
	unsigned char head[4];
	struct stat st;
	int fd = s->checkpoint.log_fd;

	if (fd == -1 || s->wal_pages == 0 || fstat(fd, &st) == -1)
		return true;
	if (st.st_size < LOG_HEAD + s->wal_pages * (LOG_FRAME + STORE_PAGE_BYTES))
		return false;
	return pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head || (head[0] == 0x37 && head[1] == 0x7f && head[2] == 0x06 &&
	    (head[3] & 0xfe) == 0x82);
}

const char *
inside_head(struct store *s)
{
	const char *why = why_head(s);

	return why == NULL && !inside_log(s) ? "its log (-wal) was cut off or overwritten" : why;
}

bool
inside_look(struct store *s, const struct stat *st, char why[static BEAT_TEXT_SIZE])
{
	struct guard *g = &s->guard;
	bool ours = g->asked != s->checkpoint.asked || g->size == 0, sound;
	int64_t began = store_mono_us();
	const char *head;

	if (checkpoint_busy(s))
		return true;
	if ((head = inside_head(s)) != NULL) {
		(void)snprintf(why, BEAT_TEXT_SIZE, "%s", head);
		return false;
	}
	if (!ours && (st->st_size != g->size || st->st_mtim.tv_sec != g->changed.tv_sec || st->st_mtim.tv_nsec != g->changed.tv_nsec)) {
		log_warnx("DATABASE [%s] was written to by another program while mxtrapd runs: it is checked", s->path);
		atomic_store(&g->suspect, true);
	}
	g->asked = s->checkpoint.asked;
	g->size = st->st_size;
	g->changed = st->st_mtim;
	if (began < g->sound_at_us || !atomic_exchange(&g->suspect, false))
		return true;
	sound = is_sound(s, why, BEAT_TEXT_SIZE);
	/* The list waits meanwhile: a twentieth of the time at most. */
	g->sound_at_us = store_mono_us() + 20 * (store_mono_us() - began);
	return sound;
}
