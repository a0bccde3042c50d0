/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * honest.c - how an MTA that keeps the rules spends four days with a ladder, packet by packet.
 */
#include "honest.h"

#include <stdlib.h>

#define SECOND	 1000000LL
#define MINUTE	 (60 * SECOND)
#define NEVER_US INT64_MIN

enum habit {
	HABIT_FIRST_FAMILY_6 = 1 << 0,	/* IPv6 first (all but Postfix and mx-connect) */
	HABIT_STOPS_AT_451   = 1 << 1,	/* OpenSMTPD, Courier, Haraka */
	HABIT_TWO_SESSIONS   = 1 << 2,	/* Postfix: gives up after two deferrals */
	HABIT_FIVE	     = 1 << 3,	/* Postfix, Exim: five addresses a delivery */
	HABIT_TOUCHES_AGAIN  = 1 << 4,	/* OpenSMTPD: the first rung each 15 s while it waits */
};

struct sender_of_town {
	unsigned habits, stack;
	struct addr v4[TOWN_ADDRS], v6[TOWN_ADDRS];	/* a pool: which one is seen is up to the NAT */
	unsigned n_v4, n_v6;
	bool	 by_destination;	/* the NAT picks by destination; else anew each time */
	int64_t	 timeout_us, pause_us, rtt_us;
	int64_t	 memory_us;		/* of dead hosts */
	enum real_state own_path;	/* REAL_UP: nothing is wrong with it */
	int64_t	 dead_until[TOWN_TARGETS][2];
};

void
honest_note(struct addr **list, size_t *n, const struct addr *a)
{
	if ((*n & (*n - 1)) == 0)
		*list = realloc(*list, (*n == 0 ? 1 : *n * 2) * sizeof(**list));
	if (*list == NULL)
		abort();
	(*list)[(*n)++] = *a;
}

static void
send_packet(struct town *t, int64_t at, enum packet_kind kind, const struct addr *src, const struct addr *dst,
    uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack, unsigned stack)
{
	static const uint64_t layouts[] = { 0x47283, 0x1283, 0x3, 0x42813 };
	struct packet *p;

	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 4096 : t->cap * 2;
		t->packets = realloc(t->packets, t->cap * sizeof(*t->packets));
		if (t->packets == NULL)
			abort();
	}
	p = &t->packets[t->n++];
	*p = (struct packet){ .time_us = at, .src = *src, .dst = *dst, .sport = sport, .dport = dport, .seq = seq,
		.ack = ack, .kind = (uint8_t)kind };
	if (kind == PACKET_SYN)
		p->fp = (struct fingerprint){ .version = addr_is_v4(src) ? 4 : 6, .ttl = 55,
			.layout = layouts[stack % 4], .wscale = (uint8_t)(stack % 2 ? 7 : 8),
			.mss = addr_is_v4(src) ? 1460 : 1440, .window = 64240 };
	/* Now and then the mirror port shows a packet twice. */
	if (!t->forging && town_random(t, 64) == 0)
		send_packet(t, at + 30 + town_random(t, 1000), kind, src, dst, sport, dport, seq, ack, stack);
}

struct conversation {
	uint16_t port;
	uint32_t isn, theirs;
};

static struct conversation
new_conversation(struct town *t)
{
	t->port = (uint16_t)(t->port == 65535 ? 1024 : t->port + 1);
	return (struct conversation){ t->port, town_random(t, UINT32_MAX), town_random(t, UINT32_MAX) };
}

/* SYNs after 0, 1, 2, 3, 4, 5, 7, 11, 19, 35 ... s until the timeout, or until one is answered.  The last one's time. */
static int64_t
send_syns(struct town *t, int64_t at, const struct addr *src, const struct target *target, unsigned stack,
    struct conversation c, unsigned lost, int64_t timeout_us)
{
	int64_t begin = at, wait = SECOND;

	for (unsigned i = 0;; i++) {
		send_packet(t, at, PACKET_SYN, src, &target->addr, c.port, 25, c.isn, 0, stack);
		if (i == lost)
			return at;
		if (i >= 5)
			wait *= 2;
		if (at + wait - begin >= timeout_us)
			return begin + timeout_us;
		at += wait + town_random(t, 20000);
	}
}

static void
handshake(struct town *t, int64_t at, int64_t rtt_us, const struct addr *src, const struct target *target,
    struct conversation c)
{
	send_packet(t, at + 15, PACKET_SYNACK, &target->addr, src, 25, c.port, c.theirs, c.isn + 1, 0);
	send_packet(t, at + 15 + rtt_us, PACKET_ACK, src, &target->addr, c.port, 25, c.isn + 1, c.theirs + 1, 0);
}

void
honest_connect(struct town *t, int64_t at, const struct addr *src, const struct target *target, unsigned stack)
{
	struct conversation c = new_conversation(t);

	handshake(t, send_syns(t, at, src, target, stack, c, 0, SECOND), 20000, src, target, c);
}

void
honest_forge(struct town *t, int64_t at, const struct addr *src, const struct target *target, unsigned how)
{
	struct conversation c = new_conversation(t);
	unsigned stack = town_random(t, 4);

	t->forging = true;
	if (how == 3) {
		send_packet(t, at, PACKET_RST, src, &target->addr, c.port, 25, c.isn, 0, stack);
	} else {
		send_packet(t, at, PACKET_SYN, src, &target->addr, c.port, 25, c.isn, 0, stack);
		if (how == 1)
			for (int i = 1; i < 5; i++)
				send_packet(t, at + i * SECOND, PACKET_SYN, src, &target->addr, c.port, 25, c.isn, 0, stack);
		/* Our side answers; the forger cannot see the number, and guesses. */
		if (target->role == ROLE_NOLISTING)
			send_packet(t, at + 15, PACKET_RST, &target->addr, src, 25, c.port, 0, c.isn + 1, stack);
		else
			send_packet(t, at + 15, PACKET_SYNACK, &target->addr, src, 25, c.port, c.theirs, c.isn + 1, stack);
		if (how == 2)
			for (int i = 0; i < 8; i++)
				send_packet(t, at + 1000 + i, PACKET_ACK, src, &target->addr, c.port, 25, c.isn + 1,
				    c.theirs + 2 + town_random(t, UINT32_MAX - 2), stack);
	}
	t->forging = false;
}

static enum real_state
real_at(const struct town *t, int64_t at)
{
	enum real_state state = REAL_UP;

	for (size_t i = 0; i < t->n_spells && t->spells[i].from_us <= at; i++)
		state = t->spells[i].state;
	return state;
}

static enum real_state
answer_of(const struct town *t, const struct sender_of_town *s, const struct target *target, int64_t at)
{
	switch ((enum role)target->role) {
	case ROLE_NOLISTING:
		return REAL_REFUSES;
	case ROLE_REAL:
		return s->own_path != REAL_UP ? s->own_path : real_at(t, at);
	case ROLE_BOGUS:
	case ROLE_CONTROL:
		break;
	}
	return REAL_DEFERS;		/* it connects, and is reset */
}

static const struct addr *
source_for(struct town *t, const struct sender_of_town *s, const struct target *target, unsigned number)
{
	bool v4 = addr_is_v4(&target->addr);
	unsigned n = v4 ? s->n_v4 : s->n_v6, at = s->by_destination ? number * 7 + s->stack : town_random(t, n);

	return v4 ? &s->v4[at % n] : &s->v6[at % n];
}

/*
 * One attempt.  When it is over, at *at; what came of it.
 */
static enum real_state
attempt(struct town *t, struct sender_of_town *s, const struct target *target, unsigned number, int64_t *at)
{
	const struct addr *src = source_for(t, s, target, number);
	enum real_state state = answer_of(t, s, target, *at);
	struct conversation c = new_conversation(t);
	unsigned lost = town_random(t, 50) == 0 ? 1 : 0;
	int64_t last = send_syns(t, *at, src, target, s->stack, c, state == REAL_SILENT ? UINT32_MAX : lost, s->timeout_us);

	switch (state) {
	case REAL_SILENT:
		*at = last;
		return state;
	case REAL_REFUSES:
		send_packet(t, last + 15, PACKET_RST, &target->addr, src, 25, c.port, 0, c.isn + 1, 0);
		*at = last + s->rtt_us + s->pause_us;
		return state;
	case REAL_DEFERS:
	case REAL_UP:
		break;
	}
	handshake(t, last, s->rtt_us, src, target, c);
	*at = last + 3 * s->rtt_us + 50000 + town_random(t, 800000);
	return state;
}

/* The targets in the order of this climb: by rung, shuffled within one, the families as the habit is. */
static unsigned
order(struct town *t, const struct sender_of_town *s, struct target out[static TOWN_TARGETS])
{
	const struct mxset *set = &t->world.ladder.sets[0];
	unsigned n = 0;
	size_t at[5];

	for (size_t i = 0; i < set->n_exchangers; i++)
		at[i] = i;
	for (size_t i = 0; i + 1 < set->n_exchangers; i++)
		if (set->exchangers[i].preference == set->exchangers[i + 1].preference && town_random(t, 2)) {
			at[i] = i + 1;
			at[i + 1] = i;
		}
	for (size_t i = 0; i < set->n_exchangers; i++) {
		const struct exchanger *x = &set->exchangers[at[i]];
		bool six_first = (s->habits & HABIT_FIRST_FAMILY_6) != 0 || town_random(t, 2);

		for (int k = 0; k < 2; k++) {
			bool v4 = (k == 0) != six_first;

			if (v4 ? s->n_v4 == 0 : s->n_v6 == 0)
				continue;
			out[n++] = (struct target){ .addr = x->addrs[v4 ? 0 : 1], .role = x->role, .exchanger = (uint16_t)at[i] };
		}
	}
	return n;
}

/* One delivery.  True: the mail is out. */
static bool
climb(struct town *t, struct sender_of_town *s, int64_t at)
{
	struct target targets[TOWN_TARGETS];
	unsigned n = order(t, s, targets), sessions = 0, tried = 0;

	for (unsigned i = 0; i < n; i++) {
		bool v4 = addr_is_v4(&targets[i].addr);
		int64_t *dead = &s->dead_until[targets[i].exchanger][v4], begin = at;

		if (*dead > at)
			continue;
		if ((s->habits & HABIT_FIVE) != 0 && tried == 5)
			return false;
		tried++;
		switch (attempt(t, s, &targets[i], targets[i].exchanger, &at)) {
		case REAL_UP:
			return true;
		case REAL_DEFERS:
			sessions++;
			if (targets[i].role == ROLE_REAL && ((s->habits & HABIT_STOPS_AT_451) != 0 ||
			    ((s->habits & HABIT_TWO_SESSIONS) != 0 && sessions == 2)))
				return false;
			break;
		case REAL_SILENT:
		case REAL_REFUSES:
			*dead = at + s->memory_us;
			if ((s->habits & HABIT_TOUCHES_AGAIN) != 0 && i > 0 && at - begin > 20 * SECOND)
				for (int64_t again = begin + 15 * SECOND; again < at; again += 15 * SECOND) {
					int64_t scratch = again;

					(void)attempt(t, s, &targets[0], targets[0].exchanger, &scratch);
				}
			break;
		}
	}
	return false;
}

static int64_t
next_retry(struct town *t, unsigned schedule, unsigned try, int64_t age_us)
{
	switch (schedule) {
	case 0:		/* Postfix */
		return (try < 4 ? 300LL << try : 4000) * SECOND;
	case 1:		/* Exim */
		return (age_us < 120 * MINUTE ? 15 : age_us < 960 * MINUTE ? 60 + town_random(t, 300) : 360) * MINUTE;
	case 2:		/* OpenSMTPD, qmail */
		return 400LL * (2 * try + 1) * SECOND;
	case 3:		/* Sendmail */
		return 10 * MINUTE;
	default:
		return (int64_t)(1 + town_random(t, 240)) * MINUTE;
	}
}

/* Where its addresses lie: one, a NAT's in one network, or a provider's named pool. */
static void
settle(struct town *t, struct sender_of_town *s, unsigned i)
{
	unsigned kind = town_random(t, 5), families = 1 + town_random(t, 3);
	unsigned n = kind < 2 ? 1 : 2 + town_random(t, TOWN_ADDRS - 2);

	s->by_destination = kind == 2;
	for (unsigned k = 0; k < n; k++) {
		unsigned far = kind == 4 ? k : 0;	/* the provider has a network for each address */
		const uint8_t v4[4] = { (uint8_t)(20 + far), (uint8_t)(i >> 8), (uint8_t)i, (uint8_t)(5 + k) };
		const uint8_t v6[16] = { 0x2a, 0x01, 0x01, (uint8_t)far, (uint8_t)(i >> 8), (uint8_t)i, 0, (uint8_t)k, 0, 0,
			0, 0, 0, 0, 0, 1 };

		if (families & 1)
			s->v4[s->n_v4++] = addr_from_v4(v4);
		if (families & 2)
			s->v6[s->n_v6++] = addr_from_v6(v6);
	}
	for (unsigned k = 0; k < s->n_v4 + s->n_v6; k++) {
		const struct addr *a = k < s->n_v4 ? &s->v4[k] : &s->v6[k - s->n_v4];

		honest_note(&t->honest, &t->n_honest, a);
		if (kind == 4 && t->world.options.n_pools < 64)
			t->world.pools[t->world.options.n_pools++] = (struct pool_member){
				prefix_of(a, addr_is_v4(a) ? 120 : 48), (uint16_t)(i + 1) };
	}
	/* What no pool can name any more must lie in one network. */
	if (kind == 4 && t->world.options.n_pools == 64)
		s->n_v4 = s->n_v4 > 0, s->n_v6 = s->n_v6 > 0;
}

static void
live(struct town *t, unsigned i)
{
	static const int64_t timeouts[] = { 30, 60, 120, 127, 134 };
	static const int64_t memories[] = { 0, 0, 15, 30, 60, 360 };
	struct sender_of_town s = { .habits = town_random(t, 32), .stack = town_random(t, 4) };
	unsigned schedule = town_random(t, 5);
	int64_t at = WORLD_BEGIN_US + (int64_t)town_random(t, 86400) * SECOND;
	int64_t end = WORLD_BEGIN_US + TOWN_DAYS * 86400 * SECOND;

	s.timeout_us = timeouts[town_random(t, 5)] * SECOND;
	s.memory_us = memories[town_random(t, 6)] * MINUTE;
	s.pause_us = town_random(t, 4) == 0 ? 2 * SECOND : 0;
	s.rtt_us = 2000 + town_random(t, 200000);
	s.own_path = town_random(t, 8) == 0 ? (enum real_state)(1 + town_random(t, 3)) : REAL_UP;
	for (size_t k = 0; k < TOWN_TARGETS; k++)
		s.dead_until[k][0] = s.dead_until[k][1] = NEVER_US;
	settle(t, &s, i);
	while (at < end) {		/* messages, and for each its retries */
		int64_t born = at;
		unsigned try = 0;

		while (at < end && !climb(t, &s, at))
			at += next_retry(t, schedule, try++, at - born) + (int64_t)town_random(t, 30) * SECOND + 5 * MINUTE;
		at += (int64_t)(5 + town_random(t, 12 * 60)) * MINUTE;
	}
}

void
town_honest(struct town *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		live(t, i);
}
