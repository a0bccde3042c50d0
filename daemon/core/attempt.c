/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attempt.c - attempts in flight: a ring by age, with chains by four-tuple from new to old.
 */
#include "mxtrap/attempt.h"

_Static_assert(sizeof(struct attempt) == 48, "an attempt in flight is 48 bytes");

bool
attempt_table_init(struct attempt_table *t, uint32_t cap, const uint8_t hash_key[16])
{
	uint32_t buckets = 1;

	while (buckets < cap)
		buckets *= 2;
	*t = (struct attempt_table){ .cap = cap, .bucket_mask = buckets - 1, .hash_key = hash_key };
	t->ring = table_alloc(cap, sizeof(t->ring[0]));
	t->buckets = table_alloc(buckets, sizeof(t->buckets[0]));
	if (t->ring == NULL || t->buckets == NULL) {
		attempt_table_free(t);
		return false;
	}
	return true;
}

void
attempt_table_free(struct attempt_table *t)
{
	table_free(t->ring);
	table_free(t->buckets);
	*t = (struct attempt_table){ 0 };
}

/* How many attempts ago a place was filled: 1 is the newest; more than n: not in use any more. */
static uint32_t
age_of(const struct attempt_table *t, uint32_t place)
{
	return t->head > place ? t->head - place : t->head + t->cap - place;
}

/*
 * Chains run from new to old and are never mended when an attempt leaves: a link
 * that leads to a place outside the ring, or to a newer attempt than where it came
 * from, leads out of the chain, and all that was behind it has left before it.
 */
struct attempt *
attempt_find(struct attempt_table *t, uint32_t hash, sender_key key, uint64_t host, uint32_t target,
    uint16_t sport, const uint32_t *isn)
{
	uint32_t at = t->buckets[hash & t->bucket_mask], age = 0;

	while (at != 0) {
		struct attempt *a = &t->ring[at - 1];
		uint32_t older = age_of(t, at - 1);

		if (older <= age || older > t->n)
			return NULL;
		age = older;
		if (a->key == key && a->host == host && a->target == target && a->sport == sport &&
		    (isn == NULL || a->isn == *isn))
			return a;
		at = a->next;
	}
	return NULL;
}

static uint32_t
oldest(const struct attempt_table *t)
{
	return t->head >= t->n ? t->head - t->n : t->head + t->cap - t->n;
}

int64_t
attempt_due_us(const struct attempt_table *t)
{
	int64_t due_us;

	if (t->n == 0)
		return INT64_MAX;
	/* Rounded up, so that those of one moment leave together. */
	due_us = t->ring[oldest(t)].first_us + ATTEMPT_LIFE_US + ATTEMPT_MOMENT_US - 1;
	return due_us - due_us % ATTEMPT_MOMENT_US;
}

const struct attempt *
attempt_ahead(const struct attempt_table *t, uint32_t i)
{
	uint32_t place;

	if (i >= t->n)
		return NULL;
	place = oldest(t) + i;
	return &t->ring[place >= t->cap ? place - t->cap : place];
}

void
attempt_expire(struct attempt_table *t, void (*leaving)(void *ctx, struct attempt *), void *ctx)
{
	uint32_t place = oldest(t);

	leaving(ctx, &t->ring[place]);
	t->ring[place].flags = 0;
	t->n--;
}

struct attempt *
attempt_add(struct attempt_table *t, uint32_t hash, sender_key key, uint64_t host, uint32_t target,
    uint16_t sport, uint32_t isn, int64_t now_us, void (*leaving)(void *ctx, struct attempt *), void *ctx)
{
	uint32_t *bucket = &t->buckets[hash & t->bucket_mask];
	struct attempt *a;

	if (t->n == t->cap) {
		attempt_expire(t, leaving, ctx);
		t->evicted++;
	}
	a = &t->ring[t->head];
	*a = (struct attempt){
		.first_us = now_us, .key = key, .host = host, .next = *bucket, .isn = isn,
		.target = (uint16_t)target, .sport = sport, .n_syns = 1, .flags = ATTEMPT_IN_USE,
	};
	*bucket = t->head + 1;
	t->head = t->head + 1 == t->cap ? 0 : t->head + 1;
	t->n++;
	return a;
}

enum grade
attempt_grade(const struct attempt *a)
{
	if (a->outcome == OUTCOME_PROVEN)
		return GRADE_PROVEN;
	return (a->flags & ATTEMPT_RESENT) != 0 ? GRADE_RESYN : GRADE_SYN;
}
