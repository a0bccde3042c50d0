/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_report.c - the read side: what readers are told is what was stored, in order,
 * as of now, and from one state of the list.
 */
#include "store_support.h"

#include <pwd.h>
#include <sqlite3.h>
#include <sys/wait.h>

struct seen {
	struct report_entry entries[512];
	struct report_attempt attempts[64];
	struct visit_row visits[8];
	struct evidence_row evidence[8];
	struct report_change changes[64];
	struct report_target targets[8];
	struct report_tally tallies[8];
	struct note_row notes[8];
	struct event events[8];
	char	 text[256];
	int64_t	 expires_s;
	size_t	 n, stop_at;
	struct report *ask;
};

#define GATHER(name, type, field)						\
	static bool								\
	name(void *ctx, const type *row)					\
	{									\
		struct seen *s = ctx;						\
										\
		if (s->n < sizeof s->field / sizeof s->field[0])		\
			s->field[s->n] = *row;					\
		s->n++;								\
		return s->stop_at == 0 || s->n < s->stop_at;			\
	}
GATHER(see_entry, struct report_entry, entries)
GATHER(see_attempt, struct report_attempt, attempts)
GATHER(see_visit, struct visit_row, visits)
GATHER(see_evidence, struct evidence_row, evidence)
GATHER(see_change, struct report_change, changes)
GATHER(see_target, struct report_target, targets)
GATHER(see_tally, struct report_tally, tallies)
GATHER(see_note, struct note_row, notes)
GATHER(see_event, struct event, events)

/* A database with changes in it, closed again. */
static void
fill(const struct bench_dir *d, const struct change_row *changes, size_t n, const struct sender_row *senders, size_t m)
{
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);

	for (size_t i = 0; i < n; i++)
		k.change(k.ctx, &changes[i]);
	for (size_t i = 0; i < m; i++)
		k.sender(k.ctx, &senders[i]);
	assert_true(store_sync(s));
	store_close(s);
}

static struct sender_row
sender(const char *text, float score, float hint)
{
	return (struct sender_row){ .key = support_key(text), .score = score, .hint = hint, .sums_at_s = NOW_S,
		.first_seen_s = NOW_S - 100, .last_seen_s = NOW_S, .kinds = 1, .grade = GRADE_PROVEN,
		.state = hint < -2.3f ? STATE_CLEARED : STATE_NOTICED };
}

static size_t
entries(struct report *r, struct seen *seen, struct report_filter f, int64_t now_s)
{
	memset(seen, 0, sizeof *seen);
	assert_int_equal(report_entries(r, &f, now_s, NULL, see_entry, seen), REPORT_OK);
	return seen->n;
}

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
a_check_sees_a_new_listing_within_a_tenth_of_a_second(void **state)
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
		assert_true(support_seconds() - start < 1.0);
	assert_true(support_seconds() - start < 0.2);
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
	while (busy != 0 && support_seconds() - start < 5)
		busy = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &frames, &done) != SQLITE_OK;
	assert_false(busy);
	assert_true(support_seconds() - start < 1.0);
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

static void
a_story_is_told_in_order_across_segments(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, &(struct store_options){ .replay = true });
	struct sink k = store_sink(s);
	struct seen seen = { .n = 0 };
	struct report *r;
	size_t mine = 0;

	for (int i = 0; i < 40000; i++) {
		struct attempt_row a = support_attempt("198.51.100.1", NOW_US + i, 2);

		a.src.b[15] = (uint8_t)i;
		a.src.b[14] = (uint8_t)(i >> 8);
		if (i % 1000 == 0) {
			a.src = support_addr("2001:db8::7");
			mine++;
		}
		k.attempt(k.ctx, &a);
	}
	assert_true(store_sync(s));
	r = support_report(d);
	assert_int_equal(report_attempts(r, support_key("2001:db8::7"), 0, see_attempt, &seen), REPORT_OK);
	assert_int_equal(seen.n, mine);
	for (size_t i = 0; i < seen.n; i++) {
		assert_int_equal(seen.attempts[i].time_us, NOW_US + (int64_t)i * 1000);
		assert_int_equal(addr_host(&seen.attempts[i].src), 7);
		assert_int_equal(seen.attempts[i].target, 2);
	}
	/* The same, when it was opened again in between. */
	store_close(s);
	s = support_open(d, &(struct store_options){ .replay = true });
	k = store_sink(s);
	for (int i = 0; i < 20000; i++) {
		struct attempt_row a = support_attempt(i % 2000 == 0 ? "2001:db8::7" : "192.0.2.1", NOW_US + 50000 + i, 2);

		k.attempt(k.ctx, &a);
	}
	assert_true(store_sync(s));
	memset(&seen, 0, sizeof seen);
	assert_int_equal(report_attempts(r, support_key("2001:db8::7"), 0, see_attempt, &seen), REPORT_OK);
	assert_int_equal(seen.n, mine + 10);
	memset(&seen, 0, sizeof seen);
	assert_int_equal(report_attempts(r, support_key("2001:db8::7"), 45, see_attempt, &seen), REPORT_OK);
	assert_int_equal(seen.n, 45);
	report_close(r);
	store_close(s);
}

static void
what_was_told_of_a_sender_is_told_again(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct fingerprint fp = { .version = 4, .ttl = 57, .mss = 1460, .window = 29200 };
	char text[FINGERPRINT_TEXT_SIZE];
	sender_key key = support_key("192.0.2.7");
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US, 1);
	struct visit_row v, w;
	struct evidence_row e;
	struct change_row c = support_change("192.0.2.7", STATE_SUSPECT, STATE_LISTED);
	struct seen seen = { .n = 0 };
	struct report *r;

	memset(&v, 0, sizeof v);
	v.sender = key;
	v.start_us = NOW_US - 5;
	v.end_us = NOW_US + 7;
	v.set = 3;
	v.n_attempts = 4;
	v.route[0] = ROLE_BOGUS;
	v.route[1] = ROLE_NOLISTING;
	v.route[2] = ROLE_REAL;
	v.n_route = 3;
	v.proven_route[0] = ROLE_BOGUS;
	v.n_proven_route = 1;
	v.klass = CLASS_PROBER;
	v.real_proven = 1;
	w = v;
	w.n_route = w.n_proven_route = 0;
	memset(w.route, 0, sizeof w.route);
	memset(w.proven_route, 0, sizeof w.proven_route);
	memset(&e, 0, sizeof e);
	e.time_us = NOW_US;
	e.sender = key;
	e.visit_us = NOW_US - 5;
	e.host = a.src;
	e.set = 3;
	e.kind = EVIDENCE_DESCENDED;
	e.grade = GRADE_PROVEN;
	e.score = 1.5f;
	e.hint = 0.1f;
	e.score_sum = 6.5f;
	e.hint_sum = 5.1f;
	e.excused = DOUBT_OWN_PATH | DOUBT_FOREIGN;
	e.revision = 1;
	k.fingerprint(k.ctx, 77, &fp, NOW_US);
	a.fingerprint = 77;
	k.attempt(k.ctx, &a);
	k.visit(k.ctx, &v);
	k.visit(k.ctx, &w);
	k.evidence(k.ctx, &e);
	k.change(k.ctx, &c);
	assert_true(store_sync(s));

	r = support_report(d);
	assert_int_equal(report_attempts(r, key, 0, see_attempt, &seen), REPORT_OK);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.attempts[0].fingerprint, fingerprint_format(&fp, text));
	assert_int_equal(seen.attempts[0].rtt_us, 1500);
	assert_true(addr_equal(&seen.attempts[0].src, &a.src));
	memset(&seen, 0, sizeof seen);
	assert_int_equal(report_visits(r, key, 0, see_visit, &seen), REPORT_OK);
	assert_int_equal(seen.n, 2);
	assert_memory_equal(&seen.visits[0], &v, sizeof v);
	assert_memory_equal(&seen.visits[1], &w, sizeof w);
	memset(&seen, 0, sizeof seen);
	assert_int_equal(report_evidence(r, key, 0, see_evidence, &seen), REPORT_OK);
	assert_int_equal(seen.n, 1);
	assert_memory_equal(&seen.evidence[0], &e, sizeof e);
	memset(&seen, 0, sizeof seen);
	assert_int_equal(report_changes(r, key, 0, see_change, &seen), REPORT_OK);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.changes[0].serial, 1);
	assert_memory_equal(&seen.changes[0].row, &c, sizeof c);
	report_close(r);
	store_close(s);
}

static void
the_log_is_read_from_a_serial_on(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct seen seen = { .n = 0 };
	struct report *r;

	for (int i = 0; i < 5; i++) {
		struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, i % 2 ? STATE_SUSPECT : STATE_LISTED);

		k.change(k.ctx, &c);
		assert_true(store_sync(s));
	}
	r = support_report(d);
	assert_int_equal(report_changes_since(r, 2, 0, see_change, &seen), REPORT_OK);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.changes[0].serial, 3);
	assert_int_equal(seen.changes[2].serial, 5);
	seen.n = 0;
	assert_int_equal(report_changes_since(r, 0, 2, see_change, &seen), REPORT_OK);
	assert_int_equal(seen.n, 2);
	seen.n = 0;
	assert_int_equal(report_changes_since(r, 5, 0, see_change, &seen), REPORT_OK);
	assert_int_equal(seen.n, 0);
	/* A serial that never was: of another life of the database. */
	assert_int_equal(report_changes_since(r, 6, 0, see_change, &seen), REPORT_NONE);
	report_close(r);
	store_close(s);
}

static void
before_the_horizon_all_must_be_fetched(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct seen seen = { .n = 0 };
	struct report *r;
	sqlite3 *db;

	fill(d, &c, 1, NULL, 0);
	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE meta SET horizon = 5, serial = 9", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	r = support_report(d);
	assert_int_equal(report_changes_since(r, 4, 0, see_change, &seen), REPORT_NONE);
	assert_int_equal(report_changes_since(r, 5, 0, see_change, &seen), REPORT_OK);
	report_close(r);
}

static void
the_tail_gives_the_newest_attempts(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct seen seen = { .n = 0 };
	struct report *r;

	for (int i = 0; i < 30; i++) {
		struct attempt_row a = support_attempt("192.0.2.7", NOW_US + i, 0);

		k.attempt(k.ctx, &a);
	}
	assert_true(store_sync(s));
	r = support_report(d);
	assert_int_equal(report_attempts_after(r, 0, 10, see_attempt, &seen), REPORT_OK);
	assert_int_equal(seen.n, 10);
	assert_int_equal(seen.attempts[0].time_us, NOW_US + 20);
	assert_int_equal(seen.attempts[9].time_us, NOW_US + 29);
	seen.stop_at = 0;
	assert_int_equal(report_attempts_after(r, seen.attempts[9].id, 10, see_attempt, (seen.n = 0, &seen)), REPORT_OK);
	assert_int_equal(seen.n, 0);
	report_close(r);
	store_close(s);
}

/* A ladder of one set: real, bogus; and a control address. */
static void
make_ladder(struct ladder *l, struct mxset *set, struct exchanger x[static 2], struct addr addrs[static 3])
{
	addrs[0] = support_addr("192.0.2.20");
	addrs[1] = support_addr("192.0.2.30");
	addrs[2] = support_addr("192.0.2.99");
	memset(l, 0, sizeof *l);
	memset(set, 0, sizeof *set);
	memset(x, 0, 2 * sizeof *x);
	snprintf(set->name, sizeof set->name, "example.org");
	snprintf(x[0].name, sizeof x[0].name, "mx1.example.org");
	snprintf(x[1].name, sizeof x[1].name, "mx9.example.org");
	x[0] = (struct exchanger){ .name = "mx1.example.org", .preference = 20, .role = ROLE_REAL, .n_addrs = 1,
		.addrs = &addrs[0], .witness = WITNESS_WIRE };
	x[1] = (struct exchanger){ .name = "mx9.example.org", .preference = 90, .role = ROLE_BOGUS, .answer = ANSWER_RESET,
		.n_addrs = 1, .addrs = &addrs[1] };
	set->n_exchangers = 2;
	set->exchangers = x;
	l->n_sets = 1;
	l->sets = set;
	l->n_control = 1;
	l->control = &addrs[2];
}

static void
a_rung_tells_what_it_saw_today(void **state)
{
	struct bench_dir *d = *state;
	struct ladder l;
	struct mxset set;
	struct exchanger x[2];
	struct addr addrs[3];
	struct target targets[3];
	struct store *s;
	struct sink k;
	struct seen seen = { .n = 0 };
	struct report *r;
	int64_t today = NOW_S - NOW_S % 86400;
	struct tally_row yesterday = { .hour_s = (uint32_t)(today - 3600), .target = 1, .attempts = 100 };
	struct tally_row early = { .hour_s = (uint32_t)today, .target = 1, .attempts = 10, .proven = 4, .refused = 3,
		.silent = 2, .first_seen = 1 };
	struct tally_row now = { .hour_s = (uint32_t)(NOW_S - NOW_S % 3600), .target = 1, .attempts = 5, .proven = 1 };
	struct note_row down = { .time_us = NOW_US, .target = 0, .kind = NOTE_REAL_DOWN };

	make_ladder(&l, &set, x, addrs);
	targets[0] = (struct target){ .addr = addrs[0], .role = ROLE_REAL };
	targets[1] = (struct target){ .addr = addrs[1], .exchanger = 1, .role = ROLE_BOGUS, .answer = ANSWER_RESET };
	targets[2] = (struct target){ .addr = addrs[2], .role = ROLE_CONTROL };
	l.targets = targets;
	l.n_targets = 3;
	s = support_open(d, &(struct store_options){ .ladder = &l });
	k = store_sink(s);
	for (int i = 0; i < 7; i++) {
		struct attempt_row a = support_attempt(i % 2 ? "198.51.100.1" : "198.51.100.2", NOW_US - 100 + i, 1);

		k.attempt(k.ctx, &a);
	}
	k.tally(k.ctx, &yesterday);
	k.tally(k.ctx, &early);
	k.tally(k.ctx, &now);
	k.note(k.ctx, &down);
	assert_true(store_sync(s));
	r = support_report(d);
	assert_int_equal(report_targets(r, NOW_S, see_target, &seen), REPORT_OK);
	assert_int_equal(seen.n, 3);
	assert_string_equal(seen.targets[1].set, "example.org");
	assert_string_equal(seen.targets[1].exchanger, "mx9.example.org");
	assert_string_equal(seen.targets[1].address, "192.0.2.30");
	assert_int_equal(seen.targets[1].preference, 90);
	assert_int_equal(seen.targets[1].role, ROLE_BOGUS);
	assert_int_equal(seen.targets[1].answer, ANSWER_RESET);
	assert_int_equal(seen.targets[1].attempts_today, 15);
	assert_int_equal(seen.targets[1].attempts_hour, 5);
	assert_int_equal(seen.targets[1].proven_today, 5);
	assert_int_equal(seen.targets[1].senders_today, 2);
	assert_int_equal(seen.targets[1].last_s, NOW_S - 1);
	assert_false(seen.targets[1].down);
	assert_true(seen.targets[0].down);
	assert_string_equal(seen.targets[2].set, "");
	seen.n = 0;
	assert_int_equal(report_series(r, today - 3600, NOW_S + 1, see_tally, &seen), REPORT_OK);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.tallies[0].attempts, 100);
	seen.n = 0;
	assert_int_equal(report_series(r, today, today + 1, see_tally, &seen), REPORT_OK);
	assert_int_equal(seen.n, 1);
	/* It is up again, or nobody knows any more. */
	down.kind = NOTE_REAL_UP;
	k.note(k.ctx, &down);
	assert_true(store_sync(s));
	seen.n = 0;
	assert_int_equal(report_targets(r, NOW_S, see_target, &seen), REPORT_OK);
	assert_false(seen.targets[0].down);
	report_close(r);
	store_close(s);
}

static bool
see_allow(void *ctx, const struct prefix *p, int64_t expires_s, const char *who, const char *note, int64_t added_s)
{
	struct seen *s = ctx;
	char text[PREFIX_TEXT_SIZE];

	snprintf(s->text, sizeof s->text, "%s %s %s", prefix_format(p, text), who, note);
	s->expires_s = expires_s;
	assert_true(added_s > 0);
	s->n++;
	return true;
}

static bool
see_status(void *ctx, const char *name, const char *value)
{
	struct seen *s = ctx;

	snprintf(s->text + strlen(s->text), sizeof s->text - strlen(s->text), "%s=%s ", name, value);
	s->n++;
	return true;
}

static void
allows_status_notes_and_events_are_told(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct note_row n = { .time_us = NOW_US, .kind = NOTE_BLIND, .target = UINT32_MAX, .from_us = 1, .to_us = 2 };
	struct event ev;
	struct seen seen = { .n = 0 };
	struct prefix p;
	struct report *r;

	memset(&ev, 0, sizeof ev);
	ev.time_us = NOW_US;
	ev.seq = 7;
	ev.kind = EVENT_ACCEPT;
	ev.source = 3;
	ev.port = 40000;
	ev.target = 2;
	ev.expires_s = 9;
	ev.what.addr = support_addr("2001:db8::5");
	ev.what.len = 128;
	ev.since_us = -1;
	ev.value = INT64_MIN;
	assert_true(prefix_parse(&p, "192.0.2.0/25"));
	assert_true(store_allow(s, &p, NOW_S + 10, "alice", "friend"));
	store_status(s, "b", "2");
	store_status(s, "a", "1");
	k.note(k.ctx, &n);
	store_event(s, &ev, "alice", "why");
	assert_true(store_sync(s));
	r = support_report(d);
	assert_int_equal(report_allows(r, NOW_S, see_allow, &seen), REPORT_OK);
	assert_string_equal(seen.text, "192.0.2.0/25 alice friend");
	assert_int_equal(seen.expires_s, NOW_S + 10);
	seen.n = 0;
	assert_int_equal(report_allows(r, NOW_S + 10, see_allow, &seen), REPORT_OK);
	assert_int_equal(seen.n, 0);
	seen.text[0] = '\0';
	assert_int_equal(report_status(r, see_status, &seen), REPORT_OK);
	assert_string_equal(seen.text, "a=1 b=2 ");
	seen.n = 0;
	assert_int_equal(report_notes(r, NOW_S - 1, 10, see_note, &seen), REPORT_OK);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.notes[0].target, UINT32_MAX);
	assert_int_equal(seen.notes[0].to_us, 2);
	seen.n = 0;
	assert_int_equal(report_events(r, see_event, &seen), REPORT_OK);
	assert_int_equal(seen.n, 1);
	assert_memory_equal(&seen.events[0], &ev, sizeof ev);
	report_close(r);
	store_close(s);
}

static void
a_database_set_aside_is_left_for_the_new_one(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct addr a = support_addr("192.0.2.7");
	struct report_entry e;
	struct report *r;
	struct store *s;
	char aside[128];
	double start;

	fill(d, &c, 1, NULL, 0);
	r = support_report(d);
	assert_int_equal(report_check(r, &a, NOW_S, &e), REPORT_OK);
	snprintf(aside, sizeof aside, "%s.old", d->file);
	assert_int_equal(rename(d->file, aside), 0);
	s = support_open(d, NULL);
	start = support_seconds();
	while (report_check(r, &a, NOW_S, &e) == REPORT_OK)
		assert_true(support_seconds() - start < 5);
	assert_int_equal(report_check(r, &a, NOW_S, &e), REPORT_NONE);
	report_close(r);
	store_close(s);
}

static bool
ask_inside(void *ctx, const struct report_entry *e)
{
	struct seen *s = ctx;
	struct report_state st;

	assert_int_equal(report_state(s->ask, &st), REPORT_OK);
	assert_int_equal(report_evidence(s->ask, e->key, 0, see_evidence, s), REPORT_OK);
	return true;
}

static void
a_callback_may_ask_another_question(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct seen seen = { .n = 0 };
	struct report_filter f = { .klass = 0xff, .one_snapshot = true };

	fill(d, &c, 1, NULL, 0);
	seen.ask = support_report(d);
	assert_int_equal(report_entries(seen.ask, &f, NOW_S, NULL, ask_inside, &seen), REPORT_OK);
	report_close(seen.ask);
}

static void
a_reader_without_write_permission_reads_while_the_writer_runs(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct store *s;
	struct sink k;
	int status;
	pid_t pid;

	if (geteuid() != 0) {
		skip();
		return;
	}
	s = support_open(d, NULL);
	k = store_sink(s);
	k.change(k.ctx, &c);
	assert_true(store_sync(s));
	assert_int_equal(chmod(d->path, 0755), 0);
	for (size_t i = 0; i < 3; i++) {
		char path[128];

		snprintf(path, sizeof path, "%s%s", d->file, (const char *const[]){ "", "-wal", "-shm" }[i]);
		assert_int_equal(chmod(path, 0644), 0);
	}
	pid = fork();
	if (pid == 0) {
		struct addr a = support_addr("192.0.2.7");
		struct judge_params params;
		struct report_entry e;
		struct report *r = NULL;

		judge_defaults(&params);
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(2);
		if (report_open(&r, d->path, &params) != REPORT_OK)
			_exit(3);
		_exit(report_check(r, &a, NOW_S, &e) == REPORT_OK ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : 99, 0);
	store_close(s);
}

static bool
count_entry(void *ctx, const struct report_entry *e)
{
	uint64_t *sum = ctx;

	sum[0]++;
	sum[1] += e->key;
	return true;
}

static void
a_million_listed_are_streamed_and_checked_fast(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, &(struct store_options){ .replay = true });
	struct sink k = store_sink(s);
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct report_filter f = { .states = 1 << STATE_LISTED, .klass = 0xff, .one_snapshot = true };
	uint64_t sum[2] = { 0 };
	struct report_entry e;
	struct report *r;
	double start;
	int found = 0;

	start = support_seconds();
	for (uint32_t i = 0; i < 1000000; i++) {
		/* In key order, as a list is that has grown old: random order would measure something else. */
		c.sender = i < 900000 ? SENDER_KEY_V4 + i * 4000ULL : 0x2000000000000000ULL + ((uint64_t)i << 24);
		c.what = sender_prefix(c.sender);
		k.change(k.ctx, &c);
	}
	assert_true(store_sync(s));
	print_message("1 M list changes written in %.2f s\n", support_seconds() - start);
	r = support_report(d);
	for (int i = 0; i < 3; i++) {
		sum[0] = 0;
		start = support_seconds();
		assert_int_equal(report_entries(r, &f, NOW_S, NULL, count_entry, sum), REPORT_OK);
		print_message("%llu entries streamed in %.2f s\n", (unsigned long long)sum[0], support_seconds() - start);
	}
	assert_int_equal(sum[0], 1000000);
	start = support_seconds();
	for (uint32_t i = 0; i < 200000; i++) {
		struct addr a = support_addr("10.0.0.1");
		uint32_t v = (uint32_t)(i * 2654435761ULL % 1000000) * 4000;

		for (int b = 0; b < 4; b++)
			a.b[12 + b] = (uint8_t)(v >> (24 - 8 * b));
		found += report_check(r, &a, NOW_S, &e) == REPORT_OK;
	}
	print_message("%.2f us a check, %d of 200000 listed\n", (support_seconds() - start) * 5, found);
	assert_true(support_seconds() - start < 5);
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
		store_test(a_check_sees_a_new_listing_within_a_tenth_of_a_second),
		store_test(an_idle_reader_lets_go_of_its_transaction),
		store_test(entries_come_in_key_order_and_the_list_wins_over_the_sums),
		store_test(pages_by_keyset_give_each_entry_once),
		store_test(a_prefix_bounds_the_search),
		store_test(sums_are_told_as_of_now),
		store_test(a_replay_lives_at_its_end),
		store_test(a_story_is_told_in_order_across_segments),
		store_test(what_was_told_of_a_sender_is_told_again),
		store_test(the_log_is_read_from_a_serial_on),
		store_test(before_the_horizon_all_must_be_fetched),
		store_test(the_tail_gives_the_newest_attempts),
		store_test(a_rung_tells_what_it_saw_today),
		store_test(allows_status_notes_and_events_are_told),
		store_test(a_database_set_aside_is_left_for_the_new_one),
		store_test(a_callback_may_ask_another_question),
		store_test(a_reader_without_write_permission_reads_while_the_writer_runs),
		store_test(a_million_listed_are_streamed_and_checked_fast),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
