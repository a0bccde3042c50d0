/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publish.h - the publish gate: a list that grows too fast waits for a person.
 *
 * Whatever finds a way to poison the list must not reach a firewall before somebody has looked.  In
 * cycles of ten minutes: where the listed senders become a quarter and a thousand more than at the
 * cycle's beginning, those that came since then are held: shown, not handed on, until the operator
 * accepts them or they are gone again.  What leaves the list never waits (no honest mail lost): a
 * list that loses half in a cycle is only told of.
 */
#ifndef MXTRAP_PUBLISH_H
#define MXTRAP_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PUBLISH_CYCLE_S	    600
#define PUBLISH_GROWTH_MIN  1000	/* more than so many, and more than a quarter */
#define PUBLISH_TEXT_SIZE   64

struct publish {
	uint64_t base;			/* listed at the cycle's beginning */
	uint32_t base_s;		/* when that was; 0: not begun */
	bool	 held;			/* who was listed after base_s is not handed on */
	bool	 shrank;		/* told in this cycle */
};

enum publish_event { PUBLISH_QUIET, PUBLISH_HELD, PUBLISH_RELEASED, PUBLISH_SHRANK };

/* So many are listed now.  Call each second or so; what came of it. */
enum publish_event publish_turn(struct publish *, uint64_t listed, uint32_t now_s);
/* The operator has looked: a new cycle begins here.  False: nothing was held. */
bool publish_accept(struct publish *, uint64_t listed, uint32_t now_s);
/* As one word for the store, and back; an odd text is one that is not begun.  Returns buf. */
const char *publish_format(const struct publish *, char buf[static PUBLISH_TEXT_SIZE]);
struct publish publish_parse(const char *text);
/* May a listing of then be handed on? */
static inline bool
publish_claims(const struct publish *p, int64_t since_s)
{
	return !p->held || since_s <= (int64_t)p->base_s;
}

#endif
