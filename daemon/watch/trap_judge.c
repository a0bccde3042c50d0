/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_judge.c - from routes to evidence: the rows of the table in docs/design, one function each.
 *
 * Two routes are judged: `score` on the proven one, `hint` on all attempts.  Excuses
 * count at any grade; guilt in score needs a proven touch of the bogus rung.
 */
#include "trap_int.h"

#define CLIMBED_LOWEST	 (1.0f / 3.0f)	/* of climbed's points where the real MX is the lowest rung */

/*
 * Three or more rungs within 1 s, each gap under half the handshake's round trip:
 * it did not wait for any answer, so it verifies our domain rather than climbs.
 */
static bool
is_prober(struct trap *t, uint32_t visit, uint64_t host)
{
	struct visit *v = &t->visits.records[visit];
	uint8_t half, second = visit_log_us(SECOND_US);

	if ((v->flags & VISIT_PROBED) != 0)
		return true;
	if (route_length(v->route) < 3 || v->rtt == 0)
		return false;
	half = v->rtt > 8 ? (uint8_t)(v->rtt - 8) : 0;	/* an octave less */
	if (v->gap[0] >= half || v->gap[1] >= half || v->gap[0] >= second || v->gap[1] >= second)
		return false;
	v->flags |= VISIT_PROBED;
	t->senders.records[v->sender].klass = CLASS_PROBER;
	trap_note_kind(t, visit, EVIDENCE_PROBED, GRADE_PROVEN, host);
	return true;
}

static void
judge_backup_first(struct trap *t, uint32_t visit, enum grade grade, const struct pending *p)
{
	struct visit *v = &t->visits.records[visit];
	bool proven = grade >= GRADE_PROVEN && t->ladder->sets[v->set].bogus_near;
	bool descended = (v->flags & VISIT_REAL_PROVEN) != 0;
	struct finding f = {
		.number = v->sender, .visit = visit, .kind = EVIDENCE_BACKUP_FIRST, .grade = grade,
		.host = p->host, .doubts = p->kin_unknown ? DOUBT_KIN_UNKNOWN : 0,
		.quiet = (v->flags & VISIT_TALLIED) != 0 && grade < GRADE_PROVEN,
	};

	if ((v->flags & (VISIT_HINTED | VISIT_SCORED)) == 0 && visit_stamped(v, STAMP_BACKUP_FIRST, now_s(t))) {
		if (!proven || v->hour_scored)
			return;		/* this hour's was counted in an earlier visit */
		v->flags |= VISIT_HINTED;	/* as a hint only: a forged SYN must not shield a proven touch */
	}
	if ((v->flags & VISIT_HINTED) == 0)
		f.hint = t->o.judge.points_hint[EVIDENCE_BACKUP_FIRST];
	if (proven && (v->flags & VISIT_SCORED) == 0 && !descended)
		f.score = t->o.judge.points_score[EVIDENCE_BACKUP_FIRST];
	v->flags |= VISIT_HINTED;
	if (proven && !descended)
		v->flags |= VISIT_SCORED;
	if (f.score > 0 || f.hint > 0)
		trap_weigh(t, &f);
	/* It went on to the real MX before it was judged: the milder kind instead. */
	if (proven && descended && (v->flags & (VISIT_SCORED | VISIT_DESCENDED)) == 0) {
		struct sender *s = &t->senders.records[v->sender];

		v->flags |= VISIT_DESCENDED;
		f.kind = EVIDENCE_DESCENDED;
		f.hint = 0;
		f.score = SENDER_CAPS_DESCENDED(s->caps) < 2 ? t->o.judge.points_score[EVIDENCE_DESCENDED] : 0;
		if (trap_weigh(t, &f) && f.score > 0)
			s->caps++;
	}
}

/* Bogus first and scored, now a proven touch of the real MX: replace the points. */
static void
judge_descended(struct trap *t, uint32_t visit, uint64_t host)
{
	struct visit *v = &t->visits.records[visit];
	struct sender *s = &t->senders.records[v->sender];
	struct recent *found = NULL;
	struct finding f = {
		.number = v->sender, .visit = visit, .kind = EVIDENCE_DESCENDED, .grade = GRADE_PROVEN, .host = host,
	};

	v->flags |= VISIT_DESCENDED;
	for (uint32_t i = 0; i < RECENT && found == NULL; i++) {
		struct recent *r = &t->scored.at[(t->scored.next - 1 - i) % RECENT];

		if (r->time_us < v->start_us)
			break;
		if (r->live && r->key == s->key && r->set == v->set && r->kind == EVIDENCE_BACKUP_FIRST && r->score > 0)
			found = r;
	}
	if (found == NULL || s->state == STATE_LISTED)
		return;			/* it was excused, or it is listed: nothing is revised */
	/* Only score is replaced: the hint keeps its points. */
	found->hint = 0;
	f.grade = (enum grade)found->grade;
	trap_revise(t, found, visit, 0);
	f.score = SENDER_CAPS_DESCENDED(s->caps) < 2 ? t->o.judge.points_score[EVIDENCE_DESCENDED] : 0;
	v->stamp[STAMP_BACKUP_FIRST] = 0;
	if (trap_weigh(t, &f) && f.score > 0)
		s->caps++;
}

static void
judge_climbed(struct trap *t, uint32_t visit, uint64_t host)
{
	struct visit *v = &t->visits.records[visit];
	struct sender *s = &t->senders.records[v->sender];
	bool lowest = !t->ladder->sets[v->set].has_nolisting;
	struct finding f = {
		.number = v->sender, .visit = visit, .kind = EVIDENCE_CLIMBED, .grade = GRADE_PROVEN, .host = host,
		.score = t->o.judge.points_score[EVIDENCE_CLIMBED], .hint = t->o.judge.points_hint[EVIDENCE_CLIMBED],
	};

	if (lowest ? v->bogus_first_proven : (v->flags & VISIT_LOW_FIRST) == 0)
		return;
	s->climbed_at_s = now_s(t);
	sender_dirty(&t->senders, v->sender);
	if (visit_stamped(v, STAMP_CLIMBED, now_s(t)))
		return;
	/* On the full route the bogus rung came first: that is no climb, and the hint stands.  In score an
	 * unproven touch of it may be forged, and does not spoil the climb. */
	if ((v->flags & VISIT_HINTED) != 0)
		f.hint = 0;
	if (lowest) {
		f.score *= CLIMBED_LOWEST;
		f.hint *= CLIMBED_LOWEST;
	}
	trap_weigh(t, &f);
}

static void
judge_impatient(struct trap *t, uint32_t visit, enum grade grade)
{
	struct visit *v = &t->visits.records[visit];
	struct finding f = {
		.number = v->sender, .visit = visit, .kind = EVIDENCE_IMPATIENT, .grade = grade,
		.hint = t->o.judge.points_hint[EVIDENCE_IMPATIENT], .quiet = (v->flags & VISIT_TALLIED) != 0,
	};

	if (!visit_stamped(v, STAMP_IMPATIENT, now_s(t)))
		trap_weigh(t, &f);
}

/* Of its touch of the backup, as far as is known by now: one piece of evidence, not two. */
static enum grade
proof_grade(const struct visit *v, const struct pending *p)
{
	if (!v->bogus_first_proven)
		return (enum grade)p->grade;
	return (v->said & VISIT_ADDRESSED) != 0 ? GRADE_ADDRESSED : GRADE_PROVEN;
}

void
trap_judge_pending(struct trap *t, const struct pending *p)
{
	struct visit *v = &t->visits.records[p->visit];

	if (v->generation != p->generation || (v->flags & VISIT_OPEN) == 0)
		return;
	if (is_prober(t, p->visit, p->host))
		return;
	switch ((enum pending_what)p->what) {
	case PENDING_IMPATIENT:
		judge_impatient(t, p->visit, (enum grade)p->grade);
		break;
	case PENDING_TOUCH:
	case PENDING_BOGUS_PROVEN:
		judge_backup_first(t, p->visit, proof_grade(v, p), p);
		break;
	case PENDING_REAL_PROVEN:
		if ((v->flags & (VISIT_SCORED | VISIT_DESCENDED)) == VISIT_SCORED)
			judge_descended(t, p->visit, p->host);
		else if ((v->flags & VISIT_SCORED) == 0)
			judge_climbed(t, p->visit, p->host);
		break;
	}
}

static bool
was_real(struct trap *t, const struct visit *v, uint32_t since_s)
{
	return (v->flags & VISIT_KIN_REAL) != 0 || (v->last_real_s != 0 && v->last_real_s >= since_s) ||
	    trap_pool_was_real(t, t->senders.records[v->sender].key, v->set, since_s);
}

void
trap_judge_end(struct trap *t, uint32_t visit)
{
	struct visit *v = &t->visits.records[visit];
	struct sender *s = &t->senders.records[v->sender];
	uint16_t touched = v->flags & (VISIT_LOW | VISIT_REAL | VISIT_BOGUS);
	bool proven = (v->flags & VISIT_BOGUS_PROVEN) != 0;
	struct finding f = {
		.number = v->sender, .visit = visit, .kind = EVIDENCE_DECOYS_ONLY,
		.grade = !proven ? GRADE_SYN : (v->said & VISIT_ADDRESSED) != 0 ? GRADE_ADDRESSED : GRADE_PROVEN,
		.hint = t->o.judge.points_hint[EVIDENCE_DECOYS_ONLY],
		.quiet = (v->flags & VISIT_TALLIED) != 0 && !proven,
	};

	if (is_prober(t, visit, 0))
		return;
	if (touched == VISIT_LOW)
		v->flags |= VISIT_FALLBACK;
	if ((touched & VISIT_REAL) != 0 && (touched & VISIT_LOW) == 0 && t->ladder->sets[v->set].has_nolisting &&
	    (touched & VISIT_BOGUS) == 0)
		trap_note_kind(t, visit, EVIDENCE_SKIPPED_NOLISTING,
		    (v->flags & VISIT_REAL_PROVEN) != 0 ? GRADE_PROVEN : GRADE_SYN, 0);
	if (touched != (VISIT_LOW | VISIT_BOGUS) || route_at(v->route, 0) != ROLE_NOLISTING ||
	    was_real(t, v, now_s(t) - t->o.judge.order_memory_s) || SENDER_CAPS_DECOYS_ONLY(s->caps) != 0 ||
	    visit_stamped(v, STAMP_DECOYS_ONLY, now_s(t)))
		return;
	/* An MTA that tells of the real MX does not tell of who never got as far as RCPT there. */
	if (proven && t->ladder->sets[v->set].bogus_near && t->ladder->sets[v->set].real_on_wire)
		/* A mail server whose way to the real MX is broken does just that: alone it is no suspicion. */
		f.score = judge_harmless(&t->o.judge, t->o.judge.points_score[EVIDENCE_DECOYS_ONLY]);
	if (trap_weigh(t, &f) && f.score > 0)
		s->caps |= 1 << 2;
}

void
trap_judge_fallback(struct trap *t, uint32_t visit)
{
	struct visit *v = &t->visits.records[visit];
	struct sender *s = &t->senders.records[v->sender];
	struct finding f = {
		.number = v->sender, .visit = visit, .kind = EVIDENCE_GAVE_UP, .grade = GRADE_SYN,
		.hint = t->o.judge.points_hint[EVIDENCE_GAVE_UP], .quiet = (v->flags & VISIT_TALLIED) != 0,
	};

	v->flags &= (uint16_t)~VISIT_FALLBACK;
	if (was_real(t, v, now_s(t) - t->o.judge.fallback_window_s - t->o.judge.visit_gap_s) ||
	    SENDER_CAPS_GAVE_UP(s->caps) >= 2 || visit_stamped(v, STAMP_GAVE_UP, now_s(t)))
		return;
	if (trap_weigh(t, &f))
		s->caps = (uint8_t)(s->caps + (1 << 3));
}
