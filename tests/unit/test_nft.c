/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_nft.c - the firewall's transactions as text; and that the kernel takes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../daemon/firewall/guard.h"
#include "../../daemon/firewall/nft.h"
#include "mxtrap/config.h"

#define NOW_S 1790000000LL

static struct message_row
row(const char *text, uint32_t expires_s, bool remove)
{
	struct message_row r = { .expires_s = expires_s, .remove = remove };
	struct prefix p;

	assert_true(prefix_parse(&p, text));
	memcpy(r.addr, p.addr.b, sizeof r.addr);
	r.len = p.len;
	return r;
}

static void
gives(const struct message_row *rows, size_t n, bool fresh, const char *want)
{
	char text[4096];

	assert_int_equal(nft_rows_text(rows, n, fresh, NOW_S, text, sizeof text), strlen(want));
	assert_string_equal(text, want);
}

static void
an_address_is_added_deleted_and_added_so_that_its_timeout_is_new(void **state)
{
	struct message_row r = row("192.0.2.7", NOW_S + 60, false);

	(void)state;
	gives(&r, 1, false, "add element inet mxtrapd host4 { 192.0.2.7 }\n"
	    "delete element inet mxtrapd host4 { 192.0.2.7 }\n"
	    "add element inet mxtrapd host4 { 192.0.2.7 timeout 60s }\n");
}

static void
into_fresh_sets_it_is_added_once(void **state)
{
	struct message_row rows[] = {
		row("192.0.2.7", NOW_S + 60, false), row("2001:db8:1:2::/64", NOW_S + 61, false),
		row("2001:db8:5:6::9", 0, false), row("192.0.2.8", NOW_S + 62, false),
	};

	(void)state;
	gives(rows, 4, true, "add element inet mxtrapd host4 { 192.0.2.7 timeout 60s, 192.0.2.8 timeout 62s }\n"
	    "add element inet mxtrapd net64 { 2001:db8:1:2:: timeout 61s }\n"
	    "add element inet mxtrapd host6 { 2001:db8:5:6::9 }\n");
}

static void
one_that_may_be_missing_is_removed_all_the_same(void **state)
{
	struct message_row r = row("192.0.2.7", 0, true);

	(void)state;
	gives(&r, 1, false, "add element inet mxtrapd host4 { 192.0.2.7 }\n"
	    "delete element inet mxtrapd host4 { 192.0.2.7 }\n");
}

static void
what_expires_within_two_seconds_is_not_sent(void **state)
{
	struct message_row r = row("192.0.2.7", NOW_S + 1, false);

	(void)state;
	gives(&r, 1, false, "");
	r = row("192.0.2.7", NOW_S + 2, false);
	gives(&r, 1, true, "add element inet mxtrapd host4 { 192.0.2.7 timeout 2s }\n");
}

static void
the_longest_batch_fits(void **state)
{
	struct message_row *rows = calloc(NFT_BATCH, sizeof *rows);
	char *text = malloc(NFT_TEXT_SIZE);

	(void)state;
	assert_true(rows != NULL && text != NULL);
	for (size_t i = 0; i < NFT_BATCH; i++) {
		char ip[64];

		(void)snprintf(ip, sizeof ip, "2001:1db8:aaaa:bbbb:cccc:dddd:eeee:%zx", 0x1000 + i);
		rows[i] = row(ip, UINT32_MAX, false);
	}
	assert_true(nft_rows_text(rows, NFT_BATCH, false, 0, text, NFT_TEXT_SIZE) < NFT_TEXT_SIZE);
	free(rows);
	free(text);
}

static void
load(struct config *c, const char *reals)
{
	char text[1024];

	(void)snprintf(text, sizeof text, "state-dir = \"/nowhere\"\nmx-set \"example.org\" {\n    domains = { \"example.org\" }\n"
	    "exchanger \"mx0\" { preference = 10 role = \"nolisting\" addresses = { \"203.0.113.10\" } }\n"
	    "exchanger \"mx1\" { preference = 20 role = \"real\" addresses = { %s } }\n"
	    "exchanger \"mx9\" { preference = 90 role = \"bogus\" addresses = { \"203.0.113.30\" } } }\n"
	    "allow { special-purpose = no }\n", reals);
	assert_int_equal(config_parse(c, "test.conf", text), 0);
}

static void
rules_are_about_port_25_of_the_real_exchangers_alone(void **state)
{
	struct config c;
	char text[8192];

	(void)state;
	load(&c, "\"203.0.113.20\", \"203.0.113.21\"");
	assert_true(nft_table_text(&c.ladder, true, text, sizeof text) < sizeof text);
	assert_non_null(strstr(text, "judge ip daddr { 203.0.113.20, 203.0.113.21 } ip saddr @host4 counter name refused4 reject with tcp reset\n"));
	assert_non_null(strstr(text, "input tcp dport 25 tcp flags & (fin | syn | rst | ack) == syn jump judge\n"));
	assert_null(strstr(text, "203.0.113.10"));
	assert_null(strstr(text, "203.0.113.30"));
	assert_null(strstr(text, "ip6 daddr"));
	config_free(&c);
}

/* Before DNAT a visitor still has the address that the domain publishes; and a host may track no connections. */
static void
visitors_are_judged_before_their_address_is_redirected_and_without_conntrack(void **state)
{
	struct config c;
	char text[8192];

	(void)state;
	load(&c, "\"203.0.113.20\", \"2001:db8::20\"");
	(void)nft_table_text(&c.ladder, true, text, sizeof text);
	assert_non_null(strstr(text, "prerouting { type filter hook prerouting priority -150; policy accept; }\n"));
	assert_non_null(strstr(text, "prerouting tcp dport 25 tcp flags & (fin | syn | rst | ack) == syn jump judge\n"));
	assert_non_null(strstr(text, " hook input "));
	assert_non_null(strstr(text, " hook forward "));
	assert_null(strstr(text, " ct "));
	(void)nft_table_text(&c.ladder, false, text, sizeof text);
	assert_null(strstr(text, "prerouting"));
	config_free(&c);
}

/* A message of the kernel's as it comes: what, family, table, sent by this port. */
static size_t
heard(char *out, int type, int family, const char *table, uint32_t port)
{
	struct nlmsghdr head = { .nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), .nlmsg_pid = port };
	struct nfgenmsg gen = { .nfgen_family = (uint8_t)family };
	struct nlattr attr = { .nla_len = (uint16_t)(sizeof attr + strlen(table) + 1), .nla_type = NFTA_TABLE_NAME };

	head.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof gen) + attr.nla_len);
	memset(out, 0, NLMSG_ALIGN(head.nlmsg_len));
	memcpy(out, &head, sizeof head);
	memcpy(out + NLMSG_LENGTH(0), &gen, sizeof gen);
	memcpy(out + NLMSG_LENGTH(sizeof gen), &attr, sizeof attr);
	memcpy(out + NLMSG_LENGTH(sizeof gen) + sizeof attr, table, strlen(table) + 1);
	return NLMSG_ALIGN(head.nlmsg_len);
}

static bool
port_77(void *ctx, uint32_t port)
{
	(void)ctx;
	return port == 77;
}

static void
any_change_by_another_program_is_seen_and_none_of_our_own(void **state)
{
	static const struct {
		int type, family;
		const char *table;
		uint32_t port;
		bool seen;
	} rows[] = {
		{ NFT_MSG_DELSETELEM, NFPROTO_INET, "mxtrapd", 5, true },
		{ NFT_MSG_NEWSETELEM, NFPROTO_INET, "mxtrapd", 5, true },
		{ NFT_MSG_DELSET, NFPROTO_INET, "mxtrapd", 5, true },
		{ NFT_MSG_DELRULE, NFPROTO_INET, "mxtrapd", 5, true },
		{ NFT_MSG_NEWRULE, NFPROTO_INET, "mxtrapd", 5, true },
		{ NFT_MSG_DELCHAIN, NFPROTO_INET, "mxtrapd", 5, true },
		{ NFT_MSG_NEWTABLE, NFPROTO_INET, "mxtrapd", 5, true },
		{ NFT_MSG_DELTABLE, NFPROTO_INET, "mxtrapd", 5, true },
		{ NFT_MSG_DELSETELEM, NFPROTO_INET, "mxtrapd", 77, false },	/* ours */
		{ NFT_MSG_DELSETELEM, NFPROTO_INET, "mxtrapd", 0, false },	/* the kernel's: its time is over */
		{ NFT_MSG_DELSETELEM, NFPROTO_INET, "mxtrap", 5, false },
		{ NFT_MSG_DELSETELEM, NFPROTO_IPV4, "mxtrapd", 5, false },
		{ NFT_MSG_NEWGEN, NFPROTO_INET, "mxtrapd", 5, false },
	};
	_Alignas(struct nlmsghdr) char buf[512];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t first = heard(buf, NFT_MSG_NEWSETELEM, NFPROTO_INET, "others", 5);
		size_t n = first + heard(buf + first, rows[i].type, rows[i].family, rows[i].table, rows[i].port);

		assert_int_equal(guard_parse(buf, n, port_77, NULL), rows[i].seen);
		assert_false(guard_parse(buf, n - 1, port_77, NULL));
	}
}

/* In a network of the test's own, by libnftables itself. */
static void
the_guard_hears_others_and_not_us(void **state)
{
	struct message_row r = row("192.0.2.7", NOW_S + 5000, false);
	static char text[NFT_TEXT_SIZE];
	struct config c;
	const char *why;
	struct nft *nft;
	int guard;

	(void)state;
	if (geteuid() != 0 || system("unshare -n nft list tables >/dev/null 2>&1") != 0 || unshare(CLONE_NEWNET) != 0)
		skip();
	load(&c, "\"203.0.113.20\"");
	guard = guard_open();
	assert_int_not_equal(guard, -1);
	nft = nft_open();
	assert_non_null(nft);
	(void)nft_table_text(&c.ladder, true, text, sizeof text);
	for (int i = 0; i < 3; i++) {
		assert_true(nft_run(nft, text, &why));
		assert_int_equal(guard_read(guard), GUARD_QUIET);
	}
	(void)nft_rows_text(&r, 1, false, NOW_S, text, sizeof text);
	assert_true(nft_run(nft, text, &why));
	assert_int_equal(guard_read(guard), GUARD_QUIET);
	for (size_t i = 0; i < 4; i++) {
		static const char *const acts[] = {
			"nft delete element inet mxtrapd host4 '{ 192.0.2.7 }'", "nft add element inet mxtrapd host4 '{ 192.0.2.9 }'",
			"nft flush set inet mxtrapd host4", "nft flush chain inet mxtrapd judge",
		};

		assert_int_equal(system(acts[i]), 0);
		assert_int_equal(guard_read(guard), GUARD_CHANGED);
		assert_int_equal(guard_read(guard), GUARD_QUIET);
	}
	assert_int_equal(system("nft add table inet others; nft add set inet others x '{ type ipv4_addr; elements = { 192.0.2.7 }; }'"), 0);
	assert_int_equal(guard_read(guard), GUARD_QUIET);
	nft_close(nft);
	close(guard);
	config_free(&c);
}

/* In a network of the test's own, by libnftables itself. */
static void
the_kernel_takes_the_table_and_renews_a_timeout(void **state)
{
	struct message_row r = row("192.0.2.7", NOW_S + 5, false);
	struct config c;
	char text[8192];
	const char *said;
	struct nft *nft;

	(void)state;
	if (geteuid() != 0 || system("unshare -n nft list tables >/dev/null 2>&1") != 0 || unshare(CLONE_NEWNET) != 0)
		skip();
	load(&c, "\"203.0.113.20\", \"2001:db8::20\"");
	nft = nft_open();
	assert_non_null(nft);
	(void)nft_table_text(&c.ladder, true, text, sizeof text);
	for (int i = 0; i < 2; i++)
		assert_true(nft_run(nft, text, &said));
	(void)nft_rows_text(&r, 1, false, NOW_S, text, sizeof text);
	assert_true(nft_run(nft, text, &said));
	r.expires_s = NOW_S + 5000;
	(void)nft_rows_text(&r, 1, false, NOW_S, text, sizeof text);
	assert_true(nft_run(nft, text, &said));
	said = nft_ask(nft, "list set inet mxtrapd host4");
	assert_non_null(said);
	assert_non_null(strstr(said, "192.0.2.7 timeout 5000s"));
	assert_false(nft_run(nft, "add element inet mxtrapd nosuch { 192.0.2.7 }\n", &said));
	assert_true(strlen(said) > 10);
	assert_null(nft_ask(nft, "list set inet mxtrapd nosuch"));
	nft_close(nft);
	config_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_added_deleted_and_added_so_that_its_timeout_is_new),
		cmocka_unit_test(into_fresh_sets_it_is_added_once),
		cmocka_unit_test(one_that_may_be_missing_is_removed_all_the_same),
		cmocka_unit_test(what_expires_within_two_seconds_is_not_sent),
		cmocka_unit_test(the_longest_batch_fits),
		cmocka_unit_test(rules_are_about_port_25_of_the_real_exchangers_alone),
		cmocka_unit_test(visitors_are_judged_before_their_address_is_redirected_and_without_conntrack),
		cmocka_unit_test(any_change_by_another_program_is_seen_and_none_of_our_own),
		cmocka_unit_test(the_guard_hears_others_and_not_us),
		cmocka_unit_test(the_kernel_takes_the_table_and_renews_a_timeout),
	};

	return cmocka_run_group_tests_name("nft", tests, NULL, NULL);
}
