/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replay.c - replay CONFIG CAPTURE: packet to verdict without the store; the time of the run alone, and sizes. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "mxtrap/capture.h"
#include "mxtrap/config.h"
#include "mxtrap/reader.h"
#include "mxtrap/watch.h"

#define IGNORE(name, type) \
	static void name(void *ctx, const struct type *row) \
	{ \
		(void)ctx; \
		(void)row; \
	}
IGNORE(no_attempt, attempt_row)
IGNORE(no_visit, visit_row)
IGNORE(no_evidence, evidence_row)
IGNORE(no_change, change_row)
IGNORE(no_sender, sender_row)
IGNORE(no_memory, memory_row)
IGNORE(no_tally, tally_row)
IGNORE(no_note, note_row)

static void
no_fingerprint(void *ctx, uint16_t id, const struct fingerprint *fp, int64_t time_us)
{
	(void)ctx;
	(void)id;
	(void)fp;
	(void)time_us;
}

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	const struct sink sink = {
		.attempt = no_attempt, .visit = no_visit, .evidence = no_evidence, .change = no_change, .sender = no_sender,
		.memory = no_memory, .tally = no_tally, .note = no_note, .fingerprint = no_fingerprint,
	};
	static struct packet block[TRAP_BLOCK];
	struct trap_options options;
	struct config config;
	struct prefix *never;
	struct capture *c;
	struct reader *reader;
	struct trap *t;
	char why[256];
	double began;
	int n;

	if (argc != 3 || config_load(&config, argv[1]) != 0 || !watch_trap_options(&options, &config, &sink, &never))
		return 1;
	t = trap_new(&options);
	c = capture_open_file(argv[2], why);
	if (t == NULL || c == NULL)
		return 1;
	began = seconds();
	reader = reader_start(c);
	while (reader != NULL && (n = reader_take(reader, block, TRAP_BLOCK)) > 0)
		trap_packets(t, block, (size_t)n);
	printf("%.3f %zu\n", seconds() - began, trap_memory_bytes(t) / config.limits.senders);
	reader_stop(reader);
	capture_close(c);
	trap_free(t);
	free(never);
	config_free(&config);
	return 0;
}
