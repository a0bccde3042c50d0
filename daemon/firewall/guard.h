/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard.h - notices when another program changes our table: a ruleset that is loaded over it, a set that is
 * flushed, one element that is deleted or added.
 */
#ifndef MXTRAP_GUARD_H
#define MXTRAP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum guard_result {
	GUARD_QUIET,		/* our table is as we left it */
	GUARD_CHANGED,		/* another program changed it */
	GUARD_MISSED,		/* more happened than the socket holds: it may have been changed */
};

/* A netlink socket that hears of all changes to nftables; -1: logged why. */
int guard_open(void);
/*
 * Read what is there, never wait; at most a few megabytes a call, the rest with the next.  What this process
 * does itself is not a change: the first of its own messages that is read makes the kernel leave out the rest.
 */
enum guard_result guard_read(int fd);

/* The messages in buf: is one of them about table inet mxtrapd, and sent by somebody else?  ours: is it a
 * netlink port of this process. */
bool guard_parse(const void *buf, size_t n, bool (*ours)(void *ctx, uint32_t port), void *ctx);

#endif
