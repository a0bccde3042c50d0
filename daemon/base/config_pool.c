/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_pool.c - the pool sections: senders that are one system, by their published ranges.
 */
#include <stdlib.h>
#include <string.h>

#include "config_read.h"

/* One prefix of the pool, and if it is allowed, one more that is never listed. */
static void
read_member(struct config_reader *r, struct config_value value, const struct config_pool *pool, size_t id)
{
	struct config *c = &r->config;
	struct pool_member m = { .pool = (uint16_t)id };
	char hint[CONFIG_HINT_SIZE];

	if (!prefix_parse(&m.what, value.text) || !pool_map_fits(&m.what)) {
		config_found(&r->source, value.line, value.text, "a prefix whose host bits are zero, of at least "
		    "/%d in IPv4, or /%d to /64 in IPv6 (addresses)%s", POOL_MAP_SHORTEST_V4, POOL_MAP_SHORTEST_V6,
		    config_hint_prefix(value.text, hint));
		return;
	}
	c->members[c->n_members++] = m;
	if (pool->allow)
		c->allow[c->n_allow++] = m.what;
}

static void
read_pool(struct config_reader *r, const struct config_node *section, size_t id)
{
	struct config *c = &r->config;
	struct config_pool *pool = &c->pools[id - 1];
	struct config_value title = section->title;
	unsigned n = config_count(section, "addresses");

	if (!config_word(title.text, pool->name, sizeof(pool->name)) && !section->lost)
		config_found(&r->source, title.line, title.text, "a short name without spaces (pool)");
	for (size_t i = 0; i + 1 < id; i++)
		if (pool->name[0] != '\0' && strcmp(c->pools[i].name, pool->name) == 0)
			config_found(&r->source, title.line, title.text, "each pool once");
	if (config_has(section, "allow")) {
		struct config_value value = config_at(section, "allow", 0);

		if (!config_bool(value.text, &pool->allow))
			config_found(&r->source, value.line, value.text, "yes or no (allow)");
	}
	if (!config_given(section, "addresses"))
		config_wrong(&r->source, title.line, "found pool \"%s\" without addresses, "
		    "expected addresses = { \"...\" }", title.text);
	for (unsigned i = 0; i < n; i++)
		read_member(r, config_at(section, "addresses", i), pool, id);
}

void
config_read_pools(struct config_reader *r, const struct config_node *root)
{
	struct config *c = &r->config;
	const struct config_node *pool, *last = NULL;
	unsigned n = config_count(root, "pool"), total = 0;
	struct prefix *allow;

	for (pool = config_section(root, "pool"); pool != NULL; pool = pool->next) {
		total += config_count(pool, "addresses");
		last = pool;
	}
	if (last == NULL)
		return;
	if (n > POOL_MAP_POOLS || total > POOL_MAP_MEMBERS) {
		config_wrong(&r->source, last->title.line,
		    "found %u pools with %u prefixes, expected at most %d with %d", n, total, POOL_MAP_POOLS,
		    POOL_MAP_MEMBERS);
		return;
	}
	c->pools = config_array(r, n, sizeof(*c->pools));
	c->members = config_array(r, total + 1, sizeof(*c->members));
	allow = realloc(c->allow, (c->n_allow + total + 1) * sizeof(*allow));
	if (allow == NULL)
		config_wrong(&r->source, 1, "found no memory for this, expected some");
	else
		c->allow = allow;
	if (c->pools == NULL || c->members == NULL || allow == NULL)
		return;
	for (pool = config_section(root, "pool"); pool != NULL; pool = pool->next) {
		c->n_pools++;
		read_pool(r, pool, c->n_pools);
	}
}
