/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_web_os.c - the story of a sender names the operating system that its SYN looks like.
 */
#include "../support/web_harness.h"

static void
write_base(const char *text)
{
	char path[128], beside[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/p0f.fp", t.dir);
	(void)snprintf(beside, sizeof(beside), "%s/p0f.new", t.dir);
	f = fopen(beside, "w");
	assert_non_null(f);
	fputs(text, f);
	(void)fclose(f);
	(void)chmod(beside, 0644);
	assert_int_equal(rename(beside, path), 0);
}

/* Before the server starts. */
static void
more(char *text, size_t size)
{
	write_base("[tcp:request]\nlabel = s:unix:Plain <b>:1\nsig = *:64:0:*:512,0:::0\n"
	    "a broken line\nlabel = g:unix:Plain:\nsig = *:64:0:*:*,*:::0\n");
	(void)snprintf(text, size, "p0f-database = \"%s/p0f.fp\"\n", t.dir);
}

static const struct response *
get_until(const char *path, const char *part)
{
	int64_t until = now_ms() + 60000;
	const struct response *a;

	do
		a = get(path);
	while ((a->status != 200 || strstr(a->body, part) == NULL) && now_ms() < until && usleep(20000) == 0);
	assert_status(a, 200);
	assert_has(a->body, part);
	return a;
}

static void
put_attempt(struct sink *sink, uint16_t sport, uint16_t fingerprint)
{
	struct attempt_row row = { .time_us = (int64_t)time(NULL) * 1000000 - 60000000 + sport, .target = 2, .sport = sport,
		.n_syns = 1, .grade = GRADE_PROVEN, .outcome = OUTCOME_PROVEN, .fingerprint = fingerprint };

	assert_true(addr_parse(&row.src, "203.0.113.9"));
	sink->attempt(sink->ctx, &row);
}

static void
each_attempt_says_what_its_syn_looks_like(void **state)
{
	const struct fingerprint prints[] = { { .version = 4, .ttl = 60, .window = 512 }, { .version = 4, .ttl = 64, .window = 513 },
		{ .version = 4, .ttl = 64, .window = 512, .payload = 1 } };
	const struct response *a;
	struct sink sink;

	(void)state;
	fill_database();
	sink = store_sink(t.store);
	for (uint16_t i = 0; i < ARRAY_LEN(prints); i++)
		sink.fingerprint(sink.ctx, (uint16_t)(i + 1), &prints[i], (int64_t)time(NULL) * 1000000);
	for (uint16_t i = 0; i <= ARRAY_LEN(prints); i++)
		put_attempt(&sink, (uint16_t)(5000 + i), i);
	assert_true(store_sync(t.store));
	a = get_until("/api/v1/senders/203.0.113.9", "\"port\":5003");
	assert_has(a->body, "\"fingerprint\":null,\"os\":null}");
	assert_has(a->body, "\"fingerprint\":\"4:60+4:0:0:512,0:::0\",\"os\":\"Plain \\u003cb\\u003e 1\"}");
	assert_has(a->body, "\"fingerprint\":\"4:64+0:0:0:513,0:::0\",\"os\":\"Plain (generic)\"}");
	assert_has(a->body, "\"fingerprint\":\"4:64+0:0:0:512,0:::+\",\"os\":null}");
}

static void
another_database_speaks_at_once(void **state)
{
	const struct response *a;

	(void)state;
	write_base("[tcp:request]\nlabel = s:unix:Other:2\nsig = *:64:0:*:512,0:::0\n");
	a = get("/api/v1/senders/203.0.113.9");
	assert_status(a, 200);
	assert_has(a->body, "\"fingerprint\":\"4:60+4:0:0:512,0:::0\",\"os\":\"Other 2\"}");
	assert_has(a->body, "\"fingerprint\":\"4:64+0:0:0:513,0:::0\",\"os\":null}");
}

int
main(void)
{
	t.more = more;
	ADD(each_attempt_says_what_its_syn_looks_like);
	ADD(another_database_speaks_at_once);
	return _cmocka_run_group_tests("web_os", tests, n_tests, begin, end);
}
