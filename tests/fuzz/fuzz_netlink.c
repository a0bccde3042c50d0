/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_netlink.c - any bytes as the kernel's answers: of addresses and routes, and of changes to nftables.
 */
#include <stdlib.h>
#include <string.h>

#include "../../daemon/firewall/guard.h"
#include "../../daemon/watch/own.h"

#define MOST 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
tell(void *ctx, const struct addr *addr, unsigned why)
{
	(void)ctx;
	(void)addr;
	(void)why;
}

static bool
is_ours(void *ctx, uint32_t port)
{
	(void)ctx;
	return port == 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct own_entry known[OWN_MAX], found[OWN_MAX];
	static struct own o;
	uint8_t *exact;

	if (size > MOST)
		return 0;
	/* Of the very size, so that a step beyond it is seen. */
	exact = malloc(size + 1);
	if (exact == NULL)
		return 0;
	if (size > 0)
		memcpy(exact, data, size);
	memset(&o, 0, sizeof(o));
	o.fd = o.dump_fd = -1;
	o.looking = true;
	o.known = known;
	o.found = found;
	o.tell = tell;
	(void)own_parse(&o, exact, size);
	(void)guard_parse(exact, size, is_ours, NULL);
	free(exact);
	return 0;
}
