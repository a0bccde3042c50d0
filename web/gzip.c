/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gzip.c - a kept file once more, compressed (RFC 1952), and the only file that knows zlib.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <zlib.h>

#include "web_int.h"

#define PIECE 65536
#define LEVEL 1			/* a list of addresses gains little from more, and takes three times as long */

static bool
write_all(int fd, const unsigned char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

bool
gzip_file(int from, int to, uint64_t *size)
{
	static const int gzip_window = 15 + 16;		/* the largest window; 16: a gzip head */
	unsigned char in[PIECE], out[PIECE];
	z_stream z;
	off_t at = 0;
	int rc = Z_OK;

	memset(&z, 0, sizeof(z));
	if (deflateInit2(&z, LEVEL, Z_DEFLATED, gzip_window, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	do {
		ssize_t n = pread(from, in, sizeof(in), at);

		if (n < 0)
			break;
		at += n;
		z.next_in = in;
		z.avail_in = (uInt)n;
		do {
			z.next_out = out;
			z.avail_out = sizeof(out);
			rc = deflate(&z, n == 0 ? Z_FINISH : Z_NO_FLUSH);
			if (!write_all(to, out, sizeof(out) - z.avail_out)) {
				(void)deflateEnd(&z);
				return false;
			}
		} while (z.avail_out == 0);
	} while (rc != Z_STREAM_END);
	*size = z.total_out;
	(void)deflateEnd(&z);
	return rc == Z_STREAM_END;
}

bool
gzip_wanted(const char *accept)
{
	for (const char *p = accept; *p != '\0';) {
		size_t n;

		p += strspn(p, " \t,");
		n = strcspn(p, ",");
		if (strncasecmp(p, "gzip", 4) == 0 && strchr(" \t,;", p[4]) != NULL) {
			const char *q = memchr(p, '=', n);

			/* "gzip;q=0" says no (RFC 9110 section 12.5.3). */
			return q == NULL || strcspn(q + 1, "123456789") < n - (size_t)(q + 1 - p);
		}
		p += n;
	}
	return false;
}

const char *
gzip_library(void)
{
	return zlibVersion();
}
