/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attempt.c - attempts in flight: a ring by age, with chains by four-tuple from new to old.
 *
 * An attempt is named by its number, counted up for ever (and round: 32 bits); its place is
 * the number modulo the ring.  So a name that is kept too long is known by its age.
 */
#include "mxtrap/attempt.h"

_Static_assert(sizeof(struct attempt) == 48, "an attempt in flight is 48 bytes");

bool
attempt_table_init(struct attempt_table *t, uint32_t cap, const uint8_t hash_key[16])
{
	uint32_t buckets = 1, places = 1;

	/* Four places an attempt: hardly any chain is longer than one, so what is fetched ahead is all there is. */
	while (buckets / 4 < cap)
		buckets *= 2;
	while (places < cap)
		places *= 2;
	*t = (struct attempt_table){
		.cap = cap, .ring_mask = places - 1, .bucket_mask = buckets - 1, .head = 1, .hash_key = hash_key,
	};
	for (uint64_t i = 0; i < 3; i++)
		t->secret[i] = siphash13(hash_key, i, 3);
	t->ring = table_alloc(places, sizeof(t->ring[0]));
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

/*
 * Chains run from new to old and are never mended when an attempt leaves: its number is
 * older than all that are kept, and so is what was behind it.  (One that is 2^32 attempts old
 * may look young again: then the links do not grow older, and that ends the chain.)
 */
struct attempt *
attempt_find(struct attempt_table *t, uint32_t hash, sender_key key, uint64_t host, uint32_t target,
    uint16_t sport, const uint32_t *isn)
{
	uint32_t number = t->buckets[hash & t->bucket_mask], age = 0;

	while (t->head - number > age && t->head - number <= t->n) {
		struct attempt *a = &t->ring[number & t->ring_mask];

		age = t->head - number;
		if (a->key == key && a->host == host && a->target == target && a->sport == sport &&
		    (isn == NULL || a->isn == *isn))
			return a;
		number = a->next;
	}
	return NULL;
}

/* The one that will leave after i others. */
static struct attempt *
oldest(const struct attempt_table *t, uint32_t i)
{
	return &t->ring[(t->head - t->n + i) & t->ring_mask];
}

int64_t
attempt_due_us(const struct attempt_table *t)
{
	int64_t due_us;

	if (t->n == 0)
		return INT64_MAX;
	/* Rounded up, so that those of one moment leave together. */
	due_us = attempt_first_us(t, oldest(t, 0)) + ATTEMPT_LIFE_US + ATTEMPT_MOMENT_US - 1;
	return due_us - due_us % ATTEMPT_MOMENT_US;
}

const struct attempt *
attempt_ahead(const struct attempt_table *t, uint32_t i)
{
	return i < t->n ? oldest(t, i) : NULL;
}

void
attempt_expire(struct attempt_table *t, void (*leaving)(void *ctx, struct attempt *), void *ctx)
{
	struct attempt *a = oldest(t, 0);

	leaving(ctx, a);
	a->flags = 0;
	t->n--;
}

struct attempt *
attempt_add(struct attempt_table *t, uint32_t hash, uint32_t sender, sender_key key, uint64_t host,
    uint32_t target, uint16_t sport, uint32_t isn, int64_t now_us, void (*leaving)(void *ctx, struct attempt *), void *ctx)
{
	uint32_t *bucket = &t->buckets[hash & t->bucket_mask];
	struct attempt *a;

	if (t->n == t->cap) {
		attempt_expire(t, leaving, ctx);
		t->evicted++;
	}
	a = &t->ring[t->head & t->ring_mask];
	*a = (struct attempt){
		.key = key, .host = host, .sender = sender, .first = (uint32_t)now_us, .next = *bucket, .isn = isn,
		.target = (uint16_t)target, .sport = sport, .n_syns = 1, .flags = ATTEMPT_IN_USE,
	};
	*bucket = t->head++;
	t->newest_us = now_us;
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
