/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * health.c - spans of time in which nobody is judged.
 */
#include "mxtrap/health.h"

#include <stdlib.h>

#define MINUTE_US    60000000LL
#define N_MINUTES    30

bool
health_init(struct health *h, const struct ladder *ladder)
{
	*h = (struct health){ .ladder = ladder };
	h->targets = calloc(ladder->n_targets + 1, sizeof(h->targets[0]));
	return h->targets != NULL;
}

void
health_free(struct health *h)
{
	free(h->targets);
	*h = (struct health){ 0 };
}

void
health_syn(struct health *h, uint32_t target, int64_t now_us)
{
	h->targets[target].last_syn_us = now_us;
}

bool
health_unanswered(struct health *h, uint32_t target, uint64_t network, int64_t now_us)
{
	struct health_target *t = &h->targets[target];
	size_t oldest = 0, n = 0;
	bool known = false;

	t->last_unanswered_us = now_us;
	for (size_t i = 0; i < HEALTH_NETWORKS; i++) {
		if (t->unanswered[i].network == network && t->unanswered[i].time_us != 0) {
			t->unanswered[i].time_us = now_us;
			known = true;
		}
		if (t->unanswered[i].time_us < t->unanswered[oldest].time_us)
			oldest = i;
	}
	if (!known) {
		t->unanswered[oldest].network = network;
		t->unanswered[oldest].time_us = now_us;
	}
	for (size_t i = 0; i < HEALTH_NETWORKS; i++)
		n += t->unanswered[i].time_us != 0 && now_us - t->unanswered[i].time_us <= HEALTH_WINDOW_US;
	if (t->down || n < HEALTH_NETWORKS)
		return false;
	if (t->last_proven_us != 0 && now_us - t->last_proven_us <= HEALTH_WINDOW_US)
		return false;
	t->down = true;
	return true;
}

bool
health_proven(struct health *h, uint32_t target, int64_t now_us)
{
	struct health_target *t = &h->targets[target];

	t->last_proven_us = now_us;
	if (!t->down)
		return false;
	t->down = false;
	t->doubt_until_us = now_us + HEALTH_AFTER_US;
	return true;
}

void
health_packets(struct health *h, uint64_t seen, uint64_t dropped, int64_t now_us)
{
	int64_t minute = now_us / MINUTE_US;
	size_t at = (size_t)(minute % N_MINUTES);

	if (minute != h->drops_minute) {
		for (size_t i = 0; i < N_MINUTES; i++) {
			if (minute - h->drops[i].minute < N_MINUTES)
				continue;
			h->seen -= h->drops[i].seen;
			h->dropped -= h->drops[i].dropped;
			h->drops[i].seen = h->drops[i].dropped = 0;
		}
		h->drops_minute = minute;
	}
	h->drops[at].minute = minute;
	h->drops[at].seen += seen;
	h->drops[at].dropped += dropped;
	h->seen += seen;
	h->dropped += dropped;
}

uint16_t
health_doubts(const struct health *h, uint16_t set, int64_t now_us)
{
	uint16_t doubts = 0;

	for (size_t i = 0; i < h->ladder->n_targets; i++) {
		const struct target *t = &h->ladder->targets[i];

		if (t->role != ROLE_REAL || t->set != set)
			continue;
		if (h->targets[i].down || now_us < h->targets[i].doubt_until_us)
			doubts |= DOUBT_REAL_DOWN;
	}
	if (now_us < h->grace_until_us)
		doubts |= DOUBT_START_GRACE;
	if (now_us < h->blind_until_us)
		doubts |= DOUBT_BLIND;
	if (now_us < h->overflow_until_us)
		doubts |= DOUBT_OVERFLOW;
	if (now_us < h->step_until_us)
		doubts |= DOUBT_CLOCK_STEP;
	if (now_us < h->full_until_us)
		doubts |= DOUBT_TABLE_FULL;
	if (now_us < h->layout_until_us)
		doubts |= DOUBT_NEW_LAYOUT;
	if (h->dropped * 100 > h->seen + h->dropped)
		doubts |= DOUBT_DROPS;
	return doubts;
}
