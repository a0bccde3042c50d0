/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reserve.c - room on the disk that is taken while there is some, and given back when there is none.
 *
 * When the disk is full, changes of the list, decisions and the status go on in it: their pages of the log, and what the log
 * needs to be emptied into the database.  Other rows wait until the disk has room for them beside it.
 */
#include "store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RESERVE_FILE  "mxtrap.reserve"
#define RESERVE_MOST  (32LL << 20)	/* more than the log holds before it is emptied */
#define RESERVE_LEAST (256LL << 10)
#define RESERVE_TESTS (1LL << 20)	/* where there is no max-size */

static int64_t
disk_free(const struct store *s)
{
	struct statvfs v;

	return statvfs(s->dir, &v) == 0 ? (int64_t)v.f_bavail * (int64_t)v.f_frsize : 0;
}

static bool
take(struct store *s)
{
	struct reserve *r = &s->reserve;
	int64_t room = disk_free(s), want = s->max_pages != 0 ? s->max_pages * STORE_PAGE_BYTES / 16 : RESERVE_TESTS;

	if (want > RESERVE_MOST)
		want = RESERVE_MOST;
	if (want < RESERVE_LEAST)
		want = RESERVE_LEAST;
	if (want > room / 4)
		want = room / 4;
	/* What was given back is none that somebody freed. */
	if (want < RESERVE_LEAST || room < 2 * r->given_back)
		return false;
	if (fallocate(r->fd, 0, 0, want) == -1) {
		bool never = errno == EOPNOTSUPP;

		if (ftruncate(r->fd, 0) == -1 || never)
			reserve_end(s);
		return false;
	}
	if (ftruncate(r->fd, want) == -1)
		return false;
	r->bytes = want;
	return true;
}

void
reserve_begin(struct store *s)
{
	size_t size = strlen(s->dir) + sizeof "/" RESERVE_FILE;
	struct stat st;
	char *path;

	if (s->replay || (path = malloc(size)) == NULL)
		return;
	snprintf(path, size, "%s/" RESERVE_FILE, s->dir);
	s->reserve.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	free(path);
	/* That of the last run still has its room. */
	if (s->reserve.fd != -1 && fstat(s->reserve.fd, &st) == 0 && st.st_blocks * 512LL >= RESERVE_LEAST)
		s->reserve.bytes = st.st_size;
	if (s->reserve.fd != -1 && !take(s) && s->reserve.bytes == 0)
		log_warnx("DATABASE [%s] the disk has no room for a reserve: when it is full, decisions are not stored either", s->dir);
}

bool
reserve_give_back(struct store *s)
{
	struct reserve *r = &s->reserve;

	if (r->bytes == 0 || ftruncate(r->fd, 0) == -1)
		return false;
	r->given_back = r->bytes;
	r->bytes = 0;
	r->used = true;
	return true;
}

bool
reserve_in_use(struct store *s, int64_t now_us)
{
	struct reserve *r = &s->reserve;

	if (!r->used)
		return false;
	if (now_us < r->look_at_us)
		return true;
	r->look_at_us = now_us + STORE_RETRY_US;
	if (r->fd != -1 && !take(s))
		return true;
	r->used = false;
	r->given_back = 0;
	return false;
}

void
reserve_end(struct store *s)
{
	if (s->reserve.fd != -1)
		close(s->reserve.fd);
	s->reserve.fd = -1;
}
