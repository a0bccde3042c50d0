/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unnamed.c - files without a name.
 */
#include "mxtrap/unnamed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int
unnamed_open(void)
{
	static const char *const dirs[] = { "/var/tmp", "/tmp" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		int fd = open(dirs[i], O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);

		if (fd != -1)
			return fd;
	}
	return memfd_create("mxtrap", MFD_CLOEXEC);
}

bool
unnamed_write(int fd, const void *data, size_t n)
{
	const char *at = data;

	while (n > 0) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		at += done;
		n -= (size_t)done;
	}
	return true;
}
