/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * line.c - web's line to watch: a decision there, an answer back, over the control socket.
 *
 * The socket is connected, so that the kernel takes an answer from watch alone.  What is
 * answered has been written to disk.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "web_int.h"

#define ANSWER_MS 2500			/* watch gives the database 2 s */

enum line_result
line_ask(const char *state_dir, const void *record, size_t size, struct message_answer *answer)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX }, self = { .sun_family = AF_UNIX };
	struct pollfd p = { .fd = -1, .events = POLLIN };
	enum line_result result = LINE_DOWN;
	int n = snprintf(to.sun_path, sizeof(to.sun_path), "%s/control.sock", state_dir);

	if (n < 0 || (size_t)n >= sizeof(to.sun_path))
		return LINE_DOWN;
	p.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p.fd < 0)
		return LINE_DOWN;
	/* A name that the kernel picks: the answer must find its way back. */
	if (bind(p.fd, (struct sockaddr *)&self, sizeof(self.sun_family)) == 0 &&
	    connect(p.fd, (struct sockaddr *)&to, sizeof(to)) == 0 && message_send(p.fd, record, size) == 1) {
		result = LINE_SILENT;
		if (poll(&p, 1, ANSWER_MS) == 1 &&
		    message_take(p.fd, LINE_WATCH_TO_CLIENT, answer, sizeof(*answer)) == (int)sizeof(*answer) &&
		    answer->head.kind == MESSAGE_ANSWER)
			result = answer->ok == 1 ? LINE_DONE : answer->ok == 3 ? LINE_FORBIDDEN : LINE_REFUSED;
	}
	(void)close(p.fd);
	return result;
}
