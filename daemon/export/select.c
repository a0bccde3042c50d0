/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * select.c - so many entries, the highest score first.
 */
#include "select.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 1024

/* Below 0: a stands before b. */
static int
by_score(const void *a_v, const void *b_v)
{
	const struct report_entry *a = a_v, *b = b_v;
	int order = (a->score < b->score) - (a->score > b->score);

	if (order == 0)
		order = memcmp(a->what.addr.b, b->what.addr.b, sizeof(a->what.addr.b));
	/* A /64 before the single addresses in it. */
	return order != 0 ? order : (a->what.len > b->what.len) - (a->what.len < b->what.len);
}

static int
by_family(const void *a_v, const void *b_v)
{
	const struct report_entry *a = a_v, *b = b_v;
	int order = addr_is_v4(&b->what.addr) - addr_is_v4(&a->what.addr);

	return order != 0 ? order : by_score(a, b);
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
selection_begin(struct selection *s, size_t most)
{
	*s = (struct selection){ .most = most };
}

static bool
make_room(struct selection *s)
{
	size_t cap = s->cap == 0 ? FIRST_CAP : 2 * s->cap;
	struct report_entry *entries;

	if (s->n < s->cap)
		return true;
	if (cap > s->most)
		cap = s->most;
	entries = realloc(s->entries, cap * sizeof(*entries));
	if (entries == NULL) {
		s->failed = true;
		return false;
	}
	s->entries = entries;
	s->cap = cap;
	return true;
}

bool
selection_add(struct selection *s, const struct report_entry *e)
{
	if (s->n == s->most) {
		if (s->n != 0 && by_score(e, &s->entries[0]) < 0) {
			s->entries[0] = *e;
			sift_down(s);
		}
		return true;
	}
	if (!make_room(s))
		return false;
	s->entries[s->n++] = *e;
	sift_up(s);
	return true;
}

void
selection_sort(struct selection *s, bool grouped)
{
	if (s->n > 1)
		qsort(s->entries, s->n, sizeof(s->entries[0]), grouped ? by_family : by_score);
}

void
selection_free(struct selection *s)
{
	free(s->entries);
	*s = (struct selection){ .entries = NULL };
}
