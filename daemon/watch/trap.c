/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap.c - the pipeline: packets and events in order, deadlines between them.
 *
 * Packets come in blocks: memory latency decides the speed, so each block is walked
 * four times, and each walk fetches what the next one reads.
 */
#include "trap_int.h"

#include <stdlib.h>
#include <string.h>

#define ALARM_US (3600 * SECOND_US)

struct work {				/* one packet of a block */
	const struct target *target;	/* NULL: none of ours */
	sender_key key;
	uint64_t host;
	uint32_t target_number, sender_hash, attempt_hash, pool_hash;
	uint64_t pool_key;
	uint16_t sport;
	bool	 from_us;
};

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
tell_tallies(struct trap *t)
{
	for (uint32_t i = 0; i < t->ladder->n_targets; i++) {
		struct tally_row *r = &t->tallies[i];

		if (r->attempts == 0 && r->proven == 0 && r->refused == 0 && r->silent == 0 && r->not_kept == 0)
			continue;
		t->o.sink.tally(t->o.sink.ctx, r);
		*r = (struct tally_row){ .hour_s = r->hour_s, .target = i };
	}
}

static struct tally_row *
tally_of(struct trap *t, uint32_t target)
{
	uint32_t hour = now_s(t) / 3600 * 3600;

	if (t->tallies[target].hour_s != hour) {
		tell_tallies(t);
		for (uint32_t i = 0; i < t->ladder->n_targets; i++)
			t->tallies[i].hour_s = hour;
	}
	return &t->tallies[target];
}

static struct addr
attempt_source(const struct attempt *a)
{
	struct prefix p = sender_prefix(a->key);

	if (!sender_is_v4(a->key))
		for (int byte = 0; byte < 8; byte++)
			p.addr.b[8 + byte] = (uint8_t)(a->host >> (56 - 8 * byte));
	return p.addr;
}

/* Its outcome is known, or it is 70 s old: the store is told, or in a flood the tally. */
static void
tell_attempt(struct trap *t, struct attempt *a, uint32_t rtt_us)
{
	struct attempt_row row;
	struct tally_row *tally = tally_of(t, a->target);

	if ((a->flags & ATTEMPT_TOLD) != 0)
		return;
	a->flags |= ATTEMPT_TOLD;
	tally->refused += a->outcome == OUTCOME_REFUSED;
	tally->silent += a->outcome == OUTCOME_SILENT;
	if ((a->flags & ATTEMPT_TALLIED) != 0 && a->outcome != OUTCOME_PROVEN) {
		tally->not_kept++;
		t->counters.tallied++;
		return;
	}
	row = (struct attempt_row){
		.time_us = a->first_us, .src = attempt_source(a), .target = a->target, .sport = a->sport,
		.n_syns = a->n_syns, .rtt_us = rtt_us, .grade = (uint8_t)attempt_grade(a),
		.outcome = a->outcome, .fingerprint = a->fingerprint,
	};
	t->o.sink.attempt(t->o.sink.ctx, &row);
}

static void
alarm_of(struct trap *t, uint32_t target, enum note_kind kind)
{
	if (t->alarm_us[target] != 0 && t->now_us - t->alarm_us[target] < ALARM_US)
		return;
	t->alarm_us[target] = t->now_us;
	trap_tell_note(t, kind, target, 0, 0);
}

/*
 * The real MX gave this attempt no SYN-ACK, or the sender never got it: its own
 * path is in doubt, and with others' the real MX itself.
 */
static void
unanswered(struct trap *t, struct attempt *a)
{
	uint32_t number = sender_find(&t->senders, a->key, sender_hash(&t->senders, a->key)), visit;
	struct addr src = attempt_source(a);
	struct sender *s;

	if ((a->flags & ATTEMPT_NOTED) != 0 || number == SENDER_NONE)
		return;
	a->flags |= ATTEMPT_NOTED;
	s = &t->senders.records[number];
	visit = visit_find(&t->visits, s, t->ladder->targets[a->target].set);
	if (visit != VISIT_NONE)
		t->visits.records[visit].flags |= VISIT_UNANSWERED;
	/* Whom we block gets no answer by our own doing. */
	if (a->outcome == OUTCOME_HALF || s->state == STATE_LISTED || ladder_find(t->ladder, &src) != NULL)
		return;
	if (health_unanswered(&t->health, a->target, pool_key(a->key, 0), t->now_us)) {
		trap_tell_note(t, NOTE_REAL_DOWN, a->target, t->now_us - HEALTH_BEFORE_US, 0);
		trap_doubt_later(t, t->ladder->targets[a->target].set, t->now_us - HEALTH_BEFORE_US, DOUBT_REAL_DOWN);
	}
}

/* 70 s old, or pushed out by a flood. */
static void
leaving(void *ctx, struct attempt *a)
{
	struct trap *t = ctx;

	if (t->ladder->targets[a->target].role == ROLE_REAL &&
	    (a->outcome == OUTCOME_SILENT || a->outcome == OUTCOME_HALF) &&
	    t->now_us - a->first_us >= ATTEMPT_LIFE_US)
		unanswered(t, a);
	tell_attempt(t, a, 0);
}

static void
evict_sender(void *ctx, uint32_t number)
{
	struct trap *t = ctx;

	visit_drop_all(&t->visits, &t->senders.records[number]);
	t->senders.dirty[number >> 6] &= ~(1ULL << (number & 63));
}

/* Ids are told to the store before any row that uses them. */
static uint16_t
fingerprint_id(struct trap *t, const struct fingerprint *fp)
{
	uint64_t words[3];
	uint32_t hash, at, slot;

	_Static_assert(sizeof(*fp) == sizeof(words), "a fingerprint is three words");
	/* Stacks come in crowds: mostly it is the one before again. */
	if (t->last_fingerprint != 0 && memcmp(&t->fingerprints[t->last_fingerprint - 1], fp, sizeof(*fp)) == 0)
		return t->last_fingerprint;
	memcpy(words, fp, sizeof(words));
	hash = (uint32_t)siphash13(t->o.hash_key, words[0] ^ words[2] * 0x9e3779b97f4a7c15ULL, words[1]);
	at = index_home(&t->fingerprint_index, hash);
	while ((slot = index_next(&t->fingerprint_index, hash, &at)) != TABLE_NONE)
		if (memcmp(&t->fingerprints[slot], fp, sizeof(*fp)) == 0)
			return t->last_fingerprint = (uint16_t)(slot + 1);
	if (t->n_fingerprints == FINGERPRINTS) {
		t->counters.fingerprints_refused++;
		return 0;
	}
	slot = t->n_fingerprints++;
	t->fingerprints[slot] = *fp;
	index_put(&t->fingerprint_index, hash, slot);
	t->o.sink.fingerprint(t->o.sink.ctx, (uint16_t)(slot + 1), fp, t->now_us);
	return (uint16_t)(slot + 1);
}

static void
count_for_flood(struct trap *t)
{
	int64_t second = t->now_us / SECOND_US;

	if (second != t->second) {
		bool over = second == t->second + 1 && t->second_attempts > t->o.limits.tally_above;

		if (t->flood && !over) {
			t->flood = false;
			trap_tell_note(t, NOTE_FLOOD_END, UINT32_MAX, 0, 0);
		}
		t->second = second;
		t->second_attempts = 0;
	}
	if (++t->second_attempts > t->o.limits.tally_above && !t->flood) {
		t->flood = true;
		trap_tell_note(t, NOTE_FLOOD, UINT32_MAX, 0, 0);
	}
}

/* The sender of a packet that opens something; made if new. */
static uint32_t
sender_for(struct trap *t, const struct work *w)
{
	uint32_t number = sender_find(&t->senders, w->key, w->sender_hash);

	if (number == SENDER_NONE) {
		number = sender_add(&t->senders, w->key, w->sender_hash, now_s(t), evict_sender, t);
		if (number == SENDER_NONE) {
			if (t->now_us > t->health.full_until_us)
				trap_tell_note(t, NOTE_TABLE_FULL, UINT32_MAX, 0, 0);
			t->health.full_until_us = t->now_us + HEALTH_MEMORY_US;
			return SENDER_NONE;
		}
		t->counters.senders_new++;
		tally_of(t, w->target_number)->first_seen++;
	}
	t->senders.records[number].last_seen_s = now_s(t);
	return number;
}

static void
syn_again(struct trap *t, struct attempt *a, uint32_t number)
{
	const struct target *target = &t->ladder->targets[a->target];
	int64_t last = a->outcome == OUTCOME_SILENT ? a->first_us + a->last_off_us : a->first_us;
	uint32_t visit;

	if (t->now_us - last < ATTEMPT_COPY_US)
		return;			/* the same packet, seen twice */
	if (a->n_syns < 31)
		a->n_syns++;
	if (t->now_us - a->first_us >= ATTEMPT_RESYN_US)
		a->flags |= ATTEMPT_RESENT;
	if (a->outcome == OUTCOME_SILENT)
		a->last_off_us = (uint32_t)(t->now_us - a->first_us);
	visit = trap_visit_of(t, number, a);
	if (visit != VISIT_NONE)
		trap_resent(t, visit, a);
	if (a->outcome != OUTCOME_SILENT || (a->flags & ATTEMPT_RESENT) == 0)
		return;
	if (target->role == ROLE_REAL)
		unanswered(t, a);
	else if (target->role == ROLE_NOLISTING || target->answer == ANSWER_NONE)
		alarm_of(t, a->target, NOTE_DECOY_SILENT);
	else
		alarm_of(t, a->target, NOTE_DECOY_DEAD);
}

static void
take_syn(struct trap *t, const struct work *w, const struct packet *p)
{
	struct attempt *a = attempt_find(&t->attempts, w->attempt_hash, w->key, w->host, w->target_number, w->sport,
	    &p->seq);
	uint32_t number = sender_for(t, w);

	if (number == SENDER_NONE)
		return;
	sender_dirty(&t->senders, number);
	if (a != NULL) {
		syn_again(t, a, number);
		return;
	}
	count_for_flood(t);
	a = attempt_add(&t->attempts, w->attempt_hash, w->key, w->host, w->target_number, w->sport, p->seq,
	    t->now_us, leaving, t);
	t->counters.attempts++;
	tally_of(t, w->target_number)->attempts++;
	if (t->flood)
		a->flags |= ATTEMPT_TALLIED;
	a->fingerprint = fingerprint_id(t, &p->fp);
	t->senders.records[number].fingerprint = a->fingerprint;
	if (w->target->role == ROLE_CONTROL) {
		t->senders.records[number].klass = CLASS_SCANNER;
		if (!t->flood)
			trap_note_sender_kind(t, number, EVIDENCE_SWEPT, GRADE_SYN, w->host);
		return;
	}
	trap_touch(t, number, a, p, w->pool_key, w->pool_hash);
}

static void
now_answered(struct trap *t, struct attempt *a, const struct work *w)
{
	uint32_t number = sender_find(&t->senders, w->key, w->sender_hash);
	uint32_t visit = trap_visit_of(t, number, a);

	a->last_off_us = (uint32_t)(t->now_us - a->first_us);
	if (visit != VISIT_NONE)
		t->visits.records[visit].flags &= (uint16_t)~VISIT_PENDING_LOWER;
}

static void
take_refusal(struct trap *t, const struct work *w, struct attempt *a)
{
	if (a->outcome != OUTCOME_SILENT && a->outcome != OUTCOME_HALF)
		return;
	a->outcome = OUTCOME_REFUSED;
	now_answered(t, a, w);
	if (w->target->role == ROLE_REAL)
		unanswered(t, a);
	tell_attempt(t, a, 0);
}

static void
prove(struct trap *t, const struct work *w, struct attempt *a)
{
	uint32_t number = sender_find(&t->senders, w->key, w->sender_hash), visit;
	int64_t rtt_us = t->now_us - a->first_us - a->last_off_us;

	a->outcome = OUTCOME_PROVEN;
	t->counters.proven++;
	tally_of(t, a->target)->proven++;
	tell_attempt(t, a, (uint32_t)(rtt_us > 0 ? rtt_us : 1));
	if (w->target->role == ROLE_REAL && health_proven(&t->health, a->target, t->now_us))
		trap_tell_note(t, NOTE_REAL_UP, a->target, 0, t->now_us);
	if (number == SENDER_NONE)
		return;
	t->senders.records[number].flags |= SENDER_PROVEN;
	visit = trap_visit_of(t, number, a);
	if (visit != VISIT_NONE)
		trap_proven(t, number, visit, a, rtt_us);
}

static void
take_reply(struct trap *t, const struct work *w, const struct packet *p)
{
	struct attempt *a = attempt_find(&t->attempts, w->attempt_hash, w->key, w->host, w->target_number, w->sport,
	    NULL);
	/* What answers a SYN acknowledges its ISN + 1 (RFC 9293, 3.5.2). */
	bool answers = a != NULL && p->ack == a->isn + 1;

	if (a == NULL) {
		t->counters.unmatched++;
		return;
	}
	switch ((enum packet_kind)p->kind) {
	case PACKET_SYNACK:
		if (!w->from_us || !answers || a->outcome > OUTCOME_HALF)
			return;
		if (w->target->answer == ANSWER_NONE && w->target->role != ROLE_REAL && w->target->role != ROLE_CONTROL)
			alarm_of(t, a->target, NOTE_DECOY_ANSWERS);
		a->outcome = OUTCOME_HALF;
		a->answer_isn = p->seq;
		now_answered(t, a, w);
		break;
	case PACKET_RST:
		if (w->from_us) {
			if (answers || p->ack == 0)
				take_refusal(t, w, a);
		} else if (a->outcome == OUTCOME_HALF && p->seq == a->isn + 1) {
			a->outcome = OUTCOME_WITHDRAWN;
			tell_attempt(t, a, 0);
		}
		break;
	case PACKET_UNREACH:
		if (p->seq == a->isn)
			take_refusal(t, w, a);
		break;
	case PACKET_ACK:
		if (!w->from_us && a->outcome == OUTCOME_HALF && p->ack == a->answer_isn + 1)
			prove(t, w, a);
		break;
	case PACKET_SYN:
		break;
	}
}

static void
prepare(struct trap *t, struct work *w, const struct packet *p)
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
	w->sender_hash = sender_hash(&t->senders, w->key);
	w->attempt_hash = attempt_hash(&t->attempts, w->key, w->host, w->target_number, w->sport);
	index_prefetch(&t->senders.index, w->sender_hash);
	attempt_prefetch_bucket(&t->attempts, w->attempt_hash);
}

static void
visits_due(void *ctx, const uint32_t *items, uint32_t n)
{
	struct trap *t = ctx;

	for (uint32_t i = 0; i < n; i++)
		table_prefetch(&t->visits.records[items[i] & ITEM_VISIT_MASK], sizeof(struct visit));
	for (uint32_t i = 0; i < n; i++)
		table_prefetch(&t->senders.records[t->visits.records[items[i] & ITEM_VISIT_MASK].sender],
		    sizeof(struct sender));
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
	const struct attempt *far = attempt_ahead(&t->attempts, 24), *near = attempt_ahead(&t->attempts, 12);

	if (far != NULL && t->ladder->targets[far->target].role == ROLE_REAL)
		index_prefetch(&t->senders.index, sender_hash(&t->senders, far->key));
	if (near != NULL && t->ladder->targets[near->target].role == ROLE_REAL) {
		uint32_t number = sender_guess(&t->senders, sender_hash(&t->senders, near->key));

		if (number != SENDER_NONE)
			table_prefetch(&t->senders.records[number], sizeof(struct sender));
	}
	attempt_expire(&t->attempts, leaving, t);
}

/* Fire all that is due at or before until, each at its own time, in order. */
static void
fire(struct trap *t, int64_t until_us)
{
	enum { PROOF, TOUCH, ATTEMPT, END, MINUTE, N } first;

	for (;;) {
		int64_t due[N] = {
			[PROOF] = t->proofs.n != 0 ? t->proofs.at[t->proofs.head].due_us : INT64_MAX,
			[TOUCH] = t->touches.n != 0 ? t->touches.at[t->touches.head].due_us : INT64_MAX,
			[ATTEMPT] = attempt_due_us(&t->attempts),
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
	t->health.grace_until_us = now_us + t->o.judge.start_grace_s * SECOND_US;
	for (uint32_t i = 0; i < t->senders.fresh; i++)
		blocklist_restored(&t->list, i);
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
	if (t->seen_since != 0 && now_us / (60 * SECOND_US) != t->health.drops_minute) {
		health_packets(&t->health, t->seen_since, 0, now_us);
		t->seen_since = 0;
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
	c->listed = t->list.n_listed;
	c->suspects = t->list.n_suspect;
}

void
trap_packets(struct trap *t, const struct packet *packets, size_t n)
{
	struct work work[TRAP_BLOCK];

	for (size_t i = 0; i < n; i++)
		prepare(t, &work[i], &packets[i]);
	for (size_t i = 0; i < n; i++) {
		uint32_t number;

		if (work[i].target == NULL)
			continue;
		number = sender_guess(&t->senders, work[i].sender_hash);
		if (number != SENDER_NONE)
			table_prefetch(&t->senders.records[number], sizeof(struct sender));
		attempt_prefetch(&t->attempts, work[i].attempt_hash);
		if (packets[i].kind == PACKET_SYN) {
			work[i].pool_key = pool_key(work[i].key, work[i].target->set);
			work[i].pool_hash = pool_hash(&t->pools, work[i].pool_key);
			index_prefetch(&t->pools.index, work[i].pool_hash);
		}
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t number;

		if (work[i].target == NULL)
			continue;
		number = sender_guess(&t->senders, work[i].sender_hash);
		if (number != SENDER_NONE && t->senders.records[number].visits != 0)
			table_prefetch(&t->visits.records[t->senders.records[number].visits - 1], sizeof(struct visit));
		if (packets[i].kind == PACKET_SYN)
			pool_prefetch(&t->pools, work[i].pool_hash);
	}
	for (size_t i = 0; i < n; i++) {
		move_on(t, packets[i].time_us);
		t->counters.packets++;
		t->seen_since++;
		if (work[i].target == NULL)
			continue;
		if (packets[i].kind == PACKET_SYN) {
			if (!work[i].from_us)
				take_syn(t, &work[i], &packets[i]);
		} else {
			take_reply(t, &work[i], &packets[i]);
		}
	}
	collect_counters(t);
}

/* The decoy's accept(): proof where the wire agrees, or where the wire is not watched. */
static void
take_accept(struct trap *t, const struct event *e)
{
	struct work w = { .target_number = e->target, .sport = e->port };
	struct attempt *a;

	if (e->target >= t->ladder->n_targets)
		return;
	w.target = &t->ladder->targets[e->target];
	w.key = addr_sender(&e->what.addr);
	w.host = addr_host(&e->what.addr);
	w.sender_hash = sender_hash(&t->senders, w.key);
	w.attempt_hash = attempt_hash(&t->attempts, w.key, w.host, w.target_number, w.sport);
	a = attempt_find(&t->attempts, w.attempt_hash, w.key, w.host, w.target_number, w.sport, NULL);
	if (a != NULL && a->outcome == OUTCOME_PROVEN)
		return;
	if (a == NULL && w.target->witness == WITNESS_NONE) {
		struct packet p = { .time_us = t->now_us, .src = e->what.addr, .dst = w.target->addr,
			.sport = e->port, .dport = 25, .kind = PACKET_SYN };

		w.pool_key = pool_key(w.key, w.target->set);
		w.pool_hash = pool_hash(&t->pools, w.pool_key);
		take_syn(t, &w, &p);
		a = attempt_find(&t->attempts, w.attempt_hash, w.key, w.host, w.target_number, w.sport, NULL);
		if (a != NULL)
			a->outcome = OUTCOME_HALF;
	}
	if (a == NULL || a->outcome != OUTCOME_HALF) {
		t->counters.unproven_accepts++;
		return;
	}
	prove(t, &w, a);
}

static void
take_allow(struct trap *t, const struct event *e)
{
	if (e->kind == EVENT_ALLOW && !never_add(&t->never, &e->what, e->expires_s))
		return;
	for (uint32_t i = 0; i < t->senders.fresh; i++) {
		struct sender *s = &t->senders.records[i];
		struct prefix p = sender_prefix(s->key);

		if ((s->flags & SENDER_IN_USE) == 0 || !prefix_overlaps(&p, &e->what))
			continue;
		if (e->kind == EVENT_FORGET)
			blocklist_forget(&t->list, i, t->now_us);
		else
			blocklist_recheck(&t->list, i, t->now_us, CAUSE_ALLOWED);
	}
}

void
trap_event(struct trap *t, const struct event *e)
{
	move_on(t, e->time_us);
	switch ((enum event_kind)e->kind) {
	case EVENT_TICK:
		break;
	case EVENT_START: {
		int64_t grace_us = t->o.judge.start_grace_s * SECOND_US;

		if (e->value != 0 && grace_us > 60 * SECOND_US)
			grace_us = 60 * SECOND_US;
		t->health.grace_until_us = t->now_us + grace_us;
		trap_tell_note(t, NOTE_START, UINT32_MAX, 0, 0);
		break;
	}
	case EVENT_ACCEPT:
		take_accept(t, e);
		break;
	case EVENT_DROPS:
		health_packets(&t->health, t->seen_since, (uint64_t)e->value, t->now_us);
		t->seen_since = 0;
		trap_tell_note(t, NOTE_DROPS, UINT32_MAX, 0, e->value);
		if ((health_doubts(&t->health, UINT16_MAX, t->now_us) & DOUBT_DROPS) != 0)
			trap_doubt_later(t, UINT16_MAX, t->now_us - 60 * SECOND_US, DOUBT_DROPS);
		break;
	case EVENT_BLIND:
		trap_tell_note(t, NOTE_BLIND, e->target, e->since_us, t->now_us);
		if (t->now_us - e->since_us <= HEALTH_BLIND_US)
			break;
		t->health.blind_until_us = t->now_us + HEALTH_MEMORY_US;
		trap_doubt_later(t, UINT16_MAX, e->since_us, DOUBT_BLIND);
		break;
	case EVENT_CLOCK_STEP:
		t->health.step_until_us = t->now_us + HEALTH_MEMORY_US;
		trap_tell_note(t, NOTE_CLOCK_STEP, UINT32_MAX, 0, e->value);
		break;
	case EVENT_OVERFLOW:
		t->health.overflow_until_us = t->now_us + HEALTH_MEMORY_US;
		break;
	case EVENT_ALLOW:
	case EVENT_FORGET:
		take_allow(t, e);
		break;
	case EVENT_LAYOUT:
		t->health.layout_until_us = t->now_us + HEALTH_LAYOUT_US;
		trap_tell_note(t, NOTE_RELOAD, UINT32_MAX, 0, 0);
		break;
	}
	collect_counters(t);
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

static void
tell_sender(struct trap *t, uint32_t number)
{
	const struct sender *s = &t->senders.records[number];
	struct sender_row row = {
		.key = s->key, .score = s->score, .hint = s->hint, .blame = s->blame, .sums_at_s = s->sums_at_s,
		.first_seen_s = s->first_seen_s, .last_seen_s = s->last_seen_s,
		.listed_since_s = s->listed_since_s, .expires_s = s->expires_s, .climbed_at_s = s->climbed_at_s,
		.kinds = s->kinds, .fingerprint = s->fingerprint, .state = s->state, .klass = s->klass,
		.grade = s->grade, .flags = s->flags, .caps = s->caps,
		.relapses = SENDER_CAPS_RELAPSES(s->caps),
	};

	t->o.sink.sender(t->o.sink.ctx, &row);
	for (uint32_t link = s->visits; link != 0; link = t->visits.records[link - 1].next) {
		const struct visit *v = &t->visits.records[link - 1];
		struct memory_row m = {
			.sender = s->key, .lower_at_s = v->lower_at_s, .memory_at_s = v->memory_at_s,
			.last_s = (uint32_t)(visit_last_us(v) / SECOND_US), .last_real_s = v->last_real_s, .set = v->set,
		};

		if (v->lower_at_s != 0)
			t->o.sink.memory(t->o.sink.ctx, &m);
	}
}

size_t
trap_flush(struct trap *t, size_t max_senders)
{
	size_t words = (size_t)t->senders.fresh / 64 + 1, told = 0, waiting = 0;

	tell_tallies(t);
	if (t->flush_at >= words)
		t->flush_at = 0;
	for (size_t i = 0; i < words; i++) {
		size_t word = (t->flush_at + i) % words;
		uint64_t bits = t->senders.dirty[word];

		if (bits == 0)
			continue;
		if (told >= max_senders) {
			waiting += (size_t)__builtin_popcountll(bits);
			continue;
		}
		t->senders.dirty[word] = 0;
		for (; bits != 0; bits &= bits - 1) {
			uint32_t number = (uint32_t)(word * 64 + (size_t)__builtin_ctzll(bits));

			if ((t->senders.records[number].flags & SENDER_IN_USE) != 0)
				tell_sender(t, number);
			told++;
		}
		if (told >= max_senders)
			t->flush_at = (uint32_t)(word + 1);
	}
	return waiting;
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

void
trap_target_health(const struct trap *t, uint32_t target, struct trap_health *out)
{
	const struct health_target *h = &t->health.targets[target];

	*out = (struct trap_health){
		.down = h->down, .last_syn_us = h->last_syn_us, .last_proven_us = h->last_proven_us,
		.last_unanswered_us = h->last_unanswered_us,
	};
}
