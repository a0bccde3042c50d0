/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mishap.h - a town that is watched with interruptions, each told as the daemon tells it. */
#ifndef MXTRAP_PROPERTY_MISHAP_H
#define MXTRAP_PROPERTY_MISHAP_H

#include "town.h"

/* Its packets in order, without those that a mishap hides.  Why not, or NULL. */
const char *mishap_play(struct town *);

#endif
