/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_int.h - what the writer's parts share; nobody outside daemon/store reads it.
 *
 * The producer (the watch thread) touches the rings, the status table and the
 * requests; everything else belongs to the writer thread once it runs.
 */
#ifndef MXTRAP_STORE_INT_H
#define MXTRAP_STORE_INT_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "mxtrap/beat.h"
#include "mxtrap/judge.h"
#include "mxtrap/log.h"
#include "mxtrap/mxset.h"
#include "mxtrap/store.h"
#include "ring.h"
#include "rollup.h"
#include "row.h"
#include "segment.h"
#include "sort.h"

#define STORE_FILE	      "mxtrap.db"
#define STORE_APPLICATION_ID  0x4d585452	/* "MXTR" */
#define STORE_PAGE_BYTES      4096
#define STORE_SLICE_US	      20000	/* list changes never wait longer for other work */
#define STORE_SLICE_LEAST_US  1000
#define STORE_SLICE_REPLAY_US 500000
#define STORE_GROUP_US	      5000	/* list changes are gathered this long */
#define STORE_DELAY_US	      250000	/* other rows at most this long, then they are written */
#define STORE_RETRY_US	      1000000	/* after an error */
#define STORE_TIDY_FIRST_US   (30 * 1000000LL)
#define STORE_ADMIN_S	      2
#define STORE_MAX_STATUS      512
#define STORE_TERM_US	      (30 * 86400 * 1000000LL)	/* the longest term: a clock that differs by more was wrong */
#define STORE_FINGERPRINTS    65535	/* rows of the dictionary, at most */

enum write_statement {
#define WRITE(name, sql) WRITE_##name,
#include "../../sql/statements.def"
#undef WRITE
	WRITE_N
};

enum lane {
	LANE_LIST,		/* list changes: first, durable */
	LANE_KEEP,		/* evidence, events, notes, tallies, fingerprints */
	LANE_PLAIN,		/* attempts, visits: the first to go when storing stops */
	LANE_SENDER, LANE_MEMORY,	/* snapshots, written in key order */
	LANE_N
};

enum row_kind { ROW_ATTEMPT, ROW_VISIT, ROW_EVIDENCE, ROW_EVENT, ROW_NOTE, ROW_TALLY, ROW_FINGERPRINT, ROW_CORRESPONDENT,
	ROW_FOREIGN, ROW_CLEARED, ROW_DOUBT };

struct row {
	uint8_t kind;			/* enum row_kind */
	union {
		struct attempt_row  attempt;
		struct visit_row    visit;
		struct evidence_row evidence;
		struct note_row	    note;
		struct tally_row    tally;
		struct doubt_row    doubt;
		struct {
			struct event event;
			char *who, *note;	/* owned, or NULL */
		} event;
		struct {
			sender_key key;
			uint32_t answered_s;
		} correspondent;
		struct {
			sender_key key;
			uint32_t until_s;
		} foreign;
		struct {
			uint32_t day_s;
			uint64_t n;
		} cleared;
		struct {
			struct fingerprint fp;
			int64_t	 time_us;
			uint16_t id;
		} fingerprint;
	} u;
};

struct segment {			/* the open segment of one table */
	int64_t	 next_id;
	int64_t	 number;		/* of the segment being filled */
	struct sort_item *pending;	/* owned; rows not indexed yet, by id */
	size_t	 n, cap;
	int64_t	 last_us;		/* newest time in it */
	struct sort sorted;		/* the segment being indexed */
	size_t	 n_indexed;		/* items of it that are in */
	int64_t	 closed_first, closed_last, closed_us;	/* that segment */
	bool	 indexing;
};

struct segment_mark {			/* to go back to when a transaction fails */
	int64_t next_id, number, last_us;
	size_t	n, n_indexed;
	bool	indexing;
};

struct snapshot {			/* one batch of a snapshot lane on its way */
	struct sort sort;
	uint64_t taken;			/* records of the ring that are in it; 0: none */
	size_t	 at, written;		/* committed so far; and with what is under way */
	bool	 sorted;
};

enum admin_stage { ADMIN_FREE, ADMIN_ASKED, ADMIN_TAKEN, ADMIN_DONE };

struct admin {				/* a decision that somebody waits for */
	enum admin_stage stage;
	bool	      abandoned;	/* nobody waits any more */
	bool	      ok;
	bool	      allow;		/* an allow entry too */
	bool	      hand;		/* or one by hand */
	bool	      ends_hand;	/* whatever was listed by hand there is no longer */
	bool	      about;		/* what is set */
	enum { TOKEN_NONE, TOKEN_ADD, TOKEN_REVOKE } token;	/* named by note */
	uint8_t	      hash[32];
	char	      scope[32];
	struct prefix what;
	uint32_t      expires_s;
	int64_t	      time_us;
	char	      who[128], action[64], note[512];
};

struct batch {				/* list changes that share one serial */
	struct change_row *rows;	/* owned while waiting */
	size_t	 n;
	uint64_t at;			/* what was put into LANE_LIST before this goes before */
	_Atomic bool waiting;		/* the writer's, until it is false again */
};

struct checkpoint {
	sqlite3	*db;			/* a handle of its own */
	pthread_t thread;
	pthread_cond_t wanted;		/* with the store's mutex */
	bool	 tried, runs, stop;
	int	 log_fd;		/* the log, to hurry it to the disk */
	_Atomic bool busy;		/* asked for, and not done yet */
	_Atomic int64_t emptied;	/* pages of the log, all of which are in; 0: not all were */
	unsigned again;			/* the writer's: asked for once more */
	unsigned asked;			/* the writer's: how often */
};

struct file_id {			/* all zero: there is none */
	dev_t	 dev;
	ino_t	 ino;
};

struct guard {				/* of the file, against others (database_guard.c) */
	_Atomic int file;		/* enum store_file, as watch may see it */
	_Atomic bool suspect;		/* a reader found damage */
	enum store_file found;		/* nothing is written unless STORE_FILE_OPEN */
	bool	 on;			/* not in a replay */
	struct file_id parts[3];	/* of the database, its log and the log's index, as they are open */
	int64_t	 looked_us, checked_us, found_us, retry_at_us, rewritten_us;
	int64_t	 sound_at_us;		/* no check before */
	unsigned asked;			/* checkpoints, at the last look */
	struct timespec changed;	/* the file, by its own word, at the last look */
	off_t	 size;
	struct stat there;		/* STORE_FILE_REPLACED: the file, at the last look */
	sqlite3	*to;			/* the copy under way */
	sqlite3_backup *backup;
	struct log_rate rate;
};

struct room {				/* senders that go because the database is at its size */
	int64_t	 event_id;		/* what may go begins behind it */
	int64_t	 key, age_s;		/* how far the walk is; 0: none is under way */
	uint64_t freed;
	bool	 memories;
};

struct reserve {			/* of the disk; the writer's */
	int	 fd;			/* -1: none */
	int64_t	 bytes, given_back;
	int64_t	 look_at_us;
	bool	 used;			/* the disk was full, and has no room yet */
};

struct status_entry {
	char name[64], value[256];
	bool dirty;
};

struct seen {				/* counts waiting to be added to a row */
	int64_t	 last_us;
	uint32_t n;
};

struct store {
	char	*dir, *path;		/* owned */
	bool	 replay;
	uint32_t retention_attempts_s, half_life_s;
	int64_t	 max_pages, bulk_pages;	/* 0: no cap; bulk leaves some for the list */
	void   (*moved)(void *ctx, uint64_t generation, uint64_t serial);
	void	*moved_ctx;
	int	 lock_fd;
	size_t	 n_targets;

	struct ring lanes[LANE_N];	/* put by the producer */
	struct batch batch;

	/* The writer's. */
	sqlite3	*db;
	sqlite3_stmt *stmts[WRITE_N];
	struct segment segments[SEGMENT_OF_N];
	struct snapshot snapshots[2];	/* LANE_SENDER, LANE_MEMORY */
	uint32_t fingerprints[65536];	/* the process's id to the dictionary's */
	int64_t	 next_fingerprint;
	struct seen fingerprints_seen[STORE_FINGERPRINTS + 1];
	struct seen *targets_seen;	/* owned; n_targets */
	bool	 any_seen;
	struct rollup rollup;
	_Atomic uint64_t generation;
	int64_t	 n_listed, n_suspect;
	int64_t	 newest_us;		/* newest time of any row: what retention goes by */
	int64_t	 bulk_at_us, retry_at_us, list_at_us, tidy_at_us;
	int64_t	 wal_pages, checkpoint_at;
	int64_t	 slice_us;		/* of rows, so that with its commit a slice takes no longer than it may */
	struct tidy {			/* retention in progress */
		unsigned step;
		int64_t	 key;
		unsigned segments;
		bool	 busy;
	} tidy;
	bool	 cap_hit;		/* our own bound on the size was reached: room is made */
	struct room room;
	struct reserve reserve;
	int64_t	 wal_look_us;		/* a reader keeps the log from beginning again: when to look; 0: none does */
	struct log_rate rate;
	struct row_faults faults;	/* of what was read back */

	bool	 keep_wanted, keep_failed;	/* keep.h */
	int64_t	 keep_at_us;
	uint64_t opened_mark;		/* of the run before, by the file itself */
	char	 why[256];		/* of an open that failed, as it was first; "": ask SQLite */
	int	 why_code;

	/* What this host knew of it before, and tells now (beat.h); not in a replay. */
	struct beat	last, beat;
	bool		last_known;
	int		beat_fd;	/* -1: none */
	pthread_mutex_t	beat_mutex;
	int64_t		resume_us, shift_s;

	struct checkpoint checkpoint;
	struct guard	guard;
	pthread_t	thread;
	bool		running;
	pthread_mutex_t mutex;		/* what follows */
	pthread_cond_t	wake, done;
	_Atomic bool	sleeping;
	bool		stop;
	_Atomic bool	want_clock;
	int64_t		clock_us;
	struct admin	admin;
	uint64_t	sync_wanted, sync_done;
	bool		sync_ok;
	struct consumer_row consumers[STORE_CONSUMERS];	/* that came and were not written */
	size_t		n_consumers;
	_Atomic bool	consumers_wait;
	struct status_entry *status;	/* owned */
	size_t		n_status;
	_Atomic bool	status_dirty;

	_Atomic uint64_t uncounted;		/* attempts whose target has no sketch */
	_Atomic uint64_t rows_written, rows_lost, rows_dropped, commits, write_errors, queue_max, serial, bytes;
	_Atomic bool	 disk_full;
	_Atomic bool	 changes_lost;	/* list changes were lost: the list must be named anew */
	_Atomic int64_t	 rewritten_s;
	bool		 fresh, was_corrupt, list_lost;
	int64_t		 created_s;
};

/* database_check.c: may the file be used? */
enum database_look { LOOK_FRESH, LOOK_OURS, LOOK_NEWER, LOOK_FOREIGN, LOOK_CORRUPT, LOOK_ERROR };
int database_newest(void);		/* the newest user_version that this program knows */
enum database_look database_look(const char *path);
/* What was written to this file, or the names in this folder (O_DIRECTORY), outlive the power.  False: errno says why. */
bool to_disk(const char *path, int open_flags);
/* Is it sound, as far as two seconds can tell? */
bool database_sound(struct store *);
/* Is every page and every index as it should be, as far as ten seconds can tell?  False also: not found out. */
bool database_whole(struct store *);
/* A name that nothing has, and move the file and its companions there. */
void database_aside_name(const struct store *, char *out, size_t size);
bool database_set_aside(struct store *, const char *aside);
/* The file alone, which was put in the place of the one that is open and is of no use (why). */
bool database_set_aside_one(struct store *, const char *why);

/* database.c: the file. */
enum store_open database_open(struct store *, const struct ladder *);
void database_close(struct store *);
bool database_exec(struct store *, const char *sql);
/* All prepared; step to the end, reset.  False: errno-like code in sqlite3_errcode(). */
bool database_run(struct store *, enum write_statement);
/* One integer from a statement that gives at most one row; -1: none. */
int64_t database_number(struct store *, enum write_statement);

/* From this version to the newest.  False: s->why. */
bool database_migrate(struct store *, int64_t from);
/* A name for a state of the list: random, not 0. */
int64_t database_generation(void);
/* Where somebody removed the lock's file: have another. */
void database_lock_again(struct store *);
/* The handle alone, with its statements: what the writer knows of the rows stays.  False: said why. */
bool database_connect(struct store *);
void database_disconnect(struct store *);

/* database_guard.c: is the file at the path the one that is open, and is that as we left it? */
void guard_begin(struct store *);
/* The writer's, each turn.  True: write; false: not now. */
bool guard_turn(struct store *, int64_t now_us, bool stop);
/* At once: may what is written now be called durable? */
bool guard_holds(struct store *);
/* Does this code of SQLite's say that the file is damaged? */
static inline bool
guard_is_damage(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB || code == SQLITE_IOERR_SHORT_READ ||
	    code == SQLITE_IOERR_CORRUPTFS;
}
/* A statement found it damaged. */
void guard_damaged(struct store *, const char *why);
/* Behind the last use of the handle: close it so that whoever comes next finds only what belongs to the file that is there. */
void guard_end(struct store *);
/* At the start: what a file that was replaced left behind does not belong to the one that is there now.  False: said why. */
bool guard_tidy(struct store *);
/* Did the run before this one lose the log of the file that is there (BEAT_LOG)? */
bool guard_was_damaged(const struct store *);

/* database_inside.c: is what is open as we left it? */
/* Is all there that the last commit left in the log? */
bool inside_log(const struct store *);
/* What its first bytes, or the log's, say against it; NULL: nothing.  Costs some microseconds. */
const char *inside_head(struct store *);
/* The same, and a check of all of it if another program wrote to it or a reader found damage.  False: why. */
bool inside_look(struct store *, const struct stat *now, char why[static BEAT_TEXT_SIZE]);

/* database_again.c: the file is written again, from the handle that is open. */
/* Some of it.  True: it is at its place, and the handle is of it.  False: not yet (STORE_FILE_REMOVED), or found says what. */
bool again_step(struct store *, int64_t now_us);
void again_stop(struct store *);
/* The log and its index at the path: ours go, others' are set aside. */
bool again_clear(const struct store *, const struct file_id ours[static 3]);

/* The cap on pages: of max-size a sixteenth is kept for the list, and a quarter of that for decisions and the status. */
enum database_cap { CAP_ROWS, CAP_LIST, CAP_ALL };
void database_cap(struct store *, enum database_cap);
/* A number for a generation: random, 63 bits, never 0. */
int64_t database_generation(void);
/* A new generation: consumers must fetch all. */
bool database_rename(struct store *);

/* write_rows.c: one row each; the transaction is the caller's.  False: sqlite3_errcode(). */
bool write_row(struct store *, const struct row *);
/* As many attempts as one statement takes. */
#define WRITE_ATTEMPTS_TOGETHER 8
bool write_attempts(struct store *, const struct row *const rows[static WRITE_ATTEMPTS_TOGETHER]);
bool write_sender(struct store *, const struct sender_row *);
/* As many at once as one statement takes: a third less time each. */
#define WRITE_TOGETHER 4
bool write_senders(struct store *, const struct sender_row *const rows[static WRITE_TOGETHER]);
bool write_memory(struct store *, const struct memory_row *);
bool write_memories(struct store *, const struct memory_row *const rows[static WRITE_TOGETHER]);
/* Sightings gathered since the last call. */
bool write_seen(struct store *);
/* Forget them: their attempts were rolled back. */
void write_unseen(struct store *);
bool write_status(struct store *);
/* What it wrote was rolled back. */
void write_unstatus(struct store *);
/* write_consumer.c */
enum token_written { TOKEN_WRITTEN, TOKEN_REFUSED, TOKEN_FAILED };
enum token_written write_token(struct store *, const struct admin *);
bool write_consumers(struct store *);
void row_release(struct store *, struct row *, bool lost);

/* write_list.c: the list's lane and the operator's decisions. */
/* One transaction of what waits in LANE_LIST, or of the batch, with one serial.  False: nothing could be written. */
bool write_list(struct store *);
/* Does any change wait to be written? */
static inline bool
list_waits(const struct store *s)
{
	return ring_used(&s->lanes[LANE_LIST]) != 0 || atomic_load(&s->batch.waiting);
}
bool write_admin(struct store *, const struct admin *);

/* segment.c */
bool segment_open(struct store *);
void segment_close(struct store *);
/* Note a row that is about to be inserted; its id. */
int64_t segment_add(struct store *, enum segment_of, sender_key, int64_t time_us);
/* Make room for n more rows of one table.  False: no memory. */
bool segment_reserve(struct store *, enum segment_of, size_t n);
/* Is there no room for some more rows? */
bool segment_full(const struct store *);
/* Outside a transaction: begin to index what is full.  False: no memory. */
bool segment_cut(struct store *);
/* Is there indexing to do? */
bool segment_due(const struct store *);
/* Do some of it, until deadline.  False: sqlite3_errcode(). */
bool segment_index(struct store *, int64_t deadline_us);
void segment_note(const struct store *, struct segment_mark marks[static SEGMENT_OF_N]);
void segment_rewind(struct store *, const struct segment_mark marks[static SEGMENT_OF_N]);

/* retention.c */
/* A bounded bit of tidying in its own transaction.  True: there is more to do. */
bool retention_step(struct store *);
struct oldest { int64_t number, first_id, last_id, last_us; };	/* a segment */
/* False: there is none. */
bool retention_oldest(struct store *, enum segment_of, struct oldest *);
/* One segment with its rows and index, in one transaction. */
bool retention_drop(struct store *, enum segment_of, const struct oldest *);
/* A statement that deletes what is older than a time, in one transaction; how many went. */
int retention_before(struct store *, enum write_statement, int64_t before);
/* Events up to this time may be missing. */
bool retention_inputs(struct store *, int64_t time_us);

/* room.c */
/* At the size: a bounded bit of what goes first.  False: nothing may go, or it failed (write_errors). */
bool room_step(struct store *);

/* reserve.c */
void reserve_begin(struct store *);
void reserve_end(struct store *);
/* The disk is full: its room is free now.  False: there was none. */
bool reserve_give_back(struct store *);
/* Is the disk still too full for rows that can wait?  Looks each second. */
bool reserve_in_use(struct store *, int64_t now_us);

/* checkpoint.c: live, a thread of its own. */
void checkpoint_stop(struct store *);
/* The log, where it is known to be ours: right behind the open. */
void checkpoint_open_log(struct store *);
/* Begin one, or do it here where there is no such thread. */
void checkpoint_ask(struct store *);
/* Other rows were committed without waiting for the disk: have it begin with them, so that the next change of the list
 * need not wait for all of them. */
void checkpoint_push(struct store *);
/* Did list changes come in while the last of the log was written?  Then it cannot begin anew yet: asked again. */
bool checkpoint_again(struct store *);
static inline bool
checkpoint_busy(const struct store *s)
{
	return atomic_load(&s->checkpoint.busy);
}

/* snapshot.c: the lanes of senders and memories, written in key order. */
/* Outside a transaction: take what waits and sort a bit of it.  True: there is something to write. */
bool snapshot_prepare(struct store *, bool due);
bool snapshot_waits(const struct store *);
/* Write until deadline.  False: sqlite3_errcode(). */
bool snapshot_write(struct store *, int64_t deadline_us);
/* After the commit (or the failure) of what snapshot_write() did. */
void snapshot_settle(struct store *, bool committed);
/* Forget what was taken: the lane is about to be trimmed. */
void snapshot_forget(struct store *);

/* shift.c: the clock between the last run and this one. */
/* Sets resume_us or shift_s. */
void shift_look(struct store *, int64_t boot_us, int64_t wall_us);
/* Move the terms by shift_s, before anything is read back.  False: sqlite3_errcode(). */
bool shift_terms(struct store *);

/* store_beat.c: what readers and the next start see beside the database. */
void beat_begin(struct store *);
/* The list's generation and serial are as they are now. */
void beat_list(struct store *, bool closed);
/* Which file is open (guard.parts): readers follow it. */
void beat_file(struct store *);
void beat_trouble(struct store *, enum beat_trouble, const char *text);
/* Before and after a salvage: readers see that it is at work. */
void beat_salvage(struct store *, bool begins);
void beat_end(struct store *);

/* writer.c: the thread. */
/* Time is up, or a list change waits. */
bool writer_hurry(struct store *, int64_t deadline_us);
void *writer_main(void *store);
/* Of each commit, how long the log is now: of a handle that was just opened. */
void writer_follow(struct store *);
/* A write failed: rolled back, counted, said, tried again in a second. */
void writer_failed(struct store *, const char *doing);
int64_t store_mono_us(void);		/* monotonic */
int64_t store_wall_us(void);

static inline int
bind_key(sqlite3_stmt *s, int at, sender_key key)
{
	return sqlite3_bind_int64(s, at, (sqlite3_int64)key);
}

#endif
