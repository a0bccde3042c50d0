/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reader.h - a capture file, read and taken apart ahead of who judges it, by a thread of its own.
 *
 * A fifth of a replay's time is reading; on a second processor it costs nothing.  What is
 * handed out, and in what order, is what capture_read() would have given.
 */
#ifndef MXTRAP_READER_H
#define MXTRAP_READER_H

#include "mxtrap/capture.h"

struct reader;

/* Begins to read; the capture is borrowed and nobody else's until reader_stop().  NULL: no memory, no thread. */
struct reader *reader_start(struct capture *);
/* Up to max packets, waited for.  >0: how many; 0: the end; -1: damaged, see capture_error(). */
int reader_take(struct reader *, struct packet *, size_t max);
/* How far reading has come, in bytes of the file. */
void reader_progress(struct reader *, uint64_t *done, uint64_t *all);
/* Also in the midst; NULL does nothing. */
void reader_stop(struct reader *);

#endif
