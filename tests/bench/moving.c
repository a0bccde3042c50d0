/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * moving.c - moving CONFIG SECONDS RATE SENDERS [PORT]: a list that changes so many times a second, while so many
 * senders are written as snapshots into the database that is there.
 *
 * As many at once as FLUSH says (an environment variable; else as many as watch would).
 * Prints how long a change waited until it was committed: median, 99 of 100, the longest (ms); and how many changed and
 * were written.  With PORT a real lookup process answers there meanwhile, told of each commit as watch would tell it.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/process.h"
#include "mxtrap/store.h"

#define FLUSH_MOST 262144		/* as in watch */
#define WAITS_MAX  1000000

static uint64_t seed = 88172645463325252ULL;

static uint32_t
next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

/* What was told and is not committed yet: one puts, the writer's thread takes all that came before its commit. */
struct waits {
	int	 bell_fd;
	_Atomic uint64_t told, committed;
	int64_t	 at_us[WAITS_MAX], took_us[WAITS_MAX];
};

/* What was told within the last millisecond is taken to be in the next commit. */
static void
moved(void *ctx, uint64_t generation, uint64_t serial)
{
	struct waits *w = ctx;
	struct message_doorbell bell = { .generation = generation, .serial = serial };
	int64_t now = now_us();
	uint64_t told = atomic_load(&w->told);

	for (uint64_t i = atomic_load(&w->committed); i < told && now - w->at_us[i] >= 1000; i++) {
		w->took_us[i] = now - w->at_us[i];
		atomic_store(&w->committed, i + 1);
	}
	message_init(&bell.head, MESSAGE_DOORBELL, sizeof(bell));
	if (w->bell_fd != -1)
		(void)message_send(w->bell_fd, &bell, sizeof(bell));
}

static pid_t
start_lookup(const char *path, uint16_t port, int bell_fd)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	static struct process process;
	int line[2];
	sigset_t set;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (config_load(&process.config, path) != 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, line) != 0)
		_exit(1);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	process.role = PROCESS_LOOKUP;
	process.supervisor_fd = line[1];
	process.lookup_fd = bell_fd;
	process.decoy_fd = process.control_fd = process.web_fd = process.firewall_fd = -1;
	process.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	process.sockets[0].fd = socket(AF_INET, SOCK_DGRAM, 0);
	process.sockets[0].target = USE_DNS_UDP;
	process.n_sockets = 1;
	if (bind(process.sockets[0].fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		_exit(1);
	_exit(lookup_main(&process));
}

static int
by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
tell_change(struct sink *sink, struct waits *w, uint32_t now)
{
	uint64_t i = atomic_load(&w->told);
	sender_key key = SENDER_KEY_V4 | (0x01000000U + next_random() % 0xde000000U);
	struct change_row r = { .time_us = now * 1000000LL, .what = sender_prefix(key), .sender = key, .score = 10, .hint = 10,
		.since_s = now, .expires_s = (now + 86400) / 60 * 60, .first_seen_s = now, .last_seen_s = now, .kinds = 1,
		.new_state = STATE_LISTED, .grade = GRADE_ADDRESSED, .term_days = 1 };

	if (i == WAITS_MAX)
		return;
	w->at_us[i] = now_us();
	sink->change(sink->ctx, &r);
	atomic_store(&w->told, i + 1);
}

int
main(int argc, char **argv)
{
	static struct waits w;
	struct config c;
	double seconds = argc > 4 ? atof(argv[2]) : 0;
	int64_t rate = argc > 4 ? atoi(argv[3]) : 0, senders = argc > 4 ? atoll(argv[4]) : 0, begun, told = 0, flushed_us = 0;
	struct store_options options;
	const char *flush = getenv("FLUSH");
	int64_t most = flush != NULL ? atoll(flush) : FLUSH_MOST;
	int bell[2] = { -1, -1 };
	struct store_counters counters;
	struct store *s;
	struct sink sink;
	pid_t lookup = -1;
	int64_t now;
	uint64_t n;

	if ((argc != 5 && argc != 6) || config_load(&c, argv[1]) != 0) {
		fprintf(stderr, "usage: moving CONFIG SECONDS RATE SENDERS [PORT]\n");
		return 2;
	}
	if (argc == 6) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, bell) != 0)
			return 1;
		lookup = start_lookup(argv[1], (uint16_t)atoi(argv[5]), bell[1]);
	}
	w.bell_fd = bell[0];
	options = (struct store_options){ .dir = c.state_dir, .ladder = &c.ladder, .retention_attempts_s = c.retention_attempts_s,
		.half_life_s = c.judge.half_life_s, .moved = moved, .ctx = &w };
	if (store_open(&s, &options) != STORE_OK)
		return 1;
	sink = store_sink(s);
	begun = now_us();
	while ((now = now_us()) - begun < (int64_t)(seconds * 1e6)) {
		const struct timespec moment = { .tv_nsec = 500000 };
		uint32_t wall = (uint32_t)time(NULL);
		char text[24];

		for (; told < (now - begun) * rate / 1000000; told++)
			tell_change(&sink, &w, wall);
		if (now - flushed_us >= 1000000) {
			int64_t room = (int64_t)store_sender_room(s);

			flushed_us = now;
			(void)snprintf(text, sizeof(text), "%u", wall);
			store_status(s, "clock", text);
			for (int64_t i = 0; i < most && i < room && senders > 0; i++, senders--) {
				sender_key key = SENDER_KEY_V4 | (0x01000000U + next_random() % 0xde000000U);
				struct sender_row r = { .key = key, .hint = 5, .sums_at_s = wall, .first_seen_s = wall,
					.last_seen_s = wall, .kinds = 1, .flags = 8 };

				struct memory_row m = { .sender = key, .lower_at_s = wall, .memory_at_s = wall, .last_s = wall };

				sink.sender(sink.ctx, &r);
				sink.memory(sink.ctx, &m);
			}
		}
		(void)nanosleep(&moment, NULL);
	}
	store_counters(s, &counters);
	n = atomic_load(&w.committed);
	qsort(w.took_us, n, sizeof(w.took_us[0]), by_number);
	if (n > 0)
		printf("%.1f %.1f %.1f %llu %llu\n", (double)w.took_us[n / 2] / 1000, (double)w.took_us[n * 99 / 100] / 1000,
		    (double)w.took_us[n - 1] / 1000, (unsigned long long)n, (unsigned long long)counters.rows_written);
	if (lookup > 0) {
		(void)kill(lookup, SIGTERM);
		(void)waitpid(lookup, NULL, 0);
	}
	store_close(s);
	return n == 0;
}
