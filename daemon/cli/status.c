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
#include <time.h>

#include "cli.h"
#include "mxtrap/counter.h"
#include "mxtrap/json.h"
#include "mxtrap/status.h"

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
	[NOTE_FOREIGN] = "mail for somebody else's domain came to a decoy: another's MX points at us, or a relay test; excused",
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
		printf("- %s", NOTES[i]);
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

/* A process that has no work by this configuration is not missed. */
static bool
is_needed(const struct cli *cli, const char *name)
{
	return strcmp(name, "watch") == 0 || (strcmp(name, "decoy") == 0 && (cli_any_answers(cli) || cli->config.probe)) ||
	    (strcmp(name, "web") == 0 && cli->config.n_web != 0) ||
	    (strcmp(name, "lookup") == 0 && cli->config.n_dnsbl + cli->config.n_postfix != 0) ||
	    (strcmp(name, "firewall") == 0 && cli->config.firewall);
}

/* Is it worth a line of its own?  A process without work is not missed. */
static bool
is_shown(const struct cli *cli, const struct status *status, const struct status_fact *fact)
{
	return fact->kind != STATUS_WELL && fact->kind != STATUS_REPLAY &&
	    (fact->kind != STATUS_PROCESS || is_needed(cli, status->watched.processes[fact->index].name));
}

/* "!" needs somebody, "-" is good to know; `well` and `bad` say what was printed. */
static void
print_facts(const struct cli *cli, const struct status *status, bool *well, bool *bad)
{
	struct status_fact facts[STATUS_FACTS];
	size_t n = status_facts(status, facts);
	char text[STATUS_SENTENCE_SIZE], line[4 * STATUS_SENTENCE_SIZE];

	for (size_t i = 0; i < n; i++) {
		if (!is_shown(cli, status, &facts[i]))
			continue;
		printf("%s %s\n", facts[i].level == STATUS_BAD ? "!" : "-",
		    cli_escape(status_sentence(status, &facts[i], text), line, sizeof(line)));
		*well = false;
		*bad |= facts[i].level == STATUS_BAD;
	}
}

static int
print_losses(const struct statuses *s)
{
	char text[1100];
	int n = 0;

	for (size_t i = 0; counter_at(i) != NULL; i++) {
		const struct counter *c = counter_at(i);
		const char *value = value_of(s, c->name);

		/* Faults are facts, and stand above. */
		if (c->kind != COUNTER_LOSS || !counter_has_more(c, value))
			continue;
		printf("! %s: %s\n", c->says, cli_escape(value, text, sizeof(text)));
		n++;
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
		char word[16], plain[64], when[40];
		long long at;

		if (probe == NULL || sscanf(probe, ", probe %15s %lld", word, &at) != 2 || at == 0)
			continue;
		(void)snprintf(text, sizeof(text), "probe of %s", cli_escape(s->rows[i].name + 5, name, sizeof(name)));
		printf("  %-48s %s, %s\n", text, cli_escape(word, plain, sizeof(plain)), cli_time(at, when));
	}
	/* Frames that lied, by the kind of lie. */
	for (size_t i = 0; i < s->n; i++)
		if (strncmp(s->rows[i].name, "frames ", 7) == 0 && strcmp(s->rows[i].value, "0") != 0 &&
		    strcmp(s->rows[i].name, "frames ok") != 0)
			printf("  %-48s %s\n", cli_escape(s->rows[i].name, name, sizeof(name)),
			    cli_escape(s->rows[i].value, text, sizeof(text)));
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

static void
print_publishing(const struct status *status)
{
	char why[STATUS_WHY_SIZE], when[40];

	if (status->published.state != PUBLISHED_YES)
		printf("Not published: %s.\n", status_published_why(status, why));
	else if (status->published.gate.held)
		printf("Published, but %" PRIu64 " listed after %s: they are held.\n", status->published.n_held,
		    cli_time(status->published.gate.base_s, when));
	else
		puts("The list is published.");
}

/* Exit status: 0, or 1 where a line begins with "!". */
static int
print_status(struct cli *cli, struct status *status, struct statuses *s)
{
	struct overview o = { .cli = cli, .width = cli_target_width(cli) };
	bool well = true, bad = false;
	enum report_result result;
	char when[40];

	status_read(status, &cli->config, cli->report, REPORT_OK, time(NULL), STATUS_ALL);
	result = report_status(cli->report, keep, s);
	if (result > REPORT_NONE)
		return cli_failed(cli, result);
	o.alarmed = status->watched.n_alarms > 0;
	result = report_notes(cli->report, cli->now_s - 86400, 10000, count_note, &o);
	print_facts(cli, status, &well, &bad);
	if (print_losses(s) > 0)
		well = !(bad = true);
	if (print_notes(&o) > 0)
		well = false;
	if (well)
		puts(status->list.clock_s != 0 ? "Replay finished without errors." : "All is well.");
	if (status->list.clock_s != 0)
		printf("This is the state at the end of a replay, %s.\n", cli_time(status->list.clock_s, when));
	printf("\n%" PRIu64 " listed, %" PRIu64 " suspect%s; list %016" PRIx64 ":%" PRIu64 ", changed %s\n", status->list.n_listed,
	    status->list.n_suspect, status->list.n_suspect == 1 ? "" : "s", status->list.generation, status->list.serial,
	    cli_time(status->list.changed_s, when));
	print_publishing(status);
	printf("\n  %5s %-9s %-*s %-6s %8s %8s %8s %8s %8s  %s\n", "PREF", "ROLE", o.width, "ADDRESS", "STATE", "TODAY",
	    "SENDERS", "PROVEN", "REFUSED", "SILENT", "LAST");
	if (result <= REPORT_NONE)
		result = report_targets(cli->report, cli->now_s, print_target, &o);
	putchar('\n');
	print_rest(s);
	print_not_kept(s);
	return result > REPORT_NONE ? cli_failed(cli, result) : bad ? CLI_NO : CLI_DONE;
}

/* As GET /api/v1/status has it, with the rungs of /api/v1/overview.  The exit status is that of the text. */
static int
print_json(struct cli *cli, struct status *status, struct statuses *s)
{
	struct status_fact facts[STATUS_FACTS];
	struct json j;
	enum report_result result;
	bool bad = false;
	int code;

	status_read(status, &cli->config, cli->report, REPORT_OK, time(NULL), STATUS_ALL);
	result = report_status(cli->report, keep, s);
	if (result > REPORT_NONE)
		return cli_failed(cli, result);
	cli_json_begin(&j, "status");
	result = json_status(&j, cli->report, status, status->watched.last_s == 0 ? -1 : cli->now_s > status->watched.last_s ?
	    cli->now_s - status->watched.last_s : 0);
	if (result <= REPORT_NONE)
		result = json_rungs(&j, cli->report, cli->now_s);
	if (result > REPORT_NONE)
		return cli_failed(cli, result);
	code = cli_json_end(&j);
	for (size_t i = 0, n = status_facts(status, facts); i < n; i++)
		bad |= facts[i].level == STATUS_BAD && is_shown(cli, status, &facts[i]);
	for (size_t i = 0; counter_at(i) != NULL; i++)
		bad |= counter_at(i)->kind == COUNTER_LOSS && counter_has_more(counter_at(i), value_of(s, counter_at(i)->name));
	return code == CLI_DONE && bad ? CLI_NO : code;
}

int
cli_status(struct cli *cli, int argc, char **argv)
{
	struct statuses s = { .rows = NULL };
	struct status *status;
	int code;

	if (argc != 1)
		return cli_usage_word("status", argv[1]);
	if ((code = cli_open(cli)) != CLI_DONE)
		return code;
	status = malloc(sizeof(*status));
	if (status == NULL)
		return CLI_UNREACHABLE;
	code = cli->json ? print_json(cli, status, &s) : print_status(cli, status, &s);
	free(status);
	free(s.rows);
	return code;
}
