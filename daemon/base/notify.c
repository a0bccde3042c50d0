/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify.c - sd_notify: one datagram to $NOTIFY_SOCKET.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "mxtrap/notify.h"

void
notify_open(struct notify *notify)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const char *watchdog = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path == NULL ? 0 : strlen(path);

	*notify = (struct notify){ .fd = -1 };
	if (len > 1 && len < sizeof(to.sun_path) && (path[0] == '/' || path[0] == '@')) {
		memcpy(to.sun_path, path, len);
		if (to.sun_path[0] == '@')
			to.sun_path[0] = '\0';	/* the abstract namespace */
		notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (notify->fd >= 0 && connect(notify->fd, (struct sockaddr *)&to,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
			close(notify->fd);
			notify->fd = -1;
		}
	}
	if (watchdog != NULL && (pid == NULL || strtol(pid, NULL, 10) == getpid())) {
		unsigned long long us = strtoull(watchdog, NULL, 10);

		/* Half of what is asked for, as sd_watchdog_enabled(3) advises. */
		notify->watchdog_ms = us > 0 && us < 86400000000ULL ? (uint32_t)(us / 2000) : 0;
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void
notify_say(const struct notify *notify, const char *state)
{
	if (notify->fd >= 0)
		(void)send(notify->fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL);
}
