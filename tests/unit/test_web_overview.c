/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_web_overview.c - what the page reads of it all: overview, series, searches, about.
 */
#include "../support/web_harness.h"

#define HOUR 3600
#define DAY  86400

static void
waits_for_the_database(void **state)
{
	int64_t until = now_ms() + 5000;

	(void)state;
	fill_database();
	while (get("/api/v1/overview")->status != 200 && now_ms() < until)
		(void)usleep(20000);
	assert_status(get("/api/v1/overview"), 200);
}

/* What was written is seen at the latest when a shared read transaction ends. */
static const struct response *
get_until(const char *path, const char *part)
{
	int64_t until = now_ms() + 5000;
	const struct response *a;

	do
		a = get(path);
	while ((a->status != 200 || strstr(a->body, part) == NULL) && now_ms() < until && usleep(20000) == 0);
	assert_status(a, 200);
	assert_has(a->body, part);
	return a;
}

static void
the_overview_has_all_that_the_page_shows_first(void **state)
{
	static const char *const parts[] = {
		"\"generation\":\"", "\"now\":", "\"says\":{\"level\":\"", "\"more\":[",
		"{\"name\":\"listed\",\"now\":150,\"week_ago\":null,\"days\":[{\"day\":",
		"{\"name\":\"suspects\",\"now\":30,", "{\"name\":\"cleared\",\"now\":0,",
		"{\"name\":\"attempts\",\"now\":7,\"week_ago\":null,", "{\"name\":\"proven\",\"now\":5,",
		"\"mx_set\":\"example.org\",\"name\":\"mx9.example.org\",\"preference\":90,\"role\":\"bogus\",\"answer\":\"reset\","
		"\"addresses\":[\"198.51.100.30\"],\"health\":\"up\",\"senders_now\":1,\"senders_today\":",
		"\"flow\":{\"from\":", "{\"route\":[\"bogus\"],\"visits\":1,\"reached_real\":0}", "\"visits\":1}",
		"\"risk\":{\"candidates\":", "\"consumers\":{\"known\":", "\"own\":[]",
	};
	const struct response *a = get_until("/api/v1/overview", "\"senders_now\":1");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		assert_has(a->body, parts[i]);
	assert_string_equal(header(a, "Cache-Control"), "no-store");
}

static void
what_uses_the_list_and_fetches_nothing_is_named(void **state)
{
	static const struct config config = { .n_dnsbl = 1, .firewall = true };
	struct json json;

	(void)state;
	json_to_buffer(&json);
	json_object(&json, NULL);
	json_own(&json, &config);
	json_end(&json);
	assert_string_equal(json.buf, "{\"own\":[\"dnsbl\",\"firewall\"]}");
	json_free(&json);
}

/* Tallies of a week ago, which the day's sums and the change against last week come from. */
static void
a_week_later_the_change_can_be_told(void **state)
{
	struct sink sink = store_sink(t.store);
	uint32_t now = (uint32_t)time(NULL), then = now - 7 * DAY;
	struct tally_row tally = { .hour_s = then - then % HOUR, .target = 1, .attempts = 40, .proven = 30 };

	(void)state;
	sink.tally(sink.ctx, &tally);
	tally.hour_s -= DAY;
	sink.tally(sink.ctx, &tally);
	tally.hour_s -= 40 * DAY;
	sink.tally(sink.ctx, &tally);
	assert_true(store_sync(t.store));
	get_until("/api/v1/overview", "{\"name\":\"attempts\",\"now\":7,\"week_ago\":40,");
}

static void
listed_of_a_day_without_a_change_is_that_of_the_day_before(void **state)
{
	struct sink sink = store_sink(t.store);
	struct change_row change = { .time_us = ((int64_t)time(NULL) - 9 * DAY) * 1000000, .sender = sender_at("192.0.2.77"),
		.what = sender_prefix(sender_at("192.0.2.77")), .new_state = STATE_SUSPECT };
	int64_t today = (int64_t)time(NULL) / DAY * DAY;
	char part[64];

	(void)state;
	sink.change(sink.ctx, &change);
	assert_true(store_sync(t.store));
	(void)snprintf(part, sizeof(part), "{\"day\":%lld,\"n\":31}", (long long)(today - 3 * DAY));
	get_until("/api/v1/overview", part);
}

static void
a_series_by_day_comes_from_the_sums_of_days(void **state)
{
	const struct response *a = get_until("/api/v1/series?step=day", "\"role\":\"real\",\"attempts\":40");
	uint32_t now = (uint32_t)time(NULL), then = now - 7 * DAY;
	char part[64];

	(void)state;
	(void)snprintf(part, sizeof(part), "{\"day\":%u,\"role\":\"real\"", then - then % DAY);
	assert_has(a->body, "\"step\":\"day\",\"days\":[");
	assert_has(a->body, part);
	assert_status(get("/api/v1/series?step=week"), 400);
	assert_status(get("/api/v1/series?step=day&from=0"), 400);
	(void)snprintf(part, sizeof(part), "/api/v1/series?step=day&from=%u", now - 399 * DAY);
	assert_status(get(part), 200);
	(void)snprintf(part, sizeof(part), "/api/v1/series?from=%u", now - 94 * DAY);
	assert_status(get(part), 400);
}

static void
a_series_by_hour_is_as_before(void **state)
{
	const struct response *a = get_until("/api/v1/series", "\"role\":\"bogus\",\"attempts\":7,\"proven\":5");

	(void)state;
	assert_has(a->body, "\"hours\":[{\"hour\":");
}

/* -- searches -- */

static void
put_marked(const char *address, uint32_t sets, uint16_t fingerprint)
{
	struct sink sink = store_sink(t.store);
	uint32_t now = (uint32_t)time(NULL);
	struct sender_row row = { .key = sender_at(address), .first_seen_s = now - 60, .last_seen_s = now, .sums_at_s = now,
		.kinds = 1U << EVIDENCE_GAVE_UP, .hint = 1, .sets = sets, .fingerprint = fingerprint };

	sink.sender(sink.ctx, &row);
}

static void
senders_are_found_by_their_set(void **state)
{
	const struct response *a;

	(void)state;
	put_marked("192.0.2.1", 1, 0);
	put_marked("192.0.2.2", 2, 0);
	assert_true(store_sync(t.store));
	a = get_until("/api/v1/senders?query=192.0.2.0/24+set:example.org", "192.0.2.1/32");
	assert_null(strstr(a->body, "192.0.2.2/32"));
	assert_status(get("/api/v1/senders?query=set:example.com"), 400);
	assert_status(get("/api/v1/senders?query=set:example.org+set:example.org"), 400);
}

static void
senders_are_found_by_a_part_of_their_fingerprint(void **state)
{
	struct sink sink = store_sink(t.store);
	struct fingerprint fp = { 0 };
	char text[FINGERPRINT_TEXT_SIZE], path[256];
	const struct response *a;

	(void)state;
	fingerprint_format(&fp, text);
	sink.fingerprint(sink.ctx, 9, &fp, (int64_t)time(NULL) * 1000000);
	put_marked("192.0.2.3", 0, 9);
	assert_true(store_sync(t.store));
	(void)snprintf(path, sizeof(path), "/api/v1/senders?query=fingerprint:%.4s", text);
	a = get_until(path, "192.0.2.3/32");
	assert_null(strstr(a->body, "192.0.2.1/32"));
	a = get("/api/v1/senders?query=fingerprint:nobody+has,this");
	assert_status(a, 400);		/* "this" is no word */
	a = get("/api/v1/senders?query=fingerprint:nobody,has,this");
	assert_status(a, 200);
	assert_has(a->body, "\"entries\":[],\"next\":null");
	assert_status(get("/api/v1/senders?query=fingerprint:"), 400);
}

/* Pages of a search with few matches are short, and lead to all of them, once each. */
static void
a_search_with_rare_matches_ends_each_page_early(void **state)
{
	struct sink sink = store_sink(t.store);
	uint32_t now = (uint32_t)time(NULL);
	char path[160] = "/api/v1/senders?query=prober";
	unsigned found = 0, pages = 0;

	(void)state;
	for (uint32_t i = 0; i < 50000; i++) {
		struct sender_row row = { .key = SENDER_KEY_V4 | (0x0a000000U + i), .first_seen_s = now, .last_seen_s = now,
			.kinds = 1U << EVIDENCE_GAVE_UP, .klass = i % 25000 == 24999 ? CLASS_PROBER : CLASS_SENDER };

		sink.sender(sink.ctx, &row);
	}
	assert_true(store_sync(t.store));
	get_until("/api/v1/senders?query=10.0.195.79", "10.0.195.79/32");
	for (;;) {
		const struct response *a = get(path);
		const char *next;

		assert_status(a, 200);
		for (const char *p = a->body; (p = strstr(p, "\"class\":\"prober\"")) != NULL; p++)
			found++;
		pages++;
		next = strstr(a->body, "\"next\":\"");
		if (next == NULL)
			break;
		(void)snprintf(path, sizeof(path), "/api/v1/senders?query=prober&after=%.*s", (int)strcspn(next + 8, "\""), next + 8);
		assert_true(pages < 1000);
	}
	assert_int_equal(found, 2);
	assert_true(pages >= 3);
}

static void
about_tells_versions_sizes_and_what_was_not_kept(void **state)
{
	const struct response *a;

	(void)state;
	store_status(t.store, "process watch", "pid 812, since 1790000000, started again 2 times");
	store_status(t.store, "process decoy", "not running, started again 3 times");
	store_status(t.store, "bytes", "123456");
	store_status(t.store, "tallied", "17");
	assert_true(store_sync(t.store));
	a = get_until("/api/v1/about", "\"name\":\"tallied\"");
	assert_has(a->body, "{\"name\":\"SQLite\",\"version\":\"3.");
	assert_has(a->body, "{\"name\":\"libmaxminddb\",\"version\":\"");
	assert_has(a->body, "{\"name\":\"watch\",\"pid\":812,\"restarts\":2,\"since\":1790000000}");
	assert_has(a->body, "{\"name\":\"decoy\",\"pid\":null,\"restarts\":3,\"since\":null}");
	assert_has(a->body, "\"started\":1790000000");
	assert_has(a->body, "\"database\":{\"bytes\":123456,\"created\":");
	assert_has(a->body, "\"value\":17,\"loss\":false}");
	assert_has(a->body, "\"limits.senders\"");
}

static void
tell_gate(const char *gate)
{
	store_status(t.store, "publish", gate);
	assert_true(store_sync(t.store));
	(void)usleep(100000);		/* many look-ups share a read transaction, for 50 ms at most */
}

static void
what_is_held_is_shown_and_nobody_is_said_to_have_it(void **state)
{
	const struct response *a;
	char gate[64], open[96];
	long long held_since_s = (long long)time(NULL) - 120;

	(void)state;
	assert_status(get("/export/plain"), 200);
	assert_has(get("/api/v1/consumers")->body, "\"holds\":\"newest\"");
	a = get("/api/v1/list?state=held");
	assert_status(a, 200);
	assert_has(a->body, "\"entries\":[]");
	/* All but ten were listed since; more than a thousand, so that watch would hold them as well. */
	for (unsigned i = 0; i < 1200; i++) {
		struct sink sink = store_sink(t.store);
		char text[64];

		(void)snprintf(text, sizeof(text), "198.18.%u.%u", i / 250, i % 250 + 1);
		put_sender(&sink, sender_at(text), STATE_LISTED, 10, 1U << EVIDENCE_BACKUP_FIRST);
		if (i % 100 == 0)
			assert_true(store_sync(t.store));
	}
	(void)snprintf(gate, sizeof(gate), "held 10 %lld", held_since_s);
	tell_gate(gate);
	a = get("/api/v1/overview");
	assert_status(a, 200);
	assert_has(a->body, "are held back. Look at them, then `mxtrap publish --accept`.");
	(void)snprintf(open, sizeof(open), "\"open\":true,\"why\":null,\"state\":\"yes\",\"held_since\":%lld", held_since_s);
	assert_has(a->body, open);
	a = get("/api/v1/list?state=held&limit=5");
	assert_status(a, 200);
	assert_has(a->body, "\"state\":\"listed\"");
	assert_has(get("/api/v1/senders?query=held%20198.18.1.7")->body, "\"cidr\":\"198.18.1.7/32\"");
	assert_status(get("/api/v1/list?state=held|suspect"), 400);
	assert_null(strstr(get("/export/plain")->body, "198.18.1.7"));
	a = get("/api/v1/consumers");
	assert_has(a->body, "\"holds\":\"part\"");
	assert_null(strstr(a->body, "\"holds\":\"newest\""));
	/* Accepted: nobody has them until it comes again. */
	(void)snprintf(gate, sizeof(gate), "open 1210 %lld", (long long)time(NULL));
	tell_gate(gate);
	a = get("/api/v1/consumers");
	assert_has(a->body, "\"holds\":\"part\"");
	assert_null(strstr(a->body, "\"holds\":\"newest\""));
	assert_has(get("/export/plain")->body, "198.18.1.7");
	assert_has(get("/api/v1/consumers")->body, "\"holds\":\"newest\"");
	tell_gate("open 1210 1");
}

static void
health_says_what_is_not_well(void **state)
{
	char now[24];
	const struct response *a;

	(void)state;
	store_status(t.store, "complaint 1", "203.0.113.30:25 is held by master (pid 812)");
	assert_true(store_sync(t.store));
	(void)usleep(100000);
	a = get("/healthz");
	assert_status(a, 200);
	assert_has(a->body, "\"status\":\"bad\",\"says\":\"");
	store_status(t.store, "complaint 1", "");
	(void)snprintf(now, sizeof(now), "%lld", (long long)time(NULL) - 100);
	store_status(t.store, "clock", now);
	assert_true(store_sync(t.store));
	(void)usleep(100000);
	a = get("/healthz");
	assert_status(a, 503);
	assert_has(a->body, "mxtrapd has been silent for");
	(void)snprintf(now, sizeof(now), "%lld", (long long)time(NULL));
	store_status(t.store, "clock", now);
	assert_true(store_sync(t.store));
}

static bool
becomes(const char *path, int status)
{
	int64_t until = now_ms() + 60000;
	int now;

	while ((now = get(path)->status) != status && now_ms() < until)
		(void)usleep(50000);
	return now == status;
}

static void
a_database_removed_under_mxtrapd_is_not_well_until_it_is_written_again(void **state)
{
	char path[96];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/mxtrap.db", t.dir);
	assert_int_equal(unlink(path), 0);
	assert_true(becomes("/healthz", 503));
	assert_has(get("/healthz")->body, "written again");
	assert_status(get("/export/plain"), 200);
	assert_true(becomes("/healthz", 200));
	assert_int_equal(access(path, R_OK), 0);
}

/* The last: what it removes does not come back. */
static void
a_database_that_is_gone_is_named_with_what_to_do(void **state)
{
	char path[96];
	const struct response *a;

	(void)state;
	store_close(t.store);
	t.store = NULL;
	(void)snprintf(path, sizeof(path), "%s/mxtrap.db", t.dir);
	assert_int_equal(unlink(path), 0);
	assert_true(becomes("/healthz", 503));
	a = get("/healthz");
	assert_has(a->body, "was removed");
	a = get("/api/v1/overview");
	assert_status(a, 503);
	assert_has(a->body, "was removed");
	assert_has(a->body, "Restart mxtrapd");
}

int
main(void)
{
	ADD(waits_for_the_database);
	ADD(the_overview_has_all_that_the_page_shows_first);
	ADD(what_uses_the_list_and_fetches_nothing_is_named);
	ADD(a_week_later_the_change_can_be_told);
	ADD(listed_of_a_day_without_a_change_is_that_of_the_day_before);
	ADD(a_series_by_day_comes_from_the_sums_of_days);
	ADD(a_series_by_hour_is_as_before);
	ADD(senders_are_found_by_their_set);
	ADD(senders_are_found_by_a_part_of_their_fingerprint);
	ADD(a_search_with_rare_matches_ends_each_page_early);
	ADD(about_tells_versions_sizes_and_what_was_not_kept);
	ADD(health_says_what_is_not_well);
	ADD(what_is_held_is_shown_and_nobody_is_said_to_have_it);
	ADD(a_database_removed_under_mxtrapd_is_not_well_until_it_is_written_again);
	ADD(a_database_that_is_gone_is_named_with_what_to_do);
	return _cmocka_run_group_tests("web_overview", tests, n_tests, begin, end);
}
