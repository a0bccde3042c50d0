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
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/migration.h"
#include "store_int.h"

#define CHECK_SECONDS 2			/* how long quick_check may take at open */
#define FAR_VERSION   1000
#define WHOLE_SECONDS 10		/* how long integrity_check may, where the last run met damage */

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

static bool
one_bit(uint32_t difference)
{
	return difference != 0 && (difference & (difference - 1)) == 0;
}

/* What the first 100 bytes say (SQLite file format, 1.3). */
enum database_look
database_look(const char *path)
{
	unsigned char head[100];
	uint32_t whose, version;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n;

	if (fd == -1)
		return errno == ENOENT ? LOOK_FRESH : LOOK_ERROR;
	n = read(fd, head, sizeof head);
	close(fd);
	/* None of zero bytes: a new one is put in place whole. */
	if (n != (ssize_t)sizeof head || memcmp(head, "SQLite format 3", 16) != 0)
		return LOOK_CORRUPT;
	whose = load_be32(head + 68);
	version = load_be32(head + 60);
	/* One flipped bit makes no other program's file of it, nor one of a version that far away. */
	if (one_bit(whose ^ STORE_APPLICATION_ID) || (whose == STORE_APPLICATION_ID && version > (uint32_t)database_newest() + FAR_VERSION))
		return LOOK_CORRUPT;
	if (whose != STORE_APPLICATION_ID && whose != 0)
		return LOOK_FOREIGN;
	if (whose != 0 && version > (uint32_t)database_newest())
		return LOOK_NEWER;
	return LOOK_OURS;
}

bool
to_disk(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	bool ok = fd != -1 && fsync(fd) == 0;
	int error = errno;

	if (fd != -1)
		close(fd);
	errno = error;
	return ok;
}

struct watchdog {
	sqlite3		*db;
	int		 seconds;
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
	until.tv_sec += dog->seconds;
	pthread_mutex_lock(&dog->mutex);
	while (!dog->finished)
		if (pthread_cond_timedwait(&dog->over, &dog->mutex, &until) == ETIMEDOUT) {
			sqlite3_interrupt(dog->db);
			break;
		}
	pthread_mutex_unlock(&dog->mutex);
	return NULL;
}

enum checked { CHECKED_SOUND, CHECKED_UNFINISHED, CHECKED_DAMAGED };

static enum checked
check(struct store *s, const char *pragma, int seconds)
{
	struct watchdog dog = { .db = s->db, .seconds = seconds, .mutex = PTHREAD_MUTEX_INITIALIZER,
		.over = PTHREAD_COND_INITIALIZER };
	enum checked found = CHECKED_DAMAGED;
	sqlite3_stmt *stmt = NULL;
	pthread_t thread;
	bool watched;
	int rc;

	watched = pthread_create(&thread, NULL, watchdog_main, &dog) == 0;
	rc = sqlite3_prepare_v2(s->db, pragma, -1, &stmt, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *said = (const char *)sqlite3_column_text(stmt, 0);

		if (said != NULL && strcmp(said, "ok") == 0)
			found = CHECKED_SOUND;
		/* Interrupted in the middle, the check names that as a fault of its own. */
		else if (said != NULL && strstr(said, "interrupt") != NULL)
			found = CHECKED_UNFINISHED;
		else
			log_warnx("DATABASE [%s] is damaged: %s", s->path, said != NULL ? said : "no answer");
	} else if (rc == SQLITE_INTERRUPT || rc == SQLITE_BUSY || rc == SQLITE_NOMEM) {
		found = CHECKED_UNFINISHED;
	} else {
		log_warnx("DATABASE [%s] cannot be read through: %s", s->path, sqlite3_errmsg(s->db));
	}
	sqlite3_finalize(stmt);
	if (watched) {
		pthread_mutex_lock(&dog.mutex);
		dog.finished = true;
		pthread_cond_signal(&dog.over);
		pthread_mutex_unlock(&dog.mutex);
		pthread_join(thread, NULL);
	}
	return found;
}

/* Nothing found in the time there was is sound enough. */
bool
database_sound(struct store *s)
{
	return check(s, "PRAGMA quick_check(1)", CHECK_SECONDS) != CHECKED_DAMAGED;
}

bool
database_whole(struct store *s)
{
	return check(s, "PRAGMA integrity_check(1)", WHOLE_SECONDS) == CHECKED_SOUND;
}

void
database_aside_name(const struct store *s, char *out, size_t size)
{
	struct stat st;

	for (int64_t at = store_wall_us() / 1000000;; at++) {
		(void)snprintf(out, size, "%s.corrupt-%" PRId64, s->path, at);
		if (lstat(out, &st) == -1)
			return;
	}
}

bool
database_set_aside(struct store *s, const char *aside)
{
	static const char *const ends[] = { "-shm", "-wal", "" };
	char from[4096], to[4096];

	for (size_t i = 0; i < 3; i++) {
		snprintf(from, sizeof from, "%s%s", s->path, ends[i]);
		snprintf(to, sizeof to, "%s%s", aside, ends[i]);
		if (rename(from, to) == 0) {
			if (ends[i][0] == '\0')
				log_warnx("DATABASE [%s] is CORRUPT: set aside as [%s]", s->path, to);
		} else if (errno != ENOENT) {
			log_warn("DATABASE cannot rename [%s]", from);
			return false;
		}
	}
	return true;
}

bool
database_set_aside_one(struct store *s, const char *why)
{
	char to[4096];

	snprintf(to, sizeof to, "%s.other-%" PRId64, s->path, store_wall_us() / 1000000);
	if (rename(s->path, to) == -1) {
		log_warn("DATABASE cannot rename [%s]", s->path);
		return false;
	}
	log_warnx("DATABASE [%s] that was put there %s: set aside as [%s]; mxtrapd goes on with the database that it has open. To put a "
	    "backup back, stop mxtrapd first", s->path, why, to);
	return true;
}
