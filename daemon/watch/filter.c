/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.c - the capture filter, from the configuration: what can open, answer, refuse or
 * complete, and as little as possible of the real MX's mail.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/capture.h"

/* A client's first data rides on short segments; a mail's body fills them. */
#define SHORT_V4 "ip[2:2] <= 600"
#define SHORT_V6 "ip6[4:2] <= 560"

/* tcp[13] never matches IPv6: there the flags are found behind the fixed header, and whatever has
 * extension headers (ip6[6] not 6) is let through for the decoder to look at. */
#define OPENS_V4   "tcp[13] & 0x06 != 0"
#define CONFIRMS_V4 "(tcp[13] & 0x17 = 0x10 and " SHORT_V4 ")"
#define OPENS_V6   "(ip6[6] = 6 and ip6[53] & 0x06 != 0)"
#define CONFIRMS_V6 "(ip6[6] = 6 and ip6[53] & 0x17 = 0x10 and " SHORT_V6 ")"
#define EXTENDED_V6 "(ip6[6] != 6 and ip6[6] != 58 and ip6[6] != 17)"

static void
put_hosts(FILE *f, const struct ladder *l, const char *direction)
{
	char text[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < l->n_targets; i++)
		fprintf(f, "%s%s host %s", i > 0 ? " or " : "", direction, addr_format(&l->targets[i].addr, text));
}

static void
put_core(FILE *f, const char *towards, const char *from)
{
	fprintf(f, "((tcp dst port 25 and %s and (" OPENS_V4 " or " CONFIRMS_V4 "))"
	    " or (tcp src port 25 and %s and " OPENS_V4 ")"
	    " or (ip6 and %s and (" OPENS_V6 " or " CONFIRMS_V6 " or " EXTENDED_V6 "))"
	    " or (ip6 and %s and " OPENS_V6 ")"
	    " or (icmp[0] = 3) or (ip6 and ip6[6] = 58 and ip6[40] = 1))",
	    towards, from, towards, from);
}

char *
capture_filter(const struct ladder *l, bool vlan)
{
	char *towards = NULL, *from = NULL, *all = NULL;
	size_t n;
	FILE *f;
	bool ok = false;

	f = open_memstream(&towards, &n);
	if (f == NULL)
		return NULL;
	fputc('(', f);
	put_hosts(f, l, "dst");
	fputc(')', f);
	ok = fclose(f) == 0;
	f = open_memstream(&from, &n);
	if (f != NULL) {
		fputc('(', f);
		put_hosts(f, l, "src");
		fputc(')', f);
		ok &= fclose(f) == 0;
	}
	f = ok && from != NULL ? open_memstream(&all, &n) : NULL;
	if (f != NULL) {
		put_core(f, towards, from);
		/* Each `vlan` moves the offsets of all that follows by one tag. */
		for (int tags = 1; vlan && tags <= 2; tags++) {
			fputs(" or (vlan and ", f);
			put_core(f, towards, from);
		}
		if (vlan)
			fputs("))", f);
		if (fclose(f) != 0) {
			free(all);
			all = NULL;
		}
	}
	free(towards);
	free(from);
	return all;
}
