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
#include "mxtrap/report.h"
#include "mxtrap/store.h"
#include "mxtrap/watch.h"

#define FIFO 4096			/* packets of one file that wait for the others */

struct replay {
	const struct config *config;
	struct capture **captures;
	bool	       *ended;
	size_t		n;
	struct merge   *merge;
	struct store   *store;
	struct trap    *trap;
	bool		damaged, tty;
	double		began, told;
};

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
on_packets(void *ctx, const struct packet *packets, size_t n)
{
	struct replay *r = ctx;

	trap_packets(r->trap, packets, n);
}

static void
on_event(void *ctx, const struct event *e)
{
	struct replay *r = ctx;

	store_event(r->store, e, "", "");
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

		capture_progress(r->captures[i], &d, &a);
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
		got = max == 0 ? 0 : capture_read(r->captures[i], room, max);
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
		if (merge_newest_us(r->merge, i) < horizon)
			horizon = merge_newest_us(r->merge, i);
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

static bool
restore_sender(void *ctx, const struct sender_row *row)
{
	return trap_restore_sender(ctx, row);
}

static bool
restore_memory(void *ctx, const struct memory_row *row)
{
	return trap_restore_memory(ctx, row);
}

static bool
restore_allow(void *ctx, const struct prefix *what, uint32_t expires_s)
{
	return trap_restore_allow(ctx, what, expires_s);
}

static bool
load_inputs(struct replay *r, const char *path)
{
	struct report *report;
	enum report_result result = report_open(&report, path, &r->config->judge);

	if (result != REPORT_OK) {
		fprintf(stderr, "mxtrapd: --inputs %s: found no database of mxtrap there, expected its directory\n", path);
		return false;
	}
	result = report_events(report, on_stored_event, r);
	report_close(report);
	return result == REPORT_OK || result == REPORT_NONE;
}

static void
print_totals(const struct replay *r)
{
	const struct trap_counters *c = trap_counters(r->trap);
	uint64_t drops = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct capture_counters *cc = capture_counters(r->captures[i]);

		drops += cc->ring_drops + cc->interface_drops;
	}
	printf("replayed packets=%" PRIu64 " attempts=%" PRIu64 " visits=%" PRIu64 " senders=%" PRIu64 " listed=%" PRIu64
	    " suspects=%" PRIu64 " excused=%" PRIu64 " drops=%" PRIu64 " seconds=%.2f\n",
	    c->packets, c->attempts, c->visits, c->senders, c->listed, c->suspects, c->excused, drops,
	    seconds() - r->began);
	if (c->excused_grace != 0 && c->excused_grace == c->excused && c->listed + c->suspects == 0)
		fprintf(stderr, "mxtrapd: all %" PRIu64 " pieces of evidence were excused by the start grace of %u s: "
		    "for a capture set judge { start-grace = \"0s\" }\n", c->excused, r->config->judge.start_grace_s);
}

int
replay_main(const struct config *config, int n_files, char **files, const char *inputs_db)
{
	struct replay r = { .config = config, .began = seconds(), .tty = isatty(STDERR_FILENO) };
	struct store_options so = {
		.dir = config->state_dir, .ladder = &config->ladder, .replay = true,
		.retention_attempts_s = config->retention_attempts_s, .max_bytes = config->store_max_bytes,
	};
	struct trap_options to;
	struct store_counters sc;
	struct prefix *never = NULL;
	struct sink sink;
	int status = 3;

	r.captures = calloc((size_t)n_files + 1, sizeof(*r.captures));
	r.ended = calloc((size_t)n_files + 1, sizeof(*r.ended));
	if (r.captures == NULL || r.ended == NULL)
		fatal("replay");
	open_files(&r, n_files, files);
	if (r.n == 0) {
		status = 1;
		goto out;
	}
	switch (store_open(&r.store, &so)) {
	case STORE_OK:
		break;
	case STORE_NEWER:
		fprintf(stderr, "mxtrapd: %s: the database is of a newer mxtrap: it is left as it is\n", config->state_dir);
		goto out;
	case STORE_FAILED:
		goto out;
	}
	sink = store_sink(r.store);
	store_counters(r.store, &sc);
	r.merge = merge_new(r.n, FIFO);
	if (r.merge == NULL || !watch_trap_options(&to, config, &sink, &never))
		fatal("replay");
	r.trap = trap_new(&to);
	if (r.trap == NULL)
		fatalx("replay: no memory for %u senders: see limits { senders }", config->limits.senders);
	if (!sc.fresh) {
		store_each_sender(r.store, restore_sender, r.trap);
		store_each_memory(r.store, restore_memory, r.trap);
		store_each_allow(r.store, restore_allow, r.trap);
	}
	if (inputs_db != NULL && !load_inputs(&r, inputs_db)) {
		status = 1;
		goto out;
	}
	run(&r, sc.fresh, inputs_db != NULL);
	store_clock(r.store, trap_now_us(r.trap));
	status = store_sync(r.store) ? 0 : 3;
	print_totals(&r);
	if (r.damaged && status == 0)
		status = 1;
out:
	if (r.store != NULL)
		store_close(r.store);
	trap_free(r.trap);
	merge_free(r.merge);
	free(never);
	for (size_t i = 0; i < r.n; i++)
		capture_close(r.captures[i]);
	free(r.captures);
	free(r.ended);
	return status;
}
