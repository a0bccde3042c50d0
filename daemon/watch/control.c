/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.c - what an admin decides: durable first, then applied, then answered.
 *
 * The store may need seconds on a slow disk, and packets do not wait for it: a thread
 * of its own asks the store, the watch thread applies and answers.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/token.h"
#include "watch_int.h"

#define CONTROL_WEB 64			/* records a turn: what consumers fetched comes there as well */

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

	if (job->head.kind == MESSAGE_PURGE)
		return true;		/* by itself, when it is done */
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

/* The name of a user of this host, or its number; never a network's answer, for which nobody here may wait. */
static void
user_name(uint32_t uid, char *out, size_t size)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd pw, *found = NULL;
	char line[1024];

	(void)snprintf(out, size, "uid %u", uid);
	while (f != NULL && fgetpwent_r(f, &pw, line, sizeof(line), &found) == 0 && found != NULL) {
		if (pw.pw_uid != uid)
			continue;
		(void)snprintf(out, size, "%.31s", pw.pw_name);
		break;
	}
	if (f != NULL)
		(void)fclose(f);
}

/*
 * Who asks, and may he?  What web says proves nothing: the token that it was shown does.  On the control socket
 * the mode decides, where only its users can open it; else a token, there too.  NULL: who is his name.
 */
static const char *
identify(const struct control *c, const struct ask_from *from, const char *shown, char who[static 64])
{
	char name[32], scope[32], user[40];
	uint8_t hash[TOKEN_HASH_SIZE];

	if (from->known)
		user_name(from->uid, user, sizeof(user));
	else
		(void)snprintf(user, sizeof(user), "unknown");
	(void)snprintf(who, 64, "%s", user);
	if (!from->by_web && !c->shared)
		return NULL;
	if (shown[0] == '\0')
		return "all of mxtrapd runs under one user here: expected a token of scope admin (mxtrap --token-file FILE, or "
		    "MXTRAP_TOKEN)";
	token_hash(shown, hash);
	if (!store_token_of(c->store, hash, time(NULL), name, scope))
		return "found a token that opens nothing, expected one of scope admin (the first is in mxtrapd's log)";
	if (!token_may(scope, TOKEN_SCOPE_ADMIN))
		return "this token may not do that: it needs the scope admin";
	if (from->by_web)
		(void)snprintf(who, 64, "api:%s", name);
	else
		(void)snprintf(who, 64, "%.22s (token %s)", user, name);
	return NULL;
}

/* With the name that the audit gets, and without the token. */
static const char *
identify_job(const struct control *c, struct control_job *job)
{
	char *who = job->head.kind == MESSAGE_TOKEN ? job->token.who : job->head.kind == MESSAGE_PURGE ? job->purge.who :
	    job->asked.who;
	char *shown = job->head.kind == MESSAGE_TOKEN ? job->token.shown : job->head.kind == MESSAGE_PURGE ? job->purge.shown :
	    job->asked.shown;
	const char *why = job->head.kind == MESSAGE_ADMIN && job->asked.op == ADMIN_PING ? NULL :
	    identify(c, &job->from, shown, who);

	explicit_bzero(shown, MESSAGE_TOKEN_SIZE);
	return why;
}

static void *
control_run(void *arg)
{
	struct control *c = arg;

	pthread_mutex_lock(&c->mutex);
	for (;;) {
		struct control_job *job, asked;
		const char *refused;
		bool ok;

		while (c->n == c->n_done && !c->stop)
			pthread_cond_wait(&c->wake, &c->mutex);
		if (c->stop)
			break;
		job = &c->jobs[(c->first + c->n_done) % CONTROL_QUEUE];
		asked = *job;
		pthread_mutex_unlock(&c->mutex);
		refused = identify_job(c, &asked);
		if (refused == NULL)
			refused = asked.against;
		ok = refused == NULL && make_durable(c->store, &asked);
		pthread_mutex_lock(&c->mutex);
		*job = asked;
		job->refused = refused;
		job->ok = ok;
		job->done = true;
		c->n_done++;
		(void)eventfd_write(c->event_fd, 1);
	}
	pthread_mutex_unlock(&c->mutex);
	return NULL;
}

bool
control_start(struct control *c, int fd, int web_fd, bool shared, struct store *store, struct purge *purge)
{
	if (fd >= 0)
		ask_open(fd);
	*c = (struct control){ .fd = fd, .web_fd = web_fd, .shared = shared, .store = store, .purge = purge,
		.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
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

static void
answer(const struct control *c, struct control_job *job, bool ok, const char *text)
{
	ask_answer(c->fd, &job->from, ok, text);
}

/* A name that is taken, or that nobody has, is no mishap of the database; which it was is told as well as can be. */
static void
answer_token(const struct control *c, struct control_job *job)
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

/* "; this ends 3 listings", "; 1 listing continues" */
static void
say_effect(const struct control_effect *e, uint32_t op, char *text, size_t size)
{
	size_t used = strlen(text);

	if (e->ended != 0)
		(void)snprintf(text + used, size - used, "; this ends %u %s", e->ended, e->ended == 1 ? "listing" : "listings");
	else if (e->back != 0 && op == ADMIN_ALLOW)
		(void)snprintf(text + used, size - used, "; %u %s", e->back,
		    e->back == 1 ? "listing continues" : "listings continue");
}

/* What stood there before may make it another sentence: done again, or of what was not there. */
static const char *
say_deed(const struct message_admin *m, const struct control_effect *e)
{
	bool gone = m->expires_s == ADMIN_WITHDRAW, same = e->was && e->was_s == m->expires_s;

	if (m->op == ADMIN_FORGET)
		return e->was ? "forgotten" : "mxtrap knows nothing of it: there was nothing to forget";
	if (m->op == ADMIN_LIST)
		return gone ? (e->was ? "no longer listed by hand" : "was not listed by hand") :
		    same ? "listed by hand already" : "listed by hand";
	return gone ? (e->was ? "no longer allowed" : "was not allowed") : same ? (m->note[0] != '\0' ?
	    "allowed already, now with this note" : "allowed already") :
	    e->was ? "allowed, until another time than before" : "allowed";
}

static void
answer_done(const struct control *c, struct control_job *job)
{
	const struct control_effect *effect = &job->effect;
	char what[PREFIX_TEXT_SIZE], text[200];
	struct addr addr;
	struct prefix prefix;

	memcpy(addr.b, job->asked.addr, sizeof(addr.b));
	prefix = prefix_of(&addr, (uint8_t)job->asked.len);
	prefix_format(&prefix, what);
	if (!job->ok)
		(void)snprintf(text, sizeof(text), "%s: the database did not take it within 2 s: nothing was promised", what);
	else if (job->asked.op == ADMIN_PUBLISH)
		(void)snprintf(text, sizeof(text), effect->was ? "what was held is published from now on" :
		    "nothing was held: there was nothing to accept");
	else if (job->asked.op == ADMIN_FIREWALL_FLUSH)
		(void)snprintf(text, sizeof(text), "the firewall's sets are emptied and filled again");
	else if (job->asked.op == ADMIN_FIREWALL_OFF || job->asked.op == ADMIN_FIREWALL_ON)
		(void)snprintf(text, sizeof(text), "the firewall is %s, also after a restart",
		    job->asked.op == ADMIN_FIREWALL_OFF ? "off" : "on");
	else
		(void)snprintf(text, sizeof(text), "%s: %s", what, say_deed(&job->asked, effect));
	if (job->ok)
		say_effect(effect, job->asked.op, text, sizeof(text));
	if (job->asked.op != ADMIN_PING)
		log_info("ADMIN [%s] by %s%s%s", text, job->asked.who, job->asked.note[0] != '\0' ? ": " : "", job->asked.note);
	if (job->ok)
		ask_done(c->fd, &job->from, job->asked.op == ADMIN_PING ? "watching" : text, effect->ended, effect->back);
	else
		answer(c, job, false, text);
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

/* In line for the thread; NULL, or why not. */
static const char *
put(struct control *c, const struct control_job *job)
{
	const char *why = NULL;

	pthread_mutex_lock(&c->mutex);
	if (c->n < CONTROL_QUEUE) {
		c->jobs[(c->first + c->n++) % CONTROL_QUEUE] = *job;
		pthread_cond_signal(&c->wake);
	} else {
		why = "busy: too many decisions at once";
		c->refused++;
	}
	pthread_mutex_unlock(&c->mutex);
	return why;
}

/* What one of our own asks: so much a turn, however much it sends.  False: there is no more now, or ever. */
static bool
take_job(struct control *c, int *fd, bool by_web, const char *(*may)(void *ctx, const struct message_admin *), void *ctx)
{
	struct control_job job = { .done = false };
	union {
		struct message_head head;
		struct message_admin admin;
		struct message_purge purge;
		struct message_token token;
		struct message_fetched fetched;
	} m;
	int size = ask_receive(*fd, &m, sizeof(m), &job.from);
	const char *why = NULL;

	if (size == -1 && by_web)
		*fd = -1;		/* closed for good */
	if (size == 0 || size == -1)
		return false;
	job.from.by_web = by_web;
	if (size > 0 && !message_may(by_web ? LINE_WEB_TO_WATCH : LINE_CLIENT_TO_WATCH, m.head.kind)) {
		ask_drop(&job.from);
		size = -2;
	}
	if (size > 0 && m.head.kind == MESSAGE_FETCHED) {	/* it waits for no answer */
		watch_consumer(c->store, &m.fetched);
		ask_drop(&job.from);
		return true;
	}
	/* web's own asker may have given up by now, and was told that nothing was done. */
	if (size < 0 || (by_web && !ask_begin(&job.from))) {
		c->refused++;
		if (size > 0)
			ask_drop(&job.from);
		return true;
	}
	if (m.head.kind == MESSAGE_TOKEN)
		job.token = m.token;
	else if (m.head.kind == MESSAGE_PURGE)
		job.purge = m.purge;
	else
		job.asked = m.admin;
	/* Answered when it is known who asks.  The command that accepts what is held goes on as it did where nothing is. */
	if (m.head.kind == MESSAGE_ADMIN && (why = refusal(&job.asked)) == NULL && (by_web || job.asked.op != ADMIN_PUBLISH))
		job.against = may(ctx, &job.asked);
	if (why != NULL || (why = put(c, &job)) != NULL)
		answer(c, &job, false, why);
	explicit_bzero(&job, sizeof(job));
	explicit_bzero(&m, sizeof(m));
	return true;
}

/* It is durable, or refused: apply it, and say so. */
static void
finish(struct control *c, struct control_job *job, int64_t now_us, control_apply *apply, void *ctx)
{
	const char *why;

	if (job->refused != NULL) {
		c->refused++;
		ask_answer(c->fd, &job->from, 3, job->refused);
	} else if (job->head.kind == MESSAGE_PURGE) {
		why = purge_ask(c->purge, &job->purge, now_us, &job->from);
		if (why != NULL)
			answer(c, job, false, why);
	} else if (job->head.kind == MESSAGE_TOKEN) {
		answer_token(c, job);
	} else {
		if (!job->ok || job->asked.op == ADMIN_PING || apply(ctx, &job->asked, &job->effect))
			answer_done(c, job);
		else
			c->applied[c->n_applied++] = *job;
	}
}

/* Answers that wait until every reader sees what was done. */
static void
answer_applied(struct control *c, control_apply *apply, void *ctx)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < c->n_applied; i++) {
		struct control_job *job = &c->applied[i];

		if (apply(ctx, &job->asked, &job->effect))
			answer_done(c, job);
		else
			c->applied[kept++] = *job;
	}
	c->n_applied = kept;
}

void
control_turn(struct control *c, int64_t now_us, const char *(*may)(void *ctx, const struct message_admin *),
    control_apply *apply, void *ctx)
{
	eventfd_t count;

	if (!c->running)
		return;
	(void)eventfd_read(c->event_fd, &count);
	answer_applied(c, apply, ctx);
	while (c->n_applied < CONTROL_QUEUE) {
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
		finish(c, &job, now_us, apply, ctx);
	}
	for (int i = 0; i < CONTROL_QUEUE && c->fd >= 0 && take_job(c, &c->fd, false, may, ctx); i++)
		;
	for (int i = 0; i < CONTROL_WEB && c->web_fd >= 0 && take_job(c, &c->web_fd, true, may, ctx); i++)
		;
}
