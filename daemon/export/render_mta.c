/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_mta.c - files that mail servers look up: Postfix, Exim, OpenSMTPD, Sendmail; and HAProxy before one.
 */
#include <inttypes.h>

#include "render.h"

/* cidr_table(5): the first match wins, one rule a line. */
static void
postfix_entry(struct render *r, const struct report_entry *e)
{
	char what[PREFIX_TEXT_SIZE], reply[EXPORT_REPLY_SIZE];

	render_what(&e->what, what);
	fprintf(r->out, "%s REJECT %s\n", what, export_reply(e, r->contact, reply));
}

const struct renderer render_postfix = {
	.format = { "postfix-cidr", "text/plain; charset=utf-8", "cidr", false, EXPORT_REASON | EXPORT_TEXT,
		"Postfix check_client_access cidr:" },
	.begin = render_head_hash, .entry = postfix_entry, .end = render_no_end,
};

static void
postscreen_entry(struct render *r, const struct report_entry *e)
{
	char what[PREFIX_TEXT_SIZE];

	render_what(&e->what, what);
	fprintf(r->out, "%s reject\n", what);
}

const struct renderer render_postscreen = {
	.format = { "postscreen-cidr", "text/plain; charset=utf-8", "cidr", false, 0,
		"Postfix postscreen_access_list cidr:" },
	.begin = render_head_hash, .entry = postscreen_entry, .end = render_no_end,
};

/* iplsearch: a key with colons is quoted.  What is found, $host_data in an ACL, is for the sender: no reason there. */
static void
exim_entry(struct render *r, const struct report_entry *e)
{
	const char *quote = addr_is_v4(&e->what.addr) ? "" : "\"";
	char what[PREFIX_TEXT_SIZE], reply[EXPORT_REPLY_SIZE];

	render_what(&e->what, what);
	fprintf(r->out, "%s%s%s: %s\n", quote, what, quote, export_reply(e, r->contact, reply));
}

const struct renderer render_exim = {
	.format = { "exim", "text/plain; charset=utf-8", "iplsearch", false, EXPORT_REASON | EXPORT_TEXT,
		"Exim hosts = net-iplsearch;" },
	.begin = render_head_hash, .entry = exim_entry, .end = render_no_end,
};

/* table(5): a file whose first line says @list is one, even if it looks like a mapping. */
static void
opensmtpd_begin(struct render *r)
{
	fputs("# @list\n", r->out);
	render_head(r, "#");
}

const struct renderer render_opensmtpd = {
	.format = { "opensmtpd", "text/plain; charset=utf-8", "table", false, 0, "OpenSMTPD match src <table>" },
	.begin = opensmtpd_begin, .entry = render_what_line, .end = render_no_end,
};

/*
 * The access map matches whole numbers between dots or colons from the left; IPv6 in it is not
 * shortened (sendmail's UseCompressedIPv6Addresses is off unless set).
 */
static void
sendmail_entry(struct render *r, const struct report_entry *e)
{
	char what[PREFIX_TEXT_SIZE], reply[EXPORT_REPLY_SIZE];

	if (addr_is_v4(&e->what.addr)) {
		render_what(&e->what, what);
		fprintf(r->out, "Connect:%s", what);
	} else {
		fputs("Connect:IPv6", r->out);
		for (int i = 0; i < e->what.len / 16; i++)
			fprintf(r->out, ":%x", (unsigned)e->what.addr.b[2 * i] << 8 | e->what.addr.b[2 * i + 1]);
	}
	export_reply(e, r->contact, reply);
	/* The map wants the status apart: ERROR:D.S.N:code text. */
	fprintf(r->out, "\tERROR:5.7.1:\"550 %s\"\n", reply + sizeof("5.7.1 ") - 1);
}

const struct renderer render_sendmail = {
	.format = { "sendmail", "text/plain; charset=utf-8", "access", false, EXPORT_REASON | EXPORT_TEXT,
		"Sendmail makemap hash access" },
	.begin = render_head_hash, .entry = sendmail_entry, .end = render_no_end,
};

const struct renderer render_haproxy = {
	.format = { "haproxy", "text/plain; charset=utf-8", "acl", false, 0, "HAProxy acl src -f FILE" },
	.begin = render_head_hash, .entry = render_what_line, .end = render_no_end,
};
