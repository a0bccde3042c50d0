/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcapng.h - savefiles of the next generation (draft-ietf-opsawg-pcapng), frame by frame.
 *
 * libpcap gives up on a file whose interfaces differ in link type or snapshot length; such files are sound and
 * common.  Knows section headers, interface descriptions and the three kinds of packet blocks; everything else is
 * passed over.  Believes no length that it has not checked.
 */
#ifndef MXTRAP_WATCH_PCAPNG_H
#define MXTRAP_WATCH_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PCAPNG_MAGIC 0x0a0d0d0aU	/* of the first block; the same in either byte order */
#define PCAPNG_BLOCK (16U << 20)	/* a longer one is damage */

struct pcapng;

struct pcapng_frame {
	const uint8_t *bytes;		/* borrowed until the next call */
	uint32_t caplen, len;
	int64_t	 time_s;		/* INT64_MIN: it cannot be told, or is beyond 64 bits */
	uint32_t time_us;		/* below a second */
	uint16_t link;			/* LINKTYPE_* of its interface */
};

/* Of a file whose first four bytes were read already and are the magic.  Borrows the file.  NULL: no memory. */
struct pcapng *pcapng_new(FILE *);
void pcapng_free(struct pcapng *);
/* 1: a frame; 0: the end; -1: damaged, pcapng_error() says how. */
int pcapng_next(struct pcapng *, struct pcapng_frame *);
const char *pcapng_error(const struct pcapng *);

#endif
