/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_rollup.c - the sums beside the rows: the same in each replay, filled in old databases, never twice.
 */
#include "store_file.h"

#include "mxtrap/config.h"
#include "mxtrap/migration.h"

#define DAY_S	86400
#define TODAY_S (NOW_S - NOW_S % DAY_S)

static const char config_text[] =
    "interface = \"lo\"\n"
    "state-dir = \"/nonexistent\"\n"
    "mx-set \"example.org\" {\n"
    "    domains = { \"example.org\" }\n"
    "    exchanger \"mx0.example.org\" { preference = 10 role = \"nolisting\" addresses = { \"198.51.100.10\" } }\n"
    "    exchanger \"mx1.example.org\" { preference = 20 role = \"real\" addresses = { \"198.51.100.20\" } }\n"
    "    exchanger \"mx9.example.org\" { preference = 90 role = \"bogus\" addresses = { \"198.51.100.30\" } }\n"
    "}\n"
    "allow { special-purpose = no }\n";

static struct config config;

static struct store *
open_with_ladder(const struct bench_dir *d, bool replay)
{
	const struct store_options o = { .ladder = &config.ladder, .replay = replay };

	return support_open(d, &o);
}

static struct visit_row
visit_at(uint32_t i, int64_t start_us, uint8_t first, uint8_t second, uint8_t n)
{
	return (struct visit_row){ .sender = SENDER_KEY_V4 | i, .start_us = start_us, .end_us = start_us + 1000000, .n_attempts = n,
		.route = { first, second }, .n_route = n, .proven_route = { first, second }, .n_proven_route = n,
		.real_proven = second == ROLE_REAL && n == 2 };
}

static void
attempt_of(struct sink *k, uint32_t sender, int64_t time_us, uint32_t target)
{
	struct attempt_row a = support_attempt("192.0.2.1", time_us, target);

	a.src = sender_addr(SENDER_KEY_V4 | sender, 0);
	k->attempt(k->ctx, &a);
}

static void
visits_are_counted_by_hour_and_route(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_with_ladder(d, false);
	struct sink k = store_sink(s);
	int64_t hour_us = NOW_US - NOW_US % 3600000000LL;

	for (uint32_t i = 0; i < 500; i++) {
		struct visit_row v = visit_at(i, hour_us + i, ROLE_NOLISTING, ROLE_REAL, 2);

		k.visit(k.ctx, &v);
		v = visit_at(i, hour_us - 1 - i, ROLE_BOGUS, 0, 1);
		k.visit(k.ctx, &v);
		if (i == 250)
			assert_true(store_sync(s));
	}
	store_close(s);
	assert_int_equal(number(d, "SELECT visits FROM route_hour WHERE route = 12"), 500);
	assert_int_equal(number(d, "SELECT real_proven FROM route_hour WHERE route = 12"), 500);
	assert_int_equal(number(d, "SELECT visits FROM route_hour WHERE route = 3"), 500);
	assert_int_equal(number(d, "SELECT count(DISTINCT hour_s) FROM route_hour"), 2);
}

/* More hours than there is room for in one slice. */
static void
many_hours_at_once_are_all_counted(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_with_ladder(d, false);
	struct sink k = store_sink(s);

	for (uint32_t i = 0; i < 3000; i++) {
		struct visit_row v = visit_at(i, NOW_US + (int64_t)(i % 300) * 3600000000LL, ROLE_BOGUS, 0, 1);

		k.visit(k.ctx, &v);
	}
	store_close(s);
	assert_int_equal(number(d, "SELECT count(*) FROM route_hour"), 300);
	assert_int_equal(number(d, "SELECT sum(visits = 10) FROM route_hour"), 300);
}

static void
attempts_are_added_up_by_role_and_day(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_with_ladder(d, false);
	struct sink k = store_sink(s);

	for (uint32_t hour = 0; hour < 48; hour++) {
		struct tally_row t = { .hour_s = TODAY_S + hour * 3600, .target = hour % 3, .attempts = 10, .proven = 4, .not_kept = 1 };

		k.tally(k.ctx, &t);
		k.tally(k.ctx, &t);
	}
	store_close(s);
	assert_int_equal(number(d, "SELECT count(*) FROM tally_role WHERE span_s = 86400"), 6);
	assert_int_equal(number(d, "SELECT sum(attempts) FROM tally_role WHERE span_s = 86400"), 960);
	assert_int_equal(number(d, "SELECT attempts FROM tally_role WHERE span_s = 86400 AND role = 2 LIMIT 1"), 160);
	assert_int_equal(number(d, "SELECT count(*) FROM tally_role WHERE span_s = 3600"), 48);
	assert_int_equal(number(d, "SELECT max(proven) FROM tally_role WHERE span_s = 3600"), 8);
}

static void
the_list_of_a_day_is_that_behind_its_last_change(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_with_ladder(d, true);
	struct sink k = store_sink(s);
	char text[32];

	/* All in one transaction, perhaps: four a day. */
	for (int i = 0; i < 12; i++) {
		struct change_row c;

		(void)snprintf(text, sizeof(text), "192.0.2.%d", i);
		c = support_change(text, STATE_UNKNOWN, i % 4 == 3 ? STATE_SUSPECT : STATE_LISTED);
		c.time_us = (TODAY_S + i / 4 * (int64_t)DAY_S + i) * 1000000;
		k.change(k.ctx, &c);
	}
	k.cleared(k.ctx, TODAY_S, 7);
	k.cleared(k.ctx, TODAY_S + 5 * DAY_S, 8);
	store_close(s);
	assert_int_equal(number(d, "SELECT listed * 100 + suspects FROM list_day ORDER BY day_s LIMIT 1"), 301);
	assert_int_equal(number(d, "SELECT listed * 100 + suspects FROM list_day ORDER BY day_s LIMIT 1 OFFSET 1"), 602);
	assert_int_equal(number(d, "SELECT listed * 100 + suspects FROM list_day ORDER BY day_s LIMIT 1 OFFSET 2"), 903);
	assert_int_equal(number(d, "SELECT cleared FROM list_day ORDER BY day_s LIMIT 1"), 7);
	assert_int_equal(number(d, "SELECT listed IS NULL AND cleared = 8 FROM list_day ORDER BY day_s DESC LIMIT 1"), 1);
}

/* -- senders of a rung -- */

static void
senders_of_a_rung_are_counted_once_a_day(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_with_ladder(d, true);
	struct sink k = store_sink(s);

	for (uint32_t i = 0; i < 30000; i++)
		attempt_of(&k, i % 3000, TODAY_S * 1000000 + i * 1000000LL, 2);
	for (uint32_t i = 0; i < 100; i++)
		attempt_of(&k, i % 10, (TODAY_S + DAY_S) * 1000000 + i, 2);
	store_close(s);
	assert_in_range(number(d, "SELECT senders FROM rung_day WHERE target = 2 ORDER BY day_s LIMIT 1"), 2850, 3150);
	assert_int_equal(number(d, "SELECT senders FROM rung_day WHERE target = 2 ORDER BY day_s DESC LIMIT 1"), 10);
}

static void
of_the_last_minutes_only_those_of_the_last_minutes(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_with_ladder(d, true);
	struct sink k = store_sink(s);

	/* A new one each second for an hour: five minutes and the one that runs are 300 to 360. */
	for (uint32_t i = 0; i < 3600; i++)
		attempt_of(&k, i, TODAY_S * 1000000 + i * 1000000LL, 1);
	assert_true(store_sync(s));
	assert_in_range(number(d, "SELECT recent FROM rung_day"), 270, 400);
	/* After a pause the minutes between are empty. */
	attempt_of(&k, 7, (TODAY_S + 7200) * 1000000, 1);
	store_close(s);
	assert_int_equal(number(d, "SELECT recent FROM rung_day"), 1);
	assert_int_equal(number(d, "SELECT newest_s FROM rung_day"), TODAY_S + 7200);
}

static void
a_restart_goes_on_where_it_was(void **state)
{
	struct bench_dir *d = *state;

	for (int run = 0; run < 3; run++) {
		struct store *s = open_with_ladder(d, false);
		struct sink k = store_sink(s);

		for (uint32_t i = 0; i < 50; i++)
			attempt_of(&k, i + (uint32_t)run * 25, NOW_US + run, 0);
		store_close(s);
	}
	/* 0 to 99. */
	assert_in_range(number(d, "SELECT senders FROM rung_day"), 97, 103);
}

static void
what_comes_late_behind_midnight_is_no_new_day(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_with_ladder(d, true);
	struct sink k = store_sink(s);

	attempt_of(&k, 1, (TODAY_S + DAY_S) * 1000000LL, 0);
	attempt_of(&k, 2, (TODAY_S + DAY_S - 30) * 1000000LL, 0);
	attempt_of(&k, 3, (TODAY_S + DAY_S) * 1000000LL, 0);
	store_close(s);
	assert_int_equal(number(d, "SELECT count(*) FROM rung_day"), 1);
	assert_int_equal(number(d, "SELECT senders FROM rung_day"), 2);
}

/* -- replays, failures, old databases -- */

static void
fill(struct store *s, uint32_t step)
{
	struct sink k = store_sink(s);

	for (uint32_t i = 0; i < 20000; i++) {
		struct visit_row v = visit_at(i, NOW_US + i * 1000000LL, (uint8_t)(i % 3), ROLE_REAL, (uint8_t)(1 + (i & 1)));
		struct tally_row t = { .hour_s = (uint32_t)(NOW_S + i) / 3600 * 3600, .target = i % 3, .attempts = i };

		attempt_of(&k, i * 7 % 5000, NOW_US + i * 1000000LL, i % 3);
		k.visit(k.ctx, &v);
		if (i % 100 == 0)
			k.tally(k.ctx, &t);
		if (step != 0 && i % step == 0)
			assert_true(store_sync(s));
	}
	store_close(s);
}

#define ALL_SUMS \
	"SELECT (SELECT sum(hour_s * 31 + route * 7 + visits * 3 + real_proven) FROM route_hour)" \
	" + (SELECT sum(start_s * 31 + role * 7 + attempts) FROM tally_role)" \
	" + (SELECT sum(day_s * 31 + target * 7 + senders * 1001 + recent * 13 + newest_s) FROM rung_day)"

static void
replays_make_the_same_sums(void **state)
{
	struct bench_dir *d = *state;
	int64_t sums;

	fill(open_with_ladder(d, true), 0);
	sums = number(d, ALL_SUMS);
	assert_int_equal(remove(d->file), 0);
	fill(open_with_ladder(d, true), 501);
	assert_int_equal(number(d, ALL_SUMS), sums);
}

/* At its size, transactions fail and are done again. */
static void
what_is_rolled_back_is_counted_once(void **state)
{
	struct bench_dir *d = *state;
	const struct store_options o = { .ladder = &config.ladder, .max_bytes = 6 << 20 };
	struct store *s = support_open(d, &o);
	struct sink k = store_sink(s);
	struct store_counters c;

	for (uint32_t i = 0; i < 300000; i++) {
		struct visit_row v = visit_at(i, NOW_US + i, (uint8_t)(i % 3), 0, 1);

		k.visit(k.ctx, &v);
		if (i % 20000 == 0)
			(void)store_sync(s);	/* false where it has just failed */
	}
	while (!store_sync(s))
		;
	store_counters(s, &c);
	store_close(s);
	assert_true(c.write_errors > 0);
	assert_true(c.rows_dropped > 0);
	assert_int_equal(c.rows_lost, 0);
	assert_int_equal(number(d, "SELECT sum(visits) FROM route_hour"), 300000);
}

static void
run(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
}

static void
an_old_database_gets_them_from_what_it_has(void **state)
{
	struct bench_dir *d = *state;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	run(db, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA application_id=1297634386");
	for (size_t i = 0; i < n_migrations && migrations[i].version < 8; i++)
		run(db, migrations[i].sql);
	run(db, "PRAGMA user_version=7; INSERT INTO meta VALUES (1, 7, 4, 0, 1780000000, 1790000000, 0, 2, 1);"
	    "INSERT INTO mx_target VALUES (0, 0, 'example.org', 'mx0.example.org', zeroblob(16), 10, 0, 0, 0),"
	    " (2, 0, 'example.org', 'mx9.example.org', zeroblob(16), 90, 2, 1, 0);"
	    "INSERT INTO tally VALUES (1789974000, 0, 5, 0, 5, 0, 1, 0), (1789977600, 0, 6, 0, 6, 0, 1, 0),"
	    " (1789977600, 2, 7, 7, 0, 0, 1, 0), (1789977600, 9, 8, 0, 0, 0, 0, 0), (1700000000, 0, 1, 0, 1, 0, 1, 0);"
	    /* One listed two days ago, one yesterday who was a suspect before, a suspect today. */
	    "INSERT INTO list_change VALUES"
	    " (1, 1, 1789800000000000, 1, 0, 128, 0, 4, 0, 10, 10, 0, 0, 0, 0, 0, 0, 0, 1),"
	    " (2, 2, 1789800000000000, 2, 0, 128, 0, 3, 0, 10, 10, 0, 0, 0, 0, 0, 0, 0, 1),"
	    " (3, 3, 1789900000000000, 2, 0, 128, 3, 4, 0, 10, 10, 0, 0, 0, 0, 0, 0, 0, 1),"
	    " (4, 4, 1790000000000000, 3, 0, 128, 0, 3, 0, 10, 10, 0, 0, 0, 0, 0, 0, 0, 1);"
	    "INSERT INTO visit VALUES (1, 1, 1789977700000000, 5, 0, 1, 3, 3, 0, 0), (2, 2, 1789977800000000, 5, 0, 1, 3, 3, 0, 0)");
	sqlite3_close(db);
	store_close(open_with_ladder(d, false));
	assert_int_equal(number(d, "PRAGMA user_version"), migrations[n_migrations - 1].version);
	assert_int_equal(number(d, "SELECT attempts FROM tally_role WHERE span_s = 86400 AND start_s = 1789948800 AND role = 0"), 11);
	assert_int_equal(number(d, "SELECT attempts FROM tally_role WHERE span_s = 86400 AND start_s = 1789948800 AND role = 3"), 8);
	assert_int_equal(number(d, "SELECT count(*) FROM tally_role WHERE span_s = 86400"), 4);
	assert_int_equal(number(d, "SELECT count(*) FROM tally_role WHERE span_s = 3600"), 4);
	assert_int_equal(number(d, "SELECT listed * 10 + suspects FROM list_day ORDER BY day_s LIMIT 1"), 11);
	assert_int_equal(number(d, "SELECT listed * 10 + suspects FROM list_day ORDER BY day_s LIMIT 1 OFFSET 1"), 20);
	assert_int_equal(number(d, "SELECT listed * 10 + suspects FROM list_day ORDER BY day_s LIMIT 1 OFFSET 2"), 21);
	assert_int_equal(number(d, "SELECT visits FROM route_hour"), 2);
}

static void
a_day_without_a_row_is_told_as_the_one_before(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_with_ladder(d, true);
	struct sink k = store_sink(s);
	struct change_row c = support_change("192.0.2.1", STATE_UNKNOWN, STATE_LISTED);
	struct report_day days[5];
	struct report *r;

	c.time_us = (TODAY_S - 3 * DAY_S) * 1000000LL;
	k.change(k.ctx, &c);
	k.cleared(k.ctx, TODAY_S - DAY_S, 5);
	store_clock(s, NOW_US);
	store_close(s);
	r = support_report(d);
	assert_int_equal(report_days(r, 0, 5, days), REPORT_OK);
	assert_int_equal(days[0].day_s, TODAY_S);
	assert_int_equal(days[0].listed, 1);
	assert_int_equal(days[0].cleared, 5);
	assert_int_equal(days[3].listed, 1);
	assert_int_equal(days[2].cleared, -1);
	assert_int_equal(days[4].listed, -1);
	report_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(visits_are_counted_by_hour_and_route),
		store_test(many_hours_at_once_are_all_counted),
		store_test(attempts_are_added_up_by_role_and_day),
		store_test(the_list_of_a_day_is_that_behind_its_last_change),
		store_test(senders_of_a_rung_are_counted_once_a_day),
		store_test(of_the_last_minutes_only_those_of_the_last_minutes),
		store_test(a_restart_goes_on_where_it_was),
		store_test(what_comes_late_behind_midnight_is_no_new_day),
		store_test(replays_make_the_same_sums),
		store_test(what_is_rolled_back_is_counted_once),
		store_test(an_old_database_gets_them_from_what_it_has),
		store_test(a_day_without_a_row_is_told_as_the_one_before),
	};
	int failed;

	if (config_parse(&config, "test", config_text) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	config_free(&config);
	return failed;
}
