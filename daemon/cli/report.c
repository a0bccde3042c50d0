/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.c - `mxtrap report`: what publishing would block, first those that may bring honest mail.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cli.h"
#include "mxtrap/export.h"

struct would_block {
	struct cli *cli;
	uint64_t n;
	bool	 with_real;		/* this pass: those that also came to the real MX */
	bool	 headed;
	const char *head;
	uint64_t kinds[EVIDENCE_N_KINDS];	/* how many of them have each */
};

/* These kinds are earned by a session at the real MX. */
#define REAL_KINDS (1U << EVIDENCE_CLIMBED | 1U << EVIDENCE_DESCENDED)

static bool
would_block(void *ctx, const struct report_entry *e)
{
	struct would_block *w = ctx;
	bool completed = false;

	if ((e->kinds & REAL_KINDS) == 0)
		(void)report_completed(w->cli->report, e->key, &completed);
	if (((e->kinds & REAL_KINDS) != 0 || completed) != w->with_real)
		return true;
	for (int kind = 0; kind < EVIDENCE_N_KINDS; kind++)
		w->kinds[kind] += (e->kinds & 1U << kind) != 0;
	if (!w->headed) {
		printf("\n%s\n", w->head);
		cli_table_head();
		w->headed = true;
	}
	cli_table_row(w->cli, e);
	w->n++;
	return !ferror(stdout);
}

/* What to do about it, and in which order. */
static void
advise(uint64_t with_real, uint64_t listed, const uint64_t kinds[static EVIDENCE_N_KINDS])
{
	if (listed == 0) {
		puts("Nothing to decide.  mxtrap risk shows whose mail may not arrive for other reasons.");
		return;
	}
	fputs("Listed for:", stdout);
	for (int kind = 0; kind < EVIDENCE_N_KINDS; kind++)
		if (kinds[kind] != 0)
			printf(" %s (%" PRIu64 ")", evidence_info((enum evidence_kind)kind)->name, kinds[kind]);
	putchar('\n');
	if (with_real != 0)
		puts("1. mxtrap explain ADDR, for those at the top: does your mail log know them?  Whom you know: mxtrap allow ADDR.");
	printf("%s If many are wrong for one reason: mxtrap purge --evidence KIND --dry-run, or --exchanger HOST.\n",
	    with_real != 0 ? "2." : "1.");
	printf("%s Nothing odd for a day or more?  Set publish = yes.\n", with_real != 0 ? "3." : "2.");
}

int
cli_report(struct cli *cli, int argc, char **argv)
{
	static const struct { uint32_t states; bool with_real; const char *head; } passes[] = {
		{ 1U << STATE_LISTED, true,
		    "LOOK AT THESE FIRST: listed, and they also completed sessions at the real MX, so they may bring honest mail." },
		{ 1U << STATE_LISTED, false, "Listed, and they never completed a session at the real MX." },
		{ 1U << STATE_SUSPECT, true, "Suspects (not blocked yet) that also completed sessions at the real MX." },
		{ 1U << STATE_SUSPECT, false, "Suspects (not blocked yet) that never did." },
	};
	uint64_t n[sizeof(passes) / sizeof(passes[0])] = { 0 }, kinds[EVIDENCE_N_KINDS] = { 0 };
	struct report_filter filter = { .klass = 0xff };
	struct report_state state;
	struct export_gate gate;
	enum report_result result;
	int status;

	if (argc != 1)
		return cli_usage_word("report", argv[1]);
	if ((status = cli_open(cli)) != CLI_DONE)
		return status;
	result = report_state(cli->report, &state);
	if (result != REPORT_OK)
		return cli_failed(cli, result);
	if (export_gate(&cli->config, cli->report, &state, cli->now_s, &gate))
		puts("The list is published: who fetches it blocks those that are listed.");
	else
		printf("Nothing is blocked: %s.\nThis is what publishing would block now.\n", gate.why);
	for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++) {
		struct would_block w = { .cli = cli, .with_real = passes[i].with_real, .head = passes[i].head };

		filter.states = passes[i].states;
		result = report_entries(cli->report, &filter, cli->now_s, &state, would_block, &w);
		if (result > REPORT_NONE)
			return cli_failed(cli, result);
		n[i] = w.n;
		for (int kind = 0; kind < EVIDENCE_N_KINDS && passes[i].states == 1U << STATE_LISTED; kind++)
			kinds[kind] += w.kinds[kind];
	}
	printf("\n%" PRIu64 " listed, %" PRIu64 " of them with sessions at the real MX; %" PRIu64
	    " suspects, which are never exported.\n", n[0] + n[1], n[0], n[2] + n[3]);
	advise(n[0], n[0] + n[1], kinds);
	return CLI_DONE;
}
