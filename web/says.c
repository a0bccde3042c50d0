/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * says.c - the state of the daemon (status.h) as JSON: sentences, and the values beneath them.
 */
#include <stdlib.h>
#include <string.h>

#include "mxtrap/status.h"
#include "web_int.h"

struct status *
web_status(struct web *web, int64_t wall_s)
{
	struct status *status = calloc(1, sizeof(*status));
	struct consumers_sum sum;

	if (status == NULL)
		return NULL;
	status_read(status, web->config, web->report, web->opened, wall_s, STATUS_ALL & ~STATUS_CONSUMERS);
	if (web->report != NULL && status_readable(status)) {
		consumers_sum(web, &status->list, wall_s, &sum);
		status->fetched.known = sum.known;
		/* Of a list that is not published nobody is behind. */
		status->fetched.behind = status->published.state == PUBLISHED_YES ? sum.behind : 0;
		status->fetched.newest_s = sum.newest_s;
	}
	if (aside_enter(&web->aside, ASIDE_RISK, 0)) {
		status->at_risk = web->aside.risk.summary.candidates;
		status->at_risk_s = web->aside.risk.summary.at_s;
		aside_leave(&web->aside);
	}
	return status;
}

/* The page of the dashboard that shows more of it; NULL: none does. */
static const char *
page_of(enum status_kind kind)
{
	static const struct { enum status_kind kind; const char *page; } pages[] = {
		{ STATUS_AT_RISK, "risk" }, { STATUS_HELD, "senders/held" }, { STATUS_NO_CONSUMER, "consumers" },
		{ STATUS_UNUSED, "consumers" }, { STATUS_BEHIND, "consumers" }, { STATUS_REAL_DOWN, "ladder" },
		{ STATUS_REAL_QUIET, "ladder" }, { STATUS_REAL_NEVER, "ladder" }, { STATUS_DECOY, "ladder" },
		{ STATUS_NOT_LISTABLE, "ladder" }, { STATUS_UNANSWERED, "ladder" }, { STATUS_LAYOUT, "ladder" },
		{ STATUS_ALL_ALLOWED, "senders/allowed" }, { STATUS_PROCESS, "about" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (pages[i].kind == kind)
			return pages[i].page;
	return NULL;
}

static void
fact_members(struct json *json, const struct status *status, const struct status_fact *fact)
{
	char text[STATUS_SENTENCE_SIZE];

	json_string(json, "level", status_level_name(fact->level));
	json_string(json, "text", fact->kind == STATUS_WELL ? "All quiet." : status_sentence(status, fact, text));
	if (fact->since_s != 0)
		json_int(json, "since", fact->since_s);
	else
		json_null(json, "since");
	json_string(json, "page", page_of(fact->kind));
}

void
json_says(struct json *json, const struct status *status)
{
	struct status_fact facts[STATUS_FACTS];
	size_t n = status_facts(status, facts);

	json_object(json, "says");
	fact_members(json, status, &facts[0]);
	json_array(json, "more");
	for (size_t i = 1; i < n; i++) {
		json_object(json, NULL);
		fact_members(json, status, &facts[i]);
		json_end(json);
	}
	json_end(json);
	json_end(json);
}

void
json_publishing(struct json *json, const struct status *status)
{
	const struct status_published *p = &status->published;
	char why[STATUS_WHY_SIZE];
	bool open = p->state == PUBLISHED_YES;

	json_object(json, "publishing");
	json_bool(json, "open", open);
	json_string(json, "why", open ? NULL : status_published_why(status, why));
	json_string(json, "state", status_published_name(p->state));
	if (p->state == PUBLISHED_YOUNG)
		json_int(json, "from", p->from_s);
	/* Senders listed later are not handed on until somebody accepts them. */
	if (p->gate.held)
		json_int(json, "held_since", p->gate.base_s);
	else
		json_null(json, "held_since");
	json_uint(json, "held", p->n_held);
	/* Published, and fetched by nobody for a day. */
	json_bool(json, "unused", status_unused(status));
	json_end(json);
}

void
json_health(struct json *json, const struct status *status)
{
	json_object(json, "state");
	json_string(json, "published", status_published_name(status->published.state));
	json_string(json, "watched", status_watched_name(status->watched.state));
	json_string(json, "stored", status_stored_name(status->stored.state));
	json_uint(json, "consumers", status->fetched.known);
	json_uint(json, "behind", status->fetched.behind);
	json_bool(json, "nobody_listable", status_nobody_listed(status));
	json_end(json);
}
