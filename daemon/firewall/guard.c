/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard.c - notices when somebody else changes our table.
 */
#include "guard.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mxtrap/log.h"
#include "nft.h"

#define HEAD ((size_t)4)		/* NLA_HDRLEN, whose type is not what one wants */

int
guard_open(void)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	int group = NFNLGRP_NFTABLES, fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (fd == -1 || bind(fd, (struct sockaddr *)&self, sizeof(self)) != 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0) {
		log_warn("changes of the firewall by others cannot be heard: looked for every few seconds only");
		if (fd != -1)
			close(fd);
		return -1;
	}
	return fd;
}

/* The first attribute of each of these messages is the table's name. */
static bool
is_ours(const struct nlmsghdr *h)
{
	const char *payload = (const char *)h + NLMSG_LENGTH(sizeof(struct nfgenmsg));
	struct nlattr attr;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg)) + sizeof(attr) + sizeof(NFT_TABLE))
		return false;
	memcpy(&attr, payload, sizeof(attr));
	return (attr.nla_type & NLA_TYPE_MASK) == NFTA_TABLE_NAME && attr.nla_len == HEAD + sizeof(NFT_TABLE) &&
	    memcmp(payload + HEAD, NFT_TABLE, sizeof(NFT_TABLE)) == 0;
}

static bool
takes_away(const struct nlmsghdr *h)
{
	if (h->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return false;
	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_DELTABLE:
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_DELRULE:
	case NFT_MSG_DELSET:
		return is_ours(h);
	default:
		return false;
	}
}

bool
guard_read(int fd)
{
	_Alignas(struct nlmsghdr) char buf[32768];
	bool lost = false;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0 || (n < 0 && errno == ENOBUFS)) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buf;
		size_t left = n > 0 ? (size_t)n : 0;

		/* Our own elements fill the buffer now and then: what was missed is looked for by the clock. */
		while (left >= sizeof(*h) && h->nlmsg_len >= sizeof(*h) && h->nlmsg_len <= left) {
			size_t step = NLMSG_ALIGN(h->nlmsg_len);

			lost = lost || takes_away(h);
			if (step >= left)
				break;
			left -= step;
			h = (const struct nlmsghdr *)(const void *)((const char *)h + step);
		}
	}
	return lost;
}
