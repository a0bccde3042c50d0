/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream.h - events as they come, to as many as want them: one reader, one ring, a cursor each.
 *
 * A thread with a handle of its own asks the database four times a second, and at once
 * when the bell rings, as long as anybody listens; what it finds goes into a ring, as text.
 * Streams copy from there: their number costs no question.
 */
#ifndef MXTRAP_WEB_STREAM_H
#define MXTRAP_WEB_STREAM_H

#include <pthread.h>

#include "mxtrap/json.h"
#include "mxtrap/report.h"

#define STREAMS_MAX	  200
#define STREAM_TURN_MS	  250
#define STREAM_REST_MS	  50
#define STREAM_BEAT_MS	  15000		/* a comment, so that either end notices when the other is gone */
#define STREAM_STALL_MS	  30000		/* for what was sent to be taken */
#define STREAM_A_SECOND	  20		/* attempts of a stream; the rest is counted */
#define STREAM_RING	  4096		/* events */
#define STREAM_CHANGES	  1024		/* of the list in a turn; more of them: "fetch all" */
#define STREAM_BACKLOG	  5000		/* changes that one who comes back is told */
#define STREAM_EVENT_SIZE 2048

enum stream_kind { STREAM_ATTEMPT, STREAM_CHANGE, STREAM_SKIPPED, STREAM_RESET };

struct config;
struct connections;

struct stream_event {
	enum stream_kind kind;
	uint64_t serial;		/* of a change, or where a reset leads to */
	uint64_t n;			/* attempts that were skipped */
	char	*text;			/* owned; NULL: made by each stream */
};

struct streams;
struct event_stream {
	struct streams *all;		/* NULL: free */
	void	*connection;		/* server.c's, for waking it; NULL: not sent yet */
	struct connections *connections;	/* server.c's likewise */
	int	 fd;			/* its socket, to see that the client is gone */
	bool	 gone;
	bool	 waits;			/* it has told all there is, and sleeps */
	bool	 only_changes;
	uint64_t next;			/* of the ring */
	uint64_t serial;		/* up to here it knows the list */
	char	*backlog;		/* owned: what it is told first */
	size_t	 backlog_size;
	char	 piece[STREAM_EVENT_SIZE];	/* what is being copied out */
	const char *out;		/* the rest of it, or of the backlog */
	size_t	 out_size;
	int64_t	 second_ms, sent_ms;	/* when its second began; when it was last told anything */
	unsigned in_second;
	uint64_t skipped;
};

struct streams {
	pthread_mutex_t lock;
	pthread_cond_t	wake;
	pthread_t	thread;
	bool		runs, stops, rung;
	void	      (*resume)(void *connection);
	const struct config *config;
	struct report  *report;		/* the thread's own; NULL: none yet */
	size_t		n;
	struct event_stream *at;		/* owned; STREAMS_MAX */
	struct stream_event *ring;	/* owned */
	uint64_t	first, end;	/* of the ring, counted on */
	uint64_t	generation, serial;
	int64_t		attempt;	/* the last id that was told */
	uint64_t	opened, refused, dropped, told;	/* for the metrics */
};

/* False: out of memory.  resume is called for a connection that shall be asked for more. */
bool streams_start(struct streams *, const struct config *, void (*resume)(void *connection));
/* Nobody is told any more: each stream ends when it is asked next. */
void streams_end(struct streams *);
void streams_free(struct streams *);
/* The list moved. */
void streams_ring(struct streams *);
/*
 * Somebody wants events behind this state; report is the caller's, and at `state` now.  since_generation 0: from now
 * on.  NULL: there are STREAMS_MAX.
 */
struct event_stream *stream_open(struct streams *, struct report *, const struct report_state *state, uint64_t since_generation,
    uint64_t since_serial, bool only_changes, int64_t now_ms);
/*
 * At most max bytes of what there is to tell.  0: nothing, and suspend(connection) was called: resume() follows.
 * -1: it is over.
 */
long stream_read(struct event_stream *, char *buf, size_t max, int64_t now_ms, void (*suspend)(void *connection));
void stream_close(struct event_stream *);

/* events.c: an event as text, in a buffer of its own; NULL: out of memory. */
char *event_attempt(const struct config *, struct report *, const struct report_attempt *, int64_t now_s);
/* last: of its serial; its id then says that all of that is known. */
char *event_change(const struct report_change *, uint64_t generation, bool last);

#endif
