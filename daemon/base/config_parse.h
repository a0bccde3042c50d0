/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_parse.h - between config_tree.c, which knows the grammar, and config_slip.c, which
 * knows how it is missed.
 *
 * Private to these two.
 */
#ifndef MXTRAP_CONFIG_PARSE_H
#define MXTRAP_CONFIG_PARSE_H

#include <stdarg.h>
#include <stdio.h>

#include "config_tree.h"

#define CONFIG_WHAT 256			/* a token in a message */

struct config_parse {
	struct config_source *source;
	struct config_tree *tree;
	struct config_node *block;	/* the section that is open */
	const struct config_token *at;	/* the next one; CONFIG_END is never passed */
	unsigned slip_line;		/* where a fault of grammar was said last */
	unsigned included, files;	/* include statements, and marks, so far */
	unsigned owed;			/* how many "}" may come without a section, their lack being said */
	bool	 full;			/* no memory: said */
};

void config_slip(struct config_parse *, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void config_skip(struct config_parse *);
/* At "{": on behind its "}". */
void config_skip_braces(struct config_parse *);
const char *config_token_text(const struct config_token *, char *buf, size_t size);
const struct config_rule *config_rules_of(const struct config_parse *, const struct config_node *block);

/* At a name: its rule in the section that is then open, and p->at behind the name.  *meant: it is
 * another name, which was said.  NULL: said, and the statement is skipped. */
const struct config_rule *config_slip_name(struct config_parse *, bool *meant);
/* Behind a name where "=" is missing: says it. */
void config_slip_equals(struct config_parse *, const struct config_node *);
/* Behind a value t: true if it cannot be taken as it stands (said; p->at is behind all of it). */
bool config_slip_value(struct config_parse *, struct config_node *, const struct config_token *t);

#endif
