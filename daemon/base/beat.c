/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * beat.c - a record of fixed size with a sum at its end: a reader that meets half of it reads again.
 */
#include "mxtrap/beat.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BEAT_MAGIC "MXTRBEA1"
#define BEAT_ROOM  4096

struct beat_file {
	char	    magic[8];
	struct beat beat;
	uint64_t    sum;		/* of all before it */
};

int64_t
beat_clock_us(int clock_id)
{
	struct timespec ts;

	clock_gettime((clockid_t)clock_id, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

/* FNV-1a: against halves, not against liars. */
static uint64_t
sum_of(const struct beat_file *f)
{
	const unsigned char *p = (const unsigned char *)f;
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < offsetof(struct beat_file, sum); i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	return h;
}

/* 32 digits and four hyphens; it may be out of sight in a sandbox. */
static void
read_boot_id(uint8_t id[static 16])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[40] = "";
	size_t n = 0;

	memset(id, 0, 16);
	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) > 0)
		for (const char *p = text; *p != '\0' && n < 32; p++) {
			unsigned digit = *p >= '0' && *p <= '9' ? (unsigned)(*p - '0') :
			    *p >= 'a' && *p <= 'f' ? (unsigned)(*p - 'a' + 10) : 16;

			if (digit == 16)
				continue;
			id[n / 2] = (uint8_t)((unsigned)id[n / 2] << 4 | digit);
			n++;
		}
	close(fd);
}

int
beat_open(const char *dir)
{
	char path[4096];
	struct stat st;
	int fd, error;

	(void)snprintf(path, sizeof(path), "%s/" BEAT_FILE, dir);
	/* The name is ours: what is no file there makes room, where it can. */
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		(void)unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -1;
	/* Where a file system cannot, the first write takes it. */
	error = posix_fallocate(fd, 0, BEAT_ROOM);
	if (error == ENOSPC) {
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

bool
beat_write_as(int fd, const struct beat *b)
{
	struct beat_file f;

	memset(&f, 0, sizeof(f));
	memcpy(f.magic, BEAT_MAGIC, sizeof(f.magic));
	f.beat = *b;
	f.sum = sum_of(&f);
	return pwrite(fd, &f, sizeof(f), 0) == (ssize_t)sizeof(f);
}

bool
beat_write(int fd, struct beat *b)
{
	if (b->boot_us == 0)
		read_boot_id(b->boot_id);
	b->boot_us = beat_clock_us(CLOCK_BOOTTIME);
	b->wall_us = beat_clock_us(CLOCK_REALTIME);
	return beat_write_as(fd, b);
}

/* Its text is shown to people: plain ASCII. */
static bool
take(const struct beat_file *f, struct beat *out)
{
	if (memcmp(f->magic, BEAT_MAGIC, sizeof(f->magic)) != 0 || f->sum != sum_of(f) || f->beat.trouble >= BEAT_N ||
	    f->beat.boot_us < 0 || f->beat.now_us < 0 || f->beat.now_us > UINT32_MAX * 1000000LL)
		return false;
	*out = f->beat;
	out->text[sizeof(out->text) - 1] = '\0';
	for (char *p = out->text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return true;
}

bool
beat_read(const char *dir, struct beat *out)
{
	struct beat_file f;
	char path[4096];
	bool whole = false;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/" BEAT_FILE, dir);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);	/* a FIFO would hold whoever looks */
	if (fd < 0)
		return false;
	for (int i = 0; i < 4 && !whole; i++)
		whole = pread(fd, &f, sizeof(f), 0) == (ssize_t)sizeof(f) && take(&f, out);
	close(fd);
	return whole;
}

bool
beat_same_boot(const struct beat *b, int64_t boot_us)
{
	static const uint8_t none[16];
	uint8_t id[16];

	if (b->boot_us == 0 || b->boot_us > boot_us)
		return false;
	read_boot_id(id);
	return memcmp(id, none, 16) == 0 || memcmp(b->boot_id, none, 16) == 0 || memcmp(id, b->boot_id, 16) == 0;
}

int64_t
beat_age_us(const struct beat *b, int64_t boot_us, int64_t wall_us)
{
	if (b->now_us == 0)
		return -1;
	if (beat_same_boot(b, boot_us))
		return boot_us - b->boot_us;
	return wall_us > b->wall_us ? wall_us - b->wall_us : 0;
}

int64_t
beat_now_us(const struct beat *b, int64_t boot_us, int64_t wall_us)
{
	int64_t age_us = beat_age_us(b, boot_us, wall_us);

	return age_us < 0 || age_us > BEAT_STALE_S * 1000000LL ? 0 : b->now_us + age_us;
}

uint64_t
beat_inode(const struct beat *b, int64_t boot_us, int64_t wall_us)
{
	/* It may not have begun to judge yet: its age is asked of the clocks alone. */
	int64_t age_us = beat_same_boot(b, boot_us) ? boot_us - b->boot_us : wall_us - b->wall_us;

	return b->closed != 0 || b->boot_us == 0 || age_us < 0 || age_us > BEAT_LIVE_S * 1000000LL ? 0 : b->inode;
}

int64_t
beat_now_s(const char *dir, int64_t wall_s)
{
	struct beat b;
	int64_t now_us;

	if (!beat_read(dir, &b))
		return wall_s;
	now_us = beat_now_us(&b, beat_clock_us(CLOCK_BOOTTIME), wall_s * 1000000);
	return now_us != 0 ? now_us / 1000000 : wall_s;
}
