/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * says.c - the state of the daemon (status.h) as JSON: sentences, and the values beneath them.
 */
#include <stdlib.h>
#include <string.h>

#include "mxtrap/status.h"
#include "web_int.h"

struct status *
web_status(struct web *web, int64_t wall_s)
{
	struct status *status = calloc(1, sizeof(*status));
	struct consumers_sum sum;

	if (status == NULL)
		return NULL;
	status_read(status, web->config, web->report, web->opened, wall_s, STATUS_ALL & ~STATUS_CONSUMERS);
	if (web->report != NULL && status_readable(status)) {
		consumers_sum(web, &status->list, wall_s, &sum);
		status->fetched.known = sum.known;
		/* Of a list that is not published nobody is behind. */
		status->fetched.behind = status->published.state == PUBLISHED_YES ? sum.behind : 0;
		status->fetched.newest_s = sum.newest_s;
	}
	if (aside_enter(&web->aside, ASIDE_RISK, 0)) {
		status->at_risk = web->aside.risk.summary.likely;
		status->at_risk_of = web->aside.risk.summary.candidates;
		status->at_risk_s = web->aside.risk.summary.at_s;
		aside_leave(&web->aside);
	}
	return status;
}
