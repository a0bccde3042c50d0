/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_purge.c - one piece of evidence after another is taken back, because the operator says that a
 * decoy or a rule was wrong.
 *
 * Which ones is found in the database, where all of them are; what reaches the trap is
 * an event for each, so that a replay takes back the same.  The record's sums lose what is
 * left of the points; behind the last one of a sender its listing is looked at again.
 */
#include "trap_int.h"

#include <string.h>

#define BESIDE_US 100000

/*
 * A later doubt must not take it back once more.  In a replay of a capture that was taken beside the
 * live run each packet is some microseconds older or younger than it was then.
 */
static void
leave_recent(struct recent_ring *ring, const struct take_back *b)
{
	uint32_t n = ring->next < RECENT ? ring->next : RECENT, first = ring->next - n, low = 0, high = n;

	while (low < high) {		/* they came by time */
		uint32_t mid = low + (high - low) / 2;

		if (ring->at[(first + mid) % RECENT].time_us < b->evidence_us - BESIDE_US)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < n; low++) {
		struct recent *r = &ring->at[(first + low) % RECENT];

		if (r->time_us > b->evidence_us + BESIDE_US)
			return;
		if (r->key == b->sender && r->kind == b->kind && r->set == b->set)
			r->live = 0;
	}
}

/* What is left of its points goes from the record; how much that was. */
static void
lighten(const struct trap *t, struct sender *s, const struct take_back *b, float *score, float *hint)
{
	int64_t age = (t->now_us - b->evidence_us) / SECOND_US;

	*score = judge_decay(&t->o.judge, b->score, age);
	*hint = judge_decay(&t->o.judge, b->hint, age);
	blocklist_decay(&t->list, s, now_s(t));
	s->score = judge_add(s->score, -*score);
	s->hint = judge_add(s->hint, -*hint);
	if (b->grade >= t->o.judge.list_on)
		s->blame = judge_add(s->blame, -*score);
}

void
trap_take_back(struct trap *t, const struct event *e)
{
	struct evidence_row row = { .time_us = t->now_us, .excused = DOUBT_PURGED, .revision = 1 };
	struct take_back b;
	uint32_t number;

	take_back_of(e, &b);
	number = sender_find(&t->senders, b.sender, sender_hash(&t->senders, b.sender));
	row.sender = b.sender;
	row.host = sender_addr(b.sender, 0);
	row.set = b.set;
	row.kind = b.kind;
	row.grade = b.grade;
	row.of_us = b.evidence_us;
	leave_recent(b.score > 0 ? &t->scored : &t->hinted, &b);
	if (number == SENDER_NONE) {
		/* Pushed out, so never proven: the store alone remembers the hint. */
		row.revision = 2;
		row.score = -b.score;
		row.hint = -b.hint;
	} else {
		struct sender *s = &t->senders.records[number];

		lighten(t, s, &b, &row.score, &row.hint);
		row.score = -row.score;
		row.hint = -row.hint;
		row.score_sum = s->score;
		row.hint_sum = s->hint;
	}
	if (b.score != 0 || b.hint != 0) {
		t->counters.taken_back++;
		t->o.sink.evidence(t->o.sink.ctx, &row);
	}
	if (number != SENDER_NONE && b.last)
		blocklist_purged(&t->list, number, t->now_us);
}

void
trap_purge_would(const struct trap *t, const struct event *takes, size_t n, struct trap_purged *out)
{
	struct take_back b;
	struct sender s = { .key = 0 };
	uint32_t number = SENDER_NONE;
	float score, hint;
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		take_back_of(&takes[i], &b);
		if (i == 0) {
			number = sender_find(&t->senders, b.sender, sender_hash(&t->senders, b.sender));
			if (number != SENDER_NONE)
				s = t->senders.records[number];
		}
		any |= b.score != 0 || b.hint != 0;
		out->evidence += b.score != 0 || b.hint != 0;
		lighten(t, &s, &b, &score, &hint);
	}
	out->senders += any;
	out->forgotten += any && number == SENDER_NONE;
	if (number == SENDER_NONE)
		return;
	if (blocklist_stands(&t->list, &s, t->now_us))
		out->listings_stay += s.state == STATE_LISTED;
	else if (s.state == STATE_LISTED)
		out->listings_end++;
	else
		out->suspects_end += s.state == STATE_SUSPECT;
}
