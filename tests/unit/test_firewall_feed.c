/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_firewall_feed.c - what of the list the firewall process is told, and when all of it.
 */
#include "store_support.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "../../daemon/store/store_int.h"
#include "../../daemon/watch/firewall_feed.h"
#include "mxtrap/evidence.h"

struct world {
	struct config config;
	struct store *store;
	struct firewall_feed feed;
	int line;
};

static sender_key
sender_of(const char *text)
{
	struct addr a;

	assert_true(addr_parse(&a, text));
	return addr_sender(&a);
}

/* As the trap tells it: the sender's record, and the change of the list. */
static void
tells(struct world *w, const char *who, uint8_t from, uint8_t to)
{
	struct sink sink = store_sink(w->store);
	uint32_t now = (uint32_t)time(NULL);
	struct change_row change = { .time_us = (int64_t)now * 1000000, .what = sender_prefix(sender_of(who)), .sender = sender_of(who),
		.score = 10, .since_s = now - 60, .expires_s = to == STATE_LISTED ? now + 86400 : 0, .kinds = 1U << EVIDENCE_BACKUP_FIRST,
		.old_state = from, .new_state = to, .grade = GRADE_PROVEN, .cause = CAUSE_EVIDENCE, .term_days = 1 };

	sink.change(sink.ctx, &change);
	assert_true(store_sync(w->store));
	firewall_feed_ring(&w->feed);
}

/* The next message with one of these flags, or with rows. */
static void
hears(struct world *w, uint32_t flags, struct message_rows *m)
{
	struct pollfd p = { .fd = w->line, .events = POLLIN };

	do {
		assert_int_equal(poll(&p, 1, 100000), 1);
		assert_int_equal(message_receive(w->line, m, sizeof(*m)), (int)sizeof(*m));
	} while ((m->flags & flags) != flags);
}

static void
asks(struct world *w)
{
	struct message_firewall m = { .ask = 1 };

	message_init(&m.head, MESSAGE_FIREWALL, sizeof(m));
	assert_int_equal(message_send(w->line, &m, sizeof(m)), 1);
}

static void
begin(struct world *w, const struct bench_dir *d)
{
	int line[2];

	memset(w, 0, sizeof(*w));
	w->config.publish = w->config.firewall = true;
	w->config.state_dir = strdup(d->path);
	assert_non_null(w->config.state_dir);
	w->store = support_open(d, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line), 0);
	w->line = line[1];
	assert_true(firewall_feed_start(&w->feed, &w->config, line[0], false));
}

static void
finish(struct world *w)
{
	firewall_feed_stop(&w->feed);
	close(w->feed.fd);
	close(w->line);
	store_close(w->store);
	free(w->config.state_dir);
}

static void
who_asks_gets_all_and_then_what_changes(void **state)
{
	struct message_rows m;
	struct world w;

	begin(&w, *state);
	tells(&w, "192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	hears(&w, ROWS_HELLO, &m);
	asks(&w);
	hears(&w, ROWS_RESET | ROWS_COMPLETE, &m);
	assert_int_equal(m.n, 1);
	tells(&w, "192.0.2.7", STATE_LISTED, STATE_ALLOWED);
	hears(&w, 0, &m);
	assert_int_equal(m.flags, 0);
	assert_int_equal(m.n, 1);
	assert_int_equal(m.rows[0].remove, 1);
	finish(&w);
}

/* A full disk that lost changes gives the list a new name: only all of it is right then. */
static void
a_new_generation_is_sent_whole(void **state)
{
	struct message_rows m;
	struct world w;
	uint32_t n;

	begin(&w, *state);
	tells(&w, "192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	asks(&w);
	hears(&w, ROWS_RESET | ROWS_COMPLETE, &m);
	atomic_store(&w.store->changes_lost, true);
	tells(&w, "192.0.2.8", STATE_UNKNOWN, STATE_LISTED);
	hears(&w, 0, &m);
	assert_int_equal(m.flags, ROWS_RESET | ROWS_COMPLETE);
	/* The new name is committed before the change: who looks between them gets all, and then the change. */
	for (n = m.n; n < 2; n += m.n) {
		hears(&w, 0, &m);
		assert_int_equal(m.flags, 0);
	}
	assert_int_equal(n, 2);
	finish(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(who_asks_gets_all_and_then_what_changes), store_test(a_new_generation_is_sent_whole),
	};

	return cmocka_run_group_tests_name("firewall feed", tests, NULL, NULL);
}
