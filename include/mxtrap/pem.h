/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pem.h - the certificate of the HTTP server and its key: files that mxtrapd opens and web reads.
 *
 * web may not read the key's file, and mxtrapd may no more once it has given up its rights: so both are opened
 * before that, and anew for each start of web where that is still possible (a renewed certificate).
 */
#ifndef MXTRAP_PEM_H
#define MXTRAP_PEM_H

#include "mxtrap/config.h"

#define PEM_MAX 65536			/* bytes of a file */

struct pem {
	int certificate, key;		/* descriptors; -1: none */
};

/* Open both; -1 where none is configured.  False: why says which and what was found; *out is left alone. */
bool pem_open(const struct config *, struct pem *out, char *why, size_t size);
void pem_close(struct pem *);
/* The text behind a descriptor, from its beginning; the caller wipes and frees it.  NULL: there is none. */
char *pem_text(int fd);
void pem_wipe(char *text);

#endif
