/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ask.h - a request to watch, and where its answer goes.
 *
 * mxtrap asks over the control socket: a datagram, answered to the address that it came from.  web asks over its
 * line to watch, and hands over the descriptor that the answer is to go to: each request has an answer of its
 * own, either process may be restarted, and no other process can ask there.  Who asks is the kernel's word
 * (control socket) or a token's name, never what the record says.
 */
#ifndef MXTRAP_ASK_H
#define MXTRAP_ASK_H

#include <sys/socket.h>
#include <sys/un.h>

#include "mxtrap/message.h"

struct ask_from {
	int	 fd;			/* owned: where the answer goes; -1: to `to` */
	struct sockaddr_un to;
	socklen_t to_len;
	bool	 by_web;
	bool	 known;			/* uid is the sender's, by the kernel */
	uint32_t uid;
};

/* Send a record over a line, with a way back for the answer: the descriptor to read it from, which the caller
 * closes; -1: it was not sent.  Answers "under way" (2) come before the last one. */
int ask_send(int line, const void *record, size_t size);

/* Each datagram shall tell its sender: for the control socket, once. */
void ask_open(int fd);
/* One record, as message_receive(), and where it came from.  Only when it returns more than 0 there is a
 * descriptor to close. */
int ask_receive(int fd, void *buf, size_t size, struct ask_from *from);
/* Say that the request is taken up.  False: nobody waits for its answer any more, and who asked knows that
 * nothing was done. */
bool ask_begin(const struct ask_from *);
/* One answer; ok as in struct message_answer.  An asker that does not wait for it misses it.  Any answer but 2
 * ("under way") is the last: its descriptor is closed.  fd: the control socket. */
void ask_answer(int fd, struct ask_from *, uint32_t ok, const char *text);
/* "Done", and how many listings it ended, and how many go on. */
void ask_done(int fd, struct ask_from *, const char *text, uint32_t ended, uint32_t back);
/* No answer follows. */
void ask_drop(struct ask_from *);

#endif
