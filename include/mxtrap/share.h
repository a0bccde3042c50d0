/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * share.h - how much one sender may have of something in an hour, in a bounded room.
 *
 * A count-min sketch (Cormode and Muthukrishnan, 2005) of 256 KiB that begins again each hour: what it counts is at least
 * what there was.  It may be too much only for somebody who shares both places with others.
 */
#ifndef MXTRAP_SHARE_H
#define MXTRAP_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct share {
	uint16_t *cells;		/* owned */
	uint32_t  hour;
};

bool share_init(struct share *);
void share_free(struct share *);
size_t share_bytes(void);
/* One more, of at most `most` (< 65535) in this hour.  False: it has had them.  hash: of whose it is and of what, with a key
 * that no stranger knows. */
bool share_take(struct share *, uint64_t hash, uint32_t hour, unsigned most);

#endif
