/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_ordered.c - the list by time: the newest first, or the next to end first.
 *
 * Two cursors, one over senders and one over single addresses, each in an index of that order; the
 * page goes on behind a value and an address, so that who comes meanwhile neither repeats nor hides
 * anybody.  One page is one short read transaction, and is bounded by what is looked at.
 */
#include <stdlib.h>

#include "report_int.h"

enum { SENDERS, HOSTS, CURSORS };

struct ordered {
	struct report *r;
	const struct report_filter *f;
	int64_t	 now_s, until_us;
	uint8_t	 state;
	sqlite3_stmt *stmts[CURSORS];
	bool	 open[CURSORS];
	uint32_t value;			/* of the row that was given last, what it is sorted by */
};

static uint32_t
value_at(const struct ordered *o, int i)
{
	uint64_t term = (uint64_t)sqlite3_column_int64(o->stmts[i], 0);

	return (uint32_t)(o->f->order == REPORT_BY_SINCE ? term >> 32 : term);
}

/* The only state of the filter; STATE_N: several. */
static uint8_t
state_of(uint32_t states)
{
	uint8_t state = 0;

	while (state < STATE_N && states != 1U << state)
		state++;
	return state;
}

static int
open_cursors(struct ordered *o)
{
	static const enum read_statement asks[][CURSORS] = {
		[REPORT_BY_SINCE] = { READ_LISTING_SINCE, READ_HOST_SINCE }, [REPORT_BY_ENDS] = { READ_LISTING_ENDS, READ_HOST_ENDS } };
	bool down = o->f->order == REPORT_BY_SINCE;
	const struct prefix *after = o->f->after;
	/* Behind everything that comes before the first. */
	int64_t value = after != NULL ? o->f->after_value : down ? UINT32_MAX : 0;
	int64_t key = down ? INT64_MAX : INT64_MIN, host = key;
	bool single = after != NULL && after->len == 128 && !addr_is_v4(&after->addr);
	int rc = SQLITE_DONE;

	if (after != NULL) {
		key = (int64_t)addr_sender(&after->addr);
		/* A sender comes before its single addresses, whichever way it goes. */
		host = single ? (int64_t)addr_host(&after->addr) : host;
	}
	for (int i = 0; i < CURSORS && (rc == SQLITE_ROW || rc == SQLITE_DONE); i++) {
		sqlite3_stmt *stmt = o->stmts[i] = report_ask(o->r, asks[o->f->order][i]);

		if (down)
			sqlite3_bind_int(stmt, 1, o->state);
		sqlite3_bind_int64(stmt, 2, value);
		/* No sender has the greatest or the least key, but its own addresses come behind it. */
		sqlite3_bind_int64(stmt, 3, key);
		if (i == HOSTS)
			sqlite3_bind_int64(stmt, 4, after != NULL && !single ? (down ? INT64_MAX : INT64_MIN) : host);
		rc = sqlite3_step(stmt);
		o->open[i] = rc == SQLITE_ROW;
	}
	return rc;
}

static void
close_cursors(struct ordered *o)
{
	for (int i = 0; i < CURSORS; i++)
		if (o->stmts[i] != NULL)
			sqlite3_reset(o->stmts[i]);
}

/* By value, then sender; at the same of both, the sender before its addresses.  CURSORS: the end. */
static int
next_cursor(const struct ordered *o)
{
	bool down = o->f->order == REPORT_BY_SINCE;
	uint32_t a, b;
	int64_t ka, kb;

	if (!o->open[SENDERS] || !o->open[HOSTS])
		return o->open[SENDERS] ? SENDERS : o->open[HOSTS] ? HOSTS : CURSORS;
	a = value_at(o, SENDERS);
	b = value_at(o, HOSTS);
	ka = sqlite3_column_int64(o->stmts[SENDERS], 5);
	kb = sqlite3_column_int64(o->stmts[HOSTS], 5);
	if (a != b)
		return (a > b) == down ? SENDERS : HOSTS;
	return ka == kb || (ka > kb) == down ? SENDERS : HOSTS;
}

/* The row that comes next, and on.  False: the end, or *rc is an error. */
static bool
next_entry(struct ordered *o, struct report_entry *e, int *rc)
{
	int i = next_cursor(o);
	sender_key key;
	bool good;

	*rc = SQLITE_DONE;
	if (i == CURSORS)
		return false;
	key = (sender_key)sqlite3_column_int64(o->stmts[i], 5);
	o->value = value_at(o, i);
	good = report_listing_entry(o->r, o->stmts[i], key, o->now_s, e);
	if (i == HOSTS && sender_is_v4(key))
		good = report_bad_row(o->r, "listing_host");
	if (!good)
		*e = (struct report_entry){ .key = key, .state = STATE_N };
	e->what = i == HOSTS ? report_what(key, (uint64_t)sqlite3_column_int64(o->stmts[i], 6), 128) : sender_prefix(key);
	*rc = sqlite3_step(o->stmts[i]);
	o->open[i] = *rc == SQLITE_ROW;
	return *rc == SQLITE_ROW || *rc == SQLITE_DONE;
}

static bool
looked_enough(const struct ordered *o, size_t looked)
{
	return o->f->look != 0 && (looked >= o->f->look || ((looked & 255) == 0 && report_mono_us() > o->until_us));
}

/* Fills page with at most `most`; *n of them.  *cut: there may be more. */
static int
gather(struct ordered *o, struct report_entry *page, size_t most, size_t *n, bool *cut)
{
	size_t looked = 0;
	int rc = open_cursors(o);

	*n = 0;
	while ((rc == SQLITE_ROW || rc == SQLITE_DONE) && *n < most) {
		struct report_entry *e = &page[*n];

		if (!next_entry(o, e, &rc))
			break;
		/* Behind it are older ones only. */
		if (o->f->order == REPORT_BY_SINCE && o->value <= o->f->since_after_s)
			break;
		if (o->f->reach != NULL) {
			o->f->reach->last = e->what;
			o->f->reach->value = o->value;
		}
		if (e->state < STATE_N && report_open_at(e, o->now_s) && report_matches(o->f, 1U << o->state, e) &&
		    report_record_matches(o->r, o->f, e, &rc))
			(*n)++;
		*cut = looked_enough(o, ++looked);
		if (*cut)
			break;
	}
	close_cursors(o);
	return rc;
}

enum report_result
report_ordered(struct report *r, const struct report_filter *filter, int64_t now_s, report_each_entry *each, void *ctx)
{
	struct ordered o = { .r = r, .f = filter, .now_s = now_s, .state = state_of(filter->states) };
	size_t most = filter->limit != 0 && filter->limit < REPORT_PAGE ? filter->limit : REPORT_PAGE, n;
	struct report_entry *page;
	enum report_result result;
	bool cut = false;

	if (o.state == STATE_N || (filter->order == REPORT_BY_ENDS && o.state != STATE_LISTED))
		return REPORT_NONE;
	if ((page = malloc(most * sizeof(*page))) == NULL)
		return REPORT_ERROR;
	o.until_us = report_mono_us() + REPORT_WALK_US;
	result = report_enter(r);
	if (result == REPORT_OK) {
		result = report_failed(r, gather(&o, page, most, &n, &cut));
		report_leave(r);
		for (size_t i = 0; i < n && result == REPORT_OK && each(ctx, &page[i]); i++)
			;
		if (filter->reach != NULL)
			filter->reach->cut = cut && result == REPORT_OK;
	}
	free(page);
	return result;
}
