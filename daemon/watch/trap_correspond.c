/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_correspond.c - our own mail going out, as far as it is on the wire: whoever takes it is excused.
 */
#include "trap_int.h"

#include "mxtrap/correspond.h"

/* A real exchanger sends mail, too; so may any address that this host has. */
static bool
is_ours(const struct trap *t, const struct addr *a)
{
	const struct target *target = ladder_find(t->ladder, a);

	return (target != NULL && target->role == ROLE_REAL) || never_holds(&t->never, a, NEVER_OWN);
}

void
trap_correspond(struct trap *t, const struct packet *p)
{
	sender_key key;

	if (!t->o.correspondents)
		return;
	if (p->kind == PACKET_SYN) {
		if (p->dport == 25 && is_ours(t, &p->src))
			correspond_syn(&t->correspond, &p->src, &p->dst, p->sport, p->seq, t->now_us);
		return;
	}
	if (p->kind != PACKET_SYNACK || p->sport != 25)
		return;
	key = addr_sender(&p->src);
	switch (correspond_synack(&t->correspond, &p->dst, &p->src, p->dport, p->ack, t->now_us)) {
	case CORRESPOND_NO:
	case CORRESPOND_KNOWN:
		return;
	case CORRESPOND_NEW:
		/* It may have been judged before we wrote to it. */
		trap_doubt_sender(t, key, DOUBT_CORRESPONDENT);
		break;
	case CORRESPOND_TELL:
		break;
	}
	if (t->o.sink.correspondent != NULL)
		t->o.sink.correspondent(t->o.sink.ctx, key, now_s(t));
}

void
trap_restore_correspondent(struct trap *t, sender_key key, uint32_t answered_s)
{
	correspond_restore(&t->correspond, key, answered_s);
}
