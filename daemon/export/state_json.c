/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state_json.c - the state of the daemon as members of a JSON object: one spelling for the API and for --json.
 */
#include <stdio.h>

#include "mxtrap/json.h"
#include "mxtrap/status.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

void
json_state(struct json *json, const struct report_state *state, int64_t now_s)
{
	char generation[17];

	/* 64 random bits do not fit a double: as text. */
	(void)snprintf(generation, sizeof(generation), "%016llx",
	    (unsigned long long)state->generation);
	json_string(json, "generation", generation);
	json_uint(json, "serial", state->serial);
	/* Left out where the ETag is made of the content, which would never rest. */
	if (now_s != 0)
		json_int(json, "now", now_s);
	json_int(json, "changed", state->changed_s);
	json_uint(json, "listed", state->n_listed);
	json_uint(json, "suspects", state->n_suspect);
}

void
json_thresholds(struct json *json, const struct config *config)
{
	double upper = judge_upper(&config->judge);

	json_object(json, "thresholds");
	/* Finely enough that whoever rounds them to a digit gets what `mxtrap explain` says. */
	json_real(json, "list", upper, 4);
	json_real(json, "suspect", upper / 2, 4);
	json_real(json, "clear", judge_lower(&config->judge), 4);
	json_uint(json, "half_life", config->judge.half_life_s);
	json_end(json);
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
