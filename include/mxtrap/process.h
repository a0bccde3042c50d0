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

/* A role's exit status before its work began: what it found is not ours, all of mxtrapd ends. */
#define PROCESS_REFUSED 4

struct process_socket {
	int	 fd;
	uint32_t target;	/* decoy: index into ladder.targets; lookup: enum process_use; others: 0 */
};

struct process {
	enum process_role role;
	struct config	  config;	/* parsed from the inherited text */
	int	 supervisor_fd;		/* heartbeats out; MESSAGE_PROCESSES in (watch only) */
	int	 decoy_fd;		/* watch: accepts in.  decoy: accepts out.  else -1 */
	int	 web_fd;		/* watch: doorbell out.  web: doorbell in.  else -1 */
	int	 lookup_fd;		/* watch: doorbell out, sightings in.  lookup: its other end.  else -1 */
	int	 firewall_fd;		/* watch: rows out, requests in.  firewall: its other end.  else -1 */
	struct pem tls;			/* web: its certificate and key.  else -1 */
	int	 control_fd;		/* watch: admin datagrams.  else -1 */
	size_t	 n_sockets;		/* bound, not listening: port 25 (decoy), HTTP (web), DNS and Postfix (lookup) */
	struct process_socket sockets[PROCESS_MAX_SOCKETS];
	int	 signal_fd;		/* SIGTERM, SIGINT, SIGHUP; blocked otherwise */
	uint32_t n_deaf;		/* sockets on which listen() failed: told with each heartbeat */
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
/* Give up the rest: user of the role, capabilities but keep_caps (bit mask of CAP_*), no_new_privs, not
 * dumpable, die with the parent.  Says so once if it cannot.  Fatal if it should and fails. */
void process_confine(struct process *, uint64_t keep_caps);

/* The supervisor's own: keep only what its children need to be started again (NET_ADMIN only where a
 * firewall is configured).  Says so if it lacks them or their users. */
void process_confine_supervisor(const struct config *);
/* The role's name, and the user and group that it runs as. */
const char *process_name(enum process_role);
/* The ids of a user; false: there is none of that name. */
bool process_user(const char *name, uint32_t *uid, uint32_t *gid);
/* Block SIGTERM, SIGINT, SIGHUP (and SIGCHLD), ignore SIGPIPE; a descriptor to read them from, or -1. */
int process_signals(bool children);
/* Child: take over what the supervisor handed down.  False: said why. */
bool process_adopt(struct process *, int argc, char **argv);

/* The supervisor: bind, start, watch, restart; returns the exit status. */
int supervisor_run(const char *config_path, const char *program);
/* Entry of a child: `mxtrapd --role NAME --fds ...` as the supervisor started it. */
int process_enter(int argc, char **argv);

#endif
