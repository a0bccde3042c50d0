/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render.h - inside of export: how a format is written.
 *
 * A renderer writes a document: begin, then an entry at a time, then end.  It may
 * keep a little state between entries and decides nothing about who is in the list.
 */
#ifndef MXTRAP_RENDER_H
#define MXTRAP_RENDER_H

#include "mxtrap/export.h"
#include "mxtrap/json.h"

struct render {
	FILE	*out;
	int64_t	 now_s;
	const struct report_state *state;	/* .serial: what the document is good for (struct export_summary) */
	uint64_t serial;		/* of the list: it never falls */
	const char *why;		/* "" or why the document is empty */
	const char *contact, *zone;	/* of the configuration; "": not given */
	uint64_t n;			/* entries so far */
	struct json line;		/* a row in the making; owned */
	bool	 failed;		/* out of memory: the document is not whole */
	int	 open_set;		/* set or part of the document that is being written; -1: none */
	unsigned in_chunk;
	sender_key covered;		/* zone: the /64 that was written last; 0: none */
	uint64_t in_set[3], beyond;	/* elements a set, and those that found no room in it */
};

struct renderer {
	struct export_format format;
	void (*begin)(struct render *);
	void (*entry)(struct render *, const struct report_entry *);
	void (*end)(struct render *);
};

extern const struct renderer render_plain, render_ndjson, render_csv;		/* render_text.c */
extern const struct renderer render_nftables;						/* render_nft.c */
extern const struct renderer render_ipset, render_pf, render_mikrotik;			/* render_filter.c */
extern const struct renderer render_postfix, render_postscreen, render_exim, render_opensmtpd,
    render_sendmail, render_haproxy;							/* render_mta.c */
extern const struct renderer render_rspamd, render_crowdsec, render_crowdsec_stream,
    render_fail2ban;		/* render_score.c */
extern const struct renderer render_rbldnsd, render_zone;				/* render_dns.c */

/* "# mxtrap serial=... changed=..." and, where nothing is published, why: for all whose comments begin with
 * this mark.  Never without a line: several readers take an empty body for an error. */
void render_head(struct render *, const char *mark);
void render_head_hash(struct render *);		/* with "#" */
void render_no_end(struct render *);		/* for documents that just stop */
void render_what_line(struct render *, const struct report_entry *);	/* the address or network, alone on its line */
/* Seconds until it expires, at most this many; 0: never. */
int64_t render_ttl(const struct render *, const struct report_entry *, int64_t most);

/* "2026-01-31T12:00:00Z".  Returns buf. */
const char *render_time(int64_t s, char buf[static 24]);
/* The address alone for /32 and /128, the prefix for a /64.  Returns its length in buf. */
size_t render_what(const struct prefix *, char buf[static PREFIX_TEXT_SIZE]);
/* Four bytes, dotted.  Returns its length in buf (16 bytes). */
size_t render_v4(const uint8_t b[static 4], char *buf);

#endif
