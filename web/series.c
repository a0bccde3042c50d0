/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * series.c - GET /api/v1/series: attempts by hour and role, for charts.
 *
 * The store keeps them by address of ours; here they are added up by role, so that the
 * answer's size depends on the span alone.
 */
#include <stdlib.h>

#include "web_int.h"

#define SERIES_DEFAULT (7 * 86400)
#define SERIES_MAX     (93 * 86400)
#define HOUR	       3600

struct hour {			/* sums of one role in one hour */
	uint64_t attempts, proven, refused, silent, first_seen, not_kept;
};

struct series {
	const struct ladder *ladder;
	int64_t	     from_s;
	size_t	     n;			/* hours */
	struct hour *hours;		/* [n][ROLE_CONTROL + 1] */
};

static bool
add_tally(void *ctx, const struct report_tally *row)
{
	struct series *series = ctx;
	int64_t i = (row->hour_s - series->from_s) / HOUR;
	unsigned role = ROLE_CONTROL;
	struct hour *hour;

	if (row->hour_s < series->from_s || i < 0 || (uint64_t)i >= series->n)
		return true;
	if (row->target < series->ladder->n_targets)
		role = series->ladder->targets[row->target].role;
	hour = &series->hours[(size_t)i * (ROLE_CONTROL + 1) + role];
	hour->attempts += row->attempts;
	hour->proven += row->proven;
	hour->refused += row->refused;
	hour->silent += row->silent;
	hour->first_seen += row->first_seen;
	hour->not_kept += row->not_kept;
	return true;
}

/* Hours in which nothing came are left out: the reader knows that they are zero. */
static void
write_series(struct json *json, const struct series *series)
{
	json_array(json, "hours");
	for (size_t i = 0; i < series->n; i++)
		for (unsigned role = 0; role <= ROLE_CONTROL; role++) {
			const struct hour *hour = &series->hours[i * (ROLE_CONTROL + 1) + role];

			if (hour->attempts == 0 && hour->not_kept == 0 && hour->first_seen == 0)
				continue;
			json_object(json, NULL);
			json_int(json, "hour", series->from_s + (int64_t)i * HOUR);
			json_string(json, "role", role_name((enum role)role));
			json_uint(json, "attempts", hour->attempts);
			json_uint(json, "proven", hour->proven);
			json_uint(json, "refused", hour->refused);
			json_uint(json, "silent", hour->silent);
			json_uint(json, "first_seen", hour->first_seen);
			json_uint(json, "not_kept", hour->not_kept);
			json_end(json);
		}
	json_end(json);
}

void
handle_series(struct web *web, const struct request *req, struct reply *reply)
{
	struct series series = { .ladder = &web->config->ladder };
	int64_t now = report_now(web->report, req->now_s);
	uint64_t from = 0, to = (uint64_t)(now / HOUR * HOUR + HOUR);
	enum report_result result;
	struct json json;

	if (!request_number(req, "to", UINT32_MAX, &to) ||
	    !request_number(req, "from", UINT32_MAX, &from)) {
		reply_problem(reply, 400, "from, to: expected Unix seconds");
		return;
	}
	if (request_param(req, "from") == NULL)
		from = to > SERIES_DEFAULT ? to - SERIES_DEFAULT : 0;
	if (from >= to || to - from > SERIES_MAX) {
		reply_problem(reply, 400, "from must be before to, by at most 93 days");
		return;
	}
	from = from / HOUR * HOUR;
	to = (to + HOUR - 1) / HOUR * HOUR;
	series.from_s = (int64_t)from;
	series.n = (size_t)((to - from) / HOUR);
	series.hours = calloc(series.n * (ROLE_CONTROL + 1), sizeof(*series.hours));
	if (series.hours == NULL) {
		reply_problem(reply, 500, "out of memory");
		return;
	}
	result = report_series(web->report, (int64_t)from, (int64_t)to, add_tally, &series);
	if (result == REPORT_OK || result == REPORT_NONE) {
		json_to_buffer(&json);
		json_object(&json, NULL);
		json_uint(&json, "from", from);
		json_uint(&json, "to", to);
		write_series(&json, &series);
		json_end(&json);
		reply_json(reply, &json, 200);
	} else {
		reply_report(reply, result);
	}
	free(series.hours);
}
