/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path.h - a recipient as SMTP writes it: "<user@example.org>".
 */
#ifndef MXTRAP_DECOY_PATH_H
#define MXTRAP_DECOY_PATH_H

#include <stddef.h>

/* Its domain: behind the last @ that is in no quotes, up to the end of the path.  Returns its length;
 * 0: it has none, *domain is untouched.  Parameters may follow the path. */
size_t path_domain(const char *path, size_t n, const char **domain);

#endif
