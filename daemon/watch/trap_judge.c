/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_judge.c - from routes to evidence: the rows of the table in docs/design, one function each.
 *
 * Two routes are judged: `score` on the proven one, `hint` on all attempts.  Excuses
 * count at any grade; guilt in score needs a proven touch of the bogus rung.
 */
#include "trap_int.h"

#include <math.h>

#define OTHER_SET_POINTS 1.5f	/* the same kind within the hour on other MX sets, in all */
#define CLIMBED_LOWEST	 (1.0f / 3.0f)	/* of climbed's points where the real MX is the lowest rung */

struct finding {
	uint32_t number, visit;		/* sender; visit or VISIT_NONE */
	enum evidence_kind kind;
	enum grade grade;
	uint64_t host;
	float	 score, hint;		/* as the table says; doubts and the hour come on top */
	uint16_t doubts;		/* enum doubt, beside those of the time and the sender */
	int64_t	 of_us;			/* a revision's: when what it takes back was judged */
	bool	 quiet;			/* in a flood and unproven: counts, but no row is told */
};

static void
tell(struct trap *t, const struct finding *f, float score, float hint, uint16_t excused, bool revision)
{
	const struct sender *s = &t->senders.records[f->number];
	struct evidence_row row = {
		.time_us = t->now_us, .sender = s->key, .host = sender_addr(s->key, f->host),
		.set = f->visit != VISIT_NONE ? t->visits.records[f->visit].set : UINT16_MAX,
		.visit_us = f->visit != VISIT_NONE ? t->visits.records[f->visit].start_us : 0,
		.kind = (uint8_t)f->kind, .grade = (uint8_t)f->grade, .score = score, .hint = hint,
		.score_sum = s->score, .hint_sum = s->hint, .excused = excused, .revision = revision,
		.of_us = f->of_us,
	};

	t->counters.evidence++;
	t->counters.excused += excused != 0;
	t->counters.excused_grace += excused == DOUBT_START_GRACE;
	if (!f->quiet)
		t->o.sink.evidence(t->o.sink.ctx, &row);
}

/* On another set within the hour the same kind adds a little, once. */
static float
hourly(const struct trap *t, const struct finding *f, float points, bool in_score)
{
	enum visit_stamp stamp = visit_stamp_of(f->kind);
	const struct sender *s = &t->senders.records[f->number];
	unsigned others = 0;

	for (uint32_t link = s->visits; link != 0; link = t->visits.records[link - 1].next) {
		const struct visit *v = &t->visits.records[link - 1];

		/* A hint on another set, which anyone can forge, is not what counted in score. */
		if (in_score && stamp == STAMP_BACKUP_FIRST && !v->hour_scored)
			continue;
		if (link - 1 != f->visit && visit_stamped(v, stamp, now_s(t)))
			others++;
	}
	if (others == 0)
		return points;
	if (others > 1 || points <= 0)
		return 0;
	return fminf(points, OTHER_SET_POINTS);
}

static uint16_t
doubts(struct trap *t, const struct finding *f)
{
	const struct sender *s = &t->senders.records[f->number];
	const struct visit *v = f->visit != VISIT_NONE ? &t->visits.records[f->visit] : NULL;
	struct prefix p = sender_prefix(s->key);
	uint16_t mask = health_doubts(&t->health, v != NULL ? v->set : UINT16_MAX, t->now_us);

	if (v != NULL && (v->flags & VISIT_UNANSWERED) != 0 &&
	    now_s(t) - v->last_real_s <= t->o.judge.order_memory_s)
		mask |= DOUBT_OWN_PATH;
	if (t->pools.lost_at_s != 0 && now_s(t) - t->pools.lost_at_s < HEALTH_MEMORY_US / SECOND_US)
		mask |= DOUBT_TABLE_FULL;
	if (never_covers(&t->never, &p, now_s(t)))
		mask |= DOUBT_NEVER_LIST;
	if (correspond_has(&t->correspond, s->key, now_s(t)))
		mask |= DOUBT_CORRESPONDENT;
	return mask;
}

static void
remember_recent(struct trap *t, const struct finding *f, float score, float hint)
{
	struct recent *r = &t->recent[t->recent_next % RECENT];

	if (r->live && t->now_us - r->time_us < HEALTH_BEFORE_US)
		t->counters.recent_overflow++;
	*r = (struct recent){
		.time_us = t->now_us, .key = t->senders.records[f->number].key, .number = f->number,
		.set = f->visit != VISIT_NONE ? t->visits.records[f->visit].set : UINT16_MAX,
		.kind = (uint8_t)f->kind, .grade = (uint8_t)f->grade, .score = score, .hint = hint, .live = 1,
	};
	t->recent_next++;
}

/*
 * Weigh one finding.  Guilt is subject to doubt; what speaks for a sender is not.
 * Returns whether it counted (was not excused).
 */
static bool
weigh(struct trap *t, const struct finding *f)
{
	struct sender *s = &t->senders.records[f->number];
	enum visit_stamp stamp = visit_stamp_of(f->kind);
	bool guilt = f->score > 0 || f->hint > 0;
	uint16_t excused = guilt ? doubts(t, f) | f->doubts : 0;
	float score = f->score, hint = f->hint;

	s->kinds |= (uint16_t)(1U << f->kind);
	sender_dirty(&t->senders, f->number);
	if (excused != 0) {
		tell(t, f, 0, 0, excused, false);
		return false;
	}
	if (guilt && f->grade > (enum grade)s->grade)
		s->grade = (uint8_t)f->grade;
	if (stamp != STAMP_N && f->visit != VISIT_NONE) {
		score = hourly(t, f, score, true);
		hint = hourly(t, f, hint, false);
		visit_stamp(&t->visits.records[f->visit], stamp, now_s(t));
		if (stamp == STAMP_BACKUP_FIRST)
			t->visits.records[f->visit].hour_scored = f->score > 0;
	}
	/* Weighed before told, so that the row holds the sums after it. */
	blocklist_weigh(&t->list, f->number, t->now_us, score, hint, f->grade, f->host);
	if (guilt && (score > 0 || hint > 0))
		remember_recent(t, f, score, hint);
	tell(t, f, score, hint, 0, false);
	return true;
}

/* Take back what one earlier piece of evidence gave, as much as is left of it. */
static void
revise(struct trap *t, struct recent *r, uint32_t visit, uint16_t why)
{
	int64_t age = (t->now_us - r->time_us) / SECOND_US;
	float score = judge_decay(&t->o.judge, r->score, age), hint = judge_decay(&t->o.judge, r->hint, age);
	struct finding f = {
		.number = r->number, .visit = visit, .kind = (enum evidence_kind)r->kind,
		.grade = (enum grade)r->grade, .of_us = r->time_us,
	};

	r->live = 0;
	blocklist_revise(&t->list, r->number, t->now_us, score, hint, r->grade >= t->o.judge.list_on);
	tell(t, &f, -score, -hint, why, true);
}

/* key 0: whoever it is of. */
static void
doubt_recent(struct trap *t, sender_key key, uint16_t set, int64_t from_us, enum doubt why)
{
	for (uint32_t i = 0; i < RECENT; i++) {
		struct recent *r = &t->recent[i];

		if (!r->live || r->time_us < from_us || (set != UINT16_MAX && r->set != set) ||
		    (key != 0 && r->key != key))
			continue;
		if (t->senders.records[r->number].key != r->key) {
			r->live = 0;		/* evicted since: nothing is left to take back */
			continue;
		}
		revise(t, r, visit_find(&t->visits, &t->senders.records[r->number], r->set), (uint16_t)why);
	}
}

void
trap_doubt_sender(struct trap *t, sender_key key, enum doubt why)
{
	uint32_t number = sender_find(&t->senders, key, sender_hash(&t->senders, key));

	/* Most were never seen, or did nothing. */
	if (number != SENDER_NONE && t->senders.records[number].kinds != 0)
		doubt_recent(t, key, UINT16_MAX, INT64_MIN, why);
}

void
trap_doubt_later(struct trap *t, uint16_t set, int64_t from_us, enum doubt why)
{
	doubt_recent(t, 0, set, from_us, why);
}

void
trap_doubt_sender_later(struct trap *t, uint32_t number, uint16_t set, int64_t from_us, enum doubt why)
{
	const struct sender *s = &t->senders.records[number];

	if (s->score > 0 || s->hint > 0)
		doubt_recent(t, s->key, set, from_us, why);
}

void
trap_note_sender_kind(struct trap *t, uint32_t sender, enum evidence_kind kind, enum grade grade, uint64_t host)
{
	struct finding f = { .number = sender, .visit = VISIT_NONE, .kind = kind, .grade = grade, .host = host };

	if ((t->senders.records[sender].kinds & (1U << kind)) == 0)
		weigh(t, &f);
}

void
trap_note_kind(struct trap *t, uint32_t visit, enum evidence_kind kind, enum grade grade, uint64_t host)
{
	const struct visit *v = &t->visits.records[visit];
	struct finding f = {
		.number = v->sender, .visit = visit, .kind = kind, .grade = grade, .host = host,
		.quiet = (v->flags & VISIT_TALLIED) != 0 && grade < GRADE_PROVEN,
	};

	weigh(t, &f);
}

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
		weigh(t, &f);
	/* It went on to the real MX before it was judged: the milder kind instead. */
	if (proven && descended && (v->flags & (VISIT_SCORED | VISIT_DESCENDED)) == 0) {
		struct sender *s = &t->senders.records[v->sender];

		v->flags |= VISIT_DESCENDED;
		f.kind = EVIDENCE_DESCENDED;
		f.hint = 0;
		f.score = SENDER_CAPS_DESCENDED(s->caps) < 2 ? t->o.judge.points_score[EVIDENCE_DESCENDED] : 0;
		if (weigh(t, &f) && f.score > 0)
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
		struct recent *r = &t->recent[(t->recent_next - 1 - i) % RECENT];

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
	revise(t, found, visit, 0);
	f.score = SENDER_CAPS_DESCENDED(s->caps) < 2 ? t->o.judge.points_score[EVIDENCE_DESCENDED] : 0;
	v->stamp[STAMP_BACKUP_FIRST] = 0;
	if (weigh(t, &f) && f.score > 0)
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
	weigh(t, &f);
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
		weigh(t, &f);
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
		/* Proven by now: one piece of evidence, not two. */
		judge_backup_first(t, p->visit, v->bogus_first_proven ? GRADE_PROVEN : (enum grade)p->grade, p);
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
		.grade = proven ? GRADE_PROVEN : GRADE_SYN,
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
	if (proven && t->ladder->sets[v->set].bogus_near)
		/* A mail server whose way to the real MX is broken does just that: alone it is no suspicion. */
		f.score = judge_harmless(&t->o.judge, t->o.judge.points_score[EVIDENCE_DECOYS_ONLY]);
	if (weigh(t, &f) && f.score > 0)
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
	if (weigh(t, &f))
		s->caps = (uint8_t)(s->caps + (1 << 3));
}
