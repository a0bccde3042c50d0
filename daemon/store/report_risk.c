/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_risk.c - mail at risk: who was refused and never completed a session at the real MX.
 *
 * Two passes.  report_finals.c keeps the most promising few of all senders; here the visits
 * and attempts of these alone are read, best first, as long as the time for it lasts.
 */
#include <stdlib.h>
#include <string.h>

#include "mxtrap/mxset.h"
#include "mxtrap/risk.h"
#include "mxtrap/sender.h"
#include "report_finals.h"

#define RISK_AGE_US    30000000		/* the answer is good for so long */
#define STORY_MOST     512		/* visits and attempts read of one sender */
#define STORIES_US     800000		/* for all of them together */

/* -- the story of one -- */

struct story_facts {
	struct risk_facts f;
	int64_t	 last_end_us;
	uint32_t ports, first_port;
	bool	 real;			/* completed a session at a real exchanger, after all */
	uint8_t	 connected;		/* 1 << enum role */
	const uint8_t *roles;		/* by target */
	size_t	 n_roles;
	char	 fingerprint[FINGERPRINT_TEXT_SIZE];
};

static bool
add_visit(void *ctx, const struct visit_row *v)
{
	struct story_facts *s = ctx;
	int64_t gap_s = (v->start_us - s->last_end_us) / 1000000;

	s->real |= v->real_proven != 0;
	if (s->f.n_visits++ > 0) {
		s->f.n_queue_gaps += risk_queue_gap(gap_s);
		if (s->f.shortest_s == 0 || gap_s < s->f.shortest_s)
			s->f.shortest_s = gap_s;
		if (gap_s > s->f.longest_s)
			s->f.longest_s = gap_s;
	}
	for (uint8_t i = 0; i < v->n_route; i++)
		s->f.tried |= (uint8_t)(1U << v->route[i]);
	s->last_end_us = v->end_us;
	return true;
}

static bool
add_attempt(void *ctx, const struct report_attempt *a)
{
	struct story_facts *s = ctx;

	if (a->target < s->n_roles) {
		s->f.tried |= (uint8_t)(1U << s->roles[a->target]);
		if (a->outcome == OUTCOME_PROVEN) {
			s->connected |= (uint8_t)(1U << s->roles[a->target]);
			s->f.proven = true;
		}
	}
	if (a->n_syns > s->f.max_syns)
		s->f.max_syns = (uint8_t)(a->n_syns > 255 ? 255 : a->n_syns);
	if (s->f.n_attempts++ == 0)
		s->first_port = a->sport;
	s->ports += a->sport != s->first_port;
	if (a->fingerprint[0] != '\0')
		memcpy(s->fingerprint, a->fingerprint, sizeof(s->fingerprint));
	return true;
}

/* Of its /24 or /48, did another reach the real MX? */
static bool
neighbour_delivers(struct report *r, sender_key key)
{
	uint64_t around = sender_is_v4(key) ? 0xff : 0xffff;
	sqlite3_stmt *stmt = report_ask(r, READ_NEIGHBOUR);
	bool any;

	sqlite3_bind_int64(stmt, 1, (int64_t)(key & ~around));
	sqlite3_bind_int64(stmt, 2, (int64_t)(key | around));
	any = sqlite3_step(stmt) == SQLITE_ROW;
	sqlite3_reset(stmt);
	return any;
}

static enum report_result
read_roles(struct report *r, uint8_t **roles, size_t *n)
{
	enum report_result result = report_enter(r);
	sqlite3_stmt *stmt;
	size_t cap = 0;
	int rc;

	*roles = NULL;
	*n = 0;
	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_ROLES);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		size_t id = (size_t)sqlite3_column_int64(stmt, 0);

		if (id >= MXSET_MAX_TARGETS || !row_within(stmt, 1, 0, ROLE_CONTROL)) {
			(void)report_bad_row(r, "mx_target");
			continue;
		}
		if (id >= cap) {
			uint8_t *more = realloc(*roles, (id + 1) * 2);

			if (more == NULL) {
				rc = SQLITE_NOMEM;
				break;
			}
			memset(more + cap, ROLE_CONTROL, (id + 1) * 2 - cap);
			*roles = more;
			cap = (id + 1) * 2;
		}
		(*roles)[id] = (uint8_t)sqlite3_column_int(stmt, 1);
		*n = id + 1;
	}
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}

/* Into *out.  False: it reached the real MX after all, or nothing is stored of it. */
static bool
tell_one(struct report *r, const struct sender_row *row, struct story_facts *s, int64_t now_s, struct report_risk *out)
{
	const struct prefix what = sender_prefix(row->key);

	if (s->real || (s->connected & 1U << ROLE_REAL) != 0 || s->f.tried == 0)
		return false;
	/* A visit that is still open has no row yet. */
	if (s->f.n_visits == 0)
		s->f.n_visits = 1;
	*out = (struct report_risk){ .n_visits = s->f.n_visits, .n_attempts = s->f.n_attempts };
	if (report_sender(r, &what.addr, now_s, &out->entry) != REPORT_OK || out->entry.state == STATE_ALLOWED)
		return false;
	s->f.kinds = out->entry.kinds;
	s->f.klass = out->entry.klass;
	s->f.proven |= (row->flags & SENDER_PROVEN) != 0;
	s->f.failed = (uint8_t)(s->f.tried & ~s->connected & (1U << ROLE_NOLISTING | 1U << ROLE_REAL | 1U << ROLE_BOGUS));
	s->f.one_port = s->f.n_attempts >= 3 && s->ports == 0;
	s->f.stack_known = s->fingerprint[0] != '\0';
	s->f.stack_sane = risk_stack_sane(s->fingerprint);
	s->f.neighbour = neighbour_delivers(r, row->key);
	out->shortest_s = s->f.shortest_s;
	out->longest_s = s->f.longest_s;
	out->tried = s->f.tried;
	out->failed = s->f.failed;
	memcpy(out->fingerprint, s->fingerprint, sizeof(out->fingerprint));
	out->likeness = risk_likeness(&s->f, &out->why);
	return true;
}

/* Most like a mail server first; then who came last. */
static int
by_likeness(const void *a, const void *b)
{
	const struct report_risk *x = a, *y = b;

	if (x->likeness != y->likeness)
		return x->likeness > y->likeness ? -1 : 1;
	if (x->entry.last_seen_s != y->entry.last_seen_s)
		return x->entry.last_seen_s > y->entry.last_seen_s ? -1 : 1;
	return x->entry.key < y->entry.key ? -1 : x->entry.key > y->entry.key;
}

/* -- all of them -- */

struct stories {
	const struct finals *f;
	struct story_facts *facts;	/* owned; by finalist */
	uint32_t *by_key;		/* owned; finalists by key */
	size_t	 n;			/* whose story is read */
};

static int
by_promise(const void *a, const void *b)
{
	const struct finalist *x = a, *y = b;

	if (x->promise != y->promise)
		return x->promise > y->promise ? -1 : 1;
	return x->row.key < y->row.key ? -1 : x->row.key > y->row.key;
}

static int
by_key_of(const void *a, const void *b, void *ctx)
{
	const struct finals *f = ctx;
	sender_key x = f->at[*(const uint32_t *)a].row.key, y = f->at[*(const uint32_t *)b].row.key;

	return x < y ? -1 : x > y;
}

/* NULL: no finalist, or one for whom there was no time. */
static struct story_facts *
facts_of(struct stories *t, sender_key key)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (t->f->at[t->by_key[mid]].row.key < key)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == t->n || t->f->at[t->by_key[low]].row.key != key)
		return NULL;
	return &t->facts[t->by_key[low]];
}

static bool
late_visit(void *ctx, const struct visit_row *v)
{
	struct story_facts *s = facts_of(ctx, v->sender);

	return s == NULL || add_visit(s, v);
}

static bool
late_attempt(void *ctx, sender_key key, const struct report_attempt *a)
{
	struct story_facts *s = facts_of(ctx, key);

	return s == NULL || add_attempt(s, a);
}

/* What is indexed, one by one as long as there is time; then what is not, in one go. */
static enum report_result
read_stories(struct report *r, struct stories *t, const uint8_t *roles, size_t n_roles)
{
	enum report_result result = REPORT_OK;
	int64_t until_us = report_mono_us() + STORIES_US;

	for (t->n = 0; t->n < t->f->n && result == REPORT_OK && report_mono_us() < until_us; t->n++) {
		struct story_facts *s = &t->facts[t->n];

		s->roles = roles;
		s->n_roles = n_roles;
		result = report_closed(r, t->f->at[t->n].row.key, STORY_MOST, add_visit, add_attempt, s);
		t->by_key[t->n] = (uint32_t)t->n;
	}
	qsort_r(t->by_key, t->n, sizeof(t->by_key[0]), by_key_of, (void *)(uintptr_t)t->f);
	if (result == REPORT_OK)
		result = report_open_end(r, late_visit, late_attempt, t);
	return result;
}

static enum report_result
rank(struct report *r, struct stories *t, int64_t now_s, struct report_risk *rows, size_t *n)
{
	enum report_result result;

	*n = 0;
	for (size_t i = 0; i < t->n; i++) {
		/* One transaction a sender: none is held for long. */
		if ((result = report_enter(r)) != REPORT_OK)
			return result;
		*n += tell_one(r, &t->f->at[i].row, &t->facts[i], now_s, &rows[*n]);
		report_leave(r);
	}
	qsort(rows, *n, sizeof(*rows), by_likeness);
	return REPORT_OK;
}

static enum report_result
gather(struct report *r, int64_t now_s)
{
	struct finals f = { .at = malloc(RISK_FINALISTS * sizeof(*f.at)) };
	struct stories t = { .f = &f, .facts = calloc(RISK_FINALISTS, sizeof(*t.facts)),
		.by_key = calloc(RISK_FINALISTS, sizeof(*t.by_key)) };
	struct report_risk *rows = malloc(RISK_FINALISTS * sizeof(*rows));
	enum report_result result = REPORT_ERROR;
	uint8_t *roles = NULL;
	size_t n_roles = 0, n = 0;

	if (f.at != NULL && t.facts != NULL && t.by_key != NULL && rows != NULL)
		result = finals_choose(r, &f);
	if (result == REPORT_OK)
		result = read_roles(r, &roles, &n_roles);
	if (result == REPORT_OK) {
		qsort(f.at, f.n, sizeof(*f.at), by_promise);
		result = read_stories(r, &t, roles, n_roles);
	}
	if (result == REPORT_OK)
		result = rank(r, &t, now_s, rows, &n);
	if (result == REPORT_OK) {
		free(r->risks);
		r->risks = rows;
		r->n_risks = n;
		r->risk_summary = (struct report_risk_summary){ .considered = f.considered, .candidates = f.candidates,
			.ranked = n, .at_s = now_s };
		/* They are in order. */
		while (r->risk_summary.likely < n && rows[r->risk_summary.likely].likeness >= RISK_LIKELY)
			r->risk_summary.likely++;
		r->risked_us = report_mono_us();
		rows = NULL;
	}
	free(rows);
	free(f.at);
	free(t.facts);
	free(t.by_key);
	free(roles);
	return result;
}

enum report_result
report_risks(struct report *r, int64_t now_s, size_t limit, struct report_risk_summary *summary,
    bool (*each)(void *, const struct report_risk *), void *ctx)
{
	enum report_result result = REPORT_OK;

	now_s = report_now(r, now_s);
	if (r->risks == NULL || report_mono_us() - r->risked_us > RISK_AGE_US)
		result = gather(r, now_s);
	if (result != REPORT_OK)
		return result;
	*summary = r->risk_summary;
	for (size_t i = 0; i < r->n_risks && (limit == 0 || i < limit) && each(ctx, &r->risks[i]); i++)
		;
	return REPORT_OK;
}
