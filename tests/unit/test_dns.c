/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_dns.c - a DNSBL's answers, as ldns reads them; and what is no question.
 */
#include <ldns/ldns.h>

#include "lookup_support.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../daemon/lookup/dns.h"
#include "../../daemon/lookup/rate.h"

struct asked {
	struct feed feed;
	struct dns_zone zone;
	struct dns_counters counters;
};

static void
begin(struct asked *a, bool suspects)
{
	memset(a, 0, sizeof *a);
	feed_fill(&a->feed);
	assert_true(dns_zone_init(&a->zone, "bl.example.org", suspects, "postmaster@example.org", "192.0.2.53"));
}

/* Ask and give back what ldns made of the reply.  Caller frees. */
static ldns_pkt *
ask(struct asked *a, const char *name, ldns_rr_type type, bool edns)
{
	ldns_pkt *query = NULL, *reply = NULL;
	uint8_t *wire = NULL, out[DNS_REPLY_MAX];
	size_t size = 0, n;

	assert_int_equal(ldns_pkt_query_new_frm_str(&query, name, type, LDNS_RR_CLASS_IN, LDNS_RD), LDNS_STATUS_OK);
	ldns_pkt_set_id(query, 4711);
	if (edns)
		ldns_pkt_set_edns_udp_size(query, 4096);
	assert_int_equal(ldns_pkt2wire(&wire, query, &size), LDNS_STATUS_OK);
	n = dns_answer(&a->zone, &a->feed, NOW_S, wire, size, out, &a->counters);
	assert_true(n > 0 && n <= DNS_REPLY_MAX);
	assert_int_equal(ldns_wire2pkt(&reply, out, n), LDNS_STATUS_OK);
	assert_int_equal(ldns_pkt_id(reply), 4711);
	assert_true(ldns_pkt_qr(reply) && ldns_pkt_rd(reply) && !ldns_pkt_ra(reply));
	assert_int_equal(ldns_pkt_qdcount(reply), 1);
	assert_int_equal(ldns_pkt_edns(reply), edns);
	free(wire);
	ldns_pkt_free(query);
	return reply;
}

/* The one record of the answer, as text; "" none. */
static void
gives(struct asked *a, const char *name, ldns_rr_type type, ldns_pkt_rcode rcode, const char *want)
{
	for (int edns = 0; edns < 2; edns++) {
		ldns_pkt *reply = ask(a, name, type, edns != 0);
		char *text;

		assert_int_equal(ldns_pkt_get_rcode(reply), rcode);
		assert_int_equal(ldns_pkt_ancount(reply), *want != '\0' ? 1 : 0);
		if (*want != '\0') {
			text = ldns_rr2str(ldns_rr_list_rr(ldns_pkt_answer(reply), 0));
			assert_non_null(strstr(text, want));
			free(text);
		} else if (rcode != LDNS_RCODE_REFUSED && rcode != LDNS_RCODE_NOTIMPL) {
			/* RFC 2308 section 3: how long it may be believed. */
			assert_int_equal(ldns_pkt_nscount(reply), 1);
			assert_int_equal(ldns_rr_get_type(ldns_rr_list_rr(ldns_pkt_authority(reply), 0)), LDNS_RR_TYPE_SOA);
		}
		ldns_pkt_free(reply);
	}
}

#define A LDNS_RR_TYPE_A
#define TXT LDNS_RR_TYPE_TXT
#define OK LDNS_RCODE_NOERROR
#define NX LDNS_RCODE_NXDOMAIN

static void
a_listed_address_has_a_code_and_a_text(void **state)
{
	struct asked a;

	(void)state;
	begin(&a, false);
	gives(&a, "7.2.0.192.bl.example.org", A, OK, "127.0.0.3");
	gives(&a, "8.2.0.192.bl.example.org", A, OK, "127.0.0.4");
	gives(&a, "7.2.0.192.BL.Example.ORG", A, OK, "127.0.0.3");
	gives(&a, "7.2.0.192.bl.example.org", TXT, OK, "\"Refused, ref 3-6AB13B1C; contact postmaster@example.org\"");
	assert_int_equal(a.counters.listed, 8);
	feed_free(&a.feed);
}

static void
an_unlisted_address_does_not_exist(void **state)
{
	struct asked a;

	(void)state;
	begin(&a, false);
	gives(&a, "1.2.0.192.bl.example.org", A, NX, "");
	gives(&a, "1.2.0.192.bl.example.org", TXT, NX, "");
	assert_int_equal(a.counters.not_listed, 4);
	feed_free(&a.feed);
}

static void
the_test_entries_are_those_of_rfc_5782(void **state)
{
	struct asked a;

	(void)state;
	begin(&a, false);
	a.feed.claims = false;
	gives(&a, "2.0.0.127.bl.example.org", A, OK, "127.0.0.2");
	gives(&a, "1.0.0.127.bl.example.org", A, NX, "");
	gives(&a, "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.example.org", A, OK, "127.0.0.2");
	gives(&a, "1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.example.org", A, NX, "");
	gives(&a, "7.2.0.192.bl.example.org", A, NX, "");
	feed_free(&a.feed);
}

static void
an_address_amid_a_64_is_listed(void **state)
{
	struct asked a;

	(void)state;
	begin(&a, false);
	gives(&a, "6.0.0.0.7.0.0.0.8.0.0.0.9.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example.org", A, OK, "127.0.0.3");
	gives(&a, "6.0.0.0.7.0.0.0.8.0.0.0.9.0.0.0.3.0.0.0.1.0.0.0.8.B.D.0.1.0.0.2.bl.example.org", A, NX, "");
	feed_free(&a.feed);
}

static void
a_part_of_an_address_is_an_empty_name(void **state)
{
	struct asked a;

	(void)state;
	begin(&a, false);
	gives(&a, "192.bl.example.org", A, OK, "");
	gives(&a, "0.192.bl.example.org", A, OK, "");
	gives(&a, "0.2.bl.example.org", A, OK, "");
	gives(&a, "8.b.d.0.1.0.0.2.bl.example.org", A, OK, "");
	gives(&a, "7.2.0.192.bl.example.org", LDNS_RR_TYPE_AAAA, OK, "");
	feed_free(&a.feed);
}

static void
what_is_no_address_does_not_exist(void **state)
{
	struct asked a;

	(void)state;
	begin(&a, false);
	gives(&a, "7.2.0.256.bl.example.org", A, NX, "");
	gives(&a, "07.2.0.192.bl.example.org", A, NX, "");
	gives(&a, "1.7.2.0.192.bl.example.org", A, NX, "");
	gives(&a, "www.bl.example.org", A, NX, "");
	gives(&a, "7.2.0.192.suspect.bl.example.org", A, NX, "");
	gives(&a, "0.6.0.0.0.7.0.0.0.8.0.0.0.9.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example.org", A, NX, "");
	feed_free(&a.feed);
}

static void
suspects_are_in_a_zone_of_their_own(void **state)
{
	struct asked a;

	(void)state;
	begin(&a, true);
	gives(&a, "9.2.0.192.bl.example.org", A, NX, "");
	gives(&a, "9.2.0.192.suspect.bl.example.org", A, OK, "127.0.0.10");
	gives(&a, "7.2.0.192.suspect.bl.example.org", A, NX, "");
	gives(&a, "2.0.0.127.suspect.bl.example.org", A, OK, "127.0.0.2");
	feed_free(&a.feed);
}

static void
the_apex_has_its_soa_and_its_server(void **state)
{
	struct asked a;

	(void)state;
	begin(&a, false);
	gives(&a, "bl.example.org", LDNS_RR_TYPE_SOA, OK, " 1780000042 600 300 86400 60");
	gives(&a, "bl.example.org", LDNS_RR_TYPE_NS, OK, "ns.bl.example.org.");
	gives(&a, "bl.example.org", A, OK, "");
	gives(&a, "ns.bl.example.org", A, OK, "192.0.2.53");
	gives(&a, "ns.bl.example.org", LDNS_RR_TYPE_AAAA, OK, "");
	feed_free(&a.feed);
}

static void
what_is_not_ours_is_refused(void **state)
{
	struct asked a;

	(void)state;
	begin(&a, false);
	gives(&a, "example.org", A, LDNS_RCODE_REFUSED, "");
	gives(&a, "7.2.0.192.xbl.example.org", A, LDNS_RCODE_REFUSED, "");
	gives(&a, "bl.example.org", LDNS_RR_TYPE_AXFR, LDNS_RCODE_REFUSED, "");
	gives(&a, "7.2.0.192.bl.example.org", LDNS_RR_TYPE_ANY, LDNS_RCODE_NOTIMPL, "");
	assert_int_equal(a.counters.refused, 6);
	feed_free(&a.feed);
}

/* A query's bytes, changed. */
static size_t
with(struct asked *a, size_t at, uint8_t byte, size_t cut, uint8_t out[static DNS_REPLY_MAX])
{
	static const uint8_t query[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\0017\0012\0010\003192\2bl\7example\3org\0\0\1\0\1";
	uint8_t bytes[sizeof query - 1];

	memcpy(bytes, query, sizeof bytes);
	if (at < sizeof bytes)
		bytes[at] = byte;
	return dns_answer(&a->zone, &a->feed, NOW_S, bytes, sizeof bytes - cut, out, &a->counters);
}

static void
odd_messages_get_the_error_that_fits(void **state)
{
	uint8_t out[DNS_REPLY_MAX];
	struct asked a;

	(void)state;
	begin(&a, false);
	assert_true(with(&a, 999, 0, 0, out) > 12);
	assert_int_equal(out[3] & 15, 0);
	/* A reply is never answered, or two servers would talk for ever. */
	assert_int_equal(with(&a, 2, 0x81, 0, out), 0);
	/* Another opcode: NOTIMP. */
	assert_int_equal(with(&a, 2, 0x21, 0, out), 12);
	assert_int_equal(out[3] & 15, LDNS_RCODE_NOTIMPL);
	/* Cut short, a pointer for a name, no question, two: FORMERR. */
	for (size_t cut = 1; cut <= 30; cut++) {
		assert_int_equal(with(&a, 999, 0, cut, out), 12);
		assert_int_equal(out[3] & 15, LDNS_RCODE_FORMERR);
	}
	assert_int_equal(with(&a, 5, 0, 0, out), 12);
	assert_int_equal(with(&a, 5, 2, 0, out), 12);
	assert_int_equal(out[3] & 15, LDNS_RCODE_FORMERR);
	/* Less than a header says nothing. */
	assert_int_equal(with(&a, 999, 0, 35, out), 0);
	feed_free(&a.feed);
}

static void
a_zone_that_is_too_long_is_refused(void **state)
{
	struct dns_zone z;
	char name[256];

	(void)state;
	memset(name, 'a', sizeof name);
	for (size_t i = 20; i < sizeof name; i += 21)
		name[i] = '.';
	name[161] = '\0';
	assert_false(dns_zone_init(&z, name, false, "", ""));
	name[160] = '\0';
	assert_true(dns_zone_init(&z, name, false, "", ""));
}

static void
replies_to_one_network_are_limited_and_slip(void **state)
{
	struct rate *r = calloc(1, sizeof *r);
	struct addr a, other, loop;
	unsigned sent = 0, slipped = 0;

	(void)state;
	assert_non_null(r);
	assert_true(addr_parse(&a, "198.51.100.7") && addr_parse(&other, "203.0.113.7") && addr_parse(&loop, "127.0.0.1"));
	for (unsigned i = 0; i < 1000; i++) {
		enum rate_verdict v = rate_take(r, &a, 5);

		sent += v == RATE_SEND;
		slipped += v == RATE_SLIP;
		assert_int_equal(rate_take(r, &loop, 5), RATE_SEND);
	}
	assert_int_equal(sent, RATE_A_SECOND);
	assert_int_equal(slipped, (1000 - RATE_A_SECOND) / 2);
	assert_int_equal(rate_take(r, &other, 5), RATE_SEND);
	assert_int_equal(rate_take(r, &a, 6), RATE_SEND);
	free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listed_address_has_a_code_and_a_text),
		cmocka_unit_test(an_unlisted_address_does_not_exist),
		cmocka_unit_test(the_test_entries_are_those_of_rfc_5782),
		cmocka_unit_test(an_address_amid_a_64_is_listed),
		cmocka_unit_test(a_part_of_an_address_is_an_empty_name),
		cmocka_unit_test(what_is_no_address_does_not_exist),
		cmocka_unit_test(suspects_are_in_a_zone_of_their_own),
		cmocka_unit_test(the_apex_has_its_soa_and_its_server),
		cmocka_unit_test(what_is_not_ours_is_refused),
		cmocka_unit_test(odd_messages_get_the_error_that_fits),
		cmocka_unit_test(a_zone_that_is_too_long_is_refused),
		cmocka_unit_test(replies_to_one_network_are_limited_and_slip),
	};

	return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
