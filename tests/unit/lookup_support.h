/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup_support.h - a list in memory as a feed has it, without a database.
 */
#ifndef MXTRAP_TESTS_LOOKUP_SUPPORT_H
#define MXTRAP_TESTS_LOOKUP_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../daemon/lookup/feed.h"

#define NOW_S 1790000000LL

static inline void
feed_lists(struct feed *f, const char *what, uint8_t state, uint16_t kinds)
{
	struct prefix p;

	assert_true(prefix_parse(&p, what));
	assert_true(listed_put(&f->listed, &p, state, kinds, NOW_S - 100, NOW_S + 1000));
}

/* Listed: 192.0.2.7, a /64, a single address of another; a suspect; one that talked early. */
static inline void
feed_fill(struct feed *f)
{
	static const uint8_t seed[16] = { 1, 2, 3 };
	static const struct config config = { .publish = true };

	feed_init(f, &config, seed);
	f->complete = f->claims = true;
	f->created_s = 1780000000;
	f->serial = 42;
	feed_lists(f, "192.0.2.7", STATE_LISTED, 1 << EVIDENCE_BACKUP_FIRST);
	feed_lists(f, "192.0.2.8", STATE_LISTED, 1 << EVIDENCE_BACKUP_FIRST | 1 << EVIDENCE_EARLY_TALKER);
	feed_lists(f, "2001:db8:1:2::/64", STATE_LISTED, 1 << EVIDENCE_BACKUP_FIRST);
	feed_lists(f, "2001:db8:5:6::9", STATE_LISTED, 1 << EVIDENCE_BACKUP_FIRST);
	feed_lists(f, "192.0.2.9", STATE_SUSPECT, 1 << EVIDENCE_BACKUP_FIRST);
}

#endif
