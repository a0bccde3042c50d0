/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_filter.c - packet filters beside nftables: ipset, pf, MikroTik.
 */
#include <inttypes.h>

#include "render.h"

#define IPSET_SIZE  2097152		/* one element more, and ipset refuses the whole file */
#define IPSET_TTL   2147483		/* ipset(8): the longest time-out, in seconds */
#define ROUTER_TTL  (35 * 86400)	/* a router that lost its way to us forgets in the end */

static const struct {
	const char *name, *type, *family;
} SETS[] = {
	{ "mxtrap4", "hash:ip", "inet" }, { "mxtrap6", "hash:net", "inet6" },
};

/* What is loaded becomes the set in one step: a reader of packets never sees half of it. */
static void
ipset_begin(struct render *r)
{
	render_head(r, "#");
	fputs("# ipset restore -f FILE; iptables -A INPUT -p tcp --dport 25 -m set --match-set mxtrap4 src"
	    " -j REJECT --reject-with tcp-reset\n", r->out);
	for (size_t i = 0; i < 2; i++) {
		for (size_t new = 0; new < 2; new++)
			fprintf(r->out, "create -exist %s%s %s family %s maxelem %d timeout 0\n", SETS[i].name,
			    new == 1 ? "-new" : "", SETS[i].type, SETS[i].family, IPSET_SIZE);
		fprintf(r->out, "flush %s-new\n", SETS[i].name);
	}
}

static void
ipset_entry(struct render *r, const struct report_entry *e)
{
	int set = addr_is_v4(&e->what.addr) ? 0 : 1;
	char what[PREFIX_TEXT_SIZE];

	if (r->in_set[set] == IPSET_SIZE) {
		r->beyond++;
		return;
	}
	r->in_set[set]++;
	render_what(&e->what, what);
	fprintf(r->out, "add -exist %s-new %s timeout %" PRId64 "\n", SETS[set].name, what,
	    render_ttl(r, e, IPSET_TTL));
}

static void
ipset_end(struct render *r)
{
	for (size_t i = 0; i < 2; i++)
		fprintf(r->out, "swap %s-new %s\ndestroy %s-new\n", SETS[i].name, SETS[i].name, SETS[i].name);
	if (r->beyond != 0)
		fprintf(r->out, "# %" PRIu64 " more are listed than the sets hold\n", r->beyond);
}

const struct renderer render_ipset = {
	.format = { "ipset", "text/plain; charset=utf-8", "ipset", true, EXPORT_EXPIRY, "ipset restore" },
	.begin = ipset_begin, .entry = ipset_entry, .end = ipset_end,
};

static void
pf_begin(struct render *r)
{
	render_head(r, "#");
	fputs("# pf.conf: table <mxtrap> persist; then pfctl -t mxtrap -T replace -f FILE\n", r->out);
}

const struct renderer render_pf = {
	.format = { "pf", "text/plain; charset=utf-8", "pf", false, 0, "pfctl -T replace" },
	.begin = pf_begin, .entry = render_what_line, .end = render_no_end,
};

static void
mikrotik_begin(struct render *r)
{
	render_head(r, "#");
	fputs("/ip/firewall/address-list/remove [ find where list=\"mxtrap\" ]\n"
	    "/ipv6/firewall/address-list/remove [ find where list=\"mxtrap\" ]\n", r->out);
}

/* A time-out makes the entry dynamic: gone after a reboot, so that a script must fetch it again. */
static void
mikrotik_entry(struct render *r, const struct report_entry *e)
{
	int64_t ttl = render_ttl(r, e, ROUTER_TTL);
	char what[PREFIX_TEXT_SIZE];

	render_what(&e->what, what);
	fprintf(r->out, "/%s/firewall/address-list/add list=mxtrap address=%s timeout=%" PRId64 "s comment=\"%s\"\n",
	    addr_is_v4(&e->what.addr) ? "ip" : "ipv6", what, ttl == 0 ? ROUTER_TTL : ttl, export_reason(e));
}

const struct renderer render_mikrotik = {
	.format = { "mikrotik", "text/plain; charset=utf-8", "rsc", true, EXPORT_EXPIRY | EXPORT_REASON,
		"RouterOS /import" },
	.begin = mikrotik_begin, .entry = mikrotik_entry, .end = render_no_end,
};
