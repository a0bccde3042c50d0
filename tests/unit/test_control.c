/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_control.c - who may decide, and under which name: watch's own control, on a real socket and a real line.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_support.h"

#include "../../daemon/watch/watch_int.h"
#include "mxtrap/bind.h"
#include "mxtrap/token.h"

struct rig {
	const struct bench_dir *dir;
	struct store *store;
	struct control control;
	int line[2];			/* web, watch */
	char admin[TOKEN_TEXT_SIZE], reader[TOKEN_TEXT_SIZE];
	struct message_admin applied;	/* the last one */
	unsigned n_applied;
	struct control_effect effect;	/* that it has */
	int turns;			/* until it is settled */
};

static bool
apply(void *ctx, const struct message_admin *m, struct control_effect *effect)
{
	struct rig *r = ctx;

	if (effect->begun) {		/* it is in the database after so many turns */
		*effect = r->effect;
		return r->turns-- <= 0;
	}
	r->applied = *m;
	r->n_applied++;
	*effect = r->effect;
	effect->begun = true;
	return r->turns <= 0;
}

static const char *
may(void *ctx, const struct message_admin *m)
{
	(void)ctx;
	(void)m;
	return NULL;
}

static void
add_token(struct rig *r, char text[static TOKEN_TEXT_SIZE], const char *name, const char *scope)
{
	uint8_t hash[TOKEN_HASH_SIZE];

	assert_true(token_make(text));
	token_hash(text, hash);
	assert_true(store_token(r->store, hash, name, scope, 0, "test"));
}

static void
rig_up(struct rig *r, void **state, bool shared)
{
	char why[BIND_WHY_SIZE];
	int fd;

	*r = (struct rig){ .dir = *state };
	r->store = support_open(r->dir, &(struct store_options){ .half_life_s = 14 * 86400 });
	fd = bind_control(r->dir->path, geteuid(), getegid(), why);
	assert_true(fd >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, r->line), 0);
	add_token(r, r->admin, "desk", TOKEN_SCOPE_ADMIN);
	add_token(r, r->reader, "reader", TOKEN_SCOPE_EXPORT);
	assert_true(control_start(&r->control, fd, r->line[1], shared, r->store, NULL));
}

static void
rig_down(struct rig *r)
{
	int fd = r->control.fd;

	control_stop(&r->control);
	(void)close(fd);
	(void)close(r->line[0]);
	(void)close(r->line[1]);
	store_close(r->store);
}

/* Let watch work until an answer other than "under way" is there. */
static struct message_answer
await(struct rig *r, int fd)
{
	struct message_answer a = { .ok = 99 };

	for (int i = 0; i < 3000; i++) {
		struct pollfd p = { .fd = r->control.event_fd, .events = POLLIN };

		control_turn(&r->control, 0, may, apply, r);
		while (message_receive(fd, &a, sizeof(a)) == (int)sizeof(a))
			if (a.ok != 2)
				return a;
		(void)poll(&p, 1, 10);
	}
	fail_msg("no answer");
	return a;
}

static struct message_admin
allowance(const char *claims, const char *shown)
{
	struct message_admin m = { .op = ADMIN_ALLOW, .len = 128 };
	struct addr a;

	message_init(&m.head, MESSAGE_ADMIN, sizeof(m));
	assert_true(addr_parse(&a, "192.0.2.7"));
	memcpy(m.addr, a.b, sizeof(m.addr));
	(void)snprintf(m.who, sizeof(m.who), "%s", claims);
	(void)snprintf(m.shown, sizeof(m.shown), "%s", shown);
	return m;
}

static struct message_answer
by_socket(struct rig *r, const struct message_admin *m)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX }, self = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct message_answer a;

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s/control.sock", r->dir->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&self, sizeof(self.sun_family)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(message_send(fd, m, sizeof(*m)), 1);
	a = await(r, fd);
	(void)close(fd);
	return a;
}

static struct message_answer
by_web(struct rig *r, const struct message_admin *m)
{
	int fd = ask_send(r->line[0], m, sizeof(*m));
	struct message_answer a;

	assert_true(fd >= 0);
	a = await(r, fd);
	(void)close(fd);
	return a;
}

static void
on_the_socket_the_kernel_says_who_it_is(void **state)
{
	struct rig r;
	struct message_admin m = allowance("somebody else", "");

	rig_up(&r, state, false);
	assert_int_equal(by_socket(&r, &m).ok, 1);
	assert_int_equal(r.n_applied, 1);
	assert_null(strstr(r.applied.who, "somebody"));
	assert_string_equal(r.applied.who, geteuid() == 0 ? "root" : r.applied.who);
	rig_down(&r);
}

static void
what_web_says_proves_nothing_without_a_token(void **state)
{
	struct rig r;
	struct message_admin m = allowance("api:root", "");

	rig_up(&r, state, false);
	assert_int_equal(by_web(&r, &m).ok, 3);
	m = allowance("api:root", r.reader);
	assert_int_equal(by_web(&r, &m).ok, 3);
	m = allowance("api:root", "mxt_0123");
	assert_int_equal(by_web(&r, &m).ok, 3);
	assert_int_equal(r.n_applied, 0);
	rig_down(&r);
}

static void
by_web_it_is_done_in_the_name_of_the_token(void **state)
{
	struct rig r;
	struct message_admin m;

	rig_up(&r, state, false);
	m = allowance("api:somebody else", r.admin);
	assert_int_equal(by_web(&r, &m).ok, 1);
	assert_string_equal(r.applied.who, "api:desk");
	assert_string_equal(r.applied.shown, "");
	rig_down(&r);
}

static void
where_all_are_one_user_the_socket_wants_a_token_too(void **state)
{
	struct rig r;
	struct message_admin m = allowance("root", "");
	struct message_answer a;

	rig_up(&r, state, true);
	a = by_socket(&r, &m);
	assert_int_equal(a.ok, 3);
	assert_non_null(strstr(a.text, "--token-file"));
	m = allowance("root", r.reader);
	assert_int_equal(by_socket(&r, &m).ok, 3);
	assert_int_equal(r.n_applied, 0);
	m = allowance("root", r.admin);
	assert_int_equal(by_socket(&r, &m).ok, 1);
	assert_non_null(strstr(r.applied.who, "(token desk)"));
	rig_down(&r);
}

static void
whether_it_watches_may_be_asked_without_a_token(void **state)
{
	struct rig r;
	struct message_admin m = { .op = ADMIN_PING };

	message_init(&m.head, MESSAGE_ADMIN, sizeof(m));
	rig_up(&r, state, true);
	assert_int_equal(by_socket(&r, &m).ok, 1);
	rig_down(&r);
}

static void
an_asker_that_gave_up_is_not_served(void **state)
{
	struct rig r;
	struct message_admin m;
	int fd;

	rig_up(&r, state, false);
	m = allowance("api:desk", r.admin);
	fd = ask_send(r.line[0], &m, sizeof(m));
	(void)close(fd);
	assert_int_equal(by_web(&r, &m).ok, 1);		/* the second one */
	assert_int_equal(r.n_applied, 1);
	rig_down(&r);
}

static size_t
n_open(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Whoever holds web: records with eight descriptors, with none, of no kind. */
static void
what_web_hands_over_does_not_stay_open(void **state)
{
	struct rig r;
	struct message_admin m = allowance("api:desk", "");
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} c = { .bytes = { 0 } };
	struct iovec part = { .iov_base = &m, .iov_len = sizeof(m) };
	struct msghdr h = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = c.bytes, .msg_controllen = sizeof(c.bytes) };
	int fds[8], pair[2];
	size_t before;

	rig_up(&r, state, false);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	before = n_open();
	c.head.cmsg_level = SOL_SOCKET;
	c.head.cmsg_type = SCM_RIGHTS;
	c.head.cmsg_len = CMSG_LEN(sizeof(fds));
	for (size_t i = 0; i < 8; i++)
		fds[i] = pair[1];
	memcpy(CMSG_DATA(&c.head), fds, sizeof(fds));
	for (int i = 0; i < 20; i++) {
		assert_int_equal(sendmsg(r.line[0], &h, 0), sizeof(m));
		assert_int_equal(send(r.line[0], "x", 1, 0), 1);
		assert_int_equal(message_send(r.line[0], &m, sizeof(m)), 1);
		assert_int_equal(await(&r, pair[0]).ok, 3);
	}
	/* The store has one more open while it writes its second copy of a decision. */
	for (int i = 0; i < 600 && n_open() != before; i++)
		(void)usleep(100000);
	assert_int_equal(n_open(), before);
	(void)close(pair[0]);
	(void)close(pair[1]);
	rig_down(&r);
}

static void
web_that_sends_without_pause_does_not_hold_a_turn(void **state)
{
	struct rig r;
	char junk[16] = "junk";
	int n = 0;

	rig_up(&r, state, false);
	while (n < 200 && send(r.line[0], junk, sizeof(junk), MSG_DONTWAIT) > 0)
		n++;
	assert_in_range(n, 100, 200);
	control_turn(&r.control, 0, may, apply, &r);
	assert_true(recv(r.line[1], junk, sizeof(junk), MSG_DONTWAIT) > 0);	/* it left the rest for later */
	rig_down(&r);
}

/* -- the socket's name -- */

static void
the_socket_has_its_mode_from_the_first_moment_on(void **state)
{
	const struct bench_dir *dir = *state;
	char why[BIND_WHY_SIZE], path[200];
	mode_t before = umask(077);
	struct stat st;
	int fd;

		fd = bind_control(dir->path, geteuid(), getegid(), why);
	assert_true(fd >= 0);
	(void)snprintf(path, sizeof(path), "%s/control.sock", dir->path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(umask(before), 077);
	(void)close(fd);
}

/* As one that was killed does, for the moment until its process has gone. */
static void
a_socket_that_is_let_loose_in_a_moment_is_waited_for(void **state)
{
	const struct bench_dir *dir = *state;
	char why[BIND_WHY_SIZE];
	int fd = bind_control(dir->path, geteuid(), getegid(), why), again;
	pid_t pid;

	assert_true(fd >= 0);
	assert_int_equal(bind_control(dir->path, geteuid(), getegid(), why), -1);
	assert_non_null(strstr(why, "is held by another mxtrapd"));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)usleep(300000);
		_exit(0);
	}
	(void)close(fd);		/* the child has it still */
	again = bind_control(dir->path, geteuid(), getegid(), why);
	assert_true(again >= 0);
	(void)close(again);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
something_that_is_no_socket_is_moved_aside(void **state)
{
	const struct bench_dir *dir = *state;
	char why[BIND_WHY_SIZE], path[200], aside[220];
	struct stat st;
	int fd;

		(void)snprintf(path, sizeof(path), "%s/control.sock", dir->path);
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(i == 1 ? close(open(path, O_CREAT | O_WRONLY, 0600)) : mkdir(path, 0700), 0);
		fd = bind_control(dir->path, geteuid(), getegid(), why);
		assert_true(fd >= 0);
		assert_int_equal(lstat(path, &st), 0);
		assert_true(S_ISSOCK(st.st_mode));
		(void)snprintf(aside, sizeof(aside), "%s.aside-%d", path, i);
		assert_int_equal(lstat(aside, &st), 0);
		(void)close(fd);
		(void)unlink(path);
	}
}

static void
an_answer_waits_until_every_reader_sees_what_was_done(void **state)
{
	struct message_admin m = allowance("root", "");
	struct message_answer a;
	struct rig r;

	rig_up(&r, state, false);
	r.turns = 3;
	r.effect = (struct control_effect){ .begun = true, .ended = 2 };
	a = by_socket(&r, &m);
	assert_int_equal(a.ok, 1);
	assert_int_equal(a.ended, 2);
	assert_string_equal(a.text, "192.0.2.7/32: allowed; this ends 2 listings");
	assert_true(r.turns < 0);	/* and not before it was settled */
	assert_int_equal(r.n_applied, 1);
	rig_down(&r);
}

static void
what_was_so_before_is_said(void **state)
{
	static const struct { enum admin_op op; uint32_t expires_s; struct control_effect effect; const char *says; } rows[] = {
		{ ADMIN_ALLOW, 0, { .was = true }, "192.0.2.7/32: allowed already" },
		{ ADMIN_ALLOW, 0, { .was = true, .was_s = 1790000000 }, "192.0.2.7/32: allowed, until another time than before" },
		{ ADMIN_ALLOW, 0, { .was = true }, "192.0.2.7/32: allowed already, now with this note" },
		{ ADMIN_ALLOW, ADMIN_WITHDRAW, { .was = false }, "192.0.2.7/32: was not allowed" },
		{ ADMIN_ALLOW, ADMIN_WITHDRAW, { .was = true, .back = 1 }, "192.0.2.7/32: no longer allowed; 1 listing continues" },
		{ ADMIN_LIST, ADMIN_WITHDRAW, { .was = false }, "192.0.2.7/32: was not listed by hand" },
		{ ADMIN_FORGET, 0, { .was = false }, "192.0.2.7/32: mxtrap knows nothing of it: there was nothing to forget" },
		{ ADMIN_FORGET, 0, { .was = true, .ended = 1 }, "192.0.2.7/32: forgotten; this ends 1 listing" },
		{ ADMIN_PUBLISH, 0, { .was = false }, "nothing was held: there was nothing to accept" },
	};
	struct rig r;

	rig_up(&r, state, false);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct message_admin m = allowance("root", "");
		struct message_answer a;

		m.op = rows[i].op;
		m.expires_s = rows[i].expires_s;
		if (strstr(rows[i].says, "with this note") != NULL)
			(void)snprintf(m.note, sizeof(m.note), "ticket 12");
		r.effect = rows[i].effect;
		a = by_socket(&r, &m);
		assert_string_equal(a.text, rows[i].says);
	}
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(on_the_socket_the_kernel_says_who_it_is, support_setup, support_teardown),
		cmocka_unit_test_setup_teardown(what_web_says_proves_nothing_without_a_token, support_setup, support_teardown),
		cmocka_unit_test_setup_teardown(by_web_it_is_done_in_the_name_of_the_token, support_setup, support_teardown),
		cmocka_unit_test_setup_teardown(where_all_are_one_user_the_socket_wants_a_token_too, support_setup, support_teardown),
		cmocka_unit_test_setup_teardown(whether_it_watches_may_be_asked_without_a_token, support_setup, support_teardown),
		cmocka_unit_test_setup_teardown(an_asker_that_gave_up_is_not_served, support_setup, support_teardown),
		cmocka_unit_test_setup_teardown(what_web_hands_over_does_not_stay_open, support_setup, support_teardown),
		cmocka_unit_test_setup_teardown(web_that_sends_without_pause_does_not_hold_a_turn, support_setup, support_teardown),
		cmocka_unit_test_setup_teardown(the_socket_has_its_mode_from_the_first_moment_on, support_setup, support_teardown),
		cmocka_unit_test_setup_teardown(a_socket_that_is_let_loose_in_a_moment_is_waited_for, support_setup, support_teardown),
		cmocka_unit_test_setup_teardown(something_that_is_no_socket_is_moved_aside, support_setup, support_teardown),
		cmocka_unit_test_setup_teardown(an_answer_waits_until_every_reader_sees_what_was_done, support_setup, support_teardown),
		cmocka_unit_test_setup_teardown(what_was_so_before_is_said, support_setup, support_teardown),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
