/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_confine.c - what a child of mxtrapd can no longer do: be root, start programs, have children of its own.
 *
 * Each is tried in a process that confines itself as a child does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mxtrap/process.h"

#define NOBODY 61190			/* no account has it */

static void *
nothing(void *arg)
{
	return arg;
}

static int
may_have_threads(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, nothing, NULL) == 0 && pthread_join(t, NULL) == 0;
}

static int
may_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return pid > 0;
}

static int
may_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static int
may_start_a_program(void)
{
	char *const argv[] = { (char *)(uintptr_t)"true", NULL };

	(void)execv("/bin/true", argv);
	return errno != EPERM;
}

static int
is_root(void)
{
	return getuid() == 0 || geteuid() == 0 || setresuid(0, 0, 0) == 0;
}

static int
changes_user(void)
{
	return getuid() == NOBODY && getgid() == NOBODY;
}

/* What that says in a confined process: 0 or 1; 3: it would not be confined. */
static int
confined(int (*what)(void), bool change)
{
	pid_t parent = getpid(), pid = fork();
	int status;

	if (pid == 0) {
		static struct process p;

		p.parent = parent;
		p.user = (struct process_user){ .uid = NOBODY, .gid = NOBODY, .change = change };
		process_confine(&p, 0);
		_exit(what());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static void
need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void
a_child_has_threads_and_nothing_else(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(confined(may_have_threads, true), 1);
#if !defined(__SANITIZE_ADDRESS__) && (defined(__x86_64__) || defined(__aarch64__))
	assert_int_equal(confined(may_fork, true), 0);
	assert_int_equal(confined(may_vfork, true), 0);
	assert_int_equal(confined(may_start_a_program, true), 0);
#endif
}

static void
a_child_becomes_another_user_for_good(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(confined(changes_user, true), 1);
	assert_int_equal(confined(is_root, true), 0);
}

static void
a_child_that_would_stay_root_ends(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(confined(is_root, false), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_has_threads_and_nothing_else),
		cmocka_unit_test(a_child_becomes_another_user_for_good),
		cmocka_unit_test(a_child_that_would_stay_root_ends),
	};

	(void)may_fork;
	(void)may_vfork;
	(void)may_start_a_program;
	return cmocka_run_group_tests_name("confine", tests, NULL, NULL);
}
