/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firewall_feed.h - hands the list to the firewall process: a fold over list_change in a thread of its own.
 *
 * The firewall keeps no list.  When it begins, or when somebody took its table away, it asks for
 * all; then it gets changes as they are committed.  What may not be handed on (publish, publish-after,
 * a list that grows too fast) it never sees.
 */
#ifndef MXTRAP_FIREWALL_FEED_H
#define MXTRAP_FIREWALL_FEED_H

#include <pthread.h>
#include <stdatomic.h>

#include "mxtrap/config.h"
#include "mxtrap/message.h"
#include "mxtrap/publish.h"
#include "mxtrap/report.h"

struct firewall_feed {
	const struct config *config;
	int	 fd;			/* the line to firewall; -1: none configured */
	int	 bell;			/* eventfd: the list moved, or something below did */
	pthread_t thread;
	bool	 running;
	pthread_mutex_t mutex;		/* around the next five */
	bool	 stop, off, flush;
	struct publish publish;
	struct message_firewall told;	/* its newest counters */
	_Atomic bool damaged;		/* what it reads of the database */
	/* The thread's own. */
	struct report *report;
	uint64_t generation, serial;
	bool	 asked;			/* a firewall is there and wants all */
	bool	 synced;		/* it has all of a state; changes are folded */
	bool	 open_sent, held_sent;	/* the gate, as it was when it got all */
	bool	 off_sent;
	uint32_t base_sent;
	struct message_rows rows;	/* a message in the making */
};

/* False: said why.  fd -1: does nothing. */
bool firewall_feed_start(struct firewall_feed *, const struct config *, int fd, bool off);
void firewall_feed_stop(struct firewall_feed *);
/* The list moved: from any thread, never waits. */
void firewall_feed_ring(struct firewall_feed *);
/* How the publish gate stands. */
void firewall_feed_gate(struct firewall_feed *, const struct publish *);
/* The operator: nothing is refused from now on, or all of the list again; fill the sets anew. */
void firewall_feed_off(struct firewall_feed *, bool off);
void firewall_feed_flush(struct firewall_feed *);
struct message_firewall firewall_feed_told(struct firewall_feed *);

#endif
