/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_web_consumer.c - tokens in every form, compressed exports, who fetched what, and CrowdSec's bouncers.
 */
#include "../support/web_harness.h"

#include <zlib.h>

#include "mxtrap/token.h"

static char all[TOKEN_TEXT_SIZE], plain_only[TOKEN_TEXT_SIZE], bouncer[TOKEN_TEXT_SIZE], second[TOKEN_TEXT_SIZE],
    third[TOKEN_TEXT_SIZE], ended[TOKEN_TEXT_SIZE];

static void
add_token(char text[static TOKEN_TEXT_SIZE], const char *name, const char *scope, uint32_t expires_s)
{
	uint8_t hash[TOKEN_HASH_SIZE];

	assert_true(token_make(text));
	token_hash(text, hash);
	assert_true(store_token(t.store, hash, name, scope, expires_s, "test"));
}

static int
begin_tokens(void **state)
{
	if (begin_filled(state) != 0)
		return -1;
	add_token(all, "all", TOKEN_SCOPE_EXPORT, 0);
	add_token(plain_only, "plain-only", "export:plain", 0);
	add_token(bouncer, "bouncer", TOKEN_SCOPE_LAPI, 0);
	add_token(second, "second", TOKEN_SCOPE_LAPI, 0);
	add_token(third, "third", TOKEN_SCOPE_LAPI, 0);
	add_token(ended, "ended", TOKEN_SCOPE_EXPORT, (uint32_t)time(NULL) - 1);
	(void)usleep(100000);		/* many look-ups share a read transaction, for 50 ms at most */
	return 0;
}

static const struct response *
with_path(const char *format, const char *token)
{
	char path[256];

	(void)snprintf(path, sizeof(path), format, token);
	return get(path);
}

static const struct response *
with_header(const char *path, const char *format, const char *token)
{
	char line[256];

	(void)snprintf(line, sizeof(line), format, token);
	return ask("GET", path, line);
}

/* -- tokens -- */

static void
whoever_reaches_it_may_export(void **state)
{
	(void)state;
	assert_status(get("/export/plain"), 200);
}

static void
a_token_in_the_path_gives_the_same(void **state)
{
	char tag[160];

	(void)state;
	(void)snprintf(tag, sizeof(tag), "%s", header(get("/export/plain"), "ETag"));
	assert_status(with_path("/x/%s/plain", all), 200);
	assert_string_equal(header(with_path("/x/%s/plain", all), "ETag"), tag);
	assert_status(with_path("/x/%s/nftables?family=4", all), 200);
	assert_status(with_path("/x/%s/sorted", all), 404);
}

static void
a_wrong_token_is_refused_where_none_is_needed(void **state)
{
	(void)state;
	assert_status(with_path("/x/%s/plain", "mxt_0000"), 403);
	assert_status(with_path("/x/%s/plain", ended), 403);
	assert_status(with_header("/export/plain", "Authorization: Bearer %s\r\n", "mxt_0000"), 401);
	assert_status(with_header("/export/plain", "Authorization: Digest %s\r\n", all), 401);
	assert_has(header(with_header("/export/plain", "Authorization: Bearer %s\r\n", "x"), "WWW-Authenticate"), "Basic");
	assert_status(with_path("/x/%s", all), 404);
	assert_status(with_path("/x//plain", all), 404);
	/* What is refused is not told back. */
	assert_null(strstr(with_path("/x/%s/plain", "mxt_0123")->body, "mxt_0123"));
}

static void
a_token_for_one_format_opens_no_other(void **state)
{
	(void)state;
	assert_status(with_path("/x/%s/plain", plain_only), 200);
	assert_status(with_path("/x/%s/nftables", plain_only), 403);
	assert_status(with_path("/x/%s/plain", bouncer), 403);
	assert_status(with_path("/x/%s/changes?since=0123456789abcdef:1", plain_only), 403);
	assert_status(with_path("/x/%s/changes?since=0123456789abcdef:1", all), 410);
}

static void
base64(const char *text, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(text), used = 0;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t b = (uint32_t)(unsigned char)text[i] << 16;

		b |= i + 1 < n ? (uint32_t)(unsigned char)text[i + 1] << 8 : 0;
		b |= i + 2 < n ? (uint32_t)(unsigned char)text[i + 2] : 0;
		for (size_t k = 0; k < 4; k++)
			out[used++] = i + k <= n ? digits[b >> (18 - 6 * k) & 63] : '=';
	}
	out[used] = '\0';
}

static void
headers_carry_a_token_in_each_form(void **state)
{
	char pair[128], coded[200];

	(void)state;
	assert_status(with_header("/export/plain", "Authorization: Bearer %s\r\n", all), 200);
	assert_status(with_header("/export/plain", "X-Api-Key: %s\r\n", all), 200);
	(void)snprintf(pair, sizeof(pair), "%s:", all);
	base64(pair, coded);
	assert_status(with_header("/export/plain", "Authorization: Basic %s\r\n", coded), 200);
	(void)snprintf(pair, sizeof(pair), "anybody:%s", all);
	base64(pair, coded);
	assert_status(with_header("/export/plain", "Authorization: Basic %s\r\n", coded), 200);
	base64("anybody:mxt_00", coded);
	assert_status(with_header("/export/plain", "Authorization: Basic %s\r\n", coded), 401);
	assert_status(with_header("/export/plain", "Authorization: Basic %s\r\n", "!!"), 401);
}

static void
a_revoked_token_opens_nothing(void **state)
{
	char gone[TOKEN_TEXT_SIZE];
	int64_t until;

	(void)state;
	add_token(gone, "gone", TOKEN_SCOPE_EXPORT, 0);
	until = now_ms() + 60000;
	while (with_path("/x/%s/plain", gone)->status != 200 && now_ms() < until)
		;
	assert_true(store_token_gone(t.store, "gone", "test"));
	until = now_ms() + 60000;
	while (with_path("/x/%s/plain", gone)->status == 200 && now_ms() < until)
		;
	assert_status(with_path("/x/%s/plain", gone), 403);
	assert_false(store_token_gone(t.store, "gone", "test"));
}

static void
two_tokens_of_one_name_are_refused(void **state)
{
	uint8_t hash[TOKEN_HASH_SIZE] = { 1 };

	(void)state;
	assert_false(store_token(t.store, hash, "all", TOKEN_SCOPE_EXPORT, 0, "test"));
	assert_status(with_path("/x/%s/plain", all), 200);
}

/* -- compression -- */

static void
gzip_gives_the_same_document(void **state)
{
	static char plain[1 << 20], unpacked[1 << 20];
	const struct response *a = get("/export/ndjson");
	size_t size = a->body_size;
	z_stream z = { .next_out = (unsigned char *)unpacked, .avail_out = sizeof(unpacked) };
	char tag[160];

	(void)state;
	memcpy(plain, a->body, size);
	(void)snprintf(tag, sizeof(tag), "%s", header(a, "ETag"));
	assert_string_equal(header(a, "Vary"), "Accept-Encoding");
	assert_null(header(a, "Content-Encoding"));
	a = ask("GET", "/export/ndjson", "Accept-Encoding: br, gzip;q=0.5\r\n");
	assert_string_equal(header(a, "Content-Encoding"), "gzip");
	assert_string_not_equal(header(a, "ETag"), tag);
	assert_true(a->body_size < size / 2);
	z.next_in = (unsigned char *)a->body;
	z.avail_in = (uInt)a->body_size;
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, size);
	assert_memory_equal(unpacked, plain, size);
	(void)inflateEnd(&z);
}

static void
only_who_takes_gzip_gets_it(void **state)
{
	static const char *const no[] = { "Accept-Encoding: identity\r\n", "Accept-Encoding: gzip;q=0\r\n",
		"Accept-Encoding: gzip;q=0.0, br\r\n", "Accept-Encoding: xgzip, gzipx\r\n", "Accept-Encoding:\r\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_null(header(ask("GET", "/export/ndjson", no[i]), "Content-Encoding"));
	assert_non_null(header(ask("HEAD", "/export/ndjson", "Accept-Encoding: deflate , gzip\r\n"), "Content-Encoding"));
	/* A small one gains nothing. */
	assert_null(header(ask("GET", "/export/plain?limit=1", "Accept-Encoding: gzip\r\n"), "Content-Encoding"));
}

static void
each_form_has_its_304(void **state)
{
	char lines[256];
	const struct response *a = ask("GET", "/export/plain", "Accept-Encoding: gzip\r\n");

	(void)state;
	(void)snprintf(lines, sizeof(lines), "Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", header(a, "ETag"));
	assert_status(ask("GET", "/export/plain", lines), 304);
	(void)snprintf(lines, sizeof(lines), "If-None-Match: %s\r\n", header(a, "ETag"));
	assert_status(ask("GET", "/export/plain", lines), 200);
}

/* The page is heavy; its files lie in the program compressed as well. */
static void
the_page_comes_compressed_to_who_takes_that(void **state)
{
	const struct response *a = get("/app.js");
	size_t size = a->body_size;
	char lines[256], tag[160];

	(void)state;
	assert_null(header(a, "Content-Encoding"));
	assert_string_equal(header(a, "Vary"), "Accept-Encoding");
	(void)snprintf(tag, sizeof(tag), "%s", header(a, "ETag"));
	a = ask("GET", "/app.js", "Accept-Encoding: gzip, deflate, br\r\n");
	assert_string_equal(header(a, "Content-Encoding"), "gzip");
	assert_string_equal(header(a, "Content-Type"), "text/javascript; charset=utf-8");
	assert_string_not_equal(header(a, "ETag"), tag);
	assert_true(a->body_size > 1000 && a->body_size < size / 2);
	(void)snprintf(lines, sizeof(lines), "Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", header(a, "ETag"));
	assert_status(ask("GET", "/app.js", lines), 304);
	(void)snprintf(lines, sizeof(lines), "If-None-Match: %s\r\n", header(ask("GET", "/", "Accept-Encoding: gzip\r\n"), "ETag"));
	assert_status(ask("GET", "/", lines), 200);
}

/* -- who fetched what -- */

static void
who_fetched_what_is_shown(void **state)
{
	const struct response *a;

	(void)state;
	assert_status(with_header("/x/T/plain", "", ""), 403);
	assert_status(with_path("/x/%s/postfix-cidr?family=4", all), 200);
	assert_status(ask("GET", "/export/csv", "User-Agent: reader/1 <b>\"\r\n"), 200);
	a = get("/api/v1/consumers");
	assert_status(a, 200);
	assert_has(a->body, "\"who\":\"all\",\"what\":\"postfix-cidr?family=4\"");
	assert_has(a->body, "\"who\":\"127.0.0.1\",\"what\":\"csv\",\"agent\":\"reader/1 ");
	assert_has(a->body, "\"behind\":0");
	assert_has(a->body, "{\"name\":\"bouncer\",\"scope\":\"lapi\"");
	assert_null(strstr(a->body, "mxt_"));
	assert_null(strstr(a->body, "<b>"));
}

static void
watch_is_told_of_it(void **state)
{
	struct message_fetched m;
	struct pollfd p = { .fd = t.bell_fd, .events = POLLIN };
	bool found = false;

	(void)state;
	assert_status(with_path("/x/%s/rspamd", all), 200);
	while (!found && poll(&p, 1, 100000) == 1)
		found = message_receive(t.bell_fd, &m, sizeof(m)) == (int)sizeof(m) && m.head.kind == MESSAGE_FETCHED &&
		    strcmp(m.who, "all") == 0 && strcmp(m.what, "rspamd") == 0 && m.serial != 0 && m.n == 1;
	assert_true(found);
}

/* -- CrowdSec -- */

static const struct response *
stream_as(const char *agent, const char *key, const char *query)
{
	char path[128], line[256];

	(void)usleep(60000);		/* many look-ups share a read transaction, for 50 ms at most */
	(void)snprintf(path, sizeof(path), "/v1/decisions/stream%s", query);
	(void)snprintf(line, sizeof(line), "X-Api-Key: %s\r\nUser-Agent: %s\r\n", key, agent);
	return ask("GET", path, line);
}

static const struct response *
stream(const char *key, const char *query)
{
	return stream_as("bouncer/1", key, query);
}

static void
put_change(const char *address, uint8_t from, uint8_t to)
{
	struct sink sink = store_sink(t.store);
	uint32_t now = (uint32_t)time(NULL);
	struct change_row change = { .time_us = (int64_t)now * 1000000, .what = sender_prefix(sender_at(address)),
		.sender = sender_at(address), .score = 10, .since_s = now - 60,
		.expires_s = to == STATE_LISTED ? (now + 86400) / 60 * 60 : 0, .kinds = 1U << EVIDENCE_BACKUP_FIRST,
		.old_state = from, .new_state = to, .grade = GRADE_PROVEN, .cause = CAUSE_EVIDENCE, .term_days = 1 };

	sink.change(sink.ctx, &change);
	assert_true(store_sync(t.store));
}

/* Is it in this array of the answer?  The arrays come deleted first. */
static bool
in_array(const struct response *a, const char *array, const char *value)
{
	const char *deleted = strstr(a->body, "{\"deleted\":["), *added = strstr(a->body, "],\"new\":["), *at;
	char text[80];

	assert_non_null(deleted);
	assert_non_null(added);
	(void)snprintf(text, sizeof(text), "\"value\":\"%s\"", value);
	at = strcmp(array, "new") == 0 ? strstr(added, text) : strstr(deleted, text);
	return at != NULL && (strcmp(array, "new") == 0 || at < added);
}

static void
a_bouncer_needs_its_key(void **state)
{
	(void)state;
	assert_status(get("/v1/decisions/stream?startup=true"), 403);
	assert_status(stream("mxt_00", "?startup=true"), 403);
	assert_status(stream(all, "?startup=true"), 403);
	assert_status(stream(bouncer, "?startup=true"), 200);
	assert_status(get("/v1/decisions?ip=203.0.113.7"), 403);
}

static void
a_bouncer_that_begins_gets_the_whole_list(void **state)
{
	const struct response *a = stream(bouncer, "?startup=true");

	(void)state;
	assert_has(a->body, "\"origin\":\"mxtrap\",\"type\":\"ban\",\"scope\":\"Ip\",\"value\":\"203.0.113.7\","
	    "\"scenario\":\"mxtrap/backup_first\",\"duration\":\"");
	assert_true(in_array(a, "new", "203.0.113.149"));
	assert_false(in_array(a, "new", "2001:db8:1::/64"));	/* a suspect */
	assert_has(a->body, "{\"deleted\":[],");
}

static void
then_it_gets_what_changed(void **state)
{
	const struct response *a;

	(void)state;
	(void)stream(bouncer, "?startup=true");
	a = stream(bouncer, "?startup=false");
	assert_string_equal(a->body, "{\"deleted\":[],\"new\":[]}\n");
	put_change("203.0.113.240", STATE_UNKNOWN, STATE_LISTED);
	put_change("2001:db8:f0::1", STATE_UNKNOWN, STATE_LISTED);
	a = stream(bouncer, "");
	assert_true(in_array(a, "new", "203.0.113.240"));
	assert_has(a->body, "\"scope\":\"Range\",\"value\":\"2001:db8:f0::/64\"");
	assert_false(in_array(a, "new", "203.0.113.7"));
	put_change("203.0.113.240", STATE_LISTED, STATE_UNKNOWN);
	a = stream(bouncer, "");
	assert_true(in_array(a, "deleted", "203.0.113.240"));
	assert_false(in_array(a, "new", "203.0.113.240"));
}

static void
a_lost_answer_is_told_again(void **state)
{
	(void)state;
	(void)stream(bouncer, "?startup=true");
	(void)stream(bouncer, "");
	put_change("203.0.113.241", STATE_UNKNOWN, STATE_LISTED);
	assert_true(in_array(stream(bouncer, ""), "new", "203.0.113.241"));
	assert_true(in_array(stream(bouncer, ""), "new", "203.0.113.241"));
	assert_false(in_array(stream(bouncer, ""), "new", "203.0.113.241"));
}

static void
each_key_has_a_place_of_its_own(void **state)
{
	(void)state;
	(void)stream(bouncer, "?startup=true");
	(void)stream(second, "?startup=true");
	put_change("203.0.113.242", STATE_UNKNOWN, STATE_LISTED);
	assert_true(in_array(stream(bouncer, ""), "new", "203.0.113.242"));
	(void)stream(bouncer, "");
	assert_true(in_array(stream(second, ""), "new", "203.0.113.242"));
}

static void
so_has_each_program_that_shows_the_same_key(void **state)
{
	(void)state;
	put_change("203.0.113.244", STATE_UNKNOWN, STATE_LISTED);
	(void)stream_as("crowdsec-nginx-bouncer/v1", second, "?startup=true");
	(void)stream_as("crowdsec-firewall-bouncer/v1", second, "?startup=true");
	put_change("203.0.113.244", STATE_LISTED, STATE_UNKNOWN);
	for (int i = 0; i < 3; i++)
		(void)stream_as("crowdsec-firewall-bouncer/v1", second, "");
	assert_true(in_array(stream_as("crowdsec-nginx-bouncer/v1", second, ""), "deleted", "203.0.113.244"));
}

static void
ask_here(struct web *web, const char *uri, char *text, size_t size)
{
	static struct request req;
	struct reply reply;
	ssize_t n = 0;

	assert_int_equal(request_parse(&req, uri), REQUEST_OK);
	(void)snprintf(req.api_key, sizeof(req.api_key), "%s", third);
	(void)snprintf(req.client, sizeof(req.client), "192.0.2.200");
	req.now_s = (int64_t)time(NULL);
	reply_init(&reply);
	handle_decisions_stream(web, &req, &reply);
	assert_int_equal(reply.status, 200);
	if (reply.kind == BODY_FD)
		n = pread(reply.fd, text, size - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	reply_clear(&reply);
}

/* A list that costs much to write out is handed out for a while; what left it since then is let go all the same. */
static void
who_begins_with_an_older_list_is_told_what_left_it(void **state)
{
	struct web *web = calloc(1, sizeof(*web));
	static char text[1 << 20];

	(void)state;
	assert_non_null(web);
	assert_true(web_init(web, &t.config));
	put_change("203.0.113.245", STATE_UNKNOWN, STATE_LISTED);
	(void)usleep(60000);
	web_look(web);
	ask_here(web, "/v1/decisions/stream?startup=true", text, sizeof(text));
	assert_has(text, "203.0.113.245");
	for (size_t i = 0; i < EXPORT_SLOTS; i++)
		web->exports.slots[i].cost_ms = 60000;
	put_change("203.0.113.245", STATE_LISTED, STATE_UNKNOWN);
	(void)usleep(60000);
	ask_here(web, "/v1/decisions/stream?startup=true", text, sizeof(text));
	ask_here(web, "/v1/decisions/stream", text, sizeof(text));
	assert_has(text, "203.0.113.245");
	assert_true(strstr(text, "203.0.113.245") < strstr(text, "],\"new\""));
	web_clear(web);
	free(web);
}

static void
whose_place_nobody_knows_lets_go_all_that_ever_left(void **state)
{
	const struct response *a;

	(void)state;
	put_change("203.0.113.243", STATE_UNKNOWN, STATE_LISTED);
	put_change("203.0.113.243", STATE_LISTED, STATE_UNKNOWN);
	a = stream(third, "");
	assert_true(in_array(a, "deleted", "203.0.113.243"));
	assert_false(in_array(a, "deleted", "203.0.113.7"));
	assert_true(in_array(a, "new", "203.0.113.7"));
	assert_string_equal(stream(third, "")->body, "{\"deleted\":[],\"new\":[]}\n");
}

static void
a_bouncer_that_asks_for_others_gets_nothing(void **state)
{
	(void)state;
	assert_string_equal(stream(bouncer, "?startup=true&origins=cscli,CAPI")->body, "{\"deleted\":[],\"new\":[]}");
	assert_true(in_array(stream(bouncer, "?startup=true&origins=mxtrap&scopes=ip%2Crange"), "new", "203.0.113.7"));
	assert_status(stream(bouncer, "?startup=true&scopes=country"), 400);
	assert_status(stream(bouncer, "?startup=true&scenarios_containing=ssh"), 400);
}

static void
a_live_bouncer_asks_for_one_address(void **state)
{
	const struct response *a = with_header("/v1/decisions?ip=203.0.113.7", "X-Api-Key: %s\r\n", bouncer);

	(void)state;
	assert_status(a, 200);
	assert_has(a->body, "[{\"id\":");
	assert_has(a->body, "\"value\":\"203.0.113.7\"");
	assert_string_equal(with_header("/v1/decisions?ip=192.0.2.1", "X-Api-Key: %s\r\n", bouncer)->body, "null");
	assert_string_equal(with_header("/v1/decisions?ip=2001:db8:1::1", "X-Api-Key: %s\r\n", bouncer)->body, "null");
	assert_has(with_header("/v1/decisions?scope=ip&value=203.0.113.7", "X-Api-Key: %s\r\n", bouncer)->body, "203.0.113.7");
	assert_status(with_header("/v1/decisions?ip=x", "X-Api-Key: %s\r\n", bouncer), 400);
}

static void
usage_metrics_are_taken(void **state)
{
	static const struct { size_t told, sent; int status; } rows[] = { { 0, 0, 201 }, { 20000, 20000, 201 },
		{ DISCARD_MAX, DISCARD_MAX, 201 }, { DISCARD_MAX + 1, 0, 413 } };
	static char request[70000];
	int n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		n = snprintf(request, sizeof(request), "POST /v1/usage-metrics HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n"
		    "X-Api-Key: %s\r\nContent-Length: %zu\r\n\r\n", t.port, bouncer, rows[i].told);
		memset(request + n, ' ', rows[i].sent);
		assert_status(exchange(request, (size_t)n + rows[i].sent), rows[i].status);
	}
	n = snprintf(request, sizeof(request), "POST /v1/usage-metrics HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n"
	    "Content-Length: 2\r\n\r\n{}", t.port);
	assert_status(exchange(request, (size_t)n), 403);
}

/* The last: time stands still for watch, and nothing is claimed any more. */
static void
a_list_that_is_stale_lets_all_go(void **state)
{
	const struct response *a;
	char then[24];

	(void)state;
	(void)stream(bouncer, "?startup=true");
	(void)snprintf(then, sizeof(then), "%lld", (long long)time(NULL) - 601);
	store_status(t.store, "clock", then);
	assert_true(store_sync(t.store));
	a = stream(bouncer, "");
	assert_true(in_array(a, "deleted", "203.0.113.7"));
	assert_true(in_array(a, "deleted", "203.0.113.243"));
	assert_false(in_array(a, "new", "203.0.113.7"));
	assert_string_equal(stream(bouncer, "")->body, "{\"deleted\":[],\"new\":[]}");
	assert_string_equal(stream(bouncer, "?startup=true")->body, "{\"deleted\":[],\"new\":[]}");
	(void)snprintf(then, sizeof(then), "%lld", (long long)time(NULL));
	store_status(t.store, "clock", then);
	assert_true(store_sync(t.store));
	assert_true(in_array(stream(bouncer, ""), "new", "203.0.113.7"));
}

int
main(void)
{
	ADD(whoever_reaches_it_may_export);
	ADD(a_token_in_the_path_gives_the_same);
	ADD(a_wrong_token_is_refused_where_none_is_needed);
	ADD(a_token_for_one_format_opens_no_other);
	ADD(headers_carry_a_token_in_each_form);
	ADD(a_revoked_token_opens_nothing);
	ADD(two_tokens_of_one_name_are_refused);
	ADD(gzip_gives_the_same_document);
	ADD(only_who_takes_gzip_gets_it);
	ADD(each_form_has_its_304);
	ADD(the_page_comes_compressed_to_who_takes_that);
	ADD(who_fetched_what_is_shown);
	ADD(watch_is_told_of_it);
	ADD(a_bouncer_needs_its_key);
	ADD(a_bouncer_that_begins_gets_the_whole_list);
	ADD(then_it_gets_what_changed);
	ADD(a_lost_answer_is_told_again);
	ADD(each_key_has_a_place_of_its_own);
	ADD(so_has_each_program_that_shows_the_same_key);
	ADD(whose_place_nobody_knows_lets_go_all_that_ever_left);
	ADD(a_bouncer_that_asks_for_others_gets_nothing);
	ADD(a_live_bouncer_asks_for_one_address);
	ADD(usage_metrics_are_taken);
	ADD(who_begins_with_an_older_list_is_told_what_left_it);
	ADD(a_list_that_is_stale_lets_all_go);
	return _cmocka_run_group_tests("web: consumers", tests, n_tests, begin_tokens, end);
}
