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
	h->due_us = INT64_MAX;
	return h->targets != NULL;
}

void
health_anew(struct health *h)
{
	struct health_target *targets = h->targets;

	memset(targets, 0, h->ladder->n_targets * sizeof(*targets));
	*h = (struct health){ .ladder = h->ladder, .targets = targets, .due_us = INT64_MAX };
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
health_is_down(const struct health_target *t)
{
	return t->down || t->probe_down || t->deferring;
}

static void
set_due(struct health *h)
{
	h->due_us = INT64_MAX;
	for (size_t i = 0; i < h->ladder->n_targets; i++)
		if (h->targets[i].check_us != 0 && h->targets[i].check_us < h->due_us)
			h->due_us = h->targets[i].check_us;
}

enum health_news
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
		return HEALTH_SAME;
	if (t->last_proven_us != 0 && now_us - t->last_proven_us <= HEALTH_WINDOW_US) {
		/* If it was the last one before an outage, the minute without any ends only later. */
		t->check_us = t->last_proven_us + HEALTH_WINDOW_US + 1;
		if (t->check_us < h->due_us)
			h->due_us = t->check_us;
		return HEALTH_SAME;
	}
	t->down = true;
	t->check_us = 0;
	return HEALTH_DOWN;
}

uint32_t
health_due(struct health *h, int64_t now_us)
{
	for (uint32_t i = 0; i < h->ladder->n_targets; i++) {
		struct health_target *t = &h->targets[i];
		size_t n = 0;

		if (t->check_us == 0 || t->check_us > now_us)
			continue;
		t->check_us = 0;
		for (size_t k = 0; k < HEALTH_NETWORKS; k++)
			n += t->unanswered[k].time_us != 0 && now_us - t->unanswered[k].time_us <= HEALTH_WINDOW_US;
		if (t->down || n < HEALTH_NETWORKS || now_us - t->last_proven_us <= HEALTH_WINDOW_US)
			continue;
		t->down = true;
		return i;
	}
	set_due(h);
	return UINT32_MAX;
}

/* It is back, unless the other witness still says that it is not. */
static enum health_news
back(struct health_target *t, bool was_down, int64_t now_us)
{
	if (!was_down || health_is_down(t))
		return HEALTH_SAME;
	t->doubt_until_us = now_us + HEALTH_AFTER_US;
	return HEALTH_BACK;
}

enum health_news
health_proven(struct health *h, uint32_t target, int64_t now_us)
{
	struct health_target *t = &h->targets[target];
	bool was_down = t->down;

	t->last_proven_us = now_us;
	t->down = false;
	return back(t, was_down, now_us);
}

enum health_news
health_probe(struct health *h, uint32_t target, enum probe_result result, int64_t now_us, int64_t good_until_us)
{
	struct health_target *t = &h->targets[target];
	bool was_down = health_is_down(t), saw_it = t->probe_down || t->deferring;

	t->probe_us = now_us;
	t->probe_good_until_us = good_until_us;
	t->probe_last = (uint8_t)result;
	switch (result) {
	case PROBE_OK:
		t->probe_fails = 0;
		t->probe_down = t->deferring = false;
		if (saw_it)
			t->down = false;
		return back(t, was_down, now_us);
	case PROBE_REFUSED:
	case PROBE_SILENT:
	case PROBE_MUTE:
		if (t->probe_fails < UINT8_MAX)
			t->probe_fails++;
		t->probe_down = t->probe_down || t->probe_fails >= HEALTH_PROBES_FAILED;
		break;
	case PROBE_DEFERS:
	case PROBE_REJECTS:
		t->deferring = true;
		break;
	case PROBE_N_RESULTS:
		break;
	}
	return !was_down && health_is_down(t) ? HEALTH_DOWN : HEALTH_SAME;
}

bool
health_blind(struct health *h, int64_t from_us, int64_t to_us)
{
	int64_t sum = 0;
	size_t n = 0;

	/* What grew together with it goes into it; what is half an hour ago is forgotten. */
	for (size_t i = 0; i < h->n_blind; i++) {
		int64_t from = h->blind[i].from_us, to = h->blind[i].to_us;

		if (from <= to_us && to >= from_us) {
			from_us = from < from_us ? from : from_us;
			to_us = to > to_us ? to : to_us;
		} else if (to > to_us - HEALTH_MEMORY_US) {
			h->blind[n].from_us = from;
			h->blind[n++].to_us = to;
		}
	}
	if (n == HEALTH_BLIND_SPANS) {
		from_us = h->blind[n - 1].from_us < from_us ? h->blind[n - 1].from_us : from_us;
		n--;
	}
	h->blind[n].from_us = from_us;
	h->blind[n++].to_us = to_us;
	h->n_blind = n;
	for (size_t i = 0; i < n; i++) {
		int64_t from = h->blind[i].from_us, oldest = to_us - HEALTH_MEMORY_US;

		sum += h->blind[i].to_us - (from > oldest ? from : oldest);
	}
	if (sum <= HEALTH_BLIND_US)
		return false;
	h->blind_until_us = to_us + HEALTH_MEMORY_US;
	return true;
}

void
health_unseen(struct health *h, int64_t to_us)
{
	if (h->blind_until_us < to_us + HEALTH_UNSEEN_US)
		h->blind_until_us = to_us + HEALTH_UNSEEN_US;
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

void
health_told(struct health *h, uint32_t target, int64_t now_us)
{
	h->targets[target].told_us = now_us;
}

bool
health_unknown(const struct health *h, uint32_t target, int64_t now_us)
{
	const struct health_target *t = &h->targets[target];
	enum witness witness = (enum witness)h->ladder->targets[target].witness;

	if (witness == WITNESS_WIRE)
		return false;
	if (witness == WITNESS_POSTFIX && (t->told_us == 0 || now_us - t->told_us > HEALTH_TOLD_US))
		return true;
	return now_us >= t->probe_good_until_us;
}

uint16_t
health_doubts(const struct health *h, uint16_t set, int64_t now_us)
{
	uint16_t doubts = 0;
	bool real = false, known = false;

	for (uint32_t i = 0; i < h->ladder->n_targets; i++) {
		const struct target *t = &h->ladder->targets[i];

		if (t->role != ROLE_REAL || t->set != set)
			continue;
		real = true;
		known = known || !health_unknown(h, i, now_us);
		if (health_is_down(&h->targets[i]) || now_us < h->targets[i].doubt_until_us)
			doubts |= DOUBT_REAL_DOWN;
	}
	if (real && !known)
		doubts |= DOUBT_REAL_UNKNOWN;
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
