/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * series.c - GET /api/v1/series: attempts by hour or by day, and role, for charts.
 *
 * The store keeps the sums: the answer's size, and what it costs, depend on the span alone.
 * Hours from before those sums are added up from what each address of ours counted.
 */
#include <stdlib.h>
#include <string.h>

#include "web_int.h"

#define HOUR	   3600
#define DAY	   86400
#define SUMS_HOURS (99 * DAY)		/* so far back the store has sums of hours */

static const struct step {
	const char *name, *list;	/* the members of the answer */
	int64_t seconds, standing, most;
} steps[] = {
	{ "hour", "hours", HOUR, 7 * DAY, 93 * DAY },
	{ "day", "days", DAY, 30 * DAY, 400 * DAY },
};

struct bin {				/* sums of one role in one step */
	uint64_t attempts, proven, refused, silent, first_seen, not_kept;
};

struct series {
	const struct ladder *ladder;
	const struct step *step;
	int64_t	    from_s;
	size_t	    n;			/* steps */
	struct bin *bins;		/* [n][ROLE_CONTROL + 1] */
};

static bool
add_sums(void *ctx, const struct report_sums *row)
{
	struct series *series = ctx;
	int64_t i = (row->start_s - series->from_s) / series->step->seconds;
	unsigned role = row->role <= ROLE_CONTROL ? row->role : ROLE_CONTROL;
	struct bin *bin;

	if (row->start_s < series->from_s || (uint64_t)i >= series->n)
		return true;
	bin = &series->bins[(size_t)i * (ROLE_CONTROL + 1) + role];
	bin->attempts += row->attempts;
	bin->proven += row->proven;
	bin->refused += row->refused;
	bin->silent += row->silent;
	bin->first_seen += row->first_seen;
	bin->not_kept += row->not_kept;
	return true;
}

/* By the role that the target has now. */
static bool
add_tally(void *ctx, const struct report_tally *row)
{
	const struct ladder *ladder = ((struct series *)ctx)->ladder;
	struct report_sums sums = { .start_s = row->hour_s, .role = ROLE_CONTROL, .attempts = row->attempts,
		.proven = row->proven, .refused = row->refused, .silent = row->silent, .first_seen = row->first_seen,
		.not_kept = row->not_kept };

	if (row->target < ladder->n_targets)
		sums.role = ladder->targets[row->target].role;
	return add_sums(ctx, &sums);
}

/* Steps in which nothing came are left out: the reader knows that they are zero. */
static void
write_series(struct json *json, const struct series *series)
{
	json_array(json, series->step->list);
	for (size_t i = 0; i < series->n; i++)
		for (unsigned role = 0; role <= ROLE_CONTROL; role++) {
			const struct bin *bin = &series->bins[i * (ROLE_CONTROL + 1) + role];

			if (bin->attempts == 0 && bin->not_kept == 0 && bin->first_seen == 0)
				continue;
			json_object(json, NULL);
			json_int(json, series->step->name, series->from_s + (int64_t)i * series->step->seconds);
			json_string(json, "role", role_name((enum role)role));
			json_uint(json, "attempts", bin->attempts);
			json_uint(json, "proven", bin->proven);
			json_uint(json, "refused", bin->refused);
			json_uint(json, "silent", bin->silent);
			json_uint(json, "first_seen", bin->first_seen);
			json_uint(json, "not_kept", bin->not_kept);
			json_end(json);
		}
	json_end(json);
}

static const struct step *
find_step(const char *name)
{
	for (size_t i = 0; name != NULL && i < ARRAY_LEN(steps); i++)
		if (strcmp(name, steps[i].name) == 0)
			return &steps[i];
	return name == NULL ? &steps[0] : NULL;
}

/* The span that is asked for, in whole steps.  False: *reply says what was wrong. */
static bool
take_span(const struct request *req, const struct step *step, int64_t now, uint64_t *from, uint64_t *to,
    struct reply *reply)
{
	uint64_t seconds = (uint64_t)step->seconds;

	*to = ((uint64_t)now / seconds + 1) * seconds;
	*from = 0;
	if (!request_number(req, "to", UINT32_MAX, to)) {
		reply_value(reply, req, "to", "Unix seconds");
		return false;
	}
	if (!request_number(req, "from", UINT32_MAX, from)) {
		reply_value(reply, req, "from", "Unix seconds");
		return false;
	}
	if (request_param(req, "from") == NULL)
		*from = *to > (uint64_t)step->standing ? *to - (uint64_t)step->standing : 0;
	if (*from >= *to || *to - *from > (uint64_t)step->most) {
		reply_problem(reply, 400, "from must be before to, by at most %lld days", (long long)(step->most / DAY));
		return false;
	}
	*from = *from / seconds * seconds;
	*to = (*to + seconds - 1) / seconds * seconds;
	return true;
}

void
handle_series(struct web *web, const struct request *req, struct reply *reply)
{
	struct series series = { .ladder = &web->config->ladder, .step = find_step(request_param(req, "step")) };
	int64_t now = report_now(web->report, req->now_s);
	enum report_result result;
	uint64_t from, to;
	struct json json;

	if (series.step == NULL) {
		reply_value(reply, req, "step", "hour or day");
		return;
	}
	if (!take_span(req, series.step, now, &from, &to, reply))
		return;
	series.from_s = (int64_t)from;
	series.n = (size_t)((to - from) / (uint64_t)series.step->seconds);
	series.bins = calloc(series.n * (ROLE_CONTROL + 1), sizeof(*series.bins));
	if (series.bins == NULL) {
		reply_problem(reply, 500, "out of memory");
		return;
	}
	if (series.step->seconds == HOUR && (int64_t)from < now - SUMS_HOURS)
		result = report_series(web->report, (int64_t)from, (int64_t)to, add_tally, &series);
	else
		result = report_sums(web->report, series.step->seconds, (int64_t)from, (int64_t)to, add_sums, &series);
	if (result == REPORT_OK || result == REPORT_NONE) {
		json_to_buffer(&json);
		json_object(&json, NULL);
		json_uint(&json, "from", from);
		json_uint(&json, "to", to);
		json_string(&json, "step", series.step->name);
		write_series(&json, &series);
		json_end(&json);
		reply_json(reply, &json, 200);
	} else {
		reply_report(reply, result);
	}
	free(series.bins);
}
