/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.c - what an admin decides: durable first, then applied, then answered.
 *
 * The store may need seconds on a slow disk, and packets do not wait for it: a thread
 * of its own asks the store, the watch thread applies and answers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "watch_int.h"

/* What the audit calls a decision that is about no address. */
static const char *
deed_of(uint32_t op)
{
	return op == ADMIN_PUBLISH ? "publish" : op == ADMIN_FIREWALL_FLUSH ? "firewall flush" :
	    op == ADMIN_FIREWALL_OFF ? "firewall off" : "firewall on";
}

static bool
make_durable(struct store *store, const struct control_job *job)
{
	const struct message_admin *m = &job->asked;
	const struct message_token *token = &job->token;
	struct addr addr;
	struct prefix what;
	struct timespec ts;

	if (job->head.kind == MESSAGE_TOKEN)
		return token->revoke ? store_token_gone(store, token->name, token->who) :
		    store_token(store, token->hash, token->name, token->scope, token->expires_s, token->who);
	memcpy(addr.b, m->addr, sizeof(addr.b));
	what = prefix_of(&addr, (uint8_t)m->len);
	clock_gettime(CLOCK_REALTIME, &ts);
	switch ((enum admin_op)m->op) {
	case ADMIN_ALLOW:
		return store_allow(store, &what, m->expires_s, m->who, m->note);
	case ADMIN_LIST:
		return store_hand(store, &what, m->expires_s, m->who, m->note);
	case ADMIN_FORGET:
		return store_forget(store, ts.tv_sec * 1000000LL + ts.tv_nsec / 1000, m->who, &what, m->note);
	case ADMIN_PUBLISH:
	case ADMIN_FIREWALL_FLUSH:
	case ADMIN_FIREWALL_OFF:
	case ADMIN_FIREWALL_ON:
		return store_audit(store, ts.tv_sec * 1000000LL + ts.tv_nsec / 1000, m->who, deed_of(m->op), &what, m->note);
	case ADMIN_PING:
		break;
	}
	return true;
}

static void *
control_run(void *arg)
{
	struct control *c = arg;

	pthread_mutex_lock(&c->mutex);
	for (;;) {
		struct control_job *job, asked;
		bool ok;

		while (c->n == c->n_done && !c->stop)
			pthread_cond_wait(&c->wake, &c->mutex);
		if (c->stop)
			break;
		job = &c->jobs[(c->first + c->n_done) % CONTROL_QUEUE];
		asked = *job;
		pthread_mutex_unlock(&c->mutex);
		ok = make_durable(c->store, &asked);
		pthread_mutex_lock(&c->mutex);
		job->ok = ok;
		job->done = true;
		c->n_done++;
		(void)eventfd_write(c->event_fd, 1);
	}
	pthread_mutex_unlock(&c->mutex);
	return NULL;
}

bool
control_start(struct control *c, int fd, struct store *store, struct purge *purge)
{
	*c = (struct control){ .fd = fd, .store = store, .purge = purge, .event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	pthread_mutex_init(&c->mutex, NULL);
	pthread_cond_init(&c->wake, NULL);
	c->running = c->event_fd >= 0 && pthread_create(&c->thread, NULL, control_run, c) == 0;
	return c->running;
}

void
control_stop(struct control *c)
{
	if (!c->running)
		return;
	pthread_mutex_lock(&c->mutex);
	c->stop = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->mutex);
	pthread_join(c->thread, NULL);
	pthread_mutex_destroy(&c->mutex);
	pthread_cond_destroy(&c->wake);
	close(c->event_fd);
	c->running = false;
}

void
control_answer(const struct control *c, const struct sockaddr_un *to, socklen_t len, int ok, const char *text)
{
	struct message_answer m = { .ok = (uint32_t)ok };

	message_init(&m.head, MESSAGE_ANSWER, sizeof(m));
	(void)snprintf(m.text, sizeof(m.text), "%s", text);
	/* Who does not wait for the answer misses it. */
	(void)sendto(c->fd, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)to, len);
}

static void
answer(const struct control *c, const struct control_job *job, bool ok, const char *text)
{
	control_answer(c, &job->from, job->from_len, ok, text);
}

/* A name that is taken, or that nobody has, is no mishap of the database; which it was is told as well as can be. */
static void
answer_token(const struct control *c, const struct control_job *job)
{
	const struct message_token *m = &job->token;
	char text[200];

	if (job->ok && m->revoke)
		(void)snprintf(text, sizeof(text), "%s: revoked; it opens nothing any more", m->name);
	else if (job->ok)
		(void)snprintf(text, sizeof(text), "%s: a token for %s", m->name, m->scope);
	else
		(void)snprintf(text, sizeof(text), "%s: %s, or the database did not take it within 2 s", m->name,
		    m->revoke ? "there is no token of that name" : "there is a token of that name already");
	if (job->ok)
		log_info("ADMIN [%s] by %s", text, m->who);
	answer(c, job, job->ok, text);
}

static void
answer_done(const struct control *c, const struct control_job *job)
{
	char what[PREFIX_TEXT_SIZE], text[200];
	struct addr addr;
	struct prefix prefix;

	memcpy(addr.b, job->asked.addr, sizeof(addr.b));
	prefix = prefix_of(&addr, (uint8_t)job->asked.len);
	prefix_format(&prefix, what);
	if (!job->ok)
		(void)snprintf(text, sizeof(text), "%s: the database did not take it within 2 s: nothing was promised", what);
	else if (job->asked.op == ADMIN_PUBLISH)
		(void)snprintf(text, sizeof(text), "what was held is published from now on");
	else if (job->asked.op == ADMIN_FIREWALL_FLUSH)
		(void)snprintf(text, sizeof(text), "the firewall's sets are emptied and filled anew");
	else if (job->asked.op == ADMIN_FIREWALL_OFF || job->asked.op == ADMIN_FIREWALL_ON)
		(void)snprintf(text, sizeof(text), "the firewall is %s, also after a restart",
		    job->asked.op == ADMIN_FIREWALL_OFF ? "off" : "on");
	else if (job->asked.op == ADMIN_LIST)
		(void)snprintf(text, sizeof(text), "%s: %s", what, job->asked.expires_s == STORE_ALLOW_REMOVE ?
		    "no longer listed by hand" : "listed by hand");
	else
		(void)snprintf(text, sizeof(text), "%s: %s", what, job->asked.op == ADMIN_FORGET ? "forgotten" :
		    job->asked.expires_s == STORE_ALLOW_REMOVE ? "no longer allowed" : "allowed");
	if (job->asked.op != ADMIN_PING)
		log_info("ADMIN [%s] by %s%s%s", text, job->asked.who, job->asked.note[0] != '\0' ? ": " : "", job->asked.note);
	answer(c, job, job->ok, job->asked.op == ADMIN_PING ? "watching" : text);
}

/* Whatever can be wrong with it was checked by message_holds(); a typo in a prefix must still be seen. */
static const char *
refusal(const struct message_admin *m)
{
	struct addr addr;
	struct prefix what;

	memcpy(addr.b, m->addr, sizeof(addr.b));
	what = prefix_of(&addr, (uint8_t)m->len);
	if (m->op != ADMIN_PING && !addr_equal(&what.addr, &addr))
		return "the address has bits set behind its prefix";
	if (m->op == ADMIN_FORGET && !prefix_sender(&what, &(sender_key){ 0 }) && m->len < (addr_is_v4(&addr) ? 104 : 16))
		return "too wide to forget at once: expected at least a /8, or a /16 of IPv6";
	return NULL;
}

static void
take_jobs(struct control *c, int64_t now_us, const char *(*may)(void *ctx, const struct message_admin *), void *ctx)
{
	for (int i = 0; i < CONTROL_QUEUE; i++) {
		struct control_job job = { .from_len = sizeof(job.from) };
		union {
			struct message_head head;
			struct message_admin admin;
			struct message_purge purge;
			struct message_token token;
			struct message_fetched fetched;
		} m;
		ssize_t size = recvfrom(c->fd, &m, sizeof(m), MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&job.from,
		    &job.from_len);
		const char *why;

		if (size < 0)
			return;
		if ((size_t)size > sizeof(m) || !message_holds(&m, (size_t)size) ||
		    (m.head.kind != MESSAGE_ADMIN && m.head.kind != MESSAGE_PURGE && m.head.kind != MESSAGE_TOKEN &&
		    m.head.kind != MESSAGE_FETCHED)) {
			c->refused++;
			continue;
		}
		if (m.head.kind == MESSAGE_FETCHED) {	/* mxtrap export: it waits for no answer */
			watch_consumer(c->store, &m.fetched);
			continue;
		}
		if (m.head.kind == MESSAGE_PURGE) {
			why = purge_ask(c->purge, &m.purge, now_us, &job.from, job.from_len);
			if (why != NULL)
				answer(c, &job, false, why);
			continue;
		}
		if (m.head.kind == MESSAGE_TOKEN)
			job.token = m.token;
		else
			job.asked = m.admin;
		why = m.head.kind == MESSAGE_ADMIN ? refusal(&job.asked) : NULL;
		if (why != NULL) {
			answer(c, &job, false, why);
			continue;
		}
		if (m.head.kind == MESSAGE_ADMIN && (why = may(ctx, &job.asked)) != NULL) {
			control_answer(c, &job.from, job.from_len, 3, why);
			continue;
		}
		pthread_mutex_lock(&c->mutex);
		if (c->n < CONTROL_QUEUE) {
			c->jobs[(c->first + c->n++) % CONTROL_QUEUE] = job;
			pthread_cond_signal(&c->wake);
		} else {
			why = "busy: too many decisions at once";
			c->refused++;
		}
		pthread_mutex_unlock(&c->mutex);
		if (why != NULL)
			answer(c, &job, false, why);
	}
}

void
control_turn(struct control *c, int64_t now_us, const char *(*may)(void *ctx, const struct message_admin *),
    void (*apply)(void *ctx, const struct message_admin *), void *ctx)
{
	eventfd_t count;

	if (!c->running)
		return;
	(void)eventfd_read(c->event_fd, &count);
	for (;;) {
		struct control_job job;
		bool done;

		pthread_mutex_lock(&c->mutex);
		done = c->n_done > 0;
		if (done) {
			job = c->jobs[c->first];
			c->first = (c->first + 1) % CONTROL_QUEUE;
			c->n--;
			c->n_done--;
		}
		pthread_mutex_unlock(&c->mutex);
		if (!done)
			break;
		if (job.head.kind == MESSAGE_TOKEN) {
			answer_token(c, &job);
			continue;
		}
		if (job.ok && job.asked.op != ADMIN_PING)
			apply(ctx, &job.asked);
		answer_done(c, &job);
	}
	if (c->fd >= 0)
		take_jobs(c, now_us, may, ctx);
}
