/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.h - the state directory as mxtrapd leaves it to watch, and the control socket in it.
 */
#ifndef MXTRAP_STATE_H
#define MXTRAP_STATE_H

/* Make the directory if it is not there, see to it that watch's user may write in it, and bind
 * the control socket: its descriptor.  -1: said why. */
int state_open(const char *dir);

#endif
