/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup.c - the process that answers whoever asks about one address: DNSBL, Postfix.
 *
 * It has no capabilities, reads the database through a read-only handle, and says
 * "listed" only of what it knows: on any doubt the answer is no.
 */
#include <poll.h>
#include <stdio.h>

#include "mxtrap/log.h"
#include "mxtrap/process.h"

#define LOOK_MS 1000

/* The bell names the newest state.  True: it rang. */
static bool
read_doorbell(int *fd)
{
	struct message_doorbell bell;
	bool rung = false;
	int n;

	while ((n = message_receive(*fd, &bell, sizeof(bell))) != 0) {
		if (n == -1) {
			*fd = -1;
			break;
		}
		rung = rung || n == (int)sizeof(bell);
	}
	return rung;
}

int
lookup_main(struct process *process)
{
	process_confine(process, 0);
	while (!process_should_stop(process, NULL)) {
		int wait = process_heartbeat(process, true);
		struct pollfd fds[2] = {
			{ .fd = process->signal_fd, .events = POLLIN },
			{ .fd = process->lookup_fd, .events = POLLIN },
		};

		(void)poll(fds, 2, wait < LOOK_MS ? wait : LOOK_MS);
		(void)read_doorbell(&process->lookup_fd);
	}
	return 0;
}
