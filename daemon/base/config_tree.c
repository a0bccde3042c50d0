/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_tree.c - the small grammar: NAME = VALUE, NAME = { LIST }, NAME "TITLE" { ... }.
 *
 * A fault never ends the reading: it is said, what was probably meant is taken (config_slip.c),
 * and what cannot be understood is skipped up to the next line that begins a statement.  One
 * slip shall give one message, so a section that lost a part is marked, and of several
 * faults of grammar in one line the first is said.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config_parse.h"

/* A fault of grammar; one a line, the next ones follow from it. */
void
config_slip(struct config_parse *p, unsigned line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	p->block->lost = true;
	if (line == p->slip_line)
		return;
	p->slip_line = line;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	config_wrong(p->source, line, "%s", text);
}

const struct config_rule *
config_rules_of(const struct config_parse *p, const struct config_node *block)
{
	if (block->rule == NULL)
		return config_root_rules;
	return block->rule->inside != NULL ? block->rule->inside : p->tree->points;
}

static bool
is_section(const struct config_rule *rule)
{
	return rule->kind == CONFIG_SECTION || rule->kind == CONFIG_NAMED;
}

static size_t
rule_index(const struct config_rule *rules, const struct config_rule *rule)
{
	return (size_t)(rule - rules);
}

/* A node of its rule; NULL: no memory (said).  It hangs in the tree's chain alone. */
static struct config_node *
node_new(struct config_parse *p, const struct config_rule *rule, unsigned line)
{
	struct config_node *node = calloc(1, sizeof(*node));

	if (node == NULL) {
		config_wrong(p->source, line, "found no memory for this, expected some");
		p->full = true;
		return NULL;
	}
	*node = (struct config_node){ .rule = rule, .parent = p->block, .line = line, .chain = p->tree->nodes };
	p->tree->nodes = node;
	if (rule != NULL && !is_section(rule))
		return node;
	for (const struct config_rule *r = config_rules_of(p, node); r->name != NULL; r++)
		node->cap++;
	node->first = calloc(2 * node->cap, sizeof(struct config_node *));
	node->tail = node->first + node->cap;
	node->cap = 0;
	if (node->first == NULL) {
		config_wrong(p->source, line, "found no memory for this, expected some");
		p->full = true;
		node->tail = NULL;
	}
	return node;
}

static void
node_hang(struct config_parse *p, struct config_node *node)
{
	struct config_node *block = p->block;
	size_t i = rule_index(config_rules_of(p, block), node->rule);

	if (block->first == NULL)
		return;
	if (block->first[i] == NULL)
		block->first[i] = node;
	else
		block->tail[i]->next = node;
	block->tail[i] = node;
}

static void
node_value(struct config_parse *p, struct config_node *node, const struct config_token *t)
{
	if (t->bad) {
		node->lost = p->block->lost = true;
		return;
	}
	if (node->n == node->cap) {
		size_t cap = node->cap == 0 ? 1 : node->cap * 2;
		struct config_value *more = realloc(node->values, cap * sizeof(*more));

		if (more == NULL) {
			config_wrong(p->source, t->line, "found no memory for this, expected some");
			p->full = true;
			return;
		}
		node->values = more;
		node->cap = cap;
	}
	node->values[node->n++] = (struct config_value){ t->line, t->text };
}

static bool
is_value(const struct config_token *t)
{
	return t->type == CONFIG_WORD || t->type == CONFIG_STRING;
}

/* Does a statement begin at t: NAME =, NAME {, NAME "TITLE" {, each as one would write it? */
static bool
begins(const struct config_token *t)
{
	if (t->type != CONFIG_WORD || t[1].type == CONFIG_END)
		return false;
	if (t[1].type == CONFIG_EQUALS || t[1].type == CONFIG_OPEN)
		return true;
	return is_value(&t[1]) && t[2].type == CONFIG_OPEN;
}

/* On to the next statement, or the end of the section or file. */
void
config_skip(struct config_parse *p)
{
	size_t depth = 0;

	p->block->lost = true;
	for (;; p->at++) {
		if (p->at->type == CONFIG_END || p->at->type == CONFIG_FILE)
			return;
		if (p->at->type == CONFIG_CLOSE && depth == 0)
			return;
		if (depth == 0 && p->at->line > p->at[-1].line && p->at->type == CONFIG_WORD)
			return;
		depth += p->at->type == CONFIG_OPEN;
		depth -= p->at->type == CONFIG_CLOSE;
	}
}

const char *
config_token_text(const struct config_token *t, char *buf, size_t size)
{
	static const char *const names[] = {
		[CONFIG_OPEN] = "\"{\"", [CONFIG_CLOSE] = "\"}\"", [CONFIG_EQUALS] = "\"=\"",
		[CONFIG_COMMA] = "\",\"", [CONFIG_FILE] = "the end of the file",
		[CONFIG_END] = "the end of the file",
	};

	if (is_value(t))
		snprintf(buf, size, "\"%.200s\"", t->text);
	else
		snprintf(buf, size, "%s", names[t->type]);
	return buf;
}

/* Is a string on t's line broken?  Then each word of the line may stand where it does not belong. */
static bool
line_is_bad(const struct config_token *t)
{
	for (unsigned line = t->line; t->line == line && t->type != CONFIG_END; t++)
		if (t->bad)
			return true;
	return false;
}

/* Behind "NAME = {" of line. */
static void
read_list(struct config_parse *p, struct config_node *node, unsigned line)
{
	char what[CONFIG_WHAT];
	bool bad = line_is_bad(p->at);

	for (bool comma = true;;) {
		const struct config_token *t = p->at;

		if (t->line != t[-1].line)
			bad |= line_is_bad(t);
		if (bad) {
			p->slip_line = t->line;		/* said */
			p->block->lost = node->lost = true;
			node->n = 0;
		}
		if (t->type == CONFIG_CLOSE) {
			p->at++;
			return;
		}
		if (begins(t) || (!is_value(t) && t->type != CONFIG_COMMA)) {
			config_slip(p, t->line, "found %s, expected \"}\" behind the list \"%s = {\" of line %u",
			    config_token_text(t, what, sizeof(what)), node->rule->name, line);
			return;
		}
		if (t->type == CONFIG_COMMA) {
			if (comma)
				config_slip(p, t->line, "found \",\", expected a value or \"}\"");
			comma = true;
			p->at++;
			continue;
		}
		if (!comma)
			config_slip(p, t->line, "found %s, expected \",\" or \"}\" behind a value of a list",
			    config_token_text(t, what, sizeof(what)));
		comma = false;
		node_value(p, node, t);
		p->at++;
	}
}

/* A value of one word: what stands behind it in its line belongs to it, or is a slip. */
static void
read_value(struct config_parse *p, struct config_node *node)
{
	const struct config_token *t = p->at++;

	if (config_slip_value(p, node, t))
		return;
	node_value(p, node, t);
}

/* "NAME = ..." from the "=" on, which may be missing. */
static void
read_assignment(struct config_parse *p, struct config_node *node)
{
	char what[CONFIG_WHAT];
	unsigned line = node->line;

	if (p->at->type == CONFIG_OPEN) {
		p->at++;
		read_list(p, node, line);
		if (node->rule->kind == CONFIG_KEY) {
			config_slip(p, line, "found a list, expected one value (%s)", node->rule->name);
			node->n = 0;
			node->lost = true;
		}
		return;
	}
	if (!is_value(p->at) || (p->at->line > p->at[-1].line && begins(p->at))) {
		config_slip(p, p->at[-1].line, "found %s, expected a value behind \"%s =\"",
		    config_token_text(p->at, what, sizeof(what)), node->rule->name);
		node->lost = true;
		return;
	}
	read_value(p, node);
}

/* A name may stand once in a section (named sections apart); a later one is read and forgotten. */
static bool
is_first(struct config_parse *p, const struct config_rule *rule, unsigned line, bool meant)
{
	const struct config_node *first;
	char where[CONFIG_FILE_SIZE];

	if (rule->kind == CONFIG_NAMED || p->block->first == NULL)
		return true;
	first = p->block->first[rule_index(config_rules_of(p, p->block), rule)];
	if (first == NULL)
		return true;
	if (!meant && !first->lost)
		config_wrong(p->source, line, "found a second \"%s\", expected one (the first is in %s)", rule->name,
		    config_line(p->source, first->line, where));
	return false;
}

static void
open_section(struct config_parse *p, struct config_node *node)
{
	p->at++;
	p->block->last = node;
	p->block = node;
}

/* Behind the name of a section: a title perhaps, and its "{". */
static void
read_section(struct config_parse *p, struct config_node *node)
{
	const struct config_rule *rule = node->rule;
	bool named = rule->kind == CONFIG_NAMED;
	char what[CONFIG_WHAT];

	if (is_value(p->at) && !(p->at->line > p->at[-1].line && begins(p->at))) {
		if (!named && p->at[1].type == CONFIG_OPEN)
			config_slip(p, p->at->line, "found %s, expected \"%s {\": it has no name of its own",
			    config_token_text(p->at, what, sizeof(what)), rule->name);
		node->title = (struct config_value){ p->at->line, p->at->text };
		node->lost |= p->at->bad;
		named = false;
		p->at++;
	}
	if (p->at->type == CONFIG_EQUALS) {
		config_slip(p, p->at->line, rule->kind == CONFIG_NAMED ?
		    "found \"=\", expected \"%s \"NAME\" {\": a section has no \"=\"" :
		    "found \"=\", expected \"%s {\": a section has no \"=\"", rule->name);
		p->at++;
	}
	if (named) {
		config_slip(p, node->line, "found \"%s\" without a name, expected \"%s \"NAME\" {\"", rule->name,
		    rule->name);
		node->lost = true;
		node->title = (struct config_value){ node->line, "" };
	}
	if (p->at->type == CONFIG_OPEN) {
		open_section(p, node);
		return;
	}
	config_slip(p, p->at[-1].line, "found %s behind \"%s\", expected \"{\"",
	    config_token_text(p->at, what, sizeof(what)), rule->name);
	node->lost = true;
	/* Where one of its own keys follows, the brace alone is missing. */
	if (p->at->type == CONFIG_WORD && config_rule(config_rules_of(p, node), p->at->text) != NULL) {
		p->at--;
		open_section(p, node);
		return;
	}
	if (is_value(p->at))
		config_skip(p);
}

/* Behind "include".  The file itself comes later, behind its mark. */
static void
read_include(struct config_parse *p, unsigned line)
{
	char what[CONFIG_WHAT];

	if (p->at->type != CONFIG_STRING) {
		config_slip(p, line, "found %s, expected the name of a file in quotes behind \"include\"",
		    config_token_text(p->at, what, sizeof(what)));
		config_skip(p);
		return;
	}
	p->included += !p->at->bad;
	p->at++;
	if (p->block != p->tree->root) {
		p->included--;
		config_slip(p, line, "found \"include\" in a section, expected it outside of all");
	}
}

static void
read_statement(struct config_parse *p)
{
	struct config_token name = *p->at;
	const struct config_rule *rule;
	struct config_node *node;
	bool meant = false;

	if (strcmp(name.text, "include") == 0 && p->at[1].type != CONFIG_EQUALS) {
		p->at++;
		read_include(p, name.line);
		return;
	}
	rule = config_slip_name(p, &meant);	/* stands behind the name and its sign then */
	if (rule == NULL)
		return;
	node = node_new(p, rule, name.line);
	if (node == NULL)
		return;
	if (is_first(p, rule, name.line, meant))
		node_hang(p, node);
	if (is_section(rule)) {
		read_section(p, node);
		return;
	}
	if (p->at->type == CONFIG_EQUALS) {
		p->at++;
	} else if (p->at->type == CONFIG_OPEN && rule->kind == CONFIG_KEY) {
		config_slip(p, name.line, "found \"%s\" as a section, expected \"%s = VALUE\"", rule->name, rule->name);
		node->lost = true;
		config_skip_braces(p);
		return;
	} else if (p->at->type == CONFIG_OPEN || is_value(p->at)) {
		config_slip_equals(p, node);
	}
	read_assignment(p, node);
}

/* "}": of the section that is open, or one too many. */
static void
read_close(struct config_parse *p)
{
	p->at++;
	if (p->block != p->tree->root) {
		p->owed += p->block->reopened;
		p->block->reopened = false;
		p->block = p->block->parent;
	} else if (p->owed > 0) {
		p->owed--;
	} else {
		config_slip(p, p->at[-1].line, "found \"}\", expected a name: each section is closed already");
	}
}

/* The end of a file: a section does not go on in the next one. */
static void
read_end(struct config_parse *p)
{
	char where[CONFIG_FILE_SIZE];
	bool said = p->at->bad;		/* a comment swallowed the rest */

	for (; p->block != p->tree->root; p->block = p->block->parent) {
		struct config_node *open = p->block;

		open->lost = open->parent->lost = true;
		if (!said && !open->reopened && p->owed == 0)
			config_wrong(p->source, p->at->line, "found the end of the file, expected \"}\" "
			    "for the section opened in %s", config_line(p->source, open->line, where));
		said = true;
	}
	p->owed = 0;
	p->tree->root->lost |= p->at->bad;
}

static void
read_all(struct config_parse *p)
{
	char what[CONFIG_WHAT];

	while (!p->full) {
		const struct config_token *t = p->at;

		if (t->type == CONFIG_END || t->type == CONFIG_FILE) {
			read_end(p);
			if (t->type == CONFIG_END)
				return;
			p->files++;
			p->at++;
		} else if (t->type == CONFIG_CLOSE) {
			read_close(p);
		} else if (t->type == CONFIG_WORD && !t->bad) {
			read_statement(p);
		} else {
			config_slip(p, t->line, "found %s, expected a name", config_token_text(t, what, sizeof(what)));
			if (t->type == CONFIG_OPEN) {
				p->block->lost = true;
				config_skip_braces(p);
				continue;
			}
			p->at++;
			if (t->type != CONFIG_COMMA)
				config_skip(p);
		}
	}
}

void
config_tree_read(struct config_source *source, const char *text, struct config_tree *out)
{
	struct config_parse p = { .source = source, .tree = out };
	struct config_rule *next = out->points;

	*out = (struct config_tree){ 0 };
	for (unsigned kind = 0; kind < EVIDENCE_N_KINDS; kind++)
		if (config_weighable(kind))
			*next++ = (struct config_rule){ evidence_info(kind)->name, CONFIG_LIST, NULL };
	if (!config_scan(source, text, &out->tokens))
		return;
	p.at = out->tokens.at;
	out->root = p.block = node_new(&p, NULL, 1);
	if (out->root == NULL)
		return;
	if (out->tokens.n == 1 && !p.at->bad) {
		config_wrong(source, 1, "found %s, expected mx-set sections (begin with a copy of mxtrap.conf.example)",
		    text[0] == '\0' ? "an empty file" : "nothing but blanks and comments");
		out->root->lost = true;
		return;
	}
	read_all(&p);
	if (p.included != p.files && !out->root->lost)
		config_wrong(source, out->tokens.at[out->tokens.n - 1].line,
		    "found %u files included and %u of them read, expected all of them", p.included, p.files);
}

void
config_tree_free(struct config_tree *tree)
{
	struct config_node *next;

	for (struct config_node *node = tree->nodes; node != NULL; node = next) {
		next = node->chain;
		free(node->first);
		free(node->values);
		free(node);
	}
	config_tokens_free(&tree->tokens);
	tree->root = tree->nodes = NULL;
}

static const struct config_node *
child(const struct config_node *section, const char *name)
{
	const struct config_rule *rules = section->rule == NULL ? config_root_rules : section->rule->inside;
	const struct config_rule *rule;

	if (section->first == NULL)
		return NULL;
	/* The points' rules belong to the tree: each node knows its own. */
	if (rules == NULL) {
		for (size_t i = 0; section->first + i < section->tail; i++)
			if (section->first[i] != NULL && strcmp(section->first[i]->rule->name, name) == 0)
				return section->first[i];
		return NULL;
	}
	rule = config_rule(rules, name);
	return rule == NULL ? NULL : section->first[rule_index(rules, rule)];
}

unsigned
config_count(const struct config_node *section, const char *name)
{
	const struct config_node *node = child(section, name);
	unsigned n = 0;

	if (node != NULL && !is_section(node->rule))
		return (unsigned)node->n;
	for (; node != NULL; node = node->next)
		n++;
	return n;
}

bool
config_has(const struct config_node *section, const char *key)
{
	return config_count(section, key) > 0;
}

struct config_value
config_at(const struct config_node *section, const char *key, unsigned i)
{
	const struct config_node *node = child(section, key);

	if (node == NULL || i >= node->n)
		return (struct config_value){ section->line, "" };
	return node->values[i];
}

const struct config_node *
config_section(const struct config_node *section, const char *name)
{
	return child(section, name);
}

bool
config_given(const struct config_node *section, const char *key)
{
	const struct config_node *node = child(section, key);

	return section->lost || (node != NULL && (node->n > 0 || node->lost));
}
