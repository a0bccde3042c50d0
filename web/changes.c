/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changes.c - GET /export/changes?since=GENERATION:SERIAL: what happened to the list since then, a fold's input.
 *
 * A line a change, in order; who applies them to the state of `since` has the state that the last
 * line names.  Of another generation, or too long ago: 410, fetch all.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/evidence.h"
#include "mxtrap/token.h"
#include "web_int.h"

#define CHANGES_DEFAULT 10000
#define CHANGES_MAX	20000

struct changes {
	struct json *json;
	uint64_t limit, n;
	uint64_t whole, serial;		/* the last serial whose rows are all written; the one that is being written */
	size_t	 whole_len;		/* of the text, there */
	bool	 cut;			/* the page ended before its rows did */
};

static bool
write_change(void *ctx, const struct report_change *change)
{
	struct changes *c = ctx;
	char text[PREFIX_TEXT_SIZE];

	if (change->serial != c->serial) {
		c->whole = c->serial;
		c->whole_len = c->json->len;
		c->serial = change->serial;
	}
	/* A page ends between two serials, for each is one transaction. */
	if (c->n >= c->limit && c->whole_len > 0) {
		c->cut = true;
		return false;
	}
	c->n++;
	json_object(c->json, NULL);
	json_uint(c->json, "serial", change->serial);
	json_string(c->json, "cidr", prefix_format(&change->row.what, text));
	json_string(c->json, "state", state_name((enum sender_state)change->row.new_state));
	json_real(c->json, "score", (double)change->row.score, 2);
	json_int(c->json, "since", change->row.since_s);
	if (change->row.expires_s != 0)
		json_int(c->json, "expires", change->row.expires_s);
	else
		json_null(c->json, "expires");
	json_end(c->json);
	json_line(c->json);
	return true;
}

bool
parse_state_name(const char *text, uint64_t *generation, uint64_t *serial)
{
	char *end;

	if (text == NULL || strspn(text, "0123456789abcdef") != 16 || text[16] != ':' || text[17] < '0' || text[17] > '9')
		return false;
	*generation = strtoull(text, &end, 16);
	*serial = strtoull(text + 17, &end, 10);
	return *end == '\0' && *serial <= INT64_MAX;
}

void
handle_changes(struct web *web, const struct request *req, struct reply *reply)
{
	uint64_t generation, serial, limit = CHANGES_DEFAULT;
	struct report_state state;
	struct export_gate gate;
	struct json json;
	char name[24];
	struct identity who;
	struct changes c = { .json = &json };
	enum report_result result;

	if (!parse_state_name(request_param(req, "since"), &generation, &serial)) {
		reply_value(reply, req, "since", "GENERATION:SERIAL, as the exports and /api/v1/status name a state");
		return;
	}
	if (!request_number(req, "limit", CHANGES_MAX, &limit) || limit == 0) {
		reply_value(reply, req, "limit", "1 to %d", CHANGES_MAX);
		return;
	}
	if (!identity_of(web, req, TOKEN_SCOPE_EXPORT, false, &who, reply))
		return;
	result = report_state(web->report, &state);
	if (result != REPORT_OK) {
		reply_report(reply, result);
		return;
	}
	(void)export_gate(web->config, web->report, &state, report_now(web->report, req->now_s), &gate);
	/* What the gate lets out changes without a serial: then only the whole is right. */
	if (generation != state.generation || serial > state.serial || !gate.open || gate.publish.held) {
		reply_problem(reply, 410, "that state can no longer be built upon: fetch all");
		return;
	}
	c.limit = limit;
	c.serial = c.whole = serial;
	json_to_buffer(&json);
	result = report_changes_since(web->report, serial, (size_t)CHANGES_MAX + 1, write_change, &c);
	if (result != REPORT_OK) {
		json_free(&json);
		if (result == REPORT_NONE)
			reply_problem(reply, 410, "that is too long ago: fetch all");
		else
			reply_report(reply, result);
		return;
	}
	if (c.n == CHANGES_MAX + 1 && c.whole_len == 0) {
		json_free(&json);
		reply_problem(reply, 410, "more than %d changed at once: fetch all", CHANGES_MAX);
		return;
	}
	if (c.cut || c.n == CHANGES_MAX + 1) {
		json.len = c.whole_len;
		c.serial = c.whole;
	}
	(void)snprintf(name, sizeof(name), "%016" PRIx64, state.generation);
	json_object(&json, NULL);
	json_string(&json, "type", "metadata");
	json_string(&json, "generation", name);
	json_uint(&json, "serial", c.serial);
	json_bool(&json, "more", c.serial < state.serial && c.n > 0);
	json_end(&json);
	json_line(&json);
	state.serial = c.serial;
	consumer_has(consumer_came(web, req, &who, "changes"), &state);
	reply_json(reply, &json, 200);
	reply->media_type = "application/x-ndjson";
	reply->cache_control = "no-cache";
}
