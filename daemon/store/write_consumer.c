/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * write_consumer.c - tokens, and who fetches the list with them: the writer's part.
 */
#include "mxtrap/store.h"

#include <string.h>

#include "store_int.h"

enum token_written
write_token(struct store *s, const struct admin *a)
{
	sqlite3_stmt *stmt;

	if (a->token == TOKEN_REVOKE) {
		sqlite3_bind_text(s->stmts[WRITE_TOKEN_DELETE], 1, a->note, -1, SQLITE_STATIC);
		if (!database_run(s, WRITE_TOKEN_DELETE))
			return TOKEN_FAILED;
		if (sqlite3_changes(s->db) == 0)
			return TOKEN_REFUSED;
		/* What is still shown of a consumer has a token that opens something. */
		sqlite3_bind_text(s->stmts[WRITE_CONSUMER_GONE], 1, a->note, -1, SQLITE_STATIC);
		return database_run(s, WRITE_CONSUMER_GONE) ? TOKEN_WRITTEN : TOKEN_FAILED;
	}
	stmt = s->stmts[WRITE_TOKEN];
	sqlite3_bind_text(stmt, 1, a->note, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, a->scope, -1, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 3, a->hash, sizeof a->hash, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 4, a->time_us / 1000000);
	sqlite3_bind_int64(stmt, 5, a->expires_s);
	if (!database_run(s, WRITE_TOKEN))
		return TOKEN_FAILED;
	return sqlite3_changes(s->db) != 0 ? TOKEN_WRITTEN : TOKEN_REFUSED;	/* there is one of that name */
}

static bool
write_consumer(struct store *s, const struct consumer_row *c)
{
	sqlite3_stmt *stmt = s->stmts[WRITE_CONSUMER];

	row_bind_text(stmt, 1, c->who);
	row_bind_text(stmt, 2, c->what);
	row_bind_text(stmt, 3, c->agent);
	sqlite3_bind_int64(stmt, 4, c->first_s);
	sqlite3_bind_int64(stmt, 5, c->last_s);
	sqlite3_bind_int64(stmt, 6, (int64_t)c->n);
	sqlite3_bind_int64(stmt, 7, (int64_t)c->generation);
	sqlite3_bind_int64(stmt, 8, (int64_t)c->serial);
	sqlite3_bind_int64(stmt, 9, (int64_t)c->before);
	return database_run(s, WRITE_CONSUMER);
}

bool
write_consumers(struct store *s)
{
	struct consumer_row rows[STORE_CONSUMERS];
	size_t n;

	pthread_mutex_lock(&s->mutex);
	n = s->n_consumers;
	memcpy(rows, s->consumers, n * sizeof rows[0]);
	s->n_consumers = 0;
	atomic_store(&s->consumers_wait, false);
	pthread_mutex_unlock(&s->mutex);
	for (size_t i = 0; i < n; i++)
		if (!write_consumer(s, &rows[i]))
			return false;	/* it comes again, and its row is told whole */
	return database_run(s, WRITE_CONSUMER_OLD);
}

void
store_consumer(struct store *s, const struct consumer_row *row)
{
	size_t i = 0;

	pthread_mutex_lock(&s->mutex);
	while (i < s->n_consumers && (strcmp(s->consumers[i].who, row->who) != 0 || strcmp(s->consumers[i].what, row->what) != 0))
		i++;
	if (i < STORE_CONSUMERS) {
		s->consumers[i] = *row;
		if (i == s->n_consumers)
			s->n_consumers++;
		atomic_store(&s->consumers_wait, true);
	}
	pthread_mutex_unlock(&s->mutex);
}
