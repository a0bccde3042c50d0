/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_decoy.c - decoy on loopback, with the test as its supervisor and as watch.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mxtrap/process.h"

#define WAIT_MS 60000			/* for what must happen; nothing sleeps this long */

struct rig {
	pid_t	 pid;
	int	 supervisor, watch;	/* our ends */
	int	 listener[2];		/* IPv4, IPv6 */
	uint16_t port[2];
	int	 n;
};

union record {
	struct message_head head;
	struct message_heartbeat heartbeat;
	struct message_accepts accepts;
	struct message_decoy decoy;
};

static socklen_t
loopback(int v6, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in6.sin6_addr = in6addr_loopback;
	memset(out, 0, sizeof(*out));
	if (v6)
		memcpy(out, &in6, sizeof(in6));
	else
		memcpy(out, &in, sizeof(in));
	return v6 ? sizeof(in6) : sizeof(in);
}

static bool
bind_one(struct rig *rig, int v6)
{
	struct sockaddr_storage at;
	struct sockaddr_in6 got;
	socklen_t len = loopback(v6, 0, &at), got_len = sizeof(got);
	int family = v6 ? AF_INET6 : AF_INET, on = 1;
	int probe = socket(family, SOCK_STREAM, 0), fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (probe < 0 || fd < 0 || bind(probe, (struct sockaddr *)&at, len) < 0)
		return false;		/* a host without IPv6 */
	assert_int_equal(getsockname(probe, (struct sockaddr *)&got, &got_len), 0);
	close(probe);
	rig->listener[v6] = fd;
	rig->port[v6] = ntohs(got.sin6_port);	/* at the same place in both families */
	/* By name: a port that the kernel chose is given back by shutdown(). */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	len = loopback(v6, rig->port[v6], &at);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	rig->n = v6 + 1;
	return true;
}

enum rig_kind { RIG_PLAIN, RIG_NO_DESCRIPTORS, RIG_NARROW };

static void
rig_start(struct rig *rig, enum rig_kind kind)
{
	int up[2], side[2], bytes = 4096;

	*rig = (struct rig){ .listener = { -1, -1 } };
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, up), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, side), 0);
	if (kind == RIG_NARROW)
		setsockopt(side[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	assert_true(bind_one(rig, 0));
	bind_one(rig, 1);
	rig->pid = fork();
	assert_true(rig->pid >= 0);
	if (rig->pid == 0) {
		static struct process p;

		close(up[1]);
		close(side[1]);
		p = (struct process){ .role = PROCESS_DECOY, .supervisor_fd = up[0],
		    .decoy_fd = side[0], .web_fd = -1, .control_fd = -1 };
		p.signal_fd = process_signals(false);
		for (int i = 0; i < rig->n; i++)
			p.sockets[p.n_sockets++] = (struct process_socket){ rig->listener[i],
			    (uint32_t)(7 + i) };
		if (kind == RIG_NO_DESCRIPTORS) {
			struct rlimit limit = { 0, 0 };
			int last = 0;

			for (int i = 0; i < 40; i++)	/* no gap is left below the last */
				last = dup(0);
			for (int i = 0; i < 3; i++)	/* room for decoy's own three */
				close(last - i);
			limit.rlim_cur = limit.rlim_max = (rlim_t)last + 1;
			setrlimit(RLIMIT_NOFILE, &limit);
		}
		_exit(decoy_main(&p));
	}
	close(up[0]);
	close(side[0]);
	rig->supervisor = up[1];
	rig->watch = side[1];
}

/* The next record of this kind from fd; false: none within WAIT_MS. */
static bool
await(int fd, uint16_t kind, union record *r)
{
	int64_t until = process_now_ms() + WAIT_MS;

	while (process_now_ms() < until) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int n;

		poll(&p, 1, 100);
		n = message_receive(fd, r, sizeof(*r));
		if (n == -1)
			return false;
		if (n > 0 && r->head.kind == kind)
			return true;
	}
	return false;
}

static void
rig_ready(struct rig *rig)
{
	union record r;

	/* Two beats: the first comes before listen(). */
	assert_true(await(rig->supervisor, MESSAGE_HEARTBEAT, &r));
	assert_true(await(rig->supervisor, MESSAGE_HEARTBEAT, &r));
	assert_int_equal(r.heartbeat.ready, 1);
	assert_int_equal(r.heartbeat.n_deaf, 0);
}

/* Its exit status; 1000 + the signal that ended it; -1: it did not end. */
static int
rig_end(struct rig *rig)
{
	int64_t until = process_now_ms() + WAIT_MS;
	int status = 0;
	pid_t pid;

	while ((pid = waitpid(rig->pid, &status, WNOHANG)) == 0 && process_now_ms() < until)
		poll(NULL, 0, 5);
	if (pid == 0) {
		kill(rig->pid, SIGKILL);
		waitpid(rig->pid, &status, 0);
		status = -1;
	} else {
		status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
	}
	if (rig->supervisor >= 0)
		close(rig->supervisor);
	close(rig->watch);
	for (int i = 0; i < 2; i++)
		if (rig->listener[i] >= 0)
			close(rig->listener[i]);
	return status;
}

static int
rig_stop(struct rig *rig)
{
	kill(rig->pid, SIGTERM);
	return rig_end(rig);
}

/* How a connection ends: errno of connect() or read(); 0: end of file.  *port is our own. */
static int
visit(const struct rig *rig, int v6, uint16_t *port)
{
	struct sockaddr_storage at;
	struct sockaddr_in6 own;
	socklen_t len = loopback(v6, rig->port[v6], &at), own_len = sizeof(own);
	struct timeval patience = { .tv_sec = WAIT_MS / 1000 };
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0), error = 0;
	char c;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&at, len) < 0) {
		error = errno;
	} else {
		assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &own_len), 0);
		if (port != NULL)
			*port = ntohs(own.sin6_port);
		if (read(fd, &c, 1) < 0)
			error = errno;
	}
	close(fd);
	return error;
}

static void
each_visitor_is_reset_and_noted(void **state)
{
	struct rig rig;
	union record r;
	uint16_t port = 0;
	struct addr src, expected;

	(void)state;
	rig_start(&rig, RIG_PLAIN);
	rig_ready(&rig);
	for (int v6 = 0; v6 < rig.n; v6++) {
		assert_int_equal(visit(&rig, v6, &port), ECONNRESET);
		assert_true(await(rig.watch, MESSAGE_ACCEPTS, &r));
		assert_int_equal(r.accepts.n, 1);
		assert_int_equal(r.accepts.seq, v6);
		assert_int_equal(r.accepts.accepts[0].target, 7 + v6);
		assert_int_equal(r.accepts.accepts[0].port, port);
		assert_true(r.accepts.accepts[0].time_us > 1500000000LL * 1000000);
		memcpy(src.b, r.accepts.accepts[0].src, sizeof(src.b));
		assert_true(addr_parse(&expected, v6 ? "::1" : "127.0.0.1"));
		assert_true(addr_equal(&src, &expected));
	}
	assert_int_equal(rig_stop(&rig), 0);
}

static void
a_crowd_is_noted_without_a_gap(void **state)
{
	struct rig rig;
	union record r;
	uint32_t seen = 0;

	(void)state;
	rig_start(&rig, RIG_PLAIN);
	rig_ready(&rig);
	for (uint32_t made = 0; made < 300;) {
		for (int i = 0; i < 20; i++, made++)
			assert_int_equal(visit(&rig, i % rig.n, NULL), ECONNRESET);
		while (seen < made) {
			assert_true(await(rig.watch, MESSAGE_ACCEPTS, &r));
			assert_int_equal(r.accepts.seq, seen);
			seen += r.accepts.n;
		}
	}
	assert_int_equal(seen, 300);
	assert_int_equal(rig_stop(&rig), 0);
}

static void
its_counters_come_each_second(void **state)
{
	struct rig rig;
	union record r = { .decoy = { .accepted = 0 } };

	(void)state;
	rig_start(&rig, RIG_PLAIN);
	rig_ready(&rig);
	assert_int_equal(visit(&rig, 0, NULL), ECONNRESET);
	while (r.head.kind != MESSAGE_DECOY || r.decoy.accepted == 0)
		assert_true(await(rig.watch, MESSAGE_DECOY, &r));
	assert_int_equal(r.decoy.accepted, 1);
	assert_int_equal(r.decoy.lost, 0);
	assert_int_equal(rig_stop(&rig), 0);
}

static void
a_watch_that_reads_nothing_holds_nobody_up(void **state)
{
	struct rig rig;
	union record r = { .decoy = { .accepted = 0 } };

	(void)state;
	rig_start(&rig, RIG_NARROW);
	rig_ready(&rig);
	/* However many of them one message takes on a busy machine, all of them are too many. */
	for (int i = 0; i < 400; i++)
		assert_int_equal(visit(&rig, 0, NULL), ECONNRESET);
	/* Now watch reads again, and hears how many it missed. */
	while (r.head.kind != MESSAGE_DECOY || r.decoy.accepted < 400)
		assert_true(await(rig.watch, MESSAGE_DECOY, &r));
	assert_int_equal(r.decoy.accepted, 400);
	assert_in_range(r.decoy.lost, 1, 399);
	assert_int_equal(rig_stop(&rig), 0);
}

static void
it_beats_without_visitors(void **state)
{
	struct rig rig;
	union record r;
	int64_t from;

	(void)state;
	rig_start(&rig, RIG_PLAIN);
	rig_ready(&rig);
	from = process_now_ms();
	for (int i = 0; i < 4; i++)
		assert_true(await(rig.supervisor, MESSAGE_HEARTBEAT, &r));
	assert_in_range(process_now_ms() - from, 500, 30000);
	assert_int_equal(rig_stop(&rig), 0);
}

static void
it_ends_with_its_supervisor(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, RIG_PLAIN);
	rig_ready(&rig);
	close(rig.supervisor);
	rig.supervisor = -1;
	assert_int_equal(rig_end(&rig), 0);
}

static void
once_it_is_gone_the_port_refuses(void **state)
{
	struct rig rig;
	int status;

	(void)state;
	rig_start(&rig, RIG_PLAIN);
	rig_ready(&rig);
	kill(rig.pid, SIGKILL);
	while (waitpid(rig.pid, &status, 0) < 0 && errno == EINTR)
		;
	/* We hold the socket still, as mxtrapd does, and shut it as mxtrapd does. */
	shutdown(rig.listener[0], SHUT_RDWR);
	assert_int_equal(visit(&rig, 0, NULL), ECONNREFUSED);
	for (int i = 0; i < 2; i++)
		if (rig.listener[i] >= 0)
			close(rig.listener[i]);
	close(rig.supervisor);
	close(rig.watch);
}

static void
a_socket_that_was_shut_is_told_and_heard_again(void **state)
{
	struct rig rig;
	union record r;

	(void)state;
	rig_start(&rig, RIG_PLAIN);
	rig_ready(&rig);
	shutdown(rig.listener[0], SHUT_RDWR);
	do
		assert_true(await(rig.supervisor, MESSAGE_HEARTBEAT, &r));
	while (r.heartbeat.n_deaf != 1);
	do
		assert_true(await(rig.supervisor, MESSAGE_HEARTBEAT, &r));
	while (r.heartbeat.n_deaf != 0);
	assert_int_equal(visit(&rig, 0, NULL), ECONNRESET);
	assert_int_equal(rig_stop(&rig), 0);
}

static void
without_descriptors_visitors_are_reset_and_it_ends(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, RIG_NO_DESCRIPTORS);
	rig_ready(&rig);
	assert_int_equal(visit(&rig, 0, NULL), ECONNRESET);
	assert_int_equal(rig_end(&rig), 3);
}

static void
a_syn_ack_is_repeated_once_only(void **state)
{
	struct rig rig;
	int n = 0;
	socklen_t len = sizeof(n);

	(void)state;
	rig_start(&rig, RIG_PLAIN);
	rig_ready(&rig);
	/* The socket is the test's as well. */
	assert_int_equal(getsockopt(rig.listener[0], IPPROTO_TCP, TCP_SYNCNT, &n, &len), 0);
	assert_int_equal(n, 1);
	rig_stop(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_syn_ack_is_repeated_once_only),
		cmocka_unit_test(each_visitor_is_reset_and_noted),
		cmocka_unit_test(a_crowd_is_noted_without_a_gap),
		cmocka_unit_test(its_counters_come_each_second),
		cmocka_unit_test(a_watch_that_reads_nothing_holds_nobody_up),
		cmocka_unit_test(it_beats_without_visitors),
		cmocka_unit_test(it_ends_with_its_supervisor),
		cmocka_unit_test(once_it_is_gone_the_port_refuses),
		cmocka_unit_test(a_socket_that_was_shut_is_told_and_heard_again),
		cmocka_unit_test(without_descriptors_visitors_are_reset_and_it_ends),
	};

	return cmocka_run_group_tests_name("decoy", tests, NULL, NULL);
}
