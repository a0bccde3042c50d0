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

/* Each row of the IANA special-purpose address registries (IPv4: 25 rows, IPv6: 23 but ::ffff:0:0/96, in
 * which IPv4 is held here), and multicast. */
static const struct registry_row {
	const char *name, *block;
} registry[] = {
	{ "registry_this_network", "0.0.0.0/8" },
	{ "registry_this_host", "0.0.0.0/32" },
	{ "registry_private_use_10", "10.0.0.0/8" },
	{ "registry_shared_address_space", "100.64.0.0/10" },
	{ "registry_loopback", "127.0.0.0/8" },
	{ "registry_link_local", "169.254.0.0/16" },
	{ "registry_private_use_172", "172.16.0.0/12" },
	{ "registry_ietf_protocol_assignments", "192.0.0.0/24" },
	{ "registry_ipv4_service_continuity", "192.0.0.0/29" },
	{ "registry_ipv4_dummy", "192.0.0.8/32" },
	{ "registry_port_control_anycast", "192.0.0.9/32" },
	{ "registry_turn_anycast", "192.0.0.10/32" },
	{ "registry_nat64_discovery", "192.0.0.170/32" },
	{ "registry_dns64_discovery", "192.0.0.171/32" },
	{ "registry_test_net_1", "192.0.2.0/24" },
	{ "registry_as112_v4", "192.31.196.0/24" },
	{ "registry_amt", "192.52.193.0/24" },
	{ "registry_6to4_relay_anycast", "192.88.99.0/24" },
	{ "registry_6a44_relay_anycast", "192.88.99.2/32" },
	{ "registry_private_use_192", "192.168.0.0/16" },
	{ "registry_direct_delegation_as112", "192.175.48.0/24" },
	{ "registry_benchmarking_v4", "198.18.0.0/15" },
	{ "registry_test_net_2", "198.51.100.0/24" },
	{ "registry_test_net_3", "203.0.113.0/24" },
	{ "registry_multicast_v4", "224.0.0.0/4" },
	{ "registry_reserved", "240.0.0.0/4" },
	{ "registry_limited_broadcast", "255.255.255.255/32" },
	{ "registry_loopback_v6", "::1/128" },
	{ "registry_unspecified_v6", "::/128" },
	{ "registry_nat64", "64:ff9b::/96" },
	{ "registry_nat64_local", "64:ff9b:1::/48" },
	{ "registry_discard_only", "100::/64" },
	{ "registry_dummy_v6", "100:0:0:1::/64" },
	{ "registry_ietf_protocol_assignments_v6", "2001::/23" },
	{ "registry_teredo", "2001::/32" },
	{ "registry_port_control_anycast_v6", "2001:1::1/128" },
	{ "registry_turn_anycast_v6", "2001:1::2/128" },
	{ "registry_dns_sd_anycast", "2001:1::3/128" },
	{ "registry_benchmarking_v6", "2001:2::/48" },
	{ "registry_amt_v6", "2001:3::/32" },
	{ "registry_as112_v6", "2001:4:112::/48" },
	{ "registry_orchid", "2001:10::/28" },
	{ "registry_orchidv2", "2001:20::/28" },
	{ "registry_drone_remote_id", "2001:30::/28" },
	{ "registry_documentation_v6", "2001:db8::/32" },
	{ "registry_6to4", "2002::/16" },
	{ "registry_direct_delegation_as112_v6", "2620:4f:8000::/48" },
	{ "registry_documentation_v6_new", "3fff::/20" },
	{ "registry_segment_routing", "5f00::/16" },
	{ "registry_unique_local", "fc00::/7" },
	{ "registry_link_local_v6", "fe80::/10" },
	{ "registry_multicast_v6", "ff00::/8" },
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

/* Its first and its last address, as a sender (an IPv4 address or a /64), are special. */
static void
test_registry(void **state)
{
	const struct registry_row *r = *state;
	struct prefix block = prefix(r->block), at;
	struct addr last = block.addr;

	for (unsigned bit = block.len; bit < 128; bit++)
		last.b[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	at = sender_prefix(addr_sender(&block.addr));
	assert_true(never_special(&at));
	at = sender_prefix(addr_sender(&last));
	assert_true(never_special(&at));
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

/* Whatever a laboratory allows: to list it would be to list all of IPv4. */
static void
a_64_in_which_ipv4_lies_is_covered_without_the_registries(void **state)
{
	struct never n = { .n = 0 };
	struct prefix mapped = prefix("::/64");

	(void)state;
	assert_true(covers(&n, "::/64", 0));
	assert_true(covers(&n, "64:ff9b::/64", 0));
	assert_int_equal(never_until(&n, &mapped, 9), 0);
	assert_false(covers(&n, "64:ff9b:1::/64", 0));
	assert_false(covers(&n, "0:0:0:1::/64", 0));
	assert_false(covers(&n, "192.0.2.7", 0));
	assert_false(covers(&n, "0.0.0.1", 0));
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

static bool
holds(const struct never *n, const char *text, unsigned mask)
{
	struct addr a;

	assert_true(addr_parse(&a, text));
	return never_holds(n, &a, mask);
}

static void
all_reasons_of_a_part_of_it_are_named(void **state)
{
	struct never n = { .special_purpose = true };
	struct prefix net = prefix("198.18.7.0/24"), one = prefix("198.18.7.9"), own = prefix("2a00::7"), wide = prefix("2a00::/64"),
	    mapped = prefix("64:ff9b::/64"), special = prefix("192.0.2.1"), none = prefix("45.10.1.1"), past = prefix("45.10.1.2");

	(void)state;
	assert_true(never_add(&n, &net, 0));
	assert_true(never_set(&n, &one, NEVER_CONFIGURED | NEVER_OWN, NEVER_CONFIGURED));
	assert_true(never_set(&n, &own, NEVER_HOST, NEVER_OWN | NEVER_RESOLVER));
	assert_true(never_add(&n, &past, 50));
	assert_int_equal(never_reasons(&n, &one, 100), NEVER_ALLOWED | NEVER_CONFIGURED | NEVER_SPECIAL);
	assert_int_equal(never_reasons(&n, &own, 100), NEVER_OWN | NEVER_RESOLVER);
	assert_int_equal(never_reasons(&n, &wide, 100), NEVER_OWN | NEVER_RESOLVER);
	assert_int_equal(never_reasons(&n, &mapped, 100), NEVER_IPV4 | NEVER_SPECIAL);
	assert_int_equal(never_reasons(&n, &special, 100), NEVER_SPECIAL);
	assert_int_equal(never_reasons(&n, &none, 100), 0);
	/* As never_covers() has it: what has ended is none. */
	assert_int_equal(never_reasons(&n, &past, 49), NEVER_ALLOWED);
	assert_int_equal(never_reasons(&n, &past, 50), 0);
	assert_false(never_covers(&n, &past, 50));
	never_free(&n);
}

static void
an_address_stays_in_until_its_last_reason_has_ended(void **state)
{
	struct never n = { .n = 0 };
	struct prefix host = prefix("192.0.2.7");

	(void)state;
	assert_true(never_set(&n, &host, NEVER_HOST, NEVER_OWN | NEVER_RESOLVER));
	assert_true(never_set(&n, &host, NEVER_CONFIGURED, NEVER_CONFIGURED));
	assert_true(never_add(&n, &host, 1000));
	assert_int_equal(n.n, 1);
	assert_int_equal(until(&n, "192.0.2.7", 500), 0);
	assert_true(holds(&n, "192.0.2.7", NEVER_OWN));
	assert_false(holds(&n, "192.0.2.7", NEVER_GATEWAY));
	assert_true(never_set(&n, &host, NEVER_HOST, NEVER_RESOLVER));
	assert_false(holds(&n, "192.0.2.7", NEVER_OWN));
	assert_true(never_set(&n, &host, NEVER_HOST, 0));
	assert_true(covers(&n, "192.0.2.7", 2000));
	assert_true(never_set(&n, &host, NEVER_CONFIGURED, 0));
	assert_true(covers(&n, "192.0.2.7", 999));
	assert_false(covers(&n, "192.0.2.7", 1000));
	assert_true(never_remove(&n, &host));
	assert_int_equal(n.n, 0);
	never_free(&n);
}

static void
allowing_for_an_hour_shortens_nothing_that_holds_for_ever(void **state)
{
	struct never n = { .n = 0 };
	struct prefix host = prefix("192.0.2.7");

	(void)state;
	assert_true(never_set(&n, &host, NEVER_CONFIGURED, NEVER_CONFIGURED));
	assert_true(never_add(&n, &host, 1000));
	assert_true(covers(&n, "192.0.2.7", 5000));
	assert_true(never_remove(&n, &host));
	assert_true(covers(&n, "192.0.2.7", 5000));
	assert_false(never_remove(&n, &host));
	never_free(&n);
}

static void
what_is_over_makes_room_and_the_rest_stays(void **state)
{
	struct never n = { .n = 0 };
	struct prefix gone = prefix("192.0.2.7"), stays = prefix("192.0.2.8"), own = prefix("192.0.2.9");

	(void)state;
	assert_true(never_add(&n, &gone, 1000));
	assert_true(never_add(&n, &stays, 3000));
	assert_true(never_set(&n, &own, NEVER_HOST, NEVER_OWN));
	never_prune(&n, 0, 1000);
	assert_int_equal(n.n, 2);
	assert_true(covers(&n, "192.0.2.8", 2000));
	never_prune(&n, NEVER_HOST, 0);
	assert_int_equal(n.n, 1);
	assert_false(covers(&n, "192.0.2.9", 0));
	never_free(&n);
}

static void
the_set_is_bounded_and_counts_what_found_no_room(void **state)
{
	struct never n = { .n = 0 };
	struct addr a = addr_from_v4((const uint8_t[4]){ 20, 0, 0, 0 });
	struct prefix p;

	(void)state;
	for (uint32_t i = 0; i < NEVER_MAX; i++) {
		a.b[13] = (uint8_t)(i >> 16);
		a.b[14] = (uint8_t)(i >> 8);
		a.b[15] = (uint8_t)i;
		p = prefix_of(&a, 128);
		assert_true(never_add(&n, &p, 0));
	}
	p = prefix("192.0.2.7");
	assert_false(never_add(&n, &p, 0));
	assert_int_equal(n.refused, 1);
	assert_false(covers(&n, "192.0.2.7", 0));
	p = prefix("20.0.0.5");
	assert_true(never_add(&n, &p, 7));
	never_free(&n);
}

#define N(array) (sizeof(array) / sizeof((array)[0]))

int
main(void)
{
	struct CMUnitTest tests[N(rows) + N(registry) + 12];
	size_t n = 0;

	for (size_t i = 0; i < N(rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_special,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	for (size_t i = 0; i < N(registry); i++)
		tests[n++] = (struct CMUnitTest){ .name = registry[i].name, .test_func = test_registry,
			.initial_state = (void *)(uintptr_t)&registry[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(all_reasons_of_a_part_of_it_are_named);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(an_address_stays_in_until_its_last_reason_has_ended);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(allowing_for_an_hour_shortens_nothing_that_holds_for_ever);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(what_is_over_makes_room_and_the_rest_stays);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(the_set_is_bounded_and_counts_what_found_no_room);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_64_in_which_ipv4_lies_is_covered_without_the_registries);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_network_covers_its_addresses_and_not_the_next);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(an_address_inside_a_64_covers_the_64);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(an_entry_ends_at_its_expiry_and_can_be_prolonged);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(special_purpose_counts_only_where_it_is_asked_for);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(it_is_over_when_the_last_entry_that_covers_is);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(thousands_of_entries_are_found);
	return cmocka_run_group_tests_name("never", tests, NULL, NULL);
}
