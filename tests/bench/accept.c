/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * accept.c ADDRESS PORT close|reset - the least program that takes connections: accept, close, nothing else.
 *
 * reset closes with RST, which spares the kernel half of the packets.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, reset;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1)
		return 2;
	reset = strcmp(argv[3], "reset") == 0;
	at.sin_port = htons((uint16_t)atoi(argv[2]));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4096) < 0) {
		perror(argv[1]);
		return 1;
	}
	for (;;) {
		int peer = accept(fd, NULL, NULL);

		if (peer >= 0 && reset)
			setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		if (peer >= 0)
			close(peer);
	}
}
