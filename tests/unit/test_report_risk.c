/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_report_risk.c - mail at risk: who is told of, in which order, and that a million senders are no trouble.
 */
#include "store_support.h"

#include "mxtrap/config.h"
#include "mxtrap/risk.h"
#include "mxtrap/sender.h"

#define CONF									\
	"state-dir = \"%s\"\n"							\
	"mx-set \"example.org\" {\n"						\
	"    domains = { \"example.org\" }\n"					\
	"    exchanger \"mx0.example.org\" { preference = 10 role = \"nolisting\" addresses = { \"203.0.113.10\" } }\n" \
	"    exchanger \"mx1.example.org\" { preference = 20 role = \"real\" addresses = { \"203.0.113.20\" } }\n" \
	"    exchanger \"mx9.example.org\" { preference = 90 role = \"bogus\" answer = \"reset\"\n" \
	"        addresses = { \"203.0.113.30\" } }\n"			\
	"}\n"									\
	"allow { special-purpose = no }\n"

#define LINUX "4:64+0:0:1460:mss*20,7:mss,sok,ts,nop,ws:df,id+:0"
#define RAW   "4:64+0:0:0:1024,0::seq-:0"
#define MINUTE_US 60000000LL

static struct store *
open_store(const struct bench_dir *d)
{
	struct config config;
	char path[128];
	struct store *s;
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/mxtrap.conf", d->path);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, CONF, d->path);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(config_load(&config, path), 0);
	s = support_open(d, &(struct store_options){ .ladder = &config.ladder, .replay = true });
	config_free(&config);
	return s;
}

/* n visits, a pause apart, of one attempt each at a target. */
static void
put(struct store *s, const char *text, unsigned n, int64_t pause_us, uint32_t target, enum outcome outcome, uint8_t flags)
{
	struct sink k = store_sink(s);
	struct sender_row r = { .key = support_key(text), .first_seen_s = (uint32_t)(NOW_S - (n - 1) * pause_us / 1000000),
		.last_seen_s = NOW_S, .kinds = target == 0 ? 1 << EVIDENCE_GAVE_UP : 0, .flags = flags };

	for (unsigned i = 0; i < n; i++) {
		int64_t at = NOW_US - (int64_t)(n - 1 - i) * pause_us;
		struct attempt_row a = support_attempt(text, at, target);
		struct visit_row v = { .sender = r.key, .start_us = at, .end_us = at, .n_attempts = 1, .n_route = 1,
			.route = { (uint8_t)target }, .real_proven = target == 1 && outcome == OUTCOME_PROVEN };

		a.outcome = (uint8_t)outcome;
		a.sport = (uint16_t)(40000 + i);
		k.attempt(k.ctx, &a);
		k.visit(k.ctx, &v);
	}
	k.sender(k.ctx, &r);
}

struct told { struct report_risk rows[16]; size_t n, likely; };

static bool
keep(void *ctx, const struct report_risk *r)
{
	struct told *t = ctx;

	assert_true(t->n < 16);
	t->rows[t->n++] = *r;
	return true;
}

static void
ask(const struct bench_dir *d, struct told *t)
{
	struct report *r = support_report(d);
	struct report_risk_summary sum;

	t->n = 0;
	assert_int_equal(report_risks(r, NOW_S, 0, &sum, keep, t), REPORT_OK);
	assert_int_equal(sum.ranked, t->n);
	t->likely = sum.likely;
	report_close(r);
}

static void
the_most_server_like_come_first(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct told t;

	put(s, "192.0.2.1", 1, MINUTE_US, 0, OUTCOME_REFUSED, 0);			/* once, the low decoy */
	put(s, "192.0.2.2", 5, 20 * MINUTE_US, 0, OUTCOME_REFUSED, 0);		/* a queue, the low decoy only */
	put(s, "198.18.2.3", 5, 20 * MINUTE_US, 1, OUTCOME_SILENT, 0);		/* a queue, and the real MX is silent */
	put(s, "203.0.113.99", 5, 20 * MINUTE_US, 1, OUTCOME_PROVEN, SENDER_PROVEN | SENDER_REAL);	/* delivers */
	assert_true(store_sync(s));
	store_close(s);
	ask(d, &t);
	assert_int_equal(t.n, 3);
	assert_int_equal(t.rows[0].entry.key, support_key("198.18.2.3"));
	assert_true(t.rows[0].why & 1U << RISK_FAILED_AT_REAL);
	assert_true(t.rows[0].why & 1U << RISK_QUEUE_SPACING);
	assert_int_equal(t.rows[0].n_visits, 5);
	assert_int_equal(t.rows[0].shortest_s, 1200);
	assert_int_equal(t.rows[1].entry.key, support_key("192.0.2.2"));
	assert_int_equal(t.rows[1].failed, 1U << ROLE_NOLISTING);
	assert_int_equal(t.rows[2].entry.key, support_key("192.0.2.1"));
	assert_int_equal(t.likely, 2);		/* who came once is none */
}

static void
who_delivered_in_an_old_database_is_told_by_its_visits(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct told t;

	put(s, "192.0.2.2", 5, 20 * MINUTE_US, 1, OUTCOME_PROVEN, SENDER_PROVEN);	/* without the flag */
	assert_true(store_sync(s));
	store_close(s);
	ask(d, &t);
	assert_int_equal(t.n, 0);
}

static void
a_neighbour_that_delivers_is_told(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct told t;

	put(s, "192.0.2.2", 5, 20 * MINUTE_US, 0, OUTCOME_REFUSED, 0);
	put(s, "192.0.2.200", 5, 20 * MINUTE_US, 1, OUTCOME_PROVEN, SENDER_PROVEN | SENDER_REAL);
	assert_true(store_sync(s));
	store_close(s);
	ask(d, &t);
	assert_int_equal(t.n, 1);
	assert_true(t.rows[0].why & 1U << RISK_NEIGHBOUR);
}

static void
nobody_is_at_risk_in_an_empty_database(void **state)
{
	struct bench_dir *d = *state;
	struct told t;

	store_close(open_store(d));
	ask(d, &t);
	assert_int_equal(t.n, 0);
}

static bool
count(void *ctx, const struct report_risk *r)
{
	(void)r;
	++*(size_t *)ctx;
	return true;
}

static void
a_million_senders_are_looked_through_in_seconds(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct report_risk_summary sum;
	struct report *r;
	size_t n = 0;
	double start;

	/* Half came once, half came back; each hundredth tried three times, and all that is stored. */
	for (uint32_t i = 0; i < 1000000; i++) {
		struct sender_row row = { .key = SENDER_KEY_V4 | (i * 2654435761U), .first_seen_s = NOW_S - (i % 2 ? 7200 : 0),
			.last_seen_s = NOW_S, .kinds = i % 2 ? 1 << EVIDENCE_GAVE_UP : 0,
			.caps = i % 100 == 1 ? 2 << 3 : i % 2 ? 1 << 3 : 0 };

		k.sender(k.ctx, &row);
		for (int visit = 0; i % 100 == 1 && visit < 3; visit++) {
			struct visit_row v = { .sender = row.key, .start_us = NOW_US - (3 - visit) * 20 * MINUTE_US,
				.n_attempts = 1, .n_route = 1 };
			struct attempt_row a = support_attempt("192.0.2.7", v.start_us, 0);

			v.end_us = v.start_us;
			a.src = sender_addr(row.key, 0);
			a.outcome = OUTCOME_REFUSED;
			k.visit(k.ctx, &v);
			k.attempt(k.ctx, &a);
		}
	}
	for (uint32_t i = 0; i < 300000; i++) {
		struct attempt_row a = support_attempt("198.18.0.1", NOW_US, 2);

		k.attempt(k.ctx, &a);
	}
	assert_true(store_sync(s));
	r = support_report(d);
	start = support_seconds();
	assert_int_equal(report_risks(r, NOW_S, 100, &sum, count, &n), REPORT_OK);
	print_message("mail at risk among %llu senders, %llu candidates, %llu ranked: %.2f s\n",
	    (unsigned long long)sum.considered, (unsigned long long)sum.candidates, (unsigned long long)sum.ranked,
	    support_seconds() - start);
	assert_int_equal(n, 100);
	start = support_seconds();
	assert_int_equal(report_risks(r, NOW_S, 100, &sum, count, &n), REPORT_OK);
	report_close(r);
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(the_most_server_like_come_first),
		store_test(who_delivered_in_an_old_database_is_told_by_its_visits),
		store_test(a_neighbour_that_delivers_is_told),
		store_test(nobody_is_at_risk_in_an_empty_database),
		store_test(a_million_senders_are_looked_through_in_seconds),
	};

	return cmocka_run_group_tests_name("report: mail at risk", tests, NULL, NULL);
}
