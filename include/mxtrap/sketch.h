/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sketch.h - about how many different ones, in a bounded room (HyperLogLog; Flajolet et al., 2007).
 *
 * Where there are many registers to each nearly exact, beyond within 0.8 % (2^14 registers) or 2.3 % (2^11),
 * one standard error.  The same items in any order, however often, give the same number.
 */
#ifndef MXTRAP_SKETCH_H
#define MXTRAP_SKETCH_H

#include <stddef.h>
#include <stdint.h>

/* registers: 1 << bits of them, all 0 at first.  hash: of the item, with a key that no stranger knows. */
static inline void
sketch_add(uint8_t *registers, unsigned bits, uint64_t hash)
{
	uint64_t rest = hash << bits | 1ULL << (bits - 1);
	uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1), *at = &registers[hash >> (64 - bits)];

	if (rank > *at)
		*at = rank;
}

/* What either has seen. */
void sketch_join(uint8_t *into, const uint8_t *from, unsigned bits);
uint64_t sketch_count(const uint8_t *registers, unsigned bits);

#endif
