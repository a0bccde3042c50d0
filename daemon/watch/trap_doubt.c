/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_doubt.c - doubts and alarms across a restart.
 *
 * Whoever stops watch must not make it forget that something is wrong: each doubt, when it ends, and
 * each alarm goes to the store as it changes, and comes back before anything is judged.  A replay that
 * passes over a restart keeps exactly what the process that began then got back.
 */
#include "trap_int.h"

#include <string.h>

#define RESUMED_GRACE_US (60 * SECOND_US)	/* of the start grace, where a database is resumed */

size_t
trap_doubt_rows(const struct trap *t)
{
	return 2 + HEALTH_BLIND_SPANS + HEALTH_MINUTES + 2 * t->ladder->n_targets;
}

struct telling {
	struct trap *t;
	size_t i;
};

static void
tell(void *ctx, const struct doubt_row *row)
{
	struct telling *telling = ctx;
	struct trap *t = telling->t;
	struct doubt_row *told = &t->doubts_told[telling->i++];
	bool news = t->doubts_loaded || memcmp(told->v, row->v, sizeof(row->v)) != 0;

	*told = *row;
	if (news)
		t->o.sink.doubt(t->o.sink.ctx, row);
}

void
trap_tell_doubts(struct trap *t)
{
	struct telling telling = { .t = t };
	struct doubt_row row = { .kind = DOUBT_ROW_ENDS, .n = 1, .v = { t->health.full_until_us,
		t->health.layout_until_us, t->pools.lost_at_s * SECOND_US, t->foreign_told_us } };

	if (t->o.sink.doubt == NULL || !t->started)
		return;
	tell(&telling, &row);
	for (size_t i = 0; i < t->ladder->n_targets; i++) {
		const struct alarm *a = &t->alarms[i];

		if (t->ladder->targets[i].role == ROLE_REAL)
			continue;
		row = (struct doubt_row){ .kind = DOUBT_ROW_ALARM, .addr = t->ladder->targets[i].addr,
			.v = { a->kind, a->since_us, a->told_us, a->refused_us } };
		tell(&telling, &row);
	}
	health_save(&t->health, t->now_us, tell, &telling);
	t->doubts_loaded = false;
}

static void
restore_alarm(struct trap *t, const struct doubt_row *row)
{
	for (size_t i = 0; i < t->ladder->n_targets; i++) {
		struct alarm *a = &t->alarms[i];
		bool known = row->v[0] == NOTE_DECOY_SILENT || row->v[0] == NOTE_DECOY_ANSWERS || row->v[0] == NOTE_DECOY_DEAD;

		if (t->ladder->targets[i].role == ROLE_REAL || !addr_equal(&t->ladder->targets[i].addr, &row->addr) ||
		    a->kind != 0)
			continue;
		*a = (struct alarm){ .kind = known ? (uint8_t)row->v[0] : 0, .since_us = row->v[1], .told_us = row->v[2],
			.refused_us = row->v[3] };
		t->n_alarms += a->kind != 0;
	}
}

void
trap_restore_doubt(struct trap *t, const struct doubt_row *row)
{
	t->doubts_loaded = true;
	health_load(&t->health, row);
	if (row->kind == DOUBT_ROW_ALARM) {
		restore_alarm(t, row);
	} else if (row->kind == DOUBT_ROW_ENDS && row->n == 1) {
		t->health.full_until_us = row->v[0];
		t->health.layout_until_us = row->v[1];
		t->pools.lost_at_s = row->v[2] > 0 ? (uint32_t)(row->v[2] / SECOND_US) : 0;
		t->foreign_told_us = row->v[3];
	}
}

void
trap_layout(struct trap *t, int64_t since_us)
{
	if (t->health.layout_until_us < since_us + HEALTH_LAYOUT_US)
		t->health.layout_until_us = since_us + HEALTH_LAYOUT_US;
}

/* What was told later than now was told by another clock. */
static void
no_later(int64_t *time_us, int64_t now_us)
{
	if (*time_us > now_us)
		*time_us = now_us;
}

void
trap_resume(struct trap *t, bool resumed)
{
	int64_t whole_us = t->o.judge.start_grace_s * SECOND_US, until_us;
	int64_t grace_us = resumed && whole_us > RESUMED_GRACE_US ? RESUMED_GRACE_US : whole_us;

	/* The grace of a new database is not over sooner because watch began again meanwhile. */
	until_us = t->doubts_resumed ? t->health.grace_until_us : t->grace_loaded_us;
	t->doubts_resumed = true;
	if (until_us > t->now_us + whole_us)
		until_us = t->now_us + whole_us;
	health_resume(&t->health, t->now_us);
	t->health.grace_until_us = until_us > t->now_us + grace_us ? until_us : t->now_us + grace_us;
	if (t->pools.lost_at_s > now_s(t))
		t->pools.lost_at_s = now_s(t);
	no_later(&t->foreign_told_us, t->now_us);
	for (size_t i = 0; i < t->ladder->n_targets; i++) {
		no_later(&t->alarms[i].told_us, t->now_us);
		no_later(&t->alarms[i].since_us, t->now_us);
		no_later(&t->alarms[i].refused_us, t->now_us);
	}
	if (t->health.due_us < t->next_due_us)
		t->next_due_us = t->health.due_us;
}
