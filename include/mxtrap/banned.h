/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * banned.h - functions that nobody here may call.
 *
 * The Makefile includes it before each file of daemon/ and web/.  The headers that declare
 * them come first; from then on the very names are errors.  Each has a bounded or a
 * reentrant sibling: snprintf and memcpy of a known size, strtok_r or strcspn, gmtime_r.
 */
#ifndef MXTRAP_BANNED_H
#define MXTRAP_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

/* Some are macros under _FORTIFY_SOURCE. */
#undef strcpy
#undef strcat
#undef stpcpy
#undef sprintf
#undef vsprintf
#undef alloca

#pragma GCC poison strcpy strcat stpcpy sprintf vsprintf
#pragma GCC poison strtok gmtime localtime ctime asctime
#pragma GCC poison alloca tmpnam tempnam mktemp system popen

#endif
