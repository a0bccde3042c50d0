/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * refuse.c - a path, a parameter or a method that is not there: what was found, and all that could have been meant.
 *
 * Nothing is listed by hand: it comes from the table of routes.
 */
#include <stdarg.h>
#include <string.h>

#include "mxtrap/suggest.h"
#include "route.h"

#define TEXT_SIZE 1200			/* all paths, or all parameters of one */
#define PATH_SIZE 80

struct text {
	size_t n;
	char   buf[TEXT_SIZE];
};

static void __attribute__((format(printf, 2, 3)))
add(struct text *text, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text->buf + text->n, sizeof(text->buf) - text->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		text->n = text->n + (size_t)n < sizeof(text->buf) ? text->n + (size_t)n : sizeof(text->buf) - 1;
}

/* "/api/v1/check/ADDRESS" */
static const char *
path_of(const struct route *r, char buf[static PATH_SIZE])
{
	(void)snprintf(buf, PATH_SIZE, "%s%s", r->path, r->arg != NULL ? r->arg : "");
	return buf;
}

/* -- a path -- */

/* The path without what may be an argument, and without a slash at its end. */
static void
stem_of(const char *path, char buf[static PATH_SIZE], bool without_arg)
{
	size_t n = strnlen(path, PATH_SIZE - 1);
	const char *slash;

	while (n > 1 && path[n - 1] == '/')
		n--;
	if (without_arg && (slash = memrchr(path, '/', n)) != NULL && slash != path)
		n = (size_t)(slash - path);
	memcpy(buf, path, n);
	buf[n] = '\0';
}

static const char *
last_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Nearest as a whole, then nearest in front of an argument, then by the last word alone ("/list").  NULL: none is near. */
static const struct route *
nearest(const char *path)
{
	enum { WHOLE, BEFORE_ARG, LAST_WORD, WAYS };

	for (int way = WHOLE; way < WAYS; way++) {
		char typed[PATH_SIZE], stem[PATH_SIZE];
		const struct route *best = NULL;
		struct suggest s = { .best = NULL };
		unsigned cost = 0;

		stem_of(path, typed, way == BEFORE_ARG);
		s.typed = way == LAST_WORD ? last_of(typed) : typed;
		for (size_t i = 0; i < n_routes; i++) {
			bool first = s.best == NULL;

			if (way == BEFORE_ARG && routes[i].arg == NULL)
				continue;
			stem_of(routes[i].path, stem, false);
			suggest_offer(&s, way == LAST_WORD ? last_of(stem) : stem);
			/* The word is in a buffer that is used again: its cost alone says whether it was taken. */
			if (s.best != NULL && (first || s.cost < cost))
				best = &routes[i];
			cost = s.cost;
		}
		if (best != NULL)
			return best;
	}
	return NULL;
}

void
refuse_path(const char *path, struct reply *reply)
{
	const struct route *near = nearest(path);
	struct text text = { 0 };
	char name[PATH_SIZE];

	if (near != NULL)
		add(&text, "no such path: did you mean %s%s?", near->posts ? "POST " : "", path_of(near, name));
	else
		add(&text, "no such path.");
	add(&text, " There are /");
	for (size_t i = 0; i < n_routes; i++) {
		const struct route *r = &routes[i];

		add(&text, ", %s%s", r->posts ? "POST " : r->changes != NULL ? "GET and POST " : "", path_of(r, name));
		if (r->also != NULL)
			add(&text, ", %s", r->also);
	}
	reply_problem(reply, 404, "%s", text.buf);
}

/* -- a parameter, a method -- */

void
refuse_param(const struct route *r, const char *name, struct reply *reply)
{
	struct suggest near = { .typed = name };
	struct text text = { 0 };
	char path[PATH_SIZE];

	for (const struct route_param *p = r->params; p->name != NULL; p++)
		suggest_offer(&near, p->name);
	add(&text, "found the parameter \"%.40s\"", name);
	if (near.best != NULL)
		add(&text, ", did you mean %s?", near.best);
	add(&text, "%s %s takes ", near.best != NULL ? "" : ":", path_of(r, path));
	if (r->params[0].name == NULL)
		add(&text, "none");
	for (const struct route_param *p = r->params; p->name != NULL; p++)
		add(&text, "%s%s (%s)", p == r->params ? "" : ", ", p->name, p->form);
	reply_problem(reply, 400, "%s", text.buf);
}

void
refuse_method(const struct route *r, const char *method, struct reply *reply)
{
	const char *allow = r == NULL || (!r->posts && r->changes == NULL) ? "GET, HEAD" : r->posts ? "POST" : "GET, HEAD, POST";

	reply_problem(reply, 405, "found %.16s, expected %s", method, allow);
	reply->allow = allow;
}
