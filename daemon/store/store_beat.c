/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_beat.c - the record beside the database (beat.h): two threads write it, watch's and the writer.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store_int.h"

static void
put(struct store *s)
{
	if (s->beat_fd != -1)
		(void)beat_write(s->beat_fd, &s->beat);
}

void
beat_begin(struct store *s)
{
	if (s->replay)
		return;
	s->beat_fd = beat_open(s->dir);
	if (s->beat_fd == -1)
		log_warn("DATABASE [%s] cannot make " BEAT_FILE ": readers cannot see that mxtrapd lives while the disk is full", s->dir);
	s->beat.mark = s->last.mark;
	s->beat.inode = s->guard.parts[0].ino;
	s->beat.log_inode = s->guard.parts[1].ino;
	/* Until watch speaks: as it will. */
	if (s->last_known && s->last.now_us != 0)
		s->beat.now_us = s->resume_us != 0 ? s->resume_us : store_wall_us();
	beat_list(s, false);
	if (s->beat_fd != -1)
		(void)fdatasync(s->beat_fd);
}

void
beat_list(struct store *s, bool closed)
{
	if (s->replay)
		return;
	pthread_mutex_lock(&s->beat_mutex);
	s->beat.generation = s->generation;
	s->beat.serial = atomic_load(&s->serial);
	s->beat.closed = closed;
	put(s);
	pthread_mutex_unlock(&s->beat_mutex);
}

void
beat_file(struct store *s)
{
	pthread_mutex_lock(&s->beat_mutex);
	s->beat.inode = s->guard.parts[0].ino;
	s->beat.log_inode = s->guard.parts[1].ino;
	put(s);
	pthread_mutex_unlock(&s->beat_mutex);
}

void
beat_trouble(struct store *s, enum beat_trouble trouble, const char *text)
{
	pthread_mutex_lock(&s->beat_mutex);
	if (s->beat.trouble != (uint32_t)trouble || strncmp(s->beat.text, text, sizeof s->beat.text - 1) != 0) {
		s->beat.trouble = trouble;
		memset(s->beat.text, 0, sizeof s->beat.text);
		strncpy(s->beat.text, text, sizeof s->beat.text - 1);
		put(s);
	}
	pthread_mutex_unlock(&s->beat_mutex);
}

void
beat_salvage(struct store *s, bool begins)
{
	struct beat b = s->last;
	int fd = beat_open(s->dir);

	if (fd == -1)
		return;
	b.trouble = begins ? BEAT_DAMAGED : BEAT_FINE;
	(void)snprintf(b.text, sizeof b.text, "%s", begins ? "what can be saved of it is being taken into a new one" : "");
	/* The clocks stay those of the run before: this one has not begun. */
	(void)beat_write_as(fd, &b);
	(void)fdatasync(fd);
	close(fd);
}

void
beat_end(struct store *s)
{
	if (s->beat_fd == -1)
		return;
	if (s->running)
		beat_list(s, true);
	(void)fdatasync(s->beat_fd);
	close(s->beat_fd);
	s->beat_fd = -1;
}

/* Where somebody removed the file readers see nothing of us. */
static void
look(struct store *s)
{
	struct stat st;
	int fd;

	if (s->beat_fd == -1 || fstat(s->beat_fd, &st) == -1 || st.st_nlink != 0 || (fd = beat_open(s->dir)) == -1)
		return;
	close(s->beat_fd);
	s->beat_fd = fd;
}

void
store_beat(struct store *s, int64_t now_us)
{
	pthread_mutex_lock(&s->beat_mutex);
	s->beat.now_us = now_us;
	look(s);
	put(s);
	pthread_mutex_unlock(&s->beat_mutex);
}

int64_t
store_resume_us(const struct store *s, int64_t *shift_s)
{
	*shift_s = s->shift_s;
	return s->resume_us;
}
