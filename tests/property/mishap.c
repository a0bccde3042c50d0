/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mishap.c - an interface that is gone, packets that are dropped, a watch that is killed.
 *
 * What is hidden is hidden for good; what is told of it comes as late as the daemon tells it:
 * it looks each second, and says again each 50 s that an interface is still gone.
 */
#include "mishap.h"

#include <string.h>

#define SECOND 1000000LL
#define HOUR   (3600 * SECOND)
#define AGAIN  (50 * SECOND)

enum mishap_kind { MISHAP_UNCAPTURED, MISHAP_DROPS, MISHAP_KILLED, MISHAP_KINDS };

struct mishap {
	enum mishap_kind kind;
	int64_t from_us, to_us;
	int64_t next_us;	/* when something is told, or stored */
	unsigned percent;	/* dropped */
	int64_t dropped;	/* since it was told */
	bool	stored;
};

static void
think_of_one(struct town *t, struct mishap *m, int64_t after_us)
{
	*m = (struct mishap){ .kind = (enum mishap_kind)town_random(t, MISHAP_KINDS), .percent = 2 + town_random(t, 60),
		.from_us = after_us + (int64_t)(1 + town_random(t, 4 * 3600)) * SECOND + town_random(t, 1000000) };
	switch (m->kind) {
	case MISHAP_UNCAPTURED:
		m->to_us = m->from_us + (1 + town_random(t, town_random(t, 2) ? 5 : 600)) * SECOND + town_random(t, 1000000);
		m->next_us = m->from_us + town_random(t, 1000000);
		break;
	case MISHAP_DROPS:
		m->to_us = m->from_us + (int64_t)(1 + town_random(t, 300)) * SECOND;
		m->next_us = m->from_us + SECOND;
		break;
	case MISHAP_KILLED:
	case MISHAP_KINDS:
		/* Stored each second; found dead at once or after two seconds, and a moment to start. */
		m->to_us = m->from_us + 300000 + (town_random(t, 2) ? 2 * SECOND : 0) + town_random(t, 500000);
		m->next_us = m->from_us - town_random(t, 1000000);
		break;
	}
}

static void
tell(struct town *t, enum event_kind kind, int64_t at_us, int64_t since_us, int64_t value)
{
	struct event e = { .kind = (uint8_t)kind, .time_us = at_us, .since_us = since_us, .value = value,
		.target = UINT32_MAX };

	world_event(&t->world, &e);
}

/* What is due before a packet of now.  False: it could not start again. */
static bool
befall(struct town *t, struct mishap *m, int64_t now_us)
{
	while (m->next_us <= now_us) {
		int64_t at = m->next_us;

		switch (m->kind) {
		case MISHAP_UNCAPTURED:
			tell(t, EVENT_BLIND, at, m->from_us - SECOND, 1);
			m->next_us = at < m->to_us && at + AGAIN > m->to_us ? m->to_us + town_random(t, 1000000) : at + AGAIN;
			break;
		case MISHAP_DROPS:
			if (m->dropped > 0)
				tell(t, EVENT_DROPS, at, 0, m->dropped);
			m->dropped = 0;
			m->next_us = at + SECOND;
			break;
		case MISHAP_KILLED:
		case MISHAP_KINDS:
			if (!m->stored) {
				world_store(&t->world, at);
				m->stored = true;
				m->next_us = m->to_us;
				break;
			}
			if (!world_begin_again(&t->world, at))
				return false;
			if (m->to_us - m->from_us > 2 * SECOND)
				tell(t, EVENT_BLIND, at, m->from_us - SECOND, 0);
			m->next_us = at + 1;
			break;
		}
		if (at >= m->to_us) {
			t->n_mishaps++;
			think_of_one(t, m, at);
		}
	}
	return true;
}

static bool
hides(struct town *t, struct mishap *m, const struct packet *p)
{
	if (p->time_us < m->from_us || p->time_us >= m->to_us)
		return false;
	if (m->kind == MISHAP_DROPS && town_random(t, 100) >= m->percent)
		return false;
	m->dropped++;
	t->unseen++;
	return true;
}

const char *
mishap_play(struct town *t)
{
	struct mishap m;

	t->n_mishaps = 0;
	t->unseen = 0;
	think_of_one(t, &m, WORLD_BEGIN_US);
	for (size_t i = 0; i < t->n; i++) {
		if (!befall(t, &m, t->packets[i].time_us))
			return "could not start again";
		if (!hides(t, &m, &t->packets[i]))
			trap_packets(t->world.trap, &t->packets[i], 1);
	}
	trap_settle(t->world.trap);
	return trap_counters(t->world.trap)->out_of_order == 0 ? NULL : "packets out of order";
}
