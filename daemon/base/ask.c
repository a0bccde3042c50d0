/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ask.c - requests to watch: sent with a way back, received with their sender.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mxtrap/ask.h"

union control {				/* room for one descriptor and the sender's ids */
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

int
ask_send(int line, const void *record, size_t size)
{
	union control control = { .bytes = { 0 } };
	struct iovec part = { .iov_base = (void *)(uintptr_t)record, .iov_len = size };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int pair[2];
	ssize_t n;

	if (line < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &pair[1], sizeof(int));
	do
		n = sendmsg(line, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	(void)close(pair[1]);
	if (n == (ssize_t)size)
		return pair[0];
	(void)close(pair[0]);
	return -1;
}

void
ask_open(int fd)
{
	int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
}

/* What came beside the record.  Of several descriptors the first is the way back, and no other stays open. */
static void
take_control(struct msghdr *m, struct ask_from *from)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS) {
			for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
				int fd;

				memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
				if (from->fd < 0)
					from->fd = fd;
				else
					(void)close(fd);
			}
		} else if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred who;

			memcpy(&who, CMSG_DATA(c), sizeof(who));
			from->known = true;
			from->uid = who.uid;
		}
	}
}

int
ask_receive(int fd, void *buf, size_t size, struct ask_from *from)
{
	union control control = { .bytes = { 0 } };
	struct iovec part = { .iov_base = buf, .iov_len = size };
	struct msghdr m = { .msg_name = &from->to, .msg_namelen = sizeof(from->to), .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	int type = 0;
	socklen_t len = sizeof(type);
	ssize_t n;

	*from = (struct ask_from){ .fd = -1 };
	do
		n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	from->to_len = m.msg_namelen;
	take_control(&m, from);
	if (n > 0 && (size_t)n <= size && message_holds(buf, (size_t)n))
		return (int)n;
	ask_drop(from);
	/* A datagram may be empty; on a line, nothing to read means that the peer closed it. */
	if (n == 0 && !(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM))
		return -1;
	return -2;
}

static bool
send_record(int fd, struct message_answer *m, const char *text, const struct ask_from *from)
{
	message_init(&m->head, MESSAGE_ANSWER, sizeof(*m));
	(void)snprintf(m->text, sizeof(m->text), "%s", text);
	if (from->fd >= 0)
		return message_send(from->fd, m, sizeof(*m)) == 1;
	return fd >= 0 && from->to_len > 0 && sendto(fd, m, sizeof(*m), MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&from->to, from->to_len) == (ssize_t)sizeof(*m);
}

static bool
send_answer(int fd, uint32_t ok, const char *text, const struct ask_from *from)
{
	return send_record(fd, &(struct message_answer){ .ok = ok }, text, from);
}

bool
ask_begin(const struct ask_from *from)
{
	return from->fd >= 0 && send_answer(-1, 2, "", from);
}

void
ask_drop(struct ask_from *from)
{
	if (from->fd >= 0)
		(void)close(from->fd);
	from->fd = -1;
}

void
ask_answer(int fd, struct ask_from *from, uint32_t ok, const char *text)
{
	(void)send_answer(fd, ok, text, from);
	if (ok != 2)
		ask_drop(from);
}

void
ask_done(int fd, struct ask_from *from, const char *text, uint32_t ended, uint32_t back)
{
	(void)send_record(fd, &(struct message_answer){ .ok = 1, .ended = ended, .back = back }, text, from);
	ask_drop(from);
}
