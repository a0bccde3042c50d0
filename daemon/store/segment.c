/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * segment.c - finding a sender's rows without an index that grows on a random key.
 *
 * Rows get ids counted up.  When SEGMENT_ROWS of a table are in, the segment is
 * sorted by sender and its index appended, a chunk of entries a row, a slice at a time;
 * the row in `segment` that makes readers use it comes last, in the same transaction as
 * its last chunk.  Readers scan what lies behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "store_int.h"

#define SEGMENT_CAP (4 * SEGMENT_ROWS)

static const char *const segment_rows_sql[SEGMENT_OF_N] = {
	[SEGMENT_ATTEMPT] = "SELECT id, sender, time_us FROM attempt WHERE id > ? ORDER BY id",
	[SEGMENT_VISIT] = "SELECT id, sender, start_us FROM visit WHERE id > ? ORDER BY id",
	[SEGMENT_EVIDENCE] = "SELECT id, sender, time_us FROM evidence WHERE id > ? ORDER BY id",
	[SEGMENT_CHANGE] = "SELECT id, sender, time_us FROM list_change WHERE id > ? ORDER BY id",
};

/* Read back the rows that no segment has indexed. */
static bool
segment_load(struct store *s, enum segment_of of)
{
	struct segment *g = &s->segments[of];
	sqlite3_stmt *stmt = s->stmts[WRITE_SEGMENT_NEWEST];
	int64_t last_id = 0;
	int rc;

	g->number = 1;
	sqlite3_bind_int(stmt, 1, (int)of);
	if (sqlite3_step(stmt) == SQLITE_ROW && row_within(stmt, 0, 0, 1LL << 39) && row_within(stmt, 1, 0, 1LL << 55)) {
		g->number = sqlite3_column_int64(stmt, 0) + 1;
		last_id = sqlite3_column_int64(stmt, 1);
	}
	sqlite3_reset(stmt);
	/* Chunks of a segment that was not finished. */
	sqlite3_bind_int64(s->stmts[WRITE_SEGMENT_CHUNK_DELETE], 1, segment_chunk_id(of, g->number, 0));
	sqlite3_bind_int64(s->stmts[WRITE_SEGMENT_CHUNK_DELETE], 2, segment_chunk_id(of + 1, 0, 0));
	if (!database_run(s, WRITE_SEGMENT_CHUNK_DELETE))
		return false;

	g->next_id = last_id + 1;
	if (sqlite3_prepare_v2(s->db, segment_rows_sql[of], -1, &stmt, NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_int64(stmt, 1, last_id);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (g->n == g->cap) {
			struct sort_item *more = realloc(g->pending, 2 * g->cap * sizeof *more);

			if (more == NULL)
				break;
			g->pending = more;
			g->cap *= 2;
		}
		g->pending[g->n].at = (uint64_t)sqlite3_column_int64(stmt, 0);
		g->pending[g->n++].key = sort_key((uint64_t)sqlite3_column_int64(stmt, 1));
		g->next_id = sqlite3_column_int64(stmt, 0) + 1;
		if (sqlite3_column_int64(stmt, 2) > g->last_us)
			g->last_us = sqlite3_column_int64(stmt, 2);
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE;
}

bool
segment_open(struct store *s)
{
	for (enum segment_of of = SEGMENT_ATTEMPT; of < SEGMENT_OF_N; of++) {
		struct segment *g = &s->segments[of];

		*g = (struct segment){ .cap = SEGMENT_CAP };
		g->pending = malloc(g->cap * sizeof *g->pending);
		if (g->pending == NULL || !segment_load(s, of))
			return false;
	}
	return true;
}

void
segment_close(struct store *s)
{
	for (enum segment_of of = SEGMENT_ATTEMPT; of < SEGMENT_OF_N; of++) {
		free(s->segments[of].pending);
		sort_free(&s->segments[of].sorted);
		s->segments[of] = (struct segment){ 0 };
	}
}

int64_t
segment_add(struct store *s, enum segment_of of, sender_key key, int64_t time_us)
{
	struct segment *g = &s->segments[of];

	g->pending[g->n].key = sort_key(key);
	g->pending[g->n++].at = (uint64_t)g->next_id;
	if (time_us > g->last_us)
		g->last_us = time_us;
	return g->next_id++;
}

bool
segment_reserve(struct store *s, enum segment_of of, size_t n)
{
	struct segment *g = &s->segments[of];
	struct sort_item *more;

	if (n <= g->cap - g->n)
		return true;
	more = realloc(g->pending, (g->n + n) * sizeof *more);
	if (more == NULL)
		return false;
	g->pending = more;
	g->cap = g->n + n;
	return true;
}

bool
segment_full(const struct store *s)
{
	for (enum segment_of of = SEGMENT_ATTEMPT; of < SEGMENT_OF_N; of++)
		if (s->segments[of].n + WRITE_ATTEMPTS_TOGETHER > s->segments[of].cap)
			return true;
	return false;
}

bool
segment_cut(struct store *s)
{
	for (enum segment_of of = SEGMENT_ATTEMPT; of < SEGMENT_OF_N; of++) {
		struct segment *g = &s->segments[of];

		if (g->indexing || g->n < SEGMENT_ROWS)
			continue;
		if (!sort_begin(&g->sorted, SEGMENT_ROWS))
			return false;
		memcpy(g->sorted.items, g->pending, SEGMENT_ROWS * sizeof *g->pending);
		g->closed_first = (int64_t)g->pending[0].at;
		g->closed_last = (int64_t)g->pending[SEGMENT_ROWS - 1].at;
		g->closed_us = g->last_us;
		g->n -= SEGMENT_ROWS;
		memmove(g->pending, g->pending + SEGMENT_ROWS, g->n * sizeof *g->pending);
		while (!sort_step(&g->sorted))
			;
		g->n_indexed = 0;
		g->indexing = true;
	}
	return true;
}

bool
segment_due(const struct store *s)
{
	for (enum segment_of of = SEGMENT_ATTEMPT; of < SEGMENT_OF_N; of++)
		if (s->segments[of].indexing || s->segments[of].n >= SEGMENT_ROWS)
			return true;
	return false;
}

static bool
segment_finish(struct store *s, enum segment_of of)
{
	struct segment *g = &s->segments[of];
	sqlite3_stmt *stmt = s->stmts[WRITE_SEGMENT];
	unsigned char fences[SEGMENT_CHUNKS * SEGMENT_FENCE];

	for (size_t i = 0; i < SEGMENT_CHUNKS; i++)
		segment_store_key(fences + i * SEGMENT_FENCE, g->sorted.items[i * SEGMENT_CHUNK].key);
	sqlite3_bind_int(stmt, 1, (int)of);
	sqlite3_bind_int64(stmt, 2, g->number);
	sqlite3_bind_int64(stmt, 3, g->closed_first);
	sqlite3_bind_int64(stmt, 4, g->closed_last);
	sqlite3_bind_int64(stmt, 5, g->closed_us);
	sqlite3_bind_blob(stmt, 6, fences, sizeof fences, SQLITE_STATIC);
	if (!database_run(s, WRITE_SEGMENT))
		return false;
	g->number++;
	g->indexing = false;
	return true;
}

/* The next chunk of the segment that is being indexed. */
static bool
segment_put_chunk(struct store *s, enum segment_of of)
{
	struct segment *g = &s->segments[of];
	sqlite3_stmt *stmt = s->stmts[WRITE_SEGMENT_CHUNK];
	unsigned char entries[SEGMENT_CHUNK * SEGMENT_ENTRY], *p = entries;

	for (size_t i = 0; i < SEGMENT_CHUNK; i++, p += SEGMENT_ENTRY) {
		const struct sort_item *item = &g->sorted.items[g->n_indexed + i];
		uint64_t id = item->at - (uint64_t)g->closed_first;

		segment_store_key(p, item->key);
		p[8] = (unsigned char)(id >> 8);
		p[9] = (unsigned char)id;
	}
	sqlite3_bind_int64(stmt, 1, segment_chunk_id(of, g->number, g->n_indexed / SEGMENT_CHUNK));
	sqlite3_bind_blob(stmt, 2, entries, sizeof entries, SQLITE_STATIC);
	if (!database_run(s, WRITE_SEGMENT_CHUNK))
		return false;
	g->n_indexed += SEGMENT_CHUNK;
	return true;
}

bool
segment_index(struct store *s, int64_t deadline_us)
{
	for (enum segment_of of = SEGMENT_ATTEMPT; of < SEGMENT_OF_N; of++) {
		struct segment *g = &s->segments[of];

		if (!g->indexing)
			continue;
		while (g->n_indexed < g->sorted.n) {
			if (!segment_put_chunk(s, of))
				return false;
			if (store_mono_us() > deadline_us)
				return true;
		}
		if (!segment_finish(s, of))
			return false;
	}
	return true;
}

void
segment_note(const struct store *s, struct segment_mark marks[static SEGMENT_OF_N])
{
	for (enum segment_of of = SEGMENT_ATTEMPT; of < SEGMENT_OF_N; of++) {
		const struct segment *g = &s->segments[of];

		marks[of] = (struct segment_mark){ .next_id = g->next_id, .number = g->number, .last_us = g->last_us,
			.n = g->n, .n_indexed = g->n_indexed, .indexing = g->indexing };
	}
}

void
segment_rewind(struct store *s, const struct segment_mark marks[static SEGMENT_OF_N])
{
	for (enum segment_of of = SEGMENT_ATTEMPT; of < SEGMENT_OF_N; of++) {
		struct segment *g = &s->segments[of];

		g->next_id = marks[of].next_id;
		g->number = marks[of].number;
		g->last_us = marks[of].last_us;
		g->n = marks[of].n;
		g->n_indexed = marks[of].n_indexed;
		g->indexing = marks[of].indexing;
	}
}
