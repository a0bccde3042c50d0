/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * health.c - spans of time in which nobody is judged.
 */
#include "mxtrap/health.h"

#include <stdlib.h>

#define MINUTE_US    60000000LL
#define N_MINUTES    HEALTH_MINUTES

bool
health_init(struct health *h, const struct ladder *ladder)
{
	*h = (struct health){ .ladder = ladder };
	h->targets = calloc(ladder->n_targets + 1, sizeof(h->targets[0]));
	h->due_us = INT64_MAX;
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
health_is_down(const struct health_target *t)
{
	return t->down || t->probe_down || t->deferring;
}

static void
set_due(struct health *h)
{
	h->due_us = INT64_MAX;
	for (size_t i = 0; i < h->ladder->n_targets; i++) {
		if (h->targets[i].check_us != 0 && h->targets[i].check_us < h->due_us)
			h->due_us = h->targets[i].check_us;
		if (h->targets[i].probe_lapse_us != 0 && h->targets[i].probe_lapse_us < h->due_us)
			h->due_us = h->targets[i].probe_lapse_us;
	}
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

		if (t->probe_lapse_us != 0 && t->probe_lapse_us <= now_us) {
			t->probe_lapse_us = 0;
			t->probe_down = t->deferring = false;
			t->probe_fails = 0;
		}
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
	t->probe_lapse_us = 0;
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

/* -- across restarts -- */

enum { REAL_DOWN = 1, REAL_PROBE_DOWN = 2, REAL_DEFERRING = 4 };	/* stored */

static void
save(void (*each)(void *ctx, const struct doubt_row *), void *ctx, enum doubt_row_kind kind, size_t n,
    const struct addr *addr, int64_t a, int64_t b, int64_t c, int64_t d)
{
	struct doubt_row row = { .kind = (uint8_t)kind, .n = (uint8_t)n, .v = { a, b, c, d } };

	if (addr != NULL)
		row.addr = *addr;
	each(ctx, &row);
}

void
health_save(const struct health *h, int64_t now_us, void (*each)(void *ctx, const struct doubt_row *), void *ctx)
{
	int64_t minute = now_us / MINUTE_US;

	save(each, ctx, DOUBT_ROW_ENDS, 0, NULL, h->grace_until_us, h->blind_until_us, h->overflow_until_us, h->step_until_us);
	for (size_t i = 0; i < HEALTH_BLIND_SPANS; i++)
		save(each, ctx, DOUBT_ROW_BLIND, i, NULL, i < h->n_blind ? h->blind[i].from_us : 0,
		    i < h->n_blind ? h->blind[i].to_us : 0, 0, 0);
	for (size_t i = 0; i < N_MINUTES; i++) {
		bool old = minute - h->drops[i].minute >= N_MINUTES;
		/* What is seen grows with each packet: told when the minute is over. */
		bool open = h->drops[i].minute == minute && h->drops[i].dropped == 0;

		save(each, ctx, DOUBT_ROW_DROPS, i, NULL, old || open ? 0 : h->drops[i].minute,
		    old || open ? 0 : (int64_t)h->drops[i].seen, old ? 0 : (int64_t)h->drops[i].dropped, 0);
	}
	for (size_t i = 0; i < h->ladder->n_targets; i++) {
		const struct health_target *t = &h->targets[i];

		if (h->ladder->targets[i].role == ROLE_REAL)
			save(each, ctx, DOUBT_ROW_REAL, 0, &h->ladder->targets[i].addr, (t->down ? REAL_DOWN : 0) |
			    (t->probe_down ? REAL_PROBE_DOWN : 0) | (t->deferring ? REAL_DEFERRING : 0), t->probe_fails,
			    t->doubt_until_us, 0);
	}
}

static void
load_drops(struct health *h, const struct doubt_row *row)
{
	if (row->n >= N_MINUTES || row->v[0] <= 0 || row->v[1] < 0 || row->v[2] < 0 || row->v[0] % N_MINUTES != row->n)
		return;
	h->seen += (uint64_t)row->v[1] - h->drops[row->n].seen;
	h->dropped += (uint64_t)row->v[2] - h->drops[row->n].dropped;
	h->drops[row->n].minute = row->v[0];
	h->drops[row->n].seen = (uint64_t)row->v[1];
	h->drops[row->n].dropped = (uint64_t)row->v[2];
}

static void
load_real(struct health *h, const struct doubt_row *row)
{
	for (size_t i = 0; i < h->ladder->n_targets; i++) {
		struct health_target *t = &h->targets[i];

		/* An address may be in several sets. */
		if (h->ladder->targets[i].role != ROLE_REAL || !addr_equal(&h->ladder->targets[i].addr, &row->addr))
			continue;
		t->down = (row->v[0] & REAL_DOWN) != 0;
		t->probe_down = (row->v[0] & REAL_PROBE_DOWN) != 0;
		t->deferring = (row->v[0] & REAL_DEFERRING) != 0;
		t->probe_fails = (uint8_t)(row->v[1] < 0 ? 0 : row->v[1] > UINT8_MAX ? UINT8_MAX : row->v[1]);
		t->doubt_until_us = row->v[2];
	}
}

void
health_load(struct health *h, const struct doubt_row *row)
{
	switch ((enum doubt_row_kind)row->kind) {
	case DOUBT_ROW_ENDS:
		if (row->n != 0)
			break;
		h->grace_until_us = row->v[0];
		h->blind_until_us = row->v[1];
		h->overflow_until_us = row->v[2];
		h->step_until_us = row->v[3];
		break;
	case DOUBT_ROW_BLIND:
		if (h->n_blind == HEALTH_BLIND_SPANS || row->v[0] <= 0 || row->v[1] < row->v[0])
			break;
		h->blind[h->n_blind].from_us = row->v[0];
		h->blind[h->n_blind++].to_us = row->v[1];
		break;
	case DOUBT_ROW_DROPS:
		load_drops(h, row);
		break;
	case DOUBT_ROW_REAL:
		load_real(h, row);
		break;
	case DOUBT_ROW_ALARM:
	case DOUBT_ROW_N_KINDS:
		break;
	}
}

/* A doubt that ends then could not have been begun yet: the clock was another, or the row is damaged. */
static int64_t
at_most(int64_t until_us, int64_t now_us, int64_t lasts_us)
{
	return until_us > now_us + lasts_us ? now_us + lasts_us : until_us;
}

void
health_resume(struct health *h, int64_t now_us)
{
	h->blind_until_us = at_most(h->blind_until_us, now_us, HEALTH_MEMORY_US);
	h->overflow_until_us = at_most(h->overflow_until_us, now_us, HEALTH_MEMORY_US);
	h->step_until_us = at_most(h->step_until_us, now_us, HEALTH_MEMORY_US);
	h->full_until_us = at_most(h->full_until_us, now_us, HEALTH_MEMORY_US);
	h->layout_until_us = at_most(h->layout_until_us, now_us, HEALTH_LAYOUT_US);
	for (size_t i = 0; i < h->ladder->n_targets; i++) {
		struct health_target *t = &h->targets[i], was = *t;
		bool wire = h->ladder->targets[i].witness == WITNESS_WIRE;

		*t = (struct health_target){
			.down = was.down && wire, .probe_down = was.probe_down, .deferring = was.deferring,
			.probe_fails = was.probe_fails, .doubt_until_us = at_most(was.doubt_until_us, now_us, HEALTH_AFTER_US),
		};
		/* The wire is no longer asked: whether it is back nobody will know. */
		if (was.down && !wire)
			t->doubt_until_us = now_us + HEALTH_AFTER_US;
		if (t->probe_down || t->deferring || t->probe_fails != 0)
			t->probe_lapse_us = now_us + HEALTH_AFTER_US;
	}
	for (size_t i = 0; i < N_MINUTES; i++) {
		int64_t age = now_us / MINUTE_US - h->drops[i].minute;

		if (age >= 0 && age < N_MINUTES)
			continue;
		h->seen -= h->drops[i].seen;
		h->dropped -= h->drops[i].dropped;
		h->drops[i].minute = 0;
		h->drops[i].seen = h->drops[i].dropped = 0;
	}
	for (size_t i = 0; i < h->n_blind;) {
		if (h->blind[i].to_us <= now_us)
			i++;
		else
			h->blind[i] = h->blind[--h->n_blind];
	}
	set_due(h);
}
