/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_addr.c - addresses, prefixes and senders: one named test a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mxtrap/addr.h"

struct row {
	const char *name, *text, *want;		/* want NULL: refused */
};

static const struct row addresses[] = {
	{ "an_ipv4_address_reads_back", "192.0.2.7", "192.0.2.7" },
	{ "an_ipv6_address_reads_back_in_canonical_form", "2001:DB8:0:0::7", "2001:db8::7" },
	{ "a_mapped_address_is_ipv4", "::ffff:192.0.2.7", "192.0.2.7" },
	{ "leading_zeros_are_refused", "192.0.02.7", NULL },
	{ "an_empty_text_is_refused", "", NULL },
	{ "a_name_is_refused", "example.org", NULL },
	{ "five_parts_are_refused", "1.2.3.4.5", NULL },
};

static const struct row prefixes[] = {
	{ "an_ipv4_network_reads_back", "192.0.2.0/24", "192.0.2.0/24" },
	{ "a_bare_ipv4_address_is_a_32", "192.0.2.7", "192.0.2.7/32" },
	{ "a_bare_ipv6_address_is_a_128", "2001:db8::7", "2001:db8::7/128" },
	{ "the_whole_of_ipv4_is_a_prefix", "0.0.0.0/0", "0.0.0.0/0" },
	{ "an_odd_length_keeps_its_bits", "198.51.100.128/25", "198.51.100.128/25" },
	{ "set_host_bits_are_refused", "192.0.2.7/24", NULL },
	{ "a_length_beyond_the_family_is_refused", "192.0.2.0/33", NULL },
	{ "a_huge_length_is_refused", "2001:db8::/99999999999", NULL },
	{ "a_missing_length_is_refused", "192.0.2.0/", NULL },
	{ "text_behind_the_length_is_refused", "192.0.2.0/24x", NULL },
	{ "a_leading_zero_of_the_length_is_refused", "192.0.2.0/032", NULL },
	{ "a_length_of_zeros_is_refused", "::/00", NULL },
	{ "a_negative_length_is_refused", "192.0.2.0/-1", NULL },
};

static void
test_address(void **state)
{
	const struct row *r = *state;
	char text[ADDR_TEXT_SIZE];
	struct addr a;

	assert_int_equal(addr_parse(&a, r->text), r->want != NULL);
	if (r->want != NULL)
		assert_string_equal(addr_format(&a, text), r->want);
}

static void
test_prefix(void **state)
{
	const struct row *r = *state;
	char text[PREFIX_TEXT_SIZE];
	struct prefix p;

	assert_int_equal(prefix_parse(&p, r->text), r->want != NULL);
	if (r->want != NULL)
		assert_string_equal(prefix_format(&p, text), r->want);
}

static struct prefix
prefix(const char *text)
{
	struct prefix p;

	assert_true(prefix_parse(&p, text));
	return p;
}

static bool
contains(const char *network, const char *address)
{
	struct prefix p = prefix(network), a = prefix(address);

	return prefix_contains(&p, &a.addr);
}

static bool
overlaps(const char *one, const char *other)
{
	struct prefix a = prefix(one), b = prefix(other);

	return prefix_overlaps(&a, &b) && prefix_overlaps(&b, &a);
}

static void
a_prefix_contains_its_own_and_no_neighbour(void **state)
{
	(void)state;
	assert_true(contains("198.51.100.128/25", "198.51.100.255"));
	assert_false(contains("198.51.100.128/25", "198.51.100.127"));
	assert_true(overlaps("198.51.100.128/25", "198.51.100.0/24"));
	assert_false(overlaps("198.51.100.128/25", "198.51.101.0/24"));
}

static void
a_sender_is_an_ipv4_address_or_an_ipv6_64(void **state)
{
	struct prefix v4 = prefix("192.0.2.7"), v6 = prefix("2001:db8:1:2:3:4:5:6"), p;
	char text[PREFIX_TEXT_SIZE];

	(void)state;
	p = sender_prefix(addr_sender(&v4.addr));
	assert_string_equal(prefix_format(&p, text), "192.0.2.7/32");
	p = sender_prefix(addr_sender(&v6.addr));
	assert_string_equal(prefix_format(&p, text), "2001:db8:1:2::/64");
	assert_true(addr_host(&v6.addr) == 0x0003000400050006ULL);
	assert_true(addr_host(&v4.addr) == 0);
}

static void
only_single_senders_name_a_sender(void **state)
{
	sender_key key;

	(void)state;
	assert_true(prefix_sender(&(struct prefix){ prefix("192.0.2.7").addr, 128 }, &key));
	assert_false(prefix_sender(&(struct prefix){ prefix("192.0.2.0/24").addr, 120 }, &key));
	assert_true(prefix_sender(&(struct prefix){ prefix("2001:db8::/64").addr, 64 }, &key));
	assert_false(prefix_sender(&(struct prefix){ prefix("2001:db8::/48").addr, 48 }, &key));
}

#define N(array) (sizeof(array) / sizeof((array)[0]))

int
main(void)
{
	struct CMUnitTest tests[N(addresses) + N(prefixes) + 3];
	size_t n = 0;

	for (size_t i = 0; i < N(addresses); i++)
		tests[n++] = (struct CMUnitTest){ .name = addresses[i].name, .test_func = test_address,
			.initial_state = (void *)(uintptr_t)&addresses[i] };
	for (size_t i = 0; i < N(prefixes); i++)
		tests[n++] = (struct CMUnitTest){ .name = prefixes[i].name, .test_func = test_prefix,
			.initial_state = (void *)(uintptr_t)&prefixes[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_prefix_contains_its_own_and_no_neighbour);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_sender_is_an_ipv4_address_or_an_ipv6_64);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(only_single_senders_name_a_sender);
	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
