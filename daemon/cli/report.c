/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.c - `mxtrap report`: what publishing would block, first those that may bring honest mail.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "mxtrap/export.h"
#include "mxtrap/json.h"
#include "mxtrap/status.h"

#define TERMINAL_ROWS 50		/* of each part, where a person reads along */

static const struct part {
	uint32_t state;
	bool	 with_real;		/* those that also came to the real MX */
	const char *head, *more;
} PARTS[] = {
	{ STATE_LISTED, true,
	    "LOOK AT THESE FIRST: listed, and they also completed sessions at the real MX,\nso they may bring honest mail.",
	    "list" },
	{ STATE_LISTED, false, "Listed, and they never completed a session at the real MX.", "list" },
	{ STATE_SUSPECT, true, "Suspects (not blocked yet) that also completed sessions at the real MX.", "list --suspects" },
	{ STATE_SUSPECT, false, "Suspects (not blocked yet) that never did.", "list --suspects" },
};
#define N_PARTS (sizeof(PARTS) / sizeof(PARTS[0]))

struct would_block {
	struct cli *cli;
	const struct part *part;	/* this pass */
	uint64_t n, limit;		/* limit: rows that are printed; 0: all */
	struct json *json;		/* NULL: a table */
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
	if (((e->kinds & REAL_KINDS) != 0 || completed) != w->part->with_real)
		return true;
	for (int kind = 0; kind < EVIDENCE_N_KINDS; kind++)
		w->kinds[kind] += (e->kinds & 1U << kind) != 0;
	w->n++;
	if (w->limit != 0 && w->n > w->limit)
		return true;		/* it is counted */
	if (w->json != NULL) {
		json_object(w->json, NULL);
		export_entry_members(w->json, e);
		json_bool(w->json, "reached_real", w->part->with_real);
		json_end(w->json);
		return !w->json->failed;
	}
	if (w->n == 1) {
		printf("\n%s\n", w->part->head);
		cli_table_head();
	}
	cli_table_row(w->cli, e);
	return !ferror(stdout);
}

/* What to do about it, and in which order. */
static void
advise(const struct cli *cli, const struct export_gate *gate, uint64_t with_real, uint64_t listed,
    const uint64_t kinds[static EVIDENCE_N_KINDS])
{
	unsigned step = 1;

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
		printf("%u. mxtrap explain ADDR, for those at the top: does your mail log know them?\n"
		    "   For those that you know: mxtrap allow ADDR.\n", step++);
	printf("%u. If many are wrong for one reason: mxtrap purge --evidence KIND --dry-run,\n"
	    "   or --exchanger HOST.\n", step++);
	if (!cli->config.publish)
		printf("%u. Nothing odd for a day or more?  Set publish = yes.\n", step);
	else if (gate->open)
		printf("%u. Nothing odd?  Then there is nothing to do: the list is published.\n", step);
	else
		printf("%u. Nothing odd?  publish = yes is set already; the list is not published yet because\n   of this: %s.\n",
		    step, gate->why);
}

/* One pass for each part; what it counted. */
static enum report_result
pass(struct would_block *w, const struct part *part, struct report_state *state)
{
	struct report_filter filter = { .klass = 0xff, .states = 1U << part->state };

	w->part = part;
	w->n = 0;
	return report_entries(w->cli->report, &filter, w->cli->now_s, state, would_block, w);
}

static int
print_table(struct cli *cli, uint64_t limit, struct report_state *state, const struct export_gate *gate)
{
	struct would_block w = { .cli = cli, .limit = limit };
	uint64_t n[N_PARTS] = { 0 }, kinds[EVIDENCE_N_KINDS] = { 0 };
	enum report_result result;

	if (gate->open)
		puts("The list is published: consumers that fetch it block those that are listed.");
	else
		printf("Nothing is blocked: %s.\nThis is what publishing would block now.\n", gate->why);
	for (size_t i = 0; i < N_PARTS; i++) {
		if (PARTS[i].state == STATE_SUSPECT && PARTS[i - 1].state == STATE_LISTED)
			memcpy(kinds, w.kinds, sizeof(kinds));
		result = pass(&w, &PARTS[i], state);
		if (result > REPORT_NONE)
			return cli_failed(cli, result);
		n[i] = w.n;
		if (limit != 0 && w.n > limit)
			printf("... and %" PRIu64 " more: mxtrap report --limit N shows N of each part; mxtrap %s, all\n",
			    w.n - limit, PARTS[i].more);
	}
	printf("\n%" PRIu64 " listed, %" PRIu64 " of them with sessions at the real MX; %" PRIu64 " suspects.\n"
	    "Suspects are exported only where a consumer asks for them (include=suspects).\n", n[0] + n[1], n[0], n[2] + n[3]);
	advise(cli, gate, n[0], n[0] + n[1], kinds);
	return CLI_DONE;
}

static int
print_json(struct cli *cli, uint64_t limit, struct report_state *state, const struct export_gate *gate)
{
	static const char *const names[] = { "listed_with_real", "listed_without_real", "suspects_with_real",
		"suspects_without_real" };
	struct json j;
	struct would_block w = { .cli = cli, .limit = limit, .json = &j };
	uint64_t n[N_PARTS] = { 0 }, kinds[EVIDENCE_N_KINDS] = { 0 };
	enum report_result result;

	cli_json_begin(&j, "report");
	json_string(&j, "unpublished", gate->open ? NULL : gate->why);
	json_array(&j, "entries");
	for (size_t i = 0; i < N_PARTS; i++) {
		if (PARTS[i].state == STATE_SUSPECT && PARTS[i - 1].state == STATE_LISTED)
			memcpy(kinds, w.kinds, sizeof(kinds));
		result = pass(&w, &PARTS[i], state);
		if (result > REPORT_NONE)
			return cli_failed(cli, result);
		n[i] = w.n;
	}
	json_end(&j);
	json_object(&j, "counts");
	for (size_t i = 0; i < N_PARTS; i++)
		json_uint(&j, names[i], n[i]);
	json_end(&j);
	json_object(&j, "listed_for");
	for (int kind = 0; kind < EVIDENCE_N_KINDS; kind++)
		if (kinds[kind] != 0)
			json_uint(&j, evidence_info((enum evidence_kind)kind)->name, kinds[kind]);
	json_end(&j);
	json_state(&j, state, cli->now_s);
	json_thresholds(&j, &cli->config);
	return cli_json_end(&j);
}

int
cli_report(struct cli *cli, int argc, char **argv)
{
	uint64_t limit = !cli->json && isatty(STDOUT_FILENO) ? TERMINAL_ROWS : 0;
	struct report_state state;
	struct export_gate gate;
	enum report_result result;
	int status;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--limit") != 0 || i + 1 == argc)
			return cli_usage_word("report", argv[i]);
		if (!cli_parse_count(argv[++i], UINT64_MAX, &limit))
			return cli_usage_value("report", "--limit", argv[i], "a number from 1");
	}
	if ((status = cli_open(cli)) != CLI_DONE)
		return status;
	result = report_state(cli->report, &state);
	if (result != REPORT_OK)
		return cli_failed(cli, result);
	(void)export_gate(&cli->config, cli->report, &state, cli->now_s, &gate);
	return cli->json ? print_json(cli, limit, &state, &gate) : print_table(cli, limit, &state, &gate);
}
