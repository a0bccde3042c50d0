/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_slip.c - how a configuration is mistyped, what is said of it, and what was meant.
 *
 * Signs of other languages (: for =, [ ] for { }, a comma in a number, ; at the end),
 * names with a letter wrong, and braces too many or too few.  Each is said once; then
 * the reader goes on with what was probably meant, so that nothing else seems wrong by it.
 */
#include <ctype.h>
#include <string.h>

#include "config_parse.h"

static bool
is_value(const struct config_token *t)
{
	return t->type == CONFIG_WORD || t->type == CONFIG_STRING;
}

static bool
same_line(const struct config_token *t)
{
	return t->line == t[-1].line;
}

/* Is t the name of the next statement of the same line? */
static bool
is_next_name(const struct config_token *t)
{
	if (t->type != CONFIG_WORD || t[1].type == CONFIG_END)
		return false;
	return t[1].type == CONFIG_EQUALS || t[1].type == CONFIG_OPEN ||
	    (is_value(&t[1]) && t[2].type == CONFIG_OPEN);
}

static bool
is_digits(const struct config_token *t)
{
	const char *p = t->text + (t->text[0] == '-');

	return t->type == CONFIG_WORD && p[0] != '\0' && p[strspn(p, "0123456789")] == '\0';
}

/* Over the values and commas of this line. */
static void
skip_values(struct config_parse *p)
{
	while ((is_value(p->at) || p->at->type == CONFIG_COMMA) && same_line(p->at) && !is_next_name(p->at))
		p->at++;
}

/* At "{": behind its "}". */
void
config_skip_braces(struct config_parse *p)
{
	size_t depth = 0;

	for (;; p->at++) {
		if (p->at->type == CONFIG_END || p->at->type == CONFIG_FILE)
			return;
		depth += p->at->type == CONFIG_OPEN;
		if (p->at->type == CONFIG_CLOSE && --depth == 0) {
			p->at++;
			return;
		}
	}
}

/* Lists in [ ] or ( ).  True: that it was. */
static bool
slip_brackets(struct config_parse *p, struct config_node *node, const struct config_token *t)
{
	size_t len = strlen(t->text);
	bool round = strcmp(t->text, "(") == 0;

	if (t->type != CONFIG_WORD || (!round && t->text[0] != '['))
		return false;
	/* [2001:db8::1]:25 is an address and a port. */
	if (!round && strchr(t->text, ']') != NULL && t->text[len - 1] != ']')
		return false;
	if (node->rule->kind == CONFIG_LIST)
		config_slip(p, t->line, "found \"%c\", expected \"{\": a list stands in { }, as in %s = { \"A\", \"B\" }",
		    t->text[0], node->rule->name);
	else
		config_slip(p, t->line, "found \"%c\", expected one value (%s)", t->text[0], node->rule->name);
	while ((is_value(p->at) || p->at->type == CONFIG_COMMA) && !is_next_name(p->at)) {
		const char *text = p->at->text;
		size_t n = strlen(text);

		if (p->at->type == CONFIG_COMMA || n == 0 || text[n - 1] != (round ? ')' : ']')) {
			p->at++;
			continue;
		}
		p->at++;
		break;
	}
	return true;
}

bool
config_slip_value(struct config_parse *p, struct config_node *node, const struct config_token *t)
{
	const char *name = node->rule->name;
	bool list = node->rule->kind == CONFIG_LIST;
	size_t len = strlen(t->text);

	if (slip_brackets(p, node, t)) {
		node->lost = true;
		return true;
	}
	if (is_digits(t) && p->at->type == CONFIG_COMMA && p->at->tight && p->at[1].tight && is_digits(&p->at[1])) {
		config_slip(p, t->line, "found \"%s,%s\", expected a point and no comma: %s.%s (%s)", t->text,
		    p->at[1].text, t->text, p->at[1].text, name);
		p->at += 2;
		node->lost = true;
		return true;
	}
	if (t->type == CONFIG_WORD && len > 1 && t->text[len - 1] == ';') {
		config_slip(p, t->line, "found \"%s\", expected \"%.*s\": no \";\" ends a line (%s)", t->text,
		    (int)(len - 1), t->text, name);
		node->lost = true;
		return true;
	}
	if (p->at->type == CONFIG_WORD && strcmp(p->at->text, ";") == 0) {
		config_slip(p, p->at->line, "found \";\", expected the next name: no \";\" ends a line");
		p->at++;
		return false;
	}
	if (p->at->type == CONFIG_COMMA && !(is_value(&p->at[1]) && p->at[1].line == p->at->line &&
	    !is_next_name(&p->at[1]))) {
		config_slip(p, p->at->line, "found \",\", expected the next name: a \",\" stands only in a list");
		p->at++;
		return false;
	}
	if (!same_line(p->at) || is_next_name(p->at) || (p->at->type != CONFIG_COMMA && !is_value(p->at)))
		return false;
	if (list)
		config_slip(p, t->line, "found more than one value, expected a list in { }, as in %s = { \"%.60s\", \"...\" }",
		    name, t->text);
	else
		config_slip(p, t->line, "found \"%.60s %.60s\", expected one value (%s); one with a blank stands in quotes", t->text,
		    p->at->type == CONFIG_COMMA ? "," : p->at->text, name);
	skip_values(p);
	node->lost = true;
	return true;
}

void
config_slip_equals(struct config_parse *p, const struct config_node *node)
{
	const char *name = node->rule->name;
	char what[CONFIG_WHAT];

	if (is_value(p->at) && p->at[1].type == CONFIG_EQUALS && same_line(p->at)) {
		config_slip(p, p->at->line, "found \"%s=\", expected \"=\" behind %s", p->at->text, name);
		p->at += 2;
		return;
	}
	if (p->at->type == CONFIG_WORD && strspn(p->at->text, ":=>-") == strlen(p->at->text)) {
		config_slip(p, p->at->line, "found \"%s\", expected \"=\" behind %s", p->at->text, name);
		p->at++;
		return;
	}
	if (!same_line(p->at) && is_next_name(p->at)) {
		config_slip(p, node->line, "found nothing behind \"%s\", expected \"%s = VALUE\"", name, name);
		return;
	}
	config_slip(p, node->line, "found %s behind \"%s\", expected \"=\" between them",
	    config_token_text(p->at, what, sizeof(what)), name);
}

/* What an unknown name brings with it is skipped whole. */
static void
skip_unknown(struct config_parse *p)
{
	p->block->lost = true;
	if (p->at->type == CONFIG_EQUALS)
		p->at++;
	else if (is_value(p->at) && p->at[1].type == CONFIG_OPEN)
		p->at++;
	if (p->at->type == CONFIG_OPEN)
		config_skip_braces(p);
	else if (is_value(p->at))
		config_skip(p);
}

static const char *
section_text(const struct config_node *node, char *buf, size_t size)
{
	if (node->rule->kind == CONFIG_NAMED)
		snprintf(buf, size, "%s \"%.100s\"", node->rule->name, node->title.text);
	else
		snprintf(buf, size, "%s", node->rule->name);
	return buf;
}

/* Where a section around this one knows the name, this one lacks its "}". */
static const struct config_rule *
rule_around(struct config_parse *p, const char *name, unsigned line)
{
	char what[CONFIG_WHAT], where[CONFIG_FILE_SIZE];
	struct config_node *open = p->block;
	const struct config_rule *rule = NULL;
	unsigned levels = 0;

	for (struct config_node *b = p->block; b->parent != NULL && rule == NULL; levels++) {
		b = b->parent;
		rule = config_rule(config_rules_of(p, b), name);
		if (rule != NULL)
			p->block = b;
	}
	if (rule == NULL)
		return NULL;
	open->lost = true;
	if (open->reopened)
		return rule;		/* it was closed before */
	if (p->owed >= levels) {
		p->owed -= levels;
		return rule;
	}
	p->owed += levels;
	config_slip(p, line, "found \"%s\" in %s, expected \"}\" before it (the section opened in %s is still open)",
	    name, section_text(open, what, sizeof(what)), config_line(p->source, open->line, where));
	return rule;
}

/* Where the section that was closed last knows the name, one "}" too many stands before it. */
static const struct config_rule *
rule_before(struct config_parse *p, const char *name, unsigned line)
{
	char what[CONFIG_WHAT];
	struct config_node *last = p->block->last;
	const struct config_rule *rule = last == NULL ? NULL : config_rule(config_rules_of(p, last), name);

	if (rule == NULL)
		return NULL;
	config_slip(p, line, "found \"%s\" outside of its section, expected it before the \"}\" of %s", name,
	    section_text(last, what, sizeof(what)));
	last->lost = true;
	last->reopened = true;
	p->block = last;
	return rule;
}

/* No section that is at hand knows the name. */
static const struct config_rule *
rule_unknown(struct config_parse *p, const char *name, unsigned line, bool *meant)
{
	const struct config_rule *rules = config_rules_of(p, p->block), *rule = config_rule_meant(rules, name);
	char names[512];

	if (rule != NULL) {
		config_wrong(p->source, line, "found unknown key \"%s\", expected a known one; did you mean \"%s\"?", name,
		    rule->name);
		*meant = true;
		return rule;
	}
	if (config_rule_later(name) && p->block->parent == NULL)
		config_wrong(p->source, line, "found section \"%s\", which this version cannot honour, expected one of: %s",
		    name, config_rule_names(rules, names, sizeof(names)));
	else if (config_rule_elsewhere(name, names, sizeof(names))[0] != '\0')
		config_wrong(p->source, line, "found \"%s\" in the wrong place, expected %s", name, names);
	else
		config_wrong(p->source, line, "found unknown key \"%s\", expected one of: %s", name,
		    config_rule_names(rules, names, sizeof(names)));
	return NULL;
}

/* The name alone: without a ":" that was meant as "=". */
static bool
plain_name(struct config_parse *p, const struct config_token *t, char name[static 64])
{
	size_t len = strlen(t->text), n = 0;

	while (isalnum((unsigned char)t->text[n]) || t->text[n] == '-' || t->text[n] == '_')
		n++;
	if (n > 0 && t->text[n] == ':' && n + 1 == len) {
		snprintf(name, 64, "%.*s", (int)n, t->text);
		config_slip(p, t->line, "found \":\", expected \"=\" behind %s", name);
		return true;
	}
	if (n > 0 && t->text[n] == ':')
		config_slip(p, t->line, "found \"%s\", expected \"%.*s = %s\"", t->text, (int)n, t->text, t->text + n + 1);
	else if (n < len || len == 0)
		config_slip(p, t->line, "found \"%s\", expected a name (letters, digits, - and _)", t->text);
	else if (len >= 64)
		config_slip(p, t->line, "found \"%s\", expected a shorter name", t->text);
	else
		memcpy(name, t->text, len + 1);
	return n == len && len < 64 && len > 0;
}

const struct config_rule *
config_slip_name(struct config_parse *p, bool *meant)
{
	const struct config_token *t = p->at++;
	const struct config_rule *rule;
	char name[64];

	if (!plain_name(p, t, name)) {
		config_skip(p);
		return NULL;
	}
	rule = config_rule(config_rules_of(p, p->block), name);
	if (rule == NULL)
		rule = rule_around(p, name, t->line);
	if (rule == NULL)
		rule = rule_before(p, name, t->line);
	if (rule == NULL)
		rule = rule_unknown(p, name, t->line, meant);
	if (rule == NULL)
		skip_unknown(p);
	return rule;
}
