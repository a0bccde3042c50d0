/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gate.c - may anything leave, and who never does.
 */
#include <stdlib.h>
#include <string.h>

#include "mxtrap/never.h"
#include "render.h"

struct told {
	int64_t clock_s;
	struct publish publish;
};

static bool
take(void *ctx, const char *name, const char *value)
{
	struct told *told = ctx;

	if (strcmp(name, "clock") == 0)
		told->clock_s = strtoll(value, NULL, 10);
	else if (strcmp(name, "publish") == 0)
		told->publish = publish_parse(value);
	return true;
}

int64_t
export_age(struct report *report, int64_t now_s)
{
	struct told told = { .clock_s = 0 };

	if (report_status(report, take, &told) != REPORT_OK || told.clock_s == 0)
		return -1;
	return now_s > told.clock_s ? now_s - told.clock_s : 0;
}

/* What mxtrapd told of itself last. */
static void
ask_watch(struct report *report, const struct report_state *state, int64_t now_s, struct export_gate *gate)
{
	struct told told = { .clock_s = 0 };

	if (report_status(report, take, &told) != REPORT_OK || told.clock_s == 0)
		return;			/* nobody watched yet: the list is as it was put there */
	if (now_s - told.clock_s > EXPORT_STALE_S)
		(void)snprintf(gate->why, sizeof(gate->why), "mxtrapd has said nothing for %lld minutes: a list that nobody "
		    "keeps claims nothing", (long long)((now_s - told.clock_s) / 60));
	gate->publish = told.publish;
	/* The list may have moved since: what watch will say of it within the second is said here at once. */
	if (gate->publish.base_s != 0)
		(void)publish_turn(&gate->publish, state->n_listed, gate->publish.base_s);
}

bool
export_gate(const struct config *config, struct report *report, const struct report_state *state, int64_t now_s,
    struct export_gate *gate)
{
	int64_t from_s = state->created_s + config->publish_after_s;
	char when[24];

	*gate = (struct export_gate){ .why = "" };
	/* After a replay its own clock counts, and nobody keeps the list. */
	if (state->clock_s != 0)
		now_s = state->clock_s;
	else if (report != NULL)
		ask_watch(report, state, now_s, gate);
	if (!config->publish)
		(void)snprintf(gate->why, sizeof(gate->why),
		    "observing only: nothing is published until the configuration says publish = yes");
	else if (config->publish_after_s != 0 && now_s < from_s)
		(void)snprintf(gate->why, sizeof(gate->why),
		    "nothing is published before %s (publish-after, counted from the database's beginning)",
		    render_time(from_s, when));
	gate->open = gate->why[0] == '\0';
	return gate->open;
}

struct holding {
	struct never *never;
	bool full;
};

static bool
hold_back(void *ctx, const struct prefix *what, int64_t expires_s, const char *who, const char *note, int64_t added_s)
{
	struct holding *h = ctx;

	(void)who;
	(void)note;
	(void)added_s;
	h->full = !never_add(h->never, what, (uint32_t)expires_s);
	return !h->full;
}

static bool
hold_back_own(void *ctx, const struct prefix *what, unsigned why)
{
	struct holding *h = ctx;

	h->full = !never_set(h->never, what, NEVER_HOST, why);
	return !h->full;
}

bool
export_never(struct never *never, struct report *report, const struct config *config, int64_t now_s)
{
	struct holding h = { .never = never };

	never->special_purpose = config->special_purpose;
	for (size_t i = 0; i < config->ladder.n_targets; i++) {
		struct prefix own = prefix_of(&config->ladder.targets[i].addr, 128);

		if (!never_set(never, &own, NEVER_CONFIGURED, NEVER_CONFIGURED))
			return false;
	}
	for (size_t i = 0; i < config->n_allow; i++)
		if (!never_set(never, &config->allow[i], NEVER_CONFIGURED, NEVER_CONFIGURED))
			return false;
	return report_allows(report, now_s, hold_back, &h) <= REPORT_NONE && !h.full &&
	    report_own(report, hold_back_own, &h) <= REPORT_NONE && !h.full;
}

#define USED_S 86400		/* fetched within so long: somebody uses it */

struct use {
	int64_t since_s;
	bool	used;
};

static bool
is_used(void *ctx, const struct consumer_row *row)
{
	struct use *use = ctx;

	use->used = row->last_s >= use->since_s && strcmp(row->what, "api") != 0;
	return !use->used;
}

bool
export_unused(const struct config *config, struct report *report, const struct report_state *state, int64_t now_s)
{
	struct use use = { .since_s = now_s - USED_S };

	if (!config->publish || state->clock_s != 0 || state->n_listed == 0 || now_s - state->created_s < USED_S ||
	    config->n_dnsbl + config->n_postfix != 0 || config->firewall)
		return false;
	return report_consumers(report, is_used, &use) <= REPORT_NONE && !use.used;
}
