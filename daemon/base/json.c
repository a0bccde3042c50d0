/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json.c - a bounded JSON writer.
 */
#include "mxtrap/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void
json_to_buffer(struct json *j)
{
	*j = (struct json){ 0 };
}

void
json_to_file(struct json *j, FILE *file)
{
	*j = (struct json){ .file = file };
}

void
json_free(struct json *j)
{
	free(j->buf);
	*j = (struct json){ 0 };
}

void
json_clear(struct json *j)
{
	*j = (struct json){ .file = j->file, .buf = j->buf, .cap = j->cap };
	if (j->buf != NULL)
		j->buf[0] = '\0';
}

static void
put(struct json *j, const char *bytes, size_t n)
{
	if (j->failed)
		return;
	if (j->file != NULL) {
		j->failed = fwrite_unlocked(bytes, 1, n, j->file) != n;
		return;
	}
	if (j->len + n + 1 > j->cap) {
		size_t cap = j->cap == 0 ? 1024 : j->cap;
		char *more;

		while (cap < j->len + n + 1)
			cap *= 2;
		more = realloc(j->buf, cap);
		if (more == NULL) {
			j->failed = true;
			return;
		}
		j->buf = more;
		j->cap = cap;
	}
	memcpy(j->buf + j->len, bytes, n);
	j->len += n;
	j->buf[j->len] = '\0';
}

/* How many bytes of a well-formed UTF-8 sequence begin here (RFC 3629); 0: none. */
static size_t
utf8_length(const unsigned char *s)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf && (s[1] & 0xc0) == 0x80)
		return 2;
	if ((s[0] & 0xf0) == 0xe0 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80 &&
	    !(s[0] == 0xe0 && s[1] < 0xa0) && !(s[0] == 0xed && s[1] >= 0xa0))
		return 3;
	if (s[0] >= 0xf0 && s[0] <= 0xf4 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80 && (s[3] & 0xc0) == 0x80 &&
	    !(s[0] == 0xf0 && s[1] < 0x90) && !(s[0] == 0xf4 && s[1] >= 0x90))
		return 4;
	return 0;
}

/* What ends a line in JavaScript, what turns the direction of what follows, and a byte order mark. */
static bool
turns(const unsigned char s[static 3])
{
	unsigned c = (s[0] & 15U) << 12 | (s[1] & 63U) << 6 | (s[2] & 63U);

	return c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void
put_escaped(struct json *j, const char *text)
{
	const unsigned char *s = (const unsigned char *)text, *plain = s;
	char buf[8];

	put(j, "\"", 1);
	while (*s != '\0') {
		size_t n = utf8_length(s);
		int m = 0;

		if (*s == '"' || *s == '\\')
			m = snprintf(buf, sizeof(buf), "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f || *s == '<' || *s == '>' || *s == '&')
			m = snprintf(buf, sizeof(buf), "\\u%04x", *s);
		else if (n == 0)
			m = snprintf(buf, sizeof(buf), "\\ufffd");
		else if (n == 2 && s[0] == 0xc2 && s[1] < 0xa0)		/* C1: a terminal obeys them */
			m = snprintf(buf, sizeof(buf), "\\u00%02x", s[1]);
		else if (n == 3 && turns(s))
			m = snprintf(buf, sizeof(buf), "\\u%04x", (s[0] & 15) << 12 | (s[1] & 63) << 6 | (s[2] & 63));
		if (m == 0) {
			s += n;
			continue;
		}
		put(j, (const char *)plain, (size_t)(s - plain));
		put(j, buf, (size_t)m);
		s += n == 0 ? 1 : n;
		plain = s;
	}
	put(j, (const char *)plain, (size_t)(s - plain));
	put(j, "\"", 1);
}

static void
begin_value(struct json *j, const char *name)
{
	bool in_object = j->depth > 0 && j->is_object[j->depth - 1];

	assert(in_object == (name != NULL));
	if (j->depth > 0 && j->has_value[j->depth - 1])
		put(j, ",", 1);
	if (j->depth > 0)
		j->has_value[j->depth - 1] = 1;
	if (name != NULL) {
		put_escaped(j, name);
		put(j, ":", 1);
	}
}

static void
open_nest(struct json *j, const char *name, bool object)
{
	begin_value(j, name);
	assert(j->depth < JSON_MAX_DEPTH);
	j->is_object[j->depth] = object;
	j->has_value[j->depth++] = 0;
	put(j, object ? "{" : "[", 1);
}

void
json_object(struct json *j, const char *name)
{
	open_nest(j, name, true);
}

void
json_array(struct json *j, const char *name)
{
	open_nest(j, name, false);
}

void
json_end(struct json *j)
{
	assert(j->depth > 0);
	j->depth--;
	put(j, j->is_object[j->depth] ? "}" : "]", 1);
}

void
json_string(struct json *j, const char *name, const char *text)
{
	if (text == NULL) {
		json_null(j, name);
		return;
	}
	begin_value(j, name);
	put_escaped(j, text);
}

/* The last decimals of the digits stand behind a point. */
static void
put_digits(struct json *j, uint64_t value, bool minus, int decimals)
{
	char buf[32];
	size_t at = sizeof(buf);

	do {
		buf[--at] = (char)('0' + value % 10);
		value /= 10;
		if (decimals > 0 && --decimals == 0)
			buf[--at] = '.';
	} while (value != 0 || decimals > 0 || buf[at] == '.');
	if (minus)
		buf[--at] = '-';
	put(j, buf + at, sizeof(buf) - at);
}

void
json_int(struct json *j, const char *name, int64_t value)
{
	begin_value(j, name);
	put_digits(j, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0, 0);
}

void
json_uint(struct json *j, const char *name, uint64_t value)
{
	begin_value(j, name);
	put_digits(j, value, false, 0);
}

void
json_real(struct json *j, const char *name, double value, int decimals)
{
	static const double tens[] = { 1, 10, 100, 1e3, 1e4, 1e5, 1e6 };
	char buf[344];			/* DBL_MAX has 309 digits */
	int n;

	if (!isfinite(value)) {
		json_null(j, name);
		return;
	}
	begin_value(j, name);
	assert(decimals >= 0 && decimals <= 9);
	if (decimals <= 6 && fabs(value) < 1e12) {
		int64_t whole = llround(value * tens[decimals]);

		put_digits(j, (uint64_t)llabs(whole), whole < 0, decimals);
		return;
	}
	n = snprintf(buf, sizeof(buf), "%.*f", decimals, value);
	put(j, buf, (size_t)n);
}

void
json_bool(struct json *j, const char *name, bool value)
{
	begin_value(j, name);
	put(j, value ? "true" : "false", value ? 4 : 5);
}

void
json_null(struct json *j, const char *name)
{
	begin_value(j, name);
	put(j, "null", 4);
}

void
json_line(struct json *j)
{
	assert(j->depth == 0);
	put(j, "\n", 1);
}
