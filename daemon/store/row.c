/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * row.c - what a stored row may hold.
 */
#include "row.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "mxtrap/log.h"
#include "mxtrap/mxset.h"

bool
row_bad(struct row_faults *f, const char *path, const char *of)
{
	if (atomic_fetch_add(&f->n, 1) == 0)
		log_warnx("DATABASE [%s] holds a row of %s that cannot be true: it is skipped, and others like it are counted; "
		    "is the disk sound?", path, of);
	return false;
}

bool
row_points(sqlite3_stmt *s, int at)
{
	int type = sqlite3_column_type(s, at);
	double v;

	if (type != SQLITE_FLOAT && type != SQLITE_INTEGER)
		return false;
	v = sqlite3_column_double(s, at);
	return isfinite(v) && fabs(v) <= ROW_POINTS_MAX;
}

bool
row_route(sqlite3_stmt *s, int at)
{
	if (!row_within(s, at, 0, ROW_ROUTE_MAX))
		return false;
	for (int digits = sqlite3_column_int(s, at); digits > 0; digits /= 10)
		if (digits % 10 < 1 || digits % 10 > ROLE_CONTROL + 1)
			return false;
	return true;
}

bool
row_prefix(sqlite3_stmt *s, int blob, int len, struct prefix *out)
{
	struct prefix p, clean;

	if (sqlite3_column_type(s, blob) != SQLITE_BLOB || sqlite3_column_bytes(s, blob) != 16 || !row_within(s, len, 0, 128))
		return false;
	memcpy(p.addr.b, sqlite3_column_blob(s, blob), 16);
	p.len = (uint8_t)sqlite3_column_int(s, len);
	clean = prefix_of(&p.addr, p.len);
	if (!addr_equal(&clean.addr, &p.addr))
		return false;
	*out = p;
	return true;
}

/* How long is the character that begins here; 0: it is none. */
static size_t
utf8_char(const unsigned char *p, size_t n)
{
	size_t more = p[0] < 0x80 ? 0 : p[0] >= 0xc2 && p[0] < 0xe0 ? 1 : (p[0] & 0xf0) == 0xe0 ? 2 : p[0] >= 0xf0 && p[0] < 0xf5 ? 3 : 4;

	if (more == 4 || more >= n || p[0] == 0)
		return 0;
	for (size_t i = 1; i <= more; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what is behind U+10FFFF. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return more + 1;
}

bool
row_utf8(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;

	for (size_t at = 0, k; at < n; at += k)
		if ((k = utf8_char(p + at, n - at)) == 0)
			return false;
	return true;
}

bool
row_text(sqlite3_stmt *s, int at, bool optional, char *to, size_t size)
{
	const unsigned char *text;
	size_t n, kept = 0;

	to[0] = '\0';
	if (sqlite3_column_type(s, at) == SQLITE_NULL)
		return optional;
	if (sqlite3_column_type(s, at) != SQLITE_TEXT || (text = sqlite3_column_text(s, at)) == NULL)
		return false;
	n = (size_t)sqlite3_column_bytes(s, at);
	for (size_t i = 0, k; i < n; i += k) {
		if ((k = utf8_char(text + i, n - i)) == 0)
			return false;
		if (kept == i && i + k < size)
			kept = i + k;
	}
	memcpy(to, text, kept);
	to[kept] = '\0';
	return true;
}

/* The text, with a '?' for each byte that is none of it. */
static void
put_words(const char *text, size_t n, char *to, size_t size)
{
	size_t kept = 0;

	for (size_t i = 0, k; i < n; i += k) {
		size_t whole = utf8_char((const unsigned char *)text + i, n - i);

		k = whole == 0 ? 1 : whole;
		if (kept + k >= size)
			break;
		if (whole == 0)
			to[kept] = '?';
		else
			memcpy(to + kept, text + i, k);
		kept += k;
	}
	to[kept] = '\0';
}

bool
row_words(sqlite3_stmt *s, int at, bool optional, char *to, size_t size)
{
	const char *text;

	to[0] = '\0';
	if (sqlite3_column_type(s, at) == SQLITE_NULL)
		return optional;
	if (sqlite3_column_type(s, at) != SQLITE_TEXT || (text = (const char *)sqlite3_column_text(s, at)) == NULL)
		return false;
	put_words(text, (size_t)sqlite3_column_bytes(s, at), to, size);
	return true;
}

void
row_bind_text(sqlite3_stmt *s, int at, const char *text)
{
	char words[1024];

	if (text == NULL || row_utf8(text, strlen(text))) {
		sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
		return;
	}
	put_words(text, strlen(text), words, sizeof words);
	sqlite3_bind_text(s, at, words, -1, SQLITE_TRANSIENT);
}

bool
row_listing(int64_t sums, uint64_t marks, uint64_t term, int64_t changed_s)
{
	double score = (double)(int32_t)(sums >> 32) / 1000.0, hint = (double)(int32_t)sums / 1000.0;
	unsigned state = marks & 15;

	if (state != STATE_SUSPECT && state != STATE_LISTED && state != STATE_ALLOWED)
		return false;
	if ((marks >> 4 & 15) > GRADE_ACCEPTED || (marks >> 8 & 255) > CLASS_SCANNER || marks >> 40 != 0)
		return false;
	if (fabs(score) > ROW_POINTS_MAX || fabs(hint) > ROW_POINTS_MAX || changed_s < 0 || changed_s > ROW_TIME_MAX_S)
		return false;
	/* Who is listed is listed for a time. */
	return state != STATE_LISTED || (int64_t)(term & UINT32_MAX) <= changed_s + ROW_LISTED_MOST_S;
}

bool
row_sender(sqlite3_stmt *s, struct sender_row *row)
{
	static const struct { int at; int64_t most; bool optional; } columns[] = {
		{ 1, ROW_TIME_MAX_S, false }, { 7, ROW_TIME_MAX_S, true }, { 8, ROW_TIME_MAX_S, true },
		{ 9, ROW_TIME_MAX_S, true }, { 10, UINT16_MAX, true }, { 11, UINT32_MAX, true },
		{ 12, STATE_N - 1, true }, { 13, CLASS_SCANNER, true }, { 14, GRADE_ACCEPTED, true }, { 15, UINT8_MAX, true },
		{ 16, UINT8_MAX, true }, { 17, UINT8_MAX, true }, { 18, UINT32_MAX, true },
	};
	int64_t first, last, sums;

	for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
		if (!row_within(s, columns[i].at, 0, columns[i].most) &&
		    !(columns[i].optional && sqlite3_column_type(s, columns[i].at) == SQLITE_NULL))
			return false;
	for (int at = 4; at <= 6; at++)
		if (sqlite3_column_type(s, at) != SQLITE_NULL && !row_within(s, at, -(int64_t)ROW_POINTS_MAX * 1000,
		    (int64_t)ROW_POINTS_MAX * 1000))
			return false;
	/* Times told from another: sums may be newer than the last touch. */
	for (int at = 2; at <= 3; at++)
		if (sqlite3_column_type(s, at) != SQLITE_NULL && !row_within(s, at, -ROW_TIME_MAX_S, ROW_TIME_MAX_S))
			return false;
	first = sqlite3_column_int64(s, 1);
	last = first + sqlite3_column_int64(s, 2);
	sums = last - sqlite3_column_int64(s, 3);
	if (last < 0 || last > ROW_TIME_MAX_S || sums < 0 || sums > ROW_TIME_MAX_S)
		return false;
	memset(row, 0, sizeof *row);
	row->key = (sender_key)sqlite3_column_int64(s, 0);
	row->first_seen_s = (uint32_t)first;
	row->last_seen_s = (uint32_t)last;
	if (sqlite3_column_type(s, 3) != SQLITE_NULL)
		row->sums_at_s = (uint32_t)sums;
	row->score = (float)sqlite3_column_int(s, 4) / 1000.0f;
	row->hint = (float)sqlite3_column_int(s, 5) / 1000.0f;
	row->blame = (float)sqlite3_column_int(s, 6) / 1000.0f;
	row->listed_since_s = (uint32_t)sqlite3_column_int64(s, 7);
	row->expires_s = (uint32_t)sqlite3_column_int64(s, 8);
	row->climbed_at_s = (uint32_t)sqlite3_column_int64(s, 9);
	row->kinds = (uint16_t)sqlite3_column_int(s, 10);
	row->state = (uint8_t)sqlite3_column_int(s, 12);
	row->klass = (uint8_t)sqlite3_column_int(s, 13);
	row->grade = (uint8_t)sqlite3_column_int(s, 14);
	row->flags = (uint8_t)sqlite3_column_int(s, 15);
	row->caps = (uint8_t)sqlite3_column_int(s, 16);
	row->relapses = (uint8_t)sqlite3_column_int(s, 17);
	row->sets = (uint32_t)sqlite3_column_int64(s, 18);
	return true;
}
