/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_ladder.c - the mx-set sections: exchangers, their roles and their addresses.
 *
 * Builds struct ladder unfinished, and remembers which line each rung and address
 * came from, so that config_check() can name it.
 */
#include <string.h>

#include "config_read.h"

static void
read_addresses(struct config_reader *r, const struct config_node *section, const char *key, struct config_place place,
    struct addr **out, size_t *n_out, unsigned max)
{
	unsigned n = config_count(section, key);
	char hint[CONFIG_HINT_SIZE];

	if (n > max) {
		config_wrong(&r->source, config_at(section, key, max).line,
		    "found %u addresses, expected at most %u (%s)", n, max, key);
		return;
	}
	*out = config_array(r, n, sizeof(**out));
	if (*out == NULL)
		return;
	for (unsigned i = 0; i < n; i++) {
		struct config_value value = config_at(section, key, i);

		if (!addr_parse(&place.addr, value.text)) {
			config_found(&r->source, value.line, value.text,
			    "an IPv4 or IPv6 address (%s)%s", key, config_hint_addr(value.text, hint));
			continue;
		}
		(*out)[(*n_out)++] = place.addr;
		place.line = value.line;
		config_places_add(&r->source, &r->places, &place);
	}
}

static void
read_answer(struct config_reader *r, const struct config_node *section, struct exchanger *x)
{
	static const char *const answers[] = { "none", "reset", "dialogue" };
	static const char *const witnesses[] = { "none", "wire", "postfix" };
	struct config_value value;
	int i;

	x->witness = WITNESS_WIRE;
	if (config_has(section, "witness")) {
		value = config_at(section, "witness", 0);
		i = config_choice(r, value, witnesses, 3, "witness");
		x->witness = i == 0 ? WITNESS_NONE : i == 2 ? WITNESS_POSTFIX : WITNESS_WIRE;
		if (i == 2 && x->role != ROLE_REAL)
			config_found(&r->source, value.line, value.text,
			    "\"wire\" or \"none\": only the MTA of a real exchanger asks, this one is %s (witness)", role_name(x->role));
	}
	x->answer = ANSWER_NONE;
	if (!config_has(section, "answer"))
		return;
	value = config_at(section, "answer", 0);
	i = config_choice(r, value, answers, 3, "answer");
	if (i > 0 && x->role != ROLE_BOGUS)
		config_found(&r->source, value.line, value.text, "\"none\": only a bogus exchanger "
		    "answers, this one is %s (answer)", role_name(x->role));
	else if (i > 0)
		x->answer = (uint8_t)i;
}

static void
read_exchanger(struct config_reader *r, const struct config_node *section, struct exchanger *x, size_t set)
{
	static const char *const roles[] = { "nolisting", "real", "bogus" };
	struct config_value title = section->title, value;
	struct config_place place = { .set = set, .line = title.line };
	char hint[CONFIG_HINT_SIZE];
	uint64_t n = 0;
	size_t n_addrs = 0;
	int i;

	if (!config_host(title.text, x->name) && !section->lost)
		config_found(&r->source, title.line, title.text, "a host name (exchanger)%s",
		    config_hint_host(title.text, hint));
	memcpy(place.exchanger, x->name, sizeof(place.exchanger));
	if (!config_has(section, "preference")) {
		if (!config_given(section, "preference"))
			config_wrong(&r->source, title.line, "found exchanger \"%s\" without a preference, "
			    "expected preference = 0 to 65535", title.text);
	} else {
		value = config_at(section, "preference", 0);
		if (!config_number(value.text, &n) || n > 65535)
			config_found(&r->source, value.line, value.text,
			    "a whole number from 0 to 65535 (preference)");
		x->preference = (uint16_t)n;
		place.line = value.line;
	}
	if (!config_has(section, "role")) {
		if (!config_given(section, "role"))
			config_wrong(&r->source, title.line, "found exchanger \"%s\" without a role, "
			    "expected role = \"nolisting\", \"real\" or \"bogus\"", title.text);
	} else if ((i = config_choice(r, config_at(section, "role", 0), roles, 3, "role")) >= 0) {
		x->role = (uint8_t)i;
		read_answer(r, section, x);
	}
	config_places_add(&r->source, &r->rungs, &place);
	if (config_has(section, "network")) {
		value = config_at(section, "network", 0);
		if (!config_word(value.text, x->network, sizeof(x->network)))
			config_found(&r->source, value.line, value.text,
			    "a short name without spaces (network)");
	}
	if (!config_given(section, "addresses"))
		config_wrong(&r->source, title.line, "found exchanger \"%s\" without addresses, "
		    "expected addresses = { \"...\" }", title.text);
	read_addresses(r, section, "addresses", place, &x->addrs, &n_addrs, 1024);
	x->n_addrs = (uint16_t)n_addrs;
	if (config_count(section, "public") == 0)
		return;
	place.is_public = true;
	n_addrs = 0;
	read_addresses(r, section, "public", place, &x->public, &n_addrs, 1024);
	x->n_public = (uint16_t)n_addrs;
}

static void
read_mxset(struct config_reader *r, const struct config_node *section, size_t index)
{
	struct mxset *set = &r->config.ladder.sets[index];
	struct config_value title = section->title;
	struct config_place place = { .set = index, .line = title.line };
	unsigned n = config_count(section, "exchanger");
	unsigned n_domains = config_count(section, "domains"), errors = r->source.errors;
	const struct config_node *x = config_section(section, "exchanger");
	size_t rung = r->rungs.n;
	bool broken;

	r->config.ladder.n_sets = index + 1;
	if (!config_word(title.text, set->name, sizeof(set->name)) && !section->lost)
		config_found(&r->source, title.line, title.text, "a name without spaces (mx-set)");
	config_places_add(&r->source, &r->rungs, &place);
	if (!config_given(section, "domains"))
		config_wrong(&r->source, title.line,
		    "found mx-set \"%s\" without domains, expected "
		    "domains = { \"...\" }", title.text);
	set->domains = config_array(r, n_domains, sizeof(*set->domains));
	if (set->domains != NULL)
		config_hosts(r, section, "domains", set->domains, &set->n_domains);
	if (n > MXSET_MAX_EXCHANGERS || (n == 0 && !section->lost))
		config_wrong(&r->source, title.line,
		    "found %u exchangers in mx-set \"%s\", expected "
		    "1 to %d", n, title.text, MXSET_MAX_EXCHANGERS);
	else
		set->exchangers = config_array(r, n, sizeof(*set->exchangers));
	broken = section->lost || set->exchangers == NULL;
	for (; x != NULL && set->exchangers != NULL; x = x->next) {
		broken |= x->lost;
		read_exchanger(r, x, &set->exchangers[set->n_exchangers++], index);
	}
	if (rung < r->rungs.n)
		r->rungs.place[rung].broken = broken || r->source.errors != errors;
}

void
config_read_ladder(struct config_reader *r, const struct config_node *root)
{
	struct ladder *ladder = &r->config.ladder;
	struct config_place control = { .set = SIZE_MAX };
	unsigned n = config_count(root, "mx-set"), i = 0;

	if (n == 0 && root->lost)
		return;		/* it may stand where nothing could be read */
	if (n == 0 || n > MXSET_MAX_SETS) {
		config_wrong(&r->source, 1, "found %u mx-set sections, expected 1 to %d", n,
		    MXSET_MAX_SETS);
		return;
	}
	ladder->sets = config_array(r, n, sizeof(*ladder->sets));
	if (ladder->sets == NULL)
		return;
	for (const struct config_node *set = config_section(root, "mx-set"); set != NULL; set = set->next)
		read_mxset(r, set, i++);
	read_addresses(r, root, "control-addresses", control, &ladder->control, &ladder->n_control,
	    MXSET_MAX_TARGETS);
}

