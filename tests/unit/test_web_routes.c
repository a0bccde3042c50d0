/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_web_routes.c - every route of the router's own table, with every method: what a foreign page, or a path that
 * climbs, gets from it.
 */
#include "../support/web_watched.h"

static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS" };

/* Bodies that would change something, whichever route reads them. */
static const char *const bodies[] = {
	"{\"cidr\":\"203.0.113.7\"}", "{\"cidr\":\"203.0.113.7\",\"remove\":true}", "{\"name\":\"stranger\"}", "{\"name\":\"reader\"}", "{}",
};

static const char *
request(const char *method, const char *path, const char *host, const char *more, const char *body)
{
	static char text[8192];
	int n = snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"
	    "Content-Type: application/json\r\n%s", method, path, host, token, more);

	if (strcmp(method, "POST") == 0)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
	else
		n += snprintf(text + n, sizeof(text) - (size_t)n, "\r\n");
	assert_true((size_t)n < sizeof(text));
	return text;
}

/* Something to ask it for.  A stream of events would not end: it is refused for its parameter. */
static const char *
path_of(const char *route, bool has_arg)
{
	static char text[256];

	(void)snprintf(text, sizeof(text), "%s%s%s", route, !has_arg ? "" : strncmp(route, "/export", 7) == 0 ? "plain" : "203.0.113.7",
	    strcmp(route, "/api/v1/events") == 0 ? "?since=x" : "");
	return text;
}

/* Audit rows, tokens and what watch was told: all that a change leaves behind. */
static size_t
traces(void)
{
	const struct response *a = get("/api/v1/audit?limit=500");
	size_t n = n_applied;

	assert_status(a, 200);
	for (const char *p = a->body; (p = strstr(p, "{\"id\":")) != NULL; p++)
		n += 1000;
	for (const char *p = get("/api/v1/consumers")->body; (p = strstr(p, "\"scope\":")) != NULL; p++)
		n += 1000000;
	return n;
}

static void
each_route(void (*each)(const char *route, bool has_arg, bool posts))
{
	bool has_arg, posts;
	const char *route;
	size_t n = 0;

	for (; (route = route_at(n, &has_arg, &posts)) != NULL; n++)
		each(route, has_arg, posts);
	assert_true(n >= 20);
}

static void
from_a_foreign_page(const char *route, bool has_arg, bool posts)
{
	static const char *const from[] = { "Origin: http://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n",
		"Origin: http://evil.example\r\nSec-Fetch-Site: same-origin\r\n", "Origin: https://127.0.0.1.evil.example\r\n" };
	const char *path = path_of(route, has_arg);
	char host[32];

	(void)snprintf(host, sizeof(host), "127.0.0.1:%u", t.port);
	for (size_t m = 0; m < ARRAY_LEN(methods); m++) {
		for (size_t f = 0; f < ARRAY_LEN(from); f++) {
			for (size_t b = 0; b < (strcmp(methods[m], "POST") == 0 && posts ? ARRAY_LEN(bodies) : 1); b++) {
				const char *text = request(methods[m], path, host, from[f], bodies[b]);
				const struct response *a = exchange(text, strlen(text));

				assert_null(header(a, "Access-Control-Allow-Origin"));
				assert_int_not_equal(a->status, 0);
				/* CrowdSec's bouncers hand in numbers that nobody reads. */
				if (strcmp(methods[m], "POST") == 0 && posts && strcmp(route, "/v1/usage-metrics") != 0)
					assert_status(a, 403);
			}
		}
	}
}

static void
no_route_changes_anything_for_a_foreign_page(void **state)
{
	size_t before = traces();

	(void)state;
	each_route(from_a_foreign_page);
	assert_int_equal(traces(), before);
}

static void
by_a_foreign_name(const char *route, bool has_arg, bool posts)
{
	static const char *const hosts[] = { "evil.example", "127.0.0.1.evil.example", "localhost.", "" };
	const char *path = path_of(route, has_arg);

	(void)posts;
	for (size_t m = 0; m < ARRAY_LEN(methods); m++) {
		for (size_t h = 0; h < ARRAY_LEN(hosts); h++) {
			const char *text = request(methods[m], path, hosts[h], "", bodies[0]);
			const struct response *a = exchange(text, strlen(text));

			/* It has nothing of any sender, and whoever watches us asks by any name. */
			if (strcmp(route, "/healthz") != 0)
				assert_status(a, 421);
			assert_null(strstr(a->body, "203.0.113"));
		}
	}
}

static void
no_route_answers_to_a_foreign_name(void **state)
{
	size_t before = traces();

	(void)state;
	each_route(by_a_foreign_name);
	assert_int_equal(traces(), before);
}

static void
only_what_posts_takes_a_post(const char *route, bool has_arg, bool posts)
{
	const char *path = path_of(route, has_arg), *text;
	char host[32];

	(void)snprintf(host, sizeof(host), "127.0.0.1:%u", t.port);
	for (size_t m = 2; m < ARRAY_LEN(methods); m++) {
		if (posts && strcmp(methods[m], "POST") == 0)
			continue;
		text = request(methods[m], path, host, "", "");
		assert_status(exchange(text, strlen(text)), 405);
	}
}

static void
no_route_takes_a_method_that_it_does_not_know(void **state)
{
	size_t before = traces();

	(void)state;
	each_route(only_what_posts_takes_a_post);
	assert_int_equal(traces(), before);
}

/* Any of them, behind the route, as its argument, and as the value of a parameter. */
static const char *const climbs[] = {
	"../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/%2e%2e/etc/passwd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
	"..\\..\\etc\\passwd", "..%5c..%5cetc%5cpasswd", "%252e%252e%252fetc%252fpasswd", "..%c0%af..%c0%afetc%c0%afpasswd",
	"%c0%ae%c0%ae/etc/passwd", "....//....//etc/passwd", "..;/..;/etc/passwd", "/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd",
	"plain%00", "203.0.113.7%00", "%00/etc/passwd", "plain/../mxtrap.db", "..%2fmxtrap.db", "plain%0d%0aSet-Cookie:%20a=b", ".", "..",
	"file:%2f%2f%2fetc%2fpasswd", "%uff0e%uff0e/etc/passwd", "~root", "203.0.113.7%2f..%2f..", "2001:db8::%2F64%2F..",
};

static void
refuses(const char *path)
{
	const struct response *a = get(path);

	if (a->status < 400 || a->status > 499 || strstr(a->text, "root:") != NULL || header(a, "Set-Cookie") != NULL)
		fail_msg("found %d for %.200s, expected a refusal: %.200s", a->status, path, a->body);
}

static void
climb(const char *route, bool has_arg, bool posts)
{
	static char path[4096];

	(void)posts;
	for (size_t i = 0; i < ARRAY_LEN(climbs); i++) {
		(void)snprintf(path, sizeof(path), "%s%s%s", route, has_arg ? "" : "/", climbs[i]);
		refuses(path);
		(void)snprintf(path, sizeof(path), "%s/../..%s%s", climbs[i][0] == '/' ? "" : "/", route, climbs[i]);
		refuses(path);
		(void)snprintf(path, sizeof(path), "%s?limit=%s", path_of(route, has_arg), climbs[i]);
		/* What knows no such parameter says so, what knows it expects a number. */
		refuses(path);
	}
	(void)snprintf(path, sizeof(path), "%s%s%03000d", route, has_arg ? "" : "/", 7);
	refuses(path);
	(void)snprintf(path, sizeof(path), "%s%s%0500d", route, has_arg ? "" : "/", 7);
	refuses(path);
}

static void
no_route_answers_what_climbs(void **state)
{
	(void)state;
	each_route(climb);
}

/* Does the description have this parameter of this path?  By its name, or as one that several share. */
static bool
is_described(const char *at, const char *end, const char *name)
{
	for (int i = 0; i < 3; i++) {
		char text[80];
		const char *found;

		(void)snprintf(text, sizeof(text), i == 0 ? "name: %s\n" : i == 1 ? "name: %s," : "parameters/%s\"", name);
		found = strstr(at, text);
		if (found != NULL && (end == NULL || found < end))
			return true;
	}
	return false;
}

/* "/api/v1/check/" is "/api/v1/check/{address}" there. */
static void
every_route_is_documented(void **state)
{
	static char text[1 << 18];
	FILE *f = fopen("docs/openapi.yaml", "re");
	bool has_arg, posts;
	const char *route, *param, *form;

	(void)state;
	if (f == NULL)
		skip();			/* not run from the top of the sources */
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	for (size_t i = 0; (route = route_at(i, &has_arg, &posts)) != NULL; i++) {
		char line[128], *at, *next;

		(void)snprintf(line, sizeof(line), "\n  %s%s", route, has_arg ? "{" : ":\n");
		at = strstr(text, line);
		if (at == NULL)
			fail_msg("found no %s in docs/openapi.yaml", route);
		next = strstr(at + 1, "\n  /");
		if (posts && (next == NULL || strstr(at, "\n    post:") == NULL || strstr(at, "\n    post:") > next))
			fail_msg("found no post of %s in docs/openapi.yaml", route);
		for (size_t k = 0; (param = route_param_at(i, k, &form)) != NULL; k++)
			if (!is_described(at, next, param))
				fail_msg("found no parameter %s of %s in docs/openapi.yaml", param, route);
	}
}

int
main(void)
{
	ADD(no_route_changes_anything_for_a_foreign_page);
	ADD(no_route_answers_to_a_foreign_name);
	ADD(no_route_takes_a_method_that_it_does_not_know);
	ADD(no_route_answers_what_climbs);
	ADD(every_route_is_documented);
	return _cmocka_run_group_tests("web, routes", tests, n_tests, begin_watched, end_watched);
}
