/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * os.c - p0f's database: read, and compared as p0f 3 compares.
 *
 * A signature is VERSION:TTL:IP OPTIONS:MSS:WINDOW,SCALE:LAYOUT:QUIRKS:PAYLOAD; a fingerprint is
 * the same without wildcards.  Of its window only the multiple may be left (mss*44): where a
 * signature names a size, all that it may be a multiple of are tried.
 */
#include "os.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DISTANCE 35		/* hops; as in p0f */
#define MAX_LINE     1000
#define ANY	     (-1)

enum window { WINDOW_ANY, WINDOW_VALUE, WINDOW_MODULO, WINDOW_MSS, WINDOW_MTU };
enum { QUIRK_DF = 1 << 0, QUIRK_ID_SET = 1 << 1, QUIRK_ID_ZERO = 1 << 2, QUIRK_ECN = 1 << 3, QUIRK_FLOW = 1 << 5,
	QUIRK_TS1_ZERO = 1 << 12 };

static const char *const quirk_names[] = { "df", "id+", "id-", "ecn", "0+", "flow", "seq-", "ack+", "ack-", "uptr+",
	"urgf+", "pushf+", "ts1-", "ts2+", "opt+", "exws", "bad" };
static const char *const option_names[] = { "nop", "mss", "ws", "sok", "sack", "ts" };

struct signature {
	const char *name, *flavor, *layout;	/* in the base's text */
	uint32_t quirks;
	int	 version, ttl, distance, ip_options, mss, scale, payload;	/* ANY; distance: as told behind the TTL */
	int	 window;
	enum window window_kind;
	bool	 bad_ttl;			/* "64-": any below it will do */
	bool	 generic, tool;
};

struct os_base {
	char	*text;			/* owned */
	size_t	 n, passed_over;
	struct signature *signatures;	/* owned */
};

/* The next part of *text, which ends at `end`; NULL: there was none. */
static char *
part(char **text, char end)
{
	char *begin = *text, *stop;

	if (begin == NULL)
		return NULL;
	stop = strchr(begin, end);
	*text = stop != NULL ? stop + 1 : NULL;
	if (stop != NULL)
		*stop = '\0';
	return begin;
}

/* A decimal number from min to max and nothing else. */
static bool
number(const char *text, int min, int max, int *out)
{
	int value = 0;

	if (text == NULL || text[0] == '\0' || strlen(text) > 6 || text[strspn(text, "0123456789")] != '\0')
		return false;
	for (; *text != '\0'; text++)
		value = value * 10 + (*text - '0');
	*out = value;
	return value >= min && value <= max;
}

static bool
number_or_any(const char *text, int min, int max, int *out)
{
	*out = ANY;
	return text != NULL && (strcmp(text, "*") == 0 || number(text, min, max, out));
}

/* "64", "64-", "63+1", "200+?" */
static bool
read_ttl(char *text, struct signature *s)
{
	size_t n = strlen(text);
	char *hops = text;

	if (n > 1 && text[n - 1] == '-') {
		s->bad_ttl = true;
		text[n - 1] = '\0';
	}
	text = part(&hops, '+');
	return number(text, 1, 255, &s->ttl) &&
	    (hops == NULL || strcmp(hops, "?") == 0 || number(hops, 0, 255, &s->distance));
}

static bool
read_window(char *text, struct signature *s)
{
	const char *size = part(&text, ',');

	if (!number_or_any(text, 0, 255, &s->scale))
		return false;
	if (strcmp(size, "*") == 0)
		return true;		/* WINDOW_ANY */
	s->window_kind = size[0] == '%' ? WINDOW_MODULO : strncmp(size, "mss*", 4) == 0 ? WINDOW_MSS :
	    strncmp(size, "mtu*", 4) == 0 ? WINDOW_MTU : WINDOW_VALUE;
	size += s->window_kind == WINDOW_MODULO ? 1 : s->window_kind == WINDOW_VALUE ? 0 : 4;
	return number(size, s->window_kind == WINDOW_VALUE ? 0 : 1, 65535, &s->window);
}

static bool
is_option(const char *text, size_t n)
{
	if ((n > 4 && memcmp(text, "eol+", 4) == 0) || (n > 1 && text[0] == '?')) {
		size_t at = text[0] == '?' ? 1 : 4;

		return strspn(text + at, "0123456789") == n - at && n - at <= 3;
	}
	for (size_t i = 0; i < sizeof(option_names) / sizeof(option_names[0]); i++)
		if (strlen(option_names[i]) == n && memcmp(option_names[i], text, n) == 0)
			return true;
	return false;
}

static bool
is_layout(const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, ",");

		if (!is_option(text, n) || (text[n] == ',' && text[n + 1] == '\0'))
			return false;
		text += n + (text[n] == ',');
	}
	return true;
}

static bool
read_quirks(char *text, uint32_t *out)
{
	char *name;

	if (text[0] == '\0')
		return true;
	while ((name = part(&text, ',')) != NULL) {
		size_t i = 0;

		while (i < sizeof(quirk_names) / sizeof(quirk_names[0]) && strcmp(name, quirk_names[i]) != 0)
			i++;
		if (i == sizeof(quirk_names) / sizeof(quirk_names[0]))
			return false;
		*out |= 1U << i;
	}
	return true;
}

/* Cuts text into pieces, which *s points into. */
static bool
read_signature(char *text, struct signature *s)
{
	char *field[8];

	for (size_t i = 0; i < 8; i++)
		if ((field[i] = part(&text, ':')) == NULL)
			return false;
	s->layout = field[5];
	s->payload = field[7][0] == '*' ? ANY : field[7][0] == '+';
	return text == NULL && number_or_any(field[0], 4, 6, &s->version) && s->version != 5 && read_ttl(field[1], s) &&
	    number(field[2], 0, 255, &s->ip_options) && number_or_any(field[3], 0, 65535, &s->mss) &&
	    read_window(field[4], s) && is_layout(s->layout) && read_quirks(field[6], &s->quirks) &&
	    (strcmp(field[7], "*") == 0 || strcmp(field[7], "0") == 0 || strcmp(field[7], "+") == 0);
}

/* s:unix:Linux:3.11 and newer */
static bool
read_label(char *text, struct signature *s)
{
	const char *type, *class;

	for (const char *p = text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return false;
	type = part(&text, ':');
	class = part(&text, ':');
	s->name = part(&text, ':');
	s->flavor = text;
	s->generic = strcmp(type, "g") == 0;
	s->tool = class != NULL && strcmp(class, "!") == 0;
	return (s->generic || strcmp(type, "s") == 0) && s->name != NULL && s->name[0] != '\0' && text != NULL;
}

static char *
trim(char *text)
{
	size_t n;

	text += strspn(text, " \t");
	for (n = strlen(text); n > 0 && strchr(" \t\r", text[n - 1]) != NULL; n--)
		text[n - 1] = '\0';
	return text;
}

/* label: of the signatures that follow; no name: theirs was broken.  False: a broken line. */
static bool
read_line(struct os_base *base, char *line, bool *ours, struct signature *label)
{
	char *value = line, *key;

	if (line[0] == '\0' || line[0] == ';')
		return true;
	if (line[0] == '[') {
		*ours = strcmp(line, "[tcp:request]") == 0;
		*label = (struct signature){ 0 };
		return true;
	}
	if (!*ours)
		return true;
	key = trim(part(&value, '='));
	if (value == NULL)
		return false;
	value = trim(value);
	if (strcmp(key, "sys") == 0)
		return true;		/* what a tool runs on: nothing to us */
	if (strcmp(key, "label") == 0) {
		*label = (struct signature){ 0 };
		if (read_label(value, label))
			return true;
		label->name = NULL;
	} else if (strcmp(key, "sig") == 0 && label->name != NULL && base->n < OS_MAX_SIGNATURES) {
		base->signatures[base->n] = *label;
		if (read_signature(value, &base->signatures[base->n])) {
			base->n++;
			return true;
		}
	}
	return false;
}

struct os_base *
os_parse(const char *text, size_t n)
{
	struct os_base *base = n <= OS_MAX_FILE ? calloc(1, sizeof(*base)) : NULL;
	struct signature label = { 0 }, *fewer;
	bool ours = false;
	char *rest, *line;

	if (base == NULL)
		return NULL;
	base->text = malloc(n + 1);
	base->signatures = calloc(OS_MAX_SIGNATURES, sizeof(*base->signatures));
	if (base->text == NULL || base->signatures == NULL) {
		os_free(base);
		return NULL;
	}
	/* No text has a zero byte: the line that holds one is broken. */
	for (size_t i = 0; i < n; i++)
		base->text[i] = (char)(text[i] != '\0' ? text[i] : '\001');
	base->text[n] = '\0';
	rest = base->text;
	while ((line = part(&rest, '\n')) != NULL)
		if (strlen(line) > MAX_LINE || !read_line(base, trim(line), &ours, &label))
			base->passed_over++;
	fewer = realloc(base->signatures, (base->n + 1) * sizeof(*fewer));
	if (fewer != NULL)
		base->signatures = fewer;
	return base;
}

void
os_free(struct os_base *base)
{
	if (base == NULL)
		return;
	free(base->signatures);
	free(base->text);
	free(base);
}

size_t
os_signatures(const struct os_base *base)
{
	return base->n;
}

size_t
os_passed_over(const struct os_base *base)
{
	return base->passed_over;
}

/* What the window of a fingerprint may have been: one value, or those that are written as this multiple. */
static size_t
windows(const struct signature *seen, int out[static 6])
{
	const bool v6 = seen->version == 6,
	    stamped = strstr(seen->layout, "ts") != NULL && (seen->quirks & QUIRK_TS1_ZERO) == 0;
	const int of_mss[] = { seen->mss, stamped ? seen->mss - 12 : 0, 1460, stamped ? 1448 : 0, v6 ? 1440 : 0,
		v6 && stamped ? 1428 : 0 };
	const int of_mtu[] = { seen->mss + 40, v6 ? seen->mss + 60 : 0, 1500, 0, 0, 0 };
	size_t n = 0;

	if (seen->window_kind == WINDOW_VALUE) {
		out[0] = seen->window;
		return 1;
	}
	for (size_t i = 0; i < 6; i++) {
		int64_t value = (int64_t)seen->window * (seen->window_kind == WINDOW_MSS ? of_mss[i] : of_mtu[i]);

		if (value > 0 && value <= 65535)
			out[n++] = (int)value;
	}
	return n;
}

static bool
window_fits(const struct signature *s, const struct signature *seen, const int *values, size_t n)
{
	switch (s->window_kind) {
	case WINDOW_ANY:
		return true;
	case WINDOW_MSS:
	case WINDOW_MTU:
		return s->window_kind == seen->window_kind && s->window == seen->window;
	case WINDOW_VALUE:
	case WINDOW_MODULO:
		break;
	}
	for (size_t i = 0; i < n; i++)
		if (s->window_kind == WINDOW_VALUE ? values[i] == s->window : values[i] % s->window == 0)
			return true;
	return false;
}

enum fit { FIT_NOT, FIT_FUZZY, FIT_EXACT };

/* Fuzzy is what routers on the way do: "df" or "id+" gone, "id-" or "ecn" come; and what set out with another TTL. */
static enum fit
compare(const struct signature *s, const struct signature *seen, const int *values, size_t n)
{
	const int ttl = s->ttl + s->distance;
	uint32_t quirks = s->quirks;
	bool fuzzy = false;

	if ((s->version != ANY && s->version != seen->version) || s->ip_options != seen->ip_options ||
	    (s->mss != ANY && s->mss != seen->mss) || (s->scale != ANY && s->scale != seen->scale) ||
	    (s->payload != ANY && s->payload != seen->payload))
		return FIT_NOT;
	if (s->version == ANY)
		quirks &= seen->version == 4 ? ~(uint32_t)QUIRK_FLOW : ~(uint32_t)(QUIRK_DF | QUIRK_ID_SET | QUIRK_ID_ZERO);
	if (quirks != seen->quirks) {
		if ((quirks & ~seen->quirks & ~(uint32_t)(QUIRK_DF | QUIRK_ID_SET)) != 0 ||
		    (seen->quirks & ~quirks & ~(uint32_t)(QUIRK_ID_ZERO | QUIRK_ECN)) != 0)
			return FIT_NOT;
		fuzzy = true;
	}
	if (s->bad_ttl && ttl < seen->ttl)
		return FIT_NOT;
	if (!s->bad_ttl && (ttl < seen->ttl || ttl - seen->ttl > MAX_DISTANCE))
		fuzzy = true;
	if (!window_fits(s, seen, values, n) || strcmp(s->layout, seen->layout) != 0)
		return FIT_NOT;
	return fuzzy ? FIT_FUZZY : FIT_EXACT;
}

bool
os_find(const struct os_base *base, const char *fingerprint, char out[static OS_TEXT_SIZE])
{
	const struct signature *specific = NULL, *generic = NULL, *fuzzy = NULL, *s;
	struct signature seen = { 0 };
	char text[256];
	int values[6];
	size_t n = strlen(fingerprint);

	out[0] = '\0';
	if (n >= sizeof(text))
		return false;
	memcpy(text, fingerprint, n + 1);
	if (!read_signature(text, &seen) || seen.version == ANY || seen.window_kind == WINDOW_ANY)
		return false;
	n = windows(&seen, values);
	for (size_t i = 0; i < base->n && specific == NULL; i++) {
		s = &base->signatures[i];
		switch (compare(s, &seen, values, n)) {
		case FIT_NOT:
			break;
		case FIT_FUZZY:
			if (fuzzy == NULL)
				fuzzy = s;
			break;
		case FIT_EXACT:
			if (!s->generic)
				specific = s;
			else if (generic == NULL)
				generic = s;
			break;
		}
	}
	s = specific != NULL ? specific : generic != NULL ? generic : fuzzy;
	/* A tool is known by its oddities: it is the very same or another one. */
	if (s == NULL || (s == fuzzy && s->tool))
		return false;
	(void)snprintf(out, OS_TEXT_SIZE, "%.60s%s%.60s%s", s->name, s->flavor[0] != '\0' ? " " : "", s->flavor,
	    s == fuzzy ? " (fuzzy)" : s == generic ? " (generic)" : "");
	return true;
}
