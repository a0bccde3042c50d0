/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_dns.c - blocklists by DNS (RFC 5782): for rbldnsd, and as a zone for Knot, NSD and BIND.
 *
 * Both hold the test entries of RFC 5782 section 5, and nothing else where nothing
 * is published.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "render.h"

#define TTL_S	   300
#define NEGATIVE_S 60

static const char *
zone_of(const struct render *r)
{
	return *r->zone != '\0' ? r->zone : "bl.invalid";
}

static void
txt(const struct render *r, const struct report_entry *e, char buf[static EXPORT_REPLY_SIZE])
{
	export_reply(e, r->contact, buf);
	memmove(buf, buf + sizeof("5.7.1 ") - 1, strlen(buf) - sizeof("5.7.1 ") + 2);
}

/* The dead man's switch: rbldnsd refuses what was not made again for two hours. */
static void
rbldnsd_begin(struct render *r)
{
	time_t now = (time_t)r->now_s;
	struct tm tm = { .tm_mday = 1 };
	char stamp[32] = "";

	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(stamp, sizeof(stamp), "%Y:%m:%d:%H:%M:%S", &tm);
	render_head(r, "#");
	/* Its own default is 35 minutes: so long a resolver would keep who was let go. */
	fprintf(r->out, "$SOA %d ns.%s hostmaster.%s 0 600 300 86400 %d\n$NS %d ns.%s\n$TTL %d\n$TIMESTAMP %s +2h\n", TTL_S,
	    zone_of(r), zone_of(r), NEGATIVE_S, TTL_S, zone_of(r), TTL_S, stamp);
	fputs("$DATASET ip4set:v4 @\n:127.0.0.2:Refused\n127.0.0.2\n", r->out);
	r->open_set = 0;
}

static void
rbldnsd_part(struct render *r)
{
	fputs("$DATASET ip6trie:v6 @\n:127.0.0.2:Refused\n::ffff:7f00:2\n", r->out);
	r->open_set = 1;
}

static void
rbldnsd_entry(struct render *r, const struct report_entry *e)
{
	char what[PREFIX_TEXT_SIZE], text[EXPORT_REPLY_SIZE];

	if (r->open_set == 0 && !addr_is_v4(&e->what.addr))
		rbldnsd_part(r);
	render_what(&e->what, what);
	txt(r, e, text);
	fprintf(r->out, "%s :%u:%s\n", what, export_code(e), text);
}

static void
rbldnsd_end(struct render *r)
{
	if (r->open_set == 0)
		rbldnsd_part(r);
}

const struct renderer render_rbldnsd = {
	.format = { "rbldnsd", "text/plain; charset=utf-8", "rbldnsd", true,
		EXPORT_REASON | EXPORT_TEXT | EXPORT_GROUPS, "rbldnsd, dataset combined" },
	.begin = rbldnsd_begin, .entry = rbldnsd_entry, .end = rbldnsd_end,
};

/*
 * The zone's serial grows with the list's, and from one database to the next: it begins at the
 * second in which the database was made.
 */
static void
zone_begin(struct render *r)
{
	uint32_t serial = (uint32_t)((uint64_t)r->state->created_s + r->serial);

	render_head(r, ";");
	fprintf(r->out, "$ORIGIN %s.\n$TTL %d\n@ SOA ns hostmaster %" PRIu32 " 600 300 86400 %d\n@ NS ns\n"
	    "ns A 127.0.0.1\n", zone_of(r), TTL_S, serial, NEGATIVE_S);
	fputs("2.0.0.127 A 127.0.0.2\n2.0.0.127 TXT \"Refused\"\n"
	    "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 A 127.0.0.2\n"
	    "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 TXT \"Refused\"\n", r->out);
}

static void
zone_entry(struct render *r, const struct report_entry *e)
{
	const uint8_t *b = e->what.addr.b;
	char name[80], text[EXPORT_REPLY_SIZE], *at = name;

	/* A name below a wildcard would hide its neighbours from it (RFC 4592 section 2.2.1). */
	if (e->what.len == 128 && r->covered != 0 && e->key == r->covered)
		return;
	if (addr_is_v4(&e->what.addr)) {
		(void)snprintf(name, sizeof(name), "%u.%u.%u.%u", b[15], b[14], b[13], b[12]);
	} else {
		/* A /64 is whatever stands before its sixteen nibbles. */
		if (e->what.len < 128) {
			r->covered = e->key;
			*at++ = '*';
			*at++ = '.';
		}
		for (int i = e->what.len / 8 - 1; i >= 0; i--)
			at += snprintf(at, (size_t)(name + sizeof(name) - at), "%x.%x%s", b[i] & 15U, b[i] >> 4U,
			    i > 0 ? "." : "");
	}
	txt(r, e, text);
	fprintf(r->out, "%s A 127.0.0.%u\n%s TXT \"%s\"\n", name, export_code(e), name, text);
}

const struct renderer render_zone = {
	.format = { "zone", "text/dns; charset=utf-8", "zone", false, EXPORT_REASON | EXPORT_TEXT,
		"a zone for Knot, NSD, BIND" },
	.begin = zone_begin, .entry = zone_entry, .end = render_no_end,
};
