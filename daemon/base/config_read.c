/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_read.c - what libconfuse parsed, section by section, into struct config.
 *
 * Types and bounds of single values only; whatever needs two values to be judged
 * is config_check.c's.  Every complaint has the line of the value that it is about.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_read.h"

struct config_value
config_at(cfg_t *section, const char *key, unsigned i)
{
	return config_value(cfg_getnstr(section, key, i));
}

bool
config_has(cfg_t *section, const char *key)
{
	return cfg_size(section, key) > 0 && cfg_getnstr(section, key, 0) != NULL;
}

static void
read_fields(struct config_reader *r, cfg_t *root)
{
	for (size_t i = 0; i < CONFIG_N_FIELDS; i++) {
		const struct config_field *field = &config_fields[i];
		cfg_t *section = root;

		if (field->section[0] != '\0') {
			if (cfg_size(root, field->section) == 0)
				continue;
			section = cfg_getnsec(root, field->section, 0);
		}
		if (config_has(section, field->key))
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
	char expected[160];
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(value.text, words[i]) == 0)
			return (int)i;
	expected[0] = '\0';
	for (size_t i = 0; i < n && len < sizeof(expected); i++)
		len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%s\"%s\"",
		    i == 0 ? "" : i + 1 == n ? " or " : ", ", words[i]);
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
config_hosts(struct config_reader *r, cfg_t *section, const char *key, char (*out)[MXSET_NAME_SIZE],
    size_t *n_out)
{
	for (unsigned i = 0; i < cfg_size(section, key); i++) {
		struct config_value value = config_at(section, key, i);

		if (config_host(value.text, out[*n_out]))
			(*n_out)++;
		else
			config_found(&r->source, value.line, value.text, "a domain name (%s)", key);
	}
}

static void
read_allow(struct config_reader *r, cfg_t *root)
{
	struct config *c = &r->config;
	cfg_t *section;
	unsigned n;

	if (cfg_size(root, "allow") == 0)
		return;
	section = cfg_getnsec(root, "allow", 0);
	n = cfg_size(section, "addresses");
	c->allow = config_array(r, n, sizeof(*c->allow));
	for (unsigned i = 0; c->allow != NULL && i < n; i++) {
		struct config_value value = config_at(section, "addresses", i);

		if (prefix_parse(&c->allow[c->n_allow], value.text))
			c->n_allow++;
		else
			config_found(&r->source, value.line, value.text, "an address, or a prefix "
			    "whose host bits are zero (addresses)");
	}
	c->n_allow_own = c->n_allow;
	c->allow_spf = config_array(r, cfg_size(section, "spf"), sizeof(*c->allow_spf));
	if (c->allow_spf != NULL)
		config_hosts(r, section, "spf", c->allow_spf, &c->n_allow_spf);
}

static void
read_points(struct config_reader *r, cfg_t *section)
{
	struct judge_params *judge = &r->config.judge;

	for (unsigned kind = 0; kind < EVIDENCE_N_KINDS; kind++) {
		const struct evidence_info *info = evidence_info(kind);
		unsigned n;
		double points[2] = { 0, 0 };

		if (!config_weighable(kind) || (n = cfg_size(section, info->name)) == 0)
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
read_judge(struct config_reader *r, cfg_t *root)
{
	static const char *const grades[] = { "proven", "addressed" };
	cfg_t *section;
	int i;

	if (cfg_size(root, "judge") == 0)
		return;
	section = cfg_getnsec(root, "judge", 0);
	if (config_has(section, "list-on")) {
		i = config_choice(r, config_at(section, "list-on", 0), grades, 2, "list-on");
		r->config.judge.list_on = i == 0 ? GRADE_PROVEN : GRADE_ADDRESSED;
	}
	if (cfg_size(section, "points") > 0)
		read_points(r, cfg_getnsec(section, "points", 0));
}

static void
read_interfaces(struct config_reader *r, cfg_t *root)
{
	struct config *c = &r->config;

	for (unsigned i = 0; i < cfg_size(root, "interface"); i++) {
		struct config_value value = config_at(root, "interface", i);

		if (i >= CONFIG_MAX_INTERFACES) {
			config_found(&r->source, value.line, value.text, "at most %d interfaces",
			    CONFIG_MAX_INTERFACES);
			return;
		}
		if (config_word(value.text, c->interfaces[c->n_interfaces],
		    sizeof(c->interfaces[0])))
			c->n_interfaces++;
		else
			config_found(&r->source, value.line, value.text,
			    "the name of an interface, or \"any\" (interface)");
	}
}

static bool
read_defaults(struct config_reader *r, cfg_t *root, const char *path)
{
	struct config *c = &r->config;
	const char *dir = "/var/lib/mxtrap";

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
	if (dir[0] == '\0')
		config_found(&r->source, config_at(root, "state-dir", 0).line, dir,
		    "a directory (state-dir)");
	snprintf(c->postfix_group, sizeof(c->postfix_group), "postfix");
	snprintf(c->web_group, sizeof(c->web_group), "mxtrap");
	c->path = strdup(path);
	c->state_dir = strdup(dir);
	return c->path != NULL && c->state_dir != NULL;
}

void
config_read_root(struct config_reader *r, cfg_t *root, const char *path)
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
	config_check(&r->source, &r->config, &r->places, &r->rungs);
}

