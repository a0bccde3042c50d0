/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * risk.h - how much like a mail server is a sender whose mail may not have arrived?
 *
 * Whoever was refused on the ladder and never completed a session at the real MX may be
 * a mail server with a problem that nobody has told the administrator of.  Facts in,
 * a likeness and its reasons out; where the facts come from is not known here.
 */
#ifndef MXTRAP_RISK_H
#define MXTRAP_RISK_H

#include "mxtrap/evidence.h"

struct risk_facts {			/* of one sender */
	uint32_t n_visits, n_attempts;
	uint32_t n_queue_gaps;		/* pauses between visits as a queue makes them */
	int64_t	 shortest_s, longest_s;	/* pause between visits; 0: one visit */
	uint16_t kinds;			/* 1 << enum evidence_kind */
	uint8_t	 tried, failed;		/* 1 << enum role: touched; touched, and never connected there */
	uint8_t	 max_syns;		/* SYNs of one attempt, at most */
	uint8_t	 klass;			/* enum sender_class */
	bool	 proven;		/* completed a handshake somewhere */
	bool	 one_port;		/* several attempts, all from one source port */
	bool	 neighbour;		/* of its network, another reached the real MX */
	bool	 stack_known, stack_sane;	/* its SYN has the options that operating systems send */
};

enum risk_reason {
	RISK_FAILED_AT_REAL, RISK_QUEUE_SPACING, RISK_CAME_BACK, RISK_PROVEN, RISK_RETRANSMITS, RISK_SANE_STACK,
	RISK_LOW_ONLY, RISK_NEIGHBOUR, RISK_ONE_PORT, RISK_RAW_SYN, RISK_IMPATIENT, RISK_PASSED_REAL, RISK_BACKUP_FIRST,
	RISK_BAD_TALK, RISK_SCANS,
	RISK_N
};

/* From here on it is likely a mail server: what a queue and an operating system make together, or an attempt at the real
 * MX that failed.  Only so many are said to be at risk where one number stands for all. */
#define RISK_LIKELY 3.0f
#define RISK_QUEUE_LEAST_S 240		/* Postfix comes back after 300 s at the soonest, give or take */
#define RISK_QUEUE_MOST_S  43200	/* queues are run at least twice a day */

/* Is this pause between two visits one that a mail queue makes? */
static inline bool
risk_queue_gap(int64_t s)
{
	return s >= RISK_QUEUE_LEAST_S && s <= RISK_QUEUE_MOST_S;
}
/* The likeness, higher is more like a mail server; *why: 1 << enum risk_reason. */
float risk_likeness(const struct risk_facts *, uint16_t *why);
const char *risk_name(enum risk_reason);	/* "queue_spacing" */
const char *risk_says(enum risk_reason);	/* "comes back as a mail queue does" */
float risk_points(enum risk_reason);
/* Does p0f's notation of a SYN look like an operating system's stack? */
bool risk_stack_sane(const char *fingerprint);

#endif
