/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_own.c - this host's own addresses, gateways and resolvers, as they change: on the real kernel, in a
 * network namespace of the test's own.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/watch/own.h"

#define WAIT_MS 60000

struct heard {
	struct own own;
	char	 dir[32], file[64], second[64];
	const char *files[OWN_FILES];
	struct { struct addr addr; unsigned why, told; } now[OWN_MAX];
	size_t	 n;
};

static bool in_namespace;

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
hear(void *ctx, const struct addr *addr, unsigned why)
{
	struct heard *h = ctx;
	size_t i = 0;

	while (i < h->n && !addr_equal(&h->now[i].addr, addr))
		i++;
	assert_true(i < OWN_MAX);
	if (i == h->n)
		h->now[h->n++].addr = *addr;
	h->now[i].why = why;
	h->now[i].told++;
}

static unsigned
why(const struct heard *h, const char *text)
{
	struct addr a;

	assert_true(addr_parse(&a, text));
	for (size_t i = 0; i < h->n; i++)
		if (addr_equal(&h->now[i].addr, &a))
			return h->now[i].why;
	return 0;
}

static unsigned
told(const struct heard *h, const char *text)
{
	struct addr a;

	assert_true(addr_parse(&a, text));
	for (size_t i = 0; i < h->n; i++)
		if (addr_equal(&h->now[i].addr, &a))
			return h->now[i].told;
	return 0;
}

/* Turn until it is so; the descriptor wakes us. */
static bool
becomes(struct heard *h, const char *address, unsigned wanted)
{
	int64_t until = now_ms() + WAIT_MS;

	while (now_ms() < until) {
		struct pollfd p[2] = { { .fd = h->own.fd, .events = POLLIN }, { .fd = h->own.dump_fd, .events = POLLIN } };

		own_turn(&h->own, now_ms());
		if (h->own.looks > 0 && why(h, address) == wanted)
			return true;
		(void)poll(p, 2, 5);
	}
	return false;
}

static void
run(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s failed", command);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int
begin(void **state)
{
	struct heard *h = calloc(1, sizeof(*h));

	(void)snprintf(h->dir, sizeof(h->dir), "/tmp/mxtrap-own-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	(void)snprintf(h->file, sizeof(h->file), "%s/resolv.conf", h->dir);
	(void)snprintf(h->second, sizeof(h->second), "%s/other.conf", h->dir);
	h->files[0] = h->file;
	h->files[1] = h->second;
	*state = h;
	if (!in_namespace)
		return 0;
	run("ip link add mxt0 type veth peer name mxt1 && ip link set mxt1 up && ip addr add 203.0.113.5/24 dev mxt0 &&"
	    " ip addr add 2001:db8:5::5/64 dev mxt0 nodad && ip link set mxt0 up && ip link set lo up");
	assert_true(own_open(&h->own, h->files, hear, h));
	return 0;
}

static int
end(void **state)
{
	struct heard *h = *state;

	if (in_namespace) {
		own_close(&h->own);
		run("ip link del mxt0");
	}
	(void)unlink(h->file);
	(void)unlink(h->second);
	(void)rmdir(h->dir);
	free(h);
	return 0;
}

#define NEEDS_NAMESPACE do { if (!in_namespace) skip(); } while (0)

static void
interface_addresses_of_both_families_are_told(void **state)
{
	struct heard *h = *state;

	NEEDS_NAMESPACE;
	assert_true(becomes(h, "203.0.113.5", NEVER_OWN));
	assert_true(becomes(h, "2001:db8:5::5", NEVER_OWN));
	assert_int_equal(h->own.refused, 0);
}

static void
an_address_that_comes_and_goes_is_followed(void **state)
{
	struct heard *h = *state;
	int64_t begun;

	NEEDS_NAMESPACE;
	assert_true(becomes(h, "203.0.113.5", NEVER_OWN));
	run("ip addr add 192.0.2.77/32 dev mxt0");
	begun = now_ms();
	assert_true(becomes(h, "192.0.2.77", NEVER_OWN));
	assert_true(now_ms() - begun < 10000);
	run("ip addr del 192.0.2.77/32 dev mxt0");
	begun = now_ms();
	assert_true(becomes(h, "192.0.2.77", 0));
	assert_true(now_ms() - begun < 10000);
	assert_int_equal(why(h, "203.0.113.5"), NEVER_OWN);
}

static void
gateways_are_told_each_of_several_and_of_the_other_family(void **state)
{
	struct heard *h = *state;

	NEEDS_NAMESPACE;
	run("ip route add 198.18.0.0/16 nexthop via 203.0.113.1 nexthop via 203.0.113.2");
	run("ip -6 route add 2001:db8:99::/48 via 2001:db8:5::1");
	run("ip route add 198.19.0.0/16 via inet6 2001:db8:5::2 dev mxt0");
	assert_true(becomes(h, "203.0.113.1", NEVER_GATEWAY));
	assert_true(becomes(h, "203.0.113.2", NEVER_GATEWAY));
	assert_true(becomes(h, "2001:db8:5::1", NEVER_GATEWAY));
	assert_true(becomes(h, "2001:db8:5::2", NEVER_GATEWAY));
	run("ip route del 198.18.0.0/16");
	assert_true(becomes(h, "203.0.113.2", 0));
}

static void
ten_thousand_routes_cost_one_gateway(void **state)
{
	struct heard *h = *state;
	char path[64];
	FILE *f;

	NEEDS_NAMESPACE;
	(void)snprintf(path, sizeof(path), "%s/routes", h->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < 10000; i++)
		fprintf(f, "route add 10.%d.%d.0/24 via 203.0.113.9\n", i / 256, i % 256);
	fclose(f);
	{
		char command[128];

		(void)snprintf(command, sizeof(command), "ip -batch %s", path);
		run(command);
	}
	(void)unlink(path);
	assert_true(becomes(h, "203.0.113.9", NEVER_GATEWAY));
	assert_int_equal(h->own.refused, 0);
	assert_true(h->own.n_known < 32);
}

static void
resolvers_are_read_and_read_again_when_their_file_changes(void **state)
{
	struct heard *h = *state;

	NEEDS_NAMESPACE;
	write_file(h->file, "# nameserver 192.0.2.1\nsearch example.org\nnameserver 192.0.2.53\n\tnameserver\t2001:db8::53%mxt0 x\n"
	    "nameserver not.an.address\nnameservers 192.0.2.2\noptions rotate");
	write_file(h->second, "nameserver 192.0.2.54\r\n");
	assert_true(becomes(h, "192.0.2.53", NEVER_RESOLVER));
	assert_int_equal(why(h, "2001:db8::53"), NEVER_RESOLVER);
	assert_int_equal(why(h, "192.0.2.54"), NEVER_RESOLVER);
	assert_int_equal(why(h, "192.0.2.1"), 0);
	assert_int_equal(why(h, "192.0.2.2"), 0);
	write_file(h->file, "nameserver 192.0.2.55\n");
	assert_true(becomes(h, "192.0.2.55", NEVER_RESOLVER));
	assert_int_equal(why(h, "192.0.2.53"), 0);
	assert_int_equal(why(h, "192.0.2.54"), NEVER_RESOLVER);
	(void)unlink(h->second);
	assert_true(becomes(h, "192.0.2.54", 0));
}

static void
an_address_may_be_there_for_several_reasons(void **state)
{
	struct heard *h = *state;

	NEEDS_NAMESPACE;
	write_file(h->file, "nameserver 203.0.113.5\n");
	assert_true(becomes(h, "203.0.113.5", NEVER_OWN | NEVER_RESOLVER));
}

static void
what_a_file_may_name_is_bounded(void **state)
{
	struct heard *h = *state;
	FILE *f = fopen(h->file, "w");
	size_t n = 0;

	NEEDS_NAMESPACE;
	assert_non_null(f);
	for (int i = 0; i < 20000; i++)
		fprintf(f, "nameserver 10.0.%d.%d\n", i / 250, i % 250 + 1);
	fclose(f);
	assert_true(becomes(h, "10.0.0.1", NEVER_RESOLVER));
	for (size_t i = 0; i < h->n; i++)
		n += (h->now[i].why & NEVER_RESOLVER) != 0;
	assert_int_equal(n, 32);
}

static void
what_stays_as_it_is_is_told_once(void **state)
{
	struct heard *h = *state;

	NEEDS_NAMESPACE;
	assert_true(becomes(h, "203.0.113.5", NEVER_OWN));
	run("ip addr add 192.0.2.78/32 dev mxt0");
	assert_true(becomes(h, "192.0.2.78", NEVER_OWN));
	/* The kernel may give the interface a link-local address meanwhile: that is another one. */
	assert_int_equal(told(h, "203.0.113.5"), 1);
	assert_int_equal(told(h, "192.0.2.78"), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(interface_addresses_of_both_families_are_told),
		T(an_address_that_comes_and_goes_is_followed),
		T(gateways_are_told_each_of_several_and_of_the_other_family),
		T(ten_thousand_routes_cost_one_gateway),
		T(resolvers_are_read_and_read_again_when_their_file_changes),
		T(an_address_may_be_there_for_several_reasons),
		T(what_a_file_may_name_is_bounded),
		T(what_stays_as_it_is_is_told_once),
	};

	in_namespace = unshare(CLONE_NEWNET) == 0;
	return cmocka_run_group_tests_name("own", tests, NULL, NULL);
}
