/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_touch.c - from attempts to visits: the route and the order memory.
 */
#include "trap_int.h"

static int64_t
visit_due_us(const struct trap *t, const struct visit *v)
{
	int64_t gap = visit_last_us(v) + t->o.judge.visit_gap_s * SECOND_US;
	int64_t longest = v->start_us + VISIT_MAX_S * SECOND_US;

	return gap < longest ? gap : longest;
}

static void
end_visit(struct trap *t, uint32_t visit)
{
	struct visit *v = &t->visits.records[visit];
	struct visit_row row;

	trap_judge_end(t, visit);
	v->flags &= (uint16_t)~VISIT_OPEN;
	t->counters.visits++;
	if ((v->flags & VISIT_FALLBACK) != 0)
		wheel_add(&t->ends, visit_last_us(v) + t->o.judge.fallback_window_s * SECOND_US,
		    visit_item(t, visit, true));
	if ((v->flags & VISIT_TALLIED) != 0 && (v->flags & (VISIT_REAL_PROVEN | VISIT_BOGUS_PROVEN)) == 0)
		return;
	row = (struct visit_row){
		.sender = t->senders.records[v->sender].key, .start_us = v->start_us, .end_us = visit_last_us(v),
		.set = v->set, .n_attempts = v->n_attempts,
		.n_route = (uint8_t)route_length(v->route), .n_proven_route = (uint8_t)route_length(v->proven_route),
		.klass = (v->flags & VISIT_PROBED) != 0 ? CLASS_PROBER : CLASS_SENDER,
		.real_proven = (v->flags & VISIT_REAL_PROVEN) != 0,
	};
	for (size_t i = 0; i < 3; i++) {
		row.route[i] = (uint8_t)route_at(v->route, i);
		row.proven_route[i] = (uint8_t)route_at(v->proven_route, i);
	}
	t->o.sink.visit(t->o.sink.ctx, &row);
}

void
trap_visit_due(struct trap *t, uint32_t item, int64_t due_us)
{
	uint32_t visit = item & ITEM_VISIT_MASK;
	struct visit *v = &t->visits.records[visit];

	if (item != visit_item(t, visit, (item & ITEM_FALLBACK) != 0))
		return;			/* the record is another visit's by now */
	if ((item & ITEM_FALLBACK) != 0) {
		if ((v->flags & VISIT_FALLBACK) != 0)
			trap_judge_fallback(t, visit);
		return;
	}
	if ((v->flags & VISIT_OPEN) == 0)
		return;
	if (visit_due_us(t, v) > due_us)
		wheel_add(&t->ends, visit_due_us(t, v), item);
	else
		end_visit(t, visit);
}

static void
begin_visit(struct trap *t, uint32_t visit)
{
	struct visit *v = &t->visits.records[visit];

	/* Stamps wrap after six days: forget them as soon as they cannot matter. */
	if (v->start_us != 0 && t->now_us - visit_last_us(v) > 2 * VISIT_MAX_S * SECOND_US)
		for (size_t i = 0; i < STAMP_N; i++)
			v->stamp[i] = 0;
	v->flags &= VISIT_FALLBACK | VISIT_UNANSWERED;
	v->flags |= VISIT_OPEN;
	if (t->flood)
		v->flags |= VISIT_TALLIED;
	v->start_us = t->now_us;
	v->last_off_us = 0;
	v->n_attempts = 0;
	v->route = v->proven_route = 0;
	v->bogus_first_proven = 0;
	v->said &= (uint8_t)~(VISIT_ADDRESSED | VISIT_FOREIGN_PROTOCOL);
	v->waited = 0;
	v->gap[0] = v->gap[1] = v->rtt = 0;
	wheel_add(&t->ends, visit_due_us(t, v), visit_item(t, visit, false));
}

static uint32_t
visit_for(struct trap *t, uint32_t number, uint16_t set)
{
	struct sender *s = &t->senders.records[number];
	uint32_t visit = visit_find(&t->visits, s, set);
	struct visit *v;

	if (visit == VISIT_NONE) {
		visit = visit_add(&t->visits, s, number, set);
		if (visit == VISIT_NONE &&
		    visit_reclaim(&t->visits, t->senders.records, now_s(t), t->o.judge.order_memory_s))
			visit = visit_add(&t->visits, s, number, set);
		if (visit == VISIT_NONE)
			return VISIT_NONE;
	}
	v = &t->visits.records[visit];
	if ((v->flags & VISIT_OPEN) != 0 && visit_due_us(t, v) <= t->now_us)
		end_visit(t, visit);
	if ((v->flags & VISIT_OPEN) == 0)
		begin_visit(t, visit);
	return visit;
}

/* The visit goes on now. */
static void
prolong(struct trap *t, struct visit *v)
{
	int64_t off = t->now_us - v->start_us;

	v->last_off_us = off > UINT32_MAX ? UINT32_MAX : (uint32_t)off;
}

static void
touch_bogus(struct trap *t, uint32_t visit, struct attempt *a, const struct packet *p_syn, uint64_t key, uint32_t hash)
{
	const struct target *target = &t->ladder->targets[a->target];
	struct visit *v = &t->visits.records[visit];
	uint32_t memory_s = t->o.judge.order_memory_s;
	bool v4 = sender_is_v4(a->key);
	bool lower_known = (v->flags & (VISIT_LOW | VISIT_REAL)) != 0 || visit_remembers(v, now_s(t), memory_s) ||
	    trap_pool_remembers(t, a->key, v->set, key, hash);
	struct pending p = {
		.due_us = t->now_us + JUDGE_DELAY_US, .visit = visit, .generation = v->generation,
		.what = PENDING_TOUCH, .grade = GRADE_SYN, .host = a->host,
	};

	/* The other family only where nothing else is known: from then on its own memory knows it, for a day. */
	if (!lower_known && trap_kin_follow(t, target, v4, p_syn)) {
		visit_remember(v, now_s(t), true, memory_s);
		lower_known = true;
	}
	if (!lower_known) {
		a->flags |= ATTEMPT_CANDIDATE;
		p.kin_unknown = trap_kin_unknown(t, target, v4, p_syn);
		if (p.kin_unknown)
			a->flags |= ATTEMPT_KIN_UNKNOWN;
		if ((v->flags & VISIT_HINTED) == 0)
			trap_push(t, &t->touches, &p);
	} else if ((v->flags & (VISIT_REAL | VISIT_BOGUS)) == VISIT_REAL) {
		trap_note_kind(t, visit, EVIDENCE_REACHED_REAL, GRADE_SYN, a->host);
	}
}

/*
 * On from a silent rung within 2 s of the SYN there?  Not where any attempt of this visit on the
 * rungs that it comes from was answered or sent again: a server with several mails under way
 * leaves for the next rung with the one while the SYN of another has only just gone out.
 */
static bool
impatient(const struct trap *t, const struct visit *v, enum role role)
{
	unsigned from = v->last_role, to = (unsigned)role;

	if ((v->flags & VISIT_PENDING_LOWER) == 0 || to <= from ||
	    t->now_us - visit_last_us(v) >= 2 * SECOND_US)
		return false;
	return (v->waited & ((1u << to) - (1u << from))) == 0;
}

uint32_t
trap_touch(struct trap *t, uint32_t number, struct attempt *a, const struct packet *p, uint64_t key, uint32_t hash)
{
	const struct target *target = &t->ladder->targets[a->target];
	enum role role = (enum role)target->role;
	uint32_t visit = visit_for(t, number, target->set), memory_s = t->o.judge.order_memory_s;
	bool v4 = sender_is_v4(a->key);
	struct visit *v;
	uint8_t route;

	if (visit == VISIT_NONE)
		return VISIT_NONE;
	v = &t->visits.records[visit];
	if (impatient(t, v, role)) {
		struct pending p_impatient = {
			.due_us = t->now_us + JUDGE_DELAY_US, .visit = visit, .generation = v->generation,
			.what = PENDING_IMPATIENT, .grade = GRADE_SYN, .host = a->host,
		};

		trap_push(t, &t->touches, &p_impatient);
	}
	route = route_add(v->route, role);
	if (route != v->route && route_length(route) > 1)
		v->gap[route_length(route) - 2] = visit_log_us(t->now_us - visit_last_us(v));
	v->route = route;
	if (role == ROLE_NOLISTING || (role == ROLE_BOGUS && target->answer == ANSWER_NONE))
		v->proven_route = route_add(v->proven_route, role);
	v->n_attempts = v->n_attempts < UINT16_MAX ? (uint16_t)(v->n_attempts + 1) : UINT16_MAX;
	v->last_role = role & 3;
	v->flags &= (uint16_t)~VISIT_PENDING_LOWER;
	prolong(t, v);

	switch (role) {
	case ROLE_NOLISTING:
		v->flags |= VISIT_LOW | VISIT_PENDING_LOWER;
		if ((v->flags & VISIT_BOGUS_PROVEN) == 0)
			v->flags |= VISIT_LOW_FIRST;
		trap_kin_join(t, visit, target, v4, p);
		break;
	case ROLE_REAL:
		v->flags |= VISIT_REAL | VISIT_PENDING_LOWER;
		v->last_real_s = now_s(t);
		if ((t->senders.records[v->sender].flags & SENDER_OURS) == 0)
			health_syn(&t->health, a->target, t->now_us);
		if (target->rung != 0)
			(void)trap_kin_follow(t, target, v4, p);
		trap_kin_join(t, visit, target, v4, p);
		break;
	case ROLE_BOGUS:
		/* A touch of the backup excuses nobody, and must not push out of the ring what does. */
		touch_bogus(t, visit, a, p, key, hash);
		v->flags |= VISIT_BOGUS;
		break;
	case ROLE_CONTROL:
		break;
	}
	visit_remember(v, now_s(t), role != ROLE_BOGUS, memory_s);
	trap_pool_touch(t, &t->senders.records[number], target->set, role, key, hash);
	return visit;
}

uint32_t
trap_visit_of(struct trap *t, uint32_t number, const struct attempt *a)
{
	uint32_t visit;

	if (number == SENDER_NONE || t->ladder->targets[a->target].role == ROLE_CONTROL)
		return VISIT_NONE;
	visit = visit_find(&t->visits, &t->senders.records[number], t->ladder->targets[a->target].set);
	if (visit == VISIT_NONE || (t->visits.records[visit].flags & VISIT_OPEN) == 0)
		return VISIT_NONE;
	return visit;
}

void
trap_waited(struct trap *t, uint32_t visit, const struct attempt *a)
{
	struct visit *v = &t->visits.records[visit];

	v->flags &= (uint16_t)~VISIT_PENDING_LOWER;
	v->waited |= (uint8_t)(1u << t->ladder->targets[a->target].role);
}

void
trap_resent(struct trap *t, uint32_t visit, struct attempt *a)
{
	struct visit *v = &t->visits.records[visit];

	prolong(t, v);
	/* It waited for at least one retransmission: whatever it is, it is not impatient. */
	if ((a->flags & ATTEMPT_RESENT) != 0)
		trap_waited(t, visit, a);
	if (t->ladder->targets[a->target].role == ROLE_REAL)
		v->last_real_s = now_s(t);
}

void
trap_proven(struct trap *t, uint32_t number, uint32_t visit, struct attempt *a, int64_t rtt_us)
{
	const struct target *target = &t->ladder->targets[a->target];
	struct visit *v = &t->visits.records[visit];
	struct pending p = {
		.due_us = t->now_us + JUDGE_DELAY_US, .visit = visit, .generation = v->generation,
		.what = PENDING_REAL_PROVEN, .grade = GRADE_PROVEN, .host = a->host,
	};
	uint8_t rtt = visit_log_us(rtt_us);

	trap_waited(t, visit, a);
	v->proven_route = route_add(v->proven_route, (enum role)target->role);
	if (v->rtt == 0 || rtt < v->rtt)
		v->rtt = rtt != 0 ? rtt : 1;
	sender_dirty(&t->senders, number);
	trap_pool_proven(t, a->key, v->set);
	if (target->role == ROLE_REAL) {
		v->flags |= VISIT_REAL_PROVEN;
		v->flags &= (uint16_t)~VISIT_UNANSWERED;
		trap_push(t, &t->proofs, &p);
	} else if (target->role == ROLE_BOGUS) {
		v->flags |= VISIT_BOGUS_PROVEN;
		if ((a->flags & ATTEMPT_CANDIDATE) != 0) {
			v->bogus_first_proven = 1;
			p.what = PENDING_BOGUS_PROVEN;
			p.kin_unknown = (a->flags & ATTEMPT_KIN_UNKNOWN) != 0;
			trap_push(t, &t->proofs, &p);
		}
	}
}
