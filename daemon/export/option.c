/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * option.c - what of the list is wanted, and why an entry is on it in one word.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/evidence.h"
#include "mxtrap/export.h"

#define SCORE_MAX 20.0F			/* sums are clamped there */

static bool
no(char why[static EXPORT_WHY_SIZE], const char *name, const char *value, const char *expected)
{
	(void)snprintf(why, EXPORT_WHY_SIZE, "%s: found \"%.32s\", expected %s", name, value, expected);
	return false;
}

static bool
set_include(struct export_options *o, const char *value, char why[static EXPORT_WHY_SIZE])
{
	const char *at = value;

	while (*at != '\0') {
		size_t n = strcspn(at, ",");

		if (n == strlen("suspects") && strncmp(at, "suspects", n) == 0)
			o->suspects = true;
		else if (n == strlen("scanners") && strncmp(at, "scanners", n) == 0)
			o->scanners = true;
		else
			break;
		at += n;
		if (*at == ',' && at[1] != '\0')
			at++;
	}
	return *value != '\0' && *at == '\0' ? true :
	    no(why, "include", value, "suspects, scanners or suspects,scanners");
}

static bool
set_grade(struct export_options *o, const char *value, char why[static EXPORT_WHY_SIZE])
{
	for (enum grade g = GRADE_SYN; g <= GRADE_ACCEPTED; g++)
		if (strcmp(value, grade_name(g)) == 0) {
			o->grade = (uint8_t)g;
			return true;
		}
	return no(why, "grade", value, "syn, resyn, proven, addressed or accepted");
}

static bool
set_score(struct export_options *o, const char *value, char why[static EXPORT_WHY_SIZE])
{
	char *end;
	float score;

	errno = 0;
	score = strtof(value, &end);
	/* Digits only: strtof() also reads "inf", "0x1p3" and leading blanks. */
	if (*value == '\0' || value[strspn(value, "0123456789.")] != '\0' || *end != '\0' || errno != 0 ||
	    !isfinite(score) || score > SCORE_MAX)
		return no(why, "min-score", value, "a number from 0 to 20");
	o->min_score = score;
	return true;
}

static bool
set_limit(struct export_options *o, const char *value, char why[static EXPORT_WHY_SIZE])
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end != '\0' || errno != 0 || n == 0 || n > EXPORT_LIMIT_MAX)
		return no(why, "limit", value, "a number from 1 to 1000000");
	o->limit = (uint32_t)n;
	return true;
}

bool
export_option(struct export_options *o, const char *name, const char *value, char why[static EXPORT_WHY_SIZE])
{
	why[0] = '\0';
	if (strcmp(name, "family") == 0) {
		if ((value[0] != '4' && value[0] != '6') || value[1] != '\0')
			return no(why, name, value, "4 or 6");
		o->family = (uint8_t)(value[0] - '0');
		return true;
	}
	if (strcmp(name, "grade") == 0)
		return set_grade(o, value, why);
	if (strcmp(name, "include") == 0)
		return set_include(o, value, why);
	if (strcmp(name, "min-score") == 0)
		return set_score(o, value, why);
	if (strcmp(name, "limit") == 0)
		return set_limit(o, value, why);
	(void)snprintf(why, EXPORT_WHY_SIZE,
	    "found \"%.32s\", expected family, grade, include, min-score or limit", name);
	return false;
}

const char *
export_options_key(const struct export_options *o, char buf[static EXPORT_KEY_SIZE])
{
	buf[0] = '\0';
	if (o->family != 0 || o->grade != 0 || o->suspects || o->scanners || o->min_score > 0 || o->limit != 0)
		(void)snprintf(buf, EXPORT_KEY_SIZE, "f%ug%uu%uc%us%.9gl%" PRIu32, o->family, o->grade, o->suspects,
		    o->scanners, (double)o->min_score, o->limit);
	return buf;
}

unsigned
export_code(const struct report_entry *e)
{
	if (e->state == STATE_SUSPECT)
		return 10;
	if (e->state != STATE_LISTED)
		return 11;
	if ((e->kinds & 1U << EVIDENCE_BY_HAND) != 0 || (e->kinds & 1U << EVIDENCE_BACKUP_FIRST) == 0)
		return 2;
	return (e->kinds & 1U << EVIDENCE_EARLY_TALKER) != 0 ? 4 : (e->kinds & 1U << EVIDENCE_BAD_HELO) != 0 ? 5 : 3;
}

const char *
export_reason(const struct report_entry *e)
{
	const char *reason = class_name((enum sender_class)e->klass);
	float most = 0;

	if ((e->kinds & 1U << EVIDENCE_BY_HAND) != 0)
		return evidence_info(EVIDENCE_BY_HAND)->name;
	for (unsigned i = 0; i < EVIDENCE_N_KINDS; i++) {
		const struct evidence_info *info = evidence_info((enum evidence_kind)i);
		float points = info->score > info->hint ? info->score : info->hint;

		if ((e->kinds & 1U << i) != 0 && points > most) {
			most = points;
			reason = info->name;
		}
	}
	return reason;
}

const char *
export_reply(const struct report_entry *e, const char *contact, char buf[static EXPORT_REPLY_SIZE])
{
	/* When, and by which code: the operator finds the entry by it, a spammer learns nothing. */
	(void)snprintf(buf, EXPORT_REPLY_SIZE, "5.7.1 Refused, ref %u-%08" PRIX32 "%s%s", export_code(e),
	    (uint32_t)e->since_s, *contact != '\0' ? "; contact " : "", contact);
	return buf;
}
