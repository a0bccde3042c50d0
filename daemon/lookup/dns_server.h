/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns_server.h - the DNSBL's sockets: datagrams in batches, and TCP for who asks again.
 */
#ifndef MXTRAP_DNS_SERVER_H
#define MXTRAP_DNS_SERVER_H

#include <poll.h>

#include "dns.h"
#include "mxtrap/process.h"
#include "rate.h"

#define DNS_BATCH	64
#define DNS_CLIENTS	64		/* by TCP, at once; the longest idle one makes room */
#define DNS_TURN	16		/* questions of one of them before the others have their turn */
#define DNS_SOCKETS	(4 * CONFIG_MAX_LISTEN)
#define DNS_TCP_MS	10000		/* from accept to the end, whatever is asked */

struct dns_client {
	int	 fd;			/* -1: free */
	int64_t	 until_ms;
	int64_t	 used_ms;		/* its last question, or when it came */
	size_t	 n_in, n_out, sent;
	uint8_t	 in[2 + DNS_QUERY_MAX], out[2 + DNS_REPLY_MAX];
};

struct dns_server {
	struct dns_zone zone;
	struct feed *feed;		/* borrowed */
	struct rate rate;
	struct dns_counters counters;
	struct { int fd; bool tcp, wild; } sockets[DNS_SOCKETS];
	size_t	 n_sockets;
	struct dns_client clients[DNS_CLIENTS];
};

/* On the process' sockets, of which those that are not for DNS are left alone.  NULL: none configured, or said
 * why.  The server is on the heap; the sockets stay the process' own. */
struct dns_server *dns_open(struct process *, struct feed *, const uint8_t seed[static 16]);
/* Its descriptors into fds, at most max; returns how many. */
size_t dns_poll(const struct dns_server *, struct pollfd *fds, size_t max);
/* Answer what is there: one batch a socket, DNS_TURN questions a client.  Returns whether there may be more. */
bool dns_turn(struct dns_server *, int64_t now_ms, int64_t now_s);
void dns_close(struct dns_server *);

#endif
