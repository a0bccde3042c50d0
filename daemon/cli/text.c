/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.c - times, spans, colours and escapes for people.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "mxtrap/evidence.h"
#include "mxtrap/hand.h"

int
cli_failed(const struct cli *cli, enum report_result result)
{
	fprintf(stderr, "mxtrap: %s: %s\n", cli->config.state_dir,
	    result == REPORT_BUSY ? "the database is busy or gone" : report_error(cli->report));
	if (report_damaged(cli->report))
		fputs("The database is damaged. Restart mxtrapd (systemctl restart mxtrapd): it sets the file aside and begins a "
		    "new one with what can be saved.\n", stderr);
	return CLI_UNREACHABLE;
}

const char *
cli_span(int64_t s, char buf[static 32])
{
	if (s < 0)
		s = 0;
	if (s < 60)
		(void)snprintf(buf, 32, "%" PRId64 "s", s);
	else if (s < 3600)
		(void)snprintf(buf, 32, "%" PRId64 "m", s / 60);
	else if (s < 86400)
		(void)snprintf(buf, 32, "%" PRId64 "h %02" PRId64 "m", s / 3600, s / 60 % 60);
	else
		(void)snprintf(buf, 32, "%" PRId64 "d %" PRId64 "h", s / 86400, s / 3600 % 24);
	return buf;
}

const char *
cli_time(int64_t s, char buf[static 40])
{
	time_t t = (time_t)s;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL || strftime(buf, 40, "%Y-%m-%d %H:%M:%S %z", &tm) == 0)
		(void)snprintf(buf, 40, "%" PRId64, s);
	return buf;
}

const char *
cli_reasons(uint16_t kinds, const char *between, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < EVIDENCE_N_KINDS; i++) {
		const char *name = evidence_info((enum evidence_kind)i)->name;
		int add;

		if ((kinds & 1U << i) == 0)
			continue;
		add = snprintf(buf + n, size - n, "%s%s", n > 0 ? between : "", name);
		if (add < 0 || (size_t)add >= size - n)
			break;
		n += (size_t)add;
	}
	return buf;
}

const char *
cli_state_colour(const struct cli *cli, enum sender_state state)
{
	if (!cli->colour)
		return "";
	switch (state) {
	case STATE_LISTED:
		return "\033[31m";
	case STATE_SUSPECT:
		return "\033[33m";
	case STATE_CLEARED:
	case STATE_ALLOWED:
		return "\033[32m";
	case STATE_NOTICED:
	case STATE_UNKNOWN:
	case STATE_N:
		break;
	}
	return "";
}

const char *
cli_plain(const struct cli *cli)
{
	return cli->colour ? "\033[0m" : "";
}

const char *
cli_dim(const struct cli *cli)
{
	return cli->colour ? "\033[2m" : "";
}

const char *
cli_bold(const struct cli *cli)
{
	return cli->colour ? "\033[1m" : "";
}

const char *
cli_escape(const char *text, char *buf, size_t size)
{
	size_t n = 0;

	for (const unsigned char *s = (const unsigned char *)text; *s != '\0' && n + 5 < size; s++) {
		if (*s >= 0x20 && *s < 0x7f)
			buf[n++] = (char)*s;
		else
			n += (size_t)snprintf(buf + n, size - n, "\\x%02x", *s);
	}
	buf[n] = '\0';
	return buf;
}

const char *
cli_outcome(uint8_t outcome)
{
	static const char *const names[] = {
		[OUTCOME_SILENT] = "no answer", [OUTCOME_REFUSED] = "refused", [OUTCOME_HALF] = "half open",
		[OUTCOME_PROVEN] = "connected", [OUTCOME_WITHDRAWN] = "forged",
	};

	return outcome <= OUTCOME_WITHDRAWN ? names[outcome] : "?";
}

const char *
cli_target(const struct cli *cli, uint32_t target, char buf[static ADDR_TEXT_SIZE])
{
	const struct ladder *l = &cli->config.ladder;

	if (target < l->n_targets)
		return addr_format(&l->targets[target].addr, buf);
	(void)snprintf(buf, ADDR_TEXT_SIZE, "?");
	return buf;
}

bool
cli_any_answers(const struct cli *cli)
{
	const struct ladder *l = &cli->config.ladder;

	for (size_t i = 0; i < l->n_targets; i++)
		if (l->targets[i].role == ROLE_BOGUS && l->targets[i].answer != ANSWER_NONE)
			return true;
	return false;
}

int
cli_target_width(const struct cli *cli)
{
	char text[ADDR_TEXT_SIZE];
	size_t most = 7;		/* the heading */

	for (uint32_t i = 0; i < cli->config.ladder.n_targets; i++) {
		size_t n = strlen(cli_target(cli, i, text));

		if (n > most)
			most = n;
	}
	return (int)most;
}

void
cli_progress(const struct cli *cli, uint64_t n, const char *what)
{
	if (!cli->progress)
		return;
	if (what == NULL)
		fputs("\r\033[K", stderr);
	else
		fprintf(stderr, "\r%" PRIu64 " %s", n, what);
	(void)fflush(stderr);
}

bool
cli_parse_span(const char *text, int64_t *out)
{
	char *end;
	long long n = strtoll(text, &end, 10);
	int64_t unit;

	switch (*end) {
	case 's': unit = 1; break;
	case 'm': unit = 60; break;
	case 'h': unit = 3600; break;
	case 'd': unit = 86400; break;
	case 'w': unit = 7 * 86400; break;
	default: return false;
	}
	if (end == text || end[1] != '\0' || n <= 0 || n > HAND_FAR_S / unit)
		return false;
	*out = n * unit;
	return true;
}
