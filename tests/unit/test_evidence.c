/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_evidence.c - names, numbers and points: one named test a kind of evidence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mxtrap/evidence.h"

/* The kinds are stored by number and shown by name: neither may ever change. */
struct row {
	const char *name;
	enum evidence_kind kind;
	int number;
	const char *word;
	int score, hint;		/* tenths */
};

static const struct row rows[] = {
	{ "backup_first_counts_five_on_both_routes", EVIDENCE_BACKUP_FIRST, 0, "backup_first", 50, 50 },
	{ "descended_counts_one_and_a_half_in_score_only", EVIDENCE_DESCENDED, 1, "descended", 15, 0 },
	{ "decoys_only_counts_two_point_three", EVIDENCE_DECOYS_ONLY, 2, "decoys_only", 23, 23 },
	{ "impatient_is_a_hint_only", EVIDENCE_IMPATIENT, 3, "impatient", 0, 23 },
	{ "gave_up_is_a_hint_only", EVIDENCE_GAVE_UP, 4, "gave_up", 0, 10 },
	{ "early_talker_counts_three", EVIDENCE_EARLY_TALKER, 5, "early_talker", 30, 30 },
	{ "bad_helo_counts_two", EVIDENCE_BAD_HELO, 6, "bad_helo", 20, 20 },
	{ "climbed_speaks_for_the_sender", EVIDENCE_CLIMBED, 7, "climbed", -30, -30 },
	{ "reached_real_weighs_nothing", EVIDENCE_REACHED_REAL, 8, "reached_real", 0, 0 },
	{ "skipped_nolisting_weighs_nothing", EVIDENCE_SKIPPED_NOLISTING, 9, "skipped_nolisting", 0, 0 },
	{ "probed_weighs_nothing", EVIDENCE_PROBED, 10, "probed", 0, 0 },
	{ "swept_weighs_nothing", EVIDENCE_SWEPT, 11, "swept", 0, 0 },
	{ "by_hand_weighs_nothing", EVIDENCE_BY_HAND, 12, "by_hand", 0, 0 },
	{ "addressed_weighs_nothing", EVIDENCE_ADDRESSED, 13, "addressed", 0, 0 },
	{ "foreign_weighs_nothing", EVIDENCE_FOREIGN, 14, "foreign", 0, 0 },
	{ "accepted_weighs_nothing", EVIDENCE_ACCEPTED, 15, "accepted", 0, 0 },
};

#define N(array) (sizeof(array) / sizeof((array)[0]))
_Static_assert(N(rows) == EVIDENCE_N_KINDS, "a row for each kind");

static bool
is_tenths(float points, int tenths)
{
	float apart = points * 10.0f - (float)tenths;

	return apart < 0.001f && apart > -0.001f;
}

static void
test_kind(void **state)
{
	const struct row *r = *state;
	const struct evidence_info *info = evidence_info(r->kind);

	assert_int_equal(r->kind, r->number);
	assert_string_equal(info->name, r->word);
	assert_true(is_tenths(info->score, r->score));
	assert_true(is_tenths(info->hint, r->hint));
	assert_true(strlen(info->says) > 20);
}

struct doubt_row {
	const char *name;
	enum doubt doubt;
	int bit;
	const char *word;
};

static const struct doubt_row doubts[] = {
	{ "real_down_is_doubt_0", DOUBT_REAL_DOWN, 0, "real_down" },
	{ "own_path_is_doubt_1", DOUBT_OWN_PATH, 1, "own_path" },
	{ "blind_is_doubt_2", DOUBT_BLIND, 2, "blind" },
	{ "drops_is_doubt_3", DOUBT_DROPS, 3, "drops" },
	{ "overflow_is_doubt_4", DOUBT_OVERFLOW, 4, "overflow" },
	{ "clock_step_is_doubt_5", DOUBT_CLOCK_STEP, 5, "clock_step" },
	{ "start_grace_is_doubt_6", DOUBT_START_GRACE, 6, "start_grace" },
	{ "table_full_is_doubt_7", DOUBT_TABLE_FULL, 7, "table_full" },
	{ "new_layout_is_doubt_8", DOUBT_NEW_LAYOUT, 8, "new_layout" },
	{ "never_list_is_doubt_9", DOUBT_NEVER_LIST, 9, "never_list" },
	{ "foreign_is_doubt_10", DOUBT_FOREIGN, 10, "foreign" },
	{ "purged_is_doubt_11", DOUBT_PURGED, 11, "purged" },
	{ "correspondent_is_doubt_12", DOUBT_CORRESPONDENT, 12, "correspondent" },
	{ "real_unknown_is_doubt_13", DOUBT_REAL_UNKNOWN, 13, "real_unknown" },
	{ "a_lost_other_family_is_named", DOUBT_KIN_UNKNOWN, 14, "kin_unknown" },
	{ "a_delivery_is_named", DOUBT_ACCEPTED, 15, "accepted" },
	{ "another_protocol_is_named", DOUBT_FOREIGN_PROTOCOL, 16, "foreign_protocol" },
};
_Static_assert(N(doubts) == DOUBT_N, "a row for each doubt");

static void
test_doubt(void **state)
{
	const struct doubt_row *r = *state;

	assert_int_equal(r->doubt, 1 << r->bit);
	assert_string_equal(doubt_name(r->doubt), r->word);
	assert_true(strlen(doubt_says(r->doubt)) > 20);
}

static void
an_unknown_doubt_and_two_at_once_have_a_name_too(void **state)
{
	(void)state;
	assert_string_equal(doubt_name((enum doubt)(1 << 17)), "unknown");
	assert_string_equal(doubt_name((enum doubt)(DOUBT_DROPS | DOUBT_BLIND)), "unknown");
	assert_true(strlen(doubt_says((enum doubt)(1 << 17))) > 0);
}

static void
grades_states_and_classes_are_in_order(void **state)
{
	static const char *const grades[] = { "none", "syn", "resyn", "proven", "addressed", "accepted" };
	static const char *const states[] = { "unknown", "noticed", "cleared", "suspect", "listed", "allowed" };
	static const char *const classes[] = { "sender", "prober", "scanner" };

	(void)state;
	assert_int_equal(N(grades), GRADE_ACCEPTED + 1);
	assert_int_equal(N(states), STATE_N);
	for (unsigned i = 0; i < N(grades); i++)
		assert_string_equal(grade_name((enum grade)i), grades[i]);
	for (unsigned i = 0; i < N(states); i++)
		assert_string_equal(state_name((enum sender_state)i), states[i]);
	for (unsigned i = 0; i < N(classes); i++)
		assert_string_equal(class_name((enum sender_class)i), classes[i]);
}

int
main(void)
{
	struct CMUnitTest tests[N(rows) + N(doubts) + 2];
	size_t n = 0;

	for (size_t i = 0; i < N(rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_kind,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	for (size_t i = 0; i < N(doubts); i++)
		tests[n++] = (struct CMUnitTest){ .name = doubts[i].name, .test_func = test_doubt,
			.initial_state = (void *)(uintptr_t)&doubts[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(an_unknown_doubt_and_two_at_once_have_a_name_too);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(grades_states_and_classes_are_in_order);
	return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
