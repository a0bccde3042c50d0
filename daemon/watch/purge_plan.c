/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * purge_plan.c - which pieces of evidence a purge means: found in the database, less what was
 * taken back before, what was forgotten since, and what another decoy gave.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "purge.h"

#define OF_BOGUS (1U << EVIDENCE_BACKUP_FIRST | 1U << EVIDENCE_DESCENDED | 1U << EVIDENCE_DECOYS_ONLY | \
    1U << EVIDENCE_EARLY_TALKER | 1U << EVIDENCE_BAD_HELO)
/* Where a lower rung was wrong, every statement about the order was. */
#define OF_LOWER (1U << EVIDENCE_BACKUP_FIRST | 1U << EVIDENCE_DESCENDED | 1U << EVIDENCE_DECOYS_ONLY | \
    1U << EVIDENCE_IMPATIENT | 1U << EVIDENCE_GAVE_UP)

#define SCORE_TAKEN 2			/* in `revision` of an original: taken back before */
#define HINT_TAKEN  4

#define AROUND_US 2000000		/* a touch is judged a second after it */

struct forgotten { struct prefix what; int64_t time_us; };

struct maker {
	struct purge_plan *plan;
	struct report *report;
	const struct config *config;
	const struct ladder *ladder;
	const struct message_purge *asked;
	int64_t	 now_s;
	uint32_t *kinds;		/* owned; by set: which of its kinds are meant */
	bool	 *several;		/* owned; by set: has other bogus exchangers than the one that is meant */
	struct forgotten *forgotten;	/* owned */
	size_t	 n_forgotten;
	bool	 failed, too_many;
};

void
purge_plan_free(struct purge_plan *p)
{
	free(p->points);
	*p = (struct purge_plan){ .points = NULL };
}

size_t
purge_plan_run(const struct purge_plan *p, size_t at)
{
	size_t n = 1;

	while (at + n < p->n && p->points[at + n].sender == p->points[at].sender)
		n++;
	return n;
}

const char *
purge_says(const struct message_purge *m, char *buf, size_t size)
{
	size_t n = 0;
	time_t since = (time_t)m->since_s;
	struct tm tm;

	buf[0] = '\0';
	if (m->kind != 0)
		n += (size_t)snprintf(buf, size, "evidence %s", evidence_info((enum evidence_kind)(m->kind - 1))->name);
	if (m->exchanger[0] != '\0' && n < size)
		n += (size_t)snprintf(buf + n, size - n, "%sexchanger %s", n > 0 ? ", " : "", m->exchanger);
	if (m->since_s != 0 && n + 40 < size && gmtime_r(&since, &tm) != NULL) {
		n += (size_t)snprintf(buf + n, size - n, "%ssince ", n > 0 ? ", " : "");
		(void)strftime(buf + n, size - n, "%Y-%m-%dT%H:%M:%SZ", &tm);
	}
	return buf;
}

/* Which kinds of each set rest on what is meant.  False: no such exchanger. */
static bool
choose_kinds(struct maker *m)
{
	uint32_t mask = m->asked->kind != 0 ? 1U << (m->asked->kind - 1) : UINT32_MAX;
	bool any = m->asked->exchanger[0] == '\0';

	for (size_t i = 0; i < m->ladder->n_sets; i++) {
		const struct mxset *set = &m->ladder->sets[i];
		unsigned bogus = 0, meant = 0;

		if (m->asked->exchanger[0] == '\0') {
			m->kinds[i] = mask;
			continue;
		}
		for (size_t k = 0; k < set->n_exchangers; k++) {
			const struct exchanger *e = &set->exchangers[k];

			bogus += e->role == ROLE_BOGUS;
			if (strcmp(e->name, m->asked->exchanger) != 0)
				continue;
			any = true;
			meant++;
			m->kinds[i] |= mask & (e->role == ROLE_BOGUS ? OF_BOGUS : OF_LOWER);
			m->several[i] = e->role == ROLE_BOGUS;
		}
		m->several[i] = m->several[i] && bogus > meant;
	}
	return any;
}

static bool
keep_points(void *ctx, const struct report_points *p)
{
	struct maker *m = ctx;
	struct purge_plan *plan = m->plan;

	if (p->set >= m->ladder->n_sets) {
		/* Of no set, or of one that is configured no more: meant where no exchanger is named. */
		if (m->asked->exchanger[0] != '\0' || (m->asked->kind != 0 && p->kind != m->asked->kind - 1))
			return true;
	} else if (p->kind >= 32 || (m->kinds[p->set] & 1U << p->kind) == 0) {
		return true;
	}
	if (!p->revision && (p->score < 0 || p->hint < 0 || p->time_us < m->asked->since_s * 1000000))
		return true;
	if (plan->n == plan->cap) {
		size_t cap = plan->cap == 0 ? 4096 : plan->cap * 2;
		struct report_points *more = plan->n < PURGE_MOST ? realloc(plan->points, cap * sizeof(*more)) : NULL;

		m->too_many = plan->n >= PURGE_MOST;
		if (more == NULL) {
			m->failed = true;
			return false;
		}
		plan->points = more;
		plan->cap = cap;
	}
	plan->points[plan->n++] = *p;
	return true;
}

static bool
keep_forgotten(void *ctx, const struct prefix *what, int64_t time_us)
{
	struct maker *m = ctx;
	struct forgotten *more;

	if ((m->n_forgotten & (m->n_forgotten - 1)) == 0) {
		more = realloc(m->forgotten, (m->n_forgotten == 0 ? 1 : m->n_forgotten * 2) * sizeof(*more));
		if (more == NULL) {
			m->failed = true;
			return false;
		}
		m->forgotten = more;
	}
	m->forgotten[m->n_forgotten++] = (struct forgotten){ *what, time_us };
	return true;
}

/* A revision stands behind what it takes back. */
static int64_t
place(const struct report_points *p)
{
	return p->revision && p->of_us != 0 ? p->of_us : p->time_us;
}

static int
by_sender(const void *a, const void *b)
{
	const struct report_points *x = a, *y = b;

#define DIFFER(left, right) if ((left) != (right)) return (left) < (right) ? -1 : 1
	DIFFER(x->sender, y->sender);
	DIFFER(x->set, y->set);
	DIFFER(x->kind, y->kind);
	DIFFER(place(x), place(y));
	DIFFER(x->revision, y->revision);
#undef DIFFER
	return 0;
}

/* What a revision took back is gone; an old one, which does not say of what, is of the last before it. */
static void
cancel(struct purge_plan *plan, size_t at)
{
	const struct report_points *r = &plan->points[at];

	for (size_t i = at; i-- > 0;) {
		struct report_points *p = &plan->points[i];

		if (p->sender != r->sender || p->set != r->set || p->kind != r->kind)
			return;
		if (p->revision == 1 || (r->of_us != 0 ? p->time_us != r->of_us : p->revision != 0))
			continue;
		p->revision |= (uint8_t)((r->score < 0 ? SCORE_TAKEN : 0) | (r->hint < 0 ? HINT_TAKEN : 0));
		return;
	}
}

struct touched {
	const struct maker *m;
	const struct report_points *p;
	bool	 meant, other;
};

static bool
see_attempt(void *ctx, const struct report_attempt *a)
{
	struct touched *t = ctx;
	const struct target *target;

	if (a->target >= t->m->ladder->n_targets || a->time_us > t->p->time_us ||
	    a->time_us < (t->p->visit_us != 0 ? t->p->visit_us : t->p->time_us) - AROUND_US)
		return true;
	target = &t->m->ladder->targets[a->target];
	if (target->role != ROLE_BOGUS || target->set != t->p->set)
		return true;
	if (strcmp(t->m->ladder->sets[target->set].exchangers[target->exchanger].name, t->m->asked->exchanger) == 0)
		t->meant = true;
	else
		t->other = true;
	return true;
}

/* Did only other bogus exchangers of the set see it?  Whoever cannot be asked any more has the benefit. */
static bool
is_anothers(const struct maker *m, const struct report_points *p)
{
	struct touched t = { .m = m, .p = p };

	if (p->set >= m->ladder->n_sets || !m->several[p->set])
		return false;
	(void)report_attempts(m->report, p->sender, 0, see_attempt, &t);
	return t.other && !t.meant;
}

static bool
was_forgotten(const struct maker *m, const struct report_points *p)
{
	struct prefix what = sender_prefix(p->sender);

	for (size_t i = 0; i < m->n_forgotten; i++)
		if (p->time_us <= m->forgotten[i].time_us && prefix_overlaps(&m->forgotten[i].what, &what))
			return true;
	return false;
}

/* What is on record of a sender, decayed to now. */
struct record { const struct maker *m; float score; };

static bool
add_up(void *ctx, const struct evidence_row *e)
{
	struct record *r = ctx;

	r->score += judge_decay(&r->m->config->judge, e->score, r->m->now_s - e->time_us / 1000000);
	return true;
}

/*
 * A crash can leave the revisions behind and lose the rest of a purge.  A listing that is still open, though
 * what is on record would not have opened it, is such a one: its points are to be taken once more.
 */
static bool
was_cut_short(const struct maker *m, sender_key sender)
{
	const struct prefix p = sender_prefix(sender);
	struct record r = { .m = m };
	struct report_entry e;

	if (report_sender(m->report, &p.addr, m->now_s, &e) != REPORT_OK || e.state != STATE_LISTED)
		return false;
	(void)report_evidence(m->report, sender, 0, add_up, &r);
	return r.score < judge_decay(&m->config->judge, (float)judge_upper(&m->config->judge), m->now_s - e.since_s);
}

/* Only what has points stays. */
static void
narrow(struct maker *m)
{
	struct purge_plan *plan = m->plan;
	size_t n = 0, run;

	for (size_t i = 0; i < plan->n; i++)
		if (plan->points[i].revision == 1)
			cancel(plan, i);
	for (size_t at = 0; at < plan->n; at += run) {
		size_t first = n;
		bool spent = false, again;

		run = purge_plan_run(plan, at);
		for (size_t i = at; i < at + run; i++)
			spent |= (plan->points[i].revision & SCORE_TAKEN) != 0;
		again = spent && was_cut_short(m, plan->points[at].sender);
		for (size_t i = at; i < at + run; i++) {
			struct report_points p = plan->points[i];

			if (p.revision == 1)
				continue;
			if ((p.revision & SCORE_TAKEN) != 0 && !again)
				p.score = 0;
			if ((p.revision & HINT_TAKEN) != 0 && !again)
				p.hint = 0;
			if ((p.score != 0 || p.hint != 0) && !was_forgotten(m, &p) && !is_anothers(m, &p))
				plan->points[n++] = p;
		}
		plan->n_senders += n != first;
	}
	plan->n = n;
}

static bool
gather(struct maker *m, char why[static 200])
{
	enum report_result result;

	if (!choose_kinds(m)) {
		(void)snprintf(why, 200, "no exchanger of the configuration has this name");
		return false;
	}
	result = report_all_points(m->report, keep_points, m);
	if (result <= REPORT_NONE)
		result = report_forgets(m->report, keep_forgotten, m);
	if (m->failed || result > REPORT_NONE) {
		if (m->too_many)
			(void)snprintf(why, 200, "more than %d pieces of evidence: narrow it by --since", PURGE_MOST);
		else
			(void)snprintf(why, 200, "%.150s", m->failed ? "no memory" : report_error(m->report));
		return false;
	}
	if (m->plan->n > 0)
		qsort(m->plan->points, m->plan->n, sizeof(m->plan->points[0]), by_sender);
	narrow(m);
	return true;
}

bool
purge_plan_make(struct purge_plan *plan, const struct config *config, const struct message_purge *asked,
    int64_t now_s, char why[static 200])
{
	struct maker m = { .plan = plan, .config = config, .ladder = &config->ladder, .asked = asked, .now_s = now_s };
	bool ok = false;

	*plan = (struct purge_plan){ .points = NULL };
	m.kinds = calloc(config->ladder.n_sets + 1, sizeof(*m.kinds));
	m.several = calloc(config->ladder.n_sets + 1, sizeof(*m.several));
	if (m.kinds == NULL || m.several == NULL)
		(void)snprintf(why, 200, "no memory");
	else if (report_open(&m.report, config->state_dir, &config->judge) != REPORT_OK)
		(void)snprintf(why, 200, "the database cannot be read");
	else
		ok = gather(&m, why);
	report_close(m.report);
	free(m.kinds);
	free(m.several);
	free(m.forgotten);
	if (!ok)
		purge_plan_free(plan);
	return ok;
}
