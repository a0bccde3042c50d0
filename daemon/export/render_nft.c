/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_nft.c - nftables: exact sets, one transaction.
 *
 * No interval sets: with time-outs they merge neighbours under the first one's
 * time-out, and an overlap aborts the file.  IPv6 is by /64, looked up with a mask;
 * single addresses of a /64 with honest hosts in it have a set of their own.
 */
#include <inttypes.h>
#include <string.h>

#include "render.h"

#define CHUNK 1000
#define SET_SIZE 2097152		/* one element more, and nft refuses the whole file */

static const struct {
	const char *name, *type;
} SETS[] = {
	{ "host4", "ipv4_addr" }, { "net64", "ipv6_addr" }, { "host6", "ipv6_addr" },
};

static void
nft_begin(struct render *r)
{
	render_head(r, "#");
	fputs("# use: tcp dport 25 ip saddr @host4 reject with tcp reset\n"
	    "#      tcp dport 25 ip6 saddr and ffff:ffff:ffff:ffff:: @net64 reject with tcp reset\n"
	    "#      tcp dport 25 ip6 saddr @host6 reject with tcp reset\n"
	    "add table inet mxtrap\n", r->out);
	for (size_t i = 0; i < sizeof(SETS) / sizeof(SETS[0]); i++)
		fprintf(r->out, "add set inet mxtrap %s { type %s; flags timeout; size %d; }\n"
		    "flush set inet mxtrap %s\n", SETS[i].name, SETS[i].type, SET_SIZE, SETS[i].name);
}

static void
close_chunk(struct render *r)
{
	if (r->open_set >= 0)
		fputs(" }\n", r->out);
	r->open_set = -1;
	r->in_chunk = 0;
}

static void
nft_entry(struct render *r, const struct report_entry *e)
{
	int set = addr_is_v4(&e->what.addr) ? 0 : e->what.len == 128 ? 2 : 1;
	char line[PREFIX_TEXT_SIZE + 40];
	size_t n;

	if (r->in_set[set] == SET_SIZE) {
		r->beyond++;
		return;
	}
	r->in_set[set]++;
	if (r->open_set != set || r->in_chunk == CHUNK) {
		close_chunk(r);
		fprintf(r->out, "add element inet mxtrap %s {", SETS[set].name);
		r->open_set = set;
	} else {
		putc_unlocked(',', r->out);
	}
	line[0] = ' ';
	n = 1 + render_what(&e->what, line + 1);
	/* The set's key is the /64's first address. */
	if (set == 1)
		n = (size_t)(strchr(line, '/') - line);
	if (e->expires_s != 0)
		n += (size_t)snprintf(line + n, sizeof(line) - n, " timeout %" PRId64 "s", e->expires_s - r->now_s);
	fwrite_unlocked(line, 1, n, r->out);
	r->in_chunk++;
}

static void
nft_end(struct render *r)
{
	close_chunk(r);
	if (r->beyond != 0)
		fprintf(r->out, "# %" PRIu64 " more are listed than the sets hold\n", r->beyond);
}

const struct renderer render_nftables = {
	.format = { "nftables", "text/plain; charset=utf-8", "nft", true, EXPORT_EXPIRY | EXPORT_GROUPS, "nft -f" },
	.begin = nft_begin, .entry = nft_entry, .end = nft_end,
};
