/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * deadline.c - a binary heap with the place of each item beside it, so that one can be moved.
 */
#include "deadline.h"

#include <stdlib.h>

bool
deadlines_init(struct deadlines *d, uint32_t size)
{
	*d = (struct deadlines){ .size = size };
	d->heap = calloc(size, sizeof(d->heap[0]));
	d->place = calloc(size, sizeof(d->place[0]));
	d->due_ms = calloc(size, sizeof(d->due_ms[0]));
	if (d->heap != NULL && d->place != NULL && d->due_ms != NULL)
		return true;
	deadlines_free(d);
	return false;
}

void
deadlines_free(struct deadlines *d)
{
	free(d->heap);
	free(d->place);
	free(d->due_ms);
	*d = (struct deadlines){ 0 };
}

static void
put(struct deadlines *d, uint32_t at, uint32_t item)
{
	d->heap[at] = item;
	d->place[item] = at + 1;
}

/* Let the item at this place rise, or sink, to where it belongs. */
static void
settle(struct deadlines *d, uint32_t at)
{
	uint32_t item = d->heap[at];
	int64_t due = d->due_ms[item];

	while (at > 0 && d->due_ms[d->heap[(at - 1) / 2]] > due) {
		put(d, at, d->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child + 1 < d->n && d->due_ms[d->heap[child + 1]] < d->due_ms[d->heap[child]])
			child++;
		if (child >= d->n || d->due_ms[d->heap[child]] >= due)
			break;
		put(d, at, d->heap[child]);
		at = child;
	}
	put(d, at, item);
}

void
deadlines_set(struct deadlines *d, uint32_t item, int64_t due_ms)
{
	d->due_ms[item] = due_ms;
	if (d->place[item] == 0)
		put(d, d->n++, item);
	settle(d, d->place[item] - 1);
}

void
deadlines_clear(struct deadlines *d, uint32_t item)
{
	uint32_t at = d->place[item], last;

	if (at == 0)
		return;
	d->place[item] = 0;
	last = d->heap[--d->n];
	if (last == item)
		return;
	put(d, at - 1, last);
	settle(d, at - 1);
}

bool
deadlines_first(const struct deadlines *d, uint32_t *item, int64_t *due_ms)
{
	if (d->n == 0)
		return false;
	*item = d->heap[0];
	*due_ms = d->due_ms[*item];
	return true;
}
