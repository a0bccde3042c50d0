/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tail.c - `mxtrap tail`: attempts as they come.
 *
 * Asks the database twice a second; the daemon knows nothing of who looks.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define ASK_MS	 500
#define PAGE	 1000			/* in a flood the newest ones are told, not all */
#define LAST	 10

struct tail {
	struct cli *cli;
	int64_t	    last;		/* the newest id that was told */
	uint64_t    n, most;		/* most: 0: without end */
	int	    width;
};

static bool
see(void *ctx, const struct report_attempt *a)
{
	*(int64_t *)ctx = a->id;
	return true;
}

static bool
tell(void *ctx, const struct report_attempt *a)
{
	struct tail *t = ctx;
	const struct ladder *l = &t->cli->config.ladder;
	char when[40], src[ADDR_TEXT_SIZE], dst[ADDR_TEXT_SIZE], fp[FINGERPRINT_TEXT_SIZE * 4];

	t->last = a->id;
	printf("%.19s  %-15s -> %-9s %-*s  %-9s  %s%s%s\n", cli_time(a->time_us / 1000000, when),
	    addr_format(&a->src, src), a->target < l->n_targets ? role_name((enum role)l->targets[a->target].role) : "?",
	    t->width, cli_target(t->cli, a->target, dst), cli_outcome(a->outcome), cli_dim(t->cli),
	    cli_escape(a->fingerprint, fp, sizeof(fp)), cli_plain(t->cli));
	t->n++;
	return !ferror(stdout) && t->n != t->most;
}

static bool
parse_count(const char *text, uint64_t *out)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end != '\0' || n <= 0)
		return false;
	*out = (uint64_t)n;
	return true;
}

int
cli_tail(struct cli *cli, int argc, char **argv)
{
	struct tail t = { .cli = cli, .width = cli_target_width(cli) };
	struct report_state state;
	enum report_result result;
	bool replayed;
	int status;

	if (argc == 3 ? strcmp(argv[1], "--count") != 0 || !parse_count(argv[2], &t.most) : argc != 1)
		return cli_usage("tail", "expected nothing, or --count and a number");
	if ((status = cli_open(cli)) != CLI_DONE)
		return status;
	result = report_state(cli->report, &state);
	/* Where a replay ended nothing comes any more: then its last ones are told. */
	replayed = state.clock_s != 0;
	if (result == REPORT_OK && !replayed)
		result = report_attempts_after(cli->report, 0, 1, see, &t.last);
	if (result > REPORT_NONE)
		return cli_failed(cli, result);
	for (;;) {
		result = report_attempts_after(cli->report, t.last, !replayed ? PAGE : t.most != 0 ? t.most : LAST, tell, &t);
		/* A writer that is just at it is no reason to stop. */
		if (result > REPORT_BUSY)
			return cli_failed(cli, result);
		if (fflush(stdout) != 0 || ferror(stdout))
			return CLI_NO;
		if (replayed || (t.most != 0 && t.n >= t.most))
			return CLI_DONE;
		(void)poll(NULL, 0, ASK_MS);
	}
}
