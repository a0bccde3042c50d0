/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * risk.c - what speaks for a mail server and what against: one table.
 *
 * Points only order a list that a person reads; nobody is judged by them.
 */
#include "mxtrap/risk.h"

#include <string.h>

#include "mxtrap/mxset.h"

static const struct {
	const char *name, *says;
	float points;
} REASONS[RISK_N] = {
	[RISK_FAILED_AT_REAL] = { "failed_at_real", "tried the real MX too and got no connection: its mail did not arrive",
	    3.0f },
	[RISK_QUEUE_SPACING] = { "queue_spacing", "comes back as a mail queue does", 2.0f },
	[RISK_CAME_BACK] = { "came_back", "came more than once", 1.0f },
	/* Who ever completed one with the real MX is not here: this was with a decoy of ours, which any program can. */
	[RISK_PROVEN] = { "proven", "its address is proven, by a handshake with a decoy: any program can do that", 0 },
	[RISK_RETRANSMITS] = { "retransmits", "repeats an unanswered SYN as a server's stack does", 1.0f },
	[RISK_SANE_STACK] = { "sane_stack", "its SYN is an operating system's", 1.0f },
	[RISK_LOW_ONLY] = { "low_only", "tried the lowest MX only, as software does that knows but one MX", 0.5f },
	[RISK_NEIGHBOUR] = { "neighbour_delivers", "a neighbour of it reached the real MX: likely the same system", -1.0f },
	[RISK_ONE_PORT] = { "one_port", "always came from the same source port", -1.0f },
	[RISK_RAW_SYN] = { "raw_syn", "its SYN has no options, as scanners send it", -2.0f },
	[RISK_IMPATIENT] = { "impatient", "did not wait for answers", -2.0f },
	[RISK_PASSED_REAL] = { "passed_real", "tried the backup, and never the real MX before it", -1.0f },
	[RISK_BACKUP_FIRST] = { "backup_first", "came to the backup first", -2.0f },
	[RISK_BAD_TALK] = { "bad_talk", "spoke as no mail server does", -3.0f },
	[RISK_SCANS] = { "scans", "sweeps addresses or verifies domains", -4.0f },
};

static bool
holds(const struct risk_facts *f, enum risk_reason reason)
{
	switch (reason) {
	case RISK_FAILED_AT_REAL:
		return (f->failed & 1U << ROLE_REAL) != 0;
	case RISK_QUEUE_SPACING:
		return f->n_queue_gaps >= 2 || (f->n_queue_gaps == 1 && f->n_visits == 2);
	case RISK_CAME_BACK:
		return f->n_visits >= 2;
	case RISK_PROVEN:
		return f->proven;
	case RISK_RETRANSMITS:
		return f->max_syns >= 2 && f->max_syns <= 10;
	case RISK_SANE_STACK:
		return f->stack_known && f->stack_sane;
	case RISK_LOW_ONLY:
		return f->tried == 1U << ROLE_NOLISTING;
	case RISK_NEIGHBOUR:
		return f->neighbour;
	case RISK_ONE_PORT:
		return f->one_port;
	case RISK_RAW_SYN:
		return f->stack_known && !f->stack_sane;
	case RISK_IMPATIENT:
		return (f->kinds & 1U << EVIDENCE_IMPATIENT) != 0;
	case RISK_PASSED_REAL:
		return (f->tried & 1U << ROLE_BOGUS) != 0 && (f->tried & 1U << ROLE_REAL) == 0;
	case RISK_BACKUP_FIRST:
		return (f->kinds & 1U << EVIDENCE_BACKUP_FIRST) != 0;
	case RISK_BAD_TALK:
		return (f->kinds & (1U << EVIDENCE_EARLY_TALKER | 1U << EVIDENCE_BAD_HELO)) != 0;
	case RISK_SCANS:
		return f->klass != CLASS_SENDER;
	case RISK_N:
		break;
	}
	return false;
}

float
risk_likeness(const struct risk_facts *f, uint16_t *why)
{
	float sum = 0;

	*why = 0;
	for (enum risk_reason i = 0; i < RISK_N; i++) {
		if (!holds(f, i))
			continue;
		sum += REASONS[i].points;
		*why |= (uint16_t)(1U << i);
	}
	return sum;
}

const char *
risk_name(enum risk_reason reason)
{
	return REASONS[reason].name;
}

const char *
risk_says(enum risk_reason reason)
{
	return REASONS[reason].says;
}

float
risk_points(enum risk_reason reason)
{
	return REASONS[reason].points;
}

bool
risk_stack_sane(const char *fingerprint)
{
	/* Each stack in use sends a maximum segment size; quirks of forgers stand behind the last but one colon. */
	return strstr(fingerprint, ":mss") != NULL && strstr(fingerprint, "seq-") == NULL &&
	    strstr(fingerprint, "bad") == NULL && strstr(fingerprint, "urgf+") == NULL;
}
