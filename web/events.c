/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events.c - GET /api/v1/events: attempts and changes of the list as they come (server-sent events).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/evidence.h"
#include "stream.h"
#include "web_int.h"

/* "event: NAME", an id where there is one, and the object of j, which it takes. */
static char *
finish(struct json *j, const char *event, const char *id)
{
	size_t size = j->len + strlen(id) + 64;
	char *text = j->failed ? NULL : malloc(size);

	if (text != NULL)
		(void)snprintf(text, size, "event: %s\n%sdata: %s\n\n", event, id, j->buf);
	json_free(j);
	return text;
}

static void
where(struct json *j, const struct config *config, uint32_t index)
{
	const struct ladder *ladder = &config->ladder;
	const struct target *target = index < ladder->n_targets ? &ladder->targets[index] : NULL;
	const struct exchanger *x = NULL;
	const char *set = NULL;

	if (target != NULL && target->role != ROLE_CONTROL && target->set < ladder->n_sets &&
	    target->exchanger < ladder->sets[target->set].n_exchangers) {
		x = &ladder->sets[target->set].exchangers[target->exchanger];
		set = ladder->sets[target->set].name;
	}
	json_string(j, "mx_set", set);
	json_string(j, "exchanger", x != NULL ? x->name : NULL);
	if (x != NULL)
		json_uint(j, "preference", x->preference);
	else
		json_null(j, "preference");
	json_string(j, "role", target != NULL ? role_name((enum role)target->role) : NULL);
}

char *
event_attempt(const struct config *config, struct report *report, const struct report_attempt *a, int64_t now_s)
{
	char address[ADDR_TEXT_SIZE], cidr[PREFIX_TEXT_SIZE];
	struct report_entry entry;
	struct prefix sender = sender_prefix(addr_sender(&a->src));
	bool known = report_sender(report, &a->src, now_s, &entry) == REPORT_OK;
	struct json j;

	json_to_buffer(&j);
	json_object(&j, NULL);
	json_real(&j, "time", (double)a->time_us / 1e6, 3);
	json_string(&j, "cidr", prefix_format(&sender, cidr));
	json_string(&j, "address", addr_format(&a->src, address));
	json_uint(&j, "sport", a->sport);
	where(&j, config, a->target);
	json_string(&j, "outcome", outcome_name(a->outcome));
	json_string(&j, "grade", grade_name((enum grade)a->grade));
	json_string(&j, "state", state_name(known ? (enum sender_state)entry.state : STATE_UNKNOWN));
	json_end(&j);
	return finish(&j, "attempt", "");
}

char *
event_change(const struct report_change *change, uint64_t generation, bool last)
{
	const struct change_row *row = &change->row;
	char cidr[PREFIX_TEXT_SIZE], id[64] = "";
	struct json j;

	json_to_buffer(&j);
	json_object(&j, NULL);
	json_real(&j, "time", (double)row->time_us / 1e6, 3);
	json_string(&j, "cidr", prefix_format(&row->what, cidr));
	json_string(&j, "old_state", state_name((enum sender_state)row->old_state));
	json_string(&j, "state", state_name((enum sender_state)row->new_state));
	json_string(&j, "cause", cause_name(row->cause));
	json_real(&j, "score", (double)row->score, 2);
	json_array(&j, "reasons");
	for (unsigned i = 0; i < EVIDENCE_N_KINDS; i++)
		if ((row->kinds & 1U << i) != 0)
			json_string(&j, NULL, evidence_info((enum evidence_kind)i)->name);
	json_end(&j);
	json_int(&j, "since", row->since_s);
	if (row->expires_s != 0)
		json_int(&j, "expires", row->expires_s);
	else
		json_null(&j, "expires");
	json_uint(&j, "serial", change->serial);
	json_end(&j);
	if (last)
		(void)snprintf(id, sizeof(id), "id: %016" PRIx64 ":%" PRIu64 "\n", generation, change->serial);
	return finish(&j, "change", id);
}

void
handle_events(struct web *web, const struct request *req, struct reply *reply)
{
	const char *since = request_param(req, "since"), *only = request_param(req, "only");
	uint64_t generation = 0, serial = 0;
	struct report_state state;
	enum report_result result;

	/* A browser that comes back says it in a header, and asks for what it asked for first. */
	if (req->last_event_id[0] != '\0')
		since = req->last_event_id;
	if (since != NULL && !parse_state_name(since, &generation, &serial)) {
		reply_problem(reply, 400, "since, Last-Event-ID: found \"%.60s\", expected GENERATION:SERIAL, as an event's id "
		    "names it", since);
		return;
	}
	if (only != NULL && strcmp(only, "changes") != 0) {
		reply_value(reply, req, "only", "changes, or nothing for all");
		return;
	}
	result = report_state(web->report, &state);
	if (result != REPORT_OK) {
		reply_report(reply, result);
		return;
	}
	reply->stream = stream_open(&web->streams, web->report, &state, since != NULL && generation == 0 ? UINT64_MAX : generation,
	    serial, only != NULL, clock_ms());
	if (reply->stream == NULL) {
		reply_problem(reply, 503, "%d streams are open already: ask again", STREAMS_MAX);
		reply->retry_after_s = 10;
		return;
	}
	reply->status = 200;
	reply->kind = BODY_STREAM;
	reply->media_type = "text/event-stream";
	reply->cache_control = "no-store";
}
