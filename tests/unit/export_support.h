/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * export_support.h - a list in a database, and what it looks like when it has left.
 *
 * tests/export/ holds what each format must look like; @NAMES@ in it stand for what
 * differs from one database to the next.
 */
#ifndef MXTRAP_TESTS_EXPORT_SUPPORT_H
#define MXTRAP_TESTS_EXPORT_SUPPORT_H

#include "store_support.h"

#include <inttypes.h>

#include "mxtrap/export.h"
#include "mxtrap/json.h"

#define CONF_AT(net)								\
	"state-dir = \"/nowhere\"\n"						\
	"mx-set \"example.org\" {\n"						\
	"    domains = { \"example.org\" }\n"					\
	"    exchanger \"mx0.example.org\" { preference = 10 role = \"nolisting\" addresses = { \"" net ".10\" } }\n" \
	"    exchanger \"mx1.example.org\" { preference = 20 role = \"real\"\n"	\
	"        addresses = { \"" net ".20\", \"2001:db8:77::20\" } }\n"	\
	"    exchanger \"mx9.example.org\" { preference = 90 role = \"bogus\" addresses = { \"" net ".30\" } }\n" \
	"}\n"									\
	"control-addresses = { \"" net ".99\" }\n"
#define CONF_HEAD CONF_AT("203.0.113")
#define CONF_OPEN CONF_HEAD "publish = yes\ncontact = \"postmaster@example.org\"\npublish-after = \"0s\"\nallow { special-purpose = no }\n"

static inline void
load(struct config *config, const char *text)
{
	assert_int_equal(config_parse(config, "test.conf", text), 0);
}

/* A database whose list holds these; NULL ends. */
static inline void
list(const struct bench_dir *d, const struct change_row *rows, size_t n)
{
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);

	for (size_t i = 0; i < n; i++)
		k.change(k.ctx, &rows[i]);
	assert_true(store_sync(s));
	store_close(s);
}

static inline struct change_row
listed(const char *text)
{
	return support_change(text, STATE_UNKNOWN, STATE_LISTED);
}

/* Caller frees. */
static inline char *
render(const struct bench_dir *d, const char *format, const char *conf, int64_t now_s, struct export_summary *summary,
    enum export_result expected)
{
	struct report *r = support_report(d);
	struct config config;
	char *bytes = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&bytes, &size);

	assert_non_null(file);
	load(&config, conf);
	assert_int_equal(export_write(file, export_format_find(format), &(struct export_options){ 0 }, r, &config, now_s, summary), expected);
	assert_int_equal(fclose(file), 0);
	config_free(&config);
	report_close(r);
	return bytes;
}

static inline void
replace(char *text, size_t size, const char *what, const char *with)
{
	char *at;

	while ((at = strstr(text, what)) != NULL) {
		char *rest = strdup(at + strlen(what));

		assert_non_null(rest);
		(void)snprintf(at, size - (size_t)(at - text), "%s%s", with, rest);
		free(rest);
	}
}

/* What the golden file says, for this state. */
static inline void
golden(const char *name, const struct report_state *state, char *text, size_t size)
{
	char path[128], value[64];
	time_t changed = (time_t)state->changed_s;
	struct tm tm;
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof path, "tests/export/%s", name);
	file = fopen(path, "r");
	if (file == NULL)
		fail_msg("%s: run me from the top of the tree", path);
	n = fread(text, 1, size - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	(void)snprintf(value, sizeof value, "%016" PRIx64, state->generation);
	replace(text, size, "@GENERATION@", value);
	(void)snprintf(value, sizeof value, "%" PRIu64, state->serial);
	replace(text, size, "@SERIAL@", value);
	(void)snprintf(value, sizeof value, "%" PRIu64, (uint64_t)state->created_s + state->serial);
	replace(text, size, "@ZONE_SERIAL@", value);
	(void)snprintf(value, sizeof value, "%" PRId64, state->changed_s);
	replace(text, size, "@CHANGED_S@", value);
	assert_non_null(gmtime_r(&changed, &tm));
	assert_true(strftime(value, sizeof value, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
	replace(text, size, "@CHANGED@", value);
}

/* Listed: an address, one that relapsed with more reasons, a /64, a single address of a /64; and one that expired,
 * a suspect, one of ours, all three of which never leave. */
static inline void
fill_four(const struct bench_dir *d)
{
	struct change_row rows[] = {
		listed("192.0.2.7"), listed("198.51.100.9"), listed("2001:db8:1:2::3"), listed("2001:db8:5:6::9"),
		listed("192.0.2.8"), support_change("192.0.2.9", STATE_UNKNOWN, STATE_SUSPECT), listed("203.0.113.20"),
	};
	struct addr single = support_addr("2001:db8:5:6::9");

	rows[1].kinds = 1 << EVIDENCE_BACKUP_FIRST | 1 << EVIDENCE_EARLY_TALKER | 1 << EVIDENCE_SKIPPED_NOLISTING;
	rows[1].grade = GRADE_ADDRESSED;
	rows[1].term_days = 2;
	rows[1].score = 13.0f;
	rows[3].what = prefix_of(&single, 128);
	rows[4].expires_s = NOW_S;
	list(d, rows, sizeof rows / sizeof rows[0]);
}

static inline void
matches_its_golden_file(const struct bench_dir *d, const char *format, const char *name)
{
	struct export_summary summary;
	char *text, want[8192];

	fill_four(d);
	text = render(d, format, CONF_OPEN, NOW_S, &summary, EXPORT_OK);
	golden(name, &summary.state, want, sizeof want);
	assert_string_equal(text, want);
	assert_int_equal(summary.written, 4);
	free(text);
}

static inline void
empty_is_still_a_document(const struct bench_dir *d, const char *format, const char *name)
{
	struct export_summary summary;
	char *text, want[8192];

	list(d, NULL, 0);
	text = render(d, format, CONF_OPEN, NOW_S, &summary, EXPORT_OK);
	golden(name, &summary.state, want, sizeof want);
	assert_string_equal(text, want);
	assert_int_equal(summary.written, 0);
	free(text);
}

#endif
