/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * token.c - `mxtrap token` and `mxtrap consumers`: who may fetch the list, and who does.
 *
 * A token is made here and shown once; mxtrapd and its database get its hash alone.
 */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "mxtrap/export.h"
#include "mxtrap/json.h"
#include "mxtrap/message.h"
#include "mxtrap/status.h"
#include "mxtrap/token.h"

static const char *
when(int64_t s, char buf[static 24])
{
	time_t t = (time_t)s;
	struct tm tm;

	if (s == 0 || gmtime_r(&t, &tm) == NULL || strftime(buf, 24, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return "never";
	return buf;
}

/* The scope is one of ours, and what follows "export:" is a format.  False: said why. */
static bool
good_scope(const char *scope)
{
	char text[80], buf[CLI_MEANT_SIZE];

	if (token_scope(scope) && (strncmp(scope, TOKEN_SCOPE_EXPORT ":", 7) != 0 || export_format_find(scope + 7) != NULL))
		return true;
	fprintf(stderr, "mxtrap: --scope: found %s, expected export, export:FORMAT, lapi or admin%s\n",
	    cli_escape(scope, text, sizeof(text)), cli_meant("export lapi admin", scope, buf));
	return false;
}

/* -- which tokens there are -- */

struct names {
	const char *name;
	bool	 found;
	size_t	 n;
	char	 text[400];		/* "a, b, c" */
};

static bool
see_name(void *ctx, const struct report_token *t)
{
	struct names *names = ctx;
	size_t len = strlen(names->text);
	char name[80];

	names->found |= strcmp(t->name, names->name) == 0;
	(void)snprintf(names->text + len, sizeof(names->text) - len, "%s%s", names->n++ > 0 ? ", " : "",
	    cli_escape(t->name, name, sizeof(name)));
	return true;
}

/*
 * One that has ended opens nothing, and its name is taken all the same.  Where the database cannot be read,
 * mxtrapd says what is wrong.  CLI_DONE: ask it.
 */
static int
check_name(struct cli *cli, const char *name, bool wanted)
{
	struct names names = { .name = name };
	struct report *report = NULL;
	char text[80];

	if (report_open(&report, cli->config.state_dir, &cli->config.judge) != REPORT_OK)
		return CLI_DONE;
	if (report_tokens(report, 0, see_name, &names) > REPORT_NONE)
		names.found = wanted;
	report_close(report);
	if (names.found == wanted)
		return CLI_DONE;
	(void)cli_escape(name, text, sizeof(text));
	if (names.found)
		fprintf(stderr, "mxtrap: there is a token %s already: choose another name, or mxtrap token revoke %s first\n",
		    text, text);
	else if (names.n == 0)
		fprintf(stderr, "mxtrap: there is no token %s: there is none at all (mxtrap token add NAME makes one)\n", text);
	else
		fprintf(stderr, "mxtrap: there is no token %s; the tokens are: %s\n", text, names.text);
	return CLI_NO;
}

static int
tell(struct cli *cli, struct message_token *m, const char *name)
{
	struct passwd *pw = getpwuid(getuid());
	char text[80];

	if (!token_name(name)) {
		fprintf(stderr, "mxtrap: found %s, expected a name: a letter, then letters, digits, '.', '-' and '_', "
		    "31 at most\n", cli_escape(name, text, sizeof(text)));
		return CLI_NO;
	}
	if (check_name(cli, name, m->revoke != 0) != CLI_DONE)
		return CLI_NO;
	message_init(&m->head, MESSAGE_TOKEN, sizeof(*m));
	(void)snprintf(m->name, sizeof(m->name), "%s", name);
	(void)snprintf(m->who, sizeof(m->who), "%s", pw != NULL ? pw->pw_name : "unknown");
	return cli_tell_watch(cli, "token", m, sizeof(*m));
}

static int
add(struct cli *cli, int argc, char **argv)
{
	struct message_token m = { .revoke = 0, .scope = TOKEN_SCOPE_EXPORT };
	char token[TOKEN_TEXT_SIZE];
	const char *name = NULL;
	int64_t span;
	int status;

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--scope") == 0 && i + 1 < argc) {
			if (!good_scope(argv[++i]))
				return CLI_NO;
			(void)snprintf(m.scope, sizeof(m.scope), "%s", argv[i]);
		} else if (strcmp(argv[i], "--for") == 0 && i + 1 < argc) {
			if (!cli_parse_span(argv[++i], &span))
				return cli_usage_value("token", "--for", argv[i], "a time like 12h or 90d, 18250d at most");
			m.expires_s = (uint32_t)(time(NULL) + span);
		} else if (name == NULL && argv[i][0] != '-') {
			name = argv[i];
		} else {
			return cli_usage_word("token", argv[i]);
		}
	}
	if (name == NULL)
		return cli_usage("token", "expected a name for the token");
	if (!token_make(token)) {
		fputs("mxtrap: the kernel has no random bytes\n", stderr);
		return CLI_UNREACHABLE;
	}
	token_hash(token, m.hash);
	(void)snprintf(cli->made, sizeof(cli->made), "%s", token);
	status = tell(cli, &m, name);
	explicit_bzero(cli->made, sizeof(cli->made));
	if (status == CLI_DONE && !cli->json)
		printf("%s\nThis is the only time that it is shown.\n", token);
	explicit_bzero(token, sizeof(token));
	return status;
}

struct last {
	const char *who;
	int64_t	    s;
};

static bool
see_last(void *ctx, const struct consumer_row *row)
{
	struct last *last = ctx;

	if (strcmp(row->who, last->who) == 0 && row->last_s > last->s)
		last->s = row->last_s;
	return true;
}

struct tokens {
	struct cli *cli;
	struct json json;		/* --json */
	size_t	 n;
};

static bool
print_token(void *ctx, const struct report_token *t)
{
	struct tokens *tokens = ctx;
	struct last last = { .who = t->name };
	char name[80], scope[80], made[24], used[24], ends[24];

	if (tokens->n++ == 0)
		printf("%-20s %-20s %-20s  %-20s  %s\n", "token", "may", "made", "last used", "ends");
	(void)report_consumers(tokens->cli->report, see_last, &last);
	printf("%-20s %-20s %-20s  %-20s  %s\n", cli_escape(t->name, name, sizeof(name)), cli_escape(t->scope, scope, sizeof(scope)),
	    when(t->created_s, made), when(last.s, used), when(t->expires_s, ends));
	return true;
}

static bool
token_json(void *ctx, const struct report_token *t)
{
	struct tokens *tokens = ctx;
	struct last last = { .who = t->name };

	(void)report_consumers(tokens->cli->report, see_last, &last);
	json_token(&tokens->json, t, last.s);
	return !tokens->json.failed;
}

static int
list_json(struct cli *cli)
{
	struct tokens tokens = { .cli = cli };
	enum report_result result;

	cli_json_begin(&tokens.json, "token");
	json_array(&tokens.json, "tokens");
	result = report_tokens(cli->report, time(NULL), token_json, &tokens);
	json_end(&tokens.json);
	return result > REPORT_NONE ? cli_failed(cli, result) : cli_json_end(&tokens.json);
}

static int
list(struct cli *cli)
{
	struct tokens tokens = { .cli = cli };
	int status = cli_open(cli);
	enum report_result result;

	if (status != CLI_DONE)
		return status;
	if (cli->json)
		return list_json(cli);
	result = report_tokens(cli->report, time(NULL), print_token, &tokens);
	if (result > REPORT_NONE)
		return cli_failed(cli, result);
	if (tokens.n == 0)
		puts("There is no token: mxtrap token add NAME makes one.");
	return CLI_DONE;
}

int
cli_token(struct cli *cli, int argc, char **argv)
{
	struct message_token m = { .revoke = 1 };

	if (argc < 2)
		return cli_usage_value("token", "", "", "add, list or revoke");
	if (strcmp(argv[1], "add") == 0)
		return add(cli, argc, argv);
	if (strcmp(argv[1], "list") == 0)
		return argc == 2 ? list(cli) : cli_usage_word("token", argv[2]);
	if (strcmp(argv[1], "revoke") != 0)
		return argv[1][0] == '-' ? cli_usage_word("token", argv[1]) : cli_usage_value("token", "", argv[1], "add, list or revoke");
	if (argc != 3)
		return argc < 3 ? cli_usage("token", "expected the token's name") : cli_usage_word("token", argv[3]);
	return tell(cli, &m, argv[2]);
}

struct consumers {
	struct report_state state;
	struct export_gate gate;
	size_t n;
};

static bool
print_consumer(void *ctx, const struct consumer_row *row)
{
	struct consumers *c = ctx;
	char who[80], what[112], agent[128], last[24], lag[40] = "all of it";

	if (c->n++ == 0)
		printf("%-20s %-24s %-20s  %9s  %-20s %s\n", "who", "fetches", "last", "times", "has", "with");
	if (!c->gate.open || row->generation != c->state.generation || row->serial == 0)
		(void)snprintf(lag, sizeof(lag), "none of it");
	else if (c->gate.publish.held && row->serial + 1 >= c->state.serial)
		(void)snprintf(lag, sizeof(lag), "all but the held");
	else if (row->serial < c->state.serial)
		(void)snprintf(lag, sizeof(lag), "%" PRIu64 " changes less", c->state.serial - row->serial);
	printf("%-20s %-24s %-20s  %9" PRIu64 "  %-20s %s\n", cli_escape(row->who, who, sizeof(who)),
	    cli_escape(row->what, what, sizeof(what)), when(row->last_s, last), row->n, strcmp(row->what, "api") == 0 ? "-" : lag,
	    cli_escape(row->agent, agent, sizeof(agent)));
	return true;
}

struct consumers_json {
	struct json json;
	struct report_state state;
	struct export_gate gate;
};

static bool
consumer_json(void *ctx, const struct consumer_row *row)
{
	struct consumers_json *c = ctx;

	json_consumer(&c->json, &c->gate, &c->state, row);
	return !c->json.failed;
}

/* As GET /api/v1/consumers has it. */
static int
consumers_json(struct cli *cli)
{
	struct consumers_json c = { .state = { 0 } };
	struct tokens tokens = { .cli = cli };
	enum report_result result = report_state(cli->report, &c.state);

	if (result > REPORT_NONE)
		return cli_failed(cli, result);
	(void)export_gate(&cli->config, cli->report, &c.state, cli->now_s, &c.gate);
	cli_json_begin(&c.json, "consumers");
	json_state(&c.json, &c.state, cli->now_s);
	json_own(&c.json, &cli->config);
	json_string(&c.json, "unpublished", c.gate.open ? NULL : c.gate.why);
	json_array(&c.json, "consumers");
	result = report_consumers(cli->report, consumer_json, &c);
	json_end(&c.json);
	json_array(&c.json, "tokens");
	tokens.json = c.json;
	if (result <= REPORT_NONE)
		result = report_tokens(cli->report, time(NULL), token_json, &tokens);
	c.json = tokens.json;
	json_end(&c.json);
	return result > REPORT_NONE ? cli_failed(cli, result) : cli_json_end(&c.json);
}

int
cli_consumers(struct cli *cli, int argc, char **argv)
{
	struct consumers c = { .n = 0 };
	enum report_result result;
	int status;

	if (argc > 1)
		return cli_usage_word("consumers", argv[1]);
	status = cli_open(cli);
	if (status != CLI_DONE)
		return status;
	if (cli->json)
		return consumers_json(cli);
	result = report_state(cli->report, &c.state);
	if (result == REPORT_OK && !export_gate(&cli->config, cli->report, &c.state, cli->now_s, &c.gate))
		printf("Nobody has any of the list: %s.\n", c.gate.why);
	if (result == REPORT_OK)
		result = report_consumers(cli->report, print_consumer, &c);
	if (result > REPORT_NONE)
		return cli_failed(cli, result);
	if (c.n == 0)
		puts("Nobody has fetched the list over HTTP yet.");
	if (cli->config.n_dnsbl + cli->config.n_postfix > 0 || cli->config.firewall)
		puts("The DNSBL, the service for Postfix and the firewall's sets follow by themselves:\n"
		    "mxtrap status has their counters.");
	return CLI_DONE;
}
