/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_read.c - the tree, section by section, into struct config.
 *
 * Types and bounds of single values only; whatever needs two values to be judged
 * is config_check.c's.  Every complaint has the line of the value that it is about.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_read.h"
#include "mxtrap/suggest.h"

static void
read_fields(struct config_reader *r, const struct config_node *root)
{
	for (size_t i = 0; i < CONFIG_N_FIELDS; i++) {
		const struct config_field *field = &config_fields[i];
		const struct config_node *section = root;

		if (field->section[0] != '\0')
			section = config_section(root, field->section);
		if (section != NULL && config_has(section, field->key))
			config_field_read(&r->source, field, config_at(section, field->key, 0),
			    &r->config);
	}
}

/* One of some words; its index, or -1 and said. */
int
config_choice(struct config_reader *r, struct config_value value,
    const char *const *words, size_t n,
    const char *key)
{
	struct suggest meant = { .typed = value.text };
	char expected[160];
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(value.text, words[i]) == 0)
			return (int)i;
	for (size_t i = 0; i < n; i++)
		suggest_offer(&meant, words[i]);
	expected[0] = '\0';
	for (size_t i = 0; i < n && len < sizeof(expected); i++)
		len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%s\"%s\"",
		    i == 0 ? "" : i + 1 == n ? " or " : ", ", words[i]);
	if (meant.best != NULL)
		config_found(&r->source, value.line, value.text, "%s (%s); did you mean \"%s\"?", expected, key, meant.best);
	else
		config_found(&r->source, value.line, value.text, "%s (%s)", expected, key);
	return -1;
}

static void
no_memory(struct config_reader *r, unsigned line)
{
	config_wrong(&r->source, line, "found no memory for this, expected some");
}

/* An array of n elements; NULL for none.  Counts a failure. */
void *
config_array(struct config_reader *r, unsigned n, size_t size)
{
	void *p = n == 0 ? NULL : calloc(n, size);

	if (n > 0 && p == NULL)
		no_memory(r, 1);
	return p;
}

/* A list of host names. */
void
config_hosts(struct config_reader *r, const struct config_node *section, const char *key, char (*out)[MXSET_NAME_SIZE],
    size_t *n_out)
{
	char hint[CONFIG_HINT_SIZE];

	for (unsigned i = 0; i < config_count(section, key); i++) {
		struct config_value value = config_at(section, key, i);

		if (config_host(value.text, out[*n_out]))
			(*n_out)++;
		else
			config_found(&r->source, value.line, value.text, "a domain name (%s)%s", key,
			    config_hint_host(value.text, hint));
	}
}

/* Allowances so wide that a slip of the finger is likelier than a wish. */
static void
doubt_allowed(struct config_reader *r, struct config_value value, const struct prefix *p)
{
	if (p->len == 0 || (p->len == 96 && addr_is_v4(&p->addr)))
		config_doubt(&r->source, value.line, "\"%s\" is every %saddress: no sender %scould be listed (addresses)",
		    value.text, p->len == 0 ? "" : "IPv4 ", p->len == 0 ? "" : "over IPv4 ");
	else if (p->len < (addr_is_v4(&p->addr) ? 96 + 8 : 16))
		config_doubt(&r->source, value.line, "\"%s\" is very wide: no sender in it can be listed (addresses)", value.text);
}

static void
read_allow(struct config_reader *r, const struct config_node *root)
{
	struct config *c = &r->config;
	const struct config_node *section = config_section(root, "allow");
	char hint[CONFIG_HINT_SIZE];
	unsigned n;

	if (section == NULL)
		return;
	n = config_count(section, "addresses");
	c->allow = config_array(r, n, sizeof(*c->allow));
	for (unsigned i = 0; c->allow != NULL && i < n; i++) {
		struct config_value value = config_at(section, "addresses", i);

		if (prefix_parse(&c->allow[c->n_allow], value.text))
			doubt_allowed(r, value, &c->allow[c->n_allow++]);
		else
			config_found(&r->source, value.line, value.text, "an address, or a prefix "
			    "whose host bits are zero (addresses)%s", config_hint_prefix(value.text, hint));
	}
	c->n_allow_own = c->n_allow;
	c->allow_spf = config_array(r, config_count(section, "spf"), sizeof(*c->allow_spf));
	if (c->allow_spf != NULL)
		config_hosts(r, section, "spf", c->allow_spf, &c->n_allow_spf);
	if (config_has(section, "spf"))
		config_doubt(&r->source, config_at(section, "spf", 0).line,
		    "spf is read and not resolved by this version: it allows no sender; name their prefixes in addresses (spf)");
}

static void
read_points(struct config_reader *r, const struct config_node *section)
{
	struct judge_params *judge = &r->config.judge;

	for (unsigned kind = 0; kind < EVIDENCE_N_KINDS; kind++) {
		const struct evidence_info *info = evidence_info(kind);
		unsigned n;
		double points[2] = { 0, 0 };

		if (!config_weighable(kind) || (n = config_count(section, info->name)) == 0)
			continue;
		for (unsigned i = 0; i < n; i++) {
			struct config_value value = config_at(section, info->name, i);

			if (i < 2 && config_real(value.text, &points[i]) && points[i] >= -20 &&
			    points[i] <= 20)
				continue;
			config_found(&r->source, value.line, value.text,
			    "one number from -20 to 20, or "
			    "two: { SCORE, HINT } (%s)", info->name);
		}
		/* One number stands for both, where the kind has both by default. */
		if (n == 2 || info->score < 0 || info->score > 0)
			judge->points_score[kind] = (float)points[0];
		if (n == 2 || info->hint < 0 || info->hint > 0)
			judge->points_hint[kind] = (float)points[n == 2];
	}
}

static void
read_judge(struct config_reader *r, const struct config_node *root)
{
	static const char *const grades[] = { "proven", "addressed" };
	const struct config_node *section = config_section(root, "judge");
	int i;

	if (section == NULL)
		return;
	if (config_has(section, "list-on")) {
		i = config_choice(r, config_at(section, "list-on", 0), grades, 2, "list-on");
		r->config.judge.list_on = i == 0 ? GRADE_PROVEN : GRADE_ADDRESSED;
	}
	section = config_section(section, "points");
	if (section != NULL)
		read_points(r, section);
}

static void
read_interfaces(struct config_reader *r, const struct config_node *root)
{
	struct config *c = &r->config;
	char hint[CONFIG_HINT_SIZE];

	for (unsigned i = 0; i < config_count(root, "interface"); i++) {
		struct config_value value = config_at(root, "interface", i);

		if (i >= CONFIG_MAX_INTERFACES) {
			config_found(&r->source, value.line, value.text, "at most %d interfaces",
			    CONFIG_MAX_INTERFACES);
			return;
		}
		if (config_interface(value.text) && config_word(value.text, c->interfaces[c->n_interfaces],
		    sizeof(c->interfaces[0])))
			c->n_interfaces++;
		else
			config_found(&r->source, value.line, value.text,
			    "the name of an interface, or \"any\" (interface)%s", config_hint_interface(value.text, hint));
	}
}

static bool
read_defaults(struct config_reader *r, const struct config_node *root, const char *path)
{
	struct config *c = &r->config;
	const char *dir = "/var/lib/mxtrap";
	char hint[CONFIG_HINT_SIZE];

	*c = (struct config){
		.publish_after_s = 24 * 3600,
		.special_purpose = true,
		.correspondents = true,
		.limits = { .senders = 1000000, .attempts = 262144, .pools = 1000000,
		    .tally_above = 500, .new_per_48 = 256 },
		.ring_bytes = 64U << 20, .probe = true, .probe_interval_s = 30,
		.greeting_delay_s = 1, .dialogues = 5000, .dialogues_per_source = 20,
		.retention_attempts_s = 14 * 86400,
		.store_max_bytes = 4ULL << 30,
	};
	judge_defaults(&c->judge);
	if (config_has(root, "state-dir"))
		dir = config_at(root, "state-dir", 0).text;
	if (dir[0] != '/')
		config_found(&r->source, config_at(root, "state-dir", 0).line, dir,
		    "a directory by its absolute path, from / on (state-dir)%s", config_hint_path(dir, hint));
	else if (strstr(dir, "${") != NULL)
		config_doubt(&r->source, config_at(root, "state-dir", 0).line,
		    "\"%s\" is taken as it stands: no variable is replaced (state-dir)", dir);
	else if (strlen(dir) > CONFIG_STATE_DIR_MAX)
		config_doubt(&r->source, config_at(root, "state-dir", 0).line, "mxtrapd cannot run with it, only replay: a path of %zu "
		    "bytes, expected at most %d, for sockets lie there (state-dir)", strlen(dir), CONFIG_STATE_DIR_MAX);
	snprintf(c->postfix_group, sizeof(c->postfix_group), "postfix");
	snprintf(c->web_group, sizeof(c->web_group), "mxtrap");
	c->path = strdup(path);
	c->state_dir = strdup(dir);
	return c->path != NULL && c->state_dir != NULL;
}

void
config_read_root(struct config_reader *r, const struct config_node *root, const char *path)
{
	if (!read_defaults(r, root, path)) {
		no_memory(r, 1);
		return;
	}
	read_fields(r, root);
	read_interfaces(r, root);
	config_read_ladder(r, root);
	read_allow(r, root);
	config_read_pools(r, root);
	read_judge(r, root);
	config_read_outlets(r, root);
	config_check(&r->source, &r->config, &r->places, &r->rungs, config_given(root, "postfix") ||
	    config_section(root, "postfix") != NULL);
	config_check_listeners(&r->source, &r->config, &r->listeners, &r->places);
}

