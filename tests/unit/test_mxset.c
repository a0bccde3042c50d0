/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_mxset.c - ladders that are safe, and those that would lose mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mxtrap/mxset.h"
#include "mxtrap/siphash.h"

struct rung {
	uint16_t preference;
	enum role role;
	const char *address, *network;
};

struct row {
	const char *name;
	struct rung rungs[6];
	enum ladder_result want;
	int near;			/* -1: not asked */
};

static const struct row rows[] = {
	{ "a_classic_ladder_is_safe", { { 10, ROLE_NOLISTING, "198.51.100.10", "" }, { 20, ROLE_REAL, "198.51.100.20", "" },
	    { 90, ROLE_BOGUS, "198.51.100.30", "" } }, LADDER_OK, 1 },
	{ "the_order_in_the_file_does_not_matter", { { 90, ROLE_BOGUS, "198.51.100.30", "" },
	    { 20, ROLE_REAL, "198.51.100.20", "" }, { 10, ROLE_NOLISTING, "198.51.100.10", "" } }, LADDER_OK, 1 },
	{ "decoys_alone_lose_mail", { { 10, ROLE_NOLISTING, "198.51.100.10", "" }, { 90, ROLE_BOGUS, "198.51.100.30", "" } },
	    LADDER_NO_REAL, -1 },
	{ "a_backup_level_with_the_real_mx_is_misplaced", { { 20, ROLE_REAL, "198.51.100.20", "" },
	    { 20, ROLE_BOGUS, "198.51.100.30", "" } }, LADDER_DECOY_MISPLACED, -1 },
	{ "a_backup_between_real_ones_is_misplaced", { { 20, ROLE_REAL, "198.51.100.20", "" },
	    { 30, ROLE_BOGUS, "198.51.100.30", "" }, { 40, ROLE_REAL, "198.51.100.40", "" } }, LADDER_DECOY_MISPLACED, -1 },
	{ "a_low_decoy_above_the_real_mx_is_misplaced", { { 20, ROLE_REAL, "198.51.100.20", "" },
	    { 30, ROLE_NOLISTING, "198.51.100.10", "" } }, LADDER_DECOY_MISPLACED, -1 },
	{ "an_address_on_two_rungs_is_a_duplicate", { { 10, ROLE_NOLISTING, "198.51.100.20", "" },
	    { 20, ROLE_REAL, "198.51.100.20", "" } }, LADDER_DUPLICATE, -1 },
	{ "a_backup_in_another_24_is_far", { { 20, ROLE_REAL, "198.51.100.20", "" }, { 90, ROLE_BOGUS, "203.0.113.30", "" } },
	    LADDER_OK, 0 },
	{ "a_named_network_makes_it_near", { { 20, ROLE_REAL, "198.51.100.20", "x" }, { 90, ROLE_BOGUS, "203.0.113.30", "x" } },
	    LADDER_OK, 1 },
	{ "ipv6_is_near_in_its_48", { { 20, ROLE_REAL, "2001:db8:1:2::1", "" }, { 90, ROLE_BOGUS, "2001:db8:1:9::1", "" } },
	    LADDER_OK, 1 },
	{ "families_are_never_near_each_other", { { 20, ROLE_REAL, "198.51.100.20", "" },
	    { 90, ROLE_BOGUS, "2001:db8:1:9::1", "" } }, LADDER_OK, 0 },
};

static void
build(struct ladder *l, const struct row *r)
{
	*l = (struct ladder){ .n_sets = 1, .sets = calloc(1, sizeof(l->sets[0])) };
	l->sets[0].exchangers = calloc(6, sizeof(l->sets[0].exchangers[0]));
	for (size_t i = 0; i < 6 && r->rungs[i].address != NULL; i++) {
		struct exchanger *x = &l->sets[0].exchangers[l->sets[0].n_exchangers++];

		x->preference = r->rungs[i].preference;
		x->role = r->rungs[i].role;
		x->witness = WITNESS_WIRE;
		memcpy(x->network, r->rungs[i].network, strlen(r->rungs[i].network) + 1);
		x->n_addrs = 1;
		x->addrs = calloc(1, sizeof(x->addrs[0]));
		assert_true(addr_parse(&x->addrs[0], r->rungs[i].address));
	}
}

static void
test_ladder(void **state)
{
	const struct row *r = *state;
	struct ladder l;

	build(&l, r);
	assert_int_equal(ladder_finish(&l, NULL, NULL), r->want);
	if (r->near >= 0)
		assert_int_equal(l.sets[0].bogus_near, r->near);
	for (size_t i = 1; r->want == LADDER_OK && i < l.sets[0].n_exchangers; i++)
		assert_true(l.sets[0].exchangers[i].preference >= l.sets[0].exchangers[i - 1].preference);
	ladder_free(&l);
}

static void
addresses_are_found_with_their_rung(void **state)
{
	struct ladder l;
	struct addr a;

	(void)state;
	build(&l, &rows[1]);
	assert_int_equal(ladder_finish(&l, NULL, NULL), LADDER_OK);
	assert_true(addr_parse(&a, "198.51.100.30"));
	assert_int_equal(ladder_find(&l, &a)->role, ROLE_BOGUS);
	assert_int_equal(ladder_find(&l, &a)->rung, 2);
	assert_true(addr_parse(&a, "198.51.100.31"));
	assert_null(ladder_find(&l, &a));
	ladder_free(&l);
}

static void
equal_preferences_are_one_rung(void **state)
{
	static const struct row r = { "", { { 20, ROLE_REAL, "198.51.100.20", "" }, { 20, ROLE_REAL, "198.51.100.21", "" },
	    { 90, ROLE_BOGUS, "198.51.100.30", "" } }, LADDER_OK, 1 };
	struct ladder l;

	(void)state;
	build(&l, &r);
	assert_int_equal(ladder_finish(&l, NULL, NULL), LADDER_OK);
	assert_int_equal(l.sets[0].exchangers[1].rung, 0);
	assert_int_equal(l.sets[0].exchangers[2].rung, 1);
	assert_int_equal(l.sets[0].n_rungs, 2);
	ladder_free(&l);
}

static void
roles_and_answers_have_names(void **state)
{
	(void)state;
	assert_string_equal(role_name(ROLE_NOLISTING), "nolisting");
	assert_string_equal(role_name(ROLE_REAL), "real");
	assert_string_equal(role_name(ROLE_BOGUS), "bogus");
	assert_string_equal(role_name(ROLE_CONTROL), "control");
	assert_string_equal(answer_name(ANSWER_NONE), "none");
	assert_string_equal(answer_name(ANSWER_RESET), "reset");
	assert_string_equal(answer_name(ANSWER_DIALOGUE), "dialogue");
}

static void
siphash_of_two_keys_differ_and_one_repeats(void **state)
{
	uint8_t a[16] = { 0 }, b[16] = { 1 };

	(void)state;
	assert_true(siphash13(a, 1, 2) == siphash13(a, 1, 2));
	assert_true(siphash13(a, 1, 2) != siphash13(b, 1, 2));
	assert_true(siphash13(a, 1, 2) != siphash13(a, 2, 1));
}

#define N(array) (sizeof(array) / sizeof((array)[0]))

int
main(void)
{
	struct CMUnitTest tests[N(rows) + 4];
	size_t n = 0;

	for (size_t i = 0; i < N(rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_ladder,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(addresses_are_found_with_their_rung);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(equal_preferences_are_one_rung);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(roles_and_answers_have_names);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(siphash_of_two_keys_differ_and_one_repeats);
	return cmocka_run_group_tests_name("mxset", tests, NULL, NULL);
}
