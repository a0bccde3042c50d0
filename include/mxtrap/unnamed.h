/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unnamed.h - files without a name: what is too large for memory, and nobody's but ours.
 */
#ifndef MXTRAP_UNNAMED_H
#define MXTRAP_UNNAMED_H

#include <stdbool.h>
#include <stddef.h>

/* To be read and written; on disk where we may, else in memory.  -1: errno. */
int unnamed_open(void);
/* All of it, at the file's place.  False: errno. */
bool unnamed_write(int fd, const void *data, size_t n);

#endif
