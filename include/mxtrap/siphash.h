/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * siphash.h - SipHash-1-3 over exactly 16 bytes: the hash of every table that a
 * stranger's address is a key of (Aumasson, Bernstein: SipHash, 2012).
 */
#ifndef MXTRAP_SIPHASH_H
#define MXTRAP_SIPHASH_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
siphash_rotate(uint64_t v, int by)
{
	return v << by | v >> (64 - by);
}

static inline void
siphash_round(uint64_t v[static 4])
{
	v[0] += v[1];
	v[1] = siphash_rotate(v[1], 13) ^ v[0];
	v[0] = siphash_rotate(v[0], 32);
	v[2] += v[3];
	v[3] = siphash_rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = siphash_rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = siphash_rotate(v[1], 17) ^ v[2];
	v[2] = siphash_rotate(v[2], 32);
}

/* The 16 bytes are a, then b, each little-endian.  key: 16 random bytes. */
static inline uint64_t
siphash13(const uint8_t key[16], uint64_t a, uint64_t b)
{
	uint64_t k[2], v[4];
	const uint64_t words[3] = { a, b, (uint64_t)16 << 56 };

	memcpy(k, key, sizeof(k));
	k[0] = le64toh(k[0]);
	k[1] = le64toh(k[1]);
	v[0] = k[0] ^ 0x736f6d6570736575ULL;
	v[1] = k[1] ^ 0x646f72616e646f6dULL;
	v[2] = k[0] ^ 0x6c7967656e657261ULL;
	v[3] = k[1] ^ 0x7465646279746573ULL;
	for (int i = 0; i < 3; i++) {
		v[3] ^= words[i];
		siphash_round(v);
		v[0] ^= words[i];
	}
	v[2] ^= 0xff;
	siphash_round(v);
	siphash_round(v);
	siphash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
