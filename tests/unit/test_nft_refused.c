/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_nft_refused.c - what becomes of rows that the kernel refuses.
 *
 * The real kernel refuses only when it has no memory or likes it: nft_run() is this test's own here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../daemon/firewall/nft.h"

#define NOW_S 1790000000LL

static const char *hated;		/* a transaction with this in it fails */
static unsigned times, runs;		/* so often; how many there were */

bool
nft_run(struct nft *nft, const char *commands, const char **error)
{
	(void)nft;
	runs++;
	*error = "interrupted system call";
	if (hated == NULL || strstr(commands, hated) == NULL || times == 0)
		return true;
	times--;
	return false;
}

static struct message_row
row(const char *text, bool remove)
{
	struct message_row r = { .expires_s = remove ? 0 : NOW_S + 60, .remove = remove };
	struct prefix p;

	assert_true(prefix_parse(&p, text));
	memcpy(r.addr, p.addr.b, sizeof(r.addr));
	r.len = p.len;
	return r;
}

static bool
apply(const struct message_row *rows, size_t n, struct message_firewall *told)
{
	static char text[NFT_TEXT_SIZE];

	*told = (struct message_firewall){ .added = 0 };
	runs = 0;
	return nft_apply(NULL, rows, n, false, NOW_S, text, told);
}

static void
one_that_fails_once_is_let_go_all_the_same(void **state)
{
	struct message_row r = row("192.0.2.7", true);
	struct message_firewall told;

	(void)state;
	hated = "192.0.2.7";
	times = 1;
	assert_true(apply(&r, 1, &told));
	assert_int_equal(told.removed, 1);
	assert_int_equal(told.failed, 0);
}

static void
the_others_of_its_batch_are_taken(void **state)
{
	struct message_row rows[] = { row("192.0.2.1", false), row("192.0.2.7", false), row("192.0.2.3", true), row("192.0.2.4", false) };
	struct message_firewall told;

	(void)state;
	hated = "192.0.2.7";
	times = 100;
	assert_true(apply(rows, 4, &told));
	assert_int_equal(told.added, 2);
	assert_int_equal(told.removed, 1);
	assert_int_equal(told.failed, 1);
}

static void
who_is_not_let_go_is_said(void **state)
{
	struct message_row rows[] = { row("192.0.2.7", true), row("192.0.2.1", false), row("192.0.2.2", true) };
	struct message_firewall told;

	(void)state;
	hated = "192.0.2.7";
	times = 100;
	assert_false(apply(rows, 3, &told));
	assert_int_equal(told.failed, 1);
	assert_int_equal(told.removed, 1);
	assert_int_equal(told.added, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_fails_once_is_let_go_all_the_same),
		cmocka_unit_test(the_others_of_its_batch_are_taken),
		cmocka_unit_test(who_is_not_let_go_is_said),
	};

	return cmocka_run_group_tests_name("nft-refused", tests, NULL, NULL);
}
