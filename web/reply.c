/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reply.c - an answer before it is sent: bodies, problems (RFC 9457), ETags.
 *
 * Knows HTTP's words and no socket.  A reply owns its body until the server
 * takes it over.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "web_int.h"

static const struct { unsigned status; const char *title; } titles[] = {
	{ 400, "The request was not understood" },
	{ 401, "A token is needed" },
	{ 403, "Not allowed" },
	{ 404, "Not here" },
	{ 405, "Method not allowed" },
	{ 409, "A rule is against it" },
	{ 410, "This state of the list is gone" },
	{ 413, "The body of the request is too long, or should not be there" },
	{ 415, "The body is of another kind" },
	{ 414, "The address of the request is too long" },
	{ 421, "This server does not answer to that name" },
	{ 500, "Internal error" },
	{ 503, "Not ready" },
};

void
reply_init(struct reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	reply->status = 500;
	reply->fd = -1;
}

void
reply_clear(struct reply *reply)
{
	if (reply->kind == BODY_OWNED)
		free((void *)(uintptr_t)reply->body);
	if (reply->kind == BODY_FD && reply->fd != -1)
		(void)close(reply->fd);
	document_unref(reply->document);
	if (reply->kind == BODY_STREAM)
		stream_close(reply->stream);
	reply_init(reply);
}

void
reply_problem(struct reply *reply, unsigned status, const char *fmt, ...)
{
	const char *title = "Error";
	char detail[PROBLEM_SIZE];
	struct json json;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		if (titles[i].status == status)
			title = titles[i].title;
	reply_clear(reply);
	json_to_buffer(&json);
	json_object(&json, NULL);
	json_string(&json, "type", "about:blank");
	json_string(&json, "title", title);
	json_uint(&json, "status", status);
	json_string(&json, "detail", detail);
	/* CrowdSec's bouncers read this one, of whatever is not 2xx, and crash where it is missing. */
	json_string(&json, "message", detail);
	json_end(&json);
	reply->cache_control = "no-store";
	reply_json(reply, &json, status);
	reply->media_type = "application/problem+json";
	if (status == 503)
		reply->retry_after_s = 1;
}

void
reply_value(struct reply *reply, const struct request *req, const char *name, const char *fmt, ...)
{
	const char *found = request_param(req, name);
	char expected[PROBLEM_SIZE / 2];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(expected, sizeof(expected), fmt, ap);
	va_end(ap);
	reply_problem(reply, 400, "%s: found %s%.80s%s, expected %s", name, found != NULL ? "\"" : "", found != NULL ? found : "none",
	    found != NULL ? "\"" : "", expected);
}

void
reply_report(struct reply *reply, enum report_result result)
{
	switch (result) {
	case REPORT_OK:
		break;
	case REPORT_NONE:
		reply_problem(reply, 404, "nothing is known here");
		break;
	case REPORT_BUSY:
		reply_problem(reply, 503, "the database is busy or not there yet");
		break;
	case REPORT_NEWER:
		reply_problem(reply, 503, "the database was written by a newer mxtrap");
		break;
	case REPORT_OLDER:
		reply_problem(reply, 503, "the database was written by an older mxtrap: restart mxtrapd");
		break;
	case REPORT_ERROR:
		reply_problem(reply, 500, "the database could not be read (the log says more)");
		break;
	}
	reply->unreadable = result > REPORT_NONE;
}

void
reply_json(struct reply *reply, struct json *json, unsigned status)
{
	if (json->failed) {
		/* Nothing that needs memory: there is none. */
		static const char body[] =
		    "{\"type\":\"about:blank\",\"title\":\"Internal error\",\"status\":500,"
		    "\"detail\":\"out of memory\",\"message\":\"out of memory\"}";

		json_free(json);
		reply_clear(reply);
		reply->kind = BODY_STATIC;
		reply->body = body;
		reply->size = sizeof(body) - 1;
		reply->media_type = "application/problem+json";
		return;
	}
	/* What must not be kept need not be named. */
	if (reply->etag[0] == '\0' &&
	    (reply->cache_control == NULL || strcmp(reply->cache_control, "no-store") != 0))
		(void)snprintf(reply->etag, sizeof(reply->etag), "\"%016llx\"",
		    (unsigned long long)hash_bytes(json->buf, json->len));
	reply->status = status;
	reply->kind = BODY_OWNED;
	reply->body = json->buf;
	reply->size = json->len;
	reply->media_type = "application/json";
	json->buf = NULL;
	json->len = json->cap = 0;
}

/* The opaque part: "abc" of W/"abc".  Empty where there are no quotes. */
static size_t
opaque(const char *tag, const char **start)
{
	const char *end;

	if (tag[0] == 'W' && tag[1] == '/')
		tag += 2;
	*start = tag;
	if (tag[0] != '"' || (end = strchr(tag + 1, '"')) == NULL)
		return 0;
	return (size_t)(end - tag) + 1;
}

bool
etag_matches(const char *header, const char *etag)
{
	const char *ours, *theirs;
	size_t n = opaque(etag, &ours);

	if (n == 0)
		return false;
	for (const char *p = header; *p != '\0';) {
		size_t m;

		if (*p == ' ' || *p == '\t' || *p == ',') {
			p++;
			continue;
		}
		if (*p == '*')
			return true;
		m = opaque(p, &theirs);
		if (m == 0)
			return false;
		if (m == n && memcmp(ours, theirs, n) == 0)
			return true;
		p = theirs + m;
	}
	return false;
}

void
reply_not_modified(struct reply *reply)
{
	if (reply->kind == BODY_OWNED)
		free((void *)(uintptr_t)reply->body);
	if (reply->kind == BODY_FD && reply->fd != -1)
		(void)close(reply->fd);
	document_unref(reply->document);
	reply->document = NULL;
	reply->kind = BODY_NONE;
	reply->body = NULL;
	reply->fd = -1;
	reply->size = 0;
	reply->status = 304;
}

uint64_t
hash_bytes(const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	return h;
}

void
reply_unpublished(struct reply *reply, const char *why)
{
	size_t i;

	for (i = 0; i < sizeof(reply->unpublished) - 1 && why[i] != '\0'; i++)
		reply->unpublished[i] = (char)(why[i] >= 0x20 && why[i] < 0x7f ? why[i] : '?');
	reply->unpublished[i] = '\0';
}

bool
http_date(char text[static HTTP_DATE_SIZE], int64_t when_s)
{
	time_t t = (time_t)when_s;
	struct tm tm;

	return when_s > 0 && gmtime_r(&t, &tm) != NULL &&
	    strftime(text, HTTP_DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &tm) != 0;
}
