/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_row.c - any value in any column of any table: every reader asks, and what a start restores goes into a trap.
 *
 * Input: records of 12 bytes: table, column, kind of value, repetitions, eight bytes.  Each is one row of that table, sound
 * but for that column.
 */
#include <ftw.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/export.h"
#include "mxtrap/never.h"
#include "mxtrap/report.h"
#include "mxtrap/store.h"
#include "mxtrap/trap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define RECORD 12
#define MOST   64			/* rows of one input */
#define NOW_S  1790000000LL

/* A sound row of each table; ? is where its column goes that the input chooses. */
static const struct {
	const char *name;
	int n;
	const char *row[19];
} TABLES[] = {
	{ "allow", 6, { "x'00000000000000000000ffffc0000207'", "128", "0", "1790000000", "'root'", "'note'" } },
	{ "by_hand", 6, { "x'00000000000000000000ffffc0000208'", "128", "1790009960", "1790000000", "'root'", "'note'" } },
	{ "own_address", 3, { "x'00000000000000000000ffffc0000209'", "128", "4" } },
	{ "audit", 10, { "NULL", "1790000000000000", "'root'", "'allow'", "x'00000000000000000000ffffc0000207'", "128", "'n'",
	    "0", "NULL", "NULL" } },
	{ "token", 6, { "NULL", "'name'", "'admin'", "x'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'",
	    "1790000000", "0" } },
	{ "status", 2, { "'publish'", "'open 0 0'" } },
	{ "listing", 6, { "281473902969351", "(1790000000 << 32 | 1790086400)", "(1789999000 << 32 | 1790000000)", "(9000 << 32 | 9000)", "16842804", "1790000000" } },
	{ "listing_host", 7, { "2306139568115548161", "7", "(1790000000 << 32 | 1790086400)", "(1789999000 << 32 | 1790000000)", "(9000 << 32 | 9000)", "16842804",
	    "1790000000" } },
	{ "paused", 4, { "281473902969351", "1790000000", "1790086400", "0" } },
	{ "list_change", 19, { "NULL", "1", "1790000000000000", "281473902969351", "0", "128", "0", "4", "0", "9.0", "9.0",
	    "1790000000", "1790086400", "1789999000", "1790000000", "1", "3", "0", "1" } },
	{ "sender", 19, { "281473902969351", "1789999000", "10", "0", "9000", "9000", "9000", "1790000000", "1790086400", "0", "1",
	    "0", "4", "0", "3", "2", "0", "0", "1" } },
	{ "memory", 8, { "281473902969351", "0", "0", "1790000000", "10", "10", "10", "1" } },
	{ "attempt", 11, { "NULL", "1790000000000000", "281473902969351", "0", "0", "4000", "1", "100", "3", "3", "1" } },
	{ "visit", 10, { "NULL", "281473902969351", "1790000000000000", "1000", "0", "1", "312", "312", "0", "0" } },
	{ "evidence", 15, { "NULL", "1790000000000000", "281473902969351", "0", "1790000000000000", "0", "0", "3", "5.0", "5.0",
	    "5.0", "5.0", "0", "0", "NULL" } },
	{ "event", 14, { "NULL", "1790000000000000", "255", "1", "11", "x'00000000000000000000ffffc0000207'", "128", "4000", "0",
	    "0", "0", "16", "'helo'", "'domain'" } },
	{ "note", 6, { "NULL", "1790000000000000", "2", "0", "0", "0" } },
	{ "tally", 8, { "1789999200", "0", "1", "1", "1", "1", "1", "1" } },
	{ "tally_role", 9, { "3600", "1789999200", "1", "1", "1", "1", "1", "1", "1" } },
	{ "fingerprint", 5, { "1", "'4:64:0:1460:mss*20,7:mss,sok,ts,nop,ws:df,id+:0'", "1", "1", "1" } },
	{ "mx_target", 9, { "0", "0", "'set'", "'mx'", "x'00000000000000000000ffffc0000205'", "10", "1", "0", "0" } },
	{ "consumer", 9, { "'who'", "'plain'", "'agent'", "1790000000", "1790000000", "1", "1", "1", "0" } },
	{ "correspondent", 2, { "281473902969351", "1790000000" } },
	{ "foreign_sender", 2, { "281473902969351", "1790086400" } },
	{ "route_hour", 4, { "1789999200", "312", "1", "1" } },
	{ "rung_day", 5, { "1789948800", "0", "1", "1", "1790000000" } },
	{ "list_day", 4, { "1789948800", "1", "1", "1" } },
	{ "segment", 6, { "1", "1", "1", "1", "1790000000000000", "x'0000ffffc0000207'" } },
	{ "segment_chunk", 2, { "281474976710912", "x'0000ffffc00002070000'" } },
	{ "doubt", 7, { "3", "0", "x'00000000000000000000ffffc0000205'", "1", "0", "1790000000000000", "0" } },
};
#define N_TABLES (sizeof TABLES / sizeof TABLES[0])

static char dir[64];
static sqlite3 *db;
static struct store *store;
static struct report *report;
static struct config config;

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
clean(void)
{
	sqlite3_close(db);
	report_close(report);
	store_close(store);
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct store_options o = { .dir = dir, .retention_attempts_s = 14 * 86400 };
	char path[96];

	(void)argc;
	(void)argv;
	(void)snprintf(dir, sizeof dir, "/tmp/mxtrap-row-XXXXXX");
	judge_defaults(&config.judge);
	config.publish = true;
	if (mkdtemp(dir) == NULL || store_open(&store, &o) != STORE_OK || report_open(&report, dir, &config.judge) != REPORT_OK)
		abort();
	(void)snprintf(path, sizeof path, "%s/mxtrap.db", dir);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		abort();
	sqlite3_exec(db, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
	return atexit(clean);
}

/* -- the rows -- */

static void
bind(sqlite3_stmt *stmt, const uint8_t *record)
{
	static char text[8 * 255];
	int64_t number;
	double real;
	size_t n = 0;

	memcpy(&number, record + 4, sizeof number);
	memcpy(&real, record + 4, sizeof real);
	for (unsigned i = 0; i < record[3]; i++, n += 8)
		memcpy(text + n, record + 4, 8);
	switch (record[2] % 5) {
	case 0:
		sqlite3_bind_int64(stmt, 1, number);
		break;
	case 1:
		sqlite3_bind_double(stmt, 1, real);
		break;
	case 2:
		sqlite3_bind_text(stmt, 1, text, (int)n, SQLITE_STATIC);
		break;
	case 3:
		sqlite3_bind_blob(stmt, 1, text, (int)n, SQLITE_STATIC);
		break;
	default:
		sqlite3_bind_null(stmt, 1);
	}
}

static void
insert(const uint8_t *record)
{
	size_t t = record[0] % N_TABLES;
	int column = record[1] % TABLES[t].n;
	sqlite3_stmt *stmt = NULL;
	char sql[1024];
	int n = snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO %s VALUES (", TABLES[t].name);

	for (int i = 0; i < TABLES[t].n; i++)
		n += snprintf(sql + n, sizeof sql - (size_t)n, "%s%s", i > 0 ? "," : "", i == column ? "?1" : TABLES[t].row[i]);
	(void)snprintf(sql + n, sizeof sql - (size_t)n, ")");
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		abort();
	}
	bind(stmt, record);
	(void)sqlite3_step(stmt);		/* a type that the table refuses */
	sqlite3_finalize(stmt);
}

static void
fill(const uint8_t *data, size_t size)
{
	char sql[80];

	sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
	for (size_t t = 0; t < N_TABLES; t++) {
		(void)snprintf(sql, sizeof sql, "DELETE FROM %s", TABLES[t].name);
		sqlite3_exec(db, sql, NULL, NULL, NULL);
	}
	for (size_t i = 0; i + RECORD <= size && i < MOST * RECORD; i += RECORD)
		insert(data + i);
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
}

/* -- the readers; each callback reads what it is given -- */

#define SEE(type) static bool see_##type(void *ctx, const struct type *row) { *(uint8_t *)ctx ^= *(const uint8_t *)row; return true; }
SEE(report_attempt)
SEE(visit_row)
SEE(report_said)
SEE(report_sums)
SEE(report_route)
SEE(report_tally)
SEE(report_audit)
SEE(report_token)
SEE(consumer_row)
SEE(report_risk)
SEE(report_points)

static bool
see_entry(void *ctx, const struct report_entry *e)
{
	char text[PREFIX_TEXT_SIZE];

	(void)ctx;
	(void)prefix_format(&e->what, text);
	return e->state < STATE_N && state_name((enum sender_state)e->state)[0] != '\0' && class_name((enum sender_class)e->klass)[0] != '\0' &&
	    grade_name((enum grade)e->grade)[0] != '\0';
}

static bool
see_evidence(void *ctx, const struct evidence_row *e)
{
	(void)ctx;
	return evidence_info((enum evidence_kind)e->kind)->name[0] != '\0';
}

static bool
see_change(void *ctx, const struct report_change *c)
{
	struct report_entry e = { .what = c->row.what, .state = c->row.new_state, .klass = c->row.klass, .grade = c->row.grade };

	return c->row.old_state < STATE_N && c->row.cause < CAUSE_N && see_entry(ctx, &e);
}

static bool
see_target(void *ctx, const struct report_target *t)
{
	(void)ctx;
	return role_name((enum role)t->role)[0] != '\0' && answer_name((enum answer)t->answer)[0] != '\0' && t->address[0] != '\0';
}

static bool
see_status(void *ctx, const char *name, const char *value)
{
	*(size_t *)ctx += strlen(name) + strlen(value);
	if (strcmp(name, "publish") == 0)
		(void)publish_parse(value);
	return true;
}

static bool
see_kept(void *ctx, const struct prefix *what, int64_t expires_s, const char *who, const char *note, int64_t added_s)
{
	char text[PREFIX_TEXT_SIZE];

	(void)expires_s;
	(void)added_s;
	(void)prefix_format(what, text);
	*(size_t *)ctx += strlen(who) + strlen(note);
	return what->len <= 128;
}

static bool
see_own(void *ctx, const struct prefix *what, unsigned why)
{
	(void)ctx;
	return what->len <= 128 && why <= UINT8_MAX;
}

static bool
see_note(void *ctx, const struct note_row *n)
{
	*(size_t *)ctx += n->kind;
	return true;
}

static bool
see_forget(void *ctx, const struct prefix *what, int64_t time_us)
{
	(void)ctx;
	return what->len <= 128 && time_us >= 0;
}

static void
ask_of_one(void)
{
	const struct addr a = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7 } };
	sender_key key = addr_sender(&a);
	struct report_entry e;
	bool completed;
	uint64_t seen = 0;

	(void)report_sender(report, &a, NOW_S, &e);
	(void)report_check(report, &a, NOW_S, &e);
	(void)report_completed(report, key, &completed);
	(void)report_attempts(report, key, 0, see_report_attempt, &seen);
	(void)report_visits(report, key, 0, see_visit_row, &seen);
	(void)report_evidence(report, key, 0, see_evidence, &seen);
	(void)report_saids(report, key, see_report_said, &seen);
	(void)report_changes(report, key, 0, see_change, &seen);
}

static void
ask_of_all(void)
{
	struct report_filter all = { .klass = 0xff }, bare = { .klass = 0xff, .states = 1U << STATE_LISTED, .one_snapshot = true,
		.bare = true };
	static uint8_t map[REPORT_FINGERPRINTS / 8];
	struct report_risk_summary summary;
	struct report_state state;
	struct report_audit audit;
	struct report_token token;
	struct report_day days[8];
	struct prefix what = { .len = 128 };
	uint8_t hash[32] = { 0 };
	uint64_t seen = 0;
	size_t n = 0;

	(void)report_state(report, &state);
	(void)report_entries(report, &all, NOW_S, &state, see_entry, &seen);
	(void)report_entries(report, &bare, NOW_S, &state, see_entry, &seen);
	(void)report_changes_since(report, 0, 0, see_change, &seen);
	(void)report_attempts_after(report, 0, 100, see_report_attempt, &seen);
	(void)report_targets(report, NOW_S, see_target, &seen);
	(void)report_sums(report, 3600, 0, NOW_S + 3600, see_report_sums, &seen);
	(void)report_days(report, NOW_S, 8, days);
	(void)report_routes(report, 0, NOW_S + 3600, see_report_route, &seen);
	(void)report_fingerprints(report, "mss", map, &n);
	(void)report_series(report, 0, NOW_S + 3600, see_report_tally, &seen);
	(void)report_status(report, see_status, &n);
	(void)report_allows(report, NOW_S, see_kept, &n);
	(void)report_hands(report, NOW_S, see_kept, &n);
	(void)report_audits(report, 0, 100, see_report_audit, &seen);
	(void)report_audit_of(report, &what, &audit);
	(void)report_token(report, hash, NOW_S, &token);
	(void)report_tokens(report, NOW_S, see_report_token, &seen);
	(void)report_consumers(report, see_consumer_row, &seen);
	(void)report_own(report, see_own, &seen);
	(void)report_notes(report, 0, 100, see_note, &n);
	(void)report_risks(report, NOW_S, 100, &summary, see_report_risk, &seen);
	(void)report_all_points(report, see_report_points, &seen);
	(void)report_forgets(report, see_forget, &seen);
}

static void
export_all(void)
{
	struct export_options options = { .suspects = true, .scanners = true };
	struct export_summary summary;
	FILE *nowhere = fopen("/dev/null", "w");

	for (size_t i = 0; nowhere != NULL && export_format_at(i) != NULL; i++)
		(void)export_write(nowhere, export_format_at(i), &options, report, &config, NOW_S, &summary);
	if (nowhere != NULL)
		fclose(nowhere);
}

/* -- the start -- */

static void sink_attempt(void *c, const struct attempt_row *r) { (void)c; (void)r; }
static void sink_visit(void *c, const struct visit_row *r) { (void)c; (void)r; }
static void sink_evidence(void *c, const struct evidence_row *r) { (void)c; (void)r; }
static void sink_change(void *c, const struct change_row *r) { (void)c; (void)r; }
static void sink_sender(void *c, const struct sender_row *r) { (void)c; (void)r; }
static void sink_memory(void *c, const struct memory_row *r) { (void)c; (void)r; }
static void sink_tally(void *c, const struct tally_row *r) { (void)c; (void)r; }
static void sink_note(void *c, const struct note_row *r) { (void)c; (void)r; }
static void sink_fingerprint(void *c, uint16_t id, const struct fingerprint *f, int64_t t) { (void)c; (void)id; (void)f; (void)t; }

static bool restore_sender(void *t, const struct sender_row *r) { return trap_restore_sender(t, r); }
static bool restore_memory(void *t, const struct memory_row *r) { return trap_restore_memory(t, r); }
static bool restore_allow(void *t, const struct prefix *p, uint32_t e) { return trap_restore_allow(t, p, e); }
static bool restore_correspondent(void *t, sender_key k, uint32_t s) { trap_restore_correspondent(t, k, s); return true; }
static bool restore_foreign(void *t, sender_key k, uint32_t s) { trap_restore_foreign(t, k, s); return true; }
static bool restore_doubt(void *t, const struct doubt_row *r) { trap_restore_doubt(t, r); return true; }
static bool restore_evidence(void *t, const struct evidence_row *r) { trap_restore_evidence(t, r); return true; }
static bool apply(void *t, const struct event *e) { trap_event(t, e); return true; }

static void
restore_all(void)
{
	static struct ladder ladder;
	struct trap_options o = { .ladder = &ladder, .judge = config.judge, .limits = { 64, 64, 64, 100, 0 },
		.sink = { NULL, sink_attempt, sink_visit, sink_evidence, sink_change, sink_sender, sink_memory, sink_tally, sink_note,
		.fingerprint = sink_fingerprint } };
	struct event start = { .time_us = NOW_S * 1000000, .kind = EVENT_START, .value = 1 };
	struct trap *t = trap_new(&o);

	if (t == NULL)
		return;
	(void)store_each_sender(store, restore_sender, t);
	(void)store_each_memory(store, restore_memory, t);
	(void)store_each_allow(store, restore_allow, t);
	(void)store_each_correspondent(store, restore_correspondent, t);
	(void)store_each_foreign(store, restore_foreign, t);
	(void)store_each_doubt(store, restore_doubt, t);
	(void)store_each_evidence(store, 100, restore_evidence, t);
	(void)store_has_token(store);
	trap_event(t, &start);
	(void)report_events(report, apply, t);
	(void)trap_flush(t, SIZE_MAX);
	trap_free(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fill(data, size);
	ask_of_one();
	ask_of_all();
	export_all();
	restore_all();
	return 0;
}
