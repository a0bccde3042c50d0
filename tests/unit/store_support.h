/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_support.h - a state directory for a test, and rows that say who made them.
 */
#ifndef MXTRAP_TESTS_STORE_SUPPORT_H
#define MXTRAP_TESTS_STORE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/mxset.h"
#include "mxtrap/report.h"
#include "mxtrap/store.h"

#define NOW_S  1790000000LL
#define NOW_US (NOW_S * 1000000)

struct bench_dir { char path[64], file[96]; };

static inline int
support_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int
support_setup(void **state)
{
	struct bench_dir *d = calloc(1, sizeof *d);

	if (d == NULL)
		return -1;
	snprintf(d->path, sizeof d->path, "/tmp/mxtrap-store-XXXXXX");
	if (mkdtemp(d->path) == NULL)
		return -1;
	snprintf(d->file, sizeof d->file, "%s/mxtrap.db", d->path);
	*state = d;
	return 0;
}

static inline int
support_teardown(void **state)
{
	struct bench_dir *d = *state;

	nftw(d->path, support_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(d);
	return 0;
}

/* A test with a directory of its own. */
#define store_test(f) cmocka_unit_test_setup_teardown(f, support_setup, support_teardown)

static inline struct store *
support_open(const struct bench_dir *d, const struct store_options *more)
{
	struct store_options o = more != NULL ? *more : (struct store_options){ 0 };
	struct store *s = NULL;

	o.dir = d->path;
	if (o.retention_attempts_s == 0)
		o.retention_attempts_s = 14 * 86400;
	assert_int_equal(store_open(&s, &o), STORE_OK);
	return s;
}

static inline struct report *
support_report(const struct bench_dir *d)
{
	struct judge_params params;
	struct report *r = NULL;

	judge_defaults(&params);
	assert_int_equal(report_open(&r, d->path, &params), REPORT_OK);
	return r;
}

static inline struct addr
support_addr(const char *text)
{
	struct addr a = { { 0 } };

	assert_true(addr_parse(&a, text));
	return a;
}

static inline sender_key
support_key(const char *text)
{
	struct addr a = support_addr(text);

	return addr_sender(&a);
}

static inline struct change_row
support_change(const char *text, uint8_t old_state, uint8_t new_state)
{
	struct addr a = support_addr(text);
	struct change_row c;

	memset(&c, 0, sizeof c);
	c.time_us = NOW_US;
	c.sender = addr_sender(&a);
	c.what = sender_prefix(c.sender);
	c.score = 10.5f;
	c.hint = 12.25f;
	c.since_s = NOW_S;
	c.expires_s = new_state == STATE_LISTED ? NOW_S + 86400 : 0;
	c.first_seen_s = NOW_S - 7200;
	c.last_seen_s = NOW_S - 1;
	c.kinds = 1 << EVIDENCE_BACKUP_FIRST;
	c.old_state = old_state;
	c.new_state = new_state;
	c.grade = GRADE_PROVEN;
	c.klass = CLASS_SENDER;
	c.cause = CAUSE_EVIDENCE;
	c.term_days = new_state == STATE_LISTED ? 1 : 0;
	return c;
}

static inline struct attempt_row
support_attempt(const char *text, int64_t time_us, uint32_t target)
{
	return (struct attempt_row){ .time_us = time_us, .src = support_addr(text), .target = target, .sport = 40000,
		.n_syns = 1, .rtt_us = 1500, .grade = GRADE_PROVEN, .outcome = OUTCOME_PROVEN, .fingerprint = 0 };
}

static inline double
support_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

#endif
