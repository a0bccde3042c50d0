/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool.c - the order memory of neighbours.  When the table is full the oldest record goes: an excuse
 * is lost, and counted.
 */
#include "mxtrap/pool.h"

#include "mxtrap/visit.h"

#define UNIT_S 16
#define NEVER  0xffff

_Static_assert(sizeof(struct pool) == 16, "a pool record is 16 bytes");

bool
pool_table_init(struct pool_table *t, uint32_t cap, const uint8_t hash_key[16])
{
	*t = (struct pool_table){ .cap = cap, .hash_key = hash_key };
	t->records = table_alloc(cap, sizeof(t->records[0]));
	if (t->records == NULL || !index_init(&t->index, cap)) {
		pool_table_free(t);
		return false;
	}
	return true;
}

void
pool_table_free(struct pool_table *t)
{
	table_free(t->records);
	index_free(&t->index);
	*t = (struct pool_table){ 0 };
}

static uint32_t
find(const struct pool_table *t, uint64_t key, uint32_t hash)
{
	uint32_t at = index_home(&t->index, hash), slot;

	while ((slot = index_next(&t->index, hash, &at)) != TABLE_NONE)
		if (t->records[slot].key == key)
			return slot;
	return TABLE_NONE;
}

static bool
remembers(const struct pool *p, uint32_t now_s, uint32_t order_memory_s)
{
	return now_s <= p->lower_at_s + (uint32_t)p->memory_off * UNIT_S + order_memory_s;
}

/*
 * At a start the touches of neighbours come back by address, not by time: an older one must not
 * make what is known already look older.
 */
static void
touch_lower(struct pool *p, uint32_t now_s, bool real)
{
	uint32_t memory_at_s = p->lower_at_s + (uint32_t)p->memory_off * UNIT_S;
	uint32_t real_off;

	if (now_s < p->lower_at_s) {
		real_off = (p->lower_at_s - now_s) / UNIT_S;
		if (real && real_off < p->real_off)
			p->real_off = (uint16_t)real_off;
		return;
	}
	/* Rounded down: many touches must not make a real one look older. */
	real_off = real ? 0 : p->real_off + (now_s - p->lower_at_s) / UNIT_S;
	if (real || p->real_off != NEVER)
		p->real_off = real_off < NEVER ? (uint16_t)real_off : NEVER;
	p->lower_at_s = now_s;
	p->memory_off = memory_at_s > now_s ? (uint16_t)((memory_at_s - now_s + UNIT_S - 1) / UNIT_S) : 0;
}

void
pool_touch(struct pool_table *t, uint64_t key, uint32_t hash, uint32_t now_s, bool lower, bool real,
    uint32_t order_memory_s)
{
	uint32_t slot = find(t, key, hash);
	struct pool *p;

	if (slot == TABLE_NONE) {
		if (!lower)
			return;
		if (t->n < t->cap) {
			slot = t->n++;
		} else {
			slot = t->hand;
			t->hand = slot + 1 == t->cap ? 0 : slot + 1;
			index_remove(&t->index, pool_hash(t, t->records[slot].key), slot);
			t->evicted++;
		}
		t->records[slot] = (struct pool){ .key = key, .lower_at_s = now_s, .real_off = NEVER };
		index_put(&t->index, hash, slot);
	}
	p = &t->records[slot];
	if (lower)
		touch_lower(p, now_s, real);
	else if (now_s > p->lower_at_s && remembers(p, now_s, order_memory_s) &&
	    now_s - p->lower_at_s <= VISIT_REFRESH_S)
		p->memory_off = (uint16_t)((now_s - p->lower_at_s + UNIT_S - 1) / UNIT_S);
}

bool
pool_remembers(const struct pool_table *t, uint64_t key, uint32_t hash, uint32_t now_s, uint32_t order_memory_s)
{
	uint32_t slot = find(t, key, hash);

	return slot != TABLE_NONE && remembers(&t->records[slot], now_s, order_memory_s);
}

bool
pool_was_real(const struct pool_table *t, uint64_t key, uint32_t hash, uint32_t since_s)
{
	uint32_t slot = find(t, key, hash);
	const struct pool *p;

	if (slot == TABLE_NONE)
		return false;
	p = &t->records[slot];
	return p->real_off != NEVER && p->lower_at_s - (uint32_t)p->real_off * UNIT_S + UNIT_S >= since_s;
}
