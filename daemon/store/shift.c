/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shift.c - time between two runs: was the clock set meanwhile, and by how much?
 *
 * Of the same boot the kernel's own clock tells how long it was.  A clock that differs by less than the longest term is
 * followed slowly (steady.h); one that differs by more was plainly wrong, before or now, and then all terms are moved with it,
 * so that whatever is listed stays listed for as long as it had to go.
 */
#include <stdlib.h>

#include "store_int.h"

#define SHIFT_STEP_US 2000000LL		/* less is how clocks are disciplined */

/* Everything that is compared with now.  ? is by how many seconds, no time goes below zero. */
static const char *const shift_sql[] = {
	"UPDATE listing SET term = max(0, (term >> 32) + ?1) << 32 | CASE WHEN term & 4294967295 = 0 THEN 0 ELSE"
	    " max(1, (term & 4294967295) + ?1) END, seen = max(0, (seen >> 32) + ?1) << 32 | max(0, (seen & 4294967295) + ?1),"
	    " changed_s = max(0, changed_s + ?1)",
	"UPDATE listing_host SET term = max(0, (term >> 32) + ?1) << 32 | CASE WHEN term & 4294967295 = 0 THEN 0 ELSE"
	    " max(1, (term & 4294967295) + ?1) END, seen = max(0, (seen >> 32) + ?1) << 32 | max(0, (seen & 4294967295) + ?1),"
	    " changed_s = max(0, changed_s + ?1)",
	"UPDATE paused SET since_s = max(0, since_s + ?1),"
	    " expires_s = CASE WHEN expires_s = 0 THEN 0 ELSE max(1, expires_s + ?1) END,"
	    " hand_s = CASE WHEN hand_s = 0 THEN 0 ELSE max(1, hand_s + ?1) END",
	"UPDATE list_change SET time_us = max(0, time_us + ?1 * 1000000), since_s = max(0, since_s + ?1),"
	    " expires_s = CASE WHEN expires_s = 0 THEN 0 ELSE max(1, expires_s + ?1) END,"
	    " first_seen_s = max(0, first_seen_s + ?1), last_seen_s = max(0, last_seen_s + ?1)",
	"UPDATE sender SET first_seen_s = max(0, first_seen_s + ?1),"
	    " listed_s = CASE WHEN listed_s > 0 THEN max(1, listed_s + ?1) ELSE listed_s END,"
	    " expires_s = CASE WHEN expires_s > 0 THEN max(1, expires_s + ?1) ELSE expires_s END,"
	    " climbed_s = CASE WHEN climbed_s > 0 THEN max(1, climbed_s + ?1) ELSE climbed_s END",
	"UPDATE memory SET memory_at_s = max(0, memory_at_s + ?1)",
	"UPDATE allow SET expires_s = max(1, expires_s + ?1) WHERE expires_s <> 0",
	"UPDATE by_hand SET expires_s = max(1, expires_s + ?1) WHERE expires_s <> 0",
	"UPDATE correspondent SET answered_s = max(0, answered_s + ?1)",
	"UPDATE foreign_sender SET until_s = max(0, until_s + ?1)",
	"UPDATE attempt SET time_us = max(0, time_us + ?1 * 1000000)",
	"UPDATE visit SET start_us = max(0, start_us + ?1 * 1000000)",
	"UPDATE evidence SET time_us = max(0, time_us + ?1 * 1000000), visit_us = max(0, visit_us + ?1 * 1000000)",
	"UPDATE note SET time_us = max(0, time_us + ?1 * 1000000)",
	"UPDATE segment SET last_us = max(0, last_us + ?1 * 1000000)",
	/* enum doubt_row_kind: ends, blind, (drops: gone with the minute they are of), real, alarm. */
	"DELETE FROM doubt WHERE kind = 2",
	"UPDATE doubt SET a = CASE WHEN kind IN (0, 1) AND a > 0 THEN max(1, a + ?1 * 1000000) ELSE a END,"
	    " b = CASE WHEN kind IN (0, 1, 4) AND b > 0 THEN max(1, b + ?1 * 1000000) ELSE b END,"
	    " c = CASE WHEN kind IN (0, 3) AND c > 0 THEN max(1, c + ?1 * 1000000) ELSE c END,"
	    " d = CASE WHEN kind = 0 AND d > 0 THEN max(1, d + ?1 * 1000000) ELSE d END",
	"UPDATE meta SET created_s = max(0, created_s + ?1), changed_s = max(0, changed_s + ?1)",
};

void
shift_look(struct store *s, int64_t boot_us, int64_t wall_us)
{
	const struct beat *last = &s->last;
	int64_t expected, step;

	if (!s->last_known || last->now_us == 0)
		return;
	if (!beat_same_boot(last, boot_us)) {
		/* Without a clock of its own a host begins anywhere in the past. */
		if (wall_us < last->now_us - SHIFT_STEP_US)
			s->resume_us = last->now_us;
		return;
	}
	expected = last->now_us + (boot_us - last->boot_us);
	step = wall_us - expected;
	if (llabs(step) > STORE_TERM_US)
		s->shift_s = step / 60000000 * 60;	/* full minutes: what is listed ends with one */
	else if (llabs(step) > SHIFT_STEP_US)
		s->resume_us = expected;
}

bool
shift_terms(struct store *s)
{
	bool ok;

	if (s->shift_s == 0)
		return true;
	log_warnx("the clock was moved by %lld days: every term is moved with it, and consumers fetch the whole list",
	    (long long)(s->shift_s / 86400));
	ok = database_exec(s, "BEGIN IMMEDIATE");
	for (size_t i = 0; ok && i < sizeof shift_sql / sizeof shift_sql[0]; i++) {
		sqlite3_stmt *stmt = NULL;

		ok = sqlite3_prepare_v2(s->db, shift_sql[i], -1, &stmt, NULL) == SQLITE_OK;
		if (ok) {
			sqlite3_bind_int64(stmt, 1, s->shift_s);
			ok = sqlite3_step(stmt) == SQLITE_DONE;
		}
		sqlite3_finalize(stmt);
	}
	return database_exec(s, ok ? "COMMIT" : "ROLLBACK") && ok;
}
