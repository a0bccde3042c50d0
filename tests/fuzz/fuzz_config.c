/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_config.c - any text as a configuration; what is good must print and parse to itself.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxtrap/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* config_parse() without its words. */
static int
parse(struct config *config, const char *text)
{
	int keep = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY), result;

	dup2(null, STDERR_FILENO);
	result = config_parse(config, "fuzz", text);
	fflush(stderr);
	dup2(keep, STDERR_FILENO);
	close(keep);
	close(null);
	return result;
}

static char *
printed(const struct config *config)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		abort();
	config_print(config, f);
	fclose(f);
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1), *first, *second;
	struct config config;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	if (parse(&config, text) == 0) {
		first = printed(&config);
		config_free(&config);
		if (parse(&config, first) != 0)
			abort();
		second = printed(&config);
		config_free(&config);
		if (strcmp(first, second) != 0)
			abort();
		free(first);
		free(second);
	}
	free(text);
	return 0;
}
