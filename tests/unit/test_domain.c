/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_domain.c - one spelling of a name; a row, a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mxtrap/domain.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10

static const struct row {
	const char *name, *in, *out;		/* out NULL: it can have no MX */
} rows[] = {
	{ "case_and_a_final_dot_go", "ExAmple.ORG.", "example.org" },
	{ "an_underscore_and_digits_stay", "_a1.2b.example", "_a1.2b.example" },
	{ "german", "m\xc3\xbcnchen.example", "xn--mnchen-3ya.example" },
	{ "german_capitals", "M\xc3\x9cNCHEN.example", "xn--mnchen-3ya.example" },
	{ "a_sharp_s_stays", "stra\xc3\x9f" "e.example", "xn--strae-oqa.example" },
	{ "russian", "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.example", "xn--e1afmkfd.example" },
	{ "russian_capitals", "\xd0\x9f\xd0\xa0\xd0\x98\xd0\x9c\xd0\x95\xd0\xa0.example", "xn--e1afmkfd.example" },
	{ "greek", "\xce\xb4\xce\xbf\xce\xba\xce\xb9\xce\xbc\xce\xae.example", "xn--jxalpdlp.example" },
	{ "chinese", "\xe4\xbe\x8b\xe5\xad\x90.example", "xn--fsqu00a.example" },
	{ "japanese_with_its_own_dot", "\xe4\xbe\x8b\xe3\x81\x88\xe3\x80\x82\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--r8jz45g.xn--zckzah" },
	{ "an_a_label_stays", "XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example" },
	{ "nothing", "", NULL }, { "a_dot", ".", NULL }, { "one_label", "example", NULL }, { "two_final_dots", "a.example..", NULL },
	{ "a_leading_dot", ".a.example", NULL }, { "an_empty_label", "a..example", NULL },
	{ "a_label_of_63", X60 "xxx.example", X60 "xxx.example" }, { "a_label_of_64", X60 "xxxx.example", NULL },
	{ "a_long_name", X60 "." X60 "." X60 "." X60 "." X60, NULL },
	{ "a_long_u_label", "\xc3\xbc" X60 ".example", NULL },
	{ "a_hyphen_first", "-a.example", NULL }, { "a_hyphen_last", "a-.example", NULL },
	{ "an_address", "192.0.2.1", NULL }, { "an_address_in_brackets", "[192.0.2.1]", NULL },
	{ "brackets_with_ipv6", "[IPv6:2001:db8::1]", NULL }, { "a_comma", "a.example,", NULL },
	{ "a_quote", "a.example\"", NULL }, { "a_space", "a example.org", NULL }, { "a_percent", "a%2eexample", NULL },
	{ "an_at", "a@b.example", NULL }, { "invalid", "a.invalid", NULL }, { "an_onion", "a.onion", NULL },
	{ "a_no_break_space", "a.example\xc2\xa0", NULL },
	{ "a_space_of_no_width", "a\xe2\x80\x8b.example", NULL }, { "a_stray_byte", "a\x80.example", NULL }, { "half_a_character", "a.example\xc3", NULL },
	{ "an_overlong_slash", "a\xc0\xaf.example", NULL }, { "a_surrogate", "a\xed\xa0\x80.example", NULL },
};

static void
test_row(void **state)
{
	const struct row *r = *state;
	char out[DOMAIN_SIZE] = "untouched";

	assert_int_equal(domain_normalize(r->in, out), r->out != NULL);
	assert_string_equal(out, r->out != NULL ? r->out : "untouched");
}

static void
spellings_are_the_same(void **state)
{
	(void)state;
	assert_true(domain_same("M\xc3\x9cnchen.example", "xn--mnchen-3ya.EXAMPLE."));
	assert_true(domain_same("localhost", "LOCALHOST."));
	assert_false(domain_same("a.example", "b.example"));
	assert_false(domain_same("", ""));
	assert_false(domain_same("a.example..", "a.example"));
}

int
main(void)
{
	struct CMUnitTest tests[N(rows) + 1];

	for (size_t i = 0; i < N(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_row,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	tests[N(rows)] = (struct CMUnitTest)cmocka_unit_test(spellings_are_the_same);
	return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
