/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * world.h - a trap in simulated time, for scenarios: senders act, rows are kept.
 */
#ifndef MXTRAP_SCENARIO_WORLD_H
#define MXTRAP_SCENARIO_WORLD_H

#include "mxtrap/correspond.h"
#include "mxtrap/said.h"
#include "mxtrap/trap.h"

#define WORLD_BEGIN_US (1700000040LL * 1000000)	/* a full minute */

enum deed { DEED_SYN, DEED_REFUSED, DEED_HALF, DEED_CONNECT, DEED_UNREACHABLE, DEED_WITHDRAWN, DEED_FORGED_ACK,
	DEED_GUESSED, DEED_PROVOKED };

struct world {
	struct ladder	    ladder;
	struct trap_options options;
	struct prefix	    never[64];
	struct pool_member  pools[64];
	struct trap	   *trap;			/* made by world_begin() */
	uint32_t	    ports;			/* the last client port used */
	uint32_t	    rtt_us;
	bool		    resumed;
	struct sender_row   *senders;
	struct evidence_row *evidence;
	struct change_row   *changes;
	struct visit_row    *visits;
	struct attempt_row  *attempts;
	struct note_row	    *notes;
	struct memory_row   *memories;
	struct correspondent *correspondents;
	struct correspondent *foreign;	/* answered_s: excused until */
	struct event	    *allowed;			/* what was allowed, for a restart */
	struct doubt_row    *doubts;
	size_t n_doubts, n_senders, n_evidence, n_changes, n_visits, n_attempts, n_notes, n_memories, n_allowed, n_correspondents, n_foreign;
	struct sender_row    view;			/* what world_sender() gives back */
};

/* What becomes of a SYN of ours to somebody's port 25.  Forged: a SYN-ACK that acknowledges another. */
enum mail { MAIL_ANSWERED, MAIL_SILENT, MAIL_REFUSED, MAIL_LATE, MAIL_FORGED };

/* Options are filled in; the ladder is finished.  False: *why says so. */
bool world_begin(struct world *, const char **why);
void world_end(struct world *);
/* One attempt from src at a target: its SYN, copies of it (DEED_GUESSED: as many wrong ACKs), and what follows. */
void world_act(struct world *, int64_t now_us, const struct addr *src, const struct target *, enum deed,
    unsigned n_syns);
/* The decoy's word about the newest attempt of src. */
void world_accept(struct world *, int64_t now_us, const struct addr *src, uint32_t target);
/* What it said to a decoy that talks; bits: enum said. */
void world_say(struct world *, int64_t now_us, const struct addr *src, uint32_t target, uint16_t bits, const char *helo,
    const char *domain);
void world_mail(struct world *, int64_t now_us, const struct addr *us, const struct addr *them, enum mail);
/* Another witness's word that the real MX put src off. */
/* What the MTA of a real exchanger tells. */
void world_sight(struct world *, int64_t now_us, enum event_kind, const struct addr *src, uint32_t target);
void world_event(struct world *, const struct event *);
/* Stop, and start again with what the store was told; what was under way is lost. */
bool world_restart(struct world *, int64_t now_us);
/* The halves of it: killed in between, only what was stored before is known. */
void world_store(struct world *, int64_t now_us);
bool world_begin_again(struct world *, int64_t now_us);
/* The sender's record as of now, its sums decayed; NULL: never seen.  Good until the next call. */
const struct sender_row *world_sender(struct world *, const struct addr *);

#endif
