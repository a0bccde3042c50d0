/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_never.c - who is never listed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mxtrap/never.h"

struct row {
	const char *name, *address;
	bool special;
};

static const struct row rows[] = {
	{ "private_10_is_special", "10.1.2.3", true }, { "private_172_is_special", "172.31.255.255", true },
	{ "next_to_private_172_is_not", "172.32.0.1", false }, { "private_192_is_special", "192.168.9.9", true },
	{ "carrier_nat_is_special", "100.64.0.1", true }, { "next_to_carrier_nat_is_not", "100.128.0.1", false },
	{ "loopback_is_special", "127.0.0.1", true }, { "link_local_is_special", "169.254.1.1", true },
	{ "documentation_1_is_special", "192.0.2.1", true }, { "documentation_2_is_special", "198.51.100.1", true },
	{ "documentation_3_is_special", "203.0.113.1", true }, { "benchmarking_is_special", "198.19.0.1", true },
	{ "relay_anycast_is_special", "192.88.99.1", true }, { "multicast_is_special", "224.0.0.1", true },
	{ "reserved_is_special", "240.0.0.1", true }, { "broadcast_is_special", "255.255.255.255", true },
	{ "a_public_resolver_is_not", "8.8.8.8", false }, { "this_network_is_special", "0.1.2.3", true },
	{ "ipv6_documentation_is_special", "2001:db8::1", true }, { "new_documentation_is_special", "3fff::1", true },
	{ "six_to_four_is_special", "2002::1", true }, { "teredo_is_special", "2001::1", true },
	{ "unique_local_is_special", "fd00::1", true }, { "ipv6_link_local_is_special", "fe80::1", true },
	{ "ipv6_multicast_is_special", "ff02::1", true }, { "ipv6_loopback_is_special", "::1", true },
	{ "as112_is_special", "2620:4f:8000::1", true }, { "global_unicast_is_not", "2a00:1450::1", false },
	{ "next_to_documentation_is_not", "2001:db9::1", false },
};

static struct prefix
prefix(const char *text)
{
	struct prefix p;

	assert_true(prefix_parse(&p, text));
	return p;
}

static void
test_special(void **state)
{
	const struct row *r = *state;
	struct prefix p = prefix(r->address);

	assert_int_equal(never_special(&p), r->special);
}

static bool
covers(const struct never *n, const char *text, int64_t now_s)
{
	struct prefix p = prefix(text);

	return never_covers(n, &p, now_s);
}

static void
a_network_covers_its_addresses_and_not_the_next(void **state)
{
	struct never n = { .n = 0 };
	struct prefix net = prefix("192.0.2.0/24"), wide = prefix("192.0.0.0/16");

	(void)state;
	assert_true(never_add(&n, &net, 0));
	assert_true(covers(&n, "192.0.2.7", 0));
	assert_false(covers(&n, "192.0.3.7", 0));
	assert_true(never_add(&n, &wide, 0));
	assert_true(covers(&n, "192.0.3.7", 0));
	assert_true(never_remove(&n, &wide));
	assert_false(never_remove(&n, &wide));
	assert_false(covers(&n, "192.0.3.7", 0));
	never_free(&n);
}

static void
an_address_inside_a_64_covers_the_64(void **state)
{
	struct never n = { .n = 0 };
	struct prefix host = prefix("2001:db8:1:2::9");

	(void)state;
	assert_true(never_add(&n, &host, 0));
	assert_true(covers(&n, "2001:db8:1:2::/64", 0));
	assert_false(covers(&n, "2001:db8:1:3::/64", 0));
	never_free(&n);
}

static void
an_entry_ends_at_its_expiry_and_can_be_prolonged(void **state)
{
	struct never n = { .n = 0 };
	struct prefix host = prefix("192.0.2.7");

	(void)state;
	assert_true(never_add(&n, &host, 1000));
	assert_true(covers(&n, "192.0.2.7", 999));
	assert_false(covers(&n, "192.0.2.7", 1000));
	assert_true(never_add(&n, &host, 2000));
	assert_int_equal(n.n, 1);
	assert_true(covers(&n, "192.0.2.7", 1500));
	never_free(&n);
}

static void
special_purpose_counts_only_where_it_is_asked_for(void **state)
{
	struct never n = { .n = 0 };

	(void)state;
	assert_false(covers(&n, "10.0.0.1", 0));
	n.special_purpose = true;
	assert_true(covers(&n, "10.0.0.1", 0));
	never_free(&n);
}

static int64_t
until(const struct never *n, const char *text, int64_t now_s)
{
	struct prefix p = prefix(text);

	return never_until(n, &p, now_s);
}

static void
it_is_over_when_the_last_entry_that_covers_is(void **state)
{
	struct never n = { .n = 0 };
	struct prefix host = prefix("192.0.2.7"), net = prefix("192.0.2.0/24"), wide = prefix("192.0.0.0/16");

	(void)state;
	assert_true(never_add(&n, &host, 1000));
	assert_true(never_add(&n, &net, 3000));
	assert_int_equal(until(&n, "192.0.2.7", 500), 3000);
	assert_int_equal(until(&n, "192.0.2.8", 500), 3000);
	assert_int_equal(until(&n, "192.0.3.7", 500), 500);
	assert_int_equal(until(&n, "192.0.2.7", 3000), 3000);
	assert_true(never_add(&n, &wide, 0));
	assert_int_equal(until(&n, "192.0.2.7", 500), 0);
	assert_int_equal(until(&n, "10.0.0.1", 500), 500);
	n.special_purpose = true;
	assert_int_equal(until(&n, "10.0.0.1", 500), 0);
	never_free(&n);
}

static void
thousands_of_entries_are_found(void **state)
{
	struct never n = { .n = 0 };

	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		uint8_t b[4] = { 20, (uint8_t)(i * 7), (uint8_t)(i >> 3), (uint8_t)i };
		struct addr a = addr_from_v4(b);
		struct prefix p = prefix_of(&a, 128);

		assert_true(never_add(&n, &p, 0));
	}
	for (uint32_t i = 0; i < 3000; i++) {
		uint8_t b[4] = { 20, (uint8_t)(i * 7), (uint8_t)(i >> 3), (uint8_t)i };
		struct addr a = addr_from_v4(b);
		struct prefix p = prefix_of(&a, 128);

		assert_true(never_covers(&n, &p, 0));
	}
	assert_false(covers(&n, "21.0.0.0", 0));
	never_free(&n);
}

#define N(array) (sizeof(array) / sizeof((array)[0]))

int
main(void)
{
	struct CMUnitTest tests[N(rows) + 6];
	size_t n = 0;

	for (size_t i = 0; i < N(rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_special,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_network_covers_its_addresses_and_not_the_next);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(an_address_inside_a_64_covers_the_64);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(an_entry_ends_at_its_expiry_and_can_be_prolonged);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(special_purpose_counts_only_where_it_is_asked_for);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(it_is_over_when_the_last_entry_that_covers_is);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(thousands_of_entries_are_found);
	return cmocka_run_group_tests_name("never", tests, NULL, NULL);
}
