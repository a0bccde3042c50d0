/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * export_support.h - a list in a database, and what it looks like when it has left.
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
#define CONF_OPEN CONF_HEAD "publish = yes\npublish-after = \"0s\"\nallow { special-purpose = no }\n"

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
	assert_int_equal(export_write(file, export_format_find(format), r, &config, now_s, summary), expected);
	assert_int_equal(fclose(file), 0);
	config_free(&config);
	report_close(r);
	return bytes;
}

#endif
