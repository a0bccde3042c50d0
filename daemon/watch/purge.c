/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * purge.c - a purge on its way: planned by a thread of its own, applied between packets, answered.
 *
 * While it is applied every change of the list is kept, whoever caused it, and handed to
 * the store as one: no consumer sees half of it.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mxtrap/log.h"
#include "purge.h"

#define TELL_MS	   1000			/* who waits hears of it so often */
#define COMMIT_MS  20000		/* then the disk is to blame */
#define MOST_A_RUN 256			/* pieces of one sender that are applied at once */

static int64_t
mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static void *
plan_run(void *arg)
{
	struct purge *p = arg;
	char says[400], note[700];
	struct timespec ts;

	/* What was judged up to now is looked through: it must be in the database. */
	p->plan_ok = store_sync(p->store) && purge_plan_make(&p->plan, p->config, &p->asked,
	    p->asked_us / 1000000, p->why);
	if (!p->plan_ok && p->why[0] == '\0')
		(void)snprintf(p->why, sizeof(p->why), "the database does not take rows now");
	if (p->plan_ok && !p->asked.dry_run) {
		clock_gettime(CLOCK_REALTIME, &ts);
		(void)snprintf(note, sizeof(note), "%s%s%s", purge_says(&p->asked, says, sizeof(says)),
		    p->asked.note[0] != '\0' ? ": " : "", p->asked.note);
		p->plan_ok = store_audit(p->store, ts.tv_sec * 1000000LL + ts.tv_nsec / 1000, p->asked.who, "purge", NULL, note);
		if (!p->plan_ok)
			(void)snprintf(p->why, sizeof(p->why), "the database did not take the audit row: nothing was done");
	}
	/* Room for a change of each sender, and of some that others cause meanwhile. */
	p->cap_changes = p->plan.n_senders + 4096;
	p->changes = p->plan_ok && !p->asked.dry_run ? malloc(p->cap_changes * sizeof(*p->changes)) : NULL;
	if (p->changes == NULL)
		p->cap_changes = 0;
	atomic_store(&p->planned, true);
	return NULL;
}

const char *
purge_ask(struct purge *p, const struct message_purge *m, int64_t now_us, struct ask_from *from)
{
	bool known = m->exchanger[0] == '\0';

	if (p->stage != PURGE_NONE)
		return "another purge is under way";
	for (size_t i = 0; i < p->config->ladder.n_sets; i++)
		for (size_t k = 0; k < p->config->ladder.sets[i].n_exchangers; k++)
			known |= strcmp(p->config->ladder.sets[i].exchangers[k].name, m->exchanger) == 0;
	if (!known)
		return "no exchanger of the configuration has this name";
	if (m->kind == 0 && m->exchanger[0] == '\0' && m->since_s == 0)
		return "expected a kind of evidence, an exchanger or a time";
	p->asked = *m;
	p->asked_us = now_us;
	p->at = p->n_changes = 0;
	p->figures = (struct trap_purged){ 0 };
	p->why[0] = '\0';
	p->marked = false;
	p->worst_us = p->told_ms = 0;
	atomic_store(&p->planned, false);
	if (pthread_create(&p->thread, NULL, plan_run, p) != 0)
		return "cannot begin: no thread";
	p->stage = PURGE_PLANS;
	p->from = *from;
	from->fd = -1;
	return NULL;
}

static void
answer(struct purge *p, uint32_t ok, const char *text)
{
	p->answer(p->ctx, &p->from, ok, text);
}

static void
end(struct purge *p)
{
	purge_plan_free(&p->plan);
	free(p->changes);
	p->changes = NULL;
	p->n_changes = p->cap_changes = 0;
	p->stage = PURGE_NONE;
}

/* What was kept goes to the store as one serial. */
static void
hand_over(struct purge *p)
{
	if (p->changes != NULL && store_together(p->store, p->changes, p->n_changes))
		p->changes = NULL;
	p->n_changes = p->cap_changes = 0;
}

bool
purge_change(struct purge *p, const struct change_row *row)
{
	if (p->stage != PURGE_APPLIES || p->asked.dry_run || p->changes == NULL)
		return false;
	if (p->n_changes == p->cap_changes) {
		size_t cap = p->cap_changes * 2;
		struct change_row *more = realloc(p->changes, cap * sizeof(*more));

		if (more == NULL) {
			/* In order at least, if not in one: a change must not be lost. */
			hand_over(p);
			return false;
		}
		p->changes = more;
		p->cap_changes = cap;
	}
	p->changes[p->n_changes++] = *row;
	return true;
}

/* The mark that a purge begins, with who and why: not one of its pieces. */
static void
mark(struct purge *p, int64_t now_us)
{
	struct event e = { .time_us = now_us, .kind = EVENT_PURGE, .port = (uint16_t)p->asked.kind,
		.since_us = p->asked.since_s * 1000000, .value = (int64_t)p->plan.n };
	char says[400], note[700];

	(void)snprintf(note, sizeof(note), "%s%s%s", purge_says(&p->asked, says, sizeof(says)),
	    p->asked.note[0] != '\0' ? ": " : "", p->asked.note);
	p->apply(p->ctx, &e, p->asked.who, note);
	p->marked = true;
}

/* The next few pieces of one sender. */
static void
one_run(struct purge *p, struct trap *trap, int64_t now_us, size_t n)
{
	struct event takes[MOST_A_RUN];
	bool whole;

	assert(n > 0);
	whole = p->at + n == p->plan.n || p->plan.points[p->at + n].sender != p->plan.points[p->at].sender;

	for (size_t i = 0; i < n; i++) {
		const struct report_points *from = &p->plan.points[p->at + i];
		const struct take_back b = { .sender = from->sender, .evidence_us = from->time_us, .score = from->score,
			.hint = from->hint, .set = from->set, .kind = from->kind, .grade = from->grade,
			.last = whole && i + 1 == n };

		takes[i] = (struct event){ .time_us = now_us };
		event_take_back(&takes[i], &b);
	}
	trap_purge_would(trap, takes, n, &p->figures);
	for (size_t i = 0; i < n && !p->asked.dry_run; i++)
		p->apply(p->ctx, &takes[i], "", "");
	p->at += n;
}

static void
slice(struct purge *p, struct trap *trap, int64_t now_us)
{
	int64_t began = mono_us(), took;
	/* Each piece is a row of evidence and an event; others want room too. */
	size_t room = p->asked.dry_run ? SIZE_MAX : store_keep_room(p->store) / 2;

	if (!p->asked.dry_run && !p->marked)
		mark(p, now_us);
	while (p->at < p->plan.n && mono_us() - began < PURGE_SLICE_US) {
		size_t n = purge_plan_run(&p->plan, p->at);

		if (n > MOST_A_RUN)
			n = MOST_A_RUN;
		if (room < n + 8192)
			break;
		room -= n;
		one_run(p, trap, now_us, n);
	}
	took = mono_us() - began;
	if (took > p->worst_us)
		p->worst_us = took;
}

static void
say_progress(struct purge *p, int64_t now_ms)
{
	char text[120];

	if (now_ms - p->told_ms < TELL_MS)
		return;
	p->told_ms = now_ms;
	if (p->stage == PURGE_PLANS)
		answer(p, 2, "looking through the evidence");
	else if (p->stage == PURGE_COMMITS)
		answer(p, 2, "writing the list");
	else {
		(void)snprintf(text, sizeof(text), "%zu of %zu pieces", p->at, p->plan.n);
		answer(p, 2, text);
	}
}

static void
say_done(struct purge *p, bool on_disk)
{
	const struct trap_purged *f = &p->figures;
	char text[256], says[400];

	(void)snprintf(text, sizeof(text), "%s %" PRIu64 " pieces of evidence of %" PRIu64 " senders: %" PRIu64
	    " listings %s, %" PRIu64 " stay on other evidence, %" PRIu64 " suspects are none any more%s",
	    p->asked.dry_run ? "would take back" : "took back", f->evidence, f->senders, f->listings_end,
	    p->asked.dry_run ? "would end" : "ended", f->listings_stay, f->suspects_end,
	    on_disk ? "" : "; NOT YET ON DISK: it cannot be written now");
	if (!p->asked.dry_run)
		log_info("PURGE [%s] by %s: %s; at most %" PRId64 " us at once%s%s", purge_says(&p->asked, says, sizeof(says)),
		    p->asked.who, text, p->worst_us, p->asked.note[0] != '\0' ? ": " : "", p->asked.note);
	p->done += !p->asked.dry_run;
	answer(p, 1, text);
	end(p);
}

bool
purge_turn(struct purge *p, struct trap *trap, int64_t now_us, int64_t now_ms)
{
	switch (p->stage) {
	case PURGE_NONE:
		return false;
	case PURGE_PLANS:
		if (!atomic_load(&p->planned))
			break;
		pthread_join(p->thread, NULL);
		if (!p->plan_ok) {
			answer(p, 0, p->why);
			end(p);
			return false;
		}
		p->stage = PURGE_APPLIES;
		return true;
	case PURGE_APPLIES:
		if (p->at < p->plan.n) {
			slice(p, trap, now_us);
			if (p->at < p->plan.n) {
				say_progress(p, now_ms);
				return true;
			}
		}
		if (p->asked.dry_run) {
			say_done(p, true);
			return false;
		}
		hand_over(p);
		p->committing_ms = now_ms;
		p->stage = PURGE_COMMITS;
		break;
	case PURGE_COMMITS:
		if (store_together_done(p->store) || now_ms - p->committing_ms > COMMIT_MS) {
			say_done(p, store_together_done(p->store));
			return false;
		}
		break;
	}
	say_progress(p, now_ms);
	return false;
}

void
purge_stop(struct purge *p)
{
	if (p->stage == PURGE_PLANS)
		pthread_join(p->thread, NULL);
	if (p->stage == PURGE_APPLIES && !p->asked.dry_run)
		hand_over(p);		/* what was applied is told; the rest is asked for again */
	if (p->stage != PURGE_NONE)
		answer(p, 0, "mxtrapd was stopped: ask again");
	end(p);
}
