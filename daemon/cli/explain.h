/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain.h - inside of `mxtrap explain`: the story of a sender, gathered, for a person and for a program.
 */
#ifndef MXTRAP_CLI_EXPLAIN_H
#define MXTRAP_CLI_EXPLAIN_H

#include "cli.h"

enum item_kind { ITEM_ATTEMPT, ITEM_SAID, ITEM_EVIDENCE, ITEM_VISIT, ITEM_CHANGE };

struct item {
	int64_t time_us;
	enum item_kind kind;
	size_t order;			/* among equals: as the database has them */
	union {
		struct report_attempt attempt;
		size_t said;		/* in saids */
		struct visit_row visit;
		struct evidence_row evidence;
		struct report_change change;
	} u;
};

struct story {
	struct cli  *cli;
	struct report_entry entry;
	struct item *items;		/* owned; by time */
	size_t	     n, cap;
	struct report_said *saids;	/* owned */
	size_t	     n_saids, cap_saids;
	bool	     failed;		/* out of memory */
	bool	     cut;		/* there were more attempts than are read */
	struct report_state state;
#define STORY_MEMORIES 8		/* MX sets */
	struct report_memory memories[STORY_MEMORIES];
	size_t	     n_memories;
	/* The allow entry that covers it. */
	bool	     allowed;
	struct prefix allow;
	int64_t	     allow_expires_s, allowed_at_s;
	char	     allow_who[64], allow_note[256];
	/* Who listed it by hand, where it is. */
	bool	     by_hand;
	int64_t	     hand_expires_s, hand_at_s;
	char	     hand_who[64], hand_note[256];
};

/* For a person; for a program. */
void explain_say(const struct story *);
/* The last part of it: what would change the judgement. */
void explain_end(const struct story *);
/* The address alone for one IPv4 address or one IPv6 address: what one would type.  Returns buf. */
const char *explain_name(const struct prefix *what, char buf[static PREFIX_TEXT_SIZE]);
void explain_json(const struct story *);
/* The name of an MX set; NULL: no longer configured. */
const char *explain_set(const struct cli *, uint16_t set);

#endif
