/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store_restore.c - what comes back at the next start: senders, memories, what an admin said.
 */
#include "store_file.h"

#include <sys/resource.h>

struct gathered {
	struct sender_row rows[64];
	struct memory_row memories[64];
	struct prefix allows[64];
	uint32_t expires[64];
	struct doubt_row doubts[64];
	struct evidence_row evidence[64];
	size_t n;
};

static bool
gather_sender(void *ctx, const struct sender_row *r)
{
	struct gathered *g = ctx;

	g->rows[g->n++] = *r;
	return true;
}

static bool
gather_memory(void *ctx, const struct memory_row *m)
{
	struct gathered *g = ctx;

	g->memories[g->n++] = *m;
	return true;
}

static bool
gather_allow(void *ctx, const struct prefix *p, uint32_t expires_s)
{
	struct gathered *g = ctx;

	g->allows[g->n] = *p;
	g->expires[g->n++] = expires_s;
	return true;
}

static void
a_sender_comes_back_as_it_was(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct gathered g = { .n = 0 };
	struct sender_row r = { .key = support_key("2001:db8:1:2::3"), .score = 5.125f, .hint = -2.5f, .blame = 19.999f,
		.sums_at_s = NOW_S - 3, .first_seen_s = NOW_S - 1000, .last_seen_s = NOW_S, .listed_since_s = NOW_S - 500,
		.expires_s = NOW_S + 500, .climbed_at_s = NOW_S - 7, .kinds = 0x1fff, .state = STATE_NOTICED,
		.klass = CLASS_SCANNER, .grade = GRADE_PROVEN, .flags = 0xa5, .caps = 0x5a, .relapses = 3, .sets = 0x80000005 };

	k.sender(k.ctx, &r);
	store_close(s);
	s = support_open(d, NULL);
	assert_true(store_each_sender(s, gather_sender, &g));
	store_close(s);
	assert_int_equal(g.n, 1);
	assert_memory_equal(&g.rows[0], &r, sizeof r);
}

static void
an_order_memory_comes_back_as_it_was(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct gathered g = { .n = 0 };
	struct memory_row a = { .sender = 5, .lower_at_s = NOW_S - 50, .memory_at_s = NOW_S - 10, .last_s = NOW_S,
		.last_real_s = NOW_S - 100, .set = 4095, .is_pool = 1, .unanswered = 1 };
	struct memory_row b = { .sender = 5, .lower_at_s = 0, .memory_at_s = 0, .last_s = NOW_S, .set = 0 };

	k.memory(k.ctx, &a);
	k.memory(k.ctx, &b);
	store_close(s);
	s = support_open(d, NULL);
	assert_true(store_each_memory(s, gather_memory, &g));
	store_close(s);
	assert_int_equal(g.n, 2);
	assert_memory_equal(&g.memories[0], &b, sizeof b);
	assert_memory_equal(&g.memories[1], &a, sizeof a);
}

static bool
gather_doubt(void *ctx, const struct doubt_row *row)
{
	struct gathered *g = ctx;

	g->doubts[g->n++] = *row;
	return true;
}

static bool
gather_evidence(void *ctx, const struct evidence_row *row)
{
	struct gathered *g = ctx;

	g->evidence[g->n++] = *row;
	return true;
}

static void
the_newest_word_on_each_doubt_comes_back(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct gathered g = { .n = 0 };
	sqlite3 *db;
	struct doubt_row a = { .kind = DOUBT_ROW_REAL, .v = { 1, 2, 3, 4 } }, b = { .kind = DOUBT_ROW_BLIND, .n = 3, .v = { 5, 6 } };

	assert_true(addr_parse(&a.addr, "198.51.100.20"));
	k.doubt(k.ctx, &a);
	k.doubt(k.ctx, &b);
	a.v[3] = UINT32_MAX * 1000000LL;
	k.doubt(k.ctx, &a);
	store_close(s);
	/* A row that nobody wrote is not believed. */
	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "INSERT INTO doubt VALUES (99, 0, zeroblob(16), 1, 1, 1, 1),"
	    " (1, 255, zeroblob(16), 1, 1, 1, 1), (3, 0, zeroblob(3), 1, 1, 1, 1)", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	s = support_open(d, NULL);
	assert_true(store_each_doubt(s, gather_doubt, &g));
	store_close(s);
	assert_int_equal(g.n, 2);
	assert_memory_equal(&g.doubts[0], &b, sizeof b);
	assert_memory_equal(&g.doubts[1], &a, sizeof a);
}

static void
the_newest_evidence_comes_back_in_its_order(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct gathered g = { .n = 0 };
	struct evidence_row e = { .sender = support_key("2001:db8:1:2::3"), .kind = EVIDENCE_EARLY_TALKER,
		.grade = GRADE_ADDRESSED, .score = 3, .hint = 3, .score_sum = 3, .hint_sum = 3, .set = 2 };

	e.host = sender_addr(e.sender, 3);
	for (int i = 0; i < 5; i++) {
		e.time_us = NOW_US + i;
		k.evidence(k.ctx, &e);
	}
	e.revision = 1;
	e.of_us = NOW_US + 4;
	e.excused = DOUBT_REAL_DOWN;
	k.evidence(k.ctx, &e);
	assert_true(store_sync(s));
	assert_true(store_each_evidence(s, 2, gather_evidence, &g));
	store_close(s);
	assert_int_equal(g.n, 2);
	assert_true(g.evidence[0].time_us == NOW_US + 4 && g.evidence[0].revision == 0);
	assert_memory_equal(&g.evidence[1], &e, sizeof e);
}

static void
the_newest_snapshot_of_a_sender_wins(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct gathered g = { .n = 0 };
	struct sender_row r = { .key = 77, .first_seen_s = NOW_S, .last_seen_s = NOW_S };

	for (unsigned i = 0; i < 50; i++) {
		r.last_seen_s = NOW_S + i;
		k.sender(k.ctx, &r);
	}
	assert_true(store_sync(s));
	assert_true(store_each_sender(s, gather_sender, &g));
	assert_int_equal(g.n, 1);
	assert_int_equal(g.rows[0].last_seen_s, NOW_S + 49);
	store_close(s);
}

static void
senders_come_back_in_key_order(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct gathered g = { .n = 0 };

	for (uint64_t i = 0; i < 60; i++) {
		struct sender_row r = { .key = (i * 37 % 60) << 40, .first_seen_s = NOW_S, .last_seen_s = NOW_S };

		k.sender(k.ctx, &r);
	}
	assert_true(store_sync(s));
	assert_true(store_each_sender(s, gather_sender, &g));
	assert_int_equal(g.n, 60);
	for (size_t i = 1; i < g.n; i++)
		assert_true(g.rows[i - 1].key < g.rows[i].key);
	store_close(s);
}

static void
a_listing_newer_than_its_sender_wins_at_the_start(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct gathered g = { .n = 0 };
	struct sender_row stale = { .key = support_key("192.0.2.7"), .first_seen_s = NOW_S - 9, .last_seen_s = NOW_S - 9,
		.score = 5, .sums_at_s = NOW_S - 9, .state = STATE_SUSPECT };
	struct change_row listed = support_change("192.0.2.7", STATE_SUSPECT, STATE_LISTED);
	struct change_row orphan = support_change("192.0.2.1", STATE_UNKNOWN, STATE_SUSPECT);

	k.sender(k.ctx, &stale);
	k.change(k.ctx, &listed);
	k.change(k.ctx, &orphan);
	assert_true(store_sync(s));
	assert_true(store_each_sender(s, gather_sender, &g));
	assert_int_equal(g.n, 2);
	assert_int_equal(g.rows[0].state, STATE_SUSPECT);
	assert_int_equal(g.rows[0].key, orphan.sender);
	assert_int_equal(g.rows[1].state, STATE_LISTED);
	assert_int_equal(g.rows[1].expires_s, listed.expires_s);
	assert_int_equal(g.rows[1].listed_since_s, listed.since_s);
	assert_true(g.rows[1].score > 10.0f && g.rows[1].score < 11.0f);
	store_close(s);
}

static void
a_sender_that_the_list_let_go_does_not_come_back_listed(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct gathered g = { .n = 0 };
	struct sender_row stale = { .key = support_key("192.0.2.7"), .first_seen_s = NOW_S - 9, .last_seen_s = NOW_S - 9,
		.score = 15, .blame = 15, .sums_at_s = NOW_S - 9, .state = STATE_LISTED, .expires_s = NOW_S + 900 };
	struct change_row on = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct change_row off = support_change("192.0.2.7", STATE_LISTED, STATE_NOTICED);

	off.score = 1.5f;
	k.sender(k.ctx, &stale);
	k.change(k.ctx, &on);
	k.change(k.ctx, &off);
	assert_true(store_sync(s));
	assert_true(store_each_sender(s, gather_sender, &g));
	assert_int_equal(g.n, 1);
	assert_int_equal(g.rows[0].state, STATE_NOTICED);
	assert_true(g.rows[0].score < 2.0f && g.rows[0].blame < 2.0f);
	store_close(s);
}

static bool
count_correspondent(void *ctx, sender_key key, uint32_t answered_s)
{
	uint32_t *n = ctx;

	assert_true(key == 7 + *n);
	assert_int_equal(answered_s, NOW_S + *n);
	++*n;
	return true;
}

static void
hosts_that_we_send_mail_to_come_back_with_their_last_answer(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	uint32_t n = 0;

	for (uint32_t i = 0; i < 10; i++) {
		k.correspondent(k.ctx, 7 + i, NOW_S - 100);
		k.correspondent(k.ctx, 7 + i, NOW_S + i);
	}
	assert_true(store_sync(s));
	store_close(s);
	s = support_open(d, NULL);
	assert_true(store_each_correspondent(s, count_correspondent, &n));
	assert_int_equal(n, 10);
	store_close(s);
}

static void
an_allow_entry_is_durable_and_audited_when_the_call_returns(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct gathered g = { .n = 0 };
	struct prefix p;

	assert_true(prefix_parse(&p, "192.0.2.0/24"));
	assert_true(store_allow(s, &p, NOW_S + 60, "root", "a friend; '); DROP TABLE allow; --"));
	assert_int_equal(number(d, "SELECT count(*) FROM audit WHERE what = 'allow' AND who = 'root'"), 1);
	assert_true(store_each_allow(s, gather_allow, &g));
	assert_int_equal(g.n, 1);
	assert_true(prefix_equal(&g.allows[0], &p));
	assert_int_equal(g.expires[0], NOW_S + 60);
	/* Said again without a note it keeps the one that it has. */
	assert_true(store_allow(s, &p, NOW_S + 90, "root", ""));
	assert_int_equal(number(d, "SELECT count(*) FROM allow WHERE note LIKE 'a friend%'"), 1);
	assert_true(store_allow(s, &p, NOW_S + 90, "root", "ticket 12"));
	assert_int_equal(number(d, "SELECT count(*) FROM allow WHERE note = 'ticket 12'"), 1);
	assert_true(store_allow(s, &p, STORE_ALLOW_REMOVE, "root", ""));
	assert_int_equal(number(d, "SELECT count(*) FROM allow"), 0);
	assert_true(store_audit(s, NOW_US, "root", "forget", &p, "mine"));
	assert_true(store_audit(s, NOW_US, "root", "reload", NULL, NULL));
	assert_int_equal(number(d, "SELECT count(*) FROM audit"), 6);
	store_close(s);
}

static bool
count_one(void *ctx, const struct sender_row *r)
{
	(void)r;
	(*(size_t *)ctx)++;
	return true;
}

static void
a_million_senders_are_written_in_three_seconds_and_read_back_in_five(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	double start = support_seconds(), took;
	size_t n = 0;
	uint64_t x = 88172645463325252ULL;

	for (uint32_t i = 0; i < 1000000; i++) {
		struct sender_row r = { .first_seen_s = NOW_S - (i & 4095), .last_seen_s = NOW_S, .hint = 5, .kinds = 1,
			.sums_at_s = NOW_S, .state = STATE_NOTICED, .grade = GRADE_SYN, .fingerprint = 0, .flags = 8 };

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		r.key = i % 10 != 0 ? SENDER_KEY_V4 | (x & 0xffffffff) : 0x2000000000000000ULL | (x >> 3);
		k.sender(k.ctx, &r);
	}
	assert_true(store_sync(s));
	took = support_seconds() - start;
	print_message("1 M senders written in %.2f s\n", took);
	store_close(s);
	print_message("%.1f bytes a sender on disk (its table and its index)\n",
	    (double)number(d, "SELECT sum(pgsize) FROM dbstat WHERE name IN ('sender', 'sender_state')") /
	    (double)number(d, "SELECT count(*) FROM sender"));
	start = support_seconds();
	s = support_open(d, NULL);
	assert_true(store_each_sender(s, count_one, &n));
	print_message("%zu senders read back in %.2f s, with opening and its checks\n", n, support_seconds() - start);
	assert_true(n > 990000);
	assert_true(support_seconds() - start < 50);
	store_close(s);
}

struct found { struct sender_row row[4]; size_t n; };

static bool
keep_found(void *ctx, const struct sender_row *row)
{
	struct found *f = ctx;

	assert_true(f->n < 4);
	f->row[f->n++] = *row;
	return true;
}

/* The snapshot of the sender is older than all of it, as after a kill. */
static void
what_an_allowance_ended_comes_back_with_the_list(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct change_row listed = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct change_row allowed = support_change("192.0.2.7", STATE_LISTED, STATE_ALLOWED), again;
	struct found f = { .n = 0 };

	allowed.expires_s = 0;
	allowed.paused_since_s = NOW_S - 600;
	allowed.paused_until_s = NOW_S + 80000;
	allowed.paused_hand_s = NOW_S + 90000;
	k.change(k.ctx, &listed);
	k.change(k.ctx, &allowed);
	assert_true(store_sync(s));
	store_close(s);
	s = support_open(d, NULL);
	assert_true(store_each_sender(s, keep_found, &f));
	assert_int_equal(f.n, 1);
	assert_int_equal(f.row[0].state, STATE_ALLOWED);
	assert_true(f.row[0].paused);
	assert_int_equal(f.row[0].listed_since_s, NOW_S - 600);
	assert_int_equal(f.row[0].expires_s, NOW_S + 80000);
	assert_int_equal(f.row[0].hand_until_s, NOW_S + 90000);
	assert_false(f.row[0].hand_alone);
	/* The next word on it is that nothing is to go on. */
	again = allowed;
	again.old_state = STATE_ALLOWED;
	again.paused_since_s = again.paused_until_s = again.paused_hand_s = 0;
	k = store_sink(s);
	k.change(k.ctx, &again);
	assert_true(store_sync(s));
	f.n = 0;
	assert_true(store_each_sender(s, keep_found, &f));
	assert_false(f.row[0].paused);
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_sender_comes_back_as_it_was),
		store_test(an_order_memory_comes_back_as_it_was),
		store_test(the_newest_word_on_each_doubt_comes_back),
		store_test(the_newest_evidence_comes_back_in_its_order),
		store_test(the_newest_snapshot_of_a_sender_wins),
		store_test(senders_come_back_in_key_order),
		store_test(a_listing_newer_than_its_sender_wins_at_the_start),
		store_test(a_sender_that_the_list_let_go_does_not_come_back_listed),
		store_test(what_an_allowance_ended_comes_back_with_the_list),
		store_test(hosts_that_we_send_mail_to_come_back_with_their_last_answer),
		store_test(an_allow_entry_is_durable_and_audited_when_the_call_returns),
		store_test(a_million_senders_are_written_in_three_seconds_and_read_back_in_five),
	};

	return cmocka_run_group_tests_name("store: restore", tests, NULL, NULL);
}
