/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seats.c - a list of free seats, and chains of the taken ones by a seeded hash of their network.
 */
#include "seats.h"

#include <stdlib.h>
#include <sys/random.h>

#include "mxtrap/siphash.h"

#define NONE UINT32_MAX

bool
seats_init(struct seats *s, uint32_t size, uint32_t per_source)
{
	*s = (struct seats){ .size = size, .per_source = per_source, .free = NONE, .n_buckets = 64 };
	while (s->n_buckets < size)
		s->n_buckets *= 2;
	s->buckets = malloc(s->n_buckets * sizeof(s->buckets[0]));
	s->seats = calloc((size_t)size + 1, sizeof(s->seats[0]));
	if (s->buckets == NULL || s->seats == NULL || getrandom(s->key, sizeof(s->key), 0) != (ssize_t)sizeof(s->key)) {
		seats_free(s);
		return false;
	}
	for (uint32_t i = 0; i < s->n_buckets; i++)
		s->buckets[i] = NONE;
	return true;
}

void
seats_free(struct seats *s)
{
	free(s->buckets);
	free(s->seats);
	*s = (struct seats){ 0 };
}

static uint64_t
network_of(sender_key source)
{
	return sender_is_v4(source) ? source >> 8 | 1ULL << 63 : source >> 16;
}

enum seats_result
seats_take(struct seats *s, sender_key source, uint32_t *seat)
{
	uint64_t network = network_of(source), same = 0, near = 0;
	uint32_t bucket = (uint32_t)siphash13(s->key, network, 0) & (s->n_buckets - 1), i;
	struct seat *at;

	for (i = s->buckets[bucket]; i != NONE; i = s->seats[i].next) {
		same += s->seats[i].source == source;
		near += s->seats[i].network == network;
	}
	if (same >= s->per_source || near >= (uint64_t)s->per_source * SEATS_NETWORK)
		return SEATS_SOURCE_FULL;
	if (s->n >= s->size)
		return SEATS_FULL;
	/* Nothing is free but what was never used: the taken ones are the first n. */
	i = s->free != NONE ? s->free : s->n;
	at = &s->seats[i];
	if (s->free != NONE)
		s->free = at->next;
	*at = (struct seat){ .source = source, .network = network, .bucket = bucket,
	    .next = s->buckets[bucket], .prev = NONE };
	if (at->next != NONE)
		s->seats[at->next].prev = i;
	s->buckets[bucket] = i;
	s->n++;
	*seat = i;
	return SEATS_TAKEN;
}

void
seats_give(struct seats *s, uint32_t seat)
{
	struct seat *at = &s->seats[seat];

	if (at->next != NONE)
		s->seats[at->next].prev = at->prev;
	if (at->prev != NONE)
		s->seats[at->prev].next = at->next;
	else
		s->buckets[at->bucket] = at->next;
	at->next = s->free;
	s->free = seat;
	s->n--;
}
