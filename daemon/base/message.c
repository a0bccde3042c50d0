/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message.c - fixed-size records between processes: sent whole, checked whole.
 *
 * A record is believed only after its size, magic, kind and every field with a
 * range were checked here: what arrives over the control socket was written by
 * whoever may open it, and a child that was taken over may say anything.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "mxtrap/event.h"
#include "mxtrap/evidence.h"
#include "mxtrap/message.h"
#include "mxtrap/token.h"

static const size_t message_sizes[] = {		/* by enum message_kind */
	[MESSAGE_HEARTBEAT] = sizeof(struct message_heartbeat),
	[MESSAGE_ACCEPTS] = sizeof(struct message_accepts),
	[MESSAGE_DOORBELL] = sizeof(struct message_doorbell),
	[MESSAGE_ADMIN] = sizeof(struct message_admin),
	[MESSAGE_ANSWER] = sizeof(struct message_answer),
	[MESSAGE_SAID] = sizeof(struct message_said),
	[MESSAGE_PROCESSES] = sizeof(struct message_processes),
	[MESSAGE_DECOY] = sizeof(struct message_decoy),
	[MESSAGE_PROBE] = sizeof(struct message_probe),
	[MESSAGE_ROWS] = sizeof(struct message_rows),
	[MESSAGE_FIREWALL] = sizeof(struct message_firewall),
	[MESSAGE_LOOKUP] = sizeof(struct message_lookup),
	[MESSAGE_PURGE] = sizeof(struct message_purge),
	[MESSAGE_TOKEN] = sizeof(struct message_token),
	[MESSAGE_FETCHED] = sizeof(struct message_fetched),
	[MESSAGE_SIGHTINGS] = sizeof(struct message_sightings),
};
#define MESSAGE_N_KINDS (sizeof(message_sizes) / sizeof(message_sizes[0]))

void
message_init(struct message_head *head, enum message_kind kind, size_t size)
{
	head->magic = MESSAGE_MAGIC;
	head->kind = (uint16_t)kind;
	head->size = (uint16_t)size;
}

int
message_send(int fd, const void *record, size_t size)
{
	ssize_t n;

	do
		n = send(fd, record, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 1;	/* a record is one datagram: all of it or nothing */
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? 0 : -1;
}

static bool
message_ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool
message_admin_holds(const struct message_admin *m)
{
	return m->op >= ADMIN_ALLOW && m->op <= ADMIN_LIST && m->len <= 128 && m->force <= 1 &&
	    message_ends(m->who, sizeof(m->who)) && message_ends(m->note, sizeof(m->note)) &&
	    message_ends(m->shown, sizeof(m->shown));
}

static bool
message_purge_holds(const struct message_purge *m)
{
	return m->kind <= EVIDENCE_N_KINDS && m->dry_run <= 1 && m->since_s >= 0 && m->since_s <= UINT32_MAX &&
	    message_ends(m->exchanger, sizeof(m->exchanger)) && message_ends(m->who, sizeof(m->who)) &&
	    message_ends(m->note, sizeof(m->note)) && message_ends(m->shown, sizeof(m->shown));
}

static bool
message_token_holds(const struct message_token *m)
{
	return m->revoke <= 1 && message_ends(m->name, sizeof(m->name)) && message_ends(m->scope, sizeof(m->scope)) &&
	    message_ends(m->who, sizeof(m->who)) && message_ends(m->shown, sizeof(m->shown)) &&
	    token_name(m->name) && (m->revoke == 1 || token_scope(m->scope));
}

static bool
message_fetched_holds(const struct message_fetched *m)
{
	return message_ends(m->who, sizeof(m->who)) && message_ends(m->what, sizeof(m->what)) &&
	    message_ends(m->agent, sizeof(m->agent)) && m->first_s >= 0 && m->first_s <= m->last_s && m->last_s <= UINT32_MAX &&
	    m->n <= INT64_MAX && m->serial <= INT64_MAX && m->before <= m->serial;
}

static bool
message_processes_hold(const struct message_processes *m)
{
	for (size_t i = 0; i < MESSAGE_MAX_PROCESSES; i++)
		if (!message_ends(m->process[i].name, sizeof(m->process[i].name)))
			return false;
	for (size_t i = 0; i < sizeof(m->complaint) / sizeof(m->complaint[0]); i++)
		if (!message_ends(m->complaint[i].what, sizeof(m->complaint[i].what)))
			return false;
	return true;
}

/* Nothing wider than one address, or one /64 of IPv6. */
static bool
message_rows_hold(const struct message_rows *m)
{
	if (m->n > MESSAGE_MAX_ROWS || (m->flags & ~(ROWS_RESET | ROWS_COMPLETE | ROWS_OFF | ROWS_HELLO)) != 0)
		return false;
	for (uint32_t i = 0; i < m->n; i++) {
		struct addr a;

		memcpy(a.b, m->rows[i].addr, sizeof(a.b));
		if (m->rows[i].remove > 1 || (m->rows[i].len != 128 && (m->rows[i].len != 64 || addr_is_v4(&a))))
			return false;
	}
	return true;
}

/* A time that the trap can hold. */
static bool
message_time_holds(int64_t time_us)
{
	return time_us >= 0 && time_us <= UINT32_MAX * 1000000LL;
}

static bool
message_accepts_hold(const struct message_accepts *m)
{
	if (m->n < 1 || m->n > MESSAGE_MAX_ACCEPTS)
		return false;
	for (uint32_t i = 0; i < m->n; i++)
		if (!message_time_holds(m->accepts[i].time_us))
			return false;
	return true;
}

static bool
message_sightings_hold(const struct message_sightings *m)
{
	if (m->n < 1 || m->n > MESSAGE_MAX_SIGHTINGS)
		return false;
	for (uint32_t i = 0; i < m->n; i++)
		if (m->sightings[i].what > SIGHTING_DEFERRED || !message_time_holds(m->sightings[i].time_us))
			return false;
	return true;
}

bool
message_may(enum message_line line, enum message_kind kind)
{
	static const uint32_t may[LINE_N] = {
		[LINE_CHILD_TO_SUPERVISOR] = 1U << MESSAGE_HEARTBEAT,
		[LINE_SUPERVISOR_TO_WATCH] = 1U << MESSAGE_PROCESSES,
		[LINE_DECOY_TO_WATCH] = 1U << MESSAGE_ACCEPTS | 1U << MESSAGE_DECOY | 1U << MESSAGE_PROBE | 1U << MESSAGE_SAID,
		[LINE_LOOKUP_TO_WATCH] = 1U << MESSAGE_LOOKUP | 1U << MESSAGE_SIGHTINGS,
		[LINE_WEB_TO_WATCH] = 1U << MESSAGE_FETCHED | 1U << MESSAGE_ADMIN | 1U << MESSAGE_PURGE | 1U << MESSAGE_TOKEN,
		[LINE_FIREWALL_TO_WATCH] = 1U << MESSAGE_FIREWALL,
		[LINE_WATCH_TO_LOOKUP] = 1U << MESSAGE_DOORBELL,
		[LINE_WATCH_TO_WEB] = 1U << MESSAGE_DOORBELL,
		[LINE_WATCH_TO_FIREWALL] = 1U << MESSAGE_ROWS,
		[LINE_WATCH_TO_CLIENT] = 1U << MESSAGE_ANSWER,
		[LINE_CLIENT_TO_WATCH] = 1U << MESSAGE_ADMIN | 1U << MESSAGE_PURGE | 1U << MESSAGE_TOKEN | 1U << MESSAGE_FETCHED,
	};

	return line < LINE_N && (unsigned)kind < MESSAGE_N_KINDS && (may[line] & 1U << kind) != 0;
}

bool
message_holds(const void *record, size_t size)
{
	union {			/* a copy: the caller's buffer may be of any alignment */
		struct message_head head;
		struct message_heartbeat heartbeat;
		struct message_accepts accepts;
		struct message_doorbell doorbell;
		struct message_admin admin;
		struct message_answer answer;
		struct message_said said;
		struct message_processes processes;
		struct message_decoy decoy;
		struct message_probe probe;
		struct message_purge purge;
		struct message_rows rows;
		struct message_firewall firewall;
		struct message_lookup lookup;
		struct message_token token;
		struct message_fetched fetched;
		struct message_sightings sightings;
	} m;

	if (size < sizeof(m.head) || size > sizeof(m))
		return false;
	memcpy(&m, record, size);
	if (m.head.magic != MESSAGE_MAGIC || m.head.size != size)
		return false;
	if (m.head.kind >= MESSAGE_N_KINDS || message_sizes[m.head.kind] != size)
		return false;
	switch ((enum message_kind)m.head.kind) {
	case MESSAGE_HEARTBEAT:
		return m.heartbeat.ready <= 1 && m.heartbeat.damaged <= 1 && message_ends(m.heartbeat.trouble, sizeof(m.heartbeat.trouble));
	case MESSAGE_ACCEPTS:
		return message_accepts_hold(&m.accepts);
	case MESSAGE_ADMIN:
		return message_admin_holds(&m.admin);
	case MESSAGE_PROBE:
		return m.probe.result < PROBE_N_RESULTS && m.probe.good_s <= 86400 && message_time_holds(m.probe.time_us);
	case MESSAGE_PURGE:
		return message_purge_holds(&m.purge);
	case MESSAGE_SAID:
		return message_time_holds(m.said.time_us) && (m.said.said & ~SAID_OF_DECOY) == 0 &&
		    message_ends(m.said.helo, sizeof(m.said.helo)) &&
		    message_ends(m.said.domain, sizeof(m.said.domain));
	case MESSAGE_ROWS:
		return message_rows_hold(&m.rows);
	case MESSAGE_FIREWALL:
		return m.firewall.ask <= 1 && m.firewall.up <= 1;
	case MESSAGE_ANSWER:
		return message_ends(m.answer.text, sizeof(m.answer.text));
	case MESSAGE_PROCESSES:
		return message_processes_hold(&m.processes);
	case MESSAGE_TOKEN:
		return message_token_holds(&m.token);
	case MESSAGE_FETCHED:
		return message_fetched_holds(&m.fetched);
	case MESSAGE_SIGHTINGS:
		return message_sightings_hold(&m.sightings);
	case MESSAGE_LOOKUP:
	case MESSAGE_DOORBELL:
	case MESSAGE_DECOY:
		return true;
	}
	return false;
}

/* A datagram may be empty; on a pair, nothing to read means the peer closed. */
static bool
message_is_datagram(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM;
}

int
message_receive(int fd, void *buf, size_t size)
{
	ssize_t n;

	do
		n = recv(fd, buf, size, MSG_DONTWAIT | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	if (n == 0)
		return message_is_datagram(fd) ? -2 : -1;
	/* MSG_TRUNC tells the true length: a record longer than buf is no record. */
	if ((size_t)n > size || !message_holds(buf, (size_t)n))
		return -2;
	return (int)n;
}

int
message_take(int fd, enum message_line line, void *buf, size_t size)
{
	int n = message_receive(fd, buf, size);
	struct message_head head;

	if (n <= 0)
		return n;
	memcpy(&head, buf, sizeof(head));
	return message_may(line, (enum message_kind)head.kind) ? n : -2;
}
