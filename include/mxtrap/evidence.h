/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * evidence.h - what may be held against a sender, or for it: names and weights.
 *
 * One table of kinds (design: "How a sender is judged").  A piece of evidence is
 * a log-likelihood ratio (natural log) between "spam source" and "honest MTA".
 */
#ifndef MXTRAP_EVIDENCE_H
#define MXTRAP_EVIDENCE_H

#include "mxtrap/addr.h"

/* Values are stored; never renumber. */
enum evidence_kind {
	EVIDENCE_BACKUP_FIRST = 0,
	EVIDENCE_DESCENDED = 1,
	EVIDENCE_DECOYS_ONLY = 2,
	EVIDENCE_IMPATIENT = 3,
	EVIDENCE_GAVE_UP = 4,
	EVIDENCE_EARLY_TALKER = 5,
	EVIDENCE_BAD_HELO = 6,
	EVIDENCE_CLIMBED = 7,
	EVIDENCE_REACHED_REAL = 8,
	EVIDENCE_SKIPPED_NOLISTING = 9,
	EVIDENCE_PROBED = 10,		/* class prober: no points */
	EVIDENCE_SWEPT = 11,		/* class scanner: no points */
	EVIDENCE_BY_HAND = 12,		/* the operator's own decision */
	EVIDENCE_ADDRESSED = 13,	/* it had mail for us: what weighs on that visit may list.  No points */
	EVIDENCE_FOREIGN = 14,		/* it had mail for somebody else's domain.  No points of its own */
	EVIDENCE_ACCEPTED = 15,		/* the real MX took a message from it.  No points: what follows is excused */
	EVIDENCE_N_KINDS = 16,
};

enum grade {				/* how sure we are who did it */
	GRADE_NONE, GRADE_SYN, GRADE_RESYN, GRADE_PROVEN, GRADE_ADDRESSED, GRADE_ACCEPTED,
};

enum sender_state {			/* by precedence; values are stored */
	STATE_UNKNOWN, STATE_NOTICED, STATE_CLEARED, STATE_SUSPECT, STATE_LISTED, STATE_ALLOWED,
	STATE_N
};

enum sender_class { CLASS_SENDER, CLASS_PROBER, CLASS_SCANNER };

/* Why evidence counts nothing.  Bits, several may hold.  Values are stored. */
enum doubt {
	DOUBT_REAL_DOWN	   = 1 << 0,	/* the real MX was not answering */
	DOUBT_OWN_PATH	   = 1 << 1,	/* this sender's own SYN to the real MX went unanswered, or it was deferred */
	DOUBT_BLIND	   = 1 << 2,	/* a witness was blind for over 60 s in the last 30 min, or an interface within 60 s */
	DOUBT_DROPS	   = 1 << 3,	/* more than 1 % of the packets were not captured */
	DOUBT_OVERFLOW	   = 1 << 4,	/* the decoy's accept queue overflowed */
	DOUBT_CLOCK_STEP   = 1 << 5,
	DOUBT_START_GRACE  = 1 << 6,
	DOUBT_TABLE_FULL   = 1 << 7,	/* full of proven senders */
	DOUBT_NEW_LAYOUT   = 1 << 8,	/* the ladder changed less than TTL + 48 h ago */
	DOUBT_NEVER_LIST   = 1 << 9,	/* own, special-purpose or allowed address */
	DOUBT_FOREIGN	   = 1 << 10,	/* the mail was for a domain that is not ours */
	DOUBT_PURGED	   = 1 << 11,	/* taken back by the operator: a bad decoy, or a bad rule */
	DOUBT_CORRESPONDENT = 1 << 12,	/* we send mail to it */
	DOUBT_REAL_UNKNOWN = 1 << 13,	/* nobody tells whether the real MX answers: no wire, no probe */
	DOUBT_KIN_UNKNOWN  = 1 << 14,	/* a flood may have hidden its other family's touch of a lower rung */
	DOUBT_ACCEPTED	   = 1 << 15,	/* the real MX took a message from it less than 24 h before */
	DOUBT_FOREIGN_PROTOCOL = 1 << 16,	/* in this visit it spoke no SMTP: somebody else may have made it connect */
};
#define DOUBT_N 17

struct evidence_info {
	const char *name;	/* "backup_first" */
	const char *says;	/* a sentence for `mxtrap explain` */
	float	    score;	/* points on the proven route; 0: hint only */
	float	    hint;	/* points on the full route */
};

/* Borrowed, static.  kind below EVIDENCE_N_KINDS. */
const struct evidence_info *evidence_info(enum evidence_kind);
const char *grade_name(enum grade);		/* "none" "syn" "resyn" "proven" "addressed" "accepted" */
const char *state_name(enum sender_state);	/* "unknown" "noticed" "cleared" "suspect" "listed" "allowed" */
const char *class_name(enum sender_class);	/* "sender" "prober" "scanner" */
const char *doubt_name(enum doubt);		/* "real_down" ...; one bit */
const char *doubt_says(enum doubt);		/* a sentence; one bit */

#endif
