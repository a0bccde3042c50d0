/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns_ldns.c - the questions that are seldom asked: the only file that knows ldns.
 */
#include <ldns/ldns.h>

#include <string.h>

#include "dns.h"

#define HEADER_SIZE 12
#define BADVERS 16			/* RFC 6891 section 9 */

/* A header alone: for what cannot be read (RFC 1035 section 4.1.1). */
static size_t
header(const uint8_t *query, unsigned rcode, uint8_t *out)
{
	memset(out, 0, HEADER_SIZE);
	out[0] = query[0];
	out[1] = query[1];
	out[2] = (uint8_t)(0x80 | (query[2] & 0x79));	/* a reply; its opcode and RD */
	out[3] = (uint8_t)rcode;
	return HEADER_SIZE;
}

/* "NAME TTL IN WHAT" into a section. */
static bool
push(ldns_pkt *reply, ldns_pkt_section section, const char *name, uint32_t ttl, const char *what)
{
	char text[1024];
	ldns_rr *rr = NULL;

	(void)snprintf(text, sizeof(text), "%s. %u IN %s", name, (unsigned)ttl, what);
	if (ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL) != LDNS_STATUS_OK)
		return false;
	if (ldns_pkt_push_rr(reply, section, rr))
		return true;
	ldns_rr_free(rr);
	return false;
}

static void
push_soa(ldns_pkt *reply, ldns_pkt_section section, const struct dns_zone *z, const struct feed *f)
{
	char text[700];

	(void)snprintf(text, sizeof(text), "SOA ns.%s. hostmaster.%s. %u 600 300 86400 %d", z->name, z->name,
	    (unsigned)dns_serial(f), DNS_NEGATIVE_S);
	(void)push(reply, section, z->name, section == LDNS_SECTION_ANSWER ? DNS_TTL_S : DNS_NEGATIVE_S, text);
}

static void
push_ns(ldns_pkt *reply, const struct dns_zone *z)
{
	char text[300];

	(void)snprintf(text, sizeof(text), "NS ns.%s.", z->name);
	(void)push(reply, LDNS_SECTION_ANSWER, z->name, DNS_TTL_S, text);
}

/* The apex, and ns: everything else below the zone was answered by hand.  Returns the reply's code. */
static unsigned
fill(ldns_pkt *reply, const ldns_rr *question, const struct dns_zone *z, const struct feed *f)
{
	ldns_rdf *apex = ldns_dname_new_frm_str(z->name), *ns;
	ldns_rr_type type = ldns_rr_get_type(question);
	char text[64], name[300];
	bool at_apex, at_ns, below;

	(void)snprintf(name, sizeof(name), "ns.%s", z->name);
	ns = ldns_dname_new_frm_str(name);
	if (apex == NULL || ns == NULL || ldns_rr_owner(question) == NULL) {
		ldns_rdf_deep_free(apex);
		ldns_rdf_deep_free(ns);
		return LDNS_RCODE_SERVFAIL;
	}
	at_apex = ldns_dname_compare(ldns_rr_owner(question), apex) == 0;
	at_ns = ldns_dname_compare(ldns_rr_owner(question), ns) == 0;
	below = ldns_dname_is_subdomain(ldns_rr_owner(question), apex);
	ldns_rdf_deep_free(apex);
	ldns_rdf_deep_free(ns);
	if ((!at_apex && !below) || ldns_rr_get_class(question) != LDNS_RR_CLASS_IN || type == LDNS_RR_TYPE_AXFR ||
	    type == LDNS_RR_TYPE_IXFR || (type >= 128 && type != LDNS_RR_TYPE_ANY))
		return LDNS_RCODE_REFUSED;
	ldns_pkt_set_aa(reply, true);
	if (type == LDNS_RR_TYPE_ANY && !at_apex)
		return LDNS_RCODE_NOTIMPL;	/* RFC 8482 allows less; nobody needs more */
	if (at_apex && (type == LDNS_RR_TYPE_SOA || type == LDNS_RR_TYPE_ANY))
		push_soa(reply, LDNS_SECTION_ANSWER, z, f);
	if (at_apex && (type == LDNS_RR_TYPE_NS || type == LDNS_RR_TYPE_ANY))
		push_ns(reply, z);
	if (at_ns && type == (strchr(z->address, ':') != NULL ? LDNS_RR_TYPE_AAAA : LDNS_RR_TYPE_A)) {
		(void)snprintf(text, sizeof(text), "%s %s", strchr(z->address, ':') != NULL ? "AAAA" : "A", z->address);
		(void)push(reply, LDNS_SECTION_ANSWER, name, DNS_TTL_S, text);
	}
	if (ldns_pkt_ancount(reply) == 0)
		push_soa(reply, LDNS_SECTION_AUTHORITY, z, f);
	return LDNS_RCODE_NOERROR;
}

static bool
to_wire(const ldns_pkt *reply, uint8_t out[static DNS_REPLY_MAX], size_t *n)
{
	uint8_t *wire = NULL;
	bool ok = ldns_pkt2wire(&wire, reply, n) == LDNS_STATUS_OK && *n <= DNS_REPLY_MAX;

	if (ok)
		memcpy(out, wire, *n);
	free(wire);
	return ok;
}

bool
dns_odd(const struct dns_zone *z, const struct feed *f, const uint8_t *query, size_t size,
    uint8_t out[static DNS_REPLY_MAX], size_t *n, struct dns_counters *c)
{
	ldns_pkt *asked = NULL, *reply;
	const ldns_rr *question;
	unsigned rcode;
	bool ok;

	if (size < HEADER_SIZE || (query[2] & 0x80) != 0)
		return false;
	if ((query[2] & 0x78) != 0) {
		*n = header(query, LDNS_RCODE_NOTIMPL, out);
		return true;
	}
	if (ldns_wire2pkt(&asked, query, size) != LDNS_STATUS_OK || ldns_pkt_qdcount(asked) != 1 ||
	    (question = ldns_rr_list_rr(ldns_pkt_question(asked), 0)) == NULL) {
		ldns_pkt_free(asked);
		c->malformed++;
		*n = header(query, LDNS_RCODE_FORMERR, out);
		return true;
	}
	reply = ldns_pkt_new();
	if (reply == NULL) {
		ldns_pkt_free(asked);
		return false;
	}
	ldns_pkt_set_id(reply, ldns_pkt_id(asked));
	ldns_pkt_set_qr(reply, true);
	ldns_pkt_set_rd(reply, ldns_pkt_rd(asked));
	ok = ldns_pkt_push_rr(reply, LDNS_SECTION_QUESTION, ldns_rr_clone(question));
	if (ldns_pkt_edns(asked)) {
		ldns_pkt_set_edns_udp_size(reply, DNS_REPLY_MAX);
		ldns_pkt_set_edns_version(reply, 0);
	}
	if (ldns_pkt_edns(asked) && ldns_pkt_edns_version(asked) != 0) {
		ldns_pkt_set_edns_extended_rcode(reply, BADVERS >> 4);
		rcode = BADVERS & 15;
	} else {
		rcode = fill(reply, question, z, f);
	}
	c->refused += rcode == LDNS_RCODE_REFUSED;
	ldns_pkt_set_rcode(reply, (uint8_t)rcode);
	ok = ok && to_wire(reply, out, n);
	ldns_pkt_free(reply);
	ldns_pkt_free(asked);
	return ok;
}
