/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event.c - how a taken-back piece of evidence is told as an event: no field of its own, so that the
 * store and a replay need to know nothing of it.
 */
#include "mxtrap/event.h"

#include <string.h>

void
event_take_back(struct event *e, const struct take_back *b)
{
	uint32_t score, hint;

	memcpy(&score, &b->score, sizeof(score));
	memcpy(&hint, &b->hint, sizeof(hint));
	e->kind = EVENT_TAKE_BACK;
	e->what = sender_prefix(b->sender);
	e->target = UINT32_MAX;
	e->port = b->set;
	e->expires_s = b->kind | (uint32_t)b->grade << 8 | (uint32_t)b->last << 16;
	e->since_us = b->evidence_us;
	e->value = (int64_t)((uint64_t)score << 32 | hint);
}

void
take_back_of(const struct event *e, struct take_back *b)
{
	uint32_t score = (uint32_t)((uint64_t)e->value >> 32), hint = (uint32_t)e->value;

	*b = (struct take_back){
		.sender = addr_sender(&e->what.addr), .evidence_us = e->since_us, .set = e->port,
		.kind = e->expires_s & 0xff, .grade = e->expires_s >> 8 & 0xff, .last = (e->expires_s >> 16 & 1) != 0,
	};
	memcpy(&b->score, &score, sizeof(score));
	memcpy(&b->hint, &hint, sizeof(hint));
}

static const char *const PROBE_RESULTS[PROBE_N_RESULTS] = {
	[PROBE_OK] = "ok", [PROBE_REFUSED] = "refused", [PROBE_SILENT] = "silent", [PROBE_MUTE] = "mute",
	[PROBE_DEFERS] = "defers", [PROBE_REJECTS] = "rejects",
};

const char *
probe_result_name(enum probe_result result)
{
	return result < PROBE_N_RESULTS ? PROBE_RESULTS[result] : "unknown";
}
