/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rollup.c - what the writer adds up as it stores: by role, by day, by route, and how many came to a rung.
 *
 * Everything goes by the times of the rows, so that a replay makes the same sums.  Different
 * senders are counted by sketches, for an exact count would cost a random key an attempt.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "mxtrap/mxset.h"
#include "mxtrap/siphash.h"
#include "mxtrap/sketch.h"
#include "rollup.h"
#include "store_int.h"

#define HOUR_S 3600
#define DAY_S  86400

bool
rollup_open(struct store *s, const struct ladder *ladder)
{
	static const char replay_key[] = "mxtrap: a replay";	/* that counts the same each time */
	sqlite3_stmt *stmt = s->stmts[WRITE_ATTEMPTS_NEWEST];
	struct rollup *u = &s->rollup;
	bool ok = true;

	u->n_targets = ladder != NULL ? ladder->n_targets : 0;
	u->roles = calloc(u->n_targets + 1, 1);
	u->rungs = calloc(u->n_targets + 1, sizeof(struct rung *));
	memcpy(u->hash_key, replay_key, sizeof u->hash_key);
	if (u->roles == NULL || u->rungs == NULL ||
	    (!s->replay && getrandom(u->hash_key, sizeof u->hash_key, 0) != (ssize_t)sizeof u->hash_key)) {
		log_warnx("DATABASE [%s] no memory for its sums, or no random bytes", s->path);
		return false;
	}
	for (size_t i = 0; ladder != NULL && i < u->n_targets; i++)
		u->roles[i] = ladder->targets[i].role;
	while (ok && sqlite3_step(stmt) == SQLITE_ROW) {
		struct attempt_row a = { .time_us = sqlite3_column_int64(stmt, 0),
			.target = (uint32_t)sqlite3_column_int64(stmt, 2) };
		sender_key key = (sender_key)sqlite3_column_int64(stmt, 1);

		a.src = sender_addr(key, 0);
		if (row_micros(stmt, 0) && row_within(stmt, 2, 0, UINT32_MAX))
			ok = rollup_attempt(s, &a);
	}
	sqlite3_reset(stmt);
	/* They are in it already. */
	for (size_t i = 0; i < u->n_targets; i++)
		if (u->rungs[i] != NULL)
			u->rungs[i]->dirty = false;
	u->any_dirty = false;
	return true;
}

void
rollup_close(struct store *s)
{
	struct rollup *u = &s->rollup;

	for (size_t i = 0; u->rungs != NULL && i < u->n_targets; i++)
		free(u->rungs[i]);
	free(u->rungs);
	free(u->roles);
	memset(u, 0, sizeof *u);
}

/* -- senders of a rung -- */

static bool
rung_write(struct store *s, uint32_t target)
{
	struct rung *r = s->rollup.rungs[target];
	uint8_t recent[1 << ROLLUP_RECENT_BITS] = { 0 };
	sqlite3_stmt *stmt = s->stmts[WRITE_RUNG];

	for (size_t i = 0; i < ROLLUP_MINUTES; i++)
		sketch_join(recent, r->recent[i], ROLLUP_RECENT_BITS);
	sqlite3_bind_int64(stmt, 1, r->day_s);
	sqlite3_bind_int64(stmt, 2, target);
	sqlite3_bind_int64(stmt, 3, (sqlite3_int64)sketch_count(r->today, ROLLUP_DAY_BITS));
	sqlite3_bind_int64(stmt, 4, (sqlite3_int64)sketch_count(recent, ROLLUP_RECENT_BITS));
	sqlite3_bind_int64(stmt, 5, r->newest_s);
	r->dirty = false;
	return database_run(s, WRITE_RUNG);
}

/* The minutes that have passed since the newest attempt are empty. */
static void
rung_turn(struct rung *r, uint32_t minute)
{
	uint32_t n = minute - r->minute;

	for (uint32_t i = 1; i <= n && i <= ROLLUP_MINUTES; i++)
		memset(r->recent[(r->minute + i) % ROLLUP_MINUTES], 0, sizeof r->recent[0]);
	r->minute = minute;
}

static struct rung *
rung_of(struct store *s, uint32_t target)
{
	struct rollup *u = &s->rollup;

	if (target >= u->n_targets)
		return NULL;
	if (u->rungs[target] == NULL) {
		if (u->n_rungs == ROLLUP_RUNGS || (u->rungs[target] = calloc(1, sizeof(struct rung))) == NULL) {
			atomic_fetch_add(&s->uncounted, 1);
			return NULL;
		}
		u->n_rungs++;
	}
	return u->rungs[target];
}

bool
rollup_attempt(struct store *s, const struct attempt_row *a)
{
	uint32_t time_s = (uint32_t)(a->time_us / 1000000), day_s = time_s - time_s % DAY_S, minute = time_s / 60;
	struct rung *r = rung_of(s, a->target);
	uint64_t hash;

	if (r == NULL || day_s < r->day_s)	/* told late, just behind midnight */
		return true;
	if (day_s > r->day_s) {
		if (r->dirty && !rung_write(s, a->target))
			return false;
		memset(r->today, 0, sizeof r->today);
		r->day_s = day_s;
		r->newest_s = 0;
	}
	if (minute > r->minute)
		rung_turn(r, minute);
	if (time_s > r->newest_s)
		r->newest_s = time_s;
	hash = siphash13(s->rollup.hash_key, addr_sender(&a->src), 1);
	sketch_add(r->today, ROLLUP_DAY_BITS, hash);
	if (r->minute - minute < ROLLUP_MINUTES)
		sketch_add(r->recent[minute % ROLLUP_MINUTES], ROLLUP_RECENT_BITS, hash);
	r->dirty = s->rollup.any_dirty = true;
	return true;
}

/* -- visits by route -- */

static bool
routes_write(struct store *s)
{
	struct rollup *u = &s->rollup;
	sqlite3_stmt *stmt = s->stmts[WRITE_ROUTE];

	for (size_t i = 0; i < u->n_routes; i++) {
		sqlite3_bind_int64(stmt, 1, u->routes[i].hour_s);
		sqlite3_bind_int(stmt, 2, u->routes[i].route);
		sqlite3_bind_int64(stmt, 3, u->routes[i].visits);
		sqlite3_bind_int64(stmt, 4, u->routes[i].real_proven);
		if (!database_run(s, WRITE_ROUTE))
			return false;
	}
	u->n_routes = 0;
	return true;
}

bool
rollup_visit(struct store *s, const struct visit_row *v, int route)
{
	struct rollup *u = &s->rollup;
	uint32_t hour_s = (uint32_t)(v->start_us / 1000000 / HOUR_S * HOUR_S);
	size_t i = 0;

	while (i < u->n_routes && (u->routes[i].hour_s != hour_s || u->routes[i].route != route))
		i++;
	if (i == ROLLUP_ROUTES) {
		if (!routes_write(s))
			return false;
		i = 0;
	}
	if (i == u->n_routes) {
		memset(&u->routes[i], 0, sizeof u->routes[i]);
		u->routes[i].hour_s = hour_s;
		u->routes[i].route = (uint16_t)route;
		u->n_routes++;
	}
	u->routes[i].visits++;
	u->routes[i].real_proven += v->real_proven != 0;
	return true;
}

/* -- attempts by role, and the list by day -- */

bool
rollup_tally(struct store *s, const struct tally_row *t)
{
	static const uint32_t spans[] = { HOUR_S, DAY_S };
	sqlite3_stmt *stmt = s->stmts[WRITE_TALLY_ROLE];
	const uint32_t counts[] = { t->attempts, t->proven, t->refused, t->silent, t->first_seen, t->not_kept };
	int role = t->target < s->rollup.n_targets ? s->rollup.roles[t->target] : ROLE_CONTROL;

	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
		sqlite3_bind_int64(stmt, 1, spans[i]);
		sqlite3_bind_int64(stmt, 2, t->hour_s - t->hour_s % spans[i]);
		sqlite3_bind_int(stmt, 3, role);
		for (int k = 0; k < 6; k++)
			sqlite3_bind_int64(stmt, 4 + k, counts[k]);
		if (!database_run(s, WRITE_TALLY_ROLE))
			return false;
	}
	return true;
}

bool
rollup_list(struct store *s, int64_t time_us)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_LIST_DAY];
	int64_t time_s = time_us / 1000000;

	sqlite3_bind_int64(stmt, 1, time_s - time_s % DAY_S);
	sqlite3_bind_int64(stmt, 2, s->n_listed);
	sqlite3_bind_int64(stmt, 3, s->n_suspect);
	return database_run(s, WRITE_LIST_DAY);
}

bool
rollup_cleared(struct store *s, uint32_t day_s, uint64_t cleared)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_LIST_DAY_CLEARED];

	sqlite3_bind_int64(stmt, 1, day_s);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)cleared);
	return database_run(s, WRITE_LIST_DAY_CLEARED);
}

bool
rollup_write(struct store *s)
{
	struct rollup *u = &s->rollup;

	if (!routes_write(s))
		return false;
	for (uint32_t i = 0; u->any_dirty && i < u->n_targets; i++)
		if (u->rungs[i] != NULL && u->rungs[i]->dirty && !rung_write(s, i))
			return false;
	u->any_dirty = false;
	return true;
}

void
rollup_unseen(struct store *s)
{
	struct rollup *u = &s->rollup;

	u->n_routes = 0;
	/* What a sketch has seen may be seen twice; but it is not in the file. */
	for (size_t i = 0; i < u->n_targets; i++)
		if (u->rungs[i] != NULL)
			u->rungs[i]->dirty = u->any_dirty = true;
}
