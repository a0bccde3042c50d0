/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * web_watched.h - the web harness, and watch's own control at the other end of its line, in a thread.
 *
 * What watch is told is kept in applied; 192.0.2.99 is never to be listed.
 */
#ifndef WEB_WATCHED_H
#define WEB_WATCHED_H

#include "web_harness.h"

#include "../../daemon/watch/watch_int.h"
#include "mxtrap/report.h"
#include "mxtrap/token.h"

static struct control control;
static _Atomic bool stop;
static pthread_t watch_thread;
static bool watch_runs;
static struct message_admin applied[256];	/* what watch was told to do */
static _Atomic unsigned n_applied;
static char token[TOKEN_TEXT_SIZE], other[TOKEN_TEXT_SIZE];

HARNESS bool
apply(void *ctx, const struct message_admin *m, struct control_effect *effect)
{
	(void)ctx;
	assert_true(n_applied < ARRAY_LEN(applied));
	applied[n_applied++] = *m;
	effect->was = true;
	return true;
}

/* 192.0.2.99 is never to be listed. */
HARNESS const char *
may(void *ctx, const struct message_admin *m)
{
	(void)ctx;
	if (m->op == ADMIN_ALLOW && ADMIN_WIDE(m->addr[11] == 255, m->len) && m->force == 0 && m->expires_s != ADMIN_WITHDRAW)
		return "this ends 3 listings";
	return m->op == ADMIN_LIST && m->addr[15] == 99 ? "it is allowed, and never listed" : NULL;
}

HARNESS void *
watch_loop(void *arg)
{
	(void)arg;
	while (!stop) {
		struct pollfd p[2] = { { .fd = control.web_fd, .events = POLLIN }, { .fd = control.event_fd, .events = POLLIN } };

		(void)poll(p, 2, 20);
		control_turn(&control, 0, may, apply, NULL);
	}
	return NULL;
}

HARNESS void
add_token(char text[static TOKEN_TEXT_SIZE], const char *name, const char *scope)
{
	uint8_t hash[TOKEN_HASH_SIZE];

	assert_true(token_make(text));
	token_hash(text, hash);
	assert_true(store_token(t.store, hash, name, scope, 0, "test"));
}

HARNESS int
begin_watched(void **state)
{
	if (begin_filled(state) != 0)
		return -1;
	add_token(token, "admin", TOKEN_SCOPE_ADMIN);
	add_token(other, "reader", "read");
	assert_true(control_start(&control, -1, t.bell_fd, false, t.store, NULL));
	watch_runs = pthread_create(&watch_thread, NULL, watch_loop, NULL) == 0;
	return watch_runs ? 0 : -1;
}

HARNESS void
end_watch(void)
{
	stop = true;
	if (watch_runs)
		(void)pthread_join(watch_thread, NULL);
	watch_runs = false;
}

HARNESS int
end_watched(void **state)
{
	end_watch();
	control_stop(&control);
	return end(state);
}

HARNESS const struct response *
post(const char *path, const char *headers, const char *body)
{
	char request[16384];
	int n = snprintf(request, sizeof(request), "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n%s\r\n%s", path, t.port, strlen(body), headers, body);

	assert_true((size_t)n < sizeof(request));
	return exchange(request, (size_t)n);
}

HARNESS const char *
with_token(const char *secret, const char *more)
{
	static char text[1024];

	(void)snprintf(text, sizeof(text), "Authorization: Bearer %s\r\nContent-Type: application/json\r\n%s", secret, more);
	return text;
}

#endif
