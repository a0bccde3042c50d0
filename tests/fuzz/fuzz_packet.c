/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_packet.c - any bytes as a frame.  Input: link type, how many bytes of it were cut off, the frame.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int ok)
{
	if (!ok)
		abort();
}

/* What every packet that is let through must be. */
static void
check_packet(const struct packet *p)
{
	char text[FINGERPRINT_TEXT_SIZE];

	check(p->kind <= PACKET_UNREACH && p->spare == 0);
	check(p->sport == 25 || p->dport == 25);
	check(p->sport != 0 && p->dport != 0);
	check(!addr_equal(&p->src, &p->dst));
	if (p->kind != PACKET_SYN) {
		check(p->fp.version == 0 && p->fp.layout == 0);
		return;
	}
	check(p->fp.version == (addr_is_v4(&p->src) ? 4 : 6));
	check(addr_is_v4(&p->src) == addr_is_v4(&p->dst));
	check(strlen(fingerprint_format(&p->fp, text)) < FINGERPRINT_TEXT_SIZE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p;
	enum packet_result result;
	uint8_t *exact;
	size_t n, cut;

	if (size < 2)
		return 0;
	n = size - 2;
	cut = data[1] < n ? data[1] : n;
	exact = malloc(n - cut);	/* exactly: a sanitizer sees one byte too far */
	if (exact == NULL)
		return 0;
	memcpy(exact, data + 2, n - cut);
	result = packet_decode(&p, (enum packet_link)(data[0] % 6), exact, n - cut, n);
	check(result < PACKET_N_RESULTS && packet_result_name(result) != NULL);
	if (result == PACKET_OK)
		check_packet(&p);
	free(exact);
	return 0;
}
