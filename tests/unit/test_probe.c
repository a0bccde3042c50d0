/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_probe.c - the probe against real listeners on loopback; its time is the test's. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/decoy/probe.h"
#include "mxtrap/process.h"

#define WAIT_MS 60000

struct rig {
	int	 listener, watch[2];
	uint16_t port;
	int64_t	 now_ms;
	struct target targets[3];
	struct config config;
	struct probe *probe;
};

static void
rig_start(struct rig *r)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	const uint8_t loopback[4] = { 127, 0, 0, 1 };

	*r = (struct rig){ .now_ms = 1000000 };
	r->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(r->listener, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(r->listener, (struct sockaddr *)&in, &len), 0);
	r->port = ntohs(in.sin_port);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, r->watch), 0);
	r->targets[0] = (struct target){ .role = ROLE_NOLISTING };
	r->targets[1] = (struct target){ .role = ROLE_REAL, .addr = addr_from_v4(loopback) };
	r->targets[2] = (struct target){ .role = ROLE_BOGUS };
	r->config.probe = true;
	r->config.probe_interval_s = 30;
	r->config.ladder.targets = r->targets;
	r->config.ladder.n_targets = 3;
	r->probe = probe_new(&r->config, r->watch[0], r->port);
	assert_non_null(r->probe);
}

static void
rig_end(struct rig *r)
{
	probe_free(r->probe);
	close(r->listener);
	close(r->watch[0]);
	close(r->watch[1]);
}

static void
step(struct rig *r, int64_t ms)
{
	r->now_ms += ms;
	probe_step(r->probe, r->now_ms);
}

/* Its next word; the test's time goes on with the true one. */
static enum probe_result
await(struct rig *r)
{
	struct message_probe m;
	int64_t until = process_now_ms() + WAIT_MS;

	while (process_now_ms() < until) {
		struct pollfd p = { .fd = r->watch[1], .events = POLLIN };

		step(r, 50);
		if (poll(&p, 1, 1) == 1 && message_receive(r->watch[1], &m, sizeof(m)) == (int)sizeof(m)) {
			assert_int_equal(m.head.kind, MESSAGE_PROBE);
			assert_int_equal(m.target, 1);
			assert_int_equal(m.good_s, 120);
			return (enum probe_result)m.result;
		}
	}
	fail_msg("no word");
	return PROBE_N_RESULTS;
}

static bool
is_quiet(struct rig *r)
{
	struct pollfd p = { .fd = r->watch[1], .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

/* What a server says, in pieces; the result that comes of it.  quit: what it hears then. */
static enum probe_result
greet(struct rig *r, const char *const *pieces, size_t n, char quit[static 16])
{
	enum probe_result result;
	struct pollfd p;
	int peer;

	assert_int_equal(listen(r->listener, 1), 0);
	step(r, 60);
	peer = accept(r->listener, NULL, NULL);
	assert_true(peer >= 0);
	for (size_t i = 0; i < n; i++) {
		assert_true(is_quiet(r));
		assert_int_equal(send(peer, pieces[i], strlen(pieces[i]), 0), (ssize_t)strlen(pieces[i]));
		for (int k = 0; i + 1 < n && k < 10; k++)
			step(r, 50);
		assert_int_equal(recv(peer, quit, 16, MSG_DONTWAIT), -1);	/* nothing before the end */
	}
	result = await(r);
	memset(quit, 0, 16);
	p = (struct pollfd){ .fd = peer, .events = POLLIN };
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	(void)recv(peer, quit, 15, 0);
	close(peer);
	return result;
}

#define GREET(...) greet(&r, (const char *const []){ __VA_ARGS__ }, \
	sizeof((const char *const []){ __VA_ARGS__ }) / sizeof(const char *), quit)

static void
a_greeting_of_220_is_ok_and_hears_quit(void **state)
{
	struct rig r;
	char quit[16];

	(void)state;
	rig_start(&r);
	assert_int_equal(GREET("220 mx.example.org ESMTP\r\n"), PROBE_OK);
	assert_string_equal(quit, "QUIT\r\n");
	rig_end(&r);
}

static void
nothing_is_said_before_the_last_line_of_a_greeting(void **state)
{
	struct rig r;
	char quit[16];

	(void)state;
	rig_start(&r);
	assert_int_equal(GREET("220-wait", " for it\r\n22", "0-and for this\r\n", "220 now\r\n"), PROBE_OK);
	rig_end(&r);
}

static void
a_greeting_of_421_defers(void **state)
{
	struct rig r;
	char quit[16];

	(void)state;
	rig_start(&r);
	assert_int_equal(GREET("421 busy\r\n"), PROBE_DEFERS);
	rig_end(&r);
}

static void
a_greeting_of_554_rejects(void **state)
{
	struct rig r;
	char quit[16];

	(void)state;
	rig_start(&r);
	assert_int_equal(GREET("554 not you\r\n"), PROBE_REJECTS);
	rig_end(&r);
}

static void
what_is_no_smtp_server_rejects(void **state)
{
	struct rig r;
	char quit[16];

	(void)state;
	rig_start(&r);
	assert_int_equal(GREET("2SH-2.0-OpenSSH_9\r\n"), PROBE_REJECTS);
	rig_end(&r);
}

static void
an_endless_greeting_rejects(void **state)
{
	struct rig r;
	char quit[16], line[1024];
	const char *lines[9];

	(void)state;
	rig_start(&r);
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	memcpy(line, "220-", 4);
	for (size_t i = 0; i < 9; i++)
		lines[i] = line;
	assert_int_equal(greet(&r, lines, 9, quit), PROBE_REJECTS);
	rig_end(&r);
}

static void
a_closed_port_is_refused(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	assert_int_equal(await(&r), PROBE_REFUSED);
	rig_end(&r);
}

static void
a_server_that_closes_without_a_word_is_mute(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	assert_int_equal(listen(r.listener, 1), 0);
	step(&r, 60);
	close(accept(r.listener, NULL, NULL));
	assert_int_equal(await(&r), PROBE_MUTE);
	rig_end(&r);
}

static void
a_server_that_says_nothing_in_time_is_mute(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	assert_int_equal(listen(r.listener, 1), 0);
	step(&r, 60);
	step(&r, 60);			/* connected */
	step(&r, 24800);
	assert_true(is_quiet(&r));
	step(&r, 300);
	assert_int_equal(await(&r), PROBE_MUTE);
	rig_end(&r);
}

static void
no_connection_in_time_is_silent(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct rig r;
	int full[4];

	(void)state;
	rig_start(&r);
	/* A full queue that nobody drains: the kernel drops what comes, as a dead host would. */
	assert_int_equal(listen(r.listener, 0), 0);
	in.sin_port = htons(r.port);
	for (int i = 0; i < 4; i++) {
		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(full[i], (struct sockaddr *)&in, sizeof(in));
	}
	step(&r, 60);
	step(&r, 24900);
	assert_true(is_quiet(&r));
	step(&r, 200);
	assert_int_equal(await(&r), PROBE_SILENT);
	for (int i = 0; i < 4; i++)
		close(full[i]);
	rig_end(&r);
}

static void
it_comes_again_after_the_interval(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	assert_int_equal(await(&r), PROBE_REFUSED);
	step(&r, 29000);
	step(&r, 100);
	assert_true(is_quiet(&r));
	assert_int_equal(await(&r), PROBE_REFUSED);
	rig_end(&r);
}

static void
no_probe_is_made_where_the_configuration_says_no(void **state)
{
	struct config config = { .probe = false };

	(void)state;
	assert_null(probe_new(&config, -1, 25));
	config.probe = true;
	assert_null(probe_new(&config, -1, 25));	/* no real exchanger */
	probe_step(NULL, 1);
	probe_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_greeting_of_220_is_ok_and_hears_quit),
		cmocka_unit_test(nothing_is_said_before_the_last_line_of_a_greeting),
		cmocka_unit_test(a_greeting_of_421_defers),
		cmocka_unit_test(a_greeting_of_554_rejects),
		cmocka_unit_test(what_is_no_smtp_server_rejects),
		cmocka_unit_test(an_endless_greeting_rejects),
		cmocka_unit_test(a_closed_port_is_refused),
		cmocka_unit_test(a_server_that_closes_without_a_word_is_mute),
		cmocka_unit_test(a_server_that_says_nothing_in_time_is_mute),
		cmocka_unit_test(no_connection_in_time_is_silent),
		cmocka_unit_test(it_comes_again_after_the_interval),
		cmocka_unit_test(no_probe_is_made_where_the_configuration_says_no),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
