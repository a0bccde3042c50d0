/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store_row.c - a stored row that cannot be true is skipped, and the rows beside it are told as ever.
 */
#include "../../daemon/store/copy.h"
#include "../../daemon/store/store_int.h"
#include "store_file.h"

#include <math.h>

#include "mxtrap/never.h"

struct told {
	struct prefix what[8];
	char name[512], note[512];
	size_t n;
};

static bool
tell_kept(void *ctx, const struct prefix *what, int64_t expires_s, const char *who, const char *note, int64_t added_s)
{
	struct told *t = ctx;

	(void)expires_s;
	(void)who;
	(void)added_s;
	snprintf(t->note, sizeof t->note, "%s", note);
	t->what[t->n++] = *what;
	return true;
}

static bool
tell_entry(void *ctx, const struct report_entry *e)
{
	struct told *t = ctx;

	t->what[t->n++] = e->what;
	return true;
}

static bool
tell_status(void *ctx, const char *name, const char *value)
{
	struct told *t = ctx;

	snprintf(t->name, sizeof t->name, "%s", name);
	snprintf(t->note, sizeof t->note, "%s", value);
	t->n++;
	return true;
}

static bool
tell_change(void *ctx, const struct report_change *c)
{
	(void)c;
	++*(size_t *)ctx;
	return true;
}

static bool
tell_allow(void *ctx, const struct prefix *what, uint32_t expires_s)
{
	struct never *never = ctx;

	return never_add(never, what, expires_s);
}

/* An allowance of 192.0.2.0/24 and a listing of 198.51.100.7, and what sql makes of the file. */
static struct report *
tampered(const struct bench_dir *d, const char *sql)
{
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct change_row c = support_change("198.51.100.7", STATE_UNKNOWN, STATE_LISTED);
	struct prefix p;
	sqlite3 *db;

	assert_true(prefix_parse(&p, "192.0.2.0/24"));
	assert_true(store_allow(s, &p, 0, "root", "partners"));
	k.change(k.ctx, &c);
	store_close(s);
	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
	return support_report(d);
}

static void
an_allowance_of_no_length_is_skipped(void **state)
{
	struct report *r = tampered(*state, "INSERT INTO allow VALUES (zeroblob(16), 255, 0, 1, 'x', 'y'),"
	    " (zeroblob(16), -1, 0, 1, 'x', 'y'), (zeroblob(15), 8, 0, 1, 'x', 'y'), (x'00000000000000000000ffffc6336401', 120, 0, 1, 'x', 'y')");
	struct told t = { .n = 0 };

	assert_int_equal(report_allows(r, NOW_S, tell_kept, &t), REPORT_OK);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.what[0].len, 120);
	assert_string_equal(t.note, "partners");
	report_close(r);
}

/* Whoever types a note in Latin-1 has allowed all the same: a stored allowance counts, whatever was said about it. */
static void
an_allowance_stands_whatever_its_note(void **state)
{
	struct report *r = tampered(*state, "INSERT INTO allow VALUES (x'00000000000000000000ffffc6336401', 128, 0, 1, CAST(x'6dfc' AS TEXT),"
	    " CAST(x'66fc7200' AS TEXT))");
	struct told t = { .n = 0 };

	assert_int_equal(report_allows(r, NOW_S, tell_kept, &t), REPORT_OK);
	assert_int_equal(t.n, 2);
	assert_string_equal(t.note, "f?r?");
	report_close(r);
}

static bool
tell_audit(void *ctx, const struct report_audit *a)
{
	struct told *t = ctx;

	snprintf(t->note, sizeof t->note, "%s", a->note);
	snprintf(t->name, sizeof t->name, "%s", a->was_note);
	t->n++;
	return true;
}

static void
what_is_no_utf8_is_stored_as_text(void **state)
{
	const struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct consumer_row c = { .first_s = 1, .last_s = 1, .n = 1 };
	struct told t = { .n = 0 };
	struct report *r;
	struct prefix p;
	sqlite3 *db;

	assert_true(prefix_parse(&p, "192.0.2.0/24"));
	assert_true(store_allow(s, &p, 0, "root", "f\xfcr M\xfcller \xc3\xbc"));
	assert_true(store_allow(s, &p, 0, "root", "\xff"));
	(void)snprintf(c.who, sizeof c.who, "192.0.2.1");
	(void)snprintf(c.what, sizeof c.what, "plain");
	(void)snprintf(c.agent, sizeof c.agent, "a\xe4");
	store_consumer(s, &c);
	store_close(s);
	r = support_report(d);
	assert_int_equal(report_allows(r, NOW_S, tell_kept, &t), REPORT_OK);
	assert_int_equal(t.n, 1);
	assert_string_equal(t.note, "?");
	assert_int_equal(report_audits(r, INT64_MAX, 1, tell_audit, &t), REPORT_OK);
	assert_string_equal(t.name, "f?r M?ller \xc3\xbc");
	report_close(r);
	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(copy_number(db, "SELECT count(*) FROM consumer WHERE agent = 'a?'", 0), 1);
	sqlite3_close(db);
}

static void
a_start_restores_no_allowance_of_no_length(void **state)
{
	struct bench_dir *d = *state;
	struct never never = { .n = 0 };
	struct store *s;

	report_close(tampered(d, "INSERT INTO allow VALUES (zeroblob(16), 255, 0, 1, 'x', 'y')"));
	s = support_open(d, NULL);
	assert_true(store_each_allow(s, tell_allow, &never));
	assert_int_equal(never.n, 1);
	never_free(&never);
	store_close(s);
}

static void
the_never_list_takes_no_prefix_that_is_none(void **state)
{
	struct never never = { .n = 0 };
	struct prefix p = { .len = 255 };

	(void)state;
	assert_false(never_add(&never, &p, 0));
	assert_int_equal(never.n, 0);
	never_free(&never);
}

static void
text_with_a_nul_or_not_utf8_is_skipped(void **state)
{
	struct report *r = tampered(*state, "INSERT INTO status VALUES ('a', CAST(x'6100' AS TEXT)), ('b', CAST(x'ff' AS TEXT)),"
	    " ('c', 'good')");
	struct told t = { .n = 0 };

	assert_int_equal(report_status(r, tell_status, &t), REPORT_OK);
	assert_int_equal(t.n, 1);
	assert_string_equal(t.name, "c");
	report_close(r);
}

static void
long_text_is_cut_between_characters(void **state)
{
	struct report *r = tampered(*state, "INSERT INTO status VALUES ('a', replace(hex(zeroblob(300)), '00', char(228)))");
	struct told t = { .n = 0 };

	assert_int_equal(report_status(r, tell_status, &t), REPORT_OK);
	assert_int_equal(t.n, 1);
	assert_int_equal(strlen(t.note), 510);
	report_close(r);
}

/* The row of a listing, all of it. */
static void
no_listing(void **state, const char *sql)
{
	struct report *r = tampered(*state, sql);
	struct report_filter f = { .klass = 0xff, .states = 1U << STATE_LISTED }, bare = f;
	struct addr bad = support_addr("203.0.113.9"), good = support_addr("198.51.100.7");
	struct report_entry e;
	struct told t = { .n = 0 };

	bare.one_snapshot = bare.bare = true;
	assert_int_equal(report_entries(r, &f, NOW_S, NULL, tell_entry, &t), REPORT_OK);
	assert_int_equal(t.n, 1);
	assert_int_equal(report_entries(r, &bare, NOW_S, NULL, tell_entry, &t), REPORT_OK);
	assert_int_equal(t.n, 2);
	assert_int_equal(report_check(r, &good, NOW_S, &e), REPORT_OK);
	assert_int_equal(report_check(r, &bad, NOW_S, &e), REPORT_NONE);
	report_close(r);
}

static void
a_listing_of_no_known_state_is_skipped(void **state)
{
	no_listing(state, "INSERT INTO listing SELECT 281474085220617 + 0 * sender, term, seen, sums, marks | 15, changed_s FROM listing");
}

static void
a_listing_without_a_bound_in_time_is_skipped(void **state)
{
	no_listing(state, "INSERT INTO listing SELECT 281474085220617 + 0 * sender, term | 4294967295, seen, sums, marks, changed_s"
	    " FROM listing");
}

static void
a_change_that_cannot_be_told_means_fetch_all(void **state)
{
	struct report *r = tampered(*state, "UPDATE list_change SET new_state = 99");
	size_t n = 0;

	assert_int_equal(report_changes_since(r, 0, 0, tell_change, &n), REPORT_NONE);
	assert_int_equal(n, 0);
	report_close(r);
}

static void
a_stamp_ahead_of_the_clock_deletes_nothing(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct attempt_row a = support_attempt("198.51.100.7", NOW_US, 0);
	sqlite3 *db;

	k.attempt(k.ctx, &a);
	store_close(s);
	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE attempt SET time_us = 4294967295000000; INSERT INTO allow VALUES (zeroblob(16), 9,"
	    " 4000000000, 1, 'x', 'y')", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	s = support_open(d, NULL);
	assert_int_equal((long long)s->newest_us, 0);
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(an_allowance_of_no_length_is_skipped),
		store_test(an_allowance_stands_whatever_its_note),
		store_test(what_is_no_utf8_is_stored_as_text),
		store_test(a_start_restores_no_allowance_of_no_length),
		cmocka_unit_test(the_never_list_takes_no_prefix_that_is_none),
		store_test(text_with_a_nul_or_not_utf8_is_skipped),
		store_test(long_text_is_cut_between_characters),
		store_test(a_listing_of_no_known_state_is_skipped),
		store_test(a_listing_without_a_bound_in_time_is_skipped),
		store_test(a_change_that_cannot_be_told_means_fetch_all),
		store_test(a_stamp_ahead_of_the_clock_deletes_nothing),
	};

	return cmocka_run_group_tests_name("a stored row is checked", tests, NULL, NULL);
}
