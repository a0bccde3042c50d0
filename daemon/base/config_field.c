/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_field.c - the table of the configuration's single values, and both its directions.
 *
 * A key, where it lives, its type and its bounds: reading, printing and the words of
 * a complaint all come from the one row.
 */
#include <stdio.h>
#include <string.h>

#include "config_text.h"

#define FIELD(section, key, member, type, low, high) \
	{ section, key, offsetof(struct config, member), type, low, high }
#define DAY 86400.0

const struct config_field config_fields[CONFIG_N_FIELDS] = {
	FIELD("", "publish", publish, CONFIG_BOOL, 0, 1),
	FIELD("", "publish-after", publish_after_s, CONFIG_DURATION, 0, 365 * DAY),
	FIELD("", "probe", probe, CONFIG_BOOL, 0, 1),
	FIELD("", "probe-interval", probe_interval_s, CONFIG_DURATION, 6, 3600),
	FIELD("", "greeting-delay", greeting_delay_s, CONFIG_DURATION, 0, 30),
	FIELD("allow", "special-purpose", special_purpose, CONFIG_BOOL, 0, 1),
	FIELD("allow", "correspondents", correspondents, CONFIG_BOOL, 0, 1),
	FIELD("judge", "false-listing", judge.false_listing, CONFIG_REAL, 1e-9, 0.25),
	FIELD("judge", "miss", judge.miss, CONFIG_REAL, 1e-6, 0.5),
	FIELD("judge", "half-life", judge.half_life_s, CONFIG_DURATION, 3600, 365 * DAY),
	FIELD("judge", "fallback-window", judge.fallback_window_s, CONFIG_DURATION, 60, DAY),
	FIELD("judge", "order-memory", judge.order_memory_s, CONFIG_DURATION, 60, 30 * DAY),
	FIELD("judge", "visit-gap", judge.visit_gap_s, CONFIG_DURATION, 1, 3600),
	FIELD("judge", "start-grace", judge.start_grace_s, CONFIG_DURATION, 0, 7 * DAY),
	FIELD("judge", "term", judge.term_s, CONFIG_DURATION, 60, 30 * DAY),
	FIELD("limits", "senders", limits.senders, CONFIG_NUMBER, 1024, 1 << 24),
	FIELD("limits", "attempts", limits.attempts, CONFIG_NUMBER, 1024, 1 << 24),
	FIELD("limits", "pools", limits.pools, CONFIG_NUMBER, 1024, 1 << 24),
	FIELD("limits", "tally-above", limits.tally_above, CONFIG_NUMBER, 1, 10000000),
	FIELD("limits", "new-per-48", limits.new_per_48, CONFIG_NUMBER, 16, 65536),
	FIELD("limits", "dialogues", dialogues, CONFIG_NUMBER, 1, 40000),
	FIELD("limits", "dialogues-per-source", dialogues_per_source, CONFIG_NUMBER, 1, 40000),
	FIELD("dnsbl", "suspects", dnsbl_suspects, CONFIG_BOOL, 0, 1),
	FIELD("capture", "ring", ring_bytes, CONFIG_SIZE32, 1 << 20, 2147483648.0),
	FIELD("store", "attempts", retention_attempts_s, CONFIG_DURATION, 3600, 3650 * DAY),
	FIELD("store", "max-size", store_max_bytes, CONFIG_SIZE64, 16 << 20, 281474976710656.0),
};

static const char *
unit_text(uint64_t n, const uint64_t *factors, const char *const *names, size_t count,
    char buf[static CONFIG_VALUE_SIZE])
{
	size_t i = 0;

	/* Largest unit first; the last one has factor 1. */
	while (i + 1 < count && (n == 0 || n % factors[i] != 0))
		i++;
	snprintf(buf, CONFIG_VALUE_SIZE, "%llu%s", (unsigned long long)(n / factors[i]), names[i]);
	return buf;
}

const char *
config_duration_text(uint32_t seconds, char buf[static CONFIG_VALUE_SIZE])
{
	static const uint64_t factors[] = { 86400, 3600, 60, 1 };
	static const char *const names[] = { "d", "h", "m", "s" };

	return unit_text(seconds, factors, names, 4, buf);
}

const char *
config_size_text(uint64_t bytes, char buf[static CONFIG_VALUE_SIZE])
{
	static const uint64_t factors[] = { 1ULL << 40, 1 << 30, 1 << 20, 1 << 10, 1 };
	static const char *const names[] = { "TiB", "GiB", "MiB", "KiB", "" };

	return unit_text(bytes, factors, names, 5, buf);
}

const char *
config_real_text(double d, bool single, char buf[static CONFIG_VALUE_SIZE])
{
	double back;

	/* 17 digits bring back any double, 9 any float; mostly far fewer do. */
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(buf, CONFIG_VALUE_SIZE, "%.*g", digits, d);
		if (!config_real(buf, &back))
			continue;
		if (single)
			back = (double)(float)back;
		if (!(back < d) && !(back > d))
			break;
	}
	return buf;
}

/* A number in the words of its type. */
static const char *
type_text(enum config_type type, double d, char buf[static CONFIG_VALUE_SIZE])
{
	switch (type) {
	case CONFIG_BOOL:
		snprintf(buf, CONFIG_VALUE_SIZE, "%s", d != 0 ? "yes" : "no");
		break;
	case CONFIG_DURATION:
		return config_duration_text((uint32_t)d, buf);
	case CONFIG_NUMBER:
		snprintf(buf, CONFIG_VALUE_SIZE, "%.0f", d);
		break;
	case CONFIG_REAL:
		return config_real_text(d, false, buf);
	case CONFIG_SIZE32:
	case CONFIG_SIZE64:
		return config_size_text((uint64_t)d, buf);
	}
	return buf;
}

/* Text to a number of the field's type; all of them fit a double exactly (sizes below 2^53). */
static bool
field_parse(const struct config_field *field, const char *text, double *out)
{
	uint64_t n;
	uint32_t s;
	bool yes;

	switch (field->type) {
	case CONFIG_BOOL:
		if (!config_bool(text, &yes))
			return false;
		*out = yes;
		return true;
	case CONFIG_DURATION:
		if (!config_duration(text, &s))
			return false;
		*out = s;
		return true;
	case CONFIG_NUMBER:
		if (!config_number(text, &n))
			return false;
		*out = (double)n;
		return true;
	case CONFIG_REAL:
		return config_real(text, out);
	case CONFIG_SIZE32:
	case CONFIG_SIZE64:
		if (!config_size(text, &n))
			return false;
		*out = (double)n;
		return true;
	}
	return false;
}

/* What belongs there, with an example (what stands by itself) where the text is of no such kind. */
static const char *
field_expected(const struct config_field *field, const struct config *config, bool is_kind, char *buf, size_t size)
{
	static const char *const kinds[] = {
		[CONFIG_BOOL] = "", [CONFIG_DURATION] = "a time", [CONFIG_NUMBER] = "a whole number",
		[CONFIG_REAL] = "a number", [CONFIG_SIZE32] = "a size", [CONFIG_SIZE64] = "a size",
	};
	static const char *const forms[] = {
		[CONFIG_BOOL] = "", [CONFIG_DURATION] = "a whole number and s, m, h, d or w",
		[CONFIG_NUMBER] = "a whole number", [CONFIG_REAL] = "a number with a decimal point",
		[CONFIG_SIZE32] = "a whole number and KiB, MiB, GiB or TiB",
		[CONFIG_SIZE64] = "a whole number and KiB, MiB, GiB or TiB",
	};
	char low[CONFIG_VALUE_SIZE], high[CONFIG_VALUE_SIZE], like[CONFIG_VALUE_SIZE];
	size_t n;

	if (field->type == CONFIG_BOOL) {
		snprintf(buf, size, "yes or no (%s)", field->key);
		return buf;
	}
	if (is_kind)
		n = (size_t)snprintf(buf, size, "%s", kinds[field->type]);
	else
		n = (size_t)snprintf(buf, size, "%s, like \"%s\",", forms[field->type],
		    config_field_text(field, config, like));
	if (n < size)
		snprintf(buf + n, size - n, " from %s to %s (%s)", type_text(field->type, field->low, low),
		    type_text(field->type, field->high, high), field->key);
	return buf;
}

void
config_field_read(struct config_source *source, const struct config_field *field,
    struct config_value value, struct config *config)
{
	void *at = (char *)config + field->offset;
	char expected[160];
	double d = 0;
	bool is_kind = field_parse(field, value.text, &d);

	if (!is_kind || d < field->low || d > field->high) {
		config_found(source, value.line, value.text, "%s",
		    field_expected(field, config, is_kind, expected, sizeof(expected)));
		return;
	}
	switch (field->type) {
	case CONFIG_BOOL:
		*(bool *)at = d != 0;
		break;
	case CONFIG_DURATION:
	case CONFIG_NUMBER:
	case CONFIG_SIZE32:
		*(uint32_t *)at = (uint32_t)d;
		break;
	case CONFIG_REAL:
		*(double *)at = d;
		break;
	case CONFIG_SIZE64:
		*(uint64_t *)at = (uint64_t)d;
		break;
	}
}

const char *
config_field_text(const struct config_field *field, const struct config *config,
    char buf[static CONFIG_VALUE_SIZE])
{
	const void *at = (const char *)config + field->offset;
	double d = 0;

	switch (field->type) {
	case CONFIG_BOOL:
		d = *(const bool *)at;
		break;
	case CONFIG_DURATION:
	case CONFIG_NUMBER:
	case CONFIG_SIZE32:
		d = *(const uint32_t *)at;
		break;
	case CONFIG_REAL:
		d = *(const double *)at;
		break;
	case CONFIG_SIZE64:
		d = (double)*(const uint64_t *)at;
		break;
	}
	return type_text(field->type, d, buf);
}

bool
config_weighable(enum evidence_kind kind)
{
	const struct evidence_info *info = evidence_info(kind);

	return (info->score < 0 || info->score > 0 || info->hint < 0 || info->hint > 0) &&
	    kind != EVIDENCE_BY_HAND;
}
