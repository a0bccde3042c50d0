/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * said.h - what a client's own words tell: is the mail for us, and does it name itself as no
 * mail server may?
 *
 * A handshake proves who came, not that the mail was for us: anybody can publish a foreign
 * domain whose MX is our bogus host, and make honest servers queue and come there.  Only the
 * domain of the recipient (RFC 5321, 3.3) tells the one from the other.
 */
#ifndef MXTRAP_SAID_H
#define MXTRAP_SAID_H

#include <stdint.h>

#include "mxtrap/event.h"
#include "mxtrap/mxset.h"

/*
 * The bits that decoy saw (SAID_OF_DECOY), and what they mean on this set:
 *   SAID_OURS      the first recipient's domain is one of the set's
 *   SAID_FOREIGN   it is a domain of no set at all, and one that can have an MX record (domain.h): an address, with
 *                  brackets or without, a name of one label or a syntax error is no domain that somebody's MX
 *                  could have sent here; it is neither ours nor foreign
 *   SAID_BAD_HELO  it spoke of mail and named itself by an address without brackets (RFC 5321,
 *                  4.1.3), by an address, exchanger or domain of ours, or not at all.  A name of
 *                  a single label is not bad: many honest hosts have no better one
 * A recipient without a domain (<postmaster>) is neither ours nor foreign.  helo and domain are
 * what the client sent, unchecked; each spelling of a name is the name (domain_same()).
 * set is below ladder->n_sets.
 */
uint16_t said_of(const struct ladder *, uint16_t set, uint16_t bits, const char *helo, const char *domain);

/* "early" "tls" "helo" ...; one bit.  Borrowed, static; NULL: no such bit. */
const char *said_name(uint16_t bit);

#endif
