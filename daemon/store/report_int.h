/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_int.h - what the reader's parts share; nobody outside daemon/store reads it.
 *
 * Every question is asked between report_enter() and report_leave().  Inside, one read
 * transaction is open and nobody else uses the handle; a callback may ask another
 * question (not the same one) and sees the same state.
 */
#ifndef MXTRAP_REPORT_INT_H
#define MXTRAP_REPORT_INT_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "mxtrap/beat.h"
#include "mxtrap/log.h"
#include "mxtrap/report.h"
#include "row.h"

#define REPORT_HOLD_US	   50000	/* a read transaction is kept this long for many look-ups */
#define REPORT_SNAPSHOT_US 1500000	/* a long one is begun anew, at the same serial, after this */
#define REPORT_WALK_US	   8000	/* a page with a bound on what is looked at ends then, too */
#define REPORT_PAGE	   4096		/* entries gathered before a callback is called */

enum read_statement {
#define READ(name, sql) READ_##name,
#include "../../sql/statements.def"
#undef READ
	READ_N
};

struct report {
	char	    *path;		/* owned */
	bool	     walks;		/* opened by report_open_walk() */
	sqlite3	    *db;
	sqlite3_stmt *stmts[READ_N];
	char	    *dir;		/* owned */
	struct beat  beat;		/* as it was read last */
	int64_t	     beat_us;		/* when, by report_mono_us(); 0: never */
	bool	     beat_known;
	_Atomic bool damaged;
	struct judge_params params;
	char	     error[256];
	struct row_faults faults;
	dev_t	     dev;		/* of the file that is open */
	ino_t	     ino;
	int64_t	     looked_us;		/* when it was last seen to be that file */
	bool	     copy;		/* opened as a bare copy that nobody writes (backup_lacks_log()) */

	pthread_mutex_t mutex;		/* recursive */
	unsigned	depth;		/* questions being asked, one inside another */
	bool		inside;		/* a read transaction is open */
	int64_t		begun_us;
	bool		clock_known;	/* clock_s was read in this transaction */
	int64_t		clock_s;
	/* Held for report_check(): */
	pthread_t	let_go;
	pthread_cond_t	held;
	bool		holder_runs, holding, closing;
	int64_t		checked_us;
	unsigned	brisk;		/* checks in close succession */
	/* Mail at risk, gathered at most every half minute. */
	struct report_risk *risks;	/* owned */
	size_t		n_risks;
	struct report_risk_summary risk_summary;
	int64_t		risked_us;
};

/* Begin to ask: REPORT_OK, and then report_leave() must follow; else nothing was taken. */
enum report_result report_enter(struct report *);
void report_leave(struct report *);
/* End the read transaction and begin another, at the newest state. */
enum report_result report_again(struct report *);
/* What SQLite's answer means; REPORT_OK for SQLITE_DONE and SQLITE_ROW.  Keeps the text. */
enum report_result report_failed(struct report *, int rc);
int64_t report_mono_us(void);

static inline sqlite3_stmt *
report_ask(struct report *r, enum read_statement s)
{
	return r->stmts[s];
}

/* report_story.c: of a sender, what closed segments hold; and of all, what no segment has indexed yet. */
enum report_result report_closed(struct report *, sender_key, size_t limit, bool (*visit)(void *, const struct visit_row *),
    bool (*attempt)(void *, const struct report_attempt *), void *ctx);
enum report_result report_open_end(struct report *, bool (*visit)(void *, const struct visit_row *),
    bool (*attempt)(void *, sender_key, const struct report_attempt *), void *ctx);
/* An address from its sender and its lower half. */
struct addr report_addr(sender_key, uint64_t host);
/* A prefix as the database holds it. */
struct prefix report_what(sender_key, uint64_t host, int len);
/* Who may never, or must, be listed, by whose word: columns 0 addr, 1 len, 2 expires_s, 3 who, 4 note, 5 added_s. */
struct report_kept {
	struct prefix what;
	int64_t	 expires_s, added_s;
	char	 who[128], note[512];
};
bool report_kept(struct report *, sqlite3_stmt *, const char *of, struct report_kept *out);
/* A row of this handle that cannot be true (row.h).  Returns false. */
bool report_bad_row(struct report *, const char *of);
/*
 * report_entry.c: an entry from columns 0 (term) to 4 (changed_s) of listing, sums as of now; `what` is left alone.
 * False, here and below: the row cannot be true; counted, nothing is in *out.
 */
bool report_listing_entry(struct report *, sqlite3_stmt *, sender_key, int64_t now_s, struct report_entry *out);
/* Of a row of READ_LISTING_BARE. */
bool report_bare_entry(struct report *, sqlite3_stmt *, sender_key, struct report_entry *);
/* A sender's own record, sums and state as of now. */
bool report_sender_entry(struct report *, sqlite3_stmt *, int64_t now_s, struct report_entry *out);
/* The listing row of this sender (host NULL) or of this one address, open at now or not.  REPORT_NONE: there is none. */
enum report_result report_listing(struct report *, sender_key, const uint64_t *host, int64_t now_s,
    struct report_entry *out);
/* report_list.c: does it match, but for what only a sender's own record says; and does that? */
bool report_matches(const struct report_filter *, uint32_t states, const struct report_entry *);
bool report_record_matches(struct report *, const struct report_filter *, const struct report_entry *, int *rc);
/* report_ordered.c: report_entries() by another order than that of addresses. */
enum report_result report_ordered(struct report *, const struct report_filter *, int64_t now_s, report_each_entry *, void *ctx);
/* Does the list say anything of it at now? */
static inline bool
report_open_at(const struct report_entry *e, int64_t now_s)
{
	return e->expires_s == 0 || e->expires_s > now_s;
}

#endif
