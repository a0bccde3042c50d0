/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * select.c - so many entries, the highest score first.
 */
#include "select.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxtrap/unnamed.h"

#define BUFFER 256			/* entries of a run that are read at once */

/* What decides nearly always, as numbers: an entry of a lesser place stands before. */
struct place {
	uint64_t score, addr;
	const struct report_entry *e;
};

static struct place
place_of(const struct report_entry *e)
{
	float score = e->score + 0.0f;	/* -0 is 0 */
	uint32_t bits;

	memcpy(&bits, &score, sizeof(bits));
	bits ^= bits >> 31 != 0 ? UINT32_MAX : 1U << 31;	/* as a number in the order of floats */
	return (struct place){ .score = ~bits, .e = e,
		.addr = addr_is_v4(&e->what.addr) ? addr_half(&e->what.addr, 1) & UINT32_MAX : addr_half(&e->what.addr, 0) };
}

/* Below 0: a stands before b. */
static int
by_place(const void *a_v, const void *b_v)
{
	const struct place *a = a_v, *b = b_v;

	if (a->score != b->score)
		return a->score < b->score ? -1 : 1;
	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	assert(a->e != NULL && b->e != NULL);	/* a run that ended is in no heap */
	/* A /64 before the single addresses in it. */
	if (a->e->what.len != b->e->what.len)
		return a->e->what.len < b->e->what.len ? -1 : 1;
	return memcmp(a->e->what.addr.b, b->e->what.addr.b, sizeof(a->e->what.addr.b));
}

static int
by_score(const struct report_entry *a, const struct report_entry *b)
{
	struct place x = place_of(a), y = place_of(b);

	return by_place(&x, &y);
}

static void
swap(struct selection *s, size_t i, size_t j)
{
	struct report_entry e = s->entries[i];

	s->entries[i] = s->entries[j];
	s->entries[j] = e;
}

static void
sift_down(struct selection *s)
{
	size_t i = 0;

	for (;;) {
		size_t worst = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < s->n; child++)
			if (by_score(&s->entries[child], &s->entries[worst]) > 0)
				worst = child;
		if (worst == i)
			return;
		swap(s, i, worst);
		i = worst;
	}
}

static void
sift_up(struct selection *s)
{
	for (size_t i = s->n - 1; i > 0 && by_score(&s->entries[i], &s->entries[(i - 1) / 2]) > 0; i = (i - 1) / 2)
		swap(s, i, (i - 1) / 2);
}

void
selection_begin(struct selection *s, size_t most, bool grouped)
{
	s->entries = NULL;
	s->n = s->n_runs = 0;
	s->most = most;
	s->grouped = grouped;
	s->fd = -1;
	s->failed = false;
}

static bool
fail(struct selection *s)
{
	s->failed = true;
	return false;
}

/* The order of what is in memory; NULL: no memory.  The caller's to free. */
static struct place *
sorted(const struct selection *s)
{
	struct place *places = malloc((s->n + 1) * sizeof(*places));

	if (places == NULL)
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		places[i] = place_of(&s->entries[i]);
	qsort(places, s->n, sizeof(*places), by_place);
	return places;
}

/* What is in memory becomes a run. */
static bool
put_run(struct selection *s)
{
	struct report_entry buffer[BUFFER];
	struct place *places;
	bool ok = true;

	if (s->n == 0)
		return true;
	if (s->n_runs == SELECT_RUNS || (s->fd == -1 && (s->fd = unnamed_open()) == -1) || (places = sorted(s)) == NULL)
		return fail(s);
	for (size_t i = 0, k = 0; ok && i < s->n; i++) {
		buffer[k++] = *places[i].e;
		if (k < BUFFER && i + 1 < s->n)
			continue;
		ok = unnamed_write(s->fd, buffer, k * sizeof(buffer[0]));
		k = 0;
	}
	free(places);
	s->runs[s->n_runs++] = s->n;
	s->n = 0;
	return ok || fail(s);
}

bool
selection_add(struct selection *s, const struct report_entry *e)
{
	if (s->most == 0)
		return true;
	if (s->entries == NULL) {
		size_t cap = s->most < SELECT_RUN ? s->most : SELECT_RUN;

		if ((s->entries = calloc(cap, sizeof(*s->entries))) == NULL)
			return fail(s);
	}
	if (s->most > SELECT_RUN) {
		if (s->n == SELECT_RUN && !put_run(s))
			return false;
		s->entries[s->n++] = *e;
		return true;
	}
	if (s->n == s->most) {
		if (by_score(e, &s->entries[0]) < 0) {
			s->entries[0] = *e;
			sift_down(s);
		}
		return true;
	}
	s->entries[s->n++] = *e;
	sift_up(s);
	return true;
}

struct telling {
	bool (*each)(void *, const struct report_entry *);
	void *ctx;
	int   family;			/* told in this pass; 0: both */
};

static bool
tell_one(const struct telling *t, const struct report_entry *e)
{
	return (t->family != 0 && (t->family == 4) != addr_is_v4(&e->what.addr)) || t->each(t->ctx, e);
}

static bool
tell_memory(struct selection *s, const struct telling *t)
{
	struct place *places = sorted(s);
	bool ok = true;

	if (places == NULL)
		return fail(s);
	for (size_t i = 0; ok && i < s->n; i++)
		ok = tell_one(t, places[i].e);
	free(places);
	return ok;
}

/* A run as it is read. */
struct run {
	struct report_entry buffer[BUFFER];
	struct place first;		/* the one that comes next; e NULL: the end */
	size_t at, n, left;		/* in the buffer; in the file behind it */
	off_t  offset;
};

static bool
run_next(struct selection *s, struct run *r)
{
	size_t bytes;

	if (r->at == r->n) {
		r->at = 0;
		r->n = r->left < BUFFER ? r->left : BUFFER;
		bytes = r->n * sizeof(r->buffer[0]);
		if (bytes > 0 && pread(s->fd, r->buffer, bytes, r->offset) != (ssize_t)bytes)
			return fail(s);
		r->offset += (off_t)bytes;
		r->left -= r->n;
	}
	r->first.e = NULL;
	if (r->n > 0)
		r->first = place_of(&r->buffer[r->at++]);
	return true;
}

/* Where the top of a heap of runs belongs.  A run that has ended is dropped. */
static void
heap_sift(struct run **heap, size_t *n)
{
	struct run *r = heap[0];
	size_t i = 0, child;

	if (r->first.e == NULL && --*n > 0)
		r = heap[*n];
	while ((child = 2 * i + 1) < *n) {
		if (child + 1 < *n && by_place(&heap[child + 1]->first, &heap[child]->first) < 0)
			child++;
		if (by_place(&r->first, &heap[child]->first) <= 0)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = r;
}

static bool
merge(struct selection *s, struct run *runs, struct run **heap, const struct telling *t)
{
	size_t n = s->n_runs;
	off_t offset = 0;
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		runs[i].at = runs[i].n = 0;
		runs[i].left = s->runs[i];
		runs[i].offset = offset;
		offset += (off_t)(s->runs[i] * sizeof(runs[i].buffer[0]));
		if (!run_next(s, &runs[i]))
			return false;
	}
	/* From the end on, each is the top of a heap of its own kind: put in by its place. */
	for (size_t i = 0; i < n; i++) {
		size_t at = i;

		for (; at > 0 && by_place(&runs[i].first, &heap[(at - 1) / 2]->first) < 0; at = (at - 1) / 2)
			heap[at] = heap[(at - 1) / 2];
		heap[at] = &runs[i];
	}
	for (size_t told = 0; ok && n > 0 && told < s->most; told++) {
		assert(heap[0]->first.e != NULL);
		ok = tell_one(t, heap[0]->first.e) && run_next(s, heap[0]);
		heap_sift(heap, &n);
	}
	return ok;
}

static bool
tell_pass(struct selection *s, const struct telling *t)
{
	struct run *runs, **heap;
	bool ok;

	if (s->n_runs == 0)
		return tell_memory(s, t);
	runs = calloc(s->n_runs, sizeof(*runs));
	heap = malloc(s->n_runs * sizeof(struct run *));
	ok = runs != NULL && heap != NULL ? merge(s, runs, heap, t) : fail(s);
	free(heap);
	free(runs);
	return ok;
}

bool
selection_tell(struct selection *s, bool (*each)(void *, const struct report_entry *), void *ctx)
{
	struct telling t = { .each = each, .ctx = ctx };

	if (s->failed || (s->n_runs > 0 && !put_run(s)))
		return false;
	if (!s->grouped)
		return tell_pass(s, &t);
	t.family = 4;
	if (!tell_pass(s, &t))
		return false;
	t.family = 6;
	return tell_pass(s, &t);
}

void
selection_free(struct selection *s)
{
	free(s->entries);
	if (s->fd != -1)
		(void)close(s->fd);
	selection_begin(s, 0, false);
}
