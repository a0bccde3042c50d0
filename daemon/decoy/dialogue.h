/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dialogue.h - thousands of SMTP sessions at once, in bounded memory, never waiting.
 *
 * Part of the decoy process, in its loop.  A client is given a slot, or is not: then it is reset like
 * at any decoy.  What it said goes to watch, behind the record of its accept.
 */
#ifndef MXTRAP_DECOY_DIALOGUE_H
#define MXTRAP_DECOY_DIALOGUE_H

#include "mxtrap/config.h"
#include "mxtrap/message.h"

struct dialogue;

/* What was said goes to the descriptor (watch's), which is borrowed, as is the configuration.  n_fds: how
 * many descriptors the process needs besides.  NULL: no exchanger talks, or no memory (said). */
struct dialogue *dialogue_new(const struct config *, int watch_fd, size_t n_fds);
/* Each client that is left gets a 421, and watch is told; this takes a fifth of a second at most. */
void dialogue_free(struct dialogue *);
/* A descriptor that is readable when there is something to do. */
int dialogue_fd(const struct dialogue *);
/* Does this target talk?  False for NULL. */
bool dialogue_serves(const struct dialogue *, uint32_t target);
/* Options of a listening socket, before listen(). */
void dialogue_prepare(int fd);
/* Take over a connection; false: no room for it, the descriptor is still the caller's. */
bool dialogue_take(struct dialogue *, int fd, const struct message_accept *, int64_t now_ms);
/* Do what is there and what is due, a bounded amount of it; the ms until more is due (at most max_ms).
 * NULL is nothing to do. */
void dialogue_step(struct dialogue *, int64_t now_ms);
int dialogue_timeout(const struct dialogue *, int64_t now_ms, int max_ms);
/* Send what was said: after the accepts. */
void dialogue_flush(struct dialogue *);
/* Its part of the counters. */
void dialogue_count(const struct dialogue *, struct message_decoy *);

#endif
