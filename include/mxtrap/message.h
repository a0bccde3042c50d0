/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message.h - all that processes say to each other: fixed-size records.
 *
 * One record is one datagram on a unix socket (SOCK_SEQPACKET pairs made by
 * mxtrapd before the children start, and the control socket, SOCK_DGRAM).  A
 * record of another size, magic or kind is dropped and counted.  Sends never
 * wait.  Both ends are one build of one program, so there is no versioning.
 */
#ifndef MXTRAP_MESSAGE_H
#define MXTRAP_MESSAGE_H

#include "mxtrap/addr.h"

#define MESSAGE_MAGIC 0x4d585452U	/* "MXTR" */
#define MESSAGE_TOKEN_SIZE 72		/* as in token.h; "": none is shown */

enum message_kind {
	MESSAGE_HEARTBEAT = 1,	/* child to mxtrapd */
	MESSAGE_ACCEPTS = 2,	/* decoy to watch */
	MESSAGE_DOORBELL = 3,	/* watch to web: the list moved */
	MESSAGE_ADMIN = 4,	/* mxtrap to watch, over the control socket; web to watch */
	MESSAGE_ANSWER = 5,	/* watch to mxtrap, and to web */
	MESSAGE_PROCESSES = 6,	/* mxtrapd to watch: who runs */
	MESSAGE_DECOY = 7,	/* decoy to watch: its counters */
	MESSAGE_SAID = 8,	/* decoy to watch: what a client said */
	MESSAGE_PROBE = 9,	/* decoy to watch: what it found at the real MX */
	MESSAGE_ROWS = 10,	/* watch to firewall: who is to be refused */
	MESSAGE_FIREWALL = 11,	/* firewall to watch: its counters, or "tell me all" */
	MESSAGE_LOOKUP = 13,	/* lookup to watch: its counters */
	MESSAGE_PURGE = 12,	/* mxtrap to watch, over the control socket */
	MESSAGE_TOKEN = 15,	/* mxtrap to watch, over the control socket; web to watch */
	MESSAGE_FETCHED = 16,	/* web to watch: a consumer came */
	MESSAGE_SIGHTINGS = 17,	/* lookup to watch: whom the real MX saw */
};

struct message_head {
	uint32_t magic;
	uint16_t kind, size;		/* size of the whole record */
};

struct message_heartbeat {		/* every 250 ms */
	struct message_head head;
	uint32_t ready;			/* 1 once its work has begun */
	uint32_t n_deaf;		/* sockets on which it could not listen */
	uint32_t damaged;		/* 1: what it reads of the database is damaged */
	char	 trouble[200];		/* what it cannot do now, one line for a person; "": nothing */
};

struct message_accept {			/* one completed handshake */
	int64_t	 time_us;		/* CLOCK_REALTIME at accept() */
	uint8_t	 src[16];
	uint32_t target;		/* index into ladder.targets */
	uint16_t port;
	uint16_t spare;
};

#define MESSAGE_MAX_ACCEPTS 64
struct message_accepts {		/* a batch, always sent whole */
	struct message_head head;
	uint32_t n, seq;		/* seq of the first; a gap means lost records */
	struct message_accept accepts[MESSAGE_MAX_ACCEPTS];
};

/*
 * What one client of a dialogue has said so far: sent at its first RCPT, and when the session ends.
 * Bytes are the client's own, any of them; texts end with NUL.
 */
struct message_said {
	struct message_head head;
	int64_t	 time_us;		/* CLOCK_REALTIME when it was said */
	uint8_t	 src[16];
	uint32_t target;		/* index into ladder.targets */
	uint16_t port;			/* the client's */
	uint16_t said;			/* enum said, of SAID_OF_DECOY */
	char	 helo[256];		/* argument of the last HELO or EHLO; "" */
	char	 domain[256];		/* of the first recipient, without the @; "" */
};

struct message_decoy {			/* every second */
	struct message_head head;
	uint64_t accepted, lost, overflows;	/* since decoy began; overflows: of its own accept queues */
	uint64_t dialogues;		/* open now */
	uint64_t talked;		/* since decoy began, as all that follow */
	uint64_t full, full_source;	/* reset, because there were too many in all, or of that source */
	uint64_t slow, stuck, too_long;	/* ended by a deadline, or for not reading; lines over 512 octets */
	uint64_t said_lost;		/* what was said, and watch could not be told */
};

struct message_probe {
	struct message_head head;
	int64_t	 time_us;		/* CLOCK_REALTIME */
	uint32_t target, result;	/* enum probe_result */
	uint32_t good_s;		/* for so long it says something */
	uint32_t spare;
};

struct message_doorbell {		/* after a commit */
	struct message_head head;
	uint64_t generation, serial;
	uint8_t	 spare[40];
};

enum admin_op {
	ADMIN_ALLOW = 1, ADMIN_FORGET = 2, ADMIN_PING = 3,
	ADMIN_PUBLISH = 4,		/* what is held */
	ADMIN_FIREWALL_FLUSH = 5, ADMIN_FIREWALL_OFF = 6, ADMIN_FIREWALL_ON = 7,
	ADMIN_LIST = 8,			/* by hand: one address, or a /64 of IPv6 */
};
/* Wider than this is allowed with force alone: a /8, or a /16 of IPv6.  len is of 128 bits. */
#define ADMIN_WIDE(is_v4, len) ((len) < ((is_v4) ? 104 : 16))
#define ADMIN_WITHDRAW 1U		/* as expires_s of ADMIN_ALLOW and ADMIN_LIST: no longer */
struct message_admin {
	struct message_head head;
	uint32_t op;			/* enum admin_op */
	uint8_t	 addr[16];
	uint32_t len;			/* prefix length, 0..128 */
	uint32_t expires_s;		/* 0: for ever */
	uint32_t force;			/* 1: ADMIN_ALLOW of a network that is wider than by a slip (ADMIN_WIDE) */
	char	 who[64], note[256];	/* text, NUL-terminated; watch writes who itself (ask.h) */
	char	 shown[MESSAGE_TOKEN_SIZE];	/* the asker's token, where one is needed */
};
struct message_purge {			/* what to take back: all of the conditions that are set */
	struct message_head head;
	uint32_t kind;			/* enum evidence_kind + 1; 0: any */
	uint32_t dry_run;		/* 1: only say what it would do */
	int64_t	 since_s;		/* judged since then; 0: ever */
	char	 exchanger[256];	/* ""; any */
	char	 who[64], note[256];	/* likewise */
	char	 shown[MESSAGE_TOKEN_SIZE];
};
struct message_token {			/* a token to be known from now on, or no longer */
	struct message_head head;
	uint32_t revoke;		/* 1: take away the one of this name; 0: the rest is of a new one */
	uint32_t expires_s;		/* 0: never */
	uint8_t	 hash[32];		/* token.h; the token itself stays with who made it */
	char	 name[32], scope[32];	/* text, NUL-terminated; token_name() and token_scope() hold */
	char	 who[64];		/* likewise */
	char	 shown[MESSAGE_TOKEN_SIZE];
};
struct message_fetched {		/* at most once a second for each consumer */
	struct message_head head;
	char	 who[64], what[96], agent[96];	/* as in the table consumer */
	int64_t	 first_s, last_s;
	uint64_t n, generation, serial, before;
};
struct message_answer {
	struct message_head head;
	uint32_t ok;			/* 0: no; 1: done; 2: under way, another answer follows; 3: no, by a rule */
	uint32_t ended, back;		/* done: listings that it ended; that go on or began */
	char	 text[256];		/* one line for a person */
};

#define MESSAGE_MAX_PROCESSES 8
#define MESSAGE_MAX_COMPLAINTS 8
struct message_processes {
	struct message_head head;
	struct {
		char	 name[16];
		int32_t	 pid;		/* 0: not running */
		uint32_t restarts;
		int64_t	 since_s;
	} process[MESSAGE_MAX_PROCESSES];
	struct {
		char	 what[256];	/* "192.0.2.30:25 is held by master (pid 812): ..." ; "" ends */
	} complaint[MESSAGE_MAX_COMPLAINTS];
	uint32_t damaged;		/* 1: a reader says so of the database */
	uint32_t pad;
};

/*
 * To firewall: a piece of the list, in order.  Rows of a state that is complete follow on a reset, the last of
 * them with ROWS_COMPLETE; what comes then are changes.
 */
#define MESSAGE_MAX_ROWS 128
#define ROWS_RESET    1U		/* nobody is refused but those that follow */
#define ROWS_COMPLETE 2U
#define ROWS_OFF      4U		/* take the table away until a reset comes */
#define ROWS_HELLO    8U		/* watch began anew and does not know what firewall knows: ask for all */
struct message_row {
	uint8_t	 addr[16];
	uint32_t expires_s;		/* 0: not by itself */
	uint8_t	 len;			/* 128: this address; 64: its /64 */
	uint8_t	 remove;		/* 1: no longer */
	uint8_t	 spare[2];
};
struct message_rows {
	struct message_head head;
	uint32_t flags, n;
	int64_t	 now_s;			/* watch's own time when it was sent: expires_s is told by it */
	struct message_row rows[MESSAGE_MAX_ROWS];
};

struct message_firewall {		/* each second; all counters since the process began */
	struct message_head head;
	uint32_t ask;			/* 1: it knows nothing and wants all */
	uint32_t up;			/* 1: the table is there and complete */
	uint64_t added, removed, resets;
	uint64_t failed;		/* elements that the kernel did not take */
	uint64_t withheld;		/* rows of the never-list, or wider than a /64: not taken */
	uint64_t repairs;		/* somebody else took the table away */
	uint64_t packets4, packets6;	/* refused, as the kernel counts */
};

enum sighting { SIGHTING_RCPT = 0, SIGHTING_ACCEPTED = 1, SIGHTING_DEFERRED = 2 };
struct message_sighting {		/* what the MTA of a real exchanger tells of a client */
	int64_t	 time_us;		/* CLOCK_REALTIME */
	uint8_t	 src[16];
	uint32_t target;		/* index into ladder.targets */
	uint16_t port;			/* the client's; 0: unknown */
	uint16_t what;			/* enum sighting */
};
#define MESSAGE_MAX_SIGHTINGS 64
struct message_sightings {		/* a batch, always sent whole */
	struct message_head head;
	uint32_t n, seq;		/* seq of the first; a gap means lost ones */
	struct message_sighting sightings[MESSAGE_MAX_SIGHTINGS];
};

struct message_lookup {			/* each second; since lookup began, but for the last two */
	struct message_head head;
	uint64_t queries, listed, not_listed, suspects, refused, malformed;	/* DNSBL: answers by kind */
	uint64_t dropped, slipped;	/* by the rate limit, or not sent */
	uint64_t tcp, tcp_full;
	uint64_t policy, policy_refused, policy_malformed, policy_full, policy_slow;	/* Postfix */
	uint64_t sighted, sighted_accepted, sighted_deferred;	/* told of clients at the real MX */
	uint64_t sighted_unmatched, sighted_evicted, sighted_lost;
	uint64_t no_memory;		/* entries of the list without room */
	uint64_t known;			/* listed and suspects that it knows now */
	uint64_t claims;		/* 1: and may tell of */
};

/* Non-blocking.  1: sent; 0: the peer's queue is full (not sent); -1: the peer is gone or error. */
int message_send(int fd, const void *record, size_t size);
/* One record into buf.  >0: its size, checked against head and size; 0: nothing there; -1: the
 * peer is gone; -2: something that is no record (dropped). */
int message_receive(int fd, void *buf, size_t size);
/*
 * Who may say what: a line is a pair and a direction.  A peer that was taken over may send anything; what is not
 * its to say is no record to the receiver.
 */
enum message_line {
	LINE_CHILD_TO_SUPERVISOR, LINE_SUPERVISOR_TO_WATCH, LINE_DECOY_TO_WATCH, LINE_LOOKUP_TO_WATCH, LINE_WEB_TO_WATCH,
	LINE_FIREWALL_TO_WATCH, LINE_WATCH_TO_LOOKUP, LINE_WATCH_TO_WEB, LINE_WATCH_TO_FIREWALL, LINE_WATCH_TO_CLIENT,
	LINE_CLIENT_TO_WATCH, LINE_N
};
bool message_may(enum message_line, enum message_kind);
/* As message_receive(), of a line: -2 also for a kind that is not to be said there. */
int message_take(int fd, enum message_line, void *buf, size_t size);
#define MESSAGE_TURN	256		/* records of one line that a reader takes in one turn, at most */
/* Is this one whole record: size, magic, kind, and every field that has a range? */
bool message_holds(const void *record, size_t size);
/* Fill in the head. */
void message_init(struct message_head *, enum message_kind, size_t size);

#endif
