/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backup.c - `mxtrap backup` and `mxtrap restore`: the database into a file, and back.
 *
 * Neither asks mxtrapd: a backup reads beside it, and a restore wants it stopped.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "mxtrap/backup.h"
#include "mxtrap/json.h"
#include "mxtrap/status.h"

/* SIGINT and SIGTERM wait until nothing is left behind. */
static bool
goes_on(void *ctx, int64_t pages, int64_t of)
{
	const struct cli *cli = ctx;
	sigset_t waiting;

	(void)of;
	cli_progress(cli, (uint64_t)pages, "pages copied");
	return sigpending(&waiting) == -1 || (sigismember(&waiting, SIGINT) == 0 && sigismember(&waiting, SIGTERM) == 0);
}

static void
hold_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	(void)sigprocmask(how, &set, NULL);
}

static void
print_size(uint64_t bytes)
{
	if (bytes < 10 * 1048576)
		printf("  size        %" PRIu64 " KiB\n", bytes / 1024);
	else
		printf("  size        %" PRIu64 " MiB\n", bytes / 1048576);
}

static void
print_what(const struct backup *b)
{
	char when[40];

	printf("  newest      %s, the last change of the list or decision\n", cli_time(b->newest_s, when));
	printf("  listed      %" PRIu64 " (by hand: %" PRIu64 ")\n", b->listed, b->by_hand);
	printf("  suspects    %" PRIu64 "\n", b->suspects);
	printf("  senders     %" PRIu64 "\n", b->senders);
	printf("  allowances  %" PRIu64 "\n", b->allowances);
	printf("  tokens      %" PRIu64 "\n", b->tokens);
	printf("  list        %" PRIx64 ":%" PRIu64 " (generation:serial)\n", b->generation, b->serial);
	print_size(b->bytes);
}

/* The same for a program.  kept "": nothing was there before. */
static int
print_json(const char *command, const char *file, const struct backup *b, const char *kept, bool done)
{
	struct report_state list = { .generation = b->generation, .serial = b->serial, .changed_s = b->newest_s,
		.n_listed = b->listed, .n_suspect = b->suspects };
	struct json j;

	cli_json_begin(&j, command);
	json_bool(&j, "done", done);
	json_string(&j, "file", file);
	json_state(&j, &list, 0);
	json_uint(&j, "by_hand", b->by_hand);
	json_uint(&j, "senders", b->senders);
	json_uint(&j, "allowances", b->allowances);
	json_uint(&j, "tokens", b->tokens);
	json_uint(&j, "bytes", b->bytes);
	json_int(&j, "version", b->version);
	json_bool(&j, "lacks_log", b->no_log);
	json_string(&j, "kept", kept[0] != '\0' ? kept : NULL);
	return cli_json_end(&j);
}

/* What a bare copy lacks cannot be seen in it. */
static void
warn_of_no_log(const struct backup *b, const char *path)
{
	char when[40], text[1100];

	if (!b->no_log)
		return;
	fprintf(stderr, "mxtrap: warning: %s is a copy of a database without its log (%s-wal). Where cp made it "
	    "while mxtrapd ran, its newest rows are missing: it ends at %s. `mxtrap backup` copies all of it\n",
	    cli_escape(path, text, sizeof(text)), text, cli_time(b->newest_s, when));
}

/* A database that is not there is out of reach; a file that somebody named and is not there is bad input. */
static int
failed(enum backup_result result, const char *text, int none)
{
	char shown[4 * BACKUP_TEXT_SIZE];

	fprintf(stderr, "mxtrap: %s\n", cli_escape(text, shown, sizeof(shown)));
	if (result == BACKUP_RUNNING)
		fputs("then restore again, and systemctl start mxtrapd\n", stderr);
	return result == BACKUP_NONE ? none : CLI_NO;
}

/* One name of a file, and the options that a command takes. */
static int
read_words(const char *command, int argc, char **argv, const char *option, bool *given, const char **file)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], option) == 0)
			*given = true;
		else if (*file == NULL && argv[i][0] != '-')
			*file = argv[i];
		else
			return cli_usage_word(command, argv[i]);
	}
	return *file != NULL ? CLI_DONE : cli_usage(command, "expected the name of a file");
}

int
cli_backup(struct cli *cli, int argc, char **argv)
{
	struct backup_options o = { .state_dir = cli->config.state_dir, .now_s = time(NULL), .goes_on = goes_on, .ctx = cli };
	char text[BACKUP_TEXT_SIZE], shown[1100];
	enum backup_result result;
	struct backup b;
	int status = read_words("backup", argc, argv, "--force", &o.force, &o.file);

	if (status != CLI_DONE)
		return status;
	hold_signals(SIG_BLOCK);
	result = backup_take(&o, &b, text);
	cli_progress(cli, 0, NULL);
	hold_signals(SIG_UNBLOCK);
	if (result != BACKUP_OK)
		return failed(result, text, CLI_UNREACHABLE);
	warn_of_no_log(&b, o.state_dir);
	if (cli->json)
		return print_json("backup", o.file, &b, "", true);
	printf("%s: a backup of %s, checked and whole\n", cli_escape(o.file, shown, sizeof(shown)), o.state_dir);
	print_what(&b);
	return CLI_DONE;
}

static int
check(struct cli *cli, struct backup_options *o)
{
	char text[BACKUP_TEXT_SIZE], shown[1100];
	struct backup b;
	enum backup_result result = backup_check(o, &b, text);

	if (result != BACKUP_OK)
		return failed(result, text, CLI_NO);
	warn_of_no_log(&b, o->file);
	if (cli->json)
		return print_json("restore", o->file, &b, "", false);
	printf("%s: sound, version %d; nothing was restored\n", cli_escape(o->file, shown, sizeof(shown)), b.version);
	print_what(&b);
	return CLI_DONE;
}

int
cli_restore(struct cli *cli, int argc, char **argv)
{
	struct backup_options o = { .state_dir = cli->config.state_dir, .now_s = time(NULL), .goes_on = goes_on, .ctx = cli };
	char text[BACKUP_TEXT_SIZE], kept[BACKUP_PATH_SIZE], shown[1100];
	enum backup_result result;
	bool check_only = false;
	struct backup b;
	int status = read_words("restore", argc, argv, "--check", &check_only, &o.file);

	if (status != CLI_DONE)
		return status;
	if (check_only)
		return check(cli, &o);
	hold_signals(SIG_BLOCK);
	result = backup_put(&o, &b, kept, text);
	cli_progress(cli, 0, NULL);
	hold_signals(SIG_UNBLOCK);
	if (result != BACKUP_OK)
		return failed(result, text, CLI_NO);
	warn_of_no_log(&b, o.file);
	if (cli->json)
		return print_json("restore", o.file, &b, kept, true);
	printf("%s is restored from %s\n", o.state_dir, cli_escape(o.file, shown, sizeof(shown)));
	print_what(&b);
	if (kept[0] != '\0')
		printf("What was there before is kept: %s\n", kept);
	printf("The list has a new generation: every consumer fetches all of it.\n"
	    "Tokens are as at the backup: one that was revoked since then opens again (mxtrap token list).\n"
	    "Next: systemctl start mxtrapd\n");
	return CLI_DONE;
}
