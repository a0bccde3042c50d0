/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_entry.c - rows as entries, sums decayed to now; and what is known of one sender.
 */
#include <string.h>

#include "mxtrap/sender.h"
#include "report_int.h"

struct addr
report_addr(sender_key key, uint64_t host)
{
	uint8_t b[16];

	if (sender_is_v4(key)) {
		for (int i = 0; i < 4; i++)
			b[i] = (uint8_t)(key >> (24 - 8 * i));
		return addr_from_v4(b);
	}
	for (int i = 0; i < 8; i++) {
		b[i] = (uint8_t)(key >> (56 - 8 * i));
		b[8 + i] = (uint8_t)(host >> (56 - 8 * i));
	}
	return addr_from_v6(b);
}

struct prefix
report_what(sender_key key, uint64_t host, int len)
{
	return (struct prefix){ .addr = report_addr(key, host), .len = (uint8_t)len };
}

bool
report_bad_row(struct report *r, const char *of)
{
	return row_bad(&r->faults, r->path, of);
}

static void
unpack_term(uint64_t term, uint64_t marks, struct report_entry *e)
{
	e->since_s = (int64_t)(term >> 32);
	e->expires_s = (int64_t)(term & UINT32_MAX);
	e->kinds = (uint16_t)(marks >> 24);
	e->state = (uint8_t)(marks & 15);
	e->grade = (uint8_t)(marks >> 4 & 15);
	e->klass = (uint8_t)(marks >> 8);
	e->relapses = 0;
	/* Each relapse doubles the term. */
	for (uint64_t days = marks >> 16 & 255; days > 1; days /= 2)
		e->relapses++;
}

bool
report_listing_entry(struct report *r, sqlite3_stmt *stmt, sender_key key, int64_t now_s, struct report_entry *e)
{
	uint64_t term = (uint64_t)sqlite3_column_int64(stmt, 0), seen = (uint64_t)sqlite3_column_int64(stmt, 1);
	uint64_t marks = (uint64_t)sqlite3_column_int64(stmt, 3);
	int64_t sums = sqlite3_column_int64(stmt, 2), changed_s = sqlite3_column_int64(stmt, 4), age;

	if (!row_listing(sums, marks, term, changed_s))
		return report_bad_row(r, "listing");
	age = now_s - changed_s;
	unpack_term(term, marks, e);
	e->key = key;
	e->first_seen_s = (int64_t)(seen >> 32);
	e->last_seen_s = (int64_t)(seen & UINT32_MAX);
	e->score = judge_decay(&r->params, (float)(int32_t)(sums >> 32) / 1000.0f, age);
	e->hint = judge_decay(&r->params, (float)(int32_t)sums / 1000.0f, age);
	return true;
}

bool
report_bare_entry(struct report *r, sqlite3_stmt *stmt, sender_key key, struct report_entry *e)
{
	uint64_t term = (uint64_t)sqlite3_column_int64(stmt, 0), marks = (uint64_t)sqlite3_column_int64(stmt, 1);

	if (!row_listing(0, marks, term, sqlite3_column_int64(stmt, 3)))
		return report_bad_row(r, "listing");
	*e = (struct report_entry){ .key = key };
	unpack_term(term, marks, e);
	return true;
}

enum report_result
report_listing(struct report *r, sender_key key, const uint64_t *host, int64_t now_s, struct report_entry *out)
{
	sqlite3_stmt *stmt = report_ask(r, host != NULL ? READ_CHECK_HOST : READ_CHECK);
	int rc;

	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)key);
	if (host != NULL)
		sqlite3_bind_int64(stmt, 2, (sqlite3_int64)*host);
	if ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!report_listing_entry(r, stmt, key, now_s, out)) {
			sqlite3_reset(stmt);
			return REPORT_NONE;
		}
		out->what = host != NULL ? report_what(key, *host, 128) : sender_prefix(key);
	}
	sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? REPORT_NONE : report_failed(r, rc);
}

bool
report_sender_entry(struct report *r, sqlite3_stmt *stmt, int64_t now_s, struct report_entry *e)
{
	struct sender_row row;
	int64_t age;

	if (!row_sender(stmt, &row))
		return report_bad_row(r, "sender");
	age = row.sums_at_s != 0 ? now_s - row.sums_at_s : 0;
	*e = (struct report_entry){
		.what = sender_prefix(row.key), .key = row.key,
		.score = judge_decay(&r->params, row.score, age), .hint = judge_decay(&r->params, row.hint, age),
		.first_seen_s = row.first_seen_s, .last_seen_s = row.last_seen_s,
		.kinds = row.kinds, .klass = row.klass, .grade = row.grade, .relapses = row.relapses,
	};
	e->state = (uint8_t)judge_state(&r->params, e->score, e->hint);
	/* Listed is what the list says, not what the sums say. */
	if (e->state > STATE_SUSPECT)
		e->state = STATE_SUSPECT;
	return true;
}

/* The listing that tells of this address: its sender's, its own, or one of its /64's. */
static enum report_result
sender_listing(struct report *r, const struct addr *addr, int64_t now_s, struct report_entry *out)
{
	sender_key key = addr_sender(addr);
	uint64_t host = addr_host(addr);
	enum report_result result = report_listing(r, key, NULL, now_s, out);
	sqlite3_stmt *stmt;
	bool any = false;
	int rc;

	if (result == REPORT_OK && report_open_at(out, now_s))
		return REPORT_OK;
	if (sender_is_v4(key) || (result != REPORT_OK && result != REPORT_NONE))
		return result == REPORT_OK ? REPORT_NONE : result;
	result = report_listing(r, key, &host, now_s, out);
	if (result == REPORT_OK && report_open_at(out, now_s))
		return REPORT_OK;
	/* Another address of this sender, if one is on the list: that is what the sender is known for. */
	stmt = report_ask(r, READ_HOST_PAGE);
	sqlite3_bind_int64(stmt, 1, (int64_t)key - 1);
	sqlite3_bind_int64(stmt, 2, (int64_t)key);
	sqlite3_bind_int64(stmt, 3, INT64_MAX);
	while (!any && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!report_listing_entry(r, stmt, key, now_s, out))
			continue;
		out->what = report_what(key, (uint64_t)sqlite3_column_int64(stmt, 6), 128);
		any = report_open_at(out, now_s);
	}
	sqlite3_reset(stmt);
	if (any)
		return REPORT_OK;
	return rc == SQLITE_DONE ? REPORT_NONE : report_failed(r, rc);
}

enum report_result
report_completed(struct report *r, sender_key key, bool *completed)
{
	enum report_result result = report_enter(r);
	struct sender_row row;
	sqlite3_stmt *stmt;
	int rc;

	*completed = false;
	if (result != REPORT_OK)
		return result;
	stmt = report_ask(r, READ_SENDER);
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)key);
	if ((rc = sqlite3_step(stmt)) == SQLITE_ROW && (row_sender(stmt, &row) || report_bad_row(r, "sender"))) {
		/* A climb is told by its time, too: databases of before the flag have nothing else. */
		*completed = (row.flags & SENDER_REAL) != 0 || row.climbed_at_s != 0;
	}
	sqlite3_reset(stmt);
	result = report_failed(r, rc);
	report_leave(r);
	return result;
}

enum report_result
report_sender(struct report *r, const struct addr *addr, int64_t now_s, struct report_entry *out)
{
	struct report_entry listed = { .state = STATE_UNKNOWN };
	enum report_result result;
	sqlite3_stmt *stmt;
	bool known;
	int rc;

	if ((result = report_enter(r)) != REPORT_OK)
		return result;
	now_s = report_now(r, now_s);
	stmt = report_ask(r, READ_SENDER);
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)addr_sender(addr));
	rc = sqlite3_step(stmt);
	known = rc == SQLITE_ROW && report_sender_entry(r, stmt, now_s, out);
	sqlite3_reset(stmt);
	result = (rc == SQLITE_ROW || rc == SQLITE_DONE) ? sender_listing(r, addr, now_s, &listed) : report_failed(r, rc);
	report_leave(r);
	if (result == REPORT_NONE)
		return known ? REPORT_OK : REPORT_NONE;
	if (result != REPORT_OK)
		return result;
	if (!known) {
		*out = listed;
		return REPORT_OK;
	}
	out->what = listed.what;
	out->state = listed.state;
	out->since_s = listed.since_s;
	out->expires_s = listed.expires_s;
	out->kinds |= listed.kinds;
	return REPORT_OK;
}
