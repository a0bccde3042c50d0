/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_web_stream.c - GET /api/v1/events: what comes, in which order, what is left out, and who is refused.
 *
 * A real web process; the store's writer is the test's own, so that changes and attempts come when they shall.
 */
#include "../support/web_harness.h"

static char begun[64];			/* the id that the newest stream began with */

struct client {
	int    fd;
	char  *text;			/* all that came, without what chunks add */
	size_t n, cap, left;		/* left: of the chunk that is being read */
	char   line[32];
	size_t n_line;
	bool   in_head, over;
	char   head[4];
};

static void
take_byte(struct client *c, char b)
{
	if (c->n + 1 >= c->cap) {
		c->cap = c->cap * 2 + 65536;
		c->text = realloc(c->text, c->cap);
		assert_non_null(c->text);
	}
	c->text[c->n++] = b;
	c->text[c->n] = '\0';
}

/* The head, then chunks. */
static void
take(struct client *c, const char *p, size_t n)
{
	for (; n > 0; n--, p++) {
		if (c->in_head) {
			take_byte(c, *p);
			c->in_head = c->n < 4 || memcmp(c->text + c->n - 4, "\r\n\r\n", 4) != 0;
		} else if (c->left > 0) {
			take_byte(c, *p);
			c->left--;
		} else if (*p == '\n') {
			c->line[c->n_line] = '\0';
			c->left = c->n_line > 0 ? strtoul(c->line, NULL, 16) : 0;
			c->n_line = 0;
		} else if (*p != '\r' && c->n_line + 1 < sizeof(c->line)) {
			c->line[c->n_line++] = *p;
		}
	}
}

/* Read for at most so long, or until this is there. */
static bool
read_until(struct client *c, const char *wanted, int ms)
{
	int64_t until = now_ms() + ms;
	char buf[65536];

	while (wanted == NULL || c->text == NULL || strstr(c->text, wanted) == NULL) {
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		int64_t left = until - now_ms();
		ssize_t n;

		if (c->over || left <= 0 || poll(&p, 1, (int)left) != 1)
			return wanted == NULL;
		n = recv(c->fd, buf, sizeof(buf), 0);
		if (n <= 0)
			c->over = true;
		else
			take(c, buf, (size_t)n);
	}
	return true;
}

static void
listen_to(struct client *c, const char *query, const char *headers)
{
	char request[512];
	const char *id;
	int n = snprintf(request, sizeof(request), "GET /api/v1/events%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n", query, t.port, headers);

	*c = (struct client){ .fd = dial(), .in_head = true };
	assert_int_equal(send(c->fd, request, (size_t)n, MSG_NOSIGNAL), n);
	assert_true(read_until(c, "\r\n\r\n", 5000));
	if (strstr(c->text, " 200 ") == NULL)
		return;
	assert_true(read_until(c, "id: ", 5000) && read_until(c, "\n\n", 1000));
	id = strstr(c->text, "id: ") + 4;
	(void)snprintf(begun, sizeof(begun), "%.*s", (int)strcspn(id, "\n"), id);
}

static void
hang_up(struct client *c)
{
	(void)close(c->fd);
	free(c->text);
}

/* That those of the test before have left is noticed within a quarter of a second. */
static void
listen_at_last(struct client *c, const char *query)
{
	int64_t until = now_ms() + 60000;

	listen_to(c, query, "");
	while (strstr(c->text, " 200 ") == NULL && now_ms() < until && usleep(50000) == 0) {
		hang_up(c);
		listen_to(c, query, "");
	}
	assert_has(c->text, " 200 ");
}

static unsigned
count(const char *text, const char *part)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, part)) != NULL; p += strlen(part))
		n++;
	return n;
}

static void
change(const char *address, uint8_t state)
{
	struct sink sink = store_sink(t.store);

	put_sender(&sink, sender_at(address), state, state == STATE_LISTED ? 10 : 5, 1U << EVIDENCE_BACKUP_FIRST);
}

static void
attempts(unsigned n, const char *address)
{
	struct sink sink = store_sink(t.store);
	struct attempt_row a = { .time_us = (int64_t)time(NULL) * 1000000, .target = 2, .n_syns = 1, .grade = GRADE_PROVEN,
		.outcome = OUTCOME_PROVEN };

	assert_true(addr_parse(&a.src, address));
	for (unsigned i = 0; i < n; i++) {
		a.sport = (uint16_t)(1024 + i);
		sink.attempt(sink.ctx, &a);
	}
	assert_true(store_sync(t.store));
}

static void
a_change_of_the_list_comes_with_its_id(void **state)
{
	struct client c;
	int64_t asked;

	(void)state;
	listen_to(&c, "", "");
	assert_has(c.text, "Content-Type: text/event-stream");
	assert_has(c.text, "Cache-Control: no-store");
	asked = now_ms();
	change("198.18.1.1", STATE_LISTED);
	assert_true(store_sync(t.store));
	assert_true(read_until(&c, "198.18.1.1/32", 60000));
	assert_in_range(now_ms() - asked, 0, 10000);
	assert_true(read_until(&c, "\"serial\"", 60000));
	assert_has(c.text, "event: change\nid: ");
	assert_has(c.text, "\"old_state\":\"unknown\",\"state\":\"listed\",\"cause\":\"evidence\"");
	assert_has(c.text, "\"reasons\":[\"backup_first\"]");
	hang_up(&c);
}

static void
who_comes_back_is_told_what_he_missed_and_no_more(void **state)
{
	struct client c;
	char query[96], id[64];

	(void)state;
	listen_to(&c, "", "");
	hang_up(&c);
	(void)snprintf(id, sizeof(id), "%s", begun);
	change("198.18.1.2", STATE_LISTED);
	assert_true(store_sync(t.store));
	change("198.18.1.3", STATE_LISTED);
	assert_true(store_sync(t.store));
	(void)snprintf(query, sizeof(query), "?since=%s", id);
	listen_to(&c, query, "");
	assert_true(read_until(&c, "198.18.1.3/32", 60000));
	change("198.18.1.4", STATE_LISTED);
	assert_true(store_sync(t.store));
	assert_true(read_until(&c, "198.18.1.4/32", 60000));
	(void)read_until(&c, NULL, 600);
	assert_int_equal(count(c.text, "event: change"), 3);
	assert_int_equal(count(c.text, "198.18.1.2/32"), 1);
	assert_null(strstr(c.text, "event: reset"));
	hang_up(&c);
}

static void
the_header_of_a_browser_goes_before_what_it_asked_for_first(void **state)
{
	struct client c;
	char header_line[128];

	(void)state;
	listen_to(&c, "", "");
	hang_up(&c);
	(void)snprintf(header_line, sizeof(header_line), "Last-Event-ID: %s\r\n", begun);
	change("198.18.1.5", STATE_LISTED);
	assert_true(store_sync(t.store));
	listen_to(&c, "?since=0000000000000001:1", header_line);
	assert_true(read_until(&c, "198.18.1.5/32", 60000));
	assert_null(strstr(c.text, "event: reset"));
	hang_up(&c);
}

static void
another_generation_is_told_to_fetch_all(void **state)
{
	static const char *const queries[] = { "?since=0000000000000001:1", "?since=0000000000000000:0" };
	struct client c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		listen_to(&c, queries[i], "");
		assert_true(read_until(&c, "event: reset\nid: ", 60000));
		assert_has(c.text, "data: {}");
		change("198.18.1.6", i == 0 ? STATE_LISTED : STATE_SUSPECT);
		assert_true(store_sync(t.store));
		assert_true(read_until(&c, "198.18.1.6/32", 60000));
		hang_up(&c);
	}
}

static void
an_attempt_is_told_with_its_rung_and_its_sender(void **state)
{
	struct client c;

	(void)state;
	listen_to(&c, "", "");
	attempts(1, "203.0.113.7");
	assert_true(read_until(&c, "event: attempt", 60000) && read_until(&c, "\"state\"", 60000));
	assert_has(c.text, "\"address\":\"203.0.113.7\",\"sport\":1024,\"mx_set\":\"example.org\",\"exchanger\":\"mx9.example.org\","
	    "\"preference\":90,\"role\":\"bogus\",\"outcome\":\"proven\",\"grade\":\"proven\",\"state\":\"listed\"");
	hang_up(&c);
}

/* At most 20 a second, and none is lost without a word. */
static void
what_comes_too_fast_is_counted(void **state)
{
	unsigned told = 0, skipped = 0;
	struct client c;

	(void)state;
	listen_to(&c, "", "");
	attempts(5000, "203.0.113.8");
	for (int64_t until = now_ms() + 80000; now_ms() < until && told + skipped < 5000;) {
		(void)read_until(&c, NULL, 200);
		told = count(c.text, "event: attempt");
		skipped = 0;
		for (const char *p = c.text; (p = strstr(p, "{\"attempts\":")) != NULL; p++)
			skipped += (unsigned)atoi(p + strlen("{\"attempts\":"));
	}
	assert_int_equal(told + skipped, 5000);
	assert_in_range(told, 1, 600);
	hang_up(&c);
}

static void
only_changes_leaves_attempts_out(void **state)
{
	struct client c;

	(void)state;
	listen_to(&c, "?only=changes", "");
	attempts(30, "203.0.113.9");
	change("198.18.1.7", STATE_LISTED);
	assert_true(store_sync(t.store));
	assert_true(read_until(&c, "198.18.1.7/32", 60000));
	(void)read_until(&c, NULL, 1300);
	assert_null(strstr(c.text, "event: attempt"));
	assert_null(strstr(c.text, "event: skipped"));
	hang_up(&c);
}

static void
what_is_odd_is_refused(void **state)
{
	static const char *const queries[] = { "?since=1", "?since=", "?since=0123456789abcdef:", "?since=0123456789abcdef:1x",
		"?since=0123456789abcdef:99999999999999999999", "?only=attempts", "?what=1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		char path[96];

		(void)snprintf(path, sizeof(path), "/api/v1/events%s", queries[i]);
		assert_status(get(path), 400);
	}
	assert_status(ask("POST", "/api/v1/events", "Content-Length: 0\r\n"), 405);
}

/* One reader for all of them; the next one is told when to come again. */
static void
two_hundred_listen_and_the_next_one_is_refused(void **state)
{
	static struct client all[STREAMS_MAX];
	struct client late;

	(void)state;
	for (size_t i = 0; i < STREAMS_MAX; i++)
		listen_at_last(&all[i], "?only=changes");
	listen_to(&late, "", "");
	assert_has(late.text, "HTTP/1.1 503");
	assert_has(late.text, "Retry-After: 10");
	hang_up(&late);
	change("198.18.1.8", STATE_LISTED);
	assert_true(store_sync(t.store));
	for (size_t i = 0; i < STREAMS_MAX; i++)
		assert_true(read_until(&all[i], "198.18.1.8/32", 2000));
	assert_status(get("/api/v1/status"), 200);
	assert_has(get("/metrics")->body, "mxtrap_event_streams 200\n");
	assert_null(strstr(get("/metrics")->body, "mxtrap_event_streams_refused_total 0\n"));
	for (size_t i = 0; i < STREAMS_MAX; i++)
		hang_up(&all[i]);
}

/* It is not waited for: others hear what comes, and it is let go. */
static void
who_does_not_read_falls_behind_and_is_let_go(void **state)
{
	struct client slow, quick;
	unsigned sent = 0;

	(void)state;
	listen_at_last(&slow, "");
	listen_at_last(&quick, "");
	while (sent < 8 * 900) {
		char text[48], last[64];
		int64_t asked = now_ms();

		for (unsigned i = 0; i < 900; i++, sent++) {
			(void)snprintf(text, sizeof(text), "198.19.%u.%u", sent / 250, sent % 250);
			change(text, STATE_LISTED);
		}
		assert_true(store_sync(t.store));
		(void)snprintf(last, sizeof(last), "%s/32", text);
		assert_true(read_until(&quick, last, 60000));
		assert_status(get("/api/v1/check/198.19.0.1"), 200);
		assert_in_range(now_ms() - asked, 0, 50000);
	}
	assert_int_equal(count(quick.text, "event: change"), sent);
	(void)read_until(&slow, "no such text", 20000);
	assert_true(slow.over);
	assert_in_range(count(slow.text, "event: change"), 0, sent - 1);
	hang_up(&slow);
	hang_up(&quick);
	assert_has(get("/metrics")->body, "mxtrap_event_streams_dropped_total 1\n");
}

/* The ids of a transaction: only with its last change, so that who comes back misses none. */
static void
changes_of_one_transaction_have_one_id(void **state)
{
	struct client c;
	unsigned changes, ids;

	(void)state;
	listen_to(&c, "", "");
	for (unsigned i = 0; i < 50; i++) {
		char text[48];

		(void)snprintf(text, sizeof(text), "198.18.200.%u", i);
		change(text, STATE_LISTED);
	}
	assert_true(store_sync(t.store));
	assert_true(read_until(&c, "198.18.200.49/32", 60000));
	(void)read_until(&c, NULL, 300);
	changes = count(c.text, "event: change\n");
	ids = count(c.text, "event: change\nid: ");
	assert_int_equal(changes, 50);
	assert_in_range(ids, 1, 49);
	hang_up(&c);
}

int
main(void)
{
	ADD(a_change_of_the_list_comes_with_its_id);
	ADD(who_comes_back_is_told_what_he_missed_and_no_more);
	ADD(the_header_of_a_browser_goes_before_what_it_asked_for_first);
	ADD(another_generation_is_told_to_fetch_all);
	ADD(an_attempt_is_told_with_its_rung_and_its_sender);
	ADD(what_comes_too_fast_is_counted);
	ADD(only_changes_leaves_attempts_out);
	ADD(changes_of_one_transaction_have_one_id);
	ADD(what_is_odd_is_refused);
	ADD(two_hundred_listen_and_the_next_one_is_refused);
	ADD(who_does_not_read_falls_behind_and_is_let_go);
	return _cmocka_run_group_tests("web, streams", tests, n_tests, begin_filled, end);
}
