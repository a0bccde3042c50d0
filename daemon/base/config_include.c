/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_include.c - a configuration of several files as one text.
 *
 * What a file includes stands behind it, each behind a mark with its name: so every line of
 * the first file keeps its number, those of the others are found again by the marks, and
 * children, who may open no file, are given the whole.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_text.h"

#define CONFIG_MAX_BYTES (4U << 20)
#define CONFIG_MAX_FILES 32		/* included ones, all together */

static char *
read_one(const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = calloc(1, CONFIG_MAX_BYTES + 2);
	size_t n = 0;

	if (in == NULL || text == NULL) {
		fprintf(stderr,
		    "%s: found nothing to read (%s), expected a configuration file\n", path,
		    strerror(errno));
	} else {
		n = fread(text, 1, CONFIG_MAX_BYTES + 1, in);
		if (ferror(in) || n > CONFIG_MAX_BYTES || memchr(text, '\0', n) != NULL ||
		    memchr(text, CONFIG_FILE_MARK, n) != NULL)
			fprintf(stderr, "%s: found %s, expected %s\n", path,
			    ferror(in) && errno == EISDIR ? "a directory" :
			    ferror(in) ? strerror(errno) : n > CONFIG_MAX_BYTES ? "too much" :
			    memchr(text, '\0', n) != NULL ? "a NUL byte" : "a byte 0x01",
			    ferror(in) && errno == EISDIR ? "a file" : "a text of at most 4 MiB");
		else {
			char *fit;

			/* Some editors lead with a byte order mark, which nobody sees. */
			if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
				memmove(text, text + 3, n - 2);
			fit = realloc(text, n + 1);

			fclose(in);
			return fit == NULL ? text : fit;
		}
	}
	if (in != NULL)
		fclose(in);
	free(text);
	return NULL;
}

/* A name without a leading / lies beside the file that includes it. */
static bool
beside(const char *path, const char *name, char out[static CONFIG_FILE_SIZE])
{
	const char *slash = strrchr(path, '/');
	int dir = name[0] == '/' || slash == NULL ? 0 : (int)(slash - path + 1);

	for (const unsigned char *p = (const unsigned char *)name; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f)
			return false;
	/* Room is left for "line N of " before it. */
	return name[0] != '\0' &&
	    snprintf(out, CONFIG_FILE_SIZE, "%.*s%s", dir, path, name) < CONFIG_FILE_SIZE - 32;
}

struct files {
	char  *text;			/* owned: all that was read so far */
	size_t len;
	size_t n;
	char   path[CONFIG_MAX_FILES][CONFIG_FILE_SIZE];
	size_t by[CONFIG_MAX_FILES];	/* which one names it: 0 the first, else a place in path + 1 */
	unsigned line[CONFIG_MAX_FILES];	/* and where */
};

static bool
append(struct files *all, const char *name, const char *text)
{
	size_t n = strlen(text), n_name = name == NULL ? 0 : strlen(name) + 4;
	char *more = realloc(all->text, all->len + n_name + n + 2);

	if (more == NULL || all->len + n_name + n > CONFIG_MAX_BYTES) {
		all->text = more != NULL ? more : all->text;
		fprintf(stderr, "%s: found too much together with what includes it, expected at most 4 MiB\n",
		    name == NULL ? "" : name);
		return false;
	}
	all->text = more;
	if (name != NULL)
		all->len += (size_t)snprintf(more + all->len, n_name + 1, "%s%c%s\n",
		    all->len > 0 && more[all->len - 1] != '\n' ? "\n" : "", CONFIG_FILE_MARK, name);
	memcpy(more + all->len, text, n + 1);
	all->len += n;
	return true;
}

/* The files that this one names join the queue. */
static bool
queue_includes(struct files *all, size_t by, const char *path, const char *text)
{
	struct config_include found[CONFIG_MAX_FILES];
	size_t n;

	if (!config_text_includes(text, found, CONFIG_MAX_FILES, &n) || all->n + n > CONFIG_MAX_FILES) {
		fprintf(stderr, "%s:1: found more included files, or longer names, than there may be, expected at most %d\n",
		    path, CONFIG_MAX_FILES);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		char *name = all->path[all->n];

		if (!beside(path, found[i].name, name)) {
			fprintf(stderr, "%s:%u: found a name that no file can have here, expected a path\n", path,
			    found[i].line);
			return false;
		}
		for (size_t k = 0; k < all->n; k++)
			if (strcmp(all->path[k], name) == 0) {
				fprintf(stderr, "%s:%u: found \"%s\" included again, expected each file once\n",
				    path, found[i].line, name);
				return false;
			}
		all->by[all->n] = by;
		all->line[all->n++] = found[i].line;
	}
	return true;
}

char *
config_read(const char *path)
{
	struct files *all = calloc(1, sizeof(*all));
	const char *name = path;
	char *text = NULL;
	bool ok = all != NULL;

	/* The queue grows while it is worked off. */
	for (size_t i = 0; ok && (i == 0 || i <= all->n); i++) {
		char *one;

		name = i == 0 ? path : all->path[i - 1];
		one = read_one(name);
		if (one == NULL && i > 0)
			fprintf(stderr, "%s:%u: found an include of that file, expected one that can be read\n",
			    all->by[i - 1] == 0 ? path : all->path[all->by[i - 1] - 1], all->line[i - 1]);
		ok = one != NULL && append(all, i == 0 ? NULL : name, one) && queue_includes(all, i, name, one);
		free(one);
	}
	if (all != NULL) {
		text = all->text;
		free(all);
	}
	if (ok)
		return text;
	free(text);
	return NULL;
}

char *
config_files(const char *path, const char *text)
{
	size_t size = 0;
	char *out = NULL;
	FILE *f = open_memstream(&out, &size);
	unsigned line = 1;

	if (f == NULL)
		return NULL;
	fputs(path, f);
	for (const char *p = text; *p != '\0'; line++) {
		size_t n = strcspn(p, "\n");

		if (*p == CONFIG_FILE_MARK)
			fprintf(f, "\n%u %.*s", line + 1, (int)(n - 1), p + 1);
		p += n + (p[n] == '\n');
	}
	if (fclose(f) == 0)
		return out;
	free(out);
	return NULL;
}

const char *
config_file_of(const struct config_source *source, unsigned *line, char buf[static CONFIG_FILE_SIZE])
{
	const char *name = source->path;
	unsigned first = 1;

	for (const char *next = strchr(source->path, '\n'); next != NULL; next = strchr(next, '\n')) {
		char *end;
		unsigned long from = strtoul(next + 1, &end, 10);

		next++;
		if (*end != ' ' || from > *line)
			break;
		first = (unsigned)from;
		name = end + 1;
	}
	snprintf(buf, CONFIG_FILE_SIZE, "%.*s", (int)strcspn(name, "\n"), name);
	*line -= first - 1;
	return buf;
}

const char *
config_line(const struct config_source *source, unsigned line, char buf[static CONFIG_FILE_SIZE])
{
	char file[CONFIG_FILE_SIZE];
	unsigned own = line;

	config_file_of(source, &own, file);
	if (own == line)
		snprintf(buf, CONFIG_FILE_SIZE, "line %u", own);
	else
		snprintf(buf, CONFIG_FILE_SIZE, "line %u of %.*s", own, CONFIG_FILE_SIZE - 32, file);
	return buf;
}
