/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fields.c - the body of a request that changes something: one flat JSON object (RFC 8259).
 *
 * Members are strings, true or false; each is known, and given once.  Nothing else is JSON to this server:
 * what it cannot use it does not guess at.
 */
#include <string.h>

#include "mxtrap/suggest.h"
#include "web_int.h"

struct reader {
	const char *p, *end;
};

static void
skip_space(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
		r->p++;
}

static bool
take(struct reader *r, char c)
{
	skip_space(r);
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

static bool
take_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
		return false;
	r->p += n;
	return true;
}

/* Four hexadecimal digits. */
static bool
take_unit(struct reader *r, uint32_t *out)
{
	*out = 0;
	if (r->end - r->p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = *r->p++;

		*out = *out << 4;
		if (c >= '0' && c <= '9')
			*out |= (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			*out |= (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return false;
	}
	return true;
}

/* \uXXXX, two of them for what lies beyond 16 bits, as UTF-8.  0: it is no character. */
static size_t
take_escape(struct reader *r, char out[static 4])
{
	uint32_t c, low;

	if (!take_unit(r, &c) || c == 0 || (c >= 0xdc00 && c <= 0xdfff))
		return 0;
	if (c >= 0xd800 && c <= 0xdbff) {
		if (!take_word(r, "\\u") || !take_unit(r, &low) || low < 0xdc00 || low > 0xdfff)
			return 0;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* A string, with its quotes.  False: it is none, or longer than there is room for. */
static bool
take_string(struct reader *r, char *out, size_t size)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	size_t n = 0;

	if (!take(r, '"'))
		return false;
	while (r->p < r->end && *r->p != '"') {
		char bytes[4] = { *r->p++ };
		size_t k = 1;

		if ((unsigned char)bytes[0] < 0x20)
			return false;
		if (bytes[0] == '\\') {
			const char *at;

			if (r->p == r->end)
				return false;
			if (*r->p == 'u') {
				r->p++;
				k = take_escape(r, bytes);
			} else {
				at = memchr(from, *r->p++, sizeof(from) - 1);
				if (at == NULL)
					return false;
				bytes[0] = to[at - from];
			}
		}
		if (k == 0 || n + k >= size)
			return false;
		memcpy(out + n, bytes, k);
		n += k;
	}
	out[n] = '\0';
	return take(r, '"');
}

static bool
take_value(struct reader *r, struct field *f)
{
	skip_space(r);
	if (f->text == NULL) {
		*f->flag = take_word(r, "true");
		return *f->flag || take_word(r, "false");
	}
	return take_string(r, f->text, f->size);
}

/* Always false: which there are. */
static bool
is_unknown(const char *name, const struct field *fields, size_t n_fields, char why[static FIELDS_WHY_SIZE])
{
	struct suggest near = { .typed = name };
	size_t n;

	for (size_t i = 0; i < n_fields; i++)
		suggest_offer(&near, fields[i].name);
	n = (size_t)snprintf(why, FIELDS_WHY_SIZE, "found a member that is not known: %s%s%s%s; expected ", name,
	    near.best != NULL ? " (did you mean " : "", near.best != NULL ? near.best : "", near.best != NULL ? "?)" : "");
	for (size_t i = 0; i < n_fields && n < FIELDS_WHY_SIZE; i++)
		n += (size_t)snprintf(why + n, FIELDS_WHY_SIZE - n, "%s%s", i == 0 ? "" : ", ", fields[i].name);
	return false;
}

bool
fields_read(const char *body, size_t n, struct field *fields, size_t n_fields, char why[static FIELDS_WHY_SIZE])
{
	struct reader r = { .p = body, .end = body + n };
	char name[32];

	(void)snprintf(why, FIELDS_WHY_SIZE, "expected one JSON object");
	if (!take(&r, '{'))
		return false;
	while (!take(&r, '}')) {
		struct field *f = fields;

		if (!take_string(&r, name, sizeof(name)) || !take(&r, ':'))
			return false;
		while (f < fields + n_fields && strcmp(f->name, name) != 0)
			f++;
		if (f == fields + n_fields)
			return is_unknown(name, fields, n_fields, why);
		if (f->given) {
			(void)snprintf(why, FIELDS_WHY_SIZE, "found a member twice: %s", name);
			return false;
		}
		if (!take_value(&r, f)) {
			(void)snprintf(why, FIELDS_WHY_SIZE, f->text == NULL ? "%s: expected true or false" :
			    "%s: expected a string of at most %zu bytes", f->name, f->size - 1);
			return false;
		}
		f->given = true;
		skip_space(&r);
		if (r.p < r.end && *r.p == '}')
			continue;
		(void)snprintf(why, FIELDS_WHY_SIZE, "expected one JSON object");
		if (!take(&r, ','))
			return false;
		skip_space(&r);
		if (r.p < r.end && *r.p == '}')
			return false;
	}
	skip_space(&r);
	return r.p == r.end;
}
