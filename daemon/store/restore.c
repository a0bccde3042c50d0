/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * restore.c - what a start gets back: senders, order memory, allow-list.
 *
 * The list is committed before the sender it is about, so a crash can leave a sender
 * that is a second older than its listing.  The list is right: senders are laid over
 * with it here, in one walk through both, by key.
 */
#include <string.h>

#include "mxtrap/token.h"
#include "row.h"
#include "store_int.h"

struct restore {			/* a read-only handle of its own: the writer is not disturbed */
	struct store *s;
	sqlite3	     *db;
	sqlite3_stmt *rows, *listing, *last, *paused;
	bool	      more;		/* listing stands on a row */
};

static bool
restore_open(struct restore *r, struct store *s, const char *sql)
{
	*r = (struct restore){ .s = s };
	if (sqlite3_open_v2(s->path, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(r->db, sql, -1, &r->rows, NULL) == SQLITE_OK)
		return true;
	log_warnx("DATABASE [%s] cannot be read back: %s", s->path, sqlite3_errmsg(r->db));
	sqlite3_close(r->db);
	return false;
}

static bool
restore_close(struct restore *r, int rc)
{
	if (rc != SQLITE_DONE && rc != SQLITE_OK)
		log_warnx("DATABASE cannot be read back: %s", sqlite3_errmsg(r->db));
	sqlite3_finalize(r->rows);
	sqlite3_finalize(r->listing);
	sqlite3_finalize(r->last);
	sqlite3_finalize(r->paused);
	sqlite3_close(r->db);
	return rc == SQLITE_DONE || rc == SQLITE_OK;
}

static bool
restore_bad(const struct restore *r, const char *of)
{
	return row_bad(&r->s->faults, r->s->path, of);
}

/* Step to the next row of the list that can be true. */
static void
restore_listing_next(struct restore *r)
{
	sqlite3_stmt *l = r->listing;

	while ((r->more = sqlite3_step(l) == SQLITE_ROW)) {
		int64_t until_s = sqlite3_column_int64(l, 3), changed_s = sqlite3_column_int64(l, 6);

		if (row_within(l, 1, STATE_SUSPECT, STATE_ALLOWED) && row_seconds(l, 2) && row_seconds(l, 3) && row_seconds(l, 6) &&
		    row_points(l, 4) && row_points(l, 5) && row_within(l, 7, 0, UINT16_MAX) && row_seconds(l, 8) &&
		    row_seconds(l, 9) && row_within(l, 10, 0, GRADE_ACCEPTED) && row_within(l, 11, 0, CLASS_SCANNER) &&
		    (sqlite3_column_int(l, 1) != STATE_LISTED || until_s <= changed_s + ROW_LISTED_MOST_S) &&
		    !(sqlite3_column_int(l, 12) != 0 && sender_is_v4((sender_key)sqlite3_column_int64(l, 0))))
			return;
		(void)restore_bad(r, "listing");
	}
}

/* Where it is listed by hand, too, the list tells the later of two ends; no term is one by hand alone. */
static void
restore_listed(struct sender_row *row, sqlite3_stmt *l, bool any)
{
	uint32_t until_s = (uint32_t)sqlite3_column_int64(l, 3);
	bool hand = (row->kinds & 1U << EVIDENCE_BY_HAND) != 0;

	row->listed_since_s = (uint32_t)sqlite3_column_int64(l, 2);
	row->single = (uint8_t)sqlite3_column_int(l, 12);
	row->host = (uint64_t)sqlite3_column_int64(l, 13);
	row->hand_until_s = hand ? until_s : 0;
	row->hand_alone = hand && sqlite3_column_int(l, 14) == 0;
	if (hand ? !row->hand_alone && row->expires_s == 0 : !any || until_s > row->expires_s)
		row->expires_s = until_s;
}

/* It is allowed: what that ended. */
static void
restore_paused(struct restore *r, struct sender_row *row, sqlite3_stmt *l)
{
	sqlite3_stmt *p = r->paused;

	sqlite3_bind_int64(p, 1, (sqlite3_int64)row->key);
	if (sqlite3_step(p) == SQLITE_ROW) {
		int64_t since_s = sqlite3_column_int64(p, 0), until_s = sqlite3_column_int64(p, 1);
		int64_t hand_s = sqlite3_column_int64(p, 2);
		int64_t most_s = sqlite3_column_int64(l, 6) + ROW_LISTED_MOST_S;

		if (row_seconds(p, 0) && row_seconds(p, 1) && row_seconds(p, 2) && until_s <= most_s && hand_s <= most_s) {
			row->paused = 1;
			row->listed_since_s = (uint32_t)since_s;
			if (until_s != 0)
				row->expires_s = (uint32_t)until_s;
			row->hand_until_s = (uint32_t)hand_s;
			row->hand_alone = until_s == 0;
			row->single = (uint8_t)sqlite3_column_int(l, 12);
			row->host = (uint64_t)sqlite3_column_int64(l, 13);
		} else {
			(void)restore_bad(r, "paused");
		}
	}
	sqlite3_reset(p);
}

/* Lay the listing rows of this sender over it; listing stands behind them then. */
static bool
restore_overlay(struct restore *r, struct sender_row *row)
{
	sqlite3_stmt *l = r->listing;
	bool any = false;

	while (r->more && sqlite3_column_int64(l, 0) == (sqlite3_int64)row->key) {
		uint8_t state = (uint8_t)sqlite3_column_int(l, 1);
		uint32_t changed_s = (uint32_t)sqlite3_column_int64(l, 6);

		if (row->state != state && changed_s > row->sums_at_s) {
			row->score = (float)sqlite3_column_double(l, 4);
			row->hint = (float)sqlite3_column_double(l, 5);
			row->sums_at_s = changed_s;
			if (row->blame < row->score)
				row->blame = row->score;
		}
		if (!any || state > row->state)
			row->state = state;
		row->kinds = (uint16_t)((row->kinds & ~(1U << EVIDENCE_BY_HAND)) | (unsigned)sqlite3_column_int(l, 7));
		if (state == STATE_LISTED)
			restore_listed(row, l, any);
		else if (state == STATE_ALLOWED)
			restore_paused(r, row, l);
		if (row->first_seen_s == 0) {
			row->first_seen_s = (uint32_t)sqlite3_column_int64(l, 8);
			row->last_seen_s = (uint32_t)sqlite3_column_int64(l, 9);
			row->grade = (uint8_t)sqlite3_column_int(l, 10);
			row->klass = (uint8_t)sqlite3_column_int(l, 11);
		}
		any = true;
		restore_listing_next(r);
	}
	return any;
}

/* The list let go of this sender, and the snapshot does not know it yet. */
static void
restore_let_go(struct restore *r, struct sender_row *row)
{
	sqlite3_bind_int64(r->last, 1, (sqlite3_int64)row->key);
	row->state = STATE_UNKNOWN;
	if (sqlite3_step(r->last) == SQLITE_ROW && row_within(r->last, 0, 0, STATE_N - 1) && row_points(r->last, 1) &&
	    row_points(r->last, 2) && row_seconds(r->last, 3) &&
	    (uint32_t)sqlite3_column_int64(r->last, 3) >= row->sums_at_s) {
		row->state = (uint8_t)sqlite3_column_int(r->last, 0);
		row->score = (float)sqlite3_column_double(r->last, 1);
		row->hint = (float)sqlite3_column_double(r->last, 2);
		row->sums_at_s = (uint32_t)sqlite3_column_int64(r->last, 3);
		if (row->blame > row->score)
			row->blame = row->score;
	}
	sqlite3_reset(r->last);
}

/* A sender that only the list knows. */
static bool
restore_orphan(struct restore *r, bool (*each)(void *, const struct sender_row *), void *ctx)
{
	struct sender_row row = { .key = (sender_key)sqlite3_column_int64(r->listing, 0) };

	restore_overlay(r, &row);
	return each(ctx, &row);
}

bool
store_each_sender(struct store *s, bool (*each)(void *, const struct sender_row *), void *ctx)
{
	struct restore r;
	struct sender_row row;
	bool go = true;
	int rc;

	if (!restore_open(&r, s, "SELECT key, first_seen_s, last_after_s, sums_before_s, score, hint, blame, listed_s,"
	    " expires_s, climbed_s, kinds, fingerprint, state, klass, grade, flags, caps, relapses, sets FROM sender ORDER BY key"))
		return false;
	rc = sqlite3_prepare_v2(r.db, "SELECT sender, state, since_s, expires_s, score, hint, changed_s, kinds, first_seen_s,"
	    " last_seen_s, grade, klass, single, host, term_days FROM list ORDER BY sender", -1, &r.listing, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(r.db, "SELECT new_state, score, hint, time_us / 1000000 FROM list_change WHERE sender = ?"
		    " AND id > (SELECT max(id) - 20000 FROM list_change) ORDER BY id DESC LIMIT 1", -1, &r.last, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(r.db, "SELECT since_s, expires_s, hand_s FROM paused WHERE sender = ?", -1,
		    &r.paused, NULL);
	if (rc != SQLITE_OK)
		return restore_close(&r, rc);
	restore_listing_next(&r);
	while (go && (rc = sqlite3_step(r.rows)) == SQLITE_ROW) {
		if (!row_sender(r.rows, &row)) {
			(void)restore_bad(&r, "sender");
			continue;
		}
		while (go && r.more && sqlite3_column_int64(r.listing, 0) < (sqlite3_int64)row.key)
			go = restore_orphan(&r, each, ctx);
		if (!go)
			break;
		if (!restore_overlay(&r, &row) && row.state >= STATE_SUSPECT)
			restore_let_go(&r, &row);
		go = each(ctx, &row);
	}
	while (go && r.more)
		go = restore_orphan(&r, each, ctx);
	return restore_close(&r, go ? rc : SQLITE_DONE);
}

/* Times told from another, each of them 32 bits wide in the end. */
static bool
restore_memory_good(sqlite3_stmt *stmt, int64_t at)
{
	if (!row_within(stmt, 1, 0, UINT16_MAX) || !row_within(stmt, 2, 0, 1) || !row_seconds(stmt, 3))
		return false;
	for (int i = 4; i <= 6; i++) {
		int64_t v = sqlite3_column_int64(stmt, i);

		if (sqlite3_column_type(stmt, i) == SQLITE_NULL)
			continue;
		if (!row_within(stmt, i, -ROW_TIME_MAX_S, ROW_TIME_MAX_S))
			return false;
		v = i == 5 ? at + v : at - v;	/* both within 33 bits by now */
		if (v < 0 || v > ROW_TIME_MAX_S)
			return false;
	}
	return true;
}

bool
store_each_memory(struct store *s, bool (*each)(void *, const struct memory_row *), void *ctx)
{
	struct restore r;
	bool go = true;
	int rc = SQLITE_DONE;

	if (!restore_open(&r, s, "SELECT sender, mx_set, is_pool, memory_at_s, lower_before_s, last_after_s, real_before_s,"
	    " unanswered FROM memory ORDER BY sender, mx_set, is_pool"))
		return false;
	while (go && (rc = sqlite3_step(r.rows)) == SQLITE_ROW) {
		int64_t at = sqlite3_column_int64(r.rows, 3);

		if (!restore_memory_good(r.rows, at)) {
			(void)restore_bad(&r, "memory");
			continue;
		}
		struct memory_row row = { .sender = (sender_key)sqlite3_column_int64(r.rows, 0),
			.set = (uint16_t)sqlite3_column_int(r.rows, 1), .is_pool = (uint8_t)sqlite3_column_int(r.rows, 2),
			.memory_at_s = (uint32_t)at };

		if (sqlite3_column_type(r.rows, 4) != SQLITE_NULL)
			row.lower_at_s = (uint32_t)(at - sqlite3_column_int64(r.rows, 4));
		if (sqlite3_column_type(r.rows, 5) != SQLITE_NULL)
			row.last_s = (uint32_t)(at + sqlite3_column_int64(r.rows, 5));
		if (sqlite3_column_type(r.rows, 6) != SQLITE_NULL)
			row.last_real_s = (uint32_t)(at - sqlite3_column_int64(r.rows, 6));
		row.unanswered = sqlite3_column_int(r.rows, 7) == 1;
		go = each(ctx, &row);
	}
	return restore_close(&r, go ? rc : SQLITE_DONE);
}

static bool
each_prefix(struct store *s, const char *sql, const char *of, bool (*each)(void *, const struct prefix *, uint32_t expires_s),
    void *ctx)
{
	struct restore r;
	bool go = true;
	int rc = SQLITE_DONE;

	if (!restore_open(&r, s, sql))
		return false;
	while (go && (rc = sqlite3_step(r.rows)) == SQLITE_ROW) {
		struct prefix what;

		if (!row_prefix(r.rows, 0, 1, &what) || !row_seconds(r.rows, 2)) {
			(void)restore_bad(&r, of);
			continue;
		}
		go = each(ctx, &what, (uint32_t)sqlite3_column_int64(r.rows, 2));
	}
	return restore_close(&r, go ? rc : SQLITE_DONE);
}

bool
store_each_allow(struct store *s, bool (*each)(void *, const struct prefix *, uint32_t expires_s), void *ctx)
{
	return each_prefix(s, "SELECT addr, len, expires_s FROM allow ORDER BY addr, len", "allow", each, ctx);
}

bool
store_each_hand(struct store *s, bool (*each)(void *, const struct prefix *, uint32_t expires_s), void *ctx)
{
	return each_prefix(s, "SELECT addr, len, expires_s FROM by_hand ORDER BY addr, len", "by_hand", each, ctx);
}

bool
store_each_correspondent(struct store *s, bool (*each)(void *, sender_key, uint32_t answered_s), void *ctx)
{
	struct restore r;
	bool go = true;
	int rc = SQLITE_DONE;

	if (!restore_open(&r, s, "SELECT sender, answered_s FROM correspondent ORDER BY answered_s"))
		return false;
	while (go && (rc = sqlite3_step(r.rows)) == SQLITE_ROW)
		if (row_seconds(r.rows, 1) || restore_bad(&r, "correspondent"))
			go = each(ctx, (sender_key)sqlite3_column_int64(r.rows, 0), (uint32_t)sqlite3_column_int64(r.rows, 1));
	return restore_close(&r, go ? rc : SQLITE_DONE);
}

bool
store_has_token(struct store *s)
{
	struct restore r;
	int rc;

	if (!restore_open(&r, s, "SELECT id FROM token LIMIT 1"))
		return false;
	rc = sqlite3_step(r.rows);
	(void)restore_close(&r, rc == SQLITE_ROW ? SQLITE_DONE : rc);
	return rc == SQLITE_ROW;
}

bool
store_token_of(struct store *s, const uint8_t hash[static 32], int64_t now_s, char name[static 32], char scope[static 32])
{
	struct restore r;
	bool found = false;
	int rc;

	if (!restore_open(&r, s, "SELECT name, scope, hash, expires_s FROM token"))
		return false;
	while ((rc = sqlite3_step(r.rows)) == SQLITE_ROW) {
		const char *called = (const char *)sqlite3_column_text(r.rows, 0), *may = (const char *)sqlite3_column_text(r.rows, 1);
		const uint8_t *stored = sqlite3_column_blob(r.rows, 2);
		int64_t expires_s = sqlite3_column_int64(r.rows, 3);

		if (called == NULL || may == NULL || stored == NULL || sqlite3_column_bytes(r.rows, 2) != 32 ||
		    (expires_s != 0 && expires_s <= now_s) || !token_equal(stored, hash) || !token_name(called) || !token_scope(may))
			continue;
		(void)snprintf(name, 32, "%s", called);
		(void)snprintf(scope, 32, "%s", may);
		found = true;
	}
	return restore_close(&r, rc) && found;
}

bool
store_each_foreign(struct store *s, bool (*each)(void *, sender_key, uint32_t until_s), void *ctx)
{
	struct restore r;
	bool go = true;
	int rc = SQLITE_DONE;

	if (!restore_open(&r, s, "SELECT sender, until_s FROM foreign_sender"))
		return false;
	while (go && (rc = sqlite3_step(r.rows)) == SQLITE_ROW)
		if (row_seconds(r.rows, 1) || restore_bad(&r, "foreign_sender"))
			go = each(ctx, (sender_key)sqlite3_column_int64(r.rows, 0), (uint32_t)sqlite3_column_int64(r.rows, 1));
	return restore_close(&r, go ? rc : SQLITE_DONE);
}

bool
store_each_doubt(struct store *s, bool (*each)(void *, const struct doubt_row *), void *ctx)
{
	struct restore r;
	bool go = true;
	int rc = SQLITE_DONE;

	if (!restore_open(&r, s, "SELECT kind, n, addr, a, b, c, d FROM doubt ORDER BY kind, n, addr"))
		return false;
	while (go && (rc = sqlite3_step(r.rows)) == SQLITE_ROW) {
		struct doubt_row row = { .kind = 0 };
		const void *bytes = sqlite3_column_blob(r.rows, 2);
		bool good = row_within(r.rows, 0, 0, DOUBT_ROW_N_KINDS - 1) && row_within(r.rows, 1, 0, DOUBT_ROW_MAX_N - 1) &&
		    bytes != NULL && sqlite3_column_bytes(r.rows, 2) == sizeof(row.addr.b);

		/* Times, counts, bits: none is below zero, or behind what a time may be. */
		for (int i = 0; i < DOUBT_ROW_VALUES; i++)
			good = good && row_micros(r.rows, 3 + i);
		if (!good) {
			(void)restore_bad(&r, "doubt");
			continue;
		}
		row.kind = (uint8_t)sqlite3_column_int(r.rows, 0);
		row.n = (uint8_t)sqlite3_column_int(r.rows, 1);
		memcpy(row.addr.b, bytes, sizeof(row.addr.b));
		for (int i = 0; i < DOUBT_ROW_VALUES; i++)
			row.v[i] = sqlite3_column_int64(r.rows, 3 + i);
		go = each(ctx, &row);
	}
	return restore_close(&r, go ? rc : SQLITE_DONE);
}

bool
store_each_evidence(struct store *s, size_t most, bool (*each)(void *, const struct evidence_row *), void *ctx)
{
	struct restore r;
	bool go = true;
	int rc = SQLITE_DONE;

	if (!restore_open(&r, s, "SELECT time_us, sender, host, visit_us, mx_set, kind, grade, score, hint, score_sum, hint_sum,"
	    " excused, revision, of_us FROM evidence WHERE id > (SELECT max(id) FROM evidence) - ? ORDER BY id"))
		return false;
	sqlite3_bind_int64(r.rows, 1, (sqlite3_int64)most);
	while (go && (rc = sqlite3_step(r.rows)) == SQLITE_ROW) {
		struct evidence_row row;

		if (!row_micros(r.rows, 0) || !row_within(r.rows, 4, 0, UINT16_MAX) || !row_within(r.rows, 5, 0, EVIDENCE_N_KINDS - 1) ||
		    !row_within(r.rows, 6, 0, GRADE_ACCEPTED) || !row_points(r.rows, 7) || !row_points(r.rows, 8) ||
		    !row_within(r.rows, 11, 0, UINT32_MAX) || !row_within(r.rows, 12, 0, 1)) {
			(void)restore_bad(&r, "evidence");
			continue;
		}
		row = (struct evidence_row){
			.time_us = sqlite3_column_int64(r.rows, 0), .sender = (sender_key)sqlite3_column_int64(r.rows, 1),
			.visit_us = sqlite3_column_int64(r.rows, 3), .set = (uint16_t)sqlite3_column_int(r.rows, 4),
			.kind = (uint8_t)sqlite3_column_int(r.rows, 5), .grade = (uint8_t)sqlite3_column_int(r.rows, 6),
			.score = (float)sqlite3_column_double(r.rows, 7), .hint = (float)sqlite3_column_double(r.rows, 8),
			.score_sum = (float)sqlite3_column_double(r.rows, 9), .hint_sum = (float)sqlite3_column_double(r.rows, 10),
			.excused = (uint32_t)sqlite3_column_int64(r.rows, 11), .revision = sqlite3_column_int(r.rows, 12) != 0,
			.of_us = sqlite3_column_int64(r.rows, 13),
		};
		row.host = sender_addr(row.sender, (uint64_t)sqlite3_column_int64(r.rows, 2));
		go = each(ctx, &row);
	}
	return restore_close(&r, go ? rc : SQLITE_DONE);
}
