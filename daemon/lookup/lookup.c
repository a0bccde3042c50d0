/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup.c - the process that answers whoever asks about one address: DNSBL, Postfix.
 *
 * It has no capabilities, reads the database through a read-only handle, and says
 * "listed" only of what it knows: on any doubt the answer is no.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "dns_server.h"
#include "mxtrap/log.h"
#include "mxtrap/state.h"
#include "postfix_server.h"

#define TELL_MS 1000
#define MAX_FDS (2 + DNS_SOCKETS + DNS_CLIENTS + POSTFIX_SOCKETS + POSTFIX_CLIENTS)

/* The bell names the newest state.  True: it rang. */
static bool
read_doorbell(int *fd)
{
	struct message_doorbell bell;
	bool rung = false;
	int n;

	for (int i = 0; i < MESSAGE_TURN && *fd != -1 && (n = message_take(*fd, LINE_WATCH_TO_LOOKUP, &bell, sizeof(bell))) != 0; i++) {
		if (n == -1) {
			*fd = -1;
			break;
		}
		rung = rung || n == (int)sizeof(bell);
	}
	return rung;
}

static int64_t
wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static void
tell(const struct process *process, const struct feed *f, const struct dns_server *dns, const struct postfix_server *postfix)
{
	struct message_lookup m = { .no_memory = f->no_memory, .known = f->listed.n, .claims = f->complete && f->claims };

	if (dns != NULL) {
		const struct dns_counters *c = &dns->counters;

		m.queries = c->queries;
		m.listed = c->listed;
		m.not_listed = c->not_listed;
		m.suspects = c->suspects;
		m.refused = c->refused;
		m.malformed = c->malformed;
		m.dropped = c->dropped;
		m.slipped = c->slipped;
		m.tcp = c->tcp;
		m.tcp_full = c->tcp_full;
	}
	if (postfix != NULL) {
		const struct sight_counters *c = &postfix->sight->counters;

		m.policy = postfix->counters.requests;
		m.policy_refused = postfix->counters.refused;
		m.policy_malformed = postfix->counters.malformed;
		m.policy_full = postfix->counters.full;
		m.policy_slow = postfix->counters.slow;
		m.sighted = c->told;
		m.sighted_accepted = c->accepted;
		m.sighted_deferred = c->deferred;
		m.sighted_unmatched = c->unmatched;
		m.sighted_evicted = c->evicted;
		m.sighted_lost = c->lost;
	}
	message_init(&m.head, MESSAGE_LOOKUP, sizeof(m));
	(void)message_send(process->lookup_fd, &m, sizeof(m));
}

int
lookup_main(struct process *process)
{
	uint8_t seed[16];
	struct postfix_server *postfix;
	struct dns_server *dns;
	int64_t told_ms = 0;
	struct feed feed;
	bool more = true;

	process_confine(process, 0);
	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		fatalx("the kernel gives no randomness");
	feed_init(&feed, &process->config, seed);
	dns = dns_open(process, &feed, seed);
	postfix = postfix_open(process, &feed, seed);
	while (!process_should_stop(process, NULL)) {
		struct pollfd fds[MAX_FDS] = {
			{ .fd = process->signal_fd, .events = POLLIN },
			{ .fd = process->lookup_fd, .events = POLLIN },
		};
		size_t n = 2 + dns_poll(dns, fds + 2, MAX_FDS - 2);
		int wait = process_heartbeat(process, true);
		int64_t now_ms, now_us, now_s;
		bool rung;

		n += postfix_poll(postfix, fds + n, MAX_FDS - n);
		(void)poll(fds, n, more ? 0 : wait);
		now_ms = process_now_ms();
		now_us = wall_us();
		now_s = now_us / 1000000;
		rung = read_doorbell(&process->lookup_fd);
		more = feed_turn(&feed, rung, now_ms, now_s);
		now_s = feed.now_s;
		more = dns_turn(dns, now_ms, now_s) || more;
		postfix_turn(postfix, now_ms, now_us, process->lookup_fd);
		if (now_ms - told_ms >= TELL_MS) {
			if ((feed.report == NULL || process->trouble[0] != '\0') && state_trouble(process) && process->trouble[0] != '\0')
				log_warnx("%s", process->trouble);
			process->damaged = feed.report != NULL && report_damaged(feed.report);
			tell(process, &feed, dns, postfix);
			told_ms = now_ms;
		}
	}
	postfix_close(postfix);
	dns_close(dns);
	feed_free(&feed);
	return 0;
}
