/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - mxtrap, the administrator's command: options, then one of a table of commands.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "mxtrap/backup.h"
#include "mxtrap/log.h"
#include "mxtrap/status.h"

#ifndef MXTRAP_VERSION
#define MXTRAP_VERSION "0.1"
#endif
#define DEFAULT_CONFIG "/etc/mxtrap/mxtrap.conf"

static const struct cli_command COMMANDS[] = {
	{ "list", "list [--suspects|--noticed|--cleared|--allowed|--scanners|--all] [--format table|plain|ndjson|csv]",
	    "who is listed, or in another state", cli_list },
	{ "explain", "explain ADDR [--json]", "everything that is known of a sender, and why", cli_explain },
	{ "export", "export FORMAT [--family 4|6] [--grade G] [--min-score N]\n"
	    "           [--include suspects,scanners] [--limit N]", "the list as consumers get it", cli_export },
	{ "allow", "allow ADDR|CIDR [--for 30d] [--note TEXT] | allow ADDR|CIDR --remove",
	    "never list it; takes it off the list at once", cli_allow },
	{ "block", "block ADDR [--for 24h] [--note TEXT] | block ADDR --remove", "list it by hand, for a time", cli_block },
	{ "forget", "forget ADDR|CIDR [--note TEXT]", "drop what weighs on it", cli_forget },
	{ "purge", "purge --evidence KIND|--exchanger HOST|--since TIME [--dry-run] [--note TEXT]",
	    "take back what a bad decoy or rule gave", cli_purge },
	{ "publish", "publish --accept [--note TEXT]", "hand on what waits because the list grew fast", cli_publish },
	{ "firewall", "firewall show|flush|off|on [--note TEXT]", "the kernel's sets: counters, fill anew, switch", cli_firewall },
	{ "token", "token add NAME [--scope export|export:FORMAT|lapi|admin] [--for 90d]\n"
	    "           | list | revoke NAME", "who may fetch the list, or change it, over HTTP", cli_token },
	{ "consumers", "consumers", "who fetches the list, and how much of it they have", cli_consumers },
	{ "status", "status", "health of the ladder, processes, counters", cli_status },
	{ "report", "report", "what publishing would block", cli_report },
	{ "risk", "risk [--limit N] [--format table|plain|ndjson|csv]", "whose mail may not have arrived", cli_risk },
	{ "backup", "backup FILE [--force]", "copy the database into a file, also while mxtrapd runs", cli_backup },
	{ "restore", "restore FILE [--check]", "put a backup in place, while mxtrapd is stopped", cli_restore },
	{ "tail", "tail [--count N]", "attempts as they come", cli_tail },
};
#define N_COMMANDS (sizeof(COMMANDS) / sizeof(COMMANDS[0]))

static void
help(FILE *out)
{
	fputs("usage: mxtrap [-c FILE] COMMAND ...\n", out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-9s %s\n", COMMANDS[i].name, COMMANDS[i].says);
	fputs("\n  -c FILE   configuration (default " DEFAULT_CONFIG ")\n"
	    "  --token-file FILE   an admin token, where mxtrapd runs as one user\n"
	    "  --help    this, or a command's own: mxtrap list --help; --version\n"
	    "exit: 0 done, 1 the answer is no or the input was bad, 2 usage,\n"
	    "      3 the daemon or the database cannot be reached\n", out);
}

static const struct cli_command *
find(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(COMMANDS[i].name, name) == 0)
			return &COMMANDS[i];
	return NULL;
}

int
cli_usage(const char *command, const char *wrong)
{
	const struct cli_command *c = find(command);

	fprintf(stderr, "mxtrap: %s\nusage: mxtrap [-c FILE] %s\n", wrong, c != NULL ? c->usage : command);
	return CLI_USAGE;
}

int
cli_usage_word(const char *command, const char *word)
{
	char text[80], wrong[160];

	(void)snprintf(wrong, sizeof(wrong), "found %s, which %s does not take here", cli_escape(word, text, sizeof(text)),
	    command);
	return cli_usage(command, wrong);
}

/* Edit distance, for "did you mean": words here are short. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[32], n = strlen(b);

	if (n >= 31)
		return 99;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; i < 64 && a[i] != '\0'; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t best = corner + (a[i] != b[j]);

			if (row[j + 1] + 1 < best)
				best = row[j + 1] + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			corner = row[j + 1];
			row[j + 1] = best;
		}
	}
	return row[n];
}

static int
unknown(const char *word)
{
	const struct cli_command *nearest = &COMMANDS[0];

	for (size_t i = 1; i < N_COMMANDS; i++)
		if (distance(word, COMMANDS[i].name) < distance(word, nearest->name))
			nearest = &COMMANDS[i];
	char text[80];

	fprintf(stderr, "mxtrap: no command %s", cli_escape(word, text, sizeof(text)));
	if (distance(word, nearest->name) <= 2)
		fprintf(stderr, "; did you mean %s?", nearest->name);
	fputs("\nmxtrap --help lists them\n", stderr);
	return CLI_USAGE;
}

/* What is not in it cannot be seen in it: the answer may lack the newest. */
static void
warn_of_copy(const struct cli *cli)
{
	char path[BACKUP_PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/mxtrap.db", cli->config.state_dir);
	if (backup_lacks_log(path))
		fprintf(stderr, "mxtrap: warning: %s is a copy of a database without its log (mxtrap.db-wal): where cp made it while mxtrapd "
		    "ran, its newest rows are missing. `mxtrap backup` copies all of it\n", path);
}

int
cli_open(struct cli *cli)
{
	enum report_result result = report_open(&cli->report, cli->config.state_dir, &cli->config.judge);
	struct status_fact fact = { .kind = STATUS_DATABASE };
	char text[STATUS_SENTENCE_SIZE];
	struct status *status;

	if (result == REPORT_OK) {
		warn_of_copy(cli);
		cli->now_s = report_now(cli->report, time(NULL));
		return CLI_DONE;
	}
	status = malloc(sizeof(*status));
	if (status == NULL)
		return CLI_UNREACHABLE;
	status_read(status, &cli->config, NULL, result, time(NULL), STATUS_ROWS);
	fprintf(stderr, "mxtrap: %s\n", status_sentence(status, &fact, text));
	free(status);
	return CLI_UNREACHABLE;
}

/* https://no-color.org: set and not empty. */
static bool
may_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no == NULL || *no == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
}

/* What was printed must have arrived.  A reader that went away wants no words about it. */
static int
finish(int status)
{
	bool failed = ferror(stdout) != 0;

	if (fflush(stdout) == 0 && !failed)
		return status;
	if (errno != EPIPE)
		fprintf(stderr, "mxtrap: standard output: %s\n", errno != 0 ? strerror(errno) : "could not be written");
	return CLI_NO;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' },
		{ "token", required_argument, NULL, 't' }, { "token-file", required_argument, NULL, 'f' }, { NULL, 0, NULL, 0 },
	};
	const char *file = DEFAULT_CONFIG, *token = NULL, *token_file = NULL;
	const struct cli_command *command;
	struct cli cli = { .report = NULL };
	int c, status;

	signal(SIGPIPE, SIG_IGN);	/* a closed pipe is a write error, which is checked */
	log_name("mxtrap");
	tzset();
	(void)setvbuf(stdout, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, 1 << 18);
	while ((c = getopt_long(argc, argv, "+c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c': file = optarg; break;
		case 't': token = optarg; break;
		case 'f': token_file = optarg; break;
		case 'h': help(stdout); return CLI_DONE;
		case 'V': puts("mxtrap " MXTRAP_VERSION); return CLI_DONE;
		default: help(stderr); return CLI_USAGE;
		}
	}
	if (optind == argc) {
		help(stderr);
		return CLI_USAGE;
	}
	command = find(argv[optind]);
	if (command == NULL)
		return unknown(argv[optind]);
	if (optind + 1 < argc && (strcmp(argv[optind + 1], "--help") == 0 || strcmp(argv[optind + 1], "-h") == 0)) {
		printf("usage: mxtrap [-c FILE] %s\n\n%s\n", command->usage, command->says);
		return CLI_DONE;
	}
	if (config_load(&cli.config, file) != 0)
		return CLI_NO;
	cli.colour = may_colour();
	cli.progress = !isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
	argc -= optind;
	argv += optind;
	optind = 0;			/* getopt begins anew for the command's own options */
	status = cli_bearer_words(&argc, argv, &token, &token_file);
	if (status == CLI_DONE)
		status = cli_bearer(&cli, token, token_file);
	if (status == CLI_DONE)
		status = command->run(&cli, argc, argv);
	explicit_bzero(cli.token, sizeof(cli.token));
	report_close(cli.report);
	config_free(&cli.config);
	return finish(status);
}
