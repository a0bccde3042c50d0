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
#include "mxtrap/export.h"

#define FULL_BYTES (1 << 20)	/* less than this takes no transaction of a busy second */
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
	{ "said_lost", "dialogues of which watch was not told what was said", true },
	{ "accepts_lost", "accepted connections lost on the way to watch", true },
	{ "touches_refused", "touches that were not judged, for want of room", true },
	{ "proofs_refused", "handshakes that were not judged, for want of room", true },
	{ "timers_refused", "ends of visits and terms for which there was no room", true },
	{ "never_refused", "entries of the never-list for which there was no room", true },
	{ "dialogues", "SMTP dialogues open", false }, { "dialogues_total", "dialogues held", false },
	{ "dialogues_full", "connections reset for want of room for a dialogue", false },
	{ "dialogues_full_source", "connections reset because their source had dialogues enough", false },
	{ "dialogues_slow", "dialogues ended by a deadline", false },
	{ "packets", "packets taken in", false }, { "attempts", "connection attempts", false },
	{ "proven", "handshakes completed", false }, { "tallied", "attempts counted in floods, not kept", false },
	{ "decoy_overflows", "overflows of the decoys' queues of connections", false },
	{ "wrong_acks", "guesses at our sequence numbers", false },
	{ "visits", "visits ended", false }, { "evidence", "pieces of evidence", false },
	{ "excused", "of them excused", false }, { "senders", "senders in memory", false },
	{ "senders_evicted", "senders dropped for room, all unproven", false },
	{ "attempts_evicted", "attempts pushed out before their time", false },
	{ "pools_evicted", "pool memories dropped for room", false },
	{ "networks_capped", "attempts of networks that brought too many senders", false },
	{ "wrong_acks", "handshakes guessed at", false }, { "proofs_doubted", "proofs that guessing made doubtful", false },
	{ "said", "dialogues with a decoy", false }, { "said_ours", "of them with mail for us", false },
	{ "said_foreign", "of them with mail for another's domain", false },
	{ "kin_lost", "touches whose other family a flood made unknown", false },
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
		if (o->notes[i].n == 0)
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
	    (strcmp(name, "process web") == 0 && cli->config.n_web != 0);
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
		bool complaint = strncmp(s->rows[i].name, "complaint", 9) == 0 && s->rows[i].value[0] != '\0';
		bool silent = strncmp(s->rows[i].value, "not ", 4) == 0 &&
		    (strncmp(s->rows[i].name, "capture ", 8) == 0 || is_needed(cli, s->rows[i].name));

		if (!complaint && !silent)
			continue;
		printf("! %s%s%s\n", silent ? s->rows[i].name : "", silent ? ": " : "",
		    since_text(s->rows[i].value, text, sizeof(text)));
		n++;
	}
	/* On a full disk the daemon cannot write down that it is full. */
	if (state->clock_s == 0 && statvfs(cli->config.state_dir, &disk) == 0 &&
	    disk.f_bavail * disk.f_frsize < FULL_BYTES) {
		printf("! the disk of %s is full (%llu KiB are free): storing waits, watching goes on\n",
		    cli->config.state_dir, (unsigned long long)(disk.f_bavail * disk.f_frsize / 1024));
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

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		const char *value = value_of(s, ROWS[i].name);

		if (!ROWS[i].bad && value != NULL)
			printf("  %-40s %s\n", ROWS[i].says, value);
	}
	for (size_t i = 0; i < s->n; i++)
		if (strncmp(s->rows[i].name, "process ", 8) == 0 || strncmp(s->rows[i].name, "capture ", 8) == 0)
			printf("  %-40s %s\n", cli_escape(s->rows[i].name, name, sizeof(name)),
			    since_text(s->rows[i].value, text, sizeof(text)));
	/* What decoy found when it tried the real MX itself: "..., probe refused 1795000000". */
	for (size_t i = 0; i < s->n; i++) {
		const char *probe = strncmp(s->rows[i].name, "real ", 5) == 0 ? strstr(s->rows[i].value, ", probe ") : NULL;
		char word[16], when[40];
		long long at;

		if (probe == NULL || sscanf(probe, ", probe %15s %lld", word, &at) != 2 || at == 0)
			continue;
		(void)snprintf(text, sizeof(text), "probe of %s", cli_escape(s->rows[i].name + 5, name, sizeof(name)));
		printf("  %-40s %s, %s\n", text, word, cli_time(at, when));
	}
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
	struct overview o = { .cli = cli, .width = cli_target_width(cli) };
	struct report_state state;
	char why[160], when[40];
	enum report_result result;
	int status;

	(void)argv;
	if (argc != 1)
		return cli_usage("status", "status takes no words");
	if ((status = cli_open(cli)) != CLI_DONE)
		return status;
	result = report_state(cli->report, &state);
	if (result == REPORT_OK)
		result = report_status(cli->report, keep, &s);
	if (result > REPORT_NONE) {
		free(s.rows);
		return cli_failed(cli, result);
	}
	result = report_targets(cli->report, cli->now_s, warn_target, &o);
	if (result <= REPORT_NONE)
		result = report_notes(cli->report, cli->now_s - 86400, 10000, count_note, &o);
	if (print_warnings(cli, &s, &state) + print_doubts(&s) + print_notes(&o) + (int)o.n_down == 0)
		puts(state.clock_s != 0 ? "A replay, and nothing went wrong in it." : "All is well.");
	if (state.clock_s != 0)
		printf("This is the state at the end of a replay, %s.\n", cli_time(state.clock_s, when));
	printf("\n%" PRIu64 " listed, %" PRIu64 " suspect%s; list %016" PRIx64 ":%" PRIu64 ", changed %s\n", state.n_listed,
	    state.n_suspect, state.n_suspect == 1 ? "" : "s", state.generation, state.serial, cli_time(state.changed_s, when));
	if (export_gate(&cli->config, &state, cli->now_s, why))
		puts("The list is published.");
	else
		printf("Not published: %s.\n", why);
	printf("\n  %5s %-9s %-*s %-6s %8s %8s %8s %8s %8s  %s\n", "PREF", "ROLE", o.width, "ADDRESS", "STATE", "TODAY",
	    "SENDERS", "PROVEN", "REFUSED", "SILENT", "LAST");
	if (result <= REPORT_NONE)
		result = report_targets(cli->report, cli->now_s, print_target, &o);
	putchar('\n');
	print_rest(&s);
	free(s.rows);
	return result > REPORT_NONE ? cli_failed(cli, result) : CLI_DONE;
}
