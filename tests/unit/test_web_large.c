/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_web_large.c - exports of a list that is too large to be rendered while its client waits.
 *
 * Each option that all entries meet makes another document of the same list: a cold one.
 */
#include "../support/web_harness.h"

#include <zlib.h>

#include "mxtrap/token.h"

#define N_LARGE 20000
#define CLIENTS 20

static char whole[1 << 20], bouncer[TOKEN_TEXT_SIZE];
static size_t whole_size;

static int
begin_large(void **state)
{
	uint8_t hash[TOKEN_HASH_SIZE];
	struct sink sink;

	if (begin_filled(state) != 0)
		return -1;
	sink = store_sink(t.store);
	put_at_s = (uint32_t)time(NULL);
	for (uint32_t i = 0; i < N_LARGE; i++)
		put_sender(&sink, SENDER_KEY_V4 | (0x0b000000U + i * 251), STATE_LISTED, 10, 1U << EVIDENCE_BACKUP_FIRST);
	assert_true(token_make(bouncer));
	token_hash(bouncer, hash);
	assert_true(store_token(t.store, hash, "bouncer", TOKEN_SCOPE_LAPI, 0, "test"));
	assert_true(store_sync(t.store));
	(void)usleep(100000);		/* many look-ups share a read transaction, for 50 ms at most */
	return 0;
}

/* Take a chunked body apart, in place.  False: it broke off. */
static bool
join_chunks(char *body, size_t *size)
{
	char *from = body, *to = body, *end = body + *size;

	while (from < end) {
		char *line;
		size_t n = strtoul(from, &line, 16);

		if (line == from || end - line < 2)
			return false;
		from = line + 2;
		if (n == 0) {
			*size = (size_t)(to - body);
			*to = '\0';
			return true;
		}
		if ((size_t)(end - from) < n + 2)
			return false;
		memmove(to, from, n);
		to += n;
		from += n + 2;
	}
	return false;
}

static size_t
lines_of(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		n++;
	return n;
}

static void
it_is_sent_as_it_grows_and_kept(void **state)
{
	const struct response *a = get("/export/plain");
	struct sink sink = store_sink(t.store);
	char etag[200];

	(void)state;
	/* On a busy machine it may be whole before anybody is answered; another one is made of another list. */
	for (int i = 0; i < 100 && header(a, "Transfer-Encoding") == NULL; i++) {
		put_sender(&sink, SENDER_KEY_V4 | 0x0b000000U, STATE_LISTED, 10, 1U << EVIDENCE_BACKUP_FIRST);
		assert_true(store_sync(t.store));
		(void)usleep(100000);
		a = get("/export/plain");
	}
	assert_status(a, 200);
	assert_non_null(header(a, "Transfer-Encoding"));
	assert_string_equal(header(a, "Transfer-Encoding"), "chunked");
	assert_null(header(a, "Content-Length"));
	(void)snprintf(etag, sizeof(etag), "%s", header(a, "ETag"));
	whole_size = a->body_size;
	assert_true(join_chunks(a->body, &whole_size));
	assert_int_equal(lines_of(a->body), 1 + N_LARGE + N_LISTED);
	memcpy(whole, a->body, whole_size + 1);
	a = get("/export/plain");
	assert_int_equal(strtoul(header(a, "Content-Length"), NULL, 10), whole_size);
	assert_string_equal(header(a, "ETag"), etag);
	assert_memory_equal(a->body, whole, whole_size);
}

static void
http_1_0_waits_for_the_whole(void **state)
{
	static const char request[] = "GET /export/plain?grade=syn HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
	const struct response *a = exchange(request, sizeof(request) - 1);

	(void)state;
	assert_non_null(strstr(a->head, " 200 "));
	assert_null(header(a, "Transfer-Encoding"));
	assert_int_equal(strtoul(header(a, "Content-Length"), NULL, 10), a->body_size);
	assert_int_equal(a->body_size, whole_size);
	assert_memory_equal(a->body, whole, whole_size);
}

static void
compressed_it_is_the_same(void **state)
{
	static unsigned char out[sizeof(whole)];
	const struct response *a = ask("GET", "/export/plain?grade=resyn", "Accept-Encoding: gzip\r\n");
	size_t size = a->body_size;
	z_stream z = { .next_out = out, .avail_out = sizeof(out) };

	(void)state;
	assert_status(a, 200);
	assert_non_null(header(a, "Content-Encoding"));
	assert_string_equal(header(a, "Content-Encoding"), "gzip");
	assert_has(header(a, "ETag"), ":gzip\"");
	/* On a quiet machine it may be whole before anybody is answered. */
	if (header(a, "Transfer-Encoding") != NULL)
		assert_true(join_chunks(a->body, &size));
	z.next_in = (unsigned char *)a->body;
	z.avail_in = (unsigned)size;
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, whole_size);
	assert_memory_equal(out, whole, whole_size);
	(void)inflateEnd(&z);
	a = ask("GET", "/export/plain?grade=resyn", "Accept-Encoding: gzip\r\n");
	assert_non_null(header(a, "Content-Length"));
	a = get("/export/plain?grade=resyn");
	assert_null(header(a, "Content-Encoding"));
	assert_int_equal(a->body_size, whole_size);
}

static void
all_who_come_at_once_get_the_same(void **state)
{
	static char got[1 << 20];
	char request[160];
	int fds[CLIENTS], n = snprintf(request, sizeof(request),
	    "GET /export/plain?grade=proven HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");

	(void)state;
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = dial();
		assert_int_equal(send(fds[i], request, (size_t)n, MSG_NOSIGNAL), n);
	}
	for (int i = 0; i < CLIENTS; i++) {
		size_t used = 0;
		ssize_t k;
		char *body;

		while ((k = recv(fds[i], got + used, sizeof(got) - 1 - used, 0)) > 0)
			used += (size_t)k;
		(void)close(fds[i]);
		got[used] = '\0';
		body = strstr(got, "\r\n\r\n");
		assert_non_null(body);
		body += 4;
		used -= (size_t)(body - got);
		if (strstr(got, "Transfer-Encoding: chunked") != NULL)
			assert_true(join_chunks(body, &used));
		assert_int_equal(used, whole_size);
		assert_memory_equal(body, whole, whole_size);
	}
}

static void
who_has_it_is_told_so(void **state)
{
	char lines[256], etag[200];
	const struct response *a = ask("HEAD", "/export/plain?include=suspects", "");

	(void)state;
	assert_status(a, 200);
	assert_int_equal(a->body_size, 0);
	assert_true(strtoul(header(a, "Content-Length"), NULL, 10) > whole_size);
	(void)snprintf(etag, sizeof(etag), "%s", header(a, "ETag"));
	(void)snprintf(lines, sizeof(lines), "If-None-Match: %s\r\n", etag);
	a = ask("GET", "/export/plain?include=suspects", lines);
	assert_status(a, 304);
	assert_int_equal(a->body_size, 0);
}

static void
the_best_of_it_come_in_order(void **state)
{
	const struct response *a = get("/export/plain?limit=20000");
	size_t size = a->body_size;
	struct addr last = { .b = { 0 } };

	(void)state;
	/* It may be whole before anybody is answered. */
	if (header(a, "Transfer-Encoding") != NULL)
		assert_true(join_chunks(a->body, &size));
	assert_int_equal(lines_of(a->body), 1 + 20000);
	for (char *line = strchr(a->body, '\n') + 1; *line != '\0'; line = strchr(line, '\0') + 1) {
		struct addr addr;

		*strchr(line, '\n') = '\0';
		assert_true(addr_parse(&addr, line));
		assert_true(memcmp(addr.b, last.b, sizeof(addr.b)) > 0);
		last = addr;
	}
}

static void
a_bouncer_that_begins_gets_it_as_it_grows(void **state)
{
	static char got[8 << 20];
	char lines[128], request[320], *body;
	size_t used = 0, n = 0;
	ssize_t k;
	int fd = dial(), length;

	(void)state;
	(void)snprintf(lines, sizeof(lines), "X-Api-Key: %s\r\n", bouncer);
	length = snprintf(request, sizeof(request),
	    "GET /v1/decisions/stream?startup=true HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s\r\n", lines);
	assert_int_equal(send(fd, request, (size_t)length, MSG_NOSIGNAL), length);
	while ((k = recv(fd, got + used, sizeof(got) - 1 - used, 0)) > 0)
		used += (size_t)k;
	(void)close(fd);
	body = strstr(got, "\r\n\r\n") + 4;
	used -= (size_t)(body - got);
	/* It may be whole before anybody is answered; the first test sees one grow. */
	if (strstr(got, "Transfer-Encoding: chunked") != NULL)
		assert_true(join_chunks(body, &used));
	assert_memory_equal(body, "{\"deleted\":[]", 13);
	assert_string_equal(body + used - 3, "]}\n");
	for (const char *p = body; (p = strstr(p, "\"value\":")) != NULL; p++)
		n++;
	assert_int_equal(n, N_LARGE + N_LISTED);
	/* And from then on what changed, which is nothing. */
	assert_string_equal(ask("GET", "/v1/decisions/stream", lines)->body, "{\"deleted\":[],\"new\":[]}\n");
}

int
main(void)
{
	ADD(it_is_sent_as_it_grows_and_kept);
	ADD(http_1_0_waits_for_the_whole);
	ADD(compressed_it_is_the_same);
	ADD(all_who_come_at_once_get_the_same);
	ADD(who_has_it_is_told_so);
	ADD(the_best_of_it_come_in_order);
	ADD(a_bouncer_that_begins_gets_it_as_it_grows);
	return _cmocka_run_group_tests("web: large exports", tests, n_tests, begin_large, end);
}
