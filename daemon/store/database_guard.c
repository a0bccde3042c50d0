/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database_guard.c - the file under the running daemon: removed, replaced, or written to by somebody else.
 *
 * SQLite goes on with the file that it opened, wherever its name points by now, so that all of it could be stored where
 * nobody reads it.  Ten times a second, and before and after each decision, names are compared with what is open; once a
 * second what is open is looked at (database_inside.c).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store_int.h"

#define GUARD_LOOK_US	100000
#define GUARD_CHECK_US	1000000
#define GUARD_SETTLE_US 1000000		/* so long nothing may change there before we act: who removes may be about to put */
#define GUARD_CALM_US	3000000		/* so long it is reported that the file was written again, before status has it */

static const char *const ends[3] = { "", "-wal", "-shm" };

static struct file_id
id_of(const char *path, const char *end, struct stat *st)
{
	char name[4096];

	(void)snprintf(name, sizeof name, "%s%s", path, end);
	if (lstat(name, st) == -1) {
		st->st_size = -1;
		return (struct file_id){ .ino = errno == ENOENT ? 0 : (ino_t)-1 };
	}
	return (struct file_id){ .dev = st->st_dev, .ino = st->st_ino };
}

static bool
same(struct file_id a, struct file_id b)
{
	return a.ino == b.ino && a.dev == b.dev;
}

/* -- from outside -- */

/* What names say.  A directory that cannot be looked into says nothing. */
static enum store_file
look_at_names(struct store *s)
{
	struct guard *g = &s->guard;
	struct stat st;
	struct file_id id = id_of(s->path, "", &st);

	if (id.ino == (ino_t)-1)
		return STORE_FILE_OPEN;
	if (id.ino == 0)
		return STORE_FILE_REMOVED;
	if (!same(id, g->parts[0])) {
		g->there = st;
		return STORE_FILE_REPLACED;
	}
	/* Who opens it now would see it without its log, or with somebody else's. */
	for (size_t i = 1; i < 3; i++) {
		id = id_of(s->path, ends[i], &st);
		if (id.ino != (ino_t)-1 && !same(id, g->parts[i]))
			return STORE_FILE_REMOVED;
	}
	return STORE_FILE_OPEN;
}

static void
damaged(struct store *s, enum beat_trouble trouble, const char *why)
{
	struct guard *g = &s->guard;
	char text[BEAT_TEXT_SIZE];

	log_warnx("DATABASE [%s] is damaged: %s; watch begins again, and sets it aside", s->path, why);
	(void)snprintf(text, sizeof text, "%s", why);
	beat_trouble(s, trouble, text);
	g->found = STORE_FILE_DAMAGED;
	atomic_store(&g->file, STORE_FILE_DAMAGED);
}

void
guard_damaged(struct store *s, const char *why)
{
	struct guard *g = &s->guard;

	/* Of a file that is not there any more nobody wants to know. */
	if (g->on && g->found == STORE_FILE_OPEN && look_at_names(s) == STORE_FILE_OPEN)
		damaged(s, inside_log(s) ? BEAT_DAMAGED : BEAT_LOG, why);
}

/* -- the writer's -- */

static void
found(struct store *s, enum store_file what, int64_t now_us)
{
	struct guard *g = &s->guard;
	const char *why;
	struct stat st;

	g->found = what;
	g->found_us = now_us;
	g->retry_at_us = 0;
	switch (what) {
	case STORE_FILE_OPEN:
	case STORE_FILE_DAMAGED:
		break;
	case STORE_FILE_REMOVED:
		/* A reader that meets a file of no length removes its log. */
		if ((why = inside_head(s)) != NULL) {
			damaged(s, inside_log(s) ? BEAT_DAMAGED : BEAT_LOG, why);
			break;
		}
		log_warnx("DATABASE [%s]%s was removed or replaced while mxtrapd runs: it is written again, from what is open; stop "
		    "mxtrapd before you touch its files", s->path,
		    id_of(s->path, "", &st).ino == g->parts[0].ino ? "'s log (-wal, -shm)" : "");
		beat_trouble(s, BEAT_REMOVED, "removed while mxtrapd runs; it is being written again");
		atomic_store(&g->file, STORE_FILE_REMOVED);
		break;
	case STORE_FILE_REPLACED:
		log_warnx("DATABASE [%s] was replaced while mxtrapd runs: another file is there now; mxtrapd opens it, if it can, "
		    "without what was seen or decided since; stop mxtrapd before you touch its files", s->path);
		beat_trouble(s, BEAT_REMOVED, "replaced while mxtrapd runs; the file that is there now is opened");
		break;
	}
}

static const char *
why_useless(enum database_look look)
{
	switch (look) {
	case LOOK_FRESH:
		return "has no bytes";
	case LOOK_CORRUPT:
		return "is no database";
	case LOOK_FOREIGN:
		return "is no database of mxtrap's";
	case LOOK_NEWER:
		return "is of a newer mxtrap";
	case LOOK_OURS:
	case LOOK_ERROR:
		break;
	}
	return NULL;
}

/* Another file: is whoever puts it there done?  One that is no database was not meant: ours is written in its place. */
static void
turn_replaced(struct store *s, int64_t now_us)
{
	struct guard *g = &s->guard;
	struct stat was = g->there;
	enum store_file now = look_at_names(s);
	const char *useless;
	char why[100];

	if (now != STORE_FILE_REPLACED) {
		/* Gone again; or ours is back, which it was not before. */
		if (now == STORE_FILE_REMOVED)
			found(s, STORE_FILE_REMOVED, now_us);
		else if (now == STORE_FILE_OPEN)
			g->found = STORE_FILE_OPEN;
		return;
	}
	if (was.st_ino != g->there.st_ino || was.st_size != g->there.st_size || was.st_mtim.tv_nsec != g->there.st_mtim.tv_nsec ||
	    was.st_mtim.tv_sec != g->there.st_mtim.tv_sec)
		g->found_us = now_us;
	if (now_us - g->found_us < GUARD_SETTLE_US)
		return;
	if (access(s->path, R_OK | W_OK) == -1) {
		(void)snprintf(why, sizeof why, "may not be opened by mxtrapd (owner %u, group %u, mode %04o)", (unsigned)g->there.st_uid,
		    (unsigned)g->there.st_gid, (unsigned)g->there.st_mode & 07777);
		useless = why;
	} else {
		useless = g->there.st_size == 0 ? "has no bytes" : why_useless(database_look(s->path));
	}
	if (useless == NULL)
		atomic_store(&g->file, STORE_FILE_REPLACED);
	else if (database_set_aside_one(s, useless))
		found(s, STORE_FILE_REMOVED, now_us);
	else
		g->found_us = now_us;
}

static void
turn_removed(struct store *s, int64_t now_us, bool stop)
{
	struct guard *g = &s->guard;

	if (g->backup == NULL && !stop) {
		if (look_at_names(s) == STORE_FILE_REPLACED) {
			atomic_store(&g->file, STORE_FILE_OPEN);
			found(s, STORE_FILE_REPLACED, now_us);
			return;
		}
		if (now_us - g->found_us < GUARD_SETTLE_US || now_us < g->retry_at_us)
			return;
	}
	if (!again_step(s, now_us))
		return;
	guard_begin(s);
	beat_file(s);
	atomic_store(&g->suspect, true);	/* is the copy as it should be? */
	g->rewritten_us = now_us;
	atomic_store(&s->rewritten_s, store_wall_us() / 1000000);
	log_info("DATABASE [%s] was written again: nothing that was stored is lost", s->path);
	if (s->moved != NULL)
		s->moved(s->moved_ctx, s->generation, atomic_load(&s->serial));
}

/* Each second. */
static void
guard_check(struct store *s)
{
	char why[BEAT_TEXT_SIZE];
	struct stat st;

	database_lock_again(s);
	if (same(id_of(s->path, "", &st), s->guard.parts[0]) && !inside_look(s, &st, why))
		guard_damaged(s, why);
}

bool
guard_turn(struct store *s, int64_t now_us, bool stop)
{
	struct guard *g = &s->guard;
	enum store_file now;

	if (!g->on)
		return true;
	if (now_us - g->looked_us < GUARD_LOOK_US && !stop && g->backup == NULL)
		return g->found == STORE_FILE_OPEN;
	g->looked_us = now_us;
	switch (g->found) {
	case STORE_FILE_OPEN:
		if ((now = look_at_names(s)) != STORE_FILE_OPEN) {
			found(s, now, now_us);
			if (g->found == STORE_FILE_REMOVED && stop)
				turn_removed(s, now_us, stop);
			break;
		}
		if (g->rewritten_us != 0 && now_us - g->rewritten_us > GUARD_CALM_US) {
			g->rewritten_us = 0;
			beat_trouble(s, BEAT_FINE, "");
		}
		if (now_us - g->checked_us >= GUARD_CHECK_US) {
			g->checked_us = now_us;
			guard_check(s);
		}
		break;
	case STORE_FILE_REMOVED:
		turn_removed(s, now_us, stop);
		break;
	case STORE_FILE_REPLACED:
		turn_replaced(s, now_us);
		break;
	case STORE_FILE_DAMAGED:
		break;
	}
	return g->found == STORE_FILE_OPEN;
}

bool
guard_holds(struct store *s)
{
	enum store_file now;

	if (!s->guard.on)
		return true;
	if (s->guard.found == STORE_FILE_OPEN && (now = look_at_names(s)) != STORE_FILE_OPEN)
		found(s, now, store_mono_us());
	if (s->guard.found == STORE_FILE_OPEN)
		return true;
	s->retry_at_us = store_mono_us() + 1;
	return false;
}

/* -- beginning and end -- */

void
guard_begin(struct store *s)
{
	struct guard *g = &s->guard;
	struct stat st;

	if (s->replay)
		return;
	for (size_t i = 0; i < 3; i++)
		g->parts[i] = id_of(s->path, ends[i], &st);
	checkpoint_open_log(s);
	g->found = STORE_FILE_OPEN;
	g->size = 0;
	g->asked = s->checkpoint.asked;
	atomic_store(&g->file, STORE_FILE_OPEN);
	g->on = true;
}

void
guard_end(struct store *s)
{
	struct guard *g = &s->guard;
	struct file_id ours[3];

	again_stop(s);
	if (!g->on || g->found == STORE_FILE_OPEN) {
		sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
		return;
	}
	memcpy(ours, g->parts, sizeof ours);
	/* What is damaged stays as it was found. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	database_disconnect(s);
	if (g->found == STORE_FILE_REPLACED)
		(void)again_clear(s, ours);
}

bool
guard_tidy(struct store *s)
{
	const struct beat *last = &s->last;
	static const struct file_id none[3];
	struct stat st;

	if (s->replay || !s->last_known || last->inode == 0 || last->log_inode == 0)
		return true;
	if (id_of(s->path, "", &st).ino == (ino_t)last->inode)
		return true;
	if (id_of(s->path, ends[1], &st).ino != (ino_t)last->log_inode)
		return true;	/* of one that was put here with the file, or none */
	log_warnx("DATABASE [%s] was removed or replaced since mxtrapd ran last, and its old log was still beside it: the log is set "
	    "aside as [%s.other-...]", s->path, s->path);
	return again_clear(s, none);
}

bool
guard_was_damaged(const struct store *s)
{
	const struct beat *last = &s->last;
	struct stat st;

	if (s->replay || !s->last_known || last->trouble != BEAT_LOG || last->inode == 0)
		return false;
	/* One that was put here since is judged by itself. */
	if (id_of(s->path, "", &st).ino != (ino_t)last->inode || st.st_mtim.tv_sec > last->wall_us / 1000000 + 1)
		return false;
	log_warnx("DATABASE [%s] was found damaged by the last run: %s; what only its log held is lost", s->path, last->text);
	return true;
}
