/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_blocklist.c - the life of a listing: it opens, is renewed, ends, relapses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mxtrap/blocklist.h"

#define SECOND 1000000LL
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define NOW    (1700000040 * SECOND)	/* a full minute */

struct fixture {
	struct judge_params judge;
	struct sender_table senders;
	struct never never;
	struct sink sink;
	struct blocklist list;
	struct change_row changes[64];
	size_t n_changes;
	uint32_t number;
};

static const uint8_t KEY[16] = { 3 };

static void
keep_change(void *ctx, const struct change_row *row)
{
	struct fixture *f = ctx;

	f->changes[f->n_changes++] = *row;
}

static void
no_evict(void *ctx, uint32_t number)
{
	(void)ctx;
	(void)number;
}

static uint32_t
add(struct fixture *f, const char *address)
{
	struct addr a;
	sender_key key;

	assert_true(addr_parse(&a, address));
	key = addr_sender(&a);
	return sender_add(&f->senders, key, sender_hash(&f->senders, key), (uint32_t)(NOW / SECOND), no_evict, NULL);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	judge_defaults(&f->judge);
	f->judge.list_on = GRADE_PROVEN;
	f->sink = (struct sink){ .ctx = f, .change = keep_change };
	assert_true(sender_table_init(&f->senders, 64, KEY));
	assert_true(blocklist_init(&f->list, &f->judge, &f->senders, &f->never, &f->sink));
	wheel_start(&f->list.deadlines, NOW);
	f->number = add(f, "192.0.2.7");
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	blocklist_free(&f->list);
	sender_table_free(&f->senders);
	never_free(&f->never);
	free(f);
	return 0;
}

static struct sender *
subject(struct fixture *f)
{
	return &f->senders.records[f->number];
}

static void
weigh(struct fixture *f, int64_t now, float points, enum grade grade)
{
	blocklist_weigh(&f->list, f->number, now, points, points, grade, 0);
}

static void
run_to(struct fixture *f, int64_t now)
{
	while (wheel_due_us(&f->list.deadlines) <= now)
		blocklist_turn(&f->list);
}

static void
one_piece_makes_a_suspect_and_two_list(void **state)
{
	struct fixture *f = *state;

	weigh(f, NOW, 5.0f, GRADE_PROVEN);
	assert_int_equal(subject(f)->state, STATE_SUSPECT);
	weigh(f, NOW + HOUR, 5.0f, GRADE_PROVEN);
	assert_int_equal(subject(f)->state, STATE_LISTED);
	assert_int_equal(f->n_changes, 2);
	assert_int_equal(f->changes[1].old_state, STATE_SUSPECT);
	assert_int_equal(f->changes[1].expires_s, (NOW + HOUR + DAY) / SECOND);
	assert_int_equal(f->changes[1].what.len, 128);
	assert_int_equal(f->list.n_listed, 1);
	assert_int_equal(f->list.n_suspect, 0);
}

static void
evidence_below_the_listing_grade_never_lists(void **state)
{
	struct fixture *f = *state;

	f->judge.list_on = GRADE_ADDRESSED;
	for (int i = 0; i < 10; i++)
		weigh(f, NOW + i * HOUR, 5.0f, GRADE_PROVEN);
	assert_int_equal(subject(f)->state, STATE_SUSPECT);
}

static void
proven_only_points_do_not_help_addressed_ones_to_list(void **state)
{
	struct fixture *f = *state;

	f->judge.list_on = GRADE_ADDRESSED;
	weigh(f, NOW, 5.0f, GRADE_PROVEN);
	weigh(f, NOW + HOUR, 5.0f, GRADE_ADDRESSED);
	assert_int_equal(subject(f)->state, STATE_SUSPECT);
	weigh(f, NOW + 2 * HOUR, 5.0f, GRADE_ADDRESSED);
	assert_int_equal(subject(f)->state, STATE_LISTED);
}

static void
a_listing_ends_after_a_day_and_leaves_less_than_half(void **state)
{
	struct fixture *f = *state;

	weigh(f, NOW, 5.0f, GRADE_PROVEN);
	weigh(f, NOW, 5.0f, GRADE_PROVEN);
	run_to(f, NOW + DAY - 60 * SECOND);
	assert_int_equal(subject(f)->state, STATE_LISTED);
	run_to(f, NOW + DAY);
	assert_int_not_equal(subject(f)->state, STATE_LISTED);
	assert_true(subject(f)->score <= f->list.half - 0.09f);
	assert_int_equal(f->changes[f->n_changes - 1].cause, CAUSE_EXPIRED);
	assert_int_equal(f->list.n_listed, 0);
}

static void
new_proven_evidence_renews_the_term(void **state)
{
	struct fixture *f = *state;

	weigh(f, NOW, 10.0f, GRADE_PROVEN);
	weigh(f, NOW + 12 * HOUR, 5.0f, GRADE_PROVEN);
	assert_int_equal(f->changes[f->n_changes - 1].cause, CAUSE_RENEWED);
	run_to(f, NOW + DAY);
	assert_int_equal(subject(f)->state, STATE_LISTED);
	run_to(f, NOW + DAY + 12 * HOUR);
	assert_int_not_equal(subject(f)->state, STATE_LISTED);
}

static void
a_relapse_doubles_the_term_up_to_thirty_days(void **state)
{
	struct fixture *f = *state;
	int64_t now = NOW;
	uint32_t days[8];

	for (int i = 0; i < 7; i++) {
		weigh(f, now, 20.0f, GRADE_PROVEN);
		assert_int_equal(subject(f)->state, STATE_LISTED);
		days[i] = (subject(f)->expires_s - subject(f)->listed_since_s + 60) / 86400;
		now = (int64_t)subject(f)->expires_s * SECOND;
		run_to(f, now);
		assert_int_not_equal(subject(f)->state, STATE_LISTED);
		now += HOUR;
	}
	assert_int_equal(days[0], 1);
	assert_int_equal(days[1], 2);
	assert_int_equal(days[2], 4);
	assert_int_equal(days[4], 16);
	assert_int_equal(days[5], 30);
	assert_int_equal(days[6], 30);
}

static void
decay_alone_never_lists_and_ends_a_suspicion(void **state)
{
	struct fixture *f = *state;

	weigh(f, NOW, 5.0f, GRADE_PROVEN);
	run_to(f, NOW + DAY);
	assert_int_equal(subject(f)->state, STATE_SUSPECT);
	run_to(f, NOW + 3 * DAY);
	assert_int_not_equal(subject(f)->state, STATE_SUSPECT);
	assert_int_equal(f->changes[1].cause, CAUSE_DECAYED);
	assert_int_equal(f->n_changes, 2);
}

static void
revisions_below_half_end_a_listing(void **state)
{
	struct fixture *f = *state;

	weigh(f, NOW, 5.0f, GRADE_PROVEN);
	weigh(f, NOW, 5.0f, GRADE_PROVEN);
	blocklist_revise(&f->list, f->number, NOW + SECOND, 5.0f, 5.0f, true);
	assert_int_equal(subject(f)->state, STATE_LISTED);
	blocklist_revise(&f->list, f->number, NOW + SECOND, 5.0f, 5.0f, true);
	assert_int_equal(subject(f)->state, STATE_UNKNOWN);
	assert_int_equal(f->changes[f->n_changes - 1].cause, CAUSE_REVISED);
}

static void
allowing_a_listed_sender_ends_it_and_no_evidence_lists_it_again(void **state)
{
	struct fixture *f = *state;
	struct prefix p;

	weigh(f, NOW, 10.0f, GRADE_PROVEN);
	assert_true(prefix_parse(&p, "192.0.2.0/24"));
	assert_true(never_add(&f->never, &p, 0));
	blocklist_recheck(&f->list, f->number, NOW + SECOND, CAUSE_ALLOWED);
	assert_int_equal(subject(f)->state, STATE_ALLOWED);
	weigh(f, NOW + 2 * SECOND, 20.0f, GRADE_ADDRESSED);
	assert_int_equal(subject(f)->state, STATE_ALLOWED);
	assert_int_equal(f->list.n_listed, 0);
}

static void
a_never_listed_sender_is_not_listed_whatever_its_sum(void **state)
{
	struct fixture *f = *state;
	struct prefix p;

	assert_true(prefix_parse(&p, "192.0.2.7/32"));
	assert_true(never_add(&f->never, &p, 0));
	weigh(f, NOW, 20.0f, GRADE_ADDRESSED);
	assert_int_not_equal(subject(f)->state, STATE_LISTED);
}

static void
forgetting_closes_the_listing_and_clears_the_sums(void **state)
{
	struct fixture *f = *state;

	weigh(f, NOW, 10.0f, GRADE_PROVEN);
	blocklist_forget(&f->list, f->number, NOW + SECOND);
	assert_int_equal(subject(f)->state, STATE_UNKNOWN);
	assert_true(subject(f)->score == 0.0f);
	assert_int_equal(f->changes[f->n_changes - 1].cause, CAUSE_FORGOTTEN);
}

static void
a_64_that_climbed_lately_is_listed_by_the_single_address(void **state)
{
	struct fixture *f = *state;
	char text[PREFIX_TEXT_SIZE];

	f->number = add(f, "2001:db8:1:2::9");
	subject(f)->climbed_at_s = (uint32_t)(NOW / SECOND) - 86400;
	blocklist_weigh(&f->list, f->number, NOW, 10.0f, 10.0f, GRADE_PROVEN, 0xbadULL);
	assert_string_equal(prefix_format(&f->changes[0].what, text), "2001:db8:1:2::bad/128");
	run_to(f, NOW + DAY);
	assert_string_equal(prefix_format(&f->changes[1].what, text), "2001:db8:1:2::bad/128");
	f->number = add(f, "2001:db8:1:3::9");
	weigh(f, NOW + DAY, 10.0f, GRADE_PROVEN);
	assert_string_equal(prefix_format(&f->changes[2].what, text), "2001:db8:1:3::/64");
}

static void
restore(struct fixture *f, uint32_t since_s, uint32_t expires_s)
{
	struct sender *s = subject(f);

	s->state = STATE_LISTED;
	s->score = s->blame = 10;
	s->sums_at_s = s->listed_since_s = since_s;
	s->expires_s = expires_s;
	blocklist_restored(&f->list, f->number, NOW);
}

static void
a_restored_listing_ends_when_it_should(void **state)
{
	struct fixture *f = *state;

	restore(f, (NOW - HOUR) / SECOND, (NOW + 23 * HOUR) / SECOND);
	assert_int_equal(subject(f)->state, STATE_LISTED);
	assert_int_equal(f->n_changes, 0);
	run_to(f, NOW + DAY);
	assert_int_not_equal(subject(f)->state, STATE_LISTED);
	assert_int_equal(f->n_changes, 1);
}

static void
a_listing_of_a_clock_that_was_ahead_does_not_last_until_then(void **state)
{
	static const struct { int64_t since, expires; } rows[] = {
		{ NOW + 400 * DAY, NOW + 401 * DAY }, { NOW - DAY, NOW + 401 * DAY }, { NOW + 2 * DAY, NOW + 3 * DAY },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		restore(f, (uint32_t)(rows[i].since / SECOND), (uint32_t)(rows[i].expires / SECOND));
		assert_int_equal(f->n_changes, i + 1);
		assert_int_not_equal(f->changes[i].new_state, STATE_LISTED);
		assert_true(subject(f)->sums_at_s <= NOW / SECOND);
		assert_int_equal(f->list.n_listed, 0);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_piece_makes_a_suspect_and_two_list),
		T(evidence_below_the_listing_grade_never_lists),
		T(proven_only_points_do_not_help_addressed_ones_to_list),
		T(a_listing_ends_after_a_day_and_leaves_less_than_half),
		T(new_proven_evidence_renews_the_term),
		T(a_relapse_doubles_the_term_up_to_thirty_days),
		T(decay_alone_never_lists_and_ends_a_suspicion),
		T(revisions_below_half_end_a_listing),
		T(allowing_a_listed_sender_ends_it_and_no_evidence_lists_it_again),
		T(a_never_listed_sender_is_not_listed_whatever_its_sum),
		T(forgetting_closes_the_listing_and_clears_the_sums),
		T(a_restored_listing_ends_when_it_should),
		T(a_listing_of_a_clock_that_was_ahead_does_not_last_until_then),
		T(a_64_that_climbed_lately_is_listed_by_the_single_address),
	};

	return cmocka_run_group_tests_name("blocklist", tests, NULL, NULL);
}
