/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_store.c - the write side: what was told is there after a close, a kill, a full
 * disk; what must not be touched is not.  Real files in a directory of their own.
 */
#include "../../daemon/store/store_int.h"	/* to say that it is time to tidy up */
#include "store_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* One number from the file, by a handle of our own. */
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

static bool
sound(const char *file)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	bool ok = false;

	assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		ok = strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return ok;
}

static void
a_new_directory_gets_a_fresh_database(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct store_counters c;

	store_counters(s, &c);
	assert_true(c.fresh);
	assert_false(c.was_corrupt);
	assert_int_not_equal(c.generation, 0);
	assert_int_equal(c.serial, 0);
	assert_true(llabs((long long)c.created_s - (long long)time(NULL)) < 5);
	store_close(s);
	assert_int_equal(number(d, "PRAGMA application_id"), 0x4d585452);
	assert_int_equal(number(d, "PRAGMA auto_vacuum"), 2);
}

static void
the_generation_stays_when_it_is_opened_again(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct store_counters a, b;

	store_counters(s, &a);
	store_close(s);
	s = support_open(d, NULL);
	store_counters(s, &b);
	store_close(s);
	assert_false(b.fresh);
	assert_int_equal(a.generation, b.generation);
	assert_int_equal(a.created_s, b.created_s);
}

static void
a_second_writer_is_refused(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL), *other = NULL;
	struct store_options o = { .dir = d->path };

	assert_int_equal(store_open(&other, &o), STORE_FAILED);
	assert_null(other);
	store_close(s);
}

static void
every_kind_of_row_is_stored(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US, 1);
	struct fingerprint fp = { .version = 4, .ttl = 57, .mss = 1460, .window = 29200 };
	struct visit_row v = { .sender = support_key("192.0.2.7"), .start_us = NOW_US, .end_us = NOW_US + 5, .set = 0,
		.n_attempts = 1, .route = { ROLE_BOGUS }, .n_route = 1 };
	struct evidence_row e = { .time_us = NOW_US, .sender = support_key("192.0.2.7"), .host = a.src, .score = 5,
		.score_sum = 5, .hint = 5, .hint_sum = 5 };
	struct tally_row t = { .hour_s = NOW_S, .target = 1, .attempts = 3, .proven = 2 };
	struct note_row n = { .time_us = NOW_US, .target = UINT32_MAX, .kind = NOTE_START };
	struct sender_row r = { .key = support_key("192.0.2.7"), .first_seen_s = NOW_S, .last_seen_s = NOW_S };
	struct memory_row m = { .sender = support_key("192.0.2.7"), .memory_at_s = NOW_S };
	struct event ev = { .time_us = NOW_US, .kind = EVENT_DROPS, .value = 12 };
	struct event tick = { .time_us = NOW_US, .kind = EVENT_TICK };

	k.fingerprint(k.ctx, 9, &fp, NOW_US);
	a.fingerprint = 9;
	k.attempt(k.ctx, &a);
	k.visit(k.ctx, &v);
	k.evidence(k.ctx, &e);
	k.tally(k.ctx, &t);
	k.tally(k.ctx, &t);
	k.note(k.ctx, &n);
	k.sender(k.ctx, &r);
	k.memory(k.ctx, &m);
	store_event(s, &ev, NULL, NULL);
	store_event(s, &tick, NULL, NULL);
	store_status(s, "packets", "12");
	store_status(s, "packets", "13");
	assert_true(store_sync(s));
	assert_int_equal(number(d, "SELECT count(*) FROM attempt JOIN fingerprint AS f ON f.id = fingerprint"), 1);
	assert_int_equal(number(d, "SELECT sightings FROM fingerprint"), 1);
	assert_int_equal(number(d, "SELECT route FROM visit"), 3);
	assert_int_equal(number(d, "SELECT count(*) FROM evidence WHERE score = 5.0"), 1);
	assert_int_equal(number(d, "SELECT attempts FROM tally"), 6);
	assert_int_equal(number(d, "SELECT count(*) FROM note WHERE target IS NULL"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM sender"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM memory"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM event"), 1);
	assert_int_equal(number(d, "SELECT value FROM status WHERE name = 'packets'"), 13);
	store_close(s);
}

static void
rows_are_committed_within_a_second_without_asking(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US, 1);
	double start = support_seconds();

	k.attempt(k.ctx, &a);
	while (number(d, "SELECT count(*) FROM attempt") == 0 && support_seconds() - start < 5)
		poll(NULL, 0, 5);
	assert_true(support_seconds() - start < 1.0);
	store_close(s);
}

struct moved {
	pthread_mutex_t mutex;
	pthread_cond_t	cond;
	uint64_t generation, serial;
};

static void
on_moved(void *ctx, uint64_t generation, uint64_t serial)
{
	struct moved *m = ctx;

	pthread_mutex_lock(&m->mutex);
	m->generation = generation;
	m->serial = serial;
	pthread_cond_signal(&m->cond);
	pthread_mutex_unlock(&m->mutex);
}

static void
await_serial(struct moved *m, uint64_t serial)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	pthread_mutex_lock(&m->mutex);
	while (m->serial < serial)
		assert_int_equal(pthread_cond_timedwait(&m->cond, &m->mutex, &until), 0);
	pthread_mutex_unlock(&m->mutex);
}

static void
a_list_change_moves_the_serial_and_rings(void **state)
{
	struct bench_dir *d = *state;
	struct moved m = { .mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };
	struct store *s = support_open(d, &(struct store_options){ .moved = on_moved, .ctx = &m });
	struct sink k = store_sink(s);
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_SUSPECT);
	struct store_counters n;

	k.change(k.ctx, &c);
	await_serial(&m, 1);
	c = support_change("192.0.2.7", STATE_SUSPECT, STATE_LISTED);
	k.change(k.ctx, &c);
	await_serial(&m, 2);
	store_counters(s, &n);
	assert_int_equal(n.serial, 2);
	assert_int_equal(m.generation, n.generation);
	assert_int_equal(number(d, "SELECT count(*) FROM list_change"), 2);
	assert_int_equal(number(d, "SELECT state FROM list"), STATE_LISTED);
	assert_int_equal(number(d, "SELECT n_listed * 10 + n_suspect FROM meta"), 10);
	store_close(s);
}

static void
changes_that_come_together_share_a_serial(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);

	for (unsigned i = 0; i < 1000; i++) {
		c.sender = SENDER_KEY_V4 + 0x0a000000 + i;
		c.what = sender_prefix(c.sender);
		k.change(k.ctx, &c);
	}
	assert_true(store_sync(s));
	assert_int_equal(number(d, "SELECT count(*) FROM list"), 1000);
	assert_true(number(d, "SELECT serial FROM meta") < 100);
	assert_int_equal(number(d, "SELECT count(DISTINCT serial) = (SELECT serial FROM meta) FROM list_change"), 1);
	assert_int_equal(number(d, "SELECT max(serial) = (SELECT serial FROM meta) FROM list_change"), 1);
	store_close(s);
}

static void
a_removed_listing_leaves_the_fold_and_stays_in_the_log(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct change_row on = support_change("2001:db8::1", STATE_UNKNOWN, STATE_LISTED);
	struct change_row off = support_change("2001:db8::1", STATE_LISTED, STATE_NOTICED);

	k.change(k.ctx, &on);
	k.change(k.ctx, &off);
	assert_true(store_sync(s));
	assert_int_equal(number(d, "SELECT count(*) FROM list"), 0);
	assert_int_equal(number(d, "SELECT count(*) FROM list_change"), 2);
	assert_int_equal(number(d, "SELECT n_listed FROM meta"), 0);
	store_close(s);
}

static void
single_hosts_of_a_64_are_rows_of_their_own(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct change_row c = support_change("2001:db8::1", STATE_UNKNOWN, STATE_LISTED);

	for (uint8_t i = 1; i <= 3; i++) {
		c.what.addr = support_addr("2001:db8::1");
		c.what.addr.b[15] = i;
		c.what.len = 128;
		k.change(k.ctx, &c);
	}
	assert_true(store_sync(s));
	assert_int_equal(number(d, "SELECT count(*) FROM list WHERE single AND host BETWEEN 1 AND 3"), 3);
	store_close(s);
}

static void
list_changes_overtake_a_big_flush(void **state)
{
	struct bench_dir *d = *state;
	struct moved m = { .mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };
	struct store *s = support_open(d, &(struct store_options){ .moved = on_moved, .ctx = &m });
	struct sink k = store_sink(s);
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct store_counters n;
	double worst = 0;

	for (uint64_t i = 0; i < 400000; i++) {
		struct sender_row r = { .key = SENDER_KEY_V4 | (i * 2654435761U & 0xffffffff), .first_seen_s = NOW_S,
			.last_seen_s = NOW_S };

		k.sender(k.ctx, &r);
	}
	/* The flush of all of them is under way for all of these. */
	for (uint64_t i = 1; i <= 10; i++) {
		double start = support_seconds();

		k.change(k.ctx, &c);
		await_serial(&m, i);
		if (support_seconds() - start > worst)
			worst = support_seconds() - start;
	}
	store_counters(s, &n);
	print_message("list change during a flush of 400 k senders: %.1f ms at worst\n", worst * 1e3);
	assert_true(n.queue > 0);
	assert_true(worst < 0.5);
	store_close(s);
	assert_int_equal(number(d, "SELECT count(*) FROM sender"), 400000);
}

struct gathered {
	struct sender_row rows[64];
	struct memory_row memories[64];
	struct prefix allows[64];
	uint32_t expires[64];
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
		.klass = CLASS_SCANNER, .grade = GRADE_PROVEN, .flags = 0xa5, .caps = 0x5a, .relapses = 3 };

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
		.last_real_s = NOW_S - 100, .set = 4095, .is_pool = 1 };
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
	assert_true(store_allow(s, &p, STORE_ALLOW_REMOVE, "root", ""));
	assert_int_equal(number(d, "SELECT count(*) FROM allow"), 0);
	assert_true(store_audit(s, NOW_US, "root", "forget", &p, "mine"));
	assert_true(store_audit(s, NOW_US, "root", "reload", NULL, NULL));
	assert_int_equal(number(d, "SELECT count(*) FROM audit"), 4);
	store_close(s);
}

static void
spit(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static char *
slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *bytes = malloc(1 << 20);

	assert_non_null(f);
	assert_non_null(bytes);
	*n = fread(bytes, 1, 1 << 20, f);
	fclose(f);
	return bytes;
}

static void
a_newer_database_is_refused_and_untouched(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .dir = d->path };
	struct store *s = support_open(d, NULL);
	struct judge_params params;
	struct report *r = NULL;
	char *before, *after;
	size_t n, m;
	sqlite3 *db;

	store_close(s);
	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=99; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	before = slurp(d->file, &n);
	s = NULL;
	assert_int_equal(store_open(&s, &o), STORE_NEWER);
	assert_null(s);
	after = slurp(d->file, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	judge_defaults(&params);
	assert_int_equal(report_open(&r, d->path, &params), REPORT_NEWER);
	assert_null(r);
	free(before);
	free(after);
}

static void
a_foreign_database_is_refused_and_untouched(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .dir = d->path };
	struct store *s = NULL;
	char *before, *after;
	size_t n, m;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA application_id=7; CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	before = slurp(d->file, &n);
	assert_int_equal(store_open(&s, &o), STORE_FAILED);
	after = slurp(d->file, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	free(before);
	free(after);
}

/* How many files of the directory have this in their name. */
static int
files_like(const struct bench_dir *d, const char *part)
{
	DIR *dir = opendir(d->path);
	struct dirent *e;
	int n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		n += strstr(e->d_name, part) != NULL;
	closedir(dir);
	return n;
}

static void
a_file_that_is_no_database_is_set_aside(void **state)
{
	struct bench_dir *d = *state;
	struct store_counters c;
	struct store *s;
	char junk[5000];

	memset(junk, 'x', sizeof junk);
	spit(d->file, junk, sizeof junk);
	s = support_open(d, NULL);
	store_counters(s, &c);
	assert_true(c.was_corrupt && c.fresh);
	assert_int_equal(files_like(d, "mxtrap.db.corrupt-"), 1);
	store_close(s);
	assert_true(sound(d->file));
}

static void
a_database_with_a_bad_page_is_set_aside(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct store_counters a, b;
	char junk[4096];
	int fd;

	store_counters(s, &a);
	for (uint64_t i = 0; i < 20000; i++) {
		struct sender_row r = { .key = i << 20, .first_seen_s = NOW_S, .last_seen_s = NOW_S, .kinds = 3 };

		k.sender(k.ctx, &r);
	}
	store_close(s);
	memset(junk, 0x5a, sizeof junk);
	fd = open(d->file, O_WRONLY);
	assert_int_not_equal(fd, -1);
	for (off_t page = 50; page < 60; page++)
		assert_int_equal(pwrite(fd, junk, sizeof junk, page * 4096), sizeof junk);
	close(fd);
	s = support_open(d, NULL);
	store_counters(s, &b);
	assert_true(b.was_corrupt);
	assert_int_not_equal(a.generation, b.generation);
	store_close(s);
	assert_int_equal(number(d, "SELECT count(*) FROM sender"), 0);
	assert_true(files_like(d, "mxtrap.db.corrupt-") >= 1);
}

static void
a_truncated_database_is_set_aside(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct store_counters c;

	store_close(s);
	assert_int_equal(truncate(d->file, 50), 0);
	s = support_open(d, NULL);
	store_counters(s, &c);
	assert_true(c.was_corrupt);
	store_close(s);
}

/* The child: list changes in groups that a half serial would tear, and rows, until it is killed. */
static void
write_until_killed(const struct bench_dir *d, unsigned round)
{
	struct store_options o = { .dir = d->path, .retention_attempts_s = 86400 };
	struct store *s = NULL;
	struct sink k;

	if (store_open(&s, &o) != STORE_OK)
		_exit(1);
	k = store_sink(s);
	for (uint64_t i = 0;; i++) {
		struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, i % 3 == 0 ? STATE_NOTICED : STATE_LISTED);
		struct attempt_row a = support_attempt("192.0.2.7", NOW_US + (int64_t)i, 0);

		c.sender = SENDER_KEY_V4 + round * 1000 + i * 7919 % 1000;
		c.what = sender_prefix(c.sender);
		k.change(k.ctx, &c);
		for (int n = 0; n < 20; n++)
			k.attempt(k.ctx, &a);
		if (i % 64 == 0)
			poll(NULL, 0, 1);
	}
}

static void
killed_twenty_times_it_is_sound_and_has_no_half_serial(void **state)
{
	struct bench_dir *d = *state;

	for (unsigned round = 0; round < 20; round++) {
		pid_t pid = fork();
		int status;

		assert_int_not_equal(pid, -1);
		if (pid == 0)
			write_until_killed(d, round);
		poll(NULL, 0, (int)(20 + round * 37 % 150));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		if (access(d->file, F_OK) != 0)
			continue;	/* killed before it had made one */
		struct store *s = support_open(d, NULL);
		struct store_counters c;

		store_counters(s, &c);
		assert_false(c.was_corrupt);
		store_close(s);
		assert_true(sound(d->file));
		assert_int_equal(number(d, "SELECT coalesce(max(serial), 0) - (SELECT serial FROM meta) FROM list_change"), 0);
		/* The fold of the log is the listing. */
		assert_int_equal(number(d, "WITH last AS (SELECT sender, max(id) AS id FROM list_change GROUP BY sender)"
		    " SELECT count(*) FROM last JOIN list_change USING (id) LEFT JOIN list AS l"
		    " ON l.sender = last.sender WHERE (new_state = 4) <> (l.state IS NOT NULL)"), 0);
		assert_int_equal(number(d, "SELECT (SELECT count(*) FROM list) - n_listed FROM meta"), 0);
	}
	assert_true(number(d, "SELECT serial FROM meta") > 20);
	print_message("20 kills: serial %lld, %lld attempts\n", (long long)number(d, "SELECT serial FROM meta"),
	    (long long)number(d, "SELECT count(*) FROM attempt"));
}

/* Let it tidy up now, and wait until this holds. */
static void
tidy_until(const struct bench_dir *d, struct store *s, const char *sql)
{
	double start = support_seconds();

	s->tidy_at_us = 1;
	while (number(d, sql) != 1) {
		assert_true(support_seconds() - start < 20);
		poll(NULL, 0, 10);
	}
}

static void
old_attempts_go_and_new_ones_stay(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct attempt_row a = support_attempt("192.0.2.7", 0, 0);

	for (int i = 0; i < 40000; i++) {
		a.time_us = i < 35000 ? NOW_US - 15 * 86400 * 1000000LL : NOW_US;
		k.attempt(k.ctx, &a);
		if (i == 34999)
			assert_true(store_sync(s));
	}
	assert_true(store_sync(s));
	/* Two full segments, and the old ones of the open one. */
	tidy_until(d, s, "SELECT count(*) = 5000 FROM attempt");
	assert_int_equal(number(d, "SELECT count(*) FROM segment"), 0);
	assert_int_equal(number(d, "SELECT count(*) FROM segment_chunk"), 0);
	store_close(s);
	assert_true(sound(d->file));
}

static void
a_quiet_site_loses_its_old_attempts_too(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US - 15 * 86400 * 1000000LL, 0);

	k.attempt(k.ctx, &a);
	a.time_us = NOW_US;
	k.attempt(k.ctx, &a);
	assert_true(store_sync(s));
	tidy_until(d, s, "SELECT count(*) = 1 FROM attempt");
	store_close(s);
}

static void
the_log_ends_at_its_horizon_and_listings_stay(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US, 0);

	c.time_us = NOW_US - 31 * 86400 * 1000000LL;
	for (unsigned i = 0; i < 17000; i++) {
		c.sender = SENDER_KEY_V4 + 0x0a000000 + i;
		c.what = sender_prefix(c.sender);
		k.change(k.ctx, &c);
	}
	k.attempt(k.ctx, &a);
	assert_true(store_sync(s));
	tidy_until(d, s, "SELECT count(*) = 17000 - 16384 FROM list_change");
	assert_int_equal(number(d, "SELECT horizon >= (SELECT min(serial) - 1 FROM list_change) FROM meta"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM list"), 17000);
	store_close(s);
}

static void
forgotten_senders_go_and_listed_ones_stay(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US, 0);
	const struct { uint32_t days; uint8_t state; } rows[] = { { 31, STATE_NOTICED }, { 29, STATE_NOTICED },
		{ 31, STATE_CLEARED }, { 181, STATE_CLEARED }, { 400, STATE_LISTED } };

	for (size_t i = 0; i < 5; i++) {
		struct sender_row r = { .key = i + 1, .first_seen_s = NOW_S - rows[i].days * 86400 - 60,
			.last_seen_s = NOW_S - rows[i].days * 86400, .state = rows[i].state };

		k.sender(k.ctx, &r);
	}
	k.attempt(k.ctx, &a);
	assert_true(store_sync(s));
	tidy_until(d, s, "SELECT count(*) = 3 FROM sender");
	assert_int_equal(number(d, "SELECT group_concat(key, '') FROM (SELECT key FROM sender ORDER BY key)"), 235);
	store_close(s);
}

static void
at_its_size_cap_it_drops_the_oldest_attempts_and_goes_on(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .max_bytes = 6 << 20 };
	struct store *s = support_open(d, &o);
	struct sink k = store_sink(s);
	struct store_counters c;
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US, 0);
	struct change_row listed = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);

	for (int i = 0; i < 300000; i++) {
		a.time_us = NOW_US + i;
		k.attempt(k.ctx, &a);
		/* The queue is bounded and loses what comes too fast: wait for it, however slow the machine. */
		for (int tries = 0; i % 30000 == 29999 && tries < 20 && !store_sync(s); tries++)
			;
	}
	k.change(k.ctx, &listed);
	for (int tries = 0; tries < 20 && !store_sync(s); tries++)
		;
	store_counters(s, &c);
	assert_true(c.write_errors > 0);
	assert_int_equal(c.serial, 1);
	assert_false(c.disk_full);
	/* The newest is in, the oldest is not, and the file kept its bound. */
	assert_int_equal(number(d, "SELECT max(time_us) FROM attempt") - NOW_US, 299999);
	assert_true(number(d, "SELECT min(time_us) FROM attempt") > NOW_US);
	assert_true(number(d, "PRAGMA page_count") * 4096 <= 6 << 20);
	store_close(s);
	assert_true(sound(d->file));
}

static void
on_a_full_disk_it_waits_and_resumes_by_itself(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	struct rlimit was, tight = { .rlim_cur = 64 << 10, .rlim_max = RLIM_INFINITY };
	struct attempt_row a = support_attempt("192.0.2.7", NOW_US, 0);
	struct evidence_row e = { .time_us = NOW_US, .sender = support_key("192.0.2.7"), .host = a.src };
	struct change_row listed = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct store_counters c;

	/* No file may grow: a write fails as it does on a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	tight.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	for (int i = 0; i < 20000; i++)
		k.attempt(k.ctx, &a);
	k.evidence(k.ctx, &e);
	assert_false(store_sync(s));
	k.change(k.ctx, &listed);
	store_counters(s, &c);
	assert_true(c.disk_full);
	assert_true(c.queue > 0);
	/* Far more than it can keep: the oldest go, and are counted. */
	for (int i = 0; i < 400000; i++)
		k.attempt(k.ctx, &a);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	for (int tries = 0; tries < 200; tries++) {
		if (store_sync(s))
			break;
		poll(NULL, 0, 20);
	}
	store_counters(s, &c);
	assert_false(c.disk_full);
	assert_true(c.rows_lost > 0);
	assert_int_equal(c.serial, 1);
	assert_int_equal(number(d, "SELECT count(*) FROM evidence"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM list"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM attempt") + (int64_t)c.rows_lost, 420000);
	store_close(s);
	assert_true(sound(d->file));
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
	assert_true(support_seconds() - start < 5.0);
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_new_directory_gets_a_fresh_database),
		store_test(the_generation_stays_when_it_is_opened_again),
		store_test(a_second_writer_is_refused),
		store_test(every_kind_of_row_is_stored),
		store_test(rows_are_committed_within_a_second_without_asking),
		store_test(a_list_change_moves_the_serial_and_rings),
		store_test(changes_that_come_together_share_a_serial),
		store_test(a_removed_listing_leaves_the_fold_and_stays_in_the_log),
		store_test(single_hosts_of_a_64_are_rows_of_their_own),
		store_test(list_changes_overtake_a_big_flush),
		store_test(a_sender_comes_back_as_it_was),
		store_test(an_order_memory_comes_back_as_it_was),
		store_test(the_newest_snapshot_of_a_sender_wins),
		store_test(senders_come_back_in_key_order),
		store_test(a_listing_newer_than_its_sender_wins_at_the_start),
		store_test(a_sender_that_the_list_let_go_does_not_come_back_listed),
		store_test(an_allow_entry_is_durable_and_audited_when_the_call_returns),
		store_test(a_newer_database_is_refused_and_untouched),
		store_test(a_foreign_database_is_refused_and_untouched),
		store_test(a_file_that_is_no_database_is_set_aside),
		store_test(a_database_with_a_bad_page_is_set_aside),
		store_test(a_truncated_database_is_set_aside),
		store_test(killed_twenty_times_it_is_sound_and_has_no_half_serial),
		store_test(old_attempts_go_and_new_ones_stay),
		store_test(a_quiet_site_loses_its_old_attempts_too),
		store_test(the_log_ends_at_its_horizon_and_listings_stay),
		store_test(forgotten_senders_go_and_listed_ones_stay),
		store_test(at_its_size_cap_it_drops_the_oldest_attempts_and_goes_on),
		store_test(on_a_full_disk_it_waits_and_resumes_by_itself),
		store_test(a_million_senders_are_written_in_three_seconds_and_read_back_in_five),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
