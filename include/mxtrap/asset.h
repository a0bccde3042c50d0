/* SPDX-License-Identifier: GPL-2.0-or-later */
/* asset.h - the page's files, embedded at build time by web/embed.c. */
#ifndef MXTRAP_ASSET_H
#define MXTRAP_ASSET_H

#include <stddef.h>

struct asset {
	const char *path;		/* "/app.js" */
	const char *media_type;
	const char *etag;		/* quoted, of the content */
	const unsigned char *bytes;
	size_t	    size;
	const unsigned char *gzip;	/* the same, compressed; NULL: not worth it */
	size_t	    gzip_size;
};

extern const struct asset assets[];
extern const size_t n_assets;

#endif
