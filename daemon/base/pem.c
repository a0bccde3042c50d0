/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pem.c - the files of a certificate and its key.
 */
#include "mxtrap/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* -1: why says so. */
static int
open_file(const char *path, const char *begins, char *why, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *text;
	struct stat st;

	if (fd < 0) {
		(void)snprintf(why, size, "found %.200s: %s, expected a PEM file", path, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > PEM_MAX || (text = pem_text(fd)) == NULL) {
		(void)snprintf(why, size, "found %.200s, expected a PEM file of at most %d bytes", path, PEM_MAX);
		close(fd);
		return -1;
	}
	if (strstr(text, begins) == NULL) {
		(void)snprintf(why, size, "found no \"%s\" in %.200s, expected a PEM file", begins, path);
		close(fd);
		fd = -1;
	}
	pem_wipe(text);
	return fd;
}

bool
pem_open(const struct config *config, struct pem *out, char *why, size_t size)
{
	struct pem pem = { -1, -1 };

	if (config->web_certificate[0] != '\0') {
		pem.certificate = open_file(config->web_certificate, "-----BEGIN CERTIFICATE-----", why, size);
		if (pem.certificate >= 0)
			pem.key = open_file(config->web_key, "PRIVATE KEY-----", why, size);
		if (pem.key < 0) {
			pem_close(&pem);
			return false;
		}
	}
	*out = pem;
	return true;
}

void
pem_close(struct pem *pem)
{
	if (pem->certificate >= 0)
		close(pem->certificate);
	if (pem->key >= 0)
		close(pem->key);
	pem->certificate = pem->key = -1;
}

char *
pem_text(int fd)
{
	char *text = fd >= 0 ? calloc(1, PEM_MAX + 1) : NULL;
	ssize_t n;

	if (text == NULL)
		return NULL;
	n = pread(fd, text, PEM_MAX, 0);
	if (n > 0 && memchr(text, '\0', (size_t)n) == NULL)
		return text;
	free(text);
	return NULL;
}

void
pem_wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, PEM_MAX + 1);
	free(text);
}
