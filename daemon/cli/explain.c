/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain.c - `mxtrap explain`: the story of one sender, for a person who must agree or disagree.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "mxtrap/export.h"
#include "mxtrap/json.h"

#define MOST_ROWS  20000	/* of one kind that are read */
#define SHOWN_ENDS 20		/* a longer story is shortened in the middle */

enum item_kind { ITEM_ATTEMPT, ITEM_VISIT, ITEM_EVIDENCE, ITEM_CHANGE };

struct item {
	int64_t time_us;
	enum item_kind kind;
	size_t order;			/* among equals: as the database told them */
	union {
		struct report_attempt attempt;
		struct visit_row visit;
		struct evidence_row evidence;
		struct report_change change;
	} u;
};

struct story {
	struct cli  *cli;
	struct item *items;		/* owned */
	size_t	     n, cap;
	bool	     failed;
};

static bool
add(struct story *s, const struct item *item)
{
	if (s->n == s->cap) {
		size_t cap = s->cap == 0 ? 64 : s->cap * 2;
		struct item *more = realloc(s->items, cap * sizeof(*more));

		if (more == NULL) {
			s->failed = true;
			return false;
		}
		s->items = more;
		s->cap = cap;
	}
	s->items[s->n] = *item;
	s->items[s->n].order = s->n;
	s->n++;
	return true;
}

static bool
add_attempt(void *ctx, const struct report_attempt *a)
{
	return add(ctx, &(struct item){ .time_us = a->time_us, .kind = ITEM_ATTEMPT, .u.attempt = *a });
}

/* A visit is told at its end. */
static bool
add_visit(void *ctx, const struct visit_row *v)
{
	return add(ctx, &(struct item){ .time_us = v->end_us, .kind = ITEM_VISIT, .u.visit = *v });
}

static bool
add_evidence(void *ctx, const struct evidence_row *e)
{
	return add(ctx, &(struct item){ .time_us = e->time_us, .kind = ITEM_EVIDENCE, .u.evidence = *e });
}

static bool
add_change(void *ctx, const struct report_change *c)
{
	return add(ctx, &(struct item){ .time_us = c->row.time_us, .kind = ITEM_CHANGE, .u.change = *c });
}

static int
by_time(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static const char *
set_name(const struct cli *cli, uint16_t set)
{
	return set < cli->config.ladder.n_sets ? cli->config.ladder.sets[set].name : "(a set no longer configured)";
}

static void
print_ladder(const struct cli *cli)
{
	const struct ladder *l = &cli->config.ladder;
	char text[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < l->n_sets; i++) {
		printf("\nThe ladder of %s (honest servers climb from the top line down):\n", l->sets[i].name);
		for (size_t j = 0; j < l->sets[i].n_exchangers; j++) {
			const struct exchanger *x = &l->sets[i].exchangers[j];

			printf("  %5u  %-24s %-10s %s", x->preference, x->name, role_name((enum role)x->role),
			    x->role == ROLE_REAL ? "takes mail" : x->answer == ANSWER_NONE ? "decoy, refuses" :
			    "decoy, takes a connection and resets it");
			for (size_t k = 0; k < x->n_addrs; k++)
				printf("%s%s", k == 0 ? "  " : " ", addr_format(&x->addrs[k], text));
			putchar('\n');
		}
	}
}

static const char *
stamp(int64_t us, char buf[static 48])
{
	char whole[40];

	(void)snprintf(buf, 48, "%.19s.%03d", cli_time(us / 1000000, whole), (int)(us / 1000 % 1000));
	return buf;
}

static void
print_attempt(const struct cli *cli, const struct report_attempt *a)
{
	static const char *const outcomes[] = {
		[OUTCOME_SILENT] = "no answer", [OUTCOME_REFUSED] = "refused",
		[OUTCOME_HALF] = "answered, but the handshake was never completed",
		[OUTCOME_PROVEN] = "connected: the handshake proves the address",
		[OUTCOME_WITHDRAWN] = "answered, and the address itself said it had not asked: forged",
	};
	const struct ladder *l = &cli->config.ladder;
	char src[ADDR_TEXT_SIZE], text[48], fp[FINGERPRINT_TEXT_SIZE * 4];

	printf("%s  tries ", stamp(a->time_us, text));
	if (a->target < l->n_targets && l->targets[a->target].role != ROLE_CONTROL) {
		const struct target *t = &l->targets[a->target];

		printf("%s (%s)", l->sets[t->set].exchangers[t->exchanger].name, role_name((enum role)t->role));
	} else {
		printf("%s", a->target < l->n_targets ? "a control address" : "an address no longer configured");
	}
	printf(": %s", a->outcome <= OUTCOME_WITHDRAWN ? outcomes[a->outcome] : "?");
	if (a->n_syns > 1)
		printf(", SYN sent %u times", a->n_syns);
	printf("\n%*s%sfrom %s port %u", 25, "", cli_dim(cli), addr_format(&a->src, src), a->sport);
	if (a->rtt_us != 0)
		printf(", round trip %.1f ms", (double)a->rtt_us / 1000);
	printf("%s%s%s\n", a->fingerprint[0] != '\0' ? ", stack " : "",
	    cli_escape(a->fingerprint, fp, sizeof(fp)), cli_plain(cli));
}

static void
print_route(const uint8_t *route, size_t n)
{
	for (size_t i = 0; i < n && i < 3; i++)
		printf("%s%s", i > 0 ? " > " : "", role_name((enum role)route[i]));
}

static void
print_visit(const struct cli *cli, const struct visit_row *v)
{
	char text[48];
	bool same = v->n_route == v->n_proven_route && memcmp(v->route, v->proven_route, v->n_route) == 0;

	printf("%s  %send of a visit%s to %s: ", stamp(v->end_us, text), cli_bold(cli), cli_plain(cli),
	    set_name(cli, v->set));
	print_route(v->route, v->n_route);
	if (!same) {
		printf("; proven: ");
		if (v->n_proven_route == 0)
			printf("nothing");
		print_route(v->proven_route, v->n_proven_route);
	}
	printf(" (%u attempt%s)\n", v->n_attempts, v->n_attempts == 1 ? "" : "s");
}

static void
print_evidence(const struct cli *cli, const struct evidence_row *e)
{
	const struct evidence_info *info = e->kind < EVIDENCE_N_KINDS ? evidence_info((enum evidence_kind)e->kind) : NULL;
	char text[48];

	printf("%s  %sEVIDENCE %s%s %s", stamp(e->time_us, text), cli_bold(cli), info != NULL ? info->name : "?",
	    cli_plain(cli), e->revision ? "is taken back: " : "");
	if (e->score != 0.0f)
		printf("%+.1f, score now %.1f", (double)e->score, (double)e->score_sum);
	else if (e->hint != 0.0f)
		printf("%+.1f hint only, hint now %.1f", (double)e->hint, (double)e->hint_sum);
	else
		printf("no points");
	printf("  [%s]\n", grade_name((enum grade)e->grade));
	if (info != NULL && !e->revision)
		printf("%*sIt %s.\n", 25, "", info->says);
	for (unsigned i = 0; i < DOUBT_N; i++)
		if ((e->excused & 1U << i) != 0)
			printf("%*s%s because %s.\n", 25, "", e->revision ? "Taken back" : "Excused",
			    doubt_says((enum doubt)(1U << i)));
}

static void
print_change(const struct cli *cli, const struct report_change *c)
{
	static const char *const causes[] = {
		[CAUSE_EVIDENCE] = "by evidence", [CAUSE_RENEWED] = "again, by new evidence", [CAUSE_EXPIRED] = "its term is over",
		[CAUSE_DECAYED] = "the suspicion faded", [CAUSE_REVISED] = "evidence was taken back",
		[CAUSE_ALLOWED] = "allowed by the operator", [CAUSE_FORGOTTEN] = "forgotten by the operator",
		[CAUSE_ADMIN] = "by hand", [CAUSE_ALLOW_ENDED] = "the allowance is over",
	};
	const struct change_row *r = &c->row;
	char text[48], until[40], what[PREFIX_TEXT_SIZE];

	printf("%s  %s%s", stamp(r->time_us, text), cli_bold(cli),
	    cli_state_colour(cli, (enum sender_state)r->new_state));
	printf("%s is now %s%s (was %s; %s)", prefix_format(&r->what, what), state_name((enum sender_state)r->new_state),
	    cli_plain(cli), state_name((enum sender_state)r->old_state),
	    r->cause <= CAUSE_ALLOW_ENDED ? causes[r->cause] : "?");
	if (r->expires_s != 0)
		printf(" until %s", cli_time(r->expires_s, until));
	printf("  [list serial %" PRIu64 "]\n", c->serial);
}

static void
print_item(const struct cli *cli, const struct item *i)
{
	switch (i->kind) {
	case ITEM_ATTEMPT:
		print_attempt(cli, &i->u.attempt);
		break;
	case ITEM_VISIT:
		print_visit(cli, &i->u.visit);
		break;
	case ITEM_EVIDENCE:
		print_evidence(cli, &i->u.evidence);
		break;
	case ITEM_CHANGE:
		print_change(cli, &i->u.change);
		break;
	}
}

static void
print_head(const struct cli *cli, const struct report_entry *e)
{
	static const char *const means[] = {
		[STATE_UNKNOWN] = "Nothing speaks for or against it.",
		[STATE_NOTICED] = "It looks odd, but nobody proved that it was really there: shown, never blocked.",
		[STATE_CLEARED] = "It behaves as a mail server does.",
		[STATE_SUSPECT] = "It behaves as spammers do, not often enough to block: watched, never exported.",
		[STATE_LISTED] = "Consumers of the list are told to block it.",
		[STATE_ALLOWED] = "The operator said never to list it.",
	};
	double upper = judge_upper(&cli->config.judge);
	char what[PREFIX_TEXT_SIZE], first[40], last[40], span[32], reasons[256];

	printf("%s%s%s is %s%s%s", cli_bold(cli), prefix_format(&e->what, what), cli_plain(cli),
	    cli_state_colour(cli, (enum sender_state)e->state), state_name((enum sender_state)e->state), cli_plain(cli));
	if (e->klass != CLASS_SENDER)
		printf(" (a %s)", class_name((enum sender_class)e->klass));
	printf(".  %s\n", means[e->state]);
	printf("  score  %6.1f   on what is proven; suspect from %.1f, listed from %.1f, cleared at %.1f\n",
	    (double)e->score, upper / 2, upper, judge_lower(&cli->config.judge));
	printf("  hint   %6.1f   on all that was seen, forgeable; noticed from %.1f\n", (double)e->hint, upper / 2);
	printf("  for    %s\n", e->kinds != 0 ? cli_reasons(e->kinds, ", ", reasons, sizeof(reasons)) : "no evidence");
	printf("  seen   %s to %s\n", cli_time(e->first_seen_s, first), cli_time(e->last_seen_s, last));
	if (e->expires_s > cli->now_s)
		printf("  until  %s (%s), unless it goes on; to let it pass: mxtrap allow %s\n", cli_time(e->expires_s, last),
		    cli_span(e->expires_s - cli->now_s, span), what);
}

static void
print_story(struct story *s)
{
	putchar('\n');
	for (size_t i = 0; i < s->n; i++) {
		if (s->n > 2 * SHOWN_ENDS + 5 && i == SHOWN_ENDS) {
			size_t skipped = s->n - 2 * SHOWN_ENDS;

			printf("%*s... %zu more; --json has all ...\n", 25, "", skipped);
			i += skipped;
		}
		print_item(s->cli, &s->items[i]);
	}
	if (s->n == 0)
		puts("Nothing was kept one by one: it was seen in a flood, and only counted, or longer ago than is kept.");
}

static void
json_item(struct json *j, const struct cli *cli, const struct item *i)
{
	char text[FINGERPRINT_TEXT_SIZE];

	json_object(j, NULL);
	json_real(j, "time", (double)i->time_us / 1e6, 6);
	switch (i->kind) {
	case ITEM_ATTEMPT: {
		static const char *const outcomes[] = { "silent", "refused", "half", "proven", "withdrawn" };
		const struct report_attempt *a = &i->u.attempt;
		bool known = a->target < cli->config.ladder.n_targets;

		json_string(j, "type", "attempt");
		json_string(j, "from", addr_format(&a->src, text));
		json_uint(j, "port", a->sport);
		json_string(j, "to", known ? addr_format(&cli->config.ladder.targets[a->target].addr, text) : NULL);
		json_string(j, "role", known ? role_name((enum role)cli->config.ladder.targets[a->target].role) : NULL);
		json_string(j, "outcome", a->outcome < 5 ? outcomes[a->outcome] : NULL);
		json_string(j, "grade", grade_name((enum grade)a->grade));
		json_uint(j, "syns", a->n_syns);
		json_string(j, "fingerprint", a->fingerprint);
		break;
	}
	case ITEM_VISIT:
		json_string(j, "type", "visit");
		json_string(j, "set", set_name(cli, i->u.visit.set));
		json_real(j, "start", (double)i->u.visit.start_us / 1e6, 6);
		json_array(j, "route");
		for (size_t k = 0; k < i->u.visit.n_route && k < 3; k++)
			json_string(j, NULL, role_name((enum role)i->u.visit.route[k]));
		json_end(j);
		json_array(j, "proven_route");
		for (size_t k = 0; k < i->u.visit.n_proven_route && k < 3; k++)
			json_string(j, NULL, role_name((enum role)i->u.visit.proven_route[k]));
		json_end(j);
		json_uint(j, "attempts", i->u.visit.n_attempts);
		break;
	case ITEM_EVIDENCE: {
		const struct evidence_row *e = &i->u.evidence;

		json_string(j, "type", "evidence");
		json_string(j, "kind", evidence_info((enum evidence_kind)(e->kind % EVIDENCE_N_KINDS))->name);
		json_string(j, "grade", grade_name((enum grade)e->grade));
		json_real(j, "score", (double)e->score, 3);
		json_real(j, "hint", (double)e->hint, 3);
		json_real(j, "score_sum", (double)e->score_sum, 3);
		json_real(j, "hint_sum", (double)e->hint_sum, 3);
		json_bool(j, "revision", e->revision != 0);
		json_array(j, "excused");
		for (unsigned k = 0; k < DOUBT_N; k++)
			if ((e->excused & 1U << k) != 0)
				json_string(j, NULL, doubt_name((enum doubt)(1U << k)));
		json_end(j);
		break;
	}
	case ITEM_CHANGE: {
		const struct change_row *r = &i->u.change.row;

		json_string(j, "type", "change");
		json_uint(j, "serial", i->u.change.serial);
		json_string(j, "what", prefix_format(&r->what, text));
		json_string(j, "from", state_name((enum sender_state)r->old_state));
		json_string(j, "to", state_name((enum sender_state)r->new_state));
		json_uint(j, "expires", r->expires_s);
		break;
	}
	}
	json_end(j);
}

static void
print_json(const struct story *s, const struct report_entry *e)
{
	struct json j;

	json_to_file(&j, stdout);
	json_object(&j, NULL);
	json_real(&j, "lists_at", judge_upper(&s->cli->config.judge), 3);
	json_real(&j, "suspects_at", judge_upper(&s->cli->config.judge) / 2, 3);
	json_real(&j, "clears_at", judge_lower(&s->cli->config.judge), 3);
	json_array(&j, "sender");
	export_entry_json(&j, e);
	json_end(&j);
	json_array(&j, "story");
	for (size_t i = 0; i < s->n; i++)
		json_item(&j, s->cli, &s->items[i]);
	json_end(&j);
	json_end(&j);
	json_line(&j);
}

int
cli_explain(struct cli *cli, int argc, char **argv)
{
	struct story s = { .cli = cli };
	struct report_entry entry;
	const char *word = NULL;
	struct prefix p;
	bool json = false;
	enum report_result result;
	sender_key key;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (word == NULL && argv[i][0] != '-')
			word = argv[i];
		else
			return cli_usage("explain", "expected one address");
	}
	if (word == NULL || !prefix_parse(&p, word) || !prefix_sender(&p, &key))
		return cli_usage("explain", "expected an IPv4 or IPv6 address (or an IPv6 /64)");
	result = report_sender(cli->report, &p.addr, cli->now_s, &entry);
	if (result == REPORT_NONE) {
		printf("%s has never come to a watched address, as far as is still known.\n", word);
		return CLI_NO;
	}
	if (result == REPORT_OK)
		result = report_attempts(cli->report, key, MOST_ROWS, add_attempt, &s);
	if (result <= REPORT_NONE)
		result = report_visits(cli->report, key, MOST_ROWS, add_visit, &s);
	if (result <= REPORT_NONE)
		result = report_evidence(cli->report, key, MOST_ROWS, add_evidence, &s);
	if (result <= REPORT_NONE)
		result = report_changes(cli->report, key, MOST_ROWS, add_change, &s);
	if (result > REPORT_NONE || s.failed) {
		free(s.items);
		return cli_failed(cli, result);
	}
	if (s.n != 0)
		qsort(s.items, s.n, sizeof(s.items[0]), by_time);
	if (json) {
		print_json(&s, &entry);
	} else {
		print_head(cli, &entry);
		print_ladder(cli);
		print_story(&s);
	}
	free(s.items);
	return CLI_DONE;
}
