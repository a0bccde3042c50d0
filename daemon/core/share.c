/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * share.c - two rows of counts; the lesser of a sender's two is the truer one.
 */
#include "mxtrap/share.h"

#include <string.h>

#include "mxtrap/table.h"

#define CELLS 65536			/* of a row */

bool
share_init(struct share *s)
{
	*s = (struct share){ .cells = table_alloc(2 * CELLS, sizeof(s->cells[0])) };
	return s->cells != NULL;
}

void
share_free(struct share *s)
{
	table_free(s->cells);
	s->cells = NULL;
}

size_t
share_bytes(void)
{
	return 2 * CELLS * sizeof(uint16_t);
}

bool
share_take(struct share *s, uint64_t hash, uint32_t hour, unsigned most)
{
	uint16_t *a = &s->cells[hash & (CELLS - 1)], *b = &s->cells[CELLS + (hash >> 32 & (CELLS - 1))];
	uint16_t n;

	if (hour != s->hour) {
		memset(s->cells, 0, share_bytes());
		s->hour = hour;
	}
	n = *a < *b ? *a : *b;
	if (n >= most)
		return false;
	/* What is greater already holds others' too. */
	if (*a == n)
		*a = (uint16_t)(n + 1);
	if (*b == n)
		*b = (uint16_t)(n + 1);
	return true;
}
