/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_check.c - whatever needs more than one value to be judged.
 *
 * Addresses given twice, decoys where no stranger can come by, ladders that would
 * catch honest mail.  The rules of a ladder are core's (ladder_finish); here they
 * get words and a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_text.h"
#include "mxtrap/never.h"

void
config_places_add(struct config_source *source, struct config_places *places,
    const struct config_place *place)
{
	if (places->n == places->cap) {
		size_t cap = places->cap == 0 ? 64 : places->cap * 2;
		struct config_place *grown = realloc(places->place, cap * sizeof(*grown));

		if (grown == NULL) {
			config_wrong(source, place->line,
			    "found no memory for this, expected some");
			return;
		}
		places->place = grown;
		places->cap = cap;
	}
	places->place[places->n++] = *place;
}

static unsigned
line_of(const struct config_places *rungs, size_t set, const char *exchanger)
{
	for (size_t i = 0; i < rungs->n; i++)
		if (rungs->place[i].set == set && strcmp(rungs->place[i].exchanger, exchanger) == 0)
			return rungs->place[i].line;
	return 1;
}

static int
by_address(const void *a, const void *b)
{
	const struct config_place *x = a, *y = b;
	int order = memcmp(x->addr.b, y->addr.b, sizeof(x->addr.b));

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* An address is one rung of one set, or a control address, and never two of them. */
static void
check_addresses(struct config_source *source, const struct config_places *places)
{
	size_t n = places->n;
	struct config_place *sorted = n == 0 ? NULL : calloc(n, sizeof(*sorted));
	char text[ADDR_TEXT_SIZE], where[CONFIG_FILE_SIZE];

	if (sorted == NULL)
		return;
	memcpy(sorted, places->place, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_address);
	for (size_t i = 1; i < n; i++)
		if (addr_equal(&sorted[i - 1].addr, &sorted[i].addr))
			config_found(source, sorted[i].line, addr_format(&sorted[i].addr, text),
			    "each address once (it is in %s already)",
			    config_line(source, sorted[i - 1].line, where));
	free(sorted);
}

static const struct exchanger *
exchanger_of(const struct ladder *ladder, const struct config_place *place)
{
	const struct mxset *set;

	if (place->set >= ladder->n_sets)
		return NULL;
	set = &ladder->sets[place->set];
	for (size_t i = 0; i < set->n_exchangers; i++)
		if (strcmp(set->exchangers[i].name, place->exchanger) == 0)
			return &set->exchangers[i];
	return NULL;
}

/* Of nobody but the network it is in: RFC 1918, 6598, 3927, 4193; loopback; link-local. */
static bool
is_private(const struct addr *a)
{
	const uint8_t *b = addr_is_v4(a) ? a->b + 12 : a->b;

	if (!addr_is_v4(a))
		return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
	return b[0] == 10 || b[0] == 127 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
	    (b[0] == 100 && (b[1] & 0xc0) == 64) || (b[0] == 169 && b[1] == 254);
}

/* Has each private address of that family a public one beside it? */
static bool
has_public(const struct exchanger *x, bool v4)
{
	size_t private = 0, public = 0;

	for (size_t i = 0; i < x->n_addrs; i++)
		private += addr_is_v4(&x->addrs[i]) == v4 && is_private(&x->addrs[i]);
	for (size_t i = 0; i < x->n_public; i++)
		public += addr_is_v4(&x->public[i]) == v4;
	return public >= private && public > 0;
}

/* A stranger must be able to come by, or the decoy sees only ourselves. */
static void
check_special(struct config_source *source, const struct config *config,
    const struct config_places *places)
{
	char text[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < places->n; i++) {
		const struct config_place *place = &places->place[i];
		const struct exchanger *x = exchanger_of(&config->ladder, place);
		struct prefix what = prefix_of(&place->addr, 128);

		if (place->is_public && is_private(&place->addr))
			config_found(source, place->line, addr_format(&place->addr, text),
			    "the address that the Internet sees (public)");
		if (!config->special_purpose || place->is_public)
			continue;
		if (x != NULL && x->role == ROLE_REAL)
			continue;	/* a real MX may stand behind a translator */
		/* Behind 1:1 NAT, as in a cloud: strangers come to the public one, and the wire shows this one. */
		if (x != NULL && is_private(&place->addr) && has_public(x, addr_is_v4(&place->addr)))
			continue;
		if (never_special(&what))
			config_found(source, place->line, addr_format(&place->addr, text),
			    "a public address for a decoy (it is private or special-purpose; behind 1:1 NAT name the "
			    "public address of each beside it: public = { \"...\" }; a laboratory says allow { special-purpose = no })");
	}
}

/* Names that must differ: sets, and the exchangers of a set (whose rows follow their set's). */
static void
check_names(struct config_source *source, const struct ladder *ladder,
    const struct config_places *rungs)
{
	char where[CONFIG_FILE_SIZE];

	for (size_t i = 0; i < rungs->n; i++) {
		const struct config_place *place = &rungs->place[i];
		const char *set = ladder->sets[place->set].name;

		for (size_t k = i; place->exchanger[0] != '\0' && k-- > 0;) {
			const struct config_place *other = &rungs->place[k];

			if (other->exchanger[0] == '\0')
				break;
			if (strcmp(other->exchanger, place->exchanger) == 0)
				config_found(source, place->line, place->exchanger,
				    "each exchanger of mx-set \"%s\" once (also in %s)", set,
				    config_line(source, other->line, where));
		}
		for (size_t k = 0; place->exchanger[0] == '\0' && set[0] != '\0' && k < place->set; k++)
			if (strcmp(ladder->sets[k].name, set) == 0)
				config_found(source, place->line, set,
				    "each mx-set once (also in %s)",
				    config_line(source, line_of(rungs, k, ""), where));
	}
}

struct domain {
	const char *name;
	size_t	    set;
};

static int
by_name(const void *a, const void *b)
{
	const struct domain *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : (x->set > y->set) - (x->set < y->set);
}

/* A domain publishes one MX set. */
static void
check_domains(struct config_source *source, const struct ladder *ladder,
    const struct config_places *rungs)
{
	size_t n = 0, k = 0;
	struct domain *all;

	for (size_t i = 0; i < ladder->n_sets; i++)
		n += ladder->sets[i].n_domains;
	all = n == 0 ? NULL : calloc(n, sizeof(*all));
	if (all == NULL)
		return;
	for (size_t i = 0; i < ladder->n_sets; i++)
		for (size_t j = 0; j < ladder->sets[i].n_domains; j++)
			all[k++] = (struct domain){ ladder->sets[i].domains[j], i };
	qsort(all, n, sizeof(*all), by_name);
	for (size_t i = 1; i < n; i++)
		if (strcmp(all[i - 1].name, all[i].name) == 0)
			config_found(source, line_of(rungs, all[i].set, ""), all[i].name,
			    "each domain once (it is in mx-set \"%s\" already)",
			    ladder->sets[all[i - 1].set].name);
	free(all);
}

/* A set's real exchangers, and each decoy's place before or behind all of them. */
static void
check_order(struct config_source *source, const struct mxset *s, const struct config_places *rungs, size_t set)
{
	unsigned low = UINT16_MAX, high = 0;
	bool real = false;

	for (size_t i = 0; i < s->n_exchangers; i++) {
		const struct exchanger *x = &s->exchangers[i];

		if (x->role != ROLE_REAL)
			continue;
		real = true;
		low = x->preference < low ? x->preference : low;
		high = x->preference > high ? x->preference : high;
	}
	if (!real)
		config_wrong(source, line_of(rungs, set, ""), "found nothing but decoys in mx-set \"%s\", expected an "
		    "exchanger of role \"real\": mail would be lost", s->name);
	for (size_t i = 0; i < s->n_exchangers && real; i++) {
		const struct exchanger *x = &s->exchangers[i];

		if (x->role == ROLE_BOGUS ? x->preference <= high :
		    x->role == ROLE_NOLISTING && x->preference >= low)
			config_wrong(source, line_of(rungs, set, x->name),
			    "found preference %u for %s exchanger \"%s\", expected one %s that of "
			    "every real exchanger: honest mail would go to it", x->preference,
			    role_name((enum role)x->role), x->name, x->role == ROLE_BOGUS ? "above" : "below");
	}
}

/* Each set that has no fault of its own: of another one, what seems missing may be what was unreadable. */
static void
check_orders(struct config_source *source, const struct ladder *ladder, const struct config_places *rungs)
{
	for (size_t i = 0; i < rungs->n; i++) {
		const struct config_place *place = &rungs->place[i];

		if (place->exchanger[0] == '\0' && !place->broken && place->set < ladder->n_sets)
			check_order(source, &ladder->sets[place->set], rungs, place->set);
	}
}

/* What is left for core to say, once everything else is right. */
static void
check_ladder(struct config_source *source, struct ladder *ladder, const struct config_places *rungs)
{
	size_t set = 0, exchanger = 0;
	enum ladder_result result = ladder_finish(ladder, &set, &exchanger);
	unsigned line = set < ladder->n_sets ? line_of(rungs, set, "") : 1;

	switch (result) {
	case LADDER_OK:
		return;
	case LADDER_FULL:
		config_wrong(source, line,
		    "found too many addresses or exchangers, expected at most "
		    "%d addresses in all", MXSET_MAX_TARGETS);
		return;
	case LADDER_NO_MEMORY:
		config_wrong(source, line, "found no memory for the MX sets, expected some");
		return;
	case LADDER_DUPLICATE:
		config_wrong(source, line, "found an address twice, expected each address once");
		return;
	case LADDER_NO_REAL:
	case LADDER_DECOY_MISPLACED:
		break;
	}
	config_wrong(source, line, "found a decoy level with or between real exchangers, expected "
	    "nolisting below and bogus above");
}

static void
check_answering(struct config_source *source, const struct ladder *ladder)
{
	size_t n = 0;

	for (size_t i = 0; i < ladder->n_targets; i++)
		n += ladder->targets[i].answer != ANSWER_NONE;
	if (n > CONFIG_MAX_ANSWERING)
		config_wrong(source, 1, "found %zu addresses that answer, expected at most %d", n,
		    CONFIG_MAX_ANSWERING);
}

/* A witness that nobody hears would be a doubt for ever. */
static void
check_witness(struct config_source *source, const struct config *config, const struct config_places *rungs)
{
	for (size_t i = 0; i < config->ladder.n_sets; i++) {
		const struct mxset *s = &config->ladder.sets[i];

		for (size_t j = 0; j < s->n_exchangers; j++)
			if (s->exchangers[j].witness == WITNESS_POSTFIX)
				config_wrong(source, line_of(rungs, i, s->exchangers[j].name),
				    "found witness = \"postfix\" for exchanger \"%s\", expected a postfix section that it can ask",
				    s->exchangers[j].name);
	}
}

void
config_check(struct config_source *source, struct config *config,
    const struct config_places *places,
    const struct config_places *rungs, bool postfix)
{
	check_names(source, &config->ladder, rungs);
	check_domains(source, &config->ladder, rungs);
	check_addresses(source, places);
	check_special(source, config, places);
	check_orders(source, &config->ladder, rungs);
	if (!postfix)
		check_witness(source, config, rungs);
	if (source->errors == 0)
		check_ladder(source, &config->ladder, rungs);
	if (source->errors == 0)
		check_answering(source, &config->ladder);
}
