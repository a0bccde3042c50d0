/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status_fact.c - which of the values somebody should know, and how bad that is.
 *
 * "Bad" is what costs mail, evidence or the list's truth and needs somebody; a "note" may well be meant.
 * What is not known is never good.
 */
#include <string.h>

#include "mxtrap/status.h"
#include "status_damage.h"

#define REWRITTEN_S 86400		/* worth a word for so long */

struct facts {
	struct status_fact *out;
	size_t n;
};

static void
add(struct facts *f, enum status_kind kind, enum status_level level, int64_t since_s, size_t index)
{
	if (f->n < STATUS_FACTS)	/* with that many troubles the first are enough */
		f->out[f->n++] = (struct status_fact){ kind, level, since_s, index };
}

static void
add_stored(struct facts *f, const struct status *s)
{
	switch (s->stored.state) {
	case STORED_OK:
		break;
	case STORED_FULL:
		add(f, STATUS_DISK_FULL, STATUS_BAD, 0, 0);
		break;
	case STORED_ABSENT:
	case STORED_REMOVED:
	case STORED_EMPTY:
	case STORED_DAMAGED:
	case STORED_FORBIDDEN:
	case STORED_NEWER:
	case STORED_OLDER:
	case STORED_BUSY:
		add(f, STATUS_DATABASE, STATUS_BAD, 0, 0);
		break;
	}
	if (damage_now(s) == DAMAGE_NEW)
		add(f, STATUS_WAS_DAMAGED, STATUS_BAD, s->stored.damage_s, 0);
	else if (damage_now(s) != DAMAGE_NONE)
		add(f, STATUS_WAS_DAMAGED, STATUS_NOTE, 0, 0);
	if (s->stored.rewritten_s != 0 && s->now_s - s->stored.rewritten_s < REWRITTEN_S)
		add(f, STATUS_REWRITTEN, STATUS_NOTE, s->stored.rewritten_s, 0);
	if (s->stored.rows_bad > 0)
		add(f, STATUS_ROWS_BAD, STATUS_BAD, 0, 0);
}

static void
add_watched(struct facts *f, const struct status *s)
{
	const struct status_watched *w = &s->watched;
	bool blind = false, any = false;

	switch (w->state) {
	case WATCHED_YES:
	case WATCHED_UNKNOWN:
		break;
	case WATCHED_NEVER:
		add(f, STATUS_NEVER_WATCHED, STATUS_BAD, 0, 0);
		return;
	case WATCHED_SILENT:
		add(f, STATUS_SILENT, STATUS_BAD, w->last_s, 0);
		break;
	case WATCHED_REPLAY:
		add(f, STATUS_REPLAY, STATUS_NOTE, 0, 0);
		break;
	}
	for (size_t i = 0; i < w->n_captures; i++) {
		if (w->captures[i].down_s != 0)
			add(f, STATUS_CAPTURE_DOWN, STATUS_BAD, w->captures[i].down_s, i);
		any |= w->captures[i].frames != 0 || !w->captures[i].counted;
		blind |= w->captures[i].down_s != 0;
	}
	for (size_t i = 0; i < w->n_alarms; i++)
		add(f, STATUS_DECOY, STATUS_BAD, w->alarms[i].since_s, i);
	for (size_t i = 0; i < w->n_processes; i++)
		if (w->processes[i].gone)
			add(f, STATUS_PROCESS, STATUS_BAD, 0, i);
	for (size_t i = 0; i < w->n_complaints; i++)
		add(f, STATUS_COMPLAINT, STATUS_BAD, 0, i);
	if (w->n_captures > 0 && !any && !blind && w->state != WATCHED_REPLAY) {
		if (w->accepts_unseen > 0)
			add(f, STATUS_ACCEPTS_UNSEEN, STATUS_BAD, 0, 0);
		else
			add(f, STATUS_CAPTURE_EMPTY, STATUS_NOTE, 0, 0);
	}
	if (s->recently_blind && !blind)
		add(f, STATUS_WAS_BLIND, STATUS_NOTE, s->blind_s, 0);
}

static bool
doubted(const struct status *s, enum doubt doubt)
{
	for (unsigned i = 0; i < DOUBT_N; i++)
		if (1U << i == (unsigned)doubt)
			return s->judged.doubts[i].held;
	return false;
}

static void
add_judged(struct facts *f, const struct status *s)
{
	static const struct { enum doubt doubt; enum status_level level; } doubts[] = {
		{ DOUBT_REAL_UNKNOWN, STATUS_BAD }, { DOUBT_OVERFLOW, STATUS_NOTE }, { DOUBT_CLOCK_STEP, STATUS_NOTE },
		{ DOUBT_START_GRACE, STATUS_NOTE }, { DOUBT_TABLE_FULL, STATUS_BAD }, { DOUBT_BLIND, STATUS_BAD },
		{ DOUBT_REAL_DOWN, STATUS_BAD },
	};
	const struct status_judged *j = &s->judged;
	bool down = false, blind = false;

	for (size_t i = 0; i < j->n_reals; i++) {
		down |= j->reals[i].state == REAL_DOWN;
		if (j->reals[i].state == REAL_DOWN)
			add(f, STATUS_REAL_DOWN, STATUS_BAD, j->reals[i].since_s, i);
		else if (j->reals[i].state == REAL_UNSEEN_DAY && j->real_never == UINT32_MAX)
			add(f, STATUS_REAL_QUIET, STATUS_NOTE, 0, i);
	}
	for (size_t i = 0; i < s->watched.n_captures; i++)
		blind |= s->watched.captures[i].down_s != 0;
	for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
		/* Where its cause stands already, that is enough. */
		if (!doubted(s, doubts[i].doubt) || (doubts[i].doubt == DOUBT_REAL_DOWN && down) ||
		    (doubts[i].doubt == DOUBT_BLIND && blind))
			continue;
		add(f, STATUS_DOUBT, doubts[i].level, 0, (size_t)doubts[i].doubt);
	}
	if (doubted(s, DOUBT_DROPS))
		add(f, STATUS_DROPS, STATUS_BAD, 0, 0);
	if (doubted(s, DOUBT_NEW_LAYOUT))
		add(f, STATUS_LAYOUT, STATUS_NOTE, j->layout_since_s, 0);
	if (j->all_allowed)
		add(f, STATUS_ALL_ALLOWED, STATUS_BAD, 0, 0);
	if (j->real_never != UINT32_MAX)
		add(f, STATUS_REAL_NEVER, j->real_elsewhere ? STATUS_BAD : STATUS_NOTE, 0, j->real_never);
	if (j->attempts >= 5 && j->unanswered == j->attempts)
		add(f, STATUS_UNANSWERED, STATUS_BAD, 0, 0);
}

/* A set without any decoy was not meant to list anybody. */
static void
add_bars(struct facts *f, const struct status_judged *j)
{
	for (size_t i = 0; i < j->n_bars; i++)
		if (j->bars[i].trapped)
			add(f, STATUS_NOT_LISTABLE, j->bars[i].everywhere ? STATUS_BAD : STATUS_NOTE, 0, i);
}

static void
add_published(struct facts *f, const struct status *s)
{
	const struct status_published *p = &s->published;

	if (p->gate.held)
		add(f, STATUS_HELD, STATUS_BAD, p->gate.base_s, 0);
	if (p->state == PUBLISHED_OFF)
		add(f, STATUS_OBSERVING, STATUS_NOTE, 0, 0);
	else if (p->state == PUBLISHED_YOUNG)
		add(f, STATUS_YOUNG, STATUS_NOTE, 0, 0);
	if (s->firewall == FIREWALL_OFF)
		add(f, STATUS_FIREWALL_OFF, STATUS_NOTE, 0, 0);
	else if (s->firewall == FIREWALL_LATE)
		add(f, STATUS_FIREWALL_LATE, STATUS_NOTE, 0, 0);
}

static void
add_fetched(struct facts *f, const struct status *s)
{
	const struct status_fetched *t = &s->fetched;

	if (s->watched.state == WATCHED_REPLAY)
		return;
	if (s->published.state == PUBLISHED_YES && s->list.n_listed > 0 && t->newest_s == 0 && !t->own)
		add(f, STATUS_NO_CONSUMER, STATUS_NOTE, 0, 0);
	else if (status_unused(s))
		add(f, STATUS_UNUSED, STATUS_NOTE, 0, 0);
	if (t->behind > 0 && s->published.state == PUBLISHED_YES)
		add(f, STATUS_BEHIND, STATUS_NOTE, 0, 0);
	if (s->at_risk > 0)
		add(f, STATUS_AT_RISK, STATUS_NOTE, 0, 0);
}

size_t
status_facts(const struct status *s, struct status_fact out[static STATUS_FACTS])
{
	struct facts f = { out, 0 };

	add_stored(&f, s);
	/* Of a database that cannot be read nothing else is known. */
	if (status_readable(s)) {
		add_watched(&f, s);
		/* A silent watch's last word on judging is old. */
		if (s->watched.state != WATCHED_NEVER && s->watched.state != WATCHED_SILENT)
			add_judged(&f, s);
		add_bars(&f, &s->judged);
		add_published(&f, s);
		add_fetched(&f, s);
	}
	if (f.n == 0)
		add(&f, STATUS_WELL, STATUS_GOOD, 0, 0);
	for (size_t i = 1; i < f.n; i++)
		for (size_t k = i; k > 0 && out[k].level > out[k - 1].level; k--) {
			struct status_fact swap = out[k];

			out[k] = out[k - 1];
			out[k - 1] = swap;
		}
	return f.n;
}
