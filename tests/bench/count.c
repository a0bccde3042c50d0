/* SPDX-License-Identifier: GPL-2.0-or-later */
/* count.c - the least that reads a capture with libpcap: pcap_loop() and a counter. */
#include <pcap/pcap.h>
#include <stdio.h>

static void
count(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes)
{
	(void)h;
	(void)bytes;
	++*(unsigned long *)(void *)user;
}

int
main(int argc, char **argv)
{
	char errbuf[PCAP_ERRBUF_SIZE];
	unsigned long n = 0;
	pcap_t *p = argc == 2 ? pcap_open_offline(argv[1], errbuf) : NULL;

	if (p == NULL || pcap_loop(p, -1, count, (u_char *)&n) != 0)
		return 1;
	printf("%lu\n", n);
	pcap_close(p);
	return 0;
}
