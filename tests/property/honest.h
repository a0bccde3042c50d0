/* SPDX-License-Identifier: GPL-2.0-or-later */
/* honest.h - one sender of a town, packet by packet. */
#ifndef MXTRAP_PROPERTY_HONEST_H
#define MXTRAP_PROPERTY_HONEST_H

#include "town.h"

/* A completed handshake at a target; stack: one of a few. */
void honest_connect(struct town *, int64_t at, const struct addr *src, const struct target *, unsigned stack);
/* What somebody sends in the name of src; how: 0 one SYN, 1 again and again, 2 with a guessed ACK, 3 a stray RST. */
void honest_forge(struct town *, int64_t at, const struct addr *src, const struct target *, unsigned how);
/* Remember an address. */
void honest_note(struct addr **list, size_t *n, const struct addr *);

#endif
