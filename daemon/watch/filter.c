/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.c - the capture filter, from the configuration: what can open, answer, refuse or
 * complete, and as little as possible of the real MX's mail; and who takes our own mail.
 *
 * The kernel runs it for each packet, and libpcap's compiler needs time that grows with
 * the square of its length: with many addresses whole networks are let through (the
 * trap looks each address up anyway), with very many networks no address is asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/capture.h"

#define MAX_TERMS 64
#define OWN_TERMS 16

/* A client's first data rides on short segments; a mail's body fills them. */
#define SHORT_V4 "ip[2:2] <= 600"
#define SHORT_V6 "ip6[4:2] <= 560"

/* tcp[13] never matches IPv6: there the flags are found behind the fixed header, and what may hide
 * TCP behind extension headers is let through for the decoder to look at. */
#define SYN_V4	    "tcp[13] & 0x17 = 0x02"
#define SYNACK_V4   "tcp[13] & 0x17 = 0x12"
#define SYN_V6	    "ip6[53] & 0x17 = 0x02"
#define SYNACK_V6   "ip6[53] & 0x17 = 0x12"
#define OPENS_V4    "tcp[13] & 0x06 != 0"
#define CONFIRMS_V4 "(tcp[13] & 0x17 = 0x10 and " SHORT_V4 ")"
#define OPENS_V6    "ip6[53] & 0x06 != 0"
#define CONFIRMS_V6 "(ip6[53] & 0x17 = 0x10 and " SHORT_V6 ")"
#define EXTENDED_V6 "(ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 or ip6[6] = 51 or ip6[6] = 60)"

struct terms {				/* prefixes of one family, each once */
	struct prefix at[MAX_TERMS];
	size_t n;
	size_t most;			/* of them */
	bool   many;			/* more than that */
};

/* What addresses there are: of the ladder, or of who sends mail. */
struct source {
	const struct ladder *ladder;	/* NULL: addrs */
	const struct addr   *addrs;
	size_t		     n, most;
};

static const struct addr *
address_at(const struct source *s, size_t i)
{
	return s->ladder != NULL ? &s->ladder->targets[i].addr : &s->addrs[i];
}

static void
collect(struct terms *t, const struct source *s, bool v4, uint8_t len)
{
	*t = (struct terms){ .most = s->most };
	for (size_t i = 0; i < s->n && !t->many; i++) {
		struct prefix p = prefix_of(address_at(s, i), len);
		bool known = false;

		if (addr_is_v4(address_at(s, i)) != v4)
			continue;
		for (size_t j = 0; j < t->n && !known; j++)
			known = prefix_equal(&t->at[j], &p);
		if (known)
			continue;
		t->many = t->n == t->most;
		if (!t->many)
			t->at[t->n++] = p;
	}
}

/* Addresses; or networks; or none, which is a filter by port and flags alone. */
static void
collect_some(struct terms *t, const struct source *s, bool v4)
{
	const uint8_t lens[] = { 128, v4 ? 120 : 64, v4 ? 112 : 48 };

	for (size_t i = 0; i < sizeof(lens); i++) {
		collect(t, s, v4, lens[i]);
		if (!t->many)
			return;
	}
}

static void
put_terms(FILE *f, const struct terms *t, const char *direction)
{
	char text[PREFIX_TEXT_SIZE];

	if (t->many)
		return;
	fputs(" and (", f);
	for (size_t i = 0; i < t->n; i++)
		fprintf(f, "%s%s net %s", i > 0 ? " or " : "", direction, prefix_format(&t->at[i], text));
	fputs(")", f);
}

/* Our own mail going out: who opens, and who answers. */
static void
put_outgoing(FILE *f, const struct terms *v4, const struct terms *v6)
{
	if (v4->n > 0) {
		fputs(" or (ip and tcp dst port 25 and " SYN_V4, f);
		put_terms(f, v4, "src");
		fputs(") or (ip and tcp src port 25 and " SYNACK_V4, f);
		put_terms(f, v4, "dst");
		fputs(")", f);
	}
	if (v6->n > 0) {
		fputs(" or (ip6 and ip6[6] = 6 and ip6[42:2] = 25 and " SYN_V6, f);
		put_terms(f, v6, "src");
		fputs(") or (ip6 and ip6[6] = 6 and ip6[40:2] = 25 and " SYNACK_V6, f);
		put_terms(f, v6, "dst");
		fputs(")", f);
	}
}

static void
put_core(FILE *f, const struct terms *v4, const struct terms *v6, const struct terms *own4, const struct terms *own6)
{
	const char *or = "";

	fputs("(", f);
	if (v4->n > 0) {
		fputs("(ip and tcp dst port 25 and (" OPENS_V4 " or " CONFIRMS_V4 ")", f);
		put_terms(f, v4, "dst");
		fputs(") or (ip and tcp src port 25 and " OPENS_V4, f);
		put_terms(f, v4, "src");
		fputs(") or icmp[0] = 3", f);
		or = " or ";
	}
	if (v6->n > 0) {
		fprintf(f, "%s(ip6 and ip6[6] = 6 and ip6[42:2] = 25 and (" OPENS_V6 " or " CONFIRMS_V6 ")", or);
		put_terms(f, v6, "dst");
		fputs(") or (ip6 and ip6[6] = 6 and ip6[40:2] = 25 and " OPENS_V6, f);
		put_terms(f, v6, "src");
		fputs(") or (ip6 and " EXTENDED_V6, f);
		put_terms(f, v6, "dst");
		fputs(") or (ip6 and ip6[6] = 58 and ip6[40] = 1)", f);
	}
	put_outgoing(f, own4, own6);
	fputs(")", f);
}

char *
capture_filter(const struct ladder *l, const struct addr *own, size_t n_own, bool vlan)
{
	const struct source ours = { .ladder = l, .n = l->n_targets, .most = MAX_TERMS };
	const struct source senders = { .addrs = own, .n = n_own, .most = OWN_TERMS };
	struct terms v4, v6, own4, own6;
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (f == NULL)
		return NULL;
	collect_some(&v4, &ours, true);
	collect_some(&v6, &ours, false);
	collect_some(&own4, &senders, true);
	collect_some(&own6, &senders, false);
	put_core(f, &v4, &v6, &own4, &own6);
	/* Each `vlan` moves the offsets of all that follows by one tag. */
	for (int tags = 1; vlan && tags <= 2; tags++) {
		fputs(" or (vlan and ", f);
		put_core(f, &v4, &v6, &own4, &own6);
	}
	if (vlan)
		fputs("))", f);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
