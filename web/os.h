/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * os.h - which operating system a SYN's fingerprint looks like, by p0f's database (p0f.fp).
 *
 * A guess: anyone can send any SYN, and the database is old.  It is shown, and weighs nothing.
 */
#ifndef MXTRAP_WEB_OS_H
#define MXTRAP_WEB_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define OS_DEFAULT_PATH	  "/etc/p0f/p0f.fp"
#define OS_MAX_SIGNATURES 2000
#define OS_MAX_FILE	  262144	/* bytes; a larger file is none of p0f's */
#define OS_TEXT_SIZE	  160

struct os_base;

/* Signatures of SYNs in the text of a database; broken lines are passed over.  NULL: out of memory, or too large. */
struct os_base *os_parse(const char *text, size_t n);
void os_free(struct os_base *);
size_t os_signatures(const struct os_base *);
size_t os_passed_over(const struct os_base *);
/*
 * "Linux 3.11 and newer"; "(generic)" or "(fuzzy)" behind it where no specific signature fits.  fingerprint: of
 * fingerprint_format().  False: none fits, and out is "".
 */
bool os_find(const struct os_base *, const char *fingerprint, char out[static OS_TEXT_SIZE]);

/* The file, which may come, change and go.  All zero: never looked at. */
struct os_file {
	struct os_base *base;	/* owned; NULL: nothing is known */
	struct stat st;			/* of what was looked at */
	bool	    looked, told;
};
/* Read it if it is new or another.  configured: "": the usual path, where nothing need be.  What is wrong is said once. */
void os_look(struct os_file *, const char *configured);
void os_clear(struct os_file *);

#endif
