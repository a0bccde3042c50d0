/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * postfix_server.h - the sockets on which Postfix asks.
 */
#ifndef MXTRAP_POSTFIX_SERVER_H
#define MXTRAP_POSTFIX_SERVER_H

#include <poll.h>

#include "mxtrap/process.h"
#include "sight.h"

#define POSTFIX_SOCKETS	  CONFIG_MAX_LISTEN
#define POSTFIX_CLIENTS	  512		/* each smtpd keeps one; the longest idle one makes room */
#define POSTFIX_SLOW_MS	  10000		/* from a request's first byte to its last, and for a reply to be read */

struct postfix_client {
	int	 fd;			/* -1: free */
	int64_t	 used_ms;		/* its last complete request, or when it came */
	int64_t	 until_ms;		/* a request is half read, a reply half sent; 0: idle */
	size_t	 n_in, n_out;
	char	 in[POSTFIX_REQUEST_MAX], out[POSTFIX_REPLY_MAX];
};

struct postfix_server {
	struct feed *feed;		/* borrowed */
	const char  *contact;
	struct sight *sight;		/* owned */
	int	 tell_fd;		/* of this turn */
	struct postfix_counters counters;
	int	 sockets[POSTFIX_SOCKETS];
	size_t	 n_sockets;
	struct postfix_client clients[POSTFIX_CLIENTS];
};

/* On the process' sockets that are for it.  NULL: none configured, or said why. */
struct postfix_server *postfix_open(struct process *, struct feed *, const uint8_t seed[static 16]);
size_t postfix_poll(const struct postfix_server *, struct pollfd *fds, size_t max);
/* tell_fd: the line to watch; -1: there is none. */
void postfix_turn(struct postfix_server *, int64_t now_ms, int64_t now_us, int tell_fd);
void postfix_close(struct postfix_server *);

#endif
