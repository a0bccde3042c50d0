/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listed.c - who is on the list, in memory.
 */
#include "listed.h"

#include <stdlib.h>
#include <string.h>

#include "mxtrap/siphash.h"

#define CAP_MIN 1024U

static size_t
place_of(const struct listed *l, sender_key key, uint64_t host, uint8_t single)
{
	return (size_t)siphash13(l->seed, key, host ^ single) & (l->cap - 1);
}

static bool
same(const struct listed_entry *e, sender_key key, uint64_t host, uint8_t single)
{
	return e->key == key && e->host == host && e->single == single;
}

void
listed_init(struct listed *l, const uint8_t seed[static 16])
{
	*l = (struct listed){ .n = 0 };
	memcpy(l->seed, seed, sizeof(l->seed));
}

void
listed_free(struct listed *l)
{
	free(l->places);
	l->places = NULL;
	l->n = l->cap = 0;
}

/* Where it is, or the empty place where it would be. */
static size_t
seek(const struct listed *l, sender_key key, uint64_t host, uint8_t single)
{
	size_t at = place_of(l, key, host, single);

	while (l->places[at].state != STATE_UNKNOWN && !same(&l->places[at], key, host, single))
		at = (at + 1) & (l->cap - 1);
	return at;
}

static bool
grow(struct listed *l)
{
	struct listed bigger = *l;

	if (l->cap != 0 && l->n < l->cap / 4 * 3)
		return true;
	bigger.cap = l->cap == 0 ? CAP_MIN : 2 * l->cap;
	bigger.places = calloc(bigger.cap, sizeof(bigger.places[0]));
	if (bigger.places == NULL)
		return l->n + 1 < l->cap;	/* fuller than we like, but there is room */
	for (size_t i = 0; i < l->cap; i++) {
		const struct listed_entry *e = &l->places[i];

		if (e->state != STATE_UNKNOWN)
			bigger.places[seek(&bigger, e->key, e->host, e->single)] = *e;
	}
	free(l->places);
	*l = bigger;
	return true;
}

static void
key_of(const struct prefix *what, sender_key *key, uint64_t *host, uint8_t *single)
{
	*key = addr_sender(&what->addr);
	*single = what->len == 128 && !addr_is_v4(&what->addr);
	*host = *single ? addr_host(&what->addr) : 0;
}

bool
listed_put(struct listed *l, const struct prefix *what, uint8_t state, uint16_t kinds, uint32_t since_s, uint32_t expires_s)
{
	struct listed_entry e = { .since_s = since_s, .expires_s = expires_s, .kinds = kinds, .state = state };
	size_t at;

	key_of(what, &e.key, &e.host, &e.single);
	if (!grow(l))
		return false;
	at = seek(l, e.key, e.host, e.single);
	l->n += l->places[at].state == STATE_UNKNOWN;
	l->places[at] = e;
	return true;
}

void
listed_remove(struct listed *l, const struct prefix *what)
{
	size_t mask = l->cap - 1, hole, at;
	sender_key key;
	uint64_t host;
	uint8_t single;

	if (l->n == 0)
		return;
	key_of(what, &key, &host, &single);
	hole = seek(l, key, host, single);
	if (l->places[hole].state == STATE_UNKNOWN)
		return;
	l->n--;
	/* What was pushed on by the one that goes moves back, so that no search ends too early (Knuth 6.4, R). */
	for (at = (hole + 1) & mask; l->places[at].state != STATE_UNKNOWN; at = (at + 1) & mask) {
		const struct listed_entry *e = &l->places[at];
		size_t home = place_of(l, e->key, e->host, e->single);

		if (((at - home) & mask) >= ((at - hole) & mask)) {
			l->places[hole] = *e;
			hole = at;
		}
	}
	l->places[hole] = (struct listed_entry){ .state = STATE_UNKNOWN };
}

static const struct listed_entry *
find(const struct listed *l, sender_key key, uint64_t host, uint8_t single, int64_t now_s)
{
	const struct listed_entry *e = &l->places[seek(l, key, host, single)];

	return e->state == STATE_UNKNOWN || (e->expires_s != 0 && e->expires_s <= now_s) ? NULL : e;
}

void
listed_prefetch(const struct listed *l, sender_key key)
{
	if (l->n != 0)
		__builtin_prefetch(&l->places[place_of(l, key, 0, 0)]);
}

const struct listed_entry *
listed_find(const struct listed *l, const struct addr *addr, int64_t now_s)
{
	sender_key key = addr_sender(addr);
	const struct listed_entry *e, *host;

	if (l->n == 0)
		return NULL;
	e = find(l, key, 0, 0, now_s);
	if (addr_is_v4(addr) || (e != NULL && e->state == STATE_LISTED))
		return e;
	/* A suspect /64 with a listed address in it: the more certain word counts. */
	host = find(l, key, addr_host(addr), 1, now_s);
	return host != NULL ? host : e;
}
