/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * evidence.c - the names and weights of what may be held against a sender, or for it.
 */
#include "mxtrap/evidence.h"

static const struct evidence_info KINDS[EVIDENCE_N_KINDS] = {
	[EVIDENCE_BACKUP_FIRST] = { "backup_first",
	    "came to the bogus backup before any lower MX, though honest servers start at the lowest", 5.0f, 5.0f },
	[EVIDENCE_DESCENDED] = { "descended",
	    "came to the bogus backup first and then to the real MX: the order upside down, milder than never going on",
	    1.5f, 0 },
	[EVIDENCE_DECOYS_ONLY] = { "decoys_only",
	    "tried both decoys and never the real MX between them", 2.3f, 2.3f },
	[EVIDENCE_IMPATIENT] = { "impatient",
	    "went on after less than 2 s of silence; no mail server gives up that fast", 0, 2.3f },
	[EVIDENCE_GAVE_UP] = { "gave_up",
	    "tried only the lowest MX and never the real one", 0, 1.0f },
	[EVIDENCE_EARLY_TALKER] = { "early_talker",
	    "spoke before it was greeted", 3.0f, 3.0f },
	[EVIDENCE_BAD_HELO] = { "bad_helo",
	    "named itself as no mail server may: a bare address, a name of ours, or nothing", 2.0f, 2.0f },
	[EVIDENCE_CLIMBED] = { "climbed",
	    "climbed the ladder from the bottom to the real MX, as a mail server does", -3.0f, -3.0f },
	[EVIDENCE_REACHED_REAL] = { "reached_real",
	    "went on to the backup after trying the real MX: a fallback, which is honest", 0, 0 },
	[EVIDENCE_SKIPPED_NOLISTING] = { "skipped_nolisting",
	    "came to the real MX without trying the lowest one first: counted, never weighed", 0, 0 },
	[EVIDENCE_PROBED] = { "probed",
	    "touched all rungs at once without waiting for any: it verifies our domain, it sends no mail", 0, 0 },
	[EVIDENCE_SWEPT] = { "swept",
	    "came to an address that no MX record names: a scanner", 0, 0 },
	[EVIDENCE_BY_HAND] = { "by_hand",
	    "was listed by hand by the operator", 0, 0 },
	[EVIDENCE_ADDRESSED] = { "addressed",
	    "asked for a recipient of ours, so it came to us on purpose: what weighs on this visit may list it", 0, 0 },
	[EVIDENCE_FOREIGN] = { "foreign",
	    "asked for a recipient of a domain that is not ours: somebody else's MX points here, or it tries for a relay",
	    0, 0 },
	[EVIDENCE_ACCEPTED] = { "accepted",
	    "had a message taken by the real MX: what it does in the 24 hours after is excused", 0, 0 },
};

const struct evidence_info *
evidence_info(enum evidence_kind kind)
{
	return &KINDS[kind];
}

const char *
grade_name(enum grade grade)
{
	switch (grade) {
	case GRADE_NONE:
		return "none";
	case GRADE_SYN:
		return "syn";
	case GRADE_RESYN:
		return "resyn";
	case GRADE_PROVEN:
		return "proven";
	case GRADE_ADDRESSED:
		return "addressed";
	case GRADE_ACCEPTED:
		return "accepted";
	}
	return "none";
}

const char *
state_name(enum sender_state state)
{
	switch (state) {
	case STATE_UNKNOWN:
		return "unknown";
	case STATE_NOTICED:
		return "noticed";
	case STATE_CLEARED:
		return "cleared";
	case STATE_SUSPECT:
		return "suspect";
	case STATE_LISTED:
		return "listed";
	case STATE_ALLOWED:
		return "allowed";
	case STATE_N:
		break;
	}
	return "unknown";
}

const char *
class_name(enum sender_class klass)
{
	switch (klass) {
	case CLASS_SENDER:
		return "sender";
	case CLASS_PROBER:
		return "prober";
	case CLASS_SCANNER:
		return "scanner";
	}
	return "sender";
}

struct doubt_info {
	const char *name, *says;
};

static const struct doubt_info DOUBTS[DOUBT_N] = {
	{ "real_down", "the real MX was not answering around that time: honest servers go to the backup then" },
	{ "own_path", "its own attempt at the real MX went unanswered or was put off: it had to go on" },
	{ "blind", "mxtrap could not see the wire in the minute before, or for over a minute in the half hour before" },
	{ "drops", "more than 1 % of the packets were lost before mxtrap saw them" },
	{ "overflow", "the decoy's queue of connections overflowed" },
	{ "clock_step", "the clock had been set" },
	{ "start_grace", "mxtrap had only just begun to watch: it could not know what came before" },
	{ "table_full", "the table was full of proven senders: earlier touches may have been forgotten" },
	{ "new_layout", "the ladder had been changed: old DNS answers were still about" },
	{ "never_list", "the address is never listed: ours, special-purpose, or allowed" },
	{ "foreign", "the mail was for a domain that is not ours: somebody else's MX points here" },
	{ "purged", "the operator purged it: it came from a decoy or a rule that was wrong" },
	{ "correspondent", "we send mail to it: it answered when we last did, less than seven days before" },
	{ "real_unknown", "nothing shows whether the real MX answered: it is not on the wire, and no probe reaches it" },
	{ "kin_unknown", "a flood at a lower rung was going on: its other family may have been there and not been kept" },
	{ "accepted", "the real MX took a message from it, less than 24 hours before" },
	{ "foreign_protocol", "in this visit it spoke HTTP, TLS or another protocol: somebody may have made it connect to us" },
};

static const struct doubt_info *
doubt_info(enum doubt doubt)
{
	static const struct doubt_info unknown = { "unknown", "a doubt that this version does not know" };

	for (unsigned i = 0; i < DOUBT_N; i++)
		if ((unsigned)doubt == 1U << i)
			return &DOUBTS[i];
	return &unknown;
}

const char *
doubt_name(enum doubt doubt)
{
	return doubt_info(doubt)->name;
}

const char *
doubt_says(enum doubt doubt)
{
	return doubt_info(doubt)->says;
}
