/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_document.c - a file that grows: who waits for it is woken, and what failed is never taken for whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../web/document.h"

struct client {
	struct waiter waiter;
	int slept, woken;
};

static void
go_to_sleep(void *ctx)
{
	((struct client *)ctx)->slept++;
}

static void
wake_up(void *ctx)
{
	((struct client *)ctx)->woken++;
}

static bool
waits(struct document *d, struct client *c, enum document_stage stage, uint64_t beyond)
{
	c->waiter = (struct waiter){ .for_stage = stage, .beyond = beyond, .sleep = go_to_sleep, .wake = wake_up, .ctx = c };
	return document_wait(d, &c->waiter);
}

static void
it_is_read_as_it_grows(void **state)
{
	struct document *d = document_new();
	char buf[16];
	bool ended;

	(void)state;
	assert_int_equal(document_read(d, 0, buf, sizeof(buf), &ended), 0);
	assert_false(ended);
	document_begin(d);
	assert_true(document_write(d, "abcdef", 6));
	assert_int_equal(document_read(d, 2, buf, 3, &ended), 3);
	assert_memory_equal(buf, "cde", 3);
	assert_int_equal(document_read(d, 6, buf, sizeof(buf), &ended), 0);
	assert_false(ended);
	document_end(d, true);
	assert_int_equal(document_read(d, 5, buf, sizeof(buf), &ended), 1);
	assert_false(ended);
	assert_int_equal(document_read(d, 6, buf, sizeof(buf), &ended), 0);
	assert_true(ended);
	document_unref(d);
}

static void
each_waits_for_what_it_needs_and_is_woken_once(void **state)
{
	struct document *d = document_new();
	struct client head = { .slept = 0 }, more = head, whole = head;

	(void)state;
	assert_true(waits(d, &head, DOCUMENT_GROWS, 0));
	assert_true(waits(d, &more, DOCUMENT_GROWS, 7));
	assert_true(waits(d, &whole, DOCUMENT_WHOLE, 0));
	assert_int_equal(head.slept + more.slept + whole.slept, 3);
	document_begin(d);
	assert_int_equal(head.woken, 1);
	assert_true(document_write(d, "abcdef", 6));
	assert_int_equal(more.woken, 0);
	assert_true(document_write(d, "g", 1));
	assert_int_equal(more.woken, 1);
	assert_false(waits(d, &more, DOCUMENT_GROWS, 7));
	assert_int_equal(whole.woken, 0);
	document_end(d, true);
	assert_int_equal(head.woken + more.woken + whole.woken, 3);
	assert_false(waits(d, &whole, DOCUMENT_WHOLE, 0));
	document_unref(d);
}

static void
one_that_failed_wakes_all_and_gives_nothing_more(void **state)
{
	struct document *d = document_new();
	struct client more = { .slept = 0 }, whole = more;
	char buf[16];
	bool ended;

	(void)state;
	document_begin(d);
	assert_true(document_write(d, "abcdef", 6));
	assert_true(waits(d, &more, DOCUMENT_GROWS, 7));
	assert_true(waits(d, &whole, DOCUMENT_WHOLE, 0));
	document_end(d, false);
	assert_int_equal(more.woken + whole.woken, 2);
	/* Not even what is there: whoever reads on must see the end of it as a failure. */
	assert_int_equal(document_read(d, 6, buf, sizeof(buf), &ended), -1);
	assert_false(ended);
	assert_int_equal(document_read(d, 0, buf, sizeof(buf), &ended), -1);
	assert_false(waits(d, &more, DOCUMENT_GROWS, 7));
	document_unref(d);
}

static void
a_stream_that_is_stopped_fails(void **state)
{
	struct document *d = document_new();
	_Atomic bool stop = false;
	struct document_stream s = { d, &stop };
	FILE *out = document_stream(&s);
	uint64_t size;

	(void)state;
	assert_non_null(out);
	assert_int_equal(fputs("one", out) < 0, 0);
	assert_int_equal(fflush(out), 0);
	stop = true;
	assert_int_equal(fputs("two", out) < 0, 0);
	assert_int_not_equal(fclose(out), 0);
	(void)document_stage(d, &size);
	assert_int_equal(size, 3);
	document_unref(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_read_as_it_grows),
		cmocka_unit_test(each_waits_for_what_it_needs_and_is_woken_once),
		cmocka_unit_test(one_that_failed_wakes_all_and_gives_nothing_more),
		cmocka_unit_test(a_stream_that_is_stopped_fails),
	};

	return cmocka_run_group_tests_name("web: document", tests, NULL, NULL);
}
