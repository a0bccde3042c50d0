/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard.h - notices when somebody else changes our table: a firewall that is loaded anew takes it away.
 */
#ifndef MXTRAP_GUARD_H
#define MXTRAP_GUARD_H

#include <stdbool.h>

/* A netlink socket that hears of changes to tables, chains, rules and sets; -1: said why. */
int guard_open(void);
/* Read what is there, never wait.  True: a part of our table may be gone. */
bool guard_read(int fd);

#endif
