/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cli_admin.c - mxtrap allow and forget, and the daemon that hears them.
 */
#include "cli_support.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "mxtrap/message.h"

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

/* Take what the command says, answer it; what it said. */
static struct message_admin
answer(int fd, bool ok, const char *text)
{
	struct message_admin m;
	struct message_answer a = { .ok = ok };
	struct sockaddr_un from;
	socklen_t len = sizeof from;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 100000), 1);
	assert_int_equal(recvfrom(fd, &m, sizeof m, 0, (struct sockaddr *)&from, &len), sizeof m);
	assert_true(message_holds(&m, sizeof m));
	message_init(&a.head, MESSAGE_ANSWER, sizeof a);
	(void)snprintf(a.text, sizeof a.text, "%s", text);
	assert_int_equal(sendto(fd, &a, sizeof a, 0, (struct sockaddr *)&from, len), sizeof a);
	return m;
}

static void
no_daemon_is_said(void **state)
{
	struct printed s = RUN(*state, "allow", "192.0.2.7");

	assert_int_equal(s.status, 3);
	says(s.err, "is mxtrapd running");
	done(&s);
}

static void
allow_tells_watch_what_for_how_long_and_why(void **state)
{
	struct bench_dir *d = *state;
	FILE *out = tmpfile(), *err = tmpfile();
	int fd = bind_control(d);
	pid_t pid = begin(d, (const char *const[]){ "allow", "192.0.2.0/24", "--for", "30d", "--note", "a friend", NULL },
	    out, err);
	struct message_admin m = answer(fd, true, "192.0.2.0/24: allowed\033[2J");
	struct prefix what = { .len = (uint8_t)m.len };
	char text[PREFIX_TEXT_SIZE], path[128], *said;
	int64_t in;

	assert_int_equal(end(pid), 0);
	memcpy(what.addr.b, m.addr, sizeof what.addr.b);
	assert_string_equal(prefix_format(&what, text), "192.0.2.0/24");
	assert_int_equal(m.op, ADMIN_ALLOW);
	assert_string_equal(m.note, "a friend");
	assert_true(m.who[0] != '\0');
	in = (int64_t)m.expires_s - (int64_t)time(NULL);
	assert_in_range(in, 30 * 86400 - 60, 30 * 86400);
	said = slurp(out);
	assert_string_equal(said, "192.0.2.0/24: allowed\\x1b[2J\n");
	free(said);
	/* It leaves no socket behind. */
	(void)snprintf(path, sizeof path, "%s/answer.%d", d->path, (int)pid);
	assert_int_equal(access(path, F_OK), -1);
	(void)fclose(err);
	close(fd);
}

/* Listed, and yet nobody refuses it: that must not look like done. */
static void
a_block_while_nothing_is_published_warns(void **state)
{
	struct bench_dir *d = *state;
	int fd = bind_control(d);

	for (int i = 0; i < 3; i++) {
		FILE *out = tmpfile(), *err = tmpfile();
		char *said;
		pid_t pid;

		configure(d, i == 1 ? "yes" : "no");
		pid = begin(d, (const char *const[]){ "block", "192.0.2.7", i == 2 ? "--remove" : NULL, NULL }, out, err);
		(void)answer(fd, true, "done");
		assert_int_equal(end(pid), 0);
		said = slurp(err);
		if (i == 0)
			says(said, "refused by nobody: observing only");
		else
			assert_string_equal(said, "");
		free(said);
		(void)fclose(out);
	}
	close(fd);
}

static void
forget_is_told_as_forget(void **state)
{
	struct bench_dir *d = *state;
	FILE *out = tmpfile(), *err = tmpfile();
	int fd = bind_control(d);
	pid_t pid = begin(d, (const char *const[]){ "forget", "2001:db8:1:2::/64", NULL }, out, err);
	struct message_admin m = answer(fd, true, "done");

	assert_int_equal(end(pid), 0);
	assert_int_equal(m.op, ADMIN_FORGET);
	assert_int_equal(m.len, 64);
	(void)fclose(out);
	(void)fclose(err);
	close(fd);
}

static void
an_allowance_can_be_taken_away(void **state)
{
	struct bench_dir *d = *state;
	FILE *out = tmpfile(), *err = tmpfile();
	int fd = bind_control(d);
	pid_t pid = begin(d, (const char *const[]){ "allow", "192.0.2.7", "--remove", NULL }, out, err);
	struct message_admin m = answer(fd, true, "done");

	assert_int_equal(end(pid), 0);
	assert_int_equal(m.op, ADMIN_ALLOW);
	assert_int_equal(m.expires_s, STORE_ALLOW_REMOVE);
	assert_int_equal(m.len, 128);
	(void)fclose(out);
	(void)fclose(err);
	close(fd);
}

static void
a_refusal_is_a_no(void **state)
{
	struct bench_dir *d = *state;
	FILE *out = tmpfile(), *err = tmpfile();
	int fd = bind_control(d);
	pid_t pid = begin(d, (const char *const[]){ "forget", "192.0.2.7", NULL }, out, err);
	char *said;

	(void)answer(fd, false, "the database did not take it");
	assert_int_equal(end(pid), 1);
	said = slurp(err);
	says(said, "the database did not take it");
	free(said);
	(void)fclose(out);
	close(fd);
}

static void
a_daemon_that_does_not_answer_is_unreachable(void **state)
{
	struct bench_dir *d = *state;
	int fd = bind_control(d);
	double t0 = support_seconds();
	struct printed s = RUN(d, "allow", "192.0.2.7");

	assert_int_equal(s.status, 3);
	says(s.err, "no answer within 3 s");
	assert_true(support_seconds() - t0 < 100);
	done(&s);
	close(fd);
}

static void
host_bits_in_a_network_are_refused(void **state)
{
	struct printed s = RUN(*state, "allow", "192.0.2.7/24");

	assert_int_equal(s.status, 1);
	says(s.err, "allow: found 192.0.2.7/24, expected an address, or a network whose host bits are zero; did you mean 192.0.2.0/24?");
	done(&s);
	s = RUN(*state, "block", "2001:db8::1/64");
	says(s.err, "did you mean 2001:db8::/64?");
	done(&s);
	s = RUN(*state, "forget", "mx.example.org");
	says(s.err, "names are not resolved: mxtrap forget ADDRESS, with what dig +short mx.example.org prints");
	done(&s);
	s = RUN(*state, "allow", "192.0.2.\033[2J");
	assert_int_equal(s.status, 1);
	says(s.err, "found 192.0.2.\\x1b[2J, expected");
	done(&s);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cli_test(no_daemon_is_said),
		cli_test(allow_tells_watch_what_for_how_long_and_why),
		cli_test(a_block_while_nothing_is_published_warns),
		cli_test(forget_is_told_as_forget),
		cli_test(an_allowance_can_be_taken_away),
		cli_test(a_refusal_is_a_no),
		cli_test(a_daemon_that_does_not_answer_is_unreachable),
		cli_test(host_bits_in_a_network_are_refused),
	};
	int failed = 0;

	(void)alarm(900);		/* a command that never ends must fail a test, not hold it */
	failed += cmocka_run_group_tests_name("mxtrap allow", own, NULL, NULL);
	return failed;
}
