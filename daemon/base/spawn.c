/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spawn.c - a child's start: fork, hand down, and run this program again with a role.
 *
 * A fresh image of the same program: nothing of mxtrapd's memory reaches a child,
 * and of its descriptors only those that are named on the command line.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mxtrap/log.h"
#include "mxtrap/spawn.h"

#define PAIR_BYTES (4 << 20)

bool
spawn_pair(int pair[2])
{
	int bytes = PAIR_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return false;
	for (int i = 0; i < 2; i++)	/* room for what comes while the other end is restarted */
		if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
			setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return true;
}

static int
text_fd(const char *text)
{
	int fd = memfd_create("mxtrap.conf", MFD_CLOEXEC);
	size_t len = strlen(text);

	if (fd >= 0 && write(fd, text, len) != (ssize_t)len) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The child's inheritance in words; each descriptor named loses its close-on-exec flag. */
static void
hand_down(FILE *list, char letter, int fd)
{
	if (fd < 0)
		return;
	fcntl(fd, F_SETFD, 0);
	fprintf(list, ",%c%d", letter, fd);
}

/* In the new process.  Does not return. */
static _Noreturn void
spawn_exec(const struct spawn *s, int line, int text, pid_t parent)
{
	char *fds = NULL;
	size_t size = 0;
	FILE *list = open_memstream(&fds, &size);
	int null = open("/dev/null", O_RDWR);
	char *argv[] = { (char *)(uintptr_t)"mxtrapd", (char *)(uintptr_t)"--role",
	    (char *)(uintptr_t)process_name(s->role), (char *)(uintptr_t)"--fds", NULL,
	    (char *)(uintptr_t)"-c", (char *)(uintptr_t)s->path,
	    s->debug ? (char *)(uintptr_t)"-d" : NULL, NULL };

	if (list == NULL || null < 0 || dup2(null, STDIN_FILENO) < 0)
		_exit(3);
	close(null);
	setsid();			/* what a terminal sends is for mxtrapd alone */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(3);
	fprintf(list, "p%d,i%d:%u:%u:%u", (int)parent, s->user.change, s->user.uid, s->user.gid, s->user.group);
	hand_down(list, 't', text);
	hand_down(list, 's', line);
	hand_down(list, 'd', s->decoy_fd);
	hand_down(list, 'b', s->web_fd);
	hand_down(list, 'u', s->lookup_fd);
	hand_down(list, 'f', s->firewall_fd);
	hand_down(list, 'c', s->control_fd);
	hand_down(list, 'x', s->certificate_fd);
	hand_down(list, 'k', s->key_fd);
	for (size_t i = 0; i < s->bounds->n; i++) {
		const struct bound *b = &s->bounds->bound[i];

		if (b->role == s->role && b->fd >= 0) {
			hand_down(list, 'l', b->fd);
			fprintf(list, ":%u", b->target);
		}
	}
	if (fclose(list) != 0)
		_exit(3);
	argv[4] = fds;
	execv("/proc/self/exe", argv);
	execv(s->program, argv);
	_exit(3);
}

pid_t
spawn_child(const struct spawn *s, int *line)
{
	int pair[2], text = text_fd(s->text);
	pid_t parent = getpid(), pid;

	if (text < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		log_warn("%s cannot be started", process_name(s->role));
		if (text >= 0)
			close(text);
		return -1;
	}
	pid = fork();
	if (pid == 0)
		spawn_exec(s, pair[1], text, parent);
	close(text);
	close(pair[1]);
	if (pid < 0) {
		log_warn("%s cannot be started", process_name(s->role));
		close(pair[0]);
		return -1;
	}
	*line = pair[0];
	return pid;
}
