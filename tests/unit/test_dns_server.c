/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_dns_server.c - the DNSBL by TCP: nobody holds up the others.
 */
#include "lookup_support.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../daemon/lookup/dns_server.h"

#define N_QUESTIONS 300

/* "2.0.0.127.bl.example.org" of type A and class IN, behind its length. */
static const uint8_t QUESTION[] = "\0\x2a" "\0\7\1\0\0\1\0\0\0\0\0\0" "\1" "2\1" "0\1" "0\3" "127\2bl\7example\3org\0" "\0\1\0\1";

static struct {
	struct process process;
	struct feed feed;
	struct dns_server *server;
	struct sockaddr_in at;
	int64_t now_ms;
} t;

static int
begin(void **state)
{
	static const uint8_t seed[16] = { 1, 2, 3 };
	socklen_t size = sizeof(t.at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)state;
	memset(&t, 0, sizeof(t));
	feed_fill(&t.feed);
	t.at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	assert_int_equal(bind(fd, (struct sockaddr *)&t.at, sizeof(t.at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&t.at, &size), 0);
	t.process.config.n_dnsbl = 1;
	(void)snprintf(t.process.config.dnsbl_listen[0], sizeof(t.process.config.dnsbl_listen[0]), "127.0.0.1:53");
	(void)snprintf(t.process.config.dnsbl_zone, sizeof(t.process.config.dnsbl_zone), "bl.example.org");
	t.process.sockets[0].fd = fd;
	t.process.sockets[0].target = USE_DNS_TCP;
	t.process.n_sockets = 1;
	t.server = dns_open(&t.process, &t.feed, seed);
	assert_non_null(t.server);
	t.now_ms = 1000;
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	dns_close(t.server);
	feed_free(&t.feed);
	close(t.process.sockets[0].fd);
	return 0;
}

static bool
turn(void)
{
	return dns_turn(t.server, ++t.now_ms, NOW_S);
}

static int
dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&t.at, sizeof(t.at)), 0);
	return fd;
}

static bool
is_answered(int fd)
{
	uint8_t reply[512];

	return recv(fd, reply, sizeof(reply), MSG_DONTWAIT) > (ssize_t)sizeof(QUESTION);
}

static void
one_that_asks_without_a_pause_lets_the_others_have_their_turn(void **state)
{
	int greedy = dial();

	(void)state;
	for (int i = 0; i < N_QUESTIONS; i++)
		assert_int_equal(send(greedy, QUESTION, sizeof(QUESTION) - 1, 0), (ssize_t)sizeof(QUESTION) - 1);
	assert_true(turn());
	assert_int_equal(t.server->counters.queries, DNS_TURN);
	for (int i = 0; i < N_QUESTIONS; i++)
		(void)turn();
	assert_int_equal(t.server->counters.queries, N_QUESTIONS);
	assert_int_equal(t.server->counters.malformed, 0);
	assert_true(is_answered(greedy));
	close(greedy);
}

static void
those_who_only_sit_there_shut_nobody_out(void **state)
{
	int idle[DNS_CLIENTS], asks;

	(void)state;
	for (size_t i = 0; i < DNS_CLIENTS; i++) {
		idle[i] = dial();
		(void)turn();
	}
	asks = dial();
	assert_int_equal(send(asks, QUESTION, sizeof(QUESTION) - 1, 0), (ssize_t)sizeof(QUESTION) - 1);
	(void)turn();
	(void)turn();
	assert_true(is_answered(asks));
	assert_int_equal(t.server->counters.tcp_full, 1);
	for (size_t i = 0; i < DNS_CLIENTS; i++)
		close(idle[i]);
	close(asks);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, finish)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_asks_without_a_pause_lets_the_others_have_their_turn), TEST(those_who_only_sit_there_shut_nobody_out),
	};

	return cmocka_run_group_tests_name("dns-server", tests, NULL, NULL);
}
