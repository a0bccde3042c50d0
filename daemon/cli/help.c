/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * help.c - what mxtrap says about its own words: help, usage, and what a mistyped word was meant to be.
 *
 * The table of commands (cli_command_at) is the only source: the words that a command takes are those of its usage.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "mxtrap/export.h"
#include "mxtrap/json.h"
#include "mxtrap/suggest.h"

#define WIDTH	  79
#define INDENT	  8
#define WORD_SIZE 64			/* longer words are not guessed at */

/* Those that stand beside the table, because they need no configuration. */
static const char *const ASIDE[] = { "help", "version" };

const struct cli_command *
cli_command_find(const char *name)
{
	const struct cli_command *c;

	for (size_t i = 0; (c = cli_command_at(i)) != NULL; i++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

void
cli_help(FILE *out)
{
	const struct cli_command *c;

	fputs("usage: mxtrap [-c FILE] COMMAND ...\n\n", out);
	for (size_t i = 0; (c = cli_command_at(i)) != NULL; i++)
		fprintf(out, "  %-9s %s\n", c->name, c->says);
	fputs("\n-c FILE (default " CLI_CONFIG "), --json: an object in place of text\n"
	    "mxtrap help COMMAND: its words; mxtrap version; man mxtrap: all of it\n"
	    "exit: 0 done, 1 no or bad input, 2 usage, 3 daemon or database not reachable\n", out);
}

/* A usage in lines of 79 columns, broken before "[" or "|". */
static void
print_usage(FILE *out, const char *usage)
{
	size_t column = (size_t)fprintf(out, "usage: mxtrap [-c FILE]");

	while (*usage != '\0') {
		size_t n = 0;

		/* Up to the blank behind which a line may begin. */
		while (usage[n] != '\0' && !(usage[n] == ' ' && (usage[n + 1] == '[' || usage[n + 1] == '|')))
			n++;
		if (column + 1 + n > WIDTH)
			column = (size_t)fprintf(out, "\n%*s", INDENT - 1, "") - 1;
		column += (size_t)fprintf(out, " %.*s", (int)n, usage);
		usage += n + (usage[n] == ' ');
	}
	fputc('\n', out);
}

static void
help_json(void)
{
	const struct cli_command *c;
	struct json j;

	cli_json_begin(&j, "help");
	json_array(&j, "commands");
	for (size_t i = 0; (c = cli_command_at(i)) != NULL; i++) {
		json_object(&j, NULL);
		json_string(&j, "name", c->name);
		json_string(&j, "usage", c->usage);
		json_string(&j, "says", c->says);
		json_end(&j);
	}
	json_end(&j);
	(void)cli_json_end(&j);
}

void
cli_help_command(const struct cli_command *c)
{
	const struct export_format *format;

	print_usage(stdout, c->usage);
	printf("\n%s\n\n"
	    "--json              one JSON object in place of text: man mxtrap\n"
	    "--token-file FILE   an admin token, where mxtrapd runs as one user\n", c->says);
	if (strcmp(c->name, "export") != 0)
		return;
	puts("\nThe formats:");
	for (size_t i = 0; (format = export_format_at(i)) != NULL; i++)
		printf("  %-16s %s\n", format->name, format->says);
}

static int
aside(const char *command, const char *word)
{
	char text[80];

	fprintf(stderr, "mxtrap: %s: found %s, expected %s\n", command, cli_escape(word, text, sizeof(text)),
	    strcmp(command, "help") == 0 ? "one command, or nothing" : "nothing more");
	return CLI_USAGE;
}

int
cli_aside(int argc, char **argv, bool json)
{
	const struct cli_command *c = NULL;
	bool version = strcmp(argv[0], "version") == 0, flag;

	for (int i = 1; i < argc; i++) {
		flag = strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 || strcmp(argv[i], argv[0]) == 0;
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (flag || (!version && i == 1 && strcmp(argv[i], "version") == 0))
			continue;
		else if (version || c != NULL || argv[i][0] == '-')
			return aside(argv[0], argv[i]);
		else if ((c = cli_command_find(argv[i])) == NULL)
			return cli_unknown(argv[i]);
	}
	if (version && json) {
		struct json j;

		cli_json_begin(&j, "version");
		(void)cli_json_end(&j);
	} else if (version) {
		puts("mxtrap " MXTRAP_VERSION);
	} else if (json) {
		help_json();
	} else if (c != NULL) {
		cli_help_command(c);
	} else {
		cli_help(stdout);
	}
	return CLI_DONE;
}

bool
cli_is_aside(const char *name)
{
	return strcmp(name, ASIDE[0]) == 0 || strcmp(name, ASIDE[1]) == 0;
}

/* -- what was meant -- */

/* The next word of a usage that is typed as it stands there: an option, or lower-case letters.  NULL: no more. */
static const char *
next_word(const char **at, char word[static WORD_SIZE])
{
	while (**at != '\0') {
		const char *begin = *at;
		size_t n = 0;

		while (isalnum((unsigned char)begin[n]) || (begin[n] != '\0' && strchr("-_.", begin[n]) != NULL))
			n++;
		*at += n > 0 ? n : 1;
		if (n < 2 || n >= WORD_SIZE)
			continue;
		memcpy(word, begin, n);
		word[n] = '\0';
		if (strncmp(word, "--", 2) == 0 || (islower((unsigned char)word[0]) && islower((unsigned char)word[1])))
			return word;
	}
	return NULL;
}

/* The options that main takes out of every command's words. */
static const char COMMON[] = "--json --token --token-file --help";

static bool
takes(const struct cli_command *c, const char *option)
{
	const char *at = c->usage;
	char word[WORD_SIZE];

	while (next_word(&at, word) != NULL)
		if (strcmp(word, option) == 0)
			return true;
	return false;
}

/*
 * Offer each word of a text.  Dashes weigh nothing: "listed" means --listed.  They are put back by their number,
 * and words are kept, because suggest.h does not copy them.
 */
static void
offer(const char *text, const char *typed, char best[static WORD_SIZE], unsigned *cost)
{
	const char *name = typed + strspn(typed, "-");
	char word[WORD_SIZE];

	while (next_word(&text, word) != NULL) {
		struct suggest s = { .typed = name };

		suggest_offer(&s, word + strspn(word, "-"));
		if (s.best != NULL && s.cost < *cost) {
			*cost = s.cost;
			memcpy(best, word, WORD_SIZE);
		}
	}
}

/* "; did you mean --listed?", or "". */
static const char *
meant(const char *const *texts, size_t n, const char *typed, char buf[static WORD_SIZE + 32])
{
	char best[WORD_SIZE] = "", bare[WORD_SIZE];
	unsigned cost = 99;

	(void)snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(typed, "="), typed);
	for (size_t i = 0; i < n; i++)
		offer(texts[i], bare, best, &cost);
	buf[0] = '\0';
	if (best[0] != '\0')
		(void)snprintf(buf, WORD_SIZE + 32, "; did you mean %s?", best);
	return buf;
}

const char *
cli_meant(const char *words, const char *typed, char buf[static CLI_MEANT_SIZE])
{
	_Static_assert(CLI_MEANT_SIZE >= WORD_SIZE + 32, "a word and the question");

	return meant(&words, 1, typed, buf);
}

int
cli_unknown(const char *word)
{
	char text[80], buf[WORD_SIZE + 32];
	const char *names[32] = { ASIDE[0], ASIDE[1] };
	const struct cli_command *c;
	size_t n = 2;

	for (size_t i = 0; (c = cli_command_at(i)) != NULL && n < 32; i++)
		names[n++] = c->name;
	fprintf(stderr, "mxtrap: no command %s%s\nmxtrap help lists the commands\n", cli_escape(word, text, sizeof(text)),
	    word[0] == '-' ? "" : meant(names, n, word, buf));
	return CLI_USAGE;
}

int
cli_unknown_option(const char *word, bool lacks)
{
	static const char *const options[] = { "--help --version --json --token --token-file" };
	char text[80], buf[WORD_SIZE + 32];

	(void)cli_escape(word, text, sizeof(text));
	if (lacks)
		fprintf(stderr, "mxtrap: %s: found nothing behind it, expected %s\n", text,
		    strcmp(word, "-c") == 0 ? "a configuration file" : "a value");
	else
		fprintf(stderr, "mxtrap: unknown option %s%s\n", text, meant(options, 1, word, buf));
	fputs("usage: mxtrap [-c FILE] COMMAND ...\nmxtrap help lists the commands\n", stderr);
	return CLI_USAGE;
}

int
cli_usage(const char *command, const char *wrong)
{
	const struct cli_command *c = cli_command_find(command);

	fprintf(stderr, "mxtrap: %s: %s\n", command, wrong);
	print_usage(stderr, c != NULL ? c->usage : command);
	return CLI_USAGE;
}

int
cli_usage_word(const char *command, const char *word)
{
	const struct cli_command *c = cli_command_find(command);
	const char *texts[] = { c != NULL ? c->usage + strlen(c->name) : "", COMMON };
	char text[80], wrong[260], buf[WORD_SIZE + 32];

	(void)cli_escape(word, text, sizeof(text));
	if (strcmp(word, "-c") == 0)
		(void)snprintf(wrong, sizeof(wrong), "-c FILE stands before the command: mxtrap -c FILE %s", command);
	else if (word[0] == '-' && c != NULL && takes(c, word))
		(void)snprintf(wrong, sizeof(wrong), "%s: found nothing behind it, expected a value", text);
	else if (word[0] == '-')
		(void)snprintf(wrong, sizeof(wrong), "unknown option %s%s", text, meant(texts, 2, word, buf));
	else
		(void)snprintf(wrong, sizeof(wrong), "found %s, expected nothing more%s", text, meant(texts, 2, word, buf));
	return cli_usage(command, wrong);
}

int
cli_usage_value(const char *command, const char *option, const char *value, const char *expected)
{
	const char *texts[] = { strchr(expected, ',') != NULL ? expected : "" };	/* only a list has words to mean */
	char text[80], wrong[300], buf[WORD_SIZE + 32];

	(void)snprintf(wrong, sizeof(wrong), "%s%sfound %s, expected %s%s", option, option[0] != '\0' ? ": " : "",
	    value[0] != '\0' ? cli_escape(value, text, sizeof(text)) : "nothing", expected, meant(texts, 1, value, buf));
	return cli_usage(command, wrong);
}

int
cli_format_word(const char *command, int *i, int argc, char **argv, enum cli_format *out)
{
	static const char *const names[] = { "table", "plain", "ndjson", "csv", "json" };
	const char *value = argv[*i];

	if (strncmp(value, "--format=", 9) == 0)
		value += 9;
	else if (strcmp(value, "--format") != 0)
		return CLI_NO;
	else if (*i + 1 == argc)
		return cli_usage_word(command, value);
	else
		value = argv[++*i];
	for (unsigned k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		if (strcmp(value, names[k]) != 0)
			continue;
		*out = (enum cli_format)k;
		return CLI_DONE;
	}
	return cli_usage_value(command, "--format", value, "table, plain, ndjson, csv or json");
}

bool
cli_parse_count(const char *text, uint64_t most, uint64_t *out)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (!isdigit((unsigned char)text[0]) || *end != '\0' || n == 0 || n > most)
		return false;
	*out = n;
	return true;
}
