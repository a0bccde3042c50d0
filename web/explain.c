/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain.c - the whole story of one sender: what was seen, what it earned, and why.
 *
 * Every listing can be explained from what is stored: a stranger who reads this
 * answer has all that the judgement had.  Each part is bounded; `more` says when
 * there was more than asked for.
 */
#include <string.h>

#include "mxtrap/log.h"
#include "mxtrap/said.h"
#include "web_int.h"

#define STORY_DEFAULT 200
#define STORY_MAX     1000

struct story {
	struct json	     json;
	const struct config *config;
	const struct os_base *os;	/* NULL: no database of p0f's */
	size_t		     n, limit;
	bool		     more;
	char		     print[FINGERPRINT_TEXT_SIZE], looks_like[OS_TEXT_SIZE];	/* the last one: most are alike */
};

static const char *const outcomes[] = {
	[OUTCOME_SILENT] = "silent", [OUTCOME_REFUSED] = "refused", [OUTCOME_HALF] = "half",
	[OUTCOME_PROVEN] = "proven", [OUTCOME_WITHDRAWN] = "withdrawn",
};

static const struct { const char *name, *says; } causes[] = {
	[CAUSE_EVIDENCE] = { "evidence", "new evidence" },
	[CAUSE_RENEWED] = { "renewed", "new evidence while listed moved the expiry" },
	[CAUSE_EXPIRED] = { "expired", "the listing ran out" },
	[CAUSE_DECAYED] = { "decayed", "the score decayed" },
	[CAUSE_REVISED] = { "revised", "evidence was taken back" },
	[CAUSE_ALLOWED] = { "allowed", "an allow entry covers it" },
	[CAUSE_FORGOTTEN] = { "forgotten", "the operator had it forgotten" },
	[CAUSE_ADMIN] = { "admin", "the operator's own decision" },
	[CAUSE_PURGED] = { "purged", "the operator purged the evidence that it rested on" },
	[CAUSE_ALLOW_ENDED] = { "allow_ended", "no longer on the never-list" },
	[CAUSE_OURS] = { "ours", "an address of this host, its gateway or its resolver" },
};

const char *
outcome_name(uint8_t outcome)
{
	return outcome < ARRAY_LEN(outcomes) ? outcomes[outcome] : NULL;
}

const char *
cause_name(uint8_t cause)
{
	return cause < ARRAY_LEN(causes) ? causes[cause].name : NULL;
}

/* Times in the story are Unix seconds with their fraction: order within a second matters. */
static void
json_time(struct json *json, const char *name, int64_t time_us)
{
	json_real(json, name, (double)time_us / 1e6, 6);
}

static bool
story_room(struct story *story)
{
	if (story->n == story->limit) {
		story->more = true;
		return false;
	}
	story->n++;
	return true;
}

/* What an address of ours is, by its index. */
static void
json_where(struct story *story, uint32_t index)
{
	const struct ladder *ladder = &story->config->ladder;
	const struct target *target;
	char text[ADDR_TEXT_SIZE];

	if (index >= ladder->n_targets) {
		json_null(&story->json, "role");
		return;
	}
	target = &ladder->targets[index];
	json_string(&story->json, "role", role_name((enum role)target->role));
	json_string(&story->json, "address", addr_format(&target->addr, text));
	if (target->role != ROLE_CONTROL && target->set < ladder->n_sets) {
		const struct mxset *set = &ladder->sets[target->set];

		json_string(&story->json, "mx_set", set->name);
		if (target->exchanger < set->n_exchangers) {
			json_string(&story->json, "exchanger", set->exchangers[target->exchanger].name);
			json_uint(&story->json, "preference",
			    set->exchangers[target->exchanger].preference);
		}
	}
}

/* What the SYN looks like, by p0f's database.  NULL: unknown. */
static const char *
looks_like(struct story *story, const char *print)
{
	if (story->os == NULL || print[0] == '\0')
		return NULL;
	if (strcmp(story->print, print) != 0) {
		(void)snprintf(story->print, sizeof(story->print), "%s", print);
		(void)os_find(story->os, print, story->looks_like);
	}
	return story->looks_like[0] != '\0' ? story->looks_like : NULL;
}

static bool
story_attempt(void *ctx, const struct report_attempt *row)
{
	struct story *story = ctx;
	char text[ADDR_TEXT_SIZE];

	if (!story_room(story))
		return false;
	json_object(&story->json, NULL);
	json_time(&story->json, "time", row->time_us);
	json_string(&story->json, "from", addr_format(&row->src, text));
	json_uint(&story->json, "port", row->sport);
	json_where(story, row->target);
	json_string(&story->json, "grade", grade_name((enum grade)row->grade));
	json_string(&story->json, "outcome",
	    row->outcome < ARRAY_LEN(outcomes) ? outcomes[row->outcome] : NULL);
	json_uint(&story->json, "syns", row->n_syns);
	if (row->rtt_us != 0)
		json_real(&story->json, "rtt_ms", row->rtt_us / 1e3, 3);
	json_string(&story->json, "fingerprint", row->fingerprint[0] != '\0' ? row->fingerprint : NULL);
	json_string(&story->json, "os", looks_like(story, row->fingerprint));
	json_end(&story->json);
	return true;
}

static bool
story_said(void *ctx, const struct report_said *row)
{
	struct story *story = ctx;
	char text[ADDR_TEXT_SIZE];

	if (!story_room(story))
		return false;
	json_object(&story->json, NULL);
	json_time(&story->json, "time", row->time_us);
	json_string(&story->json, "from", addr_format(&row->src, text));
	json_uint(&story->json, "port", row->sport);
	json_where(story, row->target);
	json_array(&story->json, "said");
	for (unsigned i = 0; i < 16; i++)
		if ((row->said & 1U << i) != 0 && said_name((uint16_t)(1U << i)) != NULL)
			json_string(&story->json, NULL, said_name((uint16_t)(1U << i)));
	json_end(&story->json);
	json_string(&story->json, "helo", (row->said & SAID_HELO) != 0 ? row->helo : NULL);
	json_string(&story->json, "domain", (row->said & SAID_RCPT) != 0 ? row->domain : NULL);
	json_end(&story->json);
	return true;
}

static void
json_route(struct json *json, const char *name, const uint8_t *route_of, size_t n)
{
	json_array(json, name);
	for (size_t i = 0; i < n && i < 3; i++)
		json_string(json, NULL, role_name((enum role)route_of[i]));
	json_end(json);
}

static const char *
set_name(const struct story *story, uint16_t set)
{
	const struct ladder *ladder = &story->config->ladder;

	return set < ladder->n_sets ? ladder->sets[set].name : NULL;
}

static bool
story_visit(void *ctx, const struct visit_row *row)
{
	struct story *story = ctx;

	if (!story_room(story))
		return false;
	json_object(&story->json, NULL);
	json_time(&story->json, "start", row->start_us);
	json_time(&story->json, "end", row->end_us);
	json_string(&story->json, "mx_set", set_name(story, row->set));
	json_uint(&story->json, "attempts", row->n_attempts);
	json_route(&story->json, "route", row->route, row->n_route);
	json_route(&story->json, "proven_route", row->proven_route, row->n_proven_route);
	json_string(&story->json, "class", class_name((enum sender_class)row->klass));
	json_bool(&story->json, "reached_real", row->real_proven != 0);
	json_end(&story->json);
	return true;
}

static bool
story_evidence(void *ctx, const struct evidence_row *row)
{
	struct story *story = ctx;
	struct json *json = &story->json;
	const struct evidence_info *info;
	char text[ADDR_TEXT_SIZE];

	if (!story_room(story))
		return false;
	info = row->kind < EVIDENCE_N_KINDS ? evidence_info((enum evidence_kind)row->kind) : NULL;
	json_object(json, NULL);
	json_time(json, "time", row->time_us);
	json_string(json, "kind", info != NULL ? info->name : NULL);
	json_string(json, "says", info != NULL ? info->says : NULL);
	json_string(json, "host", addr_format(&row->host, text));
	json_string(json, "mx_set", set_name(story, row->set));
	json_string(json, "grade", grade_name((enum grade)row->grade));
	json_real(json, "score", (double)row->score, 2);
	json_real(json, "hint", (double)row->hint, 2);
	json_real(json, "score_sum", (double)row->score_sum, 2);
	json_real(json, "hint_sum", (double)row->hint_sum, 2);
	json_bool(json, "revision", row->revision != 0);
	json_array(json, "doubts");
	for (int i = 0; i < DOUBT_N; i++) {
		if ((row->excused & 1U << i) == 0)
			continue;
		json_object(json, NULL);
		json_string(json, "name", doubt_name((enum doubt)(1U << i)));
		json_string(json, "says", doubt_says((enum doubt)(1U << i)));
		json_end(json);
	}
	json_end(json);
	json_end(json);
	return true;
}

static bool
story_change(void *ctx, const struct report_change *change)
{
	struct story *story = ctx;
	const struct change_row *row = &change->row;
	bool known = row->cause < ARRAY_LEN(causes);
	char text[PREFIX_TEXT_SIZE];

	if (!story_room(story))
		return false;
	json_object(&story->json, NULL);
	json_time(&story->json, "time", row->time_us);
	json_uint(&story->json, "serial", change->serial);
	json_string(&story->json, "cidr", prefix_format(&row->what, text));
	json_string(&story->json, "from", state_name((enum sender_state)row->old_state));
	json_string(&story->json, "to", state_name((enum sender_state)row->new_state));
	json_string(&story->json, "cause", known ? causes[row->cause].name : NULL);
	json_string(&story->json, "says", known ? causes[row->cause].says : NULL);
	json_real(&story->json, "score", (double)row->score, 2);
	json_real(&story->json, "hint", (double)row->hint, 2);
	json_int(&story->json, "expires", row->expires_s);
	json_end(&story->json);
	return true;
}

struct allow_search {
	struct json  *json;
	struct prefix sender;
};

static bool
story_allow(void *ctx, const struct prefix *what, int64_t expires_s, const char *who,
    const char *note, int64_t added_s)
{
	struct allow_search *search = ctx;
	char text[PREFIX_TEXT_SIZE];

	if (!prefix_overlaps(what, &search->sender))
		return true;
	json_object(search->json, NULL);
	json_string(search->json, "cidr", prefix_format(what, text));
	json_int(search->json, "since", added_s);
	json_int(search->json, "expires", expires_s);
	json_string(search->json, "who", who);
	json_string(search->json, "note", note);
	json_end(search->json);
	return true;
}

/* The array around one part; REPORT_NONE only means that it is empty. */
static void
begin(struct story *story, const char *name)
{
	json_array(&story->json, name);
	story->n = 0;
}

static bool
finish(struct story *story, enum report_result result, struct reply *reply)
{
	if (result != REPORT_OK && result != REPORT_NONE) {
		json_free(&story->json);
		reply_report(reply, result);
		return false;
	}
	json_end(&story->json);
	return true;
}

static void
tell(struct web *web, const struct request *req, const struct report_entry *entry,
    struct story *story, struct reply *reply)
{
	struct allow_search allow = { &story->json, entry->what };
	struct report_state state;
	sender_key key = entry->key;
	size_t rows = story->limit + 1;

	begin(story, "entries");
	export_entry_json(&story->json, entry);
	json_end(&story->json);
	begin(story, "attempts");
	if (!finish(story, report_attempts(web->report, key, rows, story_attempt, story), reply))
		return;
	begin(story, "said");
	if (!finish(story, report_saids(web->report, key, story_said, story), reply))
		return;
	begin(story, "visits");
	if (!finish(story, report_visits(web->report, key, rows, story_visit, story), reply))
		return;
	begin(story, "evidence");
	if (!finish(story, report_evidence(web->report, key, rows, story_evidence, story), reply))
		return;
	begin(story, "changes");
	if (!finish(story, report_changes(web->report, key, rows, story_change, story), reply))
		return;
	begin(story, "allowed_by");
	if (!finish(story, report_allows(web->report, req->now_s, story_allow, &allow), reply))
		return;
	begin(story, "listed_by_hand");
	if ((entry->kinds & 1U << EVIDENCE_BY_HAND) != 0 && entry->state == STATE_LISTED &&
	    report_hands(web->report, req->now_s, story_allow, &allow) > REPORT_NONE)
		log_debug("who listed it by hand cannot be read");
	json_end(&story->json);
	json_bool(&story->json, "more", story->more);
	if (report_state(web->report, &state) == REPORT_OK)
		json_state(&story->json, &state, 0);
	json_thresholds(&story->json, web->config);
	json_end(&story->json);
	reply_json(reply, &story->json, 200);
}

void
handle_sender(struct web *web, const struct request *req, struct reply *reply)
{
	struct story story = { .config = web->config };
	struct report_entry entry;
	enum report_result result;
	uint64_t limit = STORY_DEFAULT;
	struct addr addr;

	if (!request_sender(req->arg, &addr)) {
		reply_problem(reply, 400, "found \"%.80s\", expected an address, an IPv4 /32, or an IPv6 /64 (host bits zero) "
		    "to /128", req->arg);
		return;
	}
	if (!request_number(req, "limit", STORY_MAX, &limit) || limit == 0) {
		reply_value(reply, req, "limit", "1 to %d", STORY_MAX);
		return;
	}
	story.limit = (size_t)limit;
	result = report_sender(web->report, &addr, req->now_s, &entry);
	if (result == REPORT_NONE) {
		reply_problem(reply, 404, "nothing was ever seen from %.80s", req->arg);
		return;
	}
	if (result != REPORT_OK) {
		reply_report(reply, result);
		return;
	}
	os_look(&web->os, web->config->p0f_database);
	story.os = web->os.base;
	json_to_buffer(&story.json);
	json_object(&story.json, NULL);
	tell(web, req, &entry, &story, reply);
}
