/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_counter.c - nothing is counted that cannot be seen: what watch tells, the table, `mxtrap status`,
 * /metrics and the page name the same counters.  (That watch tells each field of its structs is asserted where
 * it does.)
 */
#include "../support/web_harness.h"

#include "../../daemon/watch/watch_int.h"
#include "mxtrap/counter.h"

#define EACH(c) (const struct counter *c = counter_at(0); c != NULL; c = next(c))

static const struct counter *
next(const struct counter *c)
{
	size_t i = 0;

	while (counter_at(i) != c)
		i++;
	return counter_at(i + 1);
}

static size_t
index_of(const struct counter *c)
{
	size_t i = 0;

	while (counter_at(i) != c)
		i++;
	return i;
}

/* -- what watch tells -- */

struct told {
	struct { char name[64], value[256]; } row[512];
	size_t n;
};

static bool
keep(void *ctx, const char *name, const char *value)
{
	struct told *told = ctx;

	assert_true(told->n < 512);
	(void)snprintf(told->row[told->n].name, sizeof(told->row[0].name), "%s", name);
	(void)snprintf(told->row[told->n++].value, sizeof(told->row[0].value), "%s", value);
	return true;
}

static const char *
value_of(const struct told *told, const char *name)
{
	for (size_t i = 0; i < told->n; i++)
		if (strcmp(told->row[i].name, name) == 0)
			return told->row[i].value;
	return NULL;
}

static void
ignore_change(void *ctx, const struct change_row *row)
{
	(void)ctx;
	(void)row;
}

/* A watch that sees nothing, and tells of it. */
static struct told *
what_watch_tells(void)
{
	static struct told told;
	struct trap_options options = { .ladder = &t.config.ladder, .judge = t.config.judge,
		.limits = { .senders = 1024, .attempts = 1024, .pools = 1024, .tally_above = 1000 },
		.sink = { .change = ignore_change } };
	struct watch *w = calloc(1, sizeof(*w));
	struct report *report;

	assert_non_null(w);
	/* As it is with everything configured that tells something. */
	t.config.firewall = true;
	t.config.n_dnsbl = 1;
	w->config = &t.config;
	w->store = t.store;
	w->trap = trap_new(&options);
	assert_non_null(w->trap);
	status_tell(w);
	assert_true(store_sync(t.store));
	trap_free(w->trap);
	free(w);
	assert_int_equal(report_open(&report, t.dir, &t.config.judge), REPORT_OK);
	told.n = 0;
	assert_int_equal(report_status(report, keep, &told), REPORT_OK);
	report_close(report);
	return &told;
}

static void
whatever_watch_counts_is_in_the_table(void **state)
{
	static const char *const no_counters[] = { "clock", "clock_shift", "layout", "layout_since", "grace_until", "stopped",
		"rewritten" };
	const struct told *told = what_watch_tells();

	(void)state;
	for (size_t i = 0; i < told->n; i++) {
		const char *name = told->row[i].name, *value = told->row[i].value;
		bool is_none = strncmp(name, "frames ", 7) == 0 || strspn(value, "0123456789") != strlen(value) || value[0] == '\0';

		for (size_t k = 0; k < ARRAY_LEN(no_counters); k++)
			is_none |= strcmp(name, no_counters[k]) == 0;
		if (!is_none && counter_find(name) == NULL)
			fail_msg("watch tells %s, and the table does not know it", name);
	}
}

static void
watch_tells_whatever_is_in_the_table(void **state)
{
	const struct told *told = what_watch_tells();

	(void)state;
	for EACH(c)
		if (value_of(told, c->name) == NULL)
			fail_msg("the table knows %s, and watch does not tell it", c->name);
}

static void
names_are_said_once(void **state)
{
	(void)state;
	for EACH(a) {
		assert_ptr_equal(counter_find(a->name), a);
		for EACH(b) {
			if (a == b)
				continue;
			assert_string_not_equal(a->metric, b->metric);
			assert_string_not_equal(a->says, b->says);
		}
		/* What only grows is a total: Prometheus' naming. */
		assert_int_equal(strstr(a->metric, "_total") != NULL, a->kind != COUNTER_NOW && a->kind != COUNTER_FAULT);
	}
}

/* -- who shows it -- */

static void
value_for(const struct counter *c, char value[static 16])
{
	(void)snprintf(value, 16, c->kind == COUNTER_FAULT ? "yes" : "%zu", 770000 + index_of(c));
}

static void
set_all(bool nonzero)
{
	char value[16];

	for EACH(c) {
		value_for(c, value);
		store_status(t.store, c->name, nonzero ? value : c->kind == COUNTER_FAULT ? "no" : "0");
	}
	store_status(t.store, "frames bad-ihl", nonzero ? "7777" : "0");
	assert_true(store_sync(t.store));
}

static const char *
mxtrap_status(void)
{
	static char text[1 << 16];
	char command[1024], program[512];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	FILE *conf, *out;
	size_t used;

	assert_true(n > 0);
	program[n] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(program, '/') = '\0';
	(void)snprintf(command, sizeof(command), "%s/mxtrap.conf", t.dir);
	conf = fopen(command, "w");
	assert_non_null(conf);
	(void)fprintf(conf, config_text, t.dir, t.port);
	(void)fclose(conf);
	(void)snprintf(command, sizeof(command), "%s/mxtrap -c %s/mxtrap.conf status 2>&1", program, t.dir);
	out = popen(command, "r");
	assert_non_null(out);
	used = fread(text, 1, sizeof(text) - 1, out);
	text[used] = '\0';
	(void)pclose(out);
	return text;
}

static void
mxtrap_status_shows_each(void **state)
{
	const char *text;
	char value[16];

	(void)state;
	set_all(true);
	text = mxtrap_status();
	for EACH(c) {
		const char *line = strstr(text, c->says);

		/* A fault is a fact of status.h, with a sentence of its own. */
		if (c->kind == COUNTER_FAULT)
			continue;
		if (line == NULL)
			fail_msg("mxtrap status does not show %s", c->name);
		value_for(c, value);
		assert_non_null(strstr(text, value));
	}
	assert_non_null(strstr(text, "! The disk of "));
	assert_non_null(strstr(text, "The database was damaged"));
	assert_non_null(strstr(text, "frames bad-ihl"));
	assert_non_null(strstr(text, "Not kept, or not trusted, because of a bound:"));
}

static void
mxtrap_status_says_when_no_bound_was_reached(void **state)
{
	const char *text;

	(void)state;
	set_all(false);
	text = mxtrap_status();
	assert_non_null(strstr(text, "No bound was reached: everything was kept."));
	assert_null(strstr(text, "Not kept,"));
}

static void
metrics_tell_each(void **state)
{
	const struct response *a;
	char line[160], value[16];

	(void)state;
	set_all(true);
	a = get("/metrics");
	for EACH(c) {
		value_for(c, value);
		(void)snprintf(line, sizeof(line), "\n%s %s\n", c->metric, c->kind == COUNTER_FAULT ? "1" : value);
		if (strstr(a->body, line) == NULL)
			fail_msg("/metrics does not tell %s", c->metric);
	}
	assert_non_null(strstr(a->body, "mxtrap_capture_frames_refused_total{why=\"bad-ihl\"} 7777\n"));
}

static void
the_page_is_given_each_that_was_not_kept(void **state)
{
	const struct response *a;
	char part[256], value[16];

	(void)state;
	set_all(true);
	a = get("/api/v1/status");
	for EACH(c) {
		value_for(c, value);
		(void)snprintf(part, sizeof(part), "{\"name\":\"%s\",\"says\":\"%s\",\"value\":\"%s\",\"loss\":%s}", c->name, c->says,
		    value, c->kind == COUNTER_BOUND ? "false" : "true");
		if ((strstr(a->body, part) != NULL) != counter_has_more(c, value))
			fail_msg("the status of the API is wrong about %s", c->name);
	}
	assert_non_null(strstr(a->body, "{\"name\":\"frames bad-ihl\""));
	assert_non_null(strstr(get("/app.js")->body, ".not_kept.map("));
}

static void
the_page_is_given_nothing_when_all_was_kept(void **state)
{
	(void)state;
	set_all(false);
	assert_non_null(strstr(get("/api/v1/status")->body, "\"not_kept\":[]"));
}

int
main(void)
{
	const struct CMUnitTest counters[] = {
		cmocka_unit_test(whatever_watch_counts_is_in_the_table),
		cmocka_unit_test(watch_tells_whatever_is_in_the_table),
		cmocka_unit_test(names_are_said_once),
		cmocka_unit_test(mxtrap_status_shows_each),
		cmocka_unit_test(mxtrap_status_says_when_no_bound_was_reached),
		cmocka_unit_test(metrics_tell_each),
		cmocka_unit_test(the_page_is_given_each_that_was_not_kept),
		cmocka_unit_test(the_page_is_given_nothing_when_all_was_kept),
	};

	return cmocka_run_group_tests_name("counters", counters, begin_filled, end);
}
