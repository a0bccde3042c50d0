/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervisor.c - mxtrapd itself: bind, start, watch over, restart, stop.
 *
 * The only process with privileges, so it does little: after start it parses its
 * own configuration (on SIGHUP) and reads fixed heartbeats.  What a child listens
 * on was bound here; when that child dies or falls silent its sockets are shut
 * down first, so that a client is refused and never left hanging.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/bound.h"
#include "mxtrap/log.h"
#include "mxtrap/notify.h"
#include "mxtrap/process.h"
#include "mxtrap/spawn.h"
#include "mxtrap/state.h"

#define TURN_MS		 50		/* how long the loop sleeps at most */
#define STALL_MS	 400		/* a longer turn: we were stopped, not the children */
#define START_MS	 60000		/* until a child must be ready */
#define STOP_MS		 850		/* from SIGTERM to SIGKILL */
#define STOP_LAST_MS	 150		/* watch is asked last: it stores what decoy still said */
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS	 5000
#define CANNOT_STATUS	 3		/* a child's exit status: what it needs is not there, trying again soon is no use */
#define CANNOT_FIRST_MS	 1000
#define CANNOT_MAX_MS	 60000
#define HEALTHY_MS	 30000		/* a life that long forgives earlier deaths */
#define RETRY_FIRST_MS	 2000		/* an IPv6 address takes a second or two to be there */
#define RETRY_MS	 10000
#define LEFT_MS		 1000		/* after STOP_MS: children that we may not kill are left behind */
#define DRAIN_MOST	 16384		/* records: more than a full line holds */
#define SUPERVISOR_LACKS 8

/* One row a kind of process; patience: silence that gets it killed. */
static const struct life {
	int (*run)(struct process *);
	int64_t patience_ms;
} lives[PROCESS_N_ROLES] = {
	[PROCESS_WATCH] = { watch_main, 2000 },
	[PROCESS_DECOY] = { decoy_main, 1000 },
	[PROCESS_WEB] = { web_main, 2000 },
	[PROCESS_LOOKUP] = { lookup_main, 2000 },
	[PROCESS_FIREWALL] = { firewall_main, 5000 },	/* a large set takes the kernel a while */
};

struct child {
	pid_t	 pid;			/* 0: not running */
	int	 line;			/* -1: closed */
	int64_t	 started_ms, beat_ms, since_s;
	int64_t	 start_ms;		/* not running: when to start */
	int64_t	 kill_ms;		/* asked to stop: when patience ends; 0: not asked */
	unsigned backoff_ms, restarts;
	uint32_t n_deaf;
	struct log_rate deaths;
	char	 trouble[PROCESS_TROUBLE_SIZE];	/* what it says that it cannot do now */
	bool	 ready, was_ready, started, unkillable, damaged;
};

struct supervisor {
	const char *path, *program;
	struct config config;
	char	*text;			/* of the configuration, as children parse it */
	struct config next;		/* on reload, until all children are gone */
	char	*next_text;		/* NULL: no reload under way */
	struct users users;		/* who the children are: as it was when we started */
	char	lacks[SUPERVISOR_LACKS][USERS_LACK_SIZE];
	size_t	n_lacks;		/* capabilities that we were not given */
	struct child child[PROCESS_N_ROLES];
	struct bounds bounds;
	int	 accepts[2], doorbell[2];	/* decoy, watch; watch, web */
	int	 lookup[2], firewall[2];	/* watch and that process */
	int	 control_fd, signal_fd;
	struct pem tls;		/* of web, as it was opened last */
	int64_t	 retry_ms, tell_ms, watchdog_ms, turn_ms, stop_ms;	/* stop_ms 0: running */
	struct notify notify;
	bool	 debug, said_ready;
	int	 status;		/* the exit status */
};

static bool
child_wanted(const struct supervisor *s, enum process_role role)
{
	switch (role) {
	case PROCESS_WATCH:
		return true;
	case PROCESS_DECOY:
		return s->config.probe || bounds_count(&s->bounds, role) > 0;
	case PROCESS_FIREWALL:
		return s->config.firewall && s->child[PROCESS_WATCH].was_ready;
	case PROCESS_LOOKUP:
	case PROCESS_WEB:		/* a reader needs a database that is there */
		return bounds_count(&s->bounds, role) > 0 && s->child[PROCESS_WATCH].was_ready;
	case PROCESS_N_ROLES:
		break;
	}
	return false;
}

/* A line between watch and one other: the end of this role; -1 if it has none. */
static int
line_end(const int pair[2], enum process_role role, enum process_role other, bool watch_first)
{
	if (role != PROCESS_WATCH && role != other)
		return -1;
	return pair[(role == PROCESS_WATCH) != watch_first];
}

/* Open what is configured and try it.  False: said why, with the place in the configuration. */
static bool
tls_open(const char *path, const struct config *config, struct pem *out)
{
	struct pem pem = { -1, -1 };
	char why[512], *certificate, *key;
	bool good = pem_open(config, &pem, why, sizeof(why));

	if (good && pem.certificate >= 0) {
		certificate = pem_text(pem.certificate);
		key = pem_text(pem.key);
		good = certificate != NULL && key != NULL && web_tls_good(certificate, key);
		pem_wipe(certificate);
		pem_wipe(key);
		if (!good)
			snprintf(why, sizeof(why), "found %.200s and %.200s, expected a certificate and the key that belongs to it",
			    config->web_certificate, config->web_key);
	}
	if (!good) {
		log_warnx("%s:%u: %s", path, config->web_certificate_line, why);
		pem_close(&pem);
		return false;
	}
	pem_close(out);
	*out = pem;
	return true;
}

/* The files may be newer by now; where they can no longer be opened, or are no good, what was good stays. */
static void
tls_renew(struct supervisor *s)
{
	if (s->config.web_certificate[0] != '\0' && s->child[PROCESS_WEB].started && !tls_open(s->path, &s->config, &s->tls))
		log_warnx("web goes on with the certificate that it had");
}

static void
child_start(struct supervisor *s, enum process_role role, int64_t now)
{
	struct child *c = &s->child[role];
	struct spawn spawn = {
		.role = role, .user = s->users.of[role], .path = s->path, .program = s->program, .text = s->text,
		.debug = s->debug, .bounds = &s->bounds,
		.decoy_fd = line_end(s->accepts, role, PROCESS_DECOY, false),
		.web_fd = line_end(s->doorbell, role, PROCESS_WEB, true),
		.lookup_fd = line_end(s->lookup, role, PROCESS_LOOKUP, true),
		.firewall_fd = line_end(s->firewall, role, PROCESS_FIREWALL, true),
		.control_fd = role == PROCESS_WATCH ? s->control_fd : -1, .certificate_fd = -1, .key_fd = -1,
	};
	int line = -1;
	pid_t pid;

	if (role == PROCESS_WEB) {
		tls_renew(s);
		spawn.certificate_fd = s->tls.certificate;
		spawn.key_fd = s->tls.key;
	}
	pid = spawn_child(&spawn, &line);

	c->start_ms = now + BACKOFF_MAX_MS;
	if (pid < 0)
		return;
	if (c->started)
		c->restarts++;
	c->started = true;
	c->pid = pid;
	c->line = line;
	c->started_ms = c->beat_ms = now;
	c->since_s = (int64_t)time(NULL);
	c->kill_ms = 0;
	c->n_deaf = 0;
	c->trouble[0] = '\0';
	c->ready = c->unkillable = c->damaged = false;
	log_debug("%s started (pid %d)", process_name(role), (int)pid);
}

/*
 * A signal to a child, or what can be had without the right to send one (CAP_KILL: children are other users):
 * its line is closed, and a child whose line is closed ends by itself.
 */
static void
child_signal(struct supervisor *s, enum process_role role, int number)
{
	struct child *c = &s->child[role];

	if (kill(c->pid, number) == 0 || errno != EPERM)
		return;
	if (c->line >= 0)
		close(c->line);
	c->line = -1;
	if (number == SIGKILL && !c->unkillable) {
		c->unkillable = true;
		log_warnx("%s (pid %d) hangs and cannot be killed without CAP_KILL: kill -9 %d", process_name(role),
		    (int)c->pid, (int)c->pid);
	}
}

/* What a dead child has left of its own is ours now (PR_SET_CHILD_SUBREAPER): it held our sockets. */
static void
kill_strays(struct supervisor *s)
{
	char path[64];
	FILE *f;
	int pid;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	if ((f = fopen(path, "re")) == NULL)
		return;
	while (fscanf(f, "%d", &pid) == 1) {
		bool known = false;

		for (int i = 0; i < PROCESS_N_ROLES; i++)
			known = known || s->child[i].pid == pid;
		if (!known && kill(pid, SIGKILL) == 0)
			log_warnx("pid %d was started by a process of mxtrapd and outlived it: killed", pid);
	}
	(void)fclose(f);
}

/* Ask it to stop; it is killed if it does not. */
static void
child_stop(struct supervisor *s, enum process_role role, int64_t now)
{
	struct child *c = &s->child[role];

	if (c->pid == 0 || c->kill_ms != 0)
		return;
	bounds_shut(&s->bounds, role);
	child_signal(s, role, SIGTERM);
	c->kill_ms = now + STOP_MS;
}

/* It is gone: refuse, close, and set the hour of its return. */
static void
child_gone(struct supervisor *s, enum process_role role, int status, int64_t now)
{
	struct child *c = &s->child[role];
	bool asked = c->kill_ms != 0, cannot = WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_STATUS;
	unsigned most = cannot ? CANNOT_MAX_MS : BACKOFF_MAX_MS;
	uint32_t hushed;

	bounds_shut(&s->bounds, role);
	if (c->line >= 0)
		close(c->line);
	c->line = -1;
	if (asked) {
		c->start_ms = now;
	} else if (!c->was_ready && WIFEXITED(status) && WEXITSTATUS(status) == PROCESS_REFUSED) {
		s->stop_ms = now;	/* it has said why: a second try would find the same */
		s->status = 3;
	} else {
		if (cannot && c->backoff_ms < CANNOT_FIRST_MS) {
			c->backoff_ms = CANNOT_FIRST_MS;
			log_warnx("%s cannot do its work (it said why): is tried again, at last once a minute",
			    process_name(role));
		}
		if (!cannot && !(WIFEXITED(status) && WEXITSTATUS(status) == PROCESS_AGAIN) && log_may(&c->deaths, now / 1000, &hushed))
			log_warnx("%s (pid %d) %s %d, is started again",
			    process_name(role), (int)c->pid,
			    WIFSIGNALED(status) ? "was killed by signal" : "ended with status",
			    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		/* Counted from its last start: only who dies young has to wait. */
		if (now - c->started_ms >= HEALTHY_MS)
			c->backoff_ms = 0;
		c->start_ms = c->started_ms + c->backoff_ms;
		c->backoff_ms = c->backoff_ms == 0 ? BACKOFF_FIRST_MS : c->backoff_ms * 2;
		if (c->backoff_ms > most)
			c->backoff_ms = most;
	}
	c->pid = 0;
	c->ready = false;
	c->kill_ms = 0;
	c->trouble[0] = '\0';
	s->tell_ms = now;
}

static void
child_read(struct supervisor *s, enum process_role role, int64_t now)
{
	struct child *c = &s->child[role];
	struct message_heartbeat beat;

	for (int i = 0; i < 16 && c->line >= 0; i++) {
		int n = message_take(c->line, LINE_CHILD_TO_SUPERVISOR, &beat, sizeof(beat));

		if (n == 0)
			return;
		if (n == -1) {		/* its end is near; the status tells */
			close(c->line);
			c->line = -1;
			return;
		}
		if (n != (int)sizeof(beat) || beat.head.kind != MESSAGE_HEARTBEAT)
			continue;
		c->beat_ms = now;
		c->n_deaf = beat.n_deaf;
		if (c->damaged != (beat.damaged != 0))
			s->tell_ms = now;
		c->damaged = beat.damaged != 0;
		if (strcmp(c->trouble, beat.trouble) != 0) {
			memcpy(c->trouble, beat.trouble, sizeof(c->trouble));
			s->tell_ms = now;
		}
		if (beat.ready != 0 && !c->ready) {
			c->ready = c->was_ready = true;
			s->tell_ms = now;
			log_info("%s is ready (pid %d)", process_name(role), (int)c->pid);
		}
	}
}

static void
child_judge(struct supervisor *s, enum process_role role, int64_t now)
{
	struct child *c = &s->child[role];
	int64_t silent = now - c->beat_ms;

	if (c->pid == 0) {
		if (s->stop_ms == 0 && s->next_text == NULL && now >= c->start_ms &&
		    child_wanted(s, role))
			child_start(s, role, now);
	} else if (c->kill_ms != 0) {
		if (now >= c->kill_ms)
			child_signal(s, role, SIGKILL);
	} else if (!c->unkillable && silent > (c->ready ? lives[role].patience_ms : START_MS)) {
		bounds_shut(&s->bounds, role);	/* first of all */
		log_warnx("%s (pid %d) is silent for %lld ms, is killed", process_name(role),
		    (int)c->pid, (long long)silent);
		child_signal(s, role, SIGKILL);
		c->beat_ms = now;
	}
}

static void
reap(struct supervisor *s, int64_t now)
{
	bool reaped = false;
	int status;
	pid_t pid;

	for (; (pid = waitpid(-1, &status, WNOHANG)) > 0; reaped = true)
		for (int i = 0; i < PROCESS_N_ROLES; i++)
			if (s->child[i].pid == pid)
				child_gone(s, (enum process_role)i, status, now);
	if (reaped)
		kill_strays(s);
}

static size_t
running(const struct supervisor *s)
{
	size_t n = 0;

	for (int i = 0; i < PROCESS_N_ROLES; i++)
		n += s->child[i].pid != 0;
	return n;
}

/* Sockets that could not be had may be free by now: their child comes back with them. */
static void
retry_bind(struct supervisor *s, int64_t now)
{
	for (int i = 0; i < PROCESS_N_ROLES; i++)
		if (bounds_retry(&s->bounds, (enum process_role)i, s->child[i].n_deaf > 0))
			child_stop(s, (enum process_role)i, now);
	s->retry_ms = now + RETRY_MS;
}

/* One complaint more, in words; those without a place are counted. */
static void __attribute__((format(printf, 3, 4)))
complain(struct message_processes *m, size_t *n, const char *fmt, ...)
{
	va_list ap;

	if (*n < MESSAGE_MAX_COMPLAINTS) {
		va_start(ap, fmt);
		(void)vsnprintf(m->complaint[*n].what, sizeof(m->complaint[*n].what), fmt, ap);
		va_end(ap);
	}
	(*n)++;
}

/* Who runs, and what is wrong, for status. */
static void
tell_watch(struct supervisor *s, int64_t now)
{
	struct message_processes m = { .head = { 0 } };
	size_t n = 0;

	message_init(&m.head, MESSAGE_PROCESSES, sizeof(m));
	for (int i = 0; i < PROCESS_N_ROLES; i++) {
		const struct child *c = &s->child[i];

		/* Who has nothing to do by this configuration is not missing. */
		if (i != PROCESS_WATCH && c->pid == 0 && !bounds_asked(&s->bounds, (enum process_role)i) &&
		    !(i == PROCESS_FIREWALL && s->config.firewall))
			continue;
		snprintf(m.process[i].name, sizeof(m.process[i].name), "%s",
		    process_name((enum process_role)i));
		m.process[i].pid = c->pid;
		m.process[i].restarts = c->restarts;
		m.process[i].since_s = c->since_s;
	}
	for (size_t i = 0; i < s->n_lacks && i < SUPERVISOR_LACKS; i++)
		complain(&m, &n, "%s", s->lacks[i]);
	for (int i = 0; i < PROCESS_N_ROLES; i++)
		if (s->child[i].trouble[0] != '\0')
			complain(&m, &n, "%s %s", process_name((enum process_role)i), s->child[i].trouble);
	for (int i = 0; i < PROCESS_N_ROLES; i++)
		if (s->child[i].pid != 0 && s->child[i].damaged) {
			m.damaged = 1;
			complain(&m, &n, "%s finds the database damaged: it is checked", process_name((enum process_role)i));
		}
	for (size_t i = 0; i < s->bounds.n; i++)
		if (s->bounds.bound[i].why[0] != '\0')
			complain(&m, &n, "%s", s->bounds.bound[i].why);
	if (n > MESSAGE_MAX_COMPLAINTS)		/* the last place tells of those without one */
		snprintf(m.complaint[MESSAGE_MAX_COMPLAINTS - 1].what, sizeof(m.complaint[0].what),
		    "%zu more things cannot be had: see the log", n - MESSAGE_MAX_COMPLAINTS + 1);
	if (s->child[PROCESS_WATCH].ready && s->child[PROCESS_WATCH].line >= 0)
		message_send(s->child[PROCESS_WATCH].line, &m, sizeof(m));
	s->tell_ms = now + 1000;
}

static void
tell_systemd(struct supervisor *s, int64_t now)
{
	bool ready = true;

	for (int i = 0; i < PROCESS_N_ROLES; i++)
		if (child_wanted(s, (enum process_role)i) && !s->child[i].was_ready)
			ready = false;
	if (ready && !s->said_ready) {
		s->said_ready = true;
		log_info("all processes are ready");
		notify_say(&s->notify, "READY=1");
	}
	if (s->notify.watchdog_ms != 0 && now >= s->watchdog_ms) {
		notify_say(&s->notify, "WATCHDOG=1");
		s->watchdog_ms = now + s->notify.watchdog_ms;
	}
}

/* Without this process nobody could take anyone from the kernel's sets again: they go before it does. */
static void
firewall_off(const struct supervisor *s)
{
	struct message_rows m = { .flags = ROWS_OFF };

	message_init(&m.head, MESSAGE_ROWS, sizeof(m));
	if (message_send(s->firewall[0], &m, sizeof(m)) != 1)
		log_warnx("the firewall process does not listen: \"nft delete table inet mxtrapd\" ends what it refuses");
}

/* A new configuration: parsed and found good before anything is touched. */
static void
reload_begin(struct supervisor *s, int64_t now)
{
	char *text = config_read(s->path);
	struct config next = { 0 };

	if (text == NULL || config_parse(&next, s->path, text) < 0) {
		log_warnx("the new configuration is not good: nothing is changed");
		free(text);
		return;
	}
	if (!tls_open(s->path, &next, &s->tls)) {
		log_warnx("the new configuration is not good: nothing is changed");
		config_free(&next);
		free(text);
		return;
	}
	if (strcmp(next.state_dir, s->config.state_dir) != 0 || next.n_interfaces == 0) {
		log_warnx("the new configuration %s: nothing is changed", next.n_interfaces == 0 ?
		    "has no interface" : "has another state-dir, which needs a restart");
		config_free(&next);
		free(text);
		return;
	}
	if (s->next_text != NULL) {
		config_free(&s->next);
		free(s->next_text);
	}
	if (next.warnings != NULL)
		fputs(next.warnings, stderr);
	s->next = next;
	s->next_text = text;
	log_info("the configuration is read again: all processes start again");
	if (s->config.firewall && !next.firewall)
		firewall_off(s);
	for (int i = 0; i < PROCESS_N_ROLES; i++)
		child_stop(s, (enum process_role)i, now);
}

/* What lies there now; who goes on sending does not hold us. */
static void
drain(int fd)
{
	for (int i = 0; i < DRAIN_MOST && recv(fd, NULL, 0, MSG_DONTWAIT | MSG_TRUNC) > 0; i++)
		;
}

static void
reload_end(struct supervisor *s, int64_t now)
{
	config_free(&s->config);
	free(s->text);
	s->config = s->next;
	s->text = s->next_text;
	s->next_text = NULL;
	/* What the old decoy and lookup noted and nobody read names targets of the old configuration. */
	drain(s->accepts[1]);
	drain(s->lookup[0]);
	drain(s->lookup[1]);
	bounds_apply(&s->bounds, &s->config);
	s->retry_ms = now + RETRY_FIRST_MS;
	for (int i = 0; i < PROCESS_N_ROLES; i++) {
		s->child[i].backoff_ms = 0;
		s->child[i].start_ms = now;
		s->child[i].was_ready = false;
	}
	s->said_ready = false;
}

static void
read_signals(struct supervisor *s, int64_t now)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		/* From the kernel, SIGHUP says that the terminal is gone. */
		bool terminal = info.ssi_signo == SIGHUP && info.ssi_code == SI_KERNEL;

		if (info.ssi_signo == SIGHUP && !terminal && s->stop_ms == 0)
			reload_begin(s, now);
		else if ((info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT || terminal) &&
		    s->stop_ms == 0) {
			s->stop_ms = now;
			notify_say(&s->notify, "STOPPING=1");
		}
	}
}

/* Those who speak to watch first; then watch.  True: all are gone. */
static bool
stop_all(struct supervisor *s, int64_t now)
{
	size_t others = running(s) - (s->child[PROCESS_WATCH].pid != 0);

	for (int i = 0; i < PROCESS_N_ROLES; i++) {
		struct child *c = &s->child[i];

		if (i != PROCESS_WATCH || others == 0 || now - s->stop_ms > STOP_LAST_MS)
			child_stop(s, (enum process_role)i, now);
		if (c->pid != 0 && c->kill_ms > s->stop_ms + STOP_MS)
			c->kill_ms = s->stop_ms + STOP_MS;
	}
	if (now - s->stop_ms <= STOP_MS + LEFT_MS)
		return running(s) == 0;
	for (int i = 0; i < PROCESS_N_ROLES; i++)
		if (s->child[i].pid != 0)
			log_warnx("%s (pid %d) is left behind", process_name((enum process_role)i), (int)s->child[i].pid);
	return true;
}

/* We slept ourselves (stopped, or the machine was): each may beat once more before it is judged. */
static void
forgive(struct supervisor *s, int64_t now)
{
	for (int i = 0; i < PROCESS_N_ROLES; i++) {
		int64_t least = now - lives[i].patience_ms + STALL_MS;

		if (s->child[i].beat_ms < least)
			s->child[i].beat_ms = least;
	}
}

static void
turn(struct supervisor *s)
{
	struct pollfd fds[PROCESS_N_ROLES + 1] = { { .fd = s->signal_fd, .events = POLLIN } };
	bool stalled;
	int64_t now;

	for (int i = 0; i < PROCESS_N_ROLES; i++)
		fds[i + 1] = (struct pollfd){ .fd = s->child[i].line, .events = POLLIN };
	poll(fds, PROCESS_N_ROLES + 1, s->stop_ms != 0 ? 5 : TURN_MS);
	now = process_now_ms();
	stalled = s->turn_ms != 0 && now - s->turn_ms > STALL_MS;
	s->turn_ms = now;
	read_signals(s, now);
	for (int i = 0; i < PROCESS_N_ROLES; i++)
		child_read(s, (enum process_role)i, now);
	if (stalled)
		forgive(s, now);
	reap(s, now);
	if (s->next_text != NULL && s->stop_ms == 0 && running(s) == 0)
		reload_end(s, now);
	for (int i = 0; i < PROCESS_N_ROLES; i++)
		child_judge(s, (enum process_role)i, now);
	if (s->stop_ms == 0 && s->next_text == NULL && now >= s->retry_ms)
		retry_bind(s, now);
	if (now >= s->tell_ms)
		tell_watch(s, now);
	tell_systemd(s, now);
}

int
supervisor_run(const char *config_path, const char *program)
{
	struct supervisor s = { .path = config_path, .program = program, .tls = { -1, -1 } };

	s.bounds.users = &s.users;

	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);	/* what our parent left open ends with us */
	s.text = config_read(config_path);
	if (s.text == NULL || config_parse(&s.config, config_path, s.text) < 0)
		return 1;
	if (s.config.warnings != NULL)
		fputs(s.config.warnings, stderr);
	if (s.config.n_interfaces == 0) {
		fprintf(stderr, "%s: found no interface, expected interface = \"NAME\" to watch, as `ip link` shows it\n",
		    config_path);
		return 1;
	}
	if (!tls_open(config_path, &s.config, &s.tls))
		return 1;
	if (!users_choose(&s.users, &s.config))
		return 3;
	s.n_lacks = users_lacking(&s.users, &s.config, s.lacks, SUPERVISOR_LACKS);
	for (size_t i = 0; i < s.n_lacks && i < SUPERVISOR_LACKS; i++)
		log_warnx("%s", s.lacks[i]);
	/* What a child leaves behind comes to us, and not to init. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	for (int i = 0; i < PROCESS_N_ROLES; i++)
		s.child[i].line = -1;
	s.debug = log_debugging();
	notify_open(&s.notify);
	s.signal_fd = process_signals(true);
	if (s.signal_fd < 0 || !spawn_pair(s.accepts) || !spawn_pair(s.doorbell) ||
	    !spawn_pair(s.lookup) || !spawn_pair(s.firewall))
		fatal("cannot start");
	s.control_fd = state_open(s.config.state_dir, &s.users);
	if (s.control_fd < 0)
		return 3;
	bounds_apply(&s.bounds, &s.config);
	s.retry_ms = process_now_ms() + RETRY_FIRST_MS;
	process_confine_supervisor(&s.config);
	while (s.stop_ms == 0 || !stop_all(&s, process_now_ms()))
		turn(&s);
	log_info("all processes have ended");
	pem_close(&s.tls);
	bounds_free(&s.bounds);
	config_free(&s.config);
	free(s.text);
	return s.status;
}

int
process_enter(int argc, char **argv)
{
	static struct process p;	/* large, and lives as long as the process */
	int status;

	if (!process_adopt(&p, argc, argv))
		return 2;
	status = lives[p.role].run(&p);
	config_free(&p.config);
	return status;
}
