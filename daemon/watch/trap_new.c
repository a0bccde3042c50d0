/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_new.c - making a trap, taking it down, and giving back to it what a store kept.
 */
#include "trap_int.h"

#include <stdlib.h>

#define FADED_S (60 * 86400U)		/* nothing of a sender that stayed away so long weighs */

static bool
pending_init(struct pending_ring *r, uint32_t cap)
{
	*r = (struct pending_ring){ .cap = cap };
	r->at = table_alloc(cap, sizeof(r->at[0]));
	return r->at != NULL;
}

/* Beside one visit record a sender, these for senders that come to several sets. */
static uint32_t
further_visits(const struct trap *t)
{
	return t->o.limits.senders / 32 + 64;
}

static bool
make_tables(struct trap *t)
{
	const struct trap_limits *l = &t->o.limits;
	size_t n = t->ladder->n_targets + 1, sets = t->ladder->n_sets + 1;

	t->scored.at = table_alloc(RECENT, sizeof(t->scored.at[0]));
	t->hinted.at = table_alloc(RECENT, sizeof(t->hinted.at[0]));
	t->kin = table_alloc(sets, sizeof(t->kin[0]));
	t->set_flags = table_alloc(sets, sizeof(t->set_flags[0]));
	t->tallies = table_alloc(n, sizeof(t->tallies[0]));
	t->alarms = table_alloc(n, sizeof(t->alarms[0]));
	t->doubts_told = table_alloc(trap_doubt_rows(t), sizeof(t->doubts_told[0]));
	t->fingerprints = table_alloc(FINGERPRINTS, sizeof(t->fingerprints[0]));
	return trap_network_init(t) && t->scored.at != NULL && t->hinted.at != NULL && t->kin != NULL &&
	    t->set_flags != NULL && t->tallies != NULL && t->alarms != NULL && t->doubts_told != NULL && t->fingerprints != NULL &&
	    index_init(&t->fingerprint_index, FINGERPRINTS) &&
	    sender_table_init(&t->senders, l->senders, t->o.hash_key) &&
	    visit_pool_init(&t->visits, l->senders, further_visits(t)) &&
	    attempt_table_init(&t->attempts, l->attempts, t->o.hash_key) &&
	    pool_table_init(&t->pools, l->pools, t->o.hash_key) &&
	    health_init(&t->health, t->ladder) && wrong_init(&t->wrong, t->o.hash_key) && share_init(&t->share) &&
	    correspond_init(&t->correspond, t->o.hash_key) &&
	    wheel_init(&t->ends, SECOND_US, 8192, l->senders + further_visits(t)) &&
	    pending_init(&t->touches, PENDING_SYN) && pending_init(&t->proofs, PENDING_PROOF) &&
	    blocklist_init(&t->list, &t->o.judge, &t->senders, &t->never, &t->o.sink);
}

static bool
never_ours(void *ctx, const struct addr *a)
{
	struct trap *t = ctx;
	struct prefix p = prefix_of(a, 128);

	return never_set(&t->never, &p, NEVER_CONFIGURED, NEVER_CONFIGURED);
}

/* Every exchanger of every role and set, control addresses, the configured allow-list. */
static bool
fill_never(struct trap *t)
{
	if (!ladder_each_ours(t->ladder, never_ours, t))
		return false;
	for (size_t i = 0; i < t->o.n_never; i++)
		if (!never_set(&t->never, &t->o.never[i], NEVER_CONFIGURED, NEVER_CONFIGURED))
			return false;
	return true;
}

struct trap *
trap_new(const struct trap_options *o)
{
	struct trap *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->o = *o;
	if (t->o.limits.senders > SENDER_MAX)
		t->o.limits.senders = SENDER_MAX;
	t->ladder = o->ladder;
	t->never.special_purpose = o->special_purpose;
	if (!make_tables(t) || pool_map_set(&t->named, o->pools, o->n_pools, NULL) != POOL_MAP_OK) {
		trap_free(t);
		return NULL;
	}
	/* By then nobody is cleared (-3 is -2.3 after 0.4 half-lives), and no relapse counts. */
	t->senders.faded_s = o->judge.half_life_s > FADED_S ? o->judge.half_life_s : FADED_S;
	if (!fill_never(t)) {
		trap_free(t);
		return NULL;
	}
	for (size_t i = 0; i < t->ladder->n_targets; i++) {
		const struct target *target = &t->ladder->targets[i];

		t->tallies[i].target = (uint32_t)i;
		if (target->role == ROLE_REAL)
			t->set_flags[target->set] |= addr_is_v4(&target->addr) ? SET_REAL_V4 : SET_REAL_V6;
	}
	return t;
}

void
trap_free(struct trap *t)
{
	if (t == NULL)
		return;
	table_free(t->scored.at);
	table_free(t->hinted.at);
	table_free(t->networks);
	table_free(t->kin);
	table_free(t->set_flags);
	table_free(t->tallies);
	table_free(t->alarms);
	table_free(t->doubts_told);
	table_free(t->fingerprints);
	index_free(&t->fingerprint_index);
	sender_table_free(&t->senders);
	visit_pool_free(&t->visits);
	attempt_table_free(&t->attempts);
	pool_table_free(&t->pools);
	pool_map_free(&t->named);
	health_free(&t->health);
	correspond_free(&t->correspond);
	wrong_free(&t->wrong);
	share_free(&t->share);
	wheel_free(&t->ends);
	table_free(t->touches.at);
	table_free(t->proofs.at);
	blocklist_free(&t->list);
	never_free(&t->never);
	free(t);
}

static void
no_eviction(void *ctx, uint32_t number)
{
	(void)ctx;
	(void)number;
}

bool
trap_restore_sender(struct trap *t, const struct sender_row *row)
{
	uint32_t hash = sender_hash(&t->senders, row->key), number = sender_find(&t->senders, row->key, hash);
	struct sender *s;

	if (number == SENDER_NONE) {
		if (t->senders.fresh == t->senders.cap)
			return false;
		number = sender_add(&t->senders, row->key, hash, row->first_seen_s, no_eviction, NULL);
	}
	s = &t->senders.records[number];
	s->score = row->score;
	s->hint = row->hint;
	s->blame = row->blame;
	s->sums_at_s = row->sums_at_s;
	s->last_seen_s = row->last_seen_s;
	s->listed_since_s = row->listed_since_s;
	s->expires_s = row->expires_s;
	s->climbed_at_s = row->climbed_at_s;
	s->kinds = row->kinds;
	s->state = row->state & 15U;
	s->klass = row->klass & 15U;
	s->grade = row->grade;
	s->flags = (uint8_t)((row->flags & (SENDER_PROVEN | SENDER_OURS | SENDER_REAL | SENDER_ACCEPTED)) | SENDER_IN_USE);
	s->caps = row->caps;
	blocklist_restore_hand(&t->list, number, row);
	s->sets = row->sets;
	t->senders.dirty[number >> 6] &= ~(1ULL << (number & 63));
	return true;
}

bool
trap_restore_memory(struct trap *t, const struct memory_row *row)
{
	uint32_t number = sender_find(&t->senders, row->sender, sender_hash(&t->senders, row->sender)), visit;
	struct visit *v;

	if (row->set >= t->ladder->n_sets)
		return true;		/* a set that the configuration no longer has */
	trap_pool_restore(t, row, number != SENDER_NONE && (t->senders.records[number].flags & SENDER_PROVEN) != 0);
	if (number == SENDER_NONE)
		return true;
	visit = visit_find(&t->visits, &t->senders.records[number], row->set);
	if (visit == VISIT_NONE)
		visit = visit_add(&t->visits, &t->senders.records[number], number, row->set);
	if (visit == VISIT_NONE)
		return false;
	v = &t->visits.records[visit];
	v->start_us = (int64_t)row->last_s * SECOND_US;
	v->lower_at_s = row->lower_at_s;
	v->memory_at_s = row->memory_at_s;
	v->last_real_s = row->last_real_s;
	if (row->unanswered != 0)
		v->flags |= VISIT_UNANSWERED;
	return true;
}

bool
trap_restore_allow(struct trap *t, const struct prefix *what, uint32_t expires_s)
{
	return never_add(&t->never, what, expires_s);
}

size_t
trap_memory_bytes(const struct trap *t)
{
	return sizeof(*t) + trap_network_bytes() + 2 * (size_t)RECENT * sizeof(t->scored.at[0]) +
	    (t->ladder->n_sets + 1) * sizeof(t->kin[0]) + trap_doubt_rows(t) * sizeof(t->doubts_told[0]) +
	    (size_t)FINGERPRINTS * sizeof(t->fingerprints[0]) + index_bytes(&t->fingerprint_index) +
	    (size_t)t->senders.cap * sizeof(t->senders.records[0]) + t->senders.cap / 8 +
	    index_bytes(&t->senders.index) +
	    (size_t)t->visits.cap * sizeof(t->visits.records[0]) +
	    ((size_t)t->attempts.ring_mask + 1) * sizeof(t->attempts.ring[0]) + ((size_t)t->attempts.bucket_mask + 1) * 4 +
	    (size_t)t->pools.cap * sizeof(t->pools.records[0]) + index_bytes(&t->pools.index) +
	    pool_map_bytes(&t->named) + wrong_bytes() + share_bytes() +
	    correspond_bytes(&t->correspond) + wheel_bytes(&t->ends) + wheel_bytes(&t->list.deadlines) +
	    (size_t)(PENDING_SYN + PENDING_PROOF) * sizeof(t->touches.at[0]);
}
