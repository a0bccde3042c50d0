/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mxset.h - the published MX sets, in the order honest senders climb them.
 *
 * A client tries the exchangers by ascending preference (RFC 5321, 5.1), so
 * every verdict is a statement about how a sender climbed.  This module holds
 * the facts and the safety rules of a ladder; it never logs.  Exchangers of
 * equal preference are one rung.
 */
#ifndef MXTRAP_MXSET_H
#define MXTRAP_MXSET_H

#include "mxtrap/addr.h"

enum role {
	ROLE_NOLISTING,		/* decoy below the real MX; refuses */
	ROLE_REAL,		/* takes mail; watched, never a trap */
	ROLE_BOGUS,		/* decoy above the real MX; nobody honest needs it */
	ROLE_CONTROL,		/* in no MX record: only sweeps come here */
};

enum answer { ANSWER_NONE, ANSWER_RESET, ANSWER_DIALOGUE };
enum witness {			/* who tells of attempts at an exchanger */
	WITNESS_NONE,
	WITNESS_WIRE,
	WITNESS_POSTFIX,	/* its own MTA asks the policy service: who got as far as RCPT, and whose mail it took */
};

#define MXSET_NAME_SIZE		256	/* RFC 1035: 255 and the end */
#define MXSET_MAX_SETS		4096
#define MXSET_MAX_EXCHANGERS	64	/* a set */
#define MXSET_MAX_TARGETS	32768	/* addresses, all sets together */

struct exchanger {
	char	 name[MXSET_NAME_SIZE];
	char	 network[64];		/* "": none named */
	uint16_t preference;
	uint8_t	 role;			/* enum role */
	uint8_t	 answer;		/* enum answer */
	uint8_t	 witness;		/* enum witness */
	uint8_t	 rung;			/* 0 = lowest preference; equal preferences share one */
	uint16_t n_addrs;
	struct addr *addrs;		/* owned */
	/* What the Internet sees of them, where a host behind 1:1 NAT has private addresses: never on our wire, but ours. */
	uint16_t n_public;
	struct addr *public;		/* owned; NULL: none */
};

struct mxset {
	char	  name[MXSET_NAME_SIZE];
	size_t	  n_domains, n_exchangers;
	char	(*domains)[MXSET_NAME_SIZE];	/* owned */
	struct exchanger *exchangers;		/* owned; by preference */
	bool	  has_nolisting;
	bool	  real_on_wire;	/* a real exchanger is: who is not seen there was not there */
	bool	  bogus_near;	/* every bogus address shares a /24, /48 or `network` with a real or
				 * low one, and one answers from the wire: order counts in score */
	uint8_t	  n_rungs;
};

/* What an address of ours is.  Index into struct ladder.targets. */
struct target {
	struct addr addr;
	uint16_t set;		/* index; unused for ROLE_CONTROL */
	uint16_t exchanger;	/* index in the set */
	uint8_t	 role;		/* enum role */
	uint8_t	 answer;	/* enum answer */
	uint8_t	 rung;
	uint8_t	 witness;
};

struct ladder {				/* all sets; start from = { 0 } */
	size_t	       n_sets, n_targets;
	struct mxset  *sets;		/* owned */
	struct target *targets;		/* owned; built by ladder_finish */
	uint32_t      *index;		/* owned; hash of targets */
	uint32_t       index_mask;
	size_t	       n_control;
	struct addr   *control;		/* owned */
};

enum ladder_result {
	LADDER_OK,
	LADDER_NO_REAL,			/* nothing but decoys: mail would be lost */
	LADDER_DECOY_MISPLACED,		/* a decoy level with or between real preferences */
	LADDER_DUPLICATE,		/* an address on two rungs or in two sets */
	LADDER_FULL,
	LADDER_NO_MEMORY,
};

/*
 * Sort exchangers by preference, number the rungs, check the safety rules and
 * build the index.  Call once, after sets and control are filled.  On failure
 * *set and *exchanger (may be NULL) say where; the ladder must then be freed.
 */
enum ladder_result ladder_finish(struct ladder *, size_t *set, size_t *exchanger);
/* The target at this address, or NULL.  Borrowed until ladder_free(). */
const struct target *ladder_find(const struct ladder *, const struct addr *);
/* Is it one of the ladder, or what the Internet sees of one? */
bool ladder_is_ours(const struct ladder *, const struct addr *);
/* All of these, one after the other, while each() says so; returns what it said last. */
bool ladder_each_ours(const struct ladder *, bool (*each)(void *ctx, const struct addr *), void *ctx);
void ladder_free(struct ladder *);
const char *role_name(enum role);	/* "nolisting" "real" "bogus" "control" */
const char *answer_name(enum answer);	/* "none" "reset" "dialogue" */

#endif
