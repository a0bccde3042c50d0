/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_score.c - what weighs a sender beside other things: rspamd, CrowdSec, fail2ban.
 */
#include <inttypes.h>

#include "render.h"

#define LONGEST_TTL (365 * 86400)	/* for what never expires, where a time-out must be given */

/* A map of type ip.  The reason is a comment: a word behind the address would be taken for another symbol. */
static void
rspamd_entry(struct render *r, const struct report_entry *e)
{
	char what[PREFIX_TEXT_SIZE];

	render_what(&e->what, what);
	fprintf(r->out, "%s # %s\n", what, export_reason(e));
}

const struct renderer render_rspamd = {
	.format = { "rspamd", "text/plain; charset=utf-8", "map", false, EXPORT_REASON, "rspamd multimap, type ip" },
	.begin = render_head_hash, .entry = rspamd_entry, .end = render_no_end,
};

/* cscli decisions import takes no comments; the heading alone is an empty list. */
static void
crowdsec_begin(struct render *r)
{
	fputs("duration,reason,scope,type,value\n", r->out);
}

static void
crowdsec_entry(struct render *r, const struct report_entry *e)
{
	int64_t ttl = render_ttl(r, e, LONGEST_TTL);
	char what[PREFIX_TEXT_SIZE];

	render_what(&e->what, what);
	fprintf(r->out, "%" PRId64 "s,mxtrap/%s,%s,ban,%s\n", ttl == 0 ? LONGEST_TTL : ttl, export_reason(e),
	    !addr_is_v4(&e->what.addr) && e->what.len < 128 ? "range" : "ip", what);
}

const struct renderer render_crowdsec = {
	.format = { "crowdsec", "text/csv; charset=utf-8; header=present", "csv", true,
		EXPORT_EXPIRY | EXPORT_REASON, "cscli decisions import" },
	.begin = crowdsec_begin, .entry = crowdsec_entry, .end = render_no_end,
};

const char *
export_decision(const struct prefix *what, const char *reason, int64_t ttl_s, char buf[static EXPORT_DECISION_SIZE])
{
	char text[PREFIX_TEXT_SIZE];
	uint64_t id = 0xcbf29ce484222325ULL;
	size_t n = render_what(what, text);

	/* The same for one address each time: some bouncers go by it. */
	for (size_t i = 0; i < n; i++)
		id = (id ^ (uint8_t)text[i]) * 0x100000001b3ULL;
	(void)snprintf(buf, EXPORT_DECISION_SIZE, "{\"id\":%" PRIu64 ",\"origin\":\"mxtrap\",\"type\":\"ban\",\"scope\":\"%s\","
	    "\"value\":\"%s\",\"scenario\":\"mxtrap/%s\",\"duration\":\"%" PRId64 "s\"}", id >> 12,
	    !addr_is_v4(&what->addr) && what->len < 128 ? "Range" : "Ip", text, reason, ttl_s);
	return buf;
}

/* What a bouncer that begins is told by CrowdSec's local API.  Who is let go stands first: see web/lapi.c. */
static void
stream_begin(struct render *r)
{
	fputs("{\"deleted\":[],\"new\":[", r->out);
}

static void
stream_entry(struct render *r, const struct report_entry *e)
{
	int64_t ttl = render_ttl(r, e, EXPORT_DECISION_LONGEST);
	char line[EXPORT_DECISION_SIZE];

	if (r->n > 0)
		(void)putc_unlocked(',', r->out);
	fputs(export_decision(&e->what, export_reason(e), ttl == 0 ? EXPORT_DECISION_LONGEST : ttl, line), r->out);
}

static void
stream_end(struct render *r)
{
	fputs("]}\n", r->out);
}

const struct renderer render_crowdsec_stream = {
	.format = { "crowdsec-stream", "application/json", "json", true,
		EXPORT_EXPIRY | EXPORT_REASON, "a CrowdSec bouncer that begins" },
	.begin = stream_begin, .entry = stream_entry, .end = stream_end,
};

/*
 * Lines of a log.  Their words are a contract (v=1): what is there stays, in this order; more may
 * come behind.  The time is that of the export, for fail2ban passes over what is older than its
 * findtime, however long the ban still is.
 */
static void
fail2ban_entry(struct render *r, const struct report_entry *e)
{
	char what[PREFIX_TEXT_SIZE], when[24];

	render_what(&e->what, what);
	fprintf(r->out, "%s mxtrap: v=1 verdict=%s ip=%s reason=%s score=%.2f ttl=%" PRId64 "\n",
	    render_time(r->now_s, when), e->state == STATE_LISTED ? "list" : "note", what, export_reason(e),
	    (double)e->score, render_ttl(r, e, INT64_MAX));
}

const struct renderer render_fail2ban = {
	.format = { "fail2ban", "text/plain; charset=utf-8", "log", true, EXPORT_EXPIRY | EXPORT_REASON | EXPORT_SUMS,
		"fail2ban, as a log" },
	.begin = render_head_hash, .entry = fail2ban_entry, .end = render_no_end,
};
