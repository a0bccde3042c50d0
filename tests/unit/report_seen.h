/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_seen.h - what a reader was told, gathered for a test.
 */
#ifndef MXTRAP_TESTS_REPORT_SEEN_H
#define MXTRAP_TESTS_REPORT_SEEN_H

#include "store_support.h"

struct seen {
	struct report_entry entries[512];
	struct report_attempt attempts[64];
	struct visit_row visits[8];
	struct evidence_row evidence[8];
	struct report_change changes[64];
	struct report_target targets[8];
	struct report_tally tallies[8];
	struct note_row notes[8];
	struct event events[8];
	char	 text[256];
	int64_t	 expires_s;
	size_t	 n, stop_at;
	struct report *ask;
};

#define GATHER(name, type, field)						\
	static inline bool							\
	name(void *ctx, const type *row)					\
	{									\
		struct seen *s = ctx;						\
										\
		if (s->n < sizeof s->field / sizeof s->field[0])		\
			s->field[s->n] = *row;					\
		s->n++;								\
		return s->stop_at == 0 || s->n < s->stop_at;			\
	}
GATHER(see_entry, struct report_entry, entries)
GATHER(see_attempt, struct report_attempt, attempts)
GATHER(see_visit, struct visit_row, visits)
GATHER(see_evidence, struct evidence_row, evidence)
GATHER(see_change, struct report_change, changes)
GATHER(see_target, struct report_target, targets)
GATHER(see_tally, struct report_tally, tallies)
GATHER(see_note, struct note_row, notes)
GATHER(see_event, struct event, events)

/* A database with changes in it, closed again. */
static inline void
fill(const struct bench_dir *d, const struct change_row *changes, size_t n, const struct sender_row *senders, size_t m)
{
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);

	for (size_t i = 0; i < n; i++)
		k.change(k.ctx, &changes[i]);
	for (size_t i = 0; i < m; i++)
		k.sender(k.ctx, &senders[i]);
	assert_true(store_sync(s));
	store_close(s);
}

static inline struct sender_row
sender(const char *text, float score, float hint)
{
	return (struct sender_row){ .key = support_key(text), .score = score, .hint = hint, .sums_at_s = NOW_S,
		.first_seen_s = NOW_S - 100, .last_seen_s = NOW_S, .kinds = 1, .grade = GRADE_PROVEN,
		.state = hint < -2.3f ? STATE_CLEARED : STATE_NOTICED };
}

static inline size_t
entries(struct report *r, struct seen *seen, struct report_filter f, int64_t now_s)
{
	memset(seen, 0, sizeof *seen);
	assert_int_equal(report_entries(r, &f, now_s, NULL, see_entry, seen), REPORT_OK);
	return seen->n;
}

#endif
