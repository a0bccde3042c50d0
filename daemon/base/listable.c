/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listable.c - why nobody can be listed with a configuration that is otherwise valid.
 *
 * The rules mirror the judge's: only a proven touch of the bogus rung weighs, its grade must be at
 * least list-on, and the order in which a sender came counts only where it can be seen.
 */
#include "mxtrap/listable.h"

#include <ifaddrs.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_S 3600.0
#define LOCAL_TOLD 8			/* addresses that are elsewhere, named one by one */

struct facts {				/* of one set */
	size_t	n_bogus;
	bool	answers, talks;
	bool	decoy;			/* has one of either kind */
	bool	real_seen;		/* by the wire, or its MTA tells */
	bool	low_unseen;
};

static void
look_at(const struct mxset *s, struct facts *f)
{
	bool low = false;

	*f = (struct facts){ 0 };
	for (size_t i = 0; i < s->n_exchangers; i++) {
		const struct exchanger *x = &s->exchangers[i];

		f->n_bogus += x->role == ROLE_BOGUS && x->n_addrs > 0;
		f->answers |= x->role == ROLE_BOGUS && x->answer != ANSWER_NONE;
		f->talks |= x->role == ROLE_BOGUS && x->answer == ANSWER_DIALOGUE;
		f->decoy |= x->role == ROLE_BOGUS || x->role == ROLE_NOLISTING;
		f->real_seen |= x->role == ROLE_REAL && x->witness != WITNESS_NONE;
		low |= x->role == ROLE_NOLISTING && x->witness == WITNESS_WIRE;
	}
	f->low_unseen = f->real_seen && !low && (s->has_nolisting || !s->real_on_wire);
}

/* The highest sum that these points reach, once an hour, for ever. */
static bool
reaches(const struct judge_params *judge, double points)
{
	double kept = exp2(-HOUR_S / judge->half_life_s), sum = kept < 1.0 ? points / (1.0 - kept) : JUDGE_SUM_MAX;

	return points > 0 && fmin(sum, (double)JUDGE_SUM_MAX) >= judge_upper(judge);
}

/* LISTABLE_N_KINDS: somebody can be. */
static enum listable_kind
bar_of(const struct config *c, const struct mxset *s, struct facts *f)
{
	const float *points = c->judge.points_score;
	double order, talk;

	look_at(s, f);
	if (f->n_bogus == 0)
		return LISTABLE_NO_BOGUS;
	if (!f->answers)
		return LISTABLE_NO_ANSWER;
	if (c->judge.list_on >= GRADE_ADDRESSED && !f->talks)
		return LISTABLE_NO_DIALOGUE;
	order = fmax((double)points[EVIDENCE_BACKUP_FIRST], 0);
	talk = f->talks ? fmax((double)points[EVIDENCE_EARLY_TALKER], 0) + fmax((double)points[EVIDENCE_BAD_HELO], 0) : 0;
	if (!reaches(&c->judge, order + talk))
		return LISTABLE_NO_POINTS;
	if (s->bogus_near)
		return LISTABLE_N_KINDS;
	return !f->real_seen ? LISTABLE_NO_WITNESS : f->low_unseen ? LISTABLE_LOW_UNSEEN : LISTABLE_FAR;
}

/* -- what the allow-list covers -- */

struct span {
	uint64_t from, to;		/* the upper 64 bits of IPv6; IPv4 as it is */
};

static int
by_from(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

static bool
covers(struct span *spans, size_t n, uint64_t last)
{
	uint64_t next = 0;

	if (n > 1)
		qsort(spans, n, sizeof(*spans), by_from);
	for (size_t i = 0; i < n && spans[i].from <= next; i++) {
		if (spans[i].to >= last)
			return true;
		if (spans[i].to >= next)
			next = spans[i].to + 1;
	}
	return false;
}

static bool
covers_family(const struct prefix *prefixes, size_t n, bool v4, struct span *spans)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		const struct prefix *p = &prefixes[i];
		uint64_t at = 0;
		unsigned len;

		if (addr_is_v4(&p->addr) != v4 || p->len > (v4 ? 128 : 64) || (v4 && p->len < 96))
			continue;
		for (unsigned b = v4 ? 12 : 0; b < (v4 ? 16U : 8U); b++)
			at = at << 8 | p->addr.b[b];
		len = v4 ? p->len - 96U : p->len;
		spans[k++] = (struct span){ at, v4 ? at | (0xffffffffULL >> len) : len == 64 ? at : at | UINT64_MAX >> len };
	}
	return covers(spans, k, v4 ? UINT32_MAX : UINT64_MAX);
}

void
listable_covered(const struct prefix *prefixes, size_t n, bool *v4, bool *v6)
{
	struct span *spans = n == 0 ? NULL : calloc(n, sizeof(*spans));
	const struct addr v4_zero = addr_from_v4((const uint8_t[4]){ 0 });

	*v4 = spans != NULL && covers_family(prefixes, n, true, spans);
	*v6 = spans != NULL && covers_family(prefixes, n, false, spans);
	/* ::/0 holds the block in which IPv4 is written, too. */
	for (size_t i = 0; i < n && spans != NULL; i++)
		*v4 |= !addr_is_v4(&prefixes[i].addr) && prefix_contains(&prefixes[i], &v4_zero);
	free(spans);
}

/* Is every address by which a bogus exchanger can be reached of a family that is allowed as a whole? */
static bool
all_allowed(const struct config *c)
{
	bool v4, v6, any = false;

	listable_covered(c->allow, c->n_allow, &v4, &v6);
	if (!v4 && !v6)
		return false;
	for (size_t i = 0; i < c->ladder.n_targets; i++) {
		if (c->ladder.targets[i].role != ROLE_BOGUS)
			continue;
		any = true;
		if (!(addr_is_v4(&c->ladder.targets[i].addr) ? v4 : v6))
			return false;
	}
	return any;
}

size_t
listable_bars(const struct config *c, struct listable_bar out[static LISTABLE_N_KINDS])
{
	struct listable_bar bars[LISTABLE_N_KINDS];
	size_t n = 0;

	memset(bars, 0, sizeof(bars));
	if (all_allowed(c)) {
		out[0] = (struct listable_bar){ .kind = LISTABLE_ALLOWED, .everywhere = true, .trapped = true };
		return 1;
	}
	for (size_t i = 0; i < c->ladder.n_sets; i++) {
		struct facts f;
		enum listable_kind kind = bar_of(c, &c->ladder.sets[i], &f);

		if (kind == LISTABLE_N_KINDS)
			continue;
		if (bars[kind].n_sets++ == 0)
			bars[kind].set = i;
		bars[kind].trapped |= f.decoy;
	}
	for (size_t k = 0; k < LISTABLE_N_KINDS; k++) {
		if (bars[k].n_sets == 0)
			continue;
		bars[k].kind = (enum listable_kind)k;
		bars[k].everywhere = bars[k].n_sets == c->ladder.n_sets;
		bars[k].trapped |= bars[k].everywhere;
		out[n++] = bars[k];
	}
	return n;
}

static const struct { const char *whom, *because; } WORDS[LISTABLE_N_KINDS] = {
	[LISTABLE_NO_BOGUS] = { "", "there is no exchanger of role \"bogus\": what weighs against a sender is earned there" },
	[LISTABLE_NO_ANSWER] = { "", "every bogus exchanger has answer = \"none\": nothing can be proven there "
	    "(expected answer = \"dialogue\")" },
	[LISTABLE_NO_DIALOGUE] = { "", "list-on = \"addressed\" needs the recipient's name, and no bogus exchanger has "
	    "answer = \"dialogue\"" },
	[LISTABLE_NO_WITNESS] = { " for its order", "every real exchanger has witness = \"none\": nothing shows who came "
	    "there first (expected witness = \"wire\" or \"postfix\")" },
	[LISTABLE_FAR] = { " for its order", "a bogus address shares no network with an exchanger that is watched "
	    "(expected the same /24 or /48, or the same `network`)" },
	[LISTABLE_LOW_UNSEEN] = { " for its order", "the lowest exchanger is not watched on the wire: who came there first "
	    "is not known" },
	[LISTABLE_NO_POINTS] = { "", "the points of all that can be held against it never reach the threshold (judge { })" },
	[LISTABLE_ALLOWED] = { "", "the allow section covers every address that can reach a bogus exchanger" },
};

const char *
listable_sentence(const struct config *c, const struct listable_bar *bar, char buf[static LISTABLE_SIZE])
{
	char where[160] = "";

	if (!bar->everywhere && bar->set < c->ladder.n_sets)
		(void)snprintf(where, sizeof(where), bar->n_sets > 1 ? " in mx-set \"%.80s\" and %zu more" : " in mx-set \"%.80s\"",
		    c->ladder.sets[bar->set].name, bar->n_sets - 1);
	(void)snprintf(buf, LISTABLE_SIZE, "With this configuration nobody can be listed%s%s, because %s.", WORDS[bar->kind].whom,
	    where, WORDS[bar->kind].because);
	return buf;
}

/* -- what is elsewhere -- */

static bool
is_local(const struct ifaddrs *all, const struct addr *a)
{
	for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		struct addr own;

		if (i->ifa_addr == NULL)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			own = addr_from_v4((const uint8_t *)&((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr);
		else if (i->ifa_addr->sa_family == AF_INET6)
			own = addr_from_v6(((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr.s6_addr);
		else
			continue;
		if (addr_equal(&own, a))
			return true;
	}
	return false;
}

static size_t
warn_elsewhere(const struct config *c, bool (*each)(void *, const char *), void *ctx)
{
	struct ifaddrs *all;
	size_t n = 0, here = 0;
	bool go = true;

	if (getifaddrs(&all) != 0)
		return 0;
	for (size_t i = 0; i < c->ladder.n_targets; i++)
		here += is_local(all, &c->ladder.targets[i].addr);
	for (size_t i = 0; i < c->ladder.n_targets && go && n < LOCAL_TOLD && here > 0; i++) {
		const struct target *t = &c->ladder.targets[i];
		char text[LISTABLE_SIZE], addr[ADDR_TEXT_SIZE];

		if (t->role == ROLE_CONTROL || t->witness != WITNESS_WIRE || is_local(all, &t->addr))
			continue;
		(void)snprintf(text, sizeof(text), "The %s exchanger %.100s (%s) has witness = \"wire\", and this host does not have "
		    "its address: unless its traffic passes an interface that is watched, %s.", role_name((enum role)t->role),
		    c->ladder.sets[t->set].exchangers[t->exchanger].name, addr_format(&t->addr, addr),
		    t->role == ROLE_REAL ? "who came there first is not known (then set witness = \"none\" or \"postfix\")" :
		    "who came there is not seen");
		n++;
		go = each(ctx, text);
	}
	freeifaddrs(all);
	if (here == 0 && c->ladder.n_targets > 0) {
		n++;
		(void)each(ctx, "This host has none of the exchangers' addresses: mxtrap sees only what passes the interfaces "
		    "that it watches.");
	}
	return n;
}

size_t
listable_warn(const struct config *c, bool (*each)(void *, const char *), void *ctx)
{
	struct listable_bar bars[LISTABLE_N_KINDS];
	size_t n = listable_bars(c, bars);
	char text[LISTABLE_SIZE];

	for (size_t i = 0; i < n; i++)
		if (!each(ctx, listable_sentence(c, &bars[i], text)))
			return n;
	return n + warn_elsewhere(c, each, ctx);
}
