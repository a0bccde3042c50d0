/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * overflow.c - ListenOverflows of /proc/net/netstat, and the drops that each socket counts for itself.
 */
#include "overflow.h"

#include <fcntl.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
overflow_open(struct overflow *o)
{
	*o = (struct overflow){ .netstat_fd = open("/proc/self/net/netstat", O_RDONLY | O_CLOEXEC) };
}

void
overflow_close(struct overflow *o)
{
	if (o->netstat_fd >= 0)
		close(o->netstat_fd);
	o->netstat_fd = -1;
}

/* The next word of a line, or NULL at its end; *at moves behind it. */
static const char *
next_word(const char **at, size_t *len)
{
	const char *word = *at + strspn(*at, " ");

	*len = strcspn(word, " \n");
	*at = word + *len;
	return *len == 0 ? NULL : word;
}

/* TcpExt ListenOverflows of this host (of its network namespace). */
static uint64_t
host_overflows(const struct overflow *o)
{
	static const char head[] = "TcpExt:", name[] = "ListenOverflows";
	char text[16384];
	const char *names, *values, *n, *v;
	size_t n_len, v_len;
	ssize_t len = o->netstat_fd < 0 ? -1 : pread(o->netstat_fd, text, sizeof(text) - 1, 0);

	if (len <= 0)
		return 0;
	text[len] = '\0';
	/* Two lines: names, then values in the same order. */
	if ((names = strstr(text, head)) == NULL ||
	    (values = strstr(names + sizeof(head), head)) == NULL)
		return 0;
	while ((n = next_word(&names, &n_len)) != NULL &&
	    (v = next_word(&values, &v_len)) != NULL)
		if (n_len == sizeof(name) - 1 && memcmp(n, name, n_len) == 0)
			return strtoull(v, NULL, 10);
	return 0;
}

static uint64_t
socket_drops(const struct process_socket *sockets, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t info[SK_MEMINFO_VARS] = { 0 };
		socklen_t len = sizeof(info);

		if (getsockopt(sockets[i].fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0)
			sum += info[SK_MEMINFO_DROPS];
	}
	return sum;
}

uint64_t
overflow_read(struct overflow *o, const struct process_socket *sockets, size_t n)
{
	uint64_t host = host_overflows(o), drops = socket_drops(sockets, n);

	if (o->known && host > o->host && drops > o->drops)
		o->ours += host - o->host < drops - o->drops ? host - o->host : drops - o->drops;
	o->known = true;
	o->host = host;
	o->drops = drops;
	return o->ours;
}
