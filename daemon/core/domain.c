/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domain.c - RFC 3492 (punycode), the bit of it that compares names needs, and the syntax of RFC 5321, 4.1.2.
 */
#include "mxtrap/domain.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define LABEL_MAX 63		/* octets, and so code points at most */

/* -- characters -- */

/* The next code point of UTF-8 (RFC 3629); 0: the end, or none. */
static uint32_t
next_code(const char **at)
{
	const uint8_t *p = (const uint8_t *)*at;
	uint32_t code = p[0], least;
	int more = code < 0x80 ? 0 : (code & 0xe0) == 0xc0 ? 1 : (code & 0xf0) == 0xe0 ? 2 : (code & 0xf8) == 0xf0 ? 3 : -1;

	if (more < 0 || code == 0)
		return 0;
	code = more == 0 ? code : code & (0x3fU >> more);
	for (int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	least = more == 0 ? 1 : more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
	if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*at += more + 1;
	return code;
}

/* Lower case, as far as scripts with cases are used in names: Latin, Greek, Cyrillic, Armenian. */
static uint32_t
lower(uint32_t c)
{
	static const struct { uint32_t from, to, add; } spans[] = {
		{ 'A', 'Z', 32 }, { 0xc0, 0xd6, 32 }, { 0xd8, 0xde, 32 }, { 0x388, 0x38a, 37 }, { 0x391, 0x3a1, 32 },
		{ 0x3a3, 0x3ab, 32 }, { 0x400, 0x40f, 80 }, { 0x410, 0x42f, 32 }, { 0x531, 0x556, 48 },
	};
	/* Upper and lower case in turn; odd: the upper ones are. */
	static const struct { uint32_t from, to, odd; } pairs[] = {
		{ 0x100, 0x12f, 0 }, { 0x132, 0x137, 0 }, { 0x139, 0x148, 1 }, { 0x14a, 0x177, 0 }, { 0x179, 0x17e, 1 },
		{ 0x1cd, 0x1dc, 1 }, { 0x1de, 0x1ef, 0 }, { 0x1f8, 0x21f, 0 }, { 0x222, 0x233, 0 }, { 0x460, 0x481, 0 },
		{ 0x48a, 0x4bf, 0 }, { 0x4c1, 0x4ce, 1 }, { 0x4d0, 0x52f, 0 }, { 0x1e00, 0x1e95, 0 }, { 0x1ea0, 0x1eff, 0 },
	};

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
		if (c >= spans[i].from && c <= spans[i].to)
			return c + spans[i].add;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (c >= pairs[i].from && c <= pairs[i].to)
			return (c & 1) == pairs[i].odd ? c + 1 : c;
	return c == 0x178 ? 0xff : c == 0x386 ? 0x3ac : c == 0x38c ? 0x3cc : c == 0x38e || c == 0x38f ? c + 63 : c;
}

/* RFC 3490, 3.1: whatever is taken for a dot. */
static bool
is_dot(uint32_t c)
{
	return c == '.' || c == 0x3002 || c == 0xff0e || c == 0xff61;
}

static bool
is_plain(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* No letter, digit or mark in any script (RFC 5892, 2.6 and after): controls, spaces, signs that are not seen, private use. */
static bool
is_never(uint32_t c)
{
	return (c >= 0x80 && c <= 0xa0) || c == 0xad || c == 0x1680 || (c >= 0x2000 && c <= 0x206f) || c == 0x3000 ||
	    (c >= 0xd800 && c <= 0xf8ff) || c == 0xfeff || (c >= 0xfff0 && c <= 0xffff) || c > 0x10ffff;
}

/* -- RFC 3492 -- */

static uint32_t
adapt(uint32_t delta, uint32_t n, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / 700 : delta / 2;
	for (delta += delta / n; delta > 455; k += 36)
		delta /= 35;
	return k + 36 * delta / (delta + 38);
}

static char
digit(uint32_t d)
{
	return (char)(d < 26 ? 'a' + d : '0' + d - 26);
}

/* n code points, one of them at least beyond ASCII; the length of the label with its "xn--", or 0: too long. */
static size_t
encode(const uint32_t *codes, size_t n, char out[static LABEL_MAX])
{
	uint32_t code = 128, delta = 0, bias = 72, done = 0, plain;
	size_t len = 4;

	memcpy(out, "xn--", 4);
	for (size_t i = 0; i < n; i++)
		if (codes[i] < 128 && len < LABEL_MAX)
			out[len++] = (char)codes[i];
	done = plain = (uint32_t)len - 4;
	if (plain > 0 && len < LABEL_MAX)
		out[len++] = '-';
	while (done < n) {
		uint32_t next = UINT32_MAX;

		for (size_t i = 0; i < n; i++)
			if (codes[i] >= code && codes[i] < next)
				next = codes[i];
		delta += (next - code) * (done + 1);	/* 63 * 0x10ffff: it cannot overflow */
		code = next;
		for (size_t i = 0; i < n; i++) {
			uint32_t q;

			delta += codes[i] < code;
			if (codes[i] != code)
				continue;
			q = delta;
			for (uint32_t k = 36;; k += 36) {
				uint32_t t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;

				if (len == LABEL_MAX)
					return 0;
				out[len++] = digit(q < t ? q : t + (q - t) % (36 - t));
				if (q < t)
					break;
				q = (q - t) / (36 - t);
			}
			bias = adapt(delta, done + 1, done == plain);
			done++;
			delta = 0;
		}
		delta++;
		code++;
	}
	return len;
}

/* -- names -- */

/* One label, lower case, into out; its length, or 0: it is none. */
static size_t
take_label(const char **at, char out[static LABEL_MAX])
{
	uint32_t codes[LABEL_MAX];
	bool ascii = true;
	size_t n = 0;

	while (**at != '\0') {
		const char *before = *at;
		uint32_t c = next_code(at);

		if (is_dot(c)) {
			*at = before;
			break;
		}
		c = lower(c);
		if (n == LABEL_MAX || (c < 128 && !is_plain(c)) || is_never(c))
			return 0;
		ascii = ascii && c < 128;
		codes[n++] = c;
	}
	if (n == 0 || codes[0] == '-' || codes[n - 1] == '-')
		return 0;
	if (!ascii)
		return encode(codes, n, out);
	for (size_t i = 0; i < n; i++)
		out[i] = (char)codes[i];
	return n;
}

/* RFC 6761, RFC 7686; and the last label of an address is a number. */
static bool
is_no_top(const char *label)
{
	static const char *const none[] = { "localhost", "invalid", "onion" };

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (strcmp(label, none[i]) == 0)
			return true;
	return label[strspn(label, "0123456789")] == '\0';
}

bool
domain_normalize(const char *in, char out[static DOMAIN_SIZE])
{
	char name[DOMAIN_SIZE], label[LABEL_MAX];
	size_t n = 0, labels = 0, last = 0;

	while (*in != '\0') {
		size_t len = take_label(&in, label);

		if (len == 0 || n + len + 1 >= sizeof(name) - 1)
			return false;
		if (labels++ > 0)
			name[n++] = '.';
		last = n;
		memcpy(name + n, label, len);
		n += len;
		if (*in != '\0')
			(void)next_code(&in);	/* the dot; one at the end is allowed */
	}
	name[n] = '\0';
	if (labels < 2 || is_no_top(name + last))
		return false;
	memcpy(out, name, n + 1);
	return true;
}

/* Of a name, without one dot at its end. */
static size_t
length(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && name[n - 1] == '.' ? n - 1 : n;
}

bool
domain_same(const char *a, const char *b)
{
	char x[DOMAIN_SIZE], y[DOMAIN_SIZE];
	size_t n = length(a);

	if (n > 0 && n == length(b) && strncasecmp(a, b, n) == 0)
		return true;
	return domain_normalize(a, x) && domain_normalize(b, y) && strcmp(x, y) == 0;
}
