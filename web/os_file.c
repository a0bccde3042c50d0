/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * os_file.c - the file of p0f's database, which may come, change and go: read whole and bounded, what is wrong is said once.
 */
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxtrap/log.h"

/* Its text, of at most OS_MAX_FILE bytes; caller frees.  NULL: *why says why, or errno where that is NULL. */
static char *
read_file(const char *path, size_t *n, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	char *text;
	ssize_t got;

	*why = NULL;
	*n = 0;
	if (fd == -1)
		return NULL;
	text = malloc(OS_MAX_FILE + 1);
	if (text == NULL || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		*why = text == NULL ? "out of memory" : "it is no file";
		goto bad;
	}
	while (*n <= OS_MAX_FILE && (got = read(fd, text + *n, OS_MAX_FILE + 1 - *n)) != 0) {
		if (got == -1)
			goto bad;
		*n += (size_t)got;
	}
	if (*n <= OS_MAX_FILE) {
		(void)close(fd);
		return text;
	}
	*why = "it is larger than 256 KiB";
bad:
	free(text);
	(void)close(fd);
	return NULL;
}

/* By its ctime, which moves with the mtime and when it becomes readable. */
static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void
os_look(struct os_file *file, const char *configured)
{
	const char *path = configured[0] != '\0' ? configured : OS_DEFAULT_PATH, *why = NULL;
	struct os_base *base = NULL;
	struct stat st = { 0 };
	char *text = NULL;
	size_t n;

	if (stat(path, &st) == -1) {
		/* Gone: one that is being replaced is looked at again when it is there. */
		if (configured[0] != '\0' && file->base == NULL && !file->told)
			log_warn("p0f-database: %.200s: no operating systems are shown", path);
		file->told = file->told || configured[0] != '\0';
		return;
	}
	if (file->looked && same_file(&st, &file->st))
		return;
	file->looked = true;
	file->st = st;
	text = read_file(path, &n, &why);
	if (text != NULL && (base = os_parse(text, n)) == NULL)
		why = "out of memory";
	free(text);
	if (base == NULL) {
		if (!file->told)
			log_warnx("p0f-database: %.200s cannot be read: %s", path, why != NULL ? why : strerror(errno));
		file->told = true;
		return;
	}
	log_info("p0f-database: %zu signatures, %zu lines passed over", os_signatures(base), os_passed_over(base));
	os_clear(file);
	*file = (struct os_file){ .base = base, .st = st, .looked = true };
}

void
os_clear(struct os_file *file)
{
	os_free(file->base);
	*file = (struct os_file){ 0 };
}
