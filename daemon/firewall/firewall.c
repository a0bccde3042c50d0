/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firewall.c - the process that keeps the kernel's sets in step with the list.
 *
 * It keeps CAP_NET_ADMIN and nothing else, reads fixed-size records from watch, and
 * touches one table of its own.
 */
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>

#include "mxtrap/log.h"
#include "mxtrap/process.h"

int
firewall_main(struct process *process)
{
	process_confine(process, 1ULL << CAP_NET_ADMIN);
	while (!process_should_stop(process, NULL)) {
		int wait = process_heartbeat(process, true);
		struct pollfd fds[1] = { { .fd = process->signal_fd, .events = POLLIN } };

		(void)poll(fds, 1, wait);
	}
	return 0;
}
