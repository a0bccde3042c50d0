/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_network.c - how many new senders one IPv6 /48 may bring in an hour.
 *
 * A single host may own 65,536 /64s and forge as many SYNs from each: beyond a bound, who is
 * not proven gets no record.  Its attempts are tallied, and what it does for the order memory
 * of its network is kept; if it completes a handshake it is a sender like any other.
 */
#include "trap_int.h"

#define NETWORKS 16384			/* counted at the same time; a power of two */

bool
trap_network_init(struct trap *t)
{
	t->networks = table_alloc(NETWORKS, sizeof(t->networks[0]));
	return t->networks != NULL;
}

size_t
trap_network_bytes(void)
{
	return NETWORKS * sizeof(struct network);
}

bool
trap_network_full(struct trap *t, sender_key key)
{
	uint64_t prefix = key >> 16;
	uint32_t hour = now_s(t) / 3600;
	struct network *n;

	if (t->o.limits.new_per_48 == 0 || sender_is_v4(key))
		return false;
	n = &t->networks[siphash13(t->o.hash_key, prefix, 2) & (NETWORKS - 1)];
	/* Of two in one place the later one wins, and the first begins anew: in favour of the sender. */
	if (n->prefix != prefix || n->hour != hour)
		*n = (struct network){ .prefix = prefix, .hour = hour };
	if (n->n < t->o.limits.new_per_48) {
		n->n++;
		return false;
	}
	t->counters.networks_capped++;
	return true;
}

void
trap_take_capped(struct trap *t, const struct trap_work *w, const struct packet *p)
{
	const struct sender nobody = { .key = w->key };
	struct attempt *a = attempt_find(&t->attempts, w->attempt_hash, w->key, w->host, w->target_number, w->sport,
	    &p->seq);

	if (a != NULL)
		return;			/* the same SYN again */
	/* Its record's number is nobody's: the key there is another. */
	a = attempt_add(&t->attempts, w->attempt_hash, 0, w->key, w->host, w->target_number, w->sport, p->seq, t->now_us,
	    trap_leaving, t);
	a->flags |= ATTEMPT_TALLIED | ATTEMPT_CAPPED;
	a->fingerprint = trap_fingerprint(t, &p->fp);
	t->counters.attempts++;
	trap_tally_of(t, w->target_number)->attempts++;
	if (w->target->role != ROLE_CONTROL)
		trap_pool_touch(t, &nobody, w->target->set, (enum role)w->target->role, w->pool_key, w->pool_hash);
}

uint32_t
trap_adopt(struct trap *t, const struct trap_work *w, struct attempt *a)
{
	uint32_t hash = sender_hash(&t->senders, a->key), number = sender_find(&t->senders, a->key, hash);
	uint64_t key = pool_key(a->key, w->target->set);
	struct packet p = { .time_us = t->now_us, .src = sender_addr(a->key, a->host), .dst = w->target->addr,
		.sport = a->sport, .dport = 25, .kind = PACKET_SYN };

	a->flags &= (uint8_t)~ATTEMPT_CAPPED;
	if (number == SENDER_NONE)
		number = trap_new_sender(t, w, a->key, a->host, hash);
	if (number == SENDER_NONE)
		return SENDER_NONE;
	a->sender = number;
	sender_dirty(&t->senders, number);
	t->senders.records[number].fingerprint = a->fingerprint;
	if (a->fingerprint != 0)
		p.fp = t->fingerprints[a->fingerprint - 1];
	/* Only now it is known to have come: its touch and its proof are at one time. */
	if (w->target->role != ROLE_CONTROL)
		(void)trap_touch(t, number, a, &p, key, pool_hash(&t->pools, key));
	return number;
}
