/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_tree.h - a configuration as sections and values, and the rules of what may stand where.
 *
 * Private to daemon/base.  The tree holds what could be read; whatever could not was
 * reported, and its section is marked as lost in part, so that nobody misses it again.
 */
#ifndef MXTRAP_CONFIG_TREE_H
#define MXTRAP_CONFIG_TREE_H

#include "config_text.h"

enum config_kind { CONFIG_KEY, CONFIG_LIST, CONFIG_SECTION, CONFIG_NAMED };
struct config_rule {
	const char *name;		/* NULL ends an array */
	enum config_kind kind;
	/* Of a section.  NULL: "points", whose keys are the kinds of evidence that may weigh. */
	const struct config_rule *inside;
};
#define CONFIG_MAX_RULES 48		/* in one section */
/* What may stand outside of all sections. */
extern const struct config_rule config_root_rules[];
/* The rule of a name, or NULL. */
const struct config_rule *config_rule(const struct config_rule *, const char *name);
/* The one that was probably meant, or NULL. */
const struct config_rule *config_rule_meant(const struct config_rule *, const char *name);
/* Where else a name may stand, as "judge" or "web, dnsbl or postfix"; "" for nowhere.  Returns buf. */
const char *config_rule_elsewhere(const char *name, char *buf, size_t size);
/* "a, b, c": what may stand in a section.  Returns buf. */
const char *config_rule_names(const struct config_rule *, char *buf, size_t size);
/* A section of the design that later versions will honour? */
bool config_rule_later(const char *name);

struct config_node {			/* a key or a section, once given */
	const struct config_rule *rule;
	struct config_node *parent, *next;	/* next: of the same name in the same section */
	struct config_node *chain;	/* all nodes of a tree */
	struct config_value title;	/* of a named section */
	unsigned line;			/* where it is named */
	bool	 lost;			/* a part of it could not be read: reported */
	bool	 reopened;
	size_t	 n, cap;
	struct config_value *values;	/* owned: of a key or list */
	struct config_node *last;	/* the newest section in it */
	struct config_node **first;	/* owned: of a section, one of each rule */
	struct config_node **tail;
};
struct config_tree {
	struct config_tokens tokens;	/* owned: the values' text */
	struct config_node *nodes;	/* owned: the newest, and by ->chain all */
	struct config_node *root;	/* NULL: nothing could be read, said */
	struct config_rule points[EVIDENCE_N_KINDS + 1];
};
void config_tree_read(struct config_source *, const char *text, struct config_tree *out);
void config_tree_free(struct config_tree *);

/* How many values a key has, or how often a section stands there. */
unsigned config_count(const struct config_node *section, const char *name);
bool config_has(const struct config_node *section, const char *key);
struct config_value config_at(const struct config_node *section, const char *key, unsigned i);
/* The first section of that name, then ->next; NULL: none. */
const struct config_node *config_section(const struct config_node *section, const char *name);
/* Was it given at all, and could be in part unreadable?  Then it is not missing. */
bool config_given(const struct config_node *section, const char *key);

#endif
