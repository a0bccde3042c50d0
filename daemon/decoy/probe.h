/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.h - does the real MX take connections?  Connect, read the greeting, QUIT.
 *
 * Part of the decoy process, in its loop, and never waits.  Each result goes to watch; what it means is
 * the core's to say.  What hinders us on our own side (no route, no descriptor) is no result.
 */
#ifndef MXTRAP_DECOY_PROBE_H
#define MXTRAP_DECOY_PROBE_H

#include "mxtrap/config.h"

struct probe;

/* Results go to the descriptor (watch's), which is borrowed.  port: 25 but in tests.  NULL: nothing is to be
 * probed, or no memory. */
struct probe *probe_new(const struct config *, int watch_fd, uint16_t port);
void probe_free(struct probe *);
/* Do what is due; call it every quarter of a second or oftener.  NULL is nothing to do. */
void probe_step(struct probe *, int64_t now_ms);

#endif
