/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database_check.c - is the file ours, of our time, and sound?  And away with it if not.
 *
 * The header is read with read(2), before SQLite sees the file: to open a database is
 * already to change it (the log, its index).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/migration.h"
#include "store_int.h"

#define CHECK_SECONDS 2			/* how long quick_check may take at open */

static uint32_t
load_be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int
database_newest(void)
{
	return migrations[n_migrations - 1].version;
}

/* What the first 100 bytes say (SQLite file format, 1.3). */
enum database_look
database_look(const char *path)
{
	unsigned char head[100];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd == -1)
		return errno == ENOENT ? LOOK_FRESH : LOOK_ERROR;
	n = read(fd, head, sizeof head);
	close(fd);
	if (n == 0)
		return LOOK_FRESH;
	if (n != (ssize_t)sizeof head || memcmp(head, "SQLite format 3", 16) != 0)
		return LOOK_CORRUPT;
	if (load_be32(head + 68) != STORE_APPLICATION_ID && load_be32(head + 68) != 0)
		return LOOK_FOREIGN;
	if (load_be32(head + 68) != 0 && load_be32(head + 60) > (uint32_t)database_newest())
		return LOOK_NEWER;
	return LOOK_OURS;
}

struct watchdog {
	sqlite3		*db;
	pthread_mutex_t	 mutex;
	pthread_cond_t	 over;
	bool		 finished;
};

static void *
watchdog_main(void *arg)
{
	struct watchdog *dog = arg;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CHECK_SECONDS;
	pthread_mutex_lock(&dog->mutex);
	while (!dog->finished)
		if (pthread_cond_timedwait(&dog->over, &dog->mutex, &until) == ETIMEDOUT) {
			sqlite3_interrupt(dog->db);
			break;
		}
	pthread_mutex_unlock(&dog->mutex);
	return NULL;
}

/* Is the file sound, as far as two seconds can tell? */
bool
database_sound(struct store *s)
{
	struct watchdog dog = { .db = s->db, .mutex = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER };
	sqlite3_stmt *stmt = NULL;
	pthread_t thread;
	bool sound = false, watched;
	int rc;

	watched = pthread_create(&thread, NULL, watchdog_main, &dog) == 0;
	rc = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *said = (const char *)sqlite3_column_text(stmt, 0);

		sound = said != NULL && strcmp(said, "ok") == 0;
		/* Interrupted in the middle, the check names that as a fault of its own. */
		if (!sound && said != NULL && strstr(said, "interrupt") != NULL)
			sound = true;
		if (!sound)
			log_warnx("DATABASE [%s] is damaged: %s", s->path, said != NULL ? said : "no answer");
	} else if (rc == SQLITE_INTERRUPT || rc == SQLITE_BUSY || rc == SQLITE_NOMEM) {
		sound = true;		/* nothing found in the time there was */
	}
	sqlite3_finalize(stmt);
	if (watched) {
		pthread_mutex_lock(&dog.mutex);
		dog.finished = true;
		pthread_cond_signal(&dog.over);
		pthread_mutex_unlock(&dog.mutex);
		pthread_join(thread, NULL);
	}
	return sound;
}

/* Move the file and its companions out of the way. */
bool
database_set_aside(struct store *s)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char from[4096], to[4096];

	for (size_t i = 0; i < 3; i++) {
		snprintf(from, sizeof from, "%s%s", s->path, ends[i]);
		snprintf(to, sizeof to, "%s.corrupt-%" PRId64 "%s", s->path, store_wall_us() / 1000000, ends[i]);
		if (rename(from, to) == -1 && errno != ENOENT) {
			log_warn("DATABASE cannot rename [%s]", from);
			return false;
		}
		if (i == 0)
			log_warnx("DATABASE [%s] is CORRUPT: set aside as [%s]; a new one begins, EMPTY: "
			    "every listing is gone and senders are judged afresh", s->path, to);
	}
	return true;
}
