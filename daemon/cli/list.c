/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * list.c - `mxtrap list`, `mxtrap export` and `mxtrap report`: senders by state.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "mxtrap/export.h"
#include "mxtrap/json.h"

enum format { FORMAT_TABLE, FORMAT_PLAIN, FORMAT_NDJSON, FORMAT_CSV };

struct listing {
	struct cli *cli;
	enum format format;
	uint64_t    n;
	bool	    scanners;
};

static const struct {
	const char *option;
	uint32_t states;
} WHICH[] = {
	{ "--listed", 1U << STATE_LISTED }, { "--suspects", 1U << STATE_SUSPECT }, { "--noticed", 1U << STATE_NOTICED },
	{ "--cleared", 1U << STATE_CLEARED }, { "--allowed", 1U << STATE_ALLOWED }, { "--all", 0 },
};

static void
table_row(struct listing *l, const struct report_entry *e)
{
	char what[PREFIX_TEXT_SIZE], reasons[200], span[32];
	const struct cli *cli = l->cli;

	if (l->n == 0)
		printf("%-22s %-8s %6s %6s  %-8s %s\n", "SENDER", "STATE", "SCORE", "HINT", "EXPIRES", "REASONS");
	printf("%-22s %s%-8s%s %6.1f %6.1f  %-8s %s%s\n", prefix_format(&e->what, what),
	    cli_state_colour(cli, (enum sender_state)e->state), state_name((enum sender_state)e->state), cli_plain(cli),
	    (double)e->score, (double)e->hint, e->expires_s != 0 ? cli_span(e->expires_s - cli->now_s, span) : "-",
	    cli_reasons(e->kinds, " ", reasons, sizeof(reasons)),
	    e->klass == CLASS_SENDER ? "" : e->klass == CLASS_SCANNER ? " (scanner)" : " (prober)");
}

static void
csv_row(const struct report_entry *e, bool first)
{
	char what[PREFIX_TEXT_SIZE], reasons[200];

	if (first)
		puts("cidr,state,score,hint,grade,class,reasons,first_seen,last_seen,since,expires");
	printf("%s,%s,%.2f,%.2f,%s,%s,%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n", prefix_format(&e->what, what),
	    state_name((enum sender_state)e->state), (double)e->score, (double)e->hint,
	    grade_name((enum grade)e->grade), class_name((enum sender_class)e->klass),
	    cli_reasons(e->kinds, " ", reasons, sizeof(reasons)), e->first_seen_s, e->last_seen_s, e->since_s, e->expires_s);
}

static bool
row(void *ctx, const struct report_entry *e)
{
	struct listing *l = ctx;
	char what[PREFIX_TEXT_SIZE];
	struct json j;

	if (l->scanners && e->klass != CLASS_SCANNER)
		return true;
	switch (l->format) {
	case FORMAT_TABLE:
		table_row(l, e);
		break;
	case FORMAT_PLAIN:
		puts(prefix_format(&e->what, what));
		break;
	case FORMAT_NDJSON:
		json_to_file(&j, stdout);
		export_entry_json(&j, e);
		json_line(&j);
		break;
	case FORMAT_CSV:
		csv_row(e, l->n == 0);
		break;
	}
	l->n++;
	return !ferror(stdout);
}

static void
finish(struct listing *l, const struct report_state *state, const char *which)
{
	struct json j;

	if (l->format == FORMAT_NDJSON) {
		json_to_file(&j, stdout);
		json_object(&j, NULL);
		json_string(&j, "type", "metadata");
		json_uint(&j, "serial", state->serial);
		json_uint(&j, "records", l->n);
		json_int(&j, "timestamp", l->cli->now_s);
		json_end(&j);
		json_line(&j);
	} else if (l->format == FORMAT_CSV && l->n == 0) {
		puts("cidr,state,score,hint,grade,class,reasons,first_seen,last_seen,since,expires");
	} else if (l->format == FORMAT_TABLE && l->n == 0) {
		printf("no sender is %s; mxtrap list --all shows each that has any evidence\n", which);
	}
}

static bool
parse_format(const char *name, enum format *out)
{
	static const char *const names[] = { "table", "plain", "ndjson", "csv" };

	for (unsigned i = 0; i < 4; i++) {
		if (strcmp(name, names[i]) == 0) {
			*out = (enum format)i;
			return true;
		}
	}
	return false;
}

int
cli_list(struct cli *cli, int argc, char **argv)
{
	struct listing l = { .cli = cli, .format = FORMAT_TABLE };
	struct report_filter filter = { .states = 1U << STATE_LISTED, .klass = 0xff };
	struct report_state state = { .serial = 0 };
	const char *which = "listed";
	enum report_result result;

	for (int i = 1; i < argc; i++) {
		size_t k = 0;

		if (strcmp(argv[i], "--format") == 0 && i + 1 < argc) {
			if (!parse_format(argv[++i], &l.format))
				return cli_usage("list", "--format: expected table, plain, ndjson or csv");
			continue;
		}
		if (strcmp(argv[i], "--scanners") == 0) {
			l.scanners = true;
			filter.states = 0;
			which = "a scanner";
			continue;
		}
		while (k < sizeof(WHICH) / sizeof(WHICH[0]) && strcmp(WHICH[k].option, argv[i]) != 0)
			k++;
		if (k == sizeof(WHICH) / sizeof(WHICH[0]))
			return cli_usage("list", "found a word that list does not know");
		filter.states = WHICH[k].states;
		which = strcmp(argv[i], "--all") == 0 ? "known with any evidence" : argv[i] + 2;
		filter.with_kinds_only = filter.states == 0;
	}
	result = report_entries(cli->report, &filter, cli->now_s, &state, row, &l);
	if (result > REPORT_NONE)
		return cli_failed(cli, result);
	(void)report_state(cli->report, &state);
	finish(&l, &state, which);
	return CLI_DONE;
}

int
cli_export(struct cli *cli, int argc, char **argv)
{
	const struct export_format *format = argc == 2 ? export_format_find(argv[1]) : NULL;
	struct export_summary summary;

	if (format == NULL)
		return cli_usage("export", argc == 2 ? "no such format: expected plain, ndjson, csv or nftables" :
		    "expected one format: plain, ndjson, csv or nftables");
	switch (export_write(stdout, format, cli->report, &cli->config, cli->now_s, &summary)) {
	case EXPORT_OK:
		return CLI_DONE;
	case EXPORT_UNPUBLISHED:
		fprintf(stderr, "mxtrap: %s (%" PRIu64 " entries held back; `mxtrap report` shows them)\n", summary.why,
		    summary.withheld);
		return CLI_DONE;
	case EXPORT_BUSY:
	case EXPORT_ERROR:
		break;
	}
	if (ferror(stdout))
		return CLI_NO;
	return cli_failed(cli, REPORT_ERROR);
}

struct would_block {
	struct cli *cli;
	uint64_t n, honest;
	bool	 with_real;		/* this pass: those that also came to the real MX */
	bool	 headed;
};

#define REAL_KINDS (1U << EVIDENCE_CLIMBED | 1U << EVIDENCE_REACHED_REAL | 1U << EVIDENCE_SKIPPED_NOLISTING | \
    1U << EVIDENCE_DESCENDED)

static bool
would_block(void *ctx, const struct report_entry *e)
{
	struct would_block *w = ctx;
	struct listing l = { .cli = w->cli, .n = 1 };

	if (((e->kinds & REAL_KINDS) != 0) != w->with_real)
		return true;
	if (!w->headed) {
		puts(w->with_real ? "Look at these first: they also came to the real MX, so they may bring honest mail." :
		    "These came to the decoys alone.");
		w->headed = true;
	}
	table_row(&l, e);
	w->n++;
	return !ferror(stdout);
}

int
cli_report(struct cli *cli, int argc, char **argv)
{
	struct report_filter filter = { .states = 1U << STATE_LISTED, .klass = 0xff };
	struct report_state state;
	char why[160];
	uint64_t n = 0;
	enum report_result result;

	(void)argv;
	if (argc != 1)
		return cli_usage("report", "report takes no words");
	result = report_state(cli->report, &state);
	if (result != REPORT_OK)
		return cli_failed(cli, result);
	if (export_gate(&cli->config, &state, cli->now_s, why))
		puts("The list is published: what follows is blocked by whoever fetches it.\n");
	else
		printf("Nothing is published: %s.\nPublishing now would block:\n\n", why);
	for (int pass = 0; pass < 2; pass++) {
		struct would_block w = { .cli = cli, .with_real = pass == 0 };

		result = report_entries(cli->report, &filter, cli->now_s, &state, would_block, &w);
		if (result > REPORT_NONE)
			return cli_failed(cli, result);
		n += w.n;
		if (w.headed)
			putchar('\n');
	}
	printf("%" PRIu64 " listed, %" PRIu64 " suspects (never exported).\n", n, state.n_suspect);
	return CLI_DONE;
}
