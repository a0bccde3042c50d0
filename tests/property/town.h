/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * town.h - days of random mail from senders that keep the rules, from bots, and from forgers.
 *
 * Everything comes from one seed, so a failure is found again by its number.  Senders climb as
 * the measured MTAs do: in order, with retransmissions, both families, NAT and named pools,
 * memory of dead hosts, retries for days, through outages and over broken paths.
 */
#ifndef MXTRAP_PROPERTY_TOWN_H
#define MXTRAP_PROPERTY_TOWN_H

#include "../scenario/world.h"

#define TOWN_DAYS    4
#define TOWN_TARGETS 16
#define TOWN_ADDRS   8

enum real_state { REAL_UP, REAL_DEFERS, REAL_REFUSES, REAL_SILENT };

struct spell {				/* of the real MX */
	int64_t from_us;
	enum real_state state;
};

struct town {
	uint64_t seed, first_seed;
	struct world world;
	struct packet *packets;		/* owned */
	size_t	 n, cap;
	struct spell spells[32];
	size_t	 n_spells;
	struct addr *bots, *honest;	/* owned; every address that acts */
	size_t	 n_bots, n_honest;
	unsigned n_mishaps;		/* that befell us */
	uint64_t unseen;		/* packets that they hid */
	uint16_t port;
	bool	 mishaps;		/* we are blind now and then: mishap.h */
	bool	 forging;		/* what is sent now is forged: no answers */
};

/* A ladder and the real MX's fortunes, from the seed.  options may be changed until town_play(). */
void town_make(struct town *, uint64_t seed);
void town_free(struct town *);
/* n senders that keep the rules. */
void town_honest(struct town *, unsigned n);
/* n bots that come to the backup first, several times, and never lower. */
void town_bots(struct town *, unsigned n);
/* n packets forged in the names of who acts here, and of others. */
void town_forge(struct town *, unsigned n);
/* Play all of it in order, with some restarts.  Why not, or NULL. */
const char *town_play(struct town *);
/* Was this address's sender ever a suspect or listed?  0, or the worst enum sender_state. */
int town_worst(const struct town *, const struct addr *);

uint32_t town_random(struct town *, uint32_t below);

#endif
