/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_attempt.c - from packets to attempts: opened, answered, refused, proven, and seen off.
 */
#include "trap_int.h"

#include <string.h>

/* Its outcome is known, or it is 70 s old: the store is told, or in a flood the tally. */
static void
tell_attempt(struct trap *t, struct attempt *a, uint32_t rtt_us)
{
	struct attempt_row row;
	struct tally_row *tally;

	if ((a->flags & ATTEMPT_TOLD) != 0)
		return;
	tally = trap_tally_of(t, a->target);
	a->flags |= ATTEMPT_TOLD;
	tally->refused += a->outcome == OUTCOME_REFUSED;
	tally->silent += a->outcome == OUTCOME_SILENT;
	/* In a flood who is not proven; and at any time who had rows enough: explanations need no more, and others need room. */
	if (((a->flags & ATTEMPT_TALLIED) != 0 && a->outcome != OUTCOME_PROVEN) ||
	    !trap_share(t, a->key, SHARE_ATTEMPTS, 0)) {
		tally->not_kept++;
		t->counters.tallied++;
		return;
	}
	row = (struct attempt_row){
		.time_us = attempt_first_us(&t->attempts, a), .src = sender_addr(a->key, a->host), .target = a->target, .sport = a->sport,
		.n_syns = a->n_syns, .rtt_us = rtt_us, .grade = (uint8_t)attempt_grade(a),
		.outcome = a->outcome, .fingerprint = a->fingerprint,
	};
	t->o.sink.attempt(t->o.sink.ctx, &row);
}

/*
 * The real MX gave this attempt no SYN-ACK, or the sender never got it: its own
 * path is in doubt, and with others' the real MX itself.  What was answered says nothing of
 * the MX, whatever followed: a stranger can half open, and provoke a RST with a wrong ACK.
 */
static void
unanswered(struct trap *t, struct attempt *a, bool answered)
{
	uint16_t set = t->ladder->targets[a->target].set;
	sender_key ours = addr_sender(&t->ladder->targets[a->target].addr);
	struct sender *s = &t->senders.records[a->sender];
	uint32_t visit;

	if ((a->flags & ATTEMPT_NOTED) != 0 || s->key != a->key)
		return;
	a->flags |= ATTEMPT_NOTED;
	visit = visit_find(&t->visits, s, set);
	if (visit != VISIT_NONE)
		t->visits.records[visit].flags |= VISIT_UNANSWERED;
	sender_dirty(&t->senders, a->sender);	/* no restart forgets that */
	/* Whom we block gets no answer by our own doing; and our own network is not the world. */
	if (answered || s->state == STATE_LISTED || (s->flags & SENDER_OURS) != 0 ||
	    pool_key(a->key, 0) == pool_key(ours, 0))
		return;
	trap_health_news(t, a->target, health_unanswered(&t->health, a->target, pool_key(a->key, 0), t->now_us));
	/* It may have a minute to wait until it is sure. */
	if (t->health.due_us < t->next_due_us)
		t->next_due_us = t->health.due_us;
}

/* 70 s old, or pushed out by a flood. */
void
trap_leaving(void *ctx, struct attempt *a)
{
	struct trap *t = ctx;

	if (t->ladder->targets[a->target].role == ROLE_REAL &&
	    (a->outcome == OUTCOME_SILENT || a->outcome == OUTCOME_HALF) &&
	    t->now_us - attempt_first_us(&t->attempts, a) >= ATTEMPT_LIFE_US)
		unanswered(t, a, a->outcome == OUTCOME_HALF);
	tell_attempt(t, a, 0);
}

static void
evict_sender(void *ctx, uint32_t number)
{
	struct trap *t = ctx;

	t->list.n_cleared -= t->senders.records[number].state == STATE_CLEARED;
	visit_drop_all(&t->visits, &t->senders.records[number]);
	t->senders.dirty[number >> 6] &= ~(1ULL << (number & 63));
}

/* Ids are told to the store before any row that uses them. */
uint16_t
trap_fingerprint(struct trap *t, const struct fingerprint *fp)
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
	if (t->now_us >= t->second_end_us) {
		bool over = t->now_us < t->second_end_us + SECOND_US && t->second_attempts > t->o.limits.tally_above;

		if (t->flood && !over) {
			t->flood = false;
			trap_tell_note(t, NOTE_FLOOD_END, UINT32_MAX, 0, 0);
		}
		t->second_end_us = t->now_us - t->now_us % SECOND_US + SECOND_US;
		t->second_attempts = 0;
	}
	if (++t->second_attempts > t->o.limits.tally_above && !t->flood) {
		t->flood = true;
		trap_tell_note(t, NOTE_FLOOD, UINT32_MAX, 0, 0);
	}
}

uint32_t
trap_new_record(struct trap *t, sender_key key, uint64_t host, uint32_t hash)
{
	struct addr src = sender_addr(key, host);
	uint32_t number = sender_add(&t->senders, key, hash, now_s(t), evict_sender, t);

	if (number == SENDER_NONE) {
		if (t->now_us > t->health.full_until_us)
			trap_tell_note(t, NOTE_TABLE_FULL, UINT32_MAX, 0, 0);
		t->health.full_until_us = t->now_us + HEALTH_MEMORY_US;
		return SENDER_NONE;
	}
	t->counters.senders_new++;
	if (ladder_is_ours(t->ladder, &src) || never_holds(&t->never, &src, NEVER_OWN))
		t->senders.records[number].flags |= SENDER_OURS;
	return number;
}

uint32_t
trap_new_sender(struct trap *t, const struct trap_work *w, sender_key key, uint64_t host, uint32_t hash)
{
	uint32_t number = trap_new_record(t, key, host, hash);

	if (number != SENDER_NONE)
		trap_tally_of(t, w->target_number)->first_seen++;
	return number;
}

/* The sender of a packet that opens something; made if new.  *capped: its network may bring nobody more now. */
static uint32_t
sender_for(struct trap *t, const struct trap_work *w, bool *capped)
{
	uint32_t number = sender_find(&t->senders, w->key, w->sender_hash);

	*capped = false;
	if (number == SENDER_NONE) {
		*capped = trap_network_full(t, w->key);
		number = *capped ? SENDER_NONE : trap_new_sender(t, w, w->key, w->host, w->sender_hash);
		if (number == SENDER_NONE)
			return SENDER_NONE;
	}
	t->senders.records[number].last_seen_s = now_s(t);
	return number;
}

static void
syn_again(struct trap *t, struct attempt *a, uint32_t number)
{
	const struct target *target = &t->ladder->targets[a->target];
	int64_t age = t->now_us - attempt_first_us(&t->attempts, a);
	uint32_t visit;

	if (age - (a->outcome == OUTCOME_SILENT ? a->last_off_us : 0) < ATTEMPT_COPY_US)
		return;			/* the same packet, seen twice */
	if (a->n_syns < 31)
		a->n_syns++;
	if (age >= ATTEMPT_RESYN_US)
		a->flags |= ATTEMPT_RESENT;
	if (a->outcome == OUTCOME_SILENT)
		a->last_off_us = (uint32_t)age;
	visit = trap_visit_of(t, number, a);
	if (visit != VISIT_NONE)
		trap_resent(t, visit, a);
	if (a->outcome != OUTCOME_SILENT || (a->flags & ATTEMPT_RESENT) == 0)
		return;
	if (target->role == ROLE_REAL)
		unanswered(t, a, false);
	else if (t->senders.records[number].state == STATE_LISTED)
		return;			/* whom a firewall drops by our own list */
	else if (target->role == ROLE_NOLISTING || target->answer == ANSWER_NONE)
		trap_alarm(t, a->target, NOTE_DECOY_SILENT);
	else
		trap_alarm(t, a->target, NOTE_DECOY_DEAD);
}

void
trap_take_syn(struct trap *t, const struct trap_work *w, const struct packet *p)
{
	struct attempt *a = attempt_find(&t->attempts, w->attempt_hash, w->key, w->host, w->target_number, w->sport,
	    &p->seq);
	bool capped;
	uint32_t number = sender_for(t, w, &capped);

	if (capped)
		trap_take_capped(t, w, p);
	if (number == SENDER_NONE)
		return;
	/* The decoy's own probe, from an address of this host, is nobody's visit. */
	if (w->target->role == ROLE_REAL && (t->senders.records[number].flags & SENDER_OURS) != 0 &&
	    never_holds(&t->never, &p->src, NEVER_OWN))
		return;
	sender_dirty(&t->senders, number);
	if (a != NULL) {
		syn_again(t, a, number);
		return;
	}
	count_for_flood(t);
	a = attempt_add(&t->attempts, w->attempt_hash, number, w->key, w->host, w->target_number, w->sport,
	    p->seq, t->now_us, trap_leaving, t);
	t->counters.attempts++;
	trap_tally_of(t, w->target_number)->attempts++;
	if (t->flood)
		a->flags |= ATTEMPT_TALLIED;
	a->fingerprint = trap_fingerprint(t, &p->fp);
	t->senders.records[number].fingerprint = a->fingerprint;
	if (w->target->role == ROLE_CONTROL) {
		t->senders.records[number].klass = CLASS_SCANNER;
		if (!t->flood)
			trap_note_sender_kind(t, number, EVIDENCE_SWEPT, GRADE_SYN, w->host);
		return;
	}
	trap_touch(t, number, a, p, w->pool_key, w->pool_hash);
}

/* SENDER_NONE: its record was evicted since. */
static uint32_t
sender_of(const struct trap *t, const struct attempt *a)
{
	return t->senders.records[a->sender].key == a->key ? a->sender : SENDER_NONE;
}

static void
now_answered(struct trap *t, struct attempt *a)
{
	uint32_t visit = trap_visit_of(t, sender_of(t, a), a);

	a->last_off_us = (uint32_t)(t->now_us - attempt_first_us(&t->attempts, a));
	if (visit != VISIT_NONE)
		trap_waited(t, visit, a);
}

static void
refused_by_decoy(struct trap *t, const struct attempt *a)
{
	uint32_t number = sender_of(t, a);

	/* Not one whom a firewall refuses by our own list. */
	if (number != SENDER_NONE && t->senders.records[number].state != STATE_LISTED)
		trap_alarm_refused(t, a->target);
}

static void
take_refusal(struct trap *t, const struct trap_work *w, struct attempt *a)
{
	bool answered = a->outcome == OUTCOME_HALF;

	if (a->outcome != OUTCOME_SILENT && !answered)
		return;
	a->outcome = OUTCOME_REFUSED;
	now_answered(t, a);
	if (w->target->role == ROLE_REAL)
		unanswered(t, a, answered);
	else if (!answered && w->target->answer != ANSWER_NONE)
		refused_by_decoy(t, a);
	else if (t->n_alarms != 0 && !answered && t->alarms[a->target].kind != 0)
		trap_alarm_over(t, a->target);
	tell_attempt(t, a, 0);
}

void
trap_prove(struct trap *t, const struct trap_work *w, struct attempt *a)
{
	uint32_t number = sender_of(t, a), visit;
	int64_t rtt_us = t->now_us - attempt_first_us(&t->attempts, a) - a->last_off_us;

	if (wrong_doubts(&t->wrong, a->key, t->now_us)) {
		/* Somebody guesses in its name: it may have come again, no more. */
		a->flags |= ATTEMPT_RESENT;
		t->counters.proofs_doubted++;
		return;
	}
	a->outcome = OUTCOME_PROVEN;
	t->counters.proven++;
	trap_tally_of(t, a->target)->proven++;
	tell_attempt(t, a, (uint32_t)(rtt_us > 0 ? rtt_us : 1));
	if (w->target->role == ROLE_REAL && (number == SENDER_NONE || (t->senders.records[number].flags & SENDER_OURS) == 0))
		trap_health_news(t, a->target, health_proven(&t->health, a->target, t->now_us));
	else {
		t->alarms[a->target].refused_us = 0;
		if (t->n_alarms != 0 && t->alarms[a->target].kind == NOTE_DECOY_DEAD)
			trap_alarm_over(t, a->target);
	}
	if (number == SENDER_NONE && (a->flags & ATTEMPT_CAPPED) != 0)
		number = trap_adopt(t, w, a);
	if (number == SENDER_NONE)
		return;
	t->senders.records[number].flags |= w->target->role == ROLE_REAL ? SENDER_PROVEN | SENDER_REAL : SENDER_PROVEN;
	visit = trap_visit_of(t, number, a);
	if (visit != VISIT_NONE)
		trap_proven(t, number, visit, a, rtt_us);
}

void
trap_take_reply(struct trap *t, const struct trap_work *w, const struct packet *p)
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
			trap_alarm(t, a->target, NOTE_DECOY_ANSWERS);
		a->outcome = OUTCOME_HALF;
		a->answer_isn = p->seq;
		now_answered(t, a);
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
		if (w->from_us || a->outcome != OUTCOME_HALF)
			break;
		if (p->ack == a->answer_isn + 1)
			trap_prove(t, w, a);
		else if (wrong_is(p->ack, a->answer_isn))
			(void)wrong_note(&t->wrong, a->key, t->now_us);
		break;
	case PACKET_SYN:
		break;
	}
}
