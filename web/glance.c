/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * glance.c - GET /api/v1/overview: all that one looks at first, in one answer.
 *
 * Every number is a sum that the store keeps; whatever takes long (mail at risk) is told as it was
 * when it was last looked for.
 */
#include <stdlib.h>
#include <string.h>

#include "mxtrap/status.h"
#include "web_int.h"

#define HOUR	   3600
#define DAY	   86400
#define DAYS	   15			/* today and two weeks */
#define WEEK	   7

/* -- totals -- */

/* One number a day, 0 is today; -1: not known. */
struct total {
	const char *name;
	int64_t now, week_ago, days[DAYS];
};

static void
write_total(struct json *json, const struct total *total, int64_t today_s)
{
	json_object(json, NULL);
	json_string(json, "name", total->name);
	json_int(json, "now", total->now);
	if (total->week_ago >= 0)
		json_int(json, "week_ago", total->week_ago);
	else
		json_null(json, "week_ago");
	json_array(json, "days");
	for (int i = DAYS - 2; i >= 0; i--) {
		if (total->days[i] < 0)
			continue;
		json_object(json, NULL);
		json_int(json, "day", today_s - (int64_t)i * DAY);
		json_int(json, "n", total->days[i]);
		json_end(json);
	}
	json_end(json);
	json_end(json);
}

struct adding {
	struct total *attempts, *proven;
	int64_t today_s;
	int	oldest;			/* the oldest day that has a row; -1: none */
};

static bool
add_day(void *ctx, const struct report_sums *row)
{
	struct adding *a = ctx;
	int64_t i = (a->today_s - row->start_s) / DAY;

	if (i < 0 || i >= DAYS)
		return true;
	if (i > a->oldest)
		a->oldest = (int)i;
	a->attempts->days[i] += (int64_t)row->attempts;
	a->proven->days[i] += (int64_t)row->proven;
	return true;
}

struct span {
	uint64_t attempts, proven;
};

static bool
add_span(void *ctx, const struct report_sums *row)
{
	struct span *span = ctx;

	span->attempts += row->attempts;
	span->proven += row->proven;
	return true;
}

/* Of the last 24 hours, and of the same a week before: the day is not over. */
static enum report_result
count_attempts(struct report *report, int64_t now_s, struct total *attempts, struct total *proven)
{
	struct adding adding = { attempts, proven, now_s - now_s % DAY, -1 };
	int64_t to_s = now_s - now_s % HOUR + HOUR, from_s = to_s - DAY;
	struct span now = { 0 }, then = { 0 };
	enum report_result result;

	for (int i = 0; i < DAYS; i++)
		attempts->days[i] = proven->days[i] = 0;
	result = report_sums(report, DAY, adding.today_s - (DAYS - 1) * DAY, now_s + 1, add_day, &adding);
	if (result == REPORT_OK)
		result = report_sums(report, HOUR, from_s, to_s, add_span, &now);
	if (result == REPORT_OK)
		result = report_sums(report, HOUR, from_s - WEEK * DAY, to_s - WEEK * DAY, add_span, &then);
	/* Before the first row nobody counted. */
	for (int i = adding.oldest + 1; i < DAYS; i++)
		attempts->days[i] = proven->days[i] = -1;
	attempts->now = (int64_t)now.attempts;
	proven->now = (int64_t)now.proven;
	attempts->week_ago = adding.oldest > WEEK ? (int64_t)then.attempts : -1;
	proven->week_ago = adding.oldest > WEEK ? (int64_t)then.proven : -1;
	return result;
}

static enum report_result
write_totals(struct json *json, struct report *report, const struct report_state *state, int64_t now_s)
{
	struct total totals[] = { { .name = "listed" }, { .name = "suspects" }, { .name = "cleared" }, { .name = "attempts" },
		{ .name = "proven" } };
	struct report_day days[DAYS];
	enum report_result result = report_days(report, now_s, DAYS, days);

	if (result == REPORT_OK)
		result = count_attempts(report, now_s, &totals[3], &totals[4]);
	if (result != REPORT_OK)
		return result;
	for (int i = 0; i < DAYS; i++) {
		totals[0].days[i] = days[i].listed;
		totals[1].days[i] = days[i].suspects;
		totals[2].days[i] = days[i].cleared;
	}
	totals[0].days[0] = (int64_t)state->n_listed;
	totals[1].days[0] = (int64_t)state->n_suspect;
	json_array(json, "totals");
	for (size_t i = 0; i < ARRAY_LEN(totals); i++) {
		if (i < 3) {
			totals[i].now = totals[i].days[0] >= 0 ? totals[i].days[0] : 0;
			totals[i].week_ago = totals[i].days[WEEK];
		}
		write_total(json, &totals[i], days[0].day_s);
	}
	json_end(json);
	return REPORT_OK;
}

/* -- flow -- */

struct flow {
	struct json *json;
	uint64_t visits;
};

static bool
add_route(void *ctx, const struct report_route *row)
{
	struct flow *flow = ctx;

	flow->visits += row->visits;
	json_object(flow->json, NULL);
	json_array(flow->json, "route");
	for (unsigned i = 0; i < row->n_roles; i++)
		if (row->roles[i] <= ROLE_CONTROL)
			json_string(flow->json, NULL, role_name((enum role)row->roles[i]));
	json_end(flow->json);
	json_uint(flow->json, "visits", row->visits);
	json_uint(flow->json, "reached_real", row->real_proven);
	json_end(flow->json);
	return true;
}

/* Whole hours, and the one that is not over. */
static enum report_result
write_flow(struct json *json, struct report *report, int64_t now_s)
{
	int64_t from_s = now_s - now_s % HOUR - 23 * HOUR;
	struct flow flow = { .json = json };
	enum report_result result;

	json_object(json, "flow");
	json_int(json, "from", from_s);
	json_int(json, "to", now_s);
	json_array(json, "routes");
	result = report_routes(report, from_s, now_s + 1, add_route, &flow);
	json_end(json);
	json_uint(json, "visits", flow.visits);
	json_end(json);
	return result;
}

/* -- all of it -- */

static void
write_consumers(struct json *json, struct web *web, const struct status *status)
{
	const struct status_fetched *f = &status->fetched;

	json_object(json, "consumers");
	json_uint(json, "known", f->known);
	if (f->newest_s != 0)
		json_int(json, "newest", f->newest_s);
	else
		json_null(json, "newest");
	json_uint(json, "behind", f->behind);
	json_string(json, "warning", status_unused(status) ? "nobody has fetched the list for a day" : NULL);
	json_own(json, web->config);
	json_end(json);
}

static void
write_risk(struct json *json, const struct status *status)
{
	json_object(json, "risk");
	json_uint(json, "candidates", status->at_risk_of);
	json_uint(json, "likely", status->at_risk);
	if (status->at_risk_s != 0)
		json_int(json, "at", status->at_risk_s);
	else
		json_null(json, "at");
	json_end(json);
}

void
handle_overview(struct web *web, const struct request *req, struct reply *reply)
{
	struct status *status = web_status(web, req->now_s);
	enum report_result result;
	struct json json;

	if (status == NULL || (result = report_state(web->report, &status->list)) != REPORT_OK) {
		reply_report(reply, status == NULL ? REPORT_ERROR : result);
		free(status);
		return;
	}
	json_to_buffer(&json);
	json_object(&json, NULL);
	json_state(&json, &status->list, status->now_s);
	json_says(&json, status);
	json_publishing(&json, status);
	json_health(&json, status);
	result = write_totals(&json, web->report, &status->list, status->now_s);
	if (result <= REPORT_NONE)
		result = json_rungs(&json, web->report, status->now_s);
	if (result <= REPORT_NONE)
		result = write_flow(&json, web->report, status->now_s);
	write_risk(&json, status);
	write_consumers(&json, web, status);
	free(status);
	json_end(&json);
	if (result > REPORT_NONE) {
		json_free(&json);
		reply_report(reply, result);
		return;
	}
	reply->cache_control = "no-store";
	reply_json(reply, &json, 200);
}
