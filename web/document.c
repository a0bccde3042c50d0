/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * document.c - a file that is being written, and those who wait for it.
 */
#include "document.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "mxtrap/log.h"
#include "mxtrap/unnamed.h"

#define STREAM_BUFFER 65536

struct document *
document_new(void)
{
	struct document *d = calloc(1, sizeof(*d));

	if (d == NULL || (d->fd = unnamed_open()) == -1) {
		log_warn("cannot make a file for an export");
		free(d);
		return NULL;
	}
	d->refs = 1;
	(void)pthread_mutex_init(&d->lock, NULL);
	return d;
}

struct document *
document_ref(struct document *d)
{
	(void)pthread_mutex_lock(&d->lock);
	d->refs++;
	(void)pthread_mutex_unlock(&d->lock);
	return d;
}

void
document_unref(struct document *d)
{
	bool last;

	if (d == NULL)
		return;
	(void)pthread_mutex_lock(&d->lock);
	last = --d->refs == 0;
	(void)pthread_mutex_unlock(&d->lock);
	if (!last)
		return;
	(void)close(d->fd);
	(void)pthread_mutex_destroy(&d->lock);
	free(d);
}

enum document_stage
document_stage(struct document *d, uint64_t *size)
{
	enum document_stage stage;

	(void)pthread_mutex_lock(&d->lock);
	stage = d->stage;
	if (size != NULL)
		*size = d->size;
	(void)pthread_mutex_unlock(&d->lock);
	return stage;
}

static bool
is_served(const struct document *d, const struct waiter *w)
{
	switch (d->stage) {
	case DOCUMENT_QUEUED:
		return false;
	case DOCUMENT_GROWS:
		return w->for_stage == DOCUMENT_GROWS && d->size >= w->beyond;
	case DOCUMENT_WHOLE:
	case DOCUMENT_FAILED:
		return true;
	}
	return true;
}

/* Something happened: whoever waited for it is woken.  The lock is held. */
static void
wake(struct document *d)
{
	struct waiter **at = &d->waiters;

	while (*at != NULL) {
		struct waiter *w = *at;

		if (!is_served(d, w)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->wake(w->ctx);
	}
}

void
document_begin(struct document *d)
{
	(void)pthread_mutex_lock(&d->lock);
	d->stage = DOCUMENT_GROWS;
	wake(d);
	(void)pthread_mutex_unlock(&d->lock);
}

bool
document_write(struct document *d, const void *data, size_t n)
{
	if (!unnamed_write(d->fd, data, n))
		return false;
	(void)pthread_mutex_lock(&d->lock);
	d->size += n;
	wake(d);
	(void)pthread_mutex_unlock(&d->lock);
	return true;
}

void
document_end(struct document *d, bool whole)
{
	(void)pthread_mutex_lock(&d->lock);
	d->stage = whole ? DOCUMENT_WHOLE : DOCUMENT_FAILED;
	wake(d);
	(void)pthread_mutex_unlock(&d->lock);
}

static ssize_t
stream_write(void *ctx, const char *data, size_t n)
{
	struct document_stream *s = ctx;

	/* 0 is how such a stream is told of an error. */
	return !atomic_load(s->stop) && document_write(s->document, data, n) ? (ssize_t)n : 0;
}

FILE *
document_stream(struct document_stream *s)
{
	FILE *file = fopencookie(s, "w", (cookie_io_functions_t){ .write = stream_write });

	if (file != NULL)
		(void)setvbuf(file, NULL, _IOFBF, STREAM_BUFFER);
	return file;
}

ssize_t
document_read(struct document *d, uint64_t at, void *buf, size_t n, bool *ended)
{
	uint64_t size;
	enum document_stage stage = document_stage(d, &size);
	ssize_t got;

	*ended = stage == DOCUMENT_WHOLE && at >= size;
	if (stage == DOCUMENT_FAILED)
		return -1;
	if (at >= size)
		return 0;
	if (n > size - at)
		n = (size_t)(size - at);
	got = pread(d->fd, buf, n, (off_t)at);
	return got > 0 ? got : -1;
}

bool
document_wait(struct document *d, struct waiter *w)
{
	bool waits;

	(void)pthread_mutex_lock(&d->lock);
	waits = !is_served(d, w);
	if (waits) {
		w->sleep(w->ctx);
		w->next = d->waiters;
		d->waiters = w;
	}
	(void)pthread_mutex_unlock(&d->lock);
	return waits;
}
