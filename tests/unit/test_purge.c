/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_purge.c - what a bad decoy gave is taken back: in the trap's memory, in the database, after
 * a restart and in a replay the same; and packets do not wait for it.
 */
#include "purge_world.h"

static void
listings_that_rest_on_it_end_and_others_stay(void **state)
{
	struct world *w = *state;
	struct message_purge m = ask("", EVIDENCE_BACKUP_FIRST, 0, false);

	fill(w);
	open_world(w);
	(void)run(w, &m);
	assert_int_equal(w->ok, 1);
	says(w, "took back 8 pieces of evidence of 4 senders: 1 listings ended, 1 stay on other evidence, 1 suspects");
	close_world(w);
	assert_int_equal(number(w->dir, "SELECT count(*) FROM list WHERE state = 4"), 1);
	assert_int_equal(number(w->dir, "SELECT count(*) FROM list WHERE state = 3"), 0);
	assert_int_equal(number(w->dir, "SELECT count(*) FROM list_change WHERE cause = 9"), 2);
	assert_int_equal(number(w->dir, "SELECT count(*) FROM evidence WHERE revision = 1 AND excused = 2048"), 8);
	assert_int_equal(number(w->dir, "SELECT count(*) FROM audit WHERE what = 'purge' AND who = 'somebody' AND"
	    " note = 'evidence backup_first: the decoy was wrong'"), 1);
	assert_int_equal(number(w->dir, "SELECT count(*) FROM event WHERE kind = 20 AND who = 'somebody'"), 1);
	assert_int_equal(number(w->dir, "SELECT count(*) FROM event WHERE kind = 21"), 8);
}

static void
a_dry_run_gives_the_same_figures_and_changes_nothing(void **state)
{
	struct world *w = *state;
	struct message_purge m = ask("", EVIDENCE_BACKUP_FIRST, 0, true);

	fill(w);
	open_world(w);
	(void)run(w, &m);
	says(w, "would take back 8 pieces of evidence of 4 senders: 1 listings would end, 1 stay on other evidence, 1 suspects");
	assert_int_equal(number(w->dir, "SELECT count(*) FROM evidence WHERE revision = 1"), 0);
	assert_int_equal(number(w->dir, "SELECT count(*) FROM event"), 0);
	assert_int_equal(number(w->dir, "SELECT count(*) FROM audit"), 0);
	assert_int_equal(number(w->dir, "SELECT count(*) FROM list WHERE state = 4"), 2);
	m.dry_run = 0;
	(void)run(w, &m);
	says(w, "took back 8 pieces of evidence of 4 senders: 1 listings ended, 1 stay on other evidence, 1 suspects");
}

static void
a_second_purge_finds_nothing_to_take(void **state)
{
	struct world *w = *state;
	struct message_purge m = ask("", EVIDENCE_BACKUP_FIRST, 0, false);

	fill(w);
	open_world(w);
	(void)run(w, &m);
	(void)run(w, &m);
	assert_int_equal(w->ok, 1);
	says(w, "took back 0 pieces of evidence of 0 senders: 0 listings ended");
}

/* A record that is told to the store again holds what it was read back with. */
static void
the_sets_that_a_sender_came_to_are_kept(void **state)
{
	struct world *w = *state;
	struct message_purge m = ask("", EVIDENCE_BACKUP_FIRST, 0, false);
	struct sender_row row = sender(nth(1), 10, 10, STATE_LISTED);
	struct sink k;

	fill(w);
	w->store = support_open(w->dir, &(struct store_options){ .ladder = &w->config.ladder });
	k = store_sink(w->store);
	row.sets = 1U << 1 | 1U << (SENDER_SETS - 1);
	k.sender(k.ctx, &row);
	store_close(w->store);
	w->store = NULL;
	open_world(w);
	(void)run(w, &m);
	close_world(w);
	assert_true(score_of(w, nth(1)) < 0.1f);
	assert_int_equal(number(w->dir, "SELECT count(*) FROM sender WHERE sets = 2147483650"), 1);
}

static void
since_leaves_what_is_older(void **state)
{
	struct world *w = *state;
	struct message_purge m = ask("", EVIDENCE_BACKUP_FIRST, NOW_S - 5000, false);

	fill(w);
	open_world(w);
	(void)run(w, &m);
	/* One of two visits is not enough to list on. */
	says(w, "took back 4 pieces of evidence of 4 senders: 1 listings ended, 1 stay");
	close_world(w);
	assert_true(score_of(w, nth(1)) > 4.5f && score_of(w, nth(1)) < 5.0f);
}

static void
what_was_taken_back_stays_so_after_a_restart(void **state)
{
	struct world *w = *state;
	struct message_purge m = ask("", EVIDENCE_BACKUP_FIRST, 0, false);

	fill(w);
	open_world(w);
	(void)run(w, &m);
	close_world(w);
	assert_true(score_of(w, nth(1)) < 0.1f);
	assert_true(score_of(w, nth(4)) > 9.5f);
	open_world(w);
	trap_tick(w->trap, NOW_US + 1000000);
	assert_int_equal(trap_counters(w->trap)->listed, 1);
	assert_int_equal(trap_counters(w->trap)->suspects, 0);
	close_world(w);
	assert_true(score_of(w, nth(1)) < 0.1f);
}

static void
a_purge_that_a_crash_cut_short_is_mended_by_asking_again(void **state)
{
	struct world *w = *state;
	struct message_purge m = ask("", EVIDENCE_BACKUP_FIRST, 0, false);
	struct sink k;

	fill(w);
	open_world(w);
	/* The revisions of the first try were stored; the list and the senders were not. */
	k = store_sink(w->store);
	for (uint32_t i = 1; i <= 4; i++)
		for (int visit = 2; visit >= 1; visit--) {
			const float points = i == 2 ? 3 : i == 3 ? 1 : 5;
			struct evidence_row e = evidence(nth(i), NOW_US, EVIDENCE_BACKUP_FIRST, -points, -points);

			e.revision = 1;
			e.excused = DOUBT_PURGED;
			e.of_us = NOW_US - visit * HOUR_US;
			k.evidence(k.ctx, &e);
		}
	(void)run(w, &m);
	assert_int_equal(w->ok, 1);
	says(w, "took back 2 pieces of evidence of 1 senders: 1 listings ended");
	close_world(w);
	assert_int_equal(number(w->dir, "SELECT count(*) FROM list WHERE state = 4"), 1);
}

static bool
merge_one(void *ctx, const struct event *e)
{
	struct event copy = *e;

	trap_event(ctx, &copy);
	return true;
}

static void
a_replay_of_the_stored_events_takes_back_the_same(void **state)
{
	struct world *w = *state;
	struct message_purge m = ask("", EVIDENCE_BACKUP_FIRST, 0, false);
	struct trap_options o;
	struct trap *again;
	struct report *r;
	struct store *other;
	struct bench_dir dir = { .path = "/tmp/mxtrap-purge-XXXXXX" };
	void *gone = NULL;

	fill(w);
	/* A trap that stands where the live one stood before. */
	open_world(w);
	assert_non_null(mkdtemp(dir.path));
	(void)snprintf(dir.file, sizeof dir.file, "%s/mxtrap.db", dir.path);
	other = support_open(&dir, &(struct store_options){ .ladder = &w->config.ladder, .replay = true });
	memset(&o, 0, sizeof o);
	o.ladder = &w->config.ladder;
	o.judge = w->config.judge;
	o.limits = (struct trap_limits){ .senders = 1000, .attempts = 1000, .pools = 1000, .tally_above = 1000 };
	o.sink = store_sink(other);
	again = trap_new(&o);
	assert_non_null(again);
	assert_true(store_each_sender(w->store, restore_sender, again));
	(void)run(w, &m);
	close_world(w);
	r = support_report(w->dir);
	assert_int_equal(report_events(r, merge_one, again), REPORT_OK);
	report_close(r);
	assert_int_equal(trap_counters(again)->listed, 1);
	assert_int_equal(trap_counters(again)->taken_back, 8);
	while (trap_flush(again, SIZE_MAX) != 0)
		;
	assert_true(store_sync(other));
	for (uint32_t i = 1; i <= 4; i++) {
		char sql[200];
		int64_t live, replayed;

		(void)snprintf(sql, sizeof sql, "SELECT score * 1000000 + hint FROM sender WHERE key = %lld", (long long)nth(i));
		live = number(w->dir, sql);
		replayed = number(&dir, sql);
		assert_int_equal(live, replayed);
	}
	store_close(other);
	trap_free(again);
	gone = calloc(1, sizeof dir);
	assert_non_null(gone);
	memcpy(gone, &dir, sizeof dir);
	(void)support_teardown(&gone);
}

static void
a_sender_that_the_trap_has_forgotten_is_mended_in_the_store(void **state)
{
	struct world *w = *state;
	struct message_purge m = ask("", EVIDENCE_BACKUP_FIRST, 0, false);
	struct sink k;
	struct evidence_row e = evidence(nth(9), NOW_US - HOUR_US, EVIDENCE_BACKUP_FIRST, 0, 5);
	struct sender_row row = sender(nth(9), 0, 5, STATE_NOTICED);

	fill(w);
	open_world(w);
	k = store_sink(w->store);
	k.evidence(k.ctx, &e);
	k.sender(k.ctx, &row);		/* stored, and then pushed out of memory */
	(void)run(w, &m);
	says(w, "took back 9 pieces of evidence of 5 senders");
	close_world(w);
	assert_int_equal(number(w->dir, "SELECT hint FROM sender WHERE first_seen_s <> 0 AND key & 0xffffffff = 0x0a000009"), 0);
}

static void
what_was_forgotten_by_hand_is_not_taken_back_once_more(void **state)
{
	struct world *w = *state;
	struct message_purge m = ask("", EVIDENCE_BACKUP_FIRST, 0, true);
	struct prefix what = sender_prefix(nth(1));

	fill(w);
	open_world(w);
	assert_true(store_audit(w->store, NOW_US - 1000000, "somebody", "forget", &what, ""));
	(void)run(w, &m);
	says(w, "would take back 6 pieces of evidence of 3 senders");
}

static void
an_exchanger_is_told_from_its_neighbour_by_the_attempts(void **state)
{
	struct world *w = *state;
	struct message_purge m = ask("mx9.example.org", -1, 0, true);
	struct sink k;

	fill(w);
	open_world(w);
	k = store_sink(w->store);
	/* The first came to mx8 alone, the second to mx9; of the others nobody knows any more. */
	for (uint32_t i = 1; i <= 2; i++)
		for (int visit = 1; visit <= 2; visit++) {
			struct attempt_row a = support_attempt("10.0.0.1", NOW_US - visit * HOUR_US - 500000, i == 1 ? 2 : 3);

			a.src = sender_addr(nth(i), 0);
			k.attempt(k.ctx, &a);
		}
	assert_true(store_sync(w->store));
	(void)run(w, &m);
	/* Three of backup_first, and the early talker, which only a backup can tell. */
	says(w, "would take back 7 pieces of evidence of 3 senders");
	m = ask("mx8.example.org", -1, 0, true);
	(void)run(w, &m);
	says(w, "would take back 7 pieces of evidence of 3 senders");
	m = ask("mx.elsewhere.example", -1, 0, true);
	(void)run(w, &m);
	says(w, "would take back 0 pieces of evidence of 0 senders");
}

static void
an_unknown_exchanger_is_refused(void **state)
{
	struct world *w = *state;
	struct message_purge m = ask("mx77.example.org", -1, 0, false);
	struct ask_from nobody = { .fd = -1 };

	fill(w);
	open_world(w);
	assert_non_null(purge_ask(&w->purge, &m, NOW_US, &nobody));
	m = ask("", -1, 0, false);
	assert_non_null(purge_ask(&w->purge, &m, NOW_US, &nobody));
}

static void
a_hundred_thousand_listings_end_in_one_serial_while_packets_go_on(void **state)
{
	struct world *w = *state;
	struct message_purge m = ask("", EVIDENCE_BACKUP_FIRST, 0, true);
	char dry[256];
	int64_t serial, worst_us;
	double began;

	w->store = support_open(w->dir, &(struct store_options){ .ladder = &w->config.ladder });
	for (uint32_t i = 0; i < 100000; i++) {
		put_sender(w, nth(i), 5, STATE_LISTED);
		if (i % 10000 == 0)
			assert_true(store_sync(w->store));
	}
	assert_true(store_sync(w->store));
	store_close(w->store);
	open_world(w);
	trap_tick(w->trap, NOW_US);
	assert_int_equal(trap_counters(w->trap)->listed, 100000);
	(void)run(w, &m);
	says(w, "would take back 200000 pieces of evidence of 100000 senders: 100000 listings would end");
	(void)snprintf(dry, sizeof dry, "%s", strstr(w->text, "200000"));
	serial = number(w->dir, "SELECT serial FROM meta");
	m.dry_run = 0;
	began = support_seconds();
	worst_us = run(w, &m);
	print_message("100,000 listings purged in %.2f s, packets waited at most %.1f ms\n", support_seconds() - began,
	    (double)worst_us / 1000);
	says(w, "took back 200000 pieces of evidence of 100000 senders: 100000 listings ended");
	assert_true(worst_us < 50000 || getenv("ASAN_OPTIONS") != NULL);
	assert_int_equal(trap_counters(w->trap)->listed, 0);
	assert_int_equal(number(w->dir, "SELECT serial FROM meta"), serial + 1);
	assert_int_equal(number(w->dir, "SELECT count(*) FROM list"), 0);
	assert_int_equal(number(w->dir, "SELECT count(*) FROM list_change WHERE cause = 9"), 100000);
	assert_int_equal(number(w->dir, "SELECT n_listed FROM meta"), 0);
	assert_true(store_sync(w->store));
	assert_int_equal(number(w->dir, "SELECT count(*) FROM evidence WHERE revision = 1"), 200000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		purge_test(listings_that_rest_on_it_end_and_others_stay),
		purge_test(a_dry_run_gives_the_same_figures_and_changes_nothing),
		purge_test(a_second_purge_finds_nothing_to_take),
		purge_test(the_sets_that_a_sender_came_to_are_kept),
		purge_test(since_leaves_what_is_older),
		purge_test(what_was_taken_back_stays_so_after_a_restart),
		purge_test(a_purge_that_a_crash_cut_short_is_mended_by_asking_again),
		purge_test(a_replay_of_the_stored_events_takes_back_the_same),
		purge_test(a_sender_that_the_trap_has_forgotten_is_mended_in_the_store),
		purge_test(what_was_forgotten_by_hand_is_not_taken_back_once_more),
		purge_test(an_exchanger_is_told_from_its_neighbour_by_the_attempts),
		purge_test(an_unknown_exchanger_is_refused),
		purge_test(a_hundred_thousand_listings_end_in_one_serial_while_packets_go_on),
	};

	return cmocka_run_group_tests_name("purge", tests, NULL, NULL);
}
