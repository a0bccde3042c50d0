/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blocklist.c - states and their changes.
 */
#include "mxtrap/blocklist.h"

#include <math.h>

#define MINUTE_US   60000000LL
#define AHEAD_S	    86400		/* a stamp that lies further ahead than this is of another clock */
#define N_MINUTES   65536		/* 45 days: longer than the longest term */
#define SECOND_US   1000000LL
#define EXPIRED_BELOW_HALF 0.1f

bool
blocklist_init(struct blocklist *b, const struct judge_params *judge, struct sender_table *senders,
    struct never *never, const struct sink *sink)
{
	double upper = judge_upper(judge);

	*b = (struct blocklist){
		.judge = judge, .senders = senders, .never = never, .sink = sink,
		.upper = (float)upper, .half = (float)(upper / 2),
	};
	return wheel_init(&b->deadlines, MINUTE_US, N_MINUTES, senders->cap / 8 + 1024);
}

void
blocklist_free(struct blocklist *b)
{
	wheel_free(&b->deadlines);
}

void
blocklist_decay(const struct blocklist *b, struct sender *s, uint32_t now_s)
{
	int64_t age = (int64_t)now_s - s->sums_at_s;

	if (age <= 0)
		return;
	s->score = judge_decay(b->judge, s->score, age);
	s->hint = judge_decay(b->judge, s->hint, age);
	s->blame = judge_decay(b->judge, s->blame, age);
	s->sums_at_s = now_s;
}

static uint32_t
full_minute(int64_t s)
{
	return (uint32_t)((s + 59) / 60 * 60);
}

static uint32_t
term_s(const struct blocklist *b, const struct sender *s)
{
	uint64_t term = (uint64_t)b->judge->term_s << SENDER_CAPS_RELAPSES(s->caps);

	return term > JUDGE_TERM_MAX_S ? JUDGE_TERM_MAX_S : (uint32_t)term;
}

/* What is on the list for this sender: its own prefix, or one address of a /64 with honest ones in it. */
static struct prefix
listed_as(const struct blocklist *b, uint32_t number)
{
	struct prefix p = sender_prefix(b->senders->records[number].key);

	for (uint32_t i = 0; i < b->n_hosts; i++) {
		if (b->hosts[i].sender != number)
			continue;
		p.addr = sender_addr(b->senders->records[number].key, b->hosts[i].host);
		p.len = 128;
	}
	return p;
}

static void
add_host(struct blocklist *b, uint32_t number, uint64_t host)
{
	if (b->n_hosts == BLOCKLIST_HOSTS)
		return;
	b->hosts[b->n_hosts].sender = number;
	b->hosts[b->n_hosts++].host = host;
}

static void
drop_host(struct blocklist *b, uint32_t number)
{
	for (uint32_t i = 0; i < b->n_hosts; i++)
		if (b->hosts[i].sender == number)
			b->hosts[i--] = b->hosts[--b->n_hosts];
}

/* By hand?  NULL: it is not. */
static const struct hand *
by_hand(const struct blocklist *b, uint32_t number)
{
	uint32_t i;

	if ((b->senders->records[number].kinds & 1U << EVIDENCE_BY_HAND) == 0)
		return NULL;
	i = hand_find(&b->hands, number);
	return i != UINT32_MAX ? &b->hands.at[i] : NULL;
}

static void
drop_hand(struct blocklist *b, uint32_t number)
{
	hand_drop(&b->hands, number);
	b->senders->records[number].kinds &= (uint16_t)~(1U << EVIDENCE_BY_HAND);
}

/* By hand, beneath an allowance?  NULL: it was not. */
static const struct hand *
paused_by_hand(const struct blocklist *b, uint32_t number)
{
	uint32_t i;

	if ((b->senders->records[number].flags & SENDER_PAUSED) == 0)
		return NULL;
	i = hand_find(&b->hands, number);
	return i != UINT32_MAX ? &b->hands.at[i] : NULL;
}

static void
arm(struct blocklist *b, uint32_t number, int64_t due_s)
{
	struct sender *s = &b->senders->records[number];

	/* A new state may end earlier than the old one: it gets an item of its own, and the old item,
	 * when it comes out, only looks. */
	if (due_s != INT64_MAX && wheel_add(&b->deadlines, due_s * SECOND_US, number))
		s->flags |= SENDER_TIMED;
}

/* INT64_MAX: it does not end by itself. */
static int64_t
deadline_s(const struct blocklist *b, const struct sender *s, int64_t now_s)
{
	if (s->state == STATE_LISTED) {
		const struct hand *h = by_hand(b, (uint32_t)(s - b->senders->records));

		/* Of two listings each has its own end. */
		return h != NULL && (h->alone || h->until_s < s->expires_s) ? h->until_s : s->expires_s;
	}
	if (s->state == STATE_ALLOWED) {
		struct prefix p = sender_prefix(s->key);
		int64_t until = never_until(b->never, &p, now_s);

		return until != 0 ? until : INT64_MAX;
	}
	return (int64_t)s->sums_at_s + judge_until(b->judge, s->score, b->half);
}

static void
tell(struct blocklist *b, uint32_t number, enum sender_state old, enum change_cause cause, int64_t now_us)
{
	struct sender *s = &b->senders->records[number];
	struct change_row row = {
		.time_us = now_us, .what = listed_as(b, number), .sender = s->key,
		.score = s->score, .hint = s->hint, .first_seen_s = s->first_seen_s,
		.last_seen_s = s->last_seen_s, .kinds = s->kinds, .old_state = (uint8_t)old,
		.new_state = s->state, .grade = s->grade, .klass = s->klass, .cause = (uint8_t)cause,
		.term_days = (uint8_t)((term_s(b, s) + 86399) / 86400),
	};

	if (s->state == STATE_LISTED) {
		const struct hand *h = by_hand(b, number);

		row.since_s = s->listed_since_s;
		row.expires_s = h != NULL && (h->alone || h->until_s > s->expires_s) ? h->until_s : s->expires_s;
		if (h != NULL && h->alone)
			row.term_days = 0;
	} else if (s->state == STATE_SUSPECT) {
		row.since_s = (uint32_t)(now_us / SECOND_US);
		row.expires_s = full_minute(deadline_s(b, s, now_us / SECOND_US));
	} else if (s->state == STATE_ALLOWED) {
		int64_t until = deadline_s(b, s, now_us / SECOND_US);

		row.since_s = (uint32_t)(now_us / SECOND_US);
		row.expires_s = until == INT64_MAX ? 0 : (uint32_t)until;
		if ((s->flags & SENDER_PAUSED) != 0) {
			const struct hand *h = paused_by_hand(b, number);

			row.paused_since_s = s->listed_since_s;
			row.paused_until_s = h != NULL && h->alone ? 0 : s->expires_s;
			row.paused_hand_s = h != NULL ? h->until_s : 0;
		}
	}
	b->sink->change(b->sink->ctx, &row);
}

static void
set_state(struct blocklist *b, uint32_t number, enum sender_state state, enum change_cause cause, int64_t now_us)
{
	struct sender *s = &b->senders->records[number];
	enum sender_state old = (enum sender_state)s->state;
	bool over = (s->flags & SENDER_PAUSED) != 0;

	if (old == state)
		return;
	b->n_listed += (uint64_t)(state == STATE_LISTED) - (uint64_t)(old == STATE_LISTED);
	b->n_suspect += (uint64_t)(state == STATE_SUSPECT) - (uint64_t)(old == STATE_SUSPECT);
	b->n_cleared += (uint64_t)(state == STATE_CLEARED) - (uint64_t)(old == STATE_CLEARED);
	s->state = state & 15;
	sender_dirty(b->senders, number);
	if (old == STATE_LISTED && state == STATE_ALLOWED && cause == CAUSE_ALLOWED) {
		s->flags |= SENDER_PAUSED;
		s->kinds &= (uint16_t)~(1U << EVIDENCE_BY_HAND);
	} else if (state != STATE_LISTED) {
		over = over || old == STATE_LISTED;
		s->flags &= (uint8_t)~SENDER_PAUSED;
		if (over)
			drop_hand(b, number);
	}
	if (state >= STATE_SUSPECT)
		arm(b, number, deadline_s(b, s, now_us / SECOND_US));
	if (old >= STATE_SUSPECT || state >= STATE_SUSPECT)
		tell(b, number, old, cause, now_us);
	if (over)
		drop_host(b, number);
}

static bool
is_never(const struct blocklist *b, const struct sender *s, uint32_t now_s)
{
	struct prefix p = sender_prefix(s->key);

	return never_covers(b->never, &p, now_s);
}

static void
open_listing(struct blocklist *b, uint32_t number, int64_t now_us, uint64_t host)
{
	struct sender *s = &b->senders->records[number];
	uint32_t now_s = (uint32_t)(now_us / SECOND_US);
	unsigned relapses = SENDER_CAPS_RELAPSES(s->caps);

	if (s->expires_s == 0 || now_s - s->expires_s > JUDGE_RELAPSE_S)
		relapses = 0;
	else if (relapses < 7)
		relapses++;
	s->caps = (uint8_t)((s->caps & 0x1f) | relapses << 5);
	s->listed_since_s = now_s;
	s->expires_s = full_minute((int64_t)now_s + term_s(b, s));
	/* A /64 that also sends honest mail is listed by the single address. */
	if (!sender_is_v4(s->key) && s->climbed_at_s != 0 && now_s - s->climbed_at_s <= BLOCKLIST_CLIMBED_S &&
	    b->n_hosts < BLOCKLIST_HOSTS)
		add_host(b, number, host);
	set_state(b, number, STATE_LISTED, CAUSE_EVIDENCE, now_us);
}

/* Nothing of the listing by evidence goes on after the allowance; of one by hand all does. */
static void
pause_ends(struct blocklist *b, uint32_t number, enum change_cause cause, int64_t now_us)
{
	struct sender *s = &b->senders->records[number];
	const struct hand *h = paused_by_hand(b, number);

	if ((s->flags & SENDER_PAUSED) == 0 || (h != NULL && h->alone))
		return;
	if (h != NULL)
		(void)hand_put(&b->hands, number, h->until_s, true);
	else
		s->flags &= (uint8_t)~SENDER_PAUSED;
	sender_dirty(b->senders, number);
	tell(b, number, STATE_ALLOWED, cause, now_us);
	if (h == NULL)
		drop_host(b, number);
}

/* Nor of one by hand. */
static void
forget_pause(struct blocklist *b, uint32_t number)
{
	struct sender *s = &b->senders->records[number];

	if ((s->flags & SENDER_PAUSED) == 0)
		return;
	s->flags &= (uint8_t)~SENDER_PAUSED;
	hand_drop(&b->hands, number);
}

/* The allowance is removed: what it ended goes on, if it is not over.  False: there is nothing. */
static bool
resume(struct blocklist *b, uint32_t number, int64_t now_us)
{
	struct sender *s = &b->senders->records[number];
	const struct hand *h = paused_by_hand(b, number);
	int64_t now_s = now_us / SECOND_US;
	bool evidence = (h == NULL || !h->alone) && s->expires_s > now_s, hand = h != NULL && h->until_s > now_s;

	if ((s->flags & SENDER_PAUSED) == 0 || (!evidence && !hand))
		return false;
	if (hand) {
		(void)hand_put(&b->hands, number, h->until_s, !evidence);
		s->kinds |= 1U << EVIDENCE_BY_HAND;
	} else {
		hand_drop(&b->hands, number);
	}
	s->flags &= (uint8_t)~SENDER_PAUSED;
	set_state(b, number, STATE_LISTED, CAUSE_ALLOW_ENDED, now_us);
	return true;
}

void
blocklist_weigh(struct blocklist *b, uint32_t number, int64_t now_us, float score, float hint, enum grade grade,
    uint64_t host)
{
	struct sender *s = &b->senders->records[number];
	uint32_t now_s = (uint32_t)(now_us / SECOND_US);
	bool may_list = grade >= (enum grade)b->judge->list_on;

	blocklist_decay(b, s, now_s);
	s->score = judge_add(s->score, score);
	s->hint = judge_add(s->hint, hint);
	if (may_list || score < 0)
		s->blame = judge_add(s->blame, score);
	sender_dirty(b->senders, number);
	if (s->state == STATE_ALLOWED) {
		if (score < 0)
			pause_ends(b, number, CAUSE_EVIDENCE, now_us);
		if (is_never(b, s, now_s))
			return;
		blocklist_recheck(b, number, now_us, CAUSE_ALLOW_ENDED);
	}
	if (s->state == STATE_LISTED) {
		uint32_t later = full_minute((int64_t)now_s + term_s(b, s));
		const struct hand *h = by_hand(b, number);

		if (h != NULL && h->alone)
			return;
		if (score > 0 && grade >= GRADE_PROVEN && later > s->expires_s) {
			s->expires_s = later;
			tell(b, number, STATE_LISTED, CAUSE_RENEWED, now_us);
		}
		return;
	}
	if (score > 0 && may_list && s->blame >= b->upper && s->score >= b->upper && !is_never(b, s, now_s)) {
		open_listing(b, number, now_us, host);
		return;
	}
	if (s->state == STATE_SUSPECT && score != 0.0f &&
	    judge_state(b->judge, s->score, s->hint) == STATE_SUSPECT) {
		tell(b, number, STATE_SUSPECT, CAUSE_RENEWED, now_us);	/* its end by decay moved */
		return;
	}
	set_state(b, number, judge_state(b->judge, s->score, s->hint), CAUSE_EVIDENCE, now_us);
}

void
blocklist_blame(struct blocklist *b, uint32_t number, int64_t now_us, float points, uint64_t host)
{
	struct sender *s = &b->senders->records[number];
	uint32_t now_s = (uint32_t)(now_us / SECOND_US);

	blocklist_decay(b, s, now_s);
	s->blame = judge_add(s->blame, points);
	sender_dirty(b->senders, number);
	if (s->state != STATE_LISTED && s->state != STATE_ALLOWED && points > 0 && s->blame >= b->upper &&
	    s->score >= b->upper && !is_never(b, s, now_s))
		open_listing(b, number, now_us, host);
}

/* A listing by evidence ends; one by hand stays then.  False: there is none by hand. */
static bool
evidence_ends(struct blocklist *b, uint32_t number, enum change_cause cause, int64_t now_us)
{
	const struct hand *h = b->senders->records[number].state == STATE_LISTED ? by_hand(b, number) : NULL;
	uint32_t until_s;

	if (h == NULL || h->alone)
		return h != NULL;
	until_s = h->until_s;
	(void)hand_put(&b->hands, number, until_s, true);
	sender_dirty(b->senders, number);
	tell(b, number, STATE_LISTED, cause, now_us);
	arm(b, number, until_s);
	return true;
}

void
blocklist_revise(struct blocklist *b, uint32_t number, int64_t now_us, float score, float hint, bool blamed)
{
	struct sender *s = &b->senders->records[number];

	blocklist_decay(b, s, (uint32_t)(now_us / SECOND_US));
	s->score = judge_add(s->score, -score);
	s->hint = judge_add(s->hint, -hint);
	if (blamed)
		s->blame = judge_add(s->blame, -score);
	sender_dirty(b->senders, number);
	if (s->state == STATE_ALLOWED && s->score < b->half)
		pause_ends(b, number, CAUSE_REVISED, now_us);
	if (s->state == STATE_ALLOWED || (s->state == STATE_LISTED && s->score >= b->half) ||
	    evidence_ends(b, number, CAUSE_REVISED, now_us))
		return;
	set_state(b, number, judge_state(b->judge, s->score, s->hint), CAUSE_REVISED, now_us);
}

/* By what was seen alone. */
static bool
evidence_stands(const struct blocklist *b, const struct sender *s, int64_t now_us)
{
	struct sender now = *s;
	float enough = b->upper;

	blocklist_decay(b, &now, (uint32_t)(now_us / SECOND_US));
	if (s->state != STATE_LISTED && (s->flags & SENDER_PAUSED) == 0)
		return judge_state(b->judge, now.score, now.hint) == (enum sender_state)s->state;
	/* What was just enough when it opened is by now so much. */
	enough = judge_decay(b->judge, enough, now_us / SECOND_US - s->listed_since_s);
	return now.score >= enough && now.blame >= enough;
}

bool
blocklist_stands(const struct blocklist *b, const struct sender *s, int64_t now_us)
{
	return s->state == STATE_ALLOWED || (s->kinds & 1U << EVIDENCE_BY_HAND) != 0 || evidence_stands(b, s, now_us);
}

void
blocklist_purged(struct blocklist *b, uint32_t number, int64_t now_us)
{
	struct sender *s = &b->senders->records[number];
	const struct hand *h = by_hand(b, number);

	sender_dirty(b->senders, number);
	if ((s->state == STATE_ALLOWED && (s->flags & SENDER_PAUSED) == 0) || evidence_stands(b, s, now_us))
		return;
	if (s->state == STATE_ALLOWED) {
		pause_ends(b, number, CAUSE_PURGED, now_us);
		s->expires_s = 0;
		s->caps &= 0x1f;
		return;
	}
	blocklist_decay(b, s, (uint32_t)(now_us / SECOND_US));
	if (s->state == STATE_LISTED && (h == NULL || !h->alone)) {
		s->expires_s = 0;
		s->caps &= 0x1f;
	}
	if (s->state == STATE_LISTED && h == NULL)
		s->listed_since_s = 0;
	if (!evidence_ends(b, number, CAUSE_PURGED, now_us))
		set_state(b, number, judge_state(b->judge, s->score, s->hint), CAUSE_PURGED, now_us);
}

void
blocklist_recheck(struct blocklist *b, uint32_t number, int64_t now_us, enum change_cause cause)
{
	struct sender *s = &b->senders->records[number];
	uint32_t now_s = (uint32_t)(now_us / SECOND_US);

	blocklist_decay(b, s, now_s);
	if (!is_never(b, s, now_s)) {
		if (s->state == STATE_ALLOWED && (cause != CAUSE_ALLOWED || !resume(b, number, now_us)))
			set_state(b, number, judge_state(b->judge, s->score, s->hint), CAUSE_ALLOW_ENDED, now_us);
		return;
	}
	/* What weighed on an address before it was ours was another's. */
	if (cause == CAUSE_OURS) {
		s->score = fminf(s->score, 0);
		s->blame = fminf(s->blame, 0);
		s->hint = fminf(s->hint, 0);
	}
	if (s->state != STATE_ALLOWED) {
		set_state(b, number, STATE_ALLOWED, cause, now_us);
		return;
	}
	if (cause == CAUSE_OURS)
		forget_pause(b, number);
	/* Until another time, maybe. */
	sender_dirty(b->senders, number);
	arm(b, number, deadline_s(b, s, now_s));
	tell(b, number, STATE_ALLOWED, cause, now_us);
}

void
blocklist_forget(struct blocklist *b, uint32_t number, int64_t now_us)
{
	struct sender *s = &b->senders->records[number];

	s->score = s->hint = s->blame = 0;
	s->sums_at_s = (uint32_t)(now_us / SECOND_US);
	s->kinds = 0;
	s->caps = 0;
	s->grade = 0;
	s->expires_s = s->listed_since_s = 0;
	sender_dirty(b->senders, number);
	if (s->state != STATE_ALLOWED) {
		set_state(b, number, STATE_UNKNOWN, CAUSE_FORGOTTEN, now_us);
	} else if ((s->flags & SENDER_PAUSED) != 0) {
		forget_pause(b, number);
		tell(b, number, STATE_ALLOWED, CAUSE_FORGOTTEN, now_us);
		drop_host(b, number);
	}
}

enum hand_may
blocklist_hand_may(const struct blocklist *b, uint32_t number, const struct prefix *what, uint32_t now_s)
{
	struct prefix p;

	if (never_covers(b->never, what, now_s))
		return HAND_NEVER;
	if (number == SENDER_NONE)
		return b->hands.n < HAND_MAX ? HAND_OK : HAND_FULL;
	if (is_never(b, &b->senders->records[number], now_s))
		return HAND_NEVER;
	if (by_hand(b, number) == NULL && b->hands.n == HAND_MAX)
		return HAND_FULL;
	p = listed_as(b, number);
	if (b->senders->records[number].state == STATE_LISTED)
		return prefix_equal(&p, what) ? HAND_OK : HAND_OTHER;
	p = sender_prefix(b->senders->records[number].key);
	return prefix_equal(&p, what) || b->n_hosts < BLOCKLIST_HOSTS ? HAND_OK : HAND_FULL;
}

void
blocklist_hand(struct blocklist *b, uint32_t number, const struct prefix *what, uint32_t until_s, int64_t now_us)
{
	struct sender *s = &b->senders->records[number];
	uint32_t now_s = (uint32_t)(now_us / SECOND_US);
	const struct hand *h = by_hand(b, number);
	struct prefix whole = sender_prefix(s->key);
	bool listed = s->state == STATE_LISTED;

	if (blocklist_hand_may(b, number, what, now_s) != HAND_OK)
		return;
	until_s = full_minute(until_s > now_s + HAND_MAX_S ? now_s + HAND_MAX_S : until_s);
	blocklist_decay(b, s, now_s);
	(void)hand_put(&b->hands, number, until_s, h != NULL ? h->alone : !listed);
	s->kinds |= 1U << EVIDENCE_BY_HAND;
	sender_dirty(b->senders, number);
	if (listed) {
		tell(b, number, STATE_LISTED, CAUSE_ADMIN, now_us);
		arm(b, number, deadline_s(b, s, now_s));
		return;
	}
	s->listed_since_s = now_s;
	if (!prefix_equal(what, &whole))
		add_host(b, number, addr_host(&what->addr));
	set_state(b, number, STATE_LISTED, CAUSE_ADMIN, now_us);
}

void
blocklist_unhand(struct blocklist *b, uint32_t number, const struct prefix *what, int64_t now_us)
{
	struct sender *s = &b->senders->records[number];
	const struct hand *h = s->state == STATE_LISTED ? by_hand(b, number) : NULL;
	struct prefix p = listed_as(b, number);

	if (h == NULL || !prefix_equal(&p, what))
		return;
	blocklist_decay(b, s, (uint32_t)(now_us / SECOND_US));
	if (h->alone) {
		set_state(b, number, judge_state(b->judge, s->score, s->hint), CAUSE_ADMIN, now_us);
		return;
	}
	drop_hand(b, number);
	sender_dirty(b->senders, number);
	tell(b, number, STATE_LISTED, CAUSE_ADMIN, now_us);
	arm(b, number, s->expires_s);
}

bool
blocklist_by_hand(const struct blocklist *b, uint32_t number, const struct prefix *what, uint32_t *until_s)
{
	const struct hand *h = b->senders->records[number].state == STATE_LISTED ? by_hand(b, number) : NULL;
	struct prefix p = listed_as(b, number);

	if (h == NULL || !prefix_equal(&p, what))
		return false;
	*until_s = h->until_s;
	return true;
}

void
blocklist_restore_hand(struct blocklist *b, uint32_t number, const struct sender_row *row)
{
	struct sender *s = &b->senders->records[number];
	bool paused = row->state == STATE_ALLOWED && row->paused != 0;

	if (row->state != STATE_LISTED)
		s->kinds &= (uint16_t)~(1U << EVIDENCE_BY_HAND);
	if (paused)
		s->flags |= SENDER_PAUSED;
	if (paused ? row->hand_until_s != 0 : (s->kinds & 1U << EVIDENCE_BY_HAND) != 0)
		(void)hand_put(&b->hands, number, row->hand_until_s, row->hand_alone != 0);
	if ((row->state == STATE_LISTED || paused) && row->single != 0)
		add_host(b, number, row->host);
}

void
blocklist_tell_hand(const struct blocklist *b, uint32_t number, struct sender_row *row)
{
	const struct hand *h = row->state == STATE_LISTED ? by_hand(b, number) : paused_by_hand(b, number);

	row->paused = (b->senders->records[number].flags & SENDER_PAUSED) != 0;
	if (h != NULL) {
		row->hand_until_s = h->until_s;
		row->hand_alone = h->alone;
	}
	for (uint32_t i = 0; (row->state == STATE_LISTED || row->paused != 0) && i < b->n_hosts; i++) {
		if (b->hosts[i].sender != number)
			continue;
		row->single = 1;
		row->host = b->hosts[i].host;
	}
}

void
blocklist_arm(struct blocklist *b, uint32_t number, int64_t now_us)
{
	arm(b, number, deadline_s(b, &b->senders->records[number], now_us / SECOND_US));
}

static void
expire(struct blocklist *b, uint32_t number, int64_t now_us)
{
	struct sender *s = &b->senders->records[number];
	uint32_t now_s = (uint32_t)(now_us / SECOND_US);
	float at_most = b->half - EXPIRED_BELOW_HALF;
	enum change_cause cause = s->state == STATE_LISTED ? CAUSE_EXPIRED : CAUSE_DECAYED;
	const struct hand *h = s->state == STATE_LISTED ? by_hand(b, number) : NULL;

	blocklist_decay(b, s, now_s);
	if (cause == CAUSE_EXPIRED && (h == NULL || (!h->alone && s->expires_s <= now_s))) {
		s->score = fminf(s->score, at_most);
		s->blame = fminf(s->blame, at_most);
		if (h != NULL && h->until_s > now_s) {
			(void)evidence_ends(b, number, cause, now_us);
			return;
		}
	} else if (h != NULL && !h->alone) {
		drop_hand(b, number);
		sender_dirty(b->senders, number);
		tell(b, number, STATE_LISTED, cause, now_us);
		arm(b, number, s->expires_s);
		return;
	}
	set_state(b, number, judge_state(b->judge, s->score, s->hint), cause, now_us);
}

void
blocklist_restored(struct blocklist *b, uint32_t number, int64_t now_us)
{
	struct sender *s = &b->senders->records[number];
	uint32_t ahead = (uint32_t)(now_us / SECOND_US) + AHEAD_S;

	b->n_listed += s->state == STATE_LISTED;
	b->n_suspect += s->state == STATE_SUSPECT;
	b->n_cleared += s->state == STATE_CLEARED;
	/* Of a clock that was ahead: it would weigh, and be refused, until we come there. */
	if (s->sums_at_s > ahead)
		s->sums_at_s = (uint32_t)(now_us / SECOND_US);
	if (s->state < STATE_SUSPECT)
		return;
	if (s->state == STATE_LISTED && (s->listed_since_s > ahead || s->expires_s > ahead + JUDGE_TERM_MAX_S)) {
		expire(b, number, now_us);
		return;
	}
	if (s->state != STATE_ALLOWED && is_never(b, s, (uint32_t)(now_us / SECOND_US)))
		blocklist_recheck(b, number, now_us, CAUSE_ALLOWED);
	else
		blocklist_arm(b, number, now_us);
}

static void
look_again(void *ctx, const uint32_t *items, uint32_t n)
{
	struct blocklist *b = ctx;
	int64_t now_us = wheel_due_us(&b->deadlines);

	for (uint32_t i = 0; i < n; i++) {
		struct sender *s = &b->senders->records[items[i]];

		s->flags &= (uint8_t)~SENDER_TIMED;
		if (s->state < STATE_SUSPECT)
			continue;
		if (deadline_s(b, s, now_us / SECOND_US) > now_us / SECOND_US)
			arm(b, items[i], deadline_s(b, s, now_us / SECOND_US));
		else if (s->state == STATE_ALLOWED)
			blocklist_recheck(b, items[i], now_us, CAUSE_ALLOW_ENDED);
		else
			expire(b, items[i], now_us);
	}
}

void
blocklist_turn(struct blocklist *b)
{
	wheel_turn(&b->deadlines, look_again, b);
}
