/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_list.c - entries: the list itself, and the senders that are not on it.
 *
 * Both tables are walked by key, side by side; what the list says of a sender wins.
 * A sender's own state is computed anew from its sums, decayed to now: a snapshot
 * does not grow old by itself.
 */
#include <stdlib.h>
#include <string.h>

#include "report_int.h"
#include "restore.h"

#define LIST_STATES (1U << STATE_LISTED | 1U << STATE_SUSPECT | 1U << STATE_ALLOWED)

struct place {				/* keyset position: the last `what` told */
	int64_t key, host;
	int	len;
};

struct walk {
	struct report *r;
	const struct report_filter *f;
	uint32_t states;
	int64_t	 now_s, first, last;	/* senders in (first, last], signed as SQLite sorts */
	struct place at;
	int64_t	 sender_at;		/* senders up to this key are told */
	bool	 listing_open, sender_open;	/* the cursor stands on a row */
	sqlite3_stmt *listing, *sender;
	uint64_t told;
};

struct addr
report_addr(sender_key key, uint64_t host)
{
	uint8_t b[16];

	if (sender_is_v4(key)) {
		for (int i = 0; i < 4; i++)
			b[i] = (uint8_t)(key >> (24 - 8 * i));
		return addr_from_v4(b);
	}
	for (int i = 0; i < 8; i++) {
		b[i] = (uint8_t)(key >> (56 - 8 * i));
		b[8 + i] = (uint8_t)(host >> (56 - 8 * i));
	}
	return addr_from_v6(b);
}

struct prefix
report_what(sender_key key, uint64_t host, int len)
{
	return (struct prefix){ .addr = report_addr(key, host), .len = (uint8_t)len };
}

bool
report_prefix(sqlite3_stmt *stmt, int blob, int len, struct prefix *out)
{
	const void *bytes = sqlite3_column_blob(stmt, blob);

	if (bytes == NULL || sqlite3_column_bytes(stmt, blob) != 16)
		return false;
	memcpy(out->addr.b, bytes, 16);
	out->len = (uint8_t)sqlite3_column_int(stmt, len);
	return true;
}

void
report_listing_entry(const struct report *r, sqlite3_stmt *stmt, sender_key key, int64_t now_s, struct report_entry *e)
{
	int64_t age = now_s - sqlite3_column_int64(stmt, 13);
	int term = sqlite3_column_int(stmt, 10);

	e->key = key;
	e->what = report_what(key, (uint64_t)sqlite3_column_int64(stmt, 0), sqlite3_column_int(stmt, 1));
	e->state = (uint8_t)sqlite3_column_int(stmt, 2);
	e->since_s = sqlite3_column_int64(stmt, 3);
	e->expires_s = sqlite3_column_int64(stmt, 4);
	e->score = judge_decay(&r->params, (float)sqlite3_column_double(stmt, 5), age);
	e->hint = judge_decay(&r->params, (float)sqlite3_column_double(stmt, 6), age);
	e->kinds = (uint16_t)sqlite3_column_int(stmt, 7);
	e->grade = (uint8_t)sqlite3_column_int(stmt, 8);
	e->klass = (uint8_t)sqlite3_column_int(stmt, 9);
	e->first_seen_s = sqlite3_column_int64(stmt, 11);
	e->last_seen_s = sqlite3_column_int64(stmt, 12);
	e->relapses = 0;
	/* Each relapse doubles the term. */
	for (; term > 1; term /= 2)
		e->relapses++;
}

/* A sender's own record, sums and state as of now. */
static void
report_sender_entry(const struct report *r, sqlite3_stmt *stmt, int64_t now_s, struct report_entry *e)
{
	struct sender_row row;
	int64_t age;

	restore_sender_row(stmt, &row);
	age = row.sums_at_s != 0 ? now_s - row.sums_at_s : 0;
	*e = (struct report_entry){
		.what = sender_prefix(row.key), .key = row.key,
		.score = judge_decay(&r->params, row.score, age), .hint = judge_decay(&r->params, row.hint, age),
		.first_seen_s = row.first_seen_s, .last_seen_s = row.last_seen_s,
		.kinds = row.kinds, .klass = row.klass, .grade = row.grade, .relapses = row.relapses,
	};
	e->state = (uint8_t)judge_state(&r->params, e->score, e->hint);
	/* Listed is what the list says, not what the sums say. */
	if (e->state > STATE_SUSPECT)
		e->state = STATE_SUSPECT;
}

static bool
walk_matches(const struct walk *w, const struct report_entry *e)
{
	const struct report_filter *f = w->f;

	if (f->with_kinds_only && e->kinds == 0)
		return false;
	if (f->klass != 0xff && e->klass != f->klass)
		return false;
	if (f->within != NULL && !prefix_overlaps(f->within, &e->what))
		return false;
	return (w->states & 1U << e->state) != 0;
}

/* Keys that a prefix covers: all of them, or a stretch. */
static void
walk_bounds(struct walk *w)
{
	const struct prefix *p = w->f->within;
	sender_key low, high;

	w->first = INT64_MIN;
	w->last = INT64_MAX;
	if (p == NULL || p->len == 0)
		return;
	low = addr_sender(&p->addr);
	if (addr_is_v4(&p->addr) && p->len >= 96)
		high = p->len >= 128 ? low : low | ((1ULL << (128 - p->len)) - 1);
	else
		high = p->len >= 64 ? low : low | (UINT64_MAX >> p->len);
	if ((int64_t)low > (int64_t)high)
		return;			/* across the sign: walk everything, the filter sorts it out */
	w->first = (int64_t)low;
	w->last = (int64_t)high;
}

static int
walk_step(sqlite3_stmt *stmt, bool *open)
{
	int rc = sqlite3_step(stmt);

	*open = rc == SQLITE_ROW;
	return rc;
}

/* Put both cursors behind w->at. */
static int
walk_open(struct walk *w)
{
	bool only_cleared = (w->states & ~LIST_STATES) == 1U << STATE_CLEARED;
	int rc;

	w->listing = report_ask(w->r, READ_LISTING_PAGE);
	sqlite3_bind_int64(w->listing, 1, w->at.key);
	sqlite3_bind_int64(w->listing, 2, w->at.host);
	sqlite3_bind_int(w->listing, 3, w->at.len);
	sqlite3_bind_int64(w->listing, 4, w->last);
	rc = walk_step(w->listing, &w->listing_open);
	w->sender = NULL;
	w->sender_open = false;
	if ((w->states & ~LIST_STATES) == 0 || (rc != SQLITE_ROW && rc != SQLITE_DONE))
		return rc;
	w->sender = report_ask(w->r, only_cleared ? READ_SENDER_CLEARED : READ_SENDER_PAGE);
	sqlite3_bind_int64(w->sender, 1, w->sender_at);
	sqlite3_bind_int64(w->sender, 2, w->last);
	return walk_step(w->sender, &w->sender_open);
}

static void
walk_close(struct walk *w)
{
	sqlite3_reset(w->listing);
	if (w->sender != NULL)
		sqlite3_reset(w->sender);
}

/* The next row of either table, whether it matches or not.  False: the end, or *rc is an error. */
static bool
walk_next(struct walk *w, struct report_entry *e, int *rc)
{
	int64_t listed = w->listing_open ? sqlite3_column_int64(w->listing, 14) : INT64_MAX;
	int64_t known = w->sender_open ? sqlite3_column_int64(w->sender, 0) : INT64_MAX;

	*rc = SQLITE_DONE;
	if (!w->listing_open && !w->sender_open)
		return false;
	if (w->listing_open && (!w->sender_open || listed <= known)) {
		report_listing_entry(w->r, w->listing, (sender_key)listed, w->now_s, e);
		w->at = (struct place){ listed, sqlite3_column_int64(w->listing, 0), e->what.len };
		*rc = walk_step(w->listing, &w->listing_open);
		if (report_open_at(e, w->now_s)) {
			/* The list has spoken: its record would only say the same again. */
			w->sender_at = listed;
			if (w->sender_open && known == listed && (*rc == SQLITE_ROW || *rc == SQLITE_DONE))
				*rc = walk_step(w->sender, &w->sender_open);
		} else {
			e->state = STATE_N;	/* over; its record tells what it is now */
		}
	} else {
		report_sender_entry(w->r, w->sender, w->now_s, e);
		/* Behind this sender's listings too. */
		w->at = (struct place){ known, INT64_MAX, 255 };
		w->sender_at = known;
		*rc = walk_step(w->sender, &w->sender_open);
	}
	return *rc == SQLITE_ROW || *rc == SQLITE_DONE;
}

static bool
walk_tell(struct walk *w, const struct report_entry *e, report_each_entry *each, void *ctx)
{
	w->told++;
	return each(ctx, e) && (w->f->limit == 0 || w->told < w->f->limit);
}

/* All of it from one state: told as it is read.  The serial is looked at again where the walk takes long. */
static enum report_result
walk_snapshot(struct walk *w, uint64_t serial, report_each_entry *each, void *ctx)
{
	enum report_result result = REPORT_OK;
	struct report_entry e;
	bool go = true;
	int rc = walk_open(w);
	unsigned n = 0;

	while (go && walk_next(w, &e, &rc)) {
		if (e.state < STATE_N && walk_matches(w, &e))
			go = walk_tell(w, &e, each, ctx);
		if ((++n & 1023) != 0 || report_mono_us() - w->r->begun_us < REPORT_SNAPSHOT_US)
			continue;
		/* Nobody may keep the writer's log from beginning anew for long. */
		struct report_state state;

		walk_close(w);
		result = report_again(w->r);
		if (result == REPORT_OK)
			result = report_state(w->r, &state);
		if (result == REPORT_OK && state.serial != serial)
			result = REPORT_BUSY;	/* the list moved: what was told is no state of it */
		if (result != REPORT_OK)
			return result;
		rc = walk_open(w);
	}
	walk_close(w);
	return go && result == REPORT_OK ? report_failed(w->r, rc) : result;
}

/* Page by page, told between transactions. */
static enum report_result
walk_pages(struct walk *w, report_each_entry *each, void *ctx)
{
	struct report_entry *page = malloc(REPORT_PAGE * sizeof *page);
	enum report_result result = REPORT_OK;
	bool go = true, more = true;

	if (page == NULL)
		return REPORT_ERROR;
	while (go && more && result == REPORT_OK) {
		size_t most = REPORT_PAGE, n = 0;
		unsigned read = 0;
		int rc;

		if (w->f->limit != 0 && w->f->limit - w->told < most)
			most = (size_t)(w->f->limit - w->told);
		if ((result = report_enter(w->r)) != REPORT_OK)
			break;
		rc = walk_open(w);
		more = rc == SQLITE_ROW || rc == SQLITE_DONE;
		/* A page ends at its rows' number, or where few of very many rows match. */
		while (more && n < most && read++ < 65536) {
			if (!(more = walk_next(w, &page[n], &rc)))
				break;
			if (page[n].state < STATE_N && walk_matches(w, &page[n]))
				n++;
		}
		walk_close(w);
		result = report_failed(w->r, rc);
		report_leave(w->r);
		for (size_t i = 0; go && i < n; i++)
			go = walk_tell(w, &page[i], each, ctx);
	}
	free(page);
	return result;
}

static void
walk_start(struct walk *w)
{
	const struct prefix *after = w->f->after;

	walk_bounds(w);
	/* Cursors begin behind a place: the one before the first key. */
	if (w->first == INT64_MIN)
		w->at = (struct place){ INT64_MIN, INT64_MIN, -1 };
	else
		w->at = (struct place){ w->first - 1, INT64_MAX, 255 };
	if (after != NULL && (int64_t)addr_sender(&after->addr) >= w->at.key)
		w->at = (struct place){ (int64_t)addr_sender(&after->addr),
			after->len > 64 ? (int64_t)addr_host(&after->addr) : 0, after->len };
	w->sender_at = w->at.key;
}

enum report_result
report_entries(struct report *r, const struct report_filter *filter, int64_t now_s, struct report_state *state,
    report_each_entry *each, void *ctx)
{
	struct walk w = { .r = r, .f = filter };
	struct report_state here;
	enum report_result result;

	if ((result = report_enter(r)) != REPORT_OK)
		return result;
	result = report_state(r, &here);
	if (result != REPORT_OK) {
		report_leave(r);
		return result;
	}
	if (state != NULL)
		*state = here;
	w.now_s = here.clock_s != 0 ? here.clock_s : now_s;
	w.states = filter->states != 0 ? filter->states : UINT32_MAX;
	if (filter->one_snapshot)
		w.states &= LIST_STATES;
	walk_start(&w);
	if (filter->one_snapshot) {
		result = walk_snapshot(&w, here.serial, each, ctx);
		report_leave(r);
		return result;
	}
	report_leave(r);
	return walk_pages(&w, each, ctx);
}

enum report_result
report_sender(struct report *r, const struct addr *addr, int64_t now_s, struct report_entry *out)
{
	sender_key key = addr_sender(addr);
	struct report_entry e, listed = { .state = STATE_UNKNOWN };
	bool known = false, any = false, covers = false;
	enum report_result result;
	sqlite3_stmt *stmt;
	int rc;

	if ((result = report_enter(r)) != REPORT_OK)
		return result;
	now_s = report_now(r, now_s);
	stmt = report_ask(r, READ_SENDER);
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)key);
	if ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		report_sender_entry(r, stmt, now_s, out);
		known = true;
	}
	sqlite3_reset(stmt);
	stmt = report_ask(r, READ_LISTING_OF);
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)key);
	while ((rc == SQLITE_ROW || rc == SQLITE_DONE) && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		report_listing_entry(r, stmt, key, now_s, &e);
		if (!report_open_at(&e, now_s))
			continue;
		/* The row about this very address before one about another of its /64. */
		if (!any || (!covers && prefix_contains(&e.what, addr)) || (!covers && e.state > listed.state))
			listed = e;
		covers |= prefix_contains(&listed.what, addr);
		any = true;
	}
	sqlite3_reset(stmt);
	report_leave(r);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return report_failed(r, rc);
	if (any && !known) {
		*out = listed;
	} else if (any) {
		out->what = listed.what;
		out->state = listed.state;
		out->since_s = listed.since_s;
		out->expires_s = listed.expires_s;
		out->kinds |= listed.kinds;
	}
	return any || known ? REPORT_OK : REPORT_NONE;
}
