/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fingerprint.h - inside of core: how packet.c fills in a SYN's fingerprint.
 */
#ifndef MXTRAP_CORE_FINGERPRINT_H
#define MXTRAP_CORE_FINGERPRINT_H

#include "mxtrap/packet.h"

uint32_t fingerprint_ipv4_quirks(uint8_t tos, uint16_t fragment, uint16_t id);
uint32_t fingerprint_ipv6_quirks(uint32_t first_word);
/* p: a TCP header of header bytes (20 to 60), of which captured may be read. */
void fingerprint_tcp(struct fingerprint *, const uint8_t *p, size_t captured, size_t header, size_t payload);

#endif
