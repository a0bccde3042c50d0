/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fingerprint.c - what a SYN says about the stack that sent it, in p0f's terms.
 */
#include "fingerprint.h"

#include <stdio.h>
#include <string.h>

#define MAX_DISTANCE 35		/* hops; farther away it is no usual initial value */

enum option { OPTION_END, OPTION_EOL, OPTION_NOP, OPTION_MSS, OPTION_WS, OPTION_SOK, OPTION_SACK, OPTION_TS,
	OPTION_UNKNOWN };
enum quirk { QUIRK_DF, QUIRK_ID_SET, QUIRK_ID_ZERO, QUIRK_ECN, QUIRK_MUST_BE_ZERO, QUIRK_FLOW, QUIRK_SEQ_ZERO,
	QUIRK_ACK_SET, QUIRK_ACK_ZERO, QUIRK_URG_SET, QUIRK_URG_FLAG, QUIRK_PUSH_FLAG, QUIRK_TS1_ZERO, QUIRK_TS2_SET,
	QUIRK_AFTER_EOL, QUIRK_BIG_SCALE, QUIRK_BAD_OPTIONS, QUIRK_N };

static const char *const QUIRKS[QUIRK_N] = { "df", "id+", "id-", "ecn", "0+", "flow", "seq-", "ack+", "ack-", "uptr+",
	"urgf+", "pushf+", "ts1-", "ts2+", "opt+", "exws", "bad" };

uint32_t
fingerprint_ipv4_quirks(uint8_t tos, uint16_t fragment, uint16_t id)
{
	uint32_t q = 0;

	if ((tos & 3) != 0)
		q |= 1U << QUIRK_ECN;
	if ((fragment & 0x8000) != 0)
		q |= 1U << QUIRK_MUST_BE_ZERO;
	if ((fragment & 0x4000) != 0)
		q |= 1U << QUIRK_DF | (id != 0 ? 1U << QUIRK_ID_SET : 0);
	else if (id == 0)
		q |= 1U << QUIRK_ID_ZERO;
	return q;
}

uint32_t
fingerprint_ipv6_quirks(uint32_t first_word)
{
	return ((first_word & 0xfffff) != 0 ? 1U << QUIRK_FLOW : 0) |
	    ((first_word >> 20 & 3) != 0 ? 1U << QUIRK_ECN : 0);
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* What an option of this kind should be long, and how we name it; 0: whatever it says. */
static const struct { uint8_t kind, len; } known_options[9] = {
	[2] = { OPTION_MSS, 4 }, [3] = { OPTION_WS, 3 }, [4] = { OPTION_SOK, 2 }, [5] = { OPTION_SACK, 0 },
	[8] = { OPTION_TS, 10 },
};

/* p: an option of which as many bytes are there as its kind needs. */
static void
take_option(struct fingerprint *f, enum option kind, const uint8_t *p)
{
	if (kind == OPTION_MSS) {
		f->mss = (uint16_t)(p[2] << 8 | p[3]);
	} else if (kind == OPTION_WS) {
		f->wscale = p[2];
		if (p[2] > 14)
			f->quirks |= 1U << QUIRK_BIG_SCALE;
	} else if (kind == OPTION_TS) {
		if (be32(p + 2) == 0)
			f->quirks |= 1U << QUIRK_TS1_ZERO;
		if (be32(p + 6) != 0)
			f->quirks |= 1U << QUIRK_TS2_SET;
	} else if (kind == OPTION_UNKNOWN && f->unknown == 0) {
		f->unknown = p[0];
	}
}

/* Each round goes on by at least one byte, so that a length of 0 or 1 cannot hold it. */
static void
take_options(struct fingerprint *f, const uint8_t *p, size_t captured, size_t claimed)
{
	unsigned n = 0;

	for (size_t at = 0; at < captured && n < 16; n++) {
		enum option kind = OPTION_NOP;
		size_t len = 1;

		if (p[at] == 0) {
			f->layout |= (uint64_t)OPTION_EOL << (4 * n);
			f->pad = (uint8_t)(claimed - at - 1);
			for (at++; at < captured; at++)
				if (p[at] != 0)
					f->quirks |= 1U << QUIRK_AFTER_EOL;
			return;
		}
		if (p[at] != 1) {
			const bool known = p[at] < 9 && known_options[p[at]].kind != 0;

			kind = known ? (enum option)known_options[p[at]].kind : OPTION_UNKNOWN;
			f->layout |= (uint64_t)kind << (4 * n);
			/* Lie, or cut off: the option leads out of the header, or has no length. */
			len = known ? known_options[p[at]].len : 0;
			if (at + 1 >= captured || (len == 0 && p[at + 1] < 2) ||
			    (len == 0 ? p[at + 1] : len) > captured - at) {
				f->quirks |= 1U << QUIRK_BAD_OPTIONS;
				if (kind == OPTION_UNKNOWN && f->unknown == 0)
					f->unknown = p[at];
				return;
			}
			/* Lie: a length that this kind never has; the kind is believed, as p0f does. */
			if (len != 0 && p[at + 1] != len)
				f->quirks |= 1U << QUIRK_BAD_OPTIONS;
			if (len == 0)
				len = p[at + 1];
			take_option(f, kind, p + at);
			at += len;
			continue;
		}
		f->layout |= (uint64_t)kind << (4 * n);
		at += len;
	}
}

/* What Linux sends, and so most of the world: mss, sok, ts, nop, ws.  False: take them one by one. */
static inline bool
take_linux_options(struct fingerprint *f, const uint8_t *p, size_t captured)
{
	if (captured != 20 || be32(p + 4) != 0x0402080a || (be32(p) & 0xffff0000) != 0x02040000 ||
	    (be32(p + 16) & 0xffffff00) != 0x01030300)
		return false;
	f->layout = OPTION_MSS | OPTION_SOK << 4 | OPTION_TS << 8 | OPTION_NOP << 12 | OPTION_WS << 16;
	f->mss = (uint16_t)be32(p);
	f->wscale = p[19];
	f->quirks |= (p[19] > 14 ? 1U << QUIRK_BIG_SCALE : 0) | (be32(p + 8) == 0 ? 1U << QUIRK_TS1_ZERO : 0) |
	    (be32(p + 12) != 0 ? 1U << QUIRK_TS2_SET : 0);
	return true;
}

void
fingerprint_tcp(struct fingerprint *f, const uint8_t *p, size_t captured, size_t header, size_t payload)
{
	uint8_t flags = p[13];

	f->window = (uint16_t)(p[14] << 8 | p[15]);
	f->payload = payload != 0;
	if ((flags & 0xc0) != 0 || (p[12] & 1) != 0)
		f->quirks |= 1U << QUIRK_ECN;
	if (be32(p + 4) == 0)
		f->quirks |= 1U << QUIRK_SEQ_ZERO;
	if (be32(p + 8) != 0)
		f->quirks |= 1U << QUIRK_ACK_SET;
	if ((flags & 0x20) != 0)
		f->quirks |= 1U << QUIRK_URG_FLAG;
	else if ((p[18] | p[19]) != 0)
		f->quirks |= 1U << QUIRK_URG_SET;
	if ((flags & 0x08) != 0)
		f->quirks |= 1U << QUIRK_PUSH_FLAG;
	if (header != 40 || !take_linux_options(f, p + 20, captured - 20))
		take_options(f, p + 20, captured - 20, header - 20);
}

/* How far it has come, if it set out with the next usual initial value. */
static unsigned
distance(uint8_t ttl)
{
	return ttl <= 32 ? 32U - ttl : ttl <= 64 ? 64U - ttl : ttl <= 128 ? 128U - ttl : 255U - ttl;
}

struct text {
	char  *buf;
	size_t n;
};

static void
put(struct text *t, const char *s)
{
	size_t len = strlen(s);

	if (t->n + len >= FINGERPRINT_TEXT_SIZE)
		return;
	memcpy(t->buf + t->n, s, len + 1);
	t->n += len;
}

static void
put_number(struct text *t, const char *before, unsigned value)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%s%u", before, value);
	put(t, number);
}

static bool
has_option(const struct fingerprint *f, enum option kind)
{
	for (unsigned i = 0; i < 16; i++)
		if ((enum option)(f->layout >> (4 * i) & 15) == kind)
			return true;
	return false;
}

/* Bytes of IP and TCP headers with their options, as the layout tells. */
static unsigned
header_bytes(const struct fingerprint *f)
{
	static const uint8_t sizes[16] = { [OPTION_EOL] = 1, [OPTION_NOP] = 1, [OPTION_MSS] = 4, [OPTION_WS] = 3,
		[OPTION_SOK] = 2, [OPTION_SACK] = 10, [OPTION_TS] = 10, [OPTION_UNKNOWN] = 2 };
	unsigned options = f->pad;

	for (unsigned i = 0; i < 16; i++)
		options += sizes[f->layout >> (4 * i) & 15];
	return (f->version == 6 ? 60U : 40U) + f->ip_options + (options + 3) / 4 * 4;
}

/* Many stacks choose a multiple of the segment size or of the MTU: p0f's guesses, in its order. */
static void
put_window(struct text *t, const struct fingerprint *f)
{
	const bool stamped = has_option(f, OPTION_TS) && (f->quirks & 1U << QUIRK_TS1_ZERO) == 0, v6 = f->version == 6;
	const struct { unsigned divisor; const char *name; } guesses[] = {
		{ f->mss, "mss*" }, { stamped ? f->mss - 12U : 0, "mss*" },
		{ 1460, "mss*" }, { stamped ? 1448 : 0, "mss*" },
		{ v6 ? 1440 : 0, "mss*" }, { v6 && stamped ? 1428 : 0, "mss*" },
		{ f->mss + 40U, "mtu*" }, { f->mss + header_bytes(f), "mtu*" },
		{ v6 ? f->mss + 60U : 0, "mtu*" }, { 1500, "mtu*" },
	};

	for (size_t i = 0; i < sizeof(guesses) / sizeof(guesses[0]); i++) {
		if (f->mss < 100 || f->window == 0 || guesses[i].divisor == 0 || f->window % guesses[i].divisor != 0)
			continue;
		put_number(t, guesses[i].name, f->window / guesses[i].divisor);
		put_number(t, ",", f->wscale);
		return;
	}
	put_number(t, "", f->window);
	put_number(t, ",", f->wscale);
}

static void
put_layout(struct text *t, const struct fingerprint *f)
{
	for (unsigned i = 0; i < 16; i++) {
		enum option kind = (enum option)(f->layout >> (4 * i) & 15);

		if (kind == OPTION_END)
			return;
		if (i > 0)
			put(t, ",");
		switch (kind) {
		case OPTION_EOL:
			put_number(t, "eol+", f->pad);
			break;
		case OPTION_NOP:
			put(t, "nop");
			break;
		case OPTION_MSS:
			put(t, "mss");
			break;
		case OPTION_WS:
			put(t, "ws");
			break;
		case OPTION_SOK:
			put(t, "sok");
			break;
		case OPTION_SACK:
			put(t, "sack");
			break;
		case OPTION_TS:
			put(t, "ts");
			break;
		case OPTION_UNKNOWN:
			put_number(t, "?", f->unknown);
			break;
		case OPTION_END:
			break;
		}
	}
}

const char *
fingerprint_format(const struct fingerprint *f, char buf[static FINGERPRINT_TEXT_SIZE])
{
	struct text t = { .buf = buf };
	const char *comma = "";

	buf[0] = '\0';
	put_number(&t, "", f->version);
	put_number(&t, ":", f->ttl);
	if (distance(f->ttl) > MAX_DISTANCE)
		put(&t, "+?");
	else
		put_number(&t, "+", distance(f->ttl));
	put_number(&t, ":", f->ip_options);
	put_number(&t, ":", f->mss);
	put(&t, ":");
	put_window(&t, f);
	put(&t, ":");
	put_layout(&t, f);
	put(&t, ":");
	for (unsigned i = 0; i < QUIRK_N; i++) {
		if ((f->quirks & 1U << i) == 0)
			continue;
		put(&t, comma);
		put(&t, QUIRKS[i]);
		comma = ",";
	}
	put(&t, f->payload != 0 ? ":+" : ":0");
	return buf;
}
