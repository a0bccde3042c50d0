/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process.h - the frame that each process of mxtrap lives in.
 *
 * mxtrapd binds and supervises; a child is fork + exec of the same program with
 * a role.  Every child gets the same five things, by inherited descriptor: the
 * configuration's text, its line to mxtrapd (heartbeats), its sockets (bound,
 * never listened on), its peer lines.  A new kind of process is one row in
 * daemon/supervisor.c's table and one function here.
 */
#ifndef MXTRAP_PROCESS_H
#define MXTRAP_PROCESS_H

#include "mxtrap/config.h"
#include "mxtrap/message.h"
#include "mxtrap/pem.h"

enum process_role {
	PROCESS_WATCH, PROCESS_DECOY, PROCESS_WEB, PROCESS_LOOKUP, PROCESS_FIREWALL, PROCESS_N_ROLES
};

/* What a socket of lookup is for: its process_socket.target. */
enum process_use { USE_DNS_UDP, USE_DNS_TCP, USE_POSTFIX };

#define PROCESS_MAX_SOCKETS 512
#define PROCESS_TROUBLE_SIZE 200

/* A role's exit status before its work began: what it found is not ours, all of mxtrapd ends. */
#define PROCESS_REFUSED 4
/* It has said why it begins again. */
#define PROCESS_AGAIN 5

struct process_socket {
	int	 fd;
	uint32_t target;	/* decoy: index into ladder.targets; lookup: enum process_use; others: 0 */
};

/* Who a process runs as (users.h). */
struct process_user {
	uint32_t uid, gid, group;	/* group: one more, whose files it may read; 0: none */
	bool	 change;		/* false: it stays who it is, and shares that with all the others */
};

struct process {
	enum process_role role;
	struct process_user user;
	bool	 shared;		/* all processes run under one user: file modes separate nothing */
	struct config	  config;	/* parsed from the inherited text */
	int	 supervisor_fd;		/* heartbeats out; MESSAGE_PROCESSES in (watch only) */
	int	 decoy_fd;		/* watch: accepts in.  decoy: accepts out.  else -1 */
	int	 web_fd;		/* watch: doorbell out, requests in.  web: its other end.  else -1 */
	int	 lookup_fd;		/* watch: doorbell out, sightings in.  lookup: its other end.  else -1 */
	int	 firewall_fd;		/* watch: rows out, requests in.  firewall: its other end.  else -1 */
	struct pem tls;			/* web: its certificate and key.  else -1 */
	int	 control_fd;		/* watch: admin datagrams.  else -1 */
	size_t	 n_sockets;		/* bound, not listening: port 25 (decoy), HTTP (web), DNS and Postfix (lookup) */
	struct process_socket sockets[PROCESS_MAX_SOCKETS];
	int	 signal_fd;		/* SIGTERM, SIGINT, SIGHUP; blocked otherwise */
	uint32_t n_deaf;		/* sockets on which listen() failed: goes with each heartbeat */
	bool	 damaged;		/* what it reads of the database is damaged; likewise */
	char	 trouble[PROCESS_TROUBLE_SIZE];	/* what it cannot do now, a line for status; "": nothing; likewise */
	/* The frame's own. */
	int32_t	 parent;		/* the supervisor's pid; 0: not to be checked */
	int64_t	 beat_ms;
	bool	 stopping;
};

/*
 * Each role's life: open what it needs, process_confine(), loop until SIGTERM or the
 * supervisor's line closes, close; return the exit status.  A stop takes under 1 s,
 * also on a silent link.
 */
int watch_main(struct process *);
int decoy_main(struct process *);
int web_main(struct process *);
/* Do a certificate and a key (the text of PEM files) belong together, and can they be used? */
bool web_tls_good(const char *certificate, const char *key);
int lookup_main(struct process *);
int firewall_main(struct process *);

/* CLOCK_MONOTONIC: for intervals only. */
int64_t process_now_ms(void);
/* Send a heartbeat if 250 ms have passed since the last one (CLOCK_MONOTONIC);
 * returns the ms until the next is due.  ready: work has begun. */
int process_heartbeat(struct process *, bool ready);
/* SIGTERM, SIGINT or a lost supervisor: true.  SIGHUP sets *reload.  Reads signal_fd, never waits. */
bool process_should_stop(struct process *, bool *reload);
/* Give up the rest: user, capabilities but keep_caps (bit mask of CAP_*), no_new_privs, no other program and
 * no child of its own from here on, not dumpable, die with the parent.  Logs a capability that it should
 * keep and has not.  Fatal if it cannot give up the rest, or would run as root. */
void process_confine(struct process *, uint64_t keep_caps);

/* The supervisor's own: keep only what its children need to be started again (NET_ADMIN only where a
 * firewall is configured). */
void process_confine_supervisor(const struct config *);
/* The capabilities that this process has: bit mask of CAP_*. */
uint64_t process_caps(void);
const char *process_name(enum process_role);
/* Block SIGTERM, SIGINT, SIGHUP (and SIGCHLD), ignore SIGPIPE; a descriptor to read them from, or -1. */
int process_signals(bool children);
/* Child: take over what the supervisor handed down.  False: said why. */
bool process_adopt(struct process *, int argc, char **argv);

/* The supervisor: bind, start, watch, restart; returns the exit status. */
int supervisor_run(const char *config_path, const char *program);
/* Entry of a child: `mxtrapd --role NAME --fds ...` as the supervisor started it. */
int process_enter(int argc, char **argv);

#endif
