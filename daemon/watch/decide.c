/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decide.c - a decision that is durable becomes an event of the trap; who asked hears of it when every reader sees it.
 *
 * The event waits for packets of the same time like any other.  What it did to the list is counted where it is
 * applied, and looked up here on a later turn, once the changes are committed.
 */
#include <stdlib.h>
#include <string.h>

#include "mxtrap/hand.h"
#include "watch_int.h"

#define SETTLE_MS 1000			/* then the answer goes out without: it was promised by what is on disk */

/* The decision whose event this is; NULL: nobody waits for it. */
static struct awaited *
find(struct watch *w, uint32_t seq)
{
	for (size_t i = 0; i < CONTROL_QUEUE; i++)
		if (w->awaited[i].waits && w->awaited[i].seq == seq)
			return &w->awaited[i];
	return NULL;
}

/* What was kept goes to the store as one serial. */
static void
hand_over(struct kept_changes *k)
{
	if (k->on && !store_together(k->store, k->rows, k->n))
		free(k->rows);
	*k = (struct kept_changes){ .store = k->store };
}

bool
kept_change(struct kept_changes *k, const struct change_row *row)
{
	if (!k->on)
		return false;
	if (k->n == k->cap) {
		size_t cap = k->cap == 0 ? 1024 : k->cap * 2;
		struct change_row *more = realloc(k->rows, cap * sizeof(*more));

		if (more == NULL) {
			/* In order at least, if not in one: a change must not be lost. */
			hand_over(k);
			return false;
		}
		k->rows = more;
		k->cap = cap;
	}
	k->rows[k->n++] = *row;
	return true;
}

/* A network may hold more senders than the store's queue does: their changes go there in one piece. */
static bool
keep_together(struct watch *w, const struct event *e)
{
	sender_key key;

	if (prefix_sender(&e->what, &key) || w->purge.stage == PURGE_APPLIES || !store_together_done(w->store))
		return false;
	w->kept = (struct kept_changes){ .store = w->store, .on = true };
	w->teller.kept = &w->kept;
	return true;
}

bool
watch_apply_decision(struct watch *w, const struct event *e)
{
	struct awaited *d = find(w, e->seq);
	uint64_t before, after;
	bool together, stored;

	/* What ends at this moment by itself is not of the decision. */
	trap_tick(w->trap, e->time_us);
	before = trap_counters(w->trap)->listed;
	together = keep_together(w, e);
	stored = trap_event(w->trap, e);
	if (together)
		hand_over(&w->kept);
	after = trap_counters(w->trap)->listed;
	if (d == NULL)
		return stored;
	d->together = together;
	d->applied = true;
	d->ended = before > after ? (uint32_t)(before - after) : 0;
	d->back = after > before ? (uint32_t)(after - before) : 0;
	d->put = store_list_put(w->store);
	return stored;
}

/* Applied, and in the database; or it has taken so long that the answer cannot wait. */
static bool
is_settled(struct watch *w, struct control_effect *effect)
{
	struct awaited *d = find(w, effect->seq);

	if (d == NULL)
		return true;
	if ((!d->applied || !store_list_in(w->store, d->put) || (d->together && !store_together_done(w->store))) &&
	    process_now_ms() < effect->until_ms)
		return false;
	effect->ended = d->ended;
	effect->back = d->back;
	d->waits = false;
	return true;
}

static void
wait_for(struct watch *w, struct control_effect *effect, uint32_t seq)
{
	effect->seq = seq;
	effect->until_ms = process_now_ms() + SETTLE_MS;
	for (size_t i = 0; i < CONTROL_QUEUE; i++) {
		if (w->awaited[i].waits)
			continue;
		w->awaited[i] = (struct awaited){ .waits = true, .seq = seq };
		return;
	}
}

/* What stood there before. */
static void
look_before(const struct watch *w, const struct message_admin *m, const struct prefix *what, struct control_effect *effect)
{
	if (m->op == ADMIN_ALLOW)
		effect->was = trap_allowance(w->trap, what, &effect->was_s);
	else if (m->op == ADMIN_LIST)
		effect->was = trap_by_hand(w->trap, what, &effect->was_s);
	else
		effect->was = trap_knows(w->trap, what) || watch_decided(w, ADMIN_LIST, what) != NULL;
}

static void
switch_firewall(struct watch *w, bool off)
{
	w->firewall_off = off;
	firewall_feed_off(&w->firewall, off);
	status_tell(w);
}

bool
watch_apply_admin(void *ctx, const struct message_admin *m, struct control_effect *effect)
{
	struct watch *w = ctx;
	struct event e = {
		.time_us = watch_now_us(w),
		.kind = m->op == ADMIN_FORGET ? EVENT_FORGET : m->op == ADMIN_LIST ? EVENT_LIST : EVENT_ALLOW,
		.expires_s = m->op == ADMIN_FORGET ? 0 : m->expires_s,
	};
	struct addr addr;

	if (effect->begun)
		return is_settled(w, effect);
	effect->begun = true;
	switch ((enum admin_op)m->op) {
	case ADMIN_PUBLISH:
		effect->was = publish_accept(&w->publish, trap_counters(w->trap)->listed, (uint32_t)(e.time_us / 1000000));
		status_tell(w);
		return true;
	case ADMIN_FIREWALL_FLUSH:
		firewall_feed_flush(&w->firewall);
		return true;
	case ADMIN_FIREWALL_OFF:
	case ADMIN_FIREWALL_ON:
		switch_firewall(w, m->op == ADMIN_FIREWALL_OFF);
		return true;
	case ADMIN_PING:
		return true;
	case ADMIN_ALLOW:
	case ADMIN_FORGET:
	case ADMIN_LIST:
		break;
	}
	memcpy(addr.b, m->addr, sizeof(addr.b));
	e.what = prefix_of(&addr, (uint8_t)m->len);
	look_before(w, m, &e.what, effect);
	w->decided[w->n_decided++ % DECIDED] = (struct decided){ .what = e.what, .time_us = e.time_us, .op = m->op,
		.expires_s = m->expires_s };
	wait_for(w, effect, w->seq);
	watch_event(w, &e);
	return is_settled(w, effect);
}
