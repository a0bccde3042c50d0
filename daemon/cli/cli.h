/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli.h - inside of cli: what the commands of `mxtrap` share.
 */
#ifndef MXTRAP_CLI_H
#define MXTRAP_CLI_H

#include <stdio.h>

#include "mxtrap/config.h"
#include "mxtrap/report.h"

#ifndef MXTRAP_VERSION
#define MXTRAP_VERSION "0.1"
#endif
#define CLI_CONFIG "/etc/mxtrap/mxtrap.conf"	/* where no -c names another */

struct json;

enum { CLI_DONE = 0, CLI_NO = 1, CLI_USAGE = 2, CLI_UNREACHABLE = 3 };

struct cli {
	struct config  config;
	struct report *report;		/* NULL before cli_open() */
	int64_t	       now_s;		/* the database's idea of now */
	bool	       colour;
	char	       token[72];	/* that is shown to mxtrapd; "": none */
	char	       made[72];	/* a token that was just made, for the answer's JSON; "": none */
	bool	       json;		/* --json: one object on standard output, in place of text */
	bool	       progress;	/* a person waits: standard error is a terminal, standard output is none */
};

struct cli_command {
	const char *name;
	const char *usage;		/* "explain ADDR" */
	const char *says;		/* one line of help */
	int	  (*run)(struct cli *, int argc, char **argv);	/* argv[0]: its name */
};

int cli_list(struct cli *, int, char **);
int cli_explain(struct cli *, int, char **);
int cli_export(struct cli *, int, char **);
int cli_allow(struct cli *, int, char **);
int cli_forget(struct cli *, int, char **);
int cli_block(struct cli *, int, char **);
int cli_status(struct cli *, int, char **);
int cli_report(struct cli *, int, char **);
int cli_tail(struct cli *, int, char **);
int cli_risk(struct cli *, int, char **);
int cli_purge(struct cli *, int, char **);
int cli_publish(struct cli *, int, char **);
int cli_firewall(struct cli *, int, char **);
int cli_backup(struct cli *, int, char **);
int cli_restore(struct cli *, int, char **);
int cli_token(struct cli *, int, char **);
int cli_consumers(struct cli *, int, char **);

/* Open the database, once a command's words are known to be good; says why not; the exit status. */
int cli_open(struct cli *);
/* -- words: help.c -- */

/* By index from 0; NULL behind the last, or where there is none of that name. */
const struct cli_command *cli_command_at(size_t i);
const struct cli_command *cli_command_find(const char *name);
/* All commands; one of them. */
void cli_help(FILE *);
void cli_help_command(const struct cli_command *);
/* `help` and `version`, which need no configuration; argv[0] is one of them. */
bool cli_is_aside(const char *name);
int cli_aside(int argc, char **argv, bool json);
/* No command has this name: which was meant?  CLI_USAGE. */
int cli_unknown(const char *word);
/* The same for an option that stands before the command; lacks: it is known and has no value. */
int cli_unknown_option(const char *word, bool lacks);
/* Says what was wrong with a command's words, and its usage; returns CLI_USAGE. */
int cli_usage(const char *command, const char *wrong);
/* The same for a word that the command does not take, or an option without its value: with what was meant. */
int cli_usage_word(const char *command, const char *word);
/* The same for a value; option "": of none.  expected: "table, plain, ndjson or csv". */
int cli_usage_value(const char *command, const char *option, const char *value, const char *expected);

enum cli_format { FORMAT_TABLE, FORMAT_PLAIN, FORMAT_NDJSON, FORMAT_CSV, FORMAT_JSON };
/* Is argv[*i] --format, in either spelling?  CLI_DONE: taken, with its value; CLI_NO: it is another word. */
int cli_format_word(const char *command, int *i, int argc, char **argv, enum cli_format *out);
/* "; did you mean WORD?" of the words in a text, or "".  Returns buf. */
#define CLI_MEANT_SIZE 96
const char *cli_meant(const char *words, const char *typed, char buf[static CLI_MEANT_SIZE]);
/* Where an address is expected and the word is none: what was meant, and what to type.  CLI_NO. */
int cli_bad_address(const char *command, const char *word, const char *expected);
/* A whole number from 1 to most. */
bool cli_parse_count(const char *text, uint64_t most, uint64_t *out);

/* -- standard output: output.c -- */

void cli_output_begin(void);
/* All that was printed until now must have been written: the exit status, or CLI_NO and why. */
int cli_output_end(int status);
/* The one shape of --json: an object on standard output with "mxtrap" (the version) and "command". */
void cli_json_begin(struct json *, const char *command);
/* Close it; the exit status. */
int cli_json_end(struct json *);
/* Members of an attempt, as in the API's story of a sender, into an object that is open. */
void cli_json_attempt(struct json *, const struct cli *, const struct report_attempt *);

/* -- */

/* For a report's result other than OK and NONE: says so; returns the exit status. */
int cli_failed(const struct cli *, enum report_result);
/* "23h 10m", "4d 2h", "50s".  Returns buf. */
const char *cli_span(int64_t s, char buf[static 32]);
/* Local time with its offset: "2026-01-31 12:00:00 +0100".  Returns buf. */
const char *cli_time(int64_t s, char buf[static 40]);
/* The kinds of a mask, with a separator between.  Returns buf. */
const char *cli_reasons(uint16_t kinds, const char *between, char *buf, size_t size);
/* Colour on and off, "" where there is none. */
const char *cli_state_colour(const struct cli *, enum sender_state);
const char *cli_plain(const struct cli *);
const char *cli_dim(const struct cli *);
const char *cli_bold(const struct cli *);
/* Text that a stranger chose: control bytes as \xHH.  Returns buf. */
const char *cli_escape(const char *text, char *buf, size_t size);
/* A table of senders: its heading, and a row of it. */
void cli_table_head(void);
void cli_table_row(const struct cli *, const struct report_entry *);
/* What a connection attempt came to, in two words. */
const char *cli_outcome(uint8_t outcome);
/* The name of an address of ours, "192.0.2.30", or "?" if it is no longer configured.  Returns buf. */
const char *cli_target(const struct cli *, uint32_t target, char buf[static ADDR_TEXT_SIZE]);
/* Does any decoy answer, so that anything can be proven there? */
bool cli_any_answers(const struct cli *);
/* How wide a column must be for any address of ours. */
int cli_target_width(const struct cli *);
/* A line that counts, overwritten each time; what NULL wipes it away. */
void cli_progress(const struct cli *, uint64_t n, const char *what);
/* The token to show: of an option, of a file, or of the environment (MXTRAP_TOKEN); none is no fault. */
int cli_bearer(struct cli *, const char *token, const char *file);
/* Take --json, --token and --token-file out of a command's words; the exit status. */
int cli_common_words(struct cli *, int *argc, char **argv, const char **token, const char **file);
/* Send a record to watch over the control socket and say what it answers; the exit status. */
int cli_tell_watch(const struct cli *, const char *command, const void *record, size_t size);
/* A time: a span back from now, Unix seconds, or RFC 3339.  False: none of these. */
bool cli_parse_time(const char *text, int64_t now_s, int64_t *out);
/* "2w", "30d", "12h", "15m", "40s" -> seconds.  False: neither. */
bool cli_parse_span(const char *text, int64_t *out);

#endif
