/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * own.c - this host's own addresses, its gateways and its resolvers, as they change: never to be listed.
 *
 * A netlink socket tells that something changed; then all is asked for again and compared, at most four
 * times a second, so that a route table in motion costs no more than a still one.  Dumps are read a bit a
 * turn.  Whatever cannot be read changes nothing.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "own.h"

#define TURN_MS	     5			/* looks for news no oftener */
#define LOOK_MS	     250		/* between two looks, at least */
#define RESOLVERS_MS 1000		/* their files are looked at this often */
#define READS	     8			/* of 32 KiB a turn, at most */
#define FILE_MAX     65536
#define RESOLVERS    32			/* of each file */

static const char *const resolver_files[OWN_FILES] = { "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf" };

/* -- what was found -- */

/* Where an address is, or belongs, in o->slots: routes by the hundred thousand name few gateways. */
static size_t
slot_of(const struct own *o, const struct addr *a)
{
	uint64_t h = (addr_half(a, 0) ^ addr_half(a, 1)) * 0x9e3779b97f4a7c15ULL;
	size_t at = (size_t)(h >> 32) % OWN_SLOTS;

	while (o->slots[at] != 0 && !addr_equal(&o->found[o->slots[at] - 1].addr, a))
		at = (at + 1) % OWN_SLOTS;
	return at;
}

static void
note(struct own *o, const struct addr *a, unsigned why)
{
	static const struct addr none = { { 0 } };
	size_t at = slot_of(o, a);

	if (addr_equal(a, &none))
		return;
	if (o->slots[at] == 0 && o->n_found == OWN_MAX) {
		o->refused++;
		return;
	}
	if (o->slots[at] == 0) {
		o->found[o->n_found] = (struct own_entry){ .addr = *a };
		o->slots[at] = (uint16_t)++o->n_found;
	}
	o->found[o->slots[at] - 1].why |= (uint8_t)why;
}

static void
note_bytes(struct own *o, unsigned family, const void *bytes, size_t size, unsigned why)
{
	struct addr a;

	if (family == AF_INET && size >= 4)
		a = addr_from_v4(bytes);
	else if (family == AF_INET6 && size >= 16)
		a = addr_from_v6(bytes);
	else
		return;
	note(o, &a, why);
}

static void
note_attribute(struct own *o, unsigned family, const struct rtattr *a, unsigned why)
{
	note_bytes(o, family, RTA_DATA(a), RTA_PAYLOAD(a), why);
}

/* A gateway of the other family: its own family in front. */
static void
note_via(struct own *o, const struct rtattr *a)
{
	const uint8_t *bytes = RTA_DATA(a);
	uint16_t family;

	if (RTA_PAYLOAD(a) < sizeof(family))
		return;
	memcpy(&family, bytes, sizeof(family));
	note_bytes(o, family, bytes + sizeof(family), RTA_PAYLOAD(a) - sizeof(family), NEVER_GATEWAY);
}

/* -- netlink -- */

/*
 * The kernel's own macros step over the end where the last length is no multiple of four; these do not.
 * Where the next of what has this length begins: at most at the end.
 */
static size_t
next_at(size_t at, size_t length, size_t end)
{
	size_t step = (length + 3) & ~(size_t)3;

	return step < end - at ? at + step : end;
}

/* The attribute there, if it is whole; NULL. */
static const struct rtattr *
attribute_at(const char *attributes, size_t at, size_t end)
{
	const struct rtattr *a = (const void *)(attributes + at);

	return end - at >= sizeof(*a) && a->rta_len >= sizeof(*a) && a->rta_len <= end - at ? a : NULL;
}

static void
take_address(struct own *o, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	const struct rtattr *local = NULL, *other = NULL;
	const char *attributes = (const char *)NLMSG_DATA(h) + NLMSG_ALIGN(sizeof(*m));
	size_t end = h->nlmsg_len - NLMSG_LENGTH(sizeof(*m));
	const struct rtattr *a;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
		return;
	for (size_t at = 0; (a = attribute_at(attributes, at, end)) != NULL; at = next_at(at, a->rta_len, end)) {
		if (a->rta_type == IFA_LOCAL)
			local = a;
		else if (a->rta_type == IFA_ADDRESS)
			other = a;
	}
	if (local != NULL)
		note_attribute(o, m->ifa_family, local, NEVER_OWN);
	/* On a link between two, IFA_ADDRESS is the other end: where our packets go first. */
	if (other != NULL && (local == NULL || RTA_PAYLOAD(other) != RTA_PAYLOAD(local) ||
	    memcmp(RTA_DATA(other), RTA_DATA(local), RTA_PAYLOAD(local)) != 0))
		note_attribute(o, m->ifa_family, other, local == NULL ? NEVER_OWN : NEVER_GATEWAY);
}

static void
take_hops(struct own *o, unsigned family, const struct rtattr *multipath)
{
	const struct rtnexthop *hop = RTA_DATA(multipath);
	int size = (int)RTA_PAYLOAD(multipath);

	while (size >= (int)sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= size) {
		size_t end = hop->rtnh_len - sizeof(*hop);
		const struct rtattr *a;

		for (size_t at = 0; (a = attribute_at((const char *)(hop + 1), at, end)) != NULL; at = next_at(at, a->rta_len, end))
			if (a->rta_type == RTA_GATEWAY)
				note_attribute(o, family, a, NEVER_GATEWAY);
			else if (a->rta_type == RTA_VIA)
				note_via(o, a);
		if (RTNH_ALIGN(hop->rtnh_len) >= size)
			break;
		size -= RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

static void
take_route(struct own *o, const struct nlmsghdr *h)
{
	const struct rtmsg *m = NLMSG_DATA(h);
	const char *attributes = (const char *)NLMSG_DATA(h) + NLMSG_ALIGN(sizeof(*m));
	size_t end = h->nlmsg_len - NLMSG_LENGTH(sizeof(*m));
	const struct rtattr *a;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) || m->rtm_type != RTN_UNICAST)
		return;
	for (size_t at = 0; (a = attribute_at(attributes, at, end)) != NULL; at = next_at(at, a->rta_len, end)) {
		if (a->rta_type == RTA_GATEWAY)
			note_attribute(o, m->rtm_family, a, NEVER_GATEWAY);
		else if (a->rta_type == RTA_VIA)
			note_via(o, a);
		else if (a->rta_type == RTA_MULTIPATH)
			take_hops(o, m->rtm_family, a);
	}
}

static bool
ask(struct own *o)
{
	static const struct { uint16_t type; uint8_t family; } questions[OWN_QUESTIONS] = {
		{ RTM_GETADDR, AF_UNSPEC }, { RTM_GETROUTE, AF_INET }, { RTM_GETROUTE, AF_INET6 },
	};
	struct {
		struct nlmsghdr head;
		struct rtmsg	body;	/* as long as an ifaddrmsg, which begins alike */
	} m = { .head = {
		.nlmsg_len = sizeof(m), .nlmsg_type = questions[o->question].type,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = ++o->seq,
	} };

	m.body.rtm_family = questions[o->question].family;
	return send(o->dump_fd, &m, sizeof(m), MSG_DONTWAIT) == (ssize_t)sizeof(m);
}

static void
give_up(struct own *o)
{
	if (o->dump_fd >= 0)
		(void)close(o->dump_fd);
	o->dump_fd = -1;
	o->looking = false;
	o->changed = true;		/* again, later */
	o->failed++;
}

static bool look_done(struct own *);

bool
own_parse(struct own *o, const void *buf, size_t n)
{
	const struct nlmsghdr *h;

	for (size_t at = 0; n - at >= sizeof(*h); at = next_at(at, h->nlmsg_len, n)) {
		h = (const void *)((const char *)buf + at);
		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > n - at)
			break;
		if (h->nlmsg_seq != o->seq)
			continue;
		/* The kernel says that what it told fits no one moment: ask again. */
		if ((h->nlmsg_flags & NLM_F_DUMP_INTR) != 0 || h->nlmsg_type == NLMSG_ERROR) {
			give_up(o);
			return false;
		}
		if (h->nlmsg_type == NLMSG_DONE) {
			if (++o->question == OWN_QUESTIONS)
				return look_done(o);
			if (!ask(o)) {
				give_up(o);
				return false;
			}
		} else if (h->nlmsg_type == RTM_NEWADDR) {
			take_address(o, h);
		} else if (h->nlmsg_type == RTM_NEWROUTE) {
			take_route(o, h);
		}
	}
	return true;
}

static void
read_dump(struct own *o)
{
	for (int i = 0; i < READS && o->looking; i++) {
		struct sockaddr_nl from = { .nl_pid = 0 };
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(o->dump_fd, o->buf, sizeof(o->buf), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		/* The kernel's own port is 0: what another process writes is no answer. */
		if (n > 0 && len == sizeof(from) && from.nl_pid != 0)
			continue;
		if (n <= 0)
			give_up(o);
		else if (!own_parse(o, o->buf, (size_t)n))
			return;
	}
}

/* What it says does not matter: that it says something does. */
static void
read_bell(struct own *o)
{
	for (int i = 0; i < READS; i++) {
		ssize_t n = recv(o->fd, o->buf, sizeof(o->buf), MSG_DONTWAIT);

		if (n < 0 && errno != ENOBUFS)
			return;
		o->changed = true;
	}
}

static int
netlink_socket(uint32_t groups)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&self, sizeof(self)) != 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

/* -- resolvers -- */

/* "nameserver 192.0.2.53" and its like, one a line. */
static void
take_resolvers(struct own *o, char *text)
{
	unsigned n = 0;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL && n < RESOLVERS; line = strtok_r(NULL, "\n", &save)) {
		char *word, *rest = NULL, *zone;
		struct addr a;

		word = strtok_r(line, " \t\r", &rest);
		if (word == NULL || strcmp(word, "nameserver") != 0)
			continue;
		word = strtok_r(NULL, " \t\r", &rest);
		if (word == NULL)
			continue;
		zone = strchr(word, '%');
		if (zone != NULL)
			*zone = '\0';
		if (addr_parse(&a, word)) {
			note(o, &a, NEVER_RESOLVER);
			n++;
		}
	}
}

static void
read_resolvers(struct own *o)
{
	for (int i = 0; i < OWN_FILES; i++) {
		FILE *f = fopen(o->files != NULL ? o->files[i] : resolver_files[i], "re");
		char *text = f != NULL ? malloc(FILE_MAX + 1) : NULL;

		if (text != NULL) {
			text[fread(text, 1, FILE_MAX, f)] = '\0';
			take_resolvers(o, text);
		}
		free(text);
		if (f != NULL)
			fclose(f);
	}
}

/* Did one of the files change? */
static bool
files_changed(struct own *o)
{
	bool changed = false;

	for (int i = 0; i < OWN_FILES; i++) {
		struct stat st = { .st_size = 0 };
		struct own_file now = { 0 };

		if (stat(o->files != NULL ? o->files[i] : resolver_files[i], &st) == 0)
			now = (struct own_file){ .ino = st.st_ino, .size = st.st_size, .s = st.st_mtim.tv_sec,
				.ns = st.st_mtim.tv_nsec };
		changed |= now.ino != o->seen[i].ino || now.size != o->seen[i].size || now.s != o->seen[i].s ||
		    now.ns != o->seen[i].ns;
		o->seen[i] = now;
	}
	return changed;
}

/* -- looks -- */

static int
by_address(const void *a, const void *b)
{
	return memcmp(((const struct own_entry *)a)->addr.b, ((const struct own_entry *)b)->addr.b, 16);
}

/* All is known: tell what differs from the look before. */
static bool
look_done(struct own *o)
{
	size_t i = 0, j = 0;
	struct own_entry *spare = o->known;

	o->looking = false;
	read_resolvers(o);
	qsort(o->found, o->n_found, sizeof(o->found[0]), by_address);
	while (i < o->n_known || j < o->n_found) {
		const struct own_entry *was = i < o->n_known ? &o->known[i] : NULL;
		const struct own_entry *is = j < o->n_found ? &o->found[j] : NULL;
		int order = was == NULL ? 1 : is == NULL ? -1 : by_address(was, is);

		if (order < 0)
			o->tell(o->ctx, &was->addr, 0);
		else if (is != NULL && (order > 0 || was->why != is->why))
			o->tell(o->ctx, &is->addr, is->why);
		i += order <= 0;
		j += order >= 0;
	}
	o->known = o->found;
	o->n_known = o->n_found;
	o->found = spare;
	o->looks++;
	return false;
}

static void
look(struct own *o, int64_t now_ms)
{
	o->look_ms = now_ms;
	o->changed = false;
	o->n_found = 0;
	memset(o->slots, 0, sizeof(o->slots));
	o->question = 0;
	if (o->dump_fd < 0)
		o->dump_fd = netlink_socket(0);
	o->looking = o->dump_fd >= 0;
	if (!o->looking || !ask(o))
		give_up(o);
}

bool
own_open(struct own *o, const char *const *files, void (*tell)(void *, const struct addr *, unsigned), void *ctx)
{
	*o = (struct own){ .dump_fd = -1, .files = files, .tell = tell, .ctx = ctx, .changed = true };
	o->known = calloc(OWN_MAX, sizeof(o->known[0]));
	o->found = calloc(OWN_MAX, sizeof(o->found[0]));
	o->fd = netlink_socket(RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
	(void)files_changed(o);
	return o->fd >= 0 && o->known != NULL && o->found != NULL;
}

void
own_turn(struct own *o, int64_t now_ms)
{
	if (o->known == NULL || o->found == NULL || now_ms - o->turn_ms < TURN_MS)
		return;
	o->turn_ms = now_ms;
	if (o->fd >= 0)
		read_bell(o);
	if (now_ms - o->files_ms >= RESOLVERS_MS) {
		o->files_ms = now_ms;
		o->changed |= files_changed(o);
	}
	if (!o->looking && o->changed && (o->look_ms == 0 || now_ms - o->look_ms >= LOOK_MS))
		look(o, now_ms);
	if (o->looking)
		read_dump(o);
}

void
own_close(struct own *o)
{
	if (o->fd > 0)
		(void)close(o->fd);
	if (o->dump_fd > 0)
		(void)close(o->dump_fd);
	free(o->known);
	free(o->found);
	*o = (struct own){ .fd = -1, .dump_fd = -1 };
}
