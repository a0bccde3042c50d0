/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * salvage.c - a new database, and what is saved of a damaged one.
 */
#include "salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "keep.h"
#include "store_int.h"

#define SALVAGE_US	  (25 * 1000000LL)	/* for all but decisions: a start is given a minute */
#define SALVAGE_STEPS	  2000			/* of SQLite's machine between two looks at the clock */
#define SALVAGE_TRIES	  2			/* that read the damaged file; then what was kept alone */
#define SALVAGE_ROWS	  1000000		/* of each table that explains */
#define SALVAGE_RAW	  200000		/* of attempts and events */

struct saving {
	struct store *s;
	sqlite3	*damaged;		/* NULL: cannot be opened */
	struct kept kept;
	bool	 current;		/* nothing was decided since the kept file was written */
	bool	 listings, senders, memory;	/* are whole */
	bool	 settings;		/* are known */
	int64_t	 until_us;
	char	 saved[240], lost[200];
};

static void
path_of(const struct store *s, const char *end, char *out, size_t size)
{
	(void)snprintf(out, size, "%s%s", s->path, end);
}

static int64_t
size_of(const struct store *s, const char *end)
{
	struct stat st;
	char path[4096];

	path_of(s, end, path, sizeof path);
	return lstat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

bool
salvage_lost(const struct store *s)
{
	int64_t size = size_of(s, "");

	if (s->replay)
		return false;
	return size == 0 || (size == -1 && errno == ENOENT && (size_of(s, "-wal") > 0 || keep_there(s) || s->last_known));
}

/* -- the new file -- */

static bool
build_open(struct store *s, const char *path)
{
	int fd;

	if (unlink(path) == -1 && errno != ENOENT) {
		log_warn("DATABASE cannot remove [%s]", path);
		return false;
	}
	/* SQLite gives -wal and -shm the mode of the file: readers share the group. */
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd == -1) {
		log_warn("DATABASE cannot make [%s]", path);
		return false;
	}
	close(fd);
	/* Nobody reads it yet: it is written whole, or not at all. */
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
	    database_exec(s, "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;"
	    " PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; PRAGMA application_id=1297634386") && database_migrate(s, 0))
		return true;
	log_warnx("DATABASE [%s] cannot be made: %s", path, s->why[0] != '\0' ? s->why : sqlite3_errmsg(s->db));
	return false;
}

/* To its place, and durable there. */
static bool
put_in_place(struct store *s, const char *from)
{
	if (to_disk(from, O_RDONLY) && rename(from, s->path) == 0 && to_disk(s->dir, O_RDONLY | O_DIRECTORY))
		return true;
	log_warn("DATABASE [%s] cannot be put in its place", from);
	return false;
}

bool
salvage_new(struct store *s)
{
	char path[4096];
	bool ok;

	path_of(s, ".new", path, sizeof path);
	ok = build_open(s, path);
	database_close(s);
	return ok && put_in_place(s, path);
}

/* -- what is saved, in words -- */

static void __attribute__((format(printf, 3, 4)))
add(char *list, size_t size, const char *fmt, ...)
{
	size_t at = strlen(list);
	va_list ap;

	if (at > 0 && at + 2 < size) {
		(void)snprintf(list + at, size - at, ", ");
		at += 2;
	}
	va_start(ap, fmt);
	if (at < size)
		(void)vsnprintf(list + at, size - at, fmt, ap);
	va_end(ap);
}

static void
note_saved(struct saving *v, enum copy_table t, int64_t n, const char *from)
{
	if (n > 0)
		add(v->saved, sizeof v->saved, "%s %" PRId64 "%s", copy_name(t), n, from);
}

static void
note_lost(struct saving *v, enum copy_table t, bool part)
{
	if (strstr(v->lost, copy_name(t)) == NULL)
		add(v->lost, sizeof v->lost, "%s%s", part ? "part of the " : "", copy_name(t));
}

/* -- tables -- */

/* From both of its ends, as far as it can be read. */
static bool
take(sqlite3 *from, sqlite3 *to, enum copy_table t)
{
	struct copied c;

	if (copy_rows(from, to, t, false, INT64_MAX, &c) && !c.whole)
		(void)copy_rows(from, to, t, true, INT64_MAX, &c);
	return c.whole && c.bad == 0;
}

/*
 * Decisions.  Where nothing was decided since the copy was written, it is exact.  Otherwise a whole table is newer than the copy,
 * and the copy is better than half a table; allowances excuse, and may come from both.
 */
static void
save_decision(struct saving *v, enum copy_table t)
{
	sqlite3 *to = v->s->db;
	bool exact = v->current && t != COPY_AUDIT && t != COPY_SETTING;
	bool sound = v->damaged != NULL && copy_sound(v->damaged, t);
	bool copy = v->kept.db != NULL && (v->kept.good || t == COPY_ALLOW);
	bool half = t == COPY_ALLOW || t == COPY_AUDIT || ((t == COPY_TOKEN || t == COPY_SETTING) && !copy);
	bool whole = false, from_copy = false;
	int64_t n;

	/* Settings move without a decision: the copy may be a second behind. */
	if (t == COPY_SETTING && copy)
		whole = from_copy = take(v->kept.db, to, t);
	if (!exact && v->damaged != NULL && (sound || half)) {
		whole = (take(v->damaged, to, t) && sound) || whole;
		from_copy = from_copy && !sound;
	}
	if (t != COPY_SETTING && copy && (exact || !sound || t == COPY_AUDIT)) {
		bool all = take(v->kept.db, to, t) && v->kept.good;

		from_copy = !sound || exact;
		whole = whole || (all && t != COPY_AUDIT);
	}
	n = copy_count(to, t);
	if (t == COPY_SETTING)
		v->settings = whole;
	else
		note_saved(v, t, n, from_copy ? " (from " KEEP_FILE ")" : "");
	if (!whole)
		note_lost(v, t, n > 0);
}

static bool
save_excuse(struct saving *v, enum copy_table t)
{
	bool whole = v->damaged != NULL && take(v->damaged, v->s->db, t);

	if (!whole)
		note_lost(v, t, copy_count(v->s->db, t) > 0);
	return whole;
}

static bool
save_list(struct saving *v, enum copy_table t)
{
	struct copied c = { .whole = false };

	if (v->damaged != NULL && copy_sound(v->damaged, t) && copy_rows(v->damaged, v->s->db, t, false, INT64_MAX, &c) && c.whole) {
		note_saved(v, t, c.rows, "");
		if (c.bad > 0)
			note_lost(v, t, c.rows > 0);
		return true;
	}
	copy_empty(v->s->db, t);
	note_lost(v, t, false);
	return false;
}

/* What explains: the newest of it, as far as it can be read. */
static void
save_history(struct saving *v)
{
	bool whole = v->damaged != NULL;
	int64_t n = 0;
	struct copied c;

	for (enum copy_table t = COPY_CHANGE; t < COPY_N; t++) {
		/* A log of a list that is lost would bring back who was on it. */
		if (v->damaged == NULL || (t == COPY_CHANGE && !v->listings) || !copy_rows(v->damaged, v->s->db, t, false,
		    t == COPY_ATTEMPT || t == COPY_EVENT ? SALVAGE_RAW : SALVAGE_ROWS, &c)) {
			whole = false;
			continue;
		}
		whole = whole && c.whole;
		n += c.rows;
		if (t == COPY_FINGERPRINT && !c.whole)
			(void)database_exec(v->s, "UPDATE sender SET fingerprint = 0");
	}
	if (n > 0)
		add(v->saved, sizeof v->saved, "the newest history");
	if (!whole)
		add(v->lost, sizeof v->lost, "%shistory", n > 0 ? "part of the " : "");
}

/* -- the file that it comes from -- */

static int
is_late(void *saving)
{
	return store_mono_us() > ((struct saving *)saving)->until_us;
}

/* It is only read: its log is neither written into it nor removed. */
static sqlite3 *
open_damaged(const struct store *s)
{
	sqlite3 *db = NULL;
	int on = 1;

	if (size_of(s, "") <= 0) {
		int fd;

		/* Only a log: SQLite would throw it away beside a file without a page. */
		if (size_of(s, "-wal") <= 0 || (fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640)) == -1)
			return NULL;
		if (ftruncate(fd, STORE_PAGE_BYTES) == -1)
			log_warn("DATABASE cannot write [%s]", s->path);
		close(fd);
	}
	if (sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
		sqlite3_busy_timeout(db, 2000);
		if (sqlite3_exec(db, "PRAGMA query_only=ON; PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF;"
		    " PRAGMA wal_autocheckpoint=0", NULL, NULL, NULL) == SQLITE_OK &&
		    copy_number(db, "SELECT count(*) FROM sqlite_schema", 0) > 0)
			return db;
	}
	sqlite3_close(db);
	return NULL;
}

/* Is the kept file of this database, and is no decision in it that the kept file has not? */
static bool
is_current(const struct saving *v)
{
	int64_t mark, audit;

	if (!v->kept.good || v->damaged == NULL)
		return v->kept.good;
	mark = copy_number(v->damaged, "SELECT mark FROM meta", (int64_t)v->kept.mark);
	audit = copy_number(v->damaged, "SELECT max(id) FROM audit", 0);
	return audit <= v->kept.audit && ((uint64_t)mark == v->kept.mark || (uint64_t)mark == v->kept.mark + 1);
}

/* How often was it tried?  A crash that the damaged file brings about must not come again for ever. */
static bool
may_read(const struct store *s)
{
	char path[4096];
	int fd;
	bool may = true;
	struct stat st;

	path_of(s, ".tries", path, sizeof path);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd == -1)
		return true;
	may = fstat(fd, &st) == 0 && st.st_size < SALVAGE_TRIES;
	if (write(fd, ".", 1) == 1)
		(void)fsync(fd);
	close(fd);
	return may;
}

/* -- all of it -- */

static void
put_status(struct saving *v, const char *name, const char *value)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(v->s->db, "INSERT OR REPLACE INTO status VALUES (?,?)", -1, &stmt, NULL) == SQLITE_OK) {
		sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
		sqlite3_bind_text(stmt, 2, value, -1, SQLITE_STATIC);
		(void)sqlite3_step(stmt);
	}
	sqlite3_finalize(stmt);
}

/* Another list than before, at the serial of its log, and as old as it is if nothing is missing. */
static bool
put_meta(struct saving *v)
{
	int64_t now_s = store_wall_us() / 1000000, created_s = v->kept.db != NULL && v->kept.good ? v->kept.created_s : 0;
	sqlite3_stmt *stmt = NULL;
	bool ok;

	if (v->damaged != NULL)
		created_s = copy_number(v->damaged, "SELECT created_s FROM meta", created_s);
	if (!v->listings || !v->senders || !v->memory || created_s <= 0 || created_s > now_s)
		created_s = now_s;
	ok = sqlite3_prepare_v2(v->s->db, "INSERT INTO meta SELECT 1, ?1, n, n, ?2, ?3, 0,"
	    " (SELECT count(*) FROM list WHERE state = 4), (SELECT count(*) FROM list WHERE state = 3), 0,"
	    " (SELECT coalesce(min(time_us), ?3 * 1000000) FROM event)"
	    " FROM (SELECT coalesce(max(serial), 0) AS n FROM list_change)", -1, &stmt, NULL) == SQLITE_OK;
	if (ok) {
		sqlite3_bind_int64(stmt, 1, database_generation());
		sqlite3_bind_int64(stmt, 2, created_s);
		sqlite3_bind_int64(stmt, 3, now_s);
		ok = sqlite3_step(stmt) == SQLITE_DONE;
	}
	sqlite3_finalize(stmt);
	return ok;
}

static bool
has_status(const struct saving *v, const char *sql)
{
	return copy_number(v->s->db, sql, 0) != 0;
}

static void
put_damage(struct saving *v, const char *aside)
{
	char text[32];

	/* Blocking that somebody switched off must not resume by itself, nor a list be handed out that was held. */
	if (!v->settings && !has_status(v, "SELECT count(*) FROM status WHERE name = 'firewall'")) {
		put_status(v, "firewall", "off");
		add(v->lost, sizeof v->lost, "whether the firewall was off (now it is)");
	}
	if (!v->settings && v->listings && !has_status(v, "SELECT count(*) FROM status WHERE name = 'publish'")) {
		put_status(v, "publish", "held 0 1");
		add(v->lost, sizeof v->lost, "whether the list was held");
	}
	/* Since when nothing was seen. */
	if (v->s->last_known && v->s->last.now_us > 0 && !has_status(v, "SELECT count(*) FROM status WHERE name = 'clock'")) {
		(void)snprintf(text, sizeof text, "%" PRId64, v->s->last.now_us / 1000000);
		put_status(v, "clock", text);
	}
	(void)snprintf(text, sizeof text, "%" PRId64, store_wall_us() / 1000000);
	put_status(v, "damage_s", text);
	put_status(v, "damage_file", aside);
	put_status(v, "damage_saved", v->saved[0] != '\0' ? v->saved : "nothing");
	put_status(v, "damage_lost", v->lost[0] != '\0' ? v->lost : "nothing");
}

static bool
save_all(struct saving *v, const char *aside)
{
	struct store *s = v->s;
	bool host;

	if (!database_exec(s, "BEGIN IMMEDIATE"))
		return false;
	for (enum copy_table t = 0; t < COPY_DECISIONS; t++)
		save_decision(v, t);
	v->until_us = store_mono_us() + SALVAGE_US;
	if (v->damaged != NULL)
		sqlite3_progress_handler(v->damaged, SALVAGE_STEPS, is_late, v);
	(void)save_excuse(v, COPY_FOREIGN);
	(void)save_excuse(v, COPY_CORRESPONDENT);
	(void)save_excuse(v, COPY_DOUBT);
	v->listings = save_list(v, COPY_LISTING);
	host = save_list(v, COPY_LISTING_HOST);
	v->listings = v->listings && host;
	v->memory = save_excuse(v, COPY_MEMORY);
	v->senders = save_list(v, COPY_SENDER);
	/* Who is on a list that is lost is on none. */
	if (!v->listings && !database_exec(s, "UPDATE sender SET state = 0 WHERE state IN (3, 4)"))
		return false;
	save_history(v);
	if (v->damaged != NULL)
		sqlite3_progress_handler(v->damaged, 0, NULL, NULL);
	if (!put_meta(v))
		return false;
	put_damage(v, aside);
	return database_exec(s, "COMMIT");
}

void
salvage_finish(struct store *s)
{
	char path[4096], aside[4096];

	if (s->replay || size_of(s, ".saved") <= 0)
		return;
	path_of(s, ".saved", path, sizeof path);
	database_aside_name(s, aside, sizeof aside);
	if (database_set_aside(s, aside) && put_in_place(s, path))
		s->was_corrupt = s->list_lost = true;
}

bool
salvage_damaged(struct store *s)
{
	struct saving v = { .s = s };
	bool there = size_of(s, "") >= 0 || size_of(s, "-wal") > 0;
	char fresh[4096], saved[4096], tries[4096], aside[4096];
	bool ok;

	path_of(s, ".new", fresh, sizeof fresh);
	path_of(s, ".saved", saved, sizeof saved);
	path_of(s, ".tries", tries, sizeof tries);
	database_aside_name(s, aside, sizeof aside);
	s->was_corrupt = true;
	if (s->replay)		/* it can be run again */
		return database_set_aside(s, aside) && salvage_new(s);
	beat_salvage(s, true);
	if (may_read(s))
		v.damaged = open_damaged(s);
	keep_open(s, &v.kept);
	v.current = is_current(&v);
	ok = build_open(s, fresh) && save_all(&v, there ? strrchr(aside, '/') + 1 : "");
	if (!ok)
		log_warnx("DATABASE [%s] cannot be saved: %s", s->path, s->db != NULL ? sqlite3_errmsg(s->db) : "no new file");
	(void)unlink(tries);		/* it counts crashes */
	s->list_lost = !v.listings;
	s->fresh = !v.senders && !v.memory;
	sqlite3_close(v.damaged);
	keep_close(&v.kept);
	database_close(s);
	if (!ok || !to_disk(fresh, O_RDONLY) || rename(fresh, saved) == -1 || !database_set_aside(s, aside) || !put_in_place(s, saved))
		return false;
	log_warnx("DATABASE [%s] is a new one: saved: %s; not saved: %s", s->path, v.saved[0] != '\0' ? v.saved : "nothing",
	    v.lost[0] != '\0' ? v.lost : "nothing");
	if (s->list_lost)
		log_warnx("DATABASE [%s] the list begins empty: nobody is refused before he is listed again", s->path);
	beat_salvage(s, false);
	return true;
}
