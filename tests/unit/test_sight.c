/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_sight.c - what Postfix' questions tell of the real MX.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../daemon/lookup/sight.h"

#define T0 1790000000LL

static struct ladder LADDER;
static const uint8_t SEED[16] = { 1, 2, 3 };

static void
exchanger(const char *addr, uint16_t preference, enum role role, enum witness witness)
{
	struct mxset *s = LADDER.sets;
	struct exchanger *x;

	s->exchangers = realloc(s->exchangers, (s->n_exchangers + 1) * sizeof(*s->exchangers));
	assert_non_null(s->exchangers);
	x = &s->exchangers[s->n_exchangers++];
	*x = (struct exchanger){
		.preference = preference, .role = (uint8_t)role, .witness = (uint8_t)witness, .n_addrs = 1,
		.addrs = malloc(sizeof(struct addr)),
	};
	assert_non_null(x->addrs);
	assert_true(addr_parse(&x->addrs[0], addr));
}

/* Low, real (told by its MTA), bogus; also a second one of the real. */
static void
begin(void **state, bool two)
{
	LADDER = (struct ladder){ .n_sets = 1, .sets = calloc(1, sizeof(struct mxset)) };
	assert_non_null(LADDER.sets);
	exchanger("198.51.100.10", 10, ROLE_NOLISTING, WITNESS_WIRE);
	exchanger("203.0.113.20", 20, ROLE_REAL, WITNESS_POSTFIX);
	if (two)
		exchanger("203.0.113.21", 20, ROLE_REAL, WITNESS_POSTFIX);
	exchanger("198.51.100.30", 90, ROLE_BOGUS, WITNESS_WIRE);
	assert_int_equal(ladder_finish(&LADDER, NULL, NULL), LADDER_OK);
	*state = sight_new(&LADDER, SEED);
	assert_non_null(*state);
}

static int
setup(void **state)
{
	begin(state, false);
	return 0;
}

static int
setup_two(void **state)
{
	begin(state, true);
	return 0;
}

static int
teardown(void **state)
{
	sight_free(*state);
	ladder_free(&LADDER);
	return 0;
}

static void
ask_at(struct sight *s, int64_t at_s, const char *state, const char *client, const char *more, bool refused)
{
	char text[512];
	struct postfix_request r;

	(void)snprintf(text, sizeof(text), "request=smtpd_access_policy\nprotocol_state=%s\nclient_address=%s\nserver_port=25\n%s\n",
	    state, client, more);
	assert_int_equal(postfix_read(text, strlen(text), &r), POSTFIX_DONE);
	sight_request(s, &r, refused, at_s * 1000000);
}

static void
is_told(const struct sight *s, uint32_t i, enum sighting what, const char *client)
{
	struct addr a;

	assert_true(i < s->out.n);
	assert_true(addr_parse(&a, client));
	assert_int_equal(s->out.sightings[i].what, what);
	assert_memory_equal(s->out.sightings[i].src, a.b, sizeof(a.b));
	assert_int_equal(s->out.sightings[i].target, 1);
}

static void
a_question_at_rcpt_is_a_sighting(void **state)
{
	struct sight *s = *state;

	ask_at(s, T0, "RCPT", "192.0.2.7", "instance=1.2.3\nclient_port=4711\n", false);
	assert_int_equal(s->out.n, 1);
	is_told(s, 0, SIGHTING_RCPT, "192.0.2.7");
	assert_int_equal(s->out.sightings[0].port, 4711);
	assert_int_equal(s->out.sightings[0].time_us, T0 * 1000000);
}

static void
many_recipients_are_one_sighting_a_minute(void **state)
{
	struct sight *s = *state;

	for (int i = 0; i < 100; i++)
		ask_at(s, T0 + i / 4, "RCPT", "192.0.2.7", "instance=1.2.3\n", false);
	assert_int_equal(s->out.n, 1);
	ask_at(s, T0 + SIGHT_AGAIN_S, "RCPT", "192.0.2.7", "instance=1.2.4\n", false);
	assert_int_equal(s->out.n, 2);
}

static void
a_message_at_its_end_is_taken(void **state)
{
	struct sight *s = *state;

	ask_at(s, T0, "RCPT", "192.0.2.7", "instance=1.2.3\n", false);
	ask_at(s, T0 + 1, "END-OF-MESSAGE", "192.0.2.7", "instance=1.2.3\n", false);
	is_told(s, 1, SIGHTING_ACCEPTED, "192.0.2.7");
	sight_turn(s, (T0 + 1000) * 1000000);
	assert_int_equal(s->out.n, 2);	/* and was not put off */
}

static void
a_message_that_never_ends_was_put_off(void **state)
{
	struct sight *s = *state;

	ask_at(s, T0, "RCPT", "192.0.2.8", "instance=1.2.1\n", false);
	ask_at(s, T0, "END-OF-MESSAGE", "192.0.2.8", "instance=1.2.1\n", false);
	ask_at(s, T0, "RCPT", "192.0.2.7", "instance=1.2.3\n", false);
	sight_turn(s, (T0 + SIGHT_WAIT_S - 1) * 1000000);
	assert_int_equal(s->out.n, 3);
	sight_turn(s, (T0 + SIGHT_WAIT_S) * 1000000);
	assert_int_equal(s->out.n, 4);
	is_told(s, 3, SIGHTING_DEFERRED, "192.0.2.7");
}

static void
a_server_that_never_asks_at_the_end_puts_nobody_off(void **state)
{
	struct sight *s = *state;

	ask_at(s, T0, "RCPT", "192.0.2.7", "instance=1.2.3\n", false);
	sight_turn(s, (T0 + 1000) * 1000000);
	assert_int_equal(s->out.n, 1);
	assert_int_equal(s->counters.deferred, 0);
}

static void
whom_we_refused_was_not_put_off_and_not_taken(void **state)
{
	struct sight *s = *state;

	ask_at(s, T0, "END-OF-MESSAGE", "192.0.2.8", "instance=1.2.1\n", false);
	ask_at(s, T0, "RCPT", "192.0.2.7", "instance=1.2.3\n", true);
	ask_at(s, T0, "END-OF-MESSAGE", "192.0.2.9", "instance=1.2.4\n", true);
	sight_turn(s, (T0 + 1000) * 1000000);
	assert_int_equal(s->counters.deferred, 0);
	assert_int_equal(s->counters.accepted, 1);
	is_told(s, 1, SIGHTING_RCPT, "192.0.2.7");
}

static void
our_own_users_are_no_senders(void **state)
{
	struct sight *s = *state;

	ask_at(s, T0, "RCPT", "192.0.2.7", "instance=1\nsasl_username=anna\n", false);
	ask_at(s, T0, "RCPT", "192.0.2.7", "instance=1\nserver_port=587\n", false);
	ask_at(s, T0, "RCPT", "unknown", "instance=1\n", false);
	assert_int_equal(s->out.n, 0);
}

static void
an_mta_with_a_certificate_is_a_sender(void **state)
{
	struct sight *s = *state;

	ask_at(s, T0, "RCPT", "192.0.2.7", "instance=1\nccert_fingerprint=0A:1B\n", false);
	is_told(s, 0, SIGHTING_RCPT, "192.0.2.7");
}

static void
whom_newer_messages_push_out_may_be_put_off(void **state)
{
	struct sight *s = *state;
	char client[32], more[32];

	ask_at(s, T0, "END-OF-MESSAGE", "192.0.2.8", "instance=1.2.1\n", false);
	for (int i = 0; i < SIGHT_OPEN + 100; i++) {
		(void)snprintf(client, sizeof(client), "198.18.%d.%d", i / 256, i % 256);
		(void)snprintf(more, sizeof(more), "instance=1.3.%d\n", i);
		s->out.n = 0;
		ask_at(s, T0, "RCPT", client, more, false);
	}
	assert_true(s->counters.evicted >= 100);
	assert_int_equal(s->counters.deferred, s->counters.evicted);
}

/* Who could choose an address that stands for another's would keep that other's sightings from us. */
static void
where_a_sighting_is_kept_cannot_be_told_from_outside(void **state)
{
	static const uint8_t seed[16] = { 7 };
	struct sight *s = *state, *other = sight_new(&LADDER, seed);

	assert_non_null(other);
	ask_at(s, T0, "RCPT", "192.0.2.7", "", false);
	ask_at(other, T0, "RCPT", "192.0.2.7", "", false);
	for (size_t i = 0; i < SIGHT_RECENT; i++)
		assert_true(s->recent[i].what == 0 || s->recent[i].what != other->recent[i].what);
	sight_free(other);
}

static void
a_server_elsewhere_is_the_only_one_that_asks(void **state)
{
	struct sight *s = *state;

	/* Behind a translator: its own address is none of the ladder's. */
	ask_at(s, T0, "RCPT", "192.0.2.7", "server_address=10.0.0.5\n", false);
	is_told(s, 0, SIGHTING_RCPT, "192.0.2.7");
	/* It has no address of this family. */
	ask_at(s, T0, "RCPT", "2001:db8::1", "server_address=fd00::5\n", false);
	assert_int_equal(s->out.n, 1);
	assert_int_equal(s->counters.unmatched, 1);
}

static void
of_two_that_ask_nobody_knows_which(void **state)
{
	struct sight *s = *state;

	ask_at(s, T0, "RCPT", "192.0.2.8", "server_address=10.0.0.5\n", false);
	assert_int_equal(s->out.n, 0);
	assert_int_equal(s->counters.unmatched, 1);
	ask_at(s, T0, "RCPT", "192.0.2.8", "server_address=203.0.113.20\n", false);
	is_told(s, 0, SIGHTING_RCPT, "192.0.2.8");
}

static void
a_decoy_asks_nothing(void **state)
{
	struct sight *s = *state;

	ask_at(s, T0, "RCPT", "192.0.2.8", "server_address=198.51.100.30\n", false);
	assert_int_equal(s->out.n, 0);
	assert_int_equal(s->counters.unmatched, 1);
}

static void
what_watch_does_not_take_is_counted_and_leaves_a_gap(void **state)
{
	struct sight *s = *state;
	char client[32];

	for (int i = 0; i < MESSAGE_MAX_SIGHTINGS + 3; i++) {
		(void)snprintf(client, sizeof(client), "192.0.2.%d", i + 1);
		ask_at(s, T0, "RCPT", client, "", false);
	}
	assert_int_equal(s->out.n, MESSAGE_MAX_SIGHTINGS);
	assert_int_equal(s->counters.lost, 3);
	s->out.n = 0;
	ask_at(s, T0, "RCPT", "192.0.2.200", "", false);
	assert_int_equal(s->out.seq, MESSAGE_MAX_SIGHTINGS + 3);
}

static void
what_is_sent_is_a_record_that_holds(void **state)
{
	struct message_sightings m;
	struct sight *s = *state;
	int line[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, line), 0);
	ask_at(s, T0, "RCPT", "192.0.2.7", "", false);
	sight_send(s, line[0]);
	assert_int_equal(s->out.n, 0);
	assert_int_equal(message_receive(line[1], &m, sizeof(m)), (int)sizeof(m));
	assert_int_equal(m.n, 1);
	m.sightings[0].what = SIGHTING_DEFERRED + 1;
	assert_false(message_holds(&m, sizeof(m)));
	close(line[0]);
	close(line[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_question_at_rcpt_is_a_sighting), TEST(many_recipients_are_one_sighting_a_minute),
		TEST(a_message_at_its_end_is_taken), TEST(a_message_that_never_ends_was_put_off),
		TEST(a_server_that_never_asks_at_the_end_puts_nobody_off),
		TEST(whom_we_refused_was_not_put_off_and_not_taken), TEST(our_own_users_are_no_senders),
		TEST(an_mta_with_a_certificate_is_a_sender), TEST(whom_newer_messages_push_out_may_be_put_off),
		TEST(where_a_sighting_is_kept_cannot_be_told_from_outside),
		TEST(a_server_elsewhere_is_the_only_one_that_asks), TEST(a_decoy_asks_nothing),
		cmocka_unit_test_setup_teardown(of_two_that_ask_nobody_knows_which, setup_two, teardown),
		TEST(what_watch_does_not_take_is_counted_and_leaves_a_gap), TEST(what_is_sent_is_a_record_that_holds),
	};

	return cmocka_run_group_tests_name("sight", tests, NULL, NULL);
}
