/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - mxtrap, the administrator's command: options, then one of a table of commands.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "mxtrap/backup.h"
#include "mxtrap/log.h"
#include "mxtrap/status.h"

static const struct cli_command COMMANDS[] = {
	{ "list", "list [--listed|--suspects|--noticed|--cleared|--allowed|--scanners|--all] [--format table|plain|ndjson|csv|json]",
	    "who is listed, or in another state", cli_list },
	{ "explain", "explain ADDR", "everything that is known of a sender, and why", cli_explain },
	{ "export", "export FORMAT [--family 4|6] [--grade G] [--min-score N] "
	    "[--include suspects,scanners] [--limit N]", "the list as consumers get it", cli_export },
	{ "allow", "allow ADDR|CIDR [--for 30d] [--note TEXT] [--force] | allow ADDR|CIDR --remove",
	    "never list it; takes it off the list at once", cli_allow },
	{ "block", "block ADDR [--for 24h] [--note TEXT] | block ADDR --remove", "list it by hand, for a time", cli_block },
	{ "forget", "forget ADDR|CIDR [--note TEXT]", "drop what weighs on it", cli_forget },
	{ "purge", "purge --evidence KIND|--exchanger HOST|--since TIME [--dry-run] [--note TEXT]",
	    "take back what a bad decoy or rule gave", cli_purge },
	{ "publish", "publish --accept [--note TEXT]", "hand on what waits because the list grew fast", cli_publish },
	{ "firewall", "firewall show|flush|off|on [--note TEXT]", "the kernel's sets: counters, fill again, switch", cli_firewall },
	{ "token", "token add NAME [--scope export|export:FORMAT|lapi|admin] [--for 90d] "
	    "| list | revoke NAME", "who may fetch the list, or change it, over HTTP", cli_token },
	{ "consumers", "consumers", "who fetches the list, and how much of it they have", cli_consumers },
	{ "status", "status", "health of the ladder, processes, counters", cli_status },
	{ "report", "report [--limit N]", "what publishing would block", cli_report },
	{ "risk", "risk [--limit N] [--format table|plain|ndjson|csv|json]", "whose mail may not have arrived", cli_risk },
	{ "backup", "backup FILE [--force]", "copy the database into a file, also while mxtrapd runs", cli_backup },
	{ "restore", "restore FILE [--check]", "put a backup in place, while mxtrapd is stopped", cli_restore },
	{ "tail", "tail [--count N] [--format table|ndjson|json]", "attempts as they come", cli_tail },
};
#define N_COMMANDS (sizeof(COMMANDS) / sizeof(COMMANDS[0]))

const struct cli_command *
cli_command_at(size_t i)
{
	return i < N_COMMANDS ? &COMMANDS[i] : NULL;
}

/* What is not in it cannot be seen in it: the answer may lack the newest. */
static void
warn_of_copy(const struct cli *cli)
{
	char path[BACKUP_PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/mxtrap.db", cli->config.state_dir);
	if (backup_lacks_log(path))
		fprintf(stderr, "mxtrap: warning: %s is a copy of a database without its log (mxtrap.db-wal): where cp made it "
		    "while mxtrapd ran, its newest rows are missing. `mxtrap backup` copies all of it\n", path);
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

/* Behind a command: is its help wanted?  What stands behind --note is the note. */
static bool
wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if ((strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) && strcmp(argv[i - 1], "--note") != 0)
			return true;
	return false;
}

struct words {				/* that stand before the command */
	const char *file, *token, *token_file;
	bool	 json;
};

/* CLI_DONE: go on with argv[optind]; -1: all is done; else the exit status. */
static int
read_words(int argc, char **argv, struct words *w)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { "json", no_argument, NULL, 'j' },
		{ "token", required_argument, NULL, 't' }, { "token-file", required_argument, NULL, 'f' }, { NULL, 0, NULL, 0 },
	};
	int c, at = 1;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c': w->file = optarg; break;
		case 't': w->token = optarg; break;
		case 'f': w->token_file = optarg; break;
		case 'j': w->json = true; break;
		case 'h': cli_help(stdout); return -1;
		case 'V': puts("mxtrap " MXTRAP_VERSION); return -1;
		default: return cli_unknown_option(argv[at], c == ':');
		}
		at = optind;
	}
	if (optind < argc)
		return CLI_DONE;
	fputs("mxtrap: found no command\n", stderr);
	cli_help(stderr);
	return CLI_USAGE;
}

/* A command's words, behind those of main. */
static int
run(const struct cli_command *command, struct words *w, int argc, char **argv)
{
	struct cli cli = { .report = NULL, .json = w->json };
	int status;

	if (config_load(&cli.config, w->file) != 0)
		return CLI_NO;
	cli.colour = may_colour();
	cli.progress = !isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
	status = cli_common_words(&cli, &argc, argv, &w->token, &w->token_file);
	if (status == CLI_DONE)
		status = cli_bearer(&cli, w->token, w->token_file);
	if (status == CLI_DONE)
		status = command->run(&cli, argc, argv);
	explicit_bzero(cli.token, sizeof(cli.token));
	report_close(cli.report);
	config_free(&cli.config);
	return status;
}

int
main(int argc, char **argv)
{
	struct words w = { .file = CLI_CONFIG };
	const struct cli_command *command;
	int status;

	cli_output_begin();
	log_name("mxtrap");
	tzset();
	status = read_words(argc, argv, &w);
	if (status != CLI_DONE)
		return cli_output_end(status == -1 ? CLI_DONE : status);
	argc -= optind;
	argv += optind;
	command = cli_command_find(argv[0]);
	if (cli_is_aside(argv[0])) {
		status = cli_aside(argc, argv, w.json);
	} else if (command == NULL) {
		status = cli_unknown(argv[0]);
	} else if (wants_help(argc, argv)) {
		cli_help_command(command);
	} else {
		status = run(command, &w, argc, argv);
	}
	return cli_output_end(status);
}
