/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_report_order.c - the list by time: the newest first, the next to end first, page by page while it grows.
 */
#include "report_seen.h"

#define N 200

static struct store *store;
static struct sink sink;

/* Listing i of a world in which every fifth is a single IPv6 address and three begin in the same second. */
static struct change_row
listing(unsigned i)
{
	struct change_row c;
	char text[64];

	(void)snprintf(text, sizeof(text), i % 5 == 0 ? "2001:db8:%x::%x" : "10.0.%u.%u", i * 37 % 256, i % 256);
	c = support_change(text, STATE_UNKNOWN, STATE_LISTED);
	if (i % 5 == 0)
		c.what = (struct prefix){ .addr = support_addr(text), .len = 128 };
	c.since_s = (uint32_t)(NOW_S - 100000 + i / 3 * 60);
	c.expires_s = (uint32_t)(NOW_S + 1000 + i * 7919 % 5000 * 10);
	return c;
}

static void
write_list(struct bench_dir *d, unsigned from, unsigned to)
{
	if (store == NULL) {
		store = support_open(d, NULL);
		sink = store_sink(store);
	}
	for (unsigned i = from; i < to; i++) {
		struct change_row c = listing(i);

		sink.change(sink.ctx, &c);
	}
	assert_true(store_sync(store));
}

static void
finish(struct report *r)
{
	report_close(r);
	store_close(store);
	store = NULL;
}

struct found {
	size_t	 n;
	struct report_entry all[2 * N];
};

static bool
keep(void *ctx, const struct report_entry *e)
{
	struct found *f = ctx;

	assert_true(f->n < 2 * N);
	f->all[f->n++] = *e;
	return true;
}

static uint32_t
value_of(enum report_order order, const struct report_entry *e)
{
	return (uint32_t)(order == REPORT_BY_SINCE ? e->since_s : e->expires_s);
}

static bool
same(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && addr_equal(&a->addr, &b->addr);
}

/* All of it in pages of that many.  After the first page `meanwhile` is called. */
static void
walk(struct report *r, enum report_order order, size_t limit, struct found *f, void (*meanwhile)(void *), void *ctx)
{
	struct report_filter filter = { .klass = 0xff, .states = 1U << STATE_LISTED, .order = order, .limit = limit };
	struct prefix after;
	size_t before;

	f->n = 0;
	do {
		before = f->n;
		assert_int_equal(report_entries(r, &filter, NOW_S, NULL, keep, f), REPORT_OK);
		if (f->n == before)
			break;
		after = f->all[f->n - 1].what;
		filter.after = &after;
		filter.after_value = value_of(order, &f->all[f->n - 1]);
		if (before == 0 && meanwhile != NULL)
			meanwhile(ctx);
	} while (f->n - before == limit);
}

static void
each_once_and_in_order(const struct found *f, enum report_order order)
{
	for (size_t i = 0; i < f->n; i++) {
		uint32_t before = i > 0 ? value_of(order, &f->all[i - 1]) : 0, v = value_of(order, &f->all[i]);

		assert_true(i == 0 || (order == REPORT_BY_SINCE ? before >= v : before <= v));
		for (size_t k = i + 1; k < f->n; k++)
			assert_false(same(&f->all[i].what, &f->all[k].what));
	}
}

static void
pages_of_any_size_have_everybody_once_in_order(void **state)
{
	static struct found f;
	struct report *r;

	write_list(*state, 0, N);
	r = support_report(*state);
	for (enum report_order order = REPORT_BY_SINCE; order <= REPORT_BY_ENDS; order++)
		for (size_t limit = 1; limit < N; limit = limit * 3 + 1) {
			walk(r, order, limit, &f, NULL, NULL);
			assert_int_equal(f.n, N);
			each_once_and_in_order(&f, order);
		}
	finish(r);
}

static void
add_more(void *ctx)
{
	write_list(ctx, N, N + 50);
}

static void
what_is_listed_meanwhile_neither_repeats_nor_hides_anybody(void **state)
{
	static struct found f;
	struct report *r;

	write_list(*state, 0, N);
	r = support_report(*state);
	walk(r, REPORT_BY_SINCE, 20, &f, add_more, *state);
	each_once_and_in_order(&f, REPORT_BY_SINCE);
	assert_int_equal(f.n, N);		/* the new ones stand above the first page */
	walk(r, REPORT_BY_SINCE, 20, &f, NULL, NULL);
	assert_int_equal(f.n, N + 50);
	assert_int_equal(f.all[0].since_s, listing(N + 49).since_s);
	finish(r);
}

static void
only_what_began_later_is_asked_for(void **state)
{
	struct report_filter filter = { .klass = 0xff, .states = 1U << STATE_LISTED, .order = REPORT_BY_SINCE,
		.since_after_s = listing(N - 10).since_s };
	static struct found f;
	struct report *r;
	size_t n = 0;

	write_list(*state, 0, N);
	r = support_report(*state);
	for (unsigned i = 0; i < N; i++)
		n += listing(i).since_s > listing(N - 10).since_s;
	f.n = 0;
	assert_int_equal(report_entries(r, &filter, NOW_S, NULL, keep, &f), REPORT_OK);
	assert_int_equal(f.n, n);
	filter.order = REPORT_BY_ADDRESS;
	f.n = 0;
	assert_int_equal(report_entries(r, &filter, NOW_S, NULL, keep, &f), REPORT_OK);
	assert_int_equal(f.n, n);
	finish(r);
}

static void
a_listing_that_is_over_is_none(void **state)
{
	struct report_filter filter = { .klass = 0xff, .states = 1U << STATE_LISTED, .order = REPORT_BY_SINCE };
	static struct found f;
	struct report *r;

	write_list(*state, 0, N);
	r = support_report(*state);
	f.n = 0;
	assert_int_equal(report_entries(r, &filter, NOW_S + 100000, NULL, keep, &f), REPORT_OK);
	assert_int_equal(f.n, 0);
	finish(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(pages_of_any_size_have_everybody_once_in_order),
		store_test(what_is_listed_meanwhile_neither_repeats_nor_hides_anybody),
		store_test(only_what_began_later_is_asked_for),
		store_test(a_listing_that_is_over_is_none),
	};

	return cmocka_run_group_tests_name("report: order", tests, NULL, NULL);
}
