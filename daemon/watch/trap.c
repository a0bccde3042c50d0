/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap.c - the pipeline: packets and events in order, deadlines between them.
 *
 * Packets come in blocks: memory latency decides the speed, so each block is walked
 * four times, and each walk fetches what the next one reads.
 */
#include "trap_int.h"

bool
trap_push(struct trap *t, struct pending_ring *ring, const struct pending *p)
{
	if (ring->n == ring->cap) {
		ring->refused++;
		return false;
	}
	ring->at[(ring->head + ring->n) % ring->cap] = *p;
	ring->n++;
	if (p->due_us < t->next_due_us)
		t->next_due_us = p->due_us;
	return true;
}

void
trap_tell_note(struct trap *t, enum note_kind kind, uint32_t target, int64_t from_us, int64_t to_us)
{
	struct note_row row = {
		.time_us = t->now_us, .target = target, .kind = (uint8_t)kind, .from_us = from_us, .to_us = to_us,
	};

	t->o.sink.note(t->o.sink.ctx, &row);
}

static void
prepare(struct trap *t, struct trap_work *w, const struct packet *p)
{
	const struct addr *theirs = &p->src;

	w->from_us = p->kind == PACKET_SYNACK;
	w->target = w->from_us ? NULL : ladder_find(t->ladder, &p->dst);
	w->sport = p->sport;
	if (w->target == NULL && (p->kind == PACKET_SYNACK || p->kind == PACKET_RST)) {
		w->target = ladder_find(t->ladder, &p->src);
		w->from_us = true;
		theirs = &p->dst;
		w->sport = p->dport;
	}
	/* The port of ours must be 25; the decoder knows only that one of the two is. */
	if (w->target == NULL || (w->from_us ? p->sport : p->dport) != 25) {
		w->target = NULL;
		return;
	}
	w->target_number = (uint32_t)(w->target - t->ladder->targets);
	w->key = addr_sender(theirs);
	w->host = addr_host(theirs);
	w->sip = sender_sip(&t->senders, w->key);
	w->sender_hash = (uint32_t)w->sip;
	w->attempt_hash = attempt_hash(&t->attempts, w->sip, w->host, w->target_number, w->sport);
	index_prefetch(&t->senders.index, w->sender_hash);
	attempt_prefetch_bucket(&t->attempts, w->attempt_hash);
}

/* Each pass fetches ahead what the next one reads. */
static void
visits_due(void *ctx, const uint32_t *items, uint32_t n)
{
	struct trap *t = ctx;

	uint32_t pools[WHEEL_CHUNK], n_pools = 0;

	for (uint32_t i = 0; i < n; i++)
		__builtin_prefetch(&t->visits.records[items[i] & ITEM_VISIT_MASK]);
	for (uint32_t i = 0; i < n; i++) {
		const struct visit *v = &t->visits.records[items[i] & ITEM_VISIT_MASK];

		if (trap_end_reads(v, (items[i] & ITEM_FALLBACK) != 0) != END_READS_VISIT)
			__builtin_prefetch(&t->senders.records[v->sender]);
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct visit *v = &t->visits.records[items[i] & ITEM_VISIT_MASK];

		if (trap_end_reads(v, (items[i] & ITEM_FALLBACK) != 0) != END_READS_POOL)
			continue;
		pools[n_pools] = pool_hash(&t->pools, pool_key(t->senders.records[v->sender].key, v->set));
		index_prefetch(&t->pools.index, pools[n_pools++]);
	}
	for (uint32_t i = 0; i < n_pools; i++)
		pool_prefetch(&t->pools, pools[i]);
	for (uint32_t i = 0; i < n; i++)
		trap_visit_due(t, items[i], t->now_us);
}

static void
judge_first(struct trap *t, struct pending_ring *ring)
{
	struct pending p = ring->at[ring->head];

	ring->head = (ring->head + 1) % ring->cap;
	ring->n--;
	trap_judge_pending(t, &p);
}

/* The oldest attempt leaves; what those behind it will read is fetched ahead. */
static void
expire_attempt(struct trap *t)
{
	const struct attempt *ahead = attempt_ahead(&t->attempts, 16);

	if (ahead != NULL && t->ladder->targets[ahead->target].role == ROLE_REAL) {
		__builtin_prefetch(&t->senders.records[ahead->sender]);
		__builtin_prefetch(&t->visits.records[ahead->sender]);
	}
	attempt_expire(&t->attempts, trap_leaving, t);
}

/* Fire all that is due at or before until, each at its own time, in order. */
static void
fire(struct trap *t, int64_t until_us)
{
	enum { PROOF, TOUCH, ATTEMPT, HEALTH, END, MINUTE, N } first;

	for (;;) {
		int64_t due[N] = {
			[PROOF] = t->proofs.n != 0 ? t->proofs.at[t->proofs.head].due_us : INT64_MAX,
			[TOUCH] = t->touches.n != 0 ? t->touches.at[t->touches.head].due_us : INT64_MAX,
			[ATTEMPT] = attempt_due_us(&t->attempts), [HEALTH] = t->health.due_us,
		};
		int64_t before_us = until_us;

		first = PROOF;
		for (int i = 1; i < END; i++)
			if (due[i] < due[first])
				first = (unsigned)i;
		/* A wheel must not run ahead of what fires before it: that may put something in. */
		if (due[first] < before_us)
			before_us = due[first];
		wheel_skip(&t->ends, before_us);
		due[END] = wheel_due_us(&t->ends);
		if (due[END] < before_us)
			before_us = due[END];
		wheel_skip(&t->list.deadlines, before_us);
		due[MINUTE] = wheel_due_us(&t->list.deadlines);
		for (int i = END; i < N; i++)
			if (due[i] < due[first])
				first = (unsigned)i;
		if (due[first] > until_us) {
			t->next_due_us = due[first];
			return;
		}
		if (due[first] > t->now_us)
			t->now_us = due[first];
		switch (first) {
		case PROOF:
			judge_first(t, &t->proofs);
			break;
		case TOUCH:
			judge_first(t, &t->touches);
			break;
		case ATTEMPT:
			do
				expire_attempt(t);
			while (attempt_due_us(&t->attempts) == due[ATTEMPT]);
			break;
		case HEALTH:
			trap_health_due(t);
			break;
		case END:
			wheel_turn(&t->ends, visits_due, t);
			break;
		case MINUTE:
			blocklist_turn(&t->list);
			break;
		case N:
			break;
		}
	}
}

static void
start(struct trap *t, int64_t now_us)
{
	if (t->started)
		return;
	t->started = true;
	t->now_us = now_us;
	wheel_start(&t->ends, now_us);
	wheel_start(&t->list.deadlines, now_us);
	t->grace_loaded_us = t->health.grace_until_us;
	t->health.grace_until_us = now_us + t->o.judge.start_grace_s * SECOND_US;
	for (uint32_t i = 0; i < t->senders.fresh; i++)
		blocklist_restored(&t->list, i, now_us);
}

static void
move_on(struct trap *t, int64_t now_us)
{
	start(t, now_us);
	if (now_us < t->now_us) {
		t->counters.out_of_order++;
		return;
	}
	if (now_us >= t->next_due_us)
		fire(t, now_us);
	t->now_us = now_us;
	if (now_us >= t->seen_until_us) {
		if (t->seen_since != 0)
			health_packets(&t->health, t->seen_since, 0, now_us);
		t->seen_since = 0;
		t->seen_until_us = now_us - now_us % (60 * SECOND_US) + 60 * SECOND_US;
	}
}

/* The tables count for themselves; the view is put together after each call. */
static void
collect_counters(struct trap *t)
{
	struct trap_counters *c = &t->counters;

	c->senders = t->senders.n;
	c->senders_evicted = t->senders.evicted;
	c->senders_refused = t->senders.refused;
	c->attempts_evicted = t->attempts.evicted;
	c->visits_evicted = t->visits.evicted;
	c->pools_evicted = t->pools.evicted;
	c->correspondents = t->correspond.n;
	c->correspondents_evicted = t->correspond.evicted;
	c->correspond_overtaken = t->correspond.overtaken;
	c->never_refused = t->never.refused;
	c->wrong_acks = t->wrong.seen;
	c->wrong_evicted = t->wrong.evicted;
	c->touches_refused = t->touches.refused;
	c->proofs_refused = t->proofs.refused;
	c->timers_refused = t->ends.refused + t->list.deadlines.refused;
	c->listed = t->list.n_listed;
	c->suspects = t->list.n_suspect;
	c->alarms = t->n_alarms;
}

void
trap_packets(struct trap *t, const struct packet *packets, size_t n)
{
	struct trap_work work[TRAP_BLOCK];

	for (size_t i = 0; i < n; i++)
		prepare(t, &work[i], &packets[i]);
	for (size_t i = 0; i < n; i++) {
		uint32_t number;

		if (work[i].target == NULL)
			continue;
		number = sender_guess(&t->senders, work[i].sender_hash);
		if (number != SENDER_NONE) {
			__builtin_prefetch(&t->senders.records[number]);
			__builtin_prefetch(&t->visits.records[number]);
		}
		attempt_prefetch(&t->attempts, work[i].attempt_hash);
		if (packets[i].kind == PACKET_SYN) {
			work[i].pool_key = pool_key(work[i].key, work[i].target->set);
			work[i].pool_hash = pool_hash(&t->pools, work[i].pool_key);
			index_prefetch(&t->pools.index, work[i].pool_hash);
		}
	}
	for (size_t i = 0; i < n; i++)
		if (work[i].target != NULL && packets[i].kind == PACKET_SYN)
			pool_prefetch(&t->pools, work[i].pool_hash);
	for (size_t i = 0; i < n; i++) {
		move_on(t, packets[i].time_us);
		t->counters.packets++;
		t->seen_since++;
		if (work[i].target == NULL) {
			trap_correspond(t, &packets[i]);
			continue;
		}
		if (packets[i].kind == PACKET_SYN) {
			if (!work[i].from_us)
				trap_take_syn(t, &work[i], &packets[i]);
		} else {
			trap_take_reply(t, &work[i], &packets[i]);
		}
	}
	collect_counters(t);
}

void
trap_take_witnessed(struct trap *t, const struct packet *p)
{
	struct trap_work w;
	struct attempt *a;

	prepare(t, &w, p);
	if (w.target == NULL)
		return;
	w.pool_key = pool_key(w.key, w.target->set);
	w.pool_hash = pool_hash(&t->pools, w.pool_key);
	trap_take_syn(t, &w, p);
	a = attempt_find(&t->attempts, w.attempt_hash, w.key, w.host, w.target_number, w.sport, NULL);
	if (a != NULL && a->outcome == OUTCOME_SILENT)
		a->outcome = OUTCOME_HALF;
}

void
trap_work_of(const struct trap *t, const struct event *e, struct trap_work *w)
{
	*w = (struct trap_work){ .target_number = e->target, .sport = e->port, .target = &t->ladder->targets[e->target] };
	w->key = addr_sender(&e->what.addr);
	w->host = addr_host(&e->what.addr);
	w->sip = sender_sip(&t->senders, w->key);
	w->sender_hash = (uint32_t)w->sip;
	w->attempt_hash = attempt_hash(&t->attempts, w->sip, w->host, w->target_number, w->sport);
}

/*
 * The decoy's accept(); did it change anything?  Proof only where the wire is not watched.  Where it is, the wire showed the
 * final ACK, of a SYN cookie as well; without it the decoy's word proves nothing: it is the process that reads what strangers send.
 */
static bool
take_accept(struct trap *t, const struct event *e)
{
	struct trap_work w;
	struct attempt *a;
	bool opened = false;

	if (e->target >= t->ladder->n_targets)
		return false;
	trap_work_of(t, e, &w);
	a = attempt_find(&t->attempts, w.attempt_hash, w.key, w.host, w.target_number, w.sport, NULL);
	if (a != NULL && a->outcome == OUTCOME_PROVEN)
		return false;
	if (a == NULL && w.target->witness == WITNESS_NONE) {
		struct packet p = { .time_us = t->now_us, .src = e->what.addr, .dst = w.target->addr,
			.sport = e->port, .dport = 25, .kind = PACKET_SYN };

		trap_take_witnessed(t, &p);
		opened = true;
		a = attempt_find(&t->attempts, w.attempt_hash, w.key, w.host, w.target_number, w.sport, NULL);
	}
	if (a == NULL || a->outcome != OUTCOME_HALF || w.target->witness == WITNESS_WIRE ||
	    t->now_us - attempt_first_us(&t->attempts, a) - a->last_off_us > HEALTH_WINDOW_US) {
		t->counters.unproven_accepts++;
		return opened;
	}
	trap_prove(t, &w, a);
	return true;
}

bool
trap_event(struct trap *t, const struct event *e)
{
	bool changed = true;

	move_on(t, e->time_us);
	switch ((enum event_kind)e->kind) {
	case EVENT_TICK:
		break;
	case EVENT_START:
		trap_never_anew(t);
		trap_resume(t, e->value != 0);
		trap_tell_note(t, NOTE_START, UINT32_MAX, 0, 0);
		break;
	case EVENT_ACCEPT:
		changed = take_accept(t, e);
		break;
	case EVENT_DROPS:
	case EVENT_BLIND:
	case EVENT_CLOCK_STEP:
	case EVENT_OVERFLOW:
	case EVENT_PROBE:
		trap_take_health(t, e);
		break;
	case EVENT_DEFERRED:
	case EVENT_SIGHTING:
	case EVENT_ACCEPTED:
		trap_take_sight(t, e);
		break;
	case EVENT_ALLOW:
	case EVENT_NEVER:
		trap_never(t, e);
		break;
	case EVENT_FORGET:
		trap_forget(t, e);
		break;
	case EVENT_LIST:
		trap_list(t, e);
		break;
	case EVENT_TAKE_BACK:
		trap_take_back(t, e);
		break;
	case EVENT_PURGE:
		break;
	case EVENT_SAID:
		changed = trap_take_said(t, e) ||
		    trap_share(t, addr_sender(&e->what.addr), SHARE_SAID, 2);
		break;
	case EVENT_LAYOUT:
		/* since_us: one of a run before that still holds goes on; its end stays what it was. */
		trap_layout(t, e->since_us != 0 && e->since_us < t->now_us ? e->since_us : t->now_us);
		trap_tell_note(t, NOTE_RELOAD, UINT32_MAX, 0, 0);
		break;
	}
	t->counters.events_idle += !changed;
	collect_counters(t);
	return changed;
}

void
trap_tick(struct trap *t, int64_t now_us)
{
	if (now_us > t->now_us || !t->started)
		move_on(t, now_us);
	collect_counters(t);
}

void
trap_settle(struct trap *t)
{
	if (!t->started)
		return;
	move_on(t, t->now_us + ((int64_t)t->o.judge.fallback_window_s + t->o.judge.visit_gap_s) * SECOND_US);
	(void)trap_flush(t, SIZE_MAX);
	collect_counters(t);
}

int64_t
trap_now_us(const struct trap *t)
{
	return t->now_us;
}

const struct trap_counters *
trap_counters(const struct trap *t)
{
	return &t->counters;
}
