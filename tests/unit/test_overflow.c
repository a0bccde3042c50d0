/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_overflow.c - overflows of real accept queues on loopback, ours and another's. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/decoy/overflow.h"

#define N_CLIENTS 8

static int
listener(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
	return fd;
}

/* More clients than its queue holds, and nobody accepts. */
static void
flood(const struct sockaddr_in *at, int clients[static N_CLIENTS])
{
	for (int i = 0; i < N_CLIENTS; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(clients[i], (const struct sockaddr *)at, sizeof(*at));
	}
}

static void
only_overflows_of_our_own_sockets_are_ours(void **state)
{
	struct sockaddr_in ours_at, theirs_at;
	int ours = listener(&ours_at), theirs = listener(&theirs_at), a[N_CLIENTS], b[N_CLIENTS];
	const struct process_socket sockets[] = { { .fd = ours } };
	struct overflow o;

	(void)state;
	overflow_open(&o);
	assert_int_equal(overflow_read(&o, sockets, 1), 0);
	flood(&theirs_at, a);
	assert_int_equal(overflow_read(&o, sockets, 1), 0);
	flood(&ours_at, b);
	assert_true(overflow_read(&o, sockets, 1) > 0);
	overflow_close(&o);
	for (int i = 0; i < N_CLIENTS; i++) {
		close(a[i]);
		close(b[i]);
	}
	close(ours);
	close(theirs);
}

static void
what_was_before_it_began_is_nobodys(void **state)
{
	struct sockaddr_in at;
	int fd = listener(&at), clients[N_CLIENTS];
	const struct process_socket sockets[] = { { .fd = fd } };
	struct overflow o;

	(void)state;
	flood(&at, clients);
	overflow_open(&o);
	assert_int_equal(overflow_read(&o, sockets, 1), 0);
	overflow_close(&o);
	for (int i = 0; i < N_CLIENTS; i++)
		close(clients[i]);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_overflows_of_our_own_sockets_are_ours),
		cmocka_unit_test(what_was_before_it_began_is_nobodys),
	};

	return cmocka_run_group_tests_name("overflow", tests, NULL, NULL);
}
