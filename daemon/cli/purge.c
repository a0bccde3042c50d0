/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * purge.c - `mxtrap purge`: takes back what a bad decoy or a bad rule gave, and ends the listings that
 * rest on it.
 *
 * What is asked for is checked here against the configuration, so that a typo is told
 * what there is; watch does it, and says what it did.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "mxtrap/message.h"
#include "mxtrap/suggest.h"

/* Kinds that can weigh against somebody. */
static bool
weighs(const struct cli *cli, int kind)
{
	return cli->config.judge.points_score[kind] > 0 || cli->config.judge.points_hint[kind] > 0;
}

static int
bad_kind(const struct cli *cli, const char *word)
{
	char text[200], names[400] = "", buf[CLI_MEANT_SIZE];
	size_t n = 0;

	for (int kind = 0; kind < EVIDENCE_N_KINDS; kind++)
		if (weighs(cli, kind) && n < sizeof(names))
			n += (size_t)snprintf(names + n, sizeof(names) - n, " %s", evidence_info((enum evidence_kind)kind)->name);
	fprintf(stderr, "mxtrap: --evidence: found %s, expected one of%s%s\n", cli_escape(word, text, sizeof(text)), names,
	    cli_meant(names, word, buf));
	return CLI_NO;
}

static bool
find_kind(const struct cli *cli, const char *word, uint32_t *out)
{
	for (int kind = 0; kind < EVIDENCE_N_KINDS; kind++) {
		if (!weighs(cli, kind) || strcmp(evidence_info((enum evidence_kind)kind)->name, word) != 0)
			continue;
		*out = (uint32_t)kind + 1;
		return true;
	}
	return false;
}

static int
bad_exchanger(const struct cli *cli, const char *word)
{
	const struct ladder *l = &cli->config.ladder;
	struct suggest near = { .typed = word };
	char text[1100];
	unsigned n = 0;

	fprintf(stderr, "mxtrap: --exchanger: found %s, expected one of", cli_escape(word, text, sizeof(text)));
	for (size_t i = 0; i < l->n_sets; i++) {
		for (size_t k = 0; k < l->sets[i].n_exchangers; k++) {
			suggest_offer(&near, l->sets[i].exchangers[k].name);
			if (n++ < 32)
				fprintf(stderr, " %s", l->sets[i].exchangers[k].name);
		}
	}
	fprintf(stderr, "%s%s%s%s\n", n > 32 ? " ..." : "", near.best != NULL ? "; did you mean " : "",
	    near.best != NULL ? near.best : "", near.best != NULL ? "?" : "");
	return CLI_NO;
}

static bool
find_exchanger(const struct cli *cli, const char *word)
{
	const struct ladder *l = &cli->config.ladder;

	for (size_t i = 0; i < l->n_sets; i++)
		for (size_t k = 0; k < l->sets[i].n_exchangers; k++)
			if (strcmp(l->sets[i].exchangers[k].name, word) == 0)
				return true;
	return false;
}

/* "6h", "1769860000", "2026-01-31T12:00:00Z", "2026-01-31 12:00:00+01:00". */
bool
cli_parse_time(const char *text, int64_t now_s, int64_t *out)
{
	struct tm tm = { .tm_isdst = 0 };
	int64_t span, offset = 0;
	const char *rest;
	char *end;
	int hours, minutes, n = 0;

	if (cli_parse_span(text, &span)) {
		*out = now_s - span;
		return *out > 0;
	}
	if (text[0] != '\0' && strspn(text, "0123456789") == strlen(text)) {
		*out = strtoll(text, &end, 10);
		return *out > 0 && *out <= UINT32_MAX;
	}
	rest = strptime(text, "%Y-%m-%d", &tm);
	if (rest == NULL || (*rest != 'T' && *rest != 't' && *rest != ' '))
		return false;
	rest = strptime(rest + 1, "%H:%M:%S", &tm);
	if (rest == NULL)
		return false;
	if ((*rest == '+' || *rest == '-') && sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &n) == 2 && n == 5) {
		offset = (*rest == '-' ? -1 : 1) * (hours * 3600L + minutes * 60L);
		rest += 6;
	} else if (*rest == 'Z' || *rest == 'z') {
		rest++;
	} else {
		return false;
	}
	*out = timegm(&tm) - offset;
	return *rest == '\0' && *out > 0 && *out <= UINT32_MAX;
}

/* One option with its value; CLI_DONE, or said what was wrong. */
static int
take(const struct cli *cli, struct message_purge *m, const char *option, const char *value)
{
	char text[200];

	if (strcmp(option, "--evidence") == 0)
		return find_kind(cli, value, &m->kind) ? CLI_DONE : bad_kind(cli, value);
	if (strcmp(option, "--exchanger") == 0) {
		if (!find_exchanger(cli, value))
			return bad_exchanger(cli, value);
		(void)snprintf(m->exchanger, sizeof(m->exchanger), "%s", value);
		return CLI_DONE;
	}
	if (strcmp(option, "--note") == 0) {
		if (strlen(value) >= sizeof(m->note))
			return cli_usage("purge", "--note: expected at most 255 bytes");
		(void)snprintf(m->note, sizeof(m->note), "%s", value);
		return CLI_DONE;
	}
	if (!cli_parse_time(value, time(NULL), &m->since_s)) {
		fprintf(stderr, "mxtrap: --since: found %s, expected a time like 6h, 1769860000 or 2026-01-31T12:00:00Z\n",
		    cli_escape(value, text, sizeof(text)));
		return CLI_NO;
	}
	if (m->since_s > time(NULL)) {
		fprintf(stderr, "mxtrap: --since: found a time that is still to come\n");
		return CLI_NO;
	}
	return CLI_DONE;
}

int
cli_purge(struct cli *cli, int argc, char **argv)
{
	static const char *const options[] = { "--evidence", "--exchanger", "--since", "--note" };
	struct message_purge m = { .kind = 0 };
	struct passwd *pw = getpwuid(getuid());
	int status;

	message_init(&m.head, MESSAGE_PURGE, sizeof(m));
	for (int i = 1; i < argc; i++) {
		size_t k = 0;

		if (strcmp(argv[i], "--dry-run") == 0) {
			m.dry_run = 1;
			continue;
		}
		while (k < sizeof(options) / sizeof(options[0]) && strcmp(options[k], argv[i]) != 0)
			k++;
		if (k == sizeof(options) / sizeof(options[0]))
			return cli_usage_word("purge", argv[i]);
		if (i + 1 == argc)
			return cli_usage_word("purge", argv[i]);
		status = take(cli, &m, argv[i], argv[i + 1]);
		if (status != CLI_DONE)
			return status;
		i++;
	}
	if (m.kind == 0 && m.exchanger[0] == '\0' && m.since_s == 0)
		return cli_usage("purge", "expected --evidence, --exchanger or --since: which evidence was wrong");
	(void)snprintf(m.who, sizeof(m.who), "%s", pw != NULL ? pw->pw_name : "unknown");
	return cli_tell_watch(cli, argv[0], &m, sizeof(m));
}
