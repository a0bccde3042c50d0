/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * risk.c - GET /api/v1/risk: whose mail may not have arrived, most like a mail server first.
 *
 * The store ranks and keeps its answer for half a minute: who asks often costs nothing.
 */
#include "web_int.h"

#define RISK_DEFAULT 100
#define RISK_MAX     1000

static bool
risk_row(void *ctx, const struct report_risk *risk)
{
	export_risk_json(ctx, risk);
	return true;
}

void
handle_risk(struct web *web, const struct request *req, struct reply *reply)
{
	struct report_risk_summary summary;
	uint64_t limit = RISK_DEFAULT;
	enum report_result result;
	struct json json;

	if (!request_number(req, "limit", RISK_MAX, &limit) || limit == 0) {
		reply_problem(reply, 400, "limit: expected 1 to %d", RISK_MAX);
		return;
	}
	json_to_buffer(&json);
	json_object(&json, NULL);
	json_array(&json, "entries");
	result = report_risks(web->report, req->now_s, (size_t)limit, &summary, risk_row, &json);
	if (result != REPORT_OK) {
		json_free(&json);
		reply_report(reply, result);
		return;
	}
	json_end(&json);
	json_uint(&json, "ranked", summary.ranked);
	json_uint(&json, "candidates", summary.candidates);
	json_uint(&json, "considered", summary.considered);
	json_int(&json, "now", summary.at_s);
	json_end(&json);
	reply_json(reply, &json, 200);
}
