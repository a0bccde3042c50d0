/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * risk.c - GET /api/v1/risk: whose mail may not have arrived, most like a mail server first.
 *
 * All senders are looked through aside (aside.h): who asks often costs nothing, who asks first does not wait.
 */
#include "web_int.h"

#define RISK_DEFAULT 100

void
handle_risk(struct web *web, const struct request *req, struct reply *reply)
{
	const struct aside_risk *risk = &web->aside.risk;
	uint64_t limit = RISK_DEFAULT;
	struct json json;

	if (!request_number(req, "limit", RISKS_MAX, &limit) || limit == 0) {
		reply_value(reply, req, "limit", "1 to %d", RISKS_MAX);
		return;
	}
	if (!aside_enter(&web->aside, ASIDE_RISK, ASIDE_WAIT_MS)) {
		reply_problem(reply, 503, "all senders are being looked through: ask again");
		return;
	}
	json_to_buffer(&json);
	json_object(&json, NULL);
	json_array(&json, "entries");
	for (size_t i = 0; i < risk->n && i < limit; i++)
		export_risk_json(&json, &risk->rows[i]);
	json_end(&json);
	json_uint(&json, "ranked", risk->summary.ranked);
	json_uint(&json, "likely", risk->summary.likely);
	json_uint(&json, "candidates", risk->summary.candidates);
	json_uint(&json, "considered", risk->summary.considered);
	json_int(&json, "now", risk->summary.at_s);
	aside_leave(&web->aside);
	json_end(&json);
	reply_json(reply, &json, 200);
}
