/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * list.c - `mxtrap list`: senders by state, whether anything is published or not.
 *
 * Rows are written as they are read: a million senders need no more memory than one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "mxtrap/export.h"
#include "mxtrap/json.h"
#include "mxtrap/status.h"

#define PROGRESS_EVERY 65536

struct listing {
	struct cli *cli;
	enum cli_format format;
	struct json line;		/* a row in the making; owned */
	uint64_t    n;
	bool	    scanners, all;
};

static const struct {
	const char *option, *means;
	uint32_t states;
} WHICH[] = {
	{ "--listed", "listed", 1U << STATE_LISTED }, { "--suspects", "a suspect", 1U << STATE_SUSPECT },
	{ "--noticed", "noticed", 1U << STATE_NOTICED }, { "--cleared", "cleared", 1U << STATE_CLEARED },
	{ "--allowed", "allowed", 1U << STATE_ALLOWED }, { "--all", "known for any evidence", 0 },
};

void
cli_table_head(void)
{
	printf("%-24s %-8s %11s %5s  %-8s  %s\n", "SENDER", "STATE", "SCORE", "HINT", "EXPIRES", "REASONS");
}

void
cli_table_row(const struct cli *cli, const struct report_entry *e)
{
	char what[PREFIX_TEXT_SIZE], reasons[200], span[32];

	printf("%-24s %s%-8s%s %4.1f of %3.1f %5.1f  %-8s  %s%s\n", prefix_format(&e->what, what),
	    cli_state_colour(cli, (enum sender_state)e->state), state_name((enum sender_state)e->state), cli_plain(cli),
	    (double)e->score, judge_upper(&cli->config.judge), (double)e->hint,
	    e->expires_s != 0 ? cli_span(e->expires_s - cli->now_s, span) : "-",
	    e->kinds != 0 ? cli_reasons(e->kinds, " ", reasons, sizeof(reasons)) : "-",
	    e->klass == CLASS_SENDER ? "" : e->klass == CLASS_SCANNER ? " (scanner)" : " (prober)");
}

static bool
row(void *ctx, const struct report_entry *e)
{
	struct listing *l = ctx;
	char what[PREFIX_TEXT_SIZE], csv[EXPORT_CSV_SIZE];

	/* Anybody can send a SYN in another's name. */
	if (l->scanners && e->grade < GRADE_PROVEN)
		return true;
	/* All: whoever has evidence, and whoever is on the list without any. */
	if (l->all && e->kinds == 0 && e->state < STATE_SUSPECT)
		return true;
	switch (l->format) {
	case FORMAT_TABLE:
		if (l->n == 0)
			cli_table_head();
		cli_table_row(l->cli, e);
		break;
	case FORMAT_PLAIN:
		puts(prefix_format(&e->what, what));
		break;
	case FORMAT_NDJSON:
		json_clear(&l->line);
		export_entry_json(&l->line, e);
		json_line(&l->line);
		if (l->line.failed)
			return false;
		fwrite_unlocked(l->line.buf, 1, l->line.len, stdout);
		break;
	case FORMAT_CSV:
		fwrite_unlocked(csv, 1, export_entry_csv(e, csv), stdout);
		break;
	case FORMAT_JSON:
		json_object(&l->line, NULL);
		export_entry_members(&l->line, e);
		json_end(&l->line);
		break;
	}
	if (++l->n % PROGRESS_EVERY == 0)
		cli_progress(l->cli, l->n, "senders");
	return !ferror(stdout);
}

static bool
allow_json(void *ctx, const struct prefix *what, int64_t expires_s, const char *who, const char *note, int64_t added_s)
{
	struct json *j = &((struct listing *)ctx)->line;
	char text[PREFIX_TEXT_SIZE];

	json_object(j, NULL);
	json_string(j, "cidr", prefix_format(what, text));
	json_int(j, "since", added_s);
	if (expires_s != 0)
		json_int(j, "expires", expires_s);
	else
		json_null(j, "expires");
	json_string(j, "who", who);
	json_string(j, "note", note);
	json_end(j);
	return !j->failed;
}

static bool
allow_row(void *ctx, const struct prefix *what, int64_t expires_s, const char *who, const char *note, int64_t added_s)
{
	struct listing *l = ctx;
	char text[PREFIX_TEXT_SIZE], span[32], by[260], why[1030], when[40];

	if (l->n++ == 0)
		printf("\n%-30s %-9s %-25s %-12s %s\n", "ALLOWED BY HAND", "FOR", "SINCE", "BY", "NOTE");
	printf("%-30s %-9s %-25s %-12s %s\n", prefix_format(what, text),
	    expires_s != 0 ? cli_span(expires_s - l->cli->now_s, span) : "ever", cli_time(added_s, when),
	    cli_escape(who != NULL ? who : "", by, sizeof(by)), cli_escape(note != NULL ? note : "", why, sizeof(why)));
	return !ferror(stdout);
}

/* The options: what is asked for, by one filter.  CLI_DONE, or said what was wrong. */
static int
parse(int argc, char **argv, struct listing *l, struct report_filter *filter, const char **means)
{
	bool chosen = false;

	for (int i = 1; i < argc; i++) {
		size_t k = 0;

		switch (cli_format_word("list", &i, argc, argv, &l->format)) {
		case CLI_DONE: continue;
		case CLI_USAGE: return CLI_USAGE;
		default: break;
		}
		while (k < sizeof(WHICH) / sizeof(WHICH[0]) && strcmp(WHICH[k].option, argv[i]) != 0)
			k++;
		l->scanners = strcmp(argv[i], "--scanners") == 0;
		if (k == sizeof(WHICH) / sizeof(WHICH[0]) && !l->scanners)
			return cli_usage_word("list", argv[i]);
		if (chosen)
			return cli_usage("list", "found two states, expected one");
		chosen = true;
		filter->states = l->scanners ? 0 : WHICH[k].states;
		filter->klass = l->scanners ? CLASS_SCANNER : 0xff;
		*means = l->scanners ? "a scanner whose address is proven" : WHICH[k].means;
	}
	l->all = filter->states == 0 && !l->scanners;
	return CLI_DONE;
}

/* What follows the rows. */
static enum report_result
finish(struct listing *l, const struct report_filter *filter, const struct report_state *state, const char *means)
{
	bool allowed = filter->states == 1U << STATE_ALLOWED;
	enum report_result result = REPORT_OK;

	switch (l->format) {
	case FORMAT_TABLE:
		if (l->n == 0 && allowed)
			printf("Of the senders that came none is allowed.\n");
		else if (l->n == 0)
			printf("No sender is %s.%s\n", means, l->all ? "" : "  mxtrap list --all shows each that has any evidence.");
		l->n = 0;
		if (allowed)
			result = report_allows(l->cli->report, l->cli->now_s, allow_row, l);
		break;
	case FORMAT_NDJSON:
		json_clear(&l->line);
		export_metadata_json(&l->line, state, l->n, "");
		json_line(&l->line);
		if (!l->line.failed)
			fwrite(l->line.buf, 1, l->line.len, stdout);
		break;
	case FORMAT_JSON:
		json_end(&l->line);
		if (allowed) {
			json_array(&l->line, "allowed_by");
			result = report_allows(l->cli->report, l->cli->now_s, allow_json, l);
			json_end(&l->line);
		}
		json_state(&l->line, state, l->cli->now_s);
		json_thresholds(&l->line, &l->cli->config);
		(void)cli_json_end(&l->line);
		break;
	case FORMAT_PLAIN:
	case FORMAT_CSV:
		break;
	}
	return result;
}

int
cli_list(struct cli *cli, int argc, char **argv)
{
	struct listing l = { .cli = cli, .format = cli->json ? FORMAT_JSON : FORMAT_TABLE };
	struct report_filter filter = { .states = 1U << STATE_LISTED, .klass = 0xff };
	struct report_state state = { .serial = 0 };
	const char *means = "listed";
	enum report_result result;
	int status = parse(argc, argv, &l, &filter, &means);

	if (status != CLI_DONE || (status = cli_open(cli)) != CLI_DONE)
		return status;
	if (l.format == FORMAT_JSON) {
		cli_json_begin(&l.line, "list");
		json_array(&l.line, "entries");
	} else {
		json_to_buffer(&l.line);
	}
	if (l.format == FORMAT_CSV)
		fputs(EXPORT_CSV_NAMES, stdout);
	result = report_entries(cli->report, &filter, cli->now_s, &state, row, &l);
	cli_progress(cli, 0, NULL);
	if (result <= REPORT_NONE)
		result = finish(&l, &filter, &state, means);
	status = l.line.failed ? CLI_UNREACHABLE : CLI_DONE;
	json_free(&l.line);
	return result > REPORT_NONE ? cli_failed(cli, result) : status;
}
