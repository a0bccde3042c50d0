/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cli_risk.c - mxtrap risk and mxtrap purge, as their users meet them.
 */
#include "cli_support.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "mxtrap/message.h"

static void
fill_risk(const struct bench_dir *d)
{
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct sender_row row = { .key = support_key("192.0.2.9"), .first_seen_s = NOW_S - 4 * 1200, .last_seen_s = NOW_S,
		.kinds = 1 << EVIDENCE_GAVE_UP };

	for (int i = 4; i >= 0; i--) {
		struct attempt_row a = support_attempt("192.0.2.9", NOW_US - i * 1200 * 1000000LL, 0);
		struct visit_row v = { .sender = row.key, .start_us = a.time_us, .end_us = a.time_us, .n_attempts = 1,
			.n_route = 1, .route = { ROLE_NOLISTING } };

		a.outcome = OUTCOME_REFUSED;
		a.sport = (uint16_t)(40000 + i);
		k.attempt(k.ctx, &a);
		k.visit(k.ctx, &v);
	}
	k.sender(k.ctx, &row);
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
}

static void
risk_says_why_and_how_to_allow(void **state)
{
	struct printed said;

	fill_risk(*state);
	said = RUN(*state, "risk");
	assert_int_equal(said.status, 0);
	says(said.out, "192.0.2.9/32");
	says(said.out, "+2.0 comes back as a mail queue does (20m to 20m apart)");
	says(said.out, "mxtrap allow 192.0.2.9/32 --note 'mail at risk'");
	says(said.out, "no connection at nolisting");
	done(&said);
	said = RUN(*state, "risk", "--format", "plain");
	assert_string_equal(said.out, "192.0.2.9/32\n");
	done(&said);
	said = RUN(*state, "risk", "--format=ndjson", "--limit", "5");
	says(said.out, "{\"cidr\":\"192.0.2.9/32\"");
	says(said.out, "\"name\":\"queue_spacing\"");
	says(said.out, "{\"type\":\"metadata\",\"records\":1,");
	done(&said);
	said = RUN(*state, "risk", "--format", "csv");
	says(said.out, "cidr,state,likeness,why,tried,failed,visits");
	says(said.out, "192.0.2.9/32,unknown,3.5,queue_spacing came_back low_only,nolisting,nolisting,5,5,1200,1200,");
	done(&said);
}

static void
risk_says_that_nobody_is(void **state)
{
	struct printed said;

	store_close(open_store(*state));
	said = RUN(*state, "risk");
	assert_int_equal(said.status, 0);
	says(said.out, "No mail is known to be at risk");
	done(&said);
}

static int
bind_control(const struct bench_dir *d)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	(void)snprintf(to.sun_path, sizeof to.sun_path, "%s/control.sock", d->path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

/* What it sends, answered twice: not yet, and done. */
static void
purge_tells_watch_what_to_take_back(void **state)
{
	struct bench_dir *d = *state;
	FILE *out = tmpfile(), *err = tmpfile();
	int fd = bind_control(d);
	pid_t pid = begin(d, (const char *const[]){ "purge", "--evidence", "backup_first", "--exchanger", "mx9.example.org",
	    "--since", "2026-01-31T13:00:00+01:00", "--dry-run", "--note", "it was unreachable", NULL }, out, err);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct message_answer a = { .ok = 2, .text = "on the way" };
	struct message_purge m;
	struct sockaddr_un from;
	socklen_t len = sizeof from;
	char *said;

	assert_int_equal(poll(&p, 1, 100000), 1);
	assert_int_equal(recvfrom(fd, &m, sizeof m, 0, (struct sockaddr *)&from, &len), sizeof m);
	assert_true(message_holds(&m, sizeof m));
	assert_int_equal(m.kind, EVIDENCE_BACKUP_FIRST + 1);
	assert_string_equal(m.exchanger, "mx9.example.org");
	assert_int_equal(m.since_s, 1769860800);
	assert_int_equal(m.dry_run, 1);
	assert_string_equal(m.note, "it was unreachable");
	message_init(&a.head, MESSAGE_ANSWER, sizeof a);
	assert_int_equal(sendto(fd, &a, sizeof a, 0, (struct sockaddr *)&from, len), sizeof a);
	a.ok = 1;
	(void)snprintf(a.text, sizeof a.text, "would take back nothing");
	assert_int_equal(sendto(fd, &a, sizeof a, 0, (struct sockaddr *)&from, len), sizeof a);
	assert_int_equal(end(pid), 0);
	said = slurp(out);
	assert_string_equal(said, "would take back nothing\n");
	free(said);
	(void)fclose(err);
	close(fd);
}

static void
an_unknown_kind_or_exchanger_is_told_what_there_is(void **state)
{
	struct printed s = RUN(*state, "purge", "--evidence", "bad_karma\033[2J");

	assert_int_equal(s.status, 1);
	says(s.err, "found bad_karma\\x1b[2J, expected one of backup_first descended decoys_only");
	says_not(s.err, "climbed");
	done(&s);
	s = RUN(*state, "purge", "--exchanger", "mx77.example.org");
	assert_int_equal(s.status, 1);
	says(s.err, "mx0.example.org mx1.example.org mx9.example.org mx.elsewhere.example");
	done(&s);
}

static void
a_time_that_is_none_is_told_what_is_one(void **state)
{
	static const char *const odd[] = { "yesterday", "2026-01-31T12:00:00", "2026-13-01T00:00:00Z", "0", "-5h", "" };
	struct printed s;

	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		s = RUN(*state, "purge", "--since", odd[i]);
		assert_int_equal(s.status, 1);
		says(s.err, "expected a time like 6h, 1769860000 or 2026-01-31T12:00:00Z");
		done(&s);
	}
	s = RUN(*state, "purge", "--since", "4000000000");
	assert_int_equal(s.status, 1);
	says(s.err, "still to come");
	done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cli_test(risk_says_why_and_how_to_allow),
		cli_test(risk_says_that_nobody_is),
		cli_test(purge_tells_watch_what_to_take_back),
		cli_test(an_unknown_kind_or_exchanger_is_told_what_there_is),
		cli_test(a_time_that_is_none_is_told_what_is_one),
	};

	(void)alarm(900);		/* a command that never ends must fail a test, not hold it */
	return cmocka_run_group_tests_name("mxtrap risk and purge", tests, NULL, NULL);
}
