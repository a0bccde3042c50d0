/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_web_errors.c - every way in which a request of the routes' own table can fail: each is a problem (RFC 9457)
 * that has CrowdSec's "message", and names what was found and what is there instead.
 */
#include "../support/web_watched.h"

/* Is it both, and do they say the same? */
static void
is_problem(const struct response *a, const char *what)
{
	const char *type = header(a, "Content-Type"), *detail = strstr(a->body, "\"detail\":\""), *message, *end;

	if (a->status < 400 || a->status > 599)
		fail_msg("%s: found status %d, expected an error", what, a->status);
	if (type == NULL || strcmp(type, "application/problem+json") != 0 || a->body[0] != '{' || detail == NULL ||
	    (message = strstr(a->body, "\"message\":\"")) == NULL)
		fail_msg("%s: found %d %s: %.300s, expected a problem with a message", what, a->status, type, a->body);
	detail += strlen("\"detail\":\"");
	message += strlen("\"message\":\"");
	end = strstr(detail, "\",\"");
	assert_true(end != NULL && end > detail);
	assert_memory_equal(detail, message, (size_t)(end - detail));
	assert_int_equal(a->body[a->body_size - 1], '}');
}

static const char *
sample(const char *route, bool has_arg)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s%s", route, !has_arg ? "" : strncmp(route, "/export", 7) == 0 ? "plain" : "203.0.113.7");
	return path;
}

static void
refuses(const char *path, const char *what, int status, const struct response *a)
{
	char label[512];

	(void)snprintf(label, sizeof(label), "%.300s, %s", path, what);
	is_problem(a, label);
	if (a->status != status)
		fail_msg("%s: found %d, expected %d: %.300s", label, a->status, status, a->body);
}

static const struct response *
by_name(const char *method, const char *path, const char *host)
{
	char request[1024];
	int n = snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", method, path, host);

	return exchange(request, (size_t)n);
}

static void
every_error_has_a_message(void **state)
{
	static char longer[REQUEST_URI_MAX + 600], path[512];
	bool has_arg, posts;
	const char *route;

	(void)state;
	for (size_t i = 0; (route = route_at(i, &has_arg, &posts)) != NULL; i++) {
		bool only = posts && strcmp(route, "/api/v1/list") != 0;
		const char *method = only ? "POST" : "GET", *none = only ? "Content-Length: 0\r\n" : "";

		(void)snprintf(path, sizeof(path), "%s", sample(route, has_arg));
		if (strcmp(route, "/healthz") != 0)
			refuses(path, "another Host", 421, by_name(method, path, "evil.example"));
		refuses(path, "another method", 405, ask("DELETE", path, ""));
		refuses(path, "a body", 413, ask(method, path, "Content-Length: 100000\r\n"));
		(void)snprintf(path, sizeof(path), "%s?nonsense=1", sample(route, has_arg));
		refuses(path, "an unknown parameter", 400, ask(method, path, none));
		(void)snprintf(path, sizeof(path), "%s?limit=%%zz", sample(route, has_arg));
		refuses(path, "a bad escape", 400, ask(method, path, none));
		(void)snprintf(path, sizeof(path), "%s?a=1&a=1", sample(route, has_arg));
		refuses(path, "a name twice", 400, ask(method, path, none));
		(void)snprintf(path, sizeof(path), "%s/x/y", sample(route, has_arg));
		refuses(path, "a level too many", 404, ask(method, path, none));
		(void)snprintf(longer, sizeof(longer), "%s?x=%0*d", sample(route, has_arg), REQUEST_URI_MAX, 0);
		refuses(route, "too long", 414, ask(method, longer, none));
		if (only) {
			const struct response *a = post(sample(route, has_arg), "Content-Type: application/json\r\n", "{}");

			refuses(route, "without a token", strncmp(route, "/v1/", 4) == 0 ? 403 : 401, a);
			a = post(sample(route, has_arg), with_token(other, ""), "{}");
			refuses(route, "a token that may not", 403, a);
		}
		if (posts && strncmp(route, "/api/", 5) == 0) {
			refuses(route, "no JSON", 400, post(route, with_token(token, ""), "{"));
			refuses(route, "an unknown member", 400, post(route, with_token(token, ""), "{\"nonsense\":\"1\"}"));
		}
	}
}

/* A parameter's value that no form allows: refused with a message, or not looked at. */
static void
every_value_that_is_refused_has_a_message(void **state)
{
	char path[512], headers[256];
	bool has_arg, posts;
	const char *route, *form, *name;
	size_t refused = 0;

	(void)state;
	(void)snprintf(headers, sizeof(headers), "X-Api-Key: %s\r\n", token);
	for (size_t i = 0; (route = route_at(i, &has_arg, &posts)) != NULL; i++) {
		for (size_t k = 0; (name = route_param_at(i, k, &form)) != NULL; k++) {
			const struct response *a;

			(void)snprintf(path, sizeof(path), "%s?%s=%%3c!%%3e", sample(route, has_arg), name);
			a = ask("GET", path, headers);
			assert_int_not_equal(a->status, 404);
			if (a->status == 200)
				continue;
			refuses(path, "a value of no form", 400, a);
			assert_null(strstr(a->body, "found the parameter"));
			assert_has(a->body, "found ");
			assert_has(a->body, "expected ");
			refused++;
		}
	}
	assert_in_range(refused, 20, 100);
}

static void
an_unknown_parameter_is_answered_with_those_there_are(void **state)
{
	char path[512], part[400];
	bool has_arg, posts;
	const char *route, *form, *name;

	(void)state;
	for (size_t i = 0; (route = route_at(i, &has_arg, &posts)) != NULL; i++) {
		const struct response *a;

		if (route_param_at(i, 0, &form) == NULL)
			continue;
		(void)snprintf(path, sizeof(path), "%s?nonsense=1", sample(route, has_arg));
		a = get(path);
		for (size_t k = 0; (name = route_param_at(i, k, &form)) != NULL; k++) {
			(void)snprintf(part, sizeof(part), "%s (%.40s", name, form);
			part[strcspn(part, "\"")] = '\0';
			assert_has(a->body, part);
		}
	}
}

static void
an_unknown_path_is_answered_with_those_there_are(void **state)
{
	static const char *const paths[] = { "/nope", "/api/v1/nope", "/v1/alerts", "/v1/", "/x/t" };
	bool has_arg, posts;
	const char *route;

	(void)state;
	for (size_t p = 0; p < ARRAY_LEN(paths); p++) {
		const struct response *a = get(paths[p]);

		refuses(paths[p], "no such path", 404, a);
		for (size_t i = 0; (route = route_at(i, &has_arg, &posts)) != NULL; i++)
			assert_has(a->body, route);
	}
}

/* What comes without a request, or has no memory. */
static void
what_the_database_lacks_has_a_message(void **state)
{
	struct reply reply;
	struct json json;

	(void)state;
	for (int i = REPORT_NONE; i <= REPORT_ERROR; i++) {
		reply_init(&reply);
		reply_report(&reply, (enum report_result)i);
		assert_non_null(memmem(reply.body, reply.size, "\"message\":\"", 11));
		reply_clear(&reply);
	}
	reply_init(&reply);
	json_to_buffer(&json);
	json.failed = true;
	reply_json(&reply, &json, 200);
	assert_int_equal(reply.status, 500);
	assert_non_null(memmem(reply.body, reply.size, "\"message\":\"out of memory\"", 25));
	reply_clear(&reply);
}

static void
an_allow_stands_with_each_405(void **state)
{
	(void)state;
	assert_string_equal(header(ask("PUT", "/v1/decisions", ""), "Allow"), "GET, HEAD");
	assert_string_equal(header(ask("PUT", "/api/v1/list", ""), "Allow"), "GET, HEAD, POST");
	assert_string_equal(header(ask("GET", "/api/v1/allow", ""), "Allow"), "POST");
	assert_string_equal(header(ask("PUT", "/", ""), "Allow"), "GET, HEAD");
}

/* -- one sender, as answers and people spell it -- */

static const char *const of_v4[] = { "203.0.113.7", "203.0.113.7/32", "203.0.113.7%2f32", "203.0.113.7%2F32", "::ffff:203.0.113.7",
	"::FFFF:203.0.113.7", "%3a%3affff%3a203.0.113.7", "::ffff:cb00:7107/128", "0:0:0:0:0:ffff:203.0.113.7%2F128" };
static const char *const of_v6[] = { "2001:db8:1::1", "2001:DB8:1::", "2001:db8:1::/64", "2001:DB8:1::%2F64", "2001:db8:1::%2f64",
	"2001:0db8:0001:0000:0000:0000:0000:0000/64", "2001:db8:1:0:0:0:0:0%2F64", "2001%3Adb8%3A1%3A%3A/64", "2001:db8:1::7/128",
	"2001:db8:1::7%2F128" };

static void
answers_every_spelling(const char *const *spelled, size_t n, const char *cidr)
{
	static const struct { const char *path; bool raw_slash, key; } places[] = {
		{ "/api/v1/senders/", true, false }, { "/api/v1/check/", true, false }, { "/api/v1/senders?query=", true, false },
		{ "/v1/decisions?ip=", true, true }, { "/v1/decisions?range=", true, true },
		{ "/v1/decisions?scope=Range&value=", true, true }, { "/v1/decisions?scope=ip&value=", true, true },
		{ "/api/v1/list?state=all&after=", true, false },
	};
	char path[256], headers[256], ours[64];

	(void)snprintf(headers, sizeof(headers), "X-Api-Key: %s\r\n", token);
	(void)snprintf(ours, sizeof(ours), "\"%s\"", cidr);
	for (size_t p = 0; p < ARRAY_LEN(places); p++) {
		for (size_t i = 0; i < n; i++) {
			const struct response *a;
			bool listed = strstr(cidr, "203.") != NULL;

			(void)snprintf(path, sizeof(path), "%s%s", places[p].path, spelled[i]);
			a = ask("GET", path, places[p].key ? headers : "");
			if (strstr(path, "check") != NULL && !listed) {
				assert_status(a, 404);		/* a suspect */
				assert_string_equal(a->body, "{\"listed\":false}");
				continue;
			}
			if (a->status != 200)
				fail_msg("%s: found %d: %.300s", path, a->status, a->body);
			if (places[p].key && !listed)
				assert_string_equal(a->body, "null");
			else if (strstr(path, "after=") == NULL && strstr(a->body, places[p].key ? "203.0.113.7" : ours) == NULL)
				fail_msg("%s: found no %s: %.300s", path, ours, a->body);
		}
	}
}

static void
a_sender_is_found_in_every_spelling(void **state)
{
	(void)state;
	answers_every_spelling(of_v4, ARRAY_LEN(of_v4), "203.0.113.7/32");
	answers_every_spelling(of_v6, ARRAY_LEN(of_v6), "2001:db8:1::/64");
}

static void
a_decision_takes_every_spelling(void **state)
{
	static const char *const spelled[] = { "203.0.113.7", "203.0.113.7/32", "::ffff:203.0.113.7", "2001:DB8:9::/64", "2001:db8:9:0:0:0:0:0/64",
		"2001:db8:9::5/128" };
	char body[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spelled); i++) {
		(void)snprintf(body, sizeof(body), "{\"cidr\":\"%s\",\"for\":\"1h\"}", spelled[i]);
		assert_status(post("/api/v1/allow", with_token(token, ""), body), 200);
		(void)snprintf(body, sizeof(body), "{\"cidr\":\"%s\",\"remove\":true}", spelled[i]);
		assert_status(post("/api/v1/allow", with_token(token, ""), body), 200);
	}
}

static void
a_network_is_no_sender(void **state)
{
	static const char *const networks[] = { "203.0.113.0/24", "203.0.113.0%2F24", "2001:db8::/48", "2001:db8:1::/63", "2001:db8:1::1/64",
		"203.0.113.7/33", "203.0.113.7/", "203.0.113.7/3x", "203.0.113.7/32/", "203.0.113.7//32", "2001:db8:1::/129",
		"203.0.113.7%2F", "203.0.113.7%2F32%2F", "203.0.113.7/4294967328" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(networks); i++) {
		const struct response *a;

		(void)snprintf(path, sizeof(path), "/api/v1/senders/%s", networks[i]);
		a = get(path);
		is_problem(a, path);
		(void)snprintf(path, sizeof(path), "/api/v1/check/%s", networks[i]);
		is_problem(get(path), path);
	}
}

int
main(void)
{
	ADD(every_error_has_a_message);
	ADD(every_value_that_is_refused_has_a_message);
	ADD(an_unknown_parameter_is_answered_with_those_there_are);
	ADD(an_unknown_path_is_answered_with_those_there_are);
	ADD(what_the_database_lacks_has_a_message);
	ADD(an_allow_stands_with_each_405);
	ADD(a_sender_is_found_in_every_spelling);
	ADD(a_decision_takes_every_spelling);
	ADD(a_network_is_no_sender);
	return _cmocka_run_group_tests("web, errors", tests, n_tests, begin_watched, end_watched);
}
