/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_os.c - operating systems by p0f's database: how its signatures are read and compared, and its file.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../web/os.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define LINUX "mss,sok,ts,nop,ws"

static const char sample[] =
    "; a comment\n"
    "classes = win,unix,other\n"
    "[mtu]\nlabel = Ethernet\nsig = 1500\n"
    "[tcp:request]\r\n"
    "label = g:unix:Penguin:any\r\n"
    "sig   = *:64:0:*:*,*:" LINUX ":df,id+:0\n"
    "label = s:unix:Penguin:3 or newer\n"
    "sig   = *:64:0:*:mss*20,7:" LINUX ":df,id+:0\n"
    "  sig = *:64:0:*:mss*20,10:" LINUX ":df,id+:0  \n"
    "label = s:unix:Penguin:second\n"
    "sig   = *:64:0:*:mss*20,7:" LINUX ":df,id+:0\n"
    "label = s:win:Pane:7\n"
    "sig   = 4:128:0:*:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0\n"
    "label = s:unix:Modulo:\n"
    "sig   = *:64:0:*:%1000,0:mss,nop,nop:df,id+:0\n"
    "label = s:unix:Mtu:3\n"
    "sig   = *:64:0:*:mtu*3,0:mss:df,id+:0\n"
    "label = s:unix:Segment:1331\n"
    "sig   = *:64:0:1331:1337,0:mss,eol+3::*\n"
    "label = s:unix:Payload:\n"
    "sig   = *:64:0:*:*,0:mss,?34,nop,nop::+\n"
    "label = s:!:Mapper:scan\n"
    "sys   = @unix,@win\n"
    "sig   = *:64-:0:1460:1024,0:mss::0\n"
    "label = s:unix:Six:\n"
    "sig   = 6:64:0:*:*,*:mss,ws,nop:flow:0\n"
    "label = s:unix:Either:\n"
    "sig   = *:64:0:*:*,*:mss,nop,ws:flow,df,id+:0\n"
    "label = s:unix:Far:\n"
    "sig   = *:200+5:0:*:*,*:sok,nop,nop:df,id+:0\n"
    "label = s:unix:Options:\n"
    "sig   = *:64:8:*:*,*:sok:df,id+:0\n"
    "[tcp:response]\n"
    "label = s:unix:Answer:\n"
    "sig   = *:64:0:*:*,*:ws:df,id+:0\n";

struct row {
	const char *name, *print, *os;	/* os NULL: none */
};

static const struct row rows[] = {
	{ "a_multiple_of_the_segment_size", "4:64+0:0:1460:mss*20,10:" LINUX ":df,id+:0", "Penguin 3 or newer" },
	{ "a_specific_one_goes_before_a_generic_one_above_it", "4:64+0:0:1460:mss*20,7:" LINUX ":df,id+:0", "Penguin 3 or newer" },
	{ "another_multiple_is_only_of_the_generic_one", "4:64+0:0:1460:mss*44,7:" LINUX ":df,id+:0", "Penguin any (generic)" },
	{ "another_scale_is_only_of_the_generic_one", "4:64+0:0:1460:mss*20,6:" LINUX ":df,id+:0", "Penguin any (generic)" },
	{ "any_segment_size_by_a_wildcard", "4:64+0:0:536:mss*20,7:" LINUX ":df,id+:0", "Penguin 3 or newer" },
	{ "35_hops_away", "4:29+3:0:1460:mss*20,7:" LINUX ":df,id+:0", "Penguin 3 or newer" },
	{ "36_hops_away_is_fuzzy", "4:28+4:0:1460:mss*20,7:" LINUX ":df,id+:0", "Penguin any (fuzzy)" },
	{ "more_hops_than_it_set_out_with_is_fuzzy", "4:65+63:0:1460:mss*20,7:" LINUX ":df,id+:0", "Penguin any (fuzzy)" },
	{ "unfragmented_no_more_is_fuzzy", "4:64+0:0:1460:mss*20,7:" LINUX "::0", "Penguin any (fuzzy)" },
	{ "congestion_notification_is_fuzzy", "4:64+0:0:1460:mss*20,7:" LINUX ":df,id+,ecn:0", "Penguin any (fuzzy)" },
	{ "an_id_of_0_is_fuzzy", "4:64+0:0:1460:mss*20,7:" LINUX ":df,id-:0", "Penguin any (fuzzy)" },
	{ "another_quirk_is_another_stack", "4:64+0:0:1460:mss*20,7:" LINUX ":df,id+,ts2+:0", NULL },
	{ "a_missing_quirk_is_another_stack", "6:64+0:0:1460:100,0:mss,ws,nop::0", NULL },
	{ "another_layout_is_another_stack", "4:64+0:0:1460:mss*20,7:mss,sok,ts,ws,nop:df,id+:0", NULL },
	{ "a_longer_layout_is_another_stack", "4:64+0:0:1460:mss*20,7:" LINUX ",nop:df,id+:0", NULL },
	{ "ip_options_are_another_stack", "4:64+0:4:1460:mss*20,7:" LINUX ":df,id+:0", NULL },
	{ "ip_options_of_the_length_named", "4:64+0:8:0:1000,0:sok:df,id+:0", "Options" },
	{ "a_payload_is_another_stack", "4:64+0:0:1460:mss*20,7:" LINUX ":df,id+:+", NULL },
	{ "a_window_by_its_size", "4:120+8:0:1460:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0", "Pane 7" },
	{ "a_size_that_is_a_multiple_by_chance", "4:120+8:0:1024:mss*8,8:mss,nop,ws,nop,nop,sok:df,id+:0", "Pane 7" },
	{ "a_window_of_another_size", "4:120+8:0:1460:8193,8:mss,nop,ws,nop,nop,sok:df,id+:0", NULL },
	{ "a_multiple_that_is_no_such_size", "4:120+8:0:1460:mss*6,8:mss,nop,ws,nop,nop,sok:df,id+:0", NULL },
	{ "a_version_of_another_ip", "6:120+8:0:1460:8192,8:mss,nop,ws,nop,nop,sok::0", NULL },
	{ "a_window_that_a_number_divides", "4:64+0:0:1460:3000,0:mss,nop,nop:df,id+:0", "Modulo" },
	{ "a_multiple_that_a_number_divides", "4:64+0:0:1000:mss*7,0:mss,nop,nop:df,id+:0", "Modulo" },
	{ "a_window_that_it_does_not_divide", "4:64+0:0:1460:3001,0:mss,nop,nop:df,id+:0", NULL },
	{ "a_multiple_of_the_mtu", "4:64+0:0:1400:mtu*3,0:mss:df,id+:0", "Mtu 3" },
	{ "a_multiple_of_the_segment_size_is_none_of_the_mtu", "4:64+0:0:1400:mss*3,0:mss:df,id+:0", NULL },
	{ "the_segment_size_named", "4:64+0:0:1331:1337,0:mss,eol+3::0", "Segment 1331" },
	{ "another_segment_size", "4:64+0:0:1332:1337,0:mss,eol+3::0", NULL },
	{ "another_padding", "4:64+0:0:1331:1337,0:mss,eol+2::0", NULL },
	{ "any_payload_by_a_wildcard", "4:64+0:0:1331:1337,0:mss,eol+3::+", "Segment 1331" },
	{ "a_payload_named", "4:64+0:0:1331:1337,0:mss,?34,nop,nop::+", "Payload" },
	{ "a_payload_named_and_not_there", "4:64+0:0:1331:1337,0:mss,?34,nop,nop::0", NULL },
	{ "a_tool_from_any_distance", "4:20+12:0:1460:1024,0:mss::0", "Mapper scan" },
	{ "a_tool_is_never_fuzzy", "4:20+12:0:1460:1024,0:mss:ecn:0", NULL },
	{ "a_tool_not_above_its_ttl", "4:65+63:0:1460:1024,0:mss::0", NULL },
	{ "ipv6_alone", "6:64+0:0:1440:100,0:mss,ws,nop:flow:0", "Six" },
	{ "quirks_of_ipv4_are_not_asked_of_ipv6", "6:64+0:0:1440:100,0:mss,nop,ws:flow:0", "Either" },
	{ "quirks_of_ipv6_are_not_asked_of_ipv4", "4:64+0:0:1440:100,0:mss,nop,ws:df,id+:0", "Either" },
	{ "linux_over_ipv6", "6:57+7:0:1440:mss*20,7:" LINUX "::0", "Penguin 3 or newer" },
	{ "a_ttl_told_with_its_distance", "4:205+50:0:0:100,0:sok,nop,nop:df,id+:0", "Far" },
	{ "a_ttl_that_is_no_usual_one", "4:200+?:0:0:100,0:sok,nop,nop:df,id+:0", "Far" },
	{ "answers_are_no_syns", "4:64+0:0:0:100,0:ws:df,id+:0", NULL },
	{ "no_fingerprint", "", NULL },
	{ "half_a_fingerprint", "4:64+0:0:1460:mss*20", NULL },
	{ "a_ninth_field", "4:64+0:0:1460:mss*20,7:" LINUX ":df,id+:0:0", NULL },
	{ "a_wildcard_is_no_fingerprint", "*:64:0:*:*,*:" LINUX ":df,id+:0", NULL },
	{ "a_word_is_no_fingerprint", "linux", NULL },
};

static void
test_row(void **state)
{
	const struct row *row = *state;
	struct os_base *base = os_parse(sample, sizeof(sample) - 1);
	char out[OS_TEXT_SIZE] = "?";

	assert_non_null(base);
	assert_int_equal(os_passed_over(base), 0);
	assert_int_equal(os_find(base, row->print, out), row->os != NULL);
	assert_string_equal(out, row->os != NULL ? row->os : "");
	os_free(base);
}

/* Each by itself: it is passed over, and the good one behind it is read. */
static void
a_broken_line_is_passed_over_and_counted(void **state)
{
	static const char *const broken[] = {
		"sig", "sig =", "=", "what = ever", "label", "label = ", "label = s", "label = s:unix", "label = s:unix:Name",
		"label = x:unix:Name:", "label = s:unix::flavor", "label = s:unix:\x1b[31m:", "label = s:unix:\xff:",
		"sig = 5:64:0:*:*,*:mss::0", "sig = 4:0:0:*:*,*:mss::0", "sig = 4:256:0:*:*,*:mss::0",
		"sig = 4:64+:0:*:*,*:mss::0", "sig = 4:-:0:*:*,*:mss::0", "sig = 4:64:256:*:*,*:mss::0",
		"sig = 4:64:*:*:*,*:mss::0", "sig = 4:64:0:65536:*,*:mss::0", "sig = 4:64:0::*,*:mss::0",
		"sig = 4:64:0:*:*:mss::0", "sig = 4:64:0:*:%0,*:mss::0", "sig = 4:64:0:*:%,*:mss::0", "sig = 4:64:0:*:mss*,*:mss::0",
		"sig = 4:64:0:*:mss*0,*:mss::0", "sig = 4:64:0:*:mtu*x,*:mss::0", "sig = 4:64:0:*:-1,*:mss::0",
		"sig = 4:64:0:*:65536,*:mss::0", "sig = 4:64:0:*:*,256:mss::0", "sig = 4:64:0:*:*,:mss::0",
		"sig = 4:64:0:*:*,*:mss,::0", "sig = 4:64:0:*:*,*:mss,what::0", "sig = 4:64:0:*:*,*:eol+::0",
		"sig = 4:64:0:*:*,*:?::0", "sig = 4:64:0:*:*,*:mss:what:0", "sig = 4:64:0:*:*,*:mss:df,:0",
		"sig = 4:64:0:*:*,*:mss::1", "sig = 4:64:0:*:*,*:mss::", "sig = 4:64:0:*:*,*:mss:", "sig = 4:64:0:*:*,*:mss::0:0",
		"sig = 4:99999999999999999999:0:*:*,*:mss::0", "sig = 4:0x40:0:*:*,*:mss::0",
	};
	char text[512], out[OS_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		struct os_base *base;

		(void)snprintf(text, sizeof(text), "[tcp:request]\nlabel = s:unix:First:\n%s\nlabel = s:unix:Good:\n"
		    "sig = *:64:0:*:*,*:ws::0\n", broken[i]);
		base = os_parse(text, strlen(text));
		assert_non_null(base);
		if (os_passed_over(base) != 1 || os_signatures(base) != 1)
			fail_msg("\"%s\": %zu passed over, %zu read", broken[i], os_passed_over(base), os_signatures(base));
		assert_true(os_find(base, "4:64+0:0:0:1,0:ws::0", out));
		assert_string_equal(out, "Good");
		os_free(base);
	}
}

static void
signatures_below_a_broken_label_are_nobodys(void **state)
{
	static const char text[] = "[tcp:request]\nlabel = s:unix:First:\nlabel = broken\nsig = *:64:0:*:*,*:ws::0\n";
	struct os_base *base = os_parse(text, sizeof(text) - 1);

	(void)state;
	assert_non_null(base);
	assert_int_equal(os_signatures(base), 0);
	assert_int_equal(os_passed_over(base), 2);
	os_free(base);
}

static void
zero_bytes_and_long_lines_are_broken(void **state)
{
	char text[4096] = "[tcp:request]\nlabel = s:unix:Good:\nsig = *:64:0:*:*,*:ws::0 ; \nsig = *:64:0:*:*,*:ws::0\n";
	size_t n = strlen(text);
	struct os_base *base;

	(void)state;
	*strchr(text, ';') = '\0';
	memset(text + n, 'x', sizeof(text) - n);
	base = os_parse(text, sizeof(text));
	assert_non_null(base);
	assert_int_equal(os_signatures(base), 1);
	assert_int_equal(os_passed_over(base), 2);
	os_free(base);
}

static void
signatures_have_a_cap(void **state)
{
	static const char head[] = "[tcp:request]\nlabel = s:unix:Good:\n", sig[] = "sig = *:64:0:*:*,*:ws::0\n";
	char *text = calloc(1, OS_MAX_FILE);
	struct os_base *base;
	size_t n = sizeof(head) - 1;

	(void)state;
	assert_non_null(text);
	memcpy(text, head, n);
	for (unsigned i = 0; i < OS_MAX_SIGNATURES + 7; i++, n += sizeof(sig) - 1)
		memcpy(text + n, sig, sizeof(sig) - 1);
	base = os_parse(text, n);
	assert_non_null(base);
	assert_int_equal(os_signatures(base), OS_MAX_SIGNATURES);
	assert_int_equal(os_passed_over(base), 7);
	os_free(base);
	free(text);
}

static void
the_longest_names_fit_with_their_mark(void **state)
{
	char text[1024], a[301], out[OS_TEXT_SIZE];
	struct os_base *base;

	(void)state;
	memset(a, 'a', sizeof(a) - 1);
	a[sizeof(a) - 1] = '\0';
	(void)snprintf(text, sizeof(text), "[tcp:request]\nlabel = g:unix:%s:%s\nsig = *:64:0:*:*,*:ws::0\n", a, a);
	base = os_parse(text, strlen(text));
	assert_non_null(base);
	assert_true(os_find(base, "4:64+0:0:0:1,0:ws::0", out));
	assert_int_equal(strlen(out), 60 + 1 + 60 + strlen(" (generic)"));
	assert_non_null(strstr(out, " (generic)"));
	os_free(base);
}

/* -- the file -- */

static char path[64];

static int
begin(void **state)
{
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/test_os.XXXXXX");
	fd = mkstemp(path);
	return fd == -1 ? -1 : close(fd);
}

static int
end(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

/* A file beside it that takes its place: always another one. */
static void
write_file(const char *text, size_t n)
{
	char beside[80];
	FILE *f;

	(void)snprintf(beside, sizeof(beside), "%s.new", path);
	f = fopen(beside, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(beside, path), 0);
}

static void
no_file_is_no_harm(void **state)
{
	struct os_file file = { 0 };

	(void)state;
	assert_int_equal(unlink(path), 0);
	os_look(&file, path);
	assert_null(file.base);
	assert_true(file.told);
	os_look(&file, path);
	os_look(&file, "/tmp");
	assert_null(file.base);
	/* It comes. */
	write_file(sample, sizeof(sample) - 1);
	os_look(&file, path);
	assert_non_null(file.base);
	os_clear(&file);
	assert_null(file.base);
}

static void
a_file_is_read_again_only_when_it_is_another(void **state)
{
	static const char other[] = "[tcp:request]\nlabel = s:unix:Other:\nsig = *:64:0:*:*,*:ws::0\n";
	struct os_file file = { 0 };
	const struct os_base *base;

	(void)state;
	write_file(sample, sizeof(sample) - 1);
	os_look(&file, path);
	base = file.base;
	assert_non_null(base);
	os_look(&file, path);
	assert_ptr_equal(file.base, base);
	write_file(other, sizeof(other) - 1);
	os_look(&file, path);
	assert_non_null(file.base);
	assert_int_equal(os_signatures(file.base), 1);
	/* Gone: what is known stays. */
	assert_int_equal(unlink(path), 0);
	os_look(&file, path);
	assert_non_null(file.base);
	assert_int_equal(os_signatures(file.base), 1);
	os_clear(&file);
}

static void
a_giant_file_is_not_read(void **state)
{
	char *text = malloc(OS_MAX_FILE + 1);
	struct os_file file = { 0 };

	(void)state;
	assert_non_null(text);
	memset(text, '\n', OS_MAX_FILE + 1);
	memcpy(text, sample, sizeof(sample) - 1);
	write_file(text, OS_MAX_FILE + 1);
	os_look(&file, path);
	assert_null(file.base);
	assert_true(file.told);
	/* A byte less is read. */
	write_file(text, OS_MAX_FILE);
	os_look(&file, path);
	assert_non_null(file.base);
	assert_true(os_signatures(file.base) > 10);
	os_clear(&file);
	assert_null(os_parse(text, OS_MAX_FILE + 1));
	free(text);
}

static void
a_pipe_does_not_hold_it(void **state)
{
	struct os_file file = { 0 };

	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	os_look(&file, path);
	assert_null(file.base);
	assert_true(file.told);
}

/* With the database that comes with p0f 3.09b. */
static void
the_database_of_p0f_itself(void **state)
{
	static const struct row real[] = {
		{ "", "4:64+0:0:1460:mss*20,10:" LINUX ":df,id+:0", "Linux 3.11 and newer" },
		{ "", "4:60+4:0:1460:mss*44,7:" LINUX ":df,id+:0", "Linux 2.2.x-3.x (generic)" },
		{ "", "4:63+1:0:1460:mss*44,7:" LINUX ":df:0", "Linux 2.2.x-3.x (fuzzy)" },
		{ "", "4:119+9:0:1460:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0", "Windows 7 or 8" },
		{ "", "4:45+19:0:1460:1024,0:mss::0", "NMap SYN scan" },
		{ "", "4:255+0:0:0:512,0:::0", NULL },
	};
	struct os_file file = { 0 };
	char out[OS_TEXT_SIZE];

	(void)state;
	if (access(OS_DEFAULT_PATH, R_OK) == -1) {
		print_message("%s is not here: its own signatures are not tried\n", OS_DEFAULT_PATH);
		skip();
	}
	os_look(&file, "");
	assert_non_null(file.base);
	assert_int_equal(os_passed_over(file.base), 0);
	assert_true(os_signatures(file.base) > 80);
	for (size_t i = 0; i < ARRAY_LEN(real); i++) {
		(void)os_find(file.base, real[i].print, out);
		assert_string_equal(out, real[i].os != NULL ? real[i].os : "");
	}
	os_clear(&file);
}

int
main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(a_broken_line_is_passed_over_and_counted),
		cmocka_unit_test(signatures_below_a_broken_label_are_nobodys),
		cmocka_unit_test(zero_bytes_and_long_lines_are_broken),
		cmocka_unit_test(signatures_have_a_cap),
		cmocka_unit_test(the_longest_names_fit_with_their_mark),
		cmocka_unit_test_setup_teardown(no_file_is_no_harm, begin, end),
		cmocka_unit_test_setup_teardown(a_file_is_read_again_only_when_it_is_another, begin, end),
		cmocka_unit_test_setup_teardown(a_giant_file_is_not_read, begin, end),
		cmocka_unit_test_setup_teardown(a_pipe_does_not_hold_it, begin, end),
		cmocka_unit_test(the_database_of_p0f_itself),
	};
	struct CMUnitTest tests[ARRAY_LEN(rows)];
	int failed;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_row,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	failed = cmocka_run_group_tests_name("os", tests, NULL, NULL);
	return failed + cmocka_run_group_tests_name("os, others", others, NULL, NULL);
}
