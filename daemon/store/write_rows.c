/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * write_rows.c - one record of the sink to one row of a table.
 *
 * Nothing here begins or ends a transaction, and what it notes in memory is either
 * taken back by segment_rewind() or may safely be noted twice.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "keep.h"
#include "store_int.h"

#define ATTEMPT_COLUMNS 11

/* Count what it sighted: its fingerprint and its target. */
static void
attempt_seen(struct store *s, const struct attempt_row *a, uint32_t fp)
{
	struct seen *seen = &s->fingerprints_seen[fp];

	if (fp != 0) {
		seen->n++;
		if (a->time_us > seen->last_us)
			seen->last_us = a->time_us;
		s->any_seen = true;
	}
	if (a->target < s->n_targets && a->time_us > s->targets_seen[a->target].last_us) {
		s->targets_seen[a->target].last_us = a->time_us;
		s->targets_seen[a->target].n = 1;
		s->any_seen = true;
	}
	if (a->time_us > s->newest_us)
		s->newest_us = a->time_us;
}

static void
bind_attempt(struct store *s, sqlite3_stmt *stmt, int at, const struct attempt_row *a)
{
	sender_key key = addr_sender(&a->src);
	uint32_t fp = s->fingerprints[a->fingerprint];

	sqlite3_bind_int64(stmt, at + 1, segment_add(s, SEGMENT_ATTEMPT, key, a->time_us));
	sqlite3_bind_int64(stmt, at + 2, a->time_us);
	bind_key(stmt, at + 3, key);
	bind_key(stmt, at + 4, addr_host(&a->src));
	sqlite3_bind_int64(stmt, at + 5, a->target);
	sqlite3_bind_int(stmt, at + 6, a->sport);
	sqlite3_bind_int(stmt, at + 7, a->n_syns);
	sqlite3_bind_int64(stmt, at + 8, a->rtt_us);
	sqlite3_bind_int(stmt, at + 9, a->grade);
	sqlite3_bind_int(stmt, at + 10, a->outcome);
	sqlite3_bind_int64(stmt, at + 11, fp);
	attempt_seen(s, a, fp);
}

static bool
write_attempt(struct store *s, const struct attempt_row *a)
{
	bind_attempt(s, s->stmts[WRITE_ATTEMPT], 0, a);
	return database_run(s, WRITE_ATTEMPT) && rollup_attempt(s, a);
}

bool
write_attempts(struct store *s, const struct row *const rows[static WRITE_ATTEMPTS_TOGETHER])
{
	for (int i = 0; i < WRITE_ATTEMPTS_TOGETHER; i++)
		bind_attempt(s, s->stmts[WRITE_ATTEMPTS], i * ATTEMPT_COLUMNS, &rows[i]->u.attempt);
	for (int i = 0; i < WRITE_ATTEMPTS_TOGETHER; i++)
		if (!rollup_attempt(s, &rows[i]->u.attempt))
			return false;
	return database_run(s, WRITE_ATTEMPTS);
}

/* Roles as decimal digits, 1 for the first of enum role: 312 is bogus, nolisting, real. */
static int
route_digits(const uint8_t *route, uint8_t n)
{
	int digits = 0;

	for (uint8_t i = 0; i < n && i < 3; i++)
		digits = digits * 10 + route[i] + 1;
	return digits;
}

static bool
write_visit(struct store *s, const struct visit_row *v)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_VISIT];
	int route = route_digits(v->route, v->n_route);

	sqlite3_bind_int64(stmt, 1, segment_add(s, SEGMENT_VISIT, v->sender, v->end_us));
	bind_key(stmt, 2, v->sender);
	sqlite3_bind_int64(stmt, 3, v->start_us);
	sqlite3_bind_int64(stmt, 4, v->end_us - v->start_us);
	sqlite3_bind_int(stmt, 5, v->set);
	sqlite3_bind_int(stmt, 6, v->n_attempts);
	sqlite3_bind_int(stmt, 7, route);
	sqlite3_bind_int(stmt, 8, route_digits(v->proven_route, v->n_proven_route));
	sqlite3_bind_int(stmt, 9, v->klass);
	sqlite3_bind_int(stmt, 10, v->real_proven);
	return database_run(s, WRITE_VISIT) && rollup_visit(s, v, route);
}

/* Sums are stored as whole numbers. */
static int
milli(float points)
{
	return (int)lrintf(points * 1000.0f);
}

/* The trap has forgotten this sender: what it would come back with loses the points, here. */
static bool
mend_sender(struct store *s, const struct evidence_row *e)
{
	const struct judge_params params = { .half_life_s = s->half_life_s };
	sqlite3_stmt *stmt = s->stmts[WRITE_SENDER_SUMS];
	float score = 0, hint = 0, blame = 0;
	int64_t at_s = 0;
	bool any;

	bind_key(stmt, 1, e->sender);
	any = sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL;
	if (any) {
		int64_t age;

		at_s = sqlite3_column_int64(stmt, 0);
		age = s->half_life_s != 0 ? at_s - e->of_us / 1000000 : 0;
		score = judge_add((float)sqlite3_column_int(stmt, 1) / 1000.0f, judge_decay(&params, e->score, age));
		hint = judge_add((float)sqlite3_column_int(stmt, 2) / 1000.0f, judge_decay(&params, e->hint, age));
		blame = (float)sqlite3_column_int(stmt, 3) / 1000.0f;
		if (blame > score)
			blame = score;
	}
	sqlite3_reset(stmt);
	if (!any)
		return true;
	stmt = s->stmts[WRITE_SENDER_MEND];
	sqlite3_bind_int(stmt, 1, milli(score));
	sqlite3_bind_int(stmt, 2, milli(hint));
	sqlite3_bind_int(stmt, 3, milli(blame));
	bind_key(stmt, 4, e->sender);
	return database_run(s, WRITE_SENDER_MEND);
}

static bool
write_evidence(struct store *s, const struct evidence_row *e)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_EVIDENCE];

	if (e->revision == 2 && !mend_sender(s, e))
		return false;
	sqlite3_bind_int64(stmt, 1, segment_add(s, SEGMENT_EVIDENCE, e->sender, e->time_us));
	sqlite3_bind_int64(stmt, 2, e->time_us);
	bind_key(stmt, 3, e->sender);
	bind_key(stmt, 4, addr_host(&e->host));
	sqlite3_bind_int64(stmt, 5, e->visit_us);
	sqlite3_bind_int(stmt, 6, e->set);
	sqlite3_bind_int(stmt, 7, e->kind);
	sqlite3_bind_int(stmt, 8, e->grade);
	sqlite3_bind_double(stmt, 9, (double)e->score);
	sqlite3_bind_double(stmt, 10, (double)e->hint);
	sqlite3_bind_double(stmt, 11, (double)e->score_sum);
	sqlite3_bind_double(stmt, 12, (double)e->hint_sum);
	sqlite3_bind_int64(stmt, 13, e->excused);
	sqlite3_bind_int(stmt, 14, e->revision != 0);
	if (e->of_us != 0)
		sqlite3_bind_int64(stmt, 15, e->of_us);
	else
		sqlite3_bind_null(stmt, 15);
	return database_run(s, WRITE_EVIDENCE);
}

/* What the events make of own_address. */
static bool
fold_own(struct store *s, const struct event *e)
{
	enum write_statement w = e->value != 0 ? WRITE_OWN : WRITE_OWN_DELETE;
	sqlite3_stmt *stmt = s->stmts[w];

	if (e->kind == EVENT_START)
		return database_run(s, WRITE_OWN_CLEAR);
	if (e->kind != EVENT_NEVER)
		return true;
	sqlite3_bind_blob(stmt, 1, e->what.addr.b, 16, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 2, e->what.len);
	if (e->value != 0)
		sqlite3_bind_int64(stmt, 3, e->value);
	return database_run(s, w);
}

static bool
write_event(struct store *s, const struct event *e, const char *who, const char *note)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_EVENT];

	sqlite3_bind_int64(stmt, 1, e->time_us);
	sqlite3_bind_int(stmt, 2, e->source);
	sqlite3_bind_int64(stmt, 3, e->seq);
	sqlite3_bind_int(stmt, 4, e->kind);
	sqlite3_bind_blob(stmt, 5, e->what.addr.b, 16, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 6, e->what.len);
	sqlite3_bind_int(stmt, 7, e->port);
	sqlite3_bind_int64(stmt, 8, e->target);
	sqlite3_bind_int64(stmt, 9, e->expires_s);
	sqlite3_bind_int64(stmt, 10, e->since_us);
	sqlite3_bind_int64(stmt, 11, e->value);
	row_bind_text(stmt, 12, who);
	row_bind_text(stmt, 13, note);
	return database_run(s, WRITE_EVENT) && fold_own(s, e);
}

static bool
write_note(struct store *s, const struct note_row *n)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_NOTE];

	sqlite3_bind_int64(stmt, 1, n->time_us);
	sqlite3_bind_int(stmt, 2, n->kind);
	if (n->target == UINT32_MAX)
		sqlite3_bind_null(stmt, 3);
	else
		sqlite3_bind_int64(stmt, 3, n->target);
	sqlite3_bind_int64(stmt, 4, n->from_us);
	sqlite3_bind_int64(stmt, 5, n->to_us);
	return database_run(s, WRITE_NOTE);
}

static bool
write_doubt(struct store *s, const struct doubt_row *d)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_DOUBT];

	sqlite3_bind_int(stmt, 1, d->kind);
	sqlite3_bind_int(stmt, 2, d->n);
	sqlite3_bind_blob(stmt, 3, d->addr.b, sizeof(d->addr.b), SQLITE_STATIC);
	for (int i = 0; i < DOUBT_ROW_VALUES; i++)
		sqlite3_bind_int64(stmt, 4 + i, d->v[i]);
	return database_run(s, WRITE_DOUBT);
}

static bool
write_tally(struct store *s, const struct tally_row *t)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_TALLY];

	sqlite3_bind_int64(stmt, 1, t->hour_s);
	sqlite3_bind_int64(stmt, 2, t->target);
	sqlite3_bind_int64(stmt, 3, t->attempts);
	sqlite3_bind_int64(stmt, 4, t->proven);
	sqlite3_bind_int64(stmt, 5, t->refused);
	sqlite3_bind_int64(stmt, 6, t->silent);
	sqlite3_bind_int64(stmt, 7, t->first_seen);
	sqlite3_bind_int64(stmt, 8, t->not_kept);
	return database_run(s, WRITE_TALLY) && rollup_tally(s, t);
}

/* The dictionary's id for a fingerprint of this process; from now on its attempts hold it. */
static bool
write_fingerprint(struct store *s, const struct row *row)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_FINGERPRINT_FIND];
	char text[FINGERPRINT_TEXT_SIZE];
	uint16_t id = row->u.fingerprint.id;
	int64_t known;

	if (id == 0)
		return true;
	fingerprint_format(&row->u.fingerprint.fp, text);
	sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
	known = database_number(s, WRITE_FINGERPRINT_FIND);
	if (known > 0) {
		s->fingerprints[id] = (uint32_t)known;
		return true;
	}
	s->fingerprints[id] = 0;
	if (s->next_fingerprint > STORE_FINGERPRINTS)
		return true;		/* full: its attempts are stored without */
	stmt = s->stmts[WRITE_FINGERPRINT];
	sqlite3_bind_int64(stmt, 1, s->next_fingerprint);
	sqlite3_bind_text(stmt, 2, text, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, row->u.fingerprint.time_us);
	sqlite3_bind_int64(stmt, 4, row->u.fingerprint.time_us);
	if (!database_run(s, WRITE_FINGERPRINT))
		return false;
	s->fingerprints[id] = (uint32_t)s->next_fingerprint++;
	return true;
}

bool
write_row(struct store *s, const struct row *row)
{
	switch ((enum row_kind)row->kind) {
	case ROW_ATTEMPT:
		return write_attempt(s, &row->u.attempt);
	case ROW_VISIT:
		return write_visit(s, &row->u.visit);
	case ROW_EVIDENCE:
		return write_evidence(s, &row->u.evidence);
	case ROW_EVENT:
		return write_event(s, &row->u.event.event, row->u.event.who, row->u.event.note);
	case ROW_NOTE:
		return write_note(s, &row->u.note);
	case ROW_DOUBT:
		return write_doubt(s, &row->u.doubt);
	case ROW_TALLY:
		return write_tally(s, &row->u.tally);
	case ROW_FINGERPRINT:
		return write_fingerprint(s, row);
	case ROW_FOREIGN:
		bind_key(s->stmts[WRITE_FOREIGN], 1, row->u.foreign.key);
		sqlite3_bind_int64(s->stmts[WRITE_FOREIGN], 2, row->u.foreign.until_s);
		return database_run(s, WRITE_FOREIGN);
	case ROW_CLEARED:
		return rollup_cleared(s, row->u.cleared.day_s, row->u.cleared.n);
	case ROW_CORRESPONDENT:
		bind_key(s->stmts[WRITE_CORRESPONDENT], 1, row->u.correspondent.key);
		sqlite3_bind_int64(s->stmts[WRITE_CORRESPONDENT], 2, row->u.correspondent.answered_s);
		return database_run(s, WRITE_CORRESPONDENT);
	}
	return true;
}

void
row_release(struct store *s, struct row *row, bool lost)
{
	if (row->kind == ROW_EVENT) {
		free(row->u.event.who);
		free(row->u.event.note);
	} else if (row->kind == ROW_FINGERPRINT && lost) {
		s->fingerprints[row->u.fingerprint.id] = 0;
	}
}

#define SENDER_COLUMNS 19
#define MEMORY_COLUMNS 8

static void
bind_sender(const struct store *s, sqlite3_stmt *stmt, int at, const struct sender_row *r)
{
	bind_key(stmt, at + 1, r->key);
	sqlite3_bind_int64(stmt, at + 2, r->first_seen_s);
	sqlite3_bind_int64(stmt, at + 3, (int64_t)r->last_seen_s - r->first_seen_s);
	if (r->sums_at_s == 0)
		sqlite3_bind_null(stmt, at + 4);
	else
		sqlite3_bind_int64(stmt, at + 4, (int64_t)r->last_seen_s - r->sums_at_s);
	sqlite3_bind_int(stmt, at + 5, milli(r->score));
	sqlite3_bind_int(stmt, at + 6, milli(r->hint));
	sqlite3_bind_int(stmt, at + 7, milli(r->blame));
	sqlite3_bind_int64(stmt, at + 8, r->listed_since_s);
	sqlite3_bind_int64(stmt, at + 9, r->expires_s);
	sqlite3_bind_int64(stmt, at + 10, r->climbed_at_s);
	sqlite3_bind_int(stmt, at + 11, r->kinds);
	sqlite3_bind_int64(stmt, at + 12, s->fingerprints[r->fingerprint]);
	sqlite3_bind_int(stmt, at + 13, r->state);
	sqlite3_bind_int(stmt, at + 14, r->klass);
	sqlite3_bind_int(stmt, at + 15, r->grade);
	sqlite3_bind_int(stmt, at + 16, r->flags);
	sqlite3_bind_int(stmt, at + 17, r->caps);
	sqlite3_bind_int(stmt, at + 18, r->relapses);
	sqlite3_bind_int64(stmt, at + 19, r->sets);
}

bool
write_sender(struct store *s, const struct sender_row *r)
{
	bind_sender(s, s->stmts[WRITE_SENDER], 0, r);
	return database_run(s, WRITE_SENDER);
}

bool
write_senders(struct store *s, const struct sender_row *const rows[static WRITE_TOGETHER])
{
	for (int i = 0; i < WRITE_TOGETHER; i++)
		bind_sender(s, s->stmts[WRITE_SENDERS], i * SENDER_COLUMNS, rows[i]);
	return database_run(s, WRITE_SENDERS);
}

static void
bind_offset(sqlite3_stmt *stmt, int at, uint32_t time_s, int64_t offset)
{
	if (time_s == 0)
		sqlite3_bind_null(stmt, at);
	else
		sqlite3_bind_int64(stmt, at, offset);
}

static void
bind_memory(sqlite3_stmt *stmt, int at, const struct memory_row *m)
{
	int64_t time_s = m->memory_at_s;

	bind_key(stmt, at + 1, m->sender);
	sqlite3_bind_int(stmt, at + 2, m->set);
	sqlite3_bind_int(stmt, at + 3, m->is_pool);
	sqlite3_bind_int64(stmt, at + 4, time_s);
	bind_offset(stmt, at + 5, m->lower_at_s, time_s - m->lower_at_s);
	bind_offset(stmt, at + 6, m->last_s, m->last_s - time_s);
	bind_offset(stmt, at + 7, m->last_real_s, time_s - m->last_real_s);
	bind_offset(stmt, at + 8, m->unanswered, m->unanswered);
}

bool
write_memory(struct store *s, const struct memory_row *m)
{
	bind_memory(s->stmts[WRITE_MEMORY], 0, m);
	return database_run(s, WRITE_MEMORY);
}

bool
write_memories(struct store *s, const struct memory_row *const rows[static WRITE_TOGETHER])
{
	for (int i = 0; i < WRITE_TOGETHER; i++)
		bind_memory(s->stmts[WRITE_MEMORIES], i * MEMORY_COLUMNS, rows[i]);
	return database_run(s, WRITE_MEMORIES);
}

bool
write_seen(struct store *s)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_FINGERPRINT_SEEN];

	if (!s->any_seen)
		return true;
	for (int64_t i = 1; i < s->next_fingerprint; i++) {
		struct seen *seen = &s->fingerprints_seen[i];

		if (seen->n == 0)
			continue;
		sqlite3_bind_int64(stmt, 1, seen->n);
		sqlite3_bind_int64(stmt, 2, seen->last_us);
		sqlite3_bind_int64(stmt, 3, i);
		if (!database_run(s, WRITE_FINGERPRINT_SEEN))
			return false;
		seen->n = 0;
	}
	stmt = s->stmts[WRITE_TARGET_SEEN];
	for (size_t i = 0; i < s->n_targets; i++) {
		struct seen *seen = &s->targets_seen[i];

		if (seen->n == 0)
			continue;
		sqlite3_bind_int64(stmt, 1, seen->last_us);
		sqlite3_bind_int64(stmt, 2, (int64_t)i);
		if (!database_run(s, WRITE_TARGET_SEEN))
			return false;
		seen->n = 0;
	}
	s->any_seen = false;
	return true;
}

void
write_unseen(struct store *s)
{
	for (int64_t i = 1; s->any_seen && i <= STORE_FINGERPRINTS; i++)
		s->fingerprints_seen[i].n = 0;
	s->any_seen = false;
}

bool
write_status(struct store *s)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_STATUS];
	struct status_entry entry;

	atomic_store(&s->status_dirty, false);
	for (size_t i = 0;; i++) {
		bool dirty = false, more;

		pthread_mutex_lock(&s->mutex);
		more = i < s->n_status;
		if (more && s->status[i].dirty) {
			entry = s->status[i];
			s->status[i].dirty = false;
			dirty = true;
		}
		pthread_mutex_unlock(&s->mutex);
		if (!more)
			return true;
		if (!dirty)
			continue;
		row_bind_text(stmt, 1, entry.name);
		row_bind_text(stmt, 2, entry.value);
		if (!database_run(s, WRITE_STATUS))
			return false;
		if (strcmp(entry.name, "firewall") == 0 || strcmp(entry.name, "publish") == 0 || strncmp(entry.name, "layout", 6) == 0)
			keep_want(s);
	}
}

void
write_unstatus(struct store *s)
{
	pthread_mutex_lock(&s->mutex);
	for (size_t i = 0; i < s->n_status; i++)
		s->status[i].dirty = true;
	pthread_mutex_unlock(&s->mutex);
	atomic_store(&s->status_dirty, true);
}
