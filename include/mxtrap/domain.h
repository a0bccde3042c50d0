/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domain.h - one spelling of a mail domain, and whether it can have an MX record at all.
 *
 * Case, one dot at the end, the dots of other scripts and the two forms of an internationalized name (UTF-8 as of
 * RFC 6531, "xn--" as of RFC 5891) are spellings of the same domain.  Percent signs and backslashes are not: no
 * name has them.
 */
#ifndef MXTRAP_DOMAIN_H
#define MXTRAP_DOMAIN_H

#include <stdbool.h>

#define DOMAIN_SIZE 256

/*
 * The domain in lower case, without a final dot, its labels in ASCII ("xn--..."); out is untouched where it returns
 * false: that is no name that can have an MX record (an address, with or without brackets; a single label; a syntax
 * error; what RFC 6761 and RFC 7686 keep out of the DNS).  in: any bytes, with a NUL at the end.
 */
bool domain_normalize(const char *in, char out[static DOMAIN_SIZE]);
/* Are these two spellings of one domain?  Two names that cannot have an MX never are, but for case and a final dot. */
bool domain_same(const char *a, const char *b);

#endif
