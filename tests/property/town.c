/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * town.c - a ladder with its weather, packets in order, and bots and forgers.
 */
#include "town.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "honest.h"
#include "mishap.h"

#define SECOND 1000000LL
#define HOUR   (3600 * SECOND)

uint32_t
town_random(struct town *t, uint32_t below)
{
	t->seed = t->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return below == 0 ? 0 : (uint32_t)(((t->seed >> 32) * below) >> 32);
}

static void
add_exchanger(struct mxset *set, const char *name, uint16_t preference, enum role role, enum answer answer,
    const char *v4, const char *v6)
{
	struct exchanger *x = &set->exchangers[set->n_exchangers++];

	(void)snprintf(x->name, sizeof(x->name), "%s", name);
	x->preference = preference;
	x->role = (uint8_t)role;
	x->answer = (uint8_t)answer;
	x->witness = WITNESS_WIRE;
	x->addrs = calloc(2, sizeof(*x->addrs));
	if (x->addrs == NULL || !addr_parse(&x->addrs[x->n_addrs++], v4) || !addr_parse(&x->addrs[x->n_addrs++], v6))
		abort();
}

/* Each rung has both families, as the documentation asks for. */
static void
make_ladder(struct town *t)
{
	struct ladder *l = &t->world.ladder;
	struct mxset *set;

	l->n_sets = 1;
	l->sets = calloc(2, sizeof(*l->sets));
	if (l->sets == NULL)
		abort();
	set = &l->sets[0];
	(void)snprintf(set->name, sizeof(set->name), "example.org");
	set->exchangers = calloc(5, sizeof(*set->exchangers));
	if (set->exchangers == NULL)
		abort();
	if (town_random(t, 4) != 0)
		add_exchanger(set, "mx0", 10, ROLE_NOLISTING, ANSWER_NONE, "198.51.100.10", "2001:db8:1::10");
	add_exchanger(set, "mx1", 20, ROLE_REAL, ANSWER_NONE, "198.51.100.20", "2001:db8:1::20");
	if (town_random(t, 3) == 0)
		add_exchanger(set, "mx2", town_random(t, 2) ? 20 : 30, ROLE_REAL, ANSWER_NONE, "198.51.100.21",
		    "2001:db8:1::21");
	add_exchanger(set, "mx9", 90, ROLE_BOGUS, ANSWER_RESET, "198.51.100.30", "2001:db8:1::30");
}

void
town_make(struct town *t, uint64_t seed)
{
	int64_t at = WORLD_BEGIN_US;

	*t = (struct town){ .seed = seed * 0x9e3779b97f4a7c15ULL + 1, .first_seed = seed, .port = 1024 };
	make_ladder(t);
	judge_defaults(&t->world.options.judge);
	/* As sharp as it goes: handshakes list, and nothing is excused at the start. */
	t->world.options.judge.list_on = GRADE_PROVEN;
	t->world.options.judge.start_grace_s = 0;
	t->world.options.limits = (struct trap_limits){ 40000, 40000, 40000, 1000000, 256 };
	while (t->n_spells < 32) {
		enum real_state state = t->n_spells % 2 == 0 ? REAL_UP : (enum real_state)(1 + town_random(t, 3));

		t->spells[t->n_spells++] = (struct spell){ at, state };
		at += state == REAL_UP ? (int64_t)town_random(t, 16 * 3600) * SECOND : (int64_t)town_random(t, 20 * 3600) * SECOND;
	}
}

void
town_free(struct town *t)
{
	if (t->world.trap == NULL)
		ladder_free(&t->world.ladder);
	else
		world_end(&t->world);
	free(t->packets);
	free(t->bots);
	free(t->honest);
}

static int
by_time(const void *a, const void *b)
{
	const struct packet *x = a, *y = b;

	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	/* What belongs together was made together: seq tells, and any rule will do that is always the same. */
	return memcmp(x, y, sizeof(*x));
}

const char *
town_play(struct town *t)
{
	const char *why = NULL;
	/* The same restarts whatever else is played. */
	int64_t restart_us;

	t->seed = t->first_seed;
	restart_us = WORLD_BEGIN_US + (int64_t)(6 + town_random(t, 48)) * HOUR;

	qsort(t->packets, t->n, sizeof(*t->packets), by_time);
	if (!world_begin(&t->world, &why))
		return why;
	if (t->mishaps)
		return mishap_play(t);
	for (size_t i = 0; i < t->n;) {
		size_t n = 0, most = 1 + t->packets[i].seq % TRAP_BLOCK;

		if (t->packets[i].time_us > restart_us) {
			if (!world_restart(&t->world, t->packets[i].time_us - 1))
				return "could not start again";
			restart_us += (int64_t)(6 + town_random(t, 48)) * HOUR;
		}
		while (n < most && i + n < t->n && t->packets[i + n].time_us <= restart_us)
			n++;
		if (n == 0)
			n = 1;
		trap_packets(t->world.trap, &t->packets[i], n);
		i += n;
	}
	trap_settle(t->world.trap);
	return trap_counters(t->world.trap)->out_of_order == 0 ? NULL : "packets out of order";
}

int
town_worst(const struct town *t, const struct addr *a)
{
	int worst = 0;

	for (size_t i = 0; i < t->world.n_changes; i++) {
		const struct change_row *c = &t->world.changes[i];

		if (c->sender == addr_sender(a) && (c->new_state == STATE_SUSPECT || c->new_state == STATE_LISTED) &&
		    c->new_state > worst)
			worst = c->new_state;
	}
	return worst;
}

static const struct target *
target_of(const struct town *t, enum role role, bool v4)
{
	for (size_t i = 0; i < t->world.ladder.sets[0].n_exchangers; i++) {
		const struct exchanger *x = &t->world.ladder.sets[0].exchangers[i];

		if (x->role != role)
			continue;
		for (size_t k = 0; k < x->n_addrs; k++)
			if (addr_is_v4(&x->addrs[k]) == v4) {
				static struct target found;

				found = (struct target){ .addr = x->addrs[k], .role = x->role, .answer = x->answer };
				return &found;
			}
	}
	return NULL;
}

void
town_bots(struct town *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const uint8_t v4[4] = { 100, (uint8_t)(i >> 8), (uint8_t)i, 9 };
		struct addr a = addr_from_v4(v4);
		int64_t at = WORLD_BEGIN_US + (int64_t)town_random(t, 3 * 86400) * SECOND;

		honest_note(&t->bots, &t->n_bots, &a);
		for (unsigned visits = 1 + town_random(t, 3); visits > 0; visits--) {
			honest_connect(t, at + town_random(t, 1000000), &a, target_of(t, ROLE_BOGUS, true), 7);
			at += (int64_t)(30 + town_random(t, 600)) * 60 * SECOND;
		}
	}
}

void
town_forge(struct town *t, unsigned n)
{
	static const enum role roles[] = { ROLE_NOLISTING, ROLE_REAL, ROLE_BOGUS, ROLE_BOGUS };

	for (unsigned i = 0; i < n; i++) {
		uint32_t who = town_random(t, 8);
		const uint8_t stranger[4] = { 101, (uint8_t)town_random(t, 4), (uint8_t)town_random(t, 256), 9 };
		struct addr a = addr_from_v4(stranger);
		const struct target *target;
		int64_t at = WORLD_BEGIN_US + (int64_t)town_random(t, TOWN_DAYS * 86400) * SECOND + town_random(t, 1000000);

		if (who < 5 && t->n_honest > 0)
			a = t->honest[town_random(t, (uint32_t)t->n_honest)];
		else if (who < 7 && t->n_bots > 0)
			a = t->bots[town_random(t, (uint32_t)t->n_bots)];
		target = target_of(t, roles[town_random(t, 4)], addr_is_v4(&a));
		if (target == NULL)
			target = target_of(t, ROLE_REAL, addr_is_v4(&a));
		honest_forge(t, at, &a, target, town_random(t, 4));
	}
}
