/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.h - the state directory as mxtrapd leaves it to its children, and the control socket in it.
 */
#ifndef MXTRAP_STATE_H
#define MXTRAP_STATE_H

#include "mxtrap/users.h"

#define KEEP_FILE "mxtrap.keep"		/* what people decided, beside the database (daemon/store/keep.h) */

/* Make the directory if it is not there; see to it that the user of watch may write in it and its group read
 * there; bind the control socket: its descriptor.  -1: said why.  What cannot be mended is logged with the
 * command that mends it. */
int state_open(const char *dir, const struct users *);

/* May this process read the database in dir?  gid: of the group that should let it in.  False: why says what is
 * in the way and the command that mends it.  True also where there is no database yet. */
#define STATE_WHY_SIZE 180
bool state_may_read(const char *dir, uint32_t gid, char why[static STATE_WHY_SIZE]);
/* The same for a process: why is its trouble, which mxtrapd and status hear of with its next heartbeat.  True: that
 * is another than before. */
bool state_trouble(struct process *);

#endif
