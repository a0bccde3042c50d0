/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * segment.h - the bytes of a segment's index, for who writes and who reads them.
 *
 * A chunk is SEGMENT_CHUNK entries, a sender and an id each, by sender and then by
 * id; fences are the first senders of the chunks.  Big-endian, so that the file
 * means the same everywhere.
 */
#ifndef MXTRAP_STORE_SEGMENT_H
#define MXTRAP_STORE_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

/* The tables whose rows are found by sender through segments.  Values are stored. */
enum segment_of { SEGMENT_ATTEMPT = 1, SEGMENT_VISIT, SEGMENT_EVIDENCE, SEGMENT_CHANGE, SEGMENT_OF_N };

#define SEGMENT_ROWS   16384
#define SEGMENT_CHUNK  256
#define SEGMENT_CHUNKS (SEGMENT_ROWS / SEGMENT_CHUNK)
#define SEGMENT_ENTRY  10		/* bytes: sender, id from the segment's first */
#define SEGMENT_FENCE  8

/* The row of a chunk; the one behind the last of a segment is the first of the next. */
static inline int64_t
segment_chunk_id(enum segment_of of, int64_t number, size_t chunk)
{
	return (int64_t)of << 48 | number << 8 | (int64_t)chunk;
}

static inline void
segment_store_key(unsigned char *p, uint64_t key)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(key >> (56 - 8 * i));
}

static inline uint64_t
segment_load_key(const unsigned char *p)
{
	uint64_t key = 0;

	for (int i = 0; i < 8; i++)
		key = key << 8 | p[i];
	return key;
}

#endif
