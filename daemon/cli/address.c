/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * address.c - a word that stands where an address is expected, and is none: what was meant, and what to type for it.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* "192.0.2.7/24": the network that it lies in, as one would type it.  False: it is no such thing. */
static bool
network_of(const char *word, struct addr *host, char shown[static PREFIX_TEXT_SIZE])
{
	const char *slash = strchr(word, '/');
	char first[64], *end;
	struct prefix p = { .len = 0 };
	unsigned long len;
	bool v4;

	if (slash == NULL || slash - word >= (ptrdiff_t)sizeof(first))
		return false;
	(void)snprintf(first, sizeof(first), "%.*s", (int)(slash - word), word);
	if (!prefix_parse(&p, first) || slash[1] < '0' || slash[1] > '9')
		return false;
	*host = p.addr;
	v4 = addr_is_v4(host);
	len = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || len > (v4 ? 32 : 128))
		return false;
	p = prefix_of(host, (uint8_t)(v4 ? 96 + len : len));
	(void)prefix_format(&p, shown);
	return true;
}

/* Letters, digits, dots and dashes, and a letter among them: a range of addresses is no name. */
static bool
is_name(const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

	return word[0] != '\0' && strspn(word, letters) == strlen(word) && strspn(word, "0123456789.-") != strlen(word);
}

int
cli_bad_address(const char *command, const char *word, const char *expected)
{
	char text[200], network[PREFIX_TEXT_SIZE], sender[PREFIX_TEXT_SIZE];
	struct addr host;
	struct prefix p;
	bool in_network = network_of(word, &host, network), one = strcmp(command, "explain") == 0;

	fprintf(stderr, "mxtrap: %s: found %s, expected %s", command, word[0] != '\0' ? cli_escape(word, text, sizeof(text)) :
	    "nothing", expected);
	if (in_network && !one)
		fprintf(stderr, "; did you mean %s?", network);
	fputc('\n', stderr);
	if (in_network && one) {
		p = prefix_of(&host, 64);
		fprintf(stderr, "one sender is explained at a time%s: mxtrap explain %s\n"
		    "the senders that are known: mxtrap list --all\n", addr_is_v4(&host) ? "" : ", which is a /64 of IPv6",
		    addr_is_v4(&host) ? addr_format(&host, sender) : prefix_format(&p, sender));
	} else if (is_name(word)) {
		fprintf(stderr, "names are not resolved: mxtrap %s ADDRESS, with what dig +short %s prints\n", command, word);
	}
	return CLI_NO;
}
