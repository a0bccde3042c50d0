/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify.h - what systemd wants to be told (sd_notify), without its library.
 */
#ifndef MXTRAP_NOTIFY_H
#define MXTRAP_NOTIFY_H

#include <stdint.h>

struct notify {
	int	 fd;		/* -1: nobody wants to know */
	uint32_t watchdog_ms;	/* how often "WATCHDOG=1" is due; 0: never */
};

/* From the environment, which is cleaned of it: children have no say. */
void notify_open(struct notify *);
/* "READY=1", "STOPPING=1", "WATCHDOG=1"; never waits. */
void notify_say(const struct notify *, const char *state);

#endif
