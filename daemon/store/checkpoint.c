/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * checkpoint.c - what the log holds goes into the database file, in a thread of its own.
 *
 * Thousands of pages all over the file, and the disk must have them: a tenth of a second at the best.  List changes
 * are written meanwhile, by the writer; other rows wait, as the log can only begin anew when all of it is in.
 */
#include "store_int.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 3			/* what list changes added while the last one ran */
#define AGAIN  4			/* times, then other rows are written all the same */
#define FEW    64			/* pages */

static void
checkpoint_run(struct store *s)
{
	int in_log = 0, done = 0;

	atomic_store(&s->checkpoint.emptied, 0);
	for (int i = 0; i < ROUNDS; i++) {
		int before = done;

		if (sqlite3_wal_checkpoint_v2(s->checkpoint.db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &done) != SQLITE_OK ||
		    done < in_log)
			return;		/* a reader is in the way */
		atomic_store(&s->checkpoint.emptied, done);
		if (done == before)
			return;
	}
}

static void *
checkpoint_main(void *arg)
{
	struct store *s = arg;
	struct checkpoint *c = &s->checkpoint;

	pthread_mutex_lock(&s->mutex);
	while (!c->stop) {
		if (!atomic_load(&c->busy)) {
			pthread_cond_wait(&c->wanted, &s->mutex);
			continue;
		}
		pthread_mutex_unlock(&s->mutex);
		checkpoint_run(s);
		pthread_mutex_lock(&s->mutex);
		atomic_store(&c->busy, false);
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

/* When the first is asked for: a start has other things to do. */
static void
checkpoint_start(struct store *s)
{
	struct checkpoint *c = &s->checkpoint;

	c->tried = true;
	pthread_cond_init(&c->wanted, NULL);
	/* A handle knows the log only after it has read. */
	if (sqlite3_open_v2(s->path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
	    sqlite3_exec(c->db, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-256;"
	    " SELECT id FROM meta;", NULL, NULL, NULL) == SQLITE_OK)
		c->runs = pthread_create(&c->thread, NULL, checkpoint_main, s) == 0;
	if (!c->runs)
		log_warnx("DATABASE [%s] no thread for checkpoints: list changes wait for them", s->path);
}

void
checkpoint_stop(struct store *s)
{
	struct checkpoint *c = &s->checkpoint;

	if (c->runs) {
		pthread_mutex_lock(&s->mutex);
		c->stop = true;
		pthread_cond_signal(&c->wanted);
		pthread_mutex_unlock(&s->mutex);
		pthread_join(c->thread, NULL);
		c->runs = false;
	}
	sqlite3_close(c->db);
	c->db = NULL;
	if (c->log_fd != -1)
		close(c->log_fd);
	c->log_fd = -1;
	if (c->tried)
		pthread_cond_destroy(&c->wanted);
	/* It may begin again, on another file. */
	c->tried = c->stop = false;
	atomic_store(&c->busy, false);
	atomic_store(&c->emptied, 0);
	c->again = 0;
}

void
checkpoint_open_log(struct store *s)
{
	struct checkpoint *c = &s->checkpoint;
	size_t size = strlen(s->path) + sizeof "-wal";
	char *name;

	if (s->replay || c->log_fd != -1 || (name = malloc(size)) == NULL)
		return;
	/* Nobody locks this file (SQLite locks -shm), so that it may be opened beside SQLite. */
	snprintf(name, size, "%s-wal", s->path);
	c->log_fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	free(name);
}

void
checkpoint_push(struct store *s)
{
	if (s->checkpoint.log_fd != -1)
		(void)sync_file_range(s->checkpoint.log_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

void
checkpoint_ask(struct store *s)
{
	s->checkpoint.asked++;
	/* In a replay nobody waits for list changes. */
	if (!s->checkpoint.tried && !s->replay)
		checkpoint_start(s);
	if (!s->checkpoint.runs) {
		sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
		return;
	}
	pthread_mutex_lock(&s->mutex);
	atomic_store(&s->checkpoint.busy, true);
	pthread_cond_signal(&s->checkpoint.wanted);
	pthread_mutex_unlock(&s->mutex);
}

bool
checkpoint_again(struct store *s)
{
	struct checkpoint *c = &s->checkpoint;
	int64_t emptied = atomic_load(&c->emptied), more = s->wal_pages - emptied;

	if (emptied == 0 || more <= 0 || more > FEW || c->again == AGAIN) {
		c->again = 0;
		return false;
	}
	c->again++;
	checkpoint_ask(s);
	return true;
}
