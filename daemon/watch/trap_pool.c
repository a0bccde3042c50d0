/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_pool.c - the pools of a sender: its network, and the named one that it belongs to.
 *
 * What either remembers excuses the sender.  Both are touched, so that a neighbour outside
 * the named ranges has its excuse as well.
 */
#include "trap_int.h"

static uint64_t
named_key(const struct trap *t, sender_key sender, uint16_t set)
{
	uint16_t pool = pool_map_find(&t->named, sender);

	return pool == 0 ? 0 : pool_named_key(pool, set);
}

void
trap_pool_touch(struct trap *t, const struct sender *s, uint16_t set, enum role role, uint64_t key, uint32_t hash)
{
	unsigned what = (role != ROLE_BOGUS ? POOL_LOWER : 0U) | (role == ROLE_REAL ? POOL_REAL : 0U) |
	    ((s->flags & SENDER_PROVEN) != 0 ? POOL_PROVEN : 0U);
	uint64_t named = named_key(t, s->key, set);

	pool_touch(&t->pools, key, hash, now_s(t), what, t->o.judge.order_memory_s);
	if (named != 0)
		pool_touch(&t->pools, named, pool_hash(&t->pools, named), now_s(t), what, t->o.judge.order_memory_s);
}

bool
trap_pool_remembers(const struct trap *t, sender_key sender, uint16_t set, uint64_t key, uint32_t hash)
{
	uint64_t named;

	if (pool_remembers(&t->pools, key, hash, now_s(t), t->o.judge.order_memory_s))
		return true;
	named = named_key(t, sender, set);
	return named != 0 && pool_remembers(&t->pools, named, pool_hash(&t->pools, named), now_s(t),
	    t->o.judge.order_memory_s);
}

bool
trap_pool_was_real(const struct trap *t, sender_key sender, uint16_t set, uint32_t since_s)
{
	uint64_t key = pool_key(sender, set), named = named_key(t, sender, set);

	return pool_was_real(&t->pools, key, pool_hash(&t->pools, key), since_s) ||
	    (named != 0 && pool_was_real(&t->pools, named, pool_hash(&t->pools, named), since_s));
}

void
trap_pool_proven(struct trap *t, sender_key sender, uint16_t set)
{
	uint64_t key = pool_key(sender, set), named = named_key(t, sender, set);

	pool_proven(&t->pools, key, pool_hash(&t->pools, key));
	if (named != 0)
		pool_proven(&t->pools, named, pool_hash(&t->pools, named));
}

void
trap_pool_restore(struct trap *t, const struct memory_row *row, bool proven)
{
	const uint64_t keys[2] = { pool_key(row->sender, row->set), named_key(t, row->sender, row->set) };
	unsigned lower = POOL_LOWER | (proven ? POOL_PROVEN : 0U);

	for (size_t i = 0; i < 2; i++) {
		uint32_t hash = pool_hash(&t->pools, keys[i]), memory_s = t->o.judge.order_memory_s;

		if (keys[i] == 0)
			continue;
		if (row->last_real_s != 0)
			pool_touch(&t->pools, keys[i], hash, row->last_real_s, lower | POOL_REAL, memory_s);
		pool_touch(&t->pools, keys[i], hash, row->lower_at_s, lower, memory_s);
		pool_touch(&t->pools, keys[i], hash, row->memory_at_s, lower & ~(unsigned)POOL_LOWER, memory_s);
	}
}
