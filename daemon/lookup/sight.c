/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sight.c - sightings at the real MX, out of the questions of its MTA.
 *
 * Nothing here is trusted to incriminate: the worst that a forged question does is to excuse somebody.
 */
#include "sight.h"

#include <stdlib.h>
#include <string.h>

#include "mxtrap/siphash.h"

#define SECOND_US 1000000LL

/* Keyed: who can choose his address must not find one whose sightings stand for another's. */
static uint64_t
mix(const struct sight *s, const struct addr *client, uint64_t what)
{
	uint64_t high, low;

	memcpy(&high, client->b, sizeof(high));
	memcpy(&low, client->b + sizeof(high), sizeof(low));
	return siphash13(s->seed, siphash13(s->seed, high, low), what);
}

struct sight *
sight_new(const struct ladder *ladder, const uint8_t seed[static 16])
{
	struct sight *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ladder = ladder;
	memcpy(s->seed, seed, sizeof(s->seed));
	s->eom_s = calloc(ladder->n_targets + 1, sizeof(*s->eom_s));
	if (s->eom_s == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void
sight_free(struct sight *s)
{
	if (s != NULL)
		free(s->eom_s);
	free(s);
}

/*
 * The exchanger that asks.  One behind a translator, or one that does not say which it is (Postfix before 3.2),
 * can only be the one that is said to ask, if there is no more than one.
 */
static uint32_t
target_of(const struct sight *s, const struct postfix_request *r)
{
	static const struct addr none;
	const struct ladder *l = s->ladder;
	const struct target *t = addr_equal(&r->server, &none) ? NULL : ladder_find(l, &r->server);
	uint32_t only = UINT32_MAX;

	if (t != NULL)
		return t->role == ROLE_REAL ? (uint32_t)(t - l->targets) : UINT32_MAX;
	for (uint32_t i = 0; i < l->n_targets; i++) {
		if (l->targets[i].role != ROLE_REAL || l->targets[i].witness != WITNESS_POSTFIX ||
		    addr_is_v4(&l->targets[i].addr) != addr_is_v4(&r->client))
			continue;
		if (only != UINT32_MAX)
			return UINT32_MAX;
		only = i;
	}
	return only;
}

static void
tell(struct sight *s, enum sighting what, const struct addr *client, uint32_t target, uint16_t port, int64_t now_us)
{
	struct message_sightings *m = &s->out;
	struct message_sighting *to;

	if (m->n == 0)
		m->seq = s->seq;
	s->seq++;			/* watch sees by the gap that it did not get one */
	if (m->n == MESSAGE_MAX_SIGHTINGS) {
		s->counters.lost++;
		return;
	}
	to = &m->sightings[m->n++];
	*to = (struct message_sighting){ .time_us = now_us, .target = target, .port = port, .what = (uint16_t)what };
	memcpy(to->src, client->b, sizeof(to->src));
	s->counters.told += what == SIGHTING_RCPT;
	s->counters.accepted += what == SIGHTING_ACCEPTED;
	s->counters.deferred += what == SIGHTING_DEFERRED;
}

/* Was this told lately?  It is now. */
static bool
told_lately(struct sight *s, enum sighting what, const struct addr *client, uint32_t target, int64_t now_s)
{
	uint64_t h = mix(s, client, (uint64_t)target << 32 | what);
	size_t i = (size_t)(h % SIGHT_RECENT);
	bool lately = s->recent[i].what == h && now_s - s->recent[i].told_s < SIGHT_AGAIN_S && now_s >= s->recent[i].told_s;

	if (!lately) {
		s->recent[i].what = h;
		s->recent[i].told_s = now_s;
	}
	return lately;
}

static uint64_t
instance_of(const struct sight *s, const struct postfix_request *r, uint32_t target)
{
	uint64_t h = mix(s, &r->client, siphash13(s->seed, r->instance, target));

	return h != 0 ? h : 1;
}

/* A message that did not come to its end, as far as we know. */
static void
put_off(struct sight *s, size_t at, int64_t now_us)
{
	int64_t now_s = now_us / SECOND_US;
	const struct addr *client = &s->open[at].client;
	uint32_t target = s->open[at].target;

	s->open[at].instance = 0;
	/* One that never asks at END-OF-MESSAGE may have taken it. */
	if (s->eom_s[target] != 0 && now_s - s->eom_s[target] <= SIGHT_EOM_S &&
	    !told_lately(s, SIGHTING_DEFERRED, client, target, now_s))
		tell(s, SIGHTING_DEFERRED, client, target, s->open[at].port, now_us);
}

void
sight_request(struct sight *s, const struct postfix_request *r, bool refused, int64_t now_us)
{
	int64_t now_s = now_us / SECOND_US;
	uint64_t instance;
	uint32_t target;
	size_t at;

	/* A user of ours, or another port than 25, tells nothing of a sender.  A certificate does not make one: many an
	 * MTA shows its own to whoever asks for it. */
	if (r->socketmap || !r->has_client || r->user || r->submits)
		return;
	target = target_of(s, r);
	if (target == UINT32_MAX) {
		s->counters.unmatched++;
		return;
	}
	instance = instance_of(s, r, target);
	at = (size_t)(instance % SIGHT_OPEN);
	if (r->end_of_message)
		s->eom_s[target] = now_s;
	if (r->end_of_message || refused) {
		if (s->open[at].instance == instance)
			s->open[at].instance = 0;
	} else if (r->instance != 0 && r->recipient) {
		if (s->open[at].instance != 0 && s->open[at].instance != instance) {
			s->counters.evicted++;
			put_off(s, at, now_us);	/* nobody follows it any more: it may well be */
		}
		s->open[at].instance = instance;
		s->open[at].rcpt_s = now_s;
		s->open[at].target = target;
		s->open[at].port = r->port;
		s->open[at].client = r->client;
	}
	if (r->end_of_message && !refused) {
		if (!told_lately(s, SIGHTING_ACCEPTED, &r->client, target, now_s))
			tell(s, SIGHTING_ACCEPTED, &r->client, target, r->port, now_us);
	} else if (!told_lately(s, SIGHTING_RCPT, &r->client, target, now_s)) {
		tell(s, SIGHTING_RCPT, &r->client, target, r->port, now_us);
	}
}

void
sight_turn(struct sight *s, int64_t now_us)
{
	int64_t now_s = now_us / SECOND_US;

	if (now_s == s->swept_s)
		return;
	s->swept_s = now_s;
	for (size_t i = 0; i < SIGHT_OPEN; i++)
		if (s->open[i].instance != 0 && now_s - s->open[i].rcpt_s >= SIGHT_WAIT_S)
			put_off(s, i, now_us);
}

void
sight_send(struct sight *s, int fd)
{
	if (s->out.n == 0 || fd < 0)
		return;
	message_init(&s->out.head, MESSAGE_SIGHTINGS, sizeof(s->out));
	if (message_send(fd, &s->out, sizeof(s->out)) == 1)
		s->out.n = 0;
}
