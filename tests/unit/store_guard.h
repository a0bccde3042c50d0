/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_guard.h - a store whose files others touch while it runs, for tests of what it makes of that.
 */
#ifndef MXTRAP_TESTS_STORE_GUARD_H
#define MXTRAP_TESTS_STORE_GUARD_H

#include "../../daemon/store/store_int.h"
#include "store_file.h"

#include <dirent.h>
#include <fcntl.h>

#define BOUND_S 60

static inline struct store_counters
counters(struct store *s)
{
	struct store_counters c;

	store_counters(s, &c);
	return c;
}

static inline void
tell(struct store *s, const char *addr)
{
	struct sink k = store_sink(s);
	struct change_row c = support_change(addr, STATE_UNKNOWN, STATE_LISTED);

	k.change(k.ctx, &c);
}

/* All that was told is in. */
static inline void
settle(struct store *s)
{
	double until = support_seconds() + BOUND_S;

	while (!store_sync(s)) {
		assert_true(support_seconds() < until);
		usleep(20000);
	}
}

static inline void
gone(const struct bench_dir *d, const char *end)
{
	char path[128];

	snprintf(path, sizeof path, "%s%s", d->file, end);
	assert_int_equal(unlink(path), 0);
}

static inline void
all_gone(const struct bench_dir *d)
{
	gone(d, "");
	gone(d, "-wal");
	gone(d, "-shm");
}

static inline void
copy(const struct bench_dir *d, const char *name)
{
	char sql[256];
	sqlite3 *db;

	snprintf(sql, sizeof sql, "VACUUM INTO '%s/%s'", d->path, name);
	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static inline ino_t
put(const struct bench_dir *d, const char *name)
{
	char from[128];
	struct stat st;

	snprintf(from, sizeof from, "%s/%s", d->path, name);
	assert_int_equal(stat(from, &st), 0);
	assert_int_equal(rename(from, d->file), 0);
	return st.st_ino;
}

static inline void
spit(const struct bench_dir *d, const char *name, const char *bytes, size_t n)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/%s", d->path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

static inline void
becomes(struct store *s, enum store_file what)
{
	double until = support_seconds() + BOUND_S;

	while (store_file(s) != what) {
		assert_true(support_seconds() < until);
		usleep(20000);
	}
}

static inline void
is_rewritten(struct store *s)
{
	double until = support_seconds() + BOUND_S;

	while (counters(s).rewritten_s == 0) {
		assert_true(support_seconds() < until);
		usleep(20000);
	}
	becomes(s, STORE_FILE_OPEN);
}

static inline struct store *
with_one_listed(const struct bench_dir *d)
{
	struct store *s = support_open(d, NULL);

	store_beat(s, NOW_US);
	tell(s, "192.0.2.7");
	settle(s);
	return s;
}

static inline int64_t
listed(const struct bench_dir *d)
{
	return number(d, "SELECT count(*) FROM listing");
}

#endif
