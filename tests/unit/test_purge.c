/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_purge.c - what a bad decoy gave is taken back: in the trap's memory, in the database, after
 * a restart and in a replay the same; and packets do not wait for it.
 */
#include "../../daemon/watch/watch_int.h"
#include "store_support.h"

#include <poll.h>
#include <sqlite3.h>

#include "mxtrap/config.h"

#define CONF									\
	"state-dir = \"%s\"\n"							\
	"mx-set \"example.org\" {\n"						\
	"    domains = { \"example.org\" }\n"					\
	"    exchanger \"mx0.example.org\" { preference = 10 role = \"nolisting\" addresses = { \"203.0.113.10\" } }\n" \
	"    exchanger \"mx1.example.org\" { preference = 20 role = \"real\" addresses = { \"203.0.113.20\" } }\n" \
	"    exchanger \"mx8.example.org\" { preference = 80 role = \"bogus\" answer = \"reset\"\n" \
	"        addresses = { \"203.0.113.30\" } }\n"			\
	"    exchanger \"mx9.example.org\" { preference = 90 role = \"bogus\" answer = \"reset\"\n" \
	"        addresses = { \"203.0.113.31\" } }\n"			\
	"}\n"									\
	"mx-set \"elsewhere.example\" {\n"					\
	"    domains = { \"elsewhere.example\" }\n"				\
	"    exchanger \"mx.elsewhere.example\" { preference = 1 role = \"real\" addresses = { \"203.0.113.40\" } }\n" \
	"}\n"									\
	"allow { special-purpose = no }\n"					\
	"judge { list-on = \"proven\" }\n"					\
	"limits { senders = 262144 }\n"

#define HOUR_US (3600LL * 1000000)

struct world {
	struct bench_dir *dir;
	struct config config;
	struct store *store;
	struct trap  *trap;
	struct teller teller;
	struct purge  purge;
	uint32_t seq;
	int	 ok;			/* the last answer that is none on the way */
	char	 text[256];
	unsigned answers;
};

static int64_t
number(const struct bench_dir *d, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	int64_t n = -1;

	assert_int_equal(sqlite3_open_v2(d->file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static void
apply(void *ctx, struct event *e, const char *who, const char *note)
{
	struct world *w = ctx;

	e->source = UINT8_MAX;
	e->seq = w->seq++;
	if (e->time_us < trap_now_us(w->trap))
		e->time_us = trap_now_us(w->trap);
	trap_event(w->trap, e);
	store_event(w->store, e, who, note);
}

static void
answered(void *ctx, const struct sockaddr_un *to, socklen_t len, int ok, const char *text)
{
	struct world *w = ctx;

	(void)to;
	(void)len;
	if (ok == 2)
		return;
	w->ok = ok;
	w->answers++;
	(void)snprintf(w->text, sizeof w->text, "%s", text);
}

static bool
restore_sender(void *ctx, const struct sender_row *row)
{
	return trap_restore_sender(ctx, row);
}

/* As watch does at its start. */
static void
open_world(struct world *w)
{
	struct trap_options o;
	struct sink sink;

	w->store = support_open(w->dir, &(struct store_options){ .ladder = &w->config.ladder,
	    .half_life_s = w->config.judge.half_life_s });
	w->purge = (struct purge){ .config = &w->config, .store = w->store, .apply = apply, .answer = answered, .ctx = w };
	w->teller = (struct teller){ .inner = store_sink(w->store), .ladder = &w->config.ladder, .purge = &w->purge };
	sink = teller_sink(&w->teller);
	memset(&o, 0, sizeof o);
	o.ladder = &w->config.ladder;
	o.judge = w->config.judge;
	o.limits = (struct trap_limits){ .senders = w->config.limits.senders, .attempts = 65536, .pools = 65536,
		.tally_above = 1000000 };
	o.sink = sink;
	w->trap = trap_new(&o);
	assert_non_null(w->trap);
	assert_true(store_each_sender(w->store, restore_sender, w->trap));
}

static void
close_world(struct world *w)
{
	purge_stop(&w->purge);
	if (w->trap != NULL)
		while (trap_flush(w->trap, SIZE_MAX) != 0)
			;
	store_close(w->store);
	trap_free(w->trap);
	w->store = NULL;
	w->trap = NULL;
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	void *dir = NULL;
	char path[128];
	FILE *file;

	if (w == NULL || support_setup(&dir) != 0)
		return -1;
	w->dir = dir;
	(void)snprintf(path, sizeof path, "%s/mxtrap.conf", w->dir->path);
	file = fopen(path, "w");
	if (file == NULL)
		return -1;
	fprintf(file, CONF, w->dir->path);
	if (fclose(file) != 0 || config_load(&w->config, path) != 0)
		return -1;
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	void *dir = w->dir;

	if (w->store != NULL)
		close_world(w);
	config_free(&w->config);
	free(w);
	return support_teardown(&dir);
}

#define purge_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static struct evidence_row
evidence(sender_key key, int64_t time_us, enum evidence_kind kind, float score, float hint)
{
	return (struct evidence_row){ .time_us = time_us, .sender = key, .host = sender_addr(key, 0),
		.visit_us = time_us - 1000000, .kind = (uint8_t)kind, .grade = GRADE_PROVEN, .score = score, .hint = hint,
		.score_sum = score, .hint_sum = hint };
}

static struct sender_row
sender(sender_key key, float score, float hint, enum sender_state state)
{
	return (struct sender_row){ .key = key, .score = score, .hint = hint, .blame = score, .sums_at_s = NOW_S - 3600,
		.first_seen_s = NOW_S - 7200, .last_seen_s = NOW_S - 3600, .kinds = 1, .grade = GRADE_PROVEN,
		.state = (uint8_t)state, .flags = 1 << 1,
		.listed_since_s = state == STATE_LISTED ? NOW_S - 3600 : 0,
		.expires_s = state == STATE_LISTED ? NOW_S + 86400 : 0 };
}

/* A sender with two visits to the backup behind it, and what came of it. */
static void
put_sender(struct world *w, sender_key key, float points, enum sender_state state)
{
	struct sink k = store_sink(w->store);
	struct sender_row row = sender(key, 2 * points, 2 * points, state);
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, (uint8_t)state);

	for (int i = 2; i >= 1; i--) {
		struct evidence_row e = evidence(key, NOW_US - i * HOUR_US, EVIDENCE_BACKUP_FIRST, points, points);

		k.evidence(k.ctx, &e);
	}
	k.sender(k.ctx, &row);
	c.sender = key;
	c.what = sender_prefix(key);
	c.time_us = NOW_US - HOUR_US;
	c.score = c.hint = 2 * points;
	if (state >= STATE_SUSPECT)
		k.change(k.ctx, &c);
}

static sender_key
nth(uint32_t i)
{
	return SENDER_KEY_V4 + 0x0a000000 + i;
}

static struct message_purge
ask(const char *exchanger, int kind, int64_t since_s, bool dry_run)
{
	struct message_purge m = { .kind = (uint32_t)(kind + 1), .since_s = since_s, .dry_run = dry_run,
		.who = "somebody", .note = "the decoy was wrong" };

	message_init(&m.head, MESSAGE_PURGE, sizeof m);
	(void)snprintf(m.exchanger, sizeof m.exchanger, "%s", exchanger);
	assert_true(message_holds(&m, sizeof m));
	return m;
}

/* Run one to its end; the longest time that packets had to wait, µs. */
static int64_t
run(struct world *w, const struct message_purge *m)
{
	struct sockaddr_un nobody = { .sun_family = AF_UNIX };
	double began = support_seconds(), before;
	int64_t worst_us = 0;
	unsigned had = w->answers;

	assert_null(purge_ask(&w->purge, m, NOW_US, &nobody, sizeof nobody));
	while (w->answers == had) {
		bool more;

		before = support_seconds();
		more = purge_turn(&w->purge, w->trap, NOW_US, (int64_t)(before * 1000));
		if ((int64_t)((support_seconds() - before) * 1e6) > worst_us)
			worst_us = (int64_t)((support_seconds() - before) * 1e6);
		if (!more)
			poll(NULL, 0, 1);
		assert_true(support_seconds() - began < 60);
	}
	return worst_us;
}

static void
says(const struct world *w, const char *what)
{
	if (strstr(w->text, what) == NULL)
		fail_msg("\"%s\" is not in: %s", what, w->text);
}

static float
score_of(struct world *w, sender_key key)
{
	struct report *r = support_report(w->dir);
	const struct prefix p = sender_prefix(key);
	struct report_entry e;

	assert_int_equal(report_sender(r, &p.addr, NOW_S, &e), REPORT_OK);
	report_close(r);
	return e.score;
}

/* -- what it does -- */

static void
fill(struct world *w)
{
	struct store *s = support_open(w->dir, &(struct store_options){ .ladder = &w->config.ladder });

	w->store = s;
	put_sender(w, nth(1), 5, STATE_LISTED);
	put_sender(w, nth(2), 3, STATE_SUSPECT);
	put_sender(w, nth(3), 1, STATE_NOTICED);
	put_sender(w, nth(4), 5, STATE_LISTED);
	{	/* the fourth did enough elsewhere */
		struct sink k = store_sink(s);
		struct evidence_row e = evidence(nth(4), NOW_US - HOUR_US, EVIDENCE_EARLY_TALKER, 10, 10);
		struct sender_row row = sender(nth(4), 20, 20, STATE_LISTED);

		k.evidence(k.ctx, &e);
		k.sender(k.ctx, &row);
	}
	assert_true(store_sync(s));
	store_close(s);
	w->store = NULL;
}

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
	struct sockaddr_un nobody = { .sun_family = AF_UNIX };

	fill(w);
	open_world(w);
	assert_non_null(purge_ask(&w->purge, &m, NOW_US, &nobody, sizeof nobody));
	m = ask("", -1, 0, false);
	assert_non_null(purge_ask(&w->purge, &m, NOW_US, &nobody, sizeof nobody));
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
	assert_true(worst_us < 20000 || getenv("ASAN_OPTIONS") != NULL);
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
