/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_listable.c - valid configurations with which nobody can be listed, and those with which somebody can.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mxtrap/listable.h"

#define LOW "    exchanger \"mx0.example.org\" { preference = 10 role = \"nolisting\" addresses = { \"198.51.100.10\" } }\n"
#define REAL(more) "    exchanger \"mx1.example.org\" { preference = 20 role = \"real\" addresses = { \"198.51.100.20\" } " more " }\n"
#define BOGUS(answer) "    exchanger \"mx9.example.org\" { preference = 90 role = \"bogus\" answer = \"" answer "\" addresses = " \
	"{ \"198.51.100.30\" } }\n"
#define FAR_BOGUS "    exchanger \"mx9.example.org\" { preference = 90 role = \"bogus\" answer = \"dialogue\" addresses = " \
	"{ \"203.0.113.30\" } }\n"
#define BOGUS6 "    exchanger \"mx9.example.org\" { preference = 90 role = \"bogus\" answer = \"dialogue\" addresses = " \
	"{ \"198.51.100.30\", \"2001:db8::30\" } }\n"
#define REAL6 "    exchanger \"mx1.example.org\" { preference = 20 role = \"real\" addresses = " \
	"{ \"198.51.100.20\", \"2001:db8::20\" } }\n"
#define SET(name, rungs) "mx-set \"" name "\" {\n    domains = { \"" name "\" }\n" rungs "}\n"
#define ALLOW(what) "allow { special-purpose = no addresses = { " what " } }\n"
#define LABORATORY "allow { special-purpose = no }\n"

static const struct row {
	const char *name, *text;
	const char *part;		/* of the first sentence; NULL: somebody can be listed */
} rows[] = {
	{ "a_whole_ladder", SET("a.example", LOW REAL("") BOGUS("dialogue")) LABORATORY, NULL },
	{ "without_nolisting", SET("a.example", REAL("") BOGUS("dialogue")) LABORATORY, NULL },
	{ "reset_with_list_on_proven", SET("a.example", LOW REAL("") BOGUS("reset")) LABORATORY "judge { list-on = \"proven\" }\n", NULL },
	{ "no_bogus", SET("a.example", LOW REAL("")) LABORATORY, "nobody can be listed, because there is no exchanger of role \"bogus\"" },
	{ "the_real_mx_alone", SET("a.example", REAL("")) LABORATORY, "nobody can be listed, because there is no exchanger of role" },
	{ "answer_none", SET("a.example", LOW REAL("") BOGUS("none")) LABORATORY,
	  "nobody can be listed, because every bogus exchanger has answer = \"none\"" },
	{ "answer_none_with_list_on_proven", SET("a.example", LOW REAL("") BOGUS("none")) LABORATORY "judge { list-on = \"proven\" }\n",
	  "nobody can be listed, because every bogus exchanger has answer = \"none\"" },
	{ "reset_with_list_on_addressed", SET("a.example", LOW REAL("") BOGUS("reset")) LABORATORY,
	  "nobody can be listed, because list-on = \"addressed\"" },
	{ "a_real_mx_without_witness", SET("a.example", LOW REAL("witness = \"none\"") BOGUS("dialogue")) LABORATORY,
	  "nobody can be listed for its order, because every real exchanger has witness = \"none\"" },
	{ "a_bogus_elsewhere", SET("a.example", LOW REAL("") FAR_BOGUS) LABORATORY,
	  "nobody can be listed for its order, because a bogus address shares no network" },
	{ "no_points", SET("a.example", LOW REAL("") BOGUS("dialogue")) LABORATORY
	  "judge { points { backup_first = 0.0 early_talker = 0.0 bad_helo = 0.0 } }\n",
	  "nobody can be listed, because the points" },
	{ "all_of_ipv4_allowed", SET("a.example", LOW REAL("") BOGUS("dialogue")) ALLOW("\"0.0.0.0/0\""),
	  "nobody can be listed, because the allow section" },
	{ "all_of_ipv4_in_halves", SET("a.example", LOW REAL("") BOGUS("dialogue")) ALLOW("\"128.0.0.0/1\", \"10.0.0.0/8\", \"0.0.0.0/1\""),
	  "nobody can be listed, because the allow section" },
	{ "all_but_one_of_ipv4", SET("a.example", LOW REAL("") BOGUS("dialogue")) ALLOW("\"128.0.0.0/1\", \"0.0.0.0/2\""), NULL },
	{ "all_of_ipv4_where_ipv6_may_come", SET("a.example", LOW REAL6 BOGUS6) ALLOW("\"0.0.0.0/0\""), NULL },
	{ "all_of_both", SET("a.example", LOW REAL6 BOGUS6) ALLOW("\"0.0.0.0/0\", \"::/1\", \"8000::/1\""),
	  "nobody can be listed, because the allow section" },
	{ "one_set_of_two", SET("a.example", LOW REAL("") BOGUS("dialogue"))
	  SET("b.example", "    exchanger \"mx.b.example\" { preference = 5 role = \"nolisting\" addresses = { \"198.51.100.40\" } }\n"
	  "    exchanger \"mx1.b.example\" { preference = 10 role = \"real\" addresses = { \"198.51.100.41\" } }\n") LABORATORY,
	  "nobody can be listed in mx-set \"b.example\", because there is no exchanger of role" },
};

static void
is_known(void **state)
{
	const struct row *row = *state;
	struct config config;
	struct listable_bar bars[LISTABLE_N_KINDS];
	char text[LISTABLE_SIZE];
	size_t n;

	assert_int_equal(config_parse(&config, row->name, row->text), 0);
	n = listable_bars(&config, bars);
	assert_int_equal(n, row->part != NULL);
	if (n > 0 && strstr(listable_sentence(&config, &bars[0], text), row->part) == NULL)
		fail_msg("\"%s\" is not in: %s", row->part, text);
	if (n > 0)
		assert_int_equal(strncmp(text, "With this configuration nobody can be listed", 44), 0);
	config_free(&config);
}

static void
a_set_without_decoys_beside_others_was_not_meant_to_list(void **state)
{
	struct config config;
	struct listable_bar bars[LISTABLE_N_KINDS];

	(void)state;
	assert_int_equal(config_parse(&config, "test", SET("a.example", LOW REAL("") BOGUS("dialogue"))
	    SET("b.example", "    exchanger \"mx1.b.example\" { preference = 10 role = \"real\" addresses = { \"198.51.100.41\" } }\n")
	    LABORATORY), 0);
	assert_int_equal(listable_bars(&config, bars), 1);
	assert_false(bars[0].everywhere);
	assert_false(bars[0].trapped);
	config_free(&config);
}

static bool
gather(void *ctx, const char *sentence)
{
	strncat(ctx, sentence, 4000 - strlen(ctx) - 1);
	return true;
}

static void
an_address_that_this_host_lacks_is_named(void **state)
{
	struct config config;
	char text[4000] = "";

	(void)state;
	assert_int_equal(config_parse(&config, "test", SET("a.example",
	    "    exchanger \"mx1.a.example\" { preference = 20 role = \"real\" addresses = { \"198.51.100.20\" } }\n"
	    "    exchanger \"mx9.a.example\" { preference = 90 role = \"bogus\" answer = \"dialogue\" addresses = { \"127.0.0.1\" } "
	    "network = \"n\" }\n") LABORATORY), 0);
	assert_true(listable_warn(&config, gather, text) >= 1);
	if (strstr(text, "real exchanger mx1.a.example (198.51.100.20) has witness = \"wire\"") == NULL)
		fail_msg("%s", text);
	assert_null(strstr(text, "127.0.0.1"));
	config_free(&config);
}

int
main(void)
{
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))
	static struct CMUnitTest tests[N_ROWS + 2] = {
		cmocka_unit_test(a_set_without_decoys_beside_others_was_not_meant_to_list),
		cmocka_unit_test(an_address_that_this_host_lacks_is_named),
	};

	for (size_t i = 0; i < N_ROWS; i++)
		tests[i + 2] = (struct CMUnitTest){ .name = rows[i].name, .test_func = is_known,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	return cmocka_run_group_tests_name("nobody can be listed", tests, NULL, NULL);
}
