/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store.h - the write side of the database: one thread writes, the caller never waits for a disk.
 *
 * Rows from struct sink go through a bounded queue to the writer thread.  Rows of
 * list_change are committed first, within 20 ms, synchronous=FULL, one serial a
 * transaction; all else within 1 s, synchronous=NORMAL.  Live, a full queue loses
 * the row and counts it; a replay waits.  A full disk stops storing, not watching.
 */
#ifndef MXTRAP_STORE_H
#define MXTRAP_STORE_H

#include "mxtrap/event.h"
#include "mxtrap/sink.h"

struct ladder;
struct store;

enum store_open {
	STORE_OK,
	STORE_NEWER,		/* written by a newer mxtrap: untouched */
	STORE_FAILED,		/* said why */
};

struct store_options {
	const char *dir;		/* mxtrap.db lives here; made if missing, 0750 */
	const struct ladder *ladder;	/* copied into the database: readers need names */
	bool	    replay;		/* wait for room instead of losing rows */
	uint32_t    retention_attempts_s;
	uint32_t    half_life_s;	/* of evidence: for senders that the trap has forgotten */
	uint64_t    max_bytes;
	/* Called in the writer thread after a commit that moved the serial; may be NULL. */
	void (*moved)(void *ctx, uint64_t generation, uint64_t serial);
	void	   *ctx;
};

struct store_counters {			/* a snapshot */
	uint64_t rows_written, rows_lost, commits, write_errors;
	uint64_t uncounted;		/* attempts at targets whose senders are not counted apart (rung_day) */
	uint64_t rows_dropped;		/* before their time, because the database was at its size */
	uint64_t queue, queue_max;
	uint64_t generation, serial;
	uint64_t bytes;
	uint64_t rows_bad;		/* that were read back and cannot be true: skipped */
	/* fresh: made by this open, and nothing is known of any sender; was_corrupt: what could be saved of a damaged one is in it,
	 * list_lost: but not who was listed. */
	bool	 disk_full, fresh, was_corrupt, list_lost;
	int64_t	 created_s;
	int64_t	 rewritten_s;		/* its file was removed while it was open, and written again then; 0: it was not */
};

/* The file at the path, beside the one that is open. */
enum store_file {
	STORE_FILE_OPEN,		/* is that one */
	STORE_FILE_REMOVED,		/* there is none: it is being written again, nothing else is written meanwhile */
	STORE_FILE_REPLACED,		/* is another one: close, open again */
	STORE_FILE_DAMAGED,		/* is that one, and is damaged: close, open again */
};

/* Open or make the database, migrate, start the writer.  A corrupt one is set aside and a new one begun with what can be saved
 * (was_corrupt).  *out only on STORE_OK. */
enum store_open store_open(struct store **out, const struct store_options *);
/* Write what is queued, checkpoint, stop. */
void store_close(struct store *);
/* The sink whose calls queue rows here. */
struct sink store_sink(struct store *);
/*
 * List changes that belong together: one transaction, one serial, behind those told before and ahead of
 * those told after.  Takes rows (from malloc) when it returns true; false: the last such batch is still
 * under way.
 */
bool store_together(struct store *, struct change_row *rows, size_t n);
/* Is no such batch under way? */
bool store_together_done(const struct store *);
/* How many pieces of evidence, events and notes fit in now without loss. */
size_t store_keep_room(const struct store *);
/* How many sender snapshots fit in now without loss: ask before trap_flush(). */
size_t store_sender_room(const struct store *);
/* Store an event as applied (EVENT_TICK is not stored). */
void store_event(struct store *, const struct event *, const char *who, const char *note);
#define STORE_ALLOW_REMOVE 1U		/* as expires_s: take the entry away (ADMIN_WITHDRAW) */
/* Add an allow entry or remove one, and an audit row; durable when this returns true (waits at most
 * 2 s for the writer). */
bool store_allow(struct store *, const struct prefix *, uint32_t expires_s, const char *who, const char *note);
/* The same of an entry that is listed by hand. */
bool store_hand(struct store *, const struct prefix *, uint32_t expires_s, const char *who, const char *note);
/* An audit row of what is forgotten, durable likewise. */
bool store_forget(struct store *, int64_t time_us, const char *who, const struct prefix *, const char *note);
/* An audit row, durable likewise. */
bool store_audit(struct store *, int64_t time_us, const char *who, const char *what, const struct prefix *,
    const char *note);
/* A token of the API by its SHA-256, and an audit row, durable likewise.  False also: there is one of that name. */
bool store_token(struct store *, const uint8_t hash[static 32], const char *name, const char *scope, uint32_t expires_s,
    const char *who);
/* Take the one of this name away, and what it fetched, with an audit row, durable likewise.  False also: there is none. */
bool store_token_gone(struct store *, const char *name, const char *who);
/* A consumer came: its row, written within a second.  At most STORE_CONSUMERS wait; the caller tells again. */
#define STORE_CONSUMERS 64
void store_consumer(struct store *, const struct consumer_row *);
/* Is there any?  False on error, too: said why. */
bool store_has_token(struct store *);
/* Whose token has this hash, and is good at now_s?  False: nobody's.  Reads the disk. */
bool store_token_of(struct store *, const uint8_t hash[static 32], int64_t now_s, char name[static 32], char scope[static 32]);
/* Counters and health as name/value, replaced each second; also the clock that readers live by. */
void store_status(struct store *, const char *name, const char *value);
/* In a replay: the time at which it ended; readers tell the state at that time.  0: the wall clock. */
void store_clock(struct store *, int64_t now_us);
void store_counters(struct store *, struct store_counters *out);
/* What became of the file; looked at ten times a second.  After the last two nothing is written any more. */
enum store_file store_file(const struct store *);
/* A reader found it damaged: it is looked at within a second. */
void store_suspect(struct store *);
/* Each second: watch lives, and by its own time it is now. */
void store_beat(struct store *, int64_t now_us);
/* The time that watch's own clock goes on from, because the clock was set since the last run, or is behind; 0: the wall's.
 * *shift_s: by how much the terms were moved at this open. */
int64_t store_resume_us(const struct store *, int64_t *shift_s);
/* How many list changes were put so far; and are as many committed, so that every reader sees them? */
uint64_t store_list_put(const struct store *);
bool store_list_in(const struct store *, uint64_t put);
/* Wait until everything queued so far is committed.  False: it could not be. */
bool store_sync(struct store *);

/* Before the writer has work: hand back every row, in key order.  A callback returning false ends it. */
bool store_each_sender(struct store *, bool (*each)(void *, const struct sender_row *), void *ctx);
bool store_each_memory(struct store *, bool (*each)(void *, const struct memory_row *), void *ctx);
bool store_each_correspondent(struct store *, bool (*each)(void *, sender_key, uint32_t answered_s), void *ctx);
bool store_each_foreign(struct store *, bool (*each)(void *, sender_key, uint32_t until_s), void *ctx);
bool store_each_doubt(struct store *, bool (*each)(void *, const struct doubt_row *), void *ctx);
/* The newest, at most so many, oldest first. */
bool store_each_evidence(struct store *, size_t most, bool (*each)(void *, const struct evidence_row *), void *ctx);
bool store_each_hand(struct store *, bool (*each)(void *, const struct prefix *, uint32_t expires_s), void *ctx);
bool store_each_allow(struct store *, bool (*each)(void *, const struct prefix *, uint32_t expires_s), void *ctx);

#endif
