/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_web.c - what the web process answers, over real sockets.
 *
 * Each route: 200, its headers, HEAD, 304, other methods; pages; ETags that move.
 */
#include "../support/web_harness.h"

static void
without_a_database_it_says_503_and_when_to_come_again(void **state)
{
	const struct response *a = get("/api/v1/list");

	(void)state;
	assert_status(a, 503);
	assert_string_equal(header(a, "Content-Type"), "application/problem+json");
	assert_string_equal(header(a, "Retry-After"), "1");
	assert_status(get("/healthz"), 503);
	assert_status(get("/"), 200);
	assert_has(get("/metrics")->body, "mxtrap_up 0");
}

static void
it_finds_the_database_when_that_appears(void **state)
{
	int64_t until = now_ms() + 60000;
	const struct response *a;

	(void)state;
	fill_database();
	do {
		a = get("/api/v1/status");
	} while (a->status != 200 && now_ms() < until && usleep(50000) == 0);
	assert_status(a, 200);
}

static const struct path_row {
	const char *name, *path, *type, *part;
	bool	    no_etag;
} path_rows[] = {
	{ "root_is_the_page", "/", "text/html; charset=utf-8", "<title>mxtrap", false },
	{ "list_is_json", "/api/v1/list", "application/json", "\"state\":\"listed\"", false },
	{ "list_of_suspects", "/api/v1/list?state=suspect", "application/json", "2001:db8:", false },
	{ "senders_are_json", "/api/v1/senders?query=203.0.113.0/24", "application/json",
	  "203.0.113.7/32", false },
	{ "senders_by_reason", "/api/v1/senders?query=suspect%20decoys_only", "application/json",
	  "2001:db8:1e", false },
	{ "sender_is_explained", "/api/v1/senders/203.0.113.7", "application/json",
	  "\"kind\":\"backup_first\"", false },
	{ "sender_by_its_64", "/api/v1/senders/2001:db8:5::%2F64", "application/json",
	  "2001:db8:5::/64", false },
	{ "mx_sets_are_json", "/api/v1/mx-sets", "application/json", "mx9.example.org", false },
	{ "risk_is_json", "/api/v1/risk", "application/json", "\"candidates\"", false },
	{ "risk_of_few_is_json", "/api/v1/risk?limit=1", "application/json", "\"considered\"", false },
	{ "series_is_json", "/api/v1/series", "application/json", "\"role\":\"bogus\"", false },
	{ "status_is_json", "/api/v1/status", "application/json", "\"thresholds\"", false },
	{ "export_plain", "/export/plain", NULL, "203.0.113.7", false },
	{ "export_ndjson", "/export/ndjson", NULL, "203.0.113.7", false },
	{ "export_csv", "/export/csv", NULL, "203.0.113.7", false },
	{ "export_nftables", "/export/nftables", NULL, "203.0.113.7", false },
	{ "export_of_a_family", "/export/plain?family=4&limit=1000", NULL, "203.0.113.7", false },
	{ "export_for_rspamd", "/export/rspamd?min-score=1&grade=proven", NULL, "203.0.113.7 # backup_first", false },
	{ "check_listed", "/api/v1/check/203.0.113.7", "application/json", "203.0.113.7/32", true },
	{ "metrics_are_text", "/metrics", "text/plain; version=0.0.4; charset=utf-8",
	  "mxtrap_listed_senders 150", true },
};

static void
answers_200(void **state)
{
	const struct path_row *row = *state;
	const struct response *a = get(row->path);

	assert_status(a, 200);
	assert_has(a->body, row->part);
	if (row->type != NULL)
		assert_string_equal(header(a, "Content-Type"), row->type);
	assert_non_null(header(a, "Content-Length"));
	assert_int_equal(strtoul(header(a, "Content-Length"), NULL, 10), a->body_size);
}

static void
carries_the_safety_headers(void **state)
{
	const struct path_row *row = *state;
	const struct response *a = get(row->path);

	assert_has(header(a, "Content-Security-Policy"), "default-src 'none'; script-src 'self'");
	assert_has(header(a, "Content-Security-Policy"), "frame-ancestors 'none'");
	assert_null(strstr(header(a, "Content-Security-Policy"), "unsafe"));
	assert_string_equal(header(a, "X-Content-Type-Options"), "nosniff");
	assert_string_equal(header(a, "Referrer-Policy"), "no-referrer");
	assert_non_null(header(a, "Cache-Control"));
}

static void
head_has_no_body(void **state)
{
	const struct path_row *row = *state;
	const struct response *a = ask("HEAD", row->path, "");

	assert_status(a, 200);
	assert_int_equal(a->body_size, 0);
	assert_int_not_equal(strtoul(header(a, "Content-Length"), NULL, 10), 0);
}

static void
its_own_etag_gives_304(void **state)
{
	const struct path_row *row = *state;
	char line[256];
	const char *etag = header(get(row->path), "ETag");
	const struct response *a;

	if (row->no_etag) {
		assert_null(etag);
		return;
	}
	assert_non_null(etag);
	(void)snprintf(line, sizeof(line), "If-None-Match: \"other\", %s\r\n", etag);
	a = ask("GET", row->path, line);
	assert_status(a, 304);
	assert_int_equal(a->body_size, 0);
	assert_status(ask("GET", row->path, "If-None-Match: \"other\"\r\n"), 200);
}

static void
only_get_and_head(void **state)
{
	static const char *const methods[] = { "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "BREW" };
	const struct path_row *row = *state;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		const struct response *a = ask(methods[i], row->path, "");

		assert_status(a, 405);
		assert_string_equal(header(a, "Allow"), strncmp(row->path, "/api/v1/list", 12) == 0 ? "GET, HEAD, POST" :
		    "GET, HEAD");
	}
}

static void
pages_join_up_without_gap_or_repetition(void **state)
{
	char path[256] = "/api/v1/list?limit=40", seen[256] = "";
	unsigned total = 0, pages = 0;

	(void)state;
	do {
		const struct response *a = get(path);
		const char *next;

		assert_status(a, 200);
		for (const char *p = a->body; (p = strstr(p, "\"cidr\":\"203.0.113.")) != NULL;) {
			unsigned long last = strtoul(p + 19 - 1, NULL, 10);

			p += 10;
			assert_in_range(last, 0, 255);
			assert_int_equal(seen[last], 0);
			seen[last] = 1;
			total++;
		}
		pages++;
		next = strstr(a->body, "\"next\":\"");
		if (next == NULL)
			break;
		(void)snprintf(path, sizeof(path), "/api/v1/list?limit=40&after=%.*s",
		    (int)strcspn(next + 8, "\""), next + 8);
	} while (pages < 20);
	assert_int_equal(total, N_LISTED);
	assert_int_equal(pages, (N_LISTED + 39) / 40);
}

/* All listed, once each, and what stands behind `name` never grows. */
static void
sorted_pages(const char *order, const char *name)
{
	char path[256], seen[256] = "";
	double before = 1e300;
	unsigned total = 0;

	(void)snprintf(path, sizeof(path), "/api/v1/list?limit=7&order=%s", order);
	for (unsigned pages = 0; pages < 100; pages++) {
		const struct response *a = get(path);
		const char *next;

		assert_status(a, 200);
		for (const char *p = a->body; (p = strstr(p, "\"cidr\":\"203.0.113.")) != NULL; p++) {
			unsigned long last = strtoul(p + 18, NULL, 10);
			double value = strtod(strstr(p, name) + strlen(name), NULL);

			assert_true(last < 256 && seen[last] == 0 && value <= before);
			seen[last] = 1;
			before = value;
			total++;
		}
		if ((next = strstr(a->body, "\"next\":\"")) == NULL)
			break;
		(void)snprintf(path, sizeof(path), "/api/v1/list?limit=7&order=%s&after=%.*s", order,
		    (int)strcspn(next + 8, "\""), next + 8);
	}
	assert_int_equal(total, N_LISTED);
}

static void
the_newest_come_first_and_their_pages_join_up(void **state)
{
	(void)state;
	sorted_pages("since", "\"since\":");
}

static void
the_highest_scores_come_first_and_their_pages_join_up(void **state)
{
	(void)state;
	sorted_pages("score", "\"score\":");
}

static void
check_says_no_with_404_and_json(void **state)
{
	const struct response *a = get("/api/v1/check/192.0.2.1");

	(void)state;
	assert_status(a, 404);
	assert_string_equal(header(a, "Content-Type"), "application/json");
	assert_has(a->body, "\"listed\":false");
	/* A suspect is not listed. */
	assert_status(get("/api/v1/check/2001:db8:5::1"), 404);
}

static void
the_explanation_has_points_sums_and_doubts(void **state)
{
	const struct response *a = get("/api/v1/senders/203.0.113.7");

	(void)state;
	assert_has(a->body, "\"score_sum\":5");
	assert_has(a->body, "\"doubts\":[{\"name\":\"real_down\"");
	assert_has(a->body, "\"outcome\":\"proven\"");
	assert_has(a->body, "\"exchanger\":\"mx9.example.org\"");
	assert_has(a->body, "\"route\":[\"bogus\"]");
	assert_has(a->body, "\"cause\":\"evidence\"");
	assert_has(a->body, "\"thresholds\":{\"list\":9.1");
}

static void
a_new_serial_is_a_new_etag(void **state)
{
	static const char *const paths[] = { "/api/v1/list?limit=1000", "/export/plain",
	    "/export/nftables" };
	char before[ARRAY_LEN(paths)][96], line[512];
	struct sink sink = store_sink(t.store);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		(void)snprintf(before[i], sizeof(before[i]), "%s", header(get(paths[i]), "ETag"));
	put_sender(&sink, sender_at("203.0.113.200"), STATE_LISTED, 10, 1U << EVIDENCE_BACKUP_FIRST);
	assert_true(store_sync(t.store));
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const struct response *a;
		int64_t until = now_ms() + 60000;

		(void)snprintf(line, sizeof(line), "If-None-Match: %s\r\n", before[i]);
		/* Many look-ups share a read transaction, for 50 ms at most; and a score that decays changes the tag meanwhile. */
		do
			a = ask("GET", paths[i], line);
		while ((a->status == 304 || strstr(a->body, "203.0.113.200") == NULL) && now_ms() < until);
		assert_status(a, 200);
		assert_string_not_equal(header(a, "ETag"), before[i]);
		assert_has(a->body, "203.0.113.200");
	}
}

static void
exports_say_how_fresh_they_are(void **state)
{
	const struct response *a = get("/export/plain");

	(void)state;
	assert_non_null(header(a, "Last-Modified"));
	assert_non_null(header(a, "Expires"));
	assert_int_equal(header(a, "ETag")[0], '"');
	assert_int_equal(header(get("/export/nftables"), "ETag")[0], 'W');
	assert_null(header(a, "X-Mxtrap-Unpublished"));
}

static const struct response *
changes(const char *generation, unsigned long long since, const char *more)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "/export/changes?since=%s:%llu%s", generation, since, more);
	return get(path);
}

static unsigned long long
number_behind(const char *text, const char *name)
{
	const char *at = text == NULL ? NULL : strstr(text, name);

	assert_non_null(at);
	return strtoull(at + strlen(name), NULL, 10);
}

static void
changes_are_told_since_a_serial(void **state)
{
	struct sink sink = store_sink(t.store);
	const struct response *a = get("/api/v1/status");
	const char *at = strstr(a->body, "\"generation\":\"");
	unsigned long long serial = number_behind(a->body, "\"serial\":");
	char generation[32];

	(void)state;
	assert_non_null(at);
	(void)snprintf(generation, sizeof(generation), "%.16s", at + strlen("\"generation\":\""));
	for (int i = 0; i < 3; i++) {
		char ip[32];

		(void)snprintf(ip, sizeof(ip), "203.0.113.%d", 210 + i);
		put_sender(&sink, sender_at(ip), STATE_LISTED, 10, 1U << EVIDENCE_BACKUP_FIRST);
		assert_true(store_sync(t.store));
	}
	(void)usleep(100000);		/* many look-ups share a read transaction, for 50 ms at most */
	a = changes(generation, serial, "");
	assert_status(a, 200);
	assert_has(a->body, "\"cidr\":\"203.0.113.210/32\",\"state\":\"listed\"");
	assert_has(a->body, "203.0.113.212/32");
	assert_has(a->body, "\"more\":false");
	/* A page ends between two serials and names the last one that is whole. */
	a = changes(generation, serial, "&limit=1");
	assert_status(a, 200);
	assert_has(a->body, "203.0.113.210/32");
	assert_null(strstr(a->body, "203.0.113.211/32"));
	assert_has(a->body, "\"more\":true");
	serial = number_behind(strstr(a->body, "\"type\":\"metadata\""), "\"serial\":");
	a = changes(generation, serial, "");
	assert_null(strstr(a->body, "203.0.113.210/32"));
	assert_has(a->body, "203.0.113.211/32");
}

static void
changes_of_another_state_are_gone(void **state)
{
	(void)state;
	assert_status(changes("0123456789abcdef", 1, ""), 410);
}

static void
metrics_please_promtool(void **state)
{
	const struct response *a = get("/metrics");
	FILE *out;

	(void)state;
	if (access("/usr/bin/promtool", X_OK) != 0)
		skip();
	out = popen("promtool check metrics", "w");
	assert_non_null(out);
	(void)fwrite(a->body, 1, a->body_size, out);
	assert_int_equal(pclose(out), 0);
}

static void
a_kept_connection_serves_many_requests(void **state)
{
	static const char request[] = "GET /api/v1/check/203.0.113.7 HTTP/1.1\r\nHost: localhost\r\n\r\n";
	char text[4096];
	int fd = dial();

	(void)state;
	for (int i = 0; i < 50; i++) {
		ssize_t n;

		assert_int_equal(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL), sizeof(request) - 1);
		n = recv(fd, text, sizeof(text) - 1, 0);
		assert_true(n > 12);
		text[n] = '\0';
		assert_int_equal(strncmp(text, "HTTP/1.1 200", 12), 0);
		assert_null(strstr(text, "Connection: close"));
	}
	(void)close(fd);
}

static void
heartbeats_come_while_it_serves(void **state)
{
	struct message_heartbeat beat;
	unsigned n = 0;

	(void)state;
	while (message_receive(t.supervisor_fd, &beat, sizeof(beat)) > 0)
		n += beat.head.kind == MESSAGE_HEARTBEAT;
	assert_true(n > 0);
}

static void
a_stop_is_not_kept_by_a_client(void **state)
{
	int64_t begun = now_ms();
	int fd = dial(), status = -1;

	(void)state;
	assert_int_equal(kill(t.server, SIGTERM), 0);
	assert_int_equal(waitpid(t.server, &status, 0), t.server);
	assert_true(now_ms() - begun < 10000);
	assert_int_equal(status, 0);
	(void)close(fd);
}

int
main(void)
{
	ADD(without_a_database_it_says_503_and_when_to_come_again);
	ADD(it_finds_the_database_when_that_appears);
	for (size_t i = 0; i < ARRAY_LEN(path_rows); i++)
		add(path_rows[i].name, answers_200, &path_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(path_rows); i++)
		add(joined(path_rows[i].name, "with_safety_headers"), carries_the_safety_headers,
		    &path_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(path_rows); i++)
		add(joined(path_rows[i].name, "by_head_without_body"), head_has_no_body, &path_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(path_rows); i++)
		add(joined(path_rows[i].name, "again_is_304"), its_own_etag_gives_304, &path_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(path_rows); i++)
		add(joined(path_rows[i].name, "by_other_methods_is_405"), only_get_and_head,
		    &path_rows[i]);
	ADD(pages_join_up_without_gap_or_repetition);
	ADD(the_newest_come_first_and_their_pages_join_up);
	ADD(the_highest_scores_come_first_and_their_pages_join_up);
	ADD(check_says_no_with_404_and_json);
	ADD(the_explanation_has_points_sums_and_doubts);
	ADD(exports_say_how_fresh_they_are);
	ADD(changes_are_told_since_a_serial);
	ADD(changes_of_another_state_are_gone);
	ADD(metrics_please_promtool);
	ADD(a_kept_connection_serves_many_requests);
	ADD(heartbeats_come_while_it_serves);
	ADD(a_new_serial_is_a_new_etag);
	ADD(a_stop_is_not_kept_by_a_client);
	return _cmocka_run_group_tests("web", tests, n_tests, begin, end);
}
