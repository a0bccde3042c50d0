/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tail.c - `mxtrap tail`: attempts as they come.
 *
 * Asks the database twice a second; the daemon knows nothing of who looks.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "cli.h"
#include "mxtrap/beat.h"
#include "mxtrap/json.h"

#define ASK_MS	 500
#define PAGE	 1000			/* in a flood the newest ones are told, not all */
#define LAST	 10

struct tail {
	struct cli *cli;
	int64_t	    last;		/* the newest id that was told */
	uint64_t    n, most;		/* most: 0: without end */
	int	    width;
	bool	    as_json, ndjson;	/* ndjson: an object for each attempt, for who reads along */
	struct json json;
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

/* As one object: an attempt a line of its array. */
static bool
tell_json(void *ctx, const struct report_attempt *a)
{
	struct tail *t = ctx;

	t->last = a->id;
	if (t->ndjson)
		json_clear(&t->json);
	else
		(void)fputs("\n", stdout);
	json_object(&t->json, NULL);
	json_real(&t->json, "time", (double)a->time_us / 1e6, 6);
	cli_json_attempt(&t->json, t->cli, a);
	json_end(&t->json);
	if (t->ndjson)
		json_line(&t->json);
	t->n++;
	return !t->json.failed && t->n != t->most;
}

/* Ended by a signal while it waits for more: an object is closed first. */
static int
signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	return sigprocmask(SIG_BLOCK, &set, NULL) == 0 ? signalfd(-1, &set, SFD_CLOEXEC) : -1;
}

static int
parse(struct tail *t, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		enum cli_format format = FORMAT_TABLE;

		if (strcmp(argv[i], "--count") == 0 && i + 1 < argc) {
			if (!cli_parse_count(argv[++i], UINT64_MAX, &t->most))
				return cli_usage_value("tail", "--count", argv[i], "a number from 1");
			continue;
		}
		switch (cli_format_word("tail", &i, argc, argv, &format)) {
		case CLI_DONE: break;
		case CLI_USAGE: return CLI_USAGE;
		default: return cli_usage_word("tail", argv[i]);
		}
		if (format == FORMAT_PLAIN || format == FORMAT_CSV)
			return cli_usage_value("tail", "--format", argv[i], "table, ndjson or json");
		t->ndjson = format == FORMAT_NDJSON;
		t->as_json = format != FORMAT_TABLE;
	}
	return CLI_DONE;
}

static int
follow(struct tail *t, bool replayed)
{
	struct pollfd ended = { .fd = t->as_json ? signals() : -1, .events = POLLIN };
	enum report_result result;

	for (;;) {
		result = report_attempts_after(t->cli->report, t->last, !replayed ? PAGE : t->most != 0 ? t->most : LAST,
		    t->as_json ? tell_json : tell, t);
		/* A writer that is just at it is no reason to stop. */
		if (result > REPORT_BUSY)
			return cli_failed(t->cli, result);
		if (cli_output_end(CLI_DONE) != CLI_DONE)
			return CLI_NO;
		if (replayed || (t->most != 0 && t->n >= t->most))
			return CLI_DONE;
		if (poll(&ended, 1, ASK_MS) > 0)
			return CLI_DONE;
	}
}

/* Who waits for what cannot come should know. */
static void
warn_of_silence(const struct cli *cli)
{
	struct beat b;

	if (beat_read(cli->config.state_dir, &b) && (b.closed == 1 ||
	    beat_age_us(&b, beat_clock_us(CLOCK_BOOTTIME), beat_clock_us(CLOCK_REALTIME)) > BEAT_LIVE_S * INT64_C(1000000)))
		fputs("mxtrap: mxtrapd is not running: nothing comes before it does (systemctl start mxtrapd)\n", stderr);
}

int
cli_tail(struct cli *cli, int argc, char **argv)
{
	struct tail t = { .cli = cli, .width = cli_target_width(cli), .as_json = cli->json };
	struct report_state state;
	enum report_result result;
	bool replayed;
	int status = parse(&t, argc, argv);

	if (status != CLI_DONE || (status = cli_open(cli)) != CLI_DONE)
		return status;
	result = report_state(cli->report, &state);
	/* Where a replay ended nothing comes any more: then its last ones are told. */
	replayed = state.clock_s != 0;
	if (result == REPORT_OK && !replayed)
		result = report_attempts_after(cli->report, 0, 1, see, &t.last);
	if (result > REPORT_NONE)
		return cli_failed(cli, result);
	if (!replayed)
		warn_of_silence(cli);
	if (t.ndjson) {
		json_to_file(&t.json, stdout);
	} else if (t.as_json) {
		cli_json_begin(&t.json, "tail");
		json_array(&t.json, "attempts");
	}
	status = follow(&t, replayed);
	if (t.as_json && !t.ndjson && status == CLI_DONE) {
		json_end(&t.json);
		status = cli_json_end(&t.json);
	}
	return status;
}
