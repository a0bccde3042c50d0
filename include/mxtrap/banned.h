/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * banned.h - functions that nobody here may call.
 *
 * The Makefile includes it before each file (after the system's headers would be too
 * late, so these are poisoned by attribute, not by macro): a call is a warning
 * everywhere and an error in the CI.  Each has a bounded or reentrant sibling.
 */
#ifndef MXTRAP_BANNED_H
#define MXTRAP_BANNED_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#ifdef __clang__
#define BANNED(why) __attribute__((unavailable(why)))
#else
#define BANNED(why) __attribute__((error(why)))
#endif

/* Unbounded writes: snprintf, memcpy of a known size. */
char *strcpy(char *, const char *) BANNED("use snprintf or memcpy");
char *strcat(char *, const char *) BANNED("use snprintf");
char *stpcpy(char *, const char *) BANNED("use snprintf");
int sprintf(char *, const char *, ...) BANNED("use snprintf");
/* Hidden state: the _r forms. */
char *strtok(char *, const char *) BANNED("use strtok_r or strcspn");
struct tm *gmtime(const time_t *) BANNED("use gmtime_r");
struct tm *localtime(const time_t *) BANNED("use gmtime_r: times are UTC");
char *ctime(const time_t *) BANNED("use gmtime_r");
char *asctime(const struct tm *) BANNED("use strftime");

#undef BANNED
#endif
