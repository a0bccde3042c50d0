/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_weigh.c - a finding on its way into a sender's sums: doubted, weighed, told, remembered,
 * and taken back when a doubt is found later.
 *
 * What scored is remembered apart from mere hints: a flood of forged SYNs, which can only hint,
 * pushes out nothing that weighs.
 */
#include "trap_int.h"

#include <math.h>

#define ACCEPTED_S	 86400U	/* a delivery excuses for so long */
#define OTHER_SET_POINTS 1.5f	/* the same kind within the hour on other MX sets, in all */

static void
tell(struct trap *t, const struct finding *f, float score, float hint, uint32_t excused, bool revision)
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
	/* What counts nothing may be repeated without end. */
	if (!f->quiet && !revision && excused != 0 && !trap_share(t, s->key, SHARE_EXCUSED, 1))
		t->counters.evidence_tallied++;
	else if (!f->quiet)
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

static uint32_t
doubts(struct trap *t, const struct finding *f)
{
	const struct sender *s = &t->senders.records[f->number];
	const struct visit *v = f->visit != VISIT_NONE ? &t->visits.records[f->visit] : NULL;
	struct prefix p = sender_prefix(s->key);
	uint32_t mask = trap_doubts(t, v != NULL ? v->set : UINT16_MAX);

	if (v != NULL && (v->flags & VISIT_UNANSWERED) != 0 &&
	    now_s(t) - v->last_real_s <= t->o.judge.order_memory_s)
		mask |= DOUBT_OWN_PATH;
	if (v != NULL && (v->said & VISIT_FOREIGN_PROTOCOL) != 0)
		mask |= DOUBT_FOREIGN_PROTOCOL;
	if (never_covers(&t->never, &p, now_s(t)))
		mask |= DOUBT_NEVER_LIST;
	if (s->foreign_until_s > now_s(t))
		mask |= DOUBT_FOREIGN;
	if ((s->flags & SENDER_ACCEPTED) != 0 && now_s(t) - s->climbed_at_s < ACCEPTED_S)
		mask |= DOUBT_ACCEPTED;
	if (correspond_has(&t->correspond, s->key, now_s(t)))
		mask |= DOUBT_CORRESPONDENT;
	return mask;
}

static void
remember_recent(struct trap *t, const struct finding *f, float score, float hint)
{
	struct recent_ring *ring = score > 0 ? &t->scored : &t->hinted;
	struct recent *r = &ring->at[ring->next++ % RECENT];

	if (r->live && t->now_us - r->time_us < HEALTH_BEFORE_US)
		t->counters.recent_overflow++;
	*r = (struct recent){
		.time_us = t->now_us, .key = t->senders.records[f->number].key, .number = f->number,
		.set = f->visit != VISIT_NONE ? t->visits.records[f->visit].set : UINT16_MAX,
		.kind = (uint8_t)f->kind, .grade = (uint8_t)f->grade, .score = score, .hint = hint, .live = 1,
	};
}

/*
 * It came to the backup when we could not see what it did before: perhaps the real MX was dead to it, and it
 * remembers that for hours and comes to the backup alone.  For as long as an order is remembered it did; the
 * backup alone does not prolong that.
 */
static void
suppose_lower(struct trap *t, const struct finding *f, uint32_t why)
{
	struct visit *v = f->visit != VISIT_NONE ? &t->visits.records[f->visit] : NULL;

	if (v == NULL || f->kind != EVIDENCE_BACKUP_FIRST || (why & (DOUBT_BLIND | DOUBT_DROPS | DOUBT_START_GRACE)) == 0 ||
	    visit_remembers(v, now_s(t), t->o.judge.order_memory_s))
		return;
	visit_suppose(v, now_s(t));
}

/*
 * Weigh one finding.  Guilt is subject to doubt; what speaks for a sender is not.
 * Returns whether it counted (was not excused).
 */
bool
trap_weigh(struct trap *t, const struct finding *f)
{
	struct sender *s = &t->senders.records[f->number];
	enum visit_stamp stamp = visit_stamp_of(f->kind);
	bool guilt = f->score > 0 || f->hint > 0;
	uint32_t excused = guilt ? doubts(t, f) | f->doubts : 0;
	float score = f->score, hint = f->hint;

	s->kinds |= (uint16_t)(1U << f->kind);
	sender_dirty(&t->senders, f->number);
	if (excused != 0) {
		suppose_lower(t, f, excused);
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
void
trap_revise(struct trap *t, struct recent *r, uint32_t visit, uint32_t why)
{
	int64_t age = (t->now_us - r->time_us) / SECOND_US;
	float score = judge_decay(&t->o.judge, r->score, age), hint = judge_decay(&t->o.judge, r->hint, age);
	struct finding f = {
		.number = r->number, .visit = visit, .kind = (enum evidence_kind)r->kind,
		.grade = (enum grade)r->grade, .of_us = r->time_us,
	};

	r->live = 0;
	suppose_lower(t, &f, why);
	blocklist_revise(&t->list, r->number, t->now_us, score, hint, r->grade >= t->o.judge.list_on);
	tell(t, &f, -score, -hint, why, true);
}

/* A row of which this one took back the points; of_us 0: all that the sender still had. */
static void
restore_revision(struct trap *t, const struct evidence_row *row)
{
	for (uint32_t i = 0; i < 2 * RECENT; i++) {
		struct recent *r = i < RECENT ? &t->scored.at[i] : &t->hinted.at[i - RECENT];

		if (r->live && r->key == row->sender && (row->of_us == 0 || (r->time_us == row->of_us &&
		    r->kind == row->kind && r->set == row->set)))
			r->live = 0;
	}
}

void
trap_restore_evidence(struct trap *t, const struct evidence_row *row)
{
	uint32_t number = sender_find(&t->senders, row->sender, sender_hash(&t->senders, row->sender));
	struct recent_ring *ring = row->score > 0 ? &t->scored : &t->hinted;

	if (number == SENDER_NONE || row->kind >= EVIDENCE_N_KINDS)
		return;
	if (row->revision != 0)
		restore_revision(t, row);
	else if (row->excused == 0 && (row->score > 0 || row->hint > 0))
		ring->at[ring->next++ % RECENT] = (struct recent){
			.time_us = row->time_us, .key = row->sender, .number = number, .set = row->set, .kind = row->kind,
			.grade = row->grade, .score = row->score, .hint = row->hint, .live = 1,
		};
}

/* key 0: whoever it is of. */
static void
doubt_recent(struct trap *t, sender_key key, uint16_t set, int64_t from_us, enum doubt why)
{
	for (uint32_t i = 0; i < 2 * RECENT; i++) {
		struct recent *r = i < RECENT ? &t->scored.at[i] : &t->hinted.at[i - RECENT];

		if (!r->live || r->time_us < from_us || (set != UINT16_MAX && r->set != set) ||
		    (key != 0 && r->key != key))
			continue;
		if (t->senders.records[r->number].key != r->key) {
			r->live = 0;		/* evicted since: nothing is left to take back */
			continue;
		}
		trap_revise(t, r, visit_find(&t->visits, &t->senders.records[r->number], r->set), (uint32_t)why);
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
		trap_weigh(t, &f);
}

void
trap_note_kind(struct trap *t, uint32_t visit, enum evidence_kind kind, enum grade grade, uint64_t host)
{
	const struct visit *v = &t->visits.records[visit];
	struct finding f = {
		.number = v->sender, .visit = visit, .kind = kind, .grade = grade, .host = host,
		.quiet = (v->flags & VISIT_TALLIED) != 0 && grade < GRADE_PROVEN,
	};

	trap_weigh(t, &f);
}

void
trap_excuse(struct trap *t, const struct finding *f, enum doubt why)
{
	t->senders.records[f->number].kinds |= (uint16_t)(1U << f->kind);
	sender_dirty(&t->senders, f->number);
	tell(t, f, 0, 0, (uint32_t)why, false);
}

void
trap_take_rest(struct trap *t, const struct finding *f, enum doubt why)
{
	struct sender *s = &t->senders.records[f->number];
	float score, hint;

	blocklist_decay(&t->list, s, now_s(t));
	score = s->score > 0 ? s->score : 0;
	hint = s->hint > 0 ? s->hint : 0;
	s->blame = s->blame < 0 ? s->blame : 0;
	blocklist_revise(&t->list, f->number, t->now_us, score, hint, false);
	tell(t, f, -score, -hint, (uint32_t)why, true);
}

void
trap_regrade(struct trap *t, uint32_t visit, enum grade grade, uint64_t host)
{
	const struct visit *v = &t->visits.records[visit];
	struct sender *s = &t->senders.records[v->sender];
	float blame = 0;

	for (uint32_t i = 0, end = t->scored.next; i < RECENT; i++) {
		struct recent *r = &t->scored.at[(end - 1 - i) % RECENT], was = *r;
		struct finding f = {
			.number = v->sender, .visit = visit, .kind = (enum evidence_kind)was.kind, .host = host,
			.grade = (enum grade)was.grade, .of_us = was.time_us,
		};
		float score, hint, score_sum, hint_sum;

		if (was.time_us < v->start_us)
			break;
		if (!was.live || was.key != s->key || was.set != v->set || was.grade >= grade)
			continue;
		r->live = 0;
		blocklist_decay(&t->list, s, now_s(t));
		score = judge_decay(&t->o.judge, was.score, (t->now_us - was.time_us) / SECOND_US);
		hint = judge_decay(&t->o.judge, was.hint, (t->now_us - was.time_us) / SECOND_US);
		/* The rows say that it goes and comes again; the sums stay as they are, and so does the state. */
		score_sum = s->score;
		hint_sum = s->hint;
		s->score = judge_add(score_sum, -score);
		s->hint = judge_add(hint_sum, -hint);
		tell(t, &f, -score, -hint, 0, true);
		s->score = score_sum;
		s->hint = hint_sum;
		f.grade = grade;
		f.of_us = 0;
		tell(t, &f, score, hint, 0, false);
		remember_recent(t, &f, score, hint);
		blame += score;
	}
	if (blame <= 0)
		return;
	if (grade > (enum grade)s->grade)
		s->grade = (uint8_t)grade;
	if (grade >= (enum grade)t->o.judge.list_on)
		blocklist_blame(&t->list, v->sender, t->now_us, blame, host);
}
