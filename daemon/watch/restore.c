/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * restore.c - what the store kept, given back to a trap: live and in a replay alike.
 */
#include "mxtrap/store.h"
#include "mxtrap/watch.h"

struct restoring {
	struct trap *trap;
	uint64_t n;
};

static bool
sender(void *ctx, const struct sender_row *row)
{
	struct restoring *r = ctx;

	if (!trap_restore_sender(r->trap, row))
		return false;
	r->n++;
	return true;
}

static bool
memory(void *ctx, const struct memory_row *row)
{
	return trap_restore_memory(((struct restoring *)ctx)->trap, row);
}

static bool
allow(void *ctx, const struct prefix *what, uint32_t expires_s)
{
	return trap_restore_allow(((struct restoring *)ctx)->trap, what, expires_s);
}

static bool
correspondent(void *ctx, sender_key key, uint32_t answered_s)
{
	trap_restore_correspondent(((struct restoring *)ctx)->trap, key, answered_s);
	return true;
}

static bool
foreign(void *ctx, sender_key key, uint32_t until_s)
{
	trap_restore_foreign(((struct restoring *)ctx)->trap, key, until_s);
	return true;
}

static bool
doubt(void *ctx, const struct doubt_row *row)
{
	trap_restore_doubt(((struct restoring *)ctx)->trap, row);
	return true;
}

static bool
evidence(void *ctx, const struct evidence_row *row)
{
	trap_restore_evidence(((struct restoring *)ctx)->trap, row);
	return true;
}

bool
watch_restore(struct store *store, struct trap *trap, uint64_t *senders)
{
	struct restoring r = { .trap = trap };
	bool all = store_each_sender(store, sender, &r);

	all = store_each_memory(store, memory, &r) && all;
	all = store_each_allow(store, allow, &r) && all;
	all = store_each_correspondent(store, correspondent, &r) && all;
	all = store_each_foreign(store, foreign, &r) && all;
	all = store_each_doubt(store, doubt, &r) && all;
	all = store_each_evidence(store, TRAP_RESTORE_EVIDENCE, evidence, &r) && all;
	if (senders != NULL)
		*senders += r.n;
	return all;
}
