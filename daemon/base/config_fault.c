/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_fault.c - what is wrong with a configuration, kept until all of it was read.
 *
 * Readers meet faults in their own order; the operator works through a file from its
 * first line to its last.  So the faults of the lowest lines are kept, sorted, and the
 * rest is counted.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_text.h"

/* A text that may hold anything, in printable ASCII: U+00A0 looks like a space, and is none. */
static char *
visible(const char *text)
{
	char *out = NULL;
	size_t size = 0, bytes;
	FILE *f = open_memstream(&out, &size);

	if (f == NULL)
		return NULL;
	for (const char *p = text; *p != '\0'; p += bytes) {
		long c = config_code_point(p, &bytes);

		if (c < 0)
			fprintf(f, "<byte %02X>", (unsigned char)*p);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(f, "<U+%04lX>", (unsigned long)c);
		else
			fputc((int)c, f);
	}
	if (fclose(f) == 0)
		return out;
	free(out);
	return NULL;
}

static void
note(struct config_faults *all, unsigned line, const char *fmt, va_list ap)
{
	char text[1024];
	size_t i = all->n;
	char *shown;

	vsnprintf(text, sizeof(text), fmt, ap);
	shown = visible(text);
	for (size_t k = 0; k < all->n && shown != NULL; k++)
		if (all->fault[k].line == line && strcmp(all->fault[k].text, shown) == 0) {
			free(shown);
			return;		/* once is enough */
		}
	all->seen++;
	if (shown == NULL)
		return;
	if (all->n == CONFIG_FAULTS) {
		if (all->fault[--i].line <= line) {
			free(shown);
			return;
		}
		free(all->fault[i].text);
	} else {
		all->n++;
	}
	for (; i > 0 && all->fault[i - 1].line > line; i--)
		all->fault[i] = all->fault[i - 1];
	all->fault[i] = (struct config_fault){ line, shown };
}

void
config_wrong(struct config_source *source, unsigned line, const char *fmt, ...)
{
	va_list ap;

	source->errors++;
	va_start(ap, fmt);
	note(&source->faults, line, fmt, ap);
	va_end(ap);
}

void
config_found(struct config_source *source, unsigned line, const char *text, const char *fmt, ...)
{
	char expected[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(expected, sizeof(expected), fmt, ap);
	va_end(ap);
	config_wrong(source, line, "found \"%.200s\", expected %s", text, expected);
}

void
config_doubt(struct config_source *source, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(&source->warnings, line, fmt, ap);
	va_end(ap);
}

static void
print(const struct config_source *source, const struct config_faults *all, const char *mark, FILE *f)
{
	char file[CONFIG_FILE_SIZE];
	unsigned first = 1;

	for (size_t i = 0; i < all->n; i++) {
		unsigned line = all->fault[i].line;

		config_file_of(source, &line, file);
		fprintf(f, "%s:%u: %s%s\n", file, line, mark, all->fault[i].text);
	}
	if (all->seen > all->n)
		fprintf(f, "%s: %sand %u more\n", config_file_of(source, &first, file), mark,
		    all->seen - (unsigned)all->n);
}

void
config_faults_print(const struct config_source *source, void *stdio_file)
{
	print(source, &source->faults, "", stdio_file);
}

char *
config_warnings_text(const struct config_source *source)
{
	char *out = NULL;
	size_t size = 0;
	FILE *f = source->warnings.n == 0 ? NULL : open_memstream(&out, &size);

	if (f == NULL)
		return NULL;
	print(source, &source->warnings, "warning: ", f);
	if (fclose(f) == 0)
		return out;
	free(out);
	return NULL;
}

void
config_source_free(struct config_source *source)
{
	for (size_t i = 0; i < source->faults.n; i++)
		free(source->faults.fault[i].text);
	for (size_t i = 0; i < source->warnings.n; i++)
		free(source->warnings.fault[i].text);
	source->faults.n = source->warnings.n = 0;
}
