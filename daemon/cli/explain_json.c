/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain_json.c - the story of one sender, all of it, for a program.
 */
#include <stdio.h>

#include "explain.h"
#include "mxtrap/said.h"
#include "mxtrap/export.h"
#include "mxtrap/json.h"
#include "mxtrap/visit.h"

static void
json_route(struct json *j, const char *name, const uint8_t *route, size_t n)
{
	json_array(j, name);
	for (size_t i = 0; i < n && i < 3; i++)
		json_string(j, NULL, role_name((enum role)route[i]));
	json_end(j);
}

void
cli_json_attempt(struct json *j, const struct cli *cli, const struct report_attempt *a)
{
	static const char *const outcomes[] = {
		[OUTCOME_SILENT] = "silent", [OUTCOME_REFUSED] = "refused", [OUTCOME_HALF] = "half",
		[OUTCOME_PROVEN] = "proven", [OUTCOME_WITHDRAWN] = "withdrawn",
	};
	const struct ladder *l = &cli->config.ladder;
	const struct target *t = a->target < l->n_targets ? &l->targets[a->target] : NULL;
	const struct mxset *set = t != NULL && t->role != ROLE_CONTROL ? &l->sets[t->set] : NULL;
	char text[ADDR_TEXT_SIZE];

	json_string(j, "from", addr_format(&a->src, text));
	json_uint(j, "port", a->sport);
	json_string(j, "to", t != NULL ? addr_format(&t->addr, text) : NULL);
	json_string(j, "role", t != NULL ? role_name((enum role)t->role) : NULL);
	json_string(j, "mx_set", set != NULL ? set->name : NULL);
	json_string(j, "exchanger", set != NULL ? set->exchangers[t->exchanger].name : NULL);
	json_string(j, "outcome", a->outcome <= OUTCOME_WITHDRAWN ? outcomes[a->outcome] : NULL);
	json_string(j, "grade", grade_name((enum grade)a->grade));
	json_uint(j, "syns", a->n_syns);
	if (a->rtt_us != 0)
		json_real(j, "rtt_ms", (double)a->rtt_us / 1e3, 3);
	json_string(j, "fingerprint", a->fingerprint[0] != '\0' ? a->fingerprint : NULL);
}

static void
json_said(struct json *j, const struct cli *cli, const struct report_said *s)
{
	char text[ADDR_TEXT_SIZE];

	json_string(j, "type", "said");
	json_string(j, "from", addr_format(&s->src, text));
	json_uint(j, "port", s->sport);
	json_string(j, "to", cli_target(cli, s->target, text));
	json_array(j, "said");
	for (unsigned i = 0; i < 16; i++)
		if ((s->said & 1U << i) != 0 && said_name((uint16_t)(1U << i)) != NULL)
			json_string(j, NULL, said_name((uint16_t)(1U << i)));
	json_end(j);
	json_string(j, "helo", (s->said & SAID_HELO) != 0 ? s->helo : NULL);
	json_string(j, "domain", (s->said & SAID_RCPT) != 0 ? s->domain : NULL);
}

static void
json_visit(struct json *j, const struct cli *cli, const struct visit_row *v)
{
	json_string(j, "type", "visit");
	json_string(j, "mx_set", explain_set(cli, v->set));
	json_real(j, "start", (double)v->start_us / 1e6, 6);
	json_real(j, "end", (double)v->end_us / 1e6, 6);
	json_route(j, "route", v->route, v->n_route);
	json_route(j, "proven_route", v->proven_route, v->n_proven_route);
	json_uint(j, "attempts", v->n_attempts);
	json_string(j, "class", class_name((enum sender_class)v->klass));
	json_bool(j, "reached_real", v->real_proven != 0);
}

static void
json_evidence(struct json *j, const struct cli *cli, const struct evidence_row *e)
{
	const struct evidence_info *info = e->kind < EVIDENCE_N_KINDS ? evidence_info((enum evidence_kind)e->kind) : NULL;
	char text[ADDR_TEXT_SIZE];

	json_string(j, "type", "evidence");
	json_string(j, "kind", info != NULL ? info->name : NULL);
	json_string(j, "says", info != NULL ? info->says : NULL);
	json_string(j, "grade", grade_name((enum grade)e->grade));
	json_string(j, "host", addr_format(&e->host, text));
	json_string(j, "mx_set", explain_set(cli, e->set));
	json_real(j, "score", (double)e->score, 3);
	json_real(j, "hint", (double)e->hint, 3);
	json_real(j, "score_sum", (double)e->score_sum, 3);
	json_real(j, "hint_sum", (double)e->hint_sum, 3);
	json_bool(j, "revision", e->revision != 0);
	json_array(j, "excused");
	for (unsigned k = 0; k < DOUBT_N; k++) {
		enum doubt doubt = (enum doubt)(1U << k);

		if ((e->excused & doubt) == 0)
			continue;
		json_object(j, NULL);
		json_string(j, "doubt", doubt_name(doubt));
		json_string(j, "says", doubt_says(doubt));
		json_end(j);
	}
	json_end(j);
}

static void
json_change(struct json *j, const struct report_change *c)
{
	static const char *const causes[] = {
		[CAUSE_EVIDENCE] = "evidence", [CAUSE_RENEWED] = "renewed", [CAUSE_EXPIRED] = "expired",
		[CAUSE_DECAYED] = "decayed", [CAUSE_REVISED] = "revised", [CAUSE_ALLOWED] = "allowed",
		[CAUSE_FORGOTTEN] = "forgotten", [CAUSE_ADMIN] = "admin", [CAUSE_ALLOW_ENDED] = "allow_ended",
		[CAUSE_PURGED] = "purged",
		[CAUSE_OURS] = "ours",
	};
	const struct change_row *r = &c->row;
	char text[PREFIX_TEXT_SIZE];

	json_string(j, "type", "change");
	json_uint(j, "serial", c->serial);
	json_string(j, "cidr", prefix_format(&r->what, text));
	json_string(j, "from", state_name((enum sender_state)r->old_state));
	json_string(j, "to", state_name((enum sender_state)r->new_state));
	json_string(j, "cause", r->cause < CAUSE_N ? causes[r->cause] : NULL);
	json_real(j, "score", (double)r->score, 3);
	if (r->expires_s != 0)
		json_uint(j, "expires", r->expires_s);
	else
		json_null(j, "expires");
}

static void
json_item(struct json *j, const struct story *s, const struct item *i)
{
	json_object(j, NULL);
	json_real(j, "time", (double)i->time_us / 1e6, 6);
	switch (i->kind) {
	case ITEM_ATTEMPT:
		json_string(j, "type", "attempt");
		cli_json_attempt(j, s->cli, &i->u.attempt);
		break;
	case ITEM_SAID:
		json_said(j, s->cli, &s->saids[i->u.said]);
		break;
	case ITEM_VISIT:
		json_visit(j, s->cli, &i->u.visit);
		break;
	case ITEM_EVIDENCE:
		json_evidence(j, s->cli, &i->u.evidence);
		break;
	case ITEM_CHANGE:
		json_change(j, &i->u.change);
		break;
	}
	json_end(j);
}

void
explain_json(const struct story *s)
{
	const struct judge_params *judge = &s->cli->config.judge;
	struct export_gate gate;
	bool open = export_gate(&s->cli->config, s->cli->report, &s->state, s->cli->now_s, &gate);
	struct json j;

	cli_json_begin(&j, "explain");
	json_object(&j, "sender");
	export_entry_members(&j, &s->entry);
	json_end(&j);
	json_object(&j, "thresholds");
	json_real(&j, "list", judge_upper(judge), 3);
	json_real(&j, "suspect", judge_upper(judge) / 2, 3);
	json_real(&j, "clear", judge_lower(judge), 3);
	json_end(&j);
	json_string(&j, "list_on", grade_name((enum grade)judge->list_on));
	json_int(&j, "now", s->cli->now_s);
	json_string(&j, "unpublished", open ? NULL : gate.why);
	if (s->by_hand) {
		json_object(&j, "by_hand");
		json_string(&j, "who", s->hand_who);
		json_string(&j, "note", s->hand_note);
		json_int(&j, "since", s->hand_at_s);
		json_int(&j, "expires", s->hand_expires_s);
		json_end(&j);
	}
	json_array(&j, "remembered");
	for (size_t i = 0; i < s->n_memories; i++) {
		int64_t until_s = s->memories[i].at_s + judge->order_memory_s;

		if (until_s <= s->cli->now_s)
			continue;
		json_object(&j, NULL);
		json_string(&j, "mx_set", explain_set(s->cli, s->memories[i].set));
		json_int(&j, "until", until_s);
		json_bool(&j, "supposed", s->memories[i].at_s - s->memories[i].lower_s > VISIT_REFRESH_S);
		json_end(&j);
	}
	json_end(&j);
	json_array(&j, "story");
	for (size_t i = 0; i < s->n; i++)
		json_item(&j, s, &s->items[i]);
	json_end(&j);
	json_bool(&j, "cut", s->cut);
	if (s->state.inputs_s != 0)
		json_int(&j, "inputs_since", s->state.inputs_s);
	(void)cli_json_end(&j);
}
