/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns_server.c - the DNSBL's sockets.
 */
#include "dns_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mxtrap/log.h"

#define SEND_BYTES    (4 << 20)
#define RECEIVE_LEAST (1 << 20)		/* a burst waits in it while the list is read */
#define CONTROL_SIZE  64

/* Is it bound to no address in particular? */
static bool
is_wild(int fd)
{
	union {
		struct sockaddr	    any;
		struct sockaddr_in  v4;
		struct sockaddr_in6 v6;
	} at;
	socklen_t size = sizeof(at);

	memset(&at, 0, sizeof(at));
	if (getsockname(fd, &at.any, &size) != 0)
		return true;
	return at.any.sa_family == AF_INET ? at.v4.sin_addr.s_addr == htonl(INADDR_ANY) : IN6_IS_ADDR_UNSPECIFIED(&at.v6.sin6_addr);
}

static void
set_up(int fd, bool wild)
{
	int on = 1, bytes = SEND_BYTES, most = 4 * RECEIVE_LEAST, has = 0;
	socklen_t size = sizeof(has);

	/* Of a wildcard socket the answer must come from where the question went. */
	if (wild) {
		(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	/* mxtrapd asked for it where it may exceed net.core.rmem_max.  We may not: asking again would make it smaller.
	 * The kernel tells twice what it gives. */
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &has, &size) == 0 && has < 2 * RECEIVE_LEAST) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &most, sizeof(most));
		(void)getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &has, &size);
	}
	if (has < 2 * RECEIVE_LEAST)
		log_warnx("DNSBL: found a receive buffer of %d KiB, expected %d: bursts of questions are lost; "
		    "raise net.core.rmem_max", has / 2048, RECEIVE_LEAST / 1024);
}

/* The host of "192.0.2.1:53" or "[2001:db8::1]:53". */
static void
host_of(const char *listen, char out[static ADDR_TEXT_SIZE])
{
	struct addr a;
	uint16_t port;

	if (config_listen(listen, &a, &port))
		addr_format(&a, out);
	else
		out[0] = '\0';
}

struct dns_server *
dns_open(struct process *process, struct feed *feed, const uint8_t seed[static 16])
{
	const struct config *c = &process->config;
	struct dns_server *s;
	char host[ADDR_TEXT_SIZE];

	if (c->n_dnsbl == 0)
		return NULL;
	host_of(c->dnsbl_listen[0], host);
	s = calloc(1, sizeof(*s));
	if (s == NULL || !dns_zone_init(&s->zone, c->dnsbl_zone, c->dnsbl_suspects, c->contact, host)) {
		log_warn("the DNSBL cannot be served: no memory, or its zone's name is too long");
		free(s);
		return NULL;
	}
	s->feed = feed;
	memcpy(s->rate.seed, seed, sizeof(s->rate.seed));
	for (size_t i = 0; i < DNS_CLIENTS; i++)
		s->clients[i].fd = -1;
	for (size_t i = 0; i < process->n_sockets && s->n_sockets < DNS_SOCKETS; i++) {
		const struct process_socket *socket = &process->sockets[i];

		if (socket->target != USE_DNS_UDP && socket->target != USE_DNS_TCP)
			continue;
		if (socket->target == USE_DNS_TCP && listen(socket->fd, 128) != 0) {
			process->n_deaf++;
			continue;
		}
		s->sockets[s->n_sockets].wild = is_wild(socket->fd);
		if (socket->target == USE_DNS_UDP)
			set_up(socket->fd, s->sockets[s->n_sockets].wild);
		s->sockets[s->n_sockets].fd = socket->fd;
		s->sockets[s->n_sockets++].tcp = socket->target == USE_DNS_TCP;
	}
	return s;
}

void
dns_close(struct dns_server *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < DNS_CLIENTS; i++)
		if (s->clients[i].fd != -1)
			close(s->clients[i].fd);
	free(s);
}

size_t
dns_poll(const struct dns_server *s, struct pollfd *fds, size_t max)
{
	size_t n = 0;

	if (s == NULL)
		return 0;
	for (size_t i = 0; i < s->n_sockets && n < max; i++)
		fds[n++] = (struct pollfd){ .fd = s->sockets[i].fd, .events = POLLIN };
	for (size_t i = 0; i < DNS_CLIENTS && n < max; i++)
		if (s->clients[i].fd != -1)
			fds[n++] = (struct pollfd){
				.fd = s->clients[i].fd, .events = s->clients[i].n_out > 0 ? POLLOUT : POLLIN,
			};
	return n;
}

static struct addr
addr_of(const struct sockaddr_storage *from)
{
	const struct sockaddr_in *v4 = (const void *)from;
	const struct sockaddr_in6 *v6 = (const void *)from;

	return from->ss_family == AF_INET ? addr_from_v4((const uint8_t *)&v4->sin_addr) :
	    addr_from_v6(v6->sin6_addr.s6_addr);
}

/* The question with the truncation bit and nothing else: ask again by TCP. */
static size_t
slip(const uint8_t *query, uint8_t *reply, size_t n)
{
	size_t end = 12;

	while (end < n && reply[end] != 0)
		end += 1U + reply[end];
	end += 5;
	if (end > n)
		end = 12;
	memset(reply + 4, 0, 8);
	reply[5] = end > 12;
	reply[2] = (uint8_t)(0x82 | (query[2] & 1));
	reply[3] = 0;
	return end;
}

static bool
take_datagrams(struct dns_server *s, int fd, bool wild, int64_t now_s)
{
	struct mmsghdr in[DNS_BATCH] = { 0 }, out[DNS_BATCH] = { 0 };
	struct iovec in_iov[DNS_BATCH], out_iov[DNS_BATCH];
	struct sockaddr_storage from[DNS_BATCH];
	static _Thread_local uint8_t queries[DNS_BATCH][DNS_QUERY_MAX + 1], replies[DNS_BATCH][DNS_REPLY_MAX];
	_Alignas(struct cmsghdr) char control[DNS_BATCH][CONTROL_SIZE];
	int got, n = 0, sent = 0;

	for (int i = 0; i < DNS_BATCH; i++) {
		in_iov[i] = (struct iovec){ queries[i], sizeof(queries[i]) };
		in[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i], .msg_namelen = sizeof(from[i]), .msg_iov = &in_iov[i], .msg_iovlen = 1,
			.msg_control = wild ? control[i] : NULL, .msg_controllen = wild ? sizeof(control[i]) : 0,
		};
	}
	got = recvmmsg(fd, in, DNS_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < got; i++)
		dns_prefetch(s->feed, queries[i], in[i].msg_len);
	for (int i = 0; i < got; i++) {
		struct addr addr = addr_of(&from[i]);
		size_t size = dns_answer(&s->zone, s->feed, now_s, queries[i], in[i].msg_len, replies[n], &s->counters);

		if (size == 0)
			continue;
		switch (rate_take(&s->rate, &addr, (uint32_t)now_s)) {
		case RATE_SEND:
			break;
		case RATE_SLIP:
			size = slip(queries[i], replies[n], size);
			s->counters.slipped++;
			break;
		case RATE_DROP:
			s->counters.dropped++;
			continue;
		}
		out_iov[n] = (struct iovec){ replies[n], size };
		out[n].msg_hdr = in[i].msg_hdr;
		out[n].msg_hdr.msg_iov = &out_iov[n];
		out[n].msg_hdr.msg_flags = 0;
		n++;
	}
	while (sent < n) {
		int done = sendmmsg(fd, out + sent, (unsigned)(n - sent), MSG_DONTWAIT);

		if (done <= 0) {
			/* One that cannot be sent must not hold up the others. */
			s->counters.dropped++;
			done = 1;
		}
		sent += done;
	}
	return got == DNS_BATCH;
}

static void
drop_client(struct dns_client *c)
{
	close(c->fd);
	c->fd = -1;
}

/* A free place, or that of whoever asked nothing for longest: else a few who only sit there shut all others out. */
static struct dns_client *
place(struct dns_server *s)
{
	struct dns_client *oldest = &s->clients[0];

	for (size_t i = 0; i < DNS_CLIENTS; i++) {
		if (s->clients[i].fd == -1)
			return &s->clients[i];
		if (s->clients[i].used_ms < oldest->used_ms)
			oldest = &s->clients[i];
	}
	s->counters.tcp_full++;
	drop_client(oldest);
	return oldest;
}

static void
take_client(struct dns_server *s, int fd, int64_t now_ms)
{
	int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct dns_client *c;

	if (client == -1)
		return;
	c = place(s);
	c->fd = client;
	c->used_ms = now_ms;
	c->until_ms = now_ms + DNS_TCP_MS;
	c->n_in = c->n_out = c->sent = 0;
	s->counters.tcp++;
}

/*
 * One question is answered before the next is read: a client that does not read holds up itself; and after so
 * many all others have their turn.  Returns whether there may be more.
 */
static bool
serve_client(struct dns_server *s, struct dns_client *c, int64_t now_ms, int64_t now_s)
{
	ssize_t n;

	for (int answered = 0;;) {
		size_t want;

		if (c->n_out > 0) {
			n = send(c->fd, c->out + c->sent, c->n_out - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n < 0 && (errno == EAGAIN || errno == EINTR))
				return false;
			if (n <= 0) {
				drop_client(c);
				return false;
			}
			c->sent += (size_t)n;
			if (c->sent < c->n_out)
				return false;
			c->n_out = c->sent = 0;
			if (++answered == DNS_TURN)
				return true;
		}
		want = c->n_in < 2 ? 2 : 2 + ((size_t)c->in[0] << 8 | c->in[1]);
		if (want > sizeof(c->in)) {
			s->counters.malformed++;
			drop_client(c);
			return false;
		}
		if (c->n_in < want) {
			n = recv(c->fd, c->in + c->n_in, want - c->n_in, MSG_DONTWAIT);
			if (n < 0 && (errno == EAGAIN || errno == EINTR))
				return false;
			if (n <= 0) {
				drop_client(c);
				return false;
			}
			c->n_in += (size_t)n;
			continue;
		}
		want = dns_answer(&s->zone, s->feed, now_s, c->in + 2, c->n_in - 2, c->out + 2, &s->counters);
		c->n_in = 0;
		c->used_ms = now_ms;
		if (want == 0) {
			drop_client(c);
			return false;
		}
		c->out[0] = (uint8_t)(want >> 8);
		c->out[1] = (uint8_t)want;
		c->n_out = want + 2;
	}
}

bool
dns_turn(struct dns_server *s, int64_t now_ms, int64_t now_s)
{
	bool more = false;

	if (s == NULL)
		return false;
	for (size_t i = 0; i < s->n_sockets; i++) {
		if (s->sockets[i].tcp)
			take_client(s, s->sockets[i].fd, now_ms);
		else
			more = take_datagrams(s, s->sockets[i].fd, s->sockets[i].wild, now_s) || more;
	}
	for (size_t i = 0; i < DNS_CLIENTS; i++) {
		struct dns_client *c = &s->clients[i];

		if (c->fd != -1)
			more = serve_client(s, c, now_ms, now_s) || more;
		if (c->fd != -1 && now_ms >= c->until_ms)
			drop_client(c);
	}
	return more;
}
