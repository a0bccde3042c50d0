/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database.c - the file: opened, checked, migrated, or set aside and begun anew.
 *
 * A file of a newer mxtrap is recognised by its header alone and never opened, so
 * that not one byte of it changes.  What can be saved of a damaged one goes into a new one (salvage.h), and it is moved
 * away under a name that says so: the trap must run, and somebody may want to look at it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "keep.h"
#include "mxtrap/migration.h"
#include "salvage.h"
#include "store_int.h"

static const char *const write_sql[WRITE_N] = {
#define WRITE(name, sql) [WRITE_##name] = sql,
#include "../../sql/statements.def"
#undef WRITE
};

bool
database_exec(struct store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

bool
database_run(struct store *s, enum write_statement w)
{
	int rc;

	while ((rc = sqlite3_step(s->stmts[w])) == SQLITE_ROW)
		;
	sqlite3_reset(s->stmts[w]);
	return rc == SQLITE_DONE;
}

int64_t
database_number(struct store *s, enum write_statement w)
{
	int64_t number = -1;

	if (sqlite3_step(s->stmts[w]) == SQLITE_ROW)
		number = sqlite3_column_int64(s->stmts[w], 0);
	sqlite3_reset(s->stmts[w]);
	return number;
}

/* The one integer that this text asks for. */
static int
database_ask(struct store *s, const char *sql, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		*out = sqlite3_column_int64(stmt, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return rc;
}

bool
database_migrate(struct store *s, int64_t from)
{
	char version[64];

	for (size_t i = 0; i < n_migrations; i++) {
		const struct migration *m = &migrations[i];

		if (m->version <= from)
			continue;
		/* The number is a constant of the program: a PRAGMA takes no bound value. */
		snprintf(version, sizeof version, "PRAGMA user_version=%d", m->version);
		if (!database_exec(s, "BEGIN IMMEDIATE") || !database_exec(s, m->sql) || !database_exec(s, version) ||
		    !database_exec(s, "COMMIT")) {
			/* Kept: what comes after it, a rollback that SQLite has done itself, is another error. */
			(void)snprintf(s->why, sizeof s->why, "migration %d failed: %s", m->version, sqlite3_errmsg(s->db));
			s->why_code = sqlite3_extended_errcode(s->db);
			if (!sqlite3_get_autocommit(s->db))
				database_exec(s, "ROLLBACK");
			return false;
		}
	}
	return true;
}

/* 63 bits: it is stored signed and told unsigned. */
int64_t
database_generation(void)
{
	int64_t generation = 0;

	while (generation == 0)
		if (getrandom(&generation, sizeof generation, 0) == (ssize_t)sizeof generation)
			generation &= INT64_MAX;
	return generation;
}

bool
database_rename(struct store *s)
{
	int64_t generation = database_generation();

	sqlite3_bind_int64(s->stmts[WRITE_META_GENERATION], 1, generation);
	if (!database_run(s, WRITE_META_GENERATION)) {
		writer_failed(s, "a new generation");
		return false;
	}
	s->generation = (uint64_t)generation;
	atomic_store(&s->changes_lost, false);
	beat_list(s, false);
	return true;
}

void
database_cap(struct store *s, enum database_cap cap)
{
	int64_t pages = cap == CAP_ROWS ? s->bulk_pages : cap == CAP_LIST ? s->max_pages - s->max_pages / 64 : s->max_pages;
	char text[64];

	if (s->max_pages == 0)
		return;
	/* A PRAGMA takes no bound value; this is a number of ours. */
	snprintf(text, sizeof text, "PRAGMA max_page_count=%" PRId64, pages);
	database_exec(s, text);
}

/*
 * Is it the one that this host used last?  A run that was killed may have committed once more than it could note; one that
 * was killed while it began has its mark, the next one, in the database alone.
 */
static bool
database_is_last(const struct store *s, uint64_t mark)
{
	const struct beat *last = &s->last;
	uint64_t serial = atomic_load(&s->serial);

	if (!s->last_known)
		return mark == 0;	/* of a version that made no mark */
	return (mark == last->mark || mark == last->mark + 1) && s->generation == last->generation &&
	    (last->closed != 0 ? serial == last->serial : serial >= last->serial);
}

/*
 * A mark of this run: the next after the last one's, or a new beginning; and if the file was put here, a new generation,
 * for its serials may mean something else elsewhere.
 */
static bool
database_mark(struct store *s, uint64_t mark)
{
	bool renew = !s->fresh && (s->shift_s != 0 || !database_is_last(s, mark)), ok;
	int64_t generation = renew ? database_generation() : (int64_t)s->generation;
	int64_t fresh_mark = renew || s->fresh || !s->last_known ? database_generation() : (int64_t)(s->last.mark + 1);
	sqlite3_stmt *stmt = NULL;

	s->opened_mark = mark;
	if (renew && s->shift_s == 0 && !s->was_corrupt)
		log_warnx("DATABASE [%s] is not the one that this host used last (restored, or copied here): its list gets a new "
		    "generation, and consumers fetch all of it", s->path);
	database_exec(s, "PRAGMA synchronous=FULL");
	ok = sqlite3_prepare_v2(s->db, "UPDATE meta SET generation = ?, mark = ?", -1, &stmt, NULL) == SQLITE_OK;
	if (ok) {
		sqlite3_bind_int64(stmt, 1, generation);
		sqlite3_bind_int64(stmt, 2, fresh_mark);
		ok = sqlite3_step(stmt) == SQLITE_DONE;
	}
	sqlite3_finalize(stmt);
	database_exec(s, "PRAGMA synchronous=NORMAL");
	if (ok) {
		s->generation = (uint64_t)generation;
		s->last.mark = (uint64_t)fresh_mark;
	}
	return ok;
}

static bool
database_meta(struct store *s)
{
	sqlite3_stmt *stmt = NULL;
	uint64_t mark = 0;
	int64_t n = 0;
	bool ok;

	if (database_ask(s, "SELECT count(*) FROM meta", &n) != SQLITE_OK)
		return false;
	if (n == 0) {
		ok = sqlite3_prepare_v2(s->db, "INSERT INTO meta VALUES (1,?,0,0,?2,?2,0,0,0,0,0)", -1, &stmt, NULL) == SQLITE_OK;
		if (ok) {
			sqlite3_bind_int64(stmt, 1, database_generation());
			sqlite3_bind_int64(stmt, 2, store_wall_us() / 1000000);
			ok = sqlite3_step(stmt) == SQLITE_DONE;
		}
		sqlite3_finalize(stmt);
		if (!ok)
			return false;
		s->fresh = true;
	}
	/* A live run lives by the wall clock, wherever a replay left it. */
	if (!s->replay && !database_exec(s, "UPDATE meta SET clock_us = 0 WHERE clock_us <> 0"))
		return false;
	ok = sqlite3_prepare_v2(s->db, "SELECT generation, serial, created_s, n_listed, n_suspect, mark FROM meta", -1, &stmt,
	    NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;
	if (ok) {
		mark = (uint64_t)sqlite3_column_int64(stmt, 5);
		s->generation = (uint64_t)sqlite3_column_int64(stmt, 0);
		atomic_store(&s->serial, (uint64_t)sqlite3_column_int64(stmt, 1));
		s->created_s = sqlite3_column_int64(stmt, 2);
		s->n_listed = sqlite3_column_int64(stmt, 3);
		s->n_suspect = sqlite3_column_int64(stmt, 4);
	}
	sqlite3_finalize(stmt);
	return ok && (s->replay || database_mark(s, mark));
}

static void
database_bind_target(sqlite3_stmt *stmt, const struct ladder *ladder, size_t i)
{
	const struct target *t = &ladder->targets[i];
	bool control = t->role == ROLE_CONTROL;
	const struct mxset *set = control ? NULL : &ladder->sets[t->set];
	const struct exchanger *x = control ? NULL : &set->exchangers[t->exchanger];

	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)i);
	if (control)
		sqlite3_bind_null(stmt, 2);
	else
		sqlite3_bind_int(stmt, 2, t->set);
	sqlite3_bind_text(stmt, 3, control ? "" : set->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 4, control ? "" : x->name, -1, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 5, t->addr.b, 16, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 6, control ? 0 : x->preference);
	sqlite3_bind_int(stmt, 7, t->role);
	sqlite3_bind_int(stmt, 8, t->answer);
}

/* The ladder as readers see it. */
static bool
database_ladder(struct store *s, const struct ladder *ladder)
{
	sqlite3_stmt *stmt = NULL, *cut = NULL;
	bool ok;

	s->n_targets = ladder != NULL ? ladder->n_targets : 0;
	if (ladder == NULL)
		return true;
	/* What watch goes on from (status_last) stays: a firewall that is off, a held list, a new layout. */
	ok = database_exec(s, "BEGIN IMMEDIATE; DELETE FROM status WHERE name NOT IN"
	    " ('firewall', 'publish', 'layout', 'layout_since', 'clock', 'damage_s', 'damage_file', 'damage_saved', 'damage_lost')") &&
	    sqlite3_prepare_v2(s->db, "INSERT INTO mx_target VALUES (?,?,?,?,?,?,?,?,0) ON CONFLICT DO UPDATE SET"
	    " last_us = CASE WHEN addr = excluded.addr THEN last_us ELSE 0 END, mx_set = excluded.mx_set,"
	    " set_name = excluded.set_name, exchanger = excluded.exchanger, addr = excluded.addr,"
	    " preference = excluded.preference, role = excluded.role, answer = excluded.answer",
	    -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(s->db, "DELETE FROM mx_target WHERE id >= ?", -1, &cut, NULL) == SQLITE_OK;
	for (size_t i = 0; ok && i < ladder->n_targets; i++) {
		database_bind_target(stmt, ladder, i);
		ok = sqlite3_step(stmt) == SQLITE_DONE;
		sqlite3_reset(stmt);
	}
	if (ok) {
		sqlite3_bind_int64(cut, 1, (sqlite3_int64)ladder->n_targets);
		ok = sqlite3_step(cut) == SQLITE_DONE;
	}
	sqlite3_finalize(stmt);
	sqlite3_finalize(cut);
	return database_exec(s, ok ? "COMMIT" : "ROLLBACK") && ok;
}

static bool
database_prepare(struct store *s)
{
	int64_t n = 0;

	for (size_t i = 0; i < WRITE_N; i++)
		if (sqlite3_prepare_v3(s->db, write_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->stmts[i], NULL) != SQLITE_OK) {
			log_warnx("DATABASE cannot prepare `%s`: %s", write_sql[i], sqlite3_errmsg(s->db));
			return false;
		}
	if (database_ask(s, "SELECT coalesce(max(id), 0) + 1 FROM fingerprint", &s->next_fingerprint) != SQLITE_OK ||
	    database_ask(s, "SELECT coalesce((SELECT time_us FROM attempt ORDER BY id DESC LIMIT 1), 0)", &n) != SQLITE_OK)
		return false;
	/* What is kept goes by it: a stamp ahead of the clock deletes nothing. */
	s->newest_us = s->replay || n <= store_wall_us() ? n : 0;
	return true;
}

static bool
database_settings(struct store *s)
{
	int on = 1;

	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, 2000);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_file_control(s->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
	return database_exec(s, "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;"
	    " PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864;"
	    " PRAGMA cache_size=-65536; PRAGMA cell_size_check=ON; PRAGMA secure_delete=OFF; PRAGMA temp_store=MEMORY;");
}

static bool
database_is_damage(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
}

/* Did the last run meet damage in this very file?  Whoever put another one there has mended it. */
static bool
database_is_marked(struct store *s)
{
	int64_t mark = (int64_t)s->last.mark;

	if (s->replay || s->was_corrupt || !s->last_known || s->last.trouble != BEAT_DAMAGED)
		return false;
	(void)database_ask(s, "SELECT mark FROM meta", &mark);
	return (uint64_t)mark == s->last.mark || (uint64_t)mark == s->last.mark + 1;
}

bool
database_connect(struct store *s)
{
	/* One thread at a time has the handle: this one, then the writer. */
	return sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
	    database_settings(s) && database_prepare(s);
}

void
database_disconnect(struct store *s)
{
	for (size_t i = 0; i < WRITE_N; i++) {
		sqlite3_finalize(s->stmts[i]);
		s->stmts[i] = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
}

static enum database_look
database_try(struct store *s, const struct ladder *ladder, bool fresh)
{
	int64_t version = 0, tables = 0;

	/* Its counts of memory cost a lock at each allocation.  Refused once SQLite is in use: no matter. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	/* One thread at a time has the handle: this one, then the writer. */
	if (sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX,
	    NULL) != SQLITE_OK ||
	    !database_settings(s) || database_ask(s, "PRAGMA user_version", &version) != SQLITE_OK ||
	    database_ask(s, "SELECT count(*) FROM sqlite_schema", &tables) != SQLITE_OK)
		goto failed;
	if (version > database_newest())
		return LOOK_NEWER;	/* it is only in the WAL yet */
	if (version == 0 && tables > 0)
		return LOOK_FOREIGN;
	if (!fresh && (database_is_marked(s) ? !database_whole(s) : !database_sound(s)))
		return LOOK_CORRUPT;
	if (version == 0 && !database_exec(s, "PRAGMA application_id=1297634386"))
		goto failed;
	if (!database_migrate(s, version) || !shift_terms(s) || !database_meta(s) || !database_ladder(s, ladder) || !database_prepare(s) ||
	    !segment_open(s) || !rollup_open(s, ladder))
		goto failed;
	keep_begin(s);
	database_cap(s, CAP_ROWS);
	/* The header must tell the version without the WAL. */
	sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return LOOK_OURS;
failed:
	if (database_is_damage(s->why[0] != '\0' ? s->why_code : sqlite3_extended_errcode(s->db)))
		return LOOK_CORRUPT;
	log_warnx("DATABASE [%s] cannot be opened: %s", s->path, s->why[0] != '\0' ? s->why : sqlite3_errmsg(s->db));
	return LOOK_ERROR;
}

static bool
database_lock(struct store *s)
{
	char path[4096];

	if (mkdir(s->dir, 0750) == -1 && errno != EEXIST) {
		log_warn("DATABASE cannot make the state directory [%s]", s->dir);
		return false;
	}
	snprintf(path, sizeof path, "%s/mxtrap.lock", s->dir);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (s->lock_fd == -1) {
		log_warn("DATABASE cannot open [%s]", path);
		return false;
	}
	/* Two writers would corrupt it (SQLite's WAL-reset race) and judge twice. */
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == -1) {
		log_warnx("DATABASE [%s] is in use by another mxtrapd", s->dir);
		return false;
	}
	return true;
}

void
database_lock_again(struct store *s)
{
	char path[4096];
	struct stat st;
	int fd;

	snprintf(path, sizeof path, "%s/mxtrap.lock", s->dir);
	if (lstat(path, &st) == 0 || errno != ENOENT || (fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640)) == -1)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		close(fd);
		return;
	}
	close(s->lock_fd);
	s->lock_fd = fd;
}

enum store_open
database_open(struct store *s, const struct ladder *ladder)
{
	enum database_look look;

	if (!database_lock(s))
		return STORE_FAILED;
	if (!s->replay) {
		s->last_known = beat_read(s->dir, &s->last);
		shift_look(s, beat_clock_us(CLOCK_BOOTTIME), store_wall_us());
	}
	if (!guard_tidy(s))
		return STORE_FAILED;
	salvage_finish(s);
	look = database_look(s->path);
	if (look == LOOK_ERROR)
		log_warnx("DATABASE [%s] cannot be opened: %s", s->path, errno == ELOOP ?
		    "found a symbolic link, expected the file itself (set state-dir to where it is)" : strerror(errno));
	if (look == LOOK_FRESH && salvage_lost(s)) {
		log_warnx("DATABASE [%s] is gone, and there was one: " KEEP_FILE ", mxtrap.beat or its log lie there still", s->path);
		look = LOOK_CORRUPT;
	} else if (look == LOOK_CORRUPT && salvage_lost(s)) {
		log_warnx("DATABASE [%s] is damaged: it has no bytes", s->path);
	}
	if (look == LOOK_OURS && guard_was_damaged(s))
		look = LOOK_CORRUPT;
	if (look == LOOK_FRESH && !salvage_new(s))
		return STORE_FAILED;
	for (int tries = 0; tries < 2; tries++) {
		if (look == LOOK_FRESH || look == LOOK_OURS)
			look = database_try(s, ladder, look == LOOK_FRESH);
		if (look != LOOK_CORRUPT)
			break;
		database_close(s);
		if (s->was_corrupt || !salvage_damaged(s))
			return STORE_FAILED;
		look = LOOK_FRESH;
	}
	switch (look) {
	case LOOK_OURS:
		guard_begin(s);
		beat_begin(s);
		reserve_begin(s);
		return STORE_OK;
	case LOOK_NEWER:
		log_warnx("DATABASE [%s] was written by a newer mxtrap (this one knows version %d): left untouched",
		    s->path, database_newest());
		return STORE_NEWER;
	case LOOK_FOREIGN:
		log_warnx("DATABASE [%s] is not mxtrap's: left untouched", s->path);
		return STORE_FAILED;
	case LOOK_FRESH:
	case LOOK_CORRUPT:
	case LOOK_ERROR:
		break;
	}
	return STORE_FAILED;
}

void
database_close(struct store *s)
{
	segment_close(s);
	rollup_close(s);
	database_disconnect(s);
}
