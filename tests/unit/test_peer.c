/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_peer.c - what watch takes of a process that was taken over: so much and no more, and nothing that is not
 * that process's to say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/watch/watch_int.h"

struct line {
	struct watch *w;
	struct process process;
	struct config config;
	int	 peer;			/* the other end of decoy's and lookup's line */
};

static void
exchanger(struct exchanger *x, enum role role, uint16_t preference, const char *addr)
{
	(void)snprintf(x->name, sizeof(x->name), "mx%u.example.org", preference);
	x->preference = preference;
	x->role = (uint8_t)role;
	x->answer = role == ROLE_BOGUS ? ANSWER_DIALOGUE : ANSWER_NONE;
	x->witness = WITNESS_WIRE;
	x->n_addrs = 1;
	x->addrs = calloc(1, sizeof(*x->addrs));
	assert_non_null(x->addrs);
	assert_true(addr_parse(x->addrs, addr));
}

static void
begin(struct line *l)
{
	struct ladder *ladder = &l->config.ladder;
	int fds[2];

	memset(l, 0, sizeof(*l));
	ladder->n_sets = 1;
	ladder->sets = calloc(1, sizeof(*ladder->sets));
	assert_non_null(ladder->sets);
	ladder->sets->n_exchangers = 3;
	ladder->sets->exchangers = calloc(3, sizeof(struct exchanger));
	assert_non_null(ladder->sets->exchangers);
	exchanger(&ladder->sets->exchangers[0], ROLE_NOLISTING, 10, "198.51.100.10");
	exchanger(&ladder->sets->exchangers[1], ROLE_REAL, 20, "198.51.100.20");
	exchanger(&ladder->sets->exchangers[2], ROLE_BOGUS, 90, "198.51.100.30");
	assert_int_equal(ladder_finish(ladder, NULL, NULL), LADDER_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	l->peer = fds[1];
	l->process.decoy_fd = l->process.lookup_fd = fds[0];
	l->process.web_fd = -1;
	l->w = calloc(1, sizeof(*l->w));
	assert_non_null(l->w);
	l->w->p = &l->process;
	l->w->config = &l->config;
	l->w->merge = merge_new(1, 64);
	assert_non_null(l->w->merge);
	(void)steady_look(&l->w->steady, 1790000000LL * 1000000, 1000);
}

static void
end(struct line *l)
{
	close(l->peer);
	close(l->process.decoy_fd);
	merge_free(l->w->merge);
	watch_drop_words(l->w);
	free(l->w);
	ladder_free(&l->config.ladder);
}

static uint32_t
target(const struct line *l, enum role role)
{
	for (uint32_t i = 0; i < l->config.ladder.n_targets; i++)
		if (l->config.ladder.targets[i].role == role)
			return i;
	return UINT32_MAX;
}

/* False: the line is full. */
static bool
accept_at(const struct line *l, uint32_t at, int64_t time_us)
{
	struct message_accepts m = { .n = 1, .accepts = { { .time_us = time_us, .target = at, .port = 4000 } } };

	message_init(&m.head, MESSAGE_ACCEPTS, sizeof(m));
	return message_send(l->peer, &m, sizeof(m)) == 1;
}

static void
a_turn_and_a_second_take_so_many_records_and_no_more(void **state)
{
	struct line l;
	size_t sent = 0, before = 0, most = 0;

	(void)state;
	begin(&l);
	for (int turn = 0; turn < 1000; turn++) {
		while (accept_at(&l, target(&l, ROLE_BOGUS), 1790000000LL * 1000000 - (int64_t)sent))
			sent++;
		watch_read_decoy(l.w);
		if (merge_events_waiting(l.w->merge) - before > most)
			most = merge_events_waiting(l.w->merge) - before;
		before = merge_events_waiting(l.w->merge);
	}
	assert_true(most <= MESSAGE_TURN);
	assert_int_equal(before, 4096);
	assert_int_equal(l.w->peers_held, 1);
	/* The next second it is heard again. */
	l.w->turn_ms += 1000;
	watch_read_decoy(l.w);
	assert_true(merge_events_waiting(l.w->merge) > 4096);
	end(&l);
}

static void
decoy_accepts_where_it_listens_alone(void **state)
{
	struct line l;

	(void)state;
	begin(&l);
	assert_true(accept_at(&l, target(&l, ROLE_REAL), 1790000000LL * 1000000));
	assert_true(accept_at(&l, target(&l, ROLE_NOLISTING), 1790000000LL * 1000000));
	assert_true(accept_at(&l, 99, 1790000000LL * 1000000));
	/* No time at all. */
	assert_true(accept_at(&l, target(&l, ROLE_BOGUS), INT64_MIN));
	assert_true(accept_at(&l, target(&l, ROLE_BOGUS), INT64_MAX));
	watch_read_decoy(l.w);
	assert_int_equal(merge_events_waiting(l.w->merge), 0);
	assert_true(accept_at(&l, target(&l, ROLE_BOGUS), 1790000000LL * 1000000));
	watch_read_decoy(l.w);
	assert_int_equal(merge_events_waiting(l.w->merge), 1);
	end(&l);
}

static void
nobody_says_what_is_anothers_to_say(void **state)
{
	struct message_sightings s = { .n = 1, .sightings = { { .time_us = 1790000000LL * 1000000, .what = SIGHTING_ACCEPTED } } };
	struct message_probe p = { .time_us = 1790000000LL * 1000000, .result = 0, .good_s = 60 };
	struct line l;

	(void)state;
	begin(&l);
	s.sightings[0].target = p.target = target(&l, ROLE_REAL);
	message_init(&s.head, MESSAGE_SIGHTINGS, sizeof(s));
	message_init(&p.head, MESSAGE_PROBE, sizeof(p));
	assert_int_equal(message_send(l.peer, &s, sizeof(s)), 1);
	watch_read_decoy(l.w);
	assert_int_equal(merge_events_waiting(l.w->merge), 0);
	assert_int_equal(message_send(l.peer, &p, sizeof(p)), 1);
	watch_read_lookup(l.w);
	assert_int_equal(merge_events_waiting(l.w->merge), 0);
	/* Each by whom it is to be said. */
	assert_int_equal(message_send(l.peer, &p, sizeof(p)), 1);
	watch_read_decoy(l.w);
	assert_int_equal(message_send(l.peer, &s, sizeof(s)), 1);
	watch_read_lookup(l.w);
	assert_int_equal(merge_events_waiting(l.w->merge), 2);
	/* A probe of a decoy, a sighting at one. */
	s.sightings[0].target = p.target = target(&l, ROLE_BOGUS);
	assert_int_equal(message_send(l.peer, &p, sizeof(p)), 1);
	watch_read_decoy(l.w);
	assert_int_equal(message_send(l.peer, &s, sizeof(s)), 1);
	watch_read_lookup(l.w);
	assert_int_equal(merge_events_waiting(l.w->merge), 2);
	end(&l);
}

/* The whole table, as it is meant: a kind that is said on no other line than these. */
static void
each_kind_has_its_lines(void **state)
{
	static const struct { enum message_kind kind; enum message_line line, other; } rows[] = {
		{ MESSAGE_HEARTBEAT, LINE_CHILD_TO_SUPERVISOR, LINE_N }, { MESSAGE_PROCESSES, LINE_SUPERVISOR_TO_WATCH, LINE_N },
		{ MESSAGE_ACCEPTS, LINE_DECOY_TO_WATCH, LINE_N }, { MESSAGE_DECOY, LINE_DECOY_TO_WATCH, LINE_N },
		{ MESSAGE_PROBE, LINE_DECOY_TO_WATCH, LINE_N }, { MESSAGE_SAID, LINE_DECOY_TO_WATCH, LINE_N },
		{ MESSAGE_LOOKUP, LINE_LOOKUP_TO_WATCH, LINE_N }, { MESSAGE_SIGHTINGS, LINE_LOOKUP_TO_WATCH, LINE_N },
		{ MESSAGE_FETCHED, LINE_WEB_TO_WATCH, LINE_CLIENT_TO_WATCH }, { MESSAGE_FIREWALL, LINE_FIREWALL_TO_WATCH, LINE_N },
		{ MESSAGE_DOORBELL, LINE_WATCH_TO_LOOKUP, LINE_WATCH_TO_WEB }, { MESSAGE_ROWS, LINE_WATCH_TO_FIREWALL, LINE_N },
		{ MESSAGE_ANSWER, LINE_WATCH_TO_CLIENT, LINE_N }, { MESSAGE_ADMIN, LINE_CLIENT_TO_WATCH, LINE_WEB_TO_WATCH },
		{ MESSAGE_PURGE, LINE_CLIENT_TO_WATCH, LINE_WEB_TO_WATCH }, { MESSAGE_TOKEN, LINE_CLIENT_TO_WATCH, LINE_WEB_TO_WATCH },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned line = 0; line <= LINE_N; line++)
			assert_int_equal(message_may((enum message_line)line, rows[i].kind),
			    line == rows[i].line || (line != LINE_N && line == rows[i].other));
	assert_false(message_may(LINE_CHILD_TO_SUPERVISOR, (enum message_kind)0));
	assert_false(message_may(LINE_CHILD_TO_SUPERVISOR, (enum message_kind)1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_turn_and_a_second_take_so_many_records_and_no_more),
		cmocka_unit_test(decoy_accepts_where_it_listens_alone),
		cmocka_unit_test(nobody_says_what_is_anothers_to_say),
		cmocka_unit_test(each_kind_has_its_lines),
	};

	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
