/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * line.c - web's line to watch: a decision there, an answer back.
 *
 * The line is web's own: no other process has it, and it outlives a restart at either end.  Each request hands
 * over where its answer is to go.  What is answered has been written to disk.
 */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mxtrap/ask.h"
#include "web_int.h"

#define ANSWER_MS 2500			/* watch gives the database 2 s */

/* Who asks, and the proof of it, in the record's own fields. */
static void
sign(const struct identity *who, char name[static 64], char shown[static MESSAGE_TOKEN_SIZE])
{
	(void)snprintf(name, 64, "api:%.50s", who->who);
	(void)snprintf(shown, MESSAGE_TOKEN_SIZE, "%s", who->shown);
}

enum line_result
line_ask(struct web *web, const struct identity *who, const void *record, size_t size, struct message_answer *answer)
{
	union {
		struct message_head head;
		struct message_admin admin;
		struct message_token token;
		struct message_purge purge;
	} m;
	struct pollfd p = { .fd = -1, .events = POLLIN };
	enum line_result result = LINE_DOWN;	/* not taken up; LINE_SILENT: taken up, and no word since */
	int64_t until_ms;

	if (size > sizeof(m))
		return LINE_DOWN;
	memcpy(&m, record, size);
	if (m.head.kind == MESSAGE_ADMIN)
		sign(who, m.admin.who, m.admin.shown);
	else if (m.head.kind == MESSAGE_TOKEN)
		sign(who, m.token.who, m.token.shown);
	else
		sign(who, m.purge.who, m.purge.shown);
	p.fd = ask_send(web->line_fd, &m, size);
	explicit_bzero(&m, sizeof(m));
	if (p.fd < 0)
		return LINE_DOWN;
	until_ms = clock_ms() + ANSWER_MS;
	while (result == LINE_DOWN || result == LINE_SILENT) {
		int64_t left_ms = until_ms - clock_ms();
		bool over = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0) == 0;

		/* From here on watch can no longer take it up: what it has said by now is all. */
		if (over)
			(void)shutdown(p.fd, SHUT_RDWR);
		if (message_take(p.fd, LINE_WATCH_TO_CLIENT, answer, sizeof(*answer)) != (int)sizeof(*answer) ||
		    answer->head.kind != MESSAGE_ANSWER)
			break;
		result = answer->ok == 2 ? LINE_SILENT : answer->ok == 1 ? LINE_DONE : answer->ok == 3 ? LINE_FORBIDDEN : LINE_REFUSED;
	}
	(void)close(p.fd);
	return result;
}
