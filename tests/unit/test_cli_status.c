/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cli_status.c - mxtrap status, report and tail.
 */
#include "cli_support.h"

#include <poll.h>
#include <signal.h>

static void
status_shows_each_rung_and_the_counters(void **state)
{
	struct printed s = RUN(shared.dir, "status");

	(void)state;
	assert_int_equal(s.status, 0);
	says(s.out, "1 listed, 1 suspect;");
	says(s.out, "The list is published.");
	says(s.out, "203.0.113.10");
	says(s.out, "203.0.113.30");
	says(s.out, "1234");
	done(&s);
}

static void
status_tells_warnings_first(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct note_row note = { .time_us = NOW_US - 60 * 1000000LL, .target = UINT32_MAX, .kind = NOTE_FLOOD };
	struct printed said;

	k.note(k.ctx, &note);
	store_status(s, "ring_drops", "17");
	store_status(s, "complaint 1", "203.0.113.30:25 is held by master\033[2J");
	store_status(s, "interface_drops", "0");
	store_status(s, "frames \033[2J", "\033[3J");
	store_status(s, "real 203.0.113.20", "up, probe \033[4J 1795000000");
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	said = RUN(d, "status");
	assert_int_equal(said.status, 1);
	assert_int_equal(said.out[0], '!');
	says(said.out, "! packets lost by the capture ring: 17");
	says(said.out, "! 203.0.113.30:25 is held by master\\x1b[2J");
	says(said.out, "frames \\x1b[2J");
	says_not(said.out, "\033");
	says(said.out, "- a flood: attempts were counted, not kept one by one, 1m ago");
	says_not(said.out, "lost by the interface");
	says_not(said.out, "All is well");
	done(&said);
}

static void
status_tells_why_nobody_is_judged_now(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct printed said;

	store_status(s, "doubt overflow", "everywhere");
	store_status(s, "doubt real_unknown", "example.org");
	store_status(s, "doubt blind", "no");
	store_status(s, "doubt start_grace", "everywhere");
	store_status(s, "decoy_overflows", "4711");
	store_status(s, "real 203.0.113.20", "unseen for a day, last SYN 0, last handshake 0, last without answer 0, probe refused 1795000000");
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	said = RUN(d, "status");
	assert_int_equal(said.status, 1);
	says(said.out, "- A decoy's queue of connections overflowed: evidence is not counted for half an hour.");
	says(said.out, "! The real MX is neither seen on the wire nor reached by the probe: judging is suspended (example.org).");
	says(said.out, "- Just started: evidence does not count yet.");
	says_not(said.out, "Nothing could be seen");
	says(said.out, "4711");
	says(said.out, "- Nobody has been seen at the real MX mx1.example.org for a day");
	says(said.out, "probe of 203.0.113.20");
	says(said.out, "refused, 2026-11-1");
	says_not(said.out, "All is well");
	done(&said);
}

static void
status_tells_that_the_daemon_is_silent(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	char clock[32];
	struct printed said;

	(void)snprintf(clock, sizeof clock, "%lld", (long long)time(NULL) - 100);
	store_status(s, "clock", clock);
	assert_true(store_sync(s));
	store_close(s);
	said = RUN(d, "status");
	assert_int_equal(said.status, 1);
	says(said.out, "! mxtrapd has been silent for 1");
	says(said.out, " seconds: nothing is watched.");
	done(&said);
}

static void
a_report_begins_with_those_that_came_to_the_real_mx(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c[] = { support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED),
		support_change("192.0.2.8", STATE_UNKNOWN, STATE_LISTED) };
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct printed said;
	const char *first;

	struct sender_row row = { .key = support_key("192.0.2.8"), .first_seen_s = NOW_S - 100, .last_seen_s = NOW_S,
		.flags = 1 << 1 | 1 << 5 };	/* proven, at the real MX */

	k.change(k.ctx, &c[0]);
	k.change(k.ctx, &c[1]);
	k.sender(k.ctx, &row);
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	said = RUN(d, "report");
	assert_int_equal(said.status, 0);
	assert_non_null(first = strstr(said.out, "192.0.2.8/32"));
	assert_non_null(strstr(first, "192.0.2.7/32"));
	says(said.out, "LOOK AT THESE FIRST");
	says(said.out, "2 listed, 1 of them with sessions at the real MX; 0 suspects");
	says(said.out, "Listed for: backup_first (2)");
	says(said.out, "1. mxtrap explain ADDR");
	done(&said);
}

/* What is left to do depends on what is set. */
static void
a_report_advises_what_is_not_done_yet(void **state)
{
	static const struct { const char *publish, *says, *says_not; } rows[] = {
		{ "no", "Set publish = yes.", "the list is published" },
		{ "yes", "there is nothing to do: the list is published.", "Set publish = yes" },
		{ "yes\npublish-after = \"300d\"", "publish = yes is set already; the list is not published yet", "Set publish = yes" },
	};
	struct bench_dir *d = *state;
	char path[128], text[2000];

	fill(d);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct printed s;
		FILE *file;

		(void)snprintf(path, sizeof path, "%s/mxtrap.conf", d->path);
		(void)snprintf(text, sizeof text, CONF, d->path, rows[i].publish);
		if (i == 2)		/* given once */
			memmove(strstr(text, "publish-after = \"0s\"\n"), strstr(text, "mx-set"), strlen(strstr(text, "mx-set")) + 1);
		file = fopen(path, "w");
		assert_non_null(file);
		assert_true(fputs(text, file) >= 0);
		assert_int_equal(fclose(file), 0);
		s = RUN(d, "report");
		assert_int_equal(s.status, 0);
		says(s.out, rows[i].says);
		says_not(s.out, rows[i].says_not);
		says_not(s.out, "never exported");
		says(s.out, "Suspects are exported only where a consumer asks for them");
		done(&s);
	}
}

static void
a_report_may_be_limited_and_counts_all(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct printed p;
	size_t rows = 0;

	for (int i = 1; i <= 9; i++) {
		char text[32];
		struct change_row c;

		(void)snprintf(text, sizeof text, "192.0.2.%d", i);
		c = support_change(text, STATE_UNKNOWN, STATE_LISTED);
		k.change(k.ctx, &c);
	}
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	p = RUN(d, "report", "--limit", "2");
	for (const char *at = p.out; (at = strstr(at, "\n192.0.2.")) != NULL; at++)
		rows++;
	assert_int_equal(rows, 2);
	says(p.out, "... and 7 more: mxtrap report --limit N");
	says(p.out, "9 listed, 0 of them");
	says(p.out, "backup_first (9)");
	done(&p);
	p = RUN(d, "report");
	says(p.out, "192.0.2.9/32");
	done(&p);
	p = RUN(d, "report", "--json", "--limit", "2");
	says(p.out, "\"listed_without_real\":9");
	says(p.out, "\"listed_for\":{\"backup_first\":9}");
	says_not(p.out, "192.0.2.3/32");
	done(&p);
}

static void
tail_shows_the_last_attempts_of_a_replay(void **state)
{
	struct printed s = RUN(shared.dir, "tail", "--count", "2");
	size_t lines = 0;

	(void)state;
	assert_int_equal(s.status, 0);
	for (const char *at = s.out; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 2);
	says(s.out, "192.0.2.7       -> bogus     203.0.113.30  connected");
	says(s.out, "no answer");
	done(&s);
}

static void
tail_tells_what_comes_and_not_what_was(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct attempt_row old = support_attempt("192.0.2.7", NOW_US, 0), new = support_attempt("192.0.2.8", NOW_US, 0);
	FILE *out = tmpfile(), *err = tmpfile();
	char *text;
	pid_t pid;

	assert_non_null(out);
	assert_non_null(err);
	k.attempt(k.ctx, &old);
	assert_true(store_sync(s));
	pid = begin(d, (const char *const[]){ "tail", "--count", "1", NULL }, out, err);
	/* It has found the end by then, or takes the first of the next ones. */
	for (int i = 0; i < 1000; i++) {
		siginfo_t info = { .si_pid = 0 };

		(void)poll(NULL, 0, 100);
		new.time_us += 1000000;
		k.attempt(k.ctx, &new);
		assert_true(store_sync(s));
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid)
			break;
	}
	assert_int_equal(end(pid), 0);
	store_close(s);
	text = slurp(out);
	says(text, "192.0.2.8");
	says_not(text, "192.0.2.7");
	free(text);
	(void)fclose(err);
}

int
main(void)
{
	const struct CMUnitTest reads[] = {
		cmocka_unit_test(status_shows_each_rung_and_the_counters),
		cmocka_unit_test(tail_shows_the_last_attempts_of_a_replay),
	};
	const struct CMUnitTest own[] = {
		cli_test(status_tells_warnings_first),
		cli_test(status_tells_why_nobody_is_judged_now),
		cli_test(status_tells_that_the_daemon_is_silent),
		cli_test(a_report_begins_with_those_that_came_to_the_real_mx),
		cli_test(a_report_advises_what_is_not_done_yet),
		cli_test(a_report_may_be_limited_and_counts_all),
		cli_test(tail_tells_what_comes_and_not_what_was),
	};
	int failed = 0;

	(void)alarm(900);		/* a command that never ends must fail a test, not hold it */
	failed += cmocka_run_group_tests_name("mxtrap status: one database", reads, shared_setup, shared_teardown);
	failed += cmocka_run_group_tests_name("mxtrap status", own, NULL, NULL);
	return failed;
}
