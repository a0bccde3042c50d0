/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - one line a message, on standard error.
 *
 * Verb first, addresses in brackets: `LISTED [192.0.2.7] backup_first ...`.
 * Control characters and non-ASCII bytes in arguments become \xHH, a line is at
 * most 512 bytes: text that a stranger chose cannot start a line of its own.
 */
#ifndef MXTRAP_LOG_H
#define MXTRAP_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* Name in front of each line: "mxtrapd/watch".  Borrowed for ever. */
void log_name(const char *name);
void log_verbose(bool debug);
bool log_debugging(void);
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));	/* with errno's text */
void log_warnx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));	/* exit 3 */
_Noreturn void fatalx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A repeated error may say so 6 times a minute: start from = { 0 }. */
struct log_rate {
	int64_t	 since_s;
	uint32_t said, hushed;
};
/* May this be said at now?  Tells by *hushed how many were not, the first time it may again. */
bool log_may(struct log_rate *, int64_t now_s, uint32_t *hushed);

#endif
