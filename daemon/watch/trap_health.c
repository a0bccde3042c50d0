/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_health.c - what tells that judging must wait: the real MX's state, our own blindness, and
 * decoys that do not behave as configured.
 *
 * Each doubt reaches back as well: what was judged before it was noticed is taken back.
 */
#include "trap_int.h"

#define ALARM_US (3600 * SECOND_US)	/* an alarm that goes on is told again after this */
#define REFUSED_US (5 * SECOND_US)	/* longer than a decoy takes to start again */
#define REFUSED_LONG_US (24 * 3600 * SECOND_US)	/* two refusals farther apart are two restarts */
#define BEFORE_US (60 * SECOND_US)	/* overflows and steps are noticed within this */

void
trap_alarm(struct trap *t, uint32_t target, enum note_kind kind)
{
	struct alarm *a = &t->alarms[target];

	if (a->kind != kind)
		a->since_us = t->now_us;
	t->n_alarms += a->kind == 0;
	a->kind = (uint8_t)kind;
	if (a->told_us != 0 && t->now_us - a->told_us < ALARM_US)
		return;
	a->told_us = t->now_us;
	trap_tell_note(t, kind, target, 0, 0);
}

void
trap_alarm_over(struct trap *t, uint32_t target)
{
	struct alarm *a = &t->alarms[target];

	if (a->kind == 0)
		return;
	a->kind = 0;
	t->n_alarms--;
}

/*
 * A decoy that should answer refused.  Once is a restart; again a while later, with nobody let in
 * between, it is dead.
 */
void
trap_alarm_refused(struct trap *t, uint32_t target)
{
	struct alarm *a = &t->alarms[target];

	if (a->refused_us == 0 || t->now_us - a->refused_us > REFUSED_LONG_US)
		a->refused_us = t->now_us;
	else if (t->now_us - a->refused_us >= REFUSED_US)
		trap_alarm(t, target, NOTE_DECOY_DEAD);
}

void
trap_health_news(struct trap *t, uint32_t target, enum health_news news)
{
	switch (news) {
	case HEALTH_SAME:
		break;
	case HEALTH_DOWN:
		trap_tell_note(t, NOTE_REAL_DOWN, target, t->now_us - HEALTH_BEFORE_US, 0);
		trap_doubt_later(t, t->ladder->targets[target].set, t->now_us - HEALTH_BEFORE_US, DOUBT_REAL_DOWN);
		break;
	case HEALTH_BACK:
		trap_tell_note(t, NOTE_REAL_UP, target, 0, t->now_us);
		break;
	}
}

void
trap_health_due(struct trap *t)
{
	uint32_t target;

	while ((target = health_due(&t->health, t->now_us)) != UINT32_MAX)
		trap_health_news(t, target, HEALTH_DOWN);
}

uint16_t
trap_doubts(const struct trap *t, uint16_t set)
{
	uint16_t mask = health_doubts(&t->health, set, t->now_us);

	if (t->pools.lost_at_s != 0 && now_s(t) - t->pools.lost_at_s < HEALTH_MEMORY_US / SECOND_US)
		mask |= DOUBT_TABLE_FULL;
	return mask;
}

static void
take_probe(struct trap *t, const struct event *e)
{
	if (!trap_is_real(t, e->target) || e->value < 0 || e->value >= PROBE_N_RESULTS)
		return;
	trap_health_news(t, e->target, health_probe(&t->health, e->target, (enum probe_result)e->value, t->now_us,
	    (int64_t)e->expires_s * SECOND_US));
}

static void
take_drops(struct trap *t, const struct event *e)
{
	bool was = (health_doubts(&t->health, UINT16_MAX, t->now_us) & DOUBT_DROPS) != 0;

	health_packets(&t->health, t->seen_since, (uint64_t)e->value, t->now_us);
	t->seen_since = 0;
	trap_tell_note(t, NOTE_DROPS, UINT32_MAX, 0, e->value);
	if ((health_doubts(&t->health, UINT16_MAX, t->now_us) & DOUBT_DROPS) != 0)
		trap_doubt_later(t, UINT16_MAX, t->now_us - (was ? BEFORE_US : HEALTH_MEMORY_US), DOUBT_DROPS);
}

void
trap_take_health(struct trap *t, const struct event *e)
{
	switch ((enum event_kind)e->kind) {
	case EVENT_DROPS:
		take_drops(t, e);
		break;
	case EVENT_BLIND:
		trap_tell_note(t, NOTE_BLIND, e->target, e->since_us, t->now_us);
		if (e->value != 0)
			health_unseen(&t->health, t->now_us);
		if (health_blind(&t->health, e->since_us, t->now_us))
			/* An outage that began before would have been noticed only now. */
			trap_doubt_later(t, UINT16_MAX, e->since_us - ATTEMPT_LIFE_US, DOUBT_BLIND);
		else if (e->value != 0)
			trap_doubt_later(t, UINT16_MAX, e->since_us, DOUBT_BLIND);
		break;
	case EVENT_CLOCK_STEP:
		t->health.step_until_us = t->now_us + HEALTH_MEMORY_US;
		trap_tell_note(t, NOTE_CLOCK_STEP, UINT32_MAX, 0, e->value);
		trap_doubt_later(t, UINT16_MAX, t->now_us - BEFORE_US, DOUBT_CLOCK_STEP);
		break;
	case EVENT_OVERFLOW:
		/* It may go on for hours under fire, and is told each second. */
		if (t->now_us >= t->health.overflow_until_us)
			trap_tell_note(t, NOTE_OVERFLOW, UINT32_MAX, t->now_us - BEFORE_US, t->now_us);
		t->health.overflow_until_us = t->now_us + HEALTH_MEMORY_US;
		trap_doubt_later(t, UINT16_MAX, t->now_us - BEFORE_US, DOUBT_OVERFLOW);
		break;
	case EVENT_PROBE:
		take_probe(t, e);
		break;
	case EVENT_TICK:
	case EVENT_START:
	case EVENT_ACCEPT:
	case EVENT_ALLOW:
	case EVENT_FORGET:
	case EVENT_LIST:
	case EVENT_LAYOUT:
	case EVENT_NEVER:
	case EVENT_PURGE:
	case EVENT_SAID:
	case EVENT_TAKE_BACK:
	case EVENT_DEFERRED:
	case EVENT_SIGHTING:
	case EVENT_ACCEPTED:
		break;
	}
}

void
trap_target_health(const struct trap *t, uint32_t target, struct trap_health *out)
{
	const struct health_target *h = &t->health.targets[target];

	*out = (struct trap_health){
		.down = health_is_down(h), .by_probe = h->probe_down || h->deferring,
		.unknown = t->ladder->targets[target].role == ROLE_REAL && health_unknown(&t->health, target, t->now_us),
		.probe_last = h->probe_last, .probe_us = h->probe_us, .alarm = t->alarms[target].kind,
		.alarm_us = t->alarms[target].since_us, .last_syn_us = h->last_syn_us,
		.last_proven_us = h->last_proven_us, .last_unanswered_us = h->last_unanswered_us,
	};
}
