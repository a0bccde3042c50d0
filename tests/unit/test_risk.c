/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_risk.c - how much a sender looks like a mail server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mxtrap/evidence.h"
#include "mxtrap/mxset.h"
#include "mxtrap/risk.h"
#include "mxtrap/sender.h"

#define LINUX "4:64+0:0:1460:mss*20,7:mss,sok,ts,nop,ws:df,id+:0"
#define RAW   "4:64+0:0:0:1024,0::seq-:0"

static const struct risk_facts server = { .n_visits = 5, .n_attempts = 5, .n_queue_gaps = 4, .tried = 1, .failed = 1,
	.max_syns = 1, .stack_known = true, .stack_sane = true };

static void
a_queue_is_more_like_a_server_than_one_visit(void **state)
{
	struct risk_facts once = server;
	uint16_t why;

	(void)state;
	once.n_visits = once.n_attempts = 1;
	once.n_queue_gaps = 0;
	assert_true(risk_likeness(&server, &why) > risk_likeness(&once, &why));
	assert_false(why & 1U << RISK_QUEUE_SPACING);
}

static void
who_failed_at_the_real_mx_comes_before_who_knows_one_mx_only(void **state)
{
	struct risk_facts failed = server;
	uint16_t why;

	(void)state;
	failed.tried = failed.failed = 3;
	assert_true(risk_likeness(&failed, &why) > risk_likeness(&server, &why));
	assert_true(why & 1U << RISK_LOW_ONLY);
}

static void
each_thing_that_speaks_against_a_server_lowers_it(void **state)
{
	struct risk_facts odd[6] = { server, server, server, server, server, server };
	uint16_t why;

	(void)state;
	odd[0].klass = CLASS_SCANNER;
	odd[1].kinds = 1 << EVIDENCE_IMPATIENT;
	odd[2].kinds = 1 << EVIDENCE_BAD_HELO;
	odd[3].one_port = true;
	odd[4].stack_sane = false;
	odd[5].neighbour = true;
	for (size_t i = 0; i < 6; i++)
		assert_true(risk_likeness(&odd[i], &why) < risk_likeness(&server, &why));
}

/* Any program completes a handshake with our own decoy: it makes nobody a mail server. */
static void
a_handshake_with_a_decoy_makes_no_mail_server(void **state)
{
	struct risk_facts bot = { .n_visits = 1, .n_attempts = 2, .tried = 1U << ROLE_NOLISTING | 1U << ROLE_BOGUS,
		.failed = 1U << ROLE_NOLISTING, .proven = true, .stack_known = true, .stack_sane = true };
	struct risk_facts once = server, unproven = bot;
	uint16_t why;

	(void)state;
	once.n_visits = once.n_attempts = 1;
	once.n_queue_gaps = 0;
	unproven.proven = false;
	assert_true(risk_likeness(&bot, &why) < risk_likeness(&once, &why));
	assert_true(risk_likeness(&bot, &why) <= risk_likeness(&unproven, &why));
	assert_true(risk_likeness(&bot, &why) < RISK_LIKELY);
	assert_true(why & 1U << RISK_PASSED_REAL);
	assert_true(risk_likeness(&server, &why) >= RISK_LIKELY);
	/* Its attempt at the real MX failed: one visit is enough. */
	once.tried = once.failed = 1U << ROLE_NOLISTING | 1U << ROLE_REAL;
	assert_true(risk_likeness(&once, &why) >= RISK_LIKELY);
}

static void
the_likeness_is_the_sum_of_its_reasons(void **state)
{
	float sum = 0;
	uint16_t why;
	float likeness = risk_likeness(&server, &why);

	(void)state;
	for (enum risk_reason i = 0; i < RISK_N; i++) {
		sum += (why & 1U << i) != 0 ? risk_points(i) : 0;
		assert_non_null(risk_name(i));
		assert_true(strlen(risk_says(i)) > 5);
	}
	assert_true(sum > likeness - 0.01f && sum < likeness + 0.01f);
}

static void
pauses_of_seconds_and_of_days_are_no_queue(void **state)
{
	(void)state;
	assert_false(risk_queue_gap(60));
	assert_true(risk_queue_gap(300));
	assert_true(risk_queue_gap(4 * 3600));
	assert_false(risk_queue_gap(3 * 86400));
}

static void
a_syn_without_options_is_no_stack(void **state)
{
	(void)state;
	assert_true(risk_stack_sane(LINUX));
	assert_false(risk_stack_sane(RAW));
	assert_false(risk_stack_sane(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_is_more_like_a_server_than_one_visit),
		cmocka_unit_test(who_failed_at_the_real_mx_comes_before_who_knows_one_mx_only),
		cmocka_unit_test(each_thing_that_speaks_against_a_server_lowers_it),
		cmocka_unit_test(a_handshake_with_a_decoy_makes_no_mail_server),
		cmocka_unit_test(the_likeness_is_the_sum_of_its_reasons),
		cmocka_unit_test(pauses_of_seconds_and_of_days_are_no_queue),
		cmocka_unit_test(a_syn_without_options_is_no_stack),
	};

	return cmocka_run_group_tests_name("risk", tests, NULL, NULL);
}
