/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event.h - what happens that is not a packet.
 *
 * The core has one input, ordered by time (then source, then seq): packets, and
 * these.  Each is stored as applied, so that a replay can merge them again.
 */
#ifndef MXTRAP_EVENT_H
#define MXTRAP_EVENT_H

#include "mxtrap/addr.h"

enum event_kind {		/* values are stored */
	EVENT_TICK = 0,		/* nothing but time */
	EVENT_START = 1,	/* watching begins; flag: 1 = a database was resumed */
	EVENT_ACCEPT = 2,	/* decoy accepted src:port at target */
	EVENT_DROPS = 3,	/* count of value packets were dropped since the last such event */
	EVENT_BLIND = 4,	/* nothing was seen from since_us to time_us; value 1: an interface was not captured */
	EVENT_CLOCK_STEP = 5,	/* the wall clock moved by value µs */
	EVENT_OVERFLOW = 6,	/* the decoy's accept queue overflowed */
	EVENT_ALLOW = 7,	/* prefix, until expires_s (0: for ever; in the past: no longer) */
	EVENT_FORGET = 8,	/* prefix: drop what we know of it */
	EVENT_LAYOUT = 9,	/* the ladder differs from the last run's */
	EVENT_LIST = 12,	/* the operator lists prefix by hand until expires_s (in the past: no longer) */
	EVENT_SAID = 11,	/* what src:port said to the decoy: value (enum said), as judged from its words */
	EVENT_PURGE = 20,	/* the operator began a purge: value pieces of evidence follow; nothing by itself */
	EVENT_TAKE_BACK = 21,	/* one piece of evidence counts no more: see event_take_back() */
	EVENT_NEVER = 10,	/* prefix is an address of this host for the reasons in value (enum never_why);
				 * 0: no longer */
	EVENT_PROBE = 30,	/* decoy's probe of a real target: value (enum probe_result); good until expires_s */
	EVENT_DEFERRED = 31,	/* a witness: the real target put this sender (what, /128) off with a 4xx */
	EVENT_SIGHTING = 32,	/* a witness: this sender got as far as RCPT at the real target */
	EVENT_ACCEPTED = 33,	/* a witness: the real target took a message from it */
};

#define SAID_OF_DECOY (SAID_BAD_HELO - 1U + SAID_FOREIGN_PROTOCOL + SAID_UNKNOWN)	/* the rest watch adds */
enum said {			/* bits; values are stored */
	SAID_EARLY   = 1 << 0,	/* it spoke before the greeting */
	SAID_TLS     = 1 << 1,	/* what it spoke began as a TLS hello does */
	SAID_HELO    = 1 << 2,	/* HELO or EHLO, with an argument */
	SAID_MAIL    = 1 << 3,
	SAID_RCPT    = 1 << 4,	/* with a recipient: message_said.domain */
	SAID_ORDER   = 1 << 5,	/* a command out of order */
	SAID_NO_HELO = 1 << 6,	/* MAIL without a HELO before it, or a HELO without an argument */
	SAID_END     = 1 << 7,	/* the session is over */
	/* What watch makes of the words: */
	SAID_BAD_HELO = 1 << 8,	/* an unbracketed address, or a name or address of ours */
	SAID_OURS    = 1 << 9,	/* the recipient's domain is one of this MX set */
	SAID_FOREIGN = 1 << 10,	/* it is none of ours at all */
	/* Again of the decoy: */
	SAID_FOREIGN_PROTOCOL = 1 << 11,	/* it spoke no SMTP: its first line, or one before a recipient, is HTTP, TLS, ... */
	SAID_UNKNOWN = 1 << 12,	/* a command that SMTP does not know came before HELO */
};

enum probe_result {		/* of connecting to a real exchanger; values are stored */
	PROBE_OK = 0,		/* greeted with 2xx */
	PROBE_REFUSED = 1,	/* RST, or unreachable */
	PROBE_SILENT = 2,	/* no connection in time */
	PROBE_MUTE = 3,		/* connected; no greeting in time, or closed before it */
	PROBE_DEFERS = 4,	/* greeted with 4xx */
	PROBE_REJECTS = 5,	/* greeted with anything else */
	PROBE_N_RESULTS = 6,
};
/* "ok" "refused" "silent" "mute" "defers" "rejects". */
const char *probe_result_name(enum probe_result);

struct event {
	int64_t	      time_us;
	uint32_t      seq;		/* per source, counted up */
	uint8_t	      kind;		/* enum event_kind */
	uint8_t	      source;		/* order among equal times */
	uint16_t      port;		/* EVENT_ACCEPT: the client's port */
	uint32_t      target;		/* EVENT_ACCEPT, PROBE, DEFERRED: index into ladder.targets */
	uint32_t      expires_s;
	struct prefix what;		/* EVENT_ACCEPT: the client's address as /128 */
	int64_t	      since_us;
	int64_t	      value;		/* EVENT_DROPS: dropped; count in since_us */
};

struct take_back {			/* what an EVENT_TAKE_BACK says */
	sender_key sender;
	int64_t	 evidence_us;		/* when it was judged */
	float	 score, hint;		/* what it gave then; 0: was taken back before */
	uint16_t set;
	uint8_t	 kind, grade;
	bool	 last;			/* of its sender in this purge: the listing is looked at again */
};
/* One in the other. */
void event_take_back(struct event *, const struct take_back *);
void take_back_of(const struct event *, struct take_back *);

#endif
