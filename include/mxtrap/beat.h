/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * beat.h - STATE-DIR/mxtrap.beat: that watch lives, what time it is for watch, and which list it committed last.
 *
 * A small file whose room is taken when it is made, so that it can be written when the disk or the database is full.
 * watch writes it each second and after each commit of the list; every reader looks at it.  It is how all outlets share
 * one notion of now (the trap's own time, which no step of the clock moves), how they see that watch is silent, and how a
 * start sees that the database is not the one that this host used last.
 */
#ifndef MXTRAP_BEAT_H
#define MXTRAP_BEAT_H

#include <stdbool.h>
#include <stdint.h>

#define BEAT_FILE    "mxtrap.beat"
#define BEAT_LIVE_S  10			/* watch wrote it within so long: it has the database open */
#define BEAT_TEXT_SIZE 144
#define BEAT_STALE_S 600		/* watch silent for longer: its time is no longer anybody's */

enum beat_trouble {			/* of the database, as the writer sees it */
	BEAT_FINE,
	BEAT_FULL,			/* the disk or max-size: storing waits */
	BEAT_UNWRITABLE,		/* another error of writing: storing waits */
	BEAT_REMOVED,			/* its file was removed or replaced: nothing is stored before that is settled */
	BEAT_DAMAGED,
	BEAT_LOG,			/* its log is damaged: the file alone may look as it should, and is of some time ago */
	BEAT_N
};

struct beat {
	uint8_t	 boot_id[16];		/* of the kernel's boot; zero: not readable */
	int64_t	 boot_us;		/* CLOCK_BOOTTIME when it was written */
	int64_t	 wall_us;		/* CLOCK_REALTIME */
	int64_t	 now_us;		/* watch's own time; 0: watch has not begun */
	uint64_t generation, serial;	/* of the last commit of the list */
	uint64_t mark;			/* of the run that made it: meta.mark */
	uint32_t closed;		/* 1: that run ended in order */
	uint32_t trouble;		/* enum beat_trouble */
	char	 text[BEAT_TEXT_SIZE];	/* what it is, for a person; "": nothing */
	uint64_t inode, log_inode;	/* of the database and its log that watch has open; 0: not known */
};

/* Open for writing, made and its room taken if need be (0640).  -1: cannot, errno. */
int beat_open(const char *dir);
/* Fill in the clocks and write.  False: errno. */
bool beat_write(int fd, struct beat *);
/* The same with the clocks that it has. */
bool beat_write_as(int fd, const struct beat *);
/* False: there is none, or it is not whole. */
bool beat_read(const char *dir, struct beat *out);
/* Is it of this boot, as far as can be known? */
bool beat_same_boot(const struct beat *, int64_t boot_us);
/* How long ago watch wrote it, in µs; of another boot by the wall clock.  -1: watch never began. */
int64_t beat_age_us(const struct beat *, int64_t boot_us, int64_t wall_us);
/* Watch's own time now in µs; 0: watch is silent, or never began. */
int64_t beat_now_us(const struct beat *, int64_t boot_us, int64_t wall_us);
/* The same in seconds, by the file in this directory; wall_s where watch is silent. */
int64_t beat_now_s(const char *dir, int64_t wall_s);
int64_t beat_clock_us(int clock_id);
/* Does watch run, so that it has the file of this inode open, and no other?  0: it does not run, or that is not known. */
uint64_t beat_inode(const struct beat *, int64_t boot_us, int64_t wall_us);

#endif
