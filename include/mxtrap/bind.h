/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bind.h - sockets that are bound and not listened on, and who stands in the way.
 *
 * Used by mxtrapd alone.  A socket is made here, listened on by a child, and shut
 * down by mxtrapd when that child falls silent: the port then refuses at once.
 */
#ifndef MXTRAP_BIND_H
#define MXTRAP_BIND_H

#include "mxtrap/addr.h"

#define BIND_WHY_SIZE 256

/* "192.0.2.7:25", "[2001:db8::7]:25".  Returns buf. */
#define BIND_TEXT_SIZE (ADDR_TEXT_SIZE + 10)
const char *bind_text(const struct addr *, uint16_t port, char buf[static BIND_TEXT_SIZE]);
/* A TCP socket bound to this address and port, not listening, close-on-exec.  -1: errno, and why
 * says what was found, and the setting that frees it. */
int bind_tcp(const struct addr *, uint16_t port, char why[static BIND_WHY_SIZE]);
/* A UDP socket, the same way, with a receive buffer of 4 MiB where we may. */
int bind_udp(const struct addr *, uint16_t port, char why[static BIND_WHY_SIZE]);
/* A unix stream socket at path: bound, mode 0660, of uid and of the group (where it exists, and we may).  A
 * stale one is replaced. */
int bind_unix(const char *path, uint32_t uid, const char *group, char why[static BIND_WHY_SIZE]);
/* Who listens on this address and port: why as above.  False: nobody that can be seen. */
bool bind_holder(const struct addr *, uint16_t port, char why[static BIND_WHY_SIZE]);
/* Is this an address of this host? */
bool bind_local(const struct addr *);
/* The control socket at dir/control.sock: bound datagram socket, mode 0660, owned by uid (and gid).
 * A stale one is replaced.  -1: why says so; also if another mxtrapd lives there. */
int bind_control(const char *dir, uint32_t uid, uint32_t gid, char why[static BIND_WHY_SIZE]);

#endif
