/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain_say.c - the story of one sender, for a person who must agree or disagree.
 *
 * Who it is and what that means; the ladder it climbed or did not; what it did, in
 * order, with what each step weighed and why; what would change the judgement.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "explain.h"
#include "mxtrap/event.h"
#include "mxtrap/export.h"

#define SHOWN_ENDS 20			/* a longer story is shortened in the middle */
#define INDENT	   14			/* under what follows the time of day */
#define MOST_SETS  8			/* ladders that are drawn */

/* As it is printed, with one decimal. */
static bool
weighs(float points)
{
	return points >= 0.05f || points <= -0.05f;
}

static void
say_head(const struct story *s)
{
	static const char *const means[] = {
		[STATE_UNKNOWN] = "what weighs for it or against it is too little for any other state.",
		[STATE_NOTICED] = "it looks odd, but nobody proved that it was really there.  Shown, never blocked.",
		[STATE_CLEARED] = "it behaves as a mail server does.",
		[STATE_SUSPECT] = ("it behaves as spammers do, but not often enough to block.  Watched, and exported only\n"
		    "where a consumer asks for suspects (include=suspects)."),
		[STATE_LISTED] = "consumers of the list block it.",
		[STATE_ALLOWED] = "the operator said never to list it.",
	};
	const struct report_entry *e = &s->entry;
	const struct cli *cli = s->cli;
	double upper = judge_upper(&cli->config.judge);
	char what[PREFIX_TEXT_SIZE], first[40], last[40], reasons[260], note[1030];
	unsigned state = e->state < STATE_N ? e->state : STATE_UNKNOWN;
	bool nothing = state == STATE_UNKNOWN && !weighs(e->score) && !weighs(e->hint);

	printf("%s%s%s is %s%s%s", cli_bold(cli), explain_name(&e->what, what), cli_plain(cli),
	    cli_state_colour(cli, (enum sender_state)state), state_name((enum sender_state)state), cli_plain(cli));
	if (e->klass == CLASS_SCANNER)
		printf(" (a scanner: it came to an address that no MX record names)");
	else if (e->klass == CLASS_PROBER)
		printf(" (a prober: it looks whether our exchangers answer, and sends no mail)");
	printf(": %s\n\n", nothing ? "nothing weighs for it or against it." : means[state]);
	printf("  score  %5.1f   from what is proven: suspect from %.1f, listed from %.1f, cleared at %.1f\n",
	    (double)e->score, upper / 2, upper, judge_lower(&cli->config.judge));
	printf("  hint   %5.1f   from all that was seen, which can be forged: noticed from %.1f, never blocks\n",
	    (double)e->hint, upper / 2);
	printf("  for    %s\n", e->kinds != 0 ? cli_reasons(e->kinds, ", ", reasons, sizeof(reasons)) : "no evidence");
	printf("  seen   %s to %s\n", cli_time(e->first_seen_s, first), cli_time(e->last_seen_s, last));
	if (e->state == STATE_LISTED)
		printf("  listed since %s%s\n", cli_time(e->since_s, first), e->relapses != 0 ? ", and not for the first time" : "");
	if (s->by_hand)
		printf("  listed by hand by %s%s%s, until %s\n", cli_escape(s->hand_who, reasons, sizeof(reasons)),
		    s->hand_note[0] != '\0' ? ": " : "", cli_escape(s->hand_note, note, sizeof(note)),
		    cli_time(s->hand_expires_s, last));
}

/* -- the ladder -- */

static bool
touches(const struct story *s, const struct item *i, size_t set)
{
	const struct ladder *l = &s->cli->config.ladder;

	switch (i->kind) {
	case ITEM_ATTEMPT:
		return i->u.attempt.target < l->n_targets && l->targets[i->u.attempt.target].role != ROLE_CONTROL &&
		    l->targets[i->u.attempt.target].set == set;
	case ITEM_SAID:
		return s->saids[i->u.said].target < l->n_targets &&
		    l->targets[s->saids[i->u.said].target].role != ROLE_CONTROL &&
		    l->targets[s->saids[i->u.said].target].set == set;
	case ITEM_VISIT:
		return i->u.visit.set == set;
	case ITEM_EVIDENCE:
		return i->u.evidence.set == set && i->u.evidence.kind != EVIDENCE_SWEPT &&
		    i->u.evidence.kind != EVIDENCE_BY_HAND;
	case ITEM_CHANGE:
		break;
	}
	return false;
}

static const char *
rung_does(const struct exchanger *x)
{
	if (x->role == ROLE_REAL)
		return "takes the mail";
	if (x->role == ROLE_NOLISTING)
		return "decoy: refuses, and a mail server goes on to the next";
	switch ((enum answer)x->answer) {
	case ANSWER_NONE:
		return "decoy: refuses; a sender that follows MX order never has to use it";
	case ANSWER_RESET:
		return "decoy: takes a connection and resets it; a sender that follows MX order never has to use it";
	case ANSWER_DIALOGUE:
		return "decoy: talks, and puts all mail off; a sender that follows MX order never has to use it";
	}
	return "decoy";
}

static void
say_set(const struct mxset *set)
{
	char text[ADDR_TEXT_SIZE];

	printf("\nThe ladder of %s.  A mail server tries the exchangers of a domain in this order:\n", set->name);
	for (size_t j = 0; j < set->n_exchangers; j++) {
		const struct exchanger *x = &set->exchangers[j];

		printf("  %5u  %-9s  %s", x->preference, role_name((enum role)x->role), x->name);
		for (size_t k = 0; k < x->n_addrs && k < 4; k++)
			printf("%s%s", k == 0 ? " (" : ", ", addr_format(&x->addrs[k], text));
		printf("%s\n%*s%s\n", x->n_addrs > 4 ? ", ...)" : x->n_addrs > 0 ? ")" : "", 20, "", rung_does(x));
	}
}

static void
say_ladders(const struct story *s)
{
	const struct ladder *l = &s->cli->config.ladder;
	size_t said = 0;

	for (size_t i = 0; i < l->n_sets; i++) {
		size_t k = 0;

		while (k < s->n && !touches(s, &s->items[k], i))
			k++;
		/* With nothing kept, the only ladder still helps. */
		if (k == s->n && !(s->n == 0 && l->n_sets == 1))
			continue;
		if (said++ < MOST_SETS)
			say_set(&l->sets[i]);
	}
	if (said > MOST_SETS)
		printf("\n(and the ladders of %zu more sets)\n", said - MOST_SETS);
}

/* -- what happened -- */

static void
say_stamp(int64_t us)
{
	char whole[40];

	/* 2026-01-31 12:00:00: the day is told once. */
	printf("%.8s.%03d  ", cli_time(us / 1000000, whole) + 11, (int)(us / 1000 % 1000));
}

/* A day of its own line, when it is another than before. */
static void
say_day(int64_t us, char day[static 40])
{
	char now[40];

	cli_time(us / 1000000, now);
	if (strncmp(now, day, 10) == 0)
		return;
	(void)snprintf(day, 40, "%s", now);
	printf("\n%.10s (UTC%s)\n", now, strlen(now) > 20 ? now + 20 : "");
}

static void
say_attempt(const struct cli *cli, const struct report_attempt *a)
{
	static const char *const outcomes[] = {
		[OUTCOME_SILENT] = "no answer", [OUTCOME_REFUSED] = "refused",
		[OUTCOME_HALF] = "answered, but the handshake was not completed: nobody is proven",
		[OUTCOME_PROVEN] = "connected; the completed handshake proves its address",
		[OUTCOME_WITHDRAWN] = "answered, and it said that it had not asked: somebody forged its address",
	};
	const struct ladder *l = &cli->config.ladder;
	char src[ADDR_TEXT_SIZE], dst[ADDR_TEXT_SIZE], fp[FINGERPRINT_TEXT_SIZE * 4];
	const struct target *t = a->target < l->n_targets ? &l->targets[a->target] : NULL;

	say_stamp(a->time_us);
	if (t == NULL)
		printf("tries an address that is no longer configured");
	else if (t->role == ROLE_CONTROL)
		printf("tries %s, which no MX record names", cli_target(cli, a->target, dst));
	else
		printf("tries %u %s (%s)", l->sets[t->set].exchangers[t->exchanger].preference, role_name((enum role)t->role),
		    l->sets[t->set].exchangers[t->exchanger].name);
	printf(": %s\n%*s%sfrom %s port %u", a->outcome <= OUTCOME_WITHDRAWN ? outcomes[a->outcome] : "?", INDENT, "",
	    cli_dim(cli), addr_format(&a->src, src), a->sport);
	if (a->n_syns > 1)
		printf(", asked %u times", a->n_syns);
	if (a->rtt_us != 0)
		printf(", round trip %.*f ms", a->rtt_us < 1000 ? 3 : 1, (double)a->rtt_us / 1000);
	if (a->fingerprint[0] != '\0')
		printf(", stack %s", cli_escape(a->fingerprint, fp, sizeof(fp)));
	printf("%s\n", cli_plain(cli));
}

/* Its words are escaped already, where they were taken in; once more costs nothing. */
static void
say_said(const struct cli *cli, const struct report_said *s)
{
	char text[4 * sizeof(s->helo)], dst[ADDR_TEXT_SIZE];

	say_stamp(s->time_us);
	printf("says to %s:", cli_target(cli, s->target, dst));
	if ((s->said & SAID_TLS) != 0)
		printf(" (a TLS hello, which port 25 does not begin with: its visit counts nothing)");
	else if ((s->said & SAID_FOREIGN_PROTOCOL) != 0)
		printf(" (HTTP or another protocol that is not SMTP: its visit counts nothing)");
	else if ((s->said & SAID_EARLY) != 0)
		printf(" (before it was greeted)");
	if ((s->said & SAID_HELO) != 0)
		printf(" HELO %s%s", cli_escape(s->helo, text, sizeof(text)),
		    (s->said & SAID_BAD_HELO) != 0 ? ", which no mail server calls itself" : "");
	else if ((s->said & SAID_NO_HELO) != 0)
		printf(" no HELO");
	if ((s->said & SAID_RCPT) != 0)
		printf("%s mail for %s%s", (s->said & SAID_HELO) != 0 ? "," : "",
		    s->domain[0] != '\0' ? cli_escape(s->domain, text, sizeof(text)) : "a recipient without a domain",
		    (s->said & SAID_OURS) != 0 ? ", which is ours" :
		    (s->said & SAID_FOREIGN) != 0 ? ", which is not ours" : "");
	if ((s->said & SAID_ORDER) != 0)
		printf(", commands out of order");
	if ((s->said & SAID_UNKNOWN) != 0)
		printf(", an unknown command before HELO: its words count nothing");
	if ((s->said & (SAID_FOREIGN_PROTOCOL | SAID_EARLY | SAID_HELO | SAID_NO_HELO | SAID_RCPT | SAID_ORDER)) == 0)
		printf(" nothing");
	putchar('\n');
}

static void
say_route(const uint8_t *route, size_t n)
{
	for (size_t i = 0; i < n && i < 3; i++)
		printf("%s%s", i > 0 ? " > " : "", role_name((enum role)route[i]));
	if (n == 0)
		printf("nothing");
}

static void
say_visit(const struct cli *cli, const struct visit_row *v)
{
	const char *set = explain_set(cli, v->set);
	bool same = v->n_route == v->n_proven_route && memcmp(v->route, v->proven_route, v->n_route) == 0;

	say_stamp(v->end_us);
	printf("%sVISIT%s to %s: ", cli_bold(cli), cli_plain(cli), set != NULL ? set : "a set that is no longer configured");
	say_route(v->route, v->n_route);
	if (!same) {
		printf("; of that is proven or refused: ");
		say_route(v->proven_route, v->n_proven_route);
	}
	printf("  (%u attempt%s)\n", v->n_attempts, v->n_attempts == 1 ? "" : "s");
}

/* Where a sum stands between the marks that mean something. */
static void
say_sum(const struct cli *cli, double sum)
{
	double upper = judge_upper(&cli->config.judge);

	/* What is left of points taken back may be a little less than nothing. */
	printf("now %.1f of %.1f%s", sum > -0.05 && sum < 0 ? 0.0 : sum, upper,
	    sum >= upper ? " (enough to list)" : sum >= upper / 2 ? " (enough to suspect)" : "");
}

/* Why a piece that could weigh was only a hint. */
static const char *
why_hint(const struct evidence_row *e, const struct evidence_info *info)
{
	if (info->score == 0.0f)
		return "This kind is never more than a hint: forged packets could look the same.";
	if (e->grade < GRADE_PROVEN)
		return "Only a hint: no handshake was completed at the decoy, and a SYN alone can be forged.";
	return "Only a hint: not every rung was watched from the same place, so the order is not certain.";
}

static void
say_evidence(const struct cli *cli, const struct evidence_row *e)
{
	const struct evidence_info *info = e->kind < EVIDENCE_N_KINDS ? evidence_info((enum evidence_kind)e->kind) : NULL;

	say_stamp(e->time_us);
	printf("%sEVIDENCE %s%s ", cli_bold(cli), info != NULL ? info->name : "of a kind that this version does not know",
	    cli_plain(cli));
	if (e->revision)
		printf("is taken back: ");
	if (e->score != 0.0f) {
		printf("%+.1f to the score, ", (double)e->score);
		say_sum(cli, (double)e->score_sum);
	} else if (e->hint != 0.0f) {
		printf("%+.1f to the hint, now %.1f", (double)e->hint, (double)e->hint_sum);
	} else {
		printf("%s", e->excused != 0 && !e->revision ? "excused, no points" : "no points");
	}
	printf("  [%s]\n", grade_name((enum grade)e->grade));
	if (info != NULL && !e->revision)
		printf("%*sIt %s.\n", INDENT, "", info->says);
	if (info != NULL && e->excused == 0 && !e->revision && e->score == 0.0f && e->hint > 0.0f)
		printf("%*s%s\n", INDENT, "", why_hint(e, info));
	if (e->revision && e->excused == 0)
		printf("%*sIt is weighed again in the next line: more is known of that visit by now.\n", INDENT, "");
	for (unsigned i = 0; i < DOUBT_N; i++)
		if ((e->excused & 1U << i) != 0)
			printf("%*s%s because %s.\n", INDENT, "", e->revision ? "Taken back" : "Excused",
			    doubt_says((enum doubt)(1U << i)));
}

static void
say_change(const struct cli *cli, const struct report_change *c)
{
	static const char *const causes[] = {
		[CAUSE_EVIDENCE] = "by evidence", [CAUSE_RENEWED] = "by new evidence", [CAUSE_EXPIRED] = "its term is over",
		[CAUSE_DECAYED] = "the suspicion faded", [CAUSE_REVISED] = "evidence was taken back",
		[CAUSE_ALLOWED] = "allowed by the operator", [CAUSE_FORGOTTEN] = "forgotten by the operator",
		[CAUSE_PURGED] = "purged by the operator",
		[CAUSE_ADMIN] = "by hand", [CAUSE_ALLOW_ENDED] = "no longer on the never-list",
		[CAUSE_OURS] = "it is an address of ours",
	};
	const struct change_row *r = &c->row;
	char until[40], what[PREFIX_TEXT_SIZE];

	say_stamp(r->time_us);
	printf("%s%sLIST%s %s ", cli_bold(cli), cli_state_colour(cli, (enum sender_state)r->new_state), cli_plain(cli),
	    explain_name(&r->what, what));
	if (r->old_state == r->new_state)
		printf("stays %s", state_name((enum sender_state)r->new_state));
	else
		printf("was %s, is %s%s%s", state_name((enum sender_state)r->old_state), cli_bold(cli),
		    state_name((enum sender_state)r->new_state), cli_plain(cli));
	printf(": %s", r->cause < CAUSE_N ? causes[r->cause] : "?");
	if (r->expires_s != 0)
		printf("; until %s", cli_time(r->expires_s, until));
	printf("  [serial %" PRIu64 "]\n", c->serial);
}

static void
say_story(const struct story *s)
{
	char day[40] = "", at[40];

	printf("\nWhat happened:\n");
	for (size_t i = 0; i < s->n; i++) {
		const struct item *item = &s->items[i];

		if (s->n > 2 * SHOWN_ENDS + 5 && i == SHOWN_ENDS) {
			size_t skipped = s->n - 2 * SHOWN_ENDS;

			printf("%*s... %zu more; --json has them all ...\n", INDENT, "", skipped);
			i += skipped - 1;
			continue;
		}
		say_day(item->time_us, day);
		switch (item->kind) {
		case ITEM_ATTEMPT:
			say_attempt(s->cli, &item->u.attempt);
			break;
		case ITEM_SAID:
			say_said(s->cli, &s->saids[item->u.said]);
			break;
		case ITEM_VISIT:
			say_visit(s->cli, &item->u.visit);
			break;
		case ITEM_EVIDENCE:
			say_evidence(s->cli, &item->u.evidence);
			break;
		case ITEM_CHANGE:
			say_change(s->cli, &item->u.change);
			break;
		}
	}
	if (s->n == 0)
		puts("  Nothing was kept one by one: it was seen in a flood and only counted, or longer ago than is kept.");
	if (s->state.inputs_s != 0 && s->entry.first_seen_s < s->state.inputs_s)
		printf("  Inputs before %s are no longer kept: a replay of what came before them lacks what decoys and the MTA\n"
		    "  reported. The evidence above stands.\n", cli_time(s->state.inputs_s, at));
	if (s->cut)
		puts("  There were more attempts, newer ones, than are read.");
}

void
explain_say(const struct story *s)
{
	say_head(s);
	say_ladders(s);
	say_story(s);
	explain_end(s);
}
