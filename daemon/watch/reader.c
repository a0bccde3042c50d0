/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reader.c - a ring of blocks between the thread that reads and the one that judges.
 */
#include "mxtrap/reader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK  512			/* packets: a lock is taken once a block */
#define BLOCKS 8

struct block {
	struct packet packets[BLOCK];
	int	      n;		/* as capture_read() said */
};

struct reader {
	struct capture *capture;	/* borrowed */
	pthread_t	thread;
	pthread_mutex_t mutex;		/* what follows, but for the blocks themselves */
	pthread_cond_t	filled, emptied;
	unsigned	head, n;	/* blocks that are filled: n from head on */
	bool		stop;
	uint64_t	done, all;
	size_t		taken;		/* of the block at head: the taker's own */
	struct block	blocks[BLOCKS];
};

static void *
read_ahead(void *arg)
{
	struct reader *r = arg;
	unsigned at = 0;
	bool more = true;

	while (more) {
		struct block *b = &r->blocks[at];
		uint64_t done, all;

		pthread_mutex_lock(&r->mutex);
		while (r->n == BLOCKS && !r->stop)
			pthread_cond_wait(&r->emptied, &r->mutex);
		more = !r->stop;
		pthread_mutex_unlock(&r->mutex);
		if (!more)
			break;
		b->n = capture_read(r->capture, b->packets, BLOCK);
		capture_progress(r->capture, &done, &all);
		more = b->n > 0;
		at = (at + 1) % BLOCKS;
		pthread_mutex_lock(&r->mutex);
		r->done = done;
		r->all = all;
		r->n++;
		pthread_cond_signal(&r->filled);
		pthread_mutex_unlock(&r->mutex);
	}
	return NULL;
}

struct reader *
reader_start(struct capture *c)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->capture = c;
	pthread_mutex_init(&r->mutex, NULL);
	pthread_cond_init(&r->filled, NULL);
	pthread_cond_init(&r->emptied, NULL);
	if (pthread_create(&r->thread, NULL, read_ahead, r) != 0) {
		free(r);
		return NULL;
	}
	return r;
}

int
reader_take(struct reader *r, struct packet *out, size_t max)
{
	const struct block *b = &r->blocks[r->head];
	size_t n;

	pthread_mutex_lock(&r->mutex);
	while (r->n == 0)
		pthread_cond_wait(&r->filled, &r->mutex);
	pthread_mutex_unlock(&r->mutex);
	if (b->n <= 0)
		return b->n;		/* stays there: it is the last */
	n = (size_t)b->n - r->taken < max ? (size_t)b->n - r->taken : max;
	memcpy(out, b->packets + r->taken, n * sizeof(out[0]));
	r->taken += n;
	if (r->taken == (size_t)b->n) {
		r->taken = 0;
		r->head = (r->head + 1) % BLOCKS;
		pthread_mutex_lock(&r->mutex);
		r->n--;
		pthread_cond_signal(&r->emptied);
		pthread_mutex_unlock(&r->mutex);
	}
	return (int)n;
}

void
reader_progress(struct reader *r, uint64_t *done, uint64_t *all)
{
	pthread_mutex_lock(&r->mutex);
	*done = r->done;
	*all = r->all;
	pthread_mutex_unlock(&r->mutex);
}

void
reader_stop(struct reader *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->mutex);
	r->stop = true;
	pthread_cond_signal(&r->emptied);
	pthread_mutex_unlock(&r->mutex);
	pthread_join(r->thread, NULL);
	pthread_cond_destroy(&r->filled);
	pthread_cond_destroy(&r->emptied);
	pthread_mutex_destroy(&r->mutex);
	free(r);
}
