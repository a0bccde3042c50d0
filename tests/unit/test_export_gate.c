/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_export_gate.c - the publish gate, and what never leaves whatever the list says.
 */
#include "export_support.h"

#include "mxtrap/never.h"
#include "mxtrap/status.h"

static void
what_never_leaves_is_counted(void **state)
{
	struct bench_dir *d = *state;
	struct export_summary summary;

	fill_four(d);
	free(render(d, "plain", CONF_OPEN, NOW_S, &summary, EXPORT_OK));
	/* Ours.  What expired may be dropped before it comes here, or here. */
	assert_true(summary.withheld >= 1 && summary.withheld <= 2);
}

static void
an_expired_entry_never_leaves(void **state)
{
	struct bench_dir *d = *state;
	struct change_row row = listed("192.0.2.7");
	struct export_summary summary;
	char *text;

	list(d, &row, 1);
	text = render(d, "plain", CONF_OPEN, row.expires_s - 1, &summary, EXPORT_OK);
	assert_non_null(strstr(text, "\n192.0.2.7\n"));
	free(text);
	text = render(d, "plain", CONF_OPEN, row.expires_s, &summary, EXPORT_OK);
	assert_null(strstr(text, "192.0.2.7"));
	free(text);
}

static void
gone(const struct bench_dir *d, const char *conf, const char *text)
{
	struct change_row row = listed(text);
	struct export_summary summary;
	char *out;

	list(d, &row, 1);
	out = render(d, "plain", conf, NOW_S, &summary, EXPORT_OK);
	assert_null(strstr(out, text));
	assert_int_equal(summary.written, 0);
	assert_int_equal(summary.withheld, 1);
	free(out);
}

static void
a_control_address_never_leaves(void **state)
{
	gone(*state, CONF_OPEN, "203.0.113.99");
}

static void
a_decoy_never_leaves(void **state)
{
	gone(*state, CONF_OPEN, "203.0.113.30");
}

static void
a_slash_64_with_an_address_of_ours_never_leaves(void **state)
{
	gone(*state, CONF_OPEN, "2001:db8:77::666");
}

static void
a_special_purpose_address_never_leaves(void **state)
{
	/* Decoys on public addresses: documentation addresses are special, and refused for decoys. */
	gone(*state, CONF_AT("11.0.0") "publish = yes\npublish-after = \"0s\"\n", "192.0.2.7");
}

static void
an_address_allowed_by_the_configuration_never_leaves(void **state)
{
	gone(*state, CONF_HEAD "publish = yes\npublish-after = \"0s\"\n"
	    "allow { special-purpose = no  addresses = { \"198.18.0.0/15\" } }\n", "198.19.1.2");
}

static void
own_event(const struct bench_dir *d, enum event_kind kind, const char *address, unsigned why)
{
	struct addr a = support_addr(address);
	struct event e = { .time_us = NOW_US, .kind = (uint8_t)kind, .what = prefix_of(&a, 128), .value = why,
		.target = UINT32_MAX };
	struct store *s = support_open(d, NULL);

	store_event(s, &e, "", "");
	assert_true(store_sync(s));
	store_close(s);
}

/* The listing is in the database, as if judging and listing had both let it through. */
static void
an_address_of_the_host_itself_never_leaves_while_it_is_its_own(void **state)
{
	struct bench_dir *d = *state;
	struct change_row row = listed("192.0.2.7");
	struct export_summary summary;

	list(d, &row, 1);
	for (unsigned why = NEVER_OWN; why <= NEVER_RESOLVER; why <<= 1) {
		own_event(d, EVENT_NEVER, "192.0.2.7", why);
		free(render(d, "plain", CONF_OPEN, NOW_S, &summary, EXPORT_OK));
		assert_int_equal(summary.written, 0);
		assert_int_equal(summary.withheld, 1);
	}
	own_event(d, EVENT_NEVER, "192.0.2.7", 0);
	free(render(d, "plain", CONF_OPEN, NOW_S, &summary, EXPORT_OK));
	assert_int_equal(summary.written, 1);
	own_event(d, EVENT_NEVER, "192.0.2.7", NEVER_OWN);
	own_event(d, EVENT_START, "::", 0);
	free(render(d, "plain", CONF_OPEN, NOW_S, &summary, EXPORT_OK));
	assert_int_equal(summary.written, 1);
}

static void
an_address_allowed_by_hand_never_leaves(void **state)
{
	struct bench_dir *d = *state;
	struct change_row row = listed("192.0.2.7");
	struct prefix what;
	struct export_summary summary;
	struct store *s;
	char *text;

	list(d, &row, 1);
	s = support_open(d, NULL);
	assert_true(prefix_parse(&what, "192.0.2.0/24"));
	assert_true(store_allow(s, &what, NOW_S + 100, "admin", "a friend"));
	store_close(s);
	text = render(d, "plain", CONF_OPEN, NOW_S, &summary, EXPORT_OK);
	assert_null(strstr(text, "192.0.2.7"));
	assert_int_equal(summary.withheld, 1);
	free(text);
	/* And only as long as it is allowed. */
	text = render(d, "plain", CONF_OPEN, NOW_S + 101, &summary, EXPORT_OK);
	assert_non_null(strstr(text, "192.0.2.7"));
	free(text);
}

static void
nothing_leaves_unless_publish_is_yes(void **state)
{
	struct bench_dir *d = *state;
	static const char *const formats[] = { "plain", "ndjson", "csv", "nftables" };

	fill_four(d);
	for (size_t i = 0; i < 4; i++) {
		struct export_summary summary;
		char *text = render(d, formats[i], CONF_HEAD "allow { special-purpose = no }\n", NOW_S, &summary,
		    EXPORT_UNPUBLISHED);

		assert_null(strstr(text, "192.0.2.7"));
		assert_non_null(strstr(summary.why, "publish = yes"));
		assert_int_equal(summary.written, 0);
		assert_int_equal(summary.withheld, summary.state.n_listed);
		/* The reader is told why, wherever the format has room for words. */
		if (strcmp(formats[i], "csv") != 0)
			assert_non_null(strstr(text, "publish = yes"));
		free(text);
	}
}

static void
nothing_leaves_before_publish_after(void **state)
{
	struct report_state st = { .created_s = 1000000 };
	struct config config;
	struct export_gate gate;

	(void)state;
	load(&config, CONF_HEAD "publish = yes\npublish-after = \"24h\"\nallow { special-purpose = no }\n");
	assert_false(export_gate(&config, NULL, &st, 1000000 + 86399, &gate));
	assert_non_null(strstr(gate.why, "1970-01-13T13:46:40Z"));
	assert_true(export_gate(&config, NULL, &st, 1000000 + 86400, &gate));
	assert_string_equal(gate.why, "");
	config_free(&config);
}

static void
after_a_replay_its_own_clock_counts(void **state)
{
	struct report_state st = { .created_s = 1000000, .clock_s = 1000000 + 3600 };
	struct config config;
	struct export_gate gate;

	(void)state;
	load(&config, CONF_HEAD "publish = yes\npublish-after = \"24h\"\nallow { special-purpose = no }\n");
	assert_false(export_gate(&config, NULL, &st, 1000000 + 2 * 86400, &gate));
	st.clock_s = 1000000 + 86400;
	assert_true(export_gate(&config, NULL, &st, 0, &gate));
	config_free(&config);
}

static void
a_replay_exports_the_state_at_its_end(void **state)
{
	struct bench_dir *d = *state;
	struct change_row row = listed("192.0.2.7");
	struct store *s;
	struct export_summary summary;
	char *text;

	list(d, &row, 1);
	s = support_open(d, NULL);
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	/* However long ago it was. */
	text = render(d, "nftables", CONF_OPEN, NOW_S + 10 * 86400, &summary, EXPORT_OK);
	assert_non_null(strstr(text, "192.0.2.7 timeout 86400s"));
	free(text);
}

/* What mxtrapd said last, before the list is asked for at NOW_S. */
static char *
as_watch_said(const struct bench_dir *d, int64_t ago_s, const char *gate, const char *format, struct export_summary *summary,
    enum export_result expected)
{
	struct store *s;
	char clock[32];

	fill_four(d);
	s = support_open(d, NULL);
	(void)snprintf(clock, sizeof clock, "%lld", (long long)(NOW_S - ago_s));
	store_status(s, "clock", clock);
	store_status(s, "publish", gate);
	assert_true(store_sync(s));
	store_close(s);
	return render(d, format, CONF_OPEN, NOW_S, summary, expected);
}

static void
a_daemon_that_is_silent_for_ten_minutes_claims_nothing(void **state)
{
	struct export_summary summary;
	char *text = as_watch_said(*state, STATUS_STALE_S + 1, "open 4 1789990000", "plain", &summary, EXPORT_UNPUBLISHED);

	assert_null(strstr(text, "192.0.2.7"));
	assert_non_null(strstr(text, "\n# mxtrapd has been silent for 10 minutes"));
	free(text);
}

static void
a_daemon_that_was_silent_for_less_still_claims(void **state)
{
	struct export_summary summary;
	char *text = as_watch_said(*state, STATUS_STALE_S, "open 4 1789990000", "plain", &summary, EXPORT_OK);

	assert_int_equal(summary.written, 4);
	free(text);
}

static void
what_was_held_is_handed_on_once_the_list_is_small_again(void **state)
{
	struct export_summary summary;
	char gate[64];

	(void)snprintf(gate, sizeof gate, "held 0 %lld", NOW_S - 1);
	free(as_watch_said(*state, 1, gate, "plain", &summary, EXPORT_OK));
	assert_int_equal(summary.written, 4);
}

static void
growth_is_held_before_watch_has_said_so(void **state)
{
	enum { N = 1001 };
	const struct bench_dir *d = *state;
	struct change_row *rows = calloc(N, sizeof *rows);
	struct export_summary summary;
	char gate[64], ip[32], *text;
	struct store *s;

	assert_non_null(rows);
	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(ip, sizeof ip, "198.18.%u.%u", i / 256, i % 256);
		rows[i] = listed(ip);
		rows[i].since_s = i == 0 ? NOW_S - 100 : NOW_S;
	}
	list(d, rows, N);
	free(rows);
	s = support_open(d, NULL);
	(void)snprintf(gate, sizeof gate, "%lld", NOW_S);
	store_status(s, "clock", gate);
	(void)snprintf(gate, sizeof gate, "open 0 %lld", NOW_S - 50);
	store_status(s, "publish", gate);
	assert_true(store_sync(s));
	store_close(s);
	text = render(d, "plain", CONF_OPEN, NOW_S, &summary, EXPORT_OK);
	assert_int_equal(summary.written, 1);
	assert_int_equal(summary.held, N - 1);
	assert_non_null(strstr(text, "\n198.18.0.0\n"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(what_never_leaves_is_counted),
		store_test(a_daemon_that_is_silent_for_ten_minutes_claims_nothing),
		store_test(a_daemon_that_was_silent_for_less_still_claims),
		store_test(growth_is_held_before_watch_has_said_so),
		store_test(what_was_held_is_handed_on_once_the_list_is_small_again),
		store_test(an_expired_entry_never_leaves),
		store_test(a_control_address_never_leaves),
		store_test(a_decoy_never_leaves),
		store_test(a_slash_64_with_an_address_of_ours_never_leaves),
		store_test(a_special_purpose_address_never_leaves),
		store_test(an_address_allowed_by_the_configuration_never_leaves),
		store_test(an_address_of_the_host_itself_never_leaves_while_it_is_its_own),
		store_test(an_address_allowed_by_hand_never_leaves),
		store_test(nothing_leaves_unless_publish_is_yes),
		cmocka_unit_test(nothing_leaves_before_publish_after),
		cmocka_unit_test(after_a_replay_its_own_clock_counts),
		store_test(a_replay_exports_the_state_at_its_end),
	};

	return cmocka_run_group_tests_name("export: gate", tests, NULL, NULL);
}
