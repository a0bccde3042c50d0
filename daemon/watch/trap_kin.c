/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap_kin.c - the other family of one system: who touched a lower rung less than 3 s before.
 *
 * Attempts are kept apart by their SYN's options, so that a flood of one kind pushes out
 * nothing of another.  What a flood of its own kind pushed out is unknown, and unknown is a
 * doubt; that holds for the other family and this kind alone, as long as it lasts.
 */
#include "trap_int.h"

/* All SYNs that fingerprint_akin() takes for one are of one class; a class may hold several. */
static struct kin_class *
class_of(struct trap *t, uint16_t set, bool v4, const struct fingerprint *fp)
{
	uint64_t mixed = (fp->layout ^ (uint64_t)fp->wscale << 56) * 0x9e3779b97f4a7c15ULL;

	return &t->kin[set].of[v4 ? 0 : 1][mixed >> (64 - KIN_CLASS_BITS)];
}

static bool
real_of(const struct trap *t, uint16_t set, bool v4)
{
	return (t->set_flags[set] & (v4 ? SET_REAL_V4 : SET_REAL_V6)) != 0;
}

static bool
is_akin(uint64_t layout, uint8_t wscale, const struct fingerprint *fp)
{
	return layout == fp->layout && wscale == fp->wscale;
}

/*
 * The other family of one system shows itself on a lower rung less than 3 s before.
 * A system that reached the real MX, by whichever family, need not go on, unless
 * the real MX has no address of this family: then the next rung is the first that
 * this family can see.  (Else every honest dual-stack sender would excuse whatever
 * comes to the backup in the three seconds behind it.)
 */
bool
trap_kin_follow(struct trap *t, const struct target *target, bool v4, const struct packet *p)
{
	struct kin_class *c = class_of(t, target->set, !v4, &p->fp);
	bool real_here = real_of(t, target->set, v4);

	for (uint32_t left = real_here ? c->unsettled : c->fresh; left != 0; left &= left - 1) {
		uint32_t bit = left & -left;
		const struct kin_entry *k = &c->at[__builtin_ctz(left)];
		struct visit *kin;

		if (t->now_us - k->time_us >= KIN_US) {
			c->fresh &= ~bit;
			c->unsettled &= ~bit;
			continue;
		}
		if (k->rung >= target->rung || !is_akin(k->layout, k->wscale, &p->fp))
			continue;
		kin = &t->visits.records[k->visit];
		if (kin->generation != k->generation) {
			/* Its record had to make room: how far it came is not known. */
			if (target->role != ROLE_REAL)
				return true;
			continue;
		}
		if (target->role == ROLE_REAL) {
			kin->flags |= VISIT_KIN_REAL;
			c->unsettled &= ~bit;
		} else if ((kin->flags & (VISIT_REAL_PROVEN | VISIT_KIN_REAL)) == 0 || !real_here) {
			return true;
		}
	}
	return false;
}

/* An entry has to go before its 3 s are over.  Could it have excused anybody still? */
static void
lose(struct trap *t, struct kin_class *c, const struct kin_entry *k, uint16_t set, bool v4)
{
	const struct visit *v = &t->visits.records[k->visit];
	bool known = t->now_us < c->lost_until_us;

	/* In a flood that is not looked up: it would cost more than all else. */
	if (!t->flood && v->generation == k->generation && real_of(t, set, !v4) &&
	    (v->flags & (VISIT_REAL_PROVEN | VISIT_KIN_REAL)) != 0)
		return;
	c->lost_several = known && (c->lost_several || c->lost_layout != k->layout || c->lost_wscale != k->wscale);
	c->lost_layout = k->layout;
	c->lost_wscale = k->wscale;
	/* They come and go in the order of time. */
	c->lost_until_us = k->time_us + KIN_US;
	t->counters.kin_lost++;
}

void
trap_kin_join(struct trap *t, uint32_t visit, const struct target *target, bool v4, const struct packet *p)
{
	struct kin_class *c = class_of(t, target->set, v4, &p->fp);
	uint32_t bit = 1U << c->next % KIN;
	struct kin_entry *k = &c->at[c->next++ % KIN];

	if ((c->unsettled & bit) != 0 && t->now_us - k->time_us < KIN_US)
		lose(t, c, k, target->set, v4);
	c->fresh |= bit;
	c->unsettled |= bit;
	*k = (struct kin_entry){
		.time_us = t->now_us, .layout = p->fp.layout, .visit = visit, .rung = target->rung,
		.generation = t->visits.records[visit].generation & 15U, .wscale = p->fp.wscale,
	};
}

bool
trap_kin_unknown(struct trap *t, const struct target *target, bool v4, const struct packet *p)
{
	const struct kin_class *c = class_of(t, target->set, !v4, &p->fp);

	return t->now_us < c->lost_until_us && (c->lost_several || is_akin(c->lost_layout, c->lost_wscale, &p->fp));
}
