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
	const struct report_state *state;
	const char *why;		/* "" or why the document is empty */
	uint64_t n;			/* entries so far */
	struct json line;		/* a row in the making; owned */
	bool	 failed;		/* out of memory: the document is not whole */
	int	 open_set;		/* nftables: set whose elements are being written; -1: none */
	unsigned in_chunk;
	uint64_t in_set[3], beyond;	/* elements a set, and those that found no room in it */
};

struct renderer {
	struct export_format format;
	void (*begin)(struct render *);
	void (*entry)(struct render *, const struct report_entry *);
	void (*end)(struct render *);
};

extern const struct renderer render_plain, render_ndjson, render_csv, render_nftables;

/* "2026-01-31T12:00:00Z".  Returns buf. */
const char *render_time(int64_t s, char buf[static 24]);
/* The address alone for /32 and /128, the prefix for a /64.  Returns its length in buf. */
size_t render_what(const struct prefix *, char buf[static PREFIX_TEXT_SIZE]);
/* Four bytes, dotted.  Returns its length in buf (16 bytes). */
size_t render_v4(const uint8_t b[static 4], char *buf);

#endif
