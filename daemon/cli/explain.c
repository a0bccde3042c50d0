/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain.c - `mxtrap explain`: gather all that is known of one sender, in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "mxtrap/json.h"

#define MOST_ATTEMPTS 200000		/* oldest first; the rest of a story is never cut */

static bool
add(struct story *s, const struct item *item)
{
	if (s->n == s->cap) {
		size_t cap = s->cap == 0 ? 64 : s->cap * 2;
		struct item *more = realloc(s->items, cap * sizeof(*more));

		if (more == NULL) {
			s->failed = true;
			return false;
		}
		s->items = more;
		s->cap = cap;
	}
	s->items[s->n] = *item;
	s->items[s->n].order = s->n;
	s->n++;
	return true;
}

static bool
add_attempt(void *ctx, const struct report_attempt *a)
{
	return add(ctx, &(struct item){ .time_us = a->time_us, .kind = ITEM_ATTEMPT, .u.attempt = *a });
}

static bool
add_said(void *ctx, const struct report_said *said)
{
	struct story *s = ctx;

	if (s->n_saids == s->cap_saids) {
		size_t cap = s->cap_saids == 0 ? 16 : s->cap_saids * 2;
		struct report_said *more = realloc(s->saids, cap * sizeof(*more));

		if (more == NULL) {
			s->failed = true;
			return false;
		}
		s->saids = more;
		s->cap_saids = cap;
	}
	s->saids[s->n_saids] = *said;
	return add(s, &(struct item){ .time_us = said->time_us, .kind = ITEM_SAID, .u.said = s->n_saids++ });
}

static void
drop(struct story *s)
{
	free(s->saids);
	free(s->items);
}

/* A visit is told at its end. */
static bool
add_visit(void *ctx, const struct visit_row *v)
{
	return add(ctx, &(struct item){ .time_us = v->end_us, .kind = ITEM_VISIT, .u.visit = *v });
}

static bool
add_evidence(void *ctx, const struct evidence_row *e)
{
	return add(ctx, &(struct item){ .time_us = e->time_us, .kind = ITEM_EVIDENCE, .u.evidence = *e });
}

static bool
add_change(void *ctx, const struct report_change *c)
{
	return add(ctx, &(struct item){ .time_us = c->row.time_us, .kind = ITEM_CHANGE, .u.change = *c });
}

static bool
see_allow(void *ctx, const struct prefix *what, int64_t expires_s, const char *who, const char *note, int64_t added_s)
{
	struct story *s = ctx;

	if (!prefix_overlaps(what, &s->entry.what))
		return true;
	s->allowed = true;
	s->allow = *what;
	s->allow_expires_s = expires_s;
	s->allowed_at_s = added_s;
	(void)snprintf(s->allow_who, sizeof(s->allow_who), "%s", who != NULL ? who : "");
	(void)snprintf(s->allow_note, sizeof(s->allow_note), "%s", note != NULL ? note : "");
	return true;
}

static bool
see_hand(void *ctx, const struct prefix *what, int64_t expires_s, const char *who, const char *note, int64_t added_s)
{
	struct story *s = ctx;

	if (!prefix_equal(what, &s->entry.what))
		return true;
	s->by_hand = true;
	s->hand_expires_s = expires_s;
	s->hand_at_s = added_s;
	(void)snprintf(s->hand_who, sizeof(s->hand_who), "%s", who != NULL ? who : "");
	(void)snprintf(s->hand_note, sizeof(s->hand_note), "%s", note != NULL ? note : "");
	return false;
}

static int
by_time(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

const char *
explain_set(const struct cli *cli, uint16_t set)
{
	return set < cli->config.ladder.n_sets ? cli->config.ladder.sets[set].name : NULL;
}

/* The address alone for one IPv4 address or one IPv6 address: what one would type.  Returns buf. */
const char *
explain_name(const struct prefix *what, char buf[static PREFIX_TEXT_SIZE])
{
	if (what->len == 128)
		(void)addr_format(&what->addr, buf);
	else
		(void)prefix_format(what, buf);
	return buf;
}

static bool
add_memory(void *ctx, const struct report_memory *m)
{
	struct story *s = ctx;

	s->memories[s->n_memories++] = *m;
	return s->n_memories < STORY_MEMORIES;
}

static enum report_result
gather(struct story *s)
{
	struct report *report = s->cli->report;
	sender_key key = s->entry.key;
	enum report_result result = report_attempts(report, key, MOST_ATTEMPTS, add_attempt, s);

	s->cut = s->n == MOST_ATTEMPTS;
	if (result <= REPORT_NONE)
		result = report_saids(report, key, add_said, s);
	if (result <= REPORT_NONE)
		result = report_visits(report, key, 0, add_visit, s);
	if (result <= REPORT_NONE)
		result = report_evidence(report, key, 0, add_evidence, s);
	if (result <= REPORT_NONE)
		result = report_changes(report, key, 0, add_change, s);
	if (result <= REPORT_NONE && s->entry.state == STATE_LISTED && (s->entry.kinds & 1U << EVIDENCE_BY_HAND) != 0)
		result = report_hands(report, s->cli->now_s, see_hand, s);
	if (result <= REPORT_NONE)
		result = report_memories(report, key, add_memory, s);
	if (result <= REPORT_NONE)
		result = report_state(report, &s->state);
	if (s->n != 0)
		qsort(s->items, s->n, sizeof(s->items[0]), by_time);
	return result;
}

/* Nothing is stored: that, too, is an answer. */
static int
unknown(const struct story *s, const char *word)
{
	struct json j;

	if (s->cli->json) {
		cli_json_begin(&j, "explain");
		json_null(&j, "sender");
		json_string(&j, "asked", word);
		json_bool(&j, "allowed", s->allowed);
		(void)cli_json_end(&j);
		return CLI_NO;
	}
	printf("%s has never come to a watched address, as far as is still known.\n", word);
	if (s->allowed)
		puts("It is allowed: it would never be listed.");
	return CLI_NO;
}

int
cli_explain(struct cli *cli, int argc, char **argv)
{
	struct story s = { .cli = cli };
	const char *word = NULL;
	struct prefix p;
	int status;
	enum report_result result, allows;

	for (int i = 1; i < argc; i++) {
		if (word == NULL && argv[i][0] != '-')
			word = argv[i];
		else
			return cli_usage_word("explain", argv[i]);
	}
	if (word == NULL)
		return cli_usage("explain", "found no address, expected an IPv4 or IPv6 address");
	p = (struct prefix){ .len = 0 };
	if (!prefix_parse(&p, word) || !prefix_sender(&p, &s.entry.key))
		return cli_bad_address("explain", word, "an IPv4 or IPv6 address, or an IPv6 /64");
	if ((status = cli_open(cli)) != CLI_DONE)
		return status;
	s.entry.what = p;
	result = report_sender(cli->report, &p.addr, cli->now_s, &s.entry);
	if (result > REPORT_NONE)
		return cli_failed(cli, result);
	allows = report_allows(cli->report, cli->now_s, see_allow, &s);
	if (allows > REPORT_NONE)
		return cli_failed(cli, allows);
	if (result == REPORT_NONE)
		return unknown(&s, word);
	result = gather(&s);
	if (result > REPORT_NONE || s.failed) {
		drop(&s);
		if (!s.failed)
			return cli_failed(cli, result);
		fprintf(stderr, "mxtrap: out of memory\n");
		return CLI_UNREACHABLE;
	}
	if (cli->json)
		explain_json(&s);
	else
		explain_say(&s);
	drop(&s);
	return CLI_DONE;
}
