/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bearer.c - the token that a command shows to mxtrapd, where one is needed: option, file or environment.
 *
 * It is needed where all processes of mxtrapd run under one user; elsewhere the mode of the control socket
 * decides, and a token changes nothing.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "mxtrap/message.h"

static int
wrong(const char *where, const char *found)
{
	fprintf(stderr, "mxtrap: %s: found %s, expected a token: mxt_ and 64 digits, as mxtrap token add and mxtrapd's log "
	    "show it\n", where, found);
	return CLI_NO;
}

static int
take(struct cli *cli, const char *where, const char *text)
{
	size_t n = strcspn(text, " \t\r\n");

	if (n == 0)
		return wrong(where, "nothing");
	if (n >= sizeof(cli->token))
		return wrong(where, "something longer");
	memcpy(cli->token, text, n);
	cli->token[n] = '\0';
	return CLI_DONE;
}

/* The first word of the file. */
static int
take_file(struct cli *cli, const char *path)
{
	char text[256] = "";
	FILE *f = fopen(path, "re");
	int status;

	if (f == NULL) {
		fprintf(stderr, "mxtrap: --token-file: %s: %s\n", path, strerror(errno));
		return CLI_NO;
	}
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	(void)fclose(f);
	status = take(cli, path, text);
	explicit_bzero(text, sizeof(text));
	return status;
}

int
cli_bearer(struct cli *cli, const char *token, const char *file)
{
	const char *env = getenv("MXTRAP_TOKEN");

	if (token != NULL)
		return take(cli, "--token", token);
	if (file != NULL)
		return take_file(cli, file);
	if (env != NULL && env[0] != '\0')
		return take(cli, "MXTRAP_TOKEN", env);
	return CLI_DONE;
}

int
cli_common_words(struct cli *cli, int *argc, char **argv, const char **token, const char **file)
{
	int n = 0;

	for (int i = 0; i < *argc; i++) {
		const char **out = strcmp(argv[i], "--token") == 0 ? token : strcmp(argv[i], "--token-file") == 0 ? file : NULL;

		bool note = i > 0 && strcmp(argv[i - 1], "--note") == 0;	/* what stands behind it is the note */

		if (!note && strcmp(argv[i], "--json") == 0) {
			cli->json = true;
			continue;
		}
		if (out == NULL || note) {
			argv[n++] = argv[i];
			continue;
		}
		if (i + 1 == *argc) {
			fprintf(stderr, "mxtrap: %s: found nothing behind it, expected %s\n", argv[i],
			    out == file ? "a file that holds a token" : "a token");
			return CLI_USAGE;
		}
		*out = argv[++i];
	}
	argv[n] = NULL;
	*argc = n;
	return CLI_DONE;
}
