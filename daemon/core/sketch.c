/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sketch.c - the number that the registers of a sketch stand for.
 */
#include "mxtrap/sketch.h"

#include <math.h>

void
sketch_join(uint8_t *into, const uint8_t *from, unsigned bits)
{
	for (size_t i = 0; i < (size_t)1 << bits; i++)
		if (from[i] > into[i])
			into[i] = from[i];
}

uint64_t
sketch_count(const uint8_t *registers, unsigned bits)
{
	const double m = (double)(1ULL << bits);
	size_t ranks[66] = { 0 };
	double sum = 0, estimate;

	for (size_t i = 0; i < (size_t)1 << bits; i++)
		ranks[registers[i]]++;
	for (int rank = 65; rank >= 0; rank--)
		sum += ldexp((double)ranks[rank], -rank);
	estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
	/* Few: counted by the registers that nobody touched. */
	if (estimate <= 2.5 * m && ranks[0] != 0)
		estimate = m * log(m / (double)ranks[0]);
	return (uint64_t)llround(estimate);
}
