/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay.c - captures through the identical path as live, as fast as they can be read.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/capture.h"
#include "mxtrap/log.h"
#include "mxtrap/merge.h"
#include "mxtrap/reader.h"
#include "mxtrap/report.h"
#include "mxtrap/store.h"
#include "mxtrap/watch.h"

#define FIFO 16384			/* packets of one file that wait for those of others, or lie in the window */
#define TAKE 512			/* at once: what the cache holds */

struct replay {
	const struct config *config;
	const struct replay_options *options;
	struct capture **captures;
	struct reader **readers;	/* of the captures */
	bool	       *ended;
	size_t		n;
	struct merge   *merge;
	struct store   *store;
	struct trap    *trap;
	bool		damaged;	/* or not a capture that can be read at all */
	bool		tty;
	double		began, told;
	uint64_t	flushed_at, drops;
};

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/*
 * Senders are told to the store at the end, once each; but before the full table drops
 * any, those that it may drop must be told.
 */
static void
flush_if_full(struct replay *r)
{
	const struct trap_counters *c = trap_counters(r->trap);
	const uint64_t cap = r->config->limits.senders;

	if (c->senders + TRAP_BLOCK < cap || c->senders_new - r->flushed_at < cap / 16)
		return;
	r->flushed_at = c->senders_new;
	(void)trap_flush(r->trap, SIZE_MAX);
}

static void
on_packets(void *ctx, const struct packet *packets, size_t n)
{
	struct replay *r = ctx;

	flush_if_full(r);
	trap_packets(r->trap, packets, n);
}

static void
on_event(void *ctx, const struct event *e)
{
	struct replay *r = ctx;

	if (r->store != NULL)
		store_event(r->store, e, "", "");
	if (e->kind == EVENT_DROPS)
		r->drops += (uint64_t)e->value;
	trap_event(r->trap, e);
}

static bool
on_stored_event(void *ctx, const struct event *e)
{
	struct replay *r = ctx;

	/* A live run's start opened its grace; so it must again. */
	return merge_event(r->merge, e);
}

static void
open_files(struct replay *r, int n, char **files)
{
	for (int i = 0; i < n; i++) {
		char why[256];
		struct capture *c = capture_open_file(files[i], why);

		if (c == NULL) {
			fprintf(stderr, "mxtrapd: %s\n", why);
			r->damaged = true;
			continue;
		}
		r->captures[r->n++] = c;
	}
}

static void
show_progress(struct replay *r)
{
	uint64_t done = 0, all = 0;

	if (!r->tty || seconds() - r->told < 0.5)
		return;
	r->told = seconds();
	for (size_t i = 0; i < r->n; i++) {
		uint64_t d, a;

		reader_progress(r->readers[i], &d, &a);
		done += d;
		all += a;
	}
	fprintf(stderr, "\rreplaying: %" PRIu64 " packets, %" PRIu64 " of %" PRIu64 " MB ",
	    trap_counters(r->trap)->packets, done >> 20, all >> 20);
}

/* Fill the FIFO of each source that has room; returns how far all of them have told. */
static int64_t
read_some(struct replay *r, bool *more)
{
	int64_t horizon = INT64_MAX;

	*more = false;
	for (size_t i = 0; i < r->n; i++) {
		size_t max;
		struct packet *room;
		int got;

		if (r->ended[i])
			continue;
		room = merge_room(r->merge, i, &max);
		got = max == 0 ? 0 : reader_take(r->readers[i], room, max < TAKE ? max : TAKE);
		if (max != 0 && got <= 0) {
			r->ended[i] = true;
			if (got < 0) {
				fprintf(stderr, "mxtrapd: %s: damaged after %" PRIu64 " packets: %s; what came before counts\n",
				    capture_name(r->captures[i]), capture_counters(r->captures[i])->frames,
				    capture_error(r->captures[i]));
				r->damaged = true;
			}
			continue;
		}
		merge_took(r->merge, i, (size_t)got);
		*more = true;
		if (merge_safe_us(r->merge, i) < horizon)
			horizon = merge_safe_us(r->merge, i);
	}
	return horizon;
}

static void
run(struct replay *r, bool fresh, bool stored_start)
{
	bool more = true, started = stored_start;

	while (more) {
		int64_t horizon = read_some(r, &more);

		if (!started && merge_first_us(r->merge) != INT64_MAX) {
			struct event start = { .time_us = merge_first_us(r->merge), .kind = EVENT_START, .value = !fresh };

			started = true;
			on_event(r, &start);
		}
		merge_release(r->merge, horizon, TRAP_BLOCK, on_packets, on_event, r);
		show_progress(r);
	}
	merge_release(r->merge, INT64_MAX, TRAP_BLOCK, on_packets, on_event, r);
	trap_settle(r->trap);
	if (r->tty && r->told > 0)
		fputs("\r\033[K", stderr);
}

/* Deleted by age, or because the database was at its size. */
static void
say_missing(const char *path, int64_t before_s)
{
	time_t at = (time_t)before_s;
	struct tm tm;
	char text[32];

	if (gmtime_r(&at, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return;
	fprintf(stderr, "mxtrapd: --inputs %s: inputs before %s are no longer kept: what was captured before then is judged "
	    "without them\n", path, text);
}

/* The directory, whether it or the file in it was named. */
static bool
load_inputs(struct replay *r, const char *path)
{
	static const char file[] = "/mxtrap.db";
	const size_t n = strlen(path), n_file = sizeof(file) - 1;
	char *dir = strdup(path);
	struct report *report;
	enum report_result result;

	if (dir == NULL)
		fatal("replay");
	if (n > n_file && strcmp(path + n - n_file, file) == 0)
		dir[n - n_file] = '\0';
	result = report_open(&report, dir, &r->config->judge);
	free(dir);
	if (result == REPORT_OK) {
		struct report_state state = { 0 };

		result = report_events(report, on_stored_event, r);
		if (report_state(report, &state) == REPORT_OK && state.inputs_s != 0)
			say_missing(path, state.inputs_s);
		report_close(report);
	}
	if (result == REPORT_OK || result == REPORT_NONE)
		return true;
	fprintf(stderr, "mxtrapd: --inputs %s: found no database there that can be read, expected a live run's mxtrap.db\n",
	    path);
	return false;
}

/* A file that shows nothing, or in part nothing, says what it shows instead. */
static void
print_unread(struct capture *capture)
{
	const struct capture_counters *c = capture_counters(capture);
	char saw[CAPTURE_SAW_SIZE];

	if (c->impossible_times != 0)
		fprintf(stderr, "mxtrapd: %s: %" PRIu64 " frame%s with an impossible time, not from 1970 to 2105: not judged\n",
		    capture_name(capture), c->impossible_times, c->impossible_times == 1 ? "" : "s");
	if (c->frames == 0)
		fprintf(stderr, "mxtrapd: %s: no frames\n", capture_name(capture));
	else if (c->results[PACKET_OK] == 0)
		fprintf(stderr, "mxtrapd: %s: %" PRIu64 " frames, none of them a packet of TCP port 25 that opens or answers a "
		    "connection: %s\n", capture_name(capture), c->frames, capture_saw(capture, saw));
}

static void
print_totals(struct replay *r)
{
	const struct trap_counters *c = trap_counters(r->trap);

	fprintf(r->options->totals, "replayed packets=%" PRIu64 " attempts=%" PRIu64 " visits=%" PRIu64
	    " senders=%" PRIu64 " listed=%" PRIu64 " suspects=%" PRIu64 " excused=%" PRIu64 " drops=%" PRIu64 " seconds=%.2f\n",
	    c->packets, c->attempts, c->visits, c->senders, c->listed, c->suspects, c->excused, r->drops,
	    seconds() - r->began);
	fflush(r->options->totals);
	for (size_t i = 0; i < r->n; i++) {
		const struct capture_counters *file = capture_counters(r->captures[i]);

		print_unread(r->captures[i]);
		r->damaged |= file->frames != 0 && file->frames == file->other_links;
	}
	if (c->packets != 0 && c->attempts == 0)
		fprintf(stderr, "mxtrapd: none of these packets opens a connection to an address of an mx-set\n");
	if (c->excused_grace != 0 && c->excused_grace == c->excused && c->listed + c->suspects == 0)
		fprintf(stderr, "mxtrapd: all %" PRIu64 " pieces of evidence were excused by the start grace of %u s: "
		    "for a capture set judge { start-grace = \"0s\" }\n", c->excused, r->config->judge.start_grace_s);
}

/* Where nothing is kept. */
static void no_attempt(void *c, const struct attempt_row *r) { (void)c, (void)r; }
static void no_visit(void *c, const struct visit_row *r) { (void)c, (void)r; }
static void no_evidence(void *c, const struct evidence_row *r) { (void)c, (void)r; }
static void no_change(void *c, const struct change_row *r) { (void)c, (void)r; }
static void no_sender(void *c, const struct sender_row *r) { (void)c, (void)r; }
static void no_memory(void *c, const struct memory_row *r) { (void)c, (void)r; }
static void no_tally(void *c, const struct tally_row *r) { (void)c, (void)r; }
static void no_note(void *c, const struct note_row *r) { (void)c, (void)r; }

static void
no_fingerprint(void *c, uint16_t i, const struct fingerprint *f, int64_t t)
{
	(void)c, (void)i, (void)f, (void)t;
}

static const struct sink no_sink = {
	.attempt = no_attempt, .visit = no_visit, .evidence = no_evidence, .change = no_change, .sender = no_sender,
	.memory = no_memory, .tally = no_tally, .note = no_note, .fingerprint = no_fingerprint,
};

/* The store, unless there shall be none, and what it kept.  0, or the exit status: said why. */
static int
open_state(struct replay *r, struct sink *sink, bool *fresh)
{
	const struct store_options options = {
		.dir = r->config->state_dir, .ladder = &r->config->ladder, .replay = true,
		.retention_attempts_s = r->config->retention_attempts_s, .max_bytes = r->config->store_max_bytes,
		.half_life_s = r->config->judge.half_life_s,
	};
	struct store_counters counters;

	*sink = no_sink;
	*fresh = true;
	if (r->options->judge_only)
		return 0;
	switch (store_open(&r->store, &options)) {
	case STORE_OK:
		break;
	case STORE_NEWER:
		fprintf(stderr, "mxtrapd: %s: the database is of a newer mxtrap: it is left as it is\n",
		    r->config->state_dir);
		return 3;
	case STORE_FAILED:
		return 3;
	}
	*sink = store_sink(r->store);
	store_counters(r->store, &counters);
	*fresh = counters.fresh || counters.was_corrupt;
	return 0;
}

static int
replay_files(struct replay *r, struct prefix **never)
{
	struct trap_options options;
	struct sink sink;
	bool fresh;
	int status = open_state(r, &sink, &fresh);

	if (status != 0)
		return status;
	r->merge = merge_new(r->n, FIFO);
	if (r->merge == NULL || !watch_trap_options(&options, r->config, &sink, never))
		fatal("replay");
	r->trap = trap_new(&options);
	if (r->trap == NULL)
		fatalx("replay: no memory for %u senders: see limits { senders }", r->config->limits.senders);
	if (!fresh)
		(void)watch_restore(r->store, r->trap, NULL);
	if (r->options->inputs_db != NULL && !load_inputs(r, r->options->inputs_db))
		return 1;
	for (size_t i = 0; i < r->n; i++)
		if ((r->readers[i] = reader_start(r->captures[i])) == NULL)
			fatalx("replay: no memory to read %s", capture_name(r->captures[i]));
	run(r, fresh, r->options->inputs_db != NULL);
	if (r->store != NULL) {
		store_clock(r->store, trap_now_us(r->trap));
		if (!store_sync(r->store))
			status = 3;
	}
	if (r->options->totals != NULL)
		print_totals(r);
	return status;
}

int
replay_run(const struct replay_options *options)
{
	struct replay r = { .config = options->config, .options = options, .began = seconds(), .tty = isatty(STDERR_FILENO) };
	struct prefix *never = NULL;
	int status = 0;

	r.captures = calloc((size_t)options->n_files + 1, sizeof(void *));
	r.readers = calloc((size_t)options->n_files + 1, sizeof(void *));
	r.ended = calloc((size_t)options->n_files + 1, sizeof(*r.ended));
	if (r.captures == NULL || r.readers == NULL || r.ended == NULL)
		fatal("replay");
	open_files(&r, options->n_files, options->files);
	if (r.n > 0)
		status = replay_files(&r, &never);
	if (r.damaged && status == 0)
		status = 1;
	store_close(r.store);
	trap_free(r.trap);
	merge_free(r.merge);
	free(never);
	for (size_t i = 0; i < r.n; i++) {
		reader_stop(r.readers[i]);
		capture_close(r.captures[i]);
	}
	free(r.captures);
	free(r.readers);
	free(r.ended);
	return status;
}

int
replay_main(const struct config *config, int n_files, char **files, const char *inputs_db)
{
	const struct replay_options options = { .config = config, .n_files = n_files, .files = files,
		.inputs_db = inputs_db, .totals = stdout };

	return replay_run(&options);
}
