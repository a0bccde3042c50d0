/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_web_admin.c - POST /api/v1/allow and /api/v1/forget: who may, what is taken, what comes of it.
 *
 * A real web process, and watch's own control at the other end of the socket, in a thread.
 */
#include "../support/web_watched.h"

#include "mxtrap/report.h"

/* -- who may -- */

#define GOOD "{\"cidr\":\"203.0.113.7\"}"

struct who_row {
	const char *name;
	const char *headers;		/* NULL: the right ones; "%T": the token */
	int	    status;
	const char *says;
};

static const struct who_row who_rows[] = {
	{ "with_the_token_it_is_done", NULL, 200, "allowed" },
	{ "the_scheme_is_told_in_any_case", "Authorization: bearer %T\r\nContent-Type: application/json\r\n", 200, "" },
	{ "json_may_name_its_charset", "Authorization: Bearer %T\r\nContent-Type: application/json; charset=utf-8\r\n", 200, "" },
	{ "a_page_of_ours_may", "Authorization: Bearer %T\r\nContent-Type: application/json\r\nOrigin: http://127.0.0.1:%P\r\n"
	    "Sec-Fetch-Site: same-origin\r\n", 200, "" },
	{ "without_a_token_nobody_may", "Content-Type: application/json\r\n", 401, "Authorization" },
	{ "an_empty_token_opens_nothing", "Authorization: Bearer \r\nContent-Type: application/json\r\n", 401, "" },
	{ "a_wrong_token_opens_nothing", "Authorization: Bearer mxt_0000\r\nContent-Type: application/json\r\n", 401, "" },
	{ "half_a_token_opens_nothing", "Authorization: Bearer %H\r\nContent-Type: application/json\r\n", 401, "" },
	{ "a_token_and_more_opens_nothing", "Authorization: Bearer %Tx\r\nContent-Type: application/json\r\n", 401, "" },
	{ "basic_auth_opens_nothing", "Authorization: Basic %T\r\nContent-Type: application/json\r\n", 401, "" },
	{ "a_cookie_opens_nothing", "Cookie: token=%T\r\nContent-Type: application/json\r\n", 401, "" },
	{ "a_token_for_something_else_is_refused", "Authorization: Bearer %O\r\nContent-Type: application/json\r\n", 403, "may not" },
	{ "two_tokens_are_refused", "Authorization: Bearer %T\r\nAuthorization: Bearer x\r\nContent-Type: application/json\r\n",
	    400, "twice" },
	{ "a_page_behind_a_proxy_that_changes_host_may", "Authorization: Bearer %T\r\nContent-Type: application/json\r\n"
	    "Origin: http://localhost:8080\r\nSec-Fetch-Site: same-origin\r\n", 200, "" },
	{ "a_page_of_another_site_may_not", "Authorization: Bearer %T\r\nContent-Type: application/json\r\n"
	    "Origin: http://evil.example\r\n", 403, "another site" },
	{ "a_page_of_another_port_may_not", "Authorization: Bearer %T\r\nContent-Type: application/json\r\n"
	    "Origin: http://127.0.0.1:1\r\n", 403, "another site" },
	{ "a_page_of_nowhere_may_not", "Authorization: Bearer %T\r\nContent-Type: application/json\r\nOrigin: null\r\n", 403, "" },
	{ "a_browser_that_says_cross_site_may_not", "Authorization: Bearer %T\r\nContent-Type: application/json\r\n"
	    "Sec-Fetch-Site: cross-site\r\n", 403, "" },
	{ "a_browser_that_says_same_site_may_not", "Authorization: Bearer %T\r\nContent-Type: application/json\r\n"
	    "Sec-Fetch-Site: same-site\r\n", 403, "" },
	{ "a_form_is_refused", "Authorization: Bearer %T\r\nContent-Type: application/x-www-form-urlencoded\r\n", 415, "" },
	{ "text_is_refused", "Authorization: Bearer %T\r\nContent-Type: text/plain\r\n", 415, "" },
	{ "no_type_is_refused", "Authorization: Bearer %T\r\n", 415, "" },
	{ "a_type_that_begins_alike_is_refused", "Authorization: Bearer %T\r\nContent-Type: application/jsonp\r\n", 415, "" },
};

static void
spell(char *out, size_t size, const char *form)
{
	size_t n = 0;

	for (; *form != '\0' && n + 1 < size; form++) {
		if (*form != '%') {
			out[n++] = *form;
			continue;
		}
		form++;
		n += (size_t)(*form == 'P' ? snprintf(out + n, size - n, "%u", t.port) :
		    snprintf(out + n, size - n, "%.*s", *form == 'H' ? 30 : 100, *form == 'O' ? other : token));
	}
	out[n] = '\0';
}

static void
who_may(void **state)
{
	const struct who_row *row = *state;
	unsigned before = n_applied;
	const struct response *a;
	char headers[1024];

	spell(headers, sizeof(headers), row->headers != NULL ? row->headers :
	    "Authorization: Bearer %T\r\nContent-Type: application/json\r\n");
	a = post("/api/v1/allow", headers, GOOD);
	assert_status(a, row->status);
	assert_has(a->body, row->says);
	assert_int_equal(n_applied - before, row->status == 200);
	assert_null(header(a, "Set-Cookie"));
	assert_null(header(a, "Access-Control-Allow-Origin"));
	if (row->status == 401)
		assert_has(header(a, "WWW-Authenticate"), "Bearer");
	if (row->status != 200)
		assert_has(header(a, "Content-Type"), "application/problem+json");
}

/* -- what is taken -- */

struct body_row {
	const char *name, *path, *body;
	int	    status;
	const char *says;
};

#define A "/api/v1/allow"
#define F "/api/v1/forget"
#define L "/api/v1/list"
static const struct body_row body_rows[] = {
	{ "a_network_is_allowed", A, "{\"cidr\": \"192.0.2.0/24\", \"note\": \"partner\"}", 200, "\"cidr\":\"192.0.2.0/24\"" },
	{ "an_ipv6_network_is_allowed", A, "{\"cidr\":\"2001:db8::/48\"}", 200, "2001:db8::/48" },
	{ "spaces_and_lines_are_no_matter", A, " {\r\n\t\"cidr\" : \"192.0.2.1\" ,\n\"for\":\"12h\"}\n ", 200, "\"done\":\"allowed\",\"expires\":" },
	{ "withdrawing_is_allow_with_remove", A, "{\"cidr\":\"192.0.2.0/24\",\"remove\":true}", 200, "withdrawn" },
	{ "remove_may_be_false", A, "{\"cidr\":\"192.0.2.0/24\",\"remove\":false}", 200, "\"done\":\"allowed\"" },
	{ "a_wide_network_is_allowed_with_force_alone", A, "{\"cidr\":\"0.0.0.0/0\"}", 409, "this ends 3 listings" },
	{ "with_force_it_is_allowed", A, "{\"cidr\":\"0.0.0.0/0\",\"force\":true}", 200, "\"ended\":0,\"back\":0" },
	{ "a_list_by_hand_knows_no_force", L, "{\"cidr\":\"203.0.113.10\",\"force\":true}", 400, "force" },
	{ "forgetting_needs_an_address_only", F, "{\"cidr\":\"203.0.113.9\"}", 200, "forgotten" },
	{ "escapes_are_read", A, "{\"cidr\":\"192.0.2\\u002e1\",\"note\":\"a\\n\\\"b\\\" \\u00e9 \\ud83d\\ude00\"}", 200, "" },
	{ "what_is_forgotten_is_gone_for_good", F, "{\"cidr\":\"203.0.113.9\"}", 200, "\"undo\":null,\"final\":true" },
	{ "an_address_is_listed_by_hand", L, "{\"cidr\":\"203.0.113.10\",\"for\":\"2h\",\"note\":\"a flood\"}", 200, "\"done\":\"listed\"" },
	{ "a_64_is_listed_by_hand", L, "{\"cidr\":\"2001:db8:7::/64\"}", 200, "2001:db8:7::/64" },
	{ "a_listing_by_hand_is_taken_away", L, "{\"cidr\":\"203.0.113.10\",\"remove\":true}", 200, "withdrawn" },
	{ "no_network_is_listed_by_hand", L, "{\"cidr\":\"203.0.113.0/24\"}", 400, "one address" },
	{ "no_wide_ipv6_network_is_listed_by_hand", L, "{\"cidr\":\"2001:db8::/48\"}", 400, "one address" },
	{ "no_narrow_ipv6_network_is_listed_by_hand", L, "{\"cidr\":\"2001:db8::/96\"}", 400, "one address" },
	{ "a_listing_by_hand_ends_within_30_days", L, "{\"cidr\":\"203.0.113.10\",\"for\":\"31d\"}", 400, "30d at most" },
	{ "what_is_never_listed_is_refused_with_the_reason", L, "{\"cidr\":\"192.0.2.99\"}", 409, "it is allowed" },
	{ "an_end_in_the_past_is_refused", L, "{\"cidr\":\"203.0.113.10\",\"until\":\"1764000000\"}", 400, "to come" },
	{ "an_end_that_is_no_number_is_refused", L, "{\"cidr\":\"203.0.113.10\",\"until\":\"tomorrow\"}", 400, "Unix seconds" },
	{ "no_body_is_refused", A, "", 400, "one JSON object" },
	{ "an_empty_object_is_refused", A, "{}", 400, "cidr" },
	{ "a_list_is_refused", A, "[]", 400, "one JSON object" },
	{ "two_objects_are_refused", A, GOOD GOOD, 400, "one JSON object" },
	{ "half_an_object_is_refused", A, "{\"cidr\":\"192.0.2.1\"", 400, "one JSON object" },
	{ "a_comma_at_the_end_is_refused", A, "{\"cidr\":\"192.0.2.1\",}", 400, "one JSON object" },
	{ "a_member_twice_is_refused", A, "{\"cidr\":\"192.0.2.1\",\"cidr\":\"192.0.2.2\"}", 400, "twice" },
	{ "an_unknown_member_is_refused", A, "{\"cidr\":\"192.0.2.1\",\"term\":\"30d\"}", 400, "not known: term" },
	{ "forget_knows_no_time", F, "{\"cidr\":\"192.0.2.1\",\"for\":\"30d\"}", 400, "not known: for" },
	{ "a_number_for_a_string_is_refused", A, "{\"cidr\":1}", 400, "cidr: expected a string" },
	{ "a_string_for_a_truth_is_refused", A, "{\"cidr\":\"192.0.2.1\",\"remove\":\"true\"}", 400, "true or false" },
	{ "a_null_is_refused", A, "{\"cidr\":null}", 400, "cidr: expected a string" },
	{ "host_bits_are_refused", A, "{\"cidr\":\"192.0.2.1/24\"}", 400, "host bits" },
	{ "a_name_is_refused", A, "{\"cidr\":\"mail.example.org\"}", 400, "expected an address" },
	{ "a_nul_is_refused", A, "{\"cidr\":\"192.0.2.1\\u0000\"}", 400, "cidr" },
	{ "half_a_surrogate_is_refused", A, "{\"cidr\":\"192.0.2.1\",\"note\":\"\\ud83d\"}", 400, "note" },
	{ "a_bad_escape_is_refused", A, "{\"cidr\":\"192.0.2.1\",\"note\":\"\\x\"}", 400, "note" },
	{ "a_raw_control_byte_is_refused", A, "{\"cidr\":\"192.0.2.1\",\"note\":\"a\x01\"}", 400, "note" },
	{ "a_time_without_a_unit_is_refused", A, "{\"cidr\":\"192.0.2.1\",\"for\":\"30\"}", 400, "for:" },
	{ "an_empty_time_is_refused", A, "{\"cidr\":\"192.0.2.1\",\"for\":\"\"}", 400, "for:" },
	{ "an_end_after_the_year_2106_is_refused", A, "{\"cidr\":\"192.0.2.1\",\"for\":\"36500d\"}", 400, "18250d at most" },
	{ "a_time_that_overflows_is_refused", A, "{\"cidr\":\"192.0.2.1\",\"for\":\"99999999999d\"}", 400, "for:" },
	{ "a_time_and_its_end_are_refused", A, "{\"cidr\":\"192.0.2.1\",\"for\":\"1d\",\"remove\":true}", 400, "one of them" },
	{ "a_parameter_is_refused", A "?cidr=192.0.2.1", "{}", 400, "in the body" },
};

static void
what_is_taken(void **state)
{
	const struct body_row *row = *state;
	unsigned before = n_applied;
	const struct response *a = post(row->path, with_token(token, ""), row->body);

	assert_status(a, row->status);
	assert_has(a->body, row->says);
	assert_int_equal(n_applied - before, row->status == 200);
}

static void
a_note_that_is_too_long_is_refused(void **state)
{
	char body[1024], note[300];

	(void)state;
	memset(note, 'n', sizeof(note));
	note[256] = '\0';
	(void)snprintf(body, sizeof(body), "{\"cidr\":\"192.0.2.1\",\"note\":\"%s\"}", note);
	assert_status(post(A, with_token(token, ""), body), 400);
	note[255] = '\0';
	(void)snprintf(body, sizeof(body), "{\"cidr\":\"192.0.2.1\",\"note\":\"%s\"}", note);
	assert_status(post(A, with_token(token, ""), body), 200);
	assert_string_equal(applied[n_applied - 1].note, note);
}

static void
a_body_is_bounded(void **state)
{
	static char body[REQUEST_BODY_MAX + 2];

	(void)state;
	memset(body, ' ', sizeof(body) - 1);
	assert_status(post(A, with_token(token, ""), body), 413);
	memcpy(body, GOOD, sizeof(GOOD) - 1);
	body[REQUEST_BODY_MAX] = '\0';
	assert_status(post(A, with_token(token, ""), body), 200);
	assert_status(ask("POST", A, "Transfer-Encoding: chunked\r\n"), 413);
	assert_status(ask("POST", A, "Content-Length: 99999999999999999999\r\n"), 413);
}

static void
only_post_changes_anything(void **state)
{
	static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		const struct response *a = ask(methods[i], A, with_token(token, ""));

		assert_status(a, 405);
		assert_string_equal(header(a, "Allow"), "POST");
	}
}

/* -- what comes of it -- */

static void
watch_is_told_what_was_asked_and_who_asked(void **state)
{
	const struct message_admin *m;
	struct prefix what;
	int64_t now = (int64_t)time(NULL);

	(void)state;
	assert_status(post(A, with_token(token, ""), "{\"cidr\":\"192.0.2.0/24\",\"for\":\"2h\",\"note\":\"ticket 4711\"}"), 200);
	m = &applied[n_applied - 1];
	assert_true(prefix_parse(&what, "192.0.2.0/24"));
	assert_memory_equal(m->addr, what.addr.b, 16);
	assert_int_equal(m->len, what.len);
	assert_int_equal(m->op, ADMIN_ALLOW);
	assert_in_range(m->expires_s, now + 7200, now + 7205);
	assert_string_equal(m->who, "api:admin");
	assert_string_equal(m->note, "ticket 4711");
	assert_status(post(F, with_token(token, ""), "{\"cidr\":\"192.0.2.0/24\"}"), 200);
	assert_int_equal(applied[n_applied - 1].op, ADMIN_FORGET);
	assert_status(post(A, with_token(token, ""), "{\"cidr\":\"192.0.2.0/24\",\"remove\":true}"), 200);
	assert_int_equal(applied[n_applied - 1].expires_s, STORE_ALLOW_REMOVE);
}

static void
what_is_held_is_accepted_over_http(void **state)
{
	const struct response *a;

	(void)state;
	a = post("/api/v1/publish", with_token(token, ""), "{\"note\":\"a botnet, looked at\"}");
	assert_status(a, 200);
	assert_has(a->body, "\"done\":\"published\"");
	assert_has(a->body, "\"undo\":null,\"final\":true");
	assert_int_equal(applied[n_applied - 1].op, ADMIN_PUBLISH);
	assert_string_equal(applied[n_applied - 1].who, "api:admin");
	assert_string_equal(applied[n_applied - 1].note, "a botnet, looked at");
	assert_status(post("/api/v1/publish", with_token(token, ""), "{}"), 200);
	assert_status(post("/api/v1/publish", with_token(other, ""), "{}"), 403);
	assert_status(post("/api/v1/publish", with_token(token, ""), "{\"cidr\":\"192.0.2.1\"}"), 400);
}

static bool
find_allow(void *ctx, const struct prefix *what, int64_t expires_s, const char *who, const char *note, int64_t added_s)
{
	const struct prefix *wanted = ctx;

	(void)expires_s, (void)added_s;
	if (!prefix_equal(what, wanted))
		return true;
	assert_string_equal(who, "api:admin");
	assert_string_equal(note, "'); DROP TABLE allow; --");
	return false;
}

static void
it_is_in_the_database_when_the_answer_comes(void **state)
{
	struct report *report;
	struct prefix what;

	(void)state;
	assert_true(prefix_parse(&what, "198.18.5.0/24"));
	assert_status(post(A, with_token(token, ""), "{\"cidr\":\"198.18.5.0/24\",\"note\":\"'); DROP TABLE allow; --\"}"), 200);
	assert_int_equal(report_open(&report, t.dir, &t.config.judge), REPORT_OK);
	assert_int_equal(report_allows(report, (int64_t)time(NULL), find_allow, &what), REPORT_OK);
	report_close(report);
}

static void
the_token_itself_is_nowhere_in_the_database(void **state)
{
	char command[256];

	(void)state;
	assert_true(store_sync(t.store));
	(void)snprintf(command, sizeof(command), "! grep -aq '%.40s' %s/mxtrap.db*", token, t.dir);
	assert_int_equal(system(command), 0);
	assert_true(store_has_token(t.store));
}

static void
what_was_refused_is_counted(void **state)
{
	const struct response *a = get("/metrics");

	(void)state;
	assert_has(a->body, "mxtrap_http_refused_tokens_total");
	assert_null(strstr(a->body, "mxtrap_http_refused_tokens_total 0\n"));
	assert_null(strstr(a->body, "mxtrap_http_refused_origins_total 0\n"));
	assert_null(strstr(a->body, "mxtrap_http_decisions_total 0\n"));
}

/* -- undo -- */

/* The body of an answer's undo, sent; "": there is none. */
static const char *
undo_of(const struct response *a, char path[static 64])
{
	static char body[512];
	const char *at = strstr(a->body, "\"undo\":{\"path\":\""), *end;

	body[0] = path[0] = '\0';
	if (at == NULL)
		return body;
	at += strlen("\"undo\":{\"path\":\"");
	end = strchr(at, '"');
	(void)snprintf(path, 64, "%.*s", (int)(end - at), at);
	at = strstr(end, "\"body\":") + strlen("\"body\":");
	end = strchr(at, '}');
	(void)snprintf(body, sizeof(body), "%.*s}", (int)(end - at), at);
	return body;
}

static void
an_undo_takes_back_what_was_new(void **state)
{
	char path[64], body[512];

	(void)state;
	(void)snprintf(body, sizeof(body), "%s", undo_of(post(A, with_token(token, ""), "{\"cidr\":\"198.18.6.1\"}"), path));
	assert_string_equal(path, A);
	assert_has(body, "{\"cidr\":\"198.18.6.1/32\",\"remove\":true,\"undoes\":\"");
	(void)snprintf(body, sizeof(body), "%s", undo_of(post(L, with_token(token, ""), "{\"cidr\":\"198.18.6.2\"}"), path));
	assert_string_equal(path, L);
	assert_has(body, "{\"cidr\":\"198.18.6.2/32\",\"remove\":true,\"undoes\":\"");
}

/* Allow, allow again, undo: as after the first. */
static void
an_undo_brings_back_the_earlier_end_and_note(void **state)
{
	const int64_t now = (int64_t)time(NULL);
	char path[64], body[512];
	const struct message_admin *m;

	(void)state;
	assert_status(post(A, with_token(token, ""), "{\"cidr\":\"198.18.6.3\",\"for\":\"2h\",\"note\":\"first <b>\"}"), 200);
	(void)snprintf(body, sizeof(body), "%s", undo_of(post(A, with_token(token, ""), "{\"cidr\":\"198.18.6.3\"}"), path));
	assert_status(post(path, with_token(token, ""), body), 200);
	m = &applied[n_applied - 1];
	assert_in_range(m->expires_s, now + 7200, now + 7205);
	assert_string_equal(m->note, "first <b>");
	/* And what is withdrawn comes back likewise. */
	(void)snprintf(body, sizeof(body), "%s",
	    undo_of(post(A, with_token(token, ""), "{\"cidr\":\"198.18.6.3\",\"remove\":true}"), path));
	assert_status(post(path, with_token(token, ""), body), 200);
	assert_in_range(applied[n_applied - 1].expires_s, now + 7200, now + 7205);
}

/* A double click, or a request that a proxy sent again. */
static void
an_undo_asked_for_twice_undoes_one_thing_once(void **state)
{
	char path[64], body[512];
	const struct response *a;
	unsigned before;

	(void)state;
	assert_status(post(A, with_token(token, ""), "{\"cidr\":\"198.18.6.9\",\"note\":\"first\"}"), 200);
	(void)snprintf(body, sizeof(body), "%s", undo_of(post(A, with_token(token, ""), "{\"cidr\":\"198.18.6.9\"}"), path));
	before = n_applied;
	assert_status(post(path, with_token(token, ""), body), 200);
	assert_int_equal(n_applied, before + 1);
	for (int i = 0; i < 2; i++) {
		a = post(path, with_token(token, ""), body);
		assert_status(a, 200);
		assert_has(a->body, "\"done\":\"unchanged\"");
		assert_has(a->body, "\"undo\":null");
	}
	assert_int_equal(n_applied, before + 1);
	/* Nor is another's decision met by it. */
	assert_has(post(A, with_token(token, ""), "{\"cidr\":\"198.18.6.8\",\"remove\":true,\"undoes\":\"1\"}")->body, "unchanged");
	assert_status(post(A, with_token(token, ""), "{\"cidr\":\"198.18.6.8\",\"undoes\":\"-1\"}"), 400);
	assert_int_equal(n_applied, before + 1);
}

static void
the_audit_tells_the_newest_first_and_what_undoes_it(void **state)
{
	const struct response *a;
	const char *first, *second;
	char next[32], target[96];

	(void)state;
	assert_status(post(L, with_token(token, ""), "{\"cidr\":\"198.18.6.4\",\"note\":\"</script>\"}"), 200);
	assert_status(post(L, with_token(token, ""), "{\"cidr\":\"198.18.6.4\",\"remove\":true}"), 200);
	a = get("/api/v1/audit?limit=2");
	assert_status(a, 200);
	assert_has(a->body, "\"generation\"");
	assert_null(strchr(a->body, '<'));
	first = strstr(a->body, "\"what\":\"unlist\"");
	second = strstr(a->body, "\"what\":\"list\"");
	assert_true(first != NULL && second != NULL && first < second);
	assert_has(first, "\"who\":\"api:admin\"");
	/* The newest can be undone, the one before it not: somebody decided since. */
	assert_has(first, "\"undo\":{\"path\":\"/api/v1/list\",\"body\":{\"cidr\":\"198.18.6.4/32\",\"until\":\"");
	assert_has(second, "\"undo\":null");
	assert_true(sscanf(strstr(second, "\"next\":\""), "\"next\":\"%31[0-9]", next) == 1);
	(void)snprintf(target, sizeof(target), "/api/v1/audit?limit=2&after=%s", next);
	a = get(target);
	assert_status(a, 200);
	assert_null(strstr(a->body, "198.18.6.4"));
	assert_status(get("/api/v1/audit?limit=0"), 400);
	assert_status(get("/api/v1/audit?after=x"), 400);
}

/* -- tokens -- */

#define T "/api/v1/tokens"

static void
a_token_made_over_http_opens_what_it_is_for_until_it_is_revoked(void **state)
{
	char made[TOKEN_TEXT_SIZE] = "", line[256];
	const struct response *a = post(T, with_token(token, ""), "{\"name\":\"desk\",\"scope\":\"admin\",\"for\":\"1d\"}");

	(void)state;
	assert_status(a, 200);
	assert_string_equal(header(a, "Cache-Control"), "no-store");
	assert_null(header(a, "ETag"));
	assert_has(a->body, "\"undo\":{\"path\":\"/api/v1/tokens/revoke\",\"body\":{\"name\":\"desk\"}}");
	assert_int_equal(sscanf(strstr(a->body, "\"token\":\"") + 9, "%68[a-z0-9_]", made), 1);
	assert_int_equal(strlen(made), TOKEN_TEXT_SIZE - 1);
	assert_status(post(A, with_token(made, ""), GOOD), 200);
	assert_string_equal(applied[n_applied - 1].who, "api:desk");
	assert_status(post(T, with_token(made, ""), "{\"name\":\"desk\"}"), 409);
	assert_status(post(T "/revoke", with_token(made, ""), "{\"name\":\"desk\"}"), 200);
	assert_status(post(A, with_token(made, ""), GOOD), 401);
	assert_status(post(T "/revoke", with_token(token, ""), "{\"name\":\"desk\"}"), 404);
	(void)snprintf(line, sizeof(line), "! grep -aq '%.40s' %s/mxtrap.db*", made, t.dir);
	assert_int_equal(system(line), 0);
}

static void
a_token_is_made_for_an_administrator_only(void **state)
{
	static const struct { const char *path, *body; int status; } rows[] = {
		{ T, "{\"name\":\"x y\"}", 400 }, { T, "{\"name\":\"\"}", 400 }, { T, "{\"name\":\"192.0.2.1\"}", 400 },
		{ T, "{\"name\":\"ok\",\"scope\":\"root\"}", 400 }, { T, "{\"name\":\"ok\",\"for\":\"soon\"}", 400 },
		{ T, "{\"name\":\"ok\",\"token\":\"mine\"}", 400 }, { T "/revoke", "{\"name\":\"ok\",\"scope\":\"admin\"}", 400 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_status(post(rows[i].path, with_token(token, ""), rows[i].body), rows[i].status);
	assert_status(post(T, with_token(other, ""), "{\"name\":\"mine\"}"), 403);
	assert_status(post(T, "Content-Type: application/json\r\n", "{\"name\":\"mine\"}"), 401);
	assert_status(post(T, with_token(token, "Origin: http://evil.example\r\n"), "{\"name\":\"mine\"}"), 403);
	assert_null(strstr(get("/api/v1/consumers")->body, "\"mine\""));
}

static void
the_list_is_read_by_get_and_changed_by_post(void **state)
{
	const struct response *a = ask("PUT", L, with_token(token, ""));

	(void)state;
	assert_status(a, 405);
	assert_string_equal(header(a, "Allow"), "GET, HEAD, POST");
	assert_status(get(L), 200);
	assert_status(post(L, "Content-Type: application/json\r\n", GOOD), 401);
}

/* The last test: nobody is at the other end any more. */
static void
without_watch_nothing_is_promised(void **state)
{
	const struct response *a;

	(void)state;
	end_watch();
	(void)close(t.bell_fd);
	a = post(A, with_token(token, ""), GOOD);
	assert_status(a, 503);
	assert_has(a->body, "nothing was done");
	assert_non_null(header(a, "Retry-After"));
}

int
main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(who_rows); i++)
		add(who_rows[i].name, who_may, &who_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(body_rows); i++)
		add(body_rows[i].name, what_is_taken, &body_rows[i]);
	ADD(a_note_that_is_too_long_is_refused);
	ADD(a_body_is_bounded);
	ADD(only_post_changes_anything);
	ADD(watch_is_told_what_was_asked_and_who_asked);
	ADD(what_is_held_is_accepted_over_http);
	ADD(it_is_in_the_database_when_the_answer_comes);
	ADD(an_undo_takes_back_what_was_new);
	ADD(an_undo_brings_back_the_earlier_end_and_note);
	ADD(an_undo_asked_for_twice_undoes_one_thing_once);
	ADD(the_audit_tells_the_newest_first_and_what_undoes_it);
	ADD(a_token_made_over_http_opens_what_it_is_for_until_it_is_revoked);
	ADD(a_token_is_made_for_an_administrator_only);
	ADD(the_list_is_read_by_get_and_changed_by_post);
	ADD(the_token_itself_is_nowhere_in_the_database);
	ADD(what_was_refused_is_counted);
	ADD(without_watch_nothing_is_promised);
	return _cmocka_run_group_tests("web, admin", tests, n_tests, begin_watched, end_watched);
}
