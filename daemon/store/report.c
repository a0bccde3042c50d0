/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.c - a read-only handle: opened, looked after, and asked about the list.
 *
 * If the file is set aside while we run, the handle would go on to read the old one:
 * once a second its inode is compared.  A read transaction is kept open for some
 * milliseconds when look-ups come thick, because beginning one costs more than the
 * look-up; a small thread lets go of it if nobody asks any more, so that a quiet
 * reader never keeps the writer from reusing its log.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "backup_int.h"
#include "mxtrap/migration.h"
#include "report_int.h"

#define REPORT_LOOK_US	1000000
#define REPORT_BRISK	16		/* look-ups, each within a millisecond of the last, before one holds */
#define REPORT_FILE	"mxtrap.db"

static const char *const read_sql[READ_N] = {
#define READ(name, sql) [READ_##name] = sql,
#include "../../sql/statements.def"
#undef READ
};

int64_t
report_mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

enum report_result
report_failed(struct report *r, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return REPORT_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_CANTOPEN:
	case SQLITE_PROTOCOL:
	case SQLITE_SCHEMA:
	case SQLITE_READONLY:		/* no -shm yet */
		snprintf(r->error, sizeof r->error, "%s", r->db != NULL ? sqlite3_errmsg(r->db) : sqlite3_errstr(rc));
		return REPORT_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		atomic_store(&r->damaged, true);
		/* fallthrough */
	default:
		snprintf(r->error, sizeof r->error, "%s", r->db != NULL ? sqlite3_errmsg(r->db) : sqlite3_errstr(rc));
		return REPORT_ERROR;
	}
}

static void
report_shut(struct report *r)
{
	for (size_t i = 0; i < READ_N; i++) {
		sqlite3_finalize(r->stmts[i]);
		r->stmts[i] = NULL;
	}
	sqlite3_close(r->db);
	r->db = NULL;
	r->inside = r->holding = false;
	atomic_store(&r->damaged, false);
	free(r->risks);			/* another file: another answer */
	r->risks = NULL;
}

static enum report_result
report_version(struct report *r)
{
	sqlite3_stmt *stmt = NULL;
	enum report_result result;
	int version = 0, rc;

	rc = sqlite3_prepare_v2(r->db, "PRAGMA user_version", -1, &stmt, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		version = sqlite3_column_int(stmt, 0);
	result = report_failed(r, rc);
	sqlite3_finalize(stmt);
	if (result != REPORT_OK)
		return result;
	if (version > migrations[n_migrations - 1].version) {
		snprintf(r->error, sizeof r->error, "written by a newer mxtrap (version %d)", version);
		return REPORT_NEWER;
	}
	/* Its tables are not all there: mxtrapd mends that as soon as it starts. */
	if (version == 0) {
		snprintf(r->error, sizeof r->error, "not filled yet");
		return REPORT_BUSY;
	}
	if (version < migrations[n_migrations - 1].version) {
		snprintf(r->error, sizeof r->error, "written by an older mxtrap (version %d)", version);
		return REPORT_OLDER;
	}
	return REPORT_OK;
}

#define REPORT_HOW (SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX)

/* A bare copy where we may not write: SQLite wants to make a log there, and finds that it cannot only as it reads. */
static int
report_open_copy(struct report *r)
{
	char uri[3 * BACKUP_PATH_SIZE];
	int rc = sqlite3_exec(r->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);

	if (((rc & 0xff) != SQLITE_CANTOPEN && (rc & 0xff) != SQLITE_READONLY) || !backup_lacks_log(r->path) ||
	    !backup_immutable(r->path, uri, sizeof uri))
		return SQLITE_OK;
	sqlite3_close(r->db);
	r->db = NULL;
	r->copy = true;
	return sqlite3_open_v2(uri, &r->db, REPORT_HOW | SQLITE_OPEN_URI, NULL);
}

/*
 * While watch runs it has one file open, and readers follow it: another one at the path may have the old one's log beside it,
 * and where there is none watch is about to write it again.  True: this is not it.
 */
static bool
report_waits(const struct report *r, const struct stat *st)
{
	char path[4096];
	struct beat b;
	struct stat log;
	uint64_t inode;

	if (!beat_read(r->dir, &b))
		return false;
	inode = beat_inode(&b, beat_clock_us(CLOCK_BOOTTIME), beat_clock_us(CLOCK_REALTIME));
	if (inode == 0 || st == NULL || (uint64_t)st->st_ino != inode)
		return inode != 0;
	/* Without its log it is of some time ago. */
	snprintf(path, sizeof path, "%s-wal", r->path);
	return b.log_inode != 0 && (stat(path, &log) == -1 || (uint64_t)log.st_ino != b.log_inode);
}

static enum report_result
report_connect(struct report *r)
{
	enum report_result result;
	struct stat st;
	int rc;

	if (stat(r->path, &st) == -1) {
		snprintf(r->error, sizeof r->error, "%s: %s", r->path, strerror(errno));
		return REPORT_BUSY;
	}
	if (!S_ISREG(st.st_mode)) {	/* a FIFO would hold us */
		snprintf(r->error, sizeof r->error, "%s is no file", r->path);
		return REPORT_BUSY;
	}
	if (report_waits(r, &st)) {
		snprintf(r->error, sizeof r->error, "%s is not the file that mxtrapd has open; it looks at it now", r->path);
		return REPORT_BUSY;
	}
	r->copy = false;
	rc = sqlite3_open_v2(r->path, &r->db, REPORT_HOW, NULL);
	if (rc == SQLITE_OK)
		rc = report_open_copy(r);
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(r->db, 250);
		sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_db_config(r->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		rc = sqlite3_exec(r->db, "PRAGMA query_only=ON; PRAGMA cell_size_check=ON;", NULL, NULL, NULL);
		/* Nothing mapped: a file that is cut off would end the process (SIGBUS).  Who walks reads each page once. */
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(r->db, r->walks ? "PRAGMA mmap_size=0; PRAGMA cache_size=-1024" :
			    "PRAGMA mmap_size=0; PRAGMA cache_size=-16384", NULL, NULL, NULL);
	}
	result = report_failed(r, rc);
	if (result == REPORT_OK)
		result = report_version(r);
	for (size_t i = 0; result == REPORT_OK && i < READ_N; i++)
		result = report_failed(r, sqlite3_prepare_v3(r->db, read_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
		    &r->stmts[i], NULL));
	if (result != REPORT_OK) {
		report_shut(r);
		return result;
	}
	r->dev = st.st_dev;
	r->ino = st.st_ino;
	r->looked_us = report_mono_us();
	return REPORT_OK;
}

/* Is the file still the one that is open?  If not, open the one that is there now. */
static enum report_result
report_look(struct report *r)
{
	int64_t now = report_mono_us();
	struct stat st;
	bool there;

	if (r->db != NULL && now - r->looked_us < REPORT_LOOK_US)
		return REPORT_OK;
	r->looked_us = now;
	there = stat(r->path, &st) == 0;
	if (r->db != NULL && ((there && st.st_dev == r->dev && st.st_ino == r->ino && (!r->copy || backup_lacks_log(r->path))) ||
	    report_waits(r, there ? &st : NULL)))
		return REPORT_OK;
	report_shut(r);
	return report_connect(r);
}

static void
report_end(struct report *r)
{
	if (!r->inside)
		return;
	sqlite3_step(r->stmts[READ_COMMIT]);
	sqlite3_reset(r->stmts[READ_COMMIT]);
	r->inside = r->holding = false;
}

static enum report_result
report_begin(struct report *r)
{
	enum report_result result;

	result = report_failed(r, sqlite3_step(r->stmts[READ_BEGIN]));
	sqlite3_reset(r->stmts[READ_BEGIN]);
	if (result != REPORT_OK)
		return result;
	r->inside = true;
	r->clock_known = false;
	r->begun_us = report_mono_us();
	return REPORT_OK;
}

enum report_result
report_again(struct report *r)
{
	report_end(r);
	return report_begin(r);
}

enum report_result
report_enter(struct report *r)
{
	enum report_result result = REPORT_OK;

	pthread_mutex_lock(&r->mutex);
	if (r->depth == 0) {
		if (r->inside && report_mono_us() - r->begun_us > REPORT_HOLD_US)
			report_end(r);
		if (!r->inside) {
			result = report_look(r);
			if (result == REPORT_OK)
				result = report_begin(r);
		}
	}
	if (result != REPORT_OK) {
		pthread_mutex_unlock(&r->mutex);
		return result;
	}
	r->depth++;
	return REPORT_OK;
}

void
report_leave(struct report *r)
{
	if (--r->depth == 0 && !r->holding)
		report_end(r);
	pthread_mutex_unlock(&r->mutex);
}

/* Lets go of a held transaction when its time is over. */
static void *
report_holder(void *arg)
{
	struct report *r = arg;
	const struct timespec rest = { .tv_nsec = REPORT_HOLD_US * 1000L };

	pthread_mutex_lock(&r->mutex);
	while (!r->closing) {
		if (!r->holding) {
			pthread_cond_wait(&r->held, &r->mutex);
			continue;
		}
		pthread_mutex_unlock(&r->mutex);
		nanosleep(&rest, NULL);
		pthread_mutex_lock(&r->mutex);
		if (r->depth == 0 && r->holding && report_mono_us() - r->begun_us > REPORT_HOLD_US)
			report_end(r);
	}
	pthread_mutex_unlock(&r->mutex);
	return NULL;
}

/* Inside a question: keep the transaction, if questions of this kind come thick. */
static void
report_hold(struct report *r)
{
	int64_t now;

	if (r->holding || r->depth != 1)
		return;
	now = report_mono_us();
	r->brisk = now - r->checked_us < 1000 ? r->brisk + 1 : 0;
	r->checked_us = now;
	if (r->brisk < REPORT_BRISK)
		return;
	if (!r->holder_runs) {
		r->holder_runs = pthread_create(&r->let_go, NULL, report_holder, r) == 0;
		if (!r->holder_runs) {
			r->brisk = 0;
			return;		/* without it nothing may be held */
		}
	}
	r->holding = true;
	pthread_cond_signal(&r->held);
}

static enum report_result
report_make(struct report **out, const char *state_dir, const struct judge_params *params, bool walks)
{
	struct report *r = calloc(1, sizeof *r);
	size_t size = strlen(state_dir) + sizeof "/" REPORT_FILE;
	enum report_result result;
	pthread_mutexattr_t attr;

	if (r == NULL || (r->path = malloc(size)) == NULL || (r->dir = strdup(state_dir)) == NULL) {
		if (r != NULL)
			free(r->path);
		free(r);
		return REPORT_ERROR;
	}
	snprintf(r->path, size, "%s/" REPORT_FILE, state_dir);
	r->params = *params;
	r->walks = walks;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&r->mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	pthread_cond_init(&r->held, NULL);
	result = report_connect(r);
	if (result != REPORT_OK) {
		if (result == REPORT_ERROR)	/* who opens it says the others (status.h) */
			log_warnx("DATABASE [%s] %s", r->path, r->error);
		report_close(r);
		return result;
	}
	*out = r;
	return REPORT_OK;
}

void
report_versions(const char *state_dir, int *known, int *found)
{
	size_t size = strlen(state_dir) + sizeof "/" REPORT_FILE;
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	char *path;

	*known = migrations[n_migrations - 1].version;
	*found = 0;
	if ((path = malloc(size)) == NULL)
		return;
	snprintf(path, size, "%s/" REPORT_FILE, state_dir);
	if (sqlite3_open_v2(path, &db, REPORT_HOW, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		*found = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	free(path);
}

enum report_result
report_open(struct report **out, const char *state_dir, const struct judge_params *params)
{
	return report_make(out, state_dir, params, false);
}

enum report_result
report_open_walk(struct report **out, const char *state_dir, const struct judge_params *params)
{
	return report_make(out, state_dir, params, true);
}

void
report_close(struct report *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->mutex);
	r->closing = true;
	pthread_cond_signal(&r->held);
	pthread_mutex_unlock(&r->mutex);
	if (r->holder_runs)
		pthread_join(r->let_go, NULL);
	if (r->db != NULL)
		report_end(r);
	report_shut(r);
	pthread_cond_destroy(&r->held);
	pthread_mutex_destroy(&r->mutex);
	free(r->risks);
	free(r->path);
	free(r->dir);
	free(r);
}

const char *
report_error(const struct report *r)
{
	return r->error;
}

bool
report_damaged(const struct report *r)
{
	return atomic_load(&r->damaged);
}

const char *
report_library(void)
{
	return sqlite3_libversion();
}

enum report_result
report_state(struct report *r, struct report_state *out)
{
	sqlite3_stmt *stmt;
	enum report_result result = report_enter(r);
	int rc;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_STATE);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && !(row_seconds(stmt, 2) && row_seconds(stmt, 3) && row_micros(stmt, 4) &&
	    row_within(stmt, 5, 0, INT64_MAX) && row_within(stmt, 6, 0, INT64_MAX) && row_micros(stmt, 8))) {
		(void)report_bad_row(r, "meta");
		rc = SQLITE_CORRUPT;
	}
	if (rc == SQLITE_ROW)
		*out = (struct report_state){
			.generation = (uint64_t)sqlite3_column_int64(stmt, 0),
			.serial = (uint64_t)sqlite3_column_int64(stmt, 1),
			.created_s = sqlite3_column_int64(stmt, 2),
			.changed_s = sqlite3_column_int64(stmt, 3),
			.clock_s = sqlite3_column_int64(stmt, 4) / 1000000,
			.n_listed = (uint64_t)sqlite3_column_int64(stmt, 5),
			.n_suspect = (uint64_t)sqlite3_column_int64(stmt, 6),
			.horizon = (uint64_t)sqlite3_column_int64(stmt, 7),
			.inputs_s = (sqlite3_column_int64(stmt, 8) + 999999) / 1000000,
		};
	result = rc == SQLITE_DONE ? REPORT_NONE : report_failed(r, rc);
	sqlite3_reset(stmt);
	report_leave(r);
	return result;
}

enum report_result
report_keep_state(struct report *r, struct report_state *out)
{
	enum report_result result = report_enter(r);

	if (result != REPORT_OK)
		return result;
	result = report_state(r, out);
	if (result != REPORT_OK)
		report_leave(r);
	return result;
}

void
report_go_on(struct report *r)
{
	report_leave(r);
}

enum report_result
report_serial_before(struct report *r, int64_t time_s, uint64_t *serial)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	int rc;

	*serial = 0;
	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_SERIAL_BEFORE);
	sqlite3_bind_int64(stmt, 1, time_s * 1000000);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && row_within(stmt, 0, 0, INT64_MAX))
		*serial = (uint64_t)sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	result = report_failed(r, rc == SQLITE_ROW ? SQLITE_DONE : rc);
	report_leave(r);
	return result;
}

/* The file beside the database, looked at again each second. */
static bool
report_beat(struct report *r)
{
	int64_t now = report_mono_us();

	if (r->beat_us == 0 || now - r->beat_us >= REPORT_LOOK_US) {
		r->beat_known = beat_read(r->dir, &r->beat);
		r->beat_us = now;
	}
	return r->beat_known;
}

/* Watch's own time; 0: it is silent. */
static int64_t
report_live_s(struct report *r, int64_t now_s)
{
	return report_beat(r) ? beat_now_us(&r->beat, beat_clock_us(CLOCK_BOOTTIME), now_s * 1000000) / 1000000 : 0;
}

int64_t
report_now(struct report *r, int64_t now_s)
{
	struct report_state state = { 0 };
	int64_t clock_s = 0;

	if (report_enter(r) != REPORT_OK)
		return now_s;
	/* Once a transaction is enough: look-ups ask each time. */
	if (!r->clock_known && report_state(r, &state) == REPORT_OK) {
		r->clock_s = state.clock_s;
		r->clock_known = true;
	}
	if (r->clock_known)
		clock_s = r->clock_s;
	if (clock_s == 0)
		clock_s = report_live_s(r, now_s);
	report_leave(r);
	return clock_s != 0 ? clock_s : now_s;
}

int64_t
report_heartbeat(struct report *r, int64_t now_s)
{
	int64_t age_us = -1;

	if (report_enter(r) != REPORT_OK)
		return -1;
	if (report_beat(r))
		age_us = beat_age_us(&r->beat, beat_clock_us(CLOCK_BOOTTIME), now_s * 1000000);
	report_leave(r);
	return age_us < 0 ? -1 : age_us / 1000000;
}

unsigned
report_trouble(struct report *r, char text[static REPORT_TROUBLE_SIZE])
{
	struct beat b;

	_Static_assert(sizeof b.text == REPORT_TROUBLE_SIZE, "one size");
	/* Not through the database: it may be what is wrong. */
	if (!beat_read(r->dir, &b))
		b = (struct beat){ .trouble = BEAT_FINE };
	memcpy(text, b.text, sizeof b.text);
	return b.trouble;
}

enum report_result
report_check(struct report *r, const struct addr *addr, int64_t now_s, struct report_entry *out)
{
	enum report_result result = report_enter(r);
	sender_key key = addr_sender(addr);
	uint64_t host = addr_host(addr);
	struct report_entry e;

	if (result != REPORT_OK)
		return result;
	now_s = report_now(r, now_s);
	result = report_listing(r, key, NULL, now_s, &e);
	if (!sender_is_v4(key) && (result == REPORT_NONE ||
	    (result == REPORT_OK && (e.state != STATE_LISTED || !report_open_at(&e, now_s)))))
		result = report_listing(r, key, &host, now_s, &e);
	if (result == REPORT_OK) {
		if (e.state == STATE_LISTED && report_open_at(&e, now_s))
			*out = e;
		else
			result = REPORT_NONE;
	}
	report_hold(r);
	report_leave(r);
	return result;
}
