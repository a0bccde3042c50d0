/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store.c - the producer's side: what the watch thread calls.
 *
 * Its life, the operator's decisions, status and counters (rows: store_sink.c).  Nothing
 * here touches SQLite while the writer runs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store_int.h"

static const struct { size_t slots, stride; } lane_sizes[LANE_N] = {
	[LANE_LIST] = { 65536, sizeof(struct change_row) },
	[LANE_KEEP] = { 65536, sizeof(struct row) },
	[LANE_PLAIN] = { 131072, sizeof(struct row) },
	[LANE_SENDER] = { 1048576, sizeof(struct sender_row) },
	[LANE_MEMORY] = { 1048576, sizeof(struct memory_row) },
};

static void
store_free(struct store *s)
{
	beat_end(s);
	reserve_end(s);
	database_close(s);
	for (size_t i = 0; i < LANE_N; i++)
		ring_free(&s->lanes[i]);
	for (size_t i = 0; i < 2; i++)
		sort_free(&s->snapshots[i].sort);
	if (s->lock_fd != -1)
		close(s->lock_fd);
	free(s->batch.rows);
	free(s->targets_seen);
	free(s->status);
	free(s->dir);
	free(s->path);
	pthread_cond_destroy(&s->wake);
	pthread_cond_destroy(&s->done);
	pthread_mutex_destroy(&s->mutex);
	pthread_mutex_destroy(&s->beat_mutex);
	free(s);
}

static struct store *
store_new(const struct store_options *o)
{
	struct store *s = calloc(1, sizeof *s);
	size_t size = strlen(o->dir) + sizeof "/" STORE_FILE;
	pthread_condattr_t attr;
	bool ok;

	if (s == NULL)
		return NULL;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_cond_init(&s->done, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&s->mutex, NULL);
	pthread_mutex_init(&s->beat_mutex, NULL);
	s->lock_fd = s->checkpoint.log_fd = s->beat_fd = s->reserve.fd = -1;
	s->replay = o->replay;
	s->retention_attempts_s = o->retention_attempts_s;
	s->half_life_s = o->half_life_s;
	s->moved = o->moved;
	s->moved_ctx = o->ctx;
	s->max_pages = (int64_t)(o->max_bytes / STORE_PAGE_BYTES);
	s->bulk_pages = s->max_pages - s->max_pages / 16;
	s->dir = strdup(o->dir);
	s->path = malloc(size);
	s->status = calloc(STORE_MAX_STATUS, sizeof *s->status);
	s->targets_seen = calloc(o->ladder != NULL ? o->ladder->n_targets + 1 : 1, sizeof *s->targets_seen);
	ok = s->dir != NULL && s->path != NULL && s->status != NULL && s->targets_seen != NULL;
	for (size_t i = 0; i < LANE_N; i++)
		ok = ring_init(&s->lanes[i], lane_sizes[i].slots, lane_sizes[i].stride) && ok;
	if (!ok) {
		log_warnx("DATABASE out of memory");
		store_free(s);
		return NULL;
	}
	snprintf(s->path, size, "%s/" STORE_FILE, o->dir);
	return s;
}

enum store_open
store_open(struct store **out, const struct store_options *options)
{
	struct store *s = store_new(options);
	enum store_open result;

	if (s == NULL)
		return STORE_FAILED;
	result = database_open(s, options->ladder);
	if (result == STORE_OK) {
		s->tidy_at_us = store_mono_us() + STORE_TIDY_FIRST_US;
		s->running = pthread_create(&s->thread, NULL, writer_main, s) == 0;
		if (!s->running) {
			log_warnx("DATABASE cannot start the writer thread");
			result = STORE_FAILED;
		}
	}
	if (result != STORE_OK) {
		store_free(s);
		return result;
	}
	*out = s;
	return STORE_OK;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->mutex);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->mutex);
	pthread_join(s->thread, NULL);
	checkpoint_stop(s);
	guard_end(s);
	for (uint64_t i = 0; i < ring_used(&s->lanes[LANE_KEEP]); i++)
		row_release(s, ring_at(&s->lanes[LANE_KEEP], i), true);
	store_free(s);
}

/* Hand a decision to the writer and wait for it. */
static bool
store_decide(struct store *s, const struct admin *asked)
{
	struct timespec until;
	bool ok = false;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STORE_ADMIN_S;
	pthread_mutex_lock(&s->mutex);
	while (s->admin.stage != ADMIN_FREE)
		if (pthread_cond_timedwait(&s->done, &s->mutex, &until) == ETIMEDOUT)
			goto out;
	s->admin = *asked;
	s->admin.stage = ADMIN_ASKED;
	pthread_cond_signal(&s->wake);
	while (s->admin.stage != ADMIN_DONE)
		if (pthread_cond_timedwait(&s->done, &s->mutex, &until) == ETIMEDOUT)
			break;
	if (s->admin.stage == ADMIN_TAKEN) {
		s->admin.abandoned = true;	/* may still happen; nobody was promised anything */
	} else {
		ok = s->admin.stage == ADMIN_DONE && s->admin.ok;
		s->admin.stage = ADMIN_FREE;
	}
out:
	pthread_mutex_unlock(&s->mutex);
	return ok;
}

static void
copy_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text != NULL ? text : "");
}

bool
store_audit(struct store *s, int64_t time_us, const char *who, const char *what, const struct prefix *about,
    const char *note)
{
	struct admin a = { .about = about != NULL, .time_us = time_us };

	if (about != NULL)
		a.what = *about;
	copy_text(a.who, sizeof a.who, who);
	copy_text(a.action, sizeof a.action, what);
	copy_text(a.note, sizeof a.note, note);
	return store_decide(s, &a);
}

bool
store_allow(struct store *s, const struct prefix *what, uint32_t expires_s, const char *who, const char *note)
{
	struct admin a = { .about = true, .allow = true, .what = *what, .expires_s = expires_s, .time_us = store_wall_us() };

	copy_text(a.who, sizeof a.who, who);
	copy_text(a.action, sizeof a.action, expires_s == STORE_ALLOW_REMOVE ? "disallow" : "allow");
	copy_text(a.note, sizeof a.note, note);
	return store_decide(s, &a);
}

bool
store_hand(struct store *s, const struct prefix *what, uint32_t expires_s, const char *who, const char *note)
{
	struct admin a = { .about = true, .hand = true, .what = *what, .expires_s = expires_s,
		.time_us = store_wall_us() };

	copy_text(a.who, sizeof a.who, who);
	copy_text(a.action, sizeof a.action, expires_s == STORE_ALLOW_REMOVE ? "unlist" : "list");
	copy_text(a.note, sizeof a.note, note);
	return store_decide(s, &a);
}

bool
store_forget(struct store *s, int64_t time_us, const char *who, const struct prefix *what, const char *note)
{
	struct admin a = { .about = true, .ends_hand = true, .what = *what, .time_us = time_us };

	copy_text(a.who, sizeof a.who, who);
	copy_text(a.action, sizeof a.action, "forget");
	copy_text(a.note, sizeof a.note, note);
	return store_decide(s, &a);
}

static bool
decide_token(struct store *s, struct admin *a, const char *action, const char *name, const char *who)
{
	a->time_us = store_wall_us();
	copy_text(a->who, sizeof a->who, who);
	copy_text(a->action, sizeof a->action, action);
	copy_text(a->note, sizeof a->note, name);
	return store_decide(s, a);
}

bool
store_token(struct store *s, const uint8_t hash[static 32], const char *name, const char *scope, uint32_t expires_s,
    const char *who)
{
	struct admin a = { .token = TOKEN_ADD, .expires_s = expires_s };

	memcpy(a.hash, hash, sizeof a.hash);
	copy_text(a.scope, sizeof a.scope, scope);
	return decide_token(s, &a, "token", name, who);
}

bool
store_token_gone(struct store *s, const char *name, const char *who)
{
	struct admin a = { .token = TOKEN_REVOKE };

	return decide_token(s, &a, "token revoke", name, who);
}

void
store_status(struct store *s, const char *name, const char *value)
{
	struct status_entry *e;

	pthread_mutex_lock(&s->mutex);
	for (e = s->status; e < s->status + s->n_status; e++)
		if (strcmp(e->name, name) == 0)
			break;
	if (e < s->status + STORE_MAX_STATUS) {
		if (e == s->status + s->n_status) {
			copy_text(e->name, sizeof e->name, name);
			s->n_status++;
			e->dirty = true;
		}
		if (e->dirty || strncmp(e->value, value, sizeof e->value - 1) != 0) {
			copy_text(e->value, sizeof e->value, value);
			e->dirty = true;
			atomic_store(&s->status_dirty, true);
		}
	}
	pthread_mutex_unlock(&s->mutex);
}

void
store_clock(struct store *s, int64_t now_us)
{
	pthread_mutex_lock(&s->mutex);
	s->clock_us = now_us;
	s->want_clock = true;
	pthread_mutex_unlock(&s->mutex);
}

bool
store_sync(struct store *s)
{
	uint64_t mine;
	bool ok;

	pthread_mutex_lock(&s->mutex);
	mine = ++s->sync_wanted;
	pthread_cond_signal(&s->wake);
	while (s->sync_done < mine)
		pthread_cond_wait(&s->done, &s->mutex);
	ok = s->sync_ok;
	pthread_mutex_unlock(&s->mutex);
	return ok;
}

void
store_counters(struct store *s, struct store_counters *out)
{
	uint64_t queue = 0;

	for (size_t i = 0; i < LANE_N; i++)
		queue += ring_used(&s->lanes[i]);
	if (atomic_load(&s->batch.waiting))
		queue += s->batch.n;
	if (queue > atomic_load(&s->queue_max))
		atomic_store(&s->queue_max, queue);
	*out = (struct store_counters){
		.rows_written = atomic_load(&s->rows_written), .rows_lost = atomic_load(&s->rows_lost),
		.rows_dropped = atomic_load(&s->rows_dropped), .uncounted = atomic_load(&s->uncounted),
		.commits = atomic_load(&s->commits), .write_errors = atomic_load(&s->write_errors),
		.queue = queue, .queue_max = atomic_load(&s->queue_max), .generation = s->generation,
		.serial = atomic_load(&s->serial), .bytes = atomic_load(&s->bytes),
		.disk_full = atomic_load(&s->disk_full), .fresh = s->fresh, .was_corrupt = s->was_corrupt,
		.list_lost = s->list_lost, .rows_bad = atomic_load(&s->faults.n),
		.created_s = s->created_s, .rewritten_s = atomic_load(&s->rewritten_s),
	};
}

enum store_file
store_file(const struct store *s)
{
	return (enum store_file)atomic_load(&s->guard.file);
}

void
store_suspect(struct store *s)
{
	atomic_store(&s->guard.suspect, true);
}
