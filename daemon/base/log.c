/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.c - one line a message, on standard error, never waiting for its reader.
 *
 * Every byte that is not printable ASCII leaves as \xHH, after formatting: what
 * a stranger chose can neither start a line nor steer a terminal.  A line that
 * standard error has no room for is dropped: a stuck reader of our log must not
 * stop the trap.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxtrap/log.h"

#define LOG_LINE_MAX   512
#define LOG_PER_MINUTE 6

static const char *log_who = "mxtrapd";
static bool log_says_debug;

void
log_name(const char *name)
{
	log_who = name;
}

void
log_verbose(bool debug)
{
	log_says_debug = debug;
}

bool
log_debugging(void)
{
	return log_says_debug;
}

/* Append text to line as printable ASCII; returns the new length. */
static size_t
log_escape(char line[static LOG_LINE_MAX], size_t len, const char *text)
{
	static const char hex[] = "0123456789abcdef";

	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p >= 0x20 && *p < 0x7f) {
			if (len + 2 > LOG_LINE_MAX)
				break;
			line[len++] = (char)*p;
			continue;
		}
		if (len + 5 > LOG_LINE_MAX)
			break;
		line[len++] = '\\';
		line[len++] = 'x';
		line[len++] = hex[*p >> 4];
		line[len++] = hex[*p & 15];
	}
	return len;
}

static void __attribute__((format(printf, 3, 0)))
log_line(const char *level, int error, const char *fmt, va_list ap)
{
	char text[LOG_LINE_MAX], line[LOG_LINE_MAX];
	struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };
	int saved = errno;
	size_t len;

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	len = log_escape(line, 0, log_who);
	len = log_escape(line, len, ": ");
	len = log_escape(line, len, level);
	len = log_escape(line, len, text);
	if (error != 0) {
		char why[128];

		len = log_escape(line, len, ": ");
		/* GNU strerror_r: the text may live elsewhere than in why. */
		len = log_escape(line, len, strerror_r(error, why, sizeof(why)));
	}
	line[len++] = '\n';		/* log_escape() left room for it */
	/* One write a line, so that lines of several processes never mix. */
	if (poll(&room, 1, 0) == 1 && write(STDERR_FILENO, line, len) < 0) {
		/* Nobody is left to be told. */
	}
	errno = saved;
}

void
log_warn(const char *fmt, ...)
{
	int error = errno;
	va_list ap;

	va_start(ap, fmt);
	log_line("warning: ", error, fmt, ap);
	va_end(ap);
}

void
log_warnx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("warning: ", 0, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("", 0, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!log_says_debug)
		return;
	va_start(ap, fmt);
	log_line("debug: ", 0, fmt, ap);
	va_end(ap);
}

void
fatal(const char *fmt, ...)
{
	int error = errno;
	va_list ap;

	va_start(ap, fmt);
	log_line("fatal: ", error, fmt, ap);
	va_end(ap);
	exit(3);
}

void
fatalx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("fatal: ", 0, fmt, ap);
	va_end(ap);
	exit(3);
}

bool
log_may(struct log_rate *rate, int64_t now_s, uint32_t *hushed)
{
	*hushed = 0;
	/* A clock that went back starts a new minute too. */
	if (rate->said == 0 || now_s - rate->since_s >= 60 || now_s < rate->since_s) {
		*hushed = rate->hushed;
		*rate = (struct log_rate){ .since_s = now_s, .said = 1 };
		return true;
	}
	if (rate->said < LOG_PER_MINUTE) {
		rate->said++;
		return true;
	}
	if (rate->hushed < UINT32_MAX)
		rate->hushed++;
	return false;
}
