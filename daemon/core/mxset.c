/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mxset.c - ladders: rungs by preference, the safety rules, and addresses by hash.
 */
#include "mxtrap/mxset.h"

#include <stdlib.h>
#include <string.h>

/* The keys are the operator's own addresses, no stranger's: a multiplication will do. */
static uint32_t
addr_hash(const struct addr *a)
{
	uint64_t words[2];

	memcpy(words, a->b, sizeof(words));
	return (uint32_t)(((words[0] ^ words[1] >> 7) * 0x9e3779b97f4a7c15ULL ^ words[1] * 0xc2b2ae3d27d4eb4fULL) >> 32);
}

static int
by_preference(const void *a, const void *b)
{
	const struct exchanger *x = a, *y = b;

	return (x->preference > y->preference) - (x->preference < y->preference);
}

/*
 * Strictly below, strictly above: senders must shuffle exchangers of equal
 * preference (RFC 5321, 5.1), so a decoy level with a real MX would be the first
 * choice of half of all honest mail.
 */
static enum ladder_result
check_order(const struct mxset *s, size_t *exchanger)
{
	const struct exchanger *lowest = NULL, *highest = NULL;

	for (size_t i = 0; i < s->n_exchangers; i++) {
		if (s->exchangers[i].role != ROLE_REAL)
			continue;
		if (lowest == NULL)
			lowest = &s->exchangers[i];
		highest = &s->exchangers[i];
	}
	if (lowest == NULL)
		return LADDER_NO_REAL;
	for (size_t i = 0; i < s->n_exchangers; i++) {
		const struct exchanger *x = &s->exchangers[i];

		if ((x->role == ROLE_NOLISTING && x->preference >= lowest->preference) ||
		    (x->role == ROLE_BOGUS && x->preference <= highest->preference)) {
			*exchanger = i;
			return LADDER_DECOY_MISPLACED;
		}
	}
	return LADDER_OK;
}

static bool
same_network(const struct addr *a, const struct addr *b)
{
	struct prefix p;

	if (addr_is_v4(a) != addr_is_v4(b))
		return false;
	p = prefix_of(a, addr_is_v4(a) ? 120 : 48);
	return prefix_contains(&p, b);
}

/* Does an address of a bogus exchanger share its path with one that we witness? */
static bool
is_near(const struct mxset *s, const struct exchanger *bogus, const struct addr *a)
{
	for (size_t i = 0; i < s->n_exchangers; i++) {
		const struct exchanger *x = &s->exchangers[i];

		if (x->role == ROLE_BOGUS || x->witness != WITNESS_WIRE)
			continue;
		if (bogus->network[0] != '\0' && strcmp(bogus->network, x->network) == 0)
			return true;
		for (size_t j = 0; j < x->n_addrs; j++)
			if (same_network(a, &x->addrs[j]))
				return true;
	}
	return false;
}

static bool
order_counts(struct mxset *s)
{
	bool told = false, low = false;

	for (size_t i = 0; i < s->n_exchangers; i++) {
		const struct exchanger *x = &s->exchangers[i];

		s->real_on_wire |= x->role == ROLE_REAL && x->witness == WITNESS_WIRE;
		told |= x->role == ROLE_REAL && x->witness == WITNESS_POSTFIX;
		low |= x->role == ROLE_NOLISTING && x->witness == WITNESS_WIRE;
	}
	/* An MTA tells only of who got as far as RCPT: the low rung must have been watched as well. */
	if (!(s->real_on_wire && (low || !s->has_nolisting)) && !(told && low))
		return false;
	for (size_t i = 0; i < s->n_exchangers; i++) {
		const struct exchanger *x = &s->exchangers[i];

		for (size_t j = 0; x->role == ROLE_BOGUS && j < x->n_addrs; j++)
			if (!is_near(s, x, &x->addrs[j]))
				return false;
	}
	return true;
}

static enum ladder_result
finish_set(struct mxset *s, size_t *exchanger)
{
	enum ladder_result result;
	uint8_t rung = 0;

	if (s->n_exchangers != 0)
		qsort(s->exchangers, s->n_exchangers, sizeof(s->exchangers[0]), by_preference);
	result = check_order(s, exchanger);
	if (result != LADDER_OK)
		return result;
	for (size_t i = 0; i < s->n_exchangers; i++) {
		if (i > 0 && s->exchangers[i].preference != s->exchangers[i - 1].preference)
			rung++;
		s->exchangers[i].rung = rung;
		s->has_nolisting |= s->exchangers[i].role == ROLE_NOLISTING;
	}
	s->n_rungs = (uint8_t)(rung + 1);
	s->bogus_near = order_counts(s);
	return LADDER_OK;
}

static bool
add_target(struct ladder *l, const struct target *t)
{
	uint32_t at = addr_hash(&t->addr) & l->index_mask;

	for (; l->index[at] != 0; at = (at + 1) & l->index_mask)
		if (addr_equal(&l->targets[l->index[at] - 1].addr, &t->addr))
			return false;
	l->targets[l->n_targets++] = *t;
	l->index[at] = (uint32_t)l->n_targets;
	return true;
}

static enum ladder_result
fill_targets(struct ladder *l, size_t *set, size_t *exchanger)
{
	for (*set = 0; *set < l->n_sets; (*set)++) {
		const struct mxset *s = &l->sets[*set];

		for (*exchanger = 0; *exchanger < s->n_exchangers; (*exchanger)++) {
			const struct exchanger *x = &s->exchangers[*exchanger];

			for (size_t i = 0; i < x->n_addrs; i++) {
				struct target t = {
					.addr = x->addrs[i], .set = (uint16_t)*set,
					.exchanger = (uint16_t)*exchanger, .role = x->role,
					.answer = x->answer, .rung = x->rung, .witness = x->witness,
				};

				if (!add_target(l, &t))
					return LADDER_DUPLICATE;
			}
		}
	}
	for (size_t i = 0; i < l->n_control; i++) {
		struct target t = { .addr = l->control[i], .role = ROLE_CONTROL, .witness = WITNESS_WIRE };

		if (!add_target(l, &t))
			return LADDER_DUPLICATE;
	}
	return LADDER_OK;
}

enum ladder_result
ladder_finish(struct ladder *l, size_t *set, size_t *exchanger)
{
	size_t n = l->n_control, nowhere[2] = { 0, 0 };

	set = set != NULL ? set : &nowhere[0];
	exchanger = exchanger != NULL ? exchanger : &nowhere[1];
	*exchanger = 0;
	for (*set = 0; *set < l->n_sets; (*set)++) {
		enum ladder_result result = finish_set(&l->sets[*set], exchanger);

		if (result != LADDER_OK)
			return result;
		for (size_t i = 0; i < l->sets[*set].n_exchangers; i++)
			n += l->sets[*set].exchangers[i].n_addrs;
	}
	if (n > MXSET_MAX_TARGETS || l->n_sets > MXSET_MAX_SETS)
		return LADDER_FULL;
	l->index_mask = 1;
	while (l->index_mask < 2 * n + 1)
		l->index_mask = l->index_mask * 2 + 1;
	l->targets = calloc(n + 1, sizeof(l->targets[0]));
	l->index = calloc((size_t)l->index_mask + 1, sizeof(l->index[0]));
	if (l->targets == NULL || l->index == NULL)
		return LADDER_NO_MEMORY;
	return fill_targets(l, set, exchanger);
}

const struct target *
ladder_find(const struct ladder *l, const struct addr *a)
{
	for (uint32_t at = addr_hash(a) & l->index_mask; l->index[at] != 0; at = (at + 1) & l->index_mask)
		if (addr_equal(&l->targets[l->index[at] - 1].addr, a))
			return &l->targets[l->index[at] - 1];
	return NULL;
}

bool
ladder_each_ours(const struct ladder *l, bool (*each)(void *ctx, const struct addr *), void *ctx)
{
	for (size_t i = 0; i < l->n_targets; i++)
		if (!each(ctx, &l->targets[i].addr))
			return false;
	for (size_t i = 0; i < l->n_sets; i++)
		for (size_t j = 0; j < l->sets[i].n_exchangers; j++)
			for (size_t k = 0; k < l->sets[i].exchangers[j].n_public; k++)
				if (!each(ctx, &l->sets[i].exchangers[j].public[k]))
					return false;
	return true;
}

static bool
is_another(void *ctx, const struct addr *a)
{
	return !addr_equal(ctx, a);
}

bool
ladder_is_ours(const struct ladder *l, const struct addr *a)
{
	struct addr same = *a;

	return ladder_find(l, a) != NULL || !ladder_each_ours(l, is_another, &same);
}

void
ladder_free(struct ladder *l)
{
	for (size_t i = 0; i < l->n_sets; i++) {
		for (size_t j = 0; j < l->sets[i].n_exchangers; j++) {
			free(l->sets[i].exchangers[j].addrs);
			free(l->sets[i].exchangers[j].public);
		}
		free(l->sets[i].exchangers);
		free(l->sets[i].domains);
	}
	free(l->sets);
	free(l->targets);
	free(l->index);
	free(l->control);
	*l = (struct ladder){ 0 };
}

const char *
role_name(enum role role)
{
	switch (role) {
	case ROLE_NOLISTING:
		return "nolisting";
	case ROLE_REAL:
		return "real";
	case ROLE_BOGUS:
		return "bogus";
	case ROLE_CONTROL:
		return "control";
	}
	return "unknown";
}

const char *
answer_name(enum answer answer)
{
	switch (answer) {
	case ANSWER_NONE:
		return "none";
	case ANSWER_RESET:
		return "reset";
	case ANSWER_DIALOGUE:
		return "dialogue";
	}
	return "unknown";
}
