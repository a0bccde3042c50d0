/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_dns.c - any bytes as a DNS query: what is answered by hand, ldns reads the same.
 */
#include <ldns/ldns.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/lookup/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Both messages ask the same, by ldns. */
static void
same_question(const uint8_t *query, size_t size, const uint8_t *out, size_t n)
{
	ldns_pkt *asked = NULL, *reply = NULL;
	const ldns_rr *a, *b;

	if (ldns_wire2pkt(&reply, out, n) != LDNS_STATUS_OK)
		abort();
	if (!ldns_pkt_qr(reply))
		abort();
	/* By hand more may be understood than ldns does: options of EDNS that it takes apart. */
	if (ldns_wire2pkt(&asked, query, size) == LDNS_STATUS_OK) {
		a = ldns_rr_list_rr(ldns_pkt_question(asked), 0);
		b = ldns_rr_list_rr(ldns_pkt_question(reply), 0);
		if (a == NULL || b == NULL || ldns_rr_compare(a, b) != 0 || ldns_pkt_id(asked) != ldns_pkt_id(reply))
			abort();
	}
	ldns_pkt_free(asked);
	ldns_pkt_free(reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[16] = { 1 };
	static const struct config config = { .publish = true };
	uint8_t out[DNS_REPLY_MAX], *query;
	struct dns_counters counters = { 0 };
	struct dns_zone zone;
	struct feed feed;
	struct prefix p;
	size_t n = 0;

	query = malloc(size + !size);
	if (query == NULL)
		return 0;
	memcpy(query, data, size);
	if (!dns_zone_init(&zone, "bl.example.org", true, "a@b", "192.0.2.53"))
		abort();
	feed_init(&feed, &config, seed);
	feed.complete = feed.claims = true;
	if (prefix_parse(&p, "192.0.2.7"))
		(void)listed_put(&feed.listed, &p, STATE_LISTED, 1, 1, 0);
	if (prefix_parse(&p, "2001:db8:1:2::/64"))
		(void)listed_put(&feed.listed, &p, STATE_SUSPECT, 1, 1, 0);
	switch (dns_quick(&zone, &feed, 5, query, size, out, &n, &counters)) {
	case DNS_DONE:
		if (n < 12 || n > 512)
			abort();	/* without EDNS no more may be sent (RFC 1035 section 4.2.1) */
		same_question(query, size, out, n);
		break;
	case DNS_ODD:
		if (dns_odd(&zone, &feed, query, size, out, &n, &counters) && (n < 12 || n > sizeof(out) || (out[2] & 0x80) == 0))
			abort();
		break;
	case DNS_DROP:
		if (size >= 12 && (query[2] & 0x80) == 0)
			abort();
		break;
	}
	feed_free(&feed);
	free(query);
	return 0;
}
