/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_web_refusals.c - what the web process refuses, and how.
 *
 * Bad requests, foreign Host names, bodies, and clients that take their time: one slow
 * client begins before all tests and is looked at after them.
 */
#include "../support/web_harness.h"

static pthread_t slow_thread;
static int64_t	 slow_ms;		/* how long the slow client was kept */

/* A byte now and then, for ever: the library alone would keep it for ever. */
static void *
slow_client(void *arg)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
	int64_t begun = now_ms();
	int fd = dial();

	(void)arg;
	for (size_t i = 0; now_ms() - begun < 200000; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN | POLLRDHUP };
		char c = i < sizeof(request) - 1 ? request[i] : 'x';

		if (send(fd, &c, 1, MSG_NOSIGNAL) != 1 || poll(&p, 1, 250) != 0)
			break;
	}
	slow_ms = now_ms() - begun;
	(void)close(fd);
	return NULL;
}

static const struct bad_row {
	const char *name, *path;
	int	    status;
	const char *says;
} bad_rows[] = {
	{ "no_such_path", "/nope", 404, "no such path" },
	{ "no_such_api", "/api/v1/nope", 404, "no such path" },
	{ "no_such_format", "/export/excel", 404, "nftables" },
	{ "a_path_without_its_argument", "/api/v1/check/", 404, "no such path" },
	{ "a_path_with_a_level_too_many", "/api/v1/check/192.0.2.7/x", 404, "no such path" },
	{ "a_sender_never_seen", "/api/v1/senders/192.0.2.1", 404, "nothing was ever seen" },
	{ "check_of_a_word", "/api/v1/check/localhost", 400, "one IPv4 or IPv6 address" },
	{ "check_of_a_network", "/api/v1/check/192.0.2.0%2F24", 400, "one IPv4 or IPv6 address" },
	{ "sender_by_a_wide_prefix", "/api/v1/senders/192.0.2.0%2F24", 400, "an IPv4 /32" },
	{ "a_state_that_is_none", "/api/v1/list?state=blocked", 400, "listed, held, suspect" },
	{ "an_empty_state", "/api/v1/list?state=", 400, "listed, held, suspect" },
	{ "a_limit_of_nothing", "/api/v1/list?limit=0", 400, "1 to 1000" },
	{ "a_limit_too_large", "/api/v1/list?limit=1001", 400, "1 to 1000" },
	{ "a_limit_that_overflows", "/api/v1/list?limit=18446744073709551617", 400, "1 to 1000" },
	{ "a_limit_below_nothing", "/api/v1/list?limit=-1", 400, "1 to 1000" },
	{ "an_order_that_is_none", "/api/v1/list?order=newest", 400, "since (newest first)" },
	{ "an_order_of_several_states", "/api/v1/list?order=since&state=all", 400, "one state" },
	{ "suspects_by_their_end", "/api/v1/list?order=ends&state=suspect", 400, "listed" },
	{ "allowed_ones_by_their_score", "/api/v1/list?order=score&state=allowed", 400, "listed or suspect" },
	{ "a_search_by_score", "/api/v1/senders?query=listed&order=score", 400, "since (newest first)" },
	{ "an_after_that_is_no_score", "/api/v1/list?order=score&after=192.0.2.1", 400, "after" },
	{ "an_after_of_another_order", "/api/v1/list?order=since&after=192.0.2.1", 400, "after" },
	{ "an_after_that_is_no_prefix", "/api/v1/list?after=%27%20OR%201=1", 400, "after" },
	{ "a_query_of_no_known_word", "/api/v1/senders?query=%27;DROP", 400, "one address or CIDR" },
	{ "a_network_with_host_bits", "/api/v1/senders?query=192.0.2.1/24", 400, "host bits" },
	{ "an_export_of_no_family", "/export/plain?family=5", 400, "expected 4 or 6" },
	{ "an_export_of_an_odd_grade", "/export/plain?grade=sure", 400, "expected syn" },
	{ "an_export_of_nobody", "/export/plain?limit=0", 400, "1 to 1000000" },
	{ "changes_since_nothing", "/export/changes", 400, "GENERATION:SERIAL" },
	{ "changes_since_a_word", "/export/changes?since=yesterday", 400, "GENERATION:SERIAL" },
	{ "an_unknown_parameter", "/api/v1/list?satte=listed", 400, "did you mean state? /api/v1/list takes state (listed, held, " },
	{ "an_unknown_parameter_of_none", "/api/v1/about?limit=1", 400, "/api/v1/about takes none" },
	{ "a_path_that_is_nearly_one", "/api/v1/sendrs", 404, "did you mean /api/v1/senders?" },
	{ "a_path_of_another_version", "/api/v2/check/192.0.2.7", 404, "did you mean /api/v1/check/ADDRESS?" },
	{ "a_path_by_its_last_word", "/overview", 404, "did you mean /api/v1/overview?" },
	{ "a_path_with_a_slash_too_many", "/api/v1/list/", 404, "did you mean /api/v1/list?" },
	{ "a_format_that_is_nearly_one", "/export/nftable", 404, "did you mean nftables?" },
	{ "a_parameter_said_twice", "/api/v1/list?limit=1&limit=2", 400, "each name once" },
	{ "a_bad_escape", "/api/v1/list?state=%zz", 400, "%XX" },
	{ "half_an_escape", "/api/v1/list?state=%4", 400, "%XX" },
	{ "an_escaped_nul", "/api/v1/list?state=listed%00", 400, "%XX" },
	{ "a_series_backwards", "/api/v1/series?from=20&to=10", 400, "before" },
	{ "a_series_of_a_year", "/api/v1/series?from=1&to=31536000", 400, "93 days" },
	{ "climbing_out", "/../../etc/passwd", 404, "no such path" },
	{ "climbing_out_escaped", "/%2e%2e/%2e%2e/etc/passwd", 404, "no such path" },
	{ "climbing_out_of_exports", "/export/..%2f..%2fetc%2fpasswd", 404, "no such format" },
	{ "climbing_out_with_backslashes", "/..%5c..%5cetc", 404, "no such path" },
	{ "two_slashes", "//etc/passwd", 404, "no such path" },
	{ "an_asset_below_a_folder", "/page/../app.js", 404, "no such path" },
	{ "the_database_itself", "/mxtrap.db", 404, "no such path" },
	{ "a_path_in_absolute_form", "http://127.0.0.1/api/v1/list", 400, "expected /path" },
	{ "an_asterisk", "*", 400, "expected /path" },
};

static void
is_refused(void **state)
{
	const struct bad_row *row = *state;
	const struct response *a = get(row->path);

	assert_status(a, row->status);
	assert_string_equal(header(a, "Content-Type"), "application/problem+json");
	assert_has(a->body, row->says);
	assert_has(header(a, "Content-Security-Policy"), "default-src 'none'");
}

static const struct host_row {
	const char *name, *host;
	bool	    ours;
} host_rows[] = {
	{ "localhost_is_ours", "localhost", true },
	{ "localhost_with_a_port_is_ours", "localhost:%u", true },
	{ "localhost_in_capitals_is_ours", "LOCALHOST", true },
	{ "loopback_is_ours", "127.0.0.1", true },
	{ "loopback_ipv6_is_ours", "[::1]:%u", true },
	{ "a_configured_name_is_ours", "trap.example.org", true },
	{ "a_foreign_name", "evil.example", false },
	{ "a_foreign_name_with_our_port", "evil.example:%u", false },
	{ "a_name_that_begins_like_ours", "localhost.evil.example", false },
	{ "a_name_that_ends_like_ours", "evil-localhost", false },
	{ "a_trailing_dot", "localhost.", false },
	{ "a_trailing_dot_and_a_port", "localhost.:%u", false },
	{ "a_name_with_a_user", "evil@localhost", false },
	{ "an_address_is_no_name", "192.0.2.1", true },
	{ "an_address_with_a_port", "203.0.113.66:8725", true },
	{ "an_ipv6_address_is_no_name", "[2001:DB8::1]", true },
	{ "an_ipv6_address_with_a_port", "[2001:db8::1]:%u", true },
	{ "another_loopback", "127.0.0.2", true },
	{ "a_mapped_loopback", "[::ffff:127.0.0.1]", true },
	{ "loopback_ipv6_in_long", "[0:0:0:0:0:0:0:1]", true },
	{ "an_address_in_brackets", "[192.0.2.1]", false },
	{ "an_ipv6_address_with_a_zone", "[fe80::1%25lo]", false },
	{ "an_address_and_a_name", "192.0.2.1.evil.example", false },
	{ "an_address_with_a_final_dot", "192.0.2.1.", false },
	{ "an_address_with_a_length", "192.0.2.1/32", false },
	{ "nothing_in_brackets", "[]", false },
	{ "behind_the_brackets", "[::1]evil.example", false },
	{ "loopback_in_decimal", "2130706433", false },
	{ "loopback_in_hex", "0x7f000001", false },
	{ "loopback_in_octal", "0177.0.0.1", false },
	{ "loopback_in_short", "127.1", false },
	{ "any_address", "0.0.0.0", false },
	{ "any_address_ipv6", "[::]", false },
	{ "loopback_ipv6_without_brackets", "::1", false },
	{ "an_open_bracket", "[::1", false },
	{ "a_port_of_letters", "localhost:http", false },
	{ "a_port_too_large", "localhost:65536", false },
	{ "an_empty_port", "localhost:", false },
	{ "an_empty_name", "", false },
	{ "a_space_within", "local host", false },
	{ "a_comma_list", "localhost, evil.example", false },
	{ "a_wildcard", "*", false },
	{ "a_name_in_other_letters", "loc\xc3\xa0lhost", false },
};

static void
host_is_judged(void **state)
{
	const struct host_row *row = *state;
	char host[128], request[512];
	const struct response *a;
	int n;

	(void)snprintf(host, sizeof(host), "%s", row->host);
	if (strstr(row->host, "%u") != NULL)
		(void)snprintf(host + strlen(host) - 2, 8, "%u", t.port);
	n = snprintf(request, sizeof(request),
	    "GET /api/v1/status HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
	a = exchange(request, (size_t)n);
	if (row->ours) {
		assert_int_not_equal(a->status, 421);
		assert_int_not_equal(a->status, 400);
	} else if (a->status != 421 && a->status != 400) {
		fail_msg("Host \"%s\" was answered with %d", host, a->status);
	}
	/* It has nothing to hide, and whoever watches us asks by any name. */
	n = snprintf(request, sizeof(request),
	    "GET /healthz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
	assert_status(exchange(request, (size_t)n), 200);
}

static void
two_hosts_are_refused(void **state)
{
	static const char request[] =
	    "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n";

	(void)state;
	assert_in_range(exchange(request, sizeof(request) - 1)->status, 400, 421);
}

/* Every browser sends it, so no page elsewhere can leave it out. */
static void
no_host_is_for_http_1_0_alone(void **state)
{
	static const struct { const char *path, *version; bool answered; } rows[] = {
		{ "/", "1.0", true }, { "/api/v1/status", "1.0", true }, { "/healthz", "1.0", true }, { "/healthz", "1.1", true },
		{ "/", "1.1", false }, { "/api/v1/status", "1.1", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char request[128];
		int n = snprintf(request, sizeof(request), "GET %s HTTP/%s\r\nConnection: close\r\n\r\n", rows[i].path, rows[i].version);
		const struct response *a = exchange(request, (size_t)n);
		int status = 0;

		(void)sscanf(a->text, "HTTP/1.%*c %d", &status);
		assert_int_equal(status, rows[i].answered ? 200 : 421);
	}
}

static void
a_body_is_refused(void **state)
{
	(void)state;
	assert_status(ask("POST", "/api/v1/list", "Content-Length: 1000000000\r\n"), 413);
	assert_status(ask("GET", "/api/v1/list", "Transfer-Encoding: chunked\r\n"), 413);
	assert_status(ask("GET", "/api/v1/list", "Content-Length: 0\r\n"), 200);
}

static void
an_address_too_long_is_refused(void **state)
{
	char path[REQUEST_URI_MAX + 64];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_status(get(path), 414);
}

static void
headers_beyond_the_bound_are_refused(void **state)
{
	static char request[65536];
	size_t n = (size_t)snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: localhost\r\nX: ");

	(void)state;
	memset(request + n, 'x', sizeof(request) - n);
	assert_in_range(exchange(request, sizeof(request))->status, 400, 500);
}

static void
what_came_from_outside_is_escaped(void **state)
{
	const struct response *a =
	    get("/api/v1/check/%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%5C");

	(void)state;
	assert_status(a, 400);
	assert_null(strchr(a->body, '<'));
	assert_has(a->body, "script");
	assert_string_equal(header(a, "X-Content-Type-Options"), "nosniff");
}

/* -- what can be asked without a socket -- */

static void
a_deadline_is_absolute(void **state)
{
	struct connections c;
	struct connection *conn;
	int pair[2];
	char byte;

	(void)state;
	assert_true(connections_init(&c, CONNECTION_MAX));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	conn = connection_open(&c, pair[0], 0, 1000);
	assert_int_equal(connections_sweep(&c, 1000 + DEADLINE_REQUEST_MS - 1), 0);
	assert_int_equal(recv(pair[1], &byte, 1, 0), -1);
	assert_int_equal(connections_sweep(&c, 1000 + DEADLINE_REQUEST_MS), 1);
	assert_int_equal(recv(pair[1], &byte, 1, 0), 0);
	/* Once is enough. */
	assert_int_equal(connections_sweep(&c, 1000 + 10 * DEADLINE_REQUEST_MS), 0);
	connection_close(&c, conn);
	connections_clear(&c);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
a_large_reply_has_longer(void **state)
{
	struct connections c;
	struct connection *conn;
	int fd = dup(0);

	(void)state;
	assert_true(connections_init(&c, CONNECTION_MAX));
	conn = connection_open(&c, fd, 0, 0);
	connection_phase(&c, conn, CONNECTION_REPLY, 16384 * 100, 0);
	assert_int_equal(connections_sweep(&c, DEADLINE_REPLY_MS + 99999), 0);
	assert_int_equal(connections_sweep(&c, DEADLINE_REPLY_MS + 100000), 1);
	connection_close(&c, conn);
	connections_clear(&c);
	(void)close(fd);
}

static void
etags_compare_weakly_and_as_a_list(void **state)
{
	(void)state;
	assert_true(etag_matches("\"a\"", "\"a\""));
	assert_true(etag_matches("W/\"a\"", "\"a\""));
	assert_true(etag_matches("\"b\", W/\"a\"", "W/\"a\""));
	assert_true(etag_matches("*", "\"a\""));
	assert_false(etag_matches("\"ab\"", "\"a\""));
	assert_false(etag_matches("a", "\"a\""));
	assert_false(etag_matches("", "\"a\""));
	assert_false(etag_matches("\"a", "\"a\""));
	assert_false(etag_matches("*", ""));
}

static void
a_slow_client_was_cut_off(void **state)
{
	(void)state;
	(void)pthread_join(slow_thread, NULL);
	assert_in_range(slow_ms, DEADLINE_REQUEST_MS - 1000, DEADLINE_REQUEST_MS + 60000);
}

static void *
start_slow_client(void)
{
	return pthread_create(&slow_thread, NULL, slow_client, NULL) == 0 ? &slow_thread : NULL;
}

static int
begin_slow(void **state)
{
	return begin_filled(state) == 0 && start_slow_client() != NULL ? 0 : -1;
}

int
main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++)
		add(bad_rows[i].name, is_refused, &bad_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(host_rows); i++)
		add(joined("host", host_rows[i].name), host_is_judged, &host_rows[i]);
	ADD(two_hosts_are_refused);
	ADD(no_host_is_for_http_1_0_alone);
	ADD(a_body_is_refused);
	ADD(an_address_too_long_is_refused);
	ADD(headers_beyond_the_bound_are_refused);
	ADD(what_came_from_outside_is_escaped);
	ADD(a_deadline_is_absolute);
	ADD(a_large_reply_has_longer);
	ADD(etags_compare_weakly_and_as_a_list);
	ADD(a_slow_client_was_cut_off);
	return _cmocka_run_group_tests("web_refusals", tests, n_tests, begin_slow, end);
}
