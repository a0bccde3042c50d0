/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * receive.c - receive INTERFACE: the least live receiver there is, set up as mxtrap's is: counts until a
 * second passes without a packet; prints how many came and how many the kernel dropped.
 */
#include <pcap.h>
#include <poll.h>
#include <stdio.h>

static void
count(u_char *ctx, const struct pcap_pkthdr *h, const u_char *bytes)
{
	(void)h;
	(void)bytes;
	++*(unsigned long long *)(void *)ctx;
}

int
main(int argc, char **argv)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *p = argc == 2 ? pcap_create(argv[1], why) : NULL;
	struct bpf_program filter;
	struct pcap_stat stat;
	unsigned long long n = 0, before;

	if (p == NULL || pcap_set_snaplen(p, 256) != 0 || pcap_set_buffer_size(p, 64 << 20) != 0 ||
	    pcap_set_timeout(p, 100) != 0 || pcap_activate(p) < 0 || pcap_setnonblock(p, 1, why) != 0 ||
	    pcap_compile(p, &filter, "tcp dst port 25", 1, PCAP_NETMASK_UNKNOWN) != 0 || pcap_setfilter(p, &filter) != 0)
		return 1;
	puts("ready");
	fflush(stdout);
	do {
		struct pollfd fd = { .fd = pcap_get_selectable_fd(p), .events = POLLIN };

		before = n;
		(void)poll(&fd, 1, 1000);
		while (pcap_dispatch(p, -1, count, (u_char *)&n) > 0)
			;
	} while (n == 0 || n != before);
	pcap_stats(p, &stat);
	printf("%llu %u\n", n, stat.ps_drop);
	pcap_close(p);
	return 0;
}
