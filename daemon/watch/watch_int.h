/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch_int.h - the parts that the watch process is put together from.
 *
 * steady: the trap's own time.  teller: a sink that also logs the list's changes.
 * control: admin datagrams, made durable by a thread of their own.  own (own.h): addresses
 * that are never to be listed because they are this host's.  status: what is told
 * each second.
 */
#ifndef MXTRAP_WATCH_INT_H
#define MXTRAP_WATCH_INT_H

#include <pthread.h>
#include <time.h>

#include "mxtrap/ask.h"
#include "mxtrap/capture.h"
#include "mxtrap/log.h"
#include "mxtrap/merge.h"
#include "mxtrap/process.h"
#include "mxtrap/publish.h"
#include "mxtrap/share.h"
#include "mxtrap/store.h"
#include "mxtrap/watch.h"
#include "firewall_feed.h"
#include "purge.h"
#include "own.h"

/* -- steady -- */

#define STEADY_STEP_US 2000000		/* a smaller correction is how clocks are disciplined */
#define STEADY_TERM_US (30 * 86400 * 1000000LL)	/* the longest term: a larger step is no correction */

/*
 * The wall clock, less its steps: the trap's time never jumps, so that a clock set
 * forward by a year expires nothing.  After a step it goes at half or one and a half
 * of the usual speed until it is the wall's again.  A step larger than the longest term is another matter: the clock
 * was wrong, before or now; watch begins again then and the store moves the terms (daemon/store/shift.c).
 * Start from = { 0 }.
 */
struct steady {
	int64_t wall_us, boot_us;	/* at the last look */
	int64_t shift_us;		/* the wall is ahead of us by this */
};
/* Look at the clocks; the µs by which the wall was moved since the last look, or 0. */
int64_t steady_look(struct steady *, int64_t wall_us, int64_t boot_us);
/* Go on from this time, after the first look: where the run before this one would be, or where it ended. */
void steady_resume(struct steady *, int64_t now_us);
/* Our time for a time stamp of the wall clock, never later than now. */
int64_t steady_time(const struct steady *, int64_t wall_us);

/* -- teller -- */

struct kept_changes {			/* of the list, while a decision about a network is applied: for one serial */
	struct store *store;		/* borrowed */
	bool	 on;
	struct change_row *rows;	/* owned */
	size_t	 n, cap;
};
/* False: it is not kept. */
bool kept_change(struct kept_changes *, const struct change_row *);

struct teller {
	struct sink  inner;
	const struct ladder *ladder;
	int64_t	     minute;
	uint32_t     said, hushed;
	struct purge *purge;		/* while one is applied it keeps the changes; NULL: none */
	struct kept_changes *kept;	/* likewise a decision; NULL: none */
};
/* A sink that logs changes and notes and hands everything on; *t must outlive it. */
struct sink teller_sink(struct teller *);

/* -- control -- */

#define CONTROL_QUEUE 8

struct control_effect {			/* what a decision did, as far as is known */
	bool	 begun;			/* it is under way */
	bool	 was;			/* such an entry stood there before; it was held; the sender was known */
	uint32_t was_s;			/* until then; 0: for ever */
	uint32_t ended, back;		/* listings that it ended; that go on */
	uint32_t seq;			/* of its event */
	int64_t	 until_ms;		/* waited for until then, by process_now_ms() */
};
struct control_job {
	union {
		struct message_head  head;	/* which of them it is */
		struct message_admin asked;
		struct message_token token;
		struct message_purge purge;
	};
	struct ask_from	     from;
	bool		     done, ok;
	const char	    *against;		/* what a rule has against it; NULL: nothing */
	const char	    *refused;		/* that, or why who asks may not; NULL: may */
	struct control_effect effect;
};

struct control {			/* its jobs go round: asked, made durable, answered */
	int		 fd;		/* the datagram socket; -1: none */
	int		 web_fd;	/* the line to web; -1: none, or closed */
	bool		 shared;	/* a token is asked for on the socket as well: its mode says nothing */
	int		 event_fd;	/* readable: a job is done */
	struct store	*store;
	pthread_t	 thread;
	pthread_mutex_t	 mutex;
	pthread_cond_t	 wake;
	struct control_job jobs[CONTROL_QUEUE];
	unsigned	 first, n;	/* not yet answered */
	unsigned	 n_done;	/* of these, from the first on, done */
	struct control_job applied[CONTROL_QUEUE];	/* the watch thread's: not answered before every reader sees it */
	unsigned	 n_applied;
	bool		 stop, running;
	uint64_t	 refused;	/* what was no record, or found the queue full */
	struct purge	*purge;		/* borrowed: who is asked for one */
};
bool control_start(struct control *, int fd, int web_fd, bool shared, struct store *, struct purge *);
void control_stop(struct control *);
/* Read what came, answer what is done.  may says what a rule has against a decision; NULL: nothing.  apply is
 * called for each decision that is durable now, and again on each turn until it returns true: the answer waits for that. */
typedef bool control_apply(void *ctx, const struct message_admin *, struct control_effect *);
void control_turn(struct control *, int64_t now_us, const char *(*may)(void *ctx, const struct message_admin *),
    control_apply *apply, void *ctx);

/* -- watch -- */

#define DECIDED 32			/* decisions that are remembered for a moment */
#define SAID_WORDS 1024			/* what as many of the newest dialogues said */

struct said_words {
	uint32_t seq;			/* of the event */
	char	*helo, *domain;		/* owned; NULL: "" */
};

struct watch_peer {
	int64_t	 second;		/* of process_now_ms() */
	unsigned n;			/* records of it in that second */
	bool	 held;			/* it had more */
};

struct awaited {			/* a decision whose answer waits */
	bool	 waits, applied, together;	/* together: its changes are one batch of the store's */
	uint32_t seq, ended, back;
	uint64_t put;			/* store_list_put() behind its changes */
};

struct watch {
	struct process	*p;
	const struct config *config;
	struct store	*store;
	struct trap	*trap;
	struct merge	*merge;
	struct teller	 teller;
	struct control	 control;
	struct purge	 purge;
	struct own	 own;
	uint64_t	 own_looks;	/* of own.looks, what the captures know */
	struct steady	 steady;
	struct prefix	*never;
	struct capture	*captures[CONFIG_MAX_INTERFACES];
	int64_t		 told_blind_us[CONFIG_MAX_INTERFACES];	/* down: the trap's time of the last word on it */
	uint64_t	 reopened[CONFIG_MAX_INTERFACES];	/* of their counters, what was looked at */
	int64_t		 down_us[CONFIG_MAX_INTERFACES];	/* down since, by the trap's time; 0: capturing */
	size_t		 n;
	uint64_t	 drops;
	uint32_t	 seq;
	int64_t		 turn_ms, second_ms, tick_ms;	/* by process_now_ms() */
	struct message_decoy	 decoy;		/* its newest counters */
	struct message_processes processes;
	struct message_lookup	 lookup;	/* its newest counters */
	uint64_t	 accepts_lost;		/* gaps in decoy's numbering */
	uint32_t	 accepts_next;
	struct share	 accepts;		/* by sender, where the wire does not show the decoy */
	uint8_t		 accepts_key[16];
	uint64_t	 accepts_over;		/* not looked at: their sender had its share of the hour */
	uint64_t	 overflows;		/* of its accept queues, as long as we run */
	bool		 decoy_known, decoy_gone;
	int64_t		 lookup_seen_us, lookup_blind_us;	/* likewise, where a real MX's MTA tells through it */
	bool		 lookup_gone;		/* its line is closed */
	uint32_t	 sightings_next;	/* seq of the next that it tells */
	int64_t		 decoy_seen_us, decoy_blind_us;	/* its last word, and our last on its silence; 0: none yet */
	size_t		 waiting;		/* senders that trap_flush() left for later */
	uint64_t	 late_events, restored;
	int64_t		 layout_since_s;
	int64_t		 start_us;	/* the trap's time when watching began */
	uint32_t	 grace_s;	/* of doubt after it */
	bool		 refused;	/* the database is not ours to touch */
	bool		 again;		/* all is well but for what only a new start puts right; it was logged */
	struct said_words words[SAID_WORDS];
	struct publish	 publish;
	struct firewall_feed firewall;
	struct decided {			/* what was decided lately: the trap hears of it behind packets of the same time */
		struct prefix what;
		int64_t	 time_us;
		uint32_t op, expires_s;
	} decided[DECIDED];
	unsigned	 n_decided;		/* ever; the newest is at (n_decided - 1) % DECIDED */
	bool		 firewall_off;		/* by the operator, until he says otherwise */
	struct awaited	 awaited[CONTROL_QUEUE];
	struct kept_changes kept;
	char		 why[2 * CONTROL_QUEUE][200];	/* of watch_may(), of the newest jobs */
	unsigned	 n_why;
	struct watch_peer decoy_peer, lookup_peer;
	uint64_t	 peers_held;		/* times that one wrote more in a second than is read */
	uint64_t	 foreign;		/* dialogues with mail for somebody else's domain */
	int64_t		 foreign_warned_us;
};
/* -- its sources -- */

int64_t watch_clock_us(clockid_t);
/* The trap's time. */
int64_t watch_now_us(const struct watch *);
/* Into the merge; numbered here. */
void watch_event(struct watch *, struct event *);
/* Into the trap and the store at once: its time must not be before what the merge gave out. */
void watch_event_now(struct watch *, struct event *, const char *who, const char *note);
/* Out of the merge into the trap, up to a time. */
void watch_release(struct watch *, int64_t horizon_us);
/* One read from each capture; returns how far the trap may go.  *more: there is more to read at once. */
int64_t watch_read_captures(struct watch *, bool *more);
void watch_read_decoy(struct watch *);
/* A dialogue that decoy told of. */
void watch_take_said(struct watch *, const struct message_said *);
/* The HELO name that belongs to an EVENT_SAID, and the recipient's domain; "" where there was none, or where
 * it is forgotten.  Borrowed until the next call of watch_take_said(). */
const char *watch_words_of(const struct watch *, const struct event *, const char **domain);
void watch_drop_words(struct watch *);
void watch_read_supervisor(struct watch *);
void watch_read_lookup(struct watch *);
void watch_consumer(struct store *, const struct message_fetched *);
/* For control_turn(); ctx: struct watch. */
const char *watch_may(void *ctx, const struct message_admin *);
/* The newest decision of this kind about any part of it that the trap may not know yet; NULL: none. */
const struct decided *watch_decided(const struct watch *, uint32_t op, const struct prefix *what);
bool watch_apply_admin(void *ctx, const struct message_admin *, struct control_effect *);
/* Apply the event of a decision, and note what it did to the list.  As trap_event(). */
bool watch_apply_decision(struct watch *, const struct event *);
/* Was the clock moved, or did we sleep?  Each turn. */
void watch_look_at_clocks(struct watch *);
/* Which interfaces are gone or back, what was dropped?  Each second. */
void watch_look_at_captures(struct watch *);
/* Did this host's own addresses change, whose mail is watched going out?  Each turn. */
void watch_look_at_own(struct watch *);

/* -- its status -- */

/* One name/value row for each thing worth knowing. */
void status_tell(struct watch *);
/* The last: nothing is watched any more. */
void status_stopped(struct watch *);
/* What the run before this one told last; ask before status_tell(). */
struct status_last {
	bool	 other_layout;		/* its ladder was another, or was new less than 49 h ago */
	int64_t	 layout_since_s;	/* since when the ladder is as it is now; 0: always was */
	int64_t	 clock_s;		/* when it last said something; 0: there was none */
	struct publish publish;		/* how its gate stood */
	bool	 firewall_off;
};
void status_last(struct status_last *out, const struct config *, int64_t now_s);

#endif
