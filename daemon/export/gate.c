/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gate.c - may anything leave, and who never does.
 */
#include <stdlib.h>
#include <string.h>

#include "mxtrap/never.h"
#include "mxtrap/status.h"
#include "render.h"

static bool
take_clock(void *ctx, const char *name, const char *value)
{
	if (strcmp(name, "clock") == 0)
		*(int64_t *)ctx = strtoll(value, NULL, 10);
	return true;
}

int64_t
export_age(struct report *report, int64_t now_s)
{
	int64_t clock_s = 0, age_s = report_heartbeat(report, now_s);

	if (age_s >= 0)
		return age_s;
	if (report_status(report, take_clock, &clock_s) != REPORT_OK || clock_s == 0)
		return -1;
	return now_s > clock_s ? now_s - clock_s : 0;
}

void
export_gate_of(const struct status *status, struct export_gate *gate)
{
	char why[STATUS_WHY_SIZE];

	*gate = (struct export_gate){ .open = status->published.state == PUBLISHED_YES, .publish = status->published.gate };
	(void)snprintf(gate->why, sizeof(gate->why), "%s", status_published_why(status, why));
}

bool
export_gate(const struct config *config, struct report *report, const struct report_state *state, int64_t now_s,
    struct export_gate *gate)
{
	struct status *status = malloc(sizeof(*status));

	if (status == NULL) {
		*gate = (struct export_gate){ .why = "out of memory" };
		return false;
	}
	/* After a replay its own clock counts, and nobody keeps the list. */
	status_begin(status, config, state->clock_s != 0 ? state->clock_s : now_s);
	status->list = *state;
	if (report != NULL && state->clock_s == 0)
		(void)report_status(report, status_row, status);
	status_end(status);
	export_gate_of(status, gate);
	free(status);
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

static bool
never_ours(void *never, const struct addr *a)
{
	struct prefix own = prefix_of(a, 128);

	return never_set(never, &own, NEVER_CONFIGURED, NEVER_CONFIGURED);
}

bool
export_never(struct never *never, struct report *report, const struct config *config, int64_t now_s)
{
	struct holding h = { .never = never };

	never->special_purpose = config->special_purpose;
	if (!ladder_each_ours(&config->ladder, never_ours, never))
		return false;
	for (size_t i = 0; i < config->n_allow; i++)
		if (!never_set(never, &config->allow[i], NEVER_CONFIGURED, NEVER_CONFIGURED))
			return false;
	return report_allows(report, now_s, hold_back, &h) <= REPORT_NONE && !h.full &&
	    report_own(report, hold_back_own, &h) <= REPORT_NONE && !h.full;
}
