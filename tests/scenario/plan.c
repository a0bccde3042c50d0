/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan.c - climbs: what a sender does in one go, and the times at which it does so.
 *
 * A queue that retries for days, beside others, is one line for its climb and one for its
 * schedule; what is planned happens in its time, between the lines of the scenario.
 */
#include <stdlib.h>
#include <string.h>

#include "script.h"

struct step {
	int64_t	    after_us;		/* the begin of the climb */
	struct addr src;
	const struct target *target;
	enum deed   deed;
	unsigned    n_syns;
};

struct climb {
	char   name[32];
	size_t n;
	struct step steps[MAX_WORDS];
};

struct deed_to_come {
	int64_t	time_us;
	size_t	order;			/* as written, among those of one time */
	const struct step *step;
};

struct plan {
	struct climb *climbs[MAX_CLIMBS];
	size_t n_climbs, n, done, cap;
	bool   sorted;
	struct deed_to_come *deeds;
};

static int
by_time(const void *a, const void *b)
{
	const struct deed_to_come *x = a, *y = b;

	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static struct plan *
plan_of(struct script *s)
{
	if (s->plan == NULL)
		s->plan = calloc(1, sizeof(*s->plan));
	if (s->plan == NULL)
		abort();
	return s->plan;
}

void
plan_free(struct script *s)
{
	if (s->plan == NULL)
		return;
	for (size_t i = 0; i < s->plan->n_climbs; i++)
		free(s->plan->climbs[i]);
	free(s->plan->deeds);
	free(s->plan);
}

static void
to_come(struct plan *p, int64_t time_us, const struct step *step)
{
	if (p->n == p->cap) {
		p->cap = p->cap == 0 ? 256 : p->cap * 2;
		p->deeds = realloc(p->deeds, p->cap * sizeof(*p->deeds));
		if (p->deeds == NULL)
			abort();
	}
	p->deeds[p->n] = (struct deed_to_come){ time_us, p->n, step };
	p->n++;
	p->sorted = false;
}

void
plan_until(struct script *s, int64_t us)
{
	struct plan *p = s->plan;

	if (p == NULL || s->now_us < 0)
		return;
	if (!p->sorted && p->n > p->done)
		qsort(p->deeds + p->done, p->n - p->done, sizeof(p->deeds[0]), by_time);
	p->sorted = true;
	for (; p->done < p->n && p->deeds[p->done].time_us <= us; p->done++) {
		const struct deed_to_come *d = &p->deeds[p->done];

		world_act(&s->world, d->time_us, &d->step->src, d->step->target, d->step->deed, d->step->n_syns);
	}
}

/* climb NAME [+SPAN] ADDRESS DEED EXCHANGER [xN] ...: +SPAN more than 25 ms after the step before. */
void
plan_climb(struct script *s)
{
	struct plan *p = plan_of(s);
	struct climb *c = calloc(1, sizeof(*c));
	int64_t at = 0, span;

	script_begin(s);
	if (c == NULL || p->n_climbs == MAX_CLIMBS || s->now_us < 0 || s->n < 5) {
		free(c);
		fault(s, "expected: climb NAME [+SPAN] ADDRESS DEED EXCHANGER [xN] ..., at most %d", MAX_CLIMBS);
		return;
	}
	p->climbs[p->n_climbs++] = c;
	strncpy(c->name, s->words[1], sizeof(c->name) - 1);
	for (int i = 2; i < s->n;) {
		struct step *step = &c->steps[c->n];

		if (s->words[i][0] == '+' && parse_span(s->words[i] + 1, &span)) {
			at += span;
			i++;
			continue;
		}
		step->after_us = at;
		step->n_syns = 1;
		if (i + 2 >= s->n || !addr_parse(&step->src, s->words[i]) || !parse_deed(s->words[i + 1], &step->deed) ||
		    (step->target = script_target(s, s->words[i + 2], &step->src)) == NULL) {
			fault(s, "found %s, expected +SPAN, or ADDRESS DEED EXCHANGER of its family", s->words[i]);
			return;
		}
		i += 3;
		if (i < s->n && s->words[i][0] == 'x' && atoi(s->words[i] + 1) > 0)
			step->n_syns = (unsigned)atoi(s->words[i++] + 1);
		c->n++;
		at += 25000;		/* a round trip: it waited for an answer */
	}
}

static void
begin_climb(struct script *s, const struct climb *c, int64_t us)
{
	if (us + WORLD_BEGIN_US < s->now_us) {
		fault(s, "found a time that lies before what was there already");
		return;
	}
	for (size_t i = 0; i < c->n; i++)
		to_come(s->plan, us + WORLD_BEGIN_US + c->steps[i].after_us, &c->steps[i]);
}

/* run NAME at TIME...   or   run NAME every SPAN from TIME to TIME */
void
plan_run(struct script *s)
{
	struct plan *p = plan_of(s);
	const struct climb *c = NULL;
	int64_t us, every, to;

	for (size_t i = 0; s->n > 1 && i < p->n_climbs; i++)
		if (strcmp(p->climbs[i]->name, s->words[1]) == 0)
			c = p->climbs[i];
	if (c != NULL && s->n > 3 && word_is(s, 2, "at")) {
		for (int i = 3; i < s->n; i++) {
			if (!parse_span(s->words[i], &us))
				fault(s, "found %s, expected a time", s->words[i]);
			else
				begin_climb(s, c, us);
		}
		return;
	}
	if (c == NULL || s->n != 8 || !word_is(s, 2, "every") || !parse_span(s->words[3], &every) || every <= 0 ||
	    !parse_span(s->words[5], &us) || !parse_span(s->words[7], &to)) {
		fault(s, "expected: run CLIMB at TIME ..., or run CLIMB every SPAN from TIME to TIME");
		return;
	}
	for (; us <= to; us += every)
		begin_climb(s, c, us);
}
