/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.c - `mxtrap status`: is the ladder well, is the daemon, and does the list leave?
 *
 * What needs somebody comes first; if nothing does, the first line says so.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "cli.h"
#include "mxtrap/counter.h"
#include "mxtrap/export.h"

#define FULL_BYTES (1 << 20)	/* less than this takes no transaction of a busy second */
#define STALE_S 10		/* watch tells its clock each second */

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

/* What watch noticed of the ladder itself, and is still of interest a day later. */
static const char *const NOTES[] = {
	[NOTE_REAL_DOWN] = "the real MX did not answer: nothing counted against anybody meanwhile",
	[NOTE_BLIND] = "nothing could be seen for a while",
	[NOTE_DROPS] = "packets were lost before they could be looked at",
	[NOTE_CLOCK_STEP] = "the system's clock was moved",
	[NOTE_DECOY_SILENT] = "a decoy that should refuse is silent: honest senders wait there for minutes",
	[NOTE_DECOY_ANSWERS] = "a decoy that should refuse takes connections: mail may be lost there",
	[NOTE_DECOY_DEAD] = "a decoy that should answer does not: nothing can be proven there",
	[NOTE_TABLE_FULL] = "the table of senders was full",
	[NOTE_OVERFLOW] = "a decoy's queue of connections overflowed",
	[NOTE_FLOOD] = "a flood: attempts were counted, not kept one by one",
	[NOTE_FOREIGN] = "mail for somebody else's domain came to a decoy: another's MX points at us (who brought it is excused)",
};
#define N_NOTES (sizeof(NOTES) / sizeof(NOTES[0]))

struct overview {
	struct cli *cli;
	int	    width;
	unsigned    n_down;
	bool	    alarmed;		/* alarms that are open are told already */
	struct { uint64_t n; int64_t last_s; uint32_t target; } notes[N_NOTES];
};

static bool
count_note(void *ctx, const struct note_row *row)
{
	struct overview *o = ctx;

	if (row->kind < N_NOTES && NOTES[row->kind] != NULL) {
		o->notes[row->kind].n++;
		o->notes[row->kind].last_s = row->time_us / 1000000;
		o->notes[row->kind].target = row->target;
	}
	return true;
}

static bool
warn_target(void *ctx, const struct report_target *t)
{
	struct overview *o = ctx;

	if (t->down) {
		printf("%s! %s (%s) is DOWN: no evidence counts until it answers again%s\n",
		    cli_state_colour(o->cli, STATE_LISTED), t->exchanger[0] != '\0' ? t->exchanger : "a real MX", t->address,
		    cli_plain(o->cli));
		o->n_down++;
	}
	return true;
}

static bool
print_target(void *ctx, const struct report_target *t)
{
	struct overview *o = ctx;
	char span[32];

	printf("  %5u %-9s %-*s %-6s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 "  %s\n", t->preference,
	    role_name((enum role)t->role), o->width, t->address, t->down ? "DOWN" : t->last_s == 0 ? "unseen" : "up",
	    t->attempts_today, t->senders_today, t->proven_today, t->refused_today, t->silent_today,
	    t->last_s != 0 ? cli_span(o->cli->now_s - t->last_s, span) : "never");
	return true;
}

static int
print_notes(const struct overview *o)
{
	char span[32], addr[ADDR_TEXT_SIZE];
	int n = 0;

	for (size_t i = 0; i < N_NOTES; i++) {
		if (o->notes[i].n == 0 || (o->alarmed && i >= NOTE_DECOY_SILENT && i <= NOTE_DECOY_DEAD))
			continue;
		printf("! %s", NOTES[i]);
		if (o->notes[i].target != UINT32_MAX)
			printf(" (%s)", cli_target(o->cli, o->notes[i].target, addr));
		printf(", %s ago", cli_span(o->cli->now_s - o->notes[i].last_s, span));
		if (o->notes[i].n > 1)
			printf(", %" PRIu64 " times in 24 h", o->notes[i].n);
		putchar('\n');
		n++;
	}
	return n;
}

/* "..., since 1795000000, ..." as watch writes it, with a time that a person reads.  Returns buf. */
static const char *
since_text(const char *value, char *buf, size_t size)
{
	const char *at = strstr(value, "since ");
	char when[40], *rest;
	size_t n;

	(void)cli_escape(value, buf, size);
	if (at == NULL)
		return buf;
	at += 6;
	n = (size_t)(at - value);
	if (n + sizeof(when) < size) {
		(void)cli_time(strtoll(at, &rest, 10), when);
		(void)snprintf(buf + n, size - n, "%s", when);
		n += strlen(when);
		(void)cli_escape(rest, buf + n, size - n);
	}
	return buf;
}

/* A process that has work by this configuration. */
static bool
is_needed(const struct cli *cli, const char *name)
{
	return strcmp(name, "process watch") == 0 || (strcmp(name, "process decoy") == 0 && (cli_any_answers(cli) || cli->config.probe)) ||
	    (strcmp(name, "process web") == 0 && cli->config.n_web != 0) ||
	    (strcmp(name, "process lookup") == 0 && cli->config.n_dnsbl + cli->config.n_postfix != 0) ||
	    (strcmp(name, "process firewall") == 0 && cli->config.firewall);
}

static int
print_warnings(const struct cli *cli, const struct statuses *s, const struct report_state *state)
{
	const char *clock = value_of(s, "clock");
	char text[1100], span[32];
	struct statvfs disk;
	int n = 0;

	if (state->clock_s == 0 && clock == NULL) {
		puts("! mxtrapd has not said anything yet");
		n++;
	}
	if (state->clock_s == 0 && clock != NULL && cli->now_s - strtoll(clock, NULL, 10) > STALE_S) {
		printf("! mxtrapd has said nothing for %s: what follows is old\n",
		    cli_span(cli->now_s - strtoll(clock, NULL, 10), span));
		n++;
	}
	for (size_t i = 0; i < s->n; i++) {
		bool complaint = (strncmp(s->rows[i].name, "complaint", 9) == 0 || strncmp(s->rows[i].name, "alarm ", 6) == 0) &&
		    s->rows[i].value[0] != '\0';
		bool silent = strncmp(s->rows[i].value, "not ", 4) == 0 &&
		    (strncmp(s->rows[i].name, "capture ", 8) == 0 || is_needed(cli, s->rows[i].name));

		if (!complaint && !silent)
			continue;
		printf("! %s%s%s\n", silent ? s->rows[i].name : "", silent ? ": " : "",
		    since_text(s->rows[i].value, text, sizeof(text)));
		n++;
	}
	for (size_t i = 0; i < s->n; i++) {
		if (strncmp(s->rows[i].name, "real ", 5) != 0 || strncmp(s->rows[i].value, "unseen for a day", 16) != 0)
			continue;
		printf("! nobody was seen at the real MX %s for a day: if it gets mail, this wire does not show it; "
		    "say witness = \"none\" or watch another interface\n", cli_escape(s->rows[i].name + 5, text, sizeof(text)));
		n++;
	}
	/* On a full disk the daemon cannot write down that it is full. */
	if (state->clock_s == 0 && statvfs(cli->config.state_dir, &disk) == 0 &&
	    disk.f_bavail * disk.f_frsize < FULL_BYTES) {
		printf("! the disk of %s is full (%llu KiB are free): storing waits, watching goes on\n",
		    cli->config.state_dir, (unsigned long long)(disk.f_bavail * disk.f_frsize / 1024));
		n++;
	}
	if (export_unused(&cli->config, cli->report, state, cli->now_s)) {
		puts("! the list is published, and nobody has fetched it for a day: see `mxtrap consumers`");
		n++;
	}
	for (size_t i = 0; counter_at(i) != NULL; i++) {
		const struct counter *c = counter_at(i);
		const char *value = value_of(s, c->name);

		if ((c->kind != COUNTER_LOSS && c->kind != COUNTER_FAULT) || !counter_has_more(c, value))
			continue;
		printf("! %s: %s\n", c->says, cli_escape(value, text, sizeof(text)));
		n++;
	}
	return n;
}

/* Why nobody is judged now. */
static int
print_doubts(const struct statuses *s)
{
	char text[1100];
	int n = 0;

	for (unsigned i = 0; i < DOUBT_N; i++) {
		enum doubt doubt = (enum doubt)(1U << i);
		char name[64];
		const char *value;

		(void)snprintf(name, sizeof(name), "doubt %s", doubt_name(doubt));
		value = value_of(s, name);
		if (value == NULL || strcmp(value, "no") == 0)
			continue;
		/* Every beginning has it: nothing to look after. */
		printf("%s no evidence counts now, %s: %s\n", doubt == DOUBT_START_GRACE ? " " : "!",
		    cli_escape(value, text, sizeof(text)), doubt_says(doubt));
		n += doubt != DOUBT_START_GRACE;
	}
	return n;
}

static void
print_rest(const struct statuses *s)
{
	char text[1100], name[260];

	for (size_t i = 0; counter_at(i) != NULL; i++) {
		const struct counter *c = counter_at(i);
		const char *value = value_of(s, c->name);

		if (value != NULL && (c->kind == COUNTER_SUM || c->kind == COUNTER_NOW))
			printf("  %-48s %s\n", c->says, cli_escape(value, text, sizeof(text)));
	}
	for (size_t i = 0; i < s->n; i++)
		if (strncmp(s->rows[i].name, "process ", 8) == 0 || strncmp(s->rows[i].name, "capture ", 8) == 0)
			printf("  %-48s %s\n", cli_escape(s->rows[i].name, name, sizeof(name)),
			    since_text(s->rows[i].value, text, sizeof(text)));
	/* What decoy found when it tried the real MX itself: "..., probe refused 1795000000". */
	for (size_t i = 0; i < s->n; i++) {
		const char *probe = strncmp(s->rows[i].name, "real ", 5) == 0 ? strstr(s->rows[i].value, ", probe ") : NULL;
		char word[16], when[40];
		long long at;

		if (probe == NULL || sscanf(probe, ", probe %15s %lld", word, &at) != 2 || at == 0)
			continue;
		(void)snprintf(text, sizeof(text), "probe of %s", cli_escape(s->rows[i].name + 5, name, sizeof(name)));
		printf("  %-48s %s, %s\n", text, word, cli_time(at, when));
	}
	/* Frames that lied, by the kind of lie. */
	for (size_t i = 0; i < s->n; i++)
		if (strncmp(s->rows[i].name, "frames ", 7) == 0 && strcmp(s->rows[i].value, "0") != 0 &&
		    strcmp(s->rows[i].name, "frames ok") != 0)
			printf("  %-48s %s\n", s->rows[i].name, s->rows[i].value);
}

/* Every bound that was reached, so that nobody has to guess what is missing. */
static void
print_not_kept(const struct statuses *s)
{
	char text[300];
	bool any = false, told = false;

	for (size_t i = 0; counter_at(i) != NULL; i++) {
		const struct counter *c = counter_at(i);
		const char *value = value_of(s, c->name);

		told |= value != NULL;
		if (c->kind != COUNTER_BOUND || !counter_has_more(c, value))
			continue;
		if (!any)
			puts("\nNot kept, or not trusted, because of a bound:");
		any = true;
		printf("  %-48s %s\n", c->says, cli_escape(value, text, sizeof(text)));
	}
	if (told && !any)
		puts("\nNo bound was reached: everything was kept.");
}

int
cli_status(struct cli *cli, int argc, char **argv)
{
	struct statuses s = { .rows = NULL };
	struct overview o = { .cli = cli, .width = cli_target_width(cli) };
	struct report_state state;
	struct export_gate gate;
	char when[40];
	enum report_result result;
	int status;

	if (argc != 1)
		return cli_usage_word("status", argv[1]);
	if ((status = cli_open(cli)) != CLI_DONE)
		return status;
	result = report_state(cli->report, &state);
	if (result == REPORT_OK)
		result = report_status(cli->report, keep, &s);
	if (result > REPORT_NONE) {
		free(s.rows);
		return cli_failed(cli, result);
	}
	o.alarmed = value_of(&s, "alarms") != NULL && strcmp(value_of(&s, "alarms"), "0") != 0;
	result = report_targets(cli->report, cli->now_s, warn_target, &o);
	if (result <= REPORT_NONE)
		result = report_notes(cli->report, cli->now_s - 86400, 10000, count_note, &o);
	if (print_warnings(cli, &s, &state) + print_doubts(&s) + print_notes(&o) + (int)o.n_down == 0)
		puts(state.clock_s != 0 ? "A replay, and nothing went wrong in it." : "All is well.");
	if (state.clock_s != 0)
		printf("This is the state at the end of a replay, %s.\n", cli_time(state.clock_s, when));
	printf("\n%" PRIu64 " listed, %" PRIu64 " suspect%s; list %016" PRIx64 ":%" PRIu64 ", changed %s\n", state.n_listed,
	    state.n_suspect, state.n_suspect == 1 ? "" : "s", state.generation, state.serial, cli_time(state.changed_s, when));
	if (!export_gate(&cli->config, cli->report, &state, cli->now_s, &gate))
		printf("Not published: %s.\n", gate.why);
	else if (gate.publish.held)
		printf("! Held: the list grew from %" PRIu64 " to %" PRIu64 "; who was listed after %s is not handed on before "
		    "`mxtrap publish --accept`.\n", gate.publish.base, state.n_listed,
		    cli_time(gate.publish.base_s, when));
	else
		puts("The list is published.");
	printf("\n  %5s %-9s %-*s %-6s %8s %8s %8s %8s %8s  %s\n", "PREF", "ROLE", o.width, "ADDRESS", "STATE", "TODAY",
	    "SENDERS", "PROVEN", "REFUSED", "SILENT", "LAST");
	if (result <= REPORT_NONE)
		result = report_targets(cli->report, cli->now_s, print_target, &o);
	putchar('\n');
	print_rest(&s);
	print_not_kept(&s);
	free(s.rows);
	return result > REPORT_NONE ? cli_failed(cli, result) : CLI_DONE;
}
