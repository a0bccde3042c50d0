/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_flush.c - what the sink is told in bulk: senders and memories that changed, and counts by the hour.
 */
#include "trap_int.h"

#define DAY_S 86400U

void
trap_tell_tallies(struct trap *t)
{
	for (uint32_t i = 0; i < t->ladder->n_targets; i++) {
		struct tally_row *r = &t->tallies[i];

		if (r->attempts == 0 && r->proven == 0 && r->refused == 0 && r->silent == 0 && r->not_kept == 0)
			continue;
		t->o.sink.tally(t->o.sink.ctx, r);
		*r = (struct tally_row){ .hour_s = r->hour_s, .target = i };
	}
	if (t->o.sink.cleared != NULL && t->list.n_cleared != t->cleared_told && t->ladder->n_targets > 0 &&
	    t->tallies[0].hour_s != 0) {
		t->cleared_told = t->list.n_cleared;
		t->o.sink.cleared(t->o.sink.ctx, t->tallies[0].hour_s / DAY_S * DAY_S, t->cleared_told);
	}
}

struct tally_row *
trap_tally_of(struct trap *t, uint32_t target)
{
	if (t->now_us >= t->tallies_until_us) {
		uint32_t hour = now_s(t) / 3600 * 3600;

		trap_tell_tallies(t);
		for (uint32_t i = 0; i < t->ladder->n_targets; i++)
			t->tallies[i].hour_s = hour;
		t->tallies_until_us = ((int64_t)hour + 3600) * SECOND_US;
	}
	return &t->tallies[target];
}

static void
tell_sender(struct trap *t, uint32_t number)
{
	struct sender *s = &t->senders.records[number];
	struct sender_row row = {
		.key = s->key, .score = s->score, .hint = s->hint, .blame = s->blame, .sums_at_s = s->sums_at_s,
		.first_seen_s = s->first_seen_s, .last_seen_s = s->last_seen_s,
		.listed_since_s = s->listed_since_s, .expires_s = s->expires_s, .climbed_at_s = s->climbed_at_s,
		.kinds = s->kinds, .fingerprint = s->fingerprint, .state = s->state, .klass = s->klass,
		.grade = s->grade, .flags = s->flags, .caps = s->caps,
		.relapses = SENDER_CAPS_RELAPSES(s->caps),
	};

	blocklist_tell_hand(&t->list, number, &row);
	for (uint32_t link = s->visits; link != 0; link = t->visits.records[link - 1].next) {
		uint16_t set = t->visits.records[link - 1].set;

		s->sets |= 1U << (set < SENDER_SETS ? set : SENDER_SETS - 1);
	}
	row.sets = s->sets;
	t->o.sink.sender(t->o.sink.ctx, &row);
	for (uint32_t link = s->visits; link != 0; link = t->visits.records[link - 1].next) {
		const struct visit *v = &t->visits.records[link - 1];
		struct memory_row m = {
			.sender = s->key, .lower_at_s = v->lower_at_s, .memory_at_s = v->memory_at_s,
			.last_s = (uint32_t)(visit_last_us(v) / SECOND_US), .last_real_s = v->last_real_s, .set = v->set,
			.unanswered = (v->flags & VISIT_UNANSWERED) != 0,
		};

		if (v->lower_at_s != 0)
			t->o.sink.memory(t->o.sink.ctx, &m);
	}
}

size_t
trap_flush(struct trap *t, size_t max_senders)
{
	size_t words = (size_t)t->senders.fresh / 64 + 1, told = 0, waiting = 0;

	trap_tell_tallies(t);
	trap_tell_doubts(t);
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
