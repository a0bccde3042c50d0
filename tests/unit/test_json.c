/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_json.c - what is written can be read by anybody's parser, whatever a stranger put in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/json.h"

struct string_row {
	const char *name, *text, *json;
};

static const struct string_row string_rows[] = {
	{ "plain_text_stays_as_it_is", "mx9.example.org", "\"mx9.example.org\"" },
	{ "no_text_is_null", NULL, "null" },
	{ "an_empty_text_is_a_string", "", "\"\"" },
	{ "a_quote_is_escaped", "a\"b", "\"a\\\"b\"" },
	{ "a_backslash_is_escaped", "a\\b", "\"a\\\\b\"" },
	{ "a_newline_is_escaped", "a\nb", "\"a\\u000ab\"" },
	{ "an_escape_byte_is_escaped", "\033[2J", "\"\\u001b[2J\"" },
	{ "a_delete_byte_is_escaped", "\177", "\"\\u007f\"" },
	{ "a_tag_cannot_be_written", "</script>", "\"\\u003c/script\\u003e\"" },
	{ "an_ampersand_is_escaped", "a&b", "\"a\\u0026b\"" },
	{ "utf8_of_two_bytes_stays", "\xc3\xa4", "\"\xc3\xa4\"" },
	{ "utf8_of_three_bytes_stays", "\xe2\x82\xac", "\"\xe2\x82\xac\"" },
	{ "utf8_of_four_bytes_stays", "\xf0\x9f\x90\x9d", "\"\xf0\x9f\x90\x9d\"" },
	{ "the_highest_code_point_stays", "\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"" },
	{ "line_separators_are_escaped", "\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\"" },
	{ "a_lone_byte_is_replaced", "a\xff" "b", "\"a\\ufffdb\"" },
	{ "a_cut_sequence_is_replaced", "\xe2\x82", "\"\\ufffd\\ufffd\"" },
	{ "an_overlong_form_is_replaced", "\xc0\xaf", "\"\\ufffd\\ufffd\"" },
	{ "a_long_overlong_form_is_replaced", "\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"" },
	{ "a_surrogate_is_replaced", "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
	{ "beyond_unicode_is_replaced", "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
};

static void
a_string_comes_out(void **state)
{
	const struct string_row *row = *state;
	struct json j;

	json_to_buffer(&j);
	json_string(&j, NULL, row->text);
	assert_false(j.failed);
	assert_string_equal(j.buf, row->json);
	json_free(&j);
}

struct real_row {
	const char *name;
	double value;
	int decimals;
	const char *json;
};

static const struct real_row real_rows[] = {
	{ "two_decimals_are_written", 10.5, 2, "10.50" },
	{ "a_small_number_keeps_its_zeros", 0.05, 2, "0.05" },
	{ "zero_has_its_decimals", 0, 3, "0.000" },
	{ "no_decimals_no_point", 41.6, 0, "42" },
	{ "a_negative_number_has_its_sign", -2.293, 3, "-2.293" },
	{ "a_negative_number_near_zero_has_none", -0.001, 2, "0.00" },
	{ "a_negative_fraction_has_its_sign", -0.25, 2, "-0.25" },
	{ "a_time_keeps_its_microseconds", 1795412415.714183, 6, "1795412415.714183" },
	{ "a_number_that_is_none_is_null", NAN, 2, "null" },
	{ "infinity_is_null", INFINITY, 2, "null" },
	{ "a_large_number_is_whole", 1e15, 1, "1000000000000000.0" },
};

static void
a_real_comes_out(void **state)
{
	const struct real_row *row = *state;
	struct json j;

	json_to_buffer(&j);
	json_real(&j, NULL, row->value, row->decimals);
	assert_string_equal(j.buf, row->json);
	json_free(&j);
}

static void
the_largest_number_fits(void **state)
{
	struct json j;

	(void)state;
	json_to_buffer(&j);
	json_real(&j, NULL, -DBL_MAX, 9);
	assert_int_equal(strlen(j.buf), 1 + 309 + 1 + 9);
	json_free(&j);
}

static void
the_ends_of_the_integers_are_written(void **state)
{
	struct json j;

	(void)state;
	json_to_buffer(&j);
	json_array(&j, NULL);
	json_int(&j, NULL, INT64_MIN);
	json_int(&j, NULL, INT64_MAX);
	json_uint(&j, NULL, UINT64_MAX);
	json_int(&j, NULL, 0);
	json_end(&j);
	assert_string_equal(j.buf, "[-9223372036854775808,9223372036854775807,18446744073709551615,0]");
	json_free(&j);
}

static void
commas_and_nesting_are_its_own_affair(void **state)
{
	struct json j;

	(void)state;
	json_to_buffer(&j);
	json_object(&j, NULL);
	json_array(&j, "empty");
	json_end(&j);
	json_object(&j, "o");
	json_bool(&j, "yes", true);
	json_bool(&j, "no", false);
	json_null(&j, "none");
	json_end(&j);
	json_array(&j, "a");
	json_object(&j, NULL);
	json_end(&j);
	json_string(&j, NULL, "x");
	json_end(&j);
	json_end(&j);
	assert_string_equal(j.buf, "{\"empty\":[],\"o\":{\"yes\":true,\"no\":false,\"none\":null},\"a\":[{},\"x\"]}");
	json_free(&j);
}

static void
a_name_is_escaped_as_well(void **state)
{
	struct json j;

	(void)state;
	json_to_buffer(&j);
	json_object(&j, NULL);
	json_int(&j, "capture \"eth0\"", 1);
	json_end(&j);
	assert_string_equal(j.buf, "{\"capture \\\"eth0\\\"\":1}");
	json_free(&j);
}

static void
one_value_a_line(void **state)
{
	struct json j;

	(void)state;
	json_to_buffer(&j);
	for (int i = 1; i <= 2; i++) {
		json_object(&j, NULL);
		json_int(&j, "n", i);
		json_end(&j);
		json_line(&j);
	}
	assert_string_equal(j.buf, "{\"n\":1}\n{\"n\":2}\n");
	json_free(&j);
}

static void
a_cleared_buffer_begins_anew_and_keeps_its_memory(void **state)
{
	struct json j;
	size_t cap;

	(void)state;
	json_to_buffer(&j);
	json_clear(&j);
	json_array(&j, NULL);
	json_string(&j, NULL, "first");
	json_end(&j);
	cap = j.cap;
	json_clear(&j);
	assert_int_equal(j.len, 0);
	json_array(&j, NULL);
	json_end(&j);
	assert_string_equal(j.buf, "[]");
	assert_int_equal(j.cap, cap);
	json_free(&j);
}

static void
a_long_text_grows_the_buffer(void **state)
{
	struct json j;
	char *text = malloc(100001);

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 100000);
	text[100000] = '\0';
	json_to_buffer(&j);
	json_string(&j, NULL, text);
	assert_int_equal(j.len, 100002);
	assert_int_equal(strlen(j.buf), 100002);
	json_free(&j);
	free(text);
}

static void
a_stream_gets_the_same_bytes(void **state)
{
	struct json j;
	char *bytes = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&bytes, &size);

	(void)state;
	assert_non_null(file);
	json_to_file(&j, file);
	json_array(&j, NULL);
	json_string(&j, NULL, "a");
	json_real(&j, NULL, 1.5, 1);
	json_end(&j);
	json_line(&j);
	assert_int_equal(fclose(file), 0);
	assert_string_equal(bytes, "[\"a\",1.5]\n");
	free(bytes);
}

static void
a_full_disk_is_a_failure(void **state)
{
	struct json j;
	FILE *file = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(file);
	assert_int_equal(setvbuf(file, NULL, _IONBF, 0), 0);
	json_to_file(&j, file);
	json_string(&j, NULL, "a");
	assert_true(j.failed);
	(void)fclose(file);
}

int
main(void)
{
	struct CMUnitTest tests[sizeof(string_rows) / sizeof(string_rows[0]) + sizeof(real_rows) / sizeof(real_rows[0])];
	const struct CMUnitTest others[] = {
		cmocka_unit_test(the_largest_number_fits),
		cmocka_unit_test(the_ends_of_the_integers_are_written),
		cmocka_unit_test(commas_and_nesting_are_its_own_affair),
		cmocka_unit_test(a_name_is_escaped_as_well),
		cmocka_unit_test(one_value_a_line),
		cmocka_unit_test(a_cleared_buffer_begins_anew_and_keeps_its_memory),
		cmocka_unit_test(a_long_text_grows_the_buffer),
		cmocka_unit_test(a_stream_gets_the_same_bytes),
		cmocka_unit_test(a_full_disk_is_a_failure),
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(string_rows) / sizeof(string_rows[0]); i++)
		tests[n++] = (struct CMUnitTest){ .name = string_rows[i].name, .test_func = a_string_comes_out,
			.initial_state = (void *)(uintptr_t)&string_rows[i] };
	for (size_t i = 0; i < sizeof(real_rows) / sizeof(real_rows[0]); i++)
		tests[n++] = (struct CMUnitTest){ .name = real_rows[i].name, .test_func = a_real_comes_out,
			.initial_state = (void *)(uintptr_t)&real_rows[i] };
	return cmocka_run_group_tests_name("json values", tests, NULL, NULL) +
	    cmocka_run_group_tests_name("json", others, NULL, NULL);
}
