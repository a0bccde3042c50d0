/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_text.c - the configuration's text, made plain for libconfuse.
 *
 * Reads the file's own small grammar (NAME = VALUE, NAME = { LIST }, NAME "TITLE" { ... })
 * with comments, and writes it again without them: newlines where they were, every
 * value and title quoted and led by its line.  Malformed text ends here, so that
 * libconfuse's scanner, which keeps its state over an error, never sees any.  Included
 * files stand behind the file that names them, each behind a mark (config_include.c).
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_text.h"

#define TEXT_MAX	(4U << 20)
#define TEXT_DEPTH	4	/* mx-set { exchanger { } } is two */
#define TEXT_NAMES	64	/* names remembered a block, to find those given twice */
#define TEXT_ERRORS	20

enum token { T_WORD, T_STRING, T_OPEN, T_CLOSE, T_EQUALS, T_COMMA, T_FILE, T_END, T_BAD };

struct name {
	char	 text[32];
	unsigned line;
};

struct block {
	size_t	    n;
	unsigned    line;			/* where it was opened */
	struct name names[TEXT_NAMES];
};

struct scan {
	struct config_source *source;
	const char *at;
	unsigned    line;			/* of the newest token's first byte */
	unsigned    next_line;			/* where reading goes on */
	char	   *text;			/* the newest word or string, decoded */
	size_t	    text_len;
	FILE	   *out;
	unsigned    out_line;
	unsigned    included, files;		/* include statements, and marks, seen so far */
	size_t	    depth;
	struct block blocks[TEXT_DEPTH + 1];
};

void
config_wrong(struct config_source *source, unsigned line, const char *fmt, ...)
{
	char text[1024], file[CONFIG_FILE_SIZE];
	va_list ap;

	if (source->errors++ >= TEXT_ERRORS)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
	config_file_of(source, &line, file);
	fprintf(stderr, "%s:%u: %s\n", file, line, text);
}

void
config_found(struct config_source *source, unsigned line, const char *text, const char *fmt, ...)
{
	char expected[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(expected, sizeof(expected), fmt, ap);
	va_end(ap);
	config_wrong(source, line, "found \"%.200s\", expected %s", text, expected);
}

/* Skip blanks and comments.  False: a comment that does not end. */
static bool
scan_blanks(struct scan *s)
{
	for (;;) {
		if (*s->at == '\n') {
			s->next_line++;
			s->at++;
		} else if (*s->at == ' ' || *s->at == '\t' || *s->at == '\r') {
			s->at++;
		} else if (*s->at == '#' || (s->at[0] == '/' && s->at[1] == '/')) {
			s->at += strcspn(s->at, "\n");
		} else if (s->at[0] == '/' && s->at[1] == '*') {
			const char *end = strstr(s->at + 2, "*/");

			if (end == NULL) {
				config_wrong(s->source, s->next_line,
				    "found a comment that does not end, expected \"*/\"");
				return false;
			}
			for (; s->at < end; s->at++)
				s->next_line += *s->at == '\n';
			s->at += 2;
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

static enum token
scan_string(struct scan *s)
{
	char quote = *s->at++;

	s->text_len = 0;
	while (*s->at != quote) {
		int c;

		if (*s->at == '\0' || *s->at == '\n') {
			config_wrong(s->source, s->line,
			    "found a string that does not end in its line, expected %c", quote);
			return T_BAD;
		}
		c = scan_escape(&s->at);
		if (c < 0) {
			config_wrong(s->source, s->line, "found \"%.2s\" in a string, expected "
			    "one of \\\\ \\\" \\' \\xHH", s->at);
			return T_BAD;
		}
		s->text[s->text_len++] = (char)c;
	}
	s->at++;
	s->text[s->text_len] = '\0';
	return T_STRING;
}

static enum token
scan_token(struct scan *s)
{
	size_t len;

	if (!scan_blanks(s))
		return T_BAD;
	s->line = s->next_line;
	switch (*s->at) {
	case '\0':
		return T_END;
	case CONFIG_FILE_MARK:
		return T_FILE;
	case '{':
		s->at++;
		return T_OPEN;
	case '}':
		s->at++;
		return T_CLOSE;
	case '=':
		s->at++;
		return T_EQUALS;
	case ',':
		s->at++;
		return T_COMMA;
	case '"':
	case '\'':
		return scan_string(s);
	}
	len = strcspn(s->at, " \t\r\n{}()=,\"'#");
	if (len == 0 || memchr(s->at, '+', len) == s->at) {
		config_wrong(s->source, s->line,
		    "found \"%.1s\", expected a name or a value", s->at);
		return T_BAD;
	}
	memcpy(s->text, s->at, len);
	s->text[len] = '\0';
	s->text_len = len;
	s->at += len;
	return T_WORD;
}

/* Bring the output to the line that the newest token is on. */
static void
emit_line(struct scan *s)
{
	for (; s->out_line < s->line; s->out_line++)
		fputc('\n', s->out);
}

/* The newest text as "LINE:text", in the one kind of string that libconfuse reads as it stands. */
static void
emit_value(struct scan *s)
{
	emit_line(s);
	fprintf(s->out, "\"%u:", s->line);
	for (size_t i = 0; i < s->text_len; i++) {
		unsigned char c = (unsigned char)s->text[i];

		/* $ too: "${NAME}" would be taken from the environment. */
		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '$')
			fprintf(s->out, "\\x%02x", c);
		else
			fputc(c, s->out);
	}
	fputs("\" ", s->out);
}

static void
scan_wrong(struct scan *s, enum token token, const char *expected)
{
	static const char *const names[] = {
		[T_OPEN] = "\"{\"", [T_CLOSE] = "\"}\"", [T_EQUALS] = "\"=\"", [T_COMMA] = "\",\"",
		[T_FILE] = "the end of the file", [T_END] = "the end of the file",
	};

	if (token == T_BAD)
		return;			/* said already */
	if (token == T_WORD || token == T_STRING)
		config_wrong(s->source, s->line, "found \"%.200s\", expected %s", s->text,
		    expected);
	else
		config_wrong(s->source, s->line, "found %s, expected %s", names[token], expected);
}

/* A name may stand once in a block (sections with titles apart). */
static void
scan_once(struct scan *s, const struct name *name)
{
	struct block *b = &s->blocks[s->depth];
	char where[CONFIG_FILE_SIZE];

	for (size_t i = 0; i < b->n; i++) {
		if (strcmp(b->names[i].text, name->text) != 0)
			continue;
		config_wrong(s->source, name->line,
		    "found a second \"%s\", expected one (the first is in %s)", name->text,
		    config_line(s->source, b->names[i].line, where));
		return;
	}
	if (b->n < TEXT_NAMES)
		b->names[b->n++] = *name;
}

/* Behind "NAME = {". */
static bool
scan_list(struct scan *s)
{
	for (;;) {
		enum token token = scan_token(s);

		if (token == T_CLOSE)
			break;
		if (token != T_WORD && token != T_STRING) {
			scan_wrong(s, token, "a value or \"}\"");
			return false;
		}
		emit_value(s);
		token = scan_token(s);
		if (token == T_CLOSE)
			break;
		if (token != T_COMMA) {
			scan_wrong(s, token, "\",\" or \"}\" behind a value of a list");
			return false;
		}
		emit_line(s);
		fputs(", ", s->out);
	}
	emit_line(s);
	fputs("} ", s->out);
	return true;
}

static bool
scan_open(struct scan *s)
{
	if (s->depth == TEXT_DEPTH) {
		config_wrong(s->source, s->line, "found a section in a section in a section, "
		    "expected at most %d levels", TEXT_DEPTH);
		return false;
	}
	s->depth++;
	s->blocks[s->depth].n = 0;
	s->blocks[s->depth].line = s->line;
	emit_line(s);
	fputs("{ ", s->out);
	return true;
}

/* Behind a name. */
static bool
scan_statement(struct scan *s, const struct name *name)
{
	enum token token = scan_token(s);

	switch (token) {
	case T_EQUALS:
		scan_once(s, name);
		emit_line(s);
		fputs("= ", s->out);
		token = scan_token(s);
		if (token == T_OPEN) {
			emit_line(s);
			fputs("{ ", s->out);
			return scan_list(s);
		}
		if (token != T_WORD && token != T_STRING) {
			scan_wrong(s, token, "a value");
			return false;
		}
		emit_value(s);
		return true;
	case T_STRING:
	case T_WORD:
		emit_value(s);
		token = scan_token(s);
		if (token != T_OPEN) {
			scan_wrong(s, token,
			    "\"{\" behind a section's title, or \"=\" behind a name");
			return false;
		}
		return scan_open(s);
	case T_OPEN:
		scan_once(s, name);
		return scan_open(s);
	case T_CLOSE:
	case T_COMMA:
	case T_FILE:
	case T_END:
	case T_BAD:
		break;
	}
	scan_wrong(s, token, "\"=\" or \"{\" behind a name");
	return false;
}

/* Behind "include".  The file itself comes later, behind its mark. */
static bool
scan_include(struct scan *s)
{
	unsigned line = s->line;
	enum token token = scan_token(s);

	if (token != T_STRING) {
		scan_wrong(s, token, "the name of a file in quotes behind \"include\"");
		return false;
	}
	if (s->depth > 0) {
		config_wrong(s->source, line, "found \"include\" in a section, expected it outside of all");
		return false;
	}
	s->included++;
	return true;
}

/* Does each include have its file behind it? */
static bool
scan_all_read(struct scan *s)
{
	if (s->included == s->files)
		return true;
	config_wrong(s->source, s->line, "found %u files included and %u of them read, expected all of them",
	    s->included, s->files);
	return false;
}

static bool
scan_all(struct scan *s)
{
	char where[CONFIG_FILE_SIZE];

	for (;;) {
		enum token token = scan_token(s);
		struct name name = { .line = s->line };

		if (token == T_END && s->depth == 0)
			return scan_all_read(s);
		if (token == T_FILE && s->depth == 0) {
			s->files++;
			s->at += strcspn(s->at, "\n");
			continue;
		}
		if (token == T_CLOSE && s->depth > 0) {
			s->depth--;
			emit_line(s);
			fputs("}", s->out);
			continue;
		}
		if (token == T_END || token == T_FILE) {
			config_wrong(s->source, s->line,
			    "found the end of the file, expected \"}\" "
			    "for the section opened in %s",
			    config_line(s->source, s->blocks[s->depth].line, where));
			return false;
		}
		if (token != T_WORD) {
			scan_wrong(s, token, "a name");
			return false;
		}
		for (const char *p = s->text; *p != '\0'; p++)
			if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_') {
				scan_wrong(s, token, "a name (letters, digits, - and _)");
				return false;
			}
		if (s->text_len >= sizeof(name.text)) {
			scan_wrong(s, token, "a shorter name");
			return false;
		}
		memcpy(name.text, s->text, s->text_len + 1);
		if (strcmp(name.text, "include") == 0) {
			if (!scan_include(s))
				return false;
			continue;
		}
		emit_line(s);
		fprintf(s->out, "%s ", name.text);
		if (!scan_statement(s, &name))
			return false;
	}
}

bool
config_text_includes(const char *text, struct config_include *out, size_t max, size_t *n)
{
	struct config_source quiet = { .path = "", .errors = TEXT_ERRORS };
	struct scan s = { .source = &quiet, .at = text, .line = 1, .next_line = 1 };
	enum token before = T_END, token;
	bool is_include = false;

	*n = 0;
	s.text = malloc(strlen(text) + 1);
	if (s.text == NULL)
		return false;
	while ((token = scan_token(&s)) != T_END && token != T_BAD) {
		if (is_include && token == T_STRING && s.depth == 0) {
			if (*n == max || s.text_len >= sizeof(out->name)) {
				free(s.text);
				return false;
			}
			out[*n].line = s.line;
			memcpy(out[(*n)++].name, s.text, s.text_len + 1);
		}
		is_include = token == T_WORD && before != T_EQUALS && strcmp(s.text, "include") == 0;
		s.depth += token == T_OPEN;
		s.depth -= token == T_CLOSE && s.depth > 0;
		before = token;
	}
	free(s.text);
	return true;
}

char *
config_text_plain(struct config_source *source, const char *text)
{
	unsigned before = source->errors;
	size_t size = strlen(text), out_size = 0;
	char *out = NULL;
	struct scan s = { .source = source, .at = text, .line = 1, .next_line = 1, .out_line = 1 };
	bool ok;

	if (size > TEXT_MAX) {
		config_wrong(source, 1, "found %zu bytes, expected at most %u", size, TEXT_MAX);
		return NULL;
	}
	s.text = malloc(size + 1);
	s.out = open_memstream(&out, &out_size);
	if (s.text == NULL || s.out == NULL) {
		config_wrong(source, 1, "found no memory, expected some");
		if (s.out != NULL)
			fclose(s.out);
		free(out);
		free(s.text);
		return NULL;
	}
	ok = scan_all(&s);
	fputc('\n', s.out);
	ok = fclose(s.out) == 0 && ok && source->errors == before;
	free(s.text);
	if (!ok) {
		free(out);
		return NULL;
	}
	return out;
}
