/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_finals.c - the thousand senders whose mail is most likely at risk, by their own rows alone.
 *
 * All senders are walked once, page by page; a heap keeps the best: bounded, however
 * many there are.
 */
#include "report_finals.h"

#include "mxtrap/risk.h"
#include "mxtrap/sender.h"

#define ROWS_AT_ONCE 65536		/* looked at in one read transaction */

#define CANDIDATE_KINDS (1U << EVIDENCE_GAVE_UP | 1U << EVIDENCE_DECOYS_ONLY | 1U << EVIDENCE_REACHED_REAL)

/* What the sender's row alone says: enough to choose whose story is read. */
static float
promise_of(const struct sender_row *r)
{
	float p = 0;
	uint32_t span = r->last_seen_s - r->first_seen_s;

	p += (r->kinds & CANDIDATE_KINDS) != 0 ? 1.0f : 0;
	p += (r->flags & SENDER_PROVEN) != 0 ? 2.0f : 0;
	p += span >= RISK_QUEUE_LEAST_S ? 2.0f : 0;
	p += span >= 3600 ? 1.0f : 0;
	p += (float)SENDER_CAPS_GAVE_UP(r->caps);	/* twice, an hour apart at least */
	p -= (r->kinds & (1U << EVIDENCE_BACKUP_FIRST | 1U << EVIDENCE_IMPATIENT)) != 0 ? 2.0f : 0;
	p -= r->klass != CLASS_SENDER ? 4.0f : 0;
	/* Of equals, who came last. */
	return p + (float)(r->last_seen_s >> 6) / (float)(1U << 27);
}

static bool
is_candidate(const struct sender_row *r)
{
	if ((r->flags & (SENDER_REAL | SENDER_OURS)) != 0 || r->state == STATE_ALLOWED ||
	    (r->kinds & (1U << EVIDENCE_CLIMBED | 1U << EVIDENCE_DESCENDED)) != 0)
		return false;
	/* Of who has no such kind, whoever came back: an attempt refused at the real MX leaves none. */
	return (r->kinds & CANDIDATE_KINDS) != 0 || r->last_seen_s - r->first_seen_s >= RISK_QUEUE_LEAST_S;
}

static void
sink_down(struct finals *f, size_t i)
{
	for (;;) {
		size_t least = i;

		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < f->n; k++)
			if (f->at[k].promise < f->at[least].promise)
				least = k;
		if (least == i)
			return;
		struct finalist swap = f->at[i];

		f->at[i] = f->at[least];
		f->at[least] = swap;
		i = least;
	}
}

static void
consider(struct finals *f, const struct sender_row *row)
{
	struct finalist new = { .row = *row };
	size_t i;

	f->considered++;
	if (!is_candidate(row))
		return;
	f->candidates++;
	new.promise = promise_of(row);
	if (f->n == RISK_FINALISTS) {
		if (new.promise <= f->at[0].promise)
			return;
		f->at[0] = new;
		sink_down(f, 0);
		return;
	}
	for (i = f->n++; i > 0 && f->at[(i - 1) / 2].promise > new.promise; i = (i - 1) / 2)
		f->at[i] = f->at[(i - 1) / 2];
	f->at[i] = new;
}

static bool
read_row(sqlite3_stmt *stmt, struct sender_row *r)
{
	int64_t last_s;

	if (!row_seconds(stmt, 1) || !row_within(stmt, 2, -ROW_TIME_MAX_S, ROW_TIME_MAX_S))
		return false;
	last_s = sqlite3_column_int64(stmt, 1) + sqlite3_column_int64(stmt, 2);
	if (last_s < 0 || last_s > ROW_TIME_MAX_S || !row_within(stmt, 3, 0, UINT16_MAX) ||
	    !row_within(stmt, 4, 0, STATE_N - 1) || !row_within(stmt, 5, 0, CLASS_SCANNER) || !row_within(stmt, 6, 0, UINT8_MAX) ||
	    !row_within(stmt, 7, 0, UINT8_MAX))
		return false;
	*r = (struct sender_row){
		.key = (sender_key)sqlite3_column_int64(stmt, 0), .first_seen_s = (uint32_t)sqlite3_column_int64(stmt, 1),
		.kinds = (uint16_t)sqlite3_column_int(stmt, 3), .state = (uint8_t)sqlite3_column_int(stmt, 4),
		.klass = (uint8_t)sqlite3_column_int(stmt, 5), .flags = (uint8_t)sqlite3_column_int(stmt, 6),
		.caps = (uint8_t)sqlite3_column_int(stmt, 7),
	};
	r->last_seen_s = (uint32_t)last_s;
	return true;
}

enum report_result
finals_choose(struct report *r, struct finals *f)
{
	enum report_result result = REPORT_OK;
	int64_t after = INT64_MIN;
	bool more = true;

	while (more && result == REPORT_OK) {
		sqlite3_stmt *stmt;
		struct sender_row row = { 0 };
		unsigned n = 0;
		int rc = SQLITE_DONE;

		if ((result = report_enter(r)) != REPORT_OK)
			return result;
		stmt = report_ask(r, READ_RISK_PAGE);
		sqlite3_bind_int64(stmt, 1, after);
		while (n < ROWS_AT_ONCE && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
			after = sqlite3_column_int64(stmt, 0);
			n++;
			if (read_row(stmt, &row) || report_bad_row(r, "sender"))
				consider(f, &row);
		}
		sqlite3_reset(stmt);
		more = n == ROWS_AT_ONCE;
		result = report_failed(r, rc);
		report_leave(r);
	}
	return result;
}
