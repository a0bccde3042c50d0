/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_value.c - single values of the configuration: text to number, time, size, name.
 *
 * Each says only whether the text is one of its kind; the reader knows the bounds
 * and tells the operator.  Outputs are untouched on failure.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/domain.h"
#include "config_text.h"

struct unit {
	const char *name;
	uint64_t    factor;
};

/* Digits alone, then one of the units.  "" as a unit's name stands for no unit. */
static bool
value_with_unit(const char *text, const struct unit *units, size_t n, uint64_t *out)
{
	uint64_t number = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*p - '0'), &number))
			return false;
	if (p == text)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(p, units[i].name) == 0)
			return !__builtin_mul_overflow(number, units[i].factor, out);
	return false;
}

bool
config_duration(const char *text, uint32_t *seconds)
{
	static const struct unit units[] = {
		{ "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 },
	};
	uint64_t n;

	if (!value_with_unit(text, units, sizeof(units) / sizeof(units[0]), &n) || n > UINT32_MAX)
		return false;
	*seconds = (uint32_t)n;
	return true;
}

bool
config_size(const char *text, uint64_t *bytes)
{
	static const struct unit units[] = {
		{ "", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 },
		{ "TiB", 1ULL << 40 },
	};
	uint64_t n;

	if (!value_with_unit(text, units, sizeof(units) / sizeof(units[0]), &n))
		return false;
	*bytes = n;
	return true;
}

bool
config_number(const char *text, uint64_t *number)
{
	static const struct unit none = { "", 1 };
	uint64_t n;

	if (!value_with_unit(text, &none, 1, &n))
		return false;
	*number = n;
	return true;
}

bool
config_real(const char *text, double *number)
{
	char *end;
	double d;

	/* Plain decimals: no hexadecimal, no "inf", no "nan", no leading space. */
	if (text[0] == '\0' || text[strspn(text, "+-.0123456789eE")] != '\0')
		return false;
	errno = 0;
	d = strtod(text, &end);
	if (*end != '\0' || end == text || errno != 0 || !isfinite(d))
		return false;
	*number = d;
	return true;
}

bool
config_bool(const char *text, bool *yes)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0) {
			*yes = (i & 1) != 0;
			return true;
		}
	return false;
}

bool
config_host(const char *text, char out[static MXSET_NAME_SIZE])
{
	size_t len = strlen(text);
	size_t label = 0;

	if (len > 0 && text[len - 1] == '.')
		len--;			/* "example.org." is the same name */
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return domain_normalize(text, out);	/* as mail servers ask for it: xn--... */
	if (len == 0 || len > 253)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '.' ? label == 0 : (!isalnum(c) && c != '-' && c != '_') || label == 63)
			return false;
		label = c == '.' ? 0 : label + 1;
	}
	if (label == 0)
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	out[len] = '\0';
	return true;
}

bool
config_word(const char *text, char *out, size_t size)
{
	size_t len = strlen(text);

	if (len == 0 || len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f || text[i] == '"' || text[i] == '\\')
			return false;
	memcpy(out, text, len + 1);
	return true;
}

bool
config_listen(const char *text, struct addr *addr, uint16_t *port)
{
	char host[64];
	const char *colon = strrchr(text, ':');
	size_t len;
	uint64_t n;
	struct addr a;

	if (colon == NULL || (size_t)(colon - text) >= sizeof(host) ||
	    !config_number(colon + 1, &n) || n == 0 || n > 65535)
		return false;
	len = (size_t)(colon - text);
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		memcpy(host, text + 1, len - 2);
		host[len - 2] = '\0';
		if (strchr(host, ':') == NULL)
			return false;
	} else {
		memcpy(host, text, len);
		host[len] = '\0';
		if (strchr(host, ':') != NULL)
			return false;	/* IPv6 needs its brackets: where does the port begin? */
	}
	if (!addr_parse(&a, host))
		return false;
	*addr = a;
	*port = (uint16_t)n;
	return true;
}
