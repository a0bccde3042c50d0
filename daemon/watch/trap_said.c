/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_said.c - what a sender said to a decoy that talks: mail for us, mail for somebody else's
 * domain, and manners that no mail server has.
 *
 * Mail for us makes what weighs on the visit of the grade that may list.  Mail for another's
 * domain excuses the sender for 30 days, and takes back what weighed on it: an honest server
 * comes to us because somebody published our address as his MX, and nothing that it did in
 * that belief tells what it is.
 */
#include "trap_int.h"

#define FOREIGN_S	(30 * 86400U)
#define FOREIGN_TELL_S	3600U			/* the store and the operator are told of a further one after this */

/* Words with points; at most one piece of evidence of each kind in the hour.  Did any count, or was any the first of its kind? */
static bool
judge_words(struct trap *t, uint32_t visit, uint16_t said, uint64_t host)
{
	struct visit *v = &t->visits.records[visit];
	struct finding f = {
		.number = v->sender, .visit = visit, .host = host,
		.grade = (v->said & VISIT_ADDRESSED) != 0 ? GRADE_ADDRESSED : GRADE_PROVEN,
	};
	uint16_t before = t->senders.records[v->sender].kinds;
	bool counted = false;

	if (!visit_stamped(v, STAMP_TALK, now_s(t)))
		v->said &= (uint8_t)~(VISIT_TALKED_EARLY | VISIT_HELO_BAD);
	if ((said & SAID_EARLY) != 0 && (v->said & VISIT_TALKED_EARLY) == 0) {
		f.kind = EVIDENCE_EARLY_TALKER;
		f.score = t->o.judge.points_score[f.kind];
		f.hint = t->o.judge.points_hint[f.kind];
		if (trap_weigh(t, &f)) {
			v->said |= VISIT_TALKED_EARLY;
			counted = true;
		}
	}
	/* Badly named but honest servers are many, and a greylisting real MX sends them here each hour: a bad
	 * name weighs only on who came here first. */
	if ((said & SAID_BAD_HELO) != 0 && (v->said & VISIT_HELO_BAD) == 0 && v->bogus_first_proven) {
		f.kind = EVIDENCE_BAD_HELO;
		f.score = t->o.judge.points_score[f.kind];
		f.hint = t->o.judge.points_hint[f.kind];
		if (trap_weigh(t, &f)) {
			v->said |= VISIT_HELO_BAD;
			counted = true;
		}
	}
	return counted || t->senders.records[v->sender].kinds != before;
}

/*
 * It spoke HTTP, TLS or another protocol: whoever can make an honest host fetch from an address of our choice can
 * make it say anything to the backup.  Nothing of this visit weighs, its order included.  It excuses nothing
 * else, and ends nothing that an earlier session of the visit proved.
 */
static bool
take_protocol(struct trap *t, uint32_t visit)
{
	struct visit *v = &t->visits.records[visit];

	if ((v->flags & VISIT_OPEN) == 0 || (v->said & (VISIT_ADDRESSED | VISIT_FOREIGN_PROTOCOL)) != 0)
		return false;
	v->said |= VISIT_FOREIGN_PROTOCOL;
	trap_doubt_sender_later(t, v->sender, v->set, v->start_us, DOUBT_FOREIGN_PROTOCOL);
	return true;
}

static bool
take_foreign(struct trap *t, uint32_t number, uint32_t target, uint32_t visit, uint64_t host)
{
	struct sender *s = &t->senders.records[number];
	struct finding f = {
		.number = number, .visit = visit, .kind = EVIDENCE_FOREIGN, .grade = GRADE_PROVEN, .host = host,
	};
	uint32_t until_s = now_s(t) + FOREIGN_S;
	bool first = s->foreign_until_s <= now_s(t), changed = first || s->score > 0 || s->hint > 0;

	t->counters.said_foreign++;
	if (first || until_s - s->foreign_until_s >= FOREIGN_TELL_S) {
		s->foreign_until_s = until_s;
		changed = true;
		if (t->o.sink.foreign != NULL)
			t->o.sink.foreign(t->o.sink.ctx, s->key, until_s);
	}
	if (t->foreign_told_us == 0 || t->now_us - t->foreign_told_us >= FOREIGN_TELL_S * SECOND_US) {
		t->foreign_told_us = t->now_us;
		changed = true;
		trap_tell_note(t, NOTE_FOREIGN, target, 0, 0);
	}
	if (first)
		trap_excuse(t, &f, DOUBT_FOREIGN);
	if (s->score > 0 || s->hint > 0)
		trap_doubt_sender(t, s->key, DOUBT_FOREIGN);
	/* What is older than is remembered piece by piece. */
	if (s->score > 0 || s->hint > 0)
		trap_take_rest(t, &f, DOUBT_FOREIGN);
	return changed;
}

bool
trap_take_said(struct trap *t, const struct event *e)
{
	uint16_t said = (uint16_t)e->value;
	sender_key key = addr_sender(&e->what.addr);
	uint64_t host = addr_host(&e->what.addr);
	uint32_t number = sender_find(&t->senders, key, sender_hash(&t->senders, key)), visit;
	struct visit *v;
	bool ours, changed = false;

	if (e->target >= t->ladder->n_targets || t->ladder->targets[e->target].role != ROLE_BOGUS)
		return false;
	t->counters.said++;
	if (number == SENDER_NONE) {
		t->counters.said_unmatched++;
		return false;
	}
	visit = visit_find(&t->visits, &t->senders.records[number], t->ladder->targets[e->target].set);
	if ((said & SAID_FOREIGN_PROTOCOL) != 0) {
		t->counters.said_protocol++;
		return visit != VISIT_NONE && take_protocol(t, visit);
	}
	/* What came before HELO is of no mail server: who speaks so may have been made to. */
	if ((said & SAID_UNKNOWN) != 0)
		said &= (uint16_t)~(SAID_OURS | SAID_EARLY | SAID_BAD_HELO);
	/* An excuse needs no more than that somebody said so. */
	if ((said & SAID_FOREIGN) != 0)
		changed = take_foreign(t, number, e->target, visit, host);
	v = visit != VISIT_NONE ? &t->visits.records[visit] : NULL;
	/* Guilt counts only where the wire agreed that it was really there. */
	if (v == NULL || (v->flags & (VISIT_OPEN | VISIT_BOGUS_PROVEN)) != (VISIT_OPEN | VISIT_BOGUS_PROVEN)) {
		t->counters.said_unmatched++;
		return changed;
	}
	if ((v->flags & VISIT_PROBED) != 0)
		return changed;
	ours = (said & SAID_OURS) != 0 && (said & SAID_FOREIGN) == 0 && (v->said & VISIT_ADDRESSED) == 0;
	if (ours) {
		t->counters.said_ours++;
		v->said |= VISIT_ADDRESSED;
		trap_note_kind(t, visit, EVIDENCE_ADDRESSED, GRADE_ADDRESSED, host);
	}
	changed |= judge_words(t, visit, said, host);
	/* Last: a listing that opens names all reasons. */
	if (ours)
		trap_regrade(t, visit, GRADE_ADDRESSED, host);
	return changed || ours;
}

void
trap_restore_foreign(struct trap *t, sender_key key, uint32_t until_s)
{
	uint32_t number = sender_find(&t->senders, key, sender_hash(&t->senders, key));

	if (number != SENDER_NONE)
		t->senders.records[number].foreign_until_s = until_s;
}
