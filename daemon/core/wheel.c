/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wheel.c - a timing wheel whose slots are chains of cache-line chunks, so that what comes out can be
 * prefetched by its owner (a list through the records themselves could not).
 */
#include "mxtrap/wheel.h"

#include "mxtrap/table.h"

bool
wheel_init(struct wheel *w, int64_t unit_us, uint32_t n_slots, uint32_t n_items)
{
	*w = (struct wheel){ .unit_us = unit_us, .n_slots = n_slots };
	w->n_chunks = n_items / WHEEL_CHUNK + n_slots;
	w->first = table_alloc(n_slots, sizeof(w->first[0]));
	w->last = table_alloc(n_slots, sizeof(w->last[0]));
	w->chunks = table_alloc(w->n_chunks, sizeof(w->chunks[0]));
	if (w->first == NULL || w->last == NULL || w->chunks == NULL) {
		wheel_free(w);
		return false;
	}
	for (uint32_t i = 0; i < w->n_chunks; i++)
		w->chunks[i].next = i + 1 < w->n_chunks ? i + 2 : 0;
	w->free_chunk = 1;
	return true;
}

void
wheel_free(struct wheel *w)
{
	table_free(w->first);
	table_free(w->last);
	table_free(w->chunks);
	*w = (struct wheel){ 0 };
}

size_t
wheel_bytes(const struct wheel *w)
{
	return (size_t)w->n_slots * 8 + (size_t)w->n_chunks * sizeof(w->chunks[0]);
}

void
wheel_start(struct wheel *w, int64_t now_us)
{
	w->tick = now_us / w->unit_us + 1;
}

bool
wheel_add(struct wheel *w, int64_t due_us, uint32_t item)
{
	int64_t tick = (due_us + w->unit_us - 1) / w->unit_us;
	struct wheel_chunk *c;
	uint32_t slot;

	if (tick < w->tick + 1)
		tick = w->tick + 1;
	if (tick >= w->tick + w->n_slots)
		tick = w->tick + w->n_slots - 1;
	slot = (uint32_t)tick & (w->n_slots - 1);
	if (w->last[slot] == 0 || w->chunks[w->last[slot] - 1].n == WHEEL_CHUNK) {
		uint32_t fresh = w->free_chunk;

		if (fresh == 0) {
			w->refused++;
			return false;
		}
		c = &w->chunks[fresh - 1];
		w->free_chunk = c->next;
		c->next = c->n = 0;
		if (w->last[slot] == 0)
			w->first[slot] = fresh;
		else
			w->chunks[w->last[slot] - 1].next = fresh;
		w->last[slot] = fresh;
	}
	c = &w->chunks[w->last[slot] - 1];
	c->items[c->n++] = item;
	return true;
}

void
wheel_turn(struct wheel *w, void (*each)(void *ctx, const uint32_t *items, uint32_t n), void *ctx)
{
	uint32_t slot = (uint32_t)w->tick & (w->n_slots - 1);
	uint32_t at = w->first[slot];

	w->first[slot] = w->last[slot] = 0;
	while (at != 0) {
		struct wheel_chunk *c = &w->chunks[at - 1];
		struct wheel_chunk *next = c->next != 0 ? &w->chunks[c->next - 1] : NULL;

		if (next != NULL)
			__builtin_prefetch(next);
		each(ctx, c->items, c->n);
		{
			uint32_t next_at = c->next;

			c->next = w->free_chunk;
			w->free_chunk = at;
			at = next_at;
		}
	}
	w->tick++;
}

void
wheel_skip(struct wheel *w, int64_t now_us)
{
	int64_t end = now_us / w->unit_us;

	/* A gap longer than the wheel: one round finds every item there is. */
	if (end - w->tick > (int64_t)w->n_slots) {
		bool empty = true;

		for (uint32_t i = 0; i < w->n_slots && empty; i++)
			empty = w->first[i] == 0;
		if (empty)
			w->tick = end;
	}
	while (w->tick <= end && w->first[(uint32_t)w->tick & (w->n_slots - 1)] == 0)
		w->tick++;
}
