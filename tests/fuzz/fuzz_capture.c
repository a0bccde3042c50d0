/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_capture.c - any bytes as a savefile: pcapng is read by our own reader, the rest by libpcap.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mxtrap/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[40], why[256] = "", saw[CAPTURE_SAW_SIZE];
	static struct packet packets[64];
	int fd = memfd_create("capture", 0), n;
	struct capture *c;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	c = capture_open_file(path, why);
	if (c != NULL) {
		while ((n = capture_read(c, packets, 64)) > 0)
			for (int i = 0; i < n; i++)
				if (packets[i].time_us < 0 || packets[i].time_us >= CAPTURE_TIME_END_S * 1000000)
					abort();
		(void)capture_saw(c, saw);
		capture_close(c);
	} else if (why[0] == '\0') {
		abort();
	}
	close(fd);
	return 0;
}
