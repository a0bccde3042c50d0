/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * correspond.c - SYNs of ours that wait for an answer, and who answered.
 */
#include "mxtrap/correspond.h"

#include "mxtrap/siphash.h"

#define EVICT_STEPS 64

bool
correspond_init(struct correspond *c, const uint8_t hash_key[16])
{
	*c = (struct correspond){ .hash_key = hash_key };
	c->asked = table_alloc(CORRESPOND_ASKED, sizeof(c->asked[0]));
	c->hosts = table_alloc(CORRESPOND_MAX, sizeof(c->hosts[0]));
	if (c->asked == NULL || c->hosts == NULL || !index_init(&c->asked_index, CORRESPOND_ASKED) ||
	    !index_init(&c->host_index, CORRESPOND_MAX)) {
		correspond_free(c);
		return false;
	}
	return true;
}

void
correspond_free(struct correspond *c)
{
	table_free(c->asked);
	table_free(c->hosts);
	index_free(&c->asked_index);
	index_free(&c->host_index);
	*c = (struct correspond){ .n = 0 };
}

size_t
correspond_bytes(const struct correspond *c)
{
	return CORRESPOND_ASKED * sizeof(c->asked[0]) + CORRESPOND_MAX * sizeof(c->hosts[0]) +
	    index_bytes(&c->asked_index) + index_bytes(&c->host_index);
}

static uint32_t
asked_hash(const struct correspond *c, const struct addr *them, uint16_t port)
{
	return (uint32_t)siphash13(c->hash_key, addr_half(them, 0) + port, addr_half(them, 1));
}

static uint32_t
host_hash(const struct correspond *c, sender_key key)
{
	return (uint32_t)siphash13(c->hash_key, key, 3);
}

/* The newest SYN that this would be the answer to. */
static struct correspond_asked *
find_asked(struct correspond *c, const struct addr *us, const struct addr *them, uint16_t port, uint32_t isn, uint32_t hash)
{
	uint32_t at = index_home(&c->asked_index, hash), slot;

	while ((slot = index_next(&c->asked_index, hash, &at)) != TABLE_NONE) {
		struct correspond_asked *a = &c->asked[slot];

		if (a->port == port && a->isn == isn && addr_equal(&a->them, them) && addr_equal(&a->us, us))
			return a;
	}
	return NULL;
}

static void
drop_asked(struct correspond *c, struct correspond_asked *a)
{
	index_remove(&c->asked_index, a->hash, (uint32_t)(a - c->asked));
	a->time_us = 0;
}

void
correspond_syn(struct correspond *c, const struct addr *us, const struct addr *them, uint16_t port, uint32_t isn,
    int64_t now_us)
{
	uint32_t hash = asked_hash(c, them, port);
	struct correspond_asked *a = find_asked(c, us, them, port, isn, hash);

	if (a != NULL)
		return;			/* sent again: its first time counts */
	a = &c->asked[c->asked_at];
	if (a->time_us != 0) {
		c->overtaken += now_us - a->time_us < CORRESPOND_WAIT_US;
		drop_asked(c, a);
	}
	*a = (struct correspond_asked){
		.time_us = now_us, .us = *us, .them = *them, .isn = isn, .hash = hash, .port = port,
	};
	index_put(&c->asked_index, hash, c->asked_at);
	c->asked_at = c->asked_at + 1 == CORRESPOND_ASKED ? 0 : c->asked_at + 1;
}

static struct correspondent *
find_host(const struct correspond *c, sender_key key, uint32_t hash)
{
	uint32_t at = index_home(&c->host_index, hash), slot;

	while ((slot = index_next(&c->host_index, hash, &at)) != TABLE_NONE)
		if (c->hosts[slot].key == key)
			return &c->hosts[slot];
	return NULL;
}

/* A free record; when there is none, the longest silent of some, round the table. */
static struct correspondent *
make_host(struct correspond *c, sender_key key, uint32_t hash)
{
	struct correspondent *h;

	if (c->n < CORRESPOND_MAX) {
		h = &c->hosts[c->n++];
	} else {
		h = &c->hosts[c->hand];
		for (uint32_t i = 1; i < EVICT_STEPS; i++) {
			struct correspondent *other = &c->hosts[(c->hand + i) % CORRESPOND_MAX];

			if (other->answered_s < h->answered_s)
				h = other;
		}
		c->hand = (c->hand + EVICT_STEPS) % CORRESPOND_MAX;
		index_remove(&c->host_index, host_hash(c, h->key), (uint32_t)(h - c->hosts));
		c->evicted++;
	}
	*h = (struct correspondent){ .key = key };
	index_put(&c->host_index, hash, (uint32_t)(h - c->hosts));
	return h;
}

enum correspond_result
correspond_synack(struct correspond *c, const struct addr *us, const struct addr *them, uint16_t port, uint32_t ack,
    int64_t now_us)
{
	struct correspond_asked *a = find_asked(c, us, them, port, ack - 1, asked_hash(c, them, port));
	uint32_t now_s = (uint32_t)(now_us / 1000000), hash;
	sender_key key = addr_sender(them);
	struct correspondent *h;
	bool fresh;

	if (a == NULL || now_us - a->time_us >= CORRESPOND_WAIT_US)
		return CORRESPOND_NO;
	drop_asked(c, a);
	c->answers++;
	hash = host_hash(c, key);
	h = find_host(c, key, hash);
	if (h == NULL)
		h = make_host(c, key, hash);
	fresh = h->answered_s == 0 || now_s - h->answered_s >= CORRESPOND_TERM_S;
	h->answered_s = now_s;
	if (!fresh && now_s - h->told_s < CORRESPOND_TELL_S)
		return CORRESPOND_KNOWN;
	h->told_s = now_s;
	return fresh ? CORRESPOND_NEW : CORRESPOND_TELL;
}

bool
correspond_has(const struct correspond *c, sender_key key, uint32_t now_s)
{
	const struct correspondent *h = c->n != 0 ? find_host(c, key, host_hash(c, key)) : NULL;

	return h != NULL && now_s - h->answered_s < CORRESPOND_TERM_S;
}

void
correspond_restore(struct correspond *c, sender_key key, uint32_t answered_s)
{
	uint32_t hash = host_hash(c, key);
	struct correspondent *h = find_host(c, key, hash);

	if (h == NULL)
		h = make_host(c, key, hash);
	h->answered_s = h->told_s = answered_s;
}
