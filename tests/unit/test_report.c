/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_report.c - the list as readers are told it: what was stored, in order, as of now, and from
 * one state of the list.
 */
#include "report_seen.h"

#include <sqlite3.h>

static void
a_directory_without_a_database_is_busy(void **state)
{
	struct bench_dir *d = *state;
	struct judge_params params;
	struct report *r = NULL;

	judge_defaults(&params);
	assert_int_equal(report_open(&r, d->path, &params), REPORT_BUSY);
	assert_null(r);
}

static void
the_state_has_the_name_that_the_writer_gave(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c[] = { support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED),
		support_change("192.0.2.8", STATE_UNKNOWN, STATE_SUSPECT) };
	struct report_state st;
	struct store_counters n;
	struct report *r;
	struct store *s;

	fill(d, c, 2, NULL, 0);
	s = support_open(d, NULL);
	store_counters(s, &n);
	r = support_report(d);
	assert_int_equal(report_state(r, &st), REPORT_OK);
	assert_int_equal(st.generation, n.generation);
	assert_int_equal(st.serial, n.serial);
	assert_int_equal(st.n_listed, 1);
	assert_int_equal(st.n_suspect, 1);
	assert_int_equal(st.clock_s, 0);
	assert_true(st.changed_s >= st.created_s && st.created_s > 0);
	report_close(r);
	store_close(s);
}

static void
a_listed_address_is_found_with_its_reasons(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct addr a = support_addr("192.0.2.7"), b = support_addr("192.0.2.8");
	struct report_entry e;
	struct report *r;

	fill(d, &c, 1, NULL, 0);
	r = support_report(d);
	assert_int_equal(report_check(r, &a, NOW_S, &e), REPORT_OK);
	assert_true(prefix_equal(&e.what, &c.what));
	assert_int_equal(e.state, STATE_LISTED);
	assert_int_equal(e.expires_s, c.expires_s);
	assert_int_equal(e.since_s, c.since_s);
	assert_int_equal(e.kinds, c.kinds);
	assert_int_equal(e.first_seen_s, c.first_seen_s);
	assert_true(e.score > 10.49f && e.score < 10.51f);
	assert_int_equal(report_check(r, &b, NOW_S, &e), REPORT_NONE);
	report_close(r);
}

static void
a_suspect_is_not_listed(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_SUSPECT);
	struct addr a = support_addr("192.0.2.7");
	struct report_entry e;
	struct report *r;

	fill(d, &c, 1, NULL, 0);
	r = support_report(d);
	assert_int_equal(report_check(r, &a, NOW_S, &e), REPORT_NONE);
	report_close(r);
}

static void
a_listing_ends_for_readers_at_its_expiry(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct sender_row sums = sender("192.0.2.7", 4.0f, 6.0f);
	struct addr a = support_addr("192.0.2.7");
	struct seen seen;
	struct report_entry e;
	struct report *r;

	fill(d, &c, 1, &sums, 1);
	r = support_report(d);
	assert_int_equal(report_check(r, &a, c.expires_s - 1, &e), REPORT_OK);
	assert_int_equal(report_check(r, &a, c.expires_s, &e), REPORT_NONE);
	assert_int_equal(entries(r, &seen, (struct report_filter){ .states = 1 << STATE_LISTED, .klass = 0xff,
	    .one_snapshot = true }, c.expires_s), 0);
	/* What it is now is said by its own sums. */
	assert_int_equal(report_sender(r, &a, c.expires_s, &e), REPORT_OK);
	assert_int_equal(e.state, STATE_NOTICED);
	assert_int_equal(entries(r, &seen, (struct report_filter){ .klass = 0xff }, c.expires_s), 1);
	assert_int_equal(seen.entries[0].state, STATE_NOTICED);
	report_close(r);
}

static void
every_address_of_a_listed_64_is_listed(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c = support_change("2001:db8:1:2::9", STATE_UNKNOWN, STATE_LISTED);
	struct addr a = support_addr("2001:db8:1:2:ffff::1"), b = support_addr("2001:db8:1:3::9");
	struct report_entry e;
	struct report *r;

	fill(d, &c, 1, NULL, 0);
	r = support_report(d);
	assert_int_equal(report_check(r, &a, NOW_S, &e), REPORT_OK);
	assert_int_equal(e.what.len, 64);
	assert_int_equal(report_check(r, &b, NOW_S, &e), REPORT_NONE);
	report_close(r);
}

static void
a_single_address_of_a_64_leaves_its_neighbours_alone(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c = support_change("2001:db8:1:2::9", STATE_UNKNOWN, STATE_LISTED);
	struct addr a = support_addr("2001:db8:1:2::9"), b = support_addr("2001:db8:1:2::8");
	struct report_entry e;
	struct report *r;

	c.what = (struct prefix){ .addr = a, .len = 128 };
	fill(d, &c, 1, NULL, 0);
	r = support_report(d);
	assert_int_equal(report_check(r, &a, NOW_S, &e), REPORT_OK);
	assert_true(prefix_equal(&e.what, &c.what));
	assert_int_equal(report_check(r, &b, NOW_S, &e), REPORT_NONE);
	assert_int_equal(report_sender(r, &b, NOW_S, &e), REPORT_OK);
	assert_true(prefix_equal(&e.what, &c.what));
	report_close(r);
}

static void
a_check_sees_a_new_listing_soon(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct addr a = support_addr("192.0.2.7");
	struct store *s = support_open(d, NULL);
	struct report *r = support_report(d);
	struct sink k = store_sink(s);
	struct report_entry e;
	double start;

	/* Look-ups that come thick hold a transaction. */
	for (int i = 0; i < 10000; i++)
		assert_int_equal(report_check(r, &a, NOW_S, &e), REPORT_NONE);
	k.change(k.ctx, &c);
	assert_true(store_sync(s));
	start = support_seconds();
	while (report_check(r, &a, NOW_S, &e) != REPORT_OK)
		assert_true(support_seconds() - start < 30.0);
	assert_true(support_seconds() - start < 2.0);
	report_close(r);
	store_close(s);
}

static void
an_idle_reader_lets_go_of_its_transaction(void **state)
{
	struct bench_dir *d = *state;
	struct addr a = support_addr("192.0.2.7");
	struct store *s = support_open(d, NULL);
	struct report *r = support_report(d);
	struct report_entry e;
	double start;
	sqlite3 *db;
	int busy = 1, frames = 0, done = 0;

	for (int i = 0; i < 10000; i++)
		report_check(r, &a, NOW_S, &e);
	/* A checkpoint that wants the whole log can only be had when nobody reads. */
	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	start = support_seconds();
	while (busy != 0 && support_seconds() - start < 50)
		busy = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &frames, &done) != SQLITE_OK;
	assert_false(busy);
	assert_true(support_seconds() - start < 10.0);
	sqlite3_close(db);
	report_close(r);
	store_close(s);
}

static void
entries_come_in_key_order_and_the_list_wins_over_the_sums(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c[] = { support_change("2001:db8::1", STATE_UNKNOWN, STATE_SUSPECT),
		support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED) };
	struct sender_row m[] = { sender("192.0.2.7", 12, 12), sender("192.0.2.9", 0, 5), sender("192.0.2.1", 0, 0.5f),
		sender("192.0.2.5", -3, -3), sender("2001:db8:1::1", 0, 6) };
	struct seen seen;
	struct report *r;

	m[2].kinds = 0;
	fill(d, c, 2, m, 5);
	r = support_report(d);
	assert_int_equal(entries(r, &seen, (struct report_filter){ .klass = 0xff }, NOW_S), 6);
	for (size_t i = 1; i < seen.n; i++)
		assert_true(seen.entries[i - 1].key < seen.entries[i].key);
	assert_int_equal(seen.entries[0].state, STATE_UNKNOWN);
	assert_int_equal(seen.entries[1].state, STATE_CLEARED);
	assert_int_equal(seen.entries[2].state, STATE_LISTED);
	assert_int_equal(seen.entries[3].state, STATE_NOTICED);
	assert_int_equal(seen.entries[4].state, STATE_SUSPECT);
	assert_int_equal(seen.entries[5].state, STATE_NOTICED);
	assert_int_equal(entries(r, &seen, (struct report_filter){ .klass = 0xff, .with_kinds_only = true }, NOW_S), 5);
	assert_int_equal(entries(r, &seen, (struct report_filter){ .states = 1 << STATE_CLEARED, .klass = 0xff }, NOW_S), 1);
	assert_int_equal(seen.entries[0].key, m[3].key);
	assert_int_equal(entries(r, &seen, (struct report_filter){ .states = 1 << STATE_NOTICED, .klass = 0xff }, NOW_S), 2);
	assert_int_equal(entries(r, &seen, (struct report_filter){ .states = 1 << STATE_LISTED | 1 << STATE_SUSPECT,
	    .klass = 0xff, .one_snapshot = true }, NOW_S), 2);
	assert_int_equal(entries(r, &seen, (struct report_filter){ .klass = CLASS_SCANNER }, NOW_S), 0);
	report_close(r);
}

static void
pages_by_keyset_give_each_entry_once(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c[90];
	struct sender_row m[90];
	struct seen seen, page;
	struct report *r;
	struct prefix after;
	size_t n = 0;
	char text[64];

	for (int i = 0; i < 90; i++) {
		snprintf(text, sizeof text, i % 3 == 0 ? "2001:db8:%x::1" : "192.0.2.%d", i + 1);
		c[i] = support_change(text, STATE_UNKNOWN, STATE_LISTED);
		/* Some of them over: their place in a page is their record's. */
		if (i % 5 == 0)
			c[i].expires_s = NOW_S - 1;
		snprintf(text, sizeof text, i % 3 == 0 ? "2001:db8:%x::1" : "192.0.2.%d", i + 1);
		m[i] = sender(text, 0, 5);
	}
	fill(d, c, 90, m, 90);
	r = support_report(d);
	assert_int_equal(entries(r, &seen, (struct report_filter){ .klass = 0xff }, NOW_S), 90);
	for (size_t size = 1; size < 20; size += 3) {
		n = 0;
		after = (struct prefix){ 0 };
		for (;;) {
			struct report_filter f = { .klass = 0xff, .limit = size, .after = n == 0 ? NULL : &after };
			size_t got = entries(r, &page, f, NOW_S);

			for (size_t i = 0; i < got; i++)
				assert_memory_equal(&page.entries[i].what, &seen.entries[n + i].what, sizeof after);
			n += got;
			if (got < size)
				break;
			after = page.entries[got - 1].what;
		}
		assert_int_equal(n, 90);
	}
	report_close(r);
}

static void
a_prefix_bounds_the_search(void **state)
{
	struct bench_dir *d = *state;
	struct sender_row m[] = { sender("192.0.2.7", 0, 5), sender("192.0.3.7", 0, 5), sender("192.0.2.255", 0, 5),
		sender("2001:db8:1:2::", 0, 5), sender("2001:db8:2::", 0, 5) };
	struct seen seen;
	struct report *r;
	struct prefix p;

	fill(d, NULL, 0, m, 5);
	r = support_report(d);
	assert_true(prefix_parse(&p, "192.0.2.0/24"));
	assert_int_equal(entries(r, &seen, (struct report_filter){ .klass = 0xff, .within = &p }, NOW_S), 2);
	assert_true(prefix_parse(&p, "192.0.2.7"));
	assert_int_equal(entries(r, &seen, (struct report_filter){ .klass = 0xff, .within = &p }, NOW_S), 1);
	assert_true(prefix_parse(&p, "0.0.0.0/0"));
	assert_int_equal(entries(r, &seen, (struct report_filter){ .klass = 0xff, .within = &p }, NOW_S), 3);
	assert_true(prefix_parse(&p, "2001:db8:1::/48"));
	assert_int_equal(entries(r, &seen, (struct report_filter){ .klass = 0xff, .within = &p }, NOW_S), 1);
	assert_true(prefix_parse(&p, "2001:db8:1:2::77/128"));
	assert_int_equal(entries(r, &seen, (struct report_filter){ .klass = 0xff, .within = &p }, NOW_S), 1);
	assert_true(prefix_parse(&p, "::/0"));
	assert_int_equal(entries(r, &seen, (struct report_filter){ .klass = 0xff, .within = &p }, NOW_S), 5);
	report_close(r);
}

static void
sums_are_told_as_of_now(void **state)
{
	struct bench_dir *d = *state;
	struct sender_row m = sender("192.0.2.7", 8, 8);
	struct addr a = support_addr("192.0.2.7");
	struct report_entry e;
	struct report *r;

	fill(d, NULL, 0, &m, 1);
	r = support_report(d);
	assert_int_equal(report_sender(r, &a, NOW_S, &e), REPORT_OK);
	assert_true(e.score > 7.99f && e.state == STATE_SUSPECT);
	assert_int_equal(report_sender(r, &a, NOW_S + 28 * 86400, &e), REPORT_OK);
	assert_true(e.score > 1.99f && e.score < 2.01f);
	assert_int_equal(e.state, STATE_UNKNOWN);
	report_close(r);
}

static void
a_replay_lives_at_its_end(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct addr a = support_addr("192.0.2.7");
	struct store *s = support_open(d, &(struct store_options){ .replay = true });
	struct sink k = store_sink(s);
	struct report_state st;
	struct report_entry e;
	struct report *r;

	k.change(k.ctx, &c);
	store_clock(s, NOW_US + 5000000);
	assert_true(store_sync(s));
	store_close(s);
	r = support_report(d);
	assert_int_equal(report_now(r, NOW_S + 900000000), NOW_S + 5);
	assert_int_equal(report_state(r, &st), REPORT_OK);
	assert_int_equal(st.clock_s, NOW_S + 5);
	assert_int_equal(report_check(r, &a, NOW_S + 900000000, &e), REPORT_OK);
	report_close(r);
	/* A live run on it lives by the clock again. */
	s = support_open(d, NULL);
	r = support_report(d);
	assert_int_equal(report_now(r, 12345), 12345);
	report_close(r);
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_directory_without_a_database_is_busy),
		store_test(the_state_has_the_name_that_the_writer_gave),
		store_test(a_listed_address_is_found_with_its_reasons),
		store_test(a_suspect_is_not_listed),
		store_test(a_listing_ends_for_readers_at_its_expiry),
		store_test(every_address_of_a_listed_64_is_listed),
		store_test(a_single_address_of_a_64_leaves_its_neighbours_alone),
		store_test(a_check_sees_a_new_listing_soon),
		store_test(an_idle_reader_lets_go_of_its_transaction),
		store_test(entries_come_in_key_order_and_the_list_wins_over_the_sums),
		store_test(pages_by_keyset_give_each_entry_once),
		store_test(a_prefix_bounds_the_search),
		store_test(sums_are_told_as_of_now),
		store_test(a_replay_lives_at_its_end),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
