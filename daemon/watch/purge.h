/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * purge.h - all evidence that a bad decoy or a bad rule gave is taken back, at the operator's word.
 *
 * A thread of its own finds in the database what is meant, however old it is; the watch
 * thread applies it between packets, in slices; the changes of the list that follow from
 * it become one serial.  Each piece that is taken back is an event, stored as applied.
 */
#ifndef MXTRAP_WATCH_PURGE_H
#define MXTRAP_WATCH_PURGE_H

#include <pthread.h>
#include <stdatomic.h>

#include "mxtrap/ask.h"
#include "mxtrap/config.h"
#include "mxtrap/message.h"
#include "mxtrap/report.h"
#include "mxtrap/store.h"
#include "mxtrap/trap.h"

#define PURGE_SLICE_US 10000		/* of the packet path's time, at most, at once */
#define PURGE_MOST     4000000		/* pieces of evidence in one purge */

struct purge_plan {			/* what is to be taken back, by sender */
	struct report_points *points;	/* owned; those of one sender lie together */
	size_t	 n, cap, n_senders;
};
/* Find it in the database of this configuration.  False: why says what is missing. */
bool purge_plan_make(struct purge_plan *, const struct config *, const struct message_purge *, int64_t now_s,
    char why[static 200]);
void purge_plan_free(struct purge_plan *);
/* How many of the points from `at` on are of the same sender. */
size_t purge_plan_run(const struct purge_plan *, size_t at);
/* "evidence backup_first, exchanger mx9.example.org, since 2026-01-31T12:00:00Z".  Returns buf. */
const char *purge_says(const struct message_purge *, char *buf, size_t size);

enum purge_stage { PURGE_NONE, PURGE_PLANS, PURGE_APPLIES, PURGE_COMMITS };

struct purge {
	const struct config *config;	/* borrowed, both */
	struct store	*store;
	enum purge_stage stage;
	struct message_purge asked;
	int64_t		 asked_us;
	struct ask_from	 from;
	pthread_t	 thread;
	_Atomic bool	 planned;	/* the thread is done */
	bool		 plan_ok, marked;
	char		 why[200];
	struct purge_plan plan;
	size_t		 at;		/* points done */
	struct trap_purged figures;
	struct change_row *changes;	/* owned; of the list, for one serial */
	size_t		 n_changes, cap_changes;
	int64_t		 told_ms, committing_ms, worst_us;
	/* How an event gets into the trap and the store, and how somebody is answered. */
	void   (*apply)(void *ctx, struct event *, const char *who, const char *note);
	void   (*answer)(void *ctx, struct ask_from *, uint32_t ok, const char *text);
	void	*ctx;
	uint64_t	 done;		/* purges that ended well */
};

/* Begin one.  NULL: it begins, and is answered later (from is taken over); else why not. */
const char *purge_ask(struct purge *, const struct message_purge *, int64_t now_us, struct ask_from *from);
/* A slice of it.  True: there is more to do at once. */
bool purge_turn(struct purge *, struct trap *, int64_t now_us, int64_t now_ms);
/* A change of the list while one is under way: kept for its serial.  False: not kept. */
bool purge_change(struct purge *, const struct change_row *);
/* Wait for its thread, hand over what was kept. */
void purge_stop(struct purge *);

#endif
