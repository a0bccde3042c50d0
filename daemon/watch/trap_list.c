/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_list.c - what the operator lists by hand: an event like any other, so that a replay lists the same.
 *
 * He may list whom nobody has seen: a record is made then, as if he had come.  The never-list and the
 * allow-list are asked again here, for they may have changed since he asked.
 */
#include "trap_int.h"

static uint32_t
find(const struct trap *t, const struct prefix *what, sender_key *key)
{
	*key = addr_sender(&what->addr);
	return sender_find(&t->senders, *key, sender_hash(&t->senders, *key));
}

enum hand_may
trap_may_list(const struct trap *t, const struct prefix *what)
{
	sender_key key;
	uint32_t number = find(t, what, &key);

	return blocklist_hand_may(&t->list, number, what, now_s(t));
}

bool
trap_allowance(const struct trap *t, const struct prefix *what, uint32_t *until_s)
{
	return never_allowance(&t->never, what, now_s(t), until_s);
}

bool
trap_by_hand(const struct trap *t, const struct prefix *what, uint32_t *until_s)
{
	sender_key key;
	uint32_t number = find(t, what, &key);

	return number != SENDER_NONE && blocklist_by_hand(&t->list, number, what, until_s);
}

void
trap_list(struct trap *t, const struct event *e)
{
	struct finding f = { .visit = VISIT_NONE, .kind = EVIDENCE_BY_HAND, .host = addr_host(&e->what.addr) };
	sender_key key;
	uint32_t number = find(t, &e->what, &key);

	if (e->expires_s <= now_s(t)) {
		if (number != SENDER_NONE)
			blocklist_unhand(&t->list, number, &e->what, t->now_us);
		return;
	}
	if (blocklist_hand_may(&t->list, number, &e->what, now_s(t)) != HAND_OK)
		return;
	if (number == SENDER_NONE)
		number = trap_new_record(t, key, addr_host(&e->what.addr), sender_hash(&t->senders, key));
	if (number == SENDER_NONE)
		return;
	f.number = number;
	blocklist_hand(&t->list, number, &e->what, e->expires_s, t->now_us);
	(void)trap_weigh(t, &f);
}
