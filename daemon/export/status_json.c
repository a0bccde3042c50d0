/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status_json.c - what the database holds about the daemon as members of a JSON object: rungs, counters, notes,
 * consumers and tokens, spelled alike in the API and by --json.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/counter.h"
#include "mxtrap/export.h"
#include "mxtrap/json.h"
#include "mxtrap/status.h"

#define RUNGS_MAX    256		/* a page cannot show more; /api/v1/mx-sets has them all */
#define NOTES_MAX    100
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* "down" is watch's verdict; "unseen" only that nobody came, which is no fault by itself. */
const char *
health_name(const struct report_target *row)
{
	if (row->down)
		return "down";
	return row->last_s != 0 ? "up" : "unseen";
}

/* -- rungs -- */

struct rungs {
	struct json *json;
	struct report_target open;	/* the rung being written: names, and sums so far */
	size_t	 n;
	bool	 any;
};

static void
close_rung(struct rungs *r)
{
	const struct report_target *t = &r->open;
	struct json *json = r->json;

	if (!r->any)
		return;
	json_end(json);			/* addresses */
	json_string(json, "health", health_name(t));
	json_uint(json, "senders_now", t->senders_now);
	json_uint(json, "senders_today", t->senders_today);
	json_uint(json, "attempts_today", t->attempts_today);
	json_uint(json, "proven_today", t->proven_today);
	json_uint(json, "refused_today", t->refused_today);
	json_uint(json, "silent_today", t->silent_today);
	json_int(json, "last_attempt", t->last_s);
	json_end(json);
	r->any = false;
}

static bool
same_rung(const struct report_target *a, const struct report_target *b)
{
	return a->role == b->role && strcmp(a->set, b->set) == 0 && strcmp(a->exchanger, b->exchanger) == 0;
}

/* An exchanger's addresses follow each other.  Who came to two of one family counts twice. */
static bool
add_rung(void *ctx, const struct report_target *row)
{
	struct rungs *r = ctx;
	struct json *json = r->json;

	if (!r->any || !same_rung(&r->open, row)) {
		close_rung(r);
		if (r->n == RUNGS_MAX)
			return false;
		r->n++;
		r->any = true;
		r->open = *row;
		json_object(json, NULL);
		json_string(json, "mx_set", row->set[0] != '\0' ? row->set : NULL);
		json_string(json, "name", row->exchanger[0] != '\0' ? row->exchanger : NULL);
		json_uint(json, "preference", row->preference);
		json_string(json, "role", role_name((enum role)row->role));
		json_string(json, "answer", answer_name((enum answer)row->answer));
		json_array(json, "addresses");
	} else {
		r->open.down |= row->down;
		r->open.senders_now += row->senders_now;
		r->open.senders_today += row->senders_today;
		r->open.attempts_today += row->attempts_today;
		r->open.proven_today += row->proven_today;
		r->open.refused_today += row->refused_today;
		r->open.silent_today += row->silent_today;
		r->open.last_s = row->last_s > r->open.last_s ? row->last_s : r->open.last_s;
	}
	json_string(json, NULL, row->address);
	return true;
}

enum report_result
json_rungs(struct json *json, struct report *report, int64_t now_s)
{
	struct rungs *r = calloc(1, sizeof(*r));
	enum report_result result;

	if (r == NULL)
		return REPORT_ERROR;
	r->json = json;
	json_array(json, "rungs");
	result = report_targets(report, now_s, add_rung, r);
	close_rung(r);
	json_end(json);
	free(r);
	return result;
}

static bool
write_status(void *ctx, const char *name, const char *value)
{
	json_string(ctx, name, value);
	return true;
}

/* What a bound kept out, and what should not have happened. */
static bool
write_not_kept(void *ctx, const char *name, const char *value)
{
	static const struct counter frames = { .says = "frames not taken in, for this reason", .kind = COUNTER_BOUND };
	const struct counter *c = strncmp(name, "frames ", 7) == 0 ? &frames : counter_find(name);

	if (c == NULL || !counter_has_more(c, value))
		return true;
	json_object(ctx, NULL);
	json_string(ctx, "name", name);
	json_string(ctx, "says", c->says);
	json_string(ctx, "value", value);
	json_bool(ctx, "loss", c->kind != COUNTER_BOUND);
	json_end(ctx);
	return true;
}

static const struct { const char *name, *says; } notes[] = {
	[NOTE_START] = { "start", "watching began" },
	[NOTE_STOP] = { "stop", "watching ended" },
	[NOTE_REAL_DOWN] = { "real_down", "the real MX does not answer: no evidence counts meanwhile" },
	[NOTE_REAL_UP] = { "real_up", "the real MX answers again" },
	[NOTE_BLIND] = { "blind", "nothing could be seen for a while" },
	[NOTE_DROPS] = { "drops", "packets were lost before they could be looked at" },
	[NOTE_CLOCK_STEP] = { "clock_step", "the system's clock was moved" },
	[NOTE_DECOY_SILENT] = { "decoy_silent",
	    "a decoy that should refuse is silent: honest senders wait there for minutes" },
	[NOTE_DECOY_ANSWERS] = { "decoy_answers",
	    "a decoy that should refuse accepts connections: mail may be lost there" },
	[NOTE_DECOY_DEAD] = { "decoy_dead", "a decoy that should answer does not: nothing can be proven" },
	[NOTE_RELOAD] = { "reload", "the configuration was read again" },
	[NOTE_TABLE_FULL] = { "table_full", "the table of senders is full" },
	[NOTE_FLOOD] = { "flood", "a flood: attempts are counted, not stored one by one" },
	[NOTE_FLOOD_END] = { "flood_end", "the flood is over" },
	[NOTE_OVERFLOW] = { "overflow", "a decoy's queue of connections overflowed: no evidence counts for half an hour" },
	[NOTE_FOREIGN] = { "foreign",
	    "mail for somebody else's domain came to a decoy: somebody else's MX points at us, or a relay test" },
};

struct note_page {
	struct json	     *json;
	const struct config *config;
};

static bool
write_note(void *ctx, const struct note_row *row)
{
	struct note_page *page = ctx;
	const struct ladder *ladder = &page->config->ladder;
	bool known = row->kind < ARRAY_LEN(notes);
	char text[ADDR_TEXT_SIZE];

	json_object(page->json, NULL);
	json_real(page->json, "time", (double)row->time_us / 1e6, 3);
	json_string(page->json, "kind", known ? notes[row->kind].name : NULL);
	json_string(page->json, "says", known ? notes[row->kind].says : NULL);
	if (row->target < ladder->n_targets)
		json_string(page->json, "address", addr_format(&ladder->targets[row->target].addr, text));
	if (row->from_us != 0) {
		json_real(page->json, "from", (double)row->from_us / 1e6, 3);
		json_real(page->json, "to", (double)row->to_us / 1e6, 3);
	}
	json_end(page->json);
	return true;
}

enum report_result
json_status(struct json *json, struct report *report, const struct status *status, int64_t age_s)
{
	struct note_page page = { json, status->config };
	enum report_result result;

	json_state(json, &status->list, status->now_s);
	json_bool(json, "live", status->list.clock_s == 0);
	json_int(json, "status_age", age_s);
	json_publishing(json, status);
	json_health(json, status);
	json_says(json, status);
	json_thresholds(json, status->config);
	json_string(json, "list_on", grade_name((enum grade)status->config->judge.list_on));
	json_object(json, "counters");
	result = report_status(report, write_status, json);
	json_end(json);
	json_array(json, "not_kept");
	if (result <= REPORT_NONE)
		result = report_status(report, write_not_kept, json);
	json_end(json);
	json_array(json, "notes");
	if (result <= REPORT_NONE)
		result = report_notes(report, status->now_s - 86400, NOTES_MAX, write_note, &page);
	json_end(json);
	return result;
}

/* -- consumers and tokens -- */

/* What of the list it can have: nothing of what is not published, and not those who are held. */
static const char *
holds(const struct export_gate *gate, const struct report_state *state, const struct consumer_row *row)
{
	if (!gate->open || row->generation != state->generation || row->serial == 0 || row->serial > state->serial)
		return "nothing";
	return gate->publish.held || row->serial != state->serial ? "part" : "newest";
}

void
json_consumer(struct json *json, const struct export_gate *gate, const struct report_state *state, const struct consumer_row *row)
{
	json_object(json, NULL);
	json_string(json, "who", row->who);
	json_string(json, "what", row->what);
	json_string(json, "agent", row->agent);
	json_int(json, "first", row->first_s);
	json_int(json, "last", row->last_s);
	json_uint(json, "times", row->n);
	/* How far behind the list it is: null where that makes no sense, or it has nothing of this list. */
	if (row->generation == state->generation && row->serial != 0 && row->serial <= state->serial)
		json_uint(json, "behind", state->serial - row->serial);
	else
		json_null(json, "behind");
	json_string(json, "holds", holds(gate, state, row));
	json_end(json);
}

void
json_token(struct json *json, const struct report_token *token, int64_t used_s)
{
	json_object(json, NULL);
	json_string(json, "name", token->name);
	json_string(json, "scope", token->scope);
	json_int(json, "made", token->created_s);
	if (token->expires_s != 0)
		json_int(json, "ends", token->expires_s);
	else
		json_null(json, "ends");
	if (used_s > 0)
		json_int(json, "used", used_s);
	else if (used_s == 0)
		json_null(json, "used");
	json_end(json);
}

void
json_own(struct json *json, const struct config *config)
{
	json_array(json, "own");
	if (config->n_dnsbl != 0)
		json_string(json, NULL, "dnsbl");
	if (config->n_postfix != 0)
		json_string(json, NULL, "postfix");
	if (config->firewall)
		json_string(json, NULL, "firewall");
	json_end(json);
}

