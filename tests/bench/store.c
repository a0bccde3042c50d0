/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store.c - store CONFIG SENDERS ATTEMPTS [LISTED]: what the database costs, one figure a line.
 *
 * Attempts written in bulk; senders told all at once, as after an hour without a flush; senders
 * listed; all read back by a new start; the list exported from a cold handle.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "mxtrap/config.h"
#include "mxtrap/export.h"
#include "mxtrap/report.h"
#include "mxtrap/store.h"

static uint64_t seed = 88172645463325252ULL;

static uint32_t
next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct store *
open_store(const struct config *c)
{
	const struct store_options options = { .dir = c->state_dir, .ladder = &c->ladder, .replay = true,
		.retention_attempts_s = c->retention_attempts_s, .half_life_s = c->judge.half_life_s };
	struct store *s;

	if (store_open(&s, &options) != STORE_OK)
		exit(1);
	return s;
}

static off_t
file_bytes(const struct config *c)
{
	char path[512];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/mxtrap.db", c->state_dir);
	return stat(path, &st) == 0 ? st.st_size : 0;
}

static void
tell(const char *what, double value)
{
	printf("%s %.3f\n", what, value);
}

static bool
count_sender(void *ctx, const struct sender_row *row)
{
	(void)row;
	++*(uint64_t *)ctx;
	return true;
}

int
main(int argc, char **argv)
{
	struct config c;
	bool asked = argc == 4 || argc == 5;
	uint32_t n_senders = asked ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	uint32_t n_attempts = asked ? (uint32_t)strtoul(argv[3], NULL, 10) : 0, now = (uint32_t)time(NULL);
	uint32_t n_listed = argc == 5 ? (uint32_t)strtoul(argv[4], NULL, 10) : n_senders;
	sender_key *keys = malloc((n_senders + 1) * sizeof(*keys));
	struct export_summary summary;
	struct report *report;
	struct store *s;
	struct sink sink;
	uint64_t n = 0;
	off_t before;
	double began;
	FILE *out;

	if (!asked || n_listed > n_senders || keys == NULL || config_load(&c, argv[1]) != 0) {
		fprintf(stderr, "usage: store CONFIG SENDERS ATTEMPTS [LISTED]\n");
		return 2;
	}
	for (uint32_t i = 0; i < n_senders; i++)
		keys[i] = i % 10 == 0 ? 0x2a01000000000000ULL | (uint64_t)next_random() << 16 :
		    SENDER_KEY_V4 | (0x01000000U + next_random() % 0xde000000U);
	s = open_store(&c);
	sink = store_sink(s);

	began = seconds();
	for (uint32_t i = 0; i < n_attempts; i++) {
		struct attempt_row a = { .time_us = now * 1000000LL + i, .src = sender_addr(keys[next_random() % n_senders], 1),
			.target = i % 3, .sport = (uint16_t)i, .n_syns = 1, .outcome = 1 };

		sink.attempt(sink.ctx, &a);
	}
	store_sync(s);
	tell("attempts_per_second", n_attempts / (seconds() - began));

	before = file_bytes(&c);
	began = seconds();
	for (uint32_t i = 0; i < n_senders; i++) {
		struct sender_row r = { .key = keys[i], .hint = 5, .sums_at_s = now, .first_seen_s = now - next_random() % 3600,
			.last_seen_s = now, .kinds = 1, .flags = 8 };

		sink.sender(sink.ctx, &r);
	}
	store_sync(s);
	tell("snapshot_seconds", seconds() - began);
	tell("bytes_per_sender", (double)(file_bytes(&c) - before) / n_senders);

	for (uint32_t i = 0; i < n_listed; i++) {
		struct change_row r = { .time_us = now * 1000000LL, .what = sender_prefix(keys[i]), .sender = keys[i], .score = 10,
			.hint = 10, .since_s = now, .expires_s = (now + 86400) / 60 * 60, .first_seen_s = now, .last_seen_s = now,
			.kinds = 1, .new_state = STATE_LISTED, .grade = GRADE_ADDRESSED, .term_days = 1 };

		sink.change(sink.ctx, &r);
	}
	store_sync(s);
	store_close(s);

	began = seconds();
	s = open_store(&c);
	store_each_sender(s, count_sender, &n);
	tell("start_seconds", seconds() - began);
	store_close(s);

	out = fopen("/dev/null", "w");
	if (out == NULL || report_open(&report, c.state_dir, &c.judge) != REPORT_OK)
		return 1;
	began = seconds();
	if (export_write(out, export_format_find("plain"), &(struct export_options){ 0 }, report, &c, now, &summary) != EXPORT_OK)
		return 1;
	tell("export_plain_seconds", seconds() - began);
	fprintf(stderr, "store: %llu senders read back, %llu entries exported\n", (unsigned long long)n,
	    (unsigned long long)summary.written);
	report_close(report);
	fclose(out);
	config_free(&c);
	free(keys);
	return 0;
}
