/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr.c - addresses, prefixes and senders as values.
 */
#include "mxtrap/addr.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t MAPPED[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

struct addr
addr_from_v4(const uint8_t bytes[4])
{
	struct addr a;

	memcpy(a.b, MAPPED, sizeof(MAPPED));
	memcpy(a.b + 12, bytes, 4);
	return a;
}

struct addr
addr_from_v6(const uint8_t bytes[16])
{
	struct addr a;

	memcpy(a.b, bytes, 16);
	return a;
}

bool
addr_parse(struct addr *out, const char *text)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		*out = addr_from_v4(bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*out = addr_from_v6(bytes);
	else
		return false;
	return true;
}

const char *
addr_format(const struct addr *a, char buf[static ADDR_TEXT_SIZE])
{
	if (addr_is_v4(a))
		inet_ntop(AF_INET, a->b + 12, buf, ADDR_TEXT_SIZE);
	else
		inet_ntop(AF_INET6, a->b, buf, ADDR_TEXT_SIZE);
	return buf;
}

struct prefix
prefix_of(const struct addr *a, uint8_t len)
{
	struct prefix p = { .addr = *a, .len = len };

	for (unsigned i = 0; i < 16; i++) {
		if (len >= 8 * (i + 1))
			continue;
		if (len <= 8 * i)
			p.addr.b[i] = 0;
		else
			p.addr.b[i] &= (uint8_t)(0xff << (8 * (i + 1) - len));
	}
	return p;
}

bool
prefix_parse(struct prefix *out, const char *text)
{
	char addr_text[ADDR_TEXT_SIZE];
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	unsigned len = 0, most;
	struct addr a;
	struct prefix p;

	if (n >= sizeof(addr_text))
		return false;
	memcpy(addr_text, text, n);
	addr_text[n] = '\0';
	if (!addr_parse(&a, addr_text))
		return false;
	/* ::ffff:192.0.2.0/120 is IPv6 text: its length counts 128 bits. */
	most = addr_is_v4(&a) && strchr(addr_text, ':') == NULL ? 32 : 128;
	if (slash == NULL) {
		len = most;
	} else {
		const char *p_digit = slash + 1;

		/* As in addresses: what one program reads as octal another reads as decimal. */
		if (*p_digit < '0' || *p_digit > '9' || (*p_digit == '0' && p_digit[1] != '\0'))
			return false;
		for (; *p_digit >= '0' && *p_digit <= '9'; p_digit++) {
			len = len * 10 + (unsigned)(*p_digit - '0');
			if (len > most)
				return false;
		}
		if (*p_digit != '\0')
			return false;
	}
	p = prefix_of(&a, (uint8_t)(len + 128 - most));
	if (!addr_equal(&p.addr, &a))
		return false;
	*out = p;
	return true;
}

const char *
prefix_format(const struct prefix *p, char buf[static PREFIX_TEXT_SIZE])
{
	unsigned len = p->len;
	size_t n;
	char digits[4];
	int i = 0;

	addr_format(&p->addr, buf);
	if (addr_is_v4(&p->addr) && len >= 96)
		len -= 96;
	n = strlen(buf);
	buf[n++] = '/';
	do {
		digits[i++] = (char)('0' + len % 10);
		len /= 10;
	} while (len != 0);
	while (i > 0)
		buf[n++] = digits[--i];
	buf[n] = '\0';
	return buf;
}

bool
prefix_contains(const struct prefix *p, const struct addr *a)
{
	unsigned whole = p->len / 8, rest = p->len % 8;

	if (memcmp(p->addr.b, a->b, whole) != 0)
		return false;
	return rest == 0 || ((p->addr.b[whole] ^ a->b[whole]) & (0xff << (8 - rest)) & 0xff) == 0;
}

bool
prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return a->len <= b->len ? prefix_contains(a, &b->addr) : prefix_contains(b, &a->addr);
}

bool
prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && addr_equal(&a->addr, &b->addr);
}

struct addr
sender_addr(sender_key key, uint64_t host)
{
	uint64_t halves[2] = { htobe64(key), htobe64(host) };
	struct addr a;

	if (sender_is_v4(key)) {
		halves[0] = 0;
		halves[1] = htobe64(0xffffULL << 32 | (key & UINT32_MAX));
	}
	memcpy(a.b, halves, sizeof(a.b));
	return a;
}

struct prefix
sender_prefix(sender_key key)
{
	return (struct prefix){ .addr = sender_addr(key, 0), .len = sender_is_v4(key) ? 128 : 64 };
}

bool
prefix_sender(const struct prefix *p, sender_key *out)
{
	if (addr_is_v4(&p->addr) ? p->len != 128 : p->len < 64)
		return false;
	*out = addr_sender(&p->addr);
	return true;
}
