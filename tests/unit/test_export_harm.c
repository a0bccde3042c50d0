/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_export_harm.c - what a list could do to honest mail, in each format that there is.
 */
#include "export_support.h"

#include <ctype.h>

/* Every format's document by this configuration. */
static void
each_format(const struct bench_dir *d, const char *conf, enum export_result expected,
    void (*check)(const char *format, char *text, void *ctx), void *ctx)
{
	const struct export_format *format;

	for (size_t i = 0; (format = export_format_at(i)) != NULL; i++) {
		struct export_summary summary;
		char *text = render(d, format->name, conf, NOW_S, &summary, expected);

		check(format->name, text, ctx);
		free(text);
	}
}

/* A prefix length behind an address is 32, 64 or 128, in whatever words it stands. */
static void
check_widths(const char *format, char *text, void *ctx)
{
	unsigned *seen = ctx;

	for (char *at = strchr(text, '/'); at != NULL; at = strchr(at + 1, '/')) {
		const char *address = at;
		bool v6;
		long len;

		while (address > text && (isxdigit((unsigned char)address[-1]) || address[-1] == ':' || address[-1] == '.'))
			address--;
		if (address == at || !isdigit((unsigned char)at[1]))
			continue;
		v6 = memchr(address, ':', (size_t)(at - address)) != NULL;
		len = strtol(at + 1, NULL, 10);
		if (v6 ? len != 64 && len != 128 : len != 32)
			fail_msg("%s: %.60s", format, address);
		(*seen)++;
	}
	/* In Sendmail's map a network is a number less of dots or colons. */
	if (strcmp(format, "sendmail") != 0)
		return;
	for (char *line = strstr(text, "\nConnect:"); line != NULL; line = strstr(line + 1, "\nConnect:")) {
		unsigned colons = 0, dots = 0;

		for (char *at = line + strlen("\nConnect:"); *at != '\t'; at++) {
			colons += *at == ':';
			dots += *at == '.';
		}
		assert_true(dots == 3 || colons == 4 || colons == 8);
		(*seen)++;
	}
}

static void
nothing_is_wider_than_an_address_or_a_64(void **state)
{
	unsigned seen = 0;

	fill_four(*state);
	each_format(*state, CONF_OPEN, EXPORT_OK, check_widths, &seen);
	assert_true(seen > 10);
}

/* As long as the configuration takes one, of the oddest signs that it takes. */
#define LONGEST "https://www.example.org/~a/-b+c_d.e@f:g/0123456789012345678901234567890123456789" \
	"01234567890123456789012345678901234567890123456"

static void
check_contact(const char *format, char *text, void *ctx)
{
	unsigned *seen = ctx;

	if ((export_format_find(format)->carries & EXPORT_TEXT) == 0)
		return;
	(*seen)++;
	for (char *line = strtok_r(text, "\n", &text); line != NULL; line = strtok_r(NULL, "\n", &text)) {
		char *at = strstr(line, "Refused, ref"), *end;

		if (at == NULL)
			continue;
		end = strstr(at, "; contact " LONGEST);
		assert_non_null(end);
		/* One string of a TXT record has 255 bytes, a reply's line 512. */
		assert_true(end + strlen("; contact " LONGEST) - at < 255);
		end += strlen("; contact " LONGEST);
		assert_true(*end == '\0' || strcmp(end, "\"") == 0);
	}
}

static void
the_longest_contact_stands_whole_in_every_reply(void **state)
{
	unsigned seen = 0;

	assert_int_equal(strlen(LONGEST), sizeof(((struct config *)NULL)->contact) - 1);
	fill_four(*state);
	each_format(*state, CONF_HEAD "publish = yes\ncontact = \"" LONGEST "\"\npublish-after = \"0s\"\nallow { special-purpose = no }\n",
	    EXPORT_OK, check_contact, &seen);
	assert_int_equal(seen, 5);
}

static void
one_family(const struct bench_dir *d, const char *format, const char *const *both)
{
	struct export_summary summary;
	char *text = render(d, format, CONF_OPEN, NOW_S, &summary, EXPORT_OK);

	for (size_t i = 0; both[i] != NULL; i++)
		assert_non_null(strstr(text, both[i]));
	free(text);
}

/* Else the other family's set would keep who is listed no more. */
static void
a_list_of_one_family_empties_the_other_ones_sets(void **state)
{
	list(*state, (struct change_row[]){ listed("2001:db8:1:2::3") }, 1);
	one_family(*state, "nftables", (const char *const[]){ "flush set inet mxtrap host4\n", "flush set inet mxtrap net64\n",
		"flush set inet mxtrap host6\n", NULL });
	one_family(*state, "ipset", (const char *const[]){ "swap mxtrap4-new mxtrap4\n", "swap mxtrap6-new mxtrap6\n", NULL });
	one_family(*state, "rbldnsd", (const char *const[]){ "$DATASET ip4set:v4 @\n", "$DATASET ip6trie:v6 @\n", NULL });
	one_family(*state, "mikrotik", (const char *const[]){ "/ip/firewall/address-list/remove", "/ipv6/firewall/address-list/remove", NULL });
}

static void
check_names_nobody(const char *format, char *text, void *ctx)
{
	size_t len = strlen(text);

	(void)ctx;
	/* Several readers take an empty body for an error, and keep what they had. */
	assert_true(len > 10);
	assert_int_equal(text[len - 1], '\n');
	if (strstr(text, "192.0.2.7") != NULL || strstr(text, "7.2.0.192") != NULL || strstr(text, "2001:db8") != NULL ||
	    strstr(text, "8.b.d.0.1.0.0.2") != NULL)
		fail_msg("%s: %s", format, text);
}

static void
what_is_not_published_is_a_document_that_names_nobody(void **state)
{
	fill_four(*state);
	each_format(*state, CONF_HEAD "allow { special-purpose = no }\n", EXPORT_UNPUBLISHED, check_names_nobody, NULL);
}

static void
check_ipv4(const char *format, char *text, void *ctx)
{
	(void)ctx;
	if (strcmp(format, "zone") == 0)
		assert_non_null(strstr(text, "\n7.2.0.192 A "));
	else if (strstr(text, "192.0.2.7") == NULL || strstr(text, "::ffff:192") != NULL || strstr(text, "::ffff:c000") != NULL)
		fail_msg("%s: %s", format, text);
}

static void
a_mapped_address_leaves_as_the_ipv4_address_that_it_is(void **state)
{
	list(*state, (struct change_row[]){ listed("::ffff:192.0.2.7") }, 1);
	each_format(*state, CONF_OPEN, EXPORT_OK, check_ipv4, NULL);
}

/* HAProxy takes ::/64 for every IPv4 client. */
static void
a_64_in_which_ipv4_lies_never_leaves(void **state)
{
	struct export_summary summary;
	char *text;

	list(*state, (struct change_row[]){ listed("::8:0:0:1"), listed("64:ff9b::808:808"), listed("64:ff9b:1::1") }, 3);
	text = render(*state, "haproxy", CONF_OPEN, NOW_S, &summary, EXPORT_OK);
	assert_int_equal(summary.withheld, 2);
	assert_non_null(strstr(text, "\n64:ff9b:1::/64\n"));
	assert_null(strstr(text, "\n::/64"));
	assert_null(strstr(text, "\n64:ff9b::/64"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(nothing_is_wider_than_an_address_or_a_64),
		store_test(the_longest_contact_stands_whole_in_every_reply),
		store_test(a_list_of_one_family_empties_the_other_ones_sets),
		store_test(what_is_not_published_is_a_document_that_names_nobody),
		store_test(a_mapped_address_leaves_as_the_ipv4_address_that_it_is),
		store_test(a_64_in_which_ipv4_lies_never_leaves),
	};

	return cmocka_run_group_tests_name("export harm", tests, NULL, NULL);
}
