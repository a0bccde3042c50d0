/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * overview.c - what each rung saw today, and how the daemon is.
 *
 * Sums only, made by the store; nothing here judges anybody.
 */
#include <stdlib.h>
#include <string.h>

#include "mxtrap/counter.h"
#include "mxtrap/status.h"
#include "web_int.h"

#define TARGETS_DEFAULT 256
#define TARGETS_MAX	1000

/* -- GET /api/v1/mx-sets -- */

struct ladder_page {
	struct json   json;
	const struct config *config;
	uint64_t      after, limit, n;	/* targets with an index of at least `after` */
	uint32_t      last;
	bool	      more;
	bool	      in_set, in_exchanger;
	int64_t	      now_s;
	char	      set[256], exchanger[256];
};

static void
close_exchanger(struct ladder_page *page)
{
	if (page->in_exchanger) {
		json_end(&page->json);		/* addresses */
		json_end(&page->json);
	}
	page->in_exchanger = false;
}

static void
close_set(struct ladder_page *page)
{
	close_exchanger(page);
	if (page->in_set) {
		json_end(&page->json);		/* exchangers */
		json_end(&page->json);
	}
	page->in_set = false;
}

static void
open_set(struct ladder_page *page, const char *name)
{
	const struct ladder *ladder = &page->config->ladder;

	json_object(&page->json, NULL);
	json_string(&page->json, "name", name);
	json_array(&page->json, "domains");
	for (size_t i = 0; i < ladder->n_sets; i++)
		if (strcmp(ladder->sets[i].name, name) == 0)
			for (size_t k = 0; k < ladder->sets[i].n_domains; k++)
				json_string(&page->json, NULL, ladder->sets[i].domains[k]);
	json_end(&page->json);
	json_array(&page->json, "exchangers");
	(void)snprintf(page->set, sizeof(page->set), "%s", name);
	page->in_set = true;
}

static void
open_exchanger(struct ladder_page *page, const struct report_target *row)
{
	json_object(&page->json, NULL);
	json_string(&page->json, "name", row->exchanger[0] != '\0' ? row->exchanger : NULL);
	json_uint(&page->json, "preference", row->preference);
	json_string(&page->json, "role", role_name((enum role)row->role));
	json_string(&page->json, "answer", answer_name((enum answer)row->answer));
	json_array(&page->json, "addresses");
	(void)snprintf(page->exchanger, sizeof(page->exchanger), "%s", row->exchanger);
	page->in_exchanger = true;
}

static bool
page_target(void *ctx, const struct report_target *row)
{
	struct ladder_page *page = ctx;
	struct json *json = &page->json;

	if (row->target < page->after)
		return true;
	if (page->n == page->limit) {
		page->more = true;
		return false;
	}
	page->n++;
	page->last = row->target;
	if (!page->in_set || strcmp(page->set, row->set) != 0) {
		close_set(page);
		open_set(page, row->set);
	}
	if (!page->in_exchanger || strcmp(page->exchanger, row->exchanger) != 0) {
		close_exchanger(page);
		open_exchanger(page, row);
	}
	json_object(json, NULL);
	json_uint(json, "target", row->target);
	json_string(json, "address", row->address);
	json_string(json, "health", health_name(row));
	json_int(json, "last_attempt", row->last_s);
	json_uint(json, "attempts_hour", row->attempts_hour);
	json_object(json, "today");
	json_uint(json, "attempts", row->attempts_today);
	json_uint(json, "senders", row->senders_today);
	json_uint(json, "proven", row->proven_today);
	json_uint(json, "refused", row->refused_today);
	json_uint(json, "silent", row->silent_today);
	json_end(json);
	json_end(json);
	return true;
}

void
handle_mx_sets(struct web *web, const struct request *req, struct reply *reply)
{
	struct ladder_page *page;
	struct report_state state;
	enum report_result result;
	uint64_t after = 0, limit = TARGETS_DEFAULT;

	if (!request_number(req, "limit", TARGETS_MAX, &limit) || limit == 0) {
		reply_value(reply, req, "limit", "1 to %d", TARGETS_MAX);
		return;
	}
	if (!request_number(req, "after", MXSET_MAX_TARGETS, &after)) {
		reply_value(reply, req, "after", "the \"next\" of the page before");
		return;
	}
	page = calloc(1, sizeof(*page));
	if (page == NULL) {
		reply_problem(reply, 500, "out of memory");
		return;
	}
	page->config = web->config;
	page->after = after;
	page->limit = limit;
	json_to_buffer(&page->json);
	json_object(&page->json, NULL);
	json_array(&page->json, "mx_sets");
	result = report_targets(web->report, req->now_s, page_target, page);
	close_set(page);
	json_end(&page->json);
	if (result == REPORT_OK || result == REPORT_NONE)
		result = report_state(web->report, &state);
	if (result != REPORT_OK) {
		json_free(&page->json);
		reply_report(reply, result);
	} else {
		if (page->more)
			json_uint(&page->json, "next", page->last + 1);
		else
			json_null(&page->json, "next");
		/* No clock here: while nothing happens, the ETag stays. */
		json_end(&page->json);
		reply_json(reply, &page->json, 200);
	}
	free(page);
}

/* -- GET /api/v1/status -- */

void
handle_status(struct web *web, const struct request *req, struct reply *reply)
{
	struct status *status = web_status(web, req->now_s);
	struct json json;
	enum report_result result;

	if (status == NULL || (result = report_state(web->report, &status->list)) != REPORT_OK) {
		reply_report(reply, status == NULL ? REPORT_ERROR : result);
		free(status);
		return;
	}
	json_to_buffer(&json);
	json_object(&json, NULL);
	result = json_status(&json, web->report, status, status->watched.last_s == 0 ? -1 :
	    req->now_s > status->watched.last_s ? req->now_s - status->watched.last_s : 0);
	free(status);
	json_end(&json);
	if (result != REPORT_OK && result != REPORT_NONE) {
		json_free(&json);
		reply_report(reply, result);
		return;
	}
	reply_json(reply, &json, 200);
}

/* -- GET /healthz -- */

/*
 * 503 where nothing of what is served can be trusted: the database cannot be read (one real read is made), or
 * watch is silent.  Else 200, and "status" says whether anything is wrong: ok, note or bad.
 */
void
handle_healthz(struct web *web, const struct request *req, struct reply *reply)
{
	struct status *status = calloc(1, sizeof(*status));
	struct status_fact facts[STATUS_FACTS];
	char text[STATUS_SENTENCE_SIZE];
	struct json json;

	if (status == NULL) {
		reply_problem(reply, 503, "out of memory");
		return;
	}
	status_read(status, web->config, web->report, web->opened, req->now_s, STATUS_ALL & ~STATUS_CONSUMERS);
	(void)status_facts(status, facts);
	(void)status_sentence(status, &facts[0], text);
	if (!status_readable(status) || (status->watched.state != WATCHED_YES && status->watched.state != WATCHED_UNKNOWN)) {
		reply_problem(reply, 503, "%s", text);
	} else {
		json_to_buffer(&json);
		json_object(&json, NULL);
		json_string(&json, "status", status_level_name(facts[0].level));
		if (facts[0].level != STATUS_GOOD)
			json_string(&json, "says", text);
		json_end(&json);
		reply_json(reply, &json, 200);
	}
	reply->cache_control = "no-store";
	free(status);
}
