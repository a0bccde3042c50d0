/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns.c - a DNSBL's answer to one question, by hand.
 */
#include "dns.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define HEADER_SIZE 12
#define QR	0x80			/* RFC 1035 section 4.1.1, third byte */
#define OPCODE	0x78
#define AA	0x04
#define TC	0x02
#define RD	0x01
#define NXDOMAIN 3
#define TYPE_A	1
#define TYPE_SOA 6
#define TYPE_TXT 16
#define TYPE_OPT 41
#define TYPE_TRANSFERS 128		/* from here on: TKEY, transfers, ANY: not by hand */
#define CLASS_IN 1
#define UDP_SIZE 1232			/* what we tell by EDNS (RFC 6891 section 6.2.3) */
#define SUSPECT_LABEL "\7suspect"

bool
dns_zone_init(struct dns_zone *z, const char *name, bool suspects, const char *contact, const char *listen)
{
	const char *at = name;
	size_t len = strlen(name);

	*z = (struct dns_zone){ .suspects = suspects, .contact = contact };
	/* 32 nibbles, the label of the suspects and the names in the SOA must fit into 255 bytes with it. */
	if (len == 0 || len > 160)
		return false;
	(void)snprintf(z->address, sizeof(z->address), "%s", listen);
	for (size_t i = 0; i < len; i++)
		z->name[i] = (char)tolower((unsigned char)name[i]);
	while (*at != '\0') {
		size_t n = strcspn(at, ".");

		if (n == 0 || n > 63)
			return false;
		z->wire[z->wire_size++] = (uint8_t)n;
		memcpy(z->wire + z->wire_size, z->name + (at - name), n);
		z->wire_size += n;
		at += n;
		if (*at == '.')
			at++;
	}
	z->wire[z->wire_size++] = 0;
	return true;
}

static int
nibble(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A label of one to three digits as 0 to 255 without a leading zero; -1: another. */
static int
octet(const uint8_t *label, size_t n)
{
	int v = 0;

	if (n == 0 || n > 3 || (n > 1 && label[0] == '0'))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (label[i] < '0' || label[i] > '9')
			return -1;
		v = 10 * v + (label[i] - '0');
	}
	return v <= 255 ? v : -1;
}

enum dns_name
dns_read_name(const uint8_t *labels, size_t size, struct addr *out)
{
	uint8_t v4[4] = { 0 }, v6[16] = { 0 };
	bool may_v4 = true, may_v6 = true;
	size_t n = 0, at = 0;

	while (at < size) {
		size_t len = labels[at];
		const uint8_t *label = labels + at + 1;
		int v;

		if (len == 0 || len > 63 || at + 1 + len > size || n == 32)
			return DNS_NAME_NONE;
		v = octet(label, len);
		may_v4 = may_v4 && v >= 0 && n < 4;
		if (may_v4)
			v4[3 - n] = (uint8_t)v;	/* four labels, the last octet first */
		v = len == 1 ? nibble(label[0]) : -1;
		may_v6 = may_v6 && v >= 0;
		/* The lowest nibble first. */
		if (may_v6)
			v6[15 - n / 2] |= (uint8_t)(n % 2 == 0 ? v : v << 4);
		n++;
		at += 1 + len;
	}
	if (n == 0)
		return DNS_NAME_PART;
	if (may_v4 && n == 4) {
		*out = addr_from_v4(v4);
		return DNS_NAME_ADDR;
	}
	if (may_v6 && n == 32) {
		*out = addr_from_v6(v6);
		return DNS_NAME_ADDR;
	}
	return (may_v4 && n < 4) || (may_v6 && n < 32) ? DNS_NAME_PART : DNS_NAME_NONE;
}

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint8_t *
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *
put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v & 0xffff);
}

struct question {
	size_t	 name_size;		/* at offset 12, with the root's zero */
	size_t	 zone_at;		/* where the zone's name begins in it */
	unsigned type;
	bool	 edns;
};

/* Without regard to case; a label's length is below any letter, so that lengths compare as they are. */
static bool
same_name(const uint8_t *a, const uint8_t *zone, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((a[i] >= 'A' && a[i] <= 'Z' ? a[i] + 32 : a[i]) != zone[i])
			return false;
	return true;
}

/* One question of class IN in our zone, nothing behind it but a plain OPT. */
static bool
read_question(const struct dns_zone *z, const uint8_t *q, size_t size, struct question *out)
{
	size_t at = HEADER_SIZE, starts[128], n = 0;

	if ((q[2] & (OPCODE | TC)) != 0 || get16(q + 4) != 1 || get16(q + 6) != 0 || get16(q + 8) != 0 || get16(q + 10) > 1)
		return false;
	while (at < size && q[at] != 0) {
		/* No label is longer than 63: a pointer has no business in a question. */
		if (q[at] > 63 || n == 127 || at + 1 + q[at] - HEADER_SIZE > 254)
			return false;
		starts[n++] = at;
		at += 1U + q[at];
	}
	if (at + 5 > size)
		return false;
	out->name_size = ++at - HEADER_SIZE;
	out->type = get16(q + at);
	if (get16(q + at + 2) != CLASS_IN || out->type >= TYPE_TRANSFERS || out->type == TYPE_OPT || out->type == 0 ||
	    out->name_size <= z->wire_size)
		return false;
	out->zone_at = HEADER_SIZE + out->name_size - z->wire_size;
	/* At a label's beginning, or "xbl.example.org" would be ours. */
	for (size_t i = n; i > 0 && starts[i - 1] >= out->zone_at; i--)
		if (starts[i - 1] == out->zone_at)
			n = 0;
	if (n != 0 || !same_name(q + out->zone_at, z->wire, z->wire_size))
		return false;
	at += 4;
	out->edns = get16(q + 10) == 1;
	if (!out->edns)
		return at == size;
	/* OPT: the root, 41, a size, no extended code, version 0, flags, and all that is left are options (a cookie). */
	return at + 11 <= size && q[at] == 0 && get16(q + at + 1) == TYPE_OPT && q[at + 5] == 0 && q[at + 6] == 0 &&
	    at + 11 + get16(q + at + 9) == size;
}

/* The head of a record whose owner is the name at an offset of the message. */
static uint8_t *
put_record(uint8_t *p, size_t owner, unsigned type, uint32_t ttl)
{
	return put32(put16(put16(put16(p, 0xc000U | (unsigned)owner), type), CLASS_IN), ttl);
}

static uint8_t *
put_soa(uint8_t *p, size_t zone, uint32_t serial)
{
	uint8_t *size;

	p = put_record(p, zone, TYPE_SOA, DNS_NEGATIVE_S);
	size = p;
	p += 2;
	memcpy(p, "\2ns", 3);
	p = put16(p + 3, 0xc000U | (unsigned)zone);
	memcpy(p, "\12hostmaster", 11);
	p = put16(p + 11, 0xc000U | (unsigned)zone);
	p = put32(put32(put32(put32(put32(p, serial), 600), 300), 86400), DNS_NEGATIVE_S);
	(void)put16(size, (unsigned)(p - size - 2));
	return p;
}

static uint8_t *
put_txt(uint8_t *p, size_t owner, const char *text, uint32_t ttl)
{
	size_t n = strlen(text);

	n = n > 255 ? 255 : n;
	p = put16(put_record(p, owner, TYPE_TXT, ttl), (unsigned)n + 1);
	*p++ = (uint8_t)n;
	memcpy(p, text, n);
	return p + n;
}

struct finding {
	unsigned code;			/* 0: not listed */
	uint32_t ttl;
	char	 text[EXPORT_REPLY_SIZE];	/* where it is wanted */
};

/* RFC 5782 section 5: always there, so that a client sees that the zone works. */
static bool
is_test(const struct addr *a)
{
	static const uint8_t two[4] = { 127, 0, 0, 2 };
	struct addr test = addr_from_v4(two);

	return addr_equal(a, &test);	/* ::FFFF:7F00:2 is the same address here */
}

static void
find(const struct dns_zone *z, const struct feed *f, int64_t now_s, const struct addr *a, bool suspects, bool text,
    struct finding *out)
{
	const struct listed_entry *e;
	struct report_entry told;
	int64_t left;

	out->code = 0;
	if (is_test(a)) {
		out->code = 2;
		out->ttl = DNS_TTL_S;
		memcpy(out->text, "Refused", sizeof("Refused"));
		return;
	}
	e = feed_find(f, a, now_s);
	if (e == NULL || (e->state == STATE_LISTED) == suspects)
		return;
	told = (struct report_entry){ .state = e->state, .kinds = e->kinds, .since_s = e->since_s };
	out->code = export_code(&told);
	if (text) {
		export_reply(&told, z->contact, out->text);
		memmove(out->text, out->text + sizeof("5.7.1 ") - 1, strlen(out->text) - sizeof("5.7.1 ") + 2);
	}
	left = e->expires_s == 0 ? DNS_TTL_S : (int64_t)e->expires_s - now_s;
	out->ttl = (uint32_t)(left > DNS_TTL_S ? DNS_TTL_S : left < 1 ? 1 : left);
}

enum dns_verdict
dns_quick(const struct dns_zone *z, const struct feed *f, int64_t now_s, const uint8_t *query, size_t size,
    uint8_t out[static DNS_REPLY_MAX], size_t *n, struct dns_counters *c)
{
	struct finding found;
	struct question q;
	enum dns_name name;
	struct addr addr;
	size_t labels;
	bool suspects;
	uint8_t *p;

	if (size < HEADER_SIZE || (query[2] & QR) != 0)
		return DNS_DROP;
	if (size > DNS_QUERY_MAX || !read_question(z, query, size, &q))
		return DNS_ODD;
	labels = q.zone_at - HEADER_SIZE;
	suspects = labels >= sizeof(SUSPECT_LABEL) - 1 &&
	    same_name(query + q.zone_at - (sizeof(SUSPECT_LABEL) - 1), (const uint8_t *)SUSPECT_LABEL, sizeof(SUSPECT_LABEL) - 1);
	if (suspects)
		labels -= sizeof(SUSPECT_LABEL) - 1;
	else if (labels == 3 && same_name(query + HEADER_SIZE, (const uint8_t *)"\2ns", 3))
		return DNS_ODD;
	name = suspects && !z->suspects ? DNS_NAME_NONE : dns_read_name(query + HEADER_SIZE, labels, &addr);
	found.code = 0;
	if (name == DNS_NAME_ADDR)
		find(z, f, now_s, &addr, suspects, q.type == TYPE_TXT, &found);

	p = out + HEADER_SIZE + q.name_size + 4;
	memcpy(out, query, (size_t)(p - out));
	out[2] = (uint8_t)(QR | AA | (query[2] & RD));
	/* Where something may be below there is a name without records, not none (RFC 8020). */
	out[3] = name == DNS_NAME_PART || found.code != 0 ? 0 : NXDOMAIN;
	(void)put16(out + 6, 0);
	(void)put16(out + 8, 0);
	(void)put16(out + 10, q.edns);
	if (found.code != 0 && q.type == TYPE_A) {
		p = put16(put_record(p, HEADER_SIZE, TYPE_A, found.ttl), 4);
		p = put32(p, 127U << 24 | found.code);
		(void)put16(out + 6, 1);
	} else if (found.code != 0 && q.type == TYPE_TXT) {
		p = put_txt(p, HEADER_SIZE, found.text, found.ttl);
		(void)put16(out + 6, 1);
	} else {
		p = put_soa(p, q.zone_at, dns_serial(f));
		(void)put16(out + 8, 1);
	}
	if (q.edns) {
		*p++ = 0;
		p = put16(put32(put16(put16(p, TYPE_OPT), UDP_SIZE), 0), 0);
	}
	*n = (size_t)(p - out);
	c->listed += found.code != 0 && found.code < 10;
	c->suspects += found.code >= 10;
	c->not_listed += found.code == 0;
	return DNS_DONE;
}

void
dns_prefetch(const struct feed *f, const uint8_t *query, size_t size)
{
	const uint8_t *p = query + HEADER_SIZE, *end = query + size;
	uint32_t v4 = 0;

	/* Four labels of up to three digits, the last byte of the address first; whatever else it is is found out later. */
	for (int i = 0; i < 4; i++) {
		unsigned n, octet = 0;

		if (size < HEADER_SIZE || p >= end || (n = *p++) > 3 || (size_t)(end - p) < n)
			return;
		while (n-- > 0)
			octet = octet * 10 + (*p++ - '0');
		v4 |= (octet & 255) << (8 * i);
	}
	listed_prefetch(&f->listed, SENDER_KEY_V4 | v4);
}

size_t
dns_answer(const struct dns_zone *z, const struct feed *f, int64_t now_s, const uint8_t *query, size_t size,
    uint8_t out[static DNS_REPLY_MAX], struct dns_counters *c)
{
	size_t n = 0;

	c->queries++;
	switch (dns_quick(z, f, now_s, query, size, out, &n, c)) {
	case DNS_DONE:
		return n;
	case DNS_ODD:
		if (dns_odd(z, f, query, size, out, &n, c))
			return n;
		break;
	case DNS_DROP:
		break;
	}
	c->malformed++;
	return 0;
}
