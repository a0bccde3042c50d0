/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_log.c - what a line of the log may hold, and how often it may come.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mxtrap/log.h"

struct printed {
	int  keep, pipe[2];
	char text[4096];
};

static void
listen_in(struct printed *s)
{
	assert_int_equal(pipe(s->pipe), 0);
	s->keep = dup(STDERR_FILENO);
	dup2(s->pipe[1], STDERR_FILENO);
	close(s->pipe[1]);
}

static const char *
heard(struct printed *s)
{
	ssize_t n;

	dup2(s->keep, STDERR_FILENO);
	close(s->keep);
	n = read(s->pipe[0], s->text, sizeof(s->text) - 1);
	close(s->pipe[0]);
	s->text[n > 0 ? n : 0] = '\0';
	return s->text;
}

static void
a_line_begins_with_the_name(void **state)
{
	struct printed s;

	(void)state;
	log_name("mxtrapd/test");
	listen_in(&s);
	log_info("LISTED [%s] %d", "192.0.2.7", 5);
	assert_string_equal(heard(&s), "mxtrapd/test: LISTED [192.0.2.7] 5\n");
}

static void
a_warning_ends_with_the_error(void **state)
{
	struct printed s;

	(void)state;
	listen_in(&s);
	errno = ENOENT;
	log_warn("open");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(heard(&s), "mxtrapd/test: warning: open: No such file or directory\n");
}

static void
a_strangers_text_starts_no_line(void **state)
{
	struct printed s;

	(void)state;
	listen_in(&s);
	log_warnx("helo %s", "a\nmxtrapd: LISTED\r\x1b[2J\x7f\xc3\xa9");
	assert_string_equal(heard(&s),
	    "mxtrapd/test: warning: helo a\\x0amxtrapd: LISTED\\x0d\\x1b[2J\\x7f\\xc3\\xa9\n");
}

static void
a_line_is_at_most_512_bytes(void **state)
{
	struct printed s;
	char big[2000];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	listen_in(&s);
	log_info("%s", big);
	heard(&s);
	assert_int_equal(strlen(s.text), 512);
	assert_int_equal(s.text[511], '\n');
	memset(big, '\n', sizeof(big) - 1);
	listen_in(&s);
	log_info("%s", big);
	heard(&s);
	assert_true(strlen(s.text) <= 512);
	assert_int_equal(s.text[strlen(s.text) - 1], '\n');
	assert_ptr_equal(strchr(s.text, '\n'), s.text + strlen(s.text) - 1);
}

static void
debug_lines_come_on_demand_only(void **state)
{
	struct printed s;

	(void)state;
	listen_in(&s);
	log_debug("no");
	log_verbose(true);
	log_debug("yes");
	log_verbose(false);
	assert_string_equal(heard(&s), "mxtrapd/test: debug: yes\n");
}

static void
a_stuck_reader_stops_nobody(void **state)
{
	struct printed s;

	(void)state;
	listen_in(&s);
	for (int i = 0; i < 10000; i++)		/* far more than a pipe holds */
		log_info("line %d of a log that nobody reads", i);
	assert_memory_equal(heard(&s), "mxtrapd/test: line 0 ", 21);
}

static void
an_error_may_be_said_6_times_a_minute(void **state)
{
	struct log_rate rate = { 0 };
	uint32_t hushed;

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_true(log_may(&rate, 1000 + i, &hushed));
	for (int i = 0; i < 10; i++)
		assert_false(log_may(&rate, 1010 + i, &hushed));
	assert_true(log_may(&rate, 1060, &hushed));
	assert_int_equal(hushed, 10);
	assert_true(log_may(&rate, 1061, &hushed));
	assert_int_equal(hushed, 0);
}

static void
a_clock_that_steps_back_hushes_nobody_for_long(void **state)
{
	struct log_rate rate = { 0 };
	uint32_t hushed;

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_true(log_may(&rate, 1000000, &hushed));
	assert_false(log_may(&rate, 1000000, &hushed));
	assert_true(log_may(&rate, 500, &hushed));
	assert_int_equal(hushed, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_begins_with_the_name),
		cmocka_unit_test(a_warning_ends_with_the_error),
		cmocka_unit_test(a_strangers_text_starts_no_line),
		cmocka_unit_test(a_line_is_at_most_512_bytes),
		cmocka_unit_test(debug_lines_come_on_demand_only),
		cmocka_unit_test(a_stuck_reader_stops_nobody),
		cmocka_unit_test(an_error_may_be_said_6_times_a_minute),
		cmocka_unit_test(a_clock_that_steps_back_hushes_nobody_for_long),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
