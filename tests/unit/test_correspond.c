/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_correspond.c - hosts that we send mail to: matched exactly, bounded, the oldest make room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mxtrap/correspond.h"

#define SECOND 1000000LL
#define NOW    (1700000040 * SECOND)
#define NOW_S  1700000040U

static const uint8_t KEY[16] = { 5 };

static struct addr
addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(&a, text));
	return a;
}

static struct addr
host(uint32_t i)
{
	return addr_from_v4((const uint8_t[4]){ 20, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i });
}

static int
setup(void **state)
{
	struct correspond *c = calloc(1, sizeof(*c));

	assert_true(correspond_init(c, KEY));
	*state = c;
	return 0;
}

static int
teardown(void **state)
{
	correspond_free(*state);
	free(*state);
	return 0;
}

static bool
knows(const struct correspond *c, const char *text, uint32_t now_s)
{
	struct addr a = addr(text);

	return correspond_has(c, addr_sender(&a), now_s);
}

struct row {
	const char *name;
	const char *us, *them;
	uint16_t port;
	uint32_t ack;
	int64_t	 after;
	enum correspond_result want;
};

/* Asked: 198.51.100.20:40000 to 192.0.2.7, ISN 1000. */
static const struct row rows[] = {
	{ "the_answer_makes_a_correspondent", "198.51.100.20", "192.0.2.7", 40000, 1001, SECOND, CORRESPOND_NEW },
	{ "an_answer_to_another_number_does_not", "198.51.100.20", "192.0.2.7", 40000, 1000, SECOND, CORRESPOND_NO },
	{ "an_answer_to_another_port_does_not", "198.51.100.20", "192.0.2.7", 40001, 1001, SECOND, CORRESPOND_NO },
	{ "an_answer_of_another_host_does_not", "198.51.100.20", "192.0.2.8", 40000, 1001, SECOND, CORRESPOND_NO },
	{ "an_answer_to_another_of_ours_does_not", "198.51.100.21", "192.0.2.7", 40000, 1001, SECOND, CORRESPOND_NO },
	{ "an_answer_just_in_time_does", "198.51.100.20", "192.0.2.7", 40000, 1001, CORRESPOND_WAIT_US - 1, CORRESPOND_NEW },
	{ "an_answer_too_late_does_not", "198.51.100.20", "192.0.2.7", 40000, 1001, CORRESPOND_WAIT_US, CORRESPOND_NO },
};

static void
test_answer(void **state)
{
	const struct row *r = *state;
	struct correspond c;
	struct addr us = addr("198.51.100.20"), them = addr("192.0.2.7"), to = addr(r->us), from = addr(r->them);

	assert_true(correspond_init(&c, KEY));
	correspond_syn(&c, &us, &them, 40000, 1000, NOW);
	assert_int_equal(correspond_synack(&c, &to, &from, r->port, r->ack, NOW + r->after), r->want);
	assert_int_equal(knows(&c, "192.0.2.7", NOW_S + 80), r->want == CORRESPOND_NEW);
	correspond_free(&c);
}

static void
one_answer_counts_once(void **state)
{
	struct correspond *c = *state;
	struct addr us = addr("198.51.100.20"), them = addr("192.0.2.7");

	correspond_syn(c, &us, &them, 40000, 0xffffffff, NOW);
	assert_int_equal(correspond_synack(c, &us, &them, 40000, 0, NOW), CORRESPOND_NEW);
	assert_int_equal(correspond_synack(c, &us, &them, 40000, 0, NOW), CORRESPOND_NO);
	assert_int_equal(c->answers, 1);
}

static void
the_store_is_told_once_an_hour(void **state)
{
	struct correspond *c = *state;
	struct addr us = addr("198.51.100.20"), them = addr("192.0.2.7");
	const struct { uint32_t after_s; enum correspond_result want; } at[] = {
		{ 0, CORRESPOND_NEW }, { 60, CORRESPOND_KNOWN }, { 3599, CORRESPOND_KNOWN }, { 3600, CORRESPOND_TELL },
		{ 3700, CORRESPOND_KNOWN }, { 3700 + CORRESPOND_TERM_S, CORRESPOND_NEW },
	};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		int64_t now = NOW + at[i].after_s * SECOND;

		correspond_syn(c, &us, &them, (uint16_t)(40000 + i), 1000, now);
		assert_int_equal(correspond_synack(c, &us, &them, (uint16_t)(40000 + i), 1001, now), at[i].want);
	}
}

static void
it_ends_seven_days_after_the_last_answer(void **state)
{
	struct correspond *c = *state;
	struct addr them = addr("2001:db8:7::25");

	correspond_restore(c, addr_sender(&them), NOW_S);
	assert_true(knows(c, "2001:db8:7::99", NOW_S + CORRESPOND_TERM_S - 1));
	assert_false(knows(c, "2001:db8:7::25", NOW_S + CORRESPOND_TERM_S));
}

static void
a_syn_that_is_sent_again_is_one(void **state)
{
	struct correspond *c = *state;
	struct addr us = addr("198.51.100.20"), them = addr("192.0.2.7");

	for (int i = 0; i < 20000; i++)
		correspond_syn(c, &us, &them, 40000, 1000, NOW + i);
	assert_int_equal(c->overtaken, 0);
	assert_int_equal(correspond_synack(c, &us, &them, 40000, 1001, NOW + SECOND), CORRESPOND_NEW);
}

static void
syns_that_wait_are_bounded_and_those_pushed_out_counted(void **state)
{
	struct correspond *c = *state;
	struct addr us = addr("198.51.100.20"), first = host(0), last = host(CORRESPOND_ASKED + 99);

	for (uint32_t i = 0; i < CORRESPOND_ASKED + 100; i++) {
		struct addr them = host(i);

		correspond_syn(c, &us, &them, 40000, i, NOW + i);
	}
	assert_int_equal(c->overtaken, 100);
	assert_int_equal(correspond_synack(c, &us, &first, 40000, 1, NOW + SECOND), CORRESPOND_NO);
	assert_int_equal(correspond_synack(c, &us, &last, 40000, CORRESPOND_ASKED + 100, NOW + SECOND), CORRESPOND_NEW);
}

static void
hosts_are_bounded_and_the_longest_silent_make_room(void **state)
{
	struct correspond *c = *state;
	uint32_t n_old = 0, n_new = 0;

	for (uint32_t i = 0; i < CORRESPOND_MAX; i++) {
		struct addr a = host(i);

		correspond_restore(c, addr_sender(&a), NOW_S + (i % 2 == 0 ? 0 : 1000));
	}
	for (uint32_t i = 0; i < 1000; i++) {
		struct addr a = host(0x800000 + i);

		correspond_restore(c, addr_sender(&a), NOW_S + 2000);
	}
	assert_int_equal(c->n, CORRESPOND_MAX);
	assert_int_equal(c->evicted, 1000);
	for (uint32_t i = 0; i < CORRESPOND_MAX; i++) {
		struct addr a = host(i);

		n_old += i % 2 == 0 && correspond_has(c, addr_sender(&a), NOW_S + 3000);
		n_new += i % 2 == 1 && correspond_has(c, addr_sender(&a), NOW_S + 3000);
	}
	assert_int_equal(n_new, CORRESPOND_MAX / 2);
	assert_int_equal(n_old, CORRESPOND_MAX / 2 - 1000);
}

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define T(name)	 cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest others[] = {
		T(one_answer_counts_once), T(the_store_is_told_once_an_hour), T(it_ends_seven_days_after_the_last_answer),
		T(a_syn_that_is_sent_again_is_one), T(syns_that_wait_are_bounded_and_those_pushed_out_counted),
		T(hosts_are_bounded_and_the_longest_silent_make_room),
	};
	struct CMUnitTest tests[N(rows)];
	int failed;

	for (size_t i = 0; i < N(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_answer,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	failed = cmocka_run_group_tests_name("correspond, answers", tests, NULL, NULL);
	return failed + cmocka_run_group_tests_name("correspond", others, NULL, NULL);
}
