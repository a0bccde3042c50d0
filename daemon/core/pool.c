/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool.c - the order memory of neighbours.  When the table is full a record goes, by age: an excuse
 * is lost, and counted.
 */
#include "mxtrap/pool.h"

#include "mxtrap/visit.h"

#define UNIT_S 16
#define NEVER  0xffff
#define SPARED 64		/* records that an eviction passes by because they are proven, at most */

_Static_assert(sizeof(struct pool) == 16, "a pool record is 16 bytes");
_Static_assert(VISIT_REFRESH_S / UNIT_S < 0x7fff, "a memory fits its bits");

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
	p->memory_off = memory_at_s > now_s ? (memory_at_s - now_s + UNIT_S - 1) / UNIT_S & 0x7fff : 0;
}

/* A place for a new record: the oldest but those that are proven and remember still. */
static uint32_t
make_room(struct pool_table *t, uint32_t now_s, uint32_t order_memory_s)
{
	uint32_t slot = t->hand;

	for (unsigned spared = 0; spared < SPARED; spared++) {
		const struct pool *p = &t->records[slot];

		if (!p->proven || !remembers(p, now_s, order_memory_s))
			break;
		slot = slot + 1 == t->cap ? 0 : slot + 1;
		if (spared + 1 == SPARED)
			t->lost_at_s = now_s;
	}
	t->hand = slot + 1 == t->cap ? 0 : slot + 1;
	index_remove(&t->index, pool_hash(t, t->records[slot].key), slot);
	t->evicted++;
	return slot;
}

void
pool_touch(struct pool_table *t, uint64_t key, uint32_t hash, uint32_t now_s, unsigned what,
    uint32_t order_memory_s)
{
	uint32_t slot = find(t, key, hash);
	struct pool *p;

	if (slot == TABLE_NONE) {
		if ((what & POOL_LOWER) == 0)
			return;
		slot = t->n < t->cap ? t->n++ : make_room(t, now_s, order_memory_s);
		t->records[slot] = (struct pool){ .key = key, .lower_at_s = now_s, .real_off = NEVER };
		index_put(&t->index, hash, slot);
	}
	p = &t->records[slot];
	if ((what & POOL_PROVEN) != 0)
		p->proven = 1;
	if ((what & POOL_LOWER) != 0)
		touch_lower(p, now_s, (what & POOL_REAL) != 0);
	else if (now_s > p->lower_at_s && remembers(p, now_s, order_memory_s) &&
	    now_s - p->lower_at_s <= VISIT_REFRESH_S)
		p->memory_off = (now_s - p->lower_at_s + UNIT_S - 1) / UNIT_S & 0x7fff;
}

void
pool_proven(struct pool_table *t, uint64_t key, uint32_t hash)
{
	uint32_t slot = find(t, key, hash);

	if (slot != TABLE_NONE)
		t->records[slot].proven = 1;
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
