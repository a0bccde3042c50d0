/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_scan.c - the configuration's text as words, strings and signs, each with its line.
 *
 * Knows bytes and code points, and no grammar.  What looks like a space or a quotation
 * mark and is none (word processors and web pages make them) is reported by its code
 * point and then read as what it looks like.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_text.h"

#define TEXT_MAX (4U << 20)
#define SIGNS	 " \t\r\n{}()=,\"'#"	/* end a word */

struct scan {
	struct config_source *source;
	struct config_tokens *out;
	const char *at;
	unsigned line, odd_line;	/* odd_line: where an odd code point was reported last */
	size_t	 cap, used;		/* of out->at, of out->text */
	bool	 full;			/* no memory */
};

static const struct odd {
	long code;
	bool quote;
	const char *name;
} odds[] = {
	{ 0x00a0, false, "a no-break space" }, { 0x00ad, false, "a soft hyphen" },
	{ 0x1680, false, "an odd space" }, { 0x180e, false, "an odd space" },
	{ 0x200b, false, "a space of no width" }, { 0x200c, false, "an invisible sign" },
	{ 0x200d, false, "an invisible sign" }, { 0x200e, false, "an invisible sign" },
	{ 0x200f, false, "an invisible sign" }, { 0x2028, false, "a line separator" },
	{ 0x2029, false, "a paragraph separator" }, { 0x202f, false, "a narrow no-break space" },
	{ 0x205f, false, "an odd space" }, { 0x2060, false, "an invisible sign" },
	{ 0x3000, false, "an ideographic space" }, { 0xfeff, false, "a byte order mark" },
	{ 0x0085, false, "a control character" },
	{ 0x00ab, true, "a quotation mark" }, { 0x00bb, true, "a quotation mark" },
	{ 0x2018, true, "a typographic quotation mark" }, { 0x2019, true, "a typographic quotation mark" },
	{ 0x201a, true, "a typographic quotation mark" }, { 0x201b, true, "a typographic quotation mark" },
	{ 0x201c, true, "a typographic quotation mark" }, { 0x201d, true, "a typographic quotation mark" },
	{ 0x201e, true, "a typographic quotation mark" }, { 0x201f, true, "a typographic quotation mark" },
	{ 0x2039, true, "a quotation mark" }, { 0x203a, true, "a quotation mark" },
	{ 0x0060, true, "a backquote" },
};

long
config_code_point(const char *p, size_t *bytes)
{
	static const struct { unsigned char mask, lead; long least; } forms[] = {
		{ 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 },
	};
	unsigned char first = (unsigned char)*p;

	*bytes = 1;
	for (size_t n = 0; n < sizeof(forms) / sizeof(forms[0]); n++) {
		long c = first & (unsigned char)~forms[n].mask;

		if ((first & forms[n].mask) != forms[n].lead)
			continue;
		for (size_t i = 1; i <= n; i++) {
			if (((unsigned char)p[i] & 0xc0) != 0x80)
				return -1;
			c = c << 6 | ((unsigned char)p[i] & 0x3f);
		}
		if (c < forms[n].least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return -1;
		*bytes = n + 1;
		return c;
	}
	return -1;
}

/* The odd one that stands here, and its length; NULL: none. */
static const struct odd *
odd_at(const char *p, size_t *bytes)
{
	long c;

	/* A row of spaces of one width each has the code points U+2000 to U+200A. */
	static const struct odd space = { 0x2000, false, "an odd space" };

	if ((unsigned char)*p < 0x80 && *p != '`')
		return NULL;
	c = config_code_point(p, bytes);
	if (c >= 0x2000 && c <= 0x200a)
		return &space;
	for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++)
		if (odds[i].code == c)
			return &odds[i];
	return NULL;
}

/* One fault a line: who pasted one pasted many. */
static void
odd_wrong(struct scan *s, const struct odd *odd)
{
	size_t bytes;
	long c = config_code_point(s->at, &bytes);

	if (s->odd_line != s->line)
		config_wrong(s->source, s->line, "found U+%04lX, %s, expected %s", (unsigned long)c, odd->name,
		    odd->quote ? "the plain sign \" (U+0022)" : "a plain space (U+0020)");
	s->odd_line = s->line;
}

static struct config_token *
add(struct scan *s, enum config_token_type type, bool tight)
{
	struct config_tokens *out = s->out;

	if (out->n == s->cap) {
		size_t cap = s->cap == 0 ? 256 : s->cap * 2;
		struct config_token *more = realloc(out->at, cap * sizeof(*more));

		if (more == NULL) {
			s->full = true;
			return NULL;
		}
		out->at = more;
		s->cap = cap;
	}
	out->at[out->n] = (struct config_token){ .text = "", .line = s->line, .type = (uint8_t)type, .tight = tight };
	return &out->at[out->n++];
}

/* What a token's text becomes: room for twice the text was taken. */
static void
put(struct scan *s, char c)
{
	s->out->text[s->used++] = c;
}

/* Skip blanks and comments.  False: a comment that does not end (said; nothing behind it is read). */
static bool
skip_blanks(struct scan *s)
{
	for (;;) {
		size_t bytes;
		const struct odd *odd;

		if (*s->at == '\n') {
			s->line++;
			s->at++;
		} else if (*s->at == ' ' || *s->at == '\t' || *s->at == '\r') {
			s->at++;
		} else if (*s->at == '#' || (s->at[0] == '/' && s->at[1] == '/')) {
			s->at += strcspn(s->at, "\n");
		} else if (s->at[0] == '/' && s->at[1] == '*') {
			const char *end = strstr(s->at + 2, "*/");

			if (end == NULL) {
				config_wrong(s->source, s->line,
				    "found a comment that does not end, expected \"*/\"");
				return false;
			}
			for (; s->at < end; s->at++)
				s->line += *s->at == '\n';
			s->at += 2;
		} else if ((odd = odd_at(s->at, &bytes)) != NULL && !odd->quote) {
			odd_wrong(s, odd);
			s->at += bytes;
		} else {
			return true;
		}
	}
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of a string, behind a backslash or not.  -1: none that we take. */
static int
scan_escape(const char **at)
{
	const char *p = *at;
	int high, low;

	if (*p != '\\') {
		*at = p + 1;
		return (unsigned char)*p;
	}
	if (p[1] == '\\' || p[1] == '"' || p[1] == '\'') {
		*at = p + 2;
		return (unsigned char)p[1];
	}
	if (p[1] != 'x' || (high = hex_digit(p[2])) < 0 || (low = hex_digit(p[3])) < 0 ||
	    high + low == 0)
		return -1;
	*at = p + 4;
	return high << 4 | low;
}

static void
scan_string(struct scan *s, struct config_token *t)
{
	char quote = *s->at++;

	t->text = s->out->text + s->used;
	while (*s->at != quote) {
		int c;

		if (*s->at == '\0' || *s->at == '\n') {
			config_wrong(s->source, s->line,
			    "found a string that does not end in its line, expected %c", quote);
			t->bad = true;
			put(s, '\0');
			return;
		}
		c = scan_escape(&s->at);
		if (c < 0) {
			if (!t->bad)
				config_wrong(s->source, s->line, "found \"%.2s\" in a string, expected "
				    "one of \\\\ \\\" \\' \\xHH", s->at);
			t->bad = true;
			s->at++;
			continue;
		}
		put(s, (char)c);
	}
	s->at++;
	put(s, '\0');
}

/* A string in marks of another kind: up to the next mark of any kind, or the line's end. */
static void
scan_odd_string(struct scan *s, struct config_token *t, size_t bytes)
{
	const struct odd *odd;

	s->at += bytes;
	t->bad = true;
	t->text = s->out->text + s->used;
	while (*s->at != '\0' && *s->at != '\n' && *s->at != '"' && *s->at != '\'' &&
	    ((odd = odd_at(s->at, &bytes)) == NULL || !odd->quote))
		put(s, *s->at++);
	if (*s->at != '\0' && *s->at != '\n')
		s->at += *s->at == '"' || *s->at == '\'' ? 1 : bytes;
	put(s, '\0');
}

static void
scan_word(struct scan *s, struct config_token *t)
{
	size_t bytes;

	t->text = s->out->text + s->used;
	while (*s->at != '\0' && strchr(SIGNS, *s->at) == NULL && *s->at != CONFIG_FILE_MARK &&
	    odd_at(s->at, &bytes) == NULL)
		put(s, *s->at++);
	put(s, '\0');
}

/* What begins here and is neither blank nor the end. */
static void
scan_one(struct scan *s, bool tight)
{
	static const char signs[] = "{}=,";
	static const enum config_token_type types[] = { CONFIG_OPEN, CONFIG_CLOSE, CONFIG_EQUALS, CONFIG_COMMA };
	const char *sign = strchr(signs, *s->at);
	const struct odd *odd;
	struct config_token *t;
	size_t bytes;

	if (*s->at == CONFIG_FILE_MARK) {
		(void)add(s, CONFIG_FILE, tight);
		s->at += strcspn(s->at, "\n");
	} else if (sign != NULL) {
		(void)add(s, types[sign - signs], tight);
		s->at++;
	} else if (*s->at == '"' || *s->at == '\'') {
		if ((t = add(s, CONFIG_STRING, tight)) != NULL)
			scan_string(s, t);
	} else if ((odd = odd_at(s->at, &bytes)) != NULL) {
		odd_wrong(s, odd);
		if ((t = add(s, CONFIG_STRING, tight)) != NULL)
			scan_odd_string(s, t, bytes);
	} else if (*s->at == '(' || *s->at == ')') {
		/* A word of its own, which fits nowhere. */
		if ((t = add(s, CONFIG_WORD, tight)) != NULL)
			t->text = *s->at == '(' ? "(" : ")";
		s->at++;
	} else if ((t = add(s, CONFIG_WORD, tight)) != NULL) {
		scan_word(s, t);
	}
}

bool
config_scan(struct config_source *source, const char *text, struct config_tokens *out)
{
	struct scan s = { .source = source, .out = out, .at = text, .line = 1 };
	size_t size = strlen(text);

	*out = (struct config_tokens){ 0 };
	if (size > TEXT_MAX) {
		config_wrong(source, 1, "found %zu bytes, expected at most %u", size, TEXT_MAX);
		return false;
	}
	out->text = malloc(2 * size + 2);
	s.full = out->text == NULL;
	while (!s.full) {
		const char *before = s.at;
		bool more = skip_blanks(&s);

		if (!more || *s.at == '\0') {
			struct config_token *end = add(&s, CONFIG_END, false);

			if (end != NULL)
				end->bad = !more;
			break;
		}
		scan_one(&s, s.at == before);
	}
	if (!s.full)
		return true;
	config_wrong(source, 1, "found no memory, expected some");
	config_tokens_free(out);
	return false;
}

void
config_tokens_free(struct config_tokens *tokens)
{
	free(tokens->at);
	free(tokens->text);
	*tokens = (struct config_tokens){ 0 };
}

bool
config_text_includes(const char *text, struct config_include *out, size_t max, size_t *n)
{
	struct config_source quiet = { .path = "" };
	struct config_tokens tokens;
	size_t depth = 0;
	bool fits = true;

	*n = 0;
	if (!config_scan(&quiet, text, &tokens)) {
		config_source_free(&quiet);
		return false;
	}
	for (size_t i = 0; i + 1 < tokens.n && fits; i++) {
		const struct config_token *t = &tokens.at[i], *next = t + 1;

		depth += t->type == CONFIG_OPEN;
		depth -= t->type == CONFIG_CLOSE && depth > 0;
		if (depth > 0 || t->type != CONFIG_WORD || strcmp(t->text, "include") != 0 ||
		    next->type != CONFIG_STRING || next->bad || (i > 0 && t[-1].type == CONFIG_EQUALS))
			continue;
		fits = *n < max && strlen(next->text) < sizeof(out->name);
		if (!fits)
			break;
		out[*n].line = next->line;
		memcpy(out[(*n)++].name, next->text, strlen(next->text) + 1);
	}
	config_tokens_free(&tokens);
	config_source_free(&quiet);
	return fits;
}
