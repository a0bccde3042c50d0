/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process.c - a child's side of the frame: what it inherits, its heartbeat, its end.
 *
 * A child knows its supervisor by one line only.  When that line closes it stops:
 * nothing of mxtrap outlives a killed supervisor.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/log.h"
#include "mxtrap/process.h"

#define PROCESS_BEAT_MS	   250
#define PROCESS_TEXT_MAX   (4U << 20)

static const char *const role_names[PROCESS_N_ROLES] = {
	[PROCESS_WATCH] = "watch", [PROCESS_DECOY] = "decoy", [PROCESS_WEB] = "web",
	[PROCESS_LOOKUP] = "lookup", [PROCESS_FIREWALL] = "firewall",
};
/* Borrowed for ever by log_name(); 15 bytes at most also for ps. */
static const char *const long_names[PROCESS_N_ROLES] = {
	[PROCESS_WATCH] = "mxtrapd/watch", [PROCESS_DECOY] = "mxtrapd/decoy",
	[PROCESS_WEB] = "mxtrapd/web", [PROCESS_LOOKUP] = "mxtrapd/lookup",
	[PROCESS_FIREWALL] = "mxtrapd/firewl",	/* 15 bytes are all that ps shows */
};

const char *
process_name(enum process_role role)
{
	return role_names[role];
}

int64_t
process_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool
take_fd(const char *text, char **end, int *out)
{
	long n = strtol(text, end, 10);

	if (*end == text || n < 0 || n > 65535 || fcntl((int)n, F_SETFD, FD_CLOEXEC) < 0)
		return false;
	*out = (int)n;
	return true;
}

/* "7:12": descriptor and target. */
static bool
take_socket(struct process *p, const char *text, char **end)
{
	struct process_socket *s = &p->sockets[p->n_sockets];
	long target;

	if (p->n_sockets == PROCESS_MAX_SOCKETS || !take_fd(text, end, &s->fd) || **end != ':')
		return false;
	text = *end + 1;
	target = strtol(text, end, 10);
	if (*end == text || target < 0 || target > UINT32_MAX)
		return false;
	s->target = (uint32_t)target;
	p->n_sockets++;
	return true;
}

/* "1:998:998:0": does it change its user (or share it with all), and to which; one more group. */
static bool
take_user(struct process *p, const char *text, char **end)
{
	uint32_t *parts[] = { &p->user.uid, &p->user.gid, &p->user.group };
	long n = strtol(text, end, 10);

	if (*end == text || n < 0 || n > 1)
		return false;
	p->user.change = n == 1;
	p->shared = n == 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (**end != ':')
			return false;
		text = *end + 1;
		n = strtol(text, end, 10);
		if (*end == text || n < 0 || n >= UINT32_MAX)
			return false;
		*parts[i] = (uint32_t)n;
	}
	return !p->user.change || (p->user.uid != 0 && p->user.gid != 0);
}

/* "p123,i1:998:998:0,t3,s4,d5,b6,c7,l8:0,l9:1": a letter and its descriptor. */
static bool
take_fds(struct process *p, const char *text, int *text_fd)
{
	char *end = NULL;

	*text_fd = -1;
	while (*text != '\0') {
		char what = *text++;
		bool ok = false;

		switch (what) {
		case 'p':
			p->parent = (int32_t)strtol(text, &end, 10);
			ok = end > text;
			break;
		case 'i':
			ok = take_user(p, text, &end);
			break;
		case 't':
			ok = take_fd(text, &end, text_fd);
			break;
		case 's':
			ok = take_fd(text, &end, &p->supervisor_fd);
			break;
		case 'd':
			ok = take_fd(text, &end, &p->decoy_fd);
			break;
		case 'b':
			ok = take_fd(text, &end, &p->web_fd);
			break;
		case 'u':
			ok = take_fd(text, &end, &p->lookup_fd);
			break;
		case 'f':
			ok = take_fd(text, &end, &p->firewall_fd);
			break;
		case 'x':
			ok = take_fd(text, &end, &p->tls.certificate);
			break;
		case 'k':
			ok = take_fd(text, &end, &p->tls.key);
			break;
		case 'c':
			ok = take_fd(text, &end, &p->control_fd);
			break;
		case 'l':
			ok = take_socket(p, text, &end);
			break;
		}
		if (!ok || (*end != ',' && *end != '\0'))
			return false;
		text = *end == ',' ? end + 1 : end;
	}
	return *text_fd >= 0 && p->supervisor_fd >= 0;
}

static bool
take_config(struct config *config, const char *path, int fd)
{
	struct stat st;
	char *text;
	bool ok = false;

	if (fstat(fd, &st) < 0 || st.st_size < 0 || st.st_size > PROCESS_TEXT_MAX)
		return false;
	text = calloc(1, (size_t)st.st_size + 1);
	if (text != NULL && pread(fd, text, (size_t)st.st_size, 0) == st.st_size)
		ok = config_parse(config, path, text) == 0;
	free(text);
	close(fd);
	return ok;
}

int
process_signals(bool children)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (children)
		sigaddset(&set, SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* argv: mxtrapd --role NAME --fds LIST -c FILE [-d] */
bool
process_adopt(struct process *p, int argc, char **argv)
{
	int text_fd = -1, role = 0;

	*p = (struct process){ .supervisor_fd = -1, .decoy_fd = -1, .web_fd = -1,
	    .lookup_fd = -1, .firewall_fd = -1, .control_fd = -1, .signal_fd = -1, .tls = { -1, -1 } };
	if (argc < 7 || strcmp(argv[1], "--role") != 0 || strcmp(argv[3], "--fds") != 0 ||
	    strcmp(argv[5], "-c") != 0)
		return false;
	while (role < PROCESS_N_ROLES && strcmp(argv[2], role_names[role]) != 0)
		role++;
	if (role == PROCESS_N_ROLES)
		return false;
	p->role = (enum process_role)role;
	log_name(long_names[role]);
	log_verbose(argc > 7 && strcmp(argv[7], "-d") == 0);
	prctl(PR_SET_NAME, long_names[role], 0, 0, 0);
	if (!take_fds(p, argv[4], &text_fd)) {
		log_warnx("found no descriptors of mxtrapd, which alone starts a role");
		return false;
	}
	p->signal_fd = process_signals(false);
	if (!take_config(&p->config, argv[6], text_fd) || p->signal_fd < 0) {
		log_warn("the configuration or the signals could not be taken over");
		return false;
	}
	return true;
}

int
process_heartbeat(struct process *p, bool ready)
{
	struct message_heartbeat beat = { .ready = ready, .n_deaf = p->n_deaf, .damaged = p->damaged };
	int64_t now = process_now_ms(), due = p->beat_ms + PROCESS_BEAT_MS;

	if (p->beat_ms != 0 && now < due)
		return (int)(due - now);
	p->beat_ms = now;
	message_init(&beat.head, MESSAGE_HEARTBEAT, sizeof(beat));
	(void)snprintf(beat.trouble, sizeof(beat.trouble), "%s", p->trouble);
	/* A full line means that the supervisor is stopped, not gone. */
	if (message_send(p->supervisor_fd, &beat, sizeof(beat)) < 0)
		p->stopping = true;
	return PROCESS_BEAT_MS;
}

bool
process_should_stop(struct process *p, bool *reload)
{
	struct signalfd_siginfo info;
	struct pollfd line = { .fd = p->supervisor_fd };

	while (read(p->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			if (reload != NULL)
				*reload = true;
		} else {
			p->stopping = true;
		}
	}
	if (poll(&line, 1, 0) == 1 && (line.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
		p->stopping = true;
	return p->stopping;
}
