/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_report_story.c - what is told of one sender, of a rung, of the log, of all the rest.
 */
#include "report_seen.h"

#include <sqlite3.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_story_is_told_in_order_across_segments),
		store_test(what_was_told_of_a_sender_is_told_again),
		store_test(the_log_is_read_from_a_serial_on),
		store_test(before_the_horizon_all_must_be_fetched),
		store_test(the_tail_gives_the_newest_attempts),
		store_test(a_rung_tells_what_it_saw_today),
		store_test(allows_status_notes_and_events_are_told),
	};

	return cmocka_run_group_tests_name("report: story", tests, NULL, NULL);
}
