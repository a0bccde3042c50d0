/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_web_crowd.c - as many connections of one address as it may have, and who makes room for the next one.
 *
 * A consumer on this host, or behind a proxy, gets its list whatever others of the same address leave open.
 */
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "../support/web_harness.h"

#define MANY 400		/* more than an address may have */

static int fds[MANY];

static void
open_many(size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		fds[i] = dial();
		if (text[0] != '\0')
			assert_int_equal(send(fds[i], text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	}
}

static void
close_many(size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
}

/* The server has closed it. */
static bool
is_closed(int fd)
{
	char buf[4096];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		continue;
	return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static size_t
n_closed(size_t n)
{
	size_t closed = 0;

	for (size_t i = 0; i < n; i++)
		closed += is_closed(fds[i]);
	return closed;
}

/* The fetch of a consumer, at once: its status. */
static void
consumers_are_served(void)
{
	for (int i = 0; i < 20; i++) {
		int64_t begun = now_ms();

		assert_status(get("/export/plain"), 200);
		assert_in_range(now_ms() - begun, 0, 5000);
	}
}

static void
idle_connections_make_room(void **state)
{
	(void)state;
	open_many(MANY, "");
	consumers_are_served();
	/* The oldest went, and no more of them than had to. */
	assert_in_range(n_closed(MANY), MANY - PER_ADDRESS_MAX, MANY - PER_ADDRESS_MAX + 21);
	assert_true(is_closed(fds[0]));
	assert_false(is_closed(fds[MANY - 1]));
	close_many(MANY);
	assert_has(get("/metrics")->body, "mxtrap_http_evicted_total ");
}

/* Answered once, and kept open. */
static void
kept_connections_make_room(void **state)
{
	static const char once[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

	(void)state;
	open_many(MANY, once);
	consumers_are_served();
	close_many(MANY);
}

static void
a_request_that_is_being_sent_is_not_cut(void **state)
{
	static const char first[] = "GET /api/v1/status HTTP/1.1\r\nHost: local", rest[] = "host\r\nConnection: close\r\n\r\n";
	char answer[256] = "";
	int fd = dial();

	(void)state;
	assert_int_equal(send(fd, first, sizeof(first) - 1, MSG_NOSIGNAL), sizeof(first) - 1);
	assert_status(get("/healthz"), 200);	/* what came before this one was read */
	open_many(MANY, "");
	consumers_are_served();
	assert_int_equal(send(fd, rest, sizeof(rest) - 1, MSG_NOSIGNAL), sizeof(rest) - 1);
	assert_true(recv(fd, answer, 12, MSG_WAITALL) == 12);
	assert_string_equal(answer, "HTTP/1.1 200");
	(void)close(fd);
	close_many(MANY);
}

static void
an_event_stream_is_not_cut(void **state)
{
	static const char events[] = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
	char answer[16] = "";
	int fd = dial();

	(void)state;
	assert_int_equal(send(fd, events, sizeof(events) - 1, MSG_NOSIGNAL), sizeof(events) - 1);
	assert_true(recv(fd, answer, 12, MSG_WAITALL) == 12);
	open_many(MANY, "");
	consumers_are_served();
	assert_false(is_closed(fd));
	(void)close(fd);
	close_many(MANY);
}

/* Requests that never end make room at once, however many are opened anew. */
static void
requests_that_do_not_end_make_room(void **state)
{
	static const char half[] = "GET /api/v1/status HTTP/1.1\r\nHost: local";
	int more[100];

	(void)state;
	open_many(MANY, half);
	for (int turn = 0; turn < 5; turn++) {
		for (size_t i = 0; i < 100; i++) {
			more[i] = dial();
			assert_int_equal(send(more[i], half, sizeof(half) - 1, MSG_NOSIGNAL), sizeof(half) - 1);
		}
		consumers_are_served();
		for (size_t i = 0; i < 100; i++)
			(void)close(more[i]);
	}
	close_many(MANY);
}

/* -- what can be asked without a server: time is an argument -- */

#define MOST 64			/* an address may have half of it */
#define PEER 42

static struct connections c;
static struct connection *all[MOST + 1];
static int pairs[MOST + 1][2];

static struct connection *
open_pair(size_t i, sender_key who, int64_t at_ms)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pairs[i]), 0);
	return all[i] = connection_open(&c, pairs[i][0], who, at_ms);
}

static void
done(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (all[i] != NULL)
			connection_close(&c, all[i]);
		(void)close(pairs[i][0]);
		(void)close(pairs[i][1]);
	}
	connections_clear(&c);
}

static void
the_longest_idle_of_the_address_goes(void **state)
{
	(void)state;
	assert_true(connections_init(&c, MOST));
	(void)open_pair(0, PEER + 1, 0);		/* somebody else's, idle for longer */
	for (size_t i = 1; i <= MOST / 2; i++)
		(void)open_pair(i, PEER, (int64_t)(1000 - i));	/* the last of them is the oldest */
	assert_int_equal(send(pairs[MOST / 2][1], "G", 1, 0), 1);	/* and has asked: it was not read yet */
	(void)open_pair(MOST / 2 + 1, PEER, 2000);
	assert_false(is_closed(pairs[0][1]));
	assert_false(is_closed(pairs[MOST / 2][1]));
	assert_true(is_closed(pairs[MOST / 2 - 1][1]));
	assert_false(connection_crowded(&c, all[MOST / 2 + 1]));
	done(MOST / 2 + 2);
}

static void
the_longest_half_of_a_request_goes_where_they_fill_the_share(void **state)
{
	size_t n = 0;

	(void)state;
	assert_true(connections_init(&c, MOST));
	for (; n < MOST / 2; n++) {
		(void)open_pair(n, PEER, (int64_t)n);
		if (n < MOST / 8)
			connection_phase(&c, all[n], CONNECTION_REPLY, 0, (int64_t)n);	/* being answered */
		else
			connection_reads(&c, all[n]);
	}
	(void)open_pair(n, PEER, (int64_t)n);
	assert_false(connection_crowded(&c, all[n]));
	assert_false(is_closed(pairs[0][1]));
	assert_true(is_closed(pairs[MOST / 8][1]));
	assert_false(is_closed(pairs[MOST / 8 + 1][1]));
	done(n + 1);
}

static void
halves_of_many_addresses_make_room_too(void **state)
{
	size_t n = 0;

	(void)state;
	assert_true(connections_init(&c, MOST));
	for (; n < MOST; n++) {
		assert_non_null(open_pair(n, PEER + n % 8, (int64_t)n));
		assert_false(connection_crowded(&c, all[n]));
		connection_reads(&c, all[n]);
	}
	assert_true(is_closed(pairs[0][1]));
	assert_false(is_closed(pairs[MOST - 1][1]));
	done(n);
}

static void
others_have_their_share(void **state)
{
	size_t n = 0;

	(void)state;
	assert_true(connections_init(&c, MOST));
	for (; n < MOST; n++) {
		assert_non_null(open_pair(n, PEER + n % 8, (int64_t)n));
		connection_phase(&c, all[n], CONNECTION_REPLY, 0, (int64_t)n);
	}
	/* Eight addresses have all there is: the last ones were told that it is too much. */
	assert_true(connection_crowded(&c, all[MOST - 1]));
	assert_false(connection_crowded(&c, all[0]));
	done(n);
}

static void
where_all_are_busy_the_next_is_told_so(void **state)
{
	size_t n = 0;

	(void)state;
	assert_true(connections_init(&c, MOST));
	for (; n < MOST / 2; n++) {
		(void)open_pair(n, PEER, 0);
		connection_phase(&c, all[n], CONNECTION_REPLY, 0, 0);
		assert_false(connection_crowded(&c, all[n]));
	}
	(void)open_pair(n, PEER, 1);
	connection_reads(&c, all[n]);
	assert_true(connection_crowded(&c, all[n]));
	for (size_t i = 0; i < n; i++)
		assert_false(is_closed(pairs[i][1]));
	/* One has its answer: there is room. */
	connection_close(&c, all[0]);
	all[0] = NULL;
	assert_false(connection_crowded(&c, all[n]));
	done(n + 1);
}

/* A real pair of TCP, whose client takes nothing until its server's side is full. */
static void
tcp_pair(int pair[2])
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	pair[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(pair[1], (struct sockaddr *)&sin, sizeof(sin)), 0);
	pair[0] = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	(void)close(fd);
}

/* All that was sent is acknowledged. */
static void
await_taken(int fd)
{
	int64_t until = now_ms() + 20000;
	int queued;

	while (ioctl(fd, SIOCOUTQ, &queued) == 0 && queued > 0 && now_ms() < until)
		(void)usleep(1000);
}

static void
a_client_that_takes_nothing_makes_room(void **state)
{
	static char block[65536];
	struct connection *stalls, *takes;
	int slow[2], good[2];
	size_t n = 2;

	(void)state;
	assert_true(connections_init(&c, MOST));
	tcp_pair(slow);
	tcp_pair(good);
	while (send(slow[0], block, sizeof(block), MSG_NOSIGNAL) > 0)
		continue;
	stalls = connection_open(&c, slow[0], PEER, 0);
	takes = connection_open(&c, good[0], PEER, 0);
	connection_phase(&c, stalls, CONNECTION_REPLY, 1 << 30, 0);
	connection_phase(&c, takes, CONNECTION_REPLY, 1 << 30, 0);
	for (; n < MOST / 2; n++) {
		(void)open_pair(n, PEER, 0);
		connection_phase(&c, all[n], CONNECTION_REPLY, 1 << 30, 0);
	}
	/* A client that takes it: its bytes are acknowledged. */
	for (int64_t at_ms = 1000; at_ms <= 8000; at_ms += 1000) {
		assert_true(send(good[0], block, 1000, MSG_NOSIGNAL) == 1000);
		assert_int_equal(recv(good[1], block, 1000, MSG_WAITALL), 1000);
		await_taken(good[0]);
		assert_int_equal(connections_sweep(&c, at_ms), 0);
	}
	(void)open_pair(n, PEER, 8100);
	assert_false(connection_crowded(&c, all[n]));
	assert_true(recv(good[1], block, 1, MSG_DONTWAIT) == -1);
	while (recv(slow[1], block, sizeof(block), MSG_DONTWAIT) > 0)
		continue;
	assert_int_equal(send(slow[0], block, 1, MSG_NOSIGNAL), -1);	/* shut down */
	connection_close(&c, stalls);
	connection_close(&c, takes);
	for (size_t i = 0; i < 2; i++) {
		(void)close(slow[i]);
		(void)close(good[i]);
		all[i] = NULL;
		pairs[i][0] = pairs[i][1] = -1;
	}
	done(n + 1);
}

int
main(void)
{
	ADD(idle_connections_make_room);
	ADD(kept_connections_make_room);
	ADD(a_request_that_is_being_sent_is_not_cut);
	ADD(an_event_stream_is_not_cut);
	ADD(requests_that_do_not_end_make_room);
	ADD(the_longest_idle_of_the_address_goes);
	ADD(the_longest_half_of_a_request_goes_where_they_fill_the_share);
	ADD(halves_of_many_addresses_make_room_too);
	ADD(others_have_their_share);
	ADD(where_all_are_busy_the_next_is_told_so);
	ADD(a_client_that_takes_nothing_makes_room);
	return _cmocka_run_group_tests("web, crowd", tests, n_tests, begin_filled, end);
}
