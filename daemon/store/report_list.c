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

#define LIST_STATES (1U << STATE_LISTED | 1U << STATE_SUSPECT | 1U << STATE_ALLOWED)

/*
 * Three cursors, each behind the last row that it gave: the list's senders, the list's single
 * addresses, the senders' own records.
 */
enum source { SOURCE_LISTING, SOURCE_HOST, SOURCE_SENDER, SOURCE_N };

struct cursor {
	sqlite3_stmt *stmt;		/* NULL: not asked */
	int	 at;			/* of its columns the key */
	bool	 open;			/* stands on a row */
	int64_t	 key, host;		/* of that row */
	int64_t	 after_key, after_host;	/* where it begins when it is opened again */
};

/* What only a sender's own record says. */
struct marks {
	bool	 known;
	uint64_t fingerprint, sets;
};

struct walk {
	struct report *r;
	const struct report_filter *f;
	uint32_t states;
	int64_t	 now_s, last;		/* senders up to last, signed as SQLite sorts */
	struct cursor cursors[SOURCE_N];
	bool	 bare;
	uint64_t told, looked;
	int64_t	 until_us;		/* no more rows are looked at behind it; 0: no matter */
	struct marks marks;		/* of the row that was given last */
};

bool
report_matches(const struct report_filter *f, uint32_t states, const struct report_entry *e)
{
	if (f->with_kinds_only && e->kinds == 0)
		return false;
	if (f->klass != 0xff && e->klass != f->klass)
		return false;
	if (f->within != NULL && !prefix_overlaps(f->within, &e->what))
		return false;
	if ((e->kinds & f->kinds) != f->kinds)
		return false;
	if (f->since_after_s != 0 && e->since_s <= f->since_after_s)
		return false;
	return (states & 1U << e->state) != 0;
}

static bool
walk_matches(const struct walk *w, const struct report_entry *e)
{
	return report_matches(w->f, w->states, e);
}

/* The record of a listing, where none has been read on the way. */
static struct marks
marks_ask(struct report *r, sender_key key, int *rc)
{
	sqlite3_stmt *stmt = report_ask(r, READ_SENDER_MARKS);
	struct marks marks = { .known = false };

	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)key);
	if ((*rc = sqlite3_step(stmt)) == SQLITE_ROW)
		marks = (struct marks){ true, (uint64_t)sqlite3_column_int64(stmt, 0), (uint64_t)sqlite3_column_int64(stmt, 1) };
	sqlite3_reset(stmt);
	return marks;
}

static bool
marks_match(struct marks m, const struct report_filter *f)
{
	return m.known && (f->sets == 0 || (m.sets & f->sets) != 0) && (f->fingerprints == NULL ||
	    (m.fingerprint < REPORT_FINGERPRINTS && (f->fingerprints[m.fingerprint / 8] >> m.fingerprint % 8 & 1) != 0));
}

bool
report_record_matches(struct report *r, const struct report_filter *f, const struct report_entry *e, int *rc)
{
	return (f->sets == 0 && f->fingerprints == NULL) || marks_match(marks_ask(r, e->key, rc), f);
}

static bool
walk_marks_match(struct walk *w, const struct report_entry *e, int *rc)
{
	return w->marks.known && (w->f->sets != 0 || w->f->fingerprints != NULL) ? marks_match(w->marks, w->f) :
	    report_record_matches(w->r, w->f, e, rc);
}

/* Enough rows for one answer, or long enough. */
static bool
walk_looked_enough(const struct walk *w)
{
	return w->f->look != 0 && (w->looked >= w->f->look || ((w->looked & 255) == 0 && report_mono_us() > w->until_us));
}

/* Keys that a prefix covers, (*first, w->last]: all of them, or a stretch. */
static void
walk_bounds(struct walk *w, int64_t *first)
{
	const struct prefix *p = w->f->within;
	sender_key low, high;

	*first = INT64_MIN;
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
	*first = (int64_t)low;
	w->last = (int64_t)high;
}

static bool
walk_fine(int rc)
{
	return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

static int
cursor_step(struct cursor *c, enum source source)
{
	int rc = sqlite3_step(c->stmt);

	c->open = rc == SQLITE_ROW;
	if (c->open) {
		c->key = sqlite3_column_int64(c->stmt, c->at);
		c->host = source == SOURCE_HOST ? sqlite3_column_int64(c->stmt, 6) : 0;
	}
	return rc;
}

/* Put the cursors behind what they gave. */
static int
walk_open(struct walk *w)
{
	bool only_cleared = (w->states & ~LIST_STATES) == 1U << STATE_CLEARED;
	/* Only where no record is looked at: a listing must outdo its sender's. */
	bool others = (w->states & (1U << STATE_LISTED | ~LIST_STATES)) == 0;
	const enum read_statement asks[SOURCE_N] = {
		w->bare ? READ_LISTING_BARE : others ? READ_LISTING_OTHERS : READ_LISTING_PAGE, READ_HOST_PAGE,
		only_cleared ? READ_SENDER_CLEARED : READ_SENDER_PAGE };
	const int keys[SOURCE_N] = { w->bare ? 2 : 5, 5, 0 };
	int rc = SQLITE_DONE;

	for (enum source i = 0; i < SOURCE_N && walk_fine(rc); i++) {
		struct cursor *c = &w->cursors[i];

		c->open = false;
		if (i == SOURCE_SENDER && (w->states & ~LIST_STATES) == 0)
			break;
		c->stmt = report_ask(w->r, asks[i]);
		c->at = keys[i];
		sqlite3_bind_int64(c->stmt, 1, c->after_key);
		if (i != SOURCE_LISTING || !w->bare)
			sqlite3_bind_int64(c->stmt, 2, w->last);
		if (i == SOURCE_HOST)
			sqlite3_bind_int64(c->stmt, 3, c->after_host);
		rc = cursor_step(c, i);
	}
	return rc;
}

static void
walk_close(struct walk *w)
{
	for (enum source i = 0; i < SOURCE_N; i++)
		if (w->cursors[i].stmt != NULL)
			sqlite3_reset(w->cursors[i].stmt);
}

/* The cursor whose row comes next; NULL: the end. */
static struct cursor *
walk_least(struct walk *w)
{
	struct cursor *least = NULL;

	for (enum source i = 0; i < SOURCE_N; i++) {
		struct cursor *c = &w->cursors[i];

		if (c->open && (least == NULL || c->key < least->key))
			least = c;
	}
	return least;
}

/* The next row of any table, whether it matches or not.  False: the end, or *rc is an error. */
static bool
walk_next(struct walk *w, struct report_entry *e, int *rc)
{
	struct cursor *c = walk_least(w), *sender = &w->cursors[SOURCE_SENDER];
	enum source source;
	bool good;

	*rc = SQLITE_DONE;
	w->marks.known = false;
	if (c == NULL)
		return false;
	if (sender->open && sender->key == c->key)
		w->marks = (struct marks){ true, (uint64_t)sqlite3_column_int64(sender->stmt, 11),
			(uint64_t)sqlite3_column_int64(sender->stmt, 18) };
	source = (enum source)(c - w->cursors);
	c->after_key = c->key;
	c->after_host = c->host;
	if (source == SOURCE_SENDER) {
		if (!report_sender_entry(w->r, c->stmt, w->now_s, e))
			*e = (struct report_entry){ .what = sender_prefix((sender_key)c->key), .state = STATE_N };
		*rc = cursor_step(c, source);
		return walk_fine(*rc);
	}
	good = w->bare && source == SOURCE_LISTING ? report_bare_entry(w->r, c->stmt, (sender_key)c->key, e) :
	    report_listing_entry(w->r, c->stmt, (sender_key)c->key, w->now_s, e);
	if (source == SOURCE_HOST && sender_is_v4((sender_key)c->key))
		good = report_bad_row(w->r, "listing_host");
	if (!good)
		*e = (struct report_entry){ .key = (sender_key)c->key, .expires_s = 1 };
	e->what = source == SOURCE_HOST ? report_what((sender_key)c->key, (uint64_t)c->host, 128) :
	    sender_prefix((sender_key)c->key);
	if (good && report_open_at(e, w->now_s)) {
		/* The list has spoken: its record would only say the same again. */
		sender->after_key = c->key;
		if (sender->open && sender->key == c->key)
			*rc = cursor_step(sender, SOURCE_SENDER);
	} else {
		e->state = STATE_N;	/* over; its record tells what it is now */
	}
	if (walk_fine(*rc))
		*rc = cursor_step(c, source);
	return walk_fine(*rc);
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
	bool go = true, more = true, enough = false;

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
			if (w->f->reach != NULL)
				w->f->reach->last = page[n].what;
			w->looked++;
			if (page[n].state < STATE_N && walk_matches(w, &page[n]) && walk_marks_match(w, &page[n], &rc))
				n++;
			if (!(more = walk_fine(rc)) || (enough = walk_looked_enough(w)))
				break;
		}
		walk_close(w);
		result = report_failed(w->r, rc);
		report_leave(w->r);
		for (size_t i = 0; go && i < n; i++)
			go = walk_tell(w, &page[i], each, ctx);
		if (go && more && enough) {
			if (w->f->reach != NULL)
				w->f->reach->cut = true;
			break;
		}
	}
	free(page);
	return result;
}

static void
walk_start(struct walk *w)
{
	const struct prefix *after = w->f->after;
	struct cursor *hosts = &w->cursors[SOURCE_HOST];
	int64_t first;

	walk_bounds(w, &first);
	/* Cursors begin behind a key; no sender has the least one. */
	for (enum source i = 0; i < SOURCE_N; i++) {
		w->cursors[i].after_key = first == INT64_MIN ? INT64_MIN : first - 1;
		w->cursors[i].after_host = INT64_MAX;
	}
	if (after == NULL || (int64_t)addr_sender(&after->addr) <= w->cursors[0].after_key)
		return;
	for (enum source i = 0; i < SOURCE_N; i++)
		w->cursors[i].after_key = (int64_t)addr_sender(&after->addr);
	/* Behind a /64 come its single addresses. */
	hosts->after_host = after->len == 128 && !addr_is_v4(&after->addr) ? (int64_t)addr_host(&after->addr) : INT64_MIN;
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
	w.now_s = here.clock_s != 0 ? here.clock_s : report_now(r, now_s);
	w.states = filter->states != 0 ? filter->states : UINT32_MAX;
	if (filter->one_snapshot)
		w.states &= LIST_STATES;
	w.bare = filter->one_snapshot && filter->bare && filter->within == NULL;
	w.until_us = report_mono_us() + REPORT_WALK_US;
	walk_start(&w);
	if (filter->one_snapshot) {
		result = walk_snapshot(&w, here.serial, each, ctx);
		report_leave(r);
		return result;
	}
	report_leave(r);
	return filter->order != REPORT_BY_ADDRESS ? report_ordered(r, filter, w.now_s, each, ctx) : walk_pages(&w, each, ctx);
}
