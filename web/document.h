/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * document.h - a file without a name that is being written, and those who wait for it.
 *
 * One thread writes, any may read what is there so far.  Whoever waits is woken: a thread that serves many
 * clients must not sleep for one.  Nobody ever takes a document that failed for a whole one.
 */
#ifndef MXTRAP_WEB_DOCUMENT_H
#define MXTRAP_WEB_DOCUMENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum document_stage {
	DOCUMENT_QUEUED,	/* nothing is known of it yet */
	DOCUMENT_GROWS,		/* of which state it is */
	DOCUMENT_WHOLE,
	DOCUMENT_FAILED,
};

struct waiter {
	enum document_stage for_stage;	/* DOCUMENT_GROWS: or more bytes than `beyond` */
	uint64_t beyond;
	void   (*sleep)(void *ctx);	/* called before wake() can be; inside, nothing of the document may be asked */
	void   (*wake)(void *ctx);
	void	*ctx;
	struct waiter *next;
};

struct document {
	pthread_mutex_t lock;		/* of all below */
	unsigned refs;
	int	 fd;
	uint64_t size;
	enum document_stage stage;
	struct waiter *waiters;
};

/* QUEUED, with one reference.  NULL: said why. */
struct document *document_new(void);
struct document *document_ref(struct document *);
void document_unref(struct document *);		/* NULL: nothing happens */
enum document_stage document_stage(struct document *, uint64_t *size);

/* The writer's. */
void document_begin(struct document *);
bool document_write(struct document *, const void *data, size_t n);
void document_end(struct document *, bool whole);
/* A stream into it; closing it ends nothing.  stop: once it is true, writing fails.  NULL: no memory. */
struct document_stream { struct document *document; const _Atomic bool *stop; };
FILE *document_stream(struct document_stream *);

/* At most n bytes from a place on: how many; 0: none yet, or the end of a whole one; -1: it failed. */
ssize_t document_read(struct document *, uint64_t at, void *buf, size_t n, bool *ended);
/* False: what is waited for is there, or will never be.  True: it sleeps, and will be woken once. */
bool document_wait(struct document *, struct waiter *);

#endif
