/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_judge.c - the arithmetic of the sequential test, and the table of evidence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mxtrap/judge.h"

#define DAY 86400

static bool
near(double a, double b)
{
	return a - b < 0.01 && b - a < 0.01;
}

static void
the_thresholds_follow_from_the_error_targets(void **state)
{
	struct judge_params p;

	(void)state;
	judge_defaults(&p);
	assert_true(near(judge_upper(&p), 9.105));
	assert_true(near(judge_lower(&p), -2.302));
	p.false_listing = 0.01;
	assert_true(near(judge_upper(&p), 4.5));
}

static void
a_sum_halves_in_a_half_life_and_never_changes_sign(void **state)
{
	struct judge_params p;

	(void)state;
	judge_defaults(&p);
	assert_true(near((double)judge_decay(&p, 8.0f, 14 * DAY), 4.0));
	assert_true(near((double)judge_decay(&p, -3.0f, 14 * DAY), -1.5));
	assert_true(near((double)judge_decay(&p, 8.0f, -5), 8.0));
	assert_true(judge_decay(&p, 8.0f, 36500LL * DAY) >= 0.0f);
}

static void
points_that_are_no_suspicion_alone_stay_below_it_whatever_the_targets(void **state)
{
	struct judge_params p;

	(void)state;
	judge_defaults(&p);
	assert_true(near((double)judge_harmless(&p, 2.3f), 2.3));
	for (p.false_listing = 0.5; p.false_listing > 1e-6; p.false_listing /= 2)
		assert_true(judge_state(&p, judge_harmless(&p, 20.0f), 0) != STATE_SUSPECT);
	assert_true(near((double)judge_harmless(&p, -3.0f), -3.0));
}

static void
no_credit_can_be_banked_and_no_debt_grows_for_ever(void **state)
{
	float sum = 0;

	(void)state;
	for (int i = 0; i < 50; i++)
		sum = judge_add(sum, -3.0f);
	assert_true(sum == JUDGE_SUM_MIN);
	for (int i = 0; i < 50; i++)
		sum = judge_add(sum, 5.0f);
	assert_true(sum == JUDGE_SUM_MAX);
}

static void
two_visits_at_most_four_days_apart_reach_the_threshold(void **state)
{
	struct judge_params p;

	(void)state;
	judge_defaults(&p);
	assert_true((double)judge_add(judge_decay(&p, 5.0f, 3 * DAY + DAY / 2), 5.0f) >= judge_upper(&p));
	assert_true((double)judge_add(judge_decay(&p, 5.0f, 4 * DAY + DAY / 2), 5.0f) < judge_upper(&p));
}

static void
the_time_until_a_level_is_when_decay_reaches_it(void **state)
{
	struct judge_params p;
	int64_t s;

	(void)state;
	judge_defaults(&p);
	s = judge_until(&p, 5.0f, 4.5525f);
	assert_true(judge_decay(&p, 5.0f, s) <= 4.5525f);
	assert_true(judge_decay(&p, 5.0f, s - 60) > 4.5525f);
	assert_int_equal(judge_until(&p, 4.0f, 4.5f), 0);
	assert_int_equal(judge_until(&p, 4.0f, 0.0f), 0);
}

struct row {
	const char *name;
	float score, hint;
	enum sender_state want;
};

static const struct row rows[] = {
	{ "nothing_known_is_unknown", 0, 0, STATE_UNKNOWN },
	{ "half_the_threshold_is_a_suspect", 4.6f, 0, STATE_SUSPECT },
	{ "less_than_half_is_not", 4.5f, 0, STATE_UNKNOWN },
	{ "a_hint_alone_is_noticed", 0, 4.6f, STATE_NOTICED },
	{ "the_lower_threshold_clears", -2.31f, 0, STATE_CLEARED },
	{ "cleared_comes_before_noticed", -3.0f, 5.0f, STATE_CLEARED },
	{ "suspect_comes_before_noticed", 5.0f, 5.0f, STATE_SUSPECT },
	{ "sums_alone_never_list", 20.0f, 20.0f, STATE_SUSPECT },
};

static void
test_state(void **state)
{
	const struct row *r = *state;
	struct judge_params p;

	judge_defaults(&p);
	assert_int_equal(judge_state(&p, r->score, r->hint), r->want);
}

static void
every_kind_grade_state_and_doubt_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < EVIDENCE_N_KINDS; i++) {
		assert_true(strlen(evidence_info((enum evidence_kind)i)->says) > 10);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(evidence_info((enum evidence_kind)i)->name, evidence_info((enum evidence_kind)j)->name);
	}
	for (int i = 0; i < DOUBT_N; i++)
		for (int j = 0; j < i; j++) {
			assert_string_not_equal(doubt_name((enum doubt)(1 << i)), doubt_name((enum doubt)(1 << j)));
			assert_string_not_equal(doubt_says((enum doubt)(1 << i)), doubt_says((enum doubt)(1 << j)));
		}
	for (int i = 1; i < STATE_N; i++)
		assert_string_not_equal(state_name((enum sender_state)i), state_name((enum sender_state)(i - 1)));
	for (int i = 1; i <= GRADE_ACCEPTED; i++)
		assert_string_not_equal(grade_name((enum grade)i), grade_name((enum grade)(i - 1)));
	assert_string_equal(class_name(CLASS_PROBER), "prober");
	assert_string_equal(class_name(CLASS_SCANNER), "scanner");
	assert_string_equal(class_name(CLASS_SENDER), "sender");
}

#define N(array) (sizeof(array) / sizeof((array)[0]))

int
main(void)
{
	struct CMUnitTest tests[N(rows) + 7];
	size_t n = 0;

	for (size_t i = 0; i < N(rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_state,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_thresholds_follow_from_the_error_targets);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_sum_halves_in_a_half_life_and_never_changes_sign);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(points_that_are_no_suspicion_alone_stay_below_it_whatever_the_targets);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(no_credit_can_be_banked_and_no_debt_grows_for_ever);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(two_visits_at_most_four_days_apart_reach_the_threshold);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_time_until_a_level_is_when_decay_reaches_it);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_kind_grade_state_and_doubt_has_a_name_of_its_own);
	return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
