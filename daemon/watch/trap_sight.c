/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_sight.c - what the MTA of a real exchanger tells of a sender: it came as far as RCPT, it was
 * put off, its message was taken.
 *
 * All of this speaks for the sender, or for the exchanger; nothing of it is ever held against
 * anybody.  Where the exchanger is on the wire as well, the wire says who was there, and the MTA only
 * prolongs what is remembered: whoever can forge a request can make us forgive, not believe.
 */
#include "trap_int.h"

/* The sender's visit of that set; VISIT_NONE. */
static uint32_t
visit_of(struct trap *t, const struct event *e, uint32_t *number)
{
	sender_key key = addr_sender(&e->what.addr);

	*number = sender_find(&t->senders, key, sender_hash(&t->senders, key));
	if (*number == SENDER_NONE)
		return VISIT_NONE;
	return visit_find(&t->visits, &t->senders.records[*number], t->ladder->targets[e->target].set);
}

/* A connection that the wire did not show. */
static void
witnessed(struct trap *t, const struct event *e, bool prove)
{
	struct packet p = { .time_us = t->now_us, .src = e->what.addr, .dst = t->ladder->targets[e->target].addr,
		.sport = e->port, .dport = 25, .kind = PACKET_SYN };
	struct attempt *a;
	struct trap_work w;

	trap_take_witnessed(t, &p);
	if (!prove)
		return;
	trap_work_of(t, e, &w);
	a = attempt_find(&t->attempts, w.attempt_hash, w.key, w.host, w.target_number, w.sport, NULL);
	if (a != NULL && a->outcome == OUTCOME_HALF)
		trap_prove(t, &w, a);
}

/* It was at the real MX: remembered as long as if it had just come. */
static uint32_t
was_there(struct trap *t, const struct event *e, bool prove, uint32_t *number)
{
	uint32_t visit = visit_of(t, e, number);
	struct visit *v = visit != VISIT_NONE ? &t->visits.records[visit] : NULL;
	bool told = t->ladder->targets[e->target].witness == WITNESS_POSTFIX;

	if (v == NULL || (told && prove && (v->flags & (VISIT_OPEN | VISIT_REAL_PROVEN)) != (VISIT_OPEN | VISIT_REAL_PROVEN))) {
		witnessed(t, e, told && prove);
		visit = visit_of(t, e, number);
	}
	if (visit == VISIT_NONE)
		return VISIT_NONE;	/* no room: the table's own doubt tells */
	v = &t->visits.records[visit];
	v->last_real_s = now_s(t);
	visit_remember(v, now_s(t), true, t->o.judge.order_memory_s);
	sender_dirty(&t->senders, *number);
	return visit;
}

/*
 * The real MX put this sender off: it may go on to the backup, now and for as long as its order
 * is remembered.
 */
static void
take_deferred(struct trap *t, const struct event *e)
{
	uint32_t number, visit = was_there(t, e, false, &number);

	if (visit == VISIT_NONE)
		return;
	t->visits.records[visit].flags |= VISIT_REAL | VISIT_UNANSWERED;
	trap_doubt_sender_later(t, number, t->visits.records[visit].set, t->now_us - HEALTH_BEFORE_US, DOUBT_OWN_PATH);
}

/* What it does from now on is excused for a day; what it did before stands. */
static void
take_accepted(struct trap *t, const struct event *e)
{
	uint32_t number, visit = was_there(t, e, true, &number);
	struct sender *s;
	bool first;

	if (visit == VISIT_NONE)
		return;
	s = &t->senders.records[number];
	first = (s->flags & SENDER_ACCEPTED) == 0 || now_s(t) - s->climbed_at_s >= 3600;
	s->flags |= SENDER_ACCEPTED;
	s->climbed_at_s = now_s(t);
	t->visits.records[visit].flags &= (uint16_t)~VISIT_UNANSWERED;
	/* Said once an hour: a mailing list brings thousands. */
	if (first)
		trap_note_kind(t, visit, EVIDENCE_ACCEPTED, GRADE_ACCEPTED, addr_host(&e->what.addr));
}

/* Mail of our own hosts, or out of the exchanger's own network, does not come the way that a stranger's does. */
static bool
from_outside(const struct trap *t, const struct event *e)
{
	const struct addr *a = &e->what.addr, *exchanger = &t->ladder->targets[e->target].addr;

	if ((t->never.special_purpose && never_special(&e->what)) || never_holds(&t->never, a, NEVER_OWN))
		return false;
	return !ladder_is_ours(t->ladder, a) && pool_key(addr_sender(a), 0) != pool_key(addr_sender(exchanger), 0);
}

void
trap_take_sight(struct trap *t, const struct event *e)
{
	uint32_t number;

	if (!trap_is_real(t, e->target))
		return;
	if (e->kind != EVENT_DEFERRED && t->ladder->targets[e->target].witness == WITNESS_POSTFIX &&
	    from_outside(t, e))
		health_told(&t->health, e->target, t->now_us);
	if (e->kind == EVENT_DEFERRED)
		take_deferred(t, e);
	else if (e->kind == EVENT_ACCEPTED)
		take_accepted(t, e);
	else
		(void)was_there(t, e, true, &number);
}
