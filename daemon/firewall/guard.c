/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard.c - notices when another program changes our table.
 */
#include "guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mxtrap/log.h"
#include "nft.h"

#define HEAD	  ((size_t)4)		/* NLA_HDRLEN, whose type is not what one wants */
#define ROOM	  (4 << 20)		/* the socket's; a flush of 10,000 elements needs about 1 MiB */
#define READS	  256			/* a call, of 32 KiB */
#define LAST_FD	  256			/* our sockets are among the first */
#define N_PORTS	  8

int
guard_open(void)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	int group = NFNLGRP_NFTABLES, room = ROOM, fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (fd == -1 || bind(fd, (struct sockaddr *)&self, sizeof(self)) != 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0) {
		log_warn("cannot watch nftables for changes by other programs: checking every few seconds that the table exists");
		if (fd != -1)
			close(fd);
		return -1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return fd;
}

/* The ports of this process' own netfilter sockets, libnftables' among them: it opens them when it likes. */
static size_t
own_ports(int guard, uint32_t ports[N_PORTS])
{
	size_t n = 0;

	for (int fd = 0; fd < LAST_FD && n < N_PORTS; fd++) {
		struct sockaddr_nl self = { .nl_family = 0 };
		socklen_t len = sizeof(self), plen = sizeof(int);
		int protocol = -1;

		if (fd == guard || getsockname(fd, (struct sockaddr *)&self, &len) != 0 || len != sizeof(self) ||
		    self.nl_family != AF_NETLINK || getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &plen) != 0 ||
		    protocol != NETLINK_NETFILTER || self.nl_pid == 0)
			continue;
		ports[n++] = self.nl_pid;
	}
	return n;
}

/* One datagram is of one transaction, and so of one port: the kernel drops those of ours. */
static void
leave_out(int fd, const uint32_t *ports, size_t n)
{
	struct sock_filter code[2 * N_PORTS + 2];
	struct sock_fprog program = { .filter = code };
	unsigned short at = 0;

	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid));
	for (size_t i = 0; i < n; i++) {
		code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(ports[i]), 0, 1);
		code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	}
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	program.len = at;
	/* Without it all are read and compared here, as the first is. */
	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* Asked only of messages that the filter let through: once for each socket of libnftables, or of a stranger. */
static bool
ours(void *ctx, uint32_t port)
{
	const int *guard = ctx;
	uint32_t ports[N_PORTS];
	size_t n = own_ports(*guard, ports);

	for (size_t i = 0; i < n; i++)
		if (ports[i] == port) {
			leave_out(*guard, ports, n);
			return true;
		}
	return false;
}

/* The first attribute of each of these messages is the table's name. */
static bool
is_our_table(const struct nlmsghdr *h)
{
	const char *payload = (const char *)h + NLMSG_LENGTH(sizeof(struct nfgenmsg));
	struct nfgenmsg family;
	struct nlattr attr;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg)) + sizeof(attr) + sizeof(NFT_TABLE))
		return false;
	memcpy(&family, (const char *)h + NLMSG_LENGTH(0), sizeof(family));
	memcpy(&attr, payload, sizeof(attr));
	return family.nfgen_family == NFPROTO_INET && (attr.nla_type & NLA_TYPE_MASK) == NFTA_TABLE_NAME &&
	    attr.nla_len == HEAD + sizeof(NFT_TABLE) && memcmp(payload + HEAD, NFT_TABLE, sizeof(NFT_TABLE)) == 0;
}

/* Whatever is added is as wrong as what is missing: an element that we did not put there blocks somebody. */
static bool
changes(const struct nlmsghdr *h)
{
	if (h->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return false;
	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_NEWTABLE:
	case NFT_MSG_DELTABLE:
	case NFT_MSG_NEWCHAIN:
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_NEWRULE:
	case NFT_MSG_DELRULE:
	case NFT_MSG_NEWSET:
	case NFT_MSG_DELSET:
	case NFT_MSG_NEWSETELEM:
	case NFT_MSG_DELSETELEM:
	case NFT_MSG_DELOBJ:
		return is_our_table(h);
	default:
		return false;
	}
}

bool
guard_parse(const void *buf, size_t left, bool (*is_ours)(void *ctx, uint32_t port), void *ctx)
{
	const char *at = buf;
	struct nlmsghdr head;

	while (left >= sizeof(head)) {
		size_t step;

		memcpy(&head, at, sizeof(head));
		if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > left)
			return false;
		/* Port 0 is the kernel itself: an element's time was over. */
		if (changes((const struct nlmsghdr *)(const void *)at) && head.nlmsg_pid != 0 && !is_ours(ctx, head.nlmsg_pid))
			return true;
		step = NLMSG_ALIGN((size_t)head.nlmsg_len);
		if (step >= left)
			return false;
		at += step;
		left -= step;
	}
	return false;
}

enum guard_result
guard_read(int fd)
{
	_Alignas(struct nlmsghdr) char buf[32768];
	enum guard_result result = GUARD_QUIET;

	for (int i = 0; i < READS; i++) {
		struct sockaddr_nl from = { .nl_pid = 0 };
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

		if (n > 0 && from.nl_pid == 0 && result != GUARD_CHANGED && guard_parse(buf, (size_t)n, ours, &fd))
			result = GUARD_CHANGED;
		else if (n < 0 && errno == ENOBUFS && result == GUARD_QUIET)
			result = GUARD_MISSED;
		else if (n < 0 && errno != ENOBUFS && errno != EINTR)
			break;
		else if (n == 0)
			break;
	}
	return result;
}
