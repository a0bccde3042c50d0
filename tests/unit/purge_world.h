/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * purge_world.h - a trap, a store and a purge between them, as watch has them, for a test.
 */
#ifndef MXTRAP_TESTS_PURGE_WORLD_H
#define MXTRAP_TESTS_PURGE_WORLD_H

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

static inline int64_t
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

static inline void
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

static inline void
answered(void *ctx, struct ask_from *to, uint32_t ok, const char *text)
{
	struct world *w = ctx;

	(void)to;
	if (ok == 2)
		return;
	w->ok = (int)ok;
	w->answers++;
	(void)snprintf(w->text, sizeof w->text, "%s", text);
}

static inline bool
restore_sender(void *ctx, const struct sender_row *row)
{
	return trap_restore_sender(ctx, row);
}

/* As watch does at its start. */
static inline void
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

static inline void
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

static inline int
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

static inline int
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

static inline struct evidence_row
evidence(sender_key key, int64_t time_us, enum evidence_kind kind, float score, float hint)
{
	return (struct evidence_row){ .time_us = time_us, .sender = key, .host = sender_addr(key, 0),
		.visit_us = time_us - 1000000, .kind = (uint8_t)kind, .grade = GRADE_PROVEN, .score = score, .hint = hint,
		.score_sum = score, .hint_sum = hint };
}

static inline struct sender_row
sender(sender_key key, float score, float hint, enum sender_state state)
{
	return (struct sender_row){ .key = key, .score = score, .hint = hint, .blame = score, .sums_at_s = NOW_S - 3600,
		.first_seen_s = NOW_S - 7200, .last_seen_s = NOW_S - 3600, .kinds = 1, .grade = GRADE_PROVEN,
		.state = (uint8_t)state, .flags = 1 << 1,
		.listed_since_s = state == STATE_LISTED ? NOW_S - 3600 : 0,
		.expires_s = state == STATE_LISTED ? NOW_S + 86400 : 0 };
}

/* A sender with two visits to the backup behind it, and what came of it. */
static inline void
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

static inline sender_key
nth(uint32_t i)
{
	return SENDER_KEY_V4 + 0x0a000000 + i;
}

static inline struct message_purge
ask(const char *exchanger, int kind, int64_t since_s, bool dry_run)
{
	struct message_purge m = { .kind = (uint32_t)(kind + 1), .since_s = since_s, .dry_run = dry_run,
		.who = "somebody", .note = "the decoy was wrong" };

	message_init(&m.head, MESSAGE_PURGE, sizeof m);
	(void)snprintf(m.exchanger, sizeof m.exchanger, "%s", exchanger);
	assert_true(message_holds(&m, sizeof m));
	return m;
}

static inline int64_t
thread_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

/* Run one to its end; the longest that it kept the thread busy at once, µs: packets wait so long, on a machine
 * that has nothing else to do.  The two worst of hundreds are left out: a thread's time has the kernel's
 * interrupts in it, which are others' work. */
static inline int64_t
run(struct world *w, const struct message_purge *m)
{
	struct ask_from nobody = { .fd = -1 };
	double began = support_seconds();
	int64_t worst_us[3] = { 0 };
	unsigned had = w->answers;

	assert_null(purge_ask(&w->purge, m, NOW_US, &nobody));
	while (w->answers == had) {
		int64_t before = thread_us(), took_us;
		bool more = purge_turn(&w->purge, w->trap, NOW_US, (int64_t)(support_seconds() * 1000));

		took_us = thread_us() - before;
		for (int i = 0; i < 3; i++)
			if (took_us > worst_us[i]) {
				int64_t was_us = worst_us[i];

				worst_us[i] = took_us;
				took_us = was_us;
			}
		if (!more)
			poll(NULL, 0, 1);
		assert_true(support_seconds() - began < 600);
	}
	return worst_us[2];
}

static inline void
says(const struct world *w, const char *what)
{
	if (strstr(w->text, what) == NULL)
		fail_msg("\"%s\" is not in: %s", what, w->text);
}

static inline float
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

static inline void
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

#endif
