/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_never.c - who is never to be listed, as that changes: the operator's allow-list, and this host's
 * own addresses, gateways and resolvers.
 *
 * A change is looked at for all senders at once, so that a listing ends in the same instant.
 */
#include "trap_int.h"

/* Call for each sender that a prefix has to do with. */
static void
each_sender(struct trap *t, const struct prefix *what, void (*act)(struct trap *, uint32_t number, enum change_cause),
    enum change_cause cause)
{
	sender_key key;

	if (prefix_sender(what, &key)) {
		uint32_t number = sender_find(&t->senders, key, sender_hash(&t->senders, key));

		if (number != SENDER_NONE)
			act(t, number, cause);
		return;
	}
	for (uint32_t i = 0; i < t->senders.fresh; i++) {
		const struct sender *s = &t->senders.records[i];
		struct prefix p;

		if ((s->flags & SENDER_IN_USE) == 0)
			continue;
		p = sender_prefix(s->key);
		if (prefix_overlaps(&p, what))
			act(t, i, cause);
	}
}

static void
recheck(struct trap *t, uint32_t number, enum change_cause cause)
{
	blocklist_recheck(&t->list, number, t->now_us, cause);
}

static void
forget(struct trap *t, uint32_t number, enum change_cause cause)
{
	(void)cause;
	blocklist_forget(&t->list, number, t->now_us);
}

void
trap_never(struct trap *t, const struct event *e)
{
	bool kept = true;

	never_prune(&t->never, 0, now_s(t));
	if (e->kind == EVENT_NEVER)
		kept = never_set(&t->never, &e->what, NEVER_HOST, (unsigned)e->value);
	else if (e->expires_s != 0 && e->expires_s <= now_s(t))
		(void)never_remove(&t->never, &e->what);
	else
		kept = never_add(&t->never, &e->what, e->expires_s);
	if (kept && e->kind == EVENT_NEVER && (e->value & NEVER_OWN) != 0 && e->what.len == 128) {
		sender_key key = addr_sender(&e->what.addr);
		uint32_t number = sender_find(&t->senders, key, sender_hash(&t->senders, key));

		if (number != SENDER_NONE)
			t->senders.records[number].flags |= SENDER_OURS;
	}
	if (kept)
		each_sender(t, &e->what, recheck, e->kind == EVENT_NEVER ? CAUSE_OURS : CAUSE_ALLOWED);
}

uint64_t
trap_would_end(const struct trap *t, const struct prefix *what)
{
	uint64_t n = 0;
	sender_key key;

	if (prefix_sender(what, &key)) {
		uint32_t number = sender_find(&t->senders, key, sender_hash(&t->senders, key));

		return number != SENDER_NONE && t->senders.records[number].state == STATE_LISTED;
	}
	for (uint32_t i = 0; i < t->senders.fresh; i++) {
		const struct sender *s = &t->senders.records[i];
		struct prefix p = sender_prefix(s->key);

		n += (s->flags & SENDER_IN_USE) != 0 && s->state == STATE_LISTED && prefix_overlaps(&p, what);
	}
	return n;
}

void
trap_forget(struct trap *t, const struct event *e)
{
	each_sender(t, &e->what, forget, CAUSE_FORGOTTEN);
}

void
trap_never_anew(struct trap *t)
{
	never_prune(&t->never, NEVER_HOST, 0);
	/* Whose reason is gone is looked at within the minute; by then what still holds has been told again. */
	for (uint32_t i = 0; i < t->senders.fresh; i++)
		if (t->senders.records[i].state == STATE_ALLOWED)
			blocklist_arm(&t->list, i, t->now_us);
}

unsigned
trap_never_why(const struct trap *t, const struct prefix *what)
{
	return never_reasons(&t->never, what, now_s(t));
}

bool
trap_knows(const struct trap *t, const struct prefix *what)
{
	sender_key key;

	if (prefix_sender(what, &key))
		return sender_find(&t->senders, key, sender_hash(&t->senders, key)) != SENDER_NONE;
	for (uint32_t i = 0; i < t->senders.fresh; i++) {
		const struct sender *s = &t->senders.records[i];
		struct prefix p;

		if ((s->flags & SENDER_IN_USE) == 0)
			continue;
		p = sender_prefix(s->key);
		if (prefix_overlaps(&p, what))
			return true;
	}
	return false;
}
