/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit.c - GET /api/v1/audit: what people decided, newest first, and the request that would undo it.
 *
 * An undo is offered for the newest decision about something alone: it brings back what stood before
 * that.  What was forgotten is gone; nothing undoes it.
 */
#include <string.h>

#include "mxtrap/message.h"
#include "web_int.h"

#define AUDIT_DEFAULT 50
#define AUDIT_MAX     500

struct page {
	struct json *json;
	uint64_t limit, n;
	int64_t	 last, now_s;
	bool	 more;
};

static void
undo_begin(struct json *json, const char *path)
{
	json_object(json, "undo");
	json_string(json, "path", path);
	json_object(json, "body");
}

static void
undo_end(struct json *json)
{
	json_end(json);
	json_end(json);
}

void
json_undo(struct json *json, const struct report_audit *a, int64_t now_s)
{
	bool gone = strcmp(a->what, "disallow") == 0 || strcmp(a->what, "unlist") == 0;
	bool list = strcmp(a->what, "list") == 0 || strcmp(a->what, "unlist") == 0;
	bool back = a->was && (a->was_expires_s == 0 || a->was_expires_s > now_s);
	char cidr[PREFIX_TEXT_SIZE], until[24], id[24];

	if (strcmp(a->what, "token") == 0 && a->stands) {
		undo_begin(json, "/api/v1/tokens/revoke");
		json_string(json, "name", a->note);
		undo_end(json);
		return;
	}
	/* Of before there was anything to tell it by, or of what nothing is left of. */
	if (!a->stands || !a->about || !(list || gone || strcmp(a->what, "allow") == 0) || (gone && !back) ||
	    (!gone && !a->told)) {
		json_null(json, "undo");
		return;
	}
	undo_begin(json, list ? "/api/v1/list" : "/api/v1/allow");
	json_string(json, "cidr", prefix_format(&a->subject, cidr));
	if (!back) {
		json_bool(json, "remove", true);
	} else {
		if (a->was_expires_s != 0) {
			(void)snprintf(until, sizeof(until), "%lld", (long long)a->was_expires_s);
			json_string(json, "until", until);
		}
		json_string(json, "note", a->was_note);
		/* It was allowed, however wide it is. */
		if (!list && ADMIN_WIDE(addr_is_v4(&a->subject.addr), a->subject.len))
			json_bool(json, "force", true);
	}
	/* This decision and no later one: asked for twice, the second changes nothing. */
	(void)snprintf(id, sizeof(id), "%lld", (long long)a->id);
	json_string(json, "undoes", id);
	undo_end(json);
}

static bool
write_row(void *ctx, const struct report_audit *a)
{
	struct page *page = ctx;
	char cidr[PREFIX_TEXT_SIZE];

	if (page->n == page->limit) {
		page->more = true;
		return false;
	}
	page->n++;
	page->last = a->id;
	json_object(page->json, NULL);
	json_int(page->json, "id", a->id);
	json_real(page->json, "time", (double)a->time_us / 1e6, 6);
	json_string(page->json, "who", a->who);
	json_string(page->json, "what", a->what);
	json_string(page->json, "cidr", a->about ? prefix_format(&a->subject, cidr) : NULL);
	if (a->expires_s != 0)
		json_int(page->json, "expires", a->expires_s);
	else
		json_null(page->json, "expires");
	json_string(page->json, "note", a->note);
	json_undo(page->json, a, page->now_s);
	json_end(page->json);
	return true;
}

void
handle_audit(struct web *web, const struct request *req, struct reply *reply)
{
	uint64_t limit = AUDIT_DEFAULT, after = 0;
	struct report_state state;
	enum report_result result;
	char next[24];
	struct json json;
	struct page page = { .json = &json, .now_s = req->now_s };

	if (!request_number(req, "limit", AUDIT_MAX, &limit) || limit == 0) {
		reply_value(reply, req, "limit", "1 to %d", AUDIT_MAX);
		return;
	}
	if (!request_number(req, "after", INT64_MAX, &after)) {
		reply_value(reply, req, "after", "the \"next\" of the page before");
		return;
	}
	result = report_state(web->report, &state);
	if (result != REPORT_OK) {
		reply_report(reply, result);
		return;
	}
	page.limit = limit;
	json_to_buffer(&json);
	json_object(&json, NULL);
	json_state(&json, &state, req->now_s);
	json_array(&json, "entries");
	result = report_audits(web->report, (int64_t)after, (size_t)limit + 1, write_row, &page);
	if (result > REPORT_NONE) {
		json_free(&json);
		reply_report(reply, result);
		return;
	}
	json_end(&json);
	(void)snprintf(next, sizeof(next), "%lld", (long long)page.last);
	json_string(&json, "next", page.more ? next : NULL);
	json_end(&json);
	reply_json(reply, &json, 200);
}
