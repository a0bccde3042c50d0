/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sight.h - what Postfix' questions tell of the real MX: who came as far as RCPT, whose message was
 * taken, who was put off.
 *
 * Each question about a client at one of our real exchangers is a sighting (SMTPD_POLICY_README: client_address,
 * server_address, instance).  END-OF-MESSAGE says that the message is about to be taken.  A server that asks
 * then, too, and does not within SIGHT_WAIT_S of the last RCPT of that instance, has put the client off, or the
 * client gave up: both are reasons to go on to the backup.  Whom we refused ourselves was not put off.
 */
#ifndef MXTRAP_SIGHT_H
#define MXTRAP_SIGHT_H

#include "mxtrap/config.h"
#include "mxtrap/message.h"
#include "postfix.h"

#define SIGHT_OPEN    4096		/* messages under way that are followed; whom a newer one pushes out may be put off */
#define SIGHT_RECENT  8192		/* what was told, so that it is not told again within SIGHT_AGAIN_S */
#define SIGHT_WAIT_S  60
#define SIGHT_AGAIN_S 60
#define SIGHT_EOM_S   86400		/* a server that asked at END-OF-MESSAGE within this always does */

struct sight_counters {
	uint64_t told, accepted, deferred;
	uint64_t unmatched;		/* about a server that is no real exchanger of ours */
	uint64_t evicted;		/* messages no longer followed, for want of room */
	uint64_t lost;			/* not told: watch did not listen */
};

struct sight {
	const struct ladder *ladder;	/* borrowed */
	uint8_t	 seed[16];
	struct sight_counters counters;
	int64_t	*eom_s;			/* owned; by target: when it last asked at END-OF-MESSAGE */
	int64_t	 swept_s;
	uint32_t seq;			/* of the next that is told */
	struct {
		uint64_t instance;	/* 0: free */
		int64_t	 rcpt_s;
		uint32_t target;
		uint16_t port;
		struct addr client;
	} open[SIGHT_OPEN];
	struct { uint64_t what; int64_t told_s; } recent[SIGHT_RECENT];
	struct message_sightings out;	/* what waits to be sent */
};

/* seed: 16 random bytes.  NULL: no memory. */
struct sight *sight_new(const struct ladder *, const uint8_t seed[static 16]);
void sight_free(struct sight *);
/* A question was answered; refused: with REJECT. */
void sight_request(struct sight *, const struct postfix_request *, bool refused, int64_t now_us);
/* Who was put off is told when its time has come. */
void sight_turn(struct sight *, int64_t now_us);
/* Send what waits; what watch cannot take now is sent the next time. */
void sight_send(struct sight *, int fd);

#endif
