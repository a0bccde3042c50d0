/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.c - `mxtrap status` and `mxtrap tail`: is the ladder well, and what comes now?
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "mxtrap/export.h"

#define STALE_S 10		/* watch tells its clock each second */

/* What a status row means to a person; those that must be zero come first when they are not. */
static const struct {
	const char *name, *says;
	bool	    bad;		/* anything but 0 or "no" is worth a look */
} ROWS[] = {
	{ "ring_drops", "packets lost by the capture ring", true },
	{ "interface_drops", "packets lost by the interface", true },
	{ "rows_lost", "rows that could not be stored", true },
	{ "write_errors", "failed writes to the database", true },
	{ "disk_full", "the disk is full: storing waits, watching goes on", true },
	{ "was_corrupt", "the database was corrupt: the old one is set aside, a new one begun", true },
	{ "senders_refused", "senders for which there was no room", true },
	{ "recent_overflow", "evidence that a later doubt could no longer reach", true },
	{ "decoy_lost", "accepted connections that watch was not told of", true },
	{ "accepts_lost", "accepted connections lost on the way to watch", true },
	{ "packets", "packets taken in", false }, { "attempts", "connection attempts", false },
	{ "proven", "handshakes completed", false }, { "tallied", "attempts counted in floods, not kept", false },
	{ "visits", "visits ended", false }, { "evidence", "pieces of evidence", false },
	{ "excused", "of them excused", false }, { "senders", "senders in memory", false },
	{ "senders_evicted", "senders dropped for room, all unproven", false },
	{ "attempts_evicted", "attempts pushed out before their time", false },
	{ "pools_evicted", "pool memories dropped for room", false },
	{ "memory_bytes", "bytes of tables", false }, { "bytes", "bytes of database", false },
};

struct kept {
	char name[64], value[256];
};

struct statuses {
	struct kept *rows;		/* owned */
	size_t n, cap;
};

static bool
keep(void *ctx, const char *name, const char *value)
{
	struct statuses *s = ctx;

	if (s->n == s->cap) {
		size_t cap = s->cap == 0 ? 64 : s->cap * 2;
		struct kept *more = realloc(s->rows, cap * sizeof(*more));

		if (more == NULL)
			return false;
		s->rows = more;
		s->cap = cap;
	}
	(void)snprintf(s->rows[s->n].name, sizeof(s->rows[s->n].name), "%s", name);
	(void)snprintf(s->rows[s->n++].value, sizeof(s->rows[0].value), "%s", value);
	return true;
}

static const char *
value_of(const struct statuses *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->rows[i].name, name) == 0)
			return s->rows[i].value;
	return NULL;
}

static bool
print_target(void *ctx, const struct report_target *t)
{
	struct cli *cli = ctx;
	char span[32];

	printf("  %5u  %-10s %-39s %s%-8s%s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 "  %s\n", t->preference,
	    role_name((enum role)t->role), t->address, t->down ? cli_state_colour(cli, STATE_LISTED) : "",
	    t->down ? "DOWN" : t->last_s == 0 ? "no word" : "seen", t->down ? cli_plain(cli) : "", t->attempts_today,
	    t->proven_today, t->senders_today, t->last_s != 0 ? cli_span(cli->now_s - t->last_s, span) : "-");
	return true;
}

static int
print_warnings(const struct cli *cli, const struct statuses *s)
{
	const char *clock = value_of(s, "clock");
	char text[1100], span[32];
	int n = 0;

	if (clock != NULL && cli->now_s - strtoll(clock, NULL, 10) > STALE_S) {
		printf("! mxtrapd has said nothing for %s: what follows is old\n",
		    cli_span(cli->now_s - strtoll(clock, NULL, 10), span));
		n++;
	}
	for (size_t i = 0; i < s->n; i++) {
		bool complaint = strncmp(s->rows[i].name, "complaint", 9) == 0 && s->rows[i].value[0] != '\0';
		bool silent = strncmp(s->rows[i].name, "capture ", 8) == 0 && strncmp(s->rows[i].value, "not ", 4) == 0;

		if (!complaint && !silent)
			continue;
		printf("! %s%s%s\n", silent ? s->rows[i].name : "", silent ? ": " : "",
		    cli_escape(s->rows[i].value, text, sizeof(text)));
		n++;
	}
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		const char *value = value_of(s, ROWS[i].name);

		if (!ROWS[i].bad || value == NULL || strcmp(value, "0") == 0 || strcmp(value, "no") == 0)
			continue;
		printf("! %s: %s\n", ROWS[i].says, value);
		n++;
	}
	return n;
}

static void
print_rest(const struct statuses *s)
{
	char text[1100];

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		const char *value = value_of(s, ROWS[i].name);

		if (!ROWS[i].bad && value != NULL)
			printf("  %-40s %s\n", ROWS[i].says, value);
	}
	for (size_t i = 0; i < s->n; i++)
		if (strncmp(s->rows[i].name, "process ", 8) == 0 || strncmp(s->rows[i].name, "capture ", 8) == 0)
			printf("  %-40s %s\n", s->rows[i].name, cli_escape(s->rows[i].value, text, sizeof(text)));
	/* Frames that lied, by the kind of lie. */
	for (size_t i = 0; i < s->n; i++)
		if (strncmp(s->rows[i].name, "frames ", 7) == 0 && strcmp(s->rows[i].value, "0") != 0 &&
		    strcmp(s->rows[i].name, "frames ok") != 0)
			printf("  %-40s %s\n", s->rows[i].name, s->rows[i].value);
}

int
cli_status(struct cli *cli, int argc, char **argv)
{
	struct statuses s = { .rows = NULL };
	struct report_state state;
	char why[160], when[40];
	enum report_result result;

	(void)argv;
	if (argc != 1)
		return cli_usage("status", "status takes no words");
	result = report_state(cli->report, &state);
	if (result == REPORT_OK)
		result = report_status(cli->report, keep, &s);
	if (result > REPORT_NONE) {
		free(s.rows);
		return cli_failed(cli, result);
	}
	if (print_warnings(cli, &s) == 0)
		puts("All is well.");
	printf("\n%" PRIu64 " listed, %" PRIu64 " suspects; list %016" PRIx64 ":%" PRIu64 ", changed %s\n", state.n_listed,
	    state.n_suspect, state.generation, state.serial, cli_time(state.changed_s, when));
	if (export_gate(&cli->config, &state, cli->now_s, why))
		puts("The list is published.");
	else
		printf("Not published: %s.\n", why);
	printf("\n  %5s  %-10s %-39s %-8s %8s %8s %8s  %s\n", "PREF", "ROLE", "ADDRESS", "STATE", "ATTEMPTS", "PROVEN",
	    "SENDERS", "LAST");
	result = report_targets(cli->report, cli->now_s, print_target, cli);
	putchar('\n');
	print_rest(&s);
	free(s.rows);
	return result > REPORT_NONE ? cli_failed(cli, result) : CLI_DONE;
}

struct tail {
	struct cli *cli;
	int64_t	    last;
	uint64_t    n, most;
	bool	    quiet;		/* finding the end of what is there */
};

static bool
tail_attempt(void *ctx, const struct report_attempt *a)
{
	static const char *const outcomes[] = { "no answer", "refused", "half open", "connected", "withdrawn" };
	struct tail *t = ctx;
	const struct ladder *l = &t->cli->config.ladder;
	char when[40], src[ADDR_TEXT_SIZE], dst[ADDR_TEXT_SIZE] = "?", fp[FINGERPRINT_TEXT_SIZE * 4];

	t->last = a->id;
	if (t->quiet)
		return true;
	if (a->target < l->n_targets)
		addr_format(&l->targets[a->target].addr, dst);
	printf("%.19s  %-39s -> %-10s %-20s %-10s %s%s%s\n", cli_time(a->time_us / 1000000, when), addr_format(&a->src, src),
	    a->target < l->n_targets ? role_name((enum role)l->targets[a->target].role) : "?", dst,
	    a->outcome < 5 ? outcomes[a->outcome] : "?", cli_dim(t->cli), cli_escape(a->fingerprint, fp, sizeof(fp)),
	    cli_plain(t->cli));
	return !ferror(stdout) && (++t->n < t->most || t->most == 0);
}

int
cli_tail(struct cli *cli, int argc, char **argv)
{
	struct tail t = { .cli = cli };
	enum report_result result;

	if (argc == 3 && strcmp(argv[1], "--count") == 0 && atoi(argv[2]) > 0)
		t.most = (uint64_t)atoi(argv[2]);
	else if (argc != 1)
		return cli_usage("tail", "expected nothing, or --count and a number");
	/* With a count: the newest that are there already are wanted as well. */
	t.quiet = t.most == 0;
	do {
		result = report_attempts_after(cli->report, t.last, t.quiet ? 0 : 1000, tail_attempt, &t);
		if (result > REPORT_NONE && result != REPORT_BUSY)
			return cli_failed(cli, result);
		t.quiet = false;
		if (fflush(stdout) != 0)
			return CLI_NO;
		if (t.most == 0 || t.n < t.most)
			(void)poll(NULL, 0, 500);
	} while (t.most == 0 || t.n < t.most);
	return CLI_DONE;
}
