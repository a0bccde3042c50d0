/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top.c - GET /api/v1/list?order=score: those of a state that have the highest score.
 *
 * A score decays, so that no index can hold its order; but all decay alike, so that the order of a moment ago is
 * that of now.  It is made aside (aside.h), the highest thousand of each state; an entry itself is read when it is
 * shown, and left out where it is not what it was.
 */
#include <stdlib.h>
#include <string.h>

#include "aside.h"
#include "web_int.h"

static const enum sender_state states[ASIDE_STATES] = { [ASIDE_LISTED] = STATE_LISTED, [ASIDE_SUSPECT] = STATE_SUSPECT };

/* -- in the thread -- */

struct gathering {
	struct top_row *rows;		/* 2 * TOP_ROWS */
	size_t	 n;
	float	 least;			/* what the thousandth has; lower ones need not be kept */
};

static int
higher_first(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return memcmp(x->what.addr.b, y->what.addr.b, sizeof(x->what.addr.b));
}

static void
cut(struct gathering *g)
{
	qsort(g->rows, g->n, sizeof(*g->rows), higher_first);
	if (g->n < TOP_ROWS)
		return;
	g->n = TOP_ROWS;
	g->least = g->rows[TOP_ROWS - 1].score;
}

static bool
gather(void *ctx, const struct report_entry *e)
{
	struct gathering *g = ctx;

	if (g->n >= TOP_ROWS && e->score <= g->least)
		return true;
	g->rows[g->n++] = (struct top_row){ .what = e->what, .score = e->score };
	if (g->n == (size_t)2 * TOP_ROWS)
		cut(g);
	return true;
}

bool
top_make(struct report *report, int64_t now_s, struct aside_top out[static ASIDE_STATES])
{
	for (int i = 0; i < ASIDE_STATES; i++) {
		struct report_filter filter = { .klass = 0xff, .states = 1U << states[i] };
		struct gathering g = { .rows = malloc(2 * TOP_ROWS * sizeof(*g.rows)) };

		out[i] = (struct aside_top){ g.rows, 0 };
		if (g.rows == NULL || report_entries(report, &filter, now_s, NULL, gather, &g) > REPORT_NONE)
			return false;
		cut(&g);
		out[i].n = g.n;
	}
	return true;
}

/* -- who asks -- */

/* "5.1234,192.0.2.1/32": the first row behind it.  False: it is no such text. */
static bool
top_behind(const struct aside_top *top, const char *after, size_t *at)
{
	struct top_row last;
	char *end;

	*at = 0;
	if (after == NULL)
		return true;
	last.score = strtof(after, &end);
	if (end == after || *end != ',' || !prefix_parse(&last.what, end + 1))
		return false;
	for (size_t i = 0; i < top->n; i++)
		if (prefix_equal(&top->rows[i].what, &last.what)) {
			*at = i + 1;
			return true;
		}
	while (*at < top->n && higher_first(&top->rows[*at], &last) < 0)
		(*at)++;
	return true;
}

size_t
top_rows(struct web *web, enum sender_state state, const char *after, size_t most, struct top_row *rows, struct reply *reply)
{
	const struct aside_top *top = &web->aside.top[state == STATE_SUSPECT ? ASIDE_SUSPECT : ASIDE_LISTED];
	size_t at, n = 0;

	if (!aside_enter(&web->aside, ASIDE_TOP, ASIDE_WAIT_MS)) {
		reply_problem(reply, 503, "the list is being sorted: ask again");
		reply->retry_after_s = 1;
		return TOP_NONE;
	}
	if (!top_behind(top, after, &at)) {
		reply_problem(reply, 400, "after: found \"%.80s\", expected the \"next\" of the page before, in the same order", after);
		n = TOP_NONE;
	} else {
		n = top->n - at < most ? top->n - at : most;
		memcpy(rows, top->rows + at, n * sizeof(*rows));
	}
	aside_leave(&web->aside);
	return n;
}
