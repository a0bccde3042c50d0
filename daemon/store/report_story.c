/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_story.c - what one sender did, oldest first; and what came lately from all.
 *
 * A sender's rows are found in two steps: through the index of the closed segments,
 * then by a scan of the few thousand rows behind them (see segment.c).
 */
#include <stdlib.h>
#include <string.h>

#include "report_int.h"
#include "segment.h"
#include "sort.h"

static bool
read_attempt(sqlite3_stmt *stmt, struct report_attempt *a)
{
	char text[FINGERPRINT_TEXT_SIZE];

	if (!row_micros(stmt, 1) || !row_within(stmt, 4, 0, UINT32_MAX) || !row_within(stmt, 5, 0, UINT16_MAX) ||
	    !row_within(stmt, 6, 0, UINT16_MAX) || !row_within(stmt, 7, 0, UINT32_MAX) || !row_within(stmt, 8, 0, GRADE_ACCEPTED) ||
	    !row_within(stmt, 9, 0, OUTCOME_WITHDRAWN) || !row_text(stmt, 10, true, text, sizeof text))
		return false;
	*a = (struct report_attempt){
		.id = sqlite3_column_int64(stmt, 0), .time_us = sqlite3_column_int64(stmt, 1),
		.src = report_addr((sender_key)sqlite3_column_int64(stmt, 2), (uint64_t)sqlite3_column_int64(stmt, 3)),
		.target = (uint32_t)sqlite3_column_int64(stmt, 4), .sport = (uint16_t)sqlite3_column_int(stmt, 5),
		.n_syns = (uint16_t)sqlite3_column_int(stmt, 6), .rtt_us = (uint32_t)sqlite3_column_int64(stmt, 7),
		.grade = (uint8_t)sqlite3_column_int(stmt, 8), .outcome = (uint8_t)sqlite3_column_int(stmt, 9),
	};
	memcpy(a->fingerprint, text, sizeof a->fingerprint);
	return true;
}

/* 312 to bogus, nolisting, real. */
static uint8_t
read_route(int digits, uint8_t route[static 3])
{
	uint8_t n = 0, turned[3];

	for (; digits > 0 && n < 3; digits /= 10)
		turned[n++] = (uint8_t)(digits % 10 - 1);
	for (uint8_t i = 0; i < n; i++)
		route[i] = turned[n - 1 - i];
	return n;
}

static bool
read_visit(sqlite3_stmt *stmt, struct visit_row *v)
{
	if (!row_micros(stmt, 2) || !row_micros(stmt, 3) || !row_within(stmt, 4, 0, UINT16_MAX) ||
	    !row_within(stmt, 5, 0, UINT16_MAX) || !row_route(stmt, 6) || !row_route(stmt, 7) ||
	    !row_within(stmt, 8, 0, CLASS_SCANNER) || !row_within(stmt, 9, 0, 1))
		return false;
	memset(v, 0, sizeof *v);
	v->sender = (sender_key)sqlite3_column_int64(stmt, 1);
	v->start_us = sqlite3_column_int64(stmt, 2);
	v->end_us = v->start_us + sqlite3_column_int64(stmt, 3);
	v->set = (uint16_t)sqlite3_column_int(stmt, 4);
	v->n_attempts = (uint16_t)sqlite3_column_int(stmt, 5);
	v->n_route = read_route(sqlite3_column_int(stmt, 6), v->route);
	v->n_proven_route = read_route(sqlite3_column_int(stmt, 7), v->proven_route);
	v->klass = (uint8_t)sqlite3_column_int(stmt, 8);
	v->real_proven = (uint8_t)sqlite3_column_int(stmt, 9);
	return true;
}

static bool
read_evidence(sqlite3_stmt *stmt, struct evidence_row *e)
{
	if (!row_micros(stmt, 1) || !row_micros(stmt, 4) || !row_within(stmt, 5, 0, UINT16_MAX) ||
	    !row_within(stmt, 6, 0, EVIDENCE_N_KINDS - 1) || !row_within(stmt, 7, 0, GRADE_ACCEPTED) || !row_points(stmt, 8) ||
	    !row_points(stmt, 9) || !row_points(stmt, 10) || !row_points(stmt, 11) || !row_within(stmt, 12, 0, UINT32_MAX) ||
	    !row_within(stmt, 13, 0, 2))
		return false;
	memset(e, 0, sizeof *e);
	e->time_us = sqlite3_column_int64(stmt, 1);
	e->sender = (sender_key)sqlite3_column_int64(stmt, 2);
	e->host = report_addr(e->sender, (uint64_t)sqlite3_column_int64(stmt, 3));
	e->visit_us = sqlite3_column_int64(stmt, 4);
	e->set = (uint16_t)sqlite3_column_int(stmt, 5);
	e->kind = (uint8_t)sqlite3_column_int(stmt, 6);
	e->grade = (uint8_t)sqlite3_column_int(stmt, 7);
	e->score = (float)sqlite3_column_double(stmt, 8);
	e->hint = (float)sqlite3_column_double(stmt, 9);
	e->score_sum = (float)sqlite3_column_double(stmt, 10);
	e->hint_sum = (float)sqlite3_column_double(stmt, 11);
	e->excused = (uint32_t)sqlite3_column_int64(stmt, 12);
	e->revision = (uint8_t)sqlite3_column_int(stmt, 13);
	return true;
}

/* As wide as its kind of address, and no wider. */
static bool
read_change_what(sqlite3_stmt *stmt)
{
	sender_key key = (sender_key)sqlite3_column_int64(stmt, 3);
	struct prefix sender = sender_prefix(key);

	return row_within(stmt, 5, sender.len, 128) && (sqlite3_column_int(stmt, 5) == sender.len || sqlite3_column_int(stmt, 5) == 128);
}

static bool
read_change(sqlite3_stmt *stmt, struct report_change *out)
{
	struct change_row *c = &out->row;

	if (!row_micros(stmt, 2) || !read_change_what(stmt) || !row_within(stmt, 6, 0, STATE_N - 1) ||
	    !row_within(stmt, 7, 0, STATE_N - 1) || !row_within(stmt, 8, 0, CAUSE_N - 1) || !row_points(stmt, 9) ||
	    !row_points(stmt, 10) || !row_seconds(stmt, 11) || !row_seconds(stmt, 12) || !row_seconds(stmt, 13) ||
	    !row_seconds(stmt, 14) || !row_within(stmt, 15, 0, UINT16_MAX) || !row_within(stmt, 16, 0, GRADE_ACCEPTED) ||
	    !row_within(stmt, 17, 0, CLASS_SCANNER) || !row_within(stmt, 18, 0, UINT8_MAX))
		return false;
	memset(out, 0, sizeof *out);
	out->serial = (uint64_t)sqlite3_column_int64(stmt, 1);
	c->time_us = sqlite3_column_int64(stmt, 2);
	c->sender = (sender_key)sqlite3_column_int64(stmt, 3);
	c->what = report_what(c->sender, (uint64_t)sqlite3_column_int64(stmt, 4), sqlite3_column_int(stmt, 5));
	c->old_state = (uint8_t)sqlite3_column_int(stmt, 6);
	c->new_state = (uint8_t)sqlite3_column_int(stmt, 7);
	c->cause = (uint8_t)sqlite3_column_int(stmt, 8);
	c->score = (float)sqlite3_column_double(stmt, 9);
	c->hint = (float)sqlite3_column_double(stmt, 10);
	c->since_s = (uint32_t)sqlite3_column_int64(stmt, 11);
	c->expires_s = (uint32_t)sqlite3_column_int64(stmt, 12);
	c->first_seen_s = (uint32_t)sqlite3_column_int64(stmt, 13);
	c->last_seen_s = (uint32_t)sqlite3_column_int64(stmt, 14);
	c->kinds = (uint16_t)sqlite3_column_int(stmt, 15);
	c->grade = (uint8_t)sqlite3_column_int(stmt, 16);
	c->klass = (uint8_t)sqlite3_column_int(stmt, 17);
	c->term_days = (uint8_t)sqlite3_column_int(stmt, 18);
	return true;
}

union record {
	struct report_attempt attempt;
	struct visit_row      visit;
	struct evidence_row   evidence;
	struct report_change  change;
};

/* What to read, and whom to tell. */
struct story {
	enum segment_of of;
	size_t	 limit, n, cap;
	union record *rows;		/* owned; gathered, then told without a transaction */
};

static bool
story_read(struct report *r, const struct story *st, sqlite3_stmt *stmt, union record *out)
{
	switch (st->of) {
	case SEGMENT_ATTEMPT:
		return read_attempt(stmt, &out->attempt) || report_bad_row(r, "attempt");
	case SEGMENT_VISIT:
		return read_visit(stmt, &out->visit) || report_bad_row(r, "visit");
	case SEGMENT_EVIDENCE:
		return read_evidence(stmt, &out->evidence) || report_bad_row(r, "evidence");
	case SEGMENT_CHANGE:
	case SEGMENT_OF_N:
		break;
	}
	return read_change(stmt, &out->change) || report_bad_row(r, "list_change");
}

/* Rows of a bound statement, as long as there is room for more. */
static int
story_gather(struct report *r, struct story *st, sqlite3_stmt *stmt)
{
	int rc = SQLITE_DONE;

	while ((st->limit == 0 || st->n < st->limit) && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (st->n == st->cap) {
			size_t cap = st->cap == 0 ? 64 : 2 * st->cap;
			union record *more = realloc(st->rows, cap * sizeof *more);

			if (more == NULL) {
				rc = SQLITE_NOMEM;
				break;
			}
			st->rows = more;
			st->cap = cap;
		}
		st->n += story_read(r, st, stmt, &st->rows[st->n]);
	}
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW ? SQLITE_DONE : rc;
}

/* One segment of a table, and what is sought in it. */
struct stretch {
	int64_t number, first_id;
	uint64_t key;			/* in the order of the index */
	sender_key sender;
	enum read_statement one;	/* a row by its id */
};

/* The first entry of a chunk that is not less than key. */
static size_t
chunk_find(const unsigned char *entries, size_t n, uint64_t key)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (segment_load_key(entries + mid * SEGMENT_ENTRY) < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Rows that one chunk names.  *more: the next chunk may name some too. */
static int
story_chunk(struct report *r, struct story *st, const struct stretch *w, size_t chunk, bool *more)
{
	sqlite3_stmt *stmt = report_ask(r, READ_SEGMENT_CHUNK), *row = report_ask(r, w->one);
	const unsigned char *entries;
	size_t n = 0, i;
	int rc;

	*more = false;
	sqlite3_bind_int64(stmt, 1, segment_chunk_id(st->of, w->number, chunk));
	rc = sqlite3_step(stmt);
	entries = rc == SQLITE_ROW ? sqlite3_column_blob(stmt, 0) : NULL;
	if (entries != NULL)
		n = (size_t)sqlite3_column_bytes(stmt, 0) / SEGMENT_ENTRY;
	if (rc == SQLITE_ROW)
		rc = SQLITE_DONE;
	for (i = chunk_find(entries, n, w->key); i < n && rc == SQLITE_DONE; i++) {
		const unsigned char *p = entries + i * SEGMENT_ENTRY;

		if (segment_load_key(p) != w->key)
			break;
		sqlite3_bind_int64(row, 1, (sqlite3_int64)w->sender);
		sqlite3_bind_int64(row, 2, w->first_id + (p[8] << 8 | p[9]));
		rc = story_gather(r, st, row);
	}
	*more = n != 0 && i == n;
	sqlite3_reset(stmt);
	return rc;
}

/* Rows that the closed segments name; *last is the last id that they cover. */
static int
story_segments(struct report *r, struct story *st, struct stretch *w, int64_t *last)
{
	sqlite3_stmt *stmt = report_ask(r, READ_SEGMENTS);
	int rc;

	sqlite3_bind_int(stmt, 1, (int)st->of);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const unsigned char *fences;
		size_t n, chunk = 0;
		bool more = true;

		if (!row_within(stmt, 0, 0, 1LL << 39) || !row_within(stmt, 1, 0, 1LL << 55) || !row_within(stmt, 2, 0, 1LL << 55)) {
			(void)report_bad_row(r, "segment");
			continue;
		}
		fences = sqlite3_column_blob(stmt, 3);
		n = (size_t)sqlite3_column_bytes(stmt, 3) / SEGMENT_FENCE;
		if (n > SEGMENT_CHUNKS)
			n = SEGMENT_CHUNKS;
		w->number = sqlite3_column_int64(stmt, 0);
		w->first_id = sqlite3_column_int64(stmt, 1);
		*last = sqlite3_column_int64(stmt, 2);
		/* The last chunk that begins before the sender: it may begin in its middle. */
		while (chunk + 1 < n && segment_load_key(fences + (chunk + 1) * SEGMENT_FENCE) < w->key)
			chunk++;
		for (; chunk < n && more; chunk++)
			if ((rc = story_chunk(r, st, w, chunk, &more)) != SQLITE_DONE)
				goto out;
	}
out:
	sqlite3_reset(stmt);
	return rc;
}

/* A sender's rows of one table; the caller tells and frees them. */
static enum report_result
story_of(struct report *r, struct story *st, enum read_statement one, enum read_statement tail, sender_key key)
{
	struct stretch w = { .key = sort_key(key), .sender = key, .one = one };
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	int64_t last = 0;
	int rc;

	if (result != REPORT_OK)
		return result;
	if ((rc = story_segments(r, st, &w, &last)) == SQLITE_DONE && tail != READ_N) {
		stmt = report_ask(r, tail);
		sqlite3_bind_int64(stmt, 1, (sqlite3_int64)key);
		sqlite3_bind_int64(stmt, 2, last);
		rc = story_gather(r, st, stmt);
	}
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}

enum report_result
report_closed(struct report *r, sender_key key, size_t limit, bool (*visit)(void *, const struct visit_row *),
    bool (*attempt)(void *, const struct report_attempt *), void *ctx)
{
	struct story st = { .of = SEGMENT_VISIT, .limit = limit }, st2 = { .of = SEGMENT_ATTEMPT, .limit = limit };
	enum report_result result = story_of(r, &st, READ_VISIT, READ_N, key);

	if (result == REPORT_OK)
		result = story_of(r, &st2, READ_ATTEMPT, READ_N, key);
	for (size_t i = 0; i < st.n && visit(ctx, &st.rows[i].visit); i++)
		;
	for (size_t i = 0; i < st2.n && attempt(ctx, &st2.rows[i].attempt); i++)
		;
	free(st.rows);
	free(st2.rows);
	return result;
}

enum report_result
report_open_end(struct report *r, bool (*visit)(void *, const struct visit_row *),
    bool (*attempt)(void *, sender_key, const struct report_attempt *), void *ctx)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	union record row;
	bool go = true;
	int rc = SQLITE_DONE;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_VISITS_OPEN);
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (read_visit(stmt, &row.visit) || report_bad_row(r, "visit"))
			go = visit(ctx, &row.visit);
	}
	sqlite3_reset(stmt);
	stmt = report_ask(r, READ_ATTEMPTS_OPEN);
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (read_attempt(stmt, &row.attempt) || report_bad_row(r, "attempt"))
			go = attempt(ctx, (sender_key)sqlite3_column_int64(stmt, 2), &row.attempt);
	}
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}

enum report_result
report_attempts(struct report *r, sender_key key, size_t limit, bool (*each)(void *, const struct report_attempt *),
    void *ctx)
{
	struct story st = { .of = SEGMENT_ATTEMPT, .limit = limit };
	enum report_result result = story_of(r, &st, READ_ATTEMPT, READ_ATTEMPTS_TAIL, key);

	for (size_t i = 0; i < st.n && each(ctx, &st.rows[i].attempt); i++)
		;
	free(st.rows);
	return result;
}

enum report_result
report_visits(struct report *r, sender_key key, size_t limit, bool (*each)(void *, const struct visit_row *), void *ctx)
{
	struct story st = { .of = SEGMENT_VISIT, .limit = limit };
	enum report_result result = story_of(r, &st, READ_VISIT, READ_VISITS_TAIL, key);

	for (size_t i = 0; i < st.n && each(ctx, &st.rows[i].visit); i++)
		;
	free(st.rows);
	return result;
}

/*
 * What is excused stays open, so a dialogue that goes on has it judged again: the same kind, of the same visit, for
 * the same reason.  It weighs nothing, and is one piece.
 */
static bool
again(const struct evidence_row *last[static EVIDENCE_N_KINDS], const struct evidence_row *e)
{
	const struct evidence_row *was;

	if (e->kind >= EVIDENCE_N_KINDS)
		return false;
	was = last[e->kind];
	last[e->kind] = e;
	return was != NULL && e->excused != 0 && !e->revision && e->visit_us != 0 && was->visit_us == e->visit_us &&
	    was->excused == e->excused && !was->revision && was->set == e->set && addr_equal(&was->host, &e->host);
}

enum report_result
report_evidence(struct report *r, sender_key key, size_t limit, bool (*each)(void *, const struct evidence_row *),
    void *ctx)
{
	struct story st = { .of = SEGMENT_EVIDENCE, .limit = limit };
	enum report_result result = story_of(r, &st, READ_EVIDENCE, READ_EVIDENCES_TAIL, key);
	const struct evidence_row *last[EVIDENCE_N_KINDS] = { NULL };

	for (size_t i = 0; i < st.n; i++) {
		const struct evidence_row *e = &st.rows[i].evidence;

		if (again(last, e))
			continue;
		if (!each(ctx, e))
			break;
	}
	free(st.rows);
	return result;
}

enum report_result
report_changes(struct report *r, sender_key key, size_t limit, bool (*each)(void *, const struct report_change *),
    void *ctx)
{
	struct story st = { .of = SEGMENT_CHANGE, .limit = limit };
	enum report_result result = story_of(r, &st, READ_CHANGE, READ_CHANGES_TAIL, key);

	for (size_t i = 0; i < st.n && each(ctx, &st.rows[i].change); i++)
		;
	free(st.rows);
	return result;
}

enum report_result
report_memories(struct report *r, sender_key key, bool (*each)(void *, const struct report_memory *), void *ctx)
{
	enum report_result result = report_enter(r);
	struct report_memory m;
	sqlite3_stmt *stmt;
	bool go = true;
	int rc = SQLITE_DONE;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_MEMORY);
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)key);
	while (go && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!row_within(stmt, 0, 0, UINT16_MAX) || !row_seconds(stmt, 1) ||
		    !row_within(stmt, 2, -ROW_TIME_MAX_S, ROW_TIME_MAX_S)) {
			(void)report_bad_row(r, "memory");
			continue;
		}
		m = (struct report_memory){ .set = (uint16_t)sqlite3_column_int(stmt, 0), .at_s = sqlite3_column_int64(stmt, 1) };
		m.lower_s = m.at_s - sqlite3_column_int64(stmt, 2);
		go = each(ctx, &m);
	}
	result = report_failed(r, rc);
	sqlite3_reset(stmt);
	report_leave(r);
	return result;
}

/* Is the log still whole from this serial on? */
static enum report_result
story_reaches(struct report *r, uint64_t serial)
{
	sqlite3_stmt *stmt = report_ask(r, READ_STATE);
	enum report_result result = REPORT_NONE;
	int rc = sqlite3_step(stmt);

	if (rc != SQLITE_ROW)
		result = report_failed(r, rc);
	else if (serial >= (uint64_t)sqlite3_column_int64(stmt, 7) && serial <= (uint64_t)sqlite3_column_int64(stmt, 1))
		result = REPORT_OK;
	sqlite3_reset(stmt);
	return result;
}

enum report_result
report_changes_since(struct report *r, uint64_t serial, size_t limit,
    bool (*each)(void *, const struct report_change *), void *ctx)
{
	struct story st = { .of = SEGMENT_CHANGE };
	enum report_result result = report_enter(r);
	uint64_t bad = r->faults.n;
	sqlite3_stmt *stmt;

	if (result != REPORT_OK)
		return result;
	result = story_reaches(r, serial);
	if (result == REPORT_OK) {
		stmt = report_ask(r, READ_CHANGES_SINCE);
		sqlite3_bind_int64(stmt, 1, (sqlite3_int64)serial);
		sqlite3_bind_int64(stmt, 2, limit == 0 ? -1 : (sqlite3_int64)limit);
		result = report_failed(r, story_gather(r, &st, stmt));
	}
	/* A change that cannot be told would leave the one who folds them with another list. */
	if (result == REPORT_OK && r->faults.n != bad) {
		st.n = 0;
		result = REPORT_NONE;
	}
	report_leave(r);
	for (size_t i = 0; i < st.n && each(ctx, &st.rows[i].change); i++)
		;
	free(st.rows);
	return result;
}

enum report_result
report_attempts_after(struct report *r, int64_t id, size_t limit, bool (*each)(void *, const struct report_attempt *),
    void *ctx)
{
	struct story st = { .of = SEGMENT_ATTEMPT };
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	int64_t newest = 0;

	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_ATTEMPT_NEWEST);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		newest = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	/* The newest ones: who asks from far back gets the end. */
	if (limit != 0 && (int64_t)limit < newest - id)
		id = newest - (int64_t)limit;
	stmt = report_ask(r, READ_ATTEMPTS_AFTER);
	sqlite3_bind_int64(stmt, 1, id);
	sqlite3_bind_int64(stmt, 2, limit == 0 ? -1 : (sqlite3_int64)limit);
	result = report_failed(r, story_gather(r, &st, stmt));
	report_leave(r);
	for (size_t i = 0; i < st.n && each(ctx, &st.rows[i].attempt); i++)
		;
	free(st.rows);
	return result;
}
