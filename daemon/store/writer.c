/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * writer.c - the thread that writes: what comes first, for how long, and what
 * happens when it cannot.
 *
 * List changes and the operator's decisions go before everything; all other work is
 * cut into slices of at most 20 ms with their commit, each a transaction, and waits while
 * the log is emptied.  What could not be committed
 * stays in its lane and is tried again each second; meanwhile the oldest rows make
 * room for the newest, and the loss is counted.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "keep.h"
#include "store_int.h"

#define WAL_PAGES	 4000		/* 16 MiB, then a checkpoint */
#define WAL_PAGES_REPLAY 25000
#define WAL_PAGES_IDLE	 500
#define LOG_PAGES	 65536		/* 256 MiB: a reader is in the way */

int64_t
store_mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

int64_t
store_wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

/* Does the database, free pages apart, hold more than this many of the pages that it may have? */
static bool
writer_at_cap(struct store *s, int64_t most)
{
	int64_t pages, spare;

	if (s->bulk_pages == 0)
		return false;
	pages = database_number(s, WRITE_PAGE_COUNT);
	spare = database_number(s, WRITE_FREE_COUNT);
	return pages - spare > most;
}

/* Storing waits; seen beside the database, which may not hold it. */
static void
writer_full(struct store *s, const char *text)
{
	if (!atomic_exchange(&s->disk_full, true))
		beat_trouble(s, BEAT_FULL, text);
}

void
writer_failed(struct store *s, const char *doing)
{
	int code = sqlite3_extended_errcode(s->db);
	int64_t now = store_mono_us();
	uint32_t hushed = 0;
	char why[256];

	strncpy(why, sqlite3_errmsg(s->db), sizeof why - 1);
	why[sizeof why - 1] = '\0';
	if (!sqlite3_get_autocommit(s->db))
		database_run(s, WRITE_ROLLBACK);
	atomic_fetch_add(&s->write_errors, 1);
	s->cap_hit = (code & 0xff) == SQLITE_FULL && writer_at_cap(s, s->bulk_pages / 2);
	s->retry_at_us = now + (s->cap_hit ? 0 : STORE_RETRY_US);
	if (guard_is_damage(code))
		guard_damaged(s, why);
	if (s->cap_hit)
		return;		/* our own bound, not the disk's: what is old makes room at once */
	if (!guard_is_damage(code) && ((code & 0xff) == SQLITE_FULL || (code & 0xff) == SQLITE_IOERR)) {
		writer_full(s, "the disk is full, or cannot be written");
		/* Changes of the list and decisions go on in what is given back. */
		if (reserve_give_back(s))
			s->retry_at_us = 0;
	}
	if (log_may(&s->rate, now / 1000000, &hushed))
		log_warnx("DATABASE [%s] cannot write %s: %s (%u more not said); watching goes on, storing waits",
		    s->path, doing, why, hushed);
}

static void
writer_worked(struct store *s)
{
	atomic_fetch_add(&s->commits, 1);
	if (!atomic_exchange(&s->disk_full, false))
		return;
	if (s->beat.trouble == BEAT_FULL)
		beat_trouble(s, BEAT_FINE, "");
	log_info("DATABASE [%s] storing again; rows lost so far: %llu", s->path,
	    (unsigned long long)atomic_load(&s->rows_lost));
}

bool
writer_hurry(struct store *s, int64_t deadline_us)
{
	if (!s->replay && ring_used(&s->lanes[LANE_LIST]) != 0)
		return true;
	return store_mono_us() > deadline_us;
}

/* The next row, or the next few if they are attempts; how many were written, 0: sqlite3_errcode(). */
static uint64_t
writer_some(struct store *s, const struct ring *lane, uint64_t at, uint64_t n)
{
	const struct row *rows[WRITE_ATTEMPTS_TOGETHER];
	uint64_t k = 0;

	while (k < WRITE_ATTEMPTS_TOGETHER && at + k < n) {
		rows[k] = ring_at(lane, at + k);
		if (rows[k]->kind != ROW_ATTEMPT)
			break;
		k++;
	}
	if (k == WRITE_ATTEMPTS_TOGETHER)
		return write_attempts(s, rows) ? k : 0;
	return write_row(s, ring_at(lane, at)) ? 1 : 0;
}

/* Rows of one lane, at most n; how many were written.  -1: sqlite3_errcode(). */
static int64_t
writer_rows(struct store *s, enum lane lane, uint64_t n, int64_t deadline_us)
{
	uint64_t at = 0, some;

	for (unsigned i = 1; at < n; i++, at += some) {
		if (segment_full(s) || ((i & 15) == 0 && writer_hurry(s, deadline_us)))
			break;
		if ((some = writer_some(s, &s->lanes[lane], at, n)) == 0)
			return -1;
	}
	return (int64_t)at;
}

static void
writer_release(struct store *s, enum lane lane, uint64_t n, bool lost)
{
	if (lane == LANE_KEEP)
		for (uint64_t i = 0; i < n; i++)
			row_release(s, ring_at(&s->lanes[lane], i), lost);
	ring_drop(&s->lanes[lane], n);
	atomic_fetch_add(lost ? &s->rows_lost : &s->rows_written, n);
}

static bool
writer_clock(struct store *s)
{
	int64_t clock_us;
	bool want;

	pthread_mutex_lock(&s->mutex);
	want = s->want_clock;
	clock_us = s->clock_us;
	s->want_clock = false;
	pthread_mutex_unlock(&s->mutex);
	if (!want)
		return true;
	sqlite3_bind_int64(s->stmts[WRITE_META_CLOCK], 1, clock_us);
	return database_run(s, WRITE_META_CLOCK);
}

/* How long may rows be written, when so many took so long with their commit?  Scattered rows are a page each, and pages
 * take their time at the commit. */
static void
writer_pace(struct store *s, int64_t took_us)
{
	if (took_us > STORE_SLICE_US)
		s->slice_us = s->slice_us * STORE_SLICE_US / took_us;
	else if (took_us >= s->slice_us)
		s->slice_us += s->slice_us / 8;		/* it was cut, not done */
	if (s->slice_us < STORE_SLICE_LEAST_US)
		s->slice_us = STORE_SLICE_LEAST_US;
	if (s->slice_us > STORE_SLICE_US)
		s->slice_us = STORE_SLICE_US;
}

/* The status alone, in the reserve that the list and decisions have: who looks must see why nothing else is stored. */
static void
writer_status(struct store *s)
{
	bool ok;

	if (!atomic_load(&s->status_dirty) && !s->want_clock)
		return;
	database_cap(s, CAP_ALL);
	ok = database_run(s, WRITE_BEGIN) && writer_clock(s) && write_status(s) && database_run(s, WRITE_COMMIT);
	if (!ok) {
		if (!sqlite3_get_autocommit(s->db))
			database_run(s, WRITE_ROLLBACK);
		write_unstatus(s);
	}
	database_cap(s, CAP_ROWS);
}

/* One transaction of everything but the list, for at most a slice of time. */
static bool
writer_slice(struct store *s)
{
	int64_t begun = store_mono_us(), deadline = begun + (s->replay ? STORE_SLICE_REPLAY_US : s->slice_us);
	/* Before LANE_KEEP is read: fingerprints were put there before the attempts that hold them. */
	uint64_t n_plain = ring_used(&s->lanes[LANE_PLAIN]);
	uint64_t n_keep = ring_used(&s->lanes[LANE_KEEP]);
	int64_t keep = 0, plain = 0;
	struct segment_mark marks[SEGMENT_OF_N];
	bool ok, status = atomic_load(&s->status_dirty);

	if (!segment_cut(s)) {
		writer_failed(s, "an index: no memory");	/* without a pause it would turn in circles */
		return false;
	}
	segment_note(s, marks);
	ok = database_run(s, WRITE_BEGIN) && segment_index(s, deadline);
	if (ok)
		ok = (keep = writer_rows(s, LANE_KEEP, n_keep, deadline)) >= 0;
	if (ok && keep == (int64_t)n_keep)
		ok = (plain = writer_rows(s, LANE_PLAIN, n_plain, deadline)) >= 0;
	ok = ok && write_seen(s) && rollup_write(s) && writer_clock(s) && (!atomic_load(&s->status_dirty) || write_status(s)) &&
	    (!atomic_load(&s->consumers_wait) || write_consumers(s)) &&
	    snapshot_write(s, deadline) && database_run(s, WRITE_COMMIT);
	snapshot_settle(s, ok);
	if (!ok) {
		writer_failed(s, "rows");
		segment_rewind(s, marks);
		write_unseen(s);
		rollup_unseen(s);
		if (status)
			write_unstatus(s);
		writer_status(s);
		return false;
	}
	writer_release(s, LANE_KEEP, (uint64_t)keep, false);
	writer_release(s, LANE_PLAIN, (uint64_t)plain, false);
	checkpoint_push(s);
	writer_pace(s, store_mono_us() - begun);
	writer_worked(s);
	return true;
}

static bool
writer_waiting(struct store *s)
{
	for (enum lane lane = LANE_KEEP; lane < LANE_N; lane++)
		if (ring_used(&s->lanes[lane]) != 0)
			return true;
	return atomic_load(&s->status_dirty) || atomic_load(&s->consumers_wait) || s->want_clock;
}

static bool
writer_crowded(const struct store *s)
{
	for (enum lane lane = LANE_KEEP; lane < LANE_N; lane++)
		if (ring_used(&s->lanes[lane]) > ring_size(&s->lanes[lane]) / 4)
			return true;
	return false;
}

/* Storing has stopped: the oldest rows make room for the newest. */
static void
writer_trim(struct store *s)
{
	for (enum lane lane = LANE_LIST; lane < LANE_N; lane++) {
		uint64_t size = ring_size(&s->lanes[lane]);

		if (ring_used(&s->lanes[lane]) <= size / 8 * 7)
			continue;
		if (lane == LANE_LIST)
			atomic_store(&s->changes_lost, true);
		if (lane == LANE_SENDER || lane == LANE_MEMORY)
			snapshot_forget(s);
		writer_release(s, lane, size / 4, true);
	}
}

static int
writer_wal_hook(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store *s = arg;

	(void)db;
	(void)name;
	s->wal_pages = pages;
	return SQLITE_OK;
}

void
writer_follow(struct store *s)
{
	sqlite3_wal_hook(s->db, writer_wal_hook, s);
}

static void
writer_checkpoint(struct store *s, bool idle)
{
	int64_t most = s->replay ? WAL_PAGES_REPLAY : idle ? WAL_PAGES_IDLE : WAL_PAGES;

	if (s->wal_pages < most || s->wal_pages < s->checkpoint_at || checkpoint_busy(s))
		return;
	checkpoint_ask(s);
	/* A reader may keep the WAL from beginning anew: try again when it has grown. */
	s->checkpoint_at = s->wal_pages + most;
}

/* The operator waits: it cannot be made durable any more. */
static void
writer_refuse(struct store *s)
{
	pthread_mutex_lock(&s->mutex);
	if (s->admin.stage == ADMIN_ASKED) {
		s->admin.ok = false;
		s->admin.stage = ADMIN_DONE;
		pthread_cond_broadcast(&s->done);
	}
	pthread_mutex_unlock(&s->mutex);
}

/* Tell who waits in store_sync() whether everything is in. */
static void
writer_synced(struct store *s, bool empty)
{
	pthread_mutex_lock(&s->mutex);
	if (s->sync_wanted != s->sync_done && (empty || s->retry_at_us != 0 || s->reserve.used || s->wal_look_us != 0)) {
		s->sync_done = s->sync_wanted;
		s->sync_ok = empty;
		pthread_cond_broadcast(&s->done);
	}
	pthread_mutex_unlock(&s->mutex);
}

static void
writer_sleep(struct store *s, int64_t us)
{
	struct timespec until;
	int64_t at = store_mono_us() + us;

	until.tv_sec = (time_t)(at / 1000000);
	until.tv_nsec = (long)(at % 1000000 * 1000);
	pthread_mutex_lock(&s->mutex);
	atomic_store(&s->sleeping, true);
	/* A list change put before `sleeping` was seen would not have woken us. */
	if (!s->stop && s->sync_wanted == s->sync_done && s->admin.stage != ADMIN_ASKED &&
	    (s->list_at_us != 0 || !list_waits(s)))
		pthread_cond_timedwait(&s->wake, &s->mutex, &until);
	atomic_store(&s->sleeping, false);
	pthread_mutex_unlock(&s->mutex);
}

/* List changes: gathered for a moment, then written.  False: none was due. */
static bool
writer_list(struct store *s, int64_t now, bool eager)
{
	const struct ring *lane = &s->lanes[LANE_LIST];
	int64_t group = s->replay ? STORE_DELAY_US : STORE_GROUP_US;

	if (!list_waits(s)) {
		s->list_at_us = 0;
		return false;
	}
	if (s->list_at_us == 0)
		s->list_at_us = now;
	/* The log waits to be indexed: that comes next. */
	if (s->segments[SEGMENT_CHANGE].n >= s->segments[SEGMENT_CHANGE].cap)
		return false;
	if (!eager && now - s->list_at_us < group && ring_used(lane) < ring_size(lane) / 4)
		return false;
	s->list_at_us = 0;
	if (write_list(s))
		s->retry_at_us = 0;
	return true;
}

/* Everything else.  False: nothing was due. */
static bool
writer_bulk(struct store *s, int64_t now, bool eager)
{
	bool due = eager || now - s->bulk_at_us >= STORE_DELAY_US;
	int64_t began;
	bool prepared;

	if (!eager && (checkpoint_busy(s) || checkpoint_again(s)))
		return false;
	if (!(due && writer_waiting(s)) && !snapshot_waits(s) && !writer_crowded(s) && !segment_due(s))
		return false;
	if (due)
		s->bulk_at_us = now;
	began = store_mono_us();
	prepared = snapshot_prepare(s, due);
	if (!prepared && !writer_waiting(s) && !segment_due(s))
		return false;
	if (!s->replay && store_mono_us() - began > STORE_SLICE_US / 4)
		return true;		/* sorting took its time: the list first */
	if (writer_slice(s))
		s->retry_at_us = 0;
	return true;
}

/* At the size: a bit of what goes first, until an eighth of it is free.  The list and decisions go between the bits. */
static void
writer_make_room(struct store *s)
{
	uint64_t errors = atomic_load(&s->write_errors);
	int64_t now = store_mono_us();
	uint32_t hushed = 0;
	bool any;

	if (checkpoint_busy(s))
		return;
	database_cap(s, CAP_ALL);		/* deleting needs pages, too */
	any = room_step(s);
	/* More than there may be: max-size was lowered. */
	if (any && database_number(s, WRITE_PAGE_COUNT) > s->max_pages)
		(void)database_run(s, WRITE_VACUUM);
	database_cap(s, CAP_ROWS);
	if (any) {
		s->cap_hit = writer_at_cap(s, s->bulk_pages - s->bulk_pages / 8);
		s->retry_at_us = 0;
		writer_checkpoint(s, false);
		if (log_may(&s->rate, now / 1000000, &hushed))
			log_warnx("DATABASE [%s] has reached max-size: the oldest rows of what there is most of are deleted to keep "
			    "the newest", s->path);
		return;
	}
	s->cap_hit = false;
	s->retry_at_us = now + STORE_RETRY_US;
	if (atomic_load(&s->write_errors) != errors)
		return;			/* it was logged */
	writer_full(s, "max-size is reached, and nothing in the database is old enough to be deleted");
	if (log_may(&s->rate, now / 1000000, &hushed))
		log_warnx("DATABASE [%s] has reached max-size and nothing in it is old enough to be deleted; watching goes on, storing "
		    "waits. Raise store { max-size }", s->path);
}

/* The operator waits: do what he asked, if he did. */
static bool
writer_admin(struct store *s)
{
	bool ok;

	pthread_mutex_lock(&s->mutex);
	if (s->admin.stage != ADMIN_ASKED) {
		pthread_mutex_unlock(&s->mutex);
		return false;
	}
	s->admin.stage = ADMIN_TAKEN;
	pthread_mutex_unlock(&s->mutex);
	ok = write_admin(s, &s->admin);
	/* Somebody waits for it: once more, in the room that is made, or given back to the disk. */
	if (!ok && s->cap_hit)
		writer_make_room(s);
	if (!ok && s->retry_at_us == 0)
		ok = write_admin(s, &s->admin);
	if (ok)
		keep_want(s);
	pthread_mutex_lock(&s->mutex);
	s->admin.ok = ok;
	s->admin.stage = s->admin.abandoned ? ADMIN_FREE : ADMIN_DONE;
	pthread_cond_broadcast(&s->done);
	pthread_mutex_unlock(&s->mutex);
	return true;
}

/*
 * A reader that keeps an old state open keeps the log from beginning again, and each page that is written makes it longer.
 * Beyond a bound rows wait that can; looked at each second.
 */
static bool
writer_log_too_long(struct store *s, int64_t now)
{
	int64_t most = s->max_pages != 0 && s->max_pages / 2 < LOG_PAGES ? s->max_pages / 2 : LOG_PAGES;
	uint32_t hushed = 0;

	if (most < 2 * WAL_PAGES)	/* a checkpoint is asked for at that many */
		most = 2 * WAL_PAGES;
	if (s->replay || s->wal_pages < most) {
		s->wal_look_us = 0;
		return false;
	}
	if (now < s->wal_look_us)
		return true;
	s->wal_look_us = now + STORE_RETRY_US;
	sqlite3_busy_timeout(s->db, 0);
	s->checkpoint.asked++;		/* it may write to the file, however it ends */
	if (!checkpoint_busy(s) && sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) == SQLITE_OK) {
		s->wal_pages = s->checkpoint_at = 0;
		s->wal_look_us = 0;
	}
	sqlite3_busy_timeout(s->db, 2000);
	if (s->wal_look_us == 0)
		return false;
	if (log_may(&s->rate, now / 1000000, &hushed))
		log_warnx("DATABASE [%s] a reader keeps an old state open, and the log beside it cannot be emptied (%lld MiB): "
		    "storing waits until it ends", s->path, (long long)(s->wal_pages * STORE_PAGE_BYTES >> 20));
	return true;
}

/* Rows that can wait do so, and the newest are kept. */
static bool
writer_waits(struct store *s, int64_t now)
{
	return reserve_in_use(s, now) || writer_log_too_long(s, now);
}

void *
writer_main(void *arg)
{
	struct store *s = arg;
	bool stop, eager, empty, waits, wrote;
	int64_t now;

	s->slice_us = STORE_SLICE_US / 4;
	writer_follow(s);
	s->cap_hit = writer_at_cap(s, s->bulk_pages);	/* max-size was lowered */
	for (;;) {
		now = store_mono_us();
		pthread_mutex_lock(&s->mutex);
		stop = s->stop;
		eager = stop || s->sync_wanted != s->sync_done;
		pthread_mutex_unlock(&s->mutex);

		if (!guard_turn(s, now, stop)) {
			s->retry_at_us = now + 1;
			writer_synced(s, false);
			writer_trim(s);
			if (s->guard.found != STORE_FILE_REMOVED)
				writer_refuse(s);
			if (stop && s->guard.backup == NULL)
				break;
			if (s->guard.backup == NULL)
				writer_sleep(s, 20000);
			continue;
		}
		if (s->cap_hit) {
			writer_make_room(s);
			if (stop && s->retry_at_us != 0)
				break;
		}
		if (writer_admin(s))
			continue;
		if (!list_waits(s) || now - s->keep_at_us > STORE_RETRY_US)
			keep_turn(s, now);
		if (s->retry_at_us != 0 && now < s->retry_at_us && !stop) {
			writer_synced(s, false);
			writer_trim(s);
			writer_status(s);
			writer_sleep(s, 20000);
			continue;
		}
		s->retry_at_us = 0;
		/* Both, each turn: a stream of changes must not starve the rest. */
		wrote = writer_list(s, now, eager);
		waits = writer_waits(s, now);
		if (waits) {
			writer_status(s);
			writer_trim(s);
			writer_synced(s, false);
		} else if (s->retry_at_us == 0) {
			wrote |= writer_bulk(s, now, eager);
		}
		if (wrote) {
			writer_checkpoint(s, false);
			if (stop && s->retry_at_us != 0 && !s->cap_hit)
				break;		/* it cannot be written now, and nobody will later */
			continue;
		}
		empty = !list_waits(s) && !writer_waiting(s) && !snapshot_waits(s);
		if (empty)
			writer_synced(s, true);
		if (stop && (empty || waits))
			break;
		if (!checkpoint_busy(s) && retention_step(s))
			continue;
		writer_checkpoint(s, true);
		writer_sleep(s, s->list_at_us != 0 && !s->replay ? STORE_GROUP_US / 2 : 50000);
	}
	keep_end(s);
	writer_synced(s, false);
	return NULL;
}
