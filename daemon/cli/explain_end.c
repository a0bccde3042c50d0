/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain_end.c - the end of a sender's story: what would change the judgement, and when.
 */
#include <inttypes.h>
#include <stdio.h>

#include "explain.h"
#include "mxtrap/export.h"
#include "mxtrap/visit.h"

static void
say_allowance(const struct story *s)
{
	char what[PREFIX_TEXT_SIZE], at[40], until[40], who[260], note[1030];

	if (!s->allowed) {
		puts("  It is in the configuration's allow section, an address of ours, or of a special purpose.");
		return;
	}
	printf("  %s allowed %s on %s, %s%s", cli_escape(s->allow_who, who, sizeof(who)),
	    prefix_format(&s->allow, what), cli_time(s->allowed_at_s, at), s->allow_expires_s != 0 ? "until " : "for ever",
	    s->allow_expires_s != 0 ? cli_time(s->allow_expires_s, until) : "");
	if (s->allow_note[0] != '\0')
		printf(": %s", cli_escape(s->allow_note, note, sizeof(note)));
	printf("\n  mxtrap allow %s --remove    ends that\n", what);
}

static void
say_suspicion(const struct story *s)
{
	const struct judge_params *judge = &s->cli->config.judge;
	double upper = judge_upper(judge);
	char span[32];

	if ((double)s->entry.score >= upper)
		printf("  Its points are enough; it would be listed if mail addressed to us came with them.\n");
	else
		printf("  %.1f points more would list it%s.\n", upper - (double)s->entry.score,
		    judge->list_on >= GRADE_ADDRESSED ? ", if its mail is addressed to us" : "");
	printf("  Without new evidence the suspicion fades in %s.\n",
	    cli_span(judge_until(judge, s->entry.score, (float)(upper / 2)), span));
}

/* Until when an order is remembered, so that coming to the backup first is none.  Was anything said? */
static bool
say_memory(const struct story *s)
{
	const struct cli *cli = s->cli;
	bool any = false;

	for (size_t i = 0; i < s->n_memories; i++) {
		const struct report_memory *m = &s->memories[i];
		int64_t until_s = m->at_s + cli->config.judge.order_memory_s;
		const char *set = explain_set(cli, m->set);
		char until[40], at[40], span[32];

		if (until_s <= cli->now_s)
			continue;
		any = true;
		printf("  Until %s, for %s, it counts nothing\n    that it comes to the backup first%s%s:\n", cli_time(until_s, until),
		    cli_span(until_s - cli->now_s, span), cli->config.ladder.n_sets > 1 ? ", of " : "",
		    cli->config.ladder.n_sets > 1 ? set != NULL ? set : "a set that is no longer configured" : "");
		if (m->at_s - m->lower_s > VISIT_REFRESH_S)
			puts("    what it did before its last visit could not be seen, so it may have come to a lower rung first.");
		else
			printf("    it came to a lower rung at %s, and mail servers remember\n    for hours which exchanger answered.\n",
			    cli_time(m->lower_s, at));
	}
	return any;
}

void
explain_end(const struct story *s)
{
	const struct report_entry *e = &s->entry;
	const struct cli *cli = s->cli;
	char what[PREFIX_TEXT_SIZE], until[40], span[32];
	struct export_gate gate;

	(void)explain_name(&e->what, what);
	printf("\nWhat would change it:\n");
	switch ((enum sender_state)e->state) {
	case STATE_LISTED:
		if (!export_gate(&cli->config, cli->report, &s->state, cli->now_s, &gate))
			printf("  No consumer has it yet: %s.\n", gate.why);
		else if (!publish_claims(&gate.publish, e->since_s))
			puts("  No consumer has it yet: the list grew too fast; `mxtrap publish --accept` hands it on.");
		if (e->expires_s != 0)
			printf("  It leaves the list at %s, in %s, unless it does it again.\n", cli_time(e->expires_s, until),
			    cli_span(e->expires_s - cli->now_s, span));
		if ((e->kinds & 1U << EVIDENCE_BY_HAND) != 0)
			printf("  mxtrap block %s --remove   ends that it is listed by hand\n", what);
		break;
	case STATE_SUSPECT:
		say_suspicion(s);
		(void)say_memory(s);
		break;
	case STATE_NOTICED:
		printf("  Only a handshake completed at a decoy can make it a suspect%s.\n",
		    cli_any_answers(cli) ? "" : ", and here none answers (answer = \"none\")");
		(void)say_memory(s);
		break;
	case STATE_CLEARED:
		puts("  Its good behaviour fades, and what it does from now on weighs as it would for anybody.");
		(void)say_memory(s);
		break;
	case STATE_ALLOWED:
		say_allowance(s);
		return;
	case STATE_UNKNOWN:
	case STATE_N:
		puts(say_memory(s) ? "  Otherwise only what it does from now on." : "  Only what it does from now on.");
		break;
	}
	if (e->state == STATE_LISTED || e->state == STATE_SUSPECT || e->state == STATE_NOTICED) {
		printf("  mxtrap allow %s    lets it pass for good (--for 30d: for a while)\n", what);
		printf("  mxtrap forget %s   drops what weighs on it, and watches on\n", what);
	}
}
