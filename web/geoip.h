/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * geoip.h - where an address is, by a file of the operator's (mmdb): its country, or its network's number.
 *
 * The file is nobody's word to be trusted: bounded, checked by the library, read by web alone.
 */
#ifndef MXTRAP_WEB_GEOIP_H
#define MXTRAP_WEB_GEOIP_H

#include "mxtrap/addr.h"

#define GEOIP_NAME_SIZE 96
#define GEOIP_KEY_SIZE	16
#define GEOIP_WHY_SIZE	320

enum geoip_by { GEOIP_COUNTRY, GEOIP_ASN, GEOIP_N };

struct geoip;

/* NULL: why says what is wrong. */
struct geoip *geoip_open(const char *path, enum geoip_by, char why[static GEOIP_WHY_SIZE]);
void geoip_close(struct geoip *);
/* Is the file that was opened another one by now? */
bool geoip_changed(const struct geoip *);
/* False: the file does not know it.  key is never 0. */
bool geoip_find(struct geoip *, const struct addr *, uint32_t *key);
/* "DE" or "AS64500".  Returns buf. */
const char *geoip_key(enum geoip_by, uint32_t key, char buf[static GEOIP_KEY_SIZE]);
/* What is there of this address called?  "": no name.  Returns buf. */
const char *geoip_name(struct geoip *, const struct addr *, char buf[static GEOIP_NAME_SIZE]);
const char *geoip_library(void);

#endif
