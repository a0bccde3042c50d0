/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sender.c - the bounded table of senders.
 */
#include "mxtrap/sender.h"

#include "mxtrap/evidence.h"

/* How many records one insertion may look at for a victim: bounds the time of one packet. */
#define EVICT_STEPS 256

_Static_assert(sizeof(struct sender) == 64, "a sender record is a cache line");

bool
sender_table_init(struct sender_table *t, uint32_t cap, const uint8_t hash_key[16])
{
	*t = (struct sender_table){ .cap = cap, .hash_key = hash_key };
	t->records = table_alloc(cap, sizeof(t->records[0]));
	t->dirty = table_alloc((size_t)cap / 64 + 1, sizeof(t->dirty[0]));
	if (t->records == NULL || t->dirty == NULL || !index_init(&t->index, cap)) {
		sender_table_free(t);
		return false;
	}
	return true;
}

void
sender_table_free(struct sender_table *t)
{
	table_free(t->records);
	table_free(t->dirty);
	index_free(&t->index);
	*t = (struct sender_table){ 0 };
}

uint32_t
sender_find(const struct sender_table *t, sender_key key, uint32_t hash)
{
	uint32_t at = index_home(&t->index, hash), slot;

	while ((slot = index_next(&t->index, hash, &at)) != TABLE_NONE)
		if (t->records[slot].key == key)
			return slot;
	return SENDER_NONE;
}

uint32_t
sender_guess(const struct sender_table *t, uint32_t hash)
{
	uint32_t at = index_home(&t->index, hash);

	return index_next(&t->index, hash, &at);
}

/*
 * May this one go?  Only what nobody has proven and what nothing but a hint is
 * known of: a flood of forged addresses evicts itself.  And who has not come for so
 * long that nothing of it weighs any more: or the honest senders of some years would
 * fill the table, and nobody new be judged.
 */
static bool
is_victim(const struct sender_table *t, const struct sender *s, uint32_t now_s)
{
	if ((s->flags & SENDER_TIMED) != 0 || s->state > STATE_CLEARED)
		return false;
	if (t->faded_s != 0 && now_s > s->last_seen_s && now_s - s->last_seen_s >= t->faded_s &&
	    s->foreign_until_s <= now_s)
		return true;
	return s->state <= STATE_NOTICED && (s->flags & SENDER_PROVEN) == 0;
}

uint32_t
sender_add(struct sender_table *t, sender_key key, uint32_t hash, uint32_t now_s,
    void (*evict)(void *ctx, uint32_t number), void *ctx)
{
	uint32_t slot = SENDER_NONE;

	if (t->free_head != 0) {
		slot = t->free_head - 1;
		t->free_head = t->records[slot].visits;
	} else if (t->fresh < t->cap) {
		slot = t->fresh++;
	} else {
		for (int i = 0; i < EVICT_STEPS; i++) {
			uint32_t at = t->hand;

			t->hand = at + 1 == t->cap ? 0 : at + 1;
			if (is_victim(t, &t->records[at], now_s)) {
				slot = at;
				break;
			}
		}
		if (slot == SENDER_NONE) {
			t->refused++;
			return SENDER_NONE;
		}
		evict(ctx, slot);
		index_remove(&t->index, sender_hash(t, t->records[slot].key), slot);
		t->evicted++;
		t->n--;
	}
	t->records[slot] = (struct sender){
		.key = key, .sums_at_s = now_s, .first_seen_s = now_s, .last_seen_s = now_s,
		.flags = SENDER_IN_USE,
	};
	index_put(&t->index, hash, slot);
	sender_dirty(t, slot);
	t->n++;
	return slot;
}
