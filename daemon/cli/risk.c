/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * risk.c - `mxtrap risk`: whose mail may not have arrived, most like a mail server first.
 *
 * Each row says why it stands there, and gives the command that allows it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "mxtrap/export.h"
#include "mxtrap/json.h"
#include "mxtrap/risk.h"

struct risks {
	struct cli *cli;
	enum cli_format format;
	size_t	    limit;
	struct json line;		/* owned */
	uint64_t    n;
};

static const char *
roles(uint8_t mask, const char *between, char buf[static 64])
{
	size_t n = 0;

	buf[0] = '\0';
	for (int role = ROLE_NOLISTING; role <= ROLE_BOGUS && n < 64; role++)
		if ((mask & 1U << role) != 0)
			n += (size_t)snprintf(buf + n, 64 - n, "%s%s", n > 0 ? between : "", role_name((enum role)role));
	return buf;
}

static void
print_row(const struct risks *r, const struct report_risk *x)
{
	char what[PREFIX_TEXT_SIZE], last[32], tried[64], failed[64], shortest[32], longest[32], allow[EXPORT_ALLOW_SIZE];
	const struct cli *cli = r->cli;

	if (r->n == 0)
		printf("%-24s %-8s %8s %6s  %-9s  %s\n", "SENDER", "STATE", "LIKENESS", "VISITS", "LAST", "TRIED");
	printf("%s%-24s%s %s%-8s%s %8.1f %6" PRIu32 "  %-9s  %s; no connection at %s\n", cli_bold(cli),
	    prefix_format(&x->entry.what, what), cli_plain(cli), cli_state_colour(cli, (enum sender_state)x->entry.state),
	    state_name((enum sender_state)x->entry.state), cli_plain(cli), (double)x->likeness, x->n_visits,
	    cli_span(cli->now_s - x->entry.last_seen_s, last), roles(x->tried, " ", tried), roles(x->failed, " ", failed));
	for (enum risk_reason i = 0; i < RISK_N; i++) {
		if ((x->why & 1U << i) == 0)
			continue;
		printf("    %+4.1f %s", (double)risk_points(i), risk_says(i));
		if (i == RISK_QUEUE_SPACING)
			printf(" (%s to %s apart)", cli_span(x->shortest_s, shortest), cli_span(x->longest_s, longest));
		putchar('\n');
	}
	printf("    %s\n", export_risk_allow(x, allow));
}

static void
print_csv(const struct report_risk *x)
{
	char what[PREFIX_TEXT_SIZE], tried[64], failed[64];
	bool any = false;

	/* No field holds a comma, a quote, or anything that a stranger chose. */
	printf("%s,%s,%.1f,", prefix_format(&x->entry.what, what), state_name((enum sender_state)x->entry.state),
	    (double)x->likeness);
	for (enum risk_reason i = 0; i < RISK_N; i++) {
		if ((x->why & 1U << i) == 0)
			continue;
		printf("%s%s", any ? " " : "", risk_name(i));
		any = true;
	}
	printf(",%s,%s,%" PRIu32 ",%" PRIu32 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n", roles(x->tried, " ", tried),
	    roles(x->failed, " ", failed), x->n_visits, x->n_attempts, x->shortest_s, x->longest_s, x->entry.first_seen_s,
	    x->entry.last_seen_s);
}

static bool
row(void *ctx, const struct report_risk *x)
{
	struct risks *r = ctx;
	char what[PREFIX_TEXT_SIZE];

	switch (r->format) {
	case FORMAT_TABLE:
		print_row(r, x);
		break;
	case FORMAT_PLAIN:
		puts(prefix_format(&x->entry.what, what));
		break;
	case FORMAT_NDJSON:
		json_clear(&r->line);
		export_risk_json(&r->line, x);
		json_line(&r->line);
		if (r->line.failed)
			return false;
		fwrite(r->line.buf, 1, r->line.len, stdout);
		break;
	case FORMAT_CSV:
		print_csv(x);
		break;
	case FORMAT_JSON:
		export_risk_json(&r->line, x);
		break;
	}
	r->n++;
	return !ferror(stdout);
}

static int
parse(struct risks *r, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		switch (cli_format_word("risk", &i, argc, argv, &r->format)) {
		case CLI_DONE: continue;
		case CLI_USAGE: return CLI_USAGE;
		default: break;
		}
		if (strcmp(argv[i], "--limit") == 0 && i + 1 < argc) {
			uint64_t n;

			if (!cli_parse_count(argv[++i], RISKS_MAX, &n))
				return cli_usage_value("risk", "--limit", argv[i], "1 to 1000");
			r->limit = n;
		} else {
			return cli_usage_word("risk", argv[i]);
		}
	}
	return CLI_DONE;
}

static void
say_sum(const struct risks *r, const struct report_risk_summary *s)
{
	if (s->ranked == 0) {
		printf("No mail is known to be at risk: of %" PRIu64 " senders, each that was refused went on to the real MX,\n"
		    "or came once only.\n", s->considered);
		return;
	}
	printf("\n%" PRIu64 " of %" PRIu64 " shown; %" PRIu64 " of %" PRIu64 " senders that never climbed were refused and completed\n"
	    "no session at the real MX.  Likeness says how much it is like a mail server; nobody\n"
	    "is judged by it.  %" PRIu64 " of them are likely mail servers (%.1f or more).\n"
	    "Look at what is first before you blame the decoys: ask the sender's postmaster,\n"
	    "mxtrap explain ADDR, and allow those that you know.\n", r->n, s->ranked, s->candidates, s->considered, s->likely,
	    (double)RISK_LIKELY);
}

/* What follows the rows. */
static void
finish(struct risks *r, const struct report_risk_summary *summary)
{
	struct json *j = &r->line;

	if (r->format == FORMAT_TABLE) {
		say_sum(r, summary);
		return;
	}
	if (r->format != FORMAT_NDJSON && r->format != FORMAT_JSON)
		return;
	if (r->format == FORMAT_NDJSON) {
		json_clear(j);
		json_object(j, NULL);
		json_string(j, "type", "metadata");
		json_uint(j, "records", r->n);
	} else {
		json_end(j);
	}
	json_uint(j, "ranked", summary->ranked);
	json_uint(j, "likely", summary->likely);
	json_uint(j, "candidates", summary->candidates);
	json_uint(j, "considered", summary->considered);
	json_int(j, r->format == FORMAT_NDJSON ? "timestamp" : "now", summary->at_s);
	(void)cli_json_end(j);
	if (r->format == FORMAT_NDJSON && !j->failed)
		fwrite(j->buf, 1, j->len, stdout);
}

int
cli_risk(struct cli *cli, int argc, char **argv)
{
	struct risks r = { .cli = cli, .format = cli->json ? FORMAT_JSON : FORMAT_TABLE, .limit = 50 };
	struct report_risk_summary summary;
	enum report_result result;
	int status = parse(&r, argc, argv);

	if (status != CLI_DONE || (status = cli_open(cli)) != CLI_DONE)
		return status;
	if (r.format == FORMAT_JSON) {
		cli_json_begin(&r.line, "risk");
		json_array(&r.line, "entries");
	} else {
		json_to_buffer(&r.line);
	}
	if (r.format == FORMAT_CSV)
		puts("cidr,state,likeness,why,tried,failed,visits,attempts,shortest_pause,longest_pause,first_seen,last_seen");
	result = report_risks(cli->report, cli->now_s, r.limit, &summary, row, &r);
	if (result <= REPORT_NONE)
		finish(&r, &summary);
	status = r.line.failed ? CLI_UNREACHABLE : CLI_DONE;
	json_free(&r.line);
	return result > REPORT_NONE ? cli_failed(cli, result) : status;
}
