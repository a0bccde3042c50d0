/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * world_three.h - a scenario's world for a unit test: example.org with three exchangers at 198.51.100.10, .20 and .30.
 */
#ifndef MXTRAP_TESTS_WORLD_THREE_H
#define MXTRAP_TESTS_WORLD_THREE_H

#include "../scenario/world.h"

/* The world begins, on these three rungs; its options are set before. */
static inline void
three_begin(struct world *world, const struct exchanger rungs[static 3])
{
	static const char *const addrs[3] = { "198.51.100.10", "198.51.100.20", "198.51.100.30" };
	struct ladder *l = &world->ladder;
	const char *why = "";

	l->n_sets = 1;
	l->sets = calloc(1, sizeof(*l->sets));
	assert_non_null(l->sets);
	(void)snprintf(l->sets->name, sizeof(l->sets->name), "example.org");
	l->sets->n_exchangers = 3;
	l->sets->exchangers = calloc(3, sizeof(*l->sets->exchangers));
	assert_non_null(l->sets->exchangers);
	for (int i = 0; i < 3; i++) {
		struct exchanger *x = &l->sets->exchangers[i];

		*x = rungs[i];
		x->n_addrs = 1;
		x->addrs = calloc(1, sizeof(*x->addrs));
		assert_non_null(x->addrs);
		assert_true(addr_parse(x->addrs, addrs[i]));
	}
	assert_true(world_begin(world, &why));
}

#endif
