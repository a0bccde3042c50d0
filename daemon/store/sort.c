/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sort.c - least significant digit first, 8 passes of 8 bits; a pass in which all
 * digits agree (most of them, with IPv4 senders) is skipped.
 */
#include <stdlib.h>
#include <string.h>

#include "sort.h"

bool
sort_begin(struct sort *s, size_t n)
{
	if (n > s->cap) {
		size_t cap = n < 4096 ? 4096 : n;

		sort_free(s);
		s->items = malloc(cap * sizeof *s->items);
		s->spare = malloc(cap * sizeof *s->spare);
		if (s->items == NULL || s->spare == NULL) {
			sort_free(s);
			return false;
		}
		s->cap = cap;
	}
	s->n = n;
	s->pass = 0;
	return true;
}

static void
sort_count(struct sort *s)
{
	memset(s->counts, 0, sizeof s->counts);
	for (size_t i = 0; i < s->n; i++)
		for (unsigned d = 0; d < 8; d++)
			s->counts[d][s->items[i].key >> (8 * d) & 0xff]++;
}

bool
sort_step(struct sort *s)
{
	if (s->n == 0)
		return true;
	if (s->pass == 0) {
		sort_count(s);
		s->pass = 1;
		return false;
	}
	while (s->pass <= 8) {
		unsigned d = s->pass - 1;
		size_t at = 0, starts[256];

		s->pass++;
		if (s->counts[d][s->items[0].key >> (8 * d) & 0xff] == s->n)
			continue;
		for (unsigned v = 0; v < 256; v++) {
			starts[v] = at;
			at += s->counts[d][v];
		}
		for (size_t i = 0; i < s->n; i++)
			s->spare[starts[s->items[i].key >> (8 * d) & 0xff]++] = s->items[i];
		struct sort_item *sorted = s->spare;
		s->spare = s->items;
		s->items = sorted;
		return false;
	}
	return true;
}

void
sort_free(struct sort *s)
{
	free(s->items);
	free(s->spare);
	s->items = s->spare = NULL;
	s->n = s->cap = 0;
}
